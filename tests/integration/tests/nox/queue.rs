//! Who runs next: the cap of all, the cap of an agent, dependencies.

use crate::sh;
use nox_api::{
    ErrorCode,
    domain::{
        agent::Limits,
        event::{Closed, PreAllowed},
        rows::SessionState,
        words::Column,
    },
    dto::{ChangeSettings, CreateAgent, CreateTask, MoveTask, OneSession, Target},
};
use nox_test_support::{World, caller};

#[tokio::test(flavor = "multi_thread")]
async fn with_one_place_the_next_waits_and_then_runs() {
    let mut world = World::open().await;
    let change = ChangeSettings { max_live_runs: Some(1), ..ChangeSettings::default() };
    world.api().change_settings(&caller(), change).await.unwrap();
    let gate = world.desk().join("gate");
    let first =
        world.task("First", &sh(&format!("until test -e '{}'; do sleep 0.02; done", gate.display()))).await;
    let second = world.task("Second", &sh("echo second")).await;
    let first = world.start_with(&first, PreAllowed::All).await.unwrap().session.unwrap();
    let second = world.start_with(&second, PreAllowed::All).await.unwrap().session.unwrap();
    world.until_running(&first).await;
    world
        .until_state("a place in the queue", &second, |state| matches!(state, SessionState::Queued { .. }))
        .await;
    assert_eq!(world.api().engine().live_runs(), 1);
    std::fs::write(&gate, "").unwrap();
    assert_eq!(world.until_over(&first).await.how, Closed::Finished);
    assert_eq!(world.until_over(&second).await.output(), "second\n");
    // A wish that is taken back frees its place in the queue, and a wider cap lets more run at once.
    std::fs::remove_file(&gate).unwrap();
    let body = sh(&format!("until test -e '{}'; do sleep 0.02; done", gate.display()));
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let task = world.task("Of three", &body).await;
        sessions.push(world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap());
    }
    world.until_running(&sessions[0]).await;
    world.api().stop_session(&caller(), OneSession { session: sessions[1].clone() }).await.unwrap();
    assert_eq!(world.until_over(&sessions[1]).await.how, Closed::Stopped);
    let change = ChangeSettings { max_live_runs: Some(2), ..ChangeSettings::default() };
    world.api().change_settings(&caller(), change).await.unwrap();
    world.until_running(&sessions[2]).await;
    std::fs::write(&gate, "").unwrap();
    for session in [&sessions[0], &sessions[2]] {
        assert_eq!(world.until_over(session).await.how, Closed::Finished);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_at_its_cap_waits_alone() {
    let mut world = World::open().await;
    let gate = world.desk().join("gate");
    let body = sh(&format!("until test -e '{}'; do sleep 0.02; done", gate.display()));
    let mut sessions = Vec::new();
    let mut agents = Vec::new();
    for (name, cap) in [("Single", Some(1)), ("Free", None)] {
        let limits = Limits { max_concurrent_tasks: cap, ..Limits::default() };
        let input = CreateAgent { name: name.into(), limits, ..CreateAgent::default() };
        agents.push(world.api().create_agent(&caller(), input).await.unwrap().agent);
    }
    for agent in [0, 0, 1] {
        let input = CreateTask {
            title: "T".into(),
            body: body.clone(),
            agent: agents[agent].clone(),
            ..CreateTask::default()
        };
        let task = world.create(input).await.unwrap().task.unwrap();
        sessions.push(world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap());
    }
    world.until_running(&sessions[0]).await;
    world.until_running(&sessions[2]).await;
    world
        .until_state("a place in the queue", &sessions[1], |state| {
            matches!(state, SessionState::Queued { .. })
        })
        .await;
    std::fs::write(&gate, "").unwrap();
    for session in &sessions {
        world.until_over(session).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_blocks_the_start_until_it_is_settled() {
    let mut world = World::open().await;
    let first = world.task("Lay the floor", "").await;
    let input = CreateTask {
        title: "Paint".into(),
        body: sh("true"),
        depends_on: vec![first.clone()],
        ..CreateTask::default()
    };
    let second = world.create(input).await.unwrap().task.unwrap();
    assert_eq!(
        world.until_card("a blocked card", &second, |card| card.open_dependencies == 1).await.column,
        Column::Todo
    );
    let error = world.start_with(&second, PreAllowed::All).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("Lay the floor"), "{error:?}");
    let circle = nox_api::dto::ChangeTask {
        task: first.clone(),
        patch: nox_api::domain::task::TaskPatch {
            depends_on: Some(vec![second.clone()]),
            ..Default::default()
        },
        base: None,
    };
    let error = world.api().change_task(&caller(), circle).await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("depends_on"));
    let drag = MoveTask { task: first, to: Target::Done, after: None, before: None, agent: None };
    world.api().move_task(&caller(), drag).await.unwrap();
    world.until_card("a free card", &second, |card| card.open_dependencies == 0).await;
    let session = world.start_with(&second, PreAllowed::All).await.unwrap().session.unwrap();
    assert_eq!(world.until_over(&session).await.how, Closed::Finished);
}
