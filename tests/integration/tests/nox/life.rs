//! The life of sessions around their turns: pauses, further prompts, sleep, and what a long one costs to wake.

use crate::sh;
use nox_api::{
    domain::{
        agent::Runtime,
        event::{Closed, PreAllowed},
        ids::SessionId,
        life::{Life, OnDisconnect, PauseWhy},
        rows::{ItemBody, SessionState},
        tool::Decision,
        words::Column,
    },
    dto::{ChangeSettings, CreateAgent, CreateTask, OneSession, PromptSession},
};
use nox_test_support::{World, caller, poll};

fn recording(lines: &[&str]) -> String {
    format!("A talk.\n\n```recorded\n{}\n```\n", lines.join("\n"))
}

/// A session of an agent that plays this recording.
async fn talk(world: &mut World, life: Life, lines: &[&str]) -> SessionId {
    let agent = CreateAgent {
        name: "Player".into(),
        runtime: Runtime::Recorded,
        review: Some(false),
        life,
        ..CreateAgent::default()
    };
    let agent = world.api().create_agent(&caller(), agent).await.unwrap().agent;
    let task = CreateTask { title: "Talk".into(), body: recording(lines), agent, ..CreateTask::default() };
    let task = world.create(task).await.unwrap().task.unwrap();
    world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap()
}

fn is_idle(state: &SessionState) -> bool {
    matches!(state, SessionState::Idle { problem: None })
}

async fn said(world: &World, session: &SessionId) -> Vec<String> {
    let texts = world.items(session).await.into_iter().filter_map(|item| match item.body {
        ItemBody::Message { text, .. } => Some(text),
        _ => None,
    });
    texts.collect()
}

async fn prompt(world: &World, session: &SessionId, text: &str) {
    let input = PromptSession { session: session.clone(), text: text.into(), images: vec![] };
    world.api().prompt_session(&caller(), input).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_takes_prompts_in_order_and_its_task_is_done_meanwhile() {
    let mut world = World::open().await;
    let turns = [
        "{\"say\":\"one\"}",
        "{\"end\":\"end\"}",
        "{\"say\":\"two\"}",
        "{\"end\":\"end\"}",
        "{\"say\":\"three\"}",
    ];
    let session = talk(&mut world, Life::default(), &turns).await;
    world.until_state("the end of the first turn", &session, is_idle).await;
    let done = |all: &nox_api::dto::Snapshot| (all.cards[0].column == Column::Done).then_some(());
    world.until("a card that is done", done).await;
    prompt(&world, &session, "more").await;
    prompt(&world, &session, "and more").await;
    let all_said = |all: &nox_api::dto::Snapshot| {
        let view = all.sessions.iter().find(|view| view.row.id == session)?;
        (is_idle(&view.row.state) && view.row.items == 6).then_some(())
    };
    world.until("three turns", all_said).await;
    assert_eq!(said(&world, &session).await, ["one", "two", "three"]);
    world.api().stop_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    assert_eq!(world.until_over(&session).await.how, Closed::Finished, "its work was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_sleeps_reading_leaves_it_asleep_and_a_prompt_wakes_it_where_it_was() {
    let mut world = World::open().await;
    let change = ChangeSettings { hibernate_after_seconds: Some(1), ..ChangeSettings::default() };
    world.api().change_settings(&caller(), change).await.unwrap();
    let turns = ["{\"say\":\"one\"}", "{\"end\":\"end\"}", "{\"say\":\"two\"}"];
    let session = talk(&mut world, Life::default(), &turns).await;
    let asleep = |state: &SessionState| matches!(state, SessionState::Hibernated { .. });
    world.until_state("sleep", &session, asleep).await;
    poll("its place to be free", async || (world.api().engine().live_runs() == 0).then_some(())).await;
    assert_eq!(said(&world, &session).await, ["one"]);
    assert_eq!(world.api().engine().live_runs(), 0, "reading wakes nothing");
    world.reopen().await;
    prompt(&world, &session, "more").await;
    world.until_state("the second turn", &session, |state| state.awaits_prompt()).await;
    let heard = |all: &nox_api::dto::Snapshot| {
        all.sessions.iter().find(|view| view.row.id == session && view.row.items == 4).map(|_| ())
    };
    world.until("what the second turn said", heard).await;
    assert_eq!(said(&world, &session).await, ["one", "two"], "the first turn is not played again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_session_begins_nothing_and_goes_on_where_it_was() {
    let mut world = World::open().await;
    let marker = world.desk().join("ran");
    let body = format!("{}\n{}", sh("echo first"), sh(&format!("echo x >> '{}'", marker.display())));
    let task = world.task("Two steps", &body).await;
    let session = world.start(&task).await;
    let first = world.until_asked(&session).await;
    let one = || OneSession { session: session.clone() };
    world.api().pause_session(&caller(), one()).await.unwrap();
    world.answer(&first.request.id, Decision::AllowOnce).await.unwrap();
    let paused = |state: &SessionState| {
        matches!(state, SessionState::Paused { why: PauseWhy::Person, finishing: None })
    };
    world.until_state("the pause", &session, paused).await;
    assert_eq!(world.calls(&session).await[0].output, "", "what was allowed has not begun");
    world.reopen().await;
    world.until_state("the pause after a restart", &session, paused).await;
    world.api().continue_session(&caller(), one()).await.unwrap();
    let second = world.until_asked(&session).await;
    world.answer(&second.request.id, Decision::AllowOnce).await.unwrap();
    let ran = world.until_over(&session).await;
    assert_eq!((ran.how, ran.output().as_str()), (Closed::Finished, "first\n"));
    assert_eq!(std::fs::read_to_string(marker).unwrap(), "x\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_must_not_go_on_alone_pauses_when_the_last_client_leaves() {
    let mut world = World::open().await;
    let life = Life { on_disconnect: Some(OnDisconnect::Pause), ..Life::default() };
    let call = "{\"call\":{\"title\":\"t\",\"text\":\"x\",\"lines\":40,\"every_ms\":10}}";
    let session = talk(&mut world, life, &[call, call, "{\"say\":\"end\"}"]).await;
    world.until_running(&session).await;
    let (first, second) = (world.api().subscribe(), world.api().subscribe());
    first.watch(&session, true);
    second.watch(&session, true);
    second.watch(&session, false);
    drop(first);
    drop(second);
    let alone = |state: &SessionState| {
        matches!(state, SessionState::Paused { why: PauseWhy::Disconnected, finishing: None })
    };
    world.until_state("the pause at a safe point", &session, alone).await;
    world.api().continue_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    world.until_state("the end of the turn", &session, is_idle).await;
    assert_eq!(said(&world, &session).await, ["end"]);
    let lines: Vec<usize> =
        world.calls(&session).await.iter().map(|call| call.output.lines().count()).collect();
    assert_eq!(lines, [40, 40], "each call ran once, whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_agent_is_mended_by_a_restart_and_told() {
    let mut world = World::open().await;
    let turns = ["{\"say\":\"one\"}", "{\"end\":\"end\"}", "{\"crash\":\"out of luck\"}"];
    let session = talk(&mut world, Life::default(), &turns).await;
    world.until_state("the end of the first turn", &session, is_idle).await;
    prompt(&world, &session, "more").await;
    // It breaks down at the same place again.
    let again = |state: &SessionState| matches!(state, SessionState::Restarting { number: 2, .. });
    world.until_state("a second restart", &session, again).await;
    let items = world.items(&session).await;
    assert!(
        items.iter().any(|item| matches!(item.body, ItemBody::Restart { number: 1, problem: Some(_), .. }))
    );
    world.api().stop_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    assert_eq!(world.until_over(&session).await.how, Closed::Stopped);
}
