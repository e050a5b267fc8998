//! The cost of one more event: a log with many events and one with few take the same commits in turns.
//!
//! A commit is that of one fact, with its item, the row of its session and a receipt, see [`Load`]. Sessions that lie
//! apart in the log take turns, so that no two commits after each other meet on a page. The bytes are those that the WAL
//! grows by, which nothing but the commits decides; the time is until the commit is durable.

use crate::{error::Error, load::Load, stats::median};
use nox_store::{Options, Store};
use serde::Serialize;
use std::{fs, path::Path, time::Instant};
use tokio::runtime::Runtime;

/// Facts of a session.
const SESSION_EVENTS: usize = 1000;
/// Sessions that take turns, at least.
const SESSIONS: usize = 50;
/// Facts in a commit while a log is filled.
const PORTION: usize = 100;
/// Commits of each log that are measured by the driver.
pub(crate) const COMMITS: usize = 1000;
/// Commits before that, which are not.
const WARM_UP: usize = SESSIONS;

/// What one log gave.
#[derive(Debug, Serialize)]
pub(crate) struct Cost {
    /// Facts in it when it began.
    events: i64,
    /// Bytes of the WAL for one more, on average.
    wal_bytes: f64,
    /// Microseconds for one more, median.
    us: f64,
}

/// Sessions of a log with so many facts, and how many each has.
fn shape(events: usize) -> (usize, usize) {
    let sessions = (events / SESSION_EVENTS).max(SESSIONS);
    (sessions, events.div_ceil(sessions))
}

fn session(number: usize) -> String {
    format!("ses_{number:032x}")
}

/// Fills a new log with so many facts, or a few more.
pub(crate) fn fill(path: &Path, events: usize) -> Result<(), Error> {
    let store = Store::open(path, Options::default())?;
    let (sessions, length) = shape(events);
    Runtime::new()?.block_on(async {
        for number in 0..sessions {
            let events_per_batch = PORTION.min(length);
            let load = Load { writers: 1, events_per_batch, batches: length.div_ceil(events_per_batch) };
            for batch in 0..load.batches {
                store.commit(load.batch(&session(number), number, batch)).await?;
            }
        }
        Ok::<_, Error>(())
    })?;
    store.close();
    Ok(())
}

/// A log that is measured.
struct Log {
    store: Store,
    wal: std::path::PathBuf,
    events: i64,
    /// For each session that takes a turn: its number and how many facts it has.
    sessions: Vec<(usize, usize)>,
    next: usize,
    times_us: Vec<f64>,
}

impl Log {
    async fn open(path: &Path, events: usize) -> Result<Self, Error> {
        // Nothing is copied back meanwhile, so that the WAL's length is all that was written.
        let store = Store::open(path, Options { checkpoint_pages: u32::MAX, ..Options::default() })?;
        let (all, _) = shape(events);
        let mut sessions = Vec::with_capacity(SESSIONS);
        for number in (0..all).step_by(all / SESSIONS) {
            let name = session(number);
            let has = store.read(move |reader| reader.stream_head(&name)).await?;
            sessions.push((number, has as usize));
        }
        let events = store.head().await.seq;
        let mut wal = path.as_os_str().to_owned();
        wal.push("-wal");
        Ok(Self { store, wal: wal.into(), events, sessions, next: 0, times_us: Vec::new() })
    }

    async fn one_more(&mut self) -> Result<(), Error> {
        let turn = self.next % self.sessions.len();
        self.next += 1;
        let Some((number, has)) = self.sessions.get_mut(turn) else { return Ok(()) };
        let load = Load { writers: 1, events_per_batch: 1, batches: 1 };
        let batch = load.batch(&session(*number), *number, *has);
        *has += 1;
        let begun = Instant::now();
        self.store.commit(batch).await?;
        self.times_us.push(begun.elapsed().as_secs_f64() * 1e6);
        Ok(())
    }

    fn wal_bytes(&self) -> Result<u64, Error> {
        Ok(fs::metadata(&self.wal)?.len())
    }
}

/// Measures a log that was filled with `events` beside a new one with `few`, which lies in `folder` meanwhile.
pub(crate) fn measure(
    path: &Path,
    events: usize,
    folder: &Path,
    few: usize,
    commits: usize,
) -> Result<[Cost; 2], Error> {
    fs::create_dir_all(folder)?;
    let place = tempfile::tempdir_in(folder)?;
    let young = place.path().join("nox.db");
    fill(&young, few)?;
    Runtime::new()?.block_on(async {
        let mut logs = [Log::open(path, events).await?, Log::open(&young, few).await?];
        let mut begun = [0; 2];
        for round in 0..WARM_UP + commits {
            if round == WARM_UP {
                begun = [logs[0].wal_bytes()?, logs[1].wal_bytes()?];
                logs.iter_mut().for_each(|log| log.times_us.clear());
            }
            // Each is first as often as the other.
            logs[round % 2].one_more().await?;
            logs[(round + 1) % 2].one_more().await?;
        }
        let [old, young] = logs;
        let cost = |log: &Log, begun: u64| {
            let wal_bytes = (log.wal_bytes()? - begun) as f64 / commits as f64;
            Ok::<_, Error>(Cost { events: log.events, wal_bytes, us: median(&log.times_us) })
        };
        let costs = [cost(&old, begun[0])?, cost(&young, begun[1])?];
        tokio::task::spawn_blocking(move || {
            old.store.close();
            young.store.close();
        })
        .await?;
        Ok(costs)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_log_is_as_long_as_it_should_be_and_grows_by_one_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nox.db");
        fill(&path, 2000).unwrap();
        let [old, young] = measure(&path, 2000, folder.path(), 1000, 10).unwrap();
        assert_eq!((old.events, young.events), (2000, 1000));
        // A commit writes whole pages, at least one for each table.
        assert!(old.wal_bytes > 4.0 * 4096.0 && young.wal_bytes > 4.0 * 4096.0, "{old:?} {young:?}");
        let [old, _] = measure(&path, 2000, folder.path(), 1000, 10).unwrap();
        assert_eq!(old.events, 2000 + (WARM_UP + 10) as i64);
    }
}
