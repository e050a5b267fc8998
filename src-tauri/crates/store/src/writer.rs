//! The writer thread: the only one that writes and the only one that checkpoints.
//!
//! Batches wait in a bounded channel. The thread takes all that wait, writes them in one transaction, and commits
//! once: that is the group commit. Only then does it answer, and only then does it publish, so an answer always
//! means that the batch is on disk. When a transaction fails, all of it is rolled back and each batch is told;
//! the thread lives on and starts the next transaction from what is on disk.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, AtomicUsize, Ordering},
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    archive,
    error::Error,
    hub::Hub,
    ledger::{Ledger, Outcome, Scribe, Written},
    model::{Batch, Committed},
    page::ArchivePage,
    schema,
};

/// The most that is written in one transaction: beyond this, waiting longer gains nothing.
const GROUP_BATCHES: usize = 512;
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// How long the writer waits for those of the last group to come back with their next batch: a part of what the
/// commit itself takes. One who commits alone never waits.
const GATHER: Duration = Duration::from_micros(200);

/// Receipts that are forgotten in one transaction.
pub(crate) const PRUNED_RECEIPTS: u64 = 2000;

/// Work for the writer thread.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly every job is a commit: a box would cost each of them")]
pub(crate) enum Job {
    Commit(Waiting),
    PruneReceipts {
        before_at: i64,
        reply: oneshot::Sender<Result<u64, Error>>,
    },
    /// Moves the events of a page out of the log; `false` when they are not there as the page says.
    Archive {
        page: Box<ArchivePage>,
        reply: oneshot::Sender<Result<bool, Error>>,
    },
    /// Takes the content of some archived pages away.
    PrunePages {
        stream: String,
        through_stream_seq: i64,
        reply: oneshot::Sender<Result<u64, Error>>,
    },
    /// Writes the file anew, without holes.
    Vacuum {
        reply: oneshot::Sender<Result<u64, Error>>,
    },
    /// Finish what waits, then end.
    Close,
}

/// A batch and whoever waits for it.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) batch: Batch,
    pub(crate) size_bytes: usize,
    pub(crate) reply: oneshot::Sender<Result<Committed, Error>>,
}

/// What the writer thread shares with the handles of the store.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The last durable sequence number.
    pub(crate) head: AtomicI64,
    /// Bytes of the batches that wait.
    pub(crate) waiting_bytes: AtomicUsize,
}

/// The state of the writer thread.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    max_bytes: Option<u64>,
    /// Name of the database's life: what is opened again must be the same.
    epoch: String,
    db: Connection,
    /// Set by a failure of the disk until the file could be opened again: what a connection thinks of a file whose
    /// write or fsync failed is not to be trusted. It stays open until then, since the last one that closes would let
    /// a half-written commit be found again.
    is_doubtful: bool,
    /// `None` after a failure: it is read again in the next transaction.
    ledger: Option<Ledger>,
    shared: Arc<Shared>,
    hub: Arc<Hub>,
    wal: WalGauge,
}

/// Knows how long the WAL is and when to copy it back.
#[derive(Debug)]
struct WalGauge {
    pages: Arc<AtomicU32>,
    step: u32,
    next_at: u32,
}

impl Writer {
    pub(crate) fn open(
        path: PathBuf,
        max_bytes: Option<u64>,
        checkpoint_pages: u32,
        hub: Arc<Hub>,
    ) -> Result<(Self, Arc<Shared>), Error> {
        let mut db = schema::open_writer(&path, max_bytes)?;
        let wal = WalGauge {
            pages: Arc::default(),
            step: checkpoint_pages.max(1),
            next_at: checkpoint_pages.max(1),
        };
        let failed = |error: rusqlite::Error| Error::from_sqlite(&error, &path);
        wal.watch(&mut db).map_err(failed)?;
        let ledger = Ledger::load(&db).map_err(failed)?;
        let epoch = schema::epoch(&db, &path)?;
        let shared = Arc::new(Shared::default());
        shared.head.store(ledger.head(), Ordering::Release);
        Ok((
            Self {
                path,
                max_bytes,
                epoch,
                db,
                is_doubtful: false,
                ledger: Some(ledger),
                shared: Arc::clone(&shared),
                hub,
                wal,
            },
            shared,
        ))
    }

    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Works until the store is closed or its last handle is gone.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        let mut is_closing = false;
        let mut group = Vec::new();
        let mut last_group = 0;
        loop {
            let first = if is_closing { jobs.try_recv().ok() } else { jobs.recv().ok() };
            let Some(mut job) = first else { break };
            let mut bytes = 0;
            let gather_until = Instant::now() + GATHER;
            loop {
                match job {
                    Job::Commit(waiting) => {
                        bytes += waiting.size_bytes;
                        group.push(waiting);
                    }
                    Job::PruneReceipts { before_at, reply } => {
                        let pruned = self.alone(|db| {
                            db.prepare_cached(
                                "DELETE FROM receipts WHERE command IN
                                     (SELECT command FROM receipts WHERE at < ?1 LIMIT ?2)",
                            )?
                            .execute([before_at, PRUNED_RECEIPTS as i64])
                        });
                        let _ = reply.send(pruned.map(|count| count as u64));
                    }
                    Job::Archive { page, reply } => {
                        let _ = reply.send(self.alone(|db| archive::write_page(db, &page)));
                    }
                    Job::PrunePages { stream, through_stream_seq, reply } => {
                        let pruned = self.alone(|db| archive::prune_pages(db, &stream, through_stream_seq));
                        let _ = reply.send(pruned);
                    }
                    Job::Vacuum { reply } => {
                        let _ = reply.send(self.alone(archive::vacuum));
                    }
                    Job::Close => is_closing = true,
                }
                if group.len() >= GROUP_BATCHES || bytes >= GROUP_BYTES {
                    break;
                }
                let gathering = Gather { until: gather_until, wanted: last_group, have: group.len() };
                match gathering.next(jobs) {
                    Some(next) => job = next,
                    None => break,
                }
            }
            last_group = group.len();
            if !group.is_empty() {
                self.shared.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
                self.commit(std::mem::take(&mut group));
            }
            self.checkpoint_if_due();
        }
        // Best effort: the WAL is as durable as the database, a later start copies it.
        if let Err(error) = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the last checkpoint failed");
        }
        self.hub.close();
    }

    fn commit(&mut self, group: Vec<Waiting>) {
        let error = match self.transact(&group) {
            Ok(outcomes) => return self.answer(group, outcomes),
            Err(error) => error,
        };
        self.recover(&error);
        if group.len() > 1 && matches!(error, Error::Sqlite { .. }) {
            // Something about one of the batches: the others shall not suffer, so each gets its own transaction.
            for waiting in group {
                self.commit(vec![waiting]);
            }
            return;
        }
        tracing::error!(%error, batches = group.len(), "a commit failed and was rolled back");
        for waiting in group {
            let _ = waiting.reply.send(Err(error.clone()));
        }
    }

    /// Writes the group in one transaction. `Ok` means durable.
    fn transact(&mut self, group: &[Waiting]) -> Result<Vec<Outcome>, Error> {
        self.reopen()?;
        let acknowledged = self.shared.head.load(Ordering::Acquire);
        let Self { db, ledger, path, .. } = self;
        let failed = |error: rusqlite::Error| Error::from_sqlite(&error, path);
        let begin = || db.prepare_cached("BEGIN IMMEDIATE")?.execute([]);
        begin().map_err(failed)?;
        let ledger = match ledger {
            Some(ledger) => ledger,
            None => {
                let found = Ledger::load(db).map_err(failed)?;
                if found.head() < acknowledged {
                    let detail =
                        format!("it ends at event {}, {acknowledged} was acknowledged", found.head());
                    return Err(Error::Damaged { path: path.clone(), detail });
                }
                ledger.insert(found)
            }
        };
        let mut write = || {
            let mut scribe = Scribe::new(db)?;
            let mut outcomes = Vec::with_capacity(group.len());
            for waiting in group {
                outcomes.push(ledger.write(&mut scribe, &waiting.batch)?);
            }
            ledger.finish(db)?;
            db.prepare_cached("COMMIT")?.execute([])?;
            Ok((outcomes, ledger.head()))
        };
        let (outcomes, head) = write().map_err(failed)?;
        self.shared.head.store(head, Ordering::Release);
        Ok(outcomes)
    }

    /// Does what is no batch, in transactions of its own.
    fn alone<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let done = self
            .reopen()
            .and_then(|()| work(&self.db).map_err(|error| Error::from_sqlite(&error, &self.path)));
        done.inspect_err(|error| self.recover(error))
    }

    /// Answers first, since a caller waits, then publishes in the order of the log.
    fn answer(&self, group: Vec<Waiting>, outcomes: Vec<Outcome>) {
        let mut written: Vec<(Written, Batch, usize)> = Vec::with_capacity(group.len());
        for (Waiting { batch, size_bytes, reply }, outcome) in group.into_iter().zip(outcomes) {
            // Nobody may be waiting any more; the batch is durable all the same.
            let _ = match outcome {
                Outcome::Written(done) => {
                    let sent = reply.send(Ok(done.committed.clone()));
                    written.push((done, batch, size_bytes));
                    sent
                }
                Outcome::AlreadyDone(receipt) => reply.send(Err(Error::AlreadyDone(Box::new(receipt)))),
                Outcome::Refused(refusal) => reply.send(Err(Error::Invalid(refusal))),
                Outcome::Conflict { found } => {
                    let (stream, expected) =
                        batch.expected.map_or_else(Default::default, |wish| (wish.stream, wish.stream_seq));
                    reply.send(Err(Error::Conflict { stream, expected, found }))
                }
            };
        }
        // Whoever subscribes after this look finds the commits on disk.
        if self.hub.is_deserted() {
            return;
        }
        for (done, batch, size_bytes) in written {
            if let Some(commit) = done.into_commit(batch, size_bytes) {
                self.hub.publish(&Arc::new(commit));
            }
        }
    }

    /// Brings the connection back to what is on disk, or sees to it that nothing is written through it any more.
    fn recover(&mut self, error: &Error) {
        self.ledger = None;
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "rollback failed");
        }
        self.is_doubtful |= !self.db.is_autocommit() || matches!(error, Error::Disk { .. });
    }

    /// Opens the file again after a failure of the disk. As long as that fails nothing is written or acknowledged.
    fn reopen(&mut self) -> Result<(), Error> {
        if !self.is_doubtful {
            return Ok(());
        }
        let mut fresh = schema::reopen_writer(&self.path, self.max_bytes, &self.epoch)?;
        self.wal.watch(&mut fresh).map_err(|error| Error::from_sqlite(&error, &self.path))?;
        self.db = fresh;
        self.is_doubtful = false;
        Ok(())
    }

    /// Copies the WAL back once it is long. After the answers, so that nobody waits for it.
    fn checkpoint_if_due(&mut self) {
        let pages = self.wal.pages.load(Ordering::Relaxed);
        // SQLite begins the WAL anew after a whole copy: then the next copy is due that much earlier.
        self.wal.next_at = self.wal.next_at.min(pages.saturating_add(self.wal.step));
        if pages < self.wal.next_at {
            return;
        }
        // While a reader pins the WAL it goes on growing: trying at every commit would only cost.
        self.wal.next_at = pages.saturating_add(self.wal.step);
        if let Err(error) = self.db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%error, "a checkpoint failed, it is tried again later");
            self.recover(&Error::from_sqlite(&error, &self.path));
        }
    }
}

/// The moment before a transaction, when more batches may join it.
struct Gather {
    until: Instant,
    wanted: usize,
    have: usize,
}

impl Gather {
    /// The next job that is there, or that comes while it is worth waiting.
    fn next(&self, jobs: &Receiver<Job>) -> Option<Job> {
        loop {
            match jobs.try_recv() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Empty) if self.have < self.wanted && Instant::now() < self.until => {
                    std::thread::yield_now();
                }
                Err(_) => return None,
            }
        }
    }
}

impl WalGauge {
    /// Has the length of the WAL noted after each commit. This takes the place of SQLite's own checkpoints.
    fn watch(&self, db: &mut Connection) -> rusqlite::Result<()> {
        let pages = Arc::clone(&self.pages);
        db.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, length: i32| {
            pages.store(length.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }))
    }
}
