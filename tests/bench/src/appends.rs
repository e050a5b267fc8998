//! Durable appends: what the store acknowledges in a second, beside raw rusqlite writing the same.
//!
//! One round of a load: callers write through [`Store::commit`]; which batches shared a transaction is seen from where
//! the log stood when each was answered; then the yardstick writes the same batches in the same transactions into a
//! database of its own. Which of the two comes first alternates: the yardstick then replays the round before.

use crate::{
    error::Error,
    load::Load,
    raw::{self, Group, Placed},
    stats::median,
};
use nox_store::{Batch, Committed, Options, Store};
use serde::Serialize;
use std::{collections::HashMap, path::Path, time::Instant};
use tokio::runtime::Runtime;

const LOADS: [Load; 3] = [
    Load { writers: 1, events_per_batch: 100, batches: 100 },
    Load { writers: 50, events_per_batch: 1, batches: 200 },
    Load { writers: 50, events_per_batch: 10, batches: 20 },
];

/// What one load gave.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    load: String,
    /// Facts a second through the store, median.
    nox_per_s: f64,
    /// Facts a second through rusqlite, median.
    raw_per_s: f64,
    /// Median of the rounds' ratios of the two.
    ratio: f64,
    /// Batches in a transaction, on average over the last round.
    batches_per_transaction: f64,
    rounds: usize,
}

/// A batch's answer and where the log stood then.
struct Answer {
    batch: usize,
    writer: usize,
    committed: Committed,
    head: i64,
}

/// Measures all loads in databases under `folder`.
pub(crate) fn measure(folder: &Path, rounds: usize) -> Result<Vec<Figure>, Error> {
    std::fs::create_dir_all(folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    LOADS.iter().map(|load| measure_load(&runtime, folder, *load, rounds)).collect()
}

fn measure_load(runtime: &Runtime, folder: &Path, load: Load, rounds: usize) -> Result<Figure, Error> {
    // The first round warms up, and gives the yardstick something to replay.
    let (_, mut groups) = through_store(runtime, folder, load)?;
    let (mut nox, mut raw, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (nox_s, raw_s);
        if round % 2 == 0 {
            (nox_s, groups) = through_store(runtime, folder, load)?;
            raw_s = through_rusqlite(folder, &groups)?;
        } else {
            raw_s = through_rusqlite(folder, &groups)?;
            (nox_s, groups) = through_store(runtime, folder, load)?;
        }
        let events = load.events() as f64;
        nox.push(events / nox_s);
        raw.push(events / raw_s);
        ratios.push(raw_s / nox_s);
    }
    Ok(Figure {
        load: load.name(),
        nox_per_s: median(&nox),
        raw_per_s: median(&raw),
        ratio: median(&ratios),
        batches_per_transaction: (load.writers * load.batches) as f64 / groups.len() as f64,
        rounds,
    })
}

/// Writes the load through the store: seconds from the first call to the last answer, and what was written how.
fn through_store(runtime: &Runtime, folder: &Path, load: Load) -> Result<(f64, Vec<Group>), Error> {
    let place = tempfile::tempdir_in(folder)?;
    let batches = load.make();
    let copy = batches.clone();
    let store = Store::open(&place.path().join("nox.db"), Options::default())?;
    let (seconds, answers) = runtime.block_on(async {
        let begun = Instant::now();
        let writers: Vec<_> = batches
            .into_iter()
            .enumerate()
            .map(|(writer, batches)| tokio::spawn(write(store.clone(), writer, batches)))
            .collect();
        let mut answers = Vec::with_capacity(load.writers * load.batches);
        for writer in writers {
            answers.extend(writer.await??);
        }
        Ok::<_, Error>((begun.elapsed().as_secs_f64(), answers))
    })?;
    store.close();
    Ok((seconds, grouped(answers, copy)))
}

async fn write(store: Store, writer: usize, batches: Vec<Batch>) -> Result<Vec<Answer>, Error> {
    let mut answers = Vec::with_capacity(batches.len());
    for (number, batch) in batches.into_iter().enumerate() {
        let committed = store.commit(batch).await?;
        let head = store.head().await.seq;
        answers.push(Answer { batch: number, writer, committed, head });
    }
    Ok(answers)
}

/// Puts the batches in the order of the log and together as they were committed. The head of the log moves once for
/// each transaction, so that each head that somebody saw is the end of one. An end that nobody saw joins two
/// transactions into one, which only makes the yardstick faster.
fn grouped(mut answers: Vec<Answer>, batches: Vec<Vec<Batch>>) -> Vec<Group> {
    let mut ends: Vec<i64> = answers.iter().map(|answer| answer.head).collect();
    ends.sort_unstable();
    ends.dedup();
    answers.sort_unstable_by_key(|answer| answer.committed.first_seq);
    let mut batches: Vec<Vec<Option<Batch>>> =
        batches.into_iter().map(|of_writer| of_writer.into_iter().map(Some).collect()).collect();
    let mut stream_heads: HashMap<String, i64> = HashMap::new();
    let mut groups: Vec<Group> = ends.iter().map(|_| Vec::new()).collect();
    let mut group = 0;
    for answer in answers {
        while ends.get(group).is_some_and(|end| *end < answer.committed.last_seq) {
            group += 1;
        }
        let batch =
            batches.get_mut(answer.writer).and_then(|of_writer| of_writer.get_mut(answer.batch)?.take());
        let (Some(batch), Some(into)) = (batch, groups.get_mut(group)) else { continue };
        let stream = batch.events.first().map(|event| event.stream.clone()).unwrap_or_default();
        let head = stream_heads.entry(stream).or_insert(0);
        let first_stream_seq = *head + 1;
        *head += batch.events.len() as i64;
        into.push(Placed { first_seq: answer.committed.first_seq, first_stream_seq, batch });
    }
    groups.retain(|group| !group.is_empty());
    groups
}

fn through_rusqlite(folder: &Path, groups: &[Group]) -> Result<f64, Error> {
    let place = tempfile::tempdir_in(folder)?;
    let path = place.path().join("nox.db");
    // The store makes the schema, so that it is the same.
    Store::open(&path, Options::default())?.close();
    let db = raw::open(&path)?;
    let begun = Instant::now();
    raw::write(&db, groups)?;
    Ok(begun.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The yardstick is worth something only if both databases hold the same.
    #[test]
    fn both_sides_write_the_same_rows_in_the_same_transactions() {
        let folder = tempfile::tempdir().unwrap();
        let load = Load { writers: 8, events_per_batch: 3, batches: 5 };
        let runtime = Runtime::new().unwrap();
        let path = folder.path().join("nox.db");
        let batches = load.make();
        let copy = batches.clone();
        let store = Store::open(&path, Options::default()).unwrap();
        let answers: Vec<Answer> = runtime.block_on(async {
            let tasks: Vec<_> = batches
                .into_iter()
                .enumerate()
                .map(|(w, b)| tokio::spawn(write(store.clone(), w, b)))
                .collect();
            let mut all = Vec::new();
            for task in tasks {
                all.extend(task.await.unwrap().unwrap());
            }
            all
        });
        store.close();
        let groups = grouped(answers, copy);
        assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), 40);

        let raw_path = folder.path().join("raw.db");
        Store::open(&raw_path, Options::default()).unwrap().close();
        let raw_db = raw::open(&raw_path).unwrap();
        raw::write(&raw_db, &groups).unwrap();
        let nox_db = rusqlite::Connection::open(&path).unwrap();
        for table in ["events", "rows", "receipts"] {
            let all = |db: &rusqlite::Connection| {
                let mut query = db.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
                let columns = query.column_count();
                query
                    .query_map([], |row| {
                        (0..columns)
                            .map(|column| row.get(column))
                            .collect::<rusqlite::Result<Vec<rusqlite::types::Value>>>()
                    })
                    .unwrap()
                    .collect::<rusqlite::Result<Vec<_>>>()
                    .unwrap()
            };
            let (ours, theirs) = (all(&nox_db), all(&raw_db));
            assert!(!ours.is_empty());
            assert_eq!(ours, theirs, "{table}");
        }
    }
}
