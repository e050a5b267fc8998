//! Answers to requests: deny, rules, for this session, always.

use crate::sh;
use nox_api::{
    ErrorCode,
    domain::{
        event::{Closed, Problem},
        ids::TaskId,
        policy::Why,
        rows::RequestState,
        tool::{CallStatus, Decision},
        words::Column,
    },
    dto::{AnswerRequest, Nothing, OneSession},
};
use nox_test_support::{Ran, World, caller, poll};

async fn start_again(world: &mut World, task: &TaskId) -> nox_api::domain::ids::SessionId {
    world.until_card("a task that can start", task, |card| !card.live).await;
    world.start(task).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_never_runs_and_the_reason_is_kept() {
    let mut world = World::open().await;
    let task = world.task("No", &format!("{}{}", sh("touch ran"), sh("touch ran-too"))).await;
    let session = world.start(&task).await;
    let row = world.until_asked(&session).await;
    let input = AnswerRequest {
        request: row.request.id.clone(),
        decision: Decision::Deny,
        reason: Some("not on a Friday".into()),
        answers: Default::default(),
        rule: None,
    };
    world.api().answer_request(&caller(), input).await.unwrap();
    let ran = world.until_over(&session).await;
    assert_eq!(ran.how, Closed::Stopped);
    assert_eq!(ran.calls.len(), 1, "the next block was proposed");
    assert_eq!(ran.calls[0].status, CallStatus::Denied);
    let Some(Problem::Denied { reason, .. }) = &ran.problem else { panic!("{:?}", ran.problem) };
    assert_eq!(reason.as_deref(), Some("not on a Friday"));
    assert!(!std::path::Path::new(&ran.calls[0].folder).join("ran").exists());
    let again = world.answer(&row.request.id, Decision::AllowOnce).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::Conflict);
    let card = world.until_card("back in To do", &task, |card| card.column == Column::Todo).await;
    assert!(!card.live);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deny_rule_cannot_be_dodged_and_asks_nobody() {
    let mut world = World::open().await;
    let rules = "schema = 1\n\n[defaults]\nexecute = \"allow\"\n\n[[rule]]\nid = \"no-touch\"\neffect = \"deny\"\nkind = \"execute\"\nprefix = [\"touch\"]\n";
    world.write("policy.toml", rules);
    until_rules(&world, 1).await;
    let ran = run_asked(&mut world, &sh("touch ran")).await;
    assert_eq!(
        (ran.how, ran.calls[0].status, ran.calls[0].asked),
        (Closed::Failed, CallStatus::Denied, false)
    );
    assert!(matches!(ran.problem, Some(Problem::Denied { .. })), "{:?}", ran.problem);
    for dodge in
        ["true; touch ran", "true && touch ran", "$(echo touch) ran", "X=1 touch ran", "true\ntouch ran"]
    {
        let task = world.task("Dodge", &sh(dodge)).await;
        let session = world.start(&task).await;
        let row = world.until_asked(&session).await;
        assert_eq!(row.request.call.text.trim(), dodge);
        world.api().stop_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
        world.until_over(&session).await;
    }
    let ran = run_asked(&mut world, &sh("echo fine")).await;
    assert_eq!((ran.how, ran.calls[0].asked), (Closed::Finished, false), "the default allows");
}

async fn run_asked(world: &mut World, body: &str) -> Ran {
    let task = world.task("By rule", body).await;
    let session = world.start(&task).await;
    world.until_over(&session).await
}

async fn until_rules(world: &World, count: usize) {
    poll("the rules", async || {
        let rules = world.api().read_policy(Nothing {}).await.unwrap().policy.rules;
        (rules.len() == count).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn always_writes_a_rule_and_the_same_call_is_not_asked_again() {
    let mut world = World::open().await;
    for (body, dodge) in [("echo always", "echo never"), ("echo a\necho b", "echo a\necho c")] {
        let task = world.task("Always", &sh(body)).await;
        let session = world.start(&task).await;
        let row = world.until_asked(&session).await;
        world.answer(&row.request.id, Decision::AllowAlways).await.unwrap();
        assert_eq!(world.until_over(&session).await.how, Closed::Finished);
        let session = start_again(&mut world, &task).await;
        let ran = world.until_over(&session).await;
        assert_eq!((ran.how, ran.calls[0].asked), (Closed::Finished, false));
        let task = world.task("Another", &sh(dodge)).await;
        let session = world.start(&task).await;
        world.until_asked(&session).await;
    }
    let view = world.api().read_policy(Nothing {}).await.unwrap();
    assert_eq!(view.policy.rules.len(), 2);
    let text = std::fs::read_to_string(view.file).unwrap();
    assert!(text.contains("[\"echo\", \"always\"]") && text.contains("exact = "), "{text}");
    world.reopen().await;
    let ran = run_asked(&mut world, &sh("echo always")).await;
    assert!(!ran.calls[0].asked, "the rule did not outlive the engine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_does_not_hold_outside_of_the_sessions_folder() {
    let mut world = World::open().await;
    let task = world.task("Here", &sh("./build.sh")).await;
    let session = world.start(&task).await;
    let row = world.until_asked(&session).await;
    world.answer(&row.request.id, Decision::AllowAlways).await.unwrap();
    world.until_over(&session).await;
    let elsewhere = world.desk().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    for cwd in [elsewhere.display().to_string(), "../..".to_owned()] {
        let task = world.task("Elsewhere", &format!("```sh cwd={cwd}\n./build.sh\n```\n")).await;
        let session = world.start(&task).await;
        let asked = world.until_asked(&session).await;
        assert_eq!(asked.request.why, Why::OutsideFolder, "{cwd}");
        assert!(asked.request.call.outside && !asked.request.call.folder.contains(".."));
    }
    // Beneath the folder it holds, through whatever path.
    let body = format!("{}```sh cwd=sub/../sub\n./build.sh\n```\n", sh("mkdir sub"));
    let task = world.task("Beneath", &body).await;
    let session = world.start(&task).await;
    let row = world.until_asked(&session).await;
    world.answer(&row.request.id, Decision::AllowOnce).await.unwrap();
    let ran = world.until_over(&session).await;
    assert_eq!((ran.calls.len(), ran.calls[1].asked), (2, false), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn for_this_session_counts_for_the_same_call_of_this_session_only() {
    let mut world = World::open().await;
    let block = sh("echo twice");
    let task = world.task("Twice", &format!("{block}\n{block}\n{}", sh("echo other"))).await;
    let session = world.start(&task).await;
    let first = world.until_asked(&session).await;
    world.answer(&first.request.id, Decision::AllowSession).await.unwrap();
    let other = world
        .until("the request of the third block", |all| {
            let mut open = all.requests.iter().filter(|row| row.state == RequestState::Open);
            open.find(|row| row.request.id != first.request.id).cloned()
        })
        .await;
    assert_eq!(other.request.call.text, "echo other\n");
    world.answer(&other.request.id, Decision::AllowOnce).await.unwrap();
    let ran = world.until_over(&session).await;
    assert_eq!(ran.calls.iter().map(|call| call.asked).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(ran.output(), "twice\ntwice\nother\n");
    let session = start_again(&mut world, &task).await;
    world.until_asked(&session).await;
}
