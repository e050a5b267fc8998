//! A running engine behind the contract.

use crate::{
    ApiError, ErrorCode,
    dto::*,
    feed::{Subscriber, Subscribers},
    mirror::{Mirror, OLD_REQUESTS, view},
    output,
};
use nox_domain::{
    Size,
    event::Actor,
    ids::{CommandId, SessionId},
    life::PauseWhy,
    rows::SessionRow,
    session::SessionCommand,
    words::Card,
};
use nox_engine::{
    Engine, Error, Purpose,
    home::{Home, HomeLock},
    ledger::Cause,
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// Sessions that are over and stand in a snapshot.
const OLD_SESSIONS: usize = 200;
/// Cards of each column in a first look: more than a tall window shows.
const FIRST_CARDS: usize = 60;
/// Cards in a page.
const MAX_CARDS: u32 = 1_000;
/// How long an answer waits for the mirror.
const MIRROR_LIMIT: Duration = Duration::from_secs(1);

/// A running engine behind the contract. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    mirror: Mutex<(Mirror, Cursor)>,
    subscribers: Arc<Subscribers>,
    windows: Arc<watch::Sender<u32>>,
    /// Up to where the mirror is.
    mirrored: watch::Sender<i64>,
    /// The newest place in the log that subscribers were told of; places without rows are not.
    said: AtomicI64,
}

/// Pauses sessions whose rules say so when the last client that was attached to them has gone.
async fn pause_left(mut leaving: mpsc::UnboundedReceiver<SessionId>, api: Weak<Inner>) {
    while let Some(session) = leaving.recv().await {
        let Some(inner) = api.upgrade() else { return };
        if inner.subscribers.is_attached(&session) {
            continue;
        }
        let left = inner
            .mirror()
            .0
            .sessions
            .get(&session)
            .is_some_and(|row| row.pauses_alone && !row.state.is_closed() && !row.state.awaits_prompt());
        if left {
            let pause = SessionCommand::Pause { why: PauseWhy::Disconnected };
            if let Err(error) = inner.engine.sessions().command(&session, pause, Cause::nox()).await {
                tracing::info!(%error, %session, "a session that nobody is attached to was not paused");
            }
        }
    }
}

/// A window that can answer permission requests; it counts until this is dropped.
#[derive(Debug)]
pub struct WindowGuard {
    windows: Arc<watch::Sender<u32>>,
}

impl Drop for WindowGuard {
    fn drop(&mut self) {
        self.windows.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Api {
    /// Begins: opens the engine of a home whose lock is held, and mirrors what clients see.
    pub async fn open(home: Home, lock: HomeLock) -> Result<Self, ApiError> {
        Self::open_for(home, lock, Purpose::Work).await
    }

    /// As [`Self::open`], for a short look: nothing that waits is started.
    pub async fn open_to_look(home: Home, lock: HomeLock) -> Result<Self, ApiError> {
        Self::open_for(home, lock, Purpose::Look).await
    }

    async fn open_for(home: Home, lock: HomeLock, purpose: Purpose) -> Result<Self, ApiError> {
        let engine = Engine::open_for(home, lock, purpose).await?;
        match Self::over(engine.clone()).await {
            // What clients see first is read, and cannot be: it is saved as after a damage that opening meets.
            Err(error) => match error.damage() {
                Some(detail) => Ok(Self::over(engine.begin_anew(purpose, &detail).await?).await?),
                None => Err(error.into()),
            },
            opened => Ok(opened?),
        }
    }

    async fn over(engine: Engine) -> Result<Self, Error> {
        let position = engine.position().await;
        let mut changes = engine.changes_after(position.seq);
        let mut mirror = Mirror::default();
        use nox_domain::rows::Row;
        use nox_engine::reading::RowChange;
        let mut rows: Vec<RowChange> = Vec::new();
        let mut add = |row: Row| rows.push(RowChange::Put(row));
        engine.tasks().await?.into_iter().for_each(|row| add(Row::Task(row)));
        engine.newest_sessions(20_000).await?.into_iter().for_each(|row| add(Row::Session(row)));
        engine
            .newest_requests(OLD_REQUESTS)
            .await?
            .into_iter()
            .for_each(|row| add(Row::Request(Box::new(row))));
        // However old: what is open must be seen.
        let (open, asked) = engine.open_work().await?;
        open.into_iter().for_each(|row| add(Row::Session(row)));
        asked.into_iter().for_each(|row| add(Row::Request(Box::new(row))));
        engine.agents().await?.into_iter().for_each(|row| add(Row::Agent(Box::new(row))));
        engine.projects().await?.into_iter().for_each(|row| add(Row::Project(row)));
        engine.problems().await?.into_iter().for_each(|row| add(Row::Problem(row)));
        engine.refusals().await?.into_iter().for_each(|row| add(Row::Refusal(Box::new(row))));
        mirror.fill(rows);
        let cursor = Cursor { epoch: position.epoch, seq: Size(position.seq as u64) };
        let (subscribers, leaving) = Subscribers::new();
        let subscribers = Arc::new(subscribers);
        tokio::spawn(output::run(engine.spool().deltas(), Arc::downgrade(&subscribers)));
        let inner = Arc::new(Inner {
            engine,
            mirror: Mutex::new((mirror, cursor)),
            subscribers,
            windows: Arc::new(watch::Sender::new(0)),
            mirrored: watch::Sender::new(position.seq),
            said: AtomicI64::new(position.seq),
        });
        let weak = Arc::downgrade(&inner);
        let listening = inner.subscribers.clone();
        tokio::spawn(async move {
            while let Some(changed) = changes.next().await {
                let Some(inner) = weak.upgrade() else { break };
                inner.take(changed);
            }
            // Also when nobody holds the engine any more: whoever listens hears the end.
            listening.close();
        });
        tokio::spawn(pause_left(leaving, Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// The engine, for what is no operation: closing, its home, its live runs.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Resolves when what was changed by hand while no engine ran is known.
    pub async fn looked(&self) -> Result<(), ApiError> {
        self.engine().files().looked().await?;
        let seq = self.engine().position().await.seq;
        self.inner.wait_for(seq).await;
        Ok(())
    }

    /// Hears every change from now on. Subscribe first, then ask for the snapshot.
    pub fn subscribe(&self) -> Subscriber {
        self.inner.subscribers.subscribe()
    }

    /// Tells all clients something that a face wants them to know.
    pub fn tell(&self, push: &Push) {
        self.inner.subscribers.tell(push);
    }

    /// Counts a window that can answer permission requests, until the guard is dropped.
    pub fn attach_window(&self) -> WindowGuard {
        self.inner.windows.send_modify(|count| *count += 1);
        WindowGuard { windows: self.inner.windows.clone() }
    }

    /// Windows that can answer permission requests now.
    pub fn windows(&self) -> u32 {
        *self.inner.windows.borrow()
    }

    /// [`Self::windows`] as it changes.
    pub fn windows_seen(&self) -> watch::Receiver<u32> {
        self.inner.windows.subscribe()
    }

    /// Ends all connections and writes what is pending; open requests stay open.
    pub async fn close(&self) {
        self.inner.engine.close().await;
    }

    /// Does a command once: a repeated id is answered from its receipt. What it changed is in the mirror when it is
    /// answered, so that a caller finds its own work in the next snapshot.
    pub(crate) async fn once<F>(&self, caller: &Caller, work: F) -> Result<Recorded, ApiError>
    where
        F: AsyncFnOnce(Cause) -> Result<(), Error>,
    {
        if let Some(answer) = self.engine().receipt(&caller.command).await? {
            return Ok(self.inner.answered(&caller.command, answer).await);
        }
        let cause = Cause { actor: caller.actor(), command: Some(caller.command.clone()) };
        match work(cause).await {
            Ok(()) => {}
            Err(error) if error.is_already_done() => {}
            Err(error) => {
                // The same command may have been done meanwhile, which is why it is refused now.
                let done = self.engine().receipt(&caller.command).await.ok().flatten();
                let Some(answer) = done else {
                    tracing::debug!(command = %caller.command, face = ?caller.face, %error, "a command was refused");
                    return Err(error.into());
                };
                return Ok(self.inner.answered(&caller.command, answer).await);
            }
        }
        let answer = self.engine().receipt(&caller.command).await?;
        let answer = answer.ok_or_else(|| {
            ApiError::new(ErrorCode::Internal, "the command left no receipt").hint("The log has more.")
        })?;
        tracing::debug!(command = %caller.command, face = ?caller.face, "a command was recorded");
        Ok(self.inner.answered(&caller.command, answer).await)
    }

    /// Everything that clients see.
    pub async fn snapshot(&self, _: Nothing) -> Result<Snapshot, ApiError> {
        self.look(Mirror::cards).await
    }

    /// What a window begins with: what is in sight, and how much there is.
    pub async fn first_look(&self, _: Nothing) -> Result<FirstLook, ApiError> {
        let mut columns = Vec::new();
        let snapshot = self
            .look(|mirror| {
                let (cards, counts) = mirror.first_cards(FIRST_CARDS);
                columns = counts;
                cards
            })
            .await?;
        let all: u32 = columns.iter().map(|column| column.count).sum();
        let is_whole = all as usize == snapshot.cards.len();
        Ok(FirstLook { snapshot, columns, is_whole })
    }

    /// A page of all cards. Who reads all pages has every card that was there all the time.
    pub async fn read_cards(&self, input: ReadCards) -> Result<CardsPage, ApiError> {
        let most = input.limit.clamp(1, MAX_CARDS) as usize;
        let cards = self.inner.mirror().0.cards_after(input.after.as_ref(), most);
        let next = cards.last().filter(|_| cards.len() == most).map(|card| card.task.id.clone());
        Ok(CardsPage { cards, next })
    }

    async fn look(&self, cards: impl FnOnce(&Mirror) -> Vec<Card>) -> Result<Snapshot, ApiError> {
        let engine = self.engine();
        // Whether their folders are there is asked of the disk, which may be a slow one.
        let looking = engine.clone();
        let projects =
            tokio::task::spawn_blocking(move || looking.local().projects()).await.map_err(|_| {
                ApiError::new(ErrorCode::Internal, "the projects could not be looked at").hint("Try again.")
            })?;
        let (mirror, cursor) = &*self.inner.mirror();
        let (mut open, mut closed): (Vec<&SessionRow>, Vec<&SessionRow>) =
            mirror.sessions.values().filter(|row| !row.deleted).partition(|row| !row.state.is_closed());
        closed.sort_by_key(|row| std::cmp::Reverse((row.last_event_at, row.id.clone())));
        closed.truncate(OLD_SESSIONS);
        open.extend(closed);
        open.sort_by_key(|row| std::cmp::Reverse((row.last_event_at, row.id.clone())));
        use nox_domain::rows::RequestState;
        let (mut requests, mut answered): (Vec<_>, Vec<_>) =
            mirror.requests.values().partition(|row| row.state == RequestState::Open);
        answered.sort_by_key(|row| std::cmp::Reverse(row.request.asked_at));
        answered.truncate(OLD_REQUESTS);
        requests.sort_by_key(|row| row.request.asked_at);
        requests.extend(answered);
        Ok(Snapshot {
            cursor: cursor.clone(),
            cards: cards(mirror),
            sessions: open.into_iter().map(view).collect(),
            requests: requests.into_iter().cloned().collect(),
            agents: mirror.agents.values().cloned().collect(),
            projects,
            problems: mirror.problems.values().cloned().collect(),
            settings: mirror.settings.clone().unwrap_or_else(|| engine.local().values().into()),
            engine: self.info(),
        })
    }

    fn info(&self) -> EngineInfo {
        let beginning = self.engine().beginning();
        let known = self.engine().files().known();
        EngineInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            home: self.engine().home().root().display().to_string(),
            started_at: beginning.at,
            lost_runs: beginning.lost_runs,
            swept: beginning.swept,
            sandbox: "none".to_owned(),
            default_agent: known.default_agent().map(|row| row.agent.id.clone()),
        }
    }
}

impl Inner {
    /// Waits until the mirror has this place of the log, or gives up: the answer matters more.
    async fn wait_for(&self, seq: i64) {
        let mut mirrored = self.mirrored.subscribe();
        let caught_up = mirrored.wait_for(|there| *there >= seq);
        if tokio::time::timeout(MIRROR_LIMIT, caught_up).await.is_err() {
            tracing::warn!(seq, "the mirror is behind; the command is answered without it");
        }
    }

    /// The answer to a command, when its change is in the mirror. One that found nothing to change has no commit of its
    /// own: subscribers are told of its place here, since whoever sent it waits for that.
    async fn answered(&self, command: &CommandId, answer: nox_engine::reading::Answer) -> Recorded {
        self.wait_for(answer.seq).await;
        if self.said.fetch_max(answer.seq, Ordering::Relaxed) < answer.seq {
            self.subscribers.changed(Size(answer.seq as u64), Some(command.clone()), Vec::new());
        }
        recorded(answer)
    }

    pub(crate) fn mirror(&self) -> MutexGuard<'_, (Mirror, Cursor)> {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, changed: nox_engine::reading::RowsChanged) {
        let seq = Size(changed.seq as u64);
        let translated = {
            let (mirror, cursor) = &mut *self.mirror();
            cursor.seq = seq;
            mirror.take(changed.rows)
        };
        if !translated.rows.is_empty() || changed.command.is_some() {
            self.said.fetch_max(changed.seq, Ordering::Relaxed);
            self.subscribers.changed(seq, changed.command, translated.rows);
        }
        for told in translated.told {
            self.subscribers.tell(&Push::Told(told));
        }
        self.mirrored.send_replace(changed.seq);
    }
}

impl Caller {
    /// Who is behind the face.
    pub(crate) fn actor(&self) -> Actor {
        match self.face {
            Face::Cli => Actor::Cli,
            _ => Actor::User,
        }
    }
}

fn recorded(answer: nox_engine::reading::Answer) -> Recorded {
    let mut recorded: Recorded = match answer.result {
        serde_json::Value::Object(mut fields) => {
            fields.insert("seq".into(), 0.into());
            fields.insert("undo".into(), false.into());
            serde_json::from_value(fields.into()).unwrap_or_default()
        }
        _ => Recorded::default(),
    };
    recorded.seq = Size(answer.seq as u64);
    recorded.undo = answer.undo;
    recorded
}
