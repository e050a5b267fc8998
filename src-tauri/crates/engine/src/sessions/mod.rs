//! Sessions: one actor each, which alone decides about it, and the table of those that are awake.
//!
//! A command finds the actor in the table, or wakes it from its stored state. The table is the only map that is shared;
//! its lock is never held across an await. Once the table closes, nothing is woken, opened or given a place any more.

mod actor;
mod looks;
mod near;
mod record;
pub(crate) mod stored;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_limits;

use crate::{
    Error,
    documents::Documents,
    home::Home,
    keys::Keys,
    ledger::{Cause, Ledger},
    limits::{Measured, Rhythm},
    scheduler::{Scheduler, Told, Wish},
    spool::Spool,
    vitals::Vitals,
};
pub(crate) use record::TaskStatusWish;

use actor::Actor;
pub(crate) use actor::problem_of;
use arc_swap::ArcSwap;
use nox_domain::{
    event::SessionOpened,
    ids::SessionId,
    life::{HeldBack, LimitHit},
    policy::Policy,
    session::SessionCommand,
};
use nox_process::ShimPath;
use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
pub(crate) use stored::Stored;
use tokio::sync::{Notify, mpsc, oneshot};

/// How many commands may wait for one session.
const MAILBOX: usize = 64;
/// How long a place waits when a session's mailbox is full.
const FULL: Duration = Duration::from_millis(20);
/// How long all connections together may take to end when the engine ends.
const PARK_ALL_LIMIT: Duration = Duration::from_secs(10);

/// What an actor is told.
enum Mail {
    /// Somebody wants something. What follows from it waits for `hold`, if there is one.
    Command {
        command: SessionCommand,
        cause: Cause,
        reply: oneshot::Sender<Result<Done, Error>>,
        hold: Option<oneshot::Receiver<()>>,
    },
    /// The scheduler has a place.
    Place,
    /// The scheduler has none, and why.
    HeldBack { by: HeldBack },
    /// Others need the place or the memory: close the run if it is idle.
    Hibernate,
    /// What its run uses, as it was wanted.
    Measured(Measured),
    /// A limit that somebody else met on behalf of its run.
    Limit(LimitHit),
    /// End the connection without deciding anything, say so, and end.
    Park { reply: oneshot::Sender<()> },
}

/// A recorded command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Its place in the log.
    pub seq: i64,
}

/// What actors share.
pub(crate) struct Shared {
    pub(crate) ledger: Ledger,
    pub(crate) home: Home,
    pub(crate) spool: Spool,
    pub(crate) documents: Documents,
    pub(crate) scheduler: Scheduler,
    pub(crate) policy: ArcSwap<Policy>,
    pub(crate) shim: ShimPath,
    pub(crate) keys: Keys,
    /// What runs hold and use.
    pub(crate) vitals: Vitals,
    /// How fast things happen; from the settings.
    pub(crate) pace: ArcSwap<Pace>,
    /// Rung when the outbox has something for the files owner.
    pub(crate) outbox: Arc<Notify>,
}

/// How fast things happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// An idle run is closed after this time.
    pub(crate) hibernate_after: Option<Duration>,
    /// How often runs are looked at.
    pub(crate) rhythm: Rhythm,
}

impl Pace {
    /// As the settings say.
    pub(crate) fn of(values: &crate::settings::Values) -> Self {
        let seconds = u64::from(values.hibernate_after_seconds);
        let hibernate_after = (seconds > 0).then(|| Duration::from_secs(seconds));
        Self { hibernate_after, rhythm: Rhythm::default() }
    }
}

/// The outbox's kind of a task whose file should get another status.
pub const TASK_STATUS: &str = "task_status";

#[derive(Default)]
struct Table {
    awake: HashMap<SessionId, mpsc::Sender<Mail>>,
    /// The engine ends: no session is woken, opened or given a place.
    closing: bool,
}

/// Held by whoever has something to do before what follows from a recorded command; dropping it lets that go on.
#[derive(Debug)]
pub struct Hold {
    _release: oneshot::Sender<()>,
}

/// The table of sessions that are awake. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
    table: Arc<Mutex<Table>>,
}

impl Sessions {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, table: Arc::default() }
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.table().closing
    }

    /// Opens a session; resolves when it is on disk. The answer to a repeated command is the caller's concern.
    pub(crate) async fn open(
        &self,
        opened: SessionOpened,
        cause: &Cause,
        result: serde_json::Value,
        inverse: Option<serde_json::Value>,
    ) -> Result<Done, Error> {
        Actor::open(self.clone(), opened, cause, (result, inverse)).await
    }

    /// Hands a command to a session; resolves when it is on disk.
    pub async fn command(
        &self,
        session: &SessionId,
        command: SessionCommand,
        cause: Cause,
    ) -> Result<Done, Error> {
        let (reply, answer) = oneshot::channel();
        self.deliver(session, Mail::Command { command, cause, reply, hold: None }).await?;
        answer.await.map_err(|_| Error::Closing)?
    }

    /// As [`Self::command`]; what follows from it is not done before the hold is dropped, or some seconds are over.
    pub async fn command_holding(
        &self,
        session: &SessionId,
        command: SessionCommand,
        cause: Cause,
    ) -> Result<(Done, Hold), Error> {
        let (reply, answer) = oneshot::channel();
        let (release, hold) = oneshot::channel();
        self.deliver(session, Mail::Command { command, cause, reply, hold: Some(hold) }).await?;
        let done = answer.await.map_err(|_| Error::Closing)??;
        Ok((done, Hold { _release: release }))
    }

    /// Tells sessions what the scheduler has decided: that they have a place, or why not, or that others want theirs.
    pub(crate) async fn tell(&self, told: Told) {
        // First: the clock of all must not wait for the mailbox of one.
        if let Some(wait) = told.look_again {
            let sessions = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                if !sessions.is_closing() {
                    let told = sessions.shared.scheduler.look();
                    sessions.tell_boxed(told).await;
                }
            });
        }
        for session in told.granted {
            match self.tell_surely(&session, || Mail::Place).await {
                Ok(()) => {}
                // They are found again at the next start.
                Err(Error::Closing) => return,
                Err(error) => {
                    tracing::error!(%error, %session, "a session that has a place cannot be woken");
                    let next = self.shared.scheduler.give_back(&session);
                    self.tell_boxed(next).await;
                }
            }
        }
        for (session, by) in told.held_back {
            // Only for people to read: one that cannot be told now shows an older reason.
            let _ = self.deliver(&session, Mail::HeldBack { by }).await;
        }
        if let Some(session) = told.hibernate {
            let _ = self.tell_surely(&session, || Mail::Hibernate).await;
        }
    }

    /// As [`Self::tell`], with a name for its future: what it starts may end in itself.
    fn tell_boxed(&self, told: Told) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.tell(told))
    }

    async fn tell_surely(&self, session: &SessionId, mail: impl Fn() -> Mail) -> Result<(), Error> {
        loop {
            match self.deliver(session, mail()).await {
                // Its commands are being decided; what the scheduler says must not be lost meanwhile.
                Err(Error::Store(nox_store::Error::Overloaded)) => tokio::time::sleep(FULL).await,
                told => return told,
            }
        }
    }

    /// Tells the actor of a session, if it is awake, what its run uses.
    fn tell_measured(&self, session: &SessionId, measured: Measured) {
        // Nothing is lost with one that finds no room: it is measured again.
        let _ = self.hand(&self.table(), session, Mail::Measured(measured));
    }

    /// Tells the actor of a session, if it is awake, of a limit that was met on behalf of its run.
    pub(crate) fn tell_limit(&self, session: &SessionId, hit: LimitHit) {
        // The refusal itself is recorded: only the line in its conversation is lost with one that finds no room.
        let _ = self.hand(&self.table(), session, Mail::Limit(hit));
    }

    /// Asks the scheduler for a place.
    pub(crate) async fn want_place(&self, wish: Wish) {
        if self.is_closing() {
            return;
        }
        let told = self.shared.scheduler.want(wish);
        self.tell(told).await;
    }

    /// Wakes sessions that are not over, after a start of the engine: runs without an end are lost.
    pub(crate) async fn recover(&self, sessions: Vec<SessionId>) {
        for session in sessions {
            match self.stored(&session).await {
                Ok(Some(state)) => {
                    let mut table = self.table();
                    if !table.closing {
                        table.awake.entry(session).or_insert_with(|| Actor::wake(self.clone(), state, None));
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, %session, "a session cannot be woken"),
            }
        }
    }

    /// Ends all connections without deciding anything: what ran is found as lost at the next start, and open requests
    /// stay open. Resolves when no actor lives.
    pub(crate) async fn park_all(&self) {
        let actors: Vec<_> = {
            let mut table = self.table();
            table.closing = true;
            table.awake.values().cloned().collect()
        };
        self.shared.vitals.ring();
        let mut parking = tokio::task::JoinSet::new();
        for actor in actors {
            parking.spawn(async move {
                let (reply, parked) = oneshot::channel();
                if actor.send(Mail::Park { reply }).await.is_ok() {
                    let _ = parked.await;
                }
            });
        }
        let all = async { while parking.join_next().await.is_some() {} };
        if tokio::time::timeout(PARK_ALL_LIMIT, all).await.is_err() {
            tracing::warn!("some sessions did not end in time");
        }
        self.table().awake.clear();
    }

    /// Puts mail into a session's mailbox, and wakes its actor if it sleeps. All mail is put in under the table's lock, as
    /// is the end of an actor: no mail reaches an actor that ends, and no session has two.
    async fn deliver(&self, session: &SessionId, mail: Mail) -> Result<(), Error> {
        let Some(mail) = self.hand(&self.table(), session, mail)? else { return Ok(()) };
        let Some(state) = self.stored(session).await? else {
            return Err(Error::not_found("session", session));
        };
        let mut table = self.table();
        // Two may have read at once: the first to come here wakes it.
        let Some(mail) = self.hand(&table, session, mail)? else { return Ok(()) };
        table.awake.insert(session.clone(), Actor::wake(self.clone(), state, Some(mail)));
        Ok(())
    }

    /// Gives mail to an actor that is awake; answers the mail if none is.
    fn hand(&self, table: &Table, session: &SessionId, mail: Mail) -> Result<Option<Mail>, Error> {
        if table.closing {
            return Err(Error::Closing);
        }
        let Some(actor) = table.awake.get(session) else { return Ok(Some(mail)) };
        match actor.try_send(mail) {
            Ok(()) => Ok(None),
            Err(mpsc::error::TrySendError::Full(_)) => Err(nox_store::Error::Overloaded.into()),
            Err(mpsc::error::TrySendError::Closed(mail)) => Ok(Some(mail)),
        }
    }

    async fn stored(&self, session: &SessionId) -> Result<Option<Stored>, Error> {
        Stored::read(&self.shared.ledger, session).await
    }

    /// Takes an actor out of the table and closes its mailbox if that is empty; answers whether it must end.
    fn let_go(&self, session: &SessionId, inbox: &mut mpsc::Receiver<Mail>) -> bool {
        let mut table = self.table();
        if !inbox.is_empty() {
            return false;
        }
        inbox.close();
        table.awake.remove(session);
        true
    }
}
