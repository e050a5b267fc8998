//! Compaction: takes the events of a closed stream out of the log, page by page.
//!
//! The engine decides which stream and what becomes of it. A page is read and packed beside the writer, then one
//! transaction puts it into `archive` and takes its events out of `events`, so the writer is held up for milliseconds
//! and a crash leaves whole pages: calling again goes on. Events of the audit trail and the newest event of a stream
//! stay, so that the trail verifies and the stream's end is known. Pages of the file that became empty are used again
//! by what is written next. Where streams were written by turns a page keeps what others have on it, so room comes back
//! bit by bit, as these are archived too, or all at once by [`Store::vacuum`], which also makes the file smaller.

use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::{Store, error::Error, page::ArchivePage, reader, writer::Job};

/// The most events that one page takes.
const PAGE_EVENTS: usize = 1000;

/// Bytes of bodies after which a page is full. To show one archived event its whole page is unpacked.
const PAGE_BYTES: usize = 1024 * 1024;

/// Archived pages that lose their content in one transaction.
const PRUNED_PAGES: i64 = 16;

/// How large a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogSize {
    /// Bytes of its pages, empty ones too; what waits in the WAL for a place of its own is not counted.
    pub bytes: u64,
    /// Bytes of its empty pages.
    pub free_bytes: u64,
    /// Events that are packed, and the bytes that they take.
    pub archived: (u64, u64),
    /// Events that were dropped.
    pub pruned_events: u64,
}

impl reader::Reader<'_> {
    /// How large the database is. Reads no content, so it costs little however large that is.
    ///
    /// # Errors
    /// Those of every read.
    pub fn size(&self) -> Result<LogSize, Error> {
        size_of(self.db).map_err(|error| self.failed(&error))
    }
}

fn size_of(db: &Connection) -> rusqlite::Result<LogSize> {
    let of = |pragma: &str| db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
    let page = of("page_size")?;
    let (archived, bytes, pruned) = db.query_row(
        "SELECT coalesce(sum(iif(body IS NULL, 0, events)), 0), coalesce(sum(length(body)), 0),
                coalesce(sum(iif(body IS NULL, events, 0)), 0) FROM archive",
        [],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
    )?;
    Ok(LogSize {
        bytes: (of("page_count")? * page).unsigned_abs(),
        free_bytes: (of("freelist_count")? * page).unsigned_abs(),
        archived: (archived.unsigned_abs(), bytes.unsigned_abs()),
        pruned_events: pruned.unsigned_abs(),
    })
}

/// What becomes of the events of a closed stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// They are packed and stay readable.
    Archive,
    /// They are dropped, archived ones too. How many they were and their hash stays.
    Prune,
}

/// What [`Store::archive`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archived {
    /// Events that were taken out of the log.
    pub events: u64,
    /// Pages that were made.
    pub pages: u64,
    /// Size of these events as JSON lines, in bytes.
    pub lines_bytes: u64,
    /// What is kept of them, in bytes.
    pub kept_bytes: u64,
    /// Pages that had been archived before and were pruned now.
    pub pruned_pages: u64,
}

impl Store {
    /// Takes the events of a closed stream up to `through_stream_seq` out of the log. See the module. Stopping half-way
    /// is safe, calling again goes on. Costs about 10 ms of the writer for each thousand events.
    ///
    /// # Errors
    /// [`Error::Overloaded`]: somebody else archives the same stream, or the writer is busy. [`Error::Disk`]: a full
    /// disk has no room for the page either. Those of a read.
    pub async fn archive(
        &self,
        stream: &str,
        through_stream_seq: i64,
        fate: Fate,
    ) -> Result<Archived, Error> {
        let mut done = Archived::default();
        if fate == Fate::Prune {
            loop {
                let (reply, answer) = oneshot::channel();
                let stream = stream.to_owned();
                self.send(Job::PrunePages { stream, through_stream_seq, reply })?;
                let pruned = answer.await.map_err(|_| Error::Closed)??;
                done.pruned_pages += pruned;
                if pruned < PRUNED_PAGES.unsigned_abs() {
                    break;
                }
            }
        }
        loop {
            let name = stream.to_owned();
            let events = self
                .read(move |reader| reader.archivable(&name, through_stream_seq, PAGE_EVENTS, PAGE_BYTES))
                .await?;
            let pack = move || ArchivePage::of(&events, fate == Fate::Archive);
            let page = tokio::task::spawn_blocking(pack)
                .await
                .map_err(|_| Error::Closed)?
                .map_err(|detail| Error::Sqlite { code: 0, detail })?;
            let Some(page) = page else { return Ok(done) };
            done.events += page.events.unsigned_abs();
            done.pages += 1;
            done.lines_bytes += page.bytes.unsigned_abs();
            done.kept_bytes += page.body.as_ref().map_or(0, |body| body.len() as u64);
            let (reply, answer) = oneshot::channel();
            self.send(Job::Archive { page: Box::new(page), reply })?;
            if !answer.await.map_err(|_| Error::Closed)?? {
                // Another call took the same events meanwhile.
                return Err(Error::Overloaded);
            }
        }
    }
}

impl Store {
    /// Writes the whole database anew without its holes and makes the file smaller; says by how many bytes. Nothing else
    /// is written meanwhile, some five seconds for each gigabyte. The copy is made in a file of the system's folder for
    /// such and comes back through the WAL, so what is not empty needs room twice beside the database, if that is one
    /// disk: for a quiet moment, or when a person asks for it.
    ///
    /// # Errors
    /// [`Error::Disk`] when there is no room: nothing has changed. [`Error::Overloaded`], [`Error::Closed`].
    pub async fn vacuum(&self) -> Result<u64, Error> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Vacuum { reply })?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

/// Moves the events of a page in one transaction. `false`: they are not there as the page says, nothing was changed.
pub(crate) fn write_page(db: &Connection, page: &ArchivePage) -> rusqlite::Result<bool> {
    db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let last_archived: i64 = db
        .prepare_cached("SELECT coalesce(max(last_stream_seq), 0) FROM archive WHERE stream = ?1")?
        .query_row([&page.stream], |row| row.get(0))?;
    let is_next = last_archived < page.first_stream_seq
        && page.last_stream_seq < reader::stream_head(db, &page.stream)?;
    let taken = if is_next {
        db.prepare_cached(
            "DELETE FROM events WHERE stream = ?1 AND stream_seq BETWEEN ?2 AND ?3 AND prev_hash IS NULL",
        )?
        .execute(params![page.stream, page.first_stream_seq, page.last_stream_seq])?
    } else {
        0
    };
    if taken as i64 != page.events {
        db.prepare_cached("ROLLBACK")?.execute([])?;
        return Ok(false);
    }
    db.prepare_cached(
        "INSERT INTO archive
             (stream, first_stream_seq, last_stream_seq, first_seq, last_seq, events, bytes, sha256, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        page.stream,
        page.first_stream_seq,
        page.last_stream_seq,
        page.first_seq,
        page.last_seq,
        page.events,
        page.bytes,
        page.sha256,
        page.body
    ])?;
    db.prepare_cached("COMMIT")?.execute([])?;
    Ok(true)
}

/// Takes the content of some archived pages away; says of how many.
pub(crate) fn prune_pages(db: &Connection, stream: &str, through_stream_seq: i64) -> rusqlite::Result<u64> {
    db.prepare_cached(
        "UPDATE archive SET body = NULL WHERE rowid IN (
             SELECT rowid FROM archive WHERE stream = ?1 AND last_stream_seq <= ?2 AND body IS NOT NULL LIMIT ?3)",
    )?
    .execute(params![stream, through_stream_seq, PRUNED_PAGES])
    .map(|pages| pages as u64)
}

/// Writes the file anew; says by how many bytes it is smaller. It is cut when the WAL is copied back.
pub(crate) fn vacuum(db: &Connection) -> rusqlite::Result<u64> {
    let size = || -> rusqlite::Result<i64> {
        let of = |pragma: &str| db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
        Ok(of("page_count")? * of("page_size")?)
    };
    let before = size()?;
    // The writer keeps what is temporary in memory; this would be a copy of the whole database.
    let done = db.execute_batch("PRAGMA temp_store = FILE; VACUUM");
    if let Err(error) = db.execute_batch("PRAGMA temp_store = MEMORY") {
        tracing::warn!(%error, "what is temporary stays in files");
    }
    // After a failure as well: the WAL holds what was written until then.
    let copied = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    done.and(copied)?;
    Ok(u64::try_from(before - size()?).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_vacuum_that_fails_leaves_the_connection_as_it_was_and_nothing_in_the_wal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nox.db");
        let mut db = crate::schema::open_writer(&path, None).unwrap();
        let temp_store =
            |db: &Connection| db.query_row("PRAGMA temp_store", [], |row| row.get::<_, i64>(0)).unwrap();
        let wal_bytes = || std::fs::metadata(crate::wal::path_of(&path)).unwrap().len();
        assert!(temp_store(&db) == 2 && wal_bytes() > 0);

        // Ended once, some steps after it began.
        let mut is_ended = false;
        db.progress_handler(20, Some(move || !std::mem::replace(&mut is_ended, true))).unwrap();
        assert!(vacuum(&db).is_err());
        assert_eq!((temp_store(&db), wal_bytes()), (2, 0));
        vacuum(&db).unwrap();
        assert_eq!((temp_store(&db), wal_bytes()), (2, 0));
    }
}
