//! The whole way of one task through the contract, with a real home: made, started, asked, allowed, streamed, done.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use nox_api::{Api, Home, dto::*};
use nox_domain::{
    ids::CommandId,
    rows::RequestState,
    tool::Decision,
    words::{Card, Column, Words},
};
use std::time::Duration;

fn caller() -> Caller {
    Caller { command: CommandId::from_uuid(uuid::Uuid::now_v7()), face: Face::Window, processes: vec![] }
}

/// Waits for a push that fits; fails after a while.
async fn until<T>(ear: &nox_api::Subscriber, mut fits: impl FnMut(Push) -> Option<T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let push = ear.next().await.expect("the engine closed");
            if let Some(found) = fits(push) {
                return found;
            }
        }
    })
    .await
    .expect("what was waited for did not come")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_made_started_asked_allowed_and_done() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path()).unwrap();
    let lock = home.lock().unwrap().unwrap();
    assert!(home.lock().unwrap().is_none(), "a home has one engine");
    let api = Api::open(home, lock).await.unwrap();
    let ear = api.subscribe();
    let body = "```sh name=\"Count\"\nfor i in 1 2 3; do echo line $i; done\n```\n";
    let create = CreateTask { title: "Count to three".into(), body: body.into(), ..CreateTask::default() };
    let once = caller();
    let made = api.create_task(&once, create.clone()).await.unwrap();
    assert_eq!(
        api.create_task(&once, create).await.unwrap(),
        made,
        "a repeated command is answered from its receipt"
    );
    let task = made.task.clone().unwrap();
    let started = api
        .start_task(
            &caller(),
            StartTask { task: task.clone(), agent: None, folder: None, pre_allowed: Default::default() },
        )
        .await
        .unwrap();
    let session = started.session.unwrap();
    ear.watch(&session, true);
    let request = until(&ear, |push| match push {
        Push::Changed { rows, .. } => rows.into_iter().find_map(|row| match row {
            Changed::Request(row) if row.state == RequestState::Open => Some(row.request.id.clone()),
            _ => None,
        }),
        _ => None,
    })
    .await;
    let card = |snapshot: &Snapshot| snapshot.cards.iter().find(|card| card.task.id == task).unwrap().clone();
    let waiting = card(&api.snapshot(Nothing {}).await.unwrap());
    assert_eq!(waiting.column, Column::NeedsYou);
    assert!(matches!(waiting.status.words, Words::Approval { .. }));
    let answer = AnswerRequest {
        request,
        decision: Decision::AllowOnce,
        reason: None,
        answers: Default::default(),
        rule: None,
    };
    api.answer_request(&caller(), answer).await.unwrap();
    until(&ear, |push| match push {
        Push::Changed { rows, .. } => rows.into_iter().find_map(|row| match row {
            Changed::Card(card) if card.column == Column::Done && card.task.status.as_str() == "done" => {
                Some(())
            }
            _ => None,
        }),
        _ => None,
    })
    .await;
    // What changes nothing is told as well, wherever the log is by then: whoever sent it waits for that.
    let same = caller();
    let there = MoveTask { task: task.clone(), to: Target::Done, after: None, before: None, agent: None };
    let recorded = api.move_task(&same, there).await.unwrap();
    until(&ear, |push| match push {
        Push::Changed { seq, .. } if seq >= recorded.seq => Some(()),
        _ => None,
    })
    .await;
    let page =
        api.read_items(ReadItems { session: session.clone(), before: None, limit: 100 }).await.unwrap();
    assert_eq!(page.items.len(), 2, "the prompt and one tool call");
    let output = api
        .read_output(ReadOutput { session, item: page.items[1].id.clone(), from: Some(Default::default()) })
        .await
        .unwrap();
    assert_eq!(output.pieces.iter().map(|p| p.text.as_str()).collect::<String>(), "line 1\nline 2\nline 3\n");
    assert!(output.complete);
    let file = folder.path().join("registry").join(&card(&api.snapshot(Nothing {}).await.unwrap()).task.path);
    // The card is right as soon as the fact is on disk; the file follows at once, at the latest before the end.
    api.close().await;
    assert!(std::fs::read_to_string(file).unwrap().contains("status: done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_look_has_the_first_cards_and_all_counts_and_pages_have_the_rest_once() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path()).unwrap();
    let lock = home.lock().unwrap().unwrap();
    let api = Api::open(home, lock).await.unwrap();
    let small = api.first_look(Nothing {}).await.unwrap();
    assert!(small.is_whole && small.columns.is_empty());
    for number in 0..70 {
        let create = CreateTask { title: format!("Task {number}"), ..CreateTask::default() };
        api.create_task(&caller(), create).await.unwrap();
    }
    let whole = api.snapshot(Nothing {}).await.unwrap();
    let first = api.first_look(Nothing {}).await.unwrap();
    assert!(!first.is_whole);
    assert_eq!(first.columns, [ColumnCount { column: whole.cards[0].column, count: 70, cancelled: 0 }]);
    assert_eq!(first.snapshot.cards, whole.cards[..60], "the first in the board's order");

    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = api.read_cards(ReadCards { after, limit: 30 }).await.unwrap();
        assert!(page.cards.len() <= 30);
        paged.extend(page.cards);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let ids = |cards: &[Card]| {
        let mut ids: Vec<_> = cards.iter().map(|card| card.task.id.clone()).collect();
        ids.sort();
        ids
    };
    assert!(paged.is_sorted_by_key(|card| &card.task.id));
    assert_eq!(ids(&paged), ids(&whole.cards));
    api.close().await;
}
