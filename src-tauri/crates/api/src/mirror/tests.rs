//! What the mirror makes of rows: cards, what is told, and what it forgets.

#![allow(clippy::unwrap_used)]

use super::*;
use nox_domain::{
    agent::Runtime,
    event::{Closed, Event, PreAllowed, SessionOpened},
    ids::{AgentId, ItemId, RequestId},
    policy::Why,
    session::Session,
    tool::{Decision, PermissionRequest, ToolCall, ToolKind},
};
use uuid::Uuid;

fn session(n: u128, opened_at: i64, state: SessionState) -> SessionRow {
    let opened = SessionOpened {
        session: SessionId::from_uuid(Uuid::from_u128(n)),
        task: Some(task_id()),
        agent: AgentId::parse("runbook").unwrap(),
        agent_name: "Runbook".into(),
        agent_version: "v".into(),
        runtime: Runtime::Runbook,
        project: None,
        folder: "/p".into(),
        title: "t".into(),
        text: "text".into(),
        images: vec![],
        review: false,
        pre_allowed: PreAllowed::Nothing,
        environment: Default::default(),
        max_call_seconds: None,
        max_concurrent: None,
        limits: Default::default(),
        life: Default::default(),
        parent: None,
        fork: None,
        depth: 0,
        worktree: None,
        schedule: None,
        instructions: String::new(),
        program: Default::default(),
        services: Default::default(),
    };
    let mut row = Session::begin(&Event::SessionOpened(Box::new(opened)), At(opened_at)).unwrap().row();
    row.closed_at = state.is_closed().then_some(row.last_event_at);
    row.state = state;
    row
}

fn task_id() -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(1))
}

fn task() -> RowChange {
    RowChange::Put(Row::Task(TaskRow {
        id: task_id(),
        path: "tasks/t.md".into(),
        title: "t".into(),
        status: TaskStatus::InProgress,
        priority: Default::default(),
        agent: None,
        project: None,
        deadline: None,
        depends_on: vec![],
        tags: vec![],
        attachments: vec![],
        rank: "m".into(),
        created_at: At(1),
        changed_at: At(1),
        blocks: 0,
        hash: String::new(),
        read_only: false,
    }))
}

fn request(n: u128, state: RequestState) -> RequestRow {
    let call = ToolCall {
        key: "block:1".into(),
        kind: ToolKind::Execute,
        title: "t".into(),
        text: "echo".into(),
        shell: "sh".into(),
        folder: "/p".into(),
        outside: false,
        environment: vec![],
        environment_hash: String::new(),
        sandbox: "none".into(),
        timeout_seconds: None,
        continue_on_failure: false,
        ..ToolCall::default()
    };
    let of = session(9, 1, SessionState::Queued { held_back: None });
    RequestRow {
        request: PermissionRequest {
            id: RequestId::from_uuid(Uuid::from_u128(n)),
            item: ItemId::from_uuid(Uuid::from_u128(n)),
            hash: call.binding_hash(),
            call,
            risk: Risk::Low,
            risk_reason: String::new(),
            why: Why::NoRule,
            asked_at: At(n as i64),
        },
        session: of.id,
        task: of.task,
        agent: of.agent,
        agent_name: of.agent_name,
        title: of.title,
        state,
    }
}

fn put(row: SessionRow) -> RowChange {
    RowChange::Put(Row::Session(row))
}

fn asked(row: RequestRow) -> RowChange {
    RowChange::Put(Row::Request(Box::new(row)))
}

fn closed() -> SessionState {
    SessionState::Closed { how: Closed::Finished, problem: None }
}

#[test]
fn a_card_shows_the_session_that_is_not_over_even_if_it_is_older() {
    let mut mirror = Mirror::default();
    mirror.fill(vec![task(), put(session(1, 10, closed())), put(session(2, 20, closed()))]);
    assert!(!mirror.card(&task_id()).unwrap().live);
    let out = mirror.take(vec![put(session(1, 10, SessionState::Starting))]);
    assert!(mirror.card(&task_id()).unwrap().live);
    assert!(out.rows.iter().any(|row| matches!(row, Changed::Card(card) if card.live)), "{:?}", out.rows);
    let out = mirror.take(vec![put(session(1, 10, closed()))]);
    assert!(out.rows.iter().any(|row| matches!(row, Changed::Card(card) if !card.live)), "{:?}", out.rows);
}

#[test]
fn what_happened_in_a_gap_is_told_and_what_was_there_at_the_start_is_not() {
    let mut mirror = Mirror::default();
    mirror.fill(vec![
        put(session(1, 10, SessionState::Queued { held_back: None })),
        asked(request(1, RequestState::Open)),
    ]);
    let told = mirror
        .take(vec![
            put(session(1, 10, closed())),
            put(session(2, 20, closed())),
            asked(request(1, RequestState::Open)),
            asked(request(2, RequestState::Open)),
        ])
        .told;
    let closings = told.iter().filter(|told| matches!(told.what, ToldWhat::Closed { .. })).count();
    let questions: Vec<_> = told.iter().filter(|told| matches!(told.what, ToldWhat::Asked { .. })).collect();
    assert_eq!((closings, questions.len()), (2, 1), "{told:?}");
    assert!(mirror.take(vec![put(session(1, 10, closed()))]).told.is_empty(), "told once");
}

#[test]
fn a_session_that_was_over_long_ago_is_no_news() {
    let mut old = session(1, 10, closed());
    old.last_event_at = At(99);
    assert!(Mirror::default().take(vec![put(old)]).told.is_empty());
}

#[test]
fn answered_requests_are_forgotten_and_open_ones_are_not() {
    let mut mirror = Mirror::default();
    mirror.take(vec![asked(request(1, RequestState::Open))]);
    for n in 2..1_000 {
        let via = "window".to_owned();
        let state = RequestState::Answered {
            decision: Decision::Deny,
            via,
            reason: None,
            answers: Default::default(),
            at: At(5),
        };
        mirror.take(vec![asked(request(n, state))]);
        assert!(mirror.requests.len() <= 2 * OLD_REQUESTS + 1);
    }
    assert!(mirror.requests.values().any(|row| row.state == RequestState::Open));
    assert!(mirror.requests.values().any(|row| row.request.asked_at == At(999)), "the newest stay");
}

fn refusal(at: i64, asked_by: Option<u128>) -> RowChange {
    let hit = LimitHit {
        limit: LimitKind::SpawnRate,
        value: nox_domain::Size(2),
        allowed: nox_domain::Size(2),
        action: LimitAction::Refused,
    };
    RowChange::Put(Row::Refusal(Box::new(RefusalRow {
        task: task_id(),
        title: "t".into(),
        agent: AgentId::parse("runbook").unwrap(),
        agent_name: "Runbook".into(),
        asked_by: asked_by.map(|n| SessionId::from_uuid(Uuid::from_u128(n))),
        hit,
        again_at: Some(At(99)),
        at: At(at),
    })))
}

#[test]
fn a_refused_start_stands_on_its_card_until_something_newer_and_is_told_when_a_run_asked() {
    let RowChange::Put(Row::Task(row)) = task() else { panic!() };
    let todo = RowChange::Put(Row::Task(TaskRow { status: TaskStatus::Todo, ..row.clone() }));
    let mut mirror = Mirror::default();
    mirror.take(vec![todo]);
    let out = mirror.take(vec![refusal(10, None)]);
    assert!(out.told.is_empty(), "a person who asked has the answer");
    let [Changed::Card(card)] = &out.rows[..] else { panic!("{:?}", out.rows) };
    assert!(matches!(card.status.words, nox_domain::words::Words::NotStarted { again_at: Some(At(99)), .. }));
    assert_eq!((card.column, card.live), (Column::Todo, false));

    let told = mirror.take(vec![refusal(11, Some(7))]).told;
    let [Told { what: ToldWhat::NotStarted { why }, .. }] = &told[..] else { panic!("{told:?}") };
    assert!(
        why.contains("2 sessions in an hour of 2") && why.contains("“Sessions an hour” of its agent"),
        "{why}"
    );

    // The same limit of the same agent again: the card says it, and nobody is disturbed until much later.
    assert_eq!(mirror.take(vec![refusal(12, Some(8))]).told, []);
    let later = 13 + super::TOLD_AGAIN_MS;
    assert_eq!(mirror.take(vec![refusal(later, Some(9))]).told.len(), 1);
    let gone = RowChange::Gone { kind: kind::REFUSAL.into(), id: task_id().to_string() };
    assert!(
        matches!(&mirror.take(vec![gone]).rows[..], [Changed::Card(card)] if card.status.words == nox_domain::words::Words::Todo)
    );
    mirror.take(vec![refusal(11, None)]);

    let over = SessionState::Closed { how: Closed::Stopped, problem: None };
    mirror.take(vec![RowChange::Put(Row::Session(session(1, 20, over)))]);
    let words = mirror.card(&task_id()).unwrap().status.words;
    assert!(matches!(words, nox_domain::words::Words::Stopped { .. }), "{words:?}");
    mirror.take(vec![refusal(30, None)]);
    assert!(matches!(
        mirror.card(&task_id()).unwrap().status.words,
        nox_domain::words::Words::NotStarted { .. }
    ));
    mirror.take(vec![RowChange::Put(Row::Task(TaskRow {
        changed_at: At(31),
        status: TaskStatus::Todo,
        ..row
    }))]);
    let words = mirror.card(&task_id()).unwrap().status.words;
    assert!(matches!(words, nox_domain::words::Words::Stopped { .. }), "{words:?}");
}

#[test]
fn what_a_breaker_keeps_back_is_told_once_and_a_wait_for_a_place_is_not() {
    let mut mirror = Mirror::default();
    let mut told = |held: HeldBack| {
        let state = SessionState::Queued { held_back: Some(held) };
        mirror.take(vec![RowChange::Put(Row::Session(session(1, 5, state)))]).told
    };
    assert_eq!(told(HeldBack::Places { max: 1 }), []);
    let breaker = |until| HeldBack::Breaker { faults: 3, until: At(until) };
    let first = told(breaker(10));
    assert!(
        matches!(&first[..], [Told { what: ToldWhat::NotStarted { why }, .. }] if why.contains("3 times")),
        "{first:?}"
    );
    assert_eq!(told(breaker(20)), []);
}
