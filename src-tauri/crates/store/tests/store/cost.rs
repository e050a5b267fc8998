//! The cost of one more event does not grow with the log.
//!
//! Two stores, a young one and an old one, take the same commits by turns. WAL bytes are counted, so they hold in a
//! test; times are printed. `NOX_COST_EVENTS=1000000` makes the old one as old as the promise says.

use std::time::Instant;

use nox_store::{Batch, Options, Store};

use crate::support::{Home, batch, event, put, receipt};

const YOUNG: usize = 1000;
const OLD: usize = 30_000;
const COMMITS: usize = 300;

struct Log {
    home: Home,
    store: Store,
    streams: usize,
    written: usize,
    waits_us: Vec<u128>,
}

impl Log {
    async fn of(events: usize, streams: usize) -> Self {
        let home = Home::new();
        let store = home.open();
        let mut log = Self { home, store, streams, written: 0, waits_us: Vec::new() };
        while log.written < events {
            let parts: Vec<Batch> = (0..100).map(|_| log.next()).collect();
            let mut all = Batch::default();
            for part in parts {
                all.events.extend(part.events);
                all.rows.extend(part.rows);
            }
            log.store.commit(all).await.unwrap();
        }
        // The WAL is emptied, so that its length is what is written from here.
        let Self { home, store, written, .. } = log;
        store.close();
        let store = home.open_with(Options { checkpoint_pages: u32::MAX, ..Options::default() });
        Self { home, store, streams, written, waits_us: Vec::new() }
    }

    /// A fact of a session, its item and the session's own row.
    fn next(&mut self) -> Batch {
        let n = self.written;
        self.written += 1;
        // A stride that is prime to the count visits streams in no order.
        let session = format!("session/ses_{:032x}", (n * 7919) % self.streams);
        let text = "the tests of the parser pass again, the one about line ends was wrong ".repeat(4);
        batch(
            vec![event(&session, &text)],
            vec![
                put("item", &format!("itm_{n:032x}"), Some(&session), &format!("{n:010}"), &text),
                put("session", &session, Some("tsk"), "1790000000000", &"z".repeat(700)),
            ],
        )
    }

    async fn one_more(&mut self) {
        let command = format!("cmd_{:032x}", self.written);
        let work = Batch { receipt: Some(receipt(&command)), ..self.next() };
        let begun = Instant::now();
        self.store.commit(work).await.unwrap();
        self.waits_us.push(begun.elapsed().as_micros());
    }

    fn wal_bytes(&self) -> u64 {
        std::fs::metadata(self.home.folder.path().join("nox.db-wal")).map_or(0, |wal| wal.len())
    }

    fn median_us(&mut self) -> u128 {
        self.waits_us.sort_unstable();
        self.waits_us[self.waits_us.len() / 2]
    }
}

#[tokio::test]
async fn one_more_event_costs_the_same_in_a_long_log() {
    let old = std::env::var("NOX_COST_EVENTS").map_or(OLD, |events| events.parse().unwrap());
    for streams in [1, 100, 5000] {
        let (mut young, mut old) = (Log::of(YOUNG, streams).await, Log::of(old, streams).await);
        let begun = (young.wal_bytes(), old.wal_bytes());
        for _ in 0..COMMITS {
            young.one_more().await;
            old.one_more().await;
        }
        let bytes = (young.wal_bytes() - begun.0, old.wal_bytes() - begun.1);
        let medians = (young.median_us(), old.median_us());
        let ratio = bytes.1 as f64 / bytes.0 as f64;
        println!(
            "{streams} streams, {} against {} events: {} and {} WAL bytes an event, ratio {ratio:.2}; {} and {} us",
            old.written,
            young.written,
            bytes.1 / COMMITS as u64,
            bytes.0 / COMMITS as u64,
            medians.1,
            medians.0,
        );
        assert!(ratio < 1.2, "{streams} streams: {bytes:?}");
    }
}
