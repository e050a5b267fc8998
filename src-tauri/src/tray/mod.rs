//! The tray: an icon with four states, counts, and a menu with the open requests and the last sessions.
//!
//! It shows a [`TrayModel`] that the wiring to the engine hands to [`Tray::update`]; nothing is drawn when the model is
//! the one already shown. A desktop without a tray, or a system without the tray library, only costs the icon.

mod host;
mod model;

pub use host::TrayHost;
pub use model::{Answerable, TrayModel, TrayRequest, TraySession, TrayStatus};

use crate::{
    Shell, quit,
    shell::{Answer, ShellEvent, answer, open, open_session, tell},
    window,
};
use nox_api::dto::{Face, Place};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Mutex, PoisonError},
};
use tauri::{
    AppHandle, Manager, Wry,
    image::Image,
    menu::{Menu, MenuBuilder, MenuItemBuilder, SubmenuBuilder},
    tray::{TrayIcon, TrayIconBuilder},
};

pub(crate) use host::follow as follow_host;

/// Requests and sessions that the menu has room for.
const REQUESTS: usize = 5;
const SESSIONS: usize = 6;

/// The tray icon and what it shows.
pub struct Tray {
    app: AppHandle,
    icon: Option<TrayIcon>,
    shown: Mutex<TrayModel>,
}

impl std::fmt::Debug for Tray {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tray").field("icon", &self.icon.is_some()).field("shown", &self.shown).finish()
    }
}

impl Tray {
    /// Makes the icon, idle. `pictures` is a folder of this home for the files that a Linux panel reads.
    pub(crate) fn new(app: &AppHandle, pictures: PathBuf) -> Self {
        // Leaving does not always come to the removal of the last file; nobody reads an old one.
        if let Err(error) = std::fs::remove_dir_all(&pictures)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::debug!(%error, "old pictures of the tray stay");
        }
        let model = TrayModel::default();
        // The tray library is loaded when it is first used, and its loader panics when it is not installed.
        let made = catch_unwind(AssertUnwindSafe(|| build(app, &model, pictures)));
        let icon = match made {
            Ok(Ok(icon)) => Some(icon),
            Ok(Err(error)) => {
                tracing::warn!(%error, "there is no tray icon");
                None
            }
            Err(_) => {
                tracing::warn!("there is no tray icon: libayatana-appindicator3 is not installed");
                None
            }
        };
        Self { app: app.clone(), icon, shown: Mutex::new(model) }
    }

    /// Whether there is an icon at all; whether anybody sees it is the [`TrayHost`]'s matter.
    pub(crate) fn has_icon(&self) -> bool {
        self.icon.is_some()
    }

    /// Shows this from now on; says whether it is another picture. From any thread but the main one; it waits for the main
    /// one.
    pub fn update(&self, model: TrayModel) -> bool {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown == model {
            return false;
        }
        if let Some(icon) = &self.icon
            && let Err(error) = draw(&self.app, icon, &shown, &model)
        {
            tracing::warn!(%error, "the tray could not be changed");
        }
        *shown = model;
        true
    }
}

fn build(app: &AppHandle, model: &TrayModel, pictures: PathBuf) -> tauri::Result<TrayIcon> {
    TrayIconBuilder::with_id("nox")
        .icon(picture(model.status))
        .icon_as_template(cfg!(target_os = "macos"))
        .tooltip(model.tooltip())
        .temp_dir_path(pictures)
        .menu(&menu(app, model)?)
        .on_menu_event(|app, event| chosen(app, event.id().as_ref()))
        .build(app)
}

fn draw(app: &AppHandle, icon: &TrayIcon, old: &TrayModel, new: &TrayModel) -> tauri::Result<()> {
    if old.status != new.status {
        icon.set_icon(Some(picture(new.status)))?;
        if cfg!(target_os = "macos") {
            icon.set_icon_as_template(true)?;
        }
    }
    if old.label() != new.label() {
        icon.set_title(Some(new.label()))?;
    }
    if old.tooltip() != new.tooltip() {
        icon.set_tooltip(Some(new.tooltip()))?;
    }
    icon.set_menu(Some(menu(app, new)?))
}

/// The picture of a state. macOS wants a shape to colour itself.
fn picture(status: TrayStatus) -> Image<'static> {
    #[cfg(not(target_os = "macos"))]
    return match status {
        TrayStatus::Idle => tauri::include_image!("../icons/tray/idle.png"),
        TrayStatus::Running => tauri::include_image!("../icons/tray/running.png"),
        TrayStatus::NeedsYou => tauri::include_image!("../icons/tray/needs-you.png"),
        TrayStatus::Failed => tauri::include_image!("../icons/tray/failed.png"),
    };
    #[cfg(target_os = "macos")]
    return match status {
        TrayStatus::Idle => tauri::include_image!("../icons/tray/idle-template.png"),
        TrayStatus::Running => tauri::include_image!("../icons/tray/running-template.png"),
        TrayStatus::NeedsYou => tauri::include_image!("../icons/tray/needs-you-template.png"),
        TrayStatus::Failed => tauri::include_image!("../icons/tray/failed-template.png"),
    };
}

fn menu(app: &AppHandle, model: &TrayModel) -> tauri::Result<Menu<Wry>> {
    let plain = |id: &str, words: &str| MenuItemBuilder::with_id(id, words).build(app);
    let heading = |words: &str| MenuItemBuilder::new(words).enabled(false).build(app);
    let mut menu = MenuBuilder::new(app).item(&heading(&model.counts_line())?).separator();
    if !model.requests.is_empty() {
        menu = menu.item(&heading("Waiting for your answer")?);
        for request in model.requests.iter().take(REQUESTS) {
            let mut answers = SubmenuBuilder::new(app, request.label());
            if request.answerable == Answerable::AllowOrDeny {
                answers = answers.text(format!("allow:{}", request.request), "Allow once");
            }
            let (deny, open) = match request.answerable {
                Answerable::Question => ("Skip", "Answer…"),
                _ => ("Deny", "Open"),
            };
            answers = answers
                .text(format!("deny:{}", request.request), deny)
                .text(format!("session:{}", request.session), open);
            menu = menu.item(&answers.build()?);
        }
        menu = menu.separator();
    }
    if !model.recent.is_empty() {
        menu = menu.item(&heading("Last sessions")?);
        for session in model.recent.iter().take(SESSIONS) {
            menu = menu.item(&plain(&format!("session:{}", session.session), &session.label())?);
        }
        menu = menu.separator();
    }
    let stop = MenuItemBuilder::with_id("stop-all", "Stop all…")
        .enabled(model.running + model.waiting > 0)
        .build(app)?;
    menu.item(&plain("new-task", "New task…")?)
        .item(&plain("approvals", "Approvals…")?)
        .item(&plain("show", "Show Nox")?)
        .separator()
        .item(&stop)
        .separator()
        .item(&plain("quit", "Quit Nox")?)
        .build()
}

/// An entry was chosen. Ids are `word` or `word:id`; they come from [`menu`], maybe from one shown a moment ago.
fn chosen(app: &AppHandle, entry: &str) {
    tracing::debug!(entry, "chosen in the tray");
    match entry.split_once(':').unwrap_or((entry, "")) {
        ("session", id) => open_session(app, id),
        ("allow", id) => answer(app, Face::Tray, id, Answer::AllowOnce),
        ("deny", id) => answer(app, Face::Tray, id, Answer::Deny),
        ("new-task", _) => open(app, Place::NewTask),
        ("approvals", _) => open(app, Place::Approvals),
        ("show", _) => window::show(app),
        ("quit", _) => quit::requested(app),
        ("stop-all", _) => {
            tell(app, ShellEvent::AskStopAll { live_runs: app.state::<Shell>().engine.live_runs() });
            window::show(app);
        }
        _ => tracing::warn!(entry, "the tray has no such entry"),
    }
}
