//! Limits, places and breakers on a real store with the real runtimes: what the engine does by itself about runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{
    tests::{Bench, LONG, bench_on, opened},
    *,
};
use crate::scheduler::Caps;
use nox_domain::{
    agent::{Limits, Runtime},
    event::{Closed, PreAllowed, Problem},
    ids::AgentId,
    life::{LifeRules, LimitAction, LimitKind, Restart},
    rows::{Item, ItemBody, RequestRow, RequestState, SessionRow, SessionState, kind},
    tool::Decision,
    transcript::AgentFault,
};
use nox_store::{Order, RowPage};
use std::path::PathBuf;
use uuid::Uuid;

fn places(live: u32) -> Scheduler {
    Scheduler::new(Caps { live, per_minute: 0, memory_mb: 0 })
}

fn quick() -> Rhythm {
    let ms = Duration::from_millis;
    Rhythm { output: ms(10), usage: ms(50), disk: ms(20), runaway: ms(150) }
}

fn recorded(lines: &str) -> SessionOpened {
    let text = format!("```recorded\n{lines}\n```\n");
    SessionOpened { runtime: Runtime::Recorded, text, ..opened() }
}

const TWO_TURNS: &str = "{\"say\":\"one\"}\n{\"end\":\"end\"}\n{\"say\":\"two\"}\n{\"end\":\"end\"}";
const ASKS: &str = "{\"call\":{\"title\":\"t\",\"text\":\"x\"}}\n{\"end\":\"end\"}";

impl Bench {
    async fn begin(&self, opened: SessionOpened) -> SessionId {
        let session = opened.session.clone();
        self.sessions.open(opened, &Cause::nox(), serde_json::Value::Null, None).await.unwrap();
        session
    }

    /// A runbook in a folder of its own, with everything allowed beforehand.
    fn shell(&self, text: &str, limits: Limits) -> SessionOpened {
        let folder = self.folder.path().join(Uuid::now_v7().to_string());
        std::fs::create_dir(&folder).unwrap();
        SessionOpened {
            folder: folder.display().to_string(),
            text: format!("```sh\n{text}\n```\n"),
            pre_allowed: PreAllowed::All,
            limits,
            ..opened()
        }
    }

    async fn rows<T: serde::de::DeserializeOwned>(&self, kind: &str, session: &SessionId) -> Vec<T> {
        let page = RowPage { after: None, limit: 200, order: Order::Ascending };
        let store = self.sessions.shared.ledger.store();
        let rows = store.rows(kind, Some(session.as_str()), page).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(&row.body).unwrap()).collect()
    }

    async fn state(&self, session: &SessionId) -> SessionState {
        let row = self.sessions.shared.ledger.store().row(kind::SESSION, session.as_str()).await.unwrap();
        serde_json::from_str::<SessionRow>(&row.unwrap().body).unwrap().state
    }

    async fn until(
        &self,
        what: &str,
        session: &SessionId,
        like: impl Fn(&SessionState) -> bool,
    ) -> SessionState {
        let deadline = tokio::time::Instant::now() + LONG;
        loop {
            let state = self.state(session).await;
            if like(&state) {
                return state;
            }
            assert!(tokio::time::Instant::now() < deadline, "never came: {what}; it is {state:?}");
            // Only spaces the looks.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_idle(&self, session: &SessionId) {
        self.until("an idle session", session, |state| matches!(state, SessionState::Idle { .. })).await;
    }

    async fn until_hibernated(&self, session: &SessionId) {
        self.until("a hibernated session", session, |state| matches!(state, SessionState::Hibernated { .. }))
            .await;
    }

    async fn until_held_by_breaker(&self, session: &SessionId) {
        let held = |state: &SessionState| {
            matches!(state, SessionState::Queued { held_back: Some(HeldBack::Breaker { .. }) })
        };
        self.until("a session that the breaker keeps back", session, held).await;
    }

    async fn until_asked(&self, session: &SessionId) -> RequestRow {
        let asks = |state: &SessionState| matches!(state, SessionState::NeedsApproval { .. });
        self.until("a request", session, asks).await;
        let all = self.rows::<RequestRow>(kind::REQUEST, session).await;
        all.into_iter().find(|row| row.state == RequestState::Open).unwrap()
    }

    async fn allow(&self, asked: &RequestRow) {
        let command = SessionCommand::Answer {
            request: asked.request.id.clone(),
            decision: Decision::AllowOnce,
            reason: None,
            answers: Default::default(),
            via: "window".into(),
        };
        self.sessions.command(&asked.session, command, Cause::nox()).await.unwrap();
    }

    async fn until_over(&self, session: &SessionId) -> (Closed, Option<Problem>) {
        match self.until("the end", session, SessionState::is_closed).await {
            SessionState::Closed { how, problem } => (how, problem),
            state => panic!("{state:?}"),
        }
    }

    /// What a session said, and which limits were told in it.
    async fn told(&self, session: &SessionId) -> (Vec<String>, Vec<(LimitKind, LimitAction)>) {
        let (mut said, mut limits) = (Vec::new(), Vec::new());
        for item in self.rows::<Item>(kind::ITEM, session).await {
            match item.body {
                ItemBody::Message { text, .. } => said.push(text),
                ItemBody::Limit { hit } => limits.push((hit.limit, hit.action)),
                _ => {}
            }
        }
        (said, limits)
    }

    /// The kinds of events of one agent's stream.
    async fn breaker_events(&self) -> Vec<String> {
        let events = self.sessions.shared.ledger.store().events_after(0, 1_000).await.unwrap();
        let of_agent = events.iter().filter(|event| event.stream.starts_with("agent/"));
        of_agent.map(|event| event.kind.clone()).collect()
    }

    async fn ends_for(&self, opened: SessionOpened, limit: LimitKind) {
        let session = self.begin(opened).await;
        let (how, problem) = self.until_over(&session).await;
        let Some(Problem::Limit { hit }) = problem else { panic!("{problem:?}") };
        assert_eq!((how, hit.limit, hit.action), (Closed::Failed, limit, LimitAction::Ended));
        let ended = (limit, LimitAction::Ended);
        assert_eq!(self.told(&session).await.1.last(), Some(&ended));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_silence_goes_when_output_comes_or_somebody_waits_on() {
    let bench = bench_on(places(2), quick(), None);
    let life = LifeRules { stall_after_seconds: 1, ..LifeRules::default() };
    let gate = bench.folder.path().join("gate");
    let text = format!("until test -e '{}'; do sleep 0.02; done; echo heard; sleep 60", gate.display());
    let silent = bench.begin(SessionOpened { life, ..bench.shell(&text, Limits::default()) }).await;
    let waited = bench.begin(SessionOpened { life, ..bench.shell("sleep 60", Limits::default()) }).await;
    let stalled = |state: &SessionState| matches!(state, SessionState::Stalled { .. });
    let running = |state: &SessionState| matches!(state, SessionState::Running { .. });
    bench.until("a question about silence", &silent, stalled).await;
    std::fs::write(&gate, "").unwrap();
    bench.until("no question after output", &silent, running).await;

    bench.until("a question about silence", &waited, stalled).await;
    bench.sessions.command(&waited, SessionCommand::Wait, Cause::nox()).await.unwrap();
    let since = std::time::Instant::now();
    assert!(running(&bench.state(&waited).await));
    bench.until("the question again", &waited, stalled).await;
    assert!(since.elapsed() > Duration::from_millis(1_500), "it waits as long as before");
    for session in [silent, waited] {
        bench.sessions.command(&session, SessionCommand::Stop, Cause::nox()).await.unwrap();
        bench.until_over(&session).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_idle_session_sleeps_first_and_only_a_prompt_wakes_it() {
    let bench = bench_on(places(2), Rhythm::default(), None);
    let mut all = Vec::new();
    for _ in 0..2 {
        all.push(bench.begin(recorded(TWO_TURNS)).await);
        bench.until_idle(all.last().unwrap()).await;
    }
    all.push(bench.begin(recorded(TWO_TURNS)).await);
    bench.until_hibernated(&all[0]).await;
    bench.until_idle(&all[2]).await;
    assert!(matches!(bench.state(&all[1]).await, SessionState::Idle { .. }), "only one had to go");

    // Everything of it is read, and it sleeps on.
    assert_eq!(bench.told(&all[0]).await.0, ["one"]);
    bench.sessions.stored(&all[0]).await.unwrap().unwrap();
    assert!(!bench.sessions.table().awake.contains_key(&all[0]));
    bench.until_hibernated(&all[0]).await;

    let prompt = SessionCommand::Prompt { text: "go on".into(), images: vec![] };
    bench.sessions.command(&all[0], prompt, Cause::nox()).await.unwrap();
    bench.until_hibernated(&all[1]).await;
    bench.until_idle(&all[0]).await;
    assert_eq!(bench.told(&all[0]).await.0, ["one", "two"], "it went on where it was");
    assert!(matches!(bench.state(&all[2]).await, SessionState::Idle { .. }));
    bench.sessions.park_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_a_person_lends_its_place_and_runs_exactly_once() {
    let bench = bench_on(places(1), Rhythm::default(), None);
    let ask = SessionOpened {
        pre_allowed: PreAllowed::Nothing,
        ..bench.shell("echo ran >> ran", Limits::default())
    };
    let folder = PathBuf::from(&ask.folder);
    let first = bench.begin(ask).await;
    let asked = bench.until_asked(&first).await;
    let other = bench.begin(bench.shell("true", Limits::default())).await;
    assert_eq!(bench.until_over(&other).await.0, Closed::Finished);
    assert!(!bench.sessions.shared.scheduler.holds(&first), "its place was lent");
    assert_eq!(bench.until_asked(&first).await.request.id, asked.request.id);
    bench.allow(&asked).await;
    assert_eq!(bench.until_over(&first).await, (Closed::Finished, None));
    assert_eq!(std::fs::read_to_string(folder.join("ran")).unwrap(), "ran\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_above_the_budget_puts_idle_sessions_to_sleep() {
    let scheduler = Scheduler::new(Caps { live: 9, per_minute: 0, memory_mb: 1 });
    let bench = bench_on(scheduler, quick(), None);
    let idle = bench.begin(recorded(TWO_TURNS)).await;
    bench.until_idle(&idle).await;
    tokio::spawn(crate::limits::watch_memory(bench.sessions.clone()));
    let text = "(head -c 20000000 /dev/zero; sleep 60) | tail -n 1";
    let large = bench.begin(bench.shell(text, Limits::default())).await;
    bench.until_hibernated(&idle).await;
    let waits = bench.begin(recorded(TWO_TURNS)).await;
    let held = |state: &SessionState| {
        matches!(state, SessionState::Queued { held_back: Some(HeldBack::Memory { budget_mb: 1, .. }) })
    };
    bench.until("a session without memory", &waits, held).await;
    bench.sessions.command(&large, SessionCommand::Stop, Cause::nox()).await.unwrap();
    bench.until_idle(&waits).await;
    bench.sessions.park_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_opens_after_crashes_and_one_run_closes_it() {
    let bench = bench_on(places(9).with_breakers(Duration::from_millis(500)), Rhythm::default(), None);
    for _ in 0..3 {
        let mut crashes = recorded("{\"crash\":\"boom\"}");
        crashes.life.restart = Restart::Never;
        let session = bench.begin(crashes).await;
        bench.until("a failure", &session, |state| matches!(state, SessionState::Lost { .. })).await;
    }
    let tries = bench.begin(recorded(ASKS)).await;
    bench.until_held_by_breaker(&tries).await;
    let next = bench.begin(recorded(TWO_TURNS)).await;
    let asked = bench.until_asked(&tries).await;
    bench.until_held_by_breaker(&next).await;
    assert_eq!(bench.breaker_events().await, ["breaker_opened"]);
    bench.allow(&asked).await;
    bench.until_idle(&next).await;
    assert_eq!(bench.breaker_events().await, ["breaker_opened", "breaker_closed"]);
    bench.sessions.park_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_breakdowns_open_a_breaker_and_no_refusal_for_settings_does() {
    use AgentFault::*;
    let bench = bench_on(places(99), Rhythm::default(), None);
    let life = LifeRules { wait_for_limit: false, restart: Restart::Never, ..LifeRules::default() };
    let of = |fault: AgentFault| {
        let word = serde_json::to_value(fault).unwrap();
        let word = word.as_str().unwrap().replace('_', "-");
        let agent = AgentId::parse(&word).unwrap();
        let line = serde_json::json!({ "fault": { "fault": fault, "message": "no luck" } }).to_string();
        SessionOpened { agent, life, ..recorded(&line) }
    };
    let failed = |state: &SessionState| match state {
        SessionState::Idle { problem }
        | SessionState::Hibernated { problem }
        | SessionState::Closed { problem, .. } => problem.is_some(),
        _ => false,
    };
    for fault in [NotInstalled, NotSignedIn, BadKey, ContextFull, Refused, Elsewhere, Settings] {
        for _ in 0..4 {
            let session = bench.begin(of(fault)).await;
            bench.until("a refusal", &session, failed).await;
        }
    }
    // So is what is found before a start: a folder that is not there.
    for _ in 0..4 {
        let session = bench.begin(opened()).await;
        bench.until("a refusal", &session, failed).await;
    }
    assert_eq!(bench.breaker_events().await, [""; 0]);
    for fault in [RateLimit, Overloaded, Unreachable, Protocol, Crashed] {
        for _ in 0..3 {
            let session = bench.begin(of(fault)).await;
            bench.until("a breakdown", &session, failed).await;
        }
        let next = bench.begin(of(fault)).await;
        bench.until_held_by_breaker(&next).await;
    }
    bench.sessions.park_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_limited_but_not_that_of_a_person() {
    let bench = bench_on(places(9), Rhythm::default(), None);
    let limits = Limits { max_wall_seconds: Some(1), ..Limits::default() };
    let waits = bench.begin(SessionOpened { limits, ..recorded(ASKS) }).await;
    let asked = bench.until_asked(&waits).await;
    let hangs = bench.begin(SessionOpened { limits, ..recorded("{\"hang\":null}") }).await;
    let ended = |state: &SessionState| !matches!(state, SessionState::Running { .. });
    bench.until("a session that works", &hangs, |state| !ended(state)).await;
    bench.until("the end of its time", &hangs, ended).await;
    let both = [LimitAction::Warned, LimitAction::Ended].map(|action| (LimitKind::Wall, action));
    assert_eq!(bench.told(&hangs).await.1, both);
    bench.allow(&asked).await;
    bench.until_idle(&waits).await;
    assert_eq!(bench.told(&waits).await.1, []);
    bench.sessions.park_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn output_disk_and_memory_end_the_run_that_takes_too_much() {
    let bench = bench_on(places(9), quick(), None);
    let floods = Limits { max_output_mb: Some(1), ..Limits::default() };
    let text = "head -c 3000000 /dev/zero; sleep 60";
    let fills = Limits { max_disk_mb: Some(1), ..Limits::default() };
    let writes = "for part in a b c; do head -c 700000 /dev/zero > $part; done; sleep 60";
    // It stays below what it may hold, and that is near it.
    let stays = Limits { max_memory_mb: Some(100), ..Limits::default() };
    let holds = "(head -c 97000000 /dev/zero; sleep 60) | tail -n 1";
    tokio::join!(
        bench.ends_for(bench.shell(text, floods), LimitKind::Output),
        bench.ends_for(bench.shell(writes, fills), LimitKind::Disk),
        bench.ends_for(bench.shell(holds, stays), LimitKind::Memory),
    );
}
