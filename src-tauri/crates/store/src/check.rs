//! Looks for damage in an open store: what SQLite can find, and what only we know.
//!
//! Off the start path; the doctor and the engine's slow round call it. It has a connection of its own, so that it takes
//! no place of a read, and ends early when the store is closed or nobody waits for it any more. SQLite's own check is
//! one long read: as long as it runs, some seconds for a million events, the WAL cannot be begun anew and grows by what
//! is written meanwhile. All the rest reads in short pages.
//!
//! A body of an event that is not in the audit trail or the archive has no hash: a bit that changes in it is not found.

use std::sync::{Arc, atomic::Ordering};

use crate::{
    Store,
    audit::AuditTrail,
    error::Error,
    reader::{Pool, Reader},
};

/// Streams in one read.
const STREAMS: u32 = 100;

/// What an undamaged store has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Events in the log.
    pub events: u64,
    /// Events in the archive.
    pub archived: u64,
    /// Events that were pruned.
    pub pruned: u64,
    /// Streams.
    pub streams: u64,
    /// Events of the audit trail.
    pub audited: u64,
}

/// Ends the check when the one who waits for it has gone.
struct EndOnDrop(Arc<Pool>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Store {
    /// Reads the whole database for damage. See [`Store::examine`].
    ///
    /// # Errors
    /// [`Error::Damaged`] says what was found first. [`Error::Closed`].
    pub async fn check(&self) -> Result<(), Error> {
        self.examine().await.map(drop)
    }

    /// Reads the whole database for damage: SQLite's check of pages and indexes, every stream's numbers without holes
    /// but for what is archived, every archived page with its hash, the audit trail, and the head of the log. Dropping
    /// the future ends it. See the module for what it costs.
    ///
    /// # Errors
    /// As [`Store::check`].
    pub async fn examine(&self) -> Result<Checked, Error> {
        let pool = Arc::new(self.long_reads());
        let _end = EndOnDrop(Arc::clone(&pool));
        pool.read(|reader| reader.sqlite_check()).await?;
        self.check_head(&pool).await?;
        let (streams, events) = check_streams(&pool).await?;
        let (archived, pruned) = check_archive(&pool).await?;
        let audited = match self.verify_audit().await? {
            AuditTrail::Whole { entries, .. } => entries,
            AuditTrail::Broken { seq, entries } => {
                let place = seq.map_or("at its end".to_owned(), |seq| format!("at or before event {seq}"));
                let detail = format!("the audit trail is broken {place}, after {entries} whole entries");
                return Err(Error::Damaged { path: self.path().to_path_buf(), detail });
            }
        };
        Ok(Checked { events, archived, pruned, streams, audited })
    }

    /// What is on disk may not be behind what was acknowledged.
    async fn check_head(&self, pool: &Arc<Pool>) -> Result<(), Error> {
        let acknowledged = self.inner.shared.head.load(Ordering::Acquire);
        let found = pool.read(|reader| reader.head()).await?;
        if found < acknowledged {
            let detail = format!("the log ends at {found}, but {acknowledged} was acknowledged");
            return Err(Error::Damaged { path: self.path().to_path_buf(), detail });
        }
        Ok(())
    }
}

async fn check_streams(pool: &Arc<Pool>) -> Result<(u64, u64), Error> {
    let (mut streams, mut events) = (0, 0);
    let mut after = String::new();
    loop {
        let from = after.clone();
        let page = pool.read(move |reader| reader.stream_counts(&from)).await?;
        let Some((last, ..)) = page.last() else { return Ok((streams, events)) };
        after.clone_from(last);
        streams += page.len() as u64;
        events += page.iter().map(|(_, count)| count.unsigned_abs()).sum::<u64>();
    }
}

async fn check_archive(pool: &Arc<Pool>) -> Result<(u64, u64), Error> {
    let (mut archived, mut pruned, mut after) = (0, 0, 0);
    loop {
        let page = pool
            .read(move |reader| {
                let Some((rowid, page)) = reader.page_after(after)? else { return Ok(None) };
                if page.body.is_some() {
                    page.read().map_err(|why| reader.spoiled(&page, &why))?;
                }
                Ok(Some((rowid, page.events.unsigned_abs(), page.body.is_some())))
            })
            .await?;
        let Some((rowid, events, is_kept)) = page else { return Ok((archived, pruned)) };
        after = rowid;
        *(if is_kept { &mut archived } else { &mut pruned }) += events;
    }
}

impl Reader<'_> {
    /// SQLite's check of the whole file, of its indexes too.
    fn sqlite_check(&self) -> Result<(), Error> {
        let verdict: Result<String, _> = self.db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
        match verdict.map_err(|error| self.failed(&error))? {
            fine if fine == "ok" => Ok(()),
            detail => Err(self.damaged(detail)),
        }
    }

    /// Streams after one, each with the number of its events in the log; refuses one whose numbers have a hole that
    /// the archive does not fill.
    fn stream_counts(&self, after: &str) -> Result<Vec<(String, i64)>, Error> {
        let sums = self.list(
            "SELECT e.stream, count(*), max(e.stream_seq),
                    (SELECT coalesce(sum(a.events), 0) FROM archive a WHERE a.stream = e.stream)
             FROM events e WHERE e.stream > ?1 GROUP BY e.stream LIMIT ?2",
            rusqlite::params![after, STREAMS],
            |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?)),
        )?;
        sums.into_iter()
            .map(|(stream, count, head, archived): (String, i64, i64, i64)| {
                if count + archived == head {
                    return Ok((stream, count));
                }
                Err(self.damaged(format!(
                    "stream {stream} ends at {head}, but has {count} events and {archived} archived ones"
                )))
            })
            .collect()
    }
}
