//! Compaction: events of sessions that are over long since are packed or dropped, as the settings say.
//!
//! One session at a time, in small transactions (the store's), never the audit trail. First the session's state is stored
//! at the end of its stream, so that it can be read and continued without what is taken away. Stopping half-way is safe.

use super::STREAMS;
use crate::{
    Engine, Error, clock,
    ledger::{Cause, Change},
    sessions::{Stored, stored::state_row},
};
use nox_domain::{At, event::Event, ids::SessionId, life::LogPolicy, rows::kind};
use nox_store::{Expected, Fate, RowPage};
use std::time::Duration;

/// States in one read.
const PAGE: u32 = 100;
/// Between two sessions while others work.
const REST: Duration = Duration::from_millis(200);
/// The stream of what happens to the log as a whole.
const STREAM: &str = "log";

/// The file is made smaller when it has at least so much room, and when that is at least this part of it.
const MUCH_ROOM_BYTES: u64 = 64 * 1024 * 1024;
const MUCH_ROOM_PART: u64 = 4;

/// What compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Sessions of which events were taken out of the log.
    pub sessions: u64,
    /// Their events.
    pub events: u64,
}

impl Engine {
    /// Compacts the sessions that were over before a time, as the settings say.
    ///
    /// # Errors
    /// Those of the store. What was done until then stays.
    pub async fn compact(&self, over_before: At) -> Result<Compacted, Error> {
        let fate = match self.local().values().log_policy {
            LogPolicy::Keep => return Ok(Compacted::default()),
            LogPolicy::Archive => Fate::Archive,
            LogPolicy::Prune => Fate::Prune,
        };
        let done = self.compact_all(over_before, fate).await?;
        self.sweep_conversations(over_before, fate).await?;
        Ok(done)
    }

    async fn compact_all(&self, over_before: At, fate: Fate) -> Result<Compacted, Error> {
        let mut done = Compacted::default();
        let mut page = RowPage::first(PAGE);
        loop {
            let rows = self.ledger().store().rows(kind::SESSION_STATE, Some("closed"), page.clone()).await?;
            let Some(last) = rows.last() else { return Ok(done) };
            page = page.following(last);
            for row in &rows {
                let Ok(id) = SessionId::parse(&row.id) else { continue };
                if id.made_at() > over_before {
                    // Ids are in the order of their time: all that follow are younger.
                    return Ok(done);
                }
                match self.compact_session(&id, over_before, fate).await {
                    Ok(events) => {
                        done.events += events;
                        done.sessions += u64::from(events > 0);
                        self.jobs().note_compacted(done);
                    }
                    Err(Error::Store(error @ (nox_store::Error::Disk { .. } | nox_store::Error::Closed))) => {
                        return Err(error.into());
                    }
                    // Others wait for the next round, and this one does as well.
                    Err(error) => tracing::warn!(%error, session = %id, "a session is not compacted"),
                }
                if self.live_runs() > 0 {
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    async fn compact_session(&self, id: &SessionId, over_before: At, fate: Fate) -> Result<u64, Error> {
        let ledger = self.ledger();
        let Some(stored) = Stored::read(ledger, id).await? else { return Ok(0) };
        let stream = format!("{STREAMS}{id}");
        let Some(closed_at) = stored.session.closed_at else { return Ok(0) };
        let over_at = match stored.session.imported {
            false => closed_at,
            // As old as its import: its own times are those of another home. The newest event of a stream always stays.
            true => {
                let newest = ledger.store().events_of(&stream, stored.stream_seq - 1, 1).await?;
                newest.first().map_or(closed_at, |event| At(event.at))
            }
        };
        if over_at > over_before {
            return Ok(0);
        }
        if stored.snapshot_seq < stored.stream_seq {
            let change = Change {
                expected: Some(Expected { stream: stream.clone(), stream_seq: stored.stream_seq }),
                rows: vec![state_row(&stored.session, stored.stream_seq)],
                ..Change::default()
            };
            ledger.commit(&Cause::nox(), clock::now(), change).await?;
        }
        let archived = ledger.store().archive(&stream, stored.stream_seq, fate).await?;
        if archived.events == 0 && archived.pruned_pages == 0 {
            return Ok(0);
        }
        let event = Event::LogCompacted {
            session: id.clone(),
            events: u32::try_from(archived.events).unwrap_or(u32::MAX),
            pruned: fate == Fate::Prune,
        };
        let change = Change { events: vec![(STREAM.to_owned(), event)], ..Change::default() };
        ledger.commit(&Cause::nox(), clock::now(), change).await?;
        Ok(archived.events.max(1))
    }

    /// Whether a good part of the database's file is empty, as after a compaction that freed much.
    pub(super) async fn has_much_room(&self) -> Result<bool, Error> {
        Ok(is_much(self.log_size().await?))
    }

    /// Why the database's file cannot be written anew: the disk lacks the room. None when it has it.
    pub(super) async fn lacks_room(&self) -> Result<Option<String>, Error> {
        let path = self.ledger().store().path().to_owned();
        let disk = tokio::task::spawn_blocking(move || {
            nix::sys::statvfs::statvfs(&path).map_err(|error| Error::home(&path, error.into()))
        });
        let disk = disk.await.map_err(|_| Error::Closing)??;
        let available = disk.blocks_available() as u64 * disk.fragment_size() as u64;
        Ok(lacking(self.log_size().await?, available))
    }

    /// Compacts in the background now, instead of with the next round; resolves when the wish is on disk.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the settings keep everything.
    pub async fn compact_soon(&self, cause: Cause) -> Result<(), Error> {
        if self.local().values().log_policy == LogPolicy::Keep {
            return Err(Error::Conflict {
                message: "the settings keep all events".into(),
                hint: "Choose in Settings that old sessions are archived, then try again.".into(),
            });
        }
        let change = Change { receipt: Some((serde_json::Value::Null, None)), ..Change::default() };
        self.ledger().commit(&cause, clock::now(), change).await?;
        self.jobs().compact_soon();
        Ok(())
    }

    /// How large the log is.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn log_size(&self) -> Result<nox_store::LogSize, Error> {
        Ok(self.ledger().store().read(|reader| reader.size()).await?)
    }
}

fn is_much(size: nox_store::LogSize) -> bool {
    size.free_bytes >= MUCH_ROOM_BYTES && size.free_bytes * MUCH_ROOM_PART >= size.bytes
}

/// The copy and the WAL by which it comes back take room at the same time.
fn lacking(size: nox_store::LogSize, available: u64) -> Option<String> {
    let needed = size.bytes.saturating_sub(size.free_bytes).saturating_mul(2);
    let mb = |bytes: u64| bytes.div_ceil(1 << 20);
    (available < needed).then(|| {
        format!(
            "to make the file smaller the disk needs {} MB of free room, and has {} MB",
            mb(needed),
            available >> 20
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_is_written_anew_where_its_content_has_room_twice() {
        let size = nox_store::LogSize { bytes: 300 << 20, free_bytes: 100 << 20, ..Default::default() };
        assert_eq!(lacking(size, 400 << 20), None);
        let why = lacking(size, (400 << 20) - 1).unwrap();
        assert!(why.contains("needs 400 MB") && why.contains("has 399 MB"), "{why}");
    }

    #[test]
    fn only_a_file_that_is_large_and_empty_is_written_anew() {
        let much = |free_mb: u64, mb: u64| {
            let (bytes, free_bytes) = (mb << 20, free_mb << 20);
            is_much(nox_store::LogSize { bytes, free_bytes, ..Default::default() })
        };
        assert!(!much(0, 0) && !much(63, 64) && !much(100, 1_000));
        assert!(much(64, 64) && much(64, 256) && much(300, 1_000));
    }
}
