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
