//! Damage by lots: whatever happens to the bytes, nothing panics, the original is kept, and a store that opens and
//! passes its check works. `NOX_TEST_CASES` makes the run longer, `NOX_TEST_SEED` repeats one case.

#[allow(dead_code, unreachable_pub, reason = "the file is shared with the long runs")]
#[path = "../../../../../tests/support/src/mutate.rs"]
mod mutate;

use std::{collections::BTreeMap, ops::ControlFlow, path::Path};

use nox_store::{Error, Fate, Options, Store, salvage, set_aside};

use self::mutate::{Lots, mutate_database};
use crate::support::{Home, audited, batch, event, put, receipt};

const CASES: u64 = 200;

/// A home with everything in it, the newest commits still in the WAL.
async fn lived() -> Home {
    let home = Home::new();
    let store = home.open_with(Options { checkpoint_pages: 100_000, ..Options::default() });
    for n in 0..60 {
        if n == 40 {
            store.archive("s0", 8, Fate::Archive).await.unwrap();
            home.raw().execute_batch("PRAGMA wal_checkpoint(PASSIVE)").unwrap();
        }
        let stream = format!("s{}", n % 4);
        let body = if n % 30 == 0 { "x".repeat(9000) } else { format!("{{\"n\":{n}}}") };
        let work = nox_store::Batch {
            receipt: Some(receipt(&n.to_string())),
            ..batch(
                vec![event(&stream, &body), audited("decisions", &body)],
                vec![put("row", &n.to_string(), Some(&stream), &n.to_string(), &body)],
            )
        };
        store.commit(work).await.unwrap();
    }
    let copy = Home::new();
    for tail in ["", "-wal"] {
        let name = format!("nox.db{tail}");
        std::fs::copy(home.folder.path().join(&name), copy.folder.path().join(&name)).unwrap();
    }
    copy
}

/// What stands at a path and its WAL, byte for byte. A folder has no bytes.
fn bytes_at(path: &Path) -> BTreeMap<&'static str, Option<Vec<u8>>> {
    ["", "-wal"]
        .into_iter()
        .filter_map(|tail| {
            let mut name = path.as_os_str().to_owned();
            name.push(tail);
            Path::new(&name).exists().then(|| (tail, std::fs::read(&name).ok()))
        })
        .collect()
}

async fn works(store: &Store, what: &str) {
    let head = store.head().await.seq;
    let done = store.commit(batch(vec![event("fresh", "new")], vec![put("row", "new", None, "", "")])).await;
    let done = done.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(done.last_seq, head + 1, "{what}");
    let read = store.events_before("fresh", None, 1).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(read[0].body, "new", "{what}");
}

#[tokio::test]
async fn no_damage_panics_or_is_written_over() {
    let given = std::env::var("NOX_TEST_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let first = given.unwrap_or_else(|| u64::from(std::process::id()) << 20);
    let cases = std::env::var("NOX_TEST_CASES").map_or(CASES, |cases| cases.parse().unwrap());
    let source = lived().await;
    let (mut refused, mut found, mut sound) = (0, 0, 0);
    for seed in first..first + if given.is_some() { 1 } else { cases } {
        let home = Home::new();
        for tail in ["", "-wal"] {
            let name = format!("nox.db{tail}");
            std::fs::copy(source.folder.path().join(&name), home.folder.path().join(&name)).unwrap();
        }
        let how = mutate_database(&home.path(), &mut Lots::new(seed)).unwrap();
        let what = format!("NOX_TEST_SEED={seed}: {how}");
        let before = bytes_at(&home.path());
        let saved = salvage(&home.path(), |_| ControlFlow::Continue(()));
        assert_eq!(bytes_at(&home.path()), before, "{what}: salvage changed the files");
        let error = match Store::open(&home.path(), Options::default()) {
            Err(error) => error,
            Ok(store) => {
                let checked = store.check().await;
                // Whatever is asked, the answer is one.
                let _ = store.events_after(0, 1000).await;
                let _ = store.events_of("s0", 0, 1000).await;
                let _ = store.rows_changed_after(0, 1000).await;
                match checked {
                    Ok(()) => {
                        works(&store, &what).await;
                        store.check().await.unwrap_or_else(|error| panic!("{what}: {error}"));
                        sound += 1;
                    }
                    Err(Error::Damaged { path, .. }) => {
                        assert_eq!(path, home.path(), "{what}");
                        // Writing may be refused; it may not panic.
                        let _ = store.commit(batch(vec![event("fresh", "new")], vec![])).await;
                        found += 1;
                    }
                    Err(other) => panic!("{what}: {other:?}"),
                }
                continue;
            }
        };
        assert_eq!(bytes_at(&home.path()), before, "{what}: a refused start changed the files");
        match &error {
            Error::Damaged { path, .. } => assert_eq!(*path, home.path(), "{what}"),
            Error::Newer { .. } => {}
            other => assert!(other.to_string().contains("nox.db"), "{what}: {other}"),
        }
        refused += 1;
        if matches!(error, Error::Damaged { .. }) {
            assert!(saved.is_ok(), "{what}: {saved:?}");
            let aside = set_aside(&home.path(), "damaged-1").unwrap();
            assert_eq!(bytes_at(&aside), before, "{what}");
            works(&home.open(), &what).await;
        }
    }
    println!("{refused} refused at start, {found} found by the check, {sound} work");
    assert!(
        given.is_some() || cases < CASES || (refused > 20 && found > 20 && sound > 0),
        "{refused} {found} {sound}"
    );
}
