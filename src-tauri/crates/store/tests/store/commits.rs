//! Group commit: nothing lost, nothing twice, nothing out of order, and no batch suffers for another.

use std::collections::BTreeMap;

use nox_store::{Batch, Error, Expected, NewOutbox, Options, Refusal};

use crate::support::{Home, batch, delete, event, put, receipt};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_writers_at_once_are_all_stored_in_order() {
    const WRITERS: usize = 50;
    const EACH: usize = 200;
    let home = Home::new();
    let store = home.open();
    let tasks: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut given = Vec::new();
                for n in 0..EACH {
                    let stream = format!("s{writer}");
                    let done =
                        store.commit(batch(vec![event(&stream, &n.to_string())], vec![])).await.unwrap();
                    assert_eq!(done.first_seq, done.last_seq);
                    given.push(done.last_seq);
                }
                given
            })
        })
        .collect();
    let mut acknowledged = BTreeMap::new();
    for (writer, task) in tasks.into_iter().enumerate() {
        for (n, seq) in task.await.unwrap().into_iter().enumerate() {
            assert_eq!(
                acknowledged.insert(seq, (format!("s{writer}"), n)),
                None,
                "seq {seq} was given twice"
            );
        }
    }
    assert_eq!(store.head().await.seq, (WRITERS * EACH) as i64);

    let mut stored = Vec::new();
    while let page = store.events_after(stored.len() as i64, 3000).await.unwrap()
        && !page.is_empty()
    {
        stored.extend(page);
    }
    assert_eq!(stored.len(), WRITERS * EACH);
    for (event, (seq, (stream, n))) in stored.iter().zip(&acknowledged) {
        assert_eq!((event.seq, &event.stream), (*seq, stream));
        assert_eq!(event.stream_seq, *n as i64 + 1);
        assert_eq!(event.body, n.to_string());
    }
    let last = store.events_before("s7", None, 3).await.unwrap();
    assert_eq!(last.iter().map(|event| event.stream_seq).collect::<Vec<_>>(), [198, 199, 200]);
    let middle = store.events_of("s7", 10, 2).await.unwrap();
    assert_eq!(middle.iter().map(|event| event.stream_seq).collect::<Vec<_>>(), [11, 12]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_leaves_its_neighbours_alone() {
    let home = Home::new();
    let store = home.open();
    let at = |stream_seq| Some(Expected { stream: "s".to_owned(), stream_seq });
    let claim = |n: usize| Batch {
        expected: at(0),
        receipt: Some(receipt(&format!("claim{n}"))),
        ..batch(vec![event("s", "claim")], vec![put("claim", &n.to_string(), None, "", "1")])
    };
    // All are sent before one is awaited, so that many share a transaction.
    let contested = futures_join((0..40).map(|n| store.commit(claim(n))));
    let bystanders =
        futures_join((0..40).map(|n| store.commit(batch(vec![event(&format!("o{n}"), "fine")], vec![]))));
    let (contested, bystanders) = tokio::join!(contested, bystanders);

    assert!(bystanders.iter().all(Result::is_ok));
    assert_eq!(contested.iter().filter(|result| result.is_ok()).count(), 1);
    let conflict = Error::Conflict { stream: "s".to_owned(), expected: 0, found: 1 };
    assert_eq!(contested.iter().filter(|result| **result == Err(conflict.clone())).count(), 39);
    // Nothing of a refused batch is there: no receipt, no row.
    let winner = contested.iter().position(Result::is_ok).unwrap();
    for n in 0..40 {
        let has_receipt = store.receipt(&format!("claim{n}")).await.unwrap().is_some();
        assert_eq!(has_receipt, n == winner);
    }
    assert_eq!(store.count_rows("claim", None).await.unwrap(), 1);
    store.commit(Batch { expected: at(1), ..batch(vec![event("s", "next")], vec![]) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_has_had_rows_also_when_they_are_deleted() {
    let home = Home::new();
    let store = home.open();
    let had = async |kind: &'static str, parent: &'static str| {
        store.read(move |reader| reader.had_rows(kind, parent)).await.unwrap()
    };
    assert!(!had("card", "one").await);
    store.commit(batch(vec![], vec![put("card", "a", Some("one"), "", "1")])).await.unwrap();
    assert!(had("card", "one").await);
    store.commit(batch(vec![], vec![delete("card", "a")])).await.unwrap();
    assert!(had("card", "one").await && !had("other", "one").await && !had("card", "two").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_the_database_refuses_leaves_its_neighbours_alone() {
    let home = Home::new();
    let store = home.open();
    home.raw()
        .execute_batch(
            "CREATE TRIGGER refuse AFTER INSERT ON outbox WHEN new.body = 'poison'
             BEGIN SELECT raise(ABORT, 'poisoned'); END",
        )
        .unwrap();
    let work = |n: usize| Batch {
        outbox: vec![NewOutbox {
            kind: "k".to_owned(),
            body: if n.is_multiple_of(10) { "poison" } else { "fine" }.to_owned(),
        }],
        ..batch(
            vec![event(&format!("s{}", n % 3), &n.to_string())],
            vec![put("n", &n.to_string(), None, "", "")],
        )
    };
    let answers = futures_join((0..60).map(|n| store.commit(work(n)))).await;
    for (n, answer) in answers.iter().enumerate() {
        match answer {
            Err(Error::Sqlite { detail, .. }) if n.is_multiple_of(10) => assert!(detail.contains("poisoned")),
            Ok(_) if !n.is_multiple_of(10) => {}
            other => panic!("{n}: {other:?}"),
        }
    }
    let stored = store.events_after(0, 100).await.unwrap();
    assert_eq!(stored.len(), 54);
    assert!(stored.iter().zip(1..).all(|(event, seq)| event.seq == seq), "the log has a hole");
    assert_eq!(store.count_rows("n", None).await.unwrap(), 54);
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_repeated_command_without_expectation_gets_its_receipt_too() {
    let home = Home::new();
    let store = home.open();
    let say = || Batch { receipt: Some(receipt("c1")), ..batch(vec![event("t", "said")], vec![]) };
    let (first, second) = tokio::join!(store.commit(say()), store.commit(say()));
    assert_eq!(first.unwrap().last_seq, 1);
    for repeated in [second, store.commit(say()).await] {
        assert!(matches!(&repeated, Err(Error::AlreadyDone(found)) if found.seq == 1), "{repeated:?}");
    }
    assert_eq!(store.events_after(0, 10).await.unwrap().len(), 1);
    assert_eq!(store.commit(batch(vec![event("t", "next")], vec![])).await.unwrap().last_seq, 2);
}

#[tokio::test]
async fn a_repeated_command_gets_its_receipt_and_changes_nothing() {
    let home = Home::new();
    let store = home.open();
    let move_card = || Batch {
        command: Some("c1".to_owned()),
        expected: Some(Expected { stream: "t".to_owned(), stream_seq: 0 }),
        receipt: Some(receipt("c1")),
        outbox: vec![NewOutbox { kind: "write".to_owned(), body: "{}".to_owned() }],
        ..batch(vec![event("t", "moved")], vec![put("task", "t", None, "a", "{}")])
    };
    // Twice in one transaction, then once more against what is on disk.
    let (first, second) = tokio::join!(store.commit(move_card()), store.commit(move_card()));
    let first = first.unwrap();
    let third = store.commit(move_card()).await;
    for repeated in [second, third] {
        let Err(Error::AlreadyDone(found)) = repeated else { panic!("{repeated:?}") };
        assert_eq!((found.command.as_str(), found.seq), ("c1", first.last_seq));
        assert_eq!(found.result, receipt("c1").result);
    }
    assert_eq!(store.events_after(0, 10).await.unwrap().len(), 1);
    let stored = &store.events_after(0, 10).await.unwrap()[0];
    assert_eq!(stored.command.as_deref(), Some("c1"));
    assert_eq!(store.outbox_pending().await.unwrap().len(), 1);

    assert_eq!(store.prune_receipts(1_700_000_000_000).await.unwrap(), 0);
    assert_eq!(store.prune_receipts(1_700_000_000_001).await.unwrap(), 1);
    assert_eq!(store.receipt("c1").await.unwrap(), None);
}

#[tokio::test]
async fn the_outbox_holds_an_effect_until_it_is_done() {
    let home = Home::new();
    let store = home.open();
    let effect = |body: &str| NewOutbox { kind: "write".to_owned(), body: body.to_owned() };
    let promised = Batch { outbox: vec![effect("a"), effect("b")], ..batch(vec![event("t", "")], vec![]) };
    let done = store.commit(promised).await.unwrap();
    store.close();

    let store = home.open();
    let pending = store.outbox_pending().await.unwrap();
    assert_eq!(pending.iter().map(|effect| effect.id).collect::<Vec<_>>(), done.outbox_ids);
    assert_eq!(pending[1].body, "b");
    let report = || Batch { outbox_done: done.outbox_ids.clone(), ..Batch::default() };
    // A report alone takes no sequence number, and reporting twice is safe.
    for _ in 0..2 {
        let reported = store.commit(report()).await.unwrap();
        assert_eq!((reported.first_seq, reported.last_seq), (1, 1));
    }
    assert_eq!(store.outbox_pending().await.unwrap(), []);
    let next = store.commit(Batch { outbox: vec![effect("c")], ..Batch::default() }).await.unwrap();
    assert!(next.outbox_ids[0] > done.outbox_ids[1], "an id was used twice");
}

#[tokio::test]
async fn a_mistaken_batch_is_refused_with_its_reason() {
    let home = Home::new();
    let store = home.open();
    let refused = |batch| async { store.commit(batch).await.unwrap_err() };
    assert_eq!(refused(Batch::default()).await, Error::Invalid(Refusal::Empty));
    let foreign = Batch { command: Some("a".to_owned()), receipt: Some(receipt("b")), ..Batch::default() };
    assert!(matches!(refused(foreign).await, Error::Invalid(Refusal::ForeignReceipt { .. })));
    let huge = batch(vec![event("s", &"x".repeat(nox_store::MAX_BATCH_BYTES))], vec![]);
    assert!(matches!(refused(huge).await, Error::Invalid(Refusal::TooLarge { .. })));
    let nameless = batch(vec![event("", "")], vec![]);
    assert!(matches!(refused(nameless).await, Error::Invalid(Refusal::EmptyName { .. })));
    assert_eq!(store.head().await.seq, 0);
}

#[tokio::test]
async fn a_full_queue_says_so_and_loses_nothing() {
    let home = Home::new();
    let store = home.open_with(Options { waiting_batches: 1, ..Options::default() });
    // Another connection holds the write lock, so the writer cannot empty its queue.
    let blocker = home.raw();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting = Vec::new();
    let refused = loop {
        let store = store.clone();
        let mut commit = Box::pin(async move { store.commit(batch(vec![event("s", "")], vec![])).await });
        // The first poll sends the batch; a refusal is known at once.
        match poll_once(&mut commit).await {
            Some(answer) => break answer,
            None => waiting.push(commit),
        }
    };
    assert_eq!(refused, Err(Error::Overloaded));
    assert!(refused.unwrap_err().is_retryable());
    blocker.execute_batch("ROLLBACK").unwrap();
    let count = waiting.len();
    for commit in waiting {
        commit.await.unwrap();
    }
    assert_eq!(store.events_after(0, 1000).await.unwrap().len(), count);
}

#[tokio::test]
async fn a_closed_store_refuses_and_keeps_what_it_took() {
    let home = Home::new();
    let store = home.open();
    let other = store.clone();
    other.commit(batch(vec![event("s", "kept")], vec![])).await.unwrap();
    store.close();
    assert_eq!(other.commit(batch(vec![event("s", "late")], vec![])).await, Err(Error::Closed));
    assert_eq!(other.head().await.seq, 1);
    assert!(matches!(other.events_after(0, 1).await, Err(Error::Closed)));
    drop(other);
    // The WAL was copied back: the file alone is the whole database.
    let wal_bytes = std::fs::metadata(home.folder.path().join("nox.db-wal")).map_or(0, |wal| wal.len());
    assert_eq!(wal_bytes, 0);
    assert_eq!(home.open().events_after(0, 10).await.unwrap()[0].body, "kept");
}

#[tokio::test]
async fn a_read_that_takes_too_long_is_ended() {
    let home = Home::new();
    let store = home.open_with(Options { read_limit: std::time::Duration::ZERO, ..Options::default() });
    let rows = (0..20_000).map(|n| put("row", &n.to_string(), None, &n.to_string(), "{}")).collect();
    store.commit(batch(vec![], rows)).await.unwrap();
    assert_eq!(store.rows_changed_after(0, 30_000).await.unwrap_err(), Error::ReadTooLong { limit_ms: 0 });
    store.commit(batch(vec![event("s", "")], vec![])).await.unwrap();
}

async fn futures_join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut done = Vec::new();
    // Polls each once, which sends them all, before it waits for any.
    let mut early: Vec<Option<F::Output>> = Vec::new();
    for future in &mut futures {
        early.push(poll_once(future).await);
    }
    for (future, early) in futures.into_iter().zip(early) {
        done.push(match early {
            Some(output) => output,
            None => future.await,
        });
    }
    done
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}
