//! The read model: lists, tombstones and what a subscriber replays.

use nox_store::{RowPage, StoredRow};

use crate::support::{Home, batch, delete, event, put};

fn ids(rows: &[StoredRow]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

#[tokio::test]
async fn lists_are_ordered_paged_and_by_parent() {
    let home = Home::new();
    let store = home.open();
    let rows = vec![
        put("item", "1", Some("a"), "m", "{}"),
        put("item", "2", Some("a"), "k", "{}"),
        put("item", "3", Some("b"), "z", "{}"),
        put("item", "4", Some("a"), "m", "{}"),
        put("item", "5", None, "b", "{}"),
        put("other", "1", None, "a", "{}"),
    ];
    store.commit(batch(vec![event("s", "")], rows)).await.unwrap();
    let of_a = store.rows("item", Some("a"), RowPage::first(2)).await.unwrap();
    assert_eq!(ids(&of_a), ["2", "1"]);
    let rest = store.rows("item", Some("a"), RowPage::first(2).following(&of_a[1])).await.unwrap();
    assert_eq!(ids(&rest), ["4"], "rows with the same sort key go on by id");
    let newest = store.rows("item", None, RowPage::newest(3)).await.unwrap();
    assert_eq!(ids(&newest), ["3", "4", "1"]);
    let older = store.rows("item", None, RowPage::newest(3).following(&newest[2])).await.unwrap();
    assert_eq!(ids(&older), ["2", "5"]);
    assert_eq!(store.count_rows("item", None).await.unwrap(), 5);
    assert_eq!(store.count_rows("item", Some("a")).await.unwrap(), 3);

    // Moving a row to another place and parent moves it in every list.
    store.commit(batch(vec![event("s", "")], vec![put("item", "2", Some("b"), "zz", "{}")])).await.unwrap();
    assert_eq!(ids(&store.rows("item", Some("b"), RowPage::first(9)).await.unwrap()), ["3", "2"]);
    assert_eq!(ids(&store.rows("item", Some("a"), RowPage::first(9)).await.unwrap()), ["1", "4"]);
}

#[tokio::test]
async fn a_deleted_row_leaves_a_tombstone_that_is_replayed() {
    let home = Home::new();
    let store = home.open();
    let mut live = store.subscribe();
    store.commit(batch(vec![event("s", "")], vec![put("task", "t", Some("p"), "a", "{}")])).await.unwrap();
    let seen = store.head().await.seq;
    let gone =
        batch(vec![event("s", ""), event("s", "")], vec![delete("task", "t"), delete("task", "unknown")]);
    let done = store.commit(gone).await.unwrap();
    assert_eq!(store.row("task", "t").await.unwrap(), None);
    assert_eq!(store.count_rows("task", None).await.unwrap(), 0);
    assert_eq!(store.rows("task", Some("p"), RowPage::first(9)).await.unwrap(), []);

    let tombstone = StoredRow {
        kind: "task".to_owned(),
        id: "t".to_owned(),
        parent: Some("p".to_owned()),
        ord: "a".to_owned(),
        seq: done.last_seq,
        deleted: true,
        body: String::new(),
    };
    let replay = store.rows_changed_after(seen, 10).await.unwrap();
    assert_eq!(replay.rows, std::slice::from_ref(&tombstone));
    assert_eq!((replay.through, replay.more), (done.last_seq, false));
    let mut published = Vec::new();
    while let Some(nox_store::Next::Commit(commit)) = live.next().await {
        published.extend(commit.rows.clone());
        if commit.last_seq == done.last_seq {
            break;
        }
    }
    assert_eq!(published[1..], [tombstone]);

    store.commit(batch(vec![event("s", "")], vec![put("task", "t", None, "b", "again")])).await.unwrap();
    let back = store.row("task", "t").await.unwrap().unwrap();
    assert_eq!((back.body.as_str(), back.parent), ("again", None));
    assert_eq!(ids(&store.rows("task", None, RowPage::first(9)).await.unwrap()), ["t"]);
}

#[tokio::test]
async fn a_page_of_changes_never_splits_a_commit() {
    let home = Home::new();
    let store = home.open();
    for size in [3, 1, 7, 2] {
        let rows = (0..size).map(|n| put("row", &format!("{size}-{n}"), None, "", "")).collect();
        // Without an event the rows still take one number of their own.
        store.commit(batch(vec![], rows)).await.unwrap();
    }
    assert_eq!(store.head().await.seq, 4);
    let mut after = 0;
    let mut sizes = Vec::new();
    loop {
        let page = store.rows_changed_after(after, 4).await.unwrap();
        sizes.push(page.rows.len());
        after = page.through;
        if !page.more {
            break;
        }
    }
    assert_eq!(sizes, [4, 7, 2]);
    assert_eq!(after, 4);
    store.close();
    assert_eq!(home.open().head().await.seq, 4, "numbers of rows without events are not given again");
}
