//! The whole way of a task, and commands that are repeated or too old.

use crate::sh;
use nox_api::{
    ErrorCode,
    domain::{
        event::Closed,
        ids::CommandId,
        tool::{CallStatus, Decision},
        words::Column,
    },
    dto::{CreateTask, Push, Recorded, StartTask, ToldWhat},
};
use nox_test_support::{World, caller, caller_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_task_goes_from_the_board_through_an_approval_to_done() {
    let mut world = World::open().await;
    let task = world.task("Say hello", &sh("echo hello from a block")).await;
    let session = world.start(&task).await;
    let row = world.until_asked(&session).await;
    assert_eq!(row.request.call.text, "echo hello from a block\n");
    let card =
        world.until_card("a card that needs a person", &task, |card| card.column == Column::NeedsYou).await;
    assert!(card.live);
    assert_eq!(world.api().engine().live_runs(), 1);
    world.until_file(&task, "status: in_progress").await;
    world.answer(&row.request.id, Decision::AllowOnce).await.unwrap();
    let ran = world.until_over(&session).await;
    assert_eq!((ran.how, ran.calls.len()), (Closed::Finished, 1));
    assert_eq!(ran.output(), "hello from a block\n");
    assert_eq!(ran.calls[0].status, CallStatus::Succeeded);
    assert!(ran.calls[0].asked);
    let card = world.until_card("a card that is done", &task, |card| card.column == Column::Done).await;
    assert!(!card.live);
    world.until_file(&task, "status: done").await;
    world
        .until_heard("that people are told of the end", |push| match push {
            Push::Told(told) => {
                matches!(told.what, ToldWhat::Closed { how: Closed::Finished, .. }).then_some(())
            }
            _ => None,
        })
        .await;
    let path = world.card(&task).await.task.path;
    world.close().await;
    let repository = git2::Repository::open(world.registry("")).unwrap();
    let head = repository.head().unwrap().peel_to_commit().unwrap();
    let blob = head.tree().unwrap().get_path(path.as_ref()).unwrap().to_object(&repository).unwrap();
    let committed = String::from_utf8(blob.as_blob().unwrap().content().to_vec()).unwrap();
    assert!(committed.contains("status: done"), "{committed}");
    assert!(head.parent_count() > 0, "there is one commit only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_repeated_is_answered_from_its_receipt() {
    let mut world = World::open().await;
    let who = caller();
    let input = || CreateTask { title: "Once".into(), body: sh("echo once"), ..CreateTask::default() };
    let first = world.api().create_task(&who, input()).await.unwrap();
    let again = world.api().create_task(&who, input()).await.unwrap();
    assert_eq!(first, again);
    let both = tokio::join!(
        async {
            let who = caller_with(who.command.clone());
            world.api().create_task(&who, input()).await
        },
        async {
            let who = caller_with(who.command.clone());
            world.api().create_task(&who, input()).await
        },
    );
    assert_eq!((both.0.unwrap(), both.1.unwrap()), (first.clone(), first.clone()));
    // Two at once, neither with a receipt yet: one happens.
    let fresh = caller();
    let (a, b) =
        tokio::join!(world.api().create_task(&fresh, input()), world.api().create_task(&fresh, input()));
    assert_eq!(a.unwrap().task, b.unwrap().task);
    assert_eq!(world.until("two tasks", |all| Some(all.cards.len())).await, 2);
    world.reopen().await;
    assert_eq!(world.api().create_task(&who, input()).await.unwrap(), first);
    let task = first.task.unwrap();
    let start =
        || StartTask { task: task.clone(), agent: None, folder: None, pre_allowed: Default::default() };
    let who = caller();
    let one = world.api().start_task(&who, start()).await.unwrap();
    assert_eq!(world.api().start_task(&who, start()).await.unwrap(), one);
    let other = world.api().start_task(&caller(), start()).await.unwrap_err();
    assert_eq!(other.code, ErrorCode::Conflict);
    assert_eq!(world.snapshot().await.sessions.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_older_than_its_receipts_is_refused() {
    let world = World::open().await;
    let made = |days: u64| {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let at = uuid::Timestamp::from_unix(uuid::NoContext, now - days * 24 * 3600, 0);
        caller_with(CommandId::from_uuid(uuid::Uuid::new_v7(at)))
    };
    let input = || CreateTask { title: "Late".into(), ..CreateTask::default() };
    let error = world.api().create_task(&made(8), input()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::TooOld);
    assert!(error.hint.is_some());
    assert!(world.snapshot().await.cards.is_empty());
    world.api().create_task(&made(6), input()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_names_its_field_and_makes_nothing() {
    let world = World::open().await;
    let long = "x".repeat(301);
    for (title, body) in [("", ""), (long.as_str(), "text")] {
        let input = CreateTask { title: title.into(), body: body.into(), ..CreateTask::default() };
        let error = world.create(input).await.unwrap_err();
        assert_eq!((error.code, error.field.as_deref()), (ErrorCode::BadInput, Some("title")));
    }
    let unknown = world.api().call("create_taks", &caller(), serde_json::json!({})).await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::UnknownOperation);
    let wrong =
        world.api().call("create_task", &caller(), serde_json::json!({ "title": 7 })).await.unwrap_err();
    assert_eq!(wrong.code, ErrorCode::BadInput);
    let by_name = world.api().call("create_task", &caller(), serde_json::json!({ "title": "By name" })).await;
    let recorded: Recorded = serde_json::from_str(by_name.unwrap().get()).unwrap();
    assert!(recorded.task.unwrap().as_str().starts_with("tsk_"));
    assert_eq!(world.snapshot().await.cards.len(), 1);
}
