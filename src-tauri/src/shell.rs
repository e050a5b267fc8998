//! What the shell and the page say to each other, and what the shell asks of the engine.
//!
//! The shell is everything native: window, tray, notifications. It knows no session and no task; it is given small plain
//! structs and hands back choices. Invariant: an event for the page is never lost while the page is still loading.

use nox_api::{
    ApiError,
    dto::{Face, Place},
};
use nox_domain::ids::SessionId;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tauri::{AppHandle, Manager};
use tauri_specta::Event;

/// What the shell tells the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type, tauri_specta::Event)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum ShellEvent {
    /// Show this place.
    Open {
        /// Which.
        place: Place,
    },
    /// Ask whether to quit; answer with `answer_quit`, and say `quit_question_shown` when the question stands.
    AskQuit {
        /// Runs that would be ended.
        live_runs: u32,
    },
    /// Ask whether to stop everything that runs.
    AskStopAll {
        /// Runs that would be ended.
        live_runs: u32,
    },
    /// Ask whether to open a link; on yes call `open_link`.
    AskLink {
        /// The whole target, made harmless to show.
        url: String,
    },
}

/// The events of the page.
pub(crate) fn events() -> tauri_specta::Events {
    tauri_specta::collect_events![ShellEvent]
}

/// What a person decided about a permission request outside the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Allow this time.
    AllowOnce,
    /// Deny.
    Deny,
}

/// What the shell needs of the engine. Calls return at once or are awaited off the main thread.
#[async_trait::async_trait]
pub trait Engine: Send + Sync + 'static {
    /// How many sessions work now.
    fn live_runs(&self) -> u32;
    /// Answers a permission request; the engine checks that it is still open.
    async fn answer(&self, face: Face, request: &str, answer: Answer) -> Result<(), ApiError>;
    /// Ends everything in good order; afterwards the program exits.
    async fn shut_down(&self);
}

/// Events for a page that does not listen yet.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    listens: bool,
    events: Vec<ShellEvent>,
}

impl Outgoing {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the event back when it can be sent now, else keeps it.
    fn offer(&self, event: ShellEvent) -> Option<ShellEvent> {
        let mut waiting = self.lock();
        if waiting.listens {
            return Some(event);
        }
        waiting.events.push(event);
        None
    }

    /// The page listens from now on; returns what it missed.
    pub(crate) fn listens(&self) -> Vec<ShellEvent> {
        let mut waiting = self.lock();
        waiting.listens = true;
        std::mem::take(&mut waiting.events)
    }

    /// The page is being loaded (again), so it does not listen.
    pub(crate) fn deaf(&self) {
        self.lock().listens = false;
    }
}

/// Tells the page something, now or when it listens.
pub fn tell(app: &AppHandle, event: ShellEvent) {
    let Some(event) = app.state::<Outgoing>().offer(event) else { return };
    if let Err(error) = event.emit_to(app, crate::window::MAIN) {
        tracing::warn!(%error, "the page could not be told");
    }
}

/// Brings the window to the front and shows a place.
pub fn open(app: &AppHandle, place: Place) {
    tell(app, ShellEvent::Open { place });
    crate::window::show(app);
}

/// Opens a session by an id that went through a native menu or notification.
pub(crate) fn open_session(app: &AppHandle, id: &str) {
    match SessionId::parse(id) {
        Ok(session) => open(app, Place::Session { session }),
        Err(error) => tracing::error!(%error, "a session cannot be shown"),
    }
}

/// Answers a request from outside the window. When that cannot be done, the window comes up where the request is.
pub(crate) fn answer(app: &AppHandle, face: Face, request: &str, answer: Answer) {
    let (app, request) = (app.clone(), request.to_owned());
    tauri::async_runtime::spawn(async move {
        let engine = app.state::<crate::Shell>().engine.clone();
        if let Err(error) = engine.answer(face, &request, answer).await {
            tracing::warn!(%error, request, face = face.as_str(), "the answer was not taken");
            open(&app, Place::Approvals);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_while_the_page_loads() {
        let outgoing = Outgoing::default();
        let first = ShellEvent::Open { place: Place::Approvals };
        assert_eq!(outgoing.offer(first.clone()), None);
        assert_eq!(outgoing.listens(), vec![first.clone()]);
        assert_eq!(outgoing.offer(first.clone()), Some(first.clone()));
        outgoing.deaf();
        assert_eq!(outgoing.offer(first.clone()), None);
        assert_eq!(outgoing.listens(), vec![first]);
        assert!(outgoing.listens().is_empty());
    }
}
