//! What is done to the log in the background: imports that were cut off go on, a damaged database is salvaged, the
//! database is looked at for damage, old sessions are compacted, a file with much room in it is made smaller.
//!
//! One task, one thing at a time, and none of it before the engine is open. It holds no engine, and ends when that closes.
//! Compaction comes after the start, once a day when no run is live, and when a person asks; by itself the file is written
//! anew only after a minute in which nobody wrote. An engine with nothing to do is woken by none of it but once a day.

use super::{Compacted, Saved, damage, forms, import, rebuild, salvage};
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
/// Compaction and making the file smaller wait for quiet at most this long: compaction comes then all the same, the file
/// stays as it is until the next round.
const PATIENCE: Duration = Duration::from_secs(12 * 3600);
/// Between two looks whether runs are live, while compaction waits.
const WORKING: Duration = Duration::from_secs(600);
/// Nobody writes for so long before the file is written anew.
const QUIET: Duration = Duration::from_secs(60);

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
    compaction: Mutex<Option<Compaction>>,
}

/// How far a compaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompactionStep {
    /// It begins when the work before it is done.
    Waiting,
    /// Events are packed or dropped.
    Packing,
    /// The file is made smaller.
    Shrinking,
    /// It is over.
    Done,
}

/// The newest compaction since the start that was asked for or did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compaction {
    /// How far it is.
    pub step: CompactionStep,
    /// When it was asked for or began.
    pub begun_at: At,
    /// What it did so far.
    pub done: Compacted,
    /// By how many bytes the file became smaller; none when it was left as it is.
    pub freed_bytes: Option<u64>,
    /// Why it ended early.
    pub problem: Option<String>,
    /// Whether somebody asked for it.
    asked: bool,
}

impl Jobs {
    /// One import at a time: what it finds free must be free when it writes.
    pub(super) async fn one_import(&self) -> MutexGuard<'_, ()> {
        self.importing.lock().await
    }

    fn compaction(&self) -> std::sync::MutexGuard<'_, Option<Compaction>> {
        self.compaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the next compaction: the one that was asked for, or one of our own.
    fn begin_compaction(&self) -> Compaction {
        let mut known = self.compaction();
        let mut next = known.clone().filter(|known| known.step != CompactionStep::Done).unwrap_or_else(fresh);
        next.step = CompactionStep::Packing;
        if next.asked {
            *known = Some(next.clone());
        }
        next
    }

    /// Tells of a compaction that is over. One of our own gives way to one that somebody asked for meanwhile.
    fn end_compaction(&self, compaction: Compaction) {
        let mut known = self.compaction();
        let is_next =
            |known: &Compaction| known.asked && known.step == CompactionStep::Waiting && !compaction.asked;
        if !known.as_ref().is_some_and(is_next) {
            *known = Some(compaction);
        }
    }

    /// What a compaction has done until now.
    pub(super) fn note_compacted(&self, done: Compacted) {
        if let Some(known) = self.compaction().as_mut().filter(|known| known.step == CompactionStep::Packing)
        {
            known.done = done;
        }
    }

    /// Compacts soon.
    pub(super) fn compact_soon(&self) {
        {
            let mut known = self.compaction();
            if known.as_ref().is_none_or(|known| known.step == CompactionStep::Done) {
                *known = Some(Compaction { asked: true, ..fresh() });
            }
        }
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

fn fresh() -> Compaction {
    Compaction {
        step: CompactionStep::Waiting,
        begun_at: clock::now(),
        done: Compacted::default(),
        freed_bytes: None,
        problem: None,
        asked: false,
    }
}

impl Engine {
    /// The newest compaction since the start that was asked for or did something.
    pub fn compaction(&self) -> Option<Compaction> {
        self.jobs().compaction().clone()
    }

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
    let mut looked: Option<tokio::time::Instant> = None;
    loop {
        let Some(wake) = weak.upgrade().map(|engine| engine.jobs().wake.clone()) else { return };
        // No engine is held meanwhile: one that is dropped without being closed ends.
        let asked = match looked {
            None => tokio::time::timeout(BEFORE_LOOKING, wake.notified()).await.is_ok(),
            Some(_) => rest(&weak, &wake).await,
        };
        // Who asks for compaction does not wait for a look for damage.
        if !asked
            && looked.is_none_or(|looked| looked.elapsed() >= A_DAY)
            && let Some(engine) = weak.upgrade()
        {
            look(&engine).await;
            looked = Some(tokio::time::Instant::now());
        }
        if compact(&weak).await.is_none() {
            return;
        }
    }
}

/// From one round to the next; answers whether somebody asks for it.
async fn rest(weak: &WeakEngine, wake: &Notify) -> bool {
    let round = tokio::time::Instant::now() + A_DAY;
    let asked = tokio::select! {
        () = wake.notified() => true,
        () = shrink_when_quiet(weak) => tokio::time::timeout_at(round, wake.notified()).await.is_ok(),
    };
    asked || until_nothing_runs(weak, wake).await
}

/// Waits while runs are live; answers whether somebody asks meanwhile.
async fn until_nothing_runs(weak: &WeakEngine, wake: &Notify) -> bool {
    let until = tokio::time::Instant::now() + PATIENCE;
    while weak.upgrade().is_some_and(|engine| engine.live_runs() > 0) && tokio::time::Instant::now() < until {
        if tokio::time::timeout(WORKING, wake.notified()).await.is_ok() {
            return true;
        }
    }
    false
}

/// Makes the database's file smaller when much of it is empty, as soon as nobody writes for a while.
async fn shrink_when_quiet(weak: &WeakEngine) {
    let until = tokio::time::Instant::now() + PATIENCE;
    let mut seen = None;
    while tokio::time::Instant::now() < until
        && let Some(engine) = weak.upgrade()
    {
        match engine.has_much_room().await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::warn!(%error, "the room in the database is not known"),
        }
        let store = engine.ledger().store();
        let now = (store.head().await.seq, engine.live_runs());
        if seen.replace(now) == Some(now) && now.1 == 0 {
            match engine.lacks_room().await {
                Ok(None) => {}
                Ok(Some(why)) => return tracing::warn!(why, "the database's file stays as large as it is"),
                Err(error) => return tracing::warn!(%error, "the free room of the disk is not known"),
            }
            match store.vacuum().await {
                Ok(bytes) => tracing::info!(bytes, "the database's file was made smaller"),
                Err(error) => tracing::warn!(%error, "the database's file stays as large as it is"),
            }
            return;
        }
        drop(engine);
        tokio::time::sleep(QUIET).await;
    }
}

/// One round of compaction; none when the engine is gone.
async fn compact(weak: &WeakEngine) -> Option<()> {
    let engine = weak.upgrade()?;
    let days = i64::from(engine.local().values().log_after_days);
    let mut compaction = engine.jobs().begin_compaction();
    match engine.compact(At(clock::now().0 - days * A_DAY_MS)).await {
        Ok(done) => compaction.done = done,
        Err(error) => {
            tracing::warn!(%error, "old sessions could not be compacted");
            compaction.problem = Some(error.to_string());
        }
    }
    if compaction.asked && compaction.problem.is_none() {
        shrink(&engine, &mut compaction).await;
    }
    compaction.step = CompactionStep::Done;
    if compaction.asked || compaction.done.sessions > 0 {
        tracing::info!(?compaction, "old sessions were compacted");
        engine.jobs().end_compaction(compaction);
    }
    Some(())
}

/// Makes the file smaller when a person asked for it and nothing runs that would have to wait.
async fn shrink(engine: &Engine, compaction: &mut Compaction) {
    if engine.live_runs() > 0 {
        return;
    }
    match engine.lacks_room().await {
        Ok(None) => {}
        Ok(why) => return compaction.problem = why,
        Err(error) => return compaction.problem = Some(error.to_string()),
    }
    compaction.step = CompactionStep::Shrinking;
    *engine.jobs().compaction() = Some(compaction.clone());
    match engine.ledger().store().vacuum().await {
        Ok(bytes) => compaction.freed_bytes = Some(bytes),
        Err(error) => compaction.problem = Some(error.to_string()),
    }
}

/// What has to be done first: nothing that was begun stays undone.
async fn begin(weak: &WeakEngine, stop: Stop) -> Option<()> {
    let engine = weak.upgrade()?;
    let (ledger, root) = (engine.ledger().clone(), engine.home().root().to_owned());
    let importing = engine.jobs().one_import().await;
    if let Err(error) = import::resume(&ledger, &root).await {
        tracing::warn!(%error, "an import waits for the next start");
    }
    drop(importing);
    if let Err(error) = salvage::all(&ledger, &root, &stop, &|saved| engine.jobs().note(saved)).await {
        tracing::error!(%error, "a damaged database could not be read to its end; the next start tries again");
    }
    if let Err(error) = forms::bring_up(&ledger, &stop).await {
        tracing::warn!(%error, "what an earlier version stored waits for the next start");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_while_a_round_of_our_own_runs_is_next() {
        let jobs = Jobs::default();
        let own = jobs.begin_compaction();
        jobs.compact_soon();
        jobs.end_compaction(Compaction { step: CompactionStep::Done, ..own });
        let asked = jobs.begin_compaction();
        assert!(asked.asked);
        jobs.end_compaction(Compaction { step: CompactionStep::Done, ..asked });
        let own = jobs.begin_compaction();
        assert!(!own.asked);
        jobs.end_compaction(Compaction { step: CompactionStep::Done, ..own.clone() });
        assert_eq!(jobs.compaction().clone(), Some(Compaction { step: CompactionStep::Done, ..own }));
    }
}
