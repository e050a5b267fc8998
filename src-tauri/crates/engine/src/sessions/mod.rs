//! Sessions: one actor each, which alone decides about it, and the table of those that are awake.
//!
//! A command finds the actor in the table, or wakes it from its stored state. The table is the only map that is shared;
//! its lock is never held across an await.

mod actor;

use crate::{
    Error,
    ledger::{Cause, Ledger, read_json},
    scheduler::{Scheduler, Wish},
    spool::Spool,
};
pub(crate) use actor::TaskStatusWish;

use actor::Actor;
use arc_swap::ArcSwap;
use nox_domain::{
    event::SessionOpened,
    ids::SessionId,
    policy::Policy,
    rows::kind,
    session::{Session, SessionCommand},
};
use nox_process::ShimPath;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{Notify, mpsc, oneshot};

/// How many commands may wait for one session.
const MAILBOX: usize = 64;

/// What an actor is told.
enum Mail {
    /// Somebody wants something.
    Command { command: SessionCommand, cause: Cause, reply: oneshot::Sender<Result<Done, Error>> },
    /// The scheduler has a place.
    Place,
    /// Say whether it is over; used to wait for the end of everything.
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
    pub(crate) spool: Spool,
    pub(crate) scheduler: Scheduler,
    pub(crate) policy: ArcSwap<Policy>,
    pub(crate) shim: ShimPath,
    /// Rung when the outbox has something for the files owner.
    pub(crate) outbox: Arc<Notify>,
}

/// The outbox's kind of a task whose file should get another status.
pub const TASK_STATUS: &str = "task_status";

/// The table of sessions that are awake. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
    table: Arc<Mutex<HashMap<SessionId, mpsc::Sender<Mail>>>>,
}

impl Sessions {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, table: Arc::default() }
    }

    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, mpsc::Sender<Mail>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
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
        // An actor may end between being found and being told; then it is woken again.
        for _ in 0..8 {
            let actor = self.wake(session).await?;
            let (reply, answer) = oneshot::channel();
            let mail = Mail::Command { command: command.clone(), cause: cause.clone(), reply };
            match actor.try_send(mail) {
                Ok(()) => match answer.await {
                    Ok(answer) => return answer,
                    Err(_) => continue,
                },
                Err(mpsc::error::TrySendError::Full(_)) => return Err(nox_store::Error::Overloaded.into()),
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    self.forget_closed(session);
                }
            }
        }
        Err(Error::Closing)
    }

    /// Tells sessions that they have a place.
    pub(crate) async fn tell_places(&self, granted: Vec<SessionId>) {
        for session in granted {
            match self.tell_place(&session).await {
                Ok(()) => {}
                Err(error) => {
                    tracing::error!(%error, %session, "a session that has a place cannot be woken");
                    let next = self.shared.scheduler.give_back(&session);
                    Box::pin(self.tell_places(next)).await;
                }
            }
        }
    }

    async fn tell_place(&self, session: &SessionId) -> Result<(), Error> {
        // An actor may end between being found and being told; then it is woken again.
        for _ in 0..8 {
            if self.wake(session).await?.send(Mail::Place).await.is_ok() {
                return Ok(());
            }
        }
        Err(Error::Closing)
    }

    /// Asks the scheduler for a place.
    pub(crate) async fn want_place(&self, wish: Wish) {
        let granted = self.shared.scheduler.want(wish);
        self.tell_places(granted).await;
    }

    /// Wakes sessions that are not over, after a start of the engine: runs without an end are lost.
    pub(crate) async fn recover(&self, sessions: Vec<SessionId>) {
        for session in sessions {
            if let Err(error) = self.wake(&session).await {
                tracing::error!(%error, %session, "a session cannot be woken");
            }
        }
    }

    /// Ends all connections without deciding anything: what ran is found as lost at the next start, and open requests
    /// stay open. Resolves when no actor lives.
    pub(crate) async fn park_all(&self) {
        let actors: Vec<_> = self.table().drain().map(|(_, actor)| actor).collect();
        for actor in actors {
            let (reply, parked) = oneshot::channel();
            if actor.send(Mail::Park { reply }).await.is_ok() {
                let _ = parked.await;
            }
        }
    }

    /// The actor of a session, woken from its stored state if it sleeps.
    async fn wake(&self, session: &SessionId) -> Result<mpsc::Sender<Mail>, Error> {
        if let Some(actor) = self.table().get(session).filter(|actor| !actor.is_closed()) {
            return Ok(actor.clone());
        }
        let id = session.to_string();
        let row = self
            .shared
            .ledger
            .store()
            .read(move |reader| reader.row(kind::SESSION_STATE, &id))
            .await?
            .ok_or_else(|| Error::not_found("session", session))?;
        let state: Session = read_json("session", &row.body)?;
        let mut table = self.table();
        // Two may have read at once: the first to come here wakes it.
        if let Some(actor) = table.get(session).filter(|actor| !actor.is_closed()) {
            return Ok(actor.clone());
        }
        let actor = Actor::wake(self.clone(), state);
        table.insert(session.clone(), actor.clone());
        Ok(actor)
    }

    /// Takes an actor out of the table if its mailbox is empty, closes the mailbox, and answers whether it must end.
    fn let_go(&self, session: &SessionId, inbox: &mut mpsc::Receiver<Mail>) -> bool {
        let mut table = self.table();
        if !inbox.is_empty() {
            return false;
        }
        inbox.close();
        table.remove(session);
        true
    }

    /// Passes on what reached an actor in the moment of its end; another actor decides it, from the stored state.
    fn pass_on(&self, session: &SessionId, mail: Mail) {
        match mail {
            // Without its reply the command is sent again, see `command`.
            Mail::Command { .. } | Mail::Park { .. } => {}
            Mail::Place => {
                let (sessions, session) = (self.clone(), session.clone());
                tokio::spawn(async move { sessions.tell_places(vec![session]).await });
            }
        }
    }

    fn forget_closed(&self, session: &SessionId) {
        let mut table = self.table();
        if table.get(session).is_some_and(mpsc::Sender::is_closed) {
            table.remove(session);
        }
    }
}
