//! How an actor records facts: what is stored with them, and what it does while the disk refuses.

use super::{Mail, TASK_STATUS, actor::Actor, stored::stream};
use crate::{
    Error,
    clock::{self, SystemIds},
    ledger::{Cause, Change, json, put},
};
use nox_domain::{
    At,
    event::{Event, RunEnd},
    rows::kind,
    session::{Effect, Now, Session, SessionCommand, Signal, Step},
    task::TaskStatus,
    words::status_after,
};
use nox_store::{Expected, NewOutbox, RowWrite};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Between two tries when the disk refuses.
const RETRY: Duration = Duration::from_millis(250);

/// What the files owner is asked to write into a task's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskStatusWish {
    /// The task.
    pub task: nox_domain::ids::TaskId,
    /// Its new status.
    pub status: TaskStatus,
}

/// Whether facts were recorded; only then may what follows from them be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    Yes,
    /// Others had changed the session; the state was read again, and has to be decided on anew.
    Stale,
    No,
}

impl Actor {
    pub(super) fn change_to(&self, next: &Session, step: &Step, at: At) -> Change {
        let mut change = change_of(next, self.session.next_ord, step, at);
        change.expected = Some(Expected { stream: stream(self.session.id()), stream_seq: self.stream_seq });
        change
    }

    /// Takes over what was recorded.
    pub(super) fn stand_at(&mut self, next: Session, step: &Step) {
        self.session = next;
        self.stream_seq += step.events.len() as i64;
        self.ring(step);
    }

    /// Reads the state again, after others changed it.
    pub(super) async fn reload(&mut self) -> Result<(), Error> {
        let id = self.session.id().clone();
        tracing::warn!("the session was changed by others; its state is read again");
        let stored = self.sessions.stored(&id).await?.ok_or_else(|| Error::not_found("session", &id))?;
        self.session = stored.session;
        self.stream_seq = stored.stream_seq;
        Ok(())
    }

    /// Writes facts that have already happened: it tries until the disk takes them, and reads its mail meanwhile.
    pub(super) async fn record_surely(&mut self, cause: &Cause, step: &Step) -> Recorded {
        use nox_store::Error as Store;
        if step.events.is_empty() {
            return Recorded::Yes;
        }
        let at = clock::now();
        let mut next = self.session.clone();
        for event in &step.events {
            next.apply(event, at);
        }
        loop {
            let change = self.change_to(&next, step, at);
            match self.shared().ledger.commit(cause, at, change).await {
                Ok(_) => break,
                Err(Error::Store(Store::Closed)) => {
                    self.over = true;
                    return Recorded::No;
                }
                Err(Error::Store(Store::Conflict { .. })) => {
                    if let Err(error) = self.reload().await {
                        tracing::error!(%error, "the state of a session cannot be read again");
                        self.cut_off("its session cannot be read");
                        return Recorded::No;
                    }
                    return Recorded::Stale;
                }
                Err(Error::Store(error)) if error.is_retryable() || matches!(error, Store::Sqlite { .. }) => {
                    tracing::warn!(%error, "facts of a session cannot be written; trying again");
                    self.wait_for_disk(&error).await;
                    if self.over {
                        return Recorded::No;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "facts of a session are refused; its connection is ended");
                    self.cut_off(&error.to_string());
                    return Recorded::No;
                }
            }
        }
        self.stand_at(next, step);
        Recorded::Yes
    }

    /// Waits before the next try and reads the mail: nothing can be recorded, but a stop stops, and the engine may end.
    pub(super) async fn wait_for_disk(&mut self, error: &nox_store::Error) {
        let retry = tokio::time::sleep(RETRY);
        tokio::pin!(retry);
        loop {
            let mail = tokio::select! {
                () = &mut retry => return,
                mail = self.inbox.recv() => mail,
            };
            match mail {
                Some(Mail::Command { command, cause, reply, .. }) => {
                    let _ = reply.send(Err(error.clone().into()));
                    if command == SessionCommand::Stop {
                        self.stop_unrecorded(cause).await;
                    }
                }
                Some(Mail::Place) => self.place_postponed = true,
                Some(Mail::Park { reply }) => {
                    self.park().await;
                    self.over = true;
                    let _ = reply.send(());
                    return;
                }
                None => {
                    self.over = true;
                    return;
                }
            }
        }
    }

    /// Stops the run although that cannot be recorded yet.
    pub(super) async fn stop_unrecorded(&mut self, cause: Cause) {
        if let Some(connection) = &mut self.connection {
            connection.stop().await;
            self.stop_wanted = Some(cause);
        }
    }

    /// Records a stop that was refused by the disk when it was wanted, so that the end of the run is no failure.
    pub(super) async fn record_stop(&mut self, cause: Cause) {
        let stop = SessionCommand::Stop;
        let decided = self.session.decide(&stop, &mut Now { at: clock::now(), ids: &mut SystemIds });
        let Ok(step) = decided else { return };
        if self.record_surely(&Cause { command: None, ..cause }, &step).await == Recorded::Yes {
            self.follow(step.effects).await;
        }
    }

    /// Ends the connection at once, because what it says cannot be recorded.
    pub(super) fn cut_off(&mut self, why: &str) {
        if self.connection.take().is_some() && self.session.has_live_run() {
            self.signal(Signal::RunEnded { how: RunEnd::Killed, detail: Some(why.to_owned()) });
        }
    }

    /// Tells the files owner when the outbox has something new.
    pub(super) fn ring(&self, step: &Step) {
        if step.effects.iter().any(|effect| matches!(effect, Effect::Closed(_)))
            || step.events.iter().any(|event| matches!(event, Event::SessionReopened))
        {
            self.shared().outbox.notify_one();
        }
    }
}

/// Everything that is stored with these facts; `session` is the state after them.
pub(super) fn change_of(session: &Session, items_before: u32, step: &Step, at: At) -> Change {
    let stream = stream(session.id());
    let mut rows: Vec<RowWrite> = session.rows(items_before, &step.events, at).iter().map(put).collect();
    rows.push(RowWrite::Put {
        kind: kind::SESSION_STATE.to_owned(),
        id: session.id().to_string(),
        // Sessions that are not over are found by this parent at the next start.
        parent: Some(if session.closed.is_some() { "closed" } else { "open" }.to_owned()),
        ord: String::new(),
        body: json(session),
    });
    let mut outbox = Vec::new();
    if let Some(task) = &session.opened.task {
        let status = step.events.iter().rev().find_map(|event| match event {
            Event::SessionOpened(_) | Event::SessionReopened => Some(TaskStatus::InProgress),
            Event::SessionClosed { how } => Some(status_after(*how, session.opened.review)),
            _ => None,
        });
        if let Some(status) = status {
            let wish = TaskStatusWish { task: task.clone(), status };
            outbox.push(NewOutbox { kind: TASK_STATUS.to_owned(), body: json(&wish) });
        }
    }
    Change {
        events: step.events.iter().map(|event| (stream.clone(), event.clone())).collect(),
        rows,
        outbox,
        ..Change::default()
    }
}

/// The command that takes a session's command back, as the receipt keeps it; see `undo`.
pub(super) fn inverse_of(
    command: &SessionCommand,
    session: &nox_domain::ids::SessionId,
) -> Option<serde_json::Value> {
    let inverse = match command {
        SessionCommand::Delete => SessionCommand::Restore,
        SessionCommand::Restore => SessionCommand::Delete,
        _ => return None,
    };
    Some(serde_json::json!({ "session": session, "command": inverse }))
}
