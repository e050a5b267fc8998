//! What the page may ask: the operations of the contract, by the names of `nox-api`'s catalogue, and the few commands below
//! that need the window.

use crate::{
    EngineLink, Shell,
    chosen::{self, Chosen, Purpose},
    given::{self, Given},
    links, quit,
    shell::{Outgoing, ShellEvent},
    subscribe::{Batch, Subscriptions},
    text,
    tray::TrayHost,
};
use nox_api::{
    ApiError, ErrorCode, NamedFiles, OPERATIONS, Operation, OperationKind,
    dto::{Caller, ExportFormat, Face},
};
use nox_domain::ids::{CommandId, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use specta::{Types, datatype::Function};
use std::path::PathBuf;
use tauri::{
    AppHandle, Manager, State, WebviewWindow, Wry,
    ipc::{Channel, Invoke, InvokeBody, InvokeResponseBody},
};
use uuid::Uuid;

/// What the desktop around Nox offers, for Settings and Help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, specta::Type)]
pub struct DesktopStatus {
    /// Whether the tray icon is seen; without it, closing the window quits.
    pub tray: TrayHost,
    /// Why notifications are not seen, in the system's words; none when they are, as far as known.
    pub notifications_problem: Option<String>,
}

/// Begins the pushes of this window, in place of those before. When it answers, they flow: a snapshot that is asked for
/// afterwards misses nothing.
///
/// # Errors
/// The engine cannot be opened.
#[tauri::command]
#[specta::specta]
pub async fn subscribe(
    window: WebviewWindow,
    engine: State<'_, EngineLink>,
    subscriptions: State<'_, Subscriptions>,
    pushes: Channel<Batch>,
) -> Result<(), ApiError> {
    subscriptions.begin(window.label(), &engine.api().await?, pushes);
    Ok(())
}

/// The page has taken in every batch up to this number.
#[tauri::command]
#[specta::specta]
pub fn acknowledge(window: WebviewWindow, subscriptions: State<'_, Subscriptions>, number: u32) {
    subscriptions.acknowledge(window.label(), number);
}

/// Begins or ends hearing a session's items and output.
#[tauri::command]
#[specta::specta]
pub fn watch(window: WebviewWindow, subscriptions: State<'_, Subscriptions>, session: SessionId, on: bool) {
    subscriptions.watch(window.label(), &session, on);
}

/// The page has painted its first place with data in it.
#[tauri::command]
#[specta::specta]
pub fn report_usable(engine: State<'_, EngineLink>) {
    engine.startup().page_is_usable();
}

/// The page listens to shell events from now on. Returns those it missed; call it after listening, on every load.
#[tauri::command]
#[specta::specta]
pub fn page_listens(app: AppHandle) -> Vec<ShellEvent> {
    app.state::<Outgoing>().listens()
}

/// The question whether to quit stands in the page.
#[tauri::command]
#[specta::specta]
pub fn quit_question_shown(app: AppHandle) {
    quit::question_shown(&app);
}

/// The person answered the question whether to quit.
#[tauri::command]
#[specta::specta]
pub fn answer_quit(app: AppHandle, leaves: bool) {
    quit::answered(&app, leaves);
}

/// Quits; asks first when runs are live.
#[tauri::command]
#[specta::specta]
pub fn quit_app(app: AppHandle) {
    quit::requested(&app);
}

/// Opens a web or mail address outside. The page has asked the person before.
///
/// # Errors
/// The link is refused, or the system has no program for it.
#[tauri::command]
#[specta::specta]
pub async fn open_link(link: String) -> Result<(), ApiError> {
    outside("link", move || links::open_link(&link)).await
}

/// Opens a folder, or a text file of the home; shows anything else in its folder.
///
/// # Errors
/// It is not there, or the system has no program for it.
#[tauri::command]
#[specta::specta]
pub async fn open_path(app: AppHandle, path: PathBuf) -> Result<(), ApiError> {
    outside("path", move || links::open_path(&app, app.state::<Shell>().home(), &path)).await
}

/// Shows a file or folder in the system's file manager.
///
/// # Errors
/// It is not there, or the system has no file manager.
#[tauri::command]
#[specta::specta]
pub async fn reveal_path(app: AppHandle, path: PathBuf) -> Result<(), ApiError> {
    outside("path", move || links::reveal_path(&app, &path)).await
}

/// Asks other programs, which may take their time: the window is drawn meanwhile.
async fn outside(
    field: &str,
    asks: impl FnOnce() -> crate::Result<()> + Send + 'static,
) -> Result<(), ApiError> {
    let asked = tauri::async_runtime::spawn_blocking(asks).await;
    asked
        .map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))?
        .map_err(|error| ApiError::new(ErrorCode::BadInput, text::plain(&error.to_string())).field(field))
}

/// The files that another program has copied, while they are pasted: their paths, or addresses of what is elsewhere. Of these
/// the page may have images read.
#[tauri::command]
#[specta::specta]
pub async fn copied_files(app: AppHandle) -> Vec<String> {
    given::copied(&app).await
}

/// Asks where a session with this title is to be exported to. Only there may the page have it written, once.
///
/// # Errors
/// The file has a name that cannot be said.
#[tauri::command]
#[specta::specta]
pub async fn choose_export(
    window: WebviewWindow,
    title: String,
    format: ExportFormat,
) -> Result<Option<String>, ApiError> {
    chosen::where_to_export(window, &title, format).await
}

/// Asks which file a session is to be imported from. Only that may the page have read, once.
///
/// # Errors
/// The file has a name that cannot be said.
#[tauri::command]
#[specta::specta]
pub async fn choose_import(window: WebviewWindow) -> Result<Option<String>, ApiError> {
    chosen::what_to_import(window).await
}

/// What the desktop around Nox offers.
#[tauri::command]
#[specta::specta]
pub async fn desktop_status(app: AppHandle) -> DesktopStatus {
    let shell = app.state::<Shell>();
    let notifications_problem = shell.notifications_problem().await;
    DesktopStatus { tray: shell.tray_host(), notifications_problem }
}

/// Calls `$callback!` with the commands of this file.
macro_rules! with_shell {
    ($($callback:tt)*) => {
        $($callback)*![
            subscribe,
            acknowledge,
            watch,
            report_usable,
            page_listens,
            quit_question_shown,
            answer_quit,
            quit_app,
            open_link,
            open_path,
            reveal_path,
            copied_files,
            choose_export,
            choose_import,
            desktop_status,
        ]
    };
}

/// The commands of this file as the page sees them.
pub(crate) fn shell_functions(types: &mut Types) -> Vec<Function> {
    with_shell!(specta::function::collect_functions)(types)
}

/// What Tauri calls for each message of the page.
pub(crate) type Handler = Box<dyn Fn(Invoke<Wry>) -> bool + Send + Sync>;

pub(crate) fn handler() -> Handler {
    let shell: Handler = Box::new(with_shell!(tauri::generate_handler));
    Box::new(move |invoke| {
        let asked = invoke.message.command();
        match OPERATIONS.iter().find(|known| known.name == asked) {
            Some(operation) => {
                operate(operation, invoke);
                true
            }
            None => shell(invoke),
        }
    })
}

/// What the page sends with an operation; commands have an id.
#[derive(Deserialize)]
struct Asked {
    command: Option<CommandId>,
    #[serde(default)]
    input: Value,
}

/// Does an operation of the contract. All of them go one way, so that there is no machinery for each.
fn operate(operation: &'static Operation, invoke: Invoke<Wry>) {
    let Invoke { message, resolver, .. } = invoke;
    resolver.respond_async_serialized(async move {
        // An image may be large: it is taken out of the message here, beside the window's own thread.
        let asked = match message.payload() {
            InvokeBody::Json(payload) => Asked::deserialize(payload).map_err(ApiError::not_understood)?,
            InvokeBody::Raw(_) => return Err(ApiError::not_understood("it is not JSON").into()),
        };
        let app = message.webview_ref().app_handle().clone();
        drop(message);
        let answer = answer(&app, operation, asked).await?;
        Ok(InvokeResponseBody::Json(Box::<str>::from(answer).into()))
    });
}

async fn answer(
    app: &AppHandle,
    operation: &'static Operation,
    asked: Asked,
) -> Result<Box<RawValue>, ApiError> {
    let &Operation { name, kind, files } = operation;
    let Asked { command, input } = asked;
    let command = match command {
        Some(command) => command,
        None if kind == OperationKind::Command => {
            return Err(ApiError::not_understood("the command has no id"));
        }
        None => CommandId::from_uuid(Uuid::now_v7()),
    };
    if let Some(files) = files {
        check_files(app, files, &input)?;
    }
    let engine = app.state::<EngineLink>();
    let caller = Caller { command, face: Face::Window, processes: vec![] };
    let answer = engine.api().await?.call(name, &caller, input).await;
    engine.startup().answered(name);
    answer
}

/// The page names no file by itself: what is read or written for it was chosen in a dialog or handed over.
fn check_files(app: &AppHandle, files: NamedFiles, input: &Value) -> Result<(), ApiError> {
    let paths = named(files, input)?;
    let (chosen, given) = (app.state::<Chosen>(), app.state::<Given>());
    paths.iter().try_for_each(|path| match files {
        NamedFiles::Export => chosen.take(Purpose::Export, path),
        NamedFiles::Import => chosen.take(Purpose::Import, path),
        NamedFiles::Image | NamedFiles::Things => given.check(path),
    })
}

/// The files that an input names, read where it lies.
fn named(files: NamedFiles, input: &Value) -> Result<Vec<&str>, ApiError> {
    #[derive(Deserialize)]
    struct One<'a> {
        path: &'a str,
    }

    #[derive(Deserialize)]
    struct Many<'a> {
        #[serde(borrow, default)]
        paths: Vec<&'a str>,
    }

    #[derive(Deserialize)]
    #[serde(tag = "from", rename_all = "snake_case")]
    enum Image<'a> {
        Bytes,
        File { path: &'a str },
    }

    let named = match files {
        NamedFiles::Export | NamedFiles::Import => One::deserialize(input).map(|one| vec![one.path]),
        NamedFiles::Image => Image::deserialize(input).map(|image| match image {
            Image::File { path } => vec![path],
            Image::Bytes => vec![],
        }),
        NamedFiles::Things => Many::deserialize(input).map(|many| many.paths),
    };
    named.map_err(ApiError::not_understood)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nox_api::dto::{AddImage, DropThings, ExportSession, ImportSession};
    use serde_json::json;

    #[test]
    fn the_files_that_are_named_are_those_that_the_operation_reads() {
        let path = String::from("/home/you/a \"b\".png");
        let export = ExportSession {
            session: SessionId::from_uuid(Uuid::now_v7()),
            format: ExportFormat::Markdown,
            path: path.clone(),
            overwrite: true,
        };
        let bytes = AddImage::Bytes { name: path.clone(), base64: "AA==".into() };
        let things = DropThings { paths: vec![path.clone(), "/other".into()], ..Default::default() };
        for (files, input, names) in [
            (NamedFiles::Export, serde_json::to_value(export), vec![path.as_str()]),
            (NamedFiles::Import, serde_json::to_value(ImportSession { path: path.clone() }), vec![&path]),
            (NamedFiles::Image, serde_json::to_value(AddImage::File { path: path.clone() }), vec![&path]),
            (NamedFiles::Image, serde_json::to_value(bytes), vec![]),
            (NamedFiles::Things, serde_json::to_value(things), vec![&path, "/other"]),
            (NamedFiles::Things, serde_json::to_value(DropThings::default()), vec![]),
        ] {
            assert_eq!(named(files, &input.unwrap()).unwrap(), names);
        }
        for files in [NamedFiles::Export, NamedFiles::Import, NamedFiles::Image, NamedFiles::Things] {
            for unread in [json!({ "path": 1, "paths": 1 }), json!(["a", "b"]), json!("a"), json!(null)] {
                assert!(named(files, &unread).is_err(), "{files:?} {unread}");
            }
        }
    }

    #[test]
    fn what_names_files_has_its_mark() {
        let marked = |files: Option<NamedFiles>| -> Vec<&str> {
            OPERATIONS.iter().filter(|known| known.files == files).map(|known| known.name).collect()
        };
        for (files, name) in [
            (NamedFiles::Export, "export_session"),
            (NamedFiles::Import, "import_session"),
            (NamedFiles::Image, "add_image"),
            (NamedFiles::Things, "drop_things"),
        ] {
            assert_eq!(marked(Some(files)), [name]);
        }
    }
}
