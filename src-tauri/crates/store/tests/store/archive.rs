//! Compaction: archived events read as before, pruned ones are a gap that is told, and nothing else changes.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use nox_store::{AuditTrail, Error, Expected, Fate, Gap, Options, Piece, Store, StoredEvent};

use crate::support::{Home, audited, batch, event};

const KILLS: u32 = 10;
const HOME_VARIABLE: &str = "NOX_STORE_ARCHIVE_TEST";

/// A stream of `count` events, every tenth in the audit trail, with another stream between them.
async fn fill(store: &Store, count: usize) {
    for from in (0..count).step_by(100) {
        let mut events = Vec::new();
        for n in from..(from + 100).min(count) {
            let body = format!("{{\"n\":{n},\"text\":\"{}\"}}", "the tests of the parser pass ".repeat(8));
            events.push(if n % 10 == 3 { audited("closed", &body) } else { event("closed", &body) });
            if n % 3 == 0 {
                events.push(event("open", &body));
            }
        }
        store.commit(batch(events, vec![])).await.unwrap();
    }
}

async fn all(store: &Store) -> Vec<StoredEvent> {
    let mut found: Vec<StoredEvent> = Vec::new();
    loop {
        let page = store.events_after(found.last().map_or(0, |last| last.seq), 300).await.unwrap();
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
}

fn in_log(home: &Home, stream: &str) -> i64 {
    home.raw().query_row("SELECT count(*) FROM events WHERE stream = ?1", [stream], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn archived_events_read_as_before() {
    let home = Home::new();
    let store = home.open();
    fill(&store, 3000).await;
    let (log, stream) = (all(&store).await, store.events_of("closed", 0, 9999).await.unwrap());
    let trail = store.verify_audit().await.unwrap();
    assert!(matches!(trail, AuditTrail::Whole { entries: 300, .. }));

    let done = store.archive("closed", 2500, Fate::Archive).await.unwrap();
    assert_eq!((done.events, done.pages), (2250, 3));
    assert!(done.kept_bytes * 4 < done.lines_bytes, "{done:?}");
    assert_eq!(in_log(&home, "closed"), 750);
    let rest = store.archive("closed", i64::MAX, Fate::Archive).await.unwrap();
    assert_eq!(rest.events, 449, "the newest event stays");
    assert_eq!(store.archive("closed", i64::MAX, Fate::Archive).await.unwrap().events, 0);

    assert_eq!(store.events_of("closed", 0, 9999).await.unwrap(), stream);
    assert_eq!(store.events_of("closed", 995, 10).await.unwrap(), stream[995..1005]);
    assert_eq!(store.events_before("closed", None, 40).await.unwrap(), stream[2960..]);
    assert_eq!(store.events_before("closed", Some(1001), 7).await.unwrap(), stream[993..1000]);
    assert_eq!(store.events_before("closed", Some(3), 7).await.unwrap(), stream[..2]);
    assert_eq!(all(&store).await, log, "the whole log in order");
    assert_eq!(store.verify_audit().await.unwrap(), trail);
    let found = store.examine().await.unwrap();
    assert_eq!((found.archived, found.pruned, found.streams, found.audited), (2699, 0, 2, 300));
    assert_eq!(found.events + found.archived, log.len() as u64);

    // The stream goes on where it ended, also after a new start.
    store.close();
    let store = home.open();
    let at_end = Some(Expected { stream: "closed".to_owned(), stream_seq: 3000 });
    let next = nox_store::Batch { expected: at_end, ..batch(vec![event("closed", "again")], vec![]) };
    store.commit(next).await.unwrap();
    assert_eq!(store.events_before("closed", None, 1).await.unwrap()[0].stream_seq, 3001);
    assert_eq!(store.events_of("closed", 0, 9999).await.unwrap().len(), 3001);
}

#[tokio::test]
async fn a_pruned_hole_is_told() {
    let home = Home::new();
    let store = home.open();
    fill(&store, 500).await;
    let stream = store.events_of("closed", 0, 9999).await.unwrap();
    store.archive("closed", 100, Fate::Archive).await.unwrap();
    let done = store.archive("closed", 200, Fate::Prune).await.unwrap();
    assert_eq!((done.events, done.pruned_pages, done.kept_bytes), (90, 1, 0));

    let gap =
        |first, last| Gap { stream: "closed".to_owned(), first_stream_seq: first, last_stream_seq: last };
    assert_eq!(store.events_of("closed", 0, 50).await, Err(Error::Pruned(gap(1, 3))));
    assert_eq!(store.events_before("closed", Some(205), 10).await, Err(Error::Pruned(gap(195, 200))));
    assert_eq!(store.events_before("closed", None, 300).await.unwrap(), stream[200..]);
    let pieces = store.read(|reader| reader.history("closed", 185, 20)).await.unwrap();
    let events = |range: std::ops::Range<usize>| stream[range].iter().cloned().map(Piece::Event);
    let mut wanted = vec![Piece::Gap(gap(186, 193))];
    wanted.extend(events(193..194));
    wanted.push(Piece::Gap(gap(195, 200)));
    wanted.extend(events(200..205));
    assert_eq!(pieces, wanted);
    assert!(matches!(store.verify_audit().await.unwrap(), AuditTrail::Whole { entries: 50, .. }));
    assert_eq!(store.examine().await.unwrap().pruned, 180);
}

#[tokio::test]
async fn what_is_missing_without_a_tombstone_is_damage() {
    let home = Home::new();
    let store = home.open();
    fill(&store, 300).await;
    store.archive("closed", 200, Fate::Archive).await.unwrap();
    for (spoil, detail) in [
        ("UPDATE archive SET body = zeroblob(100)", "cannot be read"),
        ("UPDATE archive SET sha256 = 'x'", "hash"),
        ("UPDATE archive SET bytes = 1 << 60", "says that it holds"),
        ("UPDATE archive SET events = events - 1", "not those of its row"),
        ("DELETE FROM archive", "missing"),
    ] {
        let copy = Home::new();
        home.raw().execute("VACUUM INTO ?1", [copy.path().to_str().unwrap()]).unwrap();
        copy.raw().execute_batch(spoil).unwrap();
        let store = copy.open();
        let found = store.events_of("closed", 0, 100).await;
        assert!(
            matches!(&found, Err(Error::Damaged { detail: found, .. }) if found.contains(detail)),
            "{spoil}: {found:?}"
        );
        assert!(matches!(store.check().await, Err(Error::Damaged { .. })), "{spoil}");
    }
}

#[tokio::test]
async fn two_who_archive_at_once_take_no_event_twice() {
    let home = Home::new();
    let store = home.open();
    fill(&store, 3000).await;
    let stream = store.events_of("closed", 0, 9999).await.unwrap();
    let (a, b) = tokio::join!(
        store.archive("closed", i64::MAX, Fate::Archive),
        store.archive("closed", i64::MAX, Fate::Archive)
    );
    assert!(a.is_ok() || b.is_ok(), "{a:?} {b:?}");
    assert_eq!(store.events_of("closed", 0, 9999).await.unwrap(), stream);
    store.check().await.unwrap();
}

#[tokio::test]
async fn the_room_of_archived_events_is_used_again() {
    let home = Home::new();
    let store = home.open_with(Options { checkpoint_pages: 100, ..Options::default() });
    fill(&store, 4000).await;
    let pages = |pragma: &str| -> i64 {
        home.raw().query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).unwrap()
    };
    let full = pages("page_count");
    store.archive("closed", i64::MAX, Fate::Archive).await.unwrap();
    let free = pages("freelist_count");
    assert!(free * 2 > full, "{free} of {full} pages are free");
    let begun = pages("page_count");
    for _ in 0..10 {
        let events = (0..100).map(|_| event("open", &"x".repeat(300))).collect();
        store.commit(batch(events, vec![])).await.unwrap();
    }
    assert_eq!(pages("page_count"), begun, "the file grew although pages were free");
}

#[tokio::test]
async fn a_page_that_cannot_be_written_leaves_its_events_where_they_are() {
    let home = Home::new();
    let store = home.open();
    fill(&store, 500).await;
    let log = all(&store).await;
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON archive BEGIN SELECT raise(ABORT, 'poisoned'); END";
    home.raw().execute_batch(refuse).unwrap();
    assert!(store.archive("closed", 400, Fate::Archive).await.is_err());
    assert_eq!((in_log(&home, "closed"), all(&store).await), (500, log.clone()));
    home.raw().execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(store.archive("closed", 400, Fate::Archive).await.unwrap().events, 360);
    assert_eq!(all(&store).await, log);
}

#[tokio::test]
async fn a_vacuum_makes_the_file_smaller_and_changes_nothing_else() {
    let home = Home::new();
    let store = home.open();
    fill(&store, 3000).await;
    let log = all(&store).await;
    store.archive("closed", i64::MAX, Fate::Archive).await.unwrap();
    let before = store.read(|reader| reader.size()).await.unwrap();
    let freed = store.vacuum().await.unwrap();
    let after = store.read(|reader| reader.size()).await.unwrap();
    assert!(before.free_bytes > before.bytes / 2 && after.free_bytes == 0, "{before:?}, {after:?}");
    assert_eq!(before.bytes - after.bytes, freed);
    let left = std::fs::metadata(home.path()).unwrap().len();
    assert!(freed > left / 2, "{freed} bytes were freed, {left} are left");
    assert_eq!(all(&store).await, log);
    store.commit(batch(vec![event("open", "later")], vec![])).await.unwrap();
    store.check().await.unwrap();
}

/// Archives and is killed meanwhile. Does nothing when it is run as a test.
#[tokio::test]
async fn child_that_archives_until_it_is_killed() {
    let Some(path) = std::env::var_os(HOME_VARIABLE) else { return };
    let store =
        Store::open(Path::new(&path), Options { checkpoint_pages: 50, ..Options::default() }).unwrap();
    println!("archiving");
    store.archive("closed", 4000, Fate::Archive).await.unwrap();
    println!("archived");
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "the test starts itself again, as the process to be killed")]
async fn a_kill_in_the_middle_of_archiving_loses_nothing_and_it_goes_on() {
    let source = Home::new();
    let store = source.open();
    fill(&store, 5000).await;
    let log = all(&store).await;
    store.close();
    let mut longest = Duration::ZERO;
    let mut halfway = 0;
    for kill in 0..KILLS {
        let home = Home::new();
        std::fs::copy(source.path(), home.path()).unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "archive::child_that_archives_until_it_is_killed", "--nocapture"])
            .env(HOME_VARIABLE, home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.ends_with("archiving")));
        let begun = Instant::now();
        if kill == 0 {
            // The first one lives, and says how long the others have.
            assert!(lines.any(|line| line.ends_with("archived")));
            longest = begun.elapsed();
        } else {
            while begun.elapsed() < longest * kill / KILLS {
                std::hint::spin_loop();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let left = in_log(&home, "closed");
        halfway += i32::from((1401..5000).contains(&left));
        let store = home.open();
        store.check().await.unwrap();
        assert_eq!(all(&store).await, log, "{left} events were left in the log");
        store.archive("closed", 4000, Fate::Archive).await.unwrap();
        assert_eq!(in_log(&home, "closed"), 1400);
        assert_eq!(all(&store).await, log);
    }
    assert!(halfway > 0, "no kill came in the middle");
}
