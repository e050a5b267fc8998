//! What the tray and the notifications say after which pushes.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use nox_api::dto::{Cursor, EngineInfo};
use nox_domain::{Size, event::Problem, words::session_status};
use serde_json::{from_value, json};

/// The n-th session.
fn session_id(n: u128) -> SessionId {
    SessionId::from_uuid(uuid::Uuid::from_u128(n))
}

fn request_id(n: u128) -> RequestId {
    RequestId::from_uuid(uuid::Uuid::from_u128(n))
}

fn session(n: u128, state: SessionState) -> SessionView {
    let row: SessionRow = from_value(json!({
        "id": session_id(n), "task": null, "agent": "runner", "agent_name": "Runner", "agent_version": "",
        "runtime": "runbook", "project": null, "folder": "/", "title": format!("Task {n}"), "state": state,
        "review": false, "progress": {"done": 2, "of": 3}, "attempt": 1, "opened_at": n as i64, "last_event_at": 0,
        "closed_at": null, "items": 0, "cost_micro_usd": null, "deleted": false,
    }))
    .unwrap();
    SessionView { status: session_status(&row), row }
}

fn running(n: u128) -> SessionView {
    session(n, SessionState::Running { doing: None })
}

fn closed_as(n: u128, how: Closed) -> SessionView {
    session(n, SessionState::Closed { how, problem: None })
}

fn request(n: u128, of: u128, risk: Risk, state: RequestState) -> RequestRow {
    from_value(json!({
        "request": {
            "id": request_id(n), "item": nox_domain::ids::ItemId::from_uuid(uuid::Uuid::from_u128(n)),
            "call": {
                "key": "block:1", "kind": "execute", "title": "push", "text": "git push", "shell": "sh", "folder": "/",
                "environment": [], "environment_hash": "", "sandbox": "none", "timeout_seconds": null,
                "continue_on_failure": false,
            },
            "hash": "", "risk": risk, "risk_reason": "", "why": {"code": "no_rule"}, "asked_at": n as i64,
        },
        "session": session_id(of), "task": null, "agent": "runner", "agent_name": "Runner",
        "title": format!("Task {of}"), "state": state,
    }))
    .unwrap()
}

fn settings(notifications: bool, theme: Theme) -> Settings {
    Settings {
        theme,
        max_live_runs: 8,
        notifications,
        welcomed: true,
        log_level: "info".into(),
        memory_budget_mb: 0,
        runs_per_minute: 0,
        hibernate_after_seconds: 0,
        life: Default::default(),
        log_policy: Default::default(),
        log_after_days: 30,
    }
}

fn snapshot(seq: u64, sessions: Vec<SessionView>, requests: Vec<RequestRow>) -> Snapshot {
    Snapshot {
        cursor: Cursor { epoch: "e".into(), seq: Size(seq) },
        cards: Vec::new(),
        sessions,
        requests,
        agents: Vec::new(),
        projects: Vec::new(),
        problems: Vec::new(),
        settings: settings(true, Theme::System),
        engine: EngineInfo {
            version: String::new(),
            home: String::new(),
            started_at: At(0),
            lost_runs: 0,
            swept: 0,
            sandbox: "none".into(),
            default_agent: None,
        },
    }
}

fn changed(seq: u64, rows: Vec<Changed>) -> Push {
    Push::Changed { seq: Size(seq), command: None, rows }
}

fn row(view: SessionView) -> Changed {
    Changed::Session(Box::new(view))
}

fn told_of(view: &SessionView, problem: Option<Problem>) -> Told {
    let mut told = closed(&view.row).expect("a closed session");
    if let ToldWhat::Closed { problem: words, .. } = &mut told.what {
        *words = problem.map(|_| "Build: exit 2".to_owned());
    }
    told
}

fn empty(gaze: Gaze) -> Outlook {
    let mut outlook = Outlook::new(gaze);
    assert_eq!(outlook.fill(snapshot(1, Vec::new(), Vec::new())), []);
    outlook
}

fn notices(effects: Vec<Effect>) -> Vec<(String, String)> {
    effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Notify(notice) => Some((notice.title, notice.body)),
            _ => None,
        })
        .collect()
}

#[test]
fn the_icon_goes_with_a_task_from_idle_to_idle() {
    let mut outlook = empty(Gaze::Elsewhere);
    let mut states = vec![outlook.tray().status];
    let asks = SessionState::NeedsApproval {
        request: request_id(1),
        text: "git push".into(),
        open: 1,
        question: false,
    };
    let steps = [
        session(1, SessionState::Queued { held_back: None }),
        session(1, asks),
        running(1),
        closed_as(1, Closed::Finished),
    ];
    for (seq, step) in (2..).zip(steps) {
        outlook.take(changed(seq, vec![row(step)]));
        states.push(outlook.tray().status);
    }
    use TrayStatus::{Idle, NeedsYou, Running};
    assert_eq!(states, [Idle, Running, NeedsYou, Running, Idle]);
    assert_eq!(outlook.tray().recent[0].title, "Runner: Task 1");
    assert_eq!(outlook.tray().recent[0].status, "Done");
}

#[test]
fn counts_requests_and_the_newest_five_are_told() {
    let mut outlook = Outlook::new(Gaze::Here);
    let lost = session(2, SessionState::Lost { problem: None });
    let mut sessions = vec![running(1), lost, session(9, SessionState::Queued { held_back: None })];
    sessions.extend((3..9).map(|n| closed_as(n, Closed::Stopped)));
    let open = |n, risk| request(n, 1, risk, RequestState::Open);
    outlook.fill(snapshot(1, sessions, vec![open(2, Risk::High), open(1, Risk::Medium)]));
    let tray = outlook.tray();
    assert_eq!((tray.running, tray.waiting, tray.failed), (2, 1, 0));
    let titles: Vec<&str> = tray.recent.iter().map(|each| each.title.as_str()).collect();
    assert_eq!(titles, [9, 8, 7, 6, 5].map(|n| format!("Runner: Task {n}")));
    let requests: Vec<_> = tray.requests.iter().map(|each| (each.title.as_str(), each.answerable)).collect();
    assert_eq!(
        requests,
        [("Runner: git push", Answerable::AllowOrDeny), ("Runner: git push", Answerable::DenyOnly)]
    );
    // What is older than the snapshot is in it already.
    outlook.take(changed(1, vec![row(closed_as(1, Closed::Failed))]));
    assert_eq!(outlook.tray().running, 2);
    let withdrawn = RequestState::Withdrawn { why: "stopped".into(), at: At(0) };
    outlook.take(changed(2, vec![Changed::Request(Box::new(request(1, 1, Risk::Low, withdrawn)))]));
    assert_eq!(outlook.tray().requests.len(), 1);
}

#[test]
fn a_failure_stays_until_somebody_looks() {
    let failed = closed_as(1, Closed::Failed);
    let told = |gaze| {
        let mut outlook = empty(gaze);
        outlook.take(changed(2, vec![row(failed.clone())]));
        outlook.take(Push::Told(told_of(&failed, None)));
        outlook
    };
    assert_eq!(told(Gaze::Here).tray().status, TrayStatus::Idle);
    let mut outlook = told(Gaze::Elsewhere);
    assert_eq!((outlook.tray().status, outlook.tray().failed), (TrayStatus::Failed, 1));
    outlook.looks(Gaze::Elsewhere);
    assert_eq!(outlook.tray().failed, 1);
    outlook.looks(Gaze::Here);
    assert_eq!(outlook.tray().status, TrayStatus::Idle);
    // Or until it goes on.
    let mut outlook = told(Gaze::Elsewhere);
    outlook.take(changed(3, vec![row(running(1))]));
    assert_eq!((outlook.tray().status, outlook.tray().failed), (TrayStatus::Running, 0));
}

#[test]
fn notices_say_who_what_and_how() {
    let mut outlook = empty(Gaze::Elsewhere);
    let open = request(1, 1, Risk::Low, RequestState::Open);
    let Some(Effect::Notify(notice)) = outlook.take(Push::Told(asked(&open))).pop() else {
        panic!("no notice")
    };
    assert_eq!((notice.title.as_str(), notice.body.as_str()), ("Runner: Task 1", "needs approval: git push"));
    assert_eq!(notice.key, request_id(1).to_string());
    assert_eq!(notice.session, session_id(1).to_string());
    let keys = |notice: &Notice| notice.buttons().iter().map(|each| each.1).collect::<Vec<_>>();
    assert_eq!(keys(&notice), ["Allow once", "Deny", "Open"]);
    let dangerous = request(2, 1, Risk::High, RequestState::Open);
    let Some(Effect::Notify(notice)) = outlook.take(Push::Told(asked(&dangerous))).pop() else {
        panic!("no notice")
    };
    assert_eq!(keys(&notice), ["Review", "Deny"]);

    let told = |how, problem| Push::Told(told_of(&closed_as(1, how), problem));
    let body = |push, outlook: &mut Outlook| notices(outlook.take(push)).pop().map(|each| each.1);
    let finished = body(told(Closed::Finished, None), &mut outlook);
    assert_eq!(finished.as_deref(), Some("finished: 2 of 3 blocks"));
    let problem = Problem::Stopped;
    let failed = body(told(Closed::Failed, Some(problem)), &mut outlook);
    assert_eq!(failed.as_deref(), Some("failed: Build: exit 2"));
    assert_eq!(body(told(Closed::Stopped, None), &mut outlook), None);
}

#[test]
fn an_answered_request_asks_nowhere() {
    let mut outlook = empty(Gaze::Elsewhere);
    let settled = ToldWhat::Settled { request: request_id(1) };
    let told = Told { what: settled, ..told_of(&closed_as(1, Closed::Finished), None) };
    assert_eq!(outlook.take(Push::Told(told)), [Effect::Withdraw(request_id(1).to_string())]);
}

#[test]
fn settings_silence_notices_and_colour_the_window() {
    let mut outlook = empty(Gaze::Elsewhere);
    let effects = outlook.take(changed(2, vec![Changed::Settings(settings(false, Theme::Dark))]));
    assert_eq!(effects, [Effect::Theme(Theme::Dark)]);
    assert_eq!(outlook.take(Push::Told(told_of(&closed_as(1, Closed::Failed), None))), []);
    assert_eq!(outlook.tray().failed, 1, "the tray is no notification");
    assert_eq!(outlook.take(changed(3, vec![Changed::Settings(settings(true, Theme::Dark))])), []);
}

#[test]
fn what_happened_in_a_gap_is_told_after_it() {
    let mut outlook = Outlook::new(Gaze::Elsewhere);
    let open = |n| request(n, 1, Risk::Low, RequestState::Open);
    // The first snapshot is no news.
    assert_eq!(outlook.fill(snapshot(1, vec![running(1), running(2)], vec![open(1)])), []);
    let after = snapshot(9, vec![running(1), closed_as(2, Closed::Failed)], vec![open(2)]);
    let effects = outlook.fill(after);
    assert!(effects.contains(&Effect::Withdraw(request_id(1).to_string())), "{effects:?}");
    let texts = notices(effects);
    assert_eq!(
        texts,
        [
            ("Runner: Task 1".to_owned(), "needs approval: git push".to_owned()),
            ("Runner: Task 2".to_owned(), "failed".to_owned()),
        ]
    );
    assert_eq!(outlook.tray().status, TrayStatus::Failed);
}

#[test]
fn only_old_sessions_that_are_over_are_forgotten() {
    let mut outlook = empty(Gaze::Elsewhere);
    outlook.take(changed(2, vec![row(running(0))]));
    for n in 1..1_000 {
        outlook.take(changed(2 + n as u64, vec![row(closed_as(n, Closed::Finished))]));
    }
    assert!(outlook.sessions.len() <= 2 * REMEMBERED, "{}", outlook.sessions.len());
    assert_eq!(outlook.tray().running, 1);
    assert_eq!(outlook.tray().recent.len(), RECENT);
}
