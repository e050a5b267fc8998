//! Stopping ends everything that was started, and closing leaves nothing.

use crate::sh;
use nox_api::{
    domain::{
        event::{Closed, PreAllowed},
        rows::SessionState,
        tool::CallStatus,
        words::Column,
    },
    dto::{MoveTask, Nothing, OneSession, Target},
};
use nox_test_support::{World, caller, poll, processes};
use std::time::{Duration, Instant};

/// A block with a daemon in a session of its own, twice forked, and a busy foreground; all carry the mark.
fn stayers(mark: &str) -> String {
    sh(&format!(
        "export MARK={mark}\n(setsid sh -c 'sh -c \"while :; do sleep 1; done\" & sleep 300' &)\necho begun\nwhile :; do echo tick; sleep 0.02; done"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_the_whole_tree_within_two_seconds() {
    let mut world = World::open().await;
    let mark = processes::new_mark();
    let task = world.task("Stay", &stayers(&mark)).await;
    let session = world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap();
    let call = world.until_running(&session).await;
    world.until_output(&session, &call.item, "tick").await;
    // The background begins in its own time: "tick" may be heard before its shells are there.
    poll("the whole tree", async || (processes::marked(&mark).len() >= 4).then_some(())).await;
    let began = Instant::now();
    world.api().stop_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    processes::wait_gone(&mark, Duration::from_secs(2)).unwrap();
    let ran = world.until_over(&session).await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!((ran.how, ran.calls[0].status), (Closed::Stopped, CallStatus::Cancelled));
    assert!(ran.output().starts_with("begun\ntick\n"));
    world.until_card("back in To do", &task, |card| card.column == Column::Todo && !card.live).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dragging_out_of_working_stops_and_the_column_stays() {
    let mut world = World::open().await;
    let mark = processes::new_mark();
    let task = world.task("Drag", &stayers(&mark)).await;
    let drag = |to| MoveTask { task: task.clone(), to, after: None, before: None, agent: None };
    let session = world.api().move_task(&caller(), drag(Target::Working)).await.unwrap().session.unwrap();
    // Asked at once, before it was allowed: the drag out withdraws the request.
    world.until_asked(&session).await;
    world.api().move_task(&caller(), drag(Target::Backlog)).await.unwrap();
    assert_eq!(world.until_over(&session).await.how, Closed::Stopped);
    world.until_card("in Backlog", &task, |card| card.column == Column::Backlog).await;
    world.until_file(&task, "status: backlog").await;
    let session = world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap();
    world.until_running(&session).await;
    world.api().move_task(&caller(), drag(Target::Done)).await.unwrap();
    assert_eq!(world.until_over(&session).await.how, Closed::Stopped);
    processes::wait_gone(&mark, Duration::from_secs(2)).unwrap();
    world.until_card("in Done", &task, |card| card.column == Column::Done).await;
    world.until_file(&task, "status: done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drag_straight_after_the_start_counts() {
    let mut world = World::open().await;
    for round in 0..10 {
        let task = world.task(&format!("Round {round}"), &sh("sleep 300")).await;
        let drag = |to| MoveTask { task: task.clone(), to, after: None, before: None, agent: None };
        let session = world.api().move_task(&caller(), drag(Target::Working)).await.unwrap().session.unwrap();
        world.api().move_task(&caller(), drag(Target::Cancelled)).await.unwrap();
        world.until_over(&session).await;
        world.until_file(&task, "status: cancelled").await;
        let card = world.until_card("in Done", &task, |card| !card.live).await;
        assert_eq!(card.column, Column::Done, "round {round}: {card:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_all_stops_what_runs_waits_and_asks() {
    let mut world = World::open().await;
    let change = nox_api::dto::ChangeSettings { max_live_runs: Some(2), ..Default::default() };
    world.api().change_settings(&caller(), change).await.unwrap();
    let mut sessions = Vec::new();
    for allowed in [PreAllowed::All, PreAllowed::Nothing, PreAllowed::All] {
        let task = world.task("One of three", &sh("sleep 300")).await;
        sessions.push(world.start_with(&task, allowed).await.unwrap().session.unwrap());
    }
    world.until_running(&sessions[0]).await;
    world.until_asked(&sessions[1]).await;
    // It waits, or was lent the place of the one that waits for a person.
    world
        .until_state("a wait or a place", &sessions[2], |state| {
            matches!(state, SessionState::Queued { .. } | SessionState::Running { .. })
        })
        .await;
    world.api().stop_all(&caller(), Nothing {}).await.unwrap();
    for session in &sessions {
        assert_eq!(world.until_over(session).await.how, Closed::Stopped);
    }
    assert_eq!(world.api().engine().live_runs(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_in_order_leaves_no_process() {
    let mut world = World::open().await;
    let mark = processes::new_mark();
    let task = world.task("Stay", &stayers(&mark)).await;
    let session = world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap();
    let call = world.until_running(&session).await;
    world.until_output(&session, &call.item, "tick").await;
    world.close().await;
    assert_eq!(processes::marked(&mark), Vec::<u32>::new());
    world.reopen().await;
    let unseen = |state: &SessionState| matches!(state, SessionState::NeedsChoice { .. });
    world.until_state("a choice", &session, unseen).await;
}
