//! One piece of work at a time for a task, one effect for a command, and nothing lost by what cannot be read.

use crate::sh;
use nox_api::{
    ErrorCode,
    domain::{
        event::{Closed, PreAllowed},
        ids::{CommandId, RequestId, SessionId, TaskId},
        rows::{RequestState, Row, SessionState, kind},
        tool::Decision,
        words::Column,
    },
    dto::{AnswerRequest, ChangeAgent, ChangeSettings, Face, MoveTask, Nothing, OneSession, OneTask, Target},
};
use nox_engine::ledger::{Cause, Change, put};
use nox_store::RowWrite;
use nox_test_support::{World, caller, caller_with};

/// Starts a task and stops its session.
async fn stopped(world: &mut World, task: &TaskId) -> SessionId {
    world.until_card("a task that can start", task, |card| !card.live).await;
    let session = world.start(task).await;
    world.until_asked(&session).await;
    world.api().stop_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    assert_eq!(world.until_over(&session).await.how, Closed::Stopped);
    session
}

fn drag(task: &TaskId, to: Target) -> MoveTask {
    MoveTask { task: task.clone(), to, after: None, before: None, agent: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_session_that_goes_on_is_the_work_of_its_task() {
    let mut world = World::open().await;
    let task = world.task("Twice", &sh("echo on")).await;
    let older = stopped(&mut world, &task).await;
    let newer = stopped(&mut world, &task).await;
    world.api().continue_session(&caller(), OneSession { session: older.clone() }).await.unwrap();
    let card = world.until_card("a card that works", &task, |card| card.live).await;
    assert_eq!(card.column, Column::Working);
    let again = world.start_with(&task, PreAllowed::All).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::Conflict);
    let again = world.api().continue_session(&caller(), OneSession { session: newer }).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::Conflict);
    let delete = world.api().delete_task(&caller(), OneTask { task: task.clone() }).await.unwrap_err();
    assert_eq!(delete.code, ErrorCode::Conflict);
    world.api().move_task(&caller(), drag(&task, Target::Todo)).await.unwrap();
    assert_eq!(world.until_over(&older).await.how, Closed::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_and_a_continue_at_once_make_one_live_session() {
    let mut world = World::open().await;
    let task = world.task("Race", &sh("echo on")).await;
    for round in 0..5 {
        let old = stopped(&mut world, &task).await;
        world.until_card("a task that can start", &task, |card| !card.live).await;
        let (go, start) = (caller(), world.start_with(&task, PreAllowed::Nothing));
        let go = world.api().continue_session(&go, OneSession { session: old });
        let (go, start) = tokio::join!(go, start);
        assert!(go.is_ok() != start.is_ok(), "round {round}: {go:?} {start:?}");
        world.api().stop_all(&caller(), Nothing {}).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_sent_twice_at_once_has_one_answer() {
    let mut world = World::open().await;
    for round in 0..10 {
        let task = world.task("Twice", &sh("echo")).await;
        let session = world.start(&task).await;
        world.until_asked(&session).await;
        let who = caller();
        let one = world.api().stop_session(&who, OneSession { session: session.clone() });
        let two = world.api().stop_session(&who, OneSession { session: session.clone() });
        let (one, two) = tokio::join!(one, two);
        assert_eq!(one.unwrap(), two.unwrap(), "round {round}");
        world.until_over(&session).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drag_out_of_working_that_is_sent_again_stops_the_work() {
    let mut world = World::open().await;
    let task = world.task("Again", &sh("sleep 300")).await;
    let session = world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap();
    world.until_running(&session).await;
    // As if the first had changed the file and then failed: its receipt is there, and the work goes on.
    let who = caller();
    let change = Change { receipt: Some((serde_json::Value::Null, None)), ..Change::default() };
    let cause = Cause { command: Some(who.command.clone()), ..Cause::nox() };
    world.api().engine().ledger().commit(&cause, nox_engine::clock::now(), change).await.unwrap();
    world.api().move_task(&who, drag(&task, Target::Todo)).await.unwrap();
    assert_eq!(world.until_over(&session).await.how, Closed::Stopped);
    // Sent once more, it leaves alone what was begun since.
    world.until_card("a task that can start", &task, |card| !card.live).await;
    let session = world.start(&task).await;
    world.until_asked(&session).await;
    world.api().move_task(&who, drag(&task, Target::Todo)).await.unwrap();
    world.until_asked(&session).await;
    assert!(world.snapshot().await.cards[0].live);
}

#[tokio::test(flavor = "multi_thread")]
async fn always_that_comes_too_late_writes_no_rule() {
    let mut world = World::open().await;
    let mut rules = 0;
    for round in 0..10 {
        let task = world.task("Late", &sh(&format!("echo-{round}"))).await;
        let session = world.start(&task).await;
        let request = world.until_asked(&session).await.request.id;
        let answer = |decision| AnswerRequest {
            request: request.clone(),
            decision,
            reason: None,
            answers: Default::default(),
            rule: None,
        };
        let cli = nox_api::dto::Caller { face: Face::Cli, ..caller() };
        let window = caller();
        let deny = world.api().answer_request(&window, answer(Decision::Deny));
        let always = world.api().answer_request(&cli, answer(Decision::AllowAlways));
        let (always, deny) = if round % 2 == 0 {
            tokio::join!(always, deny)
        } else {
            let (deny, always) = tokio::join!(deny, always);
            (always, deny)
        };
        assert!(always.is_ok() != deny.is_ok(), "round {round}: {always:?} {deny:?}");
        rules += usize::from(always.is_ok());
        let policy = world.api().read_policy(Nothing {}).await.unwrap().policy;
        assert_eq!(policy.rules.len(), rules, "round {round}");
        world.until_over(&session).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_agent_begins_nothing_that_waited_and_goes_on_with_nothing() {
    let mut world = World::open().await;
    let change = ChangeSettings { max_live_runs: Some(1), ..ChangeSettings::default() };
    world.api().change_settings(&caller(), change).await.unwrap();
    let first = world.task("First", &sh("sleep 300")).await;
    let second = world.task("Second", &sh("touch ran")).await;
    let first = world.start_with(&first, PreAllowed::All).await.unwrap().session.unwrap();
    world.until_running(&first).await;
    let second = world.start_with(&second, PreAllowed::All).await.unwrap().session.unwrap();
    let agent = world.snapshot().await.agents[0].agent.id.clone();
    let patch = nox_api::domain::agent::AgentPatch { enabled: Some(false), ..Default::default() };
    world.api().change_agent(&caller(), ChangeAgent { agent, patch, base: None }).await.unwrap();
    world.api().stop_session(&caller(), OneSession { session: first.clone() }).await.unwrap();
    world.until_over(&first).await;
    let ran = world.until_over(&second).await;
    assert_eq!((ran.how, ran.calls.len()), (Closed::Failed, 0), "{:?}", ran.problem);
    assert!(format!("{:?}", ran.problem).contains("disabled"), "{:?}", ran.problem);
    let error = world.api().continue_session(&caller(), OneSession { session: first }).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("disabled"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_session_does_not_go_on() {
    let mut world = World::open().await;
    let task = world.task("Hidden", &sh("echo")).await;
    let session = stopped(&mut world, &task).await;
    let one = OneSession { session };
    world.api().delete_session(&caller(), one.clone()).await.unwrap();
    let error = world.api().continue_session(&caller(), one).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.hint.is_some(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_from_the_future_is_refused() {
    let world = World::open().await;
    let task = world.task("Now", "").await;
    let ms = nox_engine::clock::now().0 + 2 * 24 * 3600 * 1000;
    let future = uuid::Builder::from_unix_timestamp_millis(ms as u64, &[7; 10]).into_uuid();
    let who = caller_with(CommandId::from_uuid(future));
    let error = world.api().delete_task(&who, OneTask { task }).await.unwrap_err();
    assert_eq!((error.code, error.field.as_deref()), (ErrorCode::BadInput, Some("command")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_open_request_is_there_after_a_restart() {
    let mut world = World::open().await;
    let task = world.task("Old", &sh("echo")).await;
    let session = world.start(&task).await;
    let asked = world.until_asked(&session).await;
    let mut change = Change::default();
    for _ in 0..300 {
        let mut row = asked.clone();
        row.request.id = RequestId::from_uuid(uuid::Uuid::now_v7());
        row.request.asked_at.0 += 1_000;
        let at = row.request.asked_at;
        let (decision, via) = (Decision::Deny, "window".to_owned());
        row.state = RequestState::Answered { decision, via, reason: None, answers: Default::default(), at };
        change.rows.push(put(&Row::Request(Box::new(row))));
    }
    world.api().engine().ledger().commit(&Cause::nox(), nox_engine::clock::now(), change).await.unwrap();
    world.reopen().await;
    let snapshot = world.snapshot().await;
    let open: Vec<_> = snapshot.requests.iter().filter(|row| row.state == RequestState::Open).collect();
    assert_eq!(open.iter().map(|row| &row.request.id).collect::<Vec<_>>(), [&asked.request.id]);
    assert!(snapshot.requests.len() <= 101, "{}", snapshot.requests.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_read_keep_nothing_from_opening() {
    let mut world = World::open().await;
    let task = world.task("Whole", &sh("echo")).await;
    let session = world.start(&task).await;
    world.until_asked(&session).await;
    let kinds =
        [kind::TASK, kind::SESSION, kind::REQUEST, kind::ITEM, kind::AGENT, kind::PROJECT, kind::PROBLEM];
    let broken = |kind: &str, id: &str, parent: Option<&str>| RowWrite::Put {
        kind: kind.into(),
        id: id.into(),
        parent: parent.map(str::to_owned),
        ord: "z".into(),
        body: "{\"from\":\"another time\"}".into(),
    };
    let mut rows: Vec<RowWrite> =
        kinds.iter().map(|kind| broken(kind, "broken", Some(task.as_str()))).collect();
    rows.push(broken(kind::SESSION_STATE, "broken", Some("open")));
    // The real one's as well: it is made anew.
    rows.push(broken(kind::SESSION_STATE, session.as_str(), Some("open")));
    let change = Change { rows, ..Change::default() };
    world.close().await;
    {
        let store = nox_store::Store::open(&world.home().join("nox.db"), Default::default()).unwrap();
        let ledger = nox_engine::ledger::Ledger::new(store);
        ledger.commit(&Cause::nox(), nox_engine::clock::now(), change).await.unwrap();
        ledger.store().clone().close();
    }
    world.reopen().await;
    let asks = |state: &SessionState| matches!(state, SessionState::NeedsApproval { .. });
    world.until_state("the question", &session, asks).await;
    let request = world.until_asked(&session).await.request.id;
    world.answer(&request, Decision::AllowOnce).await.unwrap();
    assert_eq!(world.until_over(&session).await.how, Closed::Finished);
}
