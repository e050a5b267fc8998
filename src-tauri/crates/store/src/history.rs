//! The history of a stream wherever it lies: in the log, in the archive, or pruned.
//!
//! `stream_seq` has no holes, so a span of numbers says exactly what has to be there. What is not in `events` is
//! looked for in `archive`; what is pruned becomes a [`Gap`]; what is nowhere is damage and said so. A span that lies
//! in the log as a whole, the usual case, costs one look into the index.

use rusqlite::{Row, params};

use crate::{
    error::Error,
    model::StoredEvent,
    page::ArchivePage,
    reader::{EVENT_COLUMNS, Reader, event},
};

const ARCHIVE_COLUMNS: &str =
    "stream, first_stream_seq, last_stream_seq, first_seq, last_seq, events, bytes, sha256, body";

/// Numbers of a stream whose events were pruned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The stream.
    pub stream: String,
    /// The first `stream_seq` that is gone.
    pub first_stream_seq: i64,
    /// The last one.
    pub last_stream_seq: i64,
}

/// A piece of a stream's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// An event.
    Event(StoredEvent),
    /// Events that were pruned. A gap that reaches beyond the span that was asked for is cut at its ends.
    Gap(Gap),
}

impl Piece {
    /// Where the piece ends: the next one is asked for after it.
    #[must_use]
    pub fn last_stream_seq(&self) -> i64 {
        match self {
            Self::Event(event) => event.stream_seq,
            Self::Gap(gap) => gap.last_stream_seq,
        }
    }
}

impl Reader<'_> {
    /// What a stream has in the `limit` numbers after `after_stream_seq` (0 is the beginning), in order, archived
    /// events too. Empty at the end of the stream.
    ///
    /// # Errors
    /// [`Error::Damaged`] when an event or a page of the archive is missing or spoiled, and those of a read.
    pub fn history(&self, stream: &str, after_stream_seq: i64, limit: u32) -> Result<Vec<Piece>, Error> {
        let first = after_stream_seq.saturating_add(1);
        self.span(stream, first, after_stream_seq.saturating_add(i64::from(limit)))
    }

    /// Everything with numbers from `first` to `last`, as far as the stream goes.
    pub(crate) fn span(&self, stream: &str, first: i64, last: i64) -> Result<Vec<Piece>, Error> {
        let first = first.max(1);
        if last < first {
            return Ok(Vec::new());
        }
        let mut events = self.list(
            &format!(
                "SELECT {EVENT_COLUMNS} FROM events WHERE stream = ?1 AND stream_seq BETWEEN ?2 AND ?3
                 ORDER BY stream_seq"
            ),
            params![stream, first, last],
            event,
        )?;
        // The newest event of a stream is always in the log, so the end is known.
        let last = if events.last().is_some_and(|newest| newest.stream_seq == last) {
            last
        } else {
            last.min(self.stream_head(stream)?)
        };
        if last < first || events.len() as i64 == last - first + 1 {
            return Ok(events.into_iter().map(Piece::Event).collect());
        }
        let mut pruned = Vec::new();
        for page in self.pages_of(stream, first, last)? {
            if page.body.is_none() {
                pruned.push((page.first_stream_seq, page.last_stream_seq));
            } else {
                let archived = page.read().map_err(|why| self.spoiled(&page, &why))?;
                events
                    .extend(archived.into_iter().filter(|event| (first..=last).contains(&event.stream_seq)));
            }
        }
        events.sort_by_key(|event| event.stream_seq);
        self.with_gaps(stream, events, &pruned, first, last)
    }

    /// The span as events alone.
    ///
    /// # Errors
    /// [`Error::Pruned`] names the first gap.
    pub(crate) fn whole_span(&self, stream: &str, first: i64, last: i64) -> Result<Vec<StoredEvent>, Error> {
        self.span(stream, first, last)?
            .into_iter()
            .map(|piece| match piece {
                Piece::Event(event) => Ok(event),
                Piece::Gap(gap) => Err(Error::Pruned(gap)),
            })
            .collect()
    }

    /// Puts a gap wherever a number is missing that a tombstone knows.
    fn with_gaps(
        &self,
        stream: &str,
        events: Vec<StoredEvent>,
        pruned: &[(i64, i64)],
        first: i64,
        last: i64,
    ) -> Result<Vec<Piece>, Error> {
        let mut pieces = Vec::with_capacity(events.len() + pruned.len());
        let mut next = first;
        let hole = |next: i64, until: i64| {
            let mut covered = next;
            for (from, to) in pruned {
                if *from <= covered && covered <= *to {
                    covered = to + 1;
                }
            }
            let gap = Gap { stream: stream.to_owned(), first_stream_seq: next, last_stream_seq: until };
            if covered > until {
                return Ok(Piece::Gap(gap));
            }
            Err(self.damaged(format!("events {next} to {until} of stream {stream} are missing")))
        };
        for event in events {
            if event.stream_seq > next {
                pieces.push(hole(next, event.stream_seq - 1)?);
            } else if event.stream_seq < next {
                return Err(
                    self.damaged(format!("event {} of stream {stream} is there twice", event.stream_seq))
                );
            }
            next = event.stream_seq + 1;
            pieces.push(Piece::Event(event));
        }
        if next <= last {
            pieces.push(hole(next, last)?);
        }
        Ok(pieces)
    }

    /// Archived events in the order of the log, after `seq`, put between those that are in the log.
    pub(crate) fn with_archived(
        &self,
        mut events: Vec<StoredEvent>,
        seq: i64,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, Error> {
        let until = if events.len() < limit { i64::MAX } else { events.last().map_or(seq, |last| last.seq) };
        let places: Vec<(i64, i64)> = self.list(
            "SELECT rowid, first_seq FROM archive
             WHERE last_seq > ?1 AND first_seq <= ?2 AND body IS NOT NULL ORDER BY first_seq",
            params![seq, until],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        for (rowid, first_seq) in places {
            if events.len() >= limit && events.get(limit - 1).is_some_and(|last| last.seq < first_seq) {
                break;
            }
            let sql = format!("SELECT {ARCHIVE_COLUMNS} FROM archive WHERE rowid = ?1");
            for page in self.list(&sql, [rowid], archive_page)? {
                let archived = page.read().map_err(|why| self.spoiled(&page, &why))?;
                events.extend(archived.into_iter().filter(|event| event.seq > seq));
            }
            events.sort_by_key(|event| event.seq);
            events.truncate(limit);
        }
        Ok(events)
    }

    fn pages_of(&self, stream: &str, first: i64, last: i64) -> Result<Vec<ArchivePage>, Error> {
        let sql = format!(
            "SELECT {ARCHIVE_COLUMNS} FROM archive
             WHERE stream = ?1 AND last_stream_seq >= ?2 AND first_stream_seq <= ?3 ORDER BY last_stream_seq"
        );
        self.list(&sql, params![stream, first, last], archive_page)
    }

    /// The page that follows on row `after` of the archive, with its row.
    pub(crate) fn page_after(&self, after: i64) -> Result<Option<(i64, ArchivePage)>, Error> {
        let sql =
            format!("SELECT {ARCHIVE_COLUMNS}, rowid FROM archive WHERE rowid > ?1 ORDER BY rowid LIMIT 1");
        let found = self.list(&sql, [after], |row| Ok((row.get(9)?, archive_page(row)?)))?;
        Ok(found.into_iter().next())
    }

    /// The next events of a stream that may be archived: not of the audit trail, not the newest one, at most
    /// `max_events` of them, and about `max_bytes` of bodies unless the first one alone has more.
    pub(crate) fn archivable(
        &self,
        stream: &str,
        through: i64,
        max_events: usize,
        max_bytes: usize,
    ) -> Result<Vec<StoredEvent>, Error> {
        let through = through.min(self.stream_head(stream)? - 1);
        let sql = format!(
            "SELECT {EVENT_COLUMNS} FROM events WHERE stream = ?1 AND stream_seq <= ?2 AND prev_hash IS NULL
             ORDER BY stream_seq"
        );
        let read = || {
            let mut query = self.db.prepare_cached(&sql)?;
            let mut rows = query.query(params![stream, through])?;
            let (mut events, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next()?
                && events.len() < max_events
                && bytes < max_bytes
            {
                let event = event(row)?;
                bytes += event.body.len();
                events.push(event);
            }
            Ok(events)
        };
        read().map_err(|error: rusqlite::Error| self.failed(&error))
    }

    pub(crate) fn spoiled(&self, page: &ArchivePage, why: &str) -> Error {
        self.damaged(format!(
            "the archived events {} to {} of stream {} cannot be read: {why}",
            page.first_stream_seq, page.last_stream_seq, page.stream
        ))
    }

    pub(crate) fn damaged(&self, detail: String) -> Error {
        Error::Damaged { path: self.path.to_path_buf(), detail }
    }
}

fn archive_page(row: &Row<'_>) -> rusqlite::Result<ArchivePage> {
    Ok(ArchivePage {
        stream: row.get(0)?,
        first_stream_seq: row.get(1)?,
        last_stream_seq: row.get(2)?,
        first_seq: row.get(3)?,
        last_seq: row.get(4)?,
        events: row.get(5)?,
        bytes: row.get(6)?,
        sha256: row.get(7)?,
        body: row.get(8)?,
    })
}
