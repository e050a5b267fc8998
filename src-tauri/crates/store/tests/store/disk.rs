//! A disk that is full: no false acknowledgement, reads go on, writing comes back by itself.

use nox_store::{Batch, DiskHint, Error, NewOutbox, Options};

use crate::support::{Home, batch, event, put, receipt};

#[tokio::test]
async fn a_full_disk_refuses_whole_groups_and_recovers() {
    let home = Home::new();
    let store = home.open_with(Options { max_bytes: Some(400 * 1024), ..Options::default() });
    // The effect is written last: when there is no room for it, all the rest of the batch has been written.
    let large = |n: usize| Batch {
        command: Some(format!("c{n}")),
        receipt: Some(receipt(&format!("c{n}"))),
        outbox: vec![NewOutbox { kind: "write".to_owned(), body: "x".repeat(8000) }],
        ..batch(vec![event("s", &n.to_string())], vec![put("row", &n.to_string(), None, "", "")])
    };
    let mut live = store.subscribe();
    let mut stored = 0;
    let error = loop {
        match store.commit(large(stored)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, Error::Disk { hint: DiskHint::Full, .. }), "{error:?}");
    assert!(error.is_retryable());
    assert!(stored > 10);
    // Several at once: each is told, none is half there.
    let (a, b, c) =
        tokio::join!(store.commit(large(901)), store.commit(large(902)), store.commit(large(903)));
    for refused in [a, b, c] {
        assert!(matches!(refused, Err(Error::Disk { hint: DiskHint::Full, .. })), "{refused:?}");
    }
    // Reads go on and show exactly what was acknowledged.
    assert_eq!(store.events_of("s", 0, 1000).await.unwrap().len(), stored);
    assert_eq!(store.count_rows("row", None).await.unwrap(), stored as u64);
    assert_eq!(store.head().await.seq, stored as i64);
    assert_eq!(store.receipt(&format!("c{stored}")).await.unwrap(), None);

    // Room is made; the same commands go through and the numbers go on without a hole.
    let effects = store.outbox_pending().await.unwrap();
    assert_eq!(effects.len(), stored);
    let outbox_done = effects.iter().map(|effect| effect.id).collect();
    store.commit(Batch { outbox_done, ..Batch::default() }).await.unwrap();
    let done = store.commit(large(901)).await.unwrap();
    assert_eq!(done.first_seq, stored as i64 + 1);
    let events = store.events_of("s", 0, 1000).await.unwrap();
    assert_eq!(events.last().unwrap().stream_seq, stored as i64 + 1);
    assert_eq!(events.last().unwrap().body, "901");
    // Only what is durable was ever published.
    let mut published = 0;
    while let Some(nox_store::Next::Commit(commit)) = live.next().await {
        published += commit.events.len();
        if commit.last_seq == done.last_seq {
            break;
        }
    }
    assert_eq!(published, stored + 1);
    store.check().await.unwrap();
}

const HOME_VARIABLE: &str = "NOX_STORE_DISK_TEST";

/// Writes until the disk fails. Does nothing when it is run as a test.
#[cfg(unix)]
#[tokio::test]
async fn child_whose_writes_fail() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Some(path) = std::env::var_os(HOME_VARIABLE).map(std::path::PathBuf::from) else { return };
    let store = nox_store::Store::open(&path, Options::default()).unwrap();
    let mut live = store.follow(0);
    for n in 0..20 {
        store
            .commit(batch(vec![event("s", &n.to_string())], vec![put("row", "r", None, "", "")]))
            .await
            .unwrap();
    }
    let (_, most) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    let wal = path.with_file_name("nox.db-wal");
    let room = std::fs::metadata(&wal).unwrap().len() + 30_000;
    setrlimit(Resource::RLIMIT_FSIZE, room, most).unwrap();
    let more = |body: String| batch(vec![event("s", &body)], vec![put("row", "r", None, "", &body)]);
    let mut stored = 20;
    let error = loop {
        match store.commit(more(stored.to_string())).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, Error::Disk { hint: DiskHint::Failing, .. }), "{error:?}");
    let too_much = more("x".repeat(2 * usize::try_from(room).unwrap()));
    let again = store.commit(too_much).await;
    assert!(matches!(again, Err(Error::Disk { .. })), "{again:?}");
    assert_eq!(store.events_of("s", 0, 1000).await.unwrap().len(), stored, "reads go on");
    // As long as the file cannot be opened again nothing is acknowledged, though the old handle could write.
    setrlimit(Resource::RLIMIT_FSIZE, most, most).unwrap();
    let away = path.with_file_name("away.db");
    std::fs::rename(&path, &away).unwrap();
    for _ in 0..2 {
        let lost = store.commit(more("lost".to_owned())).await;
        assert!(matches!(lost, Err(Error::Disk { .. })), "{lost:?}");
    }
    assert!(!path.exists(), "a database was made in its place");
    std::fs::rename(&away, &path).unwrap();
    let done = store.commit(more("back".to_owned())).await.unwrap();
    assert_eq!(done.last_seq, stored as i64 + 1, "the numbers go on without a hole");
    store.check().await.unwrap();
    let mut shown = 0;
    while shown < done.last_seq {
        shown = match live.next().await.unwrap().unwrap() {
            nox_store::Update::Replay { through, .. } => through,
            nox_store::Update::Commit(commit) => commit.last_seq,
        };
    }
    store.close();
    let store = nox_store::Store::open(&path, Options::default()).unwrap();
    let bodies = store.events_of("s", 0, 1000).await.unwrap();
    assert_eq!((bodies.len(), bodies.last().unwrap().body.as_str()), (stored + 1, "back"));
    println!("came back");
}

/// The limit of file sizes makes a write fail as a broken disk does; a shell ignores the signal that comes with it.
#[cfg(unix)]
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the test starts itself again, under a shell that sets a signal"
)]
fn a_failing_disk_acknowledges_nothing_and_writing_comes_back_by_itself() {
    let home = Home::new();
    let child = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact disk::child_whose_writes_fail --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(HOME_VARIABLE, home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("came back"),
        "{said}{}",
        String::from_utf8_lossy(&child.stderr)
    );
}
