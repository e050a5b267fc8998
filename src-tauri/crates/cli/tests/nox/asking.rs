//! Questions on a terminal.

use super::support::{Running, World, caller, open_request};
use nox_api::{control, dto::AnswerRequest};
use nox_domain::{rows::RequestState, tool::Decision};

const ASKS: &str = "```sh name=\"Look\"\necho looked\n```";

#[test]
fn a_person_at_the_terminal_sees_the_command_and_allows_it() {
    let world = World::new();
    let mut running = Running::with_terminal(world.command(&["run", ASKS]));
    running.says("answer: ");
    running.types("maybe\n");
    running.says("write a, s, w or d");
    running.types("a\n");
    let ended = running.end();
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "looked\n"), "{ended:?}");
    let folder = world.work().canonicalize().unwrap().display().to_string();
    for shown in ["    echo looked\n", folder.as_str(), "low: it looks only", "commands that begin with"] {
        assert!(ended.err.contains(shown), "no {shown} in {}", ended.err);
    }
}

#[test]
fn a_refusal_carries_its_reason_and_ends_with_1() {
    let world = World::new();
    let mut running = Running::with_terminal(world.command(&["run", ASKS, "--json"]));
    running.says("answer: ");
    running.types("d not today\n");
    let ended = running.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("not today"), "{}", ended.out);
}

#[test]
fn always_writes_a_rule_that_holds_the_next_time() {
    let world = World::new();
    let mut running = Running::with_terminal(world.command(&["run", ASKS]));
    running.says("answer: ");
    running.types("w\n");
    assert_eq!(running.end().code, Some(0));
    let ended = world.nox(&["run", ASKS]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "looked\n"), "{ended:?}");
}

#[test]
fn when_the_terminal_is_closed_nobody_can_answer_any_more() {
    let world = World::new();
    let mut running = Running::with_terminal(world.command(&["run", ASKS]));
    running.says("answer: ");
    // Ctrl+D: the end of what is typed.
    running.types("\u{4}");
    assert_eq!(running.end().code, Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_elsewhere_takes_the_question_back() {
    let world = World::new();
    let api = world.open().await;
    let control = control::serve(api.clone(), |_| {}).unwrap();
    let mut running = Running::with_terminal(world.command(&["run", ASKS]));
    let row = open_request(&api).await;
    let running = tokio::task::spawn_blocking(move || {
        running.says("answer: ");
        running
    })
    .await
    .unwrap();
    let answer = AnswerRequest {
        request: row.request.id,
        decision: Decision::AllowOnce,
        reason: None,
        answers: Default::default(),
        rule: None,
    };
    api.answer_request(&caller(), answer).await.unwrap();
    let ended = tokio::task::spawn_blocking(move || running.end()).await.unwrap();
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "looked\n"), "{ended:?}");
    assert!(ended.err.contains("answered elsewhere"), "{}", ended.err);
    control.close().await;
    api.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_of_a_client_can_answer_too() {
    let world = World::new();
    let api = world.open().await;
    let _control = control::serve(api.clone(), |_| {}).unwrap();
    let _window = api.attach_window();
    let running = Running::with_terminal(world.command(&["run", ASKS]));
    let ended = tokio::task::spawn_blocking(move || {
        let mut running = running;
        running.says("answer: ");
        running.types("a\n");
        running.end()
    })
    .await
    .unwrap();
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "looked\n"), "{ended:?}");
    let snapshot = api.snapshot(nox_api::dto::Nothing {}).await.unwrap();
    assert!(
        matches!(&snapshot.requests[0].state, RequestState::Answered { via, .. } if via == "cli"),
        "{:?}",
        snapshot.requests
    );
    api.close().await;
}
