//! Reading: a few `query_only` connections and the queries that run on them.
//!
//! Each read is one transaction on a blocking thread and sees one state of the database. It must be short, since
//! the WAL cannot be tidied past the oldest reader; what may be long is paged. Nothing here can write.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, Row, params};
use tokio::sync::Semaphore;

use crate::{
    audit,
    error::Error,
    model::{ChangedPage, Order, PendingEffect, Receipt, RowPage, StoredEvent, StoredRow},
    schema,
};

/// A read beyond this is told to the log: it delays the tidying of the WAL.
const SLOW_READ: Duration = Duration::from_millis(50);

/// How many steps of SQLite's machine pass between two looks at the clock; about a tenth of a millisecond.
const STEPS_PER_LOOK: i32 = 10_000;

pub(crate) const EVENT_COLUMNS: &str =
    "seq, stream, stream_seq, kind, version, at, actor, command, cause, prev_hash, body";
const ROW_COLUMNS: &str = "kind, id, parent, ord, seq, deleted, body";

/// The read connections; opened when first needed, at most as many as permits.
#[derive(Debug)]
pub(crate) struct Pool {
    path: PathBuf,
    limit: Duration,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Slot>>,
    /// Set when the pool is closed: what still reads is ended.
    ended: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Slot {
    db: Connection,
    /// When the running read must end, in microseconds since `opened`.
    deadline_us: Arc<AtomicU64>,
    opened: Instant,
}

/// One state of the database, for the length of one read.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) path: &'a Path,
}

impl Pool {
    pub(crate) fn new(path: PathBuf, connections: usize, limit: Duration) -> Self {
        Self {
            path,
            limit,
            permits: Arc::new(Semaphore::new(connections.max(1))),
            idle: Mutex::default(),
            ended: Arc::default(),
        }
    }

    pub(crate) async fn read<T, F>(self: &Arc<Self>, work: F) -> Result<T, Error>
    where
        F: FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let pool = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            // The permit lives as long as the read, also when the caller has gone away.
            let _permit = permit;
            pool.read_now(work)
        });
        match task.await {
            Ok(result) => result,
            Err(stopped) if stopped.is_panic() => std::panic::resume_unwind(stopped.into_panic()),
            Err(_) => Err(Error::Closed),
        }
    }

    /// Ends the pool: waiting and later reads are refused, running ones are cut short, idle connections are closed.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.ended.store(true, Ordering::Relaxed);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn read_now<T>(&self, work: impl FnOnce(&Reader<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let slot = match idle {
            Some(slot) => slot,
            None => Slot::open(&self.path, Arc::clone(&self.ended))?,
        };
        let begun = Instant::now();
        let until = (begun - slot.opened + self.limit).as_micros();
        slot.deadline_us.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
        let result = slot.transaction(&self.path, work, self.limit, &self.ended);
        let took = begun.elapsed();
        if took > SLOW_READ {
            tracing::warn!(took_ms = took.as_millis(), "slow read of the database");
        }
        // A connection that is still inside a transaction would pin the WAL for ever: it is dropped.
        if slot.db.is_autocommit() && !self.permits.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(slot);
        }
        result
    }
}

impl Slot {
    fn open(path: &Path, ended: Arc<AtomicBool>) -> Result<Self, Error> {
        let mut db = schema::open_reader(path)?;
        let opened = Instant::now();
        let deadline_us = Arc::new(AtomicU64::new(u64::MAX));
        let limit = Arc::clone(&deadline_us);
        let shall_end = move || {
            let is_late = opened.elapsed().as_micros() > u128::from(limit.load(Ordering::Relaxed));
            is_late || ended.load(Ordering::Relaxed)
        };
        db.progress_handler(STEPS_PER_LOOK, Some(shall_end))
            .map_err(|error| Error::from_sqlite(&error, path))?;
        Ok(Self { db, deadline_us, opened })
    }

    fn transaction<T>(
        &self,
        path: &Path,
        work: impl FnOnce(&Reader<'_>) -> Result<T, Error>,
        limit: Duration,
        ended: &AtomicBool,
    ) -> Result<T, Error> {
        let snapshot = self.db.unchecked_transaction().map_err(|error| Error::from_sqlite(&error, path))?;
        let result = work(&Reader { db: &snapshot, path });
        // Nothing can have been written: ending the transaction is all that counts, and dropping does that too.
        drop(snapshot);
        match result {
            Err(Error::Sqlite { code, .. }) if code & 0xff == rusqlite::ffi::SQLITE_INTERRUPT => {
                if ended.load(Ordering::Relaxed) {
                    return Err(Error::Closed);
                }
                let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
                Err(Error::ReadTooLong { limit_ms })
            }
            other => other,
        }
    }
}

impl Reader<'_> {
    /// The last sequence number of this state.
    pub fn head(&self) -> Result<i64, Error> {
        head(self.db).map_err(|error| self.failed(&error))
    }

    /// Reads the place behind which new rows are added: one that is spoiled takes none.
    pub fn end_of_rows(&self) -> Result<(), Error> {
        let read = || {
            let mut newest =
                self.db.prepare_cached("SELECT length(body) FROM rows ORDER BY rowid DESC LIMIT 1")?;
            newest.query([])?.next().map(drop)
        };
        read().map_err(|error| self.failed(&error))
    }

    /// The stored answer to a command.
    pub fn receipt(&self, command: &str) -> Result<Option<Receipt>, Error> {
        receipt(self.db, command).map_err(|error| self.failed(&error))
    }

    /// Events of one stream in order, after `after_stream_seq` (0 is the beginning), archived ones too.
    ///
    /// # Errors
    /// [`Error::Pruned`] when some of them were pruned; [`Reader::history`] reads around that.
    pub fn events_of(
        &self,
        stream: &str,
        after_stream_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, Error> {
        let first = after_stream_seq.saturating_add(1);
        self.whole_span(stream, first, after_stream_seq.saturating_add(i64::from(limit)))
    }

    /// The last `limit` events of one stream before `before_stream_seq` (`None`: its end), oldest first, archived ones
    /// too.
    ///
    /// # Errors
    /// [`Error::Pruned`] as for [`Reader::events_of`].
    pub fn events_before(
        &self,
        stream: &str,
        before_stream_seq: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, Error> {
        let head = self.stream_head(stream)?;
        let last = before_stream_seq.map_or(head, |before| before.saturating_sub(1).min(head));
        self.whole_span(stream, last - i64::from(limit) + 1, last)
    }

    /// The last `stream_seq` of a stream; 0 when it has no event. This is what `Expected` wants.
    pub fn stream_head(&self, stream: &str) -> Result<i64, Error> {
        stream_head(self.db, stream).map_err(|error| self.failed(&error))
    }

    /// Streams with a prefix after a name (the prefix itself begins with the first one), in order, archived ones too:
    /// the newest event of each is in the log.
    pub fn streams(&self, prefix: &str, after: &str, limit: u32) -> Result<Vec<String>, Error> {
        self.list(
            "SELECT stream FROM events WHERE stream > ?1 AND substr(stream, 1, length(?2)) = ?2
             GROUP BY stream ORDER BY stream LIMIT ?3",
            params![after.max(prefix), prefix, limit],
            |row| row.get(0),
        )
    }

    /// Events of the whole log in order, after `seq`, archived ones too. Pruned ones are left out, which nothing in
    /// the answer shows: numbers of the whole log have holes anyway, since rows take some.
    pub fn events_after(&self, seq: i64, limit: u32) -> Result<Vec<StoredEvent>, Error> {
        let events = self.list(
            &format!("SELECT {EVENT_COLUMNS} FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2"),
            params![seq, limit],
            event,
        )?;
        self.with_archived(events, seq, limit as usize)
    }

    /// One row that is not deleted.
    pub fn row(&self, kind: &str, id: &str) -> Result<Option<StoredRow>, Error> {
        let sql = format!("SELECT {ROW_COLUMNS} FROM rows WHERE kind = ?1 AND id = ?2 AND deleted = 0");
        let found =
            self.db.prepare_cached(&sql).and_then(|mut query| query.query_row([kind, id], row).optional());
        found.map_err(|error| self.failed(&error))
    }

    /// A page of the rows of one kind by sort key and id: those of one parent, or all when `parent` is `None`.
    pub fn rows(&self, kind: &str, parent: Option<&str>, page: &RowPage) -> Result<Vec<StoredRow>, Error> {
        let (than, direction) = match page.order {
            Order::Ascending => (">", "ASC"),
            Order::Descending => ("<", "DESC"),
        };
        let of_parent = if parent.is_some() { "AND parent = ?2" } else { "AND ?2 IS NULL" };
        let from =
            if page.after.is_some() { format!("AND (ord, id) {than} (?3, ?4)") } else { String::new() };
        let (ord, id) = page.after.as_ref().map_or((None, None), |(ord, id)| (Some(ord), Some(id)));
        let sql = format!(
            "SELECT {ROW_COLUMNS} FROM rows WHERE kind = ?1 {of_parent} AND deleted = 0 {from}
             ORDER BY ord {direction}, id {direction} LIMIT ?5"
        );
        self.list(&sql, params![kind, parent, ord, id, page.limit], row)
    }

    /// How many rows of a kind there are: those of one parent, or all when `parent` is `None`.
    pub fn count_rows(&self, kind: &str, parent: Option<&str>) -> Result<u64, Error> {
        let sql = match parent {
            Some(_) => "SELECT count(*) FROM rows WHERE kind = ?1 AND deleted = 0 AND parent = ?2",
            None => "SELECT count(*) FROM rows WHERE kind = ?1 AND deleted = 0 AND ?2 IS NULL",
        };
        let count: Result<i64, _> = self
            .db
            .prepare_cached(sql)
            .and_then(|mut query| query.query_row(params![kind, parent], |row| row.get(0)));
        count.map(i64::unsigned_abs).map_err(|error| self.failed(&error))
    }

    /// Whether rows of a kind ever had this parent: those that are deleted count as well.
    pub fn had_rows(&self, kind: &str, parent: &str) -> Result<bool, Error> {
        let sql = "SELECT EXISTS (SELECT 1 FROM rows WHERE kind = ?1 AND parent = ?2)";
        let found = self
            .db
            .prepare_cached(sql)
            .and_then(|mut query| query.query_row([kind, parent], |row| row.get(0)));
        found.map_err(|error| self.failed(&error))
    }

    /// Rows and tombstones that changed after `seq`, about `limit` of them: what a subscriber replays.
    ///
    /// A row that changed twice comes once, as it is now. The rows of one commit are never split over two pages.
    pub fn rows_changed_after(&self, seq: i64, limit: u32) -> Result<ChangedPage, Error> {
        let limit = limit.max(1) as usize;
        let sql = format!("SELECT {ROW_COLUMNS} FROM rows WHERE seq > ?1 ORDER BY seq LIMIT ?2");
        let mut rows = self.list(&sql, params![seq, limit as i64 + 1], row)?;
        let Some(cut) = rows.get(limit).map(|first_too_many| first_too_many.seq) else {
            return Ok(ChangedPage { rows, through: self.head()?.max(seq), more: false });
        };
        rows.retain(|row| row.seq < cut);
        if rows.is_empty() {
            // One commit alone is more than the limit.
            let sql = format!("SELECT {ROW_COLUMNS} FROM rows WHERE seq = ?1");
            rows = self.list(&sql, params![cut], row)?;
        }
        let through = rows.last().map_or(seq, |row| row.seq);
        Ok(ChangedPage { rows, through, more: true })
    }

    /// Effects that are not yet reported as done, oldest first.
    pub fn outbox_pending(&self) -> Result<Vec<PendingEffect>, Error> {
        self.list("SELECT id, seq, kind, body FROM outbox ORDER BY id", [], |row| {
            Ok(PendingEffect { id: row.get(0)?, seq: row.get(1)?, kind: row.get(2)?, body: row.get(3)? })
        })
    }

    /// Audit events in order, after `seq`.
    pub fn audit_events(&self, after_seq: i64, limit: u32) -> Result<Vec<StoredEvent>, Error> {
        self.list(
            &format!(
                "SELECT {EVENT_COLUMNS} FROM events WHERE seq > ?1 AND prev_hash IS NOT NULL ORDER BY seq LIMIT ?2"
            ),
            params![after_seq, limit],
            event,
        )
    }

    /// Hash of the last audit event.
    pub(crate) fn audit_head(&self) -> Result<String, Error> {
        audit_head(self.db).map_err(|error| self.failed(&error))
    }

    pub(crate) fn list<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Error> {
        let all =
            || self.db.prepare_cached(sql)?.query_map(params, read)?.collect::<rusqlite::Result<Vec<T>>>();
        all().map_err(|error| self.failed(&error))
    }

    pub(crate) fn failed(&self, error: &rusqlite::Error) -> Error {
        if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
            return Error::Sqlite { code: rusqlite::ffi::SQLITE_INTERRUPT, detail: error.to_string() };
        }
        Error::from_sqlite(error, self.path)
    }
}

/// The last sequence number. A commit without events is known by its rows; rows are rewritten, but only forwards.
pub(crate) fn head(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "SELECT max(coalesce((SELECT max(seq) FROM events), 0), coalesce((SELECT max(seq) FROM rows), 0))",
    )?
    .query_row([], |row| row.get(0))
}

/// The last `stream_seq` of a stream, 0 for none.
pub(crate) fn stream_head(db: &Connection, stream: &str) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT coalesce(max(stream_seq), 0) FROM events WHERE stream = ?1")?
        .query_row([stream], |row| row.get(0))
}

pub(crate) fn receipt(db: &Connection, command: &str) -> rusqlite::Result<Option<Receipt>> {
    db.prepare_cached("SELECT command, seq, at, result, inverse FROM receipts WHERE command = ?1")?
        .query_row([command], |row| {
            Ok(Receipt {
                command: row.get(0)?,
                seq: row.get(1)?,
                at: row.get(2)?,
                result: row.get(3)?,
                inverse: row.get(4)?,
            })
        })
        .optional()
}

pub(crate) fn audit_head(db: &Connection) -> rusqlite::Result<String> {
    let stored = db
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([audit::HEAD], |row| row.get(0))
        .optional()?;
    Ok(stored.unwrap_or_else(|| audit::GENESIS.to_owned()))
}

pub(crate) fn event(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        seq: row.get(0)?,
        stream: row.get(1)?,
        stream_seq: row.get(2)?,
        kind: row.get(3)?,
        version: row.get(4)?,
        at: row.get(5)?,
        actor: row.get(6)?,
        command: row.get(7)?,
        cause: row.get(8)?,
        prev_hash: row.get(9)?,
        body: row.get(10)?,
    })
}

fn row(row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    Ok(StoredRow {
        kind: row.get(0)?,
        id: row.get(1)?,
        parent: row.get(2)?,
        ord: row.get(3)?,
        seq: row.get(4)?,
        deleted: row.get(5)?,
        body: row.get(6)?,
    })
}
