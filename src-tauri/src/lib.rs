//! The desktop shell of Nox: window, tray, notifications, dialogs. The only crate that knows Tauri.
//!
//! `main` looks at the display, the arguments and the home, then calls [`run`]. The shell holds no state of sessions and
//! tasks: `follow` feeds it plain structs from the engine's pushes ([`Shell::show_tray`], [`Shell::notify`],
//! [`Shell::withdraw`]), and the shell calls [`Engine`] back. The page has [`commands`] down and [`subscribe`] up.
//! Threads: Tauri's main thread draws, everything else runs on Tauri's tokio runtime.

pub mod bindings;
pub mod chosen;
pub mod commands;
pub mod display;
pub mod engine;
mod error;
mod follow;
pub mod given;
pub mod links;
pub mod notify;
mod opening;
mod outlook;
pub mod quit;
pub mod shell;
pub mod start;
pub mod subscribe;
mod text;
pub mod tray;
pub mod usable;
pub mod window;

pub use engine::EngineLink;
pub use error::{Error, Result};
pub use shell::{Answer, Engine};
pub use window::Start;

use notify::{Notice, Notifier};
use outlook::Gaze;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use subscribe::Subscriptions;
use tauri::{AppHandle, Manager, RunEvent};
use tauri_plugin_window_state::StateFlags;
use tokio::sync::watch;
use tray::{Tray, TrayHost, TrayModel};

/// How the app is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The home folder. The shell keeps `window.json` and `webview/` in it, and the tray's pictures in `run/tray/`.
    pub home: PathBuf,
    /// Whether the window is seen at once.
    pub start: Start,
}

/// The native parts, one per program, in Tauri's state.
pub struct Shell {
    /// The engine behind the shell.
    pub engine: Arc<dyn Engine>,
    notifier: Box<dyn Notifier>,
    tray: Tray,
    host: watch::Receiver<TrayHost>,
    gaze: watch::Sender<Gaze>,
    home: PathBuf,
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Shell").field("tray", &self.tray).field("host", &self.tray_host()).finish()
    }
}

impl Shell {
    /// Shows counts, requests and sessions in the tray; says whether that changed it. Not from the main thread.
    pub fn show_tray(&self, model: TrayModel) -> bool {
        self.tray.update(model)
    }

    /// Somebody looks at the window, or no longer does.
    pub(crate) fn looks(&self, gaze: Gaze) {
        self.gaze.send_replace(gaze);
    }

    /// Shows a native notification.
    pub fn notify(&self, notice: Notice) {
        self.notifier.show(notice);
    }

    /// Takes a notification away, for example because its request was answered elsewhere.
    pub fn withdraw(&self, key: &str) {
        self.notifier.withdraw(key);
    }

    /// Why notifications are not seen, when that is known.
    pub async fn notifications_problem(&self) -> Option<String> {
        self.notifier.problem().await
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Whether the tray icon is seen by anybody.
    pub fn tray_host(&self) -> TrayHost {
        if self.tray.has_icon() { *self.host.borrow() } else { TrayHost::Absent }
    }
}

/// Runs the app until it is left; returns the exit status of the program. The window opens at once, the engine beside it.
///
/// # Errors
/// When the window system refuses.
pub fn run(options: Options, link: EngineLink) -> Result<i32> {
    let events = tauri_specta::Builder::<tauri::Wry>::new().events(shell::events());
    let remembered = tauri_plugin_window_state::Builder::new()
        .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
        // An absolute path replaces the plugin's own folder, so that two homes do not share it.
        .with_filename(options.home.join("window.json").to_string_lossy());
    let builder = tauri::Builder::default()
        .plugin(remembered.build())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build())
        .manage(shell::Outgoing::default())
        .manage(quit::Leaving::default())
        .manage(Subscriptions::default())
        .manage(chosen::Chosen::default())
        .manage(given::Given::default())
        .manage(link.clone())
        .invoke_handler(commands::handler())
        .setup(move |app| {
            events.mount_events(app);
            let app = app.handle();
            let shell = shell_of(app, &options, Arc::new(link.clone()));
            let gaze = shell.gaze.subscribe();
            app.manage(shell);
            window::create(app, &options.home.join("webview"), options.start)?;
            link.startup().window_is_made();
            quit::on_signals(app);
            follow::begin(app, link, gaze);
            if options.start == Start::Hidden {
                show_without_tray(app);
            }
            Ok(())
        });
    #[cfg(not(target_os = "linux"))]
    let builder = builder.plugin(tauri_plugin_notification::init());
    let app = builder.build(context())?;
    Ok(app.run_return(|app, event| {
        // Without a window the program still works; only leaving ends it.
        if let RunEvent::ExitRequested { api, code: None, .. } = event
            && !app.state::<quit::Leaving>().is_leaving()
        {
            api.prevent_exit();
        }
    }))
}

#[allow(clippy::disallowed_methods, reason = "the macro ends a program whose embedded page cannot be read")]
fn context() -> tauri::Context {
    tauri::generate_context!()
}

fn shell_of(app: &AppHandle, options: &Options, engine: Arc<dyn Engine>) -> Shell {
    let acting = app.clone();
    let on_choice: notify::OnChoice = Arc::new(move |notice, choice| notify::act(&acting, notice, choice));
    Shell {
        engine,
        notifier: Box::new(notify::Native::new(app, on_choice)),
        tray: Tray::new(app, options.home.join("run").join("tray")),
        host: tray::follow_host(),
        gaze: watch::Sender::new(Gaze::Elsewhere),
        home: options.home.clone(),
    }
}

/// A hidden start on a desktop without a tray would be invisible, so the window comes up after a moment.
fn show_without_tray(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        // A login starts Nox before the desktop's panel; it gets time to come.
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        if app.state::<Shell>().tray_host() == TrayHost::Absent {
            window::show(&app);
        }
    });
}
