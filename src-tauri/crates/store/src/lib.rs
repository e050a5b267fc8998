//! The store: events, read-model rows, receipts and outbox of one home, in one SQLite file.
//!
//! The engine calls it; the hub in it feeds the faces. It knows nothing of agents: bodies are opaque JSON text.
//!
//! Invariants, each held by a test in `tests/store`:
//! - What [`Store::commit`] acknowledged is on disk, whole, and stays there (kill, full disk).
//! - `seq` grows by one per event over the whole log, `stream_seq` by one within a stream, without holes between
//!   events of one batch.
//! - A command id is applied once: the receipt is written with its effects.
//! - A subscriber that attaches first and then replays sees every change once ([`Feed`] does that).
//! - A slow subscriber or reader never stops the writer.
//! - What was archived reads as before; what was pruned is an error or a [`Gap`], never a silent hole.
//! - A damaged file is refused as it is, byte for byte, and [`salvage`] reads what is left of it.
//!
//! Left to others: what events mean and how old versions are read (domain), carrying out the outbox and choosing
//! what to do with a damaged file (engine), output of tools (spool; it never passes through here).

mod archive;
mod audit;
mod check;
mod error;
mod feed;
mod history;
mod hub;
mod ledger;
mod model;
mod page;
mod reader;
mod salvage;
mod schema;
mod wal;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::Ordering,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::oneshot;

pub use crate::{
    archive::{Archived, Fate, LogSize},
    audit::AuditTrail,
    check::Checked,
    error::{DiskHint, Error, Refusal},
    feed::{Feed, Update},
    history::{Gap, Piece},
    hub::{Next, Subscription},
    model::{
        Batch, CausedBy, ChangedPage, Commit, Committed, Cursor, Expected, MAX_BATCH_BYTES, MAX_SEQ,
        NewEvent, NewOutbox, NewReceipt, Order, PendingEffect, Receipt, RowPage, RowWrite, StoredEvent,
        StoredRow,
    },
    reader::Reader,
    salvage::{Salvaged, SavedItem, salvage},
    schema::set_aside,
};
use crate::{
    hub::{Bounds, Hub},
    reader::Pool,
    writer::{Job, PRUNED_RECEIPTS, Shared, Waiting, Writer},
};

/// The most bytes that may wait for the writer; beyond this the store is overloaded.
const WAITING_BYTES: usize = 64 * 1024 * 1024;

/// Audit entries per read of [`Store::verify_audit`].
const AUDIT_PAGE: u32 = 1000;

/// The longest that a look for damage may take. It is ended when nobody waits for it, so this is a safety net.
const LONG_READ: Duration = Duration::from_secs(3600);

/// How a store is opened. The defaults are those of the product.
#[derive(Debug, Clone)]
pub struct Options {
    /// Batches that may wait for the writer; one more is refused with [`Error::Overloaded`].
    pub waiting_batches: usize,
    /// Commits that wait for one subscriber before it gets a gap mark.
    pub subscriber_commits: usize,
    /// Bytes of commits that wait for one subscriber before it gets a gap mark.
    pub subscriber_bytes: usize,
    /// Read connections, at most.
    pub readers: usize,
    /// The longest a read may take. Reads should take less than 50 ms, which is when the log complains; the hard
    /// limit is looser since a busy machine stretches them.
    pub read_limit: Duration,
    /// Pages of 4 KiB in the WAL after which the writer copies it back.
    pub checkpoint_pages: u32,
    /// The most bytes that the database may grow to; `None` is the disk.
    pub max_bytes: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            waiting_batches: 1024,
            subscriber_commits: 1024,
            subscriber_bytes: 8 * 1024 * 1024,
            readers: 4,
            read_limit: Duration::from_secs(2),
            checkpoint_pages: 4000,
            max_bytes: None,
        }
    }
}

/// A handle of an open store; clones are cheap and share one writer.
///
/// When the last handle is dropped the writer finishes what waits and ends, and the drop waits for it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    epoch: String,
    jobs: SyncSender<Job>,
    shared: Arc<Shared>,
    hub: Arc<Hub>,
    pool: Arc<Pool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the database, makes or migrates it if needed, and starts the writer thread. Blocks for some
    /// milliseconds.
    ///
    /// # Errors
    /// [`Error::Newer`], [`Error::Damaged`], [`Error::Disk`], [`Error::OldSqlite`], [`Error::Setting`]. The file
    /// is not changed by a failed opening, save by whole migrations.
    pub fn open(path: &Path, options: Options) -> Result<Self, Error> {
        let hub = Arc::new(Hub::new(Bounds {
            commits: options.subscriber_commits.max(1),
            bytes: options.subscriber_bytes,
        }));
        let (writer, shared) =
            Writer::open(path.to_path_buf(), options.max_bytes, options.checkpoint_pages, Arc::clone(&hub))?;
        let epoch = writer.epoch().to_owned();
        let (jobs, received) = sync_channel(options.waiting_batches.max(1));
        let thread = std::thread::Builder::new()
            .name("nox-store".to_owned())
            .spawn(move || writer.run(&received))
            .map_err(|error| Error::Sqlite { code: 0, detail: error.to_string() })?;
        let pool = Arc::new(Pool::new(path.to_path_buf(), options.readers, options.read_limit));
        let thread = Mutex::new(Some(thread));
        Ok(Self {
            inner: Arc::new(Inner { path: path.to_path_buf(), epoch, jobs, shared, hub, pool, thread }),
        })
    }

    /// Writes a batch; resolves when it is durable. It is written whole even if the caller stops waiting.
    ///
    /// # Errors
    /// [`Error::Conflict`], [`Error::AlreadyDone`], [`Error::Invalid`]: nothing was written. [`Error::Overloaded`],
    /// [`Error::Disk`]: nothing was written, trying again may help. [`Error::Closed`]: it is not known whether the
    /// batch was written; its receipt tells.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        let size_bytes = batch.check()?;
        if size_bytes > MAX_BATCH_BYTES {
            let refusal = Refusal::TooLarge { found_bytes: size_bytes, limit_bytes: MAX_BATCH_BYTES };
            return Err(Error::Invalid(refusal));
        }
        let waiting_bytes = &self.inner.shared.waiting_bytes;
        if waiting_bytes.fetch_add(size_bytes, Ordering::Relaxed) + size_bytes > WAITING_BYTES {
            waiting_bytes.fetch_sub(size_bytes, Ordering::Relaxed);
            return Err(Error::Overloaded);
        }
        let (reply, answer) = oneshot::channel();
        self.send(Job::Commit(Waiting { batch, size_bytes, reply })).inspect_err(|_| {
            waiting_bytes.fetch_sub(size_bytes, Ordering::Relaxed);
        })?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Runs `work` on one unchanging state of the database, on a blocking thread. Keep it under 50 ms: page.
    ///
    /// # Errors
    /// What `work` returns; [`Error::ReadTooLong`]; [`Error::Closed`].
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.pool.read(work).await
    }

    /// Attaches to the hub: every commit that becomes durable from now on. Attach first, then read, then drop what
    /// you saw twice, or let [`Store::follow`] do that.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        self.inner.hub.subscribe()
    }

    /// The read model from `after_seq` onwards, replayed and then live. 0 replays all of it.
    #[must_use]
    pub fn follow(&self, after_seq: i64) -> Feed {
        Feed::new(self.clone(), after_seq)
    }

    /// Where the log stands: everything up to here is durable.
    #[expect(clippy::unused_async, reason = "a store behind a thread may one day have to ask it")]
    pub async fn head(&self) -> Cursor {
        Cursor { epoch: self.inner.epoch.clone(), seq: self.inner.shared.head.load(Ordering::Acquire) }
    }

    /// Random name of this database's life, 16 hex digits.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.inner.epoch
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Finishes what waits, copies the WAL back and ends the writer. Blocks until then. Other handles get
    /// [`Error::Closed`] from now on, subscriptions end.
    pub fn close(self) {
        self.inner.shut();
    }

    /// The stored answer to a command. See [`Reader::receipt`].
    pub async fn receipt(&self, command: &str) -> Result<Option<Receipt>, Error> {
        let command = command.to_owned();
        self.read(move |reader| reader.receipt(&command)).await
    }

    /// Events of one stream. See [`Reader::events_of`].
    pub async fn events_of(
        &self,
        stream: &str,
        after_stream_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, Error> {
        let stream = stream.to_owned();
        self.read(move |reader| reader.events_of(&stream, after_stream_seq, limit)).await
    }

    /// The end of one stream. See [`Reader::events_before`].
    pub async fn events_before(
        &self,
        stream: &str,
        before_stream_seq: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, Error> {
        let stream = stream.to_owned();
        self.read(move |reader| reader.events_before(&stream, before_stream_seq, limit)).await
    }

    /// Events of the whole log. See [`Reader::events_after`].
    pub async fn events_after(&self, seq: i64, limit: u32) -> Result<Vec<StoredEvent>, Error> {
        self.read(move |reader| reader.events_after(seq, limit)).await
    }

    /// One row. See [`Reader::row`].
    pub async fn row(&self, kind: &str, id: &str) -> Result<Option<StoredRow>, Error> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        self.read(move |reader| reader.row(&kind, &id)).await
    }

    /// Reads where the next row would be added. See [`Reader::end_of_rows`].
    pub async fn look_at_end(&self) -> Result<(), Error> {
        self.read(move |reader| reader.end_of_rows()).await
    }

    /// A page of rows. See [`Reader::rows`].
    pub async fn rows(
        &self,
        kind: &str,
        parent: Option<&str>,
        page: RowPage,
    ) -> Result<Vec<StoredRow>, Error> {
        let (kind, parent) = (kind.to_owned(), parent.map(str::to_owned));
        self.read(move |reader| reader.rows(&kind, parent.as_deref(), &page)).await
    }

    /// How many rows there are. See [`Reader::count_rows`].
    pub async fn count_rows(&self, kind: &str, parent: Option<&str>) -> Result<u64, Error> {
        let (kind, parent) = (kind.to_owned(), parent.map(str::to_owned));
        self.read(move |reader| reader.count_rows(&kind, parent.as_deref())).await
    }

    /// What changed in the read model. See [`Reader::rows_changed_after`].
    pub async fn rows_changed_after(&self, seq: i64, limit: u32) -> Result<ChangedPage, Error> {
        self.read(move |reader| reader.rows_changed_after(seq, limit)).await
    }

    /// Effects that are not yet reported as done, oldest first.
    pub async fn outbox_pending(&self) -> Result<Vec<PendingEffect>, Error> {
        self.read(|reader| reader.outbox_pending()).await
    }

    /// Forgets receipts given before `before_at` (UTC in milliseconds); says how many. The caller refuses command
    /// ids of that age, since the store would apply them again.
    pub async fn prune_receipts(&self, before_at: i64) -> Result<u64, Error> {
        let mut forgotten = 0;
        loop {
            let (reply, answer) = oneshot::channel();
            self.send(Job::PruneReceipts { before_at, reply })?;
            let page = answer.await.map_err(|_| Error::Closed)??;
            forgotten += page;
            if page < PRUNED_RECEIPTS {
                return Ok(forgotten);
            }
        }
    }

    /// Walks along the audit trail and recomputes every hash. Reads in pages; takes as long as the trail is.
    ///
    /// # Errors
    /// Those of a read. A broken trail is no error but an answer.
    pub async fn verify_audit(&self) -> Result<AuditTrail, Error> {
        let mut entries = 0;
        let mut after_seq = 0;
        let mut head = audit::GENESIS.to_owned();
        loop {
            let (page, stored_head) = self
                .read(move |reader| Ok((reader.audit_events(after_seq, AUDIT_PAGE)?, reader.audit_head()?)))
                .await?;
            for event in &page {
                if event.prev_hash.as_deref() != Some(head.as_str()) {
                    return Ok(AuditTrail::Broken { seq: Some(event.seq), entries });
                }
                head = audit::Entry::of(event, &head).hash();
                after_seq = event.seq;
                entries += 1;
            }
            if page.len() < AUDIT_PAGE as usize {
                let is_whole = stored_head == head;
                return Ok(if is_whole {
                    AuditTrail::Whole { entries, head }
                } else {
                    AuditTrail::Broken { seq: None, entries }
                });
            }
        }
    }

    /// A connection for a read without the limit of others.
    fn long_reads(&self) -> Pool {
        Pool::new(self.inner.path.clone(), 1, LONG_READ)
    }

    fn send(&self, job: Job) -> Result<(), Error> {
        self.inner.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Error::Overloaded,
            TrySendError::Disconnected(_) => Error::Closed,
        })
    }
}

impl Inner {
    /// Ends the readers, then the writer, and waits for it. The second call finds nothing to do.
    fn shut(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        self.pool.close();
        // Waits for room, if need be. It fails only when the thread has gone already.
        let _ = self.jobs.send(Job::Close);
        if thread.join().is_err() {
            tracing::error!("the writer thread panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shut();
    }
}
