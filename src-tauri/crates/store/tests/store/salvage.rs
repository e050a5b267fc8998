//! Salvage: what is left of a damaged database is read, what is lost is said, and the file stays as it is.

use std::{ops::ControlFlow, path::Path};

use nox_store::{Error, Fate, Options, Salvaged, SavedItem, Store, StoredEvent, StoredRow, salvage};

use crate::support::{Home, audited, batch, delete, event, put};

const PAGE: usize = 4096;

async fn fill(store: &Store) {
    for n in 0..600 {
        let stream = format!("session/{}", n % 4);
        let body = if n % 50 == 0 { "long ".repeat(3000) } else { format!("{{\"n\":{n}}}") };
        let fact = if n % 9 == 0 { audited(&stream, &body) } else { event(&stream, &body) };
        let rows = vec![
            put("session_state", &stream, Some("open"), "", &format!("{{\"through\":{n}}}")),
            put("item", &n.to_string(), Some(&stream), &n.to_string(), &body),
        ];
        store.commit(batch(vec![fact], rows)).await.unwrap();
    }
    store.commit(batch(vec![], vec![delete("item", "7")])).await.unwrap();
}

fn read(path: &Path) -> (Salvaged, Vec<StoredEvent>, Vec<StoredRow>) {
    let (mut events, mut rows) = (Vec::new(), Vec::new());
    let found = salvage(path, |item| {
        match item {
            SavedItem::Event(event) => events.push(event),
            SavedItem::Row(row) => rows.push(row),
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((found.events_read, found.rows_read), (events.len() as u64, rows.len() as u64));
    rows.sort_by(|a, b| (&a.kind, &a.id).cmp(&(&b.kind, &b.id)));
    (found, events, rows)
}

/// What the store itself says, in the order of [`read`].
async fn truth(store: &Store) -> (Vec<StoredEvent>, Vec<StoredRow>) {
    let mut rows = store.rows_changed_after(0, u32::MAX).await.unwrap().rows;
    rows.retain(|row| !row.deleted);
    rows.sort_by(|a, b| (&a.kind, &a.id).cmp(&(&b.kind, &b.id)));
    (store.events_after(0, u32::MAX).await.unwrap(), rows)
}

/// Copies database and WAL as they are, with the store still open.
fn copy_of(home: &Home) -> Home {
    let copy = Home::new();
    for tail in ["", "-wal"] {
        let name = format!("nox.db{tail}");
        if home.folder.path().join(&name).exists() {
            std::fs::copy(home.folder.path().join(&name), copy.folder.path().join(&name)).unwrap();
        }
    }
    copy
}

#[tokio::test]
async fn a_sound_database_is_read_whole_from_file_wal_and_archive() {
    let home = Home::new();
    let store = home.open_with(Options { checkpoint_pages: 500, ..Options::default() });
    fill(&store).await;
    store.archive("session/1", 120, Fate::Archive).await.unwrap();
    let (events, rows) = truth(&store).await;
    let copy = copy_of(&home);
    assert!(std::fs::metadata(copy.folder.path().join("nox.db-wal")).unwrap().len() > 0);
    let before = std::fs::read(copy.path()).unwrap();
    let (found, saved_events, saved_rows) = read(&copy.path());
    assert_eq!(saved_events, events);
    assert_eq!(saved_rows, rows);
    assert_eq!((found.ranges_lost, found.records_lost, found.archive_pages_lost), (0, 0, 0), "{found:?}");
    assert_eq!(std::fs::read(copy.path()).unwrap(), before);
    assert!(!copy.folder.path().join("nox.db-shm").exists(), "salvage left a file");

    store.archive("session/2", 100, Fate::Prune).await.unwrap();
    store.close();
    // Once the freed pages are written over, what was pruned is gone, and that is no loss.
    home.raw().execute_batch("VACUUM").unwrap();
    let (found, saved_events, _) = read(&home.path());
    assert_eq!(saved_events.len(), 600 - 89);
    assert_eq!((found.ranges_lost, found.records_lost), (0, 0), "{found:?}");
}

#[tokio::test]
async fn every_lost_page_costs_its_own_records_only() {
    let home = Home::new();
    let store = home.open();
    fill(&store).await;
    let (events, _) = truth(&store).await;
    store.close();
    let whole = std::fs::read(home.path()).unwrap();
    let mut worst = 0;
    for page in 0..whole.len() / PAGE {
        let mut spoiled = whole.clone();
        spoiled[page * PAGE..(page + 1) * PAGE].fill(0);
        std::fs::write(home.path(), &spoiled).unwrap();
        let (found, saved, _) = read(&home.path());
        let lost = events.len() - saved.len();
        worst = worst.max(lost);
        assert!(saved.iter().all(|event| {
            events.binary_search_by_key(&event.seq, |e| e.seq).is_ok_and(|at| events[at] == *event)
        }));
        let is_told = found.ranges_lost > 0 || found.records_lost > 0;
        let is_end = saved.last() != events.last();
        assert!(lost == 0 || is_told || is_end, "page {page}: {lost} events are lost, {found:?}");
        assert_eq!(std::fs::read(home.path()).unwrap(), spoiled);
    }
    assert!((1..60).contains(&worst), "one page cost {worst} events");
}

#[tokio::test]
async fn a_spoiled_commit_in_the_wal_is_refused_at_start_and_the_rest_is_saved() {
    let home = Home::new();
    let store = home.open_with(Options { checkpoint_pages: 100_000, ..Options::default() });
    fill(&store).await;
    let (events, _) = truth(&store).await;
    let copy = copy_of(&home);
    store.close();
    let wal = copy.folder.path().join("nox.db-wal");
    let whole = std::fs::read(&wal).unwrap();
    for at in [10, whole.len() / 2] {
        let mut spoiled = whole.clone();
        spoiled[at] ^= 1;
        std::fs::write(&wal, &spoiled).unwrap();
        let refused = Store::open(&copy.path(), Options::default()).unwrap_err();
        assert!(matches!(&refused, Error::Damaged { path, .. } if *path == copy.path()), "{refused:?}");
        assert_eq!(std::fs::read(&wal).unwrap(), spoiled, "the WAL was written over");
    }
    let (found, saved, _) = read(&copy.path());
    assert_eq!(found.wal_frames_lost, 1, "{found:?}");
    assert!(saved.len() + 60 > events.len(), "{} of {} events", saved.len(), events.len());
    // A torn end is what a crash leaves: nobody was told that it is durable.
    std::fs::write(&wal, &whole[..whole.len() - 100]).unwrap();
    let store = copy.open();
    store.check().await.unwrap();
    assert_eq!(store.head().await.seq, 600);
}

#[test]
fn what_is_no_database_gives_nothing_and_ends() {
    let home = Home::new();
    assert!(matches!(salvage(&home.path(), |_| ControlFlow::Continue(())), Err(Error::Disk { .. })));
    // Pages that claim to be full of the longest records, each of them its own overflow.
    let mut page = vec![0_u8; PAGE];
    page[0] = 0x0d;
    page[3..5].copy_from_slice(&600_u16.to_be_bytes());
    for at in 0..600 {
        page[8 + 2 * at..10 + 2 * at].copy_from_slice(&(1300 + at as u16).to_be_bytes());
    }
    for at in 1300..PAGE {
        page[at] = [0x9f, 0xff, 0xff, 0x7f, 1, 8, 13, 13, 0, 13, 1, 1, 13][at % 13];
    }
    for content in [Vec::new(), b"no database".to_vec(), page.repeat(200), vec![0x0d; 100 * PAGE]] {
        std::fs::write(home.path(), content).unwrap();
        let (found, events, rows) = read(&home.path());
        assert_eq!((events.len(), rows.len()), (0, 0), "{found:?}");
    }
}
