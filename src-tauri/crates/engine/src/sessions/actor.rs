//! The actor of one session: decides commands and signals, writes the facts, then does what follows.
//!
//! Facts are decided on a scratch state, committed, and only then taken over; effects run after that. Commands overtake
//! signals. When the disk refuses signals' facts, the actor tries again and meanwhile reads no further signals, so the
//! driver waits; a command is answered with the disk's error.

use super::{Done, MAILBOX, Mail, Sessions, Shared, TASK_STATUS};
use crate::{
    Error,
    clock::{self, SystemIds},
    ledger::{Cause, Change, json, put},
    scheduler::Wish,
};
use nox_domain::{
    At,
    event::{Actor as Who, Event, Problem, RunEnd, SessionOpened, TurnEnd},
    rows::kind,
    session::{Effect, Now, Session, SessionCommand, Signal, Step},
    task::TaskStatus,
    tool::CallEnd,
    words::status_after,
};
use nox_runtimes::{AgentConnection, Answer, Signals, Start};
use nox_store::{NewOutbox, RowWrite};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Signals that may wait; then the driver waits.
const SIGNALS: usize = 256;
/// Signals that are decided into one transaction.
const SIGNALS_AT_ONCE: usize = 64;
/// How long a connection may take to end when the engine ends.
const PARK_LIMIT: Duration = Duration::from_secs(8);
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

pub(super) struct Actor {
    sessions: Sessions,
    session: Session,
    inbox: mpsc::Receiver<Mail>,
    signals: mpsc::Receiver<(u32, Signal)>,
    signal_sender: mpsc::Sender<(u32, Signal)>,
    connection: Option<Box<dyn AgentConnection>>,
}

type ReceiptBody = (serde_json::Value, Option<serde_json::Value>);

impl Actor {
    /// Opens a session on disk and starts its actor.
    pub(super) async fn open(
        sessions: Sessions,
        opened: SessionOpened,
        cause: &Cause,
        receipt: ReceiptBody,
    ) -> Result<Done, Error> {
        let at = clock::now();
        let step = Session::open(opened, &mut Now { at, ids: &mut SystemIds });
        let Some(mut session) = step.events.first().and_then(|first| Session::begin(first, at)) else {
            return Err(Error::Corrupt { what: "session", detail: "it has no beginning".into() });
        };
        for event in &step.events[1..] {
            session.apply(event, at);
        }
        let mut change = change_of(&session, 0, &step, at);
        change.receipt = Some(receipt);
        let committed = sessions.shared.ledger.commit(cause, at, change).await?;
        sessions.shared.outbox.notify_one();
        let id = session.id().clone();
        let (sender, actor) = Self::new(sessions.clone(), session);
        // In the table before it runs: the place that it asks for must find this actor, not wake a second one.
        sessions.table().insert(id, sender);
        tokio::spawn(actor.run(step.effects));
        Ok(Done { seq: committed.last_seq })
    }

    /// Starts the actor of a stored session; the first thing it does is to recover, then it reads this mail.
    pub(super) fn wake(sessions: Sessions, session: Session, first: Option<Mail>) -> mpsc::Sender<Mail> {
        let (sender, actor) = Self::new(sessions, session);
        if let Some(first) = first {
            // The mailbox is new and has room.
            let _ = sender.try_send(first);
        }
        tokio::spawn(actor.recover_and_run());
        sender
    }

    fn new(sessions: Sessions, session: Session) -> (mpsc::Sender<Mail>, Self) {
        let (sender, inbox) = mpsc::channel(MAILBOX);
        let (signal_sender, signals) = mpsc::channel(SIGNALS);
        (sender, Self { sessions, session, inbox, signals, signal_sender, connection: None })
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.sessions.shared
    }

    async fn recover_and_run(mut self) {
        let mut step = self.session.recover();
        self.add_kept_output(&mut step);
        self.record_surely(&Cause::nox(), &step).await;
        self.run(step.effects).await;
    }

    /// A call whose end nobody saw shows the output that was kept.
    fn add_kept_output(&self, step: &mut Step) {
        for event in &mut step.events {
            if let Event::ToolCallEnded { item, end: CallEnd::Unknown, output } = event {
                *output = self.shared().spool.cut_off(self.session.id(), item).map(Box::new);
            }
        }
    }

    async fn run(mut self, effects: Vec<Effect>) {
        use tracing::Instrument;
        let span = tracing::info_span!("session", session = %self.session.id());
        async move {
            self.follow(effects).await;
            loop {
                if self.is_idle() && self.sessions.let_go(self.session.id(), &mut self.inbox) {
                    return;
                }
                tokio::select! {
                    biased;
                    mail = self.inbox.recv() => match mail {
                        Some(Mail::Park { reply }) => {
                            self.park().await;
                            let _ = reply.send(());
                            return;
                        }
                        Some(mail) => self.mail(mail).await,
                        None => return,
                    },
                    Some(first) = self.signals.recv() => self.hear(first).await,
                }
            }
        }
        .instrument(span)
        .await;
    }

    /// Nothing is expected to happen to it without a command.
    fn is_idle(&self) -> bool {
        self.connection.is_none() && !self.session.has_live_run() && !self.session.wants_place()
    }

    async fn mail(&mut self, mail: Mail) {
        match mail {
            Mail::Command { command, cause, reply } => {
                let answer = self.command(&command, &cause).await;
                let effects = match answer {
                    Ok((done, effects)) => {
                        let _ = reply.send(Ok(done));
                        effects
                    }
                    Err(error) => {
                        let _ = reply.send(Err(error));
                        return;
                    }
                };
                self.follow(effects).await;
            }
            Mail::Place => {
                let step = self.session.place_granted(&mut Now { at: clock::now(), ids: &mut SystemIds });
                self.record_surely(&Cause::nox(), &step).await;
                self.follow(step.effects).await;
            }
            Mail::Park { .. } => {}
        }
    }

    async fn command(
        &mut self,
        command: &SessionCommand,
        cause: &Cause,
    ) -> Result<(Done, Vec<Effect>), Error> {
        let at = clock::now();
        let step = self.session.decide(command, &mut Now { at, ids: &mut SystemIds })?;
        let mut next = self.session.clone();
        for event in &step.events {
            next.apply(event, at);
        }
        let mut change = change_of(&next, self.session.next_ord, &step, at);
        change.receipt = Some((serde_json::Value::Null, inverse_of(command, self.session.id())));
        let committed = self.shared().ledger.commit(cause, at, change).await?;
        self.session = next;
        self.ring(&step);
        Ok((Done { seq: committed.last_seq }, step.effects))
    }

    async fn hear(&mut self, first: (u32, Signal)) {
        let mut batch = vec![first];
        while batch.len() < SIGNALS_AT_ONCE {
            match self.signals.try_recv() {
                Ok(next) => batch.push(next),
                Err(_) => break,
            }
        }
        let policy = self.shared().policy.load_full();
        let at = clock::now();
        let mut scratch = self.session.clone();
        let mut whole = Step::default();
        let mut run_ended = false;
        for (generation, signal) in batch {
            run_ended |= matches!(signal, Signal::RunEnded { .. }) && generation == scratch.generation();
            let step = scratch.hear(generation, signal, &policy, &mut Now { at, ids: &mut SystemIds });
            for event in &step.events {
                scratch.apply(event, at);
            }
            whole.events.extend(step.events);
            whole.effects.extend(step.effects);
        }
        self.record_surely(&Cause { actor: Who::Agent, command: None }, &whole).await;
        if run_ended {
            self.connection = None;
        }
        self.follow(whole.effects).await;
    }

    /// Writes facts that have already happened: it tries until the disk takes them.
    async fn record_surely(&mut self, cause: &Cause, step: &Step) {
        if step.events.is_empty() {
            return;
        }
        let at = clock::now();
        let mut next = self.session.clone();
        for event in &step.events {
            next.apply(event, at);
        }
        loop {
            let change = change_of(&next, self.session.next_ord, step, at);
            match self.shared().ledger.commit(cause, at, change).await {
                Ok(_) => break,
                Err(Error::Store(nox_store::Error::Closed)) => return,
                Err(error) => {
                    tracing::warn!(%error, "facts of a session cannot be written; trying again");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        self.session = next;
        self.ring(step);
    }

    /// Tells the files owner when the outbox has something new.
    fn ring(&self, step: &Step) {
        if step.effects.iter().any(|effect| matches!(effect, Effect::Closed(_)))
            || step.events.iter().any(|event| matches!(event, Event::SessionReopened))
        {
            self.shared().outbox.notify_one();
        }
    }

    async fn follow(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::WantPlace => {
                    let wish = Wish {
                        session: self.session.id().clone(),
                        agent: self.session.opened.agent.clone(),
                        agent_cap: self.session.opened.max_concurrent,
                    };
                    // Told by a task of its own: the place may be for this very actor, which must not wait for itself.
                    let sessions = self.sessions.clone();
                    tokio::spawn(async move { sessions.want_place(wish).await });
                }
                Effect::GivePlaceBack => {
                    let granted = self.shared().scheduler.give_back(self.session.id());
                    let sessions = self.sessions.clone();
                    tokio::spawn(async move { sessions.tell_places(granted).await });
                }
                Effect::StartRun { generation, done, .. } => self.start_run(generation, done).await,
                Effect::Deliver { key, item, allowed, reason, by_person } => {
                    if let Some(connection) = &mut self.connection {
                        connection.answer(Answer { key, item, allowed, reason, by_person }).await;
                    }
                }
                Effect::StopRun => match &mut self.connection {
                    Some(connection) => connection.stop().await,
                    // The run is recorded but its connection never stood.
                    None => self.signal(Signal::RunEnded { how: RunEnd::Killed, detail: None }),
                },
                Effect::Closed(_) | Effect::Asked(_) => {}
            }
        }
    }

    async fn start_run(&mut self, generation: u32, done: Vec<String>) {
        let opened = &self.session.opened;
        let start = Start {
            session: opened.session.clone(),
            folder: PathBuf::from(&opened.folder),
            text: self.session.turn.as_ref().map_or_else(|| opened.text.clone(), |turn| turn.text.clone()),
            environment: opened.environment.clone(),
            max_call_seconds: opened.max_call_seconds,
            done,
            shim: self.shared().shim.clone(),
            signals: Signals::new(generation, self.signal_sender.clone()),
            output: Arc::new(self.shared().spool.clone()),
        };
        match nox_runtimes::connect(opened.runtime, start).await {
            Ok(connection) => self.connection = Some(connection),
            Err(error) => {
                let problem = match error {
                    nox_runtimes::Error::BadText { line, message } => Problem::BadText { line, message },
                    other => Problem::NotStarted { message: other.to_string() },
                };
                self.signal(Signal::TurnEnded { end: TurnEnd::Failed, problem: Some(problem) });
                self.signal(Signal::RunEnded { how: RunEnd::Exit, detail: None });
            }
        }
    }

    /// A signal of our own, for the present run.
    fn signal(&self, signal: Signal) {
        if self.signal_sender.try_send((self.session.generation(), signal)).is_err() {
            tracing::error!("a signal of the engine itself found no room");
        }
    }

    /// Ends the connection and waits until nothing of it is alive; decides nothing.
    async fn park(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        connection.stop().await;
        let ended = async {
            while let Some((_, signal)) = self.signals.recv().await {
                if matches!(signal, Signal::RunEnded { .. }) {
                    break;
                }
            }
        };
        // Dropping the connection ends what it started in any case.
        if tokio::time::timeout(PARK_LIMIT, ended).await.is_err() {
            tracing::warn!("a connection did not end in time");
        }
    }
}

/// Everything that is stored with these facts; `session` is the state after them.
fn change_of(session: &Session, items_before: u32, step: &Step, at: At) -> Change {
    let stream = format!("session/{}", session.id());
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
fn inverse_of(command: &SessionCommand, session: &nox_domain::ids::SessionId) -> Option<serde_json::Value> {
    let inverse = match command {
        SessionCommand::Delete => SessionCommand::Restore,
        SessionCommand::Restore => SessionCommand::Delete,
        _ => return None,
    };
    Some(serde_json::json!({ "session": session, "command": inverse }))
}
