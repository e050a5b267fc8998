//! What a person does with an agent while it works: questions, modes and models, steering, the queue, forks, and waiting
//! for the model server's limit. The agent plays a recording, so that nothing is installed for it.

use crate::crash::child::{Engine as Killed, Role};
use nox_api::{
    ErrorCode,
    domain::{
        agent::Runtime,
        answers::Answers,
        event::PreAllowed,
        ids::{CommandId, RequestId, SessionId, TaskId},
        life::Life,
        rows::{ControlsRow, Item, ItemBody, RequestState, SessionState},
        tool::Decision,
    },
    dto::{
        AnswerRequest, ChangePrompt, CreateAgent, CreateTask, ForkSession, OneSession, PromptSession,
        SetSessionMode, SetSessionModel, SteerSession, Undo, WithdrawPrompt,
    },
};
use nox_test_support::{World, caller, caller_with, poll};
use uuid::Uuid;

const OFFER: &str = r#"{"offer":{"modes":[{"id":"ask","name":"Ask first","description":""},{"id":"plan","name":"Plan only","description":""}],"mode":"ask","models":[{"id":"small","name":"Small","description":""},{"id":"large","name":"Large","description":""}],"model":"small","commands":[{"id":"review","name":"review","description":"Looks at the changes"}],"steers":true,"forks":true}}"#;
const QUESTION: &str = r#"{"call":{"title":"Colour","text":"Which colour?","kind":"other","questions":[{"id":"colour","header":"Colour","text":"Which colour?","options":[{"label":"red"},{"label":"blue"}]},{"id":"why","text":"Why?"}]}}"#;

fn recording(lines: &[&str]) -> String {
    format!("A talk.\n\n```recorded\n{}\n```\n", lines.join("\n"))
}

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

async fn controls(world: &World, session: &SessionId) -> ControlsRow {
    world.api().read_controls(OneSession { session: session.clone() }).await.unwrap()
}

async fn bodies(world: &World, session: &SessionId) -> Vec<ItemBody> {
    world.items(session).await.into_iter().map(|Item { body, .. }| body).collect()
}

async fn until_said(world: &World, session: &SessionId, text: &str) {
    let said = |body: &ItemBody| matches!(body, ItemBody::Message { text: said, .. } if said == text);
    poll("what the agent says", async || bodies(world, session).await.iter().any(said).then_some(())).await;
}

async fn prompt(world: &World, session: &SessionId, text: &str) {
    let input = PromptSession { session: session.clone(), text: text.into(), images: vec![] };
    world.api().prompt_session(&caller(), input).await.unwrap();
}

fn is_idle(state: &SessionState) -> bool {
    matches!(state, SessionState::Idle { .. })
}

fn given(request: &RequestId, decision: Decision, answers: &[(&str, &str)]) -> AnswerRequest {
    let answers: Answers =
        answers.iter().map(|(id, given)| ((*id).to_owned(), vec![(*given).to_owned()])).collect();
    AnswerRequest { request: request.clone(), decision, reason: None, answers, rule: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_reaches_a_person_whatever_was_allowed_and_its_answers_reach_the_agent() {
    let mut world = World::open().await;
    let session = talk(&mut world, Life::default(), &[QUESTION, r#"{"say":"thanks"}"#]).await;
    let asked = world.until_asked(&session).await;
    let id = asked.request.id.clone();
    for (decision, answers) in [
        (Decision::AllowOnce, &[][..]),
        (Decision::AllowOnce, &[("colour", "green"), ("why", "so")]),
        (Decision::AllowSession, &[("colour", "red"), ("why", "so")]),
        (Decision::AllowAlways, &[("colour", "red"), ("why", "so")]),
    ] {
        let error = world.api().answer_request(&caller(), given(&id, decision, answers)).await.unwrap_err();
        assert!(error.hint.is_some(), "{error:?}");
    }
    let good = given(&id, Decision::AllowOnce, &[("colour", "red"), ("why", "it is warm")]);
    world.api().answer_request(&caller(), good).await.unwrap();
    world.until_state("its end", &session, is_idle).await;
    let answered = world.api().engine().request(&id).await.unwrap();
    let RequestState::Answered { answers, .. } = answered.state else { panic!("{answered:?}") };
    assert_eq!(answers["colour"], ["red"]);
    let output = world.output(&session, &asked.request.item).await;
    assert_eq!(output, "colour: red\nwhy: it is warm\n");
    let policy = world.api().engine().policy();
    assert!(policy.rules.is_empty(), "no rule was written: {policy:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_skipped_with_a_reason() {
    let mut world = World::open().await;
    let session = talk(&mut world, Life::default(), &[QUESTION]).await;
    let asked = world.until_asked(&session).await;
    let mut skip = given(&asked.request.id, Decision::Deny, &[]);
    skip.reason = Some("choose yourself".into());
    world.api().answer_request(&caller(), skip).await.unwrap();
    world.until_state("its end", &session, is_idle).await;
    let skipped = |body: &ItemBody| matches!(body, ItemBody::ToolCall { reason: Some(reason), .. } if reason == "choose yourself");
    assert!(bodies(&world, &session).await.iter().any(skipped));
}

/// Waits until so many runs of a session have said that they are ready.
async fn until_ready(world: &World, session: &SessionId, runs: usize) {
    poll("the next run", async || {
        let ready = |body: &ItemBody| matches!(body, ItemBody::Message { text, .. } if text == "ready");
        (bodies(world, session).await.iter().filter(|body| ready(body)).count() == runs).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_and_models_are_changed_while_it_runs_and_hold_over_a_new_start() {
    let mut world = World::open().await;
    let lines = [OFFER, r#"{"say":"ready"}"#, r#"{"listen":null}"#, r#"{"end":"end"}"#, OFFER];
    let session = talk(&mut world, Life::default(), &lines).await;
    until_said(&world, &session, "ready").await;
    let mode = |mode: &str| SetSessionMode { session: session.clone(), mode: mode.into() };
    let error = world.api().set_session_mode(&caller(), mode("yolo")).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict, "{error:?}");
    world.api().set_session_mode(&caller(), mode("plan")).await.unwrap();
    assert_eq!(controls(&world, &session).await.offers.mode.as_deref(), Some("plan"));
    world.reopen().await;
    // The new run says the same again, with what it begins with.
    until_ready(&world, &session, 2).await;
    let model = SetSessionModel { session: session.clone(), model: "large".into() };
    world.api().set_session_model(&caller(), model).await.unwrap();
    let names: Vec<String> = bodies(&world, &session)
        .await
        .into_iter()
        .filter_map(|body| match body {
            ItemBody::Switched { name, via, .. } => Some(format!("{name} by {via}")),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["Plan only by window", "Large by window"]);
    world.reopen().await;
    until_ready(&world, &session, 3).await;
    let offers = controls(&world, &session).await.offers;
    assert_eq!((offers.mode.as_deref(), offers.model.as_deref()), (Some("plan"), Some("large")));
}

#[tokio::test(flavor = "multi_thread")]
async fn steering_reaches_the_turn_and_prompts_that_wait_can_be_changed_and_taken_back() {
    let mut world = World::open().await;
    let lines =
        [OFFER, r#"{"say":"ready"}"#, r#"{"listen":null}"#, r#"{"end":"end"}"#, r#"{"say":"second"}"#];
    let session = talk(&mut world, Life::default(), &lines).await;
    until_said(&world, &session, "ready").await;
    prompt(&world, &session, "later").await;
    prompt(&world, &session, "never").await;
    let waiting = controls(&world, &session).await.waiting;
    assert_eq!(waiting.iter().map(|prompt| prompt.text.as_str()).collect::<Vec<_>>(), ["later", "never"]);
    let turn = |n: usize| waiting[n].turn.clone();
    let change = ChangePrompt { session: session.clone(), turn: turn(0), text: "later, in short".into() };
    world.api().change_prompt(&caller(), change).await.unwrap();
    let withdraw = || WithdrawPrompt { session: session.clone(), turn: turn(1) };
    let who = caller();
    let done = world.api().withdraw_prompt(&who, withdraw()).await.unwrap();
    assert!(done.undo);
    world.api().undo(&caller(), Undo { command: who.command, of: None }).await.unwrap();
    assert_eq!(controls(&world, &session).await.waiting.len(), 2, "it waits again");
    let again = controls(&world, &session).await.waiting[1].turn.clone();
    let withdraw_again = WithdrawPrompt { session: session.clone(), turn: again };
    world.api().withdraw_prompt(&caller(), withdraw_again).await.unwrap();
    assert!(world.api().withdraw_prompt(&caller(), withdraw()).await.is_err());
    let steer = SteerSession { session: session.clone(), text: "mind the gap".into() };
    world.api().steer_session(&caller(), steer).await.unwrap();
    world.until_state("its end", &session, is_idle).await;
    let texts: Vec<String> = bodies(&world, &session)
        .await
        .into_iter()
        .filter_map(|body| match body {
            ItemBody::Prompt { text, .. } if !text.contains("recorded") => Some(format!("asked {text}")),
            ItemBody::Steered { text } => Some(format!("steered {text}")),
            ItemBody::Message { text, .. } => Some(text),
            _ => None,
        })
        .collect();
    let expected = [
        "ready",
        "steered mind the gap",
        "You said meanwhile: mind the gap",
        "asked later, in short",
        "second",
    ];
    assert_eq!(texts, expected, "each stands where it was said");
    assert_eq!(world.api().engine().check_rows().await.unwrap().differences, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_goes_on_from_a_copy_beside_the_one_that_is_copied() {
    let mut world = World::open().await;
    let session = talk(&mut world, Life::default(), &[OFFER, r#"{"say":"one"}"#]).await;
    world.until_state("its end", &session, is_idle).await;
    let body = recording(&[r#"{"say":"other way"}"#]);
    let input = ForkSession { session: session.clone(), text: body };
    let forked = world.api().fork_session(&caller(), input).await.unwrap();
    let fork = forked.session.unwrap();
    world.until_state("the fork's end", &fork, is_idle).await;
    let row = world.api().engine().session(&fork).await.unwrap();
    assert_eq!((row.fork_of.as_ref(), row.title.as_str()), (Some(&session), "Fork of Talk"));
    assert_eq!(row.folder, world.api().engine().session(&session).await.unwrap().folder);
    let all = bodies(&world, &fork).await;
    let copied =
        |body: &ItemBody| matches!(body, ItemBody::Note { text, .. } if text.ends_with("a copy of turn:1."));
    assert!(all.iter().any(copied), "{all:?}");
    let first = world.api().engine().session(&session).await.unwrap();
    assert!(is_idle(&first.state), "the first one stays as it is: {:?}", first.state);
}

/// The card is made before the session: a crash between the two leaves it, and the command comes again.
#[tokio::test(flavor = "multi_thread")]
async fn a_fork_that_was_cut_off_goes_on_with_its_card() {
    let mut world = World::open().await;
    let session = talk(&mut world, Life::default(), &[OFFER, r#"{"say":"one"}"#]).await;
    world.until_state("its end", &session, is_idle).await;
    let command = CommandId::from_uuid(Uuid::now_v7());
    let card = TaskId::from_uuid(command.uuid());
    let task = world.snapshot().await.cards.into_iter().next().unwrap().task;
    let tasks = world.home().join("registry").join(&task.path);
    let body = recording(&[r#"{"say":"other way"}"#]);
    let text = format!("---\nid: {card}\ntitle: Fork of Talk\nstatus: todo\nagent: player\n---\n\n{body}");
    std::fs::write(tasks.with_file_name("cut-off.md"), text).unwrap();
    world.until("the card", |all| all.cards.iter().any(|each| each.task.id == card).then_some(())).await;

    let input = ForkSession { session, text: body };
    let forked = world.api().fork_session(&caller_with(command), input).await.unwrap();
    assert_eq!(forked.task.as_ref(), Some(&card));
    world.until_state("the fork's end", &forked.session.unwrap(), is_idle).await;
    assert_eq!(world.snapshot().await.cards.len(), 2, "there is one card for the copy");
}

/// Ends at once when the card is on disk, and the session is not yet.
pub(crate) async fn dies_between_the_card_of_a_fork_and_its_start(world: &mut World) {
    world.reopen().await;
    let session = talk(world, Life::default(), &[OFFER, r#"{"say":"one"}"#]).await;
    world.until_state("its end", &session, is_idle).await;
    let command = CommandId::from_uuid(Uuid::now_v7());
    let store = world.api().engine().ledger().store().clone();
    let card = TaskId::from_uuid(command.uuid()).to_string();
    std::fs::write(world.desk().join("command"), command.to_string()).unwrap();
    tokio::spawn(async move {
        while store.row("task", &card).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        std::process::abort();
    });
    let input = ForkSession { session, text: recording(&[r#"{"say":"other way"}"#]) };
    world.api().fork_session(&caller_with(command), input).await.unwrap();
    std::future::pending().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_that_was_killed_before_its_start_leaves_no_card_and_can_be_sent_again() {
    let mut hits = 0;
    for _ in 0..5 {
        let mut world = World::closed();
        Killed::start(Role::Fork, &world).ended();
        let command = std::fs::read_to_string(world.desk().join("command")).unwrap();
        let command = CommandId::parse(&command).unwrap();
        world.reopen().await;
        let all = world.snapshot().await;
        assert_eq!(all.cards.len(), all.sessions.len(), "a card has its session: {:?}", all.cards);
        assert!(world.api().engine().ledger().store().outbox_pending().await.unwrap().is_empty());
        hits += u32::from(all.cards.len() == 1);
        let session = all.sessions.iter().find(|each| each.row.title == "Talk").unwrap().row.id.clone();
        let input = ForkSession { session, text: recording(&[r#"{"say":"other way"}"#]) };
        let forked = world.api().fork_session(&caller_with(command.clone()), input).await.unwrap();
        assert_eq!(forked.task, Some(TaskId::from_uuid(command.uuid())));
        world.until_state("the fork's end", &forked.session.unwrap(), is_idle).await;
        assert_eq!(world.snapshot().await.cards.len(), 2);
        if hits > 0 {
            return;
        }
    }
    panic!("no engine died between the two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_offers_no_forks_is_not_forked() {
    let mut world = World::open().await;
    let session = talk(&mut world, Life::default(), &[r#"{"say":"one"}"#]).await;
    world.until_state("its end", &session, is_idle).await;
    let input = ForkSession { session, text: "go on".into() };
    let error = world.api().fork_session(&caller(), input).await.unwrap_err();
    assert!(error.message.contains("copy") && error.hint.is_some(), "{error:?}");
}

const LIMIT: &str = r#"{"fault":{"fault":"rate_limit","message":"Too much was asked.","again_in_ms":1500}}"#;
const LONG_LIMIT: &str =
    r#"{"fault":{"fault":"rate_limit","message":"Too much was asked.","again_in_ms":3600000}}"#;

fn is_limited(state: &SessionState) -> bool {
    matches!(state, SessionState::RateLimited { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_waits_for_the_limit_and_goes_on_by_itself() {
    let mut world = World::open().await;
    let session = talk(&mut world, Life::default(), &[LIMIT, r#"{"say":"at last"}"#]).await;
    world.until_state("the wait", &session, is_limited).await;
    world.until_state("its end", &session, is_idle).await;
    until_said(&world, &session, "at last").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_the_limit_outlives_the_engine_and_ends_when_a_person_says_so() {
    let mut world = World::open().await;
    let session = talk(&mut world, Life::default(), &[LONG_LIMIT, r#"{"say":"at last"}"#]).await;
    world.until_state("the wait", &session, is_limited).await;
    world.reopen().await;
    world.until_state("the wait, after a new start", &session, is_limited).await;
    world.api().continue_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    until_said(&world, &session, "at last").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_to_wait_and_what_failed_is_asked_again() {
    let mut world = World::open().await;
    let session = talk(&mut world, Life::default(), &[LONG_LIMIT, r#"{"say":"at last"}"#]).await;
    world.until_state("the wait", &session, is_limited).await;
    world.api().interrupt_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    let failed = |state: &SessionState| matches!(state, SessionState::Idle { problem: Some(_) });
    world.until_state("its failure", &session, failed).await;
    world.api().continue_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    until_said(&world, &session, "at last").await;

    let life = Life { wait_for_limit: Some(false), ..Life::default() };
    let mut world = World::open().await;
    let session = talk(&mut world, life, &[LONG_LIMIT]).await;
    world.until_state("its failure", &session, failed).await;
}
