//! The actor of one session: decides commands and signals, writes the facts, then does what follows.
//!
//! Facts are decided on a scratch state, committed, and only then taken over; effects run after that. Commands overtake
//! signals. When the disk refuses signals' facts, the actor tries again and meanwhile reads no further signals, so the
//! driver waits; commands are answered with the disk's error, and a stop ends the connection all the same. Each commit
//! names the event that it follows on: an actor whose state is old is refused, and reads it again.

use super::{
    Done, MAILBOX, Mail, Sessions, Shared, Stored,
    record::{Recorded, Snapshot, change_of, inverse_of},
    stored::stream,
};
use crate::{
    Error,
    clock::{self, SystemIds},
    ledger::{Cause, gone, read_json},
    limits::Watch,
    scheduler::{Told, Wish},
};
use nox_domain::{
    event::{Actor as Who, Dial, Event, Problem, RunEnd, SessionOpened, TurnEnd},
    ids::ItemId,
    rows::{AgentRow, kind},
    session::{Effect, Now, Session, SessionCommand, Signal, Step},
    tool::{CallEnd, OutputDigest},
    transcript::AgentFault,
};
use nox_runtimes::{AgentConnection, Answer, Signals, Start};
use nox_store::Expected;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::Instant,
};

/// Signals that may wait; then the driver waits.
const SIGNALS: usize = 256;
/// Signals that are decided into one transaction.
const SIGNALS_AT_ONCE: usize = 64;
/// How long a connection may take to end when the engine ends.
const PARK_LIMIT: Duration = Duration::from_secs(8);
/// How long what follows from a command waits for whoever holds it.
const HOLD_LIMIT: Duration = Duration::from_secs(3);
/// The longest wait before a restart, in milliseconds.
const LONGEST_WAIT_MS: u64 = 120_000;
/// How often something is decided anew because the state was old.
pub(super) const TRIES: u32 = 3;

pub(super) struct Actor {
    pub(super) sessions: Sessions,
    pub(super) session: Session,
    /// The place of the session's newest event in its stream.
    pub(super) stream_seq: i64,
    /// Where in the stream the stored state stands.
    pub(super) snapshot_seq: i64,
    pub(super) inbox: mpsc::Receiver<Mail>,
    /// A place came while the disk refused.
    pub(super) place_postponed: bool,
    /// Somebody stopped it while the disk refused.
    pub(super) stop_wanted: Option<Cause>,
    pub(super) signals: mpsc::Receiver<(u32, Signal)>,
    pub(super) signal_sender: mpsc::Sender<(u32, Signal)>,
    pub(super) connection: Option<Box<dyn AgentConnection>>,
    /// When a planned restart is due.
    pub(super) restart_at: Option<Instant>,
    /// When the run was last heard of, by a signal.
    pub(super) heard_at: Instant,
    /// The last sign of life before the silence that was noticed.
    pub(super) silent_since: Option<Instant>,
    /// A person wanted to wait on then: the silence counts from there.
    pub(super) waited_at: Option<Instant>,
    /// Rung when a run that was silent writes something.
    pub(super) written: Arc<Notify>,
    /// What its run may take, as far as it is held here.
    pub(super) watch: Watch,
    /// A measurement that is under way.
    pub(super) measuring: Option<JoinHandle<()>>,
    /// It was parked, or nobody can reach it any more.
    pub(super) over: bool,
}

/// A command's answer, and the command that takes it back.
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
        let stream_seq = step.events.len() as i64;
        let mut change = change_of(&session, None, &step, at, stream_seq, Snapshot::Take);
        // What did not let its task begin before is over with this.
        change.rows.extend(session.opened.task.as_ref().map(|task| gone(kind::REFUSAL, task)));
        change.receipt = Some(receipt);
        change.expected = Some(Expected { stream: stream(session.id()), stream_seq: 0 });
        let id = session.id().clone();
        let (sender, mut actor) = Self::new(sessions.clone(), session);
        // In the table before it is on disk: whoever sees it there must find this actor, not wake a second one.
        {
            let mut table = sessions.table();
            if table.closing {
                return Err(Error::Closing);
            }
            table.awake.insert(id.clone(), sender);
        }
        // A task of its own: what is on disk goes on even if the caller stops waiting.
        let cause = cause.clone();
        let opening = tokio::spawn(async move {
            match actor.shared().ledger.commit(&cause, at, change).await {
                Ok(committed) => {
                    (actor.stream_seq, actor.snapshot_seq) = (stream_seq, stream_seq);
                    actor.shared().outbox.notify_one();
                    tokio::spawn(actor.run(step.effects));
                    Ok(Done { seq: committed.last_seq })
                }
                Err(error) => {
                    actor.sessions.table().awake.remove(&id);
                    Err(error)
                }
            }
        });
        opening.await.map_err(|_| Error::Closing)?
    }

    /// Starts the actor of a stored session; the first thing it does is to recover, then it reads this mail.
    pub(super) fn wake(sessions: Sessions, stored: Stored, first: Option<Mail>) -> mpsc::Sender<Mail> {
        let (sender, mut actor) = Self::new(sessions, stored.session);
        (actor.stream_seq, actor.snapshot_seq) = (stored.stream_seq, stored.snapshot_seq);
        if let Some(first) = first {
            // The mailbox is new and has room.
            let _ = sender.try_send(first);
        }
        tokio::spawn(actor.recover_and_run());
        sender
    }

    pub(super) fn new(sessions: Sessions, session: Session) -> (mpsc::Sender<Mail>, Self) {
        let (sender, inbox) = mpsc::channel(MAILBOX);
        let (signal_sender, signals) = mpsc::channel(SIGNALS);
        let actor = Self {
            sessions,
            session,
            stream_seq: 0,
            snapshot_seq: 0,
            inbox,
            place_postponed: false,
            stop_wanted: None,
            signals,
            signal_sender,
            connection: None,
            restart_at: None,
            heard_at: Instant::now(),
            silent_since: None,
            waited_at: None,
            written: Arc::default(),
            watch: Watch::default(),
            measuring: None,
            over: false,
        };
        (sender, actor)
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.sessions.shared
    }

    async fn recover_and_run(mut self) {
        let mut effects = Vec::new();
        for _ in 0..TRIES {
            let had_run = self.session.has_live_run();
            let mut step = self.session.recover(&mut Now { at: clock::now(), ids: &mut SystemIds });
            self.add_kept_output(&mut step).await;
            match self.record_surely(&Cause::nox(), &step).await {
                Recorded::Yes => {
                    if had_run {
                        // Its actor may have died within this engine, with its place.
                        effects.push(Effect::GivePlaceBack);
                    }
                    effects.extend(step.effects);
                    break;
                }
                Recorded::Stale => {}
                Recorded::No => break,
            }
        }
        self.run(effects).await;
    }

    /// A call whose end nobody saw shows the output that was kept, and so does a text that was being written.
    async fn add_kept_output(&mut self, step: &mut Step) {
        for event in &mut step.events {
            match event {
                Event::ToolCallEnded { item, end: CallEnd::Unknown, output } => {
                    *output = self.kept_output(item).await.map(Box::new);
                }
                Event::Said { item, text } | Event::Thought { item, text } if text.is_empty() => {
                    let kept = self.kept_output(item).await.unwrap_or_default();
                    *text = if kept.tail.is_empty() {
                        kept.head
                    } else {
                        format!("{}\n…\n{}", kept.head, kept.tail)
                    };
                }
                _ => {}
            }
        }
    }

    async fn kept_output(&mut self, item: &ItemId) -> Option<OutputDigest> {
        let (spool, session, item) = (self.shared().spool.clone(), self.session.id().clone(), item.clone());
        tokio::task::spawn_blocking(move || spool.cut_off(&session, &item)).await.ok().flatten()
    }

    pub(super) async fn run(mut self, effects: Vec<Effect>) {
        use tracing::Instrument;
        let span = tracing::info_span!("session", session = %self.session.id());
        async move {
            self.follow(effects).await;
            while !self.over {
                if let Some(cause) = self.stop_wanted.take() {
                    self.record_stop(cause).await;
                    continue;
                }
                if std::mem::take(&mut self.place_postponed) {
                    self.take_place().await;
                    continue;
                }
                if self.is_idle() && self.sessions.let_go(self.session.id(), &mut self.inbox) {
                    return;
                }
                let look = self.next_look();
                tokio::select! {
                    biased;
                    mail = self.inbox.recv() => match mail {
                        Some(mail) => self.mail(mail).await,
                        None => return,
                    },
                    Some(first) = self.signals.recv() => self.hear(first).await,
                    () = look => self.look().await,
                }
            }
        }
        .instrument(span)
        .await;
    }

    /// Nothing is expected to happen to it without a command.
    fn is_idle(&self) -> bool {
        self.connection.is_none()
            && !self.session.has_live_run()
            && !self.session.wants_place()
            && self.restart_at.is_none()
            && !self.session.is_limited()
    }

    async fn mail(&mut self, mail: Mail) {
        match mail {
            Mail::Command { command, cause, reply, hold } => match self.command(&command, &cause).await {
                Ok((done, effects)) => {
                    let _ = reply.send(Ok(done));
                    if let Some(hold) = hold {
                        let _ = tokio::time::timeout(HOLD_LIMIT, hold).await;
                    }
                    self.follow(effects).await;
                }
                Err(error) => {
                    let disk_refused = matches!(&error, Error::Store(error) if error.is_retryable());
                    let _ = reply.send(Err(error));
                    if disk_refused && command == SessionCommand::Stop {
                        self.stop_unrecorded(cause).await;
                    }
                }
            },
            Mail::Place => self.take_place().await,
            Mail::HeldBack { by } => self.decided(|session| session.held_back_by(by)).await,
            Mail::Hibernate => {
                self.decided(Session::hibernate).await;
                if !self.session.hibernating {
                    let told = self.shared().scheduler.stays(self.session.id(), self.session.can_hibernate());
                    self.tell(told);
                }
            }
            Mail::Measured(measured) => self.take_measured(measured).await,
            Mail::Limit(hit) => self.report_signal(Signal::Limit(hit)).await,
            Mail::Park { reply } => {
                self.park().await;
                self.over = true;
                let _ = reply.send(());
            }
        }
    }

    async fn take_place(&mut self) {
        for _ in 0..TRIES {
            // A place that was told and taken back meanwhile is none.
            let id = self.session.id();
            if self.sessions.is_closing() || !self.shared().scheduler.holds(id) {
                return;
            }
            let step = self.session.place_granted(&mut Now { at: clock::now(), ids: &mut SystemIds });
            match self.record_surely(&Cause::nox(), &step).await {
                Recorded::Yes => return self.follow(step.effects).await,
                Recorded::Stale => {}
                Recorded::No => break,
            }
        }
        if !self.session.has_live_run() {
            self.follow(vec![Effect::GivePlaceBack]).await;
        }
    }

    async fn command(
        &mut self,
        command: &SessionCommand,
        cause: &Cause,
    ) -> Result<(Done, Vec<Effect>), Error> {
        let mut tries = 1;
        loop {
            let at = clock::now();
            let step = self.session.decide(command, &mut Now { at, ids: &mut SystemIds })?;
            let mut next = self.session.clone();
            for event in &step.events {
                next.apply(event, at);
            }
            let mut change = self.change_to(&next, &step, at);
            change.receipt = Some((serde_json::Value::Null, inverse_of(command, &self.session)));
            match self.shared().ledger.commit(cause, at, change).await {
                Ok(committed) => {
                    self.stand_at(next, &step);
                    return Ok((Done { seq: committed.last_seq }, step.effects));
                }
                Err(Error::Store(nox_store::Error::Conflict { .. })) if tries < TRIES => {
                    tries += 1;
                    self.reload().await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn hear(&mut self, first: (u32, Signal)) {
        self.heard_at = Instant::now();
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
        match self.record_surely(&Cause { actor: Who::Agent, command: None }, &whole).await {
            Recorded::Yes => {
                if run_ended {
                    self.connection = None;
                    self.shared().spool.forget(self.session.id());
                }
                self.follow(whole.effects).await;
            }
            // What the driver said is lost with the state that it was said to.
            Recorded::Stale => self.cut_off("its session was changed by others"),
            Recorded::No => {}
        }
    }

    pub(super) async fn follow(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::WantPlace => {
                    let wish = Wish {
                        session: self.session.id().clone(),
                        agent: self.session.opened.agent.clone(),
                        agent_cap: self.session.opened.max_concurrent,
                        usual_mb: nox_runtimes::usual_memory_mb(self.session.opened.runtime),
                    };
                    // Told by a task of its own: the place may be for this very actor, which must not wait for itself.
                    let sessions = self.sessions.clone();
                    tokio::spawn(async move { sessions.want_place(wish).await });
                }
                Effect::GivePlaceBack => {
                    let told = self.shared().scheduler.give_back(self.session.id());
                    self.tell(told);
                }
                start @ Effect::StartRun { .. } => self.start_run(start).await,
                Effect::Interrupt => {
                    if let Some(connection) = &mut self.connection {
                        connection.interrupt().await;
                    }
                }
                Effect::Prompt(prompt) => {
                    if let Some(connection) = &mut self.connection {
                        connection.prompt(prompt).await;
                    }
                }
                Effect::Steer { text } => {
                    if let Some(connection) = &mut self.connection {
                        connection.steer(text).await;
                    }
                }
                Effect::Switch { dial, to } => {
                    if let Some(connection) = &mut self.connection {
                        match dial {
                            Dial::Mode => connection.set_mode(to).await,
                            Dial::Model => connection.set_model(to).await,
                        }
                    }
                }
                Effect::RestartAt(at) => {
                    // However the clock was set meanwhile, it waits no longer than the longest back-off.
                    let wait = u64::try_from(at.0 - clock::now().0).unwrap_or_default().min(LONGEST_WAIT_MS);
                    self.restart_at = Some(Instant::now() + Duration::from_millis(wait));
                }
                Effect::Deliver { key, item, allowed, reason, by_person, answers } => {
                    if let Some(connection) = &mut self.connection {
                        connection.answer(Answer { key, item, allowed, reason, by_person, answers }).await;
                    }
                }
                Effect::StopRun => match &mut self.connection {
                    Some(connection) => connection.stop().await,
                    // The run is recorded but its connection never stood.
                    None => self.signal(Signal::RunEnded { how: RunEnd::Killed, detail: None }),
                },
                Effect::Settled(_) | Effect::Asked(_) => {}
            }
        }
    }

    /// Told by a task of its own: it may be for this very actor, which must not wait for itself.
    pub(super) fn tell(&self, told: Told) {
        if told != Told::default() {
            let sessions = self.sessions.clone();
            tokio::spawn(async move { sessions.tell(told).await });
        }
    }

    async fn start_run(&mut self, start: Effect) {
        let Effect::StartRun {
            generation, done, resume, fork, heard, prompt, again, words, left_out, ..
        } = start
        else {
            return;
        };
        if self.agent_is_disabled().await {
            let message = format!("the agent {} is disabled", self.session.opened.agent_name);
            self.not_started(refused(message));
            return;
        }
        self.measure_before_run(generation).await;
        let (program, services) = (&self.session.opened.program, &self.session.opened.services);
        let (key, service_keys) = match self.shared().keys.of_run(program, services).await {
            Ok(keys) => keys,
            Err(message) => return self.not_started(refused(message)),
        };
        let opened = &self.session.opened;
        let start = Start {
            session: opened.session.clone(),
            folder: PathBuf::from(&opened.folder),
            text: opened.text.clone(),
            instructions: opened.instructions.clone(),
            program: self.session.program(),
            key,
            services: opened.services.clone(),
            service_keys,
            prompt,
            again,
            words,
            left_out,
            spent_micro_usd: self.session.cost_micro_usd.unwrap_or_default().0,
            shown: self.session.shown(),
            resume,
            heard,
            keep: self.shared().home.conversations(),
            temporary: self.shared().home.runs(),
            prices: Some(self.shared().home.prices()),
            fork,
            limits: opened.limits,
            environment: opened.environment.clone(),
            max_call_seconds: opened.max_call_seconds,
            done,
            shim: self.shared().shim.clone(),
            signals: Signals::new(generation, self.signal_sender.clone()),
            output: Arc::new(self.shared().spool.clone()),
            images: Arc::new(self.shared().documents.clone()),
        };
        match nox_runtimes::connect(opened.runtime, start).await {
            Ok(connection) => self.connection = Some(connection),
            Err(error) => self.not_started(problem_of(error)),
        }
    }

    fn not_started(&self, problem: Problem) {
        self.signal(Signal::TurnEnded { end: TurnEnd::Failed, problem: Some(problem) });
        self.signal(Signal::RunEnded { how: RunEnd::Exit, detail: None });
    }

    /// Whether the agent was disabled while the session waited for a place.
    async fn agent_is_disabled(&mut self) -> bool {
        let agent = self.session.opened.agent.as_str();
        let row = self.shared().ledger.store().row(kind::AGENT, agent).await.ok().flatten();
        let row = row.filter(|row| !row.deleted);
        row.and_then(|row| read_json::<AgentRow>("agent", &row.body).ok())
            .is_some_and(|row| !row.agent.enabled)
    }

    /// A signal of our own, for the present run.
    pub(super) fn signal(&self, signal: Signal) {
        if self.signal_sender.try_send((self.session.generation(), signal)).is_err() {
            tracing::error!("a signal of the engine itself found no room");
        }
    }

    /// Ends the connection and waits until nothing of it is alive; decides nothing.
    pub(super) async fn park(&mut self) {
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

/// Why a connection could not be started, as people are told.
pub(crate) fn problem_of(error: nox_runtimes::Error) -> Problem {
    match error {
        nox_runtimes::Error::BadText { line, message } => Problem::BadText { line, message },
        nox_runtimes::Error::Agent { fault, message } => Problem::Agent { fault, message, until: None },
        error @ nox_runtimes::Error::NoFolder { .. } => refused(error.to_string()),
    }
}

/// That the settings of an agent do not allow a start.
fn refused(message: String) -> Problem {
    Problem::Agent { fault: AgentFault::Settings, message, until: None }
}
