//! What an engine does before it works: opens the database, finds what is not over, ends what an earlier one left running.

use crate::{
    Engine, Error, clock,
    home::{Home, HomeLock},
    ledger::Ledger,
    sessions::Stored,
    vitals::identity,
};
use nox_domain::{At, event::ProcessRef, ids::SessionId, rows::kind, session::Session, tool::CallStatus};
use nox_process::TreeIdentity;
use nox_store::{RowPage, Store};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// What an engine is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Sessions that wait for a place go on.
    Work,
    /// Nothing is started: an engine that ends at once would only cut it off.
    Look,
}

/// What the engine found when it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// When.
    pub at: At,
    /// Sessions whose run had no end.
    pub lost_runs: u32,
    /// Processes of an earlier engine that were still there and were ended.
    pub swept: u32,
    /// The damaged database that was set aside, if one was.
    pub set_aside: Option<PathBuf>,
    /// The sessions whose run had no end, as they were then.
    pub found: Vec<Found>,
}

/// A session whose run had no end when the engine began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The session.
    pub session: SessionId,
    /// The title of the tool call that ran.
    pub was_doing: Option<String>,
    /// Requests that were open.
    pub open_requests: u32,
}

impl Found {
    pub(crate) fn of(session: &Session) -> Self {
        let running = session.calls.iter().find(|call| call.status == CallStatus::Running);
        Self {
            session: session.id().clone(),
            was_doing: running.map(|call| call.call.title.clone()),
            open_requests: session.open_requests().count() as u32,
        }
    }
}

/// A damaged database is set aside, never overwritten; the files of the registry fill a new one.
pub(crate) fn open_store(home: &Home, at: At) -> Result<(Store, Option<PathBuf>), Error> {
    let path = home.database();
    match Store::open(&path, nox_store::Options::default()) {
        Ok(store) => Ok((store, None)),
        Err(nox_store::Error::Damaged { detail, .. }) => {
            let aside = move_aside(home, at, &detail)?;
            Ok((Store::open(&path, nox_store::Options::default())?, Some(aside)))
        }
        Err(error) => Err(error.into()),
    }
}

fn move_aside(home: &Home, at: At, detail: &str) -> Result<PathBuf, Error> {
    let aside = nox_store::set_aside(&home.database(), &format!("damaged-{}", at.0))?;
    tracing::error!(%detail, aside = %aside.display(), "the database is damaged and was set aside");
    Ok(aside)
}

/// Sets the database of a store that was closed aside, and opens a new one.
pub(crate) fn set_aside(home: &Home, at: At, detail: &str) -> Result<Store, Error> {
    move_aside(home, at, detail)?;
    Ok(Store::open(&home.database(), nox_store::Options::default())?)
}

impl Engine {
    /// Begins: opens what is stored, ends what an earlier engine left running, wakes what is not over.
    pub async fn open(home: Home, lock: HomeLock) -> Result<Self, Error> {
        Self::open_for(home, lock, Purpose::Work).await
    }

    /// Begins as [`Engine::open`] does, for a purpose.
    pub async fn open_for(home: Home, lock: HomeLock, purpose: Purpose) -> Result<Self, Error> {
        let (lock, opened) = (Arc::new(lock), open_store(&home, clock::now())?);
        let store = opened.0.clone();
        match Self::begin(home.clone(), lock.clone(), purpose, opened).await {
            // Opening does not meet all damage; what is read first may.
            Err(Error::Store(nox_store::Error::Damaged { detail, .. })) => {
                close(store).await;
                Self::begin_with_new(home, lock, purpose, &detail).await
            }
            begun => begun,
        }
    }

    /// Closes an engine whose database turned out to be damaged, sets that aside, and begins again.
    ///
    /// # Errors
    /// Those of a beginning.
    pub async fn begin_anew(self, purpose: Purpose, detail: &str) -> Result<Self, Error> {
        self.close().await;
        let (home, lock) = (self.home().clone(), self.inner.lock.clone());
        drop(self);
        Self::begin_with_new(home, lock, purpose, detail).await
    }

    async fn begin_with_new(
        home: Home,
        lock: Arc<HomeLock>,
        purpose: Purpose,
        detail: &str,
    ) -> Result<Self, Error> {
        let aside = move_aside(&home, clock::now(), detail)?;
        let store = Store::open(&home.database(), nox_store::Options::default())?;
        Self::begin(home, lock, purpose, (store, Some(aside))).await
    }
}

/// Ends a store, whoever else has a handle of it.
async fn close(store: Store) {
    let _ = tokio::task::spawn_blocking(move || store.close()).await;
}

/// What can wait until the start is over: forgets old receipts and, when the windows have asked for what they show, gives
/// back the memory that only the start needed.
pub(crate) async fn after_a_start(ledger: Ledger) {
    const WAIT: Duration = Duration::from_secs(5);
    if let Err(error) = ledger.prune().await {
        tracing::warn!(%error, "old receipts could not be forgotten");
    }
    // Nothing of the engine is held while it waits: it may be closed and its home be opened again.
    drop(ledger);
    tokio::time::sleep(WAIT).await;
    let _ = tokio::task::spawn_blocking(nox_process::give_back_memory).await;
}

/// Sessions that are not over.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// All of them.
    pub(crate) sessions: Vec<SessionId>,
    /// Those with a run that has no end.
    pub(crate) found: Vec<Found>,
    /// The trees that may still live.
    pub(crate) processes: Vec<ProcessRef>,
}

/// Finds what is not over. One that cannot be read is left out: it does not keep the others from going on.
pub(crate) async fn open_sessions(ledger: &Ledger) -> Result<Open, Error> {
    let mut open = Open::default();
    let mut page = RowPage::first(500);
    loop {
        let rows = ledger.store().rows(kind::SESSION_STATE, Some("open"), page.clone()).await?;
        let Some(last) = rows.last() else { return Ok(open) };
        page = page.following(last);
        for row in &rows {
            let Ok(id) = SessionId::parse(&row.id) else { continue };
            match Stored::read(ledger, &id).await {
                Ok(Some(Stored { session, .. })) => {
                    if session.has_live_run() {
                        open.found.push(Found::of(&session));
                    }
                    open.processes.extend(session.processes());
                    open.sessions.push(session.id().clone());
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, session = row.id, "a session is left out"),
            }
        }
    }
}

/// Ends what an earlier engine left running; answers how many trees that were.
pub(crate) async fn sweep(processes: Vec<ProcessRef>) -> u32 {
    let trees: Vec<TreeIdentity> = processes.iter().map(identity).collect();
    // Without a recorded tree too: groups of dead engines are found by their names.
    let report = tokio::task::spawn_blocking(move || nox_process::sweep(&trees)).await;
    match report {
        Ok(report) => {
            tracing::info!(?report, "swept what an earlier engine left");
            report.ended as u32
        }
        Err(error) => {
            tracing::error!(%error, "the sweep did not end");
            0
        }
    }
}
