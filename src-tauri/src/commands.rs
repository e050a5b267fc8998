//! The commands of the page. Two lists make one surface: the operations of the contract, generated from the catalogue of
//! `nox-api` (they take only the state), and the few below that need the window.

use crate::{
    EngineLink, Shell, chosen, dropped, given, links, quit,
    shell::{Outgoing, ShellEvent},
    subscribe::{Batch, Subscriptions},
    text,
    tray::TrayHost,
};
use nox_api::{
    ApiError, ErrorCode,
    dto::{Caller, ExportFormat, Face},
};
use nox_domain::ids::{CommandId, SessionId};
use serde::Serialize;
use std::path::PathBuf;
use tauri::{AppHandle, Manager, State, WebviewWindow, Wry, ipc::Channel, ipc::Invoke};

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
pub fn open_link(link: String) -> Result<(), ApiError> {
    links::open_link(&link).map_err(|error| outside("link", &error))
}

/// Opens a folder, or a text file of the home; shows anything else in its folder.
///
/// # Errors
/// It is not there, or the system has no program for it.
#[tauri::command]
#[specta::specta]
pub async fn open_path(app: AppHandle, path: PathBuf) -> Result<(), ApiError> {
    links::open_path(&app, app.state::<Shell>().home(), &path).map_err(|error| outside("path", &error))
}

/// Shows a file or folder in the system's file manager.
///
/// # Errors
/// It is not there, or the system has no file manager.
#[tauri::command]
#[specta::specta]
pub async fn reveal_path(app: AppHandle, path: PathBuf) -> Result<(), ApiError> {
    links::reveal_path(&app, &path).map_err(|error| outside("path", &error))
}

fn outside(field: &str, error: &crate::Error) -> ApiError {
    ApiError::new(ErrorCode::BadInput, text::plain(&error.to_string())).field(field)
}

/// What the paths are that were dropped on the window.
#[tauri::command]
#[specta::specta]
pub async fn look_at_dropped(paths: Vec<PathBuf>) -> Vec<dropped::DroppedPath> {
    tauri::async_runtime::spawn_blocking(move || dropped::look_at(paths)).await.unwrap_or_default()
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

/// One Tauri command for each operation of the catalogue.
macro_rules! operation {
    (act export_session($input:ident) -> $output:ident) => {
        #[tauri::command]
        #[specta::specta]
        #[doc = "The query `export_session` of the catalogue, into a file that the person chose."]
        pub async fn export_session(
            engine: State<'_, EngineLink>,
            chosen: State<'_, Chosen>,
            input: $input,
        ) -> Result<$output, ApiError> {
            chosen.take(Purpose::Export, &input.path)?;
            engine.api().await?.export_session(input).await
        }
    };
    (command import_session($input:ident) -> $output:ident) => {
        #[tauri::command]
        #[specta::specta]
        #[doc = "The command `import_session` of the catalogue, from a file that the person chose."]
        pub async fn import_session(
            engine: State<'_, EngineLink>,
            chosen: State<'_, Chosen>,
            command: CommandId,
            input: $input,
        ) -> Result<$output, ApiError> {
            chosen.take(Purpose::Import, &input.path)?;
            engine
                .api()
                .await?
                .import_session(&Caller { command, face: Face::Window, processes: vec![] }, input)
                .await
        }
    };
    (act add_image($input:ident) -> $output:ident) => {
        #[tauri::command]
        #[specta::specta]
        #[doc = "The query `add_image` of the catalogue: of bytes, or of a file that the person handed over."]
        pub async fn add_image(
            engine: State<'_, EngineLink>,
            given: State<'_, Given>,
            input: $input,
        ) -> Result<$output, ApiError> {
            if let AddImage::File { path } = &input {
                given.check(path)?;
            }
            engine.api().await?.add_image(input).await
        }
    };
    (command drop_things($input:ident) -> $output:ident) => {
        #[tauri::command]
        #[specta::specta]
        #[doc = "The command `drop_things` of the catalogue, with files that the person handed over."]
        pub async fn drop_things(
            engine: State<'_, EngineLink>,
            given: State<'_, Given>,
            command: CommandId,
            input: $input,
        ) -> Result<$output, ApiError> {
            input.paths.iter().try_for_each(|path| given.check(path))?;
            engine
                .api()
                .await?
                .drop_things(&Caller { command, face: Face::Window, processes: vec![] }, input)
                .await
        }
    };
    (command $name:ident($input:ident) -> $output:ident) => {
        #[tauri::command]
        #[specta::specta]
        #[doc = concat!("The command `", stringify!($name), "` of the catalogue.")]
        pub async fn $name(
            engine: State<'_, EngineLink>,
            command: CommandId,
            input: $input,
        ) -> Result<$output, ApiError> {
            engine.api().await?.$name(&Caller { command, face: Face::Window, processes: vec![] }, input).await
        }
    };
    (act $name:ident($input:ident) -> $output:ident) => {
        operation!(query $name($input) -> $output);
    };
    (query $name:ident($input:ident) -> $output:ident) => {
        #[tauri::command]
        #[specta::specta]
        #[doc = concat!("The query `", stringify!($name), "` of the catalogue.")]
        pub async fn $name(engine: State<'_, EngineLink>, input: $input) -> Result<$output, ApiError> {
            let output = engine.api().await?.$name(input).await;
            engine.startup().answered(stringify!($name));
            output
        }
    };
}

macro_rules! operations {
    ($($kind:ident $name:ident($input:ident) -> $output:ident;)*) => {
        /// The operations of the contract.
        #[allow(missing_docs, reason = "the catalogue documents them")]
        pub mod operations {
            use super::{ApiError, Caller, CommandId, EngineLink, Face, State};
            use crate::{
                chosen::{Chosen, Purpose},
                given::Given,
            };
            use nox_api::dto::*;

            $(operation!($kind $name($input) -> $output);)*
        }

        /// The whole surface, for the window and for the generated TypeScript.
        pub fn surface() -> tauri_specta::Builder<Wry> {
            tauri_specta::Builder::<Wry>::new()
                .commands(tauri_specta::collect_commands![
                    $(operations::$name,)*
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
                    look_at_dropped,
                    copied_files,
                    choose_export,
                    choose_import,
                    desktop_status,
                ])
                .events(tauri_specta::collect_events![ShellEvent])
                // Every type looks the same in both directions: the page sends back what it was given.
                .disable_serde_phases()
        }
    };
}

nox_api::with_catalogue!(operations);

/// What Tauri calls for each message of the page.
pub(crate) type Handler = Box<dyn Fn(Invoke<Wry>) -> bool + Send + Sync>;
