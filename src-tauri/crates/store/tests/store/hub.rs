//! Subscribers: attach, replay, live; and what happens to slow ones.

use nox_store::{Batch, Next, Options, Store, Update};
use proptest::prelude::*;

use crate::support::{Home, Mirror, apply, apply_update, batch, delete, event, full_read, put};

/// The rows that a writer changes in its n-th batch; writers share rows.
fn work(writer: usize, n: usize) -> Batch {
    let id = |at: usize| format!("r{}", at % 11);
    let mut rows = vec![put("row", &id(n * 7 + writer), None, "", &format!("{writer}:{n}"))];
    if n.is_multiple_of(3) {
        rows.push(delete("row", &id(n + writer)));
    }
    if n.is_multiple_of(5) {
        rows.push(put("row", &format!("only-{writer}-{n}"), Some("p"), "", ""));
    }
    batch(vec![event(&format!("s{writer}"), &n.to_string())], rows)
}

async fn write(store: Store, writer: usize, count: usize) {
    for n in 0..count {
        store.commit(work(writer, n)).await.unwrap();
    }
}

/// Follows until `end` was shown; checks on the way that nothing is shown twice or backwards.
async fn mirror_until(store: &Store, after: i64, mut mirror: Mirror, end: i64) -> Mirror {
    let mut feed = store.follow(after);
    let mut shown = after;
    while shown < end {
        let update = feed.next().await.unwrap().unwrap();
        if let Update::Commit(commit) = &update {
            assert!(commit.first_seq > shown, "commit {} was shown after {shown}", commit.first_seq);
        }
        shown = apply_update(&mut mirror, &update);
    }
    mirror
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whenever one attaches, from whatever cursor, with however small a queue: what one has mirrored is what
    /// the database holds.
    #[test]
    fn replay_and_live_make_the_same_state_as_a_full_read(
        writers in 1usize..5,
        count in 1usize..120,
        subscriber_commits in 1usize..40,
        early in 0usize..60,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
        runtime.block_on(async move {
            let home = Home::new();
            let store = home.open_with(Options { subscriber_commits, ..Options::default() });
            write(store.clone(), 99, early).await;
            // What a window kept from before; it comes back with its cursor while others write.
            let kept = full_read(&store).await;
            let cursor = store.head().await.seq;
            let end = (early + writers * count) as i64;
            let tasks: Vec<_> = (0..writers).map(|writer| tokio::spawn(write(store.clone(), writer, count))).collect();
            let (from_cursor, from_start) = tokio::join!(
                mirror_until(&store, cursor, kept, end),
                mirror_until(&store, 0, Mirror::new(), end),
            );
            for task in tasks {
                task.await.unwrap();
            }
            let truth = full_read(&store).await;
            assert_eq!(from_cursor, truth);
            assert_eq!(from_start, truth);
        });
    }
}

#[tokio::test]
async fn commits_come_in_order_and_whole() {
    let home = Home::new();
    let store = home.open();
    let mut live = store.subscribe();
    let command = Some("c".to_owned());
    let first = Batch {
        command,
        ..batch(vec![event("s", "a"), event("s", "b")], vec![put("row", "1", None, "", "x")])
    };
    store.commit(first).await.unwrap();
    store.commit(batch(vec![event("s", "c")], vec![])).await.unwrap();
    let Some(Next::Commit(one)) = live.next().await else { panic!() };
    assert_eq!((one.first_seq, one.last_seq, one.command.as_deref()), (1, 2, Some("c")));
    assert_eq!(one.rows[0].seq, 2);
    let Some(Next::Commit(two)) = live.next().await else { panic!() };
    let published: Vec<_> = one.events.iter().chain(&two.events).cloned().collect();
    assert_eq!(published, store.events_after(0, 10).await.unwrap(), "what is published is what is stored");
    assert!(live.try_next().is_none());
    store.close();
    assert!(live.next().await.is_none());
}

#[tokio::test]
async fn a_slow_subscriber_gets_one_gap_and_catches_up() {
    let home = Home::new();
    let store = home.open_with(Options { subscriber_commits: 8, ..Options::default() });
    let mut slow = store.subscribe();
    let mut mirror = Mirror::new();
    store.commit(work(0, 0)).await.unwrap();
    let Some(Next::Commit(commit)) = slow.next().await else { panic!() };
    commit.rows.iter().for_each(|row| apply(&mut mirror, row));
    write(store.clone(), 1, 100).await;
    // Publishing follows the answer: this commit is published after all before it.
    let mut fence = store.subscribe();
    store.commit(work(2, 0)).await.unwrap();
    while let Some(Next::Commit(commit)) = fence.next().await
        && commit.last_seq < 102
    {}

    let Some(Next::Gap { after_seq }) = slow.next().await else { panic!("expected a gap") };
    assert_eq!(after_seq, 1);
    assert!(slow.try_next().is_none(), "a gap stands for everything up to now");
    let missed = store.rows_changed_after(after_seq, 1000).await.unwrap();
    missed.rows.iter().for_each(|row| apply(&mut mirror, row));
    store.commit(work(2, 1)).await.unwrap();
    let Some(Next::Commit(commit)) = slow.next().await else { panic!("live again after the gap") };
    assert!(commit.first_seq > missed.through);
    commit.rows.iter().for_each(|row| apply(&mut mirror, row));
    assert_eq!(mirror, full_read(&store).await);
}

#[tokio::test]
async fn a_feed_that_fell_behind_replays_by_itself() {
    let home = Home::new();
    let store = home.open_with(Options { subscriber_commits: 4, ..Options::default() });
    let mut feed = store.follow(0);
    let mut mirror = Mirror::new();
    let Some(Ok(Update::Replay { through: 0, more: false, .. })) = feed.next().await else { panic!() };
    let mut shown = 0;
    for round in 1..=3 {
        write(store.clone(), round, 40).await;
        let end = store.head().await.seq;
        let mut replays = 0;
        while shown < end {
            let update = feed.next().await.unwrap().unwrap();
            replays += u32::from(matches!(update, Update::Replay { .. }));
            shown = apply_update(&mut mirror, &update);
        }
        assert!(replays > 0, "round {round} did not fall behind");
        assert_eq!(mirror, full_read(&store).await);
    }
}

#[tokio::test]
async fn a_subscriber_is_bounded_in_bytes() {
    let home = Home::new();
    let store = home.open_with(Options { subscriber_bytes: 100_000, ..Options::default() });
    let mut slow = store.subscribe();
    let mut fence = store.subscribe();
    for n in 0..5 {
        store.commit(batch(vec![event("s", &"x".repeat(30_000))], vec![])).await.unwrap();
        // One that keeps up is not touched by the other's gap.
        let Some(Next::Commit(commit)) = fence.next().await else { panic!() };
        assert_eq!(commit.last_seq, n + 1);
    }
    assert!(matches!(slow.next().await, Some(Next::Gap { after_seq: 0 })));
}
