//! How a start begins: whose home it is, whether Nox is running already, and saying why when it cannot begin.
//!
//! The lock of the home decides. With it, this program is the engine. Without it, somebody else is: the start says
//! “focus” over the control socket and ends. The other side may be starting or ending at this moment, so both are tried in turn.
//! `--quit` says “quit” instead and waits until the home is free.

use crate::{Error, quit, shell, window};
use nox_api::{
    ApiError, ErrorCode, Home, HomeLock,
    control::{self, Client, Wish},
    logs::{self, LogGuard, LogOptions},
};
use std::{path::PathBuf, time::Duration};
use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt, MessageDialogKind};

/// How often the lock and the other side are tried in turn; the other side is waited for 5 s each time.
const TURNS: usize = 3;

/// How long a Nox that was asked to quit may take: it ends its runs first, see [`crate::quit`].
const QUITS_WITHIN: Duration = Duration::from_secs(30);
/// How often it is looked whether it has.
const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// What a start found.
pub enum Found {
    /// The home is free and taken now.
    Free {
        /// The home.
        home: Home,
        /// Its lock.
        lock: HomeLock,
        /// Its log.
        log: LogGuard,
    },
    /// Nox is running; its window was brought up.
    Running,
}

/// Why Nox does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default())]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { message: error.message, hint: error.hint }
    }
}

impl From<control::Error> for Refusal {
    fn from(error: control::Error) -> Self {
        Self { message: error.to_string(), hint: error.hint() }
    }
}

fn home_at(root: Option<PathBuf>) -> Result<Home, Refusal> {
    let root = root.ok_or_else(|| Refusal {
        message: "Nox does not know where to keep its data.".into(),
        hint: Some("Set NOX_HOME to a folder of yours.".into()),
    })?;
    Ok(Home::at(&root).map_err(ApiError::from)?)
}

fn no_window() -> Refusal {
    Refusal {
        message: "Nox is at work in this home without a window: a `nox` command is running.".into(),
        hint: Some("Wait until it has ended, then start Nox again.".into()),
    }
}

/// Takes the home, or brings the window of the Nox that has it to the front.
///
/// # Errors
/// What keeps Nox from starting, and what to do.
pub fn take_home(root: Option<PathBuf>) -> Result<Found, Refusal> {
    let home = home_at(root)?;
    let mut last = None;
    for _ in 0..TURNS {
        if let Some(lock) = home.lock().map_err(ApiError::from)? {
            let log = logs::init(home.root(), LogOptions::default())
                .map_err(|error| Refusal { message: error.to_string(), hint: None })?;
            return Ok(Found::Free { home, lock, log });
        }
        match tauri::async_runtime::block_on(bring_up(&home)) {
            Ok(()) => return Ok(Found::Running),
            Err(error @ (control::Error::NoAnswer { .. } | control::Error::Ended)) => last = Some(error),
            Err(control::Error::Api(error)) if error.code == ErrorCode::Conflict => {
                return Err(no_window());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(last.map_or_else(|| Refusal { message: "The home is in use.".into(), hint: None }, Refusal::from))
}

async fn bring_up(home: &Home) -> Result<(), control::Error> {
    Client::connect(home.root()).await?.focus(None).await
}

/// Ends the Nox that has the home, in good order and without a question, and returns when it is gone; at once when there
/// is none.
///
/// # Errors
/// Why it goes on running, and what to do.
pub fn quit_running(root: Option<PathBuf>) -> Result<(), Refusal> {
    let home = home_at(root)?;
    tauri::async_runtime::block_on(async {
        let mut last = None;
        for _ in 0..TURNS {
            if home.lock().map_err(ApiError::from)?.is_some() {
                return Ok(());
            }
            match ask_to_quit(&home).await {
                Ok(()) | Err(control::Error::Ended) => return wait_until_free(&home).await,
                // It may be starting or ending: then the lock says which.
                Err(error @ control::Error::NoAnswer { .. }) => last = Some(error),
                Err(control::Error::Api(error)) if error.code == ErrorCode::Conflict => {
                    return Err(no_window());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(last.map_or_else(not_ended, Refusal::from))
    })
}

async fn ask_to_quit(home: &Home) -> Result<(), control::Error> {
    Client::connect(home.root()).await?.quit().await
}

async fn wait_until_free(home: &Home) -> Result<(), Refusal> {
    let free = async {
        while home.lock().map_err(ApiError::from)?.is_none() {
            tokio::time::sleep(LOOKS_EVERY).await;
        }
        Ok(())
    };
    tokio::time::timeout(QUITS_WITHIN, free).await.unwrap_or_else(|_| Err(not_ended()))
}

fn not_ended() -> Refusal {
    Refusal {
        message: format!("Nox was asked to quit and still runs after {} s.", QUITS_WITHIN.as_secs()),
        hint: Some("Look into its log, or try again.".into()),
    }
}

/// Another start, or the command line, wants something of this program.
pub(crate) fn asked_for(app: &AppHandle, wish: Wish) {
    match wish {
        Wish::Focus(Some(place)) => shell::open(app, place),
        Wish::Focus(None) => window::show(app),
        Wish::Quit => quit::leave(app),
    }
}

/// Says why the engine cannot be opened, on standard error and in a dialog, and ends the program with status 1.
#[allow(clippy::print_stderr, reason = "this is what the person who starts it reads")]
pub(crate) fn cannot_open(app: &AppHandle, error: &ApiError) {
    let refusal = Refusal::from(error.clone());
    eprintln!("{refusal}");
    window::hide(app);
    let leaving = app.clone();
    say(app, &refusal, move || leaving.exit(1));
}

fn say(app: &AppHandle, refusal: &Refusal, done: impl FnOnce() + Send + 'static) {
    app.dialog()
        .message(refusal.to_string())
        .title("Nox cannot start")
        .kind(MessageDialogKind::Error)
        .show(move |_| done());
}

/// Says in a dialog why Nox does not start, and returns when it was read. The caller has printed it already.
///
/// # Errors
/// When the window system refuses.
pub fn show_refusal(refusal: Refusal) -> Result<(), Error> {
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .setup(move |app| {
            let app = app.handle().clone();
            let leaving = app.clone();
            say(&app, &refusal, move || leaving.exit(1));
            Ok(())
        })
        .build(crate::context())?;
    app.run_return(|_, event| {
        // No window is open; only the answer to the dialog ends the program.
        if let tauri::RunEvent::ExitRequested { api, code: None, .. } = event {
            api.prevent_exit();
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_home_that_cannot_be_made_is_said_with_its_path_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let Err(refusal) = take_home(Some(file.join("home"))) else { panic!("a file is no folder") };
        assert!(refusal.to_string().contains("file/home"), "{refusal}");
        assert!(refusal.hint.is_some(), "{refusal}");
        let Err(refusal) = take_home(None) else { panic!("there is no home") };
        assert!(refusal.to_string().contains("NOX_HOME"), "{refusal}");
    }

    #[test]
    fn quitting_where_nothing_runs_is_done_at_once_and_leaves_the_home_free() {
        let folder = tempfile::tempdir().unwrap();
        quit_running(Some(folder.path().to_owned())).unwrap();
        assert!(Home::at(folder.path()).unwrap().lock().unwrap().is_some());
    }
}
