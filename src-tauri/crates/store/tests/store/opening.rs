//! Opening: new, again, newer, foreign, damaged.

use nox_store::{Error, Options, Store, set_aside};

use crate::support::{Home, batch, event, put};

#[tokio::test]
async fn an_empty_folder_becomes_a_database_that_opens_again() {
    let home = Home::new();
    let store = home.open();
    let born = store.head().await;
    assert_eq!(born.seq, 0);
    assert!(
        born.epoch.len() == 16 && born.epoch.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{}",
        born.epoch
    );
    store
        .commit(batch(vec![event("s", "a"), event("s", "b")], vec![put("row", "r", None, "", "1")]))
        .await
        .unwrap();
    store.close();

    let store = home.open();
    let again = store.head().await;
    assert_eq!((again.epoch, again.seq), (born.epoch.clone(), 2));
    let next = store.commit(batch(vec![event("s", "c")], vec![])).await.unwrap();
    assert_eq!(next.first_seq, 3);
    assert_eq!(store.events_of("s", 2, 1).await.unwrap()[0].stream_seq, 3);
    store.check().await.unwrap();
    assert_ne!(Home::new().open().epoch(), born.epoch, "each database has an epoch of its own");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let store = home.open();
    store.commit(batch(vec![event("s", "")], vec![])).await.unwrap();
    for entry in std::fs::read_dir(home.folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_not_touched() {
    let home = Home::new();
    home.open().close();
    home.raw().execute_batch("PRAGMA journal_mode = DELETE; PRAGMA user_version = 9999").unwrap();
    let before = std::fs::read(home.path()).unwrap();
    let refused = Store::open(&home.path(), Options::default()).unwrap_err();
    assert!(matches!(refused, Error::Newer { found: 9999, known } if known < 9999), "{refused:?}");
    assert_eq!(std::fs::read(home.path()).unwrap(), before);
}

#[tokio::test]
async fn a_refused_database_keeps_its_wal_byte_for_byte() {
    let home = Home::new();
    home.open().close();
    let raw = home.raw();
    raw.execute_batch("PRAGMA user_version = 9999").unwrap();
    // The newer number stands in the WAL alone, as after a crash.
    let copy = Home::new();
    let files = ["nox.db", "nox.db-wal"];
    for name in files {
        std::fs::copy(home.folder.path().join(name), copy.folder.path().join(name)).unwrap();
    }
    let bytes = || files.map(|name| std::fs::read(copy.folder.path().join(name)).unwrap());
    let before = bytes();
    assert!(before[1].len() > 4096);
    let refused = Store::open(&copy.path(), Options::default()).unwrap_err();
    assert!(matches!(refused, Error::Newer { found: 9999, .. }), "{refused:?}");
    assert_eq!(bytes(), before);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_not_touched() {
    let home = Home::new();
    home.raw().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = std::fs::read(home.path()).unwrap();
    let refused = Store::open(&home.path(), Options::default()).unwrap_err();
    assert!(matches!(refused, Error::Damaged { .. }), "{refused:?}");
    assert_eq!(std::fs::read(home.path()).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_file_is_named_and_can_be_set_aside() {
    let home = Home::new();
    std::fs::write(home.path(), "this is no database, however long it goes on ".repeat(200)).unwrap();
    let refused = Store::open(&home.path(), Options::default()).unwrap_err();
    assert!(matches!(&refused, Error::Damaged { path, .. } if *path == home.path()), "{refused:?}");

    let aside = set_aside(&home.path(), "damaged-1700000000000").unwrap();
    assert!(std::fs::read_to_string(&aside).unwrap().starts_with("this is no database"));
    let store = home.open();
    store.commit(batch(vec![event("s", "new life")], vec![])).await.unwrap();
    drop(store);
    // A name that is taken is left alone.
    assert!(set_aside(&home.path(), "damaged-1700000000000").is_err());
    assert!(home.path().exists());
    assert!(std::fs::read_to_string(&aside).unwrap().starts_with("this is no database"));
}

#[tokio::test]
async fn damage_inside_the_file_is_found_and_never_panics() {
    let home = Home::new();
    let store = home.open();
    let rows =
        (0..2000).map(|n| put("row", &n.to_string(), None, &n.to_string(), &"x".repeat(100))).collect();
    store.commit(batch(vec![event("s", "")], rows)).await.unwrap();
    store.close();
    let whole = std::fs::read(home.path()).unwrap();
    for page in 1..whole.len() / 4096 {
        let mut spoiled = whole.clone();
        spoiled[page * 4096..page * 4096 + 200].fill(0xa5);
        std::fs::write(home.path(), spoiled).unwrap();
        match Store::open(&home.path(), Options::default()) {
            Ok(store) => {
                let found = store.check().await;
                assert!(matches!(found, Err(Error::Damaged { .. })), "page {page}: {found:?}");
            }
            Err(refused) => assert!(matches!(refused, Error::Damaged { .. }), "page {page}: {refused:?}"),
        }
        for tail in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(home.folder.path().join(format!("nox.db{tail}")));
        }
    }
}
