//! What is done to the log in the background: imports that were cut off go on, a damaged database is salvaged, the
//! database is looked at for damage, old sessions are compacted.
//!
//! One task, one thing at a time, and none of it before the engine is open. It holds no engine, and ends when that closes.

use super::{Saved, damage, import, rebuild, salvage};
use crate::{Engine, clock, engine::Inner};
use nox_domain::At;
use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::{MutexGuard, Notify, watch},
    task::JoinHandle,
};

/// After the start, before the database is looked at: the window should be there first.
const BEFORE_LOOKING: Duration = Duration::from_secs(10);
/// Between two rounds of compaction, and between two looks for damage.
const A_DAY: Duration = Duration::from_secs(24 * 3600);
const A_DAY_MS: i64 = 24 * 3600 * 1000;

/// A handle that does not keep the engine.
struct WeakEngine(Weak<Inner>);

impl WeakEngine {
    fn upgrade(&self) -> Option<Engine> {
        self.0.upgrade().map(|inner| Engine { inner })
    }
}

/// Says when to stop.
pub(super) type Stop = watch::Receiver<bool>;

/// Never stops.
pub(super) fn never() -> Stop {
    watch::Sender::new(false).subscribe()
}

/// The background work of one engine.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    importing: tokio::sync::Mutex<()>,
    /// Rung when old sessions should be compacted now.
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
    saved: Mutex<Vec<Saved>>,
}

impl Jobs {
    /// One import at a time: what it finds free must be free when it writes.
    pub(super) async fn one_import(&self) -> MutexGuard<'_, ()> {
        self.importing.lock().await
    }

    /// Compacts soon.
    pub(super) fn compact_soon(&self) {
        self.wake.notify_one();
    }

    /// Ends what is under way and waits for that.
    pub(crate) async fn close(&self) {
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }

    fn note(&self, saved: &Saved) {
        let mut all = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|known| known.file == saved.file) {
            Some(known) => *known = saved.clone(),
            None => all.push(saved.clone()),
        }
    }
}

impl Engine {
    /// What was saved from damaged databases since the start, or is being saved.
    pub fn saved(&self) -> Vec<Saved> {
        self.jobs().saved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins the work in the background.
    pub(crate) fn start_jobs(&self) {
        let (weak, mut stop) = (WeakEngine(Arc::downgrade(&self.inner)), self.jobs().stop.subscribe());
        let task = tokio::spawn(async move {
            let end = stop.clone();
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => {}
                () = work(weak, end) => {}
            }
        });
        *self.jobs().task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }
}

async fn work(weak: WeakEngine, stop: Stop) {
    if begin(&weak, stop).await.is_none() {
        return;
    }
    tokio::time::sleep(BEFORE_LOOKING).await;
    let mut looked: Option<tokio::time::Instant> = None;
    loop {
        if looked.is_none_or(|looked| looked.elapsed() >= A_DAY)
            && let Some(engine) = weak.upgrade()
        {
            look(&engine).await;
            looked = Some(tokio::time::Instant::now());
        }
        let Some(wake) = compact(&weak).await else { return };
        // No engine is held meanwhile: one that is dropped without being closed ends.
        let _ = tokio::time::timeout(A_DAY, wake.notified()).await;
    }
}

/// One round of compaction; answers what is rung for the next one.
async fn compact(weak: &WeakEngine) -> Option<Arc<Notify>> {
    let engine = weak.upgrade()?;
    let days = i64::from(engine.local().values().log_after_days);
    match engine.compact(At(clock::now().0 - days * A_DAY_MS)).await {
        Ok(done) if done.sessions > 0 => tracing::info!(?done, "old sessions were compacted"),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "old sessions could not be compacted"),
    }
    Some(engine.jobs().wake.clone())
}

/// What has to be done first: nothing that was begun stays undone.
async fn begin(weak: &WeakEngine, stop: Stop) -> Option<()> {
    let engine = weak.upgrade()?;
    let (ledger, root) = (engine.ledger().clone(), engine.home().root().to_owned());
    if let Err(error) = import::resume(&ledger, &root).await {
        tracing::warn!(%error, "an import waits for the next start");
    }
    if let Err(error) = salvage::all(&ledger, &root, &stop, &|saved| engine.jobs().note(saved)).await {
        tracing::error!(%error, "a damaged database could not be read to its end; the next start tries again");
    }
    Some(())
}

async fn look(engine: &Engine) {
    if !damage::is_due(engine.ledger(), A_DAY_MS).await {
        return;
    }
    if engine.check_log().await
        && let Err(error) = rebuild::mend(engine.ledger()).await
    {
        tracing::warn!(%error, "rows of sessions could not be looked at");
    }
}
