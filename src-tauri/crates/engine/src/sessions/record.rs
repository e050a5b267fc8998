//! How an actor records facts: what is stored with them, and what it does while the disk refuses.

use super::{
    Mail, TASK_STATUS,
    actor::Actor,
    stored::{state_row, stream},
};
use crate::{
    Error,
    clock::{self, SystemIds},
    ledger::{Cause, Change, json, put},
    scheduler::{Breaker, Outcome},
};
use nox_domain::{
    At,
    event::{Event, Problem, RunEnd, TurnEnd},
    session::{Effect, Now, Prompt, Session, SessionCommand, Signal, Step},
    task::TaskStatus,
    words::status_after,
};
use nox_store::{Expected, NewOutbox, RowWrite};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;

/// Facts after which the state of a session is stored anew; so many at most are read to wake it.
const SNAPSHOT_EVERY: i64 = 64;
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
        let stream_seq = self.stream_seq + step.events.len() as i64;
        let snapshot = self.snapshot_for(next, stream_seq);
        let mut change = change_of(next, Some(&self.session), step, at, stream_seq, snapshot);
        change.expected = Some(Expected { stream: stream(self.session.id()), stream_seq: self.stream_seq });
        change
    }

    /// The state is stored every so many facts, and when the session ends or begins anew, since a start looks for those
    /// that are not over.
    fn snapshot_for(&self, next: &Session, stream_seq: i64) -> Snapshot {
        let is_due = stream_seq - self.snapshot_seq >= SNAPSHOT_EVERY;
        if is_due || next.closed.is_some() != self.session.closed.is_some() {
            Snapshot::Take
        } else {
            Snapshot::Leave
        }
    }

    /// Takes over what was recorded.
    pub(super) fn stand_at(&mut self, mut next: Session, step: &Step) {
        let stream_seq = self.stream_seq + step.events.len() as i64;
        if self.snapshot_for(&next, stream_seq) == Snapshot::Take {
            self.snapshot_seq = stream_seq;
        }
        next.settle();
        self.session = next;
        self.stream_seq = stream_seq;
        self.report(step);
        self.shared().vitals.note(&self.session);
        self.watch.note(&self.session, Instant::now());
        if step.events.contains(&Event::WaitedOn) {
            self.waited_at = Some(Instant::now());
        }
        self.ring(step);
    }

    /// Tells the scheduler whether the run stands idle, and how runs ended.
    fn report(&self, step: &Step) {
        let scheduler = &self.shared().scheduler;
        let told = scheduler.set_idle(self.session.id(), self.session.can_hibernate());
        self.tell(told);
        let Some(outcome) = step.events.iter().find_map(outcome) else { return };
        let agent = self.session.opened.agent.clone();
        let Some(change) = scheduler.ended(&agent, outcome) else { return };
        let event = match change {
            Breaker::Opened { faults, until } => Event::BreakerOpened { agent: agent.clone(), faults, until },
            Breaker::Closed => Event::BreakerClosed { agent: agent.clone() },
        };
        tracing::warn!(%agent, ?change, "the breaker of an agent changed");
        let (ledger, sessions) = (self.shared().ledger.clone(), self.sessions.clone());
        tokio::spawn(async move {
            let change = Change { events: vec![(format!("agent/{agent}"), event)], ..Change::default() };
            if let Err(error) = ledger.commit(&Cause::nox(), clock::now(), change).await {
                tracing::warn!(%error, %agent, "a change of a breaker was not recorded");
            }
            sessions.tell(sessions.shared.scheduler.look()).await;
        });
    }

    /// Reads the state again, after others changed it.
    pub(super) async fn reload(&mut self) -> Result<(), Error> {
        let id = self.session.id().clone();
        tracing::warn!("the session was changed by others; its state is read again");
        let stored = self.sessions.stored(&id).await?.ok_or_else(|| Error::not_found("session", &id))?;
        self.session = stored.session;
        self.stream_seq = stored.stream_seq;
        self.snapshot_seq = stored.snapshot_seq;
        self.watch.note(&self.session, Instant::now());
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
                // Its run cannot be closed now: another one is named for those who want the place.
                Some(Mail::Hibernate) => {
                    self.tell(self.shared().scheduler.stays(self.session.id(), self.session.can_hibernate()))
                }
                // Nothing is lost with these: they are told again.
                Some(Mail::HeldBack { .. } | Mail::Measured(_)) => {}
                // The limit itself is recorded elsewhere; this is only the line in the conversation.
                Some(Mail::Limit(_)) => {}
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
        let cause = Cause { command: None, ..cause };
        for _ in 0..super::actor::TRIES {
            let decided = self.session.decide(&stop, &mut Now { at: clock::now(), ids: &mut SystemIds });
            let Ok(step) = decided else { return };
            match self.record_surely(&cause, &step).await {
                Recorded::Yes => return self.follow(step.effects).await,
                Recorded::Stale => {}
                Recorded::No => return,
            }
        }
    }

    /// Ends the connection at once, because what it says cannot be recorded.
    pub(super) fn cut_off(&mut self, why: &str) {
        if self.connection.take().is_some() && self.session.has_live_run() {
            // Told as the end of the turn too: a new run would only say the same again.
            let problem = Some(Problem::ConnectionEnded { message: why.to_owned() });
            self.signal(Signal::TurnEnded { end: TurnEnd::Failed, problem });
            self.signal(Signal::RunEnded { how: RunEnd::Killed, detail: None });
        }
    }

    /// Tells the files owner when the outbox has something new.
    pub(super) fn ring(&self, step: &Step) {
        if step.effects.iter().any(|effect| matches!(effect, Effect::Settled(_)))
            || step.events.iter().any(|event| matches!(event, Event::SessionReopened))
        {
            self.shared().outbox.notify_one();
        }
    }
}

/// What a fact says about the agent: faults of its program count, failures of its work and what its settings do not allow do not.
fn outcome(event: &Event) -> Option<Outcome> {
    match event {
        Event::RestartPlanned { problem: Some(problem), .. } | Event::GaveUp { problem: Some(problem) } => {
            problem.is_breakdown().then_some(Outcome::Fault)
        }
        Event::TurnEnded { problem: Some(problem), .. } if problem.is_breakdown() => Some(Outcome::Fault),
        Event::TurnEnded { end: TurnEnd::End, .. } => Some(Outcome::Well),
        _ => None,
    }
}

/// Whether the state is stored with the facts. Else it stands as it was some facts ago, and those follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Snapshot {
    Take,
    Leave,
}

/// Everything that is stored with these facts; `before` and `session` are the states before and after them, `stream_seq`
/// is the place of the last.
pub(super) fn change_of(
    session: &Session,
    before: Option<&Session>,
    step: &Step,
    at: At,
    stream_seq: i64,
    snapshot: Snapshot,
) -> Change {
    let stream = stream(session.id());
    let mut rows: Vec<RowWrite> = Session::rows_after(before, &step.events, at).iter().map(put).collect();
    if snapshot == Snapshot::Take {
        rows.push(state_row(session, stream_seq));
    }
    let mut outbox = Vec::new();
    if let Some(task) = &session.opened.task
        && let Some(status) = task_status_after(session, step)
    {
        let wish = TaskStatusWish { task: task.clone(), status };
        outbox.push(NewOutbox { kind: TASK_STATUS.to_owned(), body: json(&wish) });
    }
    Change {
        events: step.events.iter().map(|event| (stream.clone(), event.clone())).collect(),
        rows,
        outbox,
        ..Change::default()
    }
}

/// What the task's file should say after these facts, if they change that.
fn task_status_after(session: &Session, step: &Step) -> Option<TaskStatus> {
    let settled = step.effects.iter().rev().find_map(|effect| match effect {
        Effect::Settled(how) => Some(status_after(*how, session.opened.review)),
        _ => None,
    });
    settled.or_else(|| {
        let begins = |event: &Event| match event {
            Event::SessionOpened(_) | Event::SessionReopened => true,
            // A further prompt: the task is worked on again.
            Event::TurnQueued { .. } => session.opened.runtime.takes_prompts(),
            _ => false,
        };
        step.events.iter().any(begins).then_some(TaskStatus::InProgress)
    })
}

/// The command that takes a session's command back, as the receipt keeps it; see `undo`.
pub(super) fn inverse_of(command: &SessionCommand, before: &Session) -> Option<serde_json::Value> {
    let waiting =
        |turn: &nox_domain::ids::TurnId| before.next.iter().find(|next| next.id == *turn).map(Prompt::from);
    let inverse = match command {
        // It waits again, behind the others.
        SessionCommand::WithdrawPrompt { turn } => {
            let Prompt { text, images, .. } = waiting(turn)?;
            SessionCommand::PutBackPrompt { text, images }
        }
        SessionCommand::ChangePrompt { turn, .. } => {
            SessionCommand::ChangePrompt { turn: turn.clone(), text: waiting(turn)?.text }
        }
        SessionCommand::Delete => SessionCommand::Restore,
        SessionCommand::Restore => SessionCommand::Delete,
        _ => return None,
    };
    Some(serde_json::json!({ "session": before.id(), "command": inverse }))
}
