//! Closing the window and leaving the program.
//!
//! Closing hides while a tray can bring the window back, else it quits, so that the app is never lost out of sight.
//! Quitting with live runs asks in the window. Should the page not show the question (it hangs, or is a broken build), a
//! native dialog asks instead. Leaving happens once: the engine ends its runs, then the program exits. Signals (SIGTERM,
//! Ctrl-C) leave without a question.

use crate::{
    Shell,
    shell::{ShellEvent, tell},
    tray::TrayHost,
    window,
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tauri::{AppHandle, Manager};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogKind};

/// How long the page may take to show the question.
const PAGE_ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// How long the engine may take to end its runs: protocol cancel, then 5 s to the end of a tree, and room.
const ENGINE_ENDS_WITHIN: Duration = Duration::from_secs(20);

/// What a closed window means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// Into the tray.
    Hide,
    /// Out, after a question.
    Ask,
    /// Out.
    Leave,
}

fn closing(host: TrayHost, live_runs: u32) -> Closing {
    match (host, live_runs) {
        (TrayHost::Present, _) => Closing::Hide,
        (TrayHost::Absent, 0) => Closing::Leave,
        (TrayHost::Absent, _) => Closing::Ask,
    }
}

/// How far leaving has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Staying,
    /// The page was told to ask.
    Asked,
    /// The page shows the question.
    Shown,
    /// A native dialog asks.
    Native,
    Leaving,
}

/// How far leaving has come, for the whole program.
#[derive(Debug, Default)]
pub(crate) struct Leaving(Mutex<Phase>);

impl Leaving {
    /// Goes from one of these phases to another; says whether it did.
    fn step(&self, from: &[Phase], to: Phase) -> bool {
        let mut phase = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let goes = from.contains(&*phase);
        if goes {
            *phase = to;
        }
        goes
    }

    /// Whether the program is on its way out.
    pub(crate) fn is_leaving(&self) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) == Phase::Leaving
    }
}

/// The window's close button.
pub(crate) fn window_closed(app: &AppHandle) {
    let shell = app.state::<Shell>();
    let live_runs = shell.engine.live_runs();
    match closing(shell.tray_host(), live_runs) {
        Closing::Hide => window::hide(app),
        Closing::Ask => ask(app, live_runs),
        Closing::Leave => leave(app),
    }
}

/// Quits, after a question when runs are live. For the tray's entry and the page's command.
pub fn requested(app: &AppHandle) {
    match app.state::<Shell>().engine.live_runs() {
        0 => leave(app),
        live_runs => ask(app, live_runs),
    }
}

/// The page shows the question.
pub(crate) fn question_shown(app: &AppHandle) {
    app.state::<Leaving>().step(&[Phase::Asked], Phase::Shown);
}

/// The person answered the question of the page.
pub(crate) fn answered(app: &AppHandle, leaves: bool) {
    if leaves {
        leave(app);
    } else {
        app.state::<Leaving>().step(&[Phase::Asked, Phase::Shown], Phase::Staying);
    }
}

fn ask(app: &AppHandle, live_runs: u32) {
    window::show(app);
    if !app.state::<Leaving>().step(&[Phase::Staying, Phase::Asked], Phase::Asked) {
        return;
    }
    tell(app, ShellEvent::AskQuit { live_runs });
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(PAGE_ANSWERS_WITHIN).await;
        if app.state::<Leaving>().step(&[Phase::Asked], Phase::Native) {
            tracing::warn!("the page did not ask whether to quit; a dialog does");
            ask_natively(&app, live_runs);
        }
    });
}

fn ask_natively(app: &AppHandle, live_runs: u32) {
    let runs = if live_runs == 1 { "1 session is".to_owned() } else { format!("{live_runs} sessions are") };
    let buttons = MessageDialogButtons::OkCancelCustom("Stop and quit".into(), "Keep running".into());
    let app_after = app.clone();
    app.dialog()
        .message(format!(
            "{runs} running. What they did is kept, and each can be resumed; what runs now is ended."
        ))
        .title("Quit Nox?")
        .kind(MessageDialogKind::Warning)
        .buttons(buttons)
        .show(move |leaves| {
            if leaves {
                leave(&app_after);
            } else {
                app_after.state::<Leaving>().step(&[Phase::Native], Phase::Staying);
            }
        });
}

/// Ends everything in good order and exits, without a question. A second call changes nothing.
pub fn leave(app: &AppHandle) {
    let before = [Phase::Staying, Phase::Asked, Phase::Shown, Phase::Native];
    if !app.state::<Leaving>().step(&before, Phase::Leaving) {
        return;
    }
    window::hide(app);
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let engine = app.state::<Shell>().engine.clone();
        if tokio::time::timeout(ENGINE_ENDS_WITHIN, engine.shut_down()).await.is_err() {
            tracing::error!("the engine did not end in time; its shims end what is left");
        }
        app.exit(0);
    });
}

/// Leaves when the system asks the program to end.
pub(crate) fn on_signals(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        match ended().await {
            Ok(()) => leave(&app),
            Err(error) => tracing::error!(%error, "signals are not heard"),
        }
    });
}

#[cfg(unix)]
async fn ended() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut hangup) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn ended() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_never_lost() {
        assert_eq!(closing(TrayHost::Present, 0), Closing::Hide);
        assert_eq!(closing(TrayHost::Present, 3), Closing::Hide);
        assert_eq!(closing(TrayHost::Absent, 0), Closing::Leave);
        assert_eq!(closing(TrayHost::Absent, 3), Closing::Ask);
    }

    #[test]
    fn a_shown_question_keeps_the_dialog_away() {
        let leaving = Leaving::default();
        assert!(leaving.step(&[Phase::Staying], Phase::Asked));
        assert!(leaving.step(&[Phase::Asked], Phase::Shown));
        assert!(!leaving.step(&[Phase::Asked], Phase::Native));
        assert!(leaving.step(&[Phase::Shown], Phase::Leaving));
        assert!(leaving.is_leaving());
    }
}
