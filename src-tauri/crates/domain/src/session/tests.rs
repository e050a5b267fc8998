//! The life of a session as a table of small stories, and a property: replay gives what live gave.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::{
    agent::Runtime,
    event::{PreAllowed, UnknownChoice},
    ids::{AgentId, SessionId},
    life::{LifeRules, OnCrash},
    policy::Policy,
    rows::{RequestState, Row, SessionState},
    tool::ToolKind,
};
use proptest::prelude::*;
use uuid::Uuid;

/// A session that is driven as its actor drives it, with a counter for ids and a clock that ticks once a step.
pub(super) struct Play {
    pub(super) session: Session,
    pub(super) log: Vec<(Event, At)>,
    pub(super) effects: Vec<Effect>,
    pub(super) rows: Vec<Row>,
    pub(super) policy: Policy,
    next: u128,
    pub(super) at: At,
}

impl Play {
    /// What the connection is asked: each in the turn that runs.
    pub(super) fn prompts(&self) -> Vec<&str> {
        let turn = self.session.turn.as_ref().map(|turn| &turn.id);
        let asked = self.effects.iter().map(|effect| match effect {
            Effect::Prompt(prompt) if Some(&prompt.turn) == turn => prompt.text.as_str(),
            other => panic!("only a prompt of the turn that runs: {other:?}"),
        });
        asked.collect()
    }

    fn new(pre_allowed: PreAllowed) -> Self {
        Self::of(Runtime::Runbook, LifeRules::default(), pre_allowed)
    }

    pub(super) fn of(runtime: Runtime, life: LifeRules, pre_allowed: PreAllowed) -> Self {
        let opened = SessionOpened {
            session: SessionId::from_uuid(Uuid::from_u128(1)),
            task: None,
            agent: AgentId::parse("runbook").unwrap(),
            agent_name: "Runbook".into(),
            agent_version: "v".into(),
            runtime,
            project: None,
            folder: "/p".into(),
            title: "t".into(),
            text: "text".into(),
            images: vec![],
            review: false,
            pre_allowed,
            environment: Default::default(),
            max_call_seconds: None,
            max_concurrent: None,
            limits: Default::default(),
            life,
            parent: None,
            depth: 0,
            worktree: None,
            schedule: None,
            instructions: String::new(),
            program: Default::default(),
            services: Default::default(),
            fork: None,
        };
        let mut next = 100u128;
        let mut ids = || {
            next += 1;
            Uuid::from_u128(next)
        };
        let step = Session::open(opened, &mut Now { at: At(1), ids: &mut ids });
        let session = Session::begin(&step.events[0], At(1)).unwrap();
        let mut play = Self {
            session,
            log: vec![(step.events[0].clone(), At(1))],
            effects: vec![],
            rows: vec![],
            policy: Policy::default(),
            next,
            at: At(1),
        };
        let rest = Step { events: step.events[1..].to_vec(), effects: step.effects };
        play.take(rest);
        play
    }

    pub(super) fn take(&mut self, step: Step) {
        self.rows = Session::rows_after(Some(&self.session), &step.events, self.at);
        for event in &step.events {
            self.session.apply(event, self.at);
            self.log.push((event.clone(), self.at));
        }
        self.session.settle();
        self.effects = step.effects;
    }

    pub(super) fn with<T>(&mut self, f: impl FnOnce(&Session, &Policy, &mut Now<'_>) -> T) -> T {
        self.at = At(self.at.0 + 1);
        let mut next = self.next;
        let mut ids = || {
            next += 1;
            Uuid::from_u128(next)
        };
        let out = f(&self.session, &self.policy, &mut Now { at: self.at, ids: &mut ids });
        self.next = next;
        out
    }

    pub(super) fn place(&mut self) {
        let step = self.with(|s, _, now| s.place_granted(now));
        self.take(step);
    }

    pub(super) fn hear(&mut self, signal: Signal) {
        let generation = self.session.generation();
        let step = self.with(|s, policy, now| s.hear(generation, signal, policy, now));
        self.take(step);
    }

    pub(super) fn want(&mut self, command: SessionCommand) -> Result<(), Rejection> {
        let step = self.with(|s, _, now| s.decide(&command, now))?;
        self.take(step);
        Ok(())
    }

    pub(super) fn answer(&mut self, decision: Decision) -> Result<(), Rejection> {
        let request = self.session.open_requests().next().unwrap().id.clone();
        self.want(SessionCommand::Answer {
            request,
            decision,
            reason: None,
            answers: Default::default(),
            via: "window".into(),
        })
    }

    pub(super) fn crash(&mut self) {
        let step = self.with(|s, _, now| s.recover(now));
        self.take(step);
    }

    pub(super) fn live(pre_allowed: PreAllowed) -> Self {
        let mut play = Self::new(pre_allowed);
        play.place();
        play.hear(Signal::Live);
        play
    }
}

pub(super) fn call(block: u32, text: &str) -> Box<ToolCall> {
    Box::new(ToolCall {
        key: format!("block:{block}"),
        kind: ToolKind::Execute,
        title: text.into(),
        text: text.into(),
        shell: "sh".into(),
        folder: "/p".into(),
        outside: false,
        environment: vec![],
        environment_hash: String::new(),
        sandbox: "none".into(),
        timeout_seconds: None,
        continue_on_failure: false,
        ..ToolCall::default()
    })
}

pub(super) fn ended(block: u32, end: CallEnd) -> Signal {
    Signal::CallEnded { key: format!("block:{block}"), end, output: None }
}

#[test]
fn a_call_is_asked_allowed_run_and_the_session_finishes() {
    let mut play = Play::live(PreAllowed::Nothing);
    play.hear(Signal::Proposed(call(1, "make")));
    assert!(matches!(play.effects[..], [Effect::Asked(_)]));
    assert!(matches!(play.session.state(), SessionState::NeedsApproval { open: 1, .. }));
    assert!(play.rows.iter().any(|row| matches!(row, Row::Request(r) if r.state == RequestState::Open)));
    play.answer(Decision::AllowOnce).unwrap();
    assert!(matches!(&play.effects[..], [Effect::Deliver { allowed: true, by_person: true, .. }]));
    play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
    assert!(matches!(play.session.state(), SessionState::Running { doing: Some(_) }));
    play.hear(ended(1, CallEnd::Succeeded));
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None });
    assert_eq!(play.session.closed, Some(Closed::Finished));
    assert!(play.effects.contains(&Effect::Settled(Closed::Finished)));
    assert_eq!(play.want(SessionCommand::Stop), Err(Rejection::Over));
    assert_eq!(play.want(SessionCommand::Continue), Err(Rejection::Finished));
}

#[test]
fn a_request_is_answered_once() {
    let mut play = Play::live(PreAllowed::Nothing);
    play.hear(Signal::Proposed(call(1, "make")));
    let request = play.session.open_requests().next().unwrap().id.clone();
    let answer = |decision| SessionCommand::Answer {
        request: request.clone(),
        decision,
        reason: None,
        answers: Default::default(),
        via: "cli".into(),
    };
    play.want(answer(Decision::Deny)).unwrap();
    assert_eq!(play.want(answer(Decision::AllowOnce)), Err(Rejection::RequestNotOpen));
}

#[test]
fn after_a_crash_the_request_is_open_and_its_answer_is_delivered_once() {
    let mut play = Play::live(PreAllowed::Nothing);
    play.hear(Signal::Proposed(call(1, "make")));
    play.crash();
    assert!(matches!(play.session.state(), SessionState::NeedsApproval { .. }));
    assert!(play.effects.is_empty(), "nothing starts before the answer");
    play.answer(Decision::AllowOnce).unwrap();
    assert_eq!(play.effects, [Effect::WantPlace]);
    play.place();
    assert!(matches!(&play.effects[..], [Effect::StartRun { generation: 2, done, .. }] if done.is_empty()));
    play.hear(Signal::Live);
    play.hear(Signal::Proposed(call(1, "make")));
    assert!(matches!(&play.effects[..], [Effect::Deliver { allowed: true, .. }]));
    play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
    play.hear(ended(1, CallEnd::Succeeded));
    play.hear(Signal::Proposed(call(1, "make")));
    assert!(matches!(play.effects[..], [Effect::Asked(_)]), "the answer was used up");
}

#[test]
fn a_changed_call_after_a_crash_withdraws_the_old_request() {
    let mut play = Play::live(PreAllowed::Nothing);
    play.hear(Signal::Proposed(call(1, "make")));
    play.crash();
    play.answer(Decision::AllowOnce).unwrap();
    play.place();
    play.hear(Signal::Live);
    play.hear(Signal::Proposed(call(1, "make install")));
    assert!(
        play.log.iter().any(|(e, _)| matches!(e, Event::PermissionWithdrawn { why, .. } if why == "changed"))
    );
    assert!(matches!(play.effects[..], [Effect::Asked(_)]));
}

#[test]
fn a_run_that_was_lost_before_it_began_is_begun_again_without_asking() {
    let mut play = Play::new(PreAllowed::Nothing);
    play.place();
    play.crash();
    assert_eq!(play.session.state(), SessionState::Queued { held_back: None });
    assert_eq!(play.effects, [Effect::WantPlace]);
    play.place();
    assert!(matches!(play.effects[..], [Effect::StartRun { generation: 2, .. }]));
}

#[test]
fn a_running_call_is_unknown_after_a_crash_and_waits_for_a_person() {
    for (choice, asked_again) in [(UnknownChoice::Again, true), (UnknownChoice::Skip, false)] {
        let mut play = Play::live(PreAllowed::Nothing);
        play.hear(Signal::Proposed(call(1, "make")));
        play.answer(Decision::AllowOnce).unwrap();
        play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
        play.crash();
        let SessionState::NeedsChoice { item, .. } = play.session.state() else {
            panic!("{:?}", play.session.state())
        };
        let again = play.with(|s, _, now| s.recover(now));
        assert_eq!(again, Step::default(), "a second recovery gives nothing new");
        assert!(!play.session.wants_place());
        play.want(SessionCommand::Resolve { item, choice }).unwrap();
        assert_eq!(play.effects, [Effect::WantPlace]);
        play.place();
        let Effect::StartRun { done, .. } = &play.effects[0] else { panic!() };
        assert_eq!(done.is_empty(), asked_again);
        play.hear(Signal::Live);
        if asked_again {
            play.hear(Signal::Proposed(call(1, "make")));
            assert!(
                matches!(&play.effects[..], [Effect::Deliver { allowed: true, .. }]),
                "choosing again is the permission"
            );
            play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
            play.hear(ended(1, CallEnd::Succeeded));
            play.hear(Signal::Proposed(call(2, "make")));
            assert!(matches!(play.effects[..], [Effect::Asked(_)]), "only once");
        }
    }
}

#[test]
fn a_run_lost_between_calls_can_be_continued() {
    let ask = LifeRules { on_crash: OnCrash::Ask, ..LifeRules::default() };
    let mut play = Play::of(Runtime::Runbook, ask, PreAllowed::All);
    play.place();
    play.hear(Signal::Live);
    play.hear(Signal::Proposed(call(1, "make")));
    play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
    play.hear(ended(1, CallEnd::Succeeded));
    play.crash();
    assert_eq!(play.session.state(), SessionState::Lost { problem: None });
    play.want(SessionCommand::Continue).unwrap();
    assert_eq!(play.effects, [Effect::WantPlace]);
    play.crash();
    assert_eq!(play.effects, [Effect::WantPlace], "the wish survives a crash");
    play.place();
    assert!(matches!(&play.effects[..], [Effect::StartRun { done, .. }] if *done == ["block:1"]));
}

#[test]
fn stop_withdraws_what_is_open_and_old_signals_are_dropped() {
    let mut play = Play::live(PreAllowed::Nothing);
    play.hear(Signal::Proposed(call(1, "make")));
    play.want(SessionCommand::Stop).unwrap();
    assert_eq!(play.effects, [Effect::StopRun]);
    assert_eq!(play.session.state(), SessionState::Stopping);
    assert_eq!(play.want(SessionCommand::Stop), Err(Rejection::AlreadyStopping));
    play.hear(Signal::RunEnded { how: RunEnd::Killed, detail: None });
    assert_eq!(play.session.closed, Some(Closed::Stopped));
    assert!(
        play.rows
            .iter()
            .any(|row| matches!(row, Row::Request(r) if matches!(r.state, RequestState::Withdrawn { .. })))
    );
    play.hear(Signal::Said("late".into()));
    assert!(play.effects.is_empty());
    assert!(!play.log.iter().any(|(event, _)| matches!(event, Event::Said { .. })));
    play.want(SessionCommand::Continue).unwrap();
    assert_eq!(play.session.state(), SessionState::Queued { held_back: None });
}

#[test]
fn pre_allowance_covers_the_first_or_all() {
    let mut first = Play::live(PreAllowed::First);
    first.hear(Signal::Proposed(call(1, "a")));
    assert!(matches!(&first.effects[..], [Effect::Deliver { .. }]));
    first.hear(Signal::Proposed(call(2, "b")));
    assert!(matches!(&first.effects[..], [Effect::Asked(_)]));
}

#[test]
fn for_this_session_covers_the_same_call_only() {
    let mut play = Play::live(PreAllowed::Nothing);
    play.hear(Signal::Proposed(call(1, "a")));
    play.answer(Decision::AllowSession).unwrap();
    play.hear(ended(1, CallEnd::Succeeded));
    play.hear(Signal::Proposed(call(2, "a")));
    assert!(matches!(&play.effects[..], [Effect::Deliver { .. }]));
    play.hear(Signal::Proposed(call(3, "b")));
    assert!(matches!(&play.effects[..], [Effect::Asked(_)]));
}

#[test]
fn a_connection_that_ends_inside_a_turn_fails_it_or_asks() {
    let mut play = Play::live(PreAllowed::All);
    for number in 1..=3 {
        play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: Some("boom".into()) });
        let SessionState::Restarting { number: found, at } = play.session.state() else {
            panic!("{:?}", play.session.state())
        };
        assert_eq!(found, number);
        assert!(at > play.at, "it waits before it starts again");
        assert_eq!(play.effects, [Effect::GivePlaceBack, Effect::RestartAt(at)]);
        let step = play.session.restart_due();
        assert_eq!(step.effects, [Effect::WantPlace]);
        play.place();
        play.hear(Signal::Live);
    }
    play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: Some("boom".into()) });
    let problem = Some(Problem::ConnectionEnded { message: "boom".into() });
    assert_eq!(play.session.state(), SessionState::Lost { problem }, "the fourth time a person is asked");
    let mut play = Play::live(PreAllowed::All);
    play.hear(Signal::Proposed(call(1, "make")));
    play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
    play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None });
    assert!(matches!(play.session.state(), SessionState::NeedsChoice { .. }));
}

#[derive(Debug, Clone)]
enum Move {
    Place,
    Live,
    Propose(u32),
    Start(u32),
    End(u32, bool),
    Answer(bool),
    Stop,
    Crash,
    Resolve(bool),
    Continue,
    TurnEnded(bool),
    RunEnded,
    Delete,
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => Just(Move::Place),
        3 => Just(Move::Live),
        4 => (1u32..4).prop_map(Move::Propose),
        3 => (1u32..4).prop_map(Move::Start),
        3 => (1u32..4, any::<bool>()).prop_map(|(b, ok)| Move::End(b, ok)),
        3 => any::<bool>().prop_map(Move::Answer),
        1 => Just(Move::Stop),
        2 => Just(Move::Crash),
        2 => any::<bool>().prop_map(Move::Resolve),
        1 => Just(Move::Continue),
        1 => any::<bool>().prop_map(Move::TurnEnded),
        1 => Just(Move::RunEnded),
        1 => Just(Move::Delete),
    ]
}

proptest! {
    #[test]
    fn replay_equals_live_and_nothing_runs_unasked(moves in proptest::collection::vec(any_move(), 0..60)) {
        let mut play = Play::new(PreAllowed::Nothing);
        for next in moves {
            match next {
                Move::Place => play.place(),
                Move::Live => play.hear(Signal::Live),
                Move::Propose(b) => play.hear(Signal::Proposed(call(b, &format!("make {b}")))),
                Move::Start(b) => play.hear(Signal::CallStarted { key: format!("block:{b}"), process: None }),
                Move::End(b, ok) => play.hear(ended(b, if ok { CallEnd::Succeeded } else { CallEnd::Cancelled })),
                Move::Answer(yes) => {
                    if play.session.open_requests().next().is_some() {
                        let _ = play.answer(if yes { Decision::AllowOnce } else { Decision::Deny });
                    }
                }
                Move::Stop => { let _ = play.want(SessionCommand::Stop); }
                Move::Crash => play.crash(),
                Move::Resolve(again) => {
                    if let SessionState::NeedsChoice { item, .. } = play.session.state() {
                        let choice = if again { UnknownChoice::Again } else { UnknownChoice::Skip };
                        let _ = play.want(SessionCommand::Resolve { item, choice });
                    }
                }
                Move::Continue => { let _ = play.want(SessionCommand::Continue); }
                Move::TurnEnded(well) => play.hear(Signal::TurnEnded {
                    end: if well { TurnEnd::End } else { TurnEnd::Failed },
                    problem: None,
                }),
                Move::RunEnded => play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None }),
                Move::Delete => { let _ = play.want(SessionCommand::Delete); }
            }
            for effect in &play.effects {
                if let Effect::Deliver { item, allowed, .. } = effect {
                    let decided = play.log.iter().any(|(event, _)| matches!(event,
                        Event::PermissionDecided { item: of, decision, .. } if of == item && decision.allows() == *allowed));
                    prop_assert!(decided, "nothing is delivered without a stored decision");
                }
            }
            let replayed = Session::replay(play.log.iter().map(|(event, at)| (event, *at)));
            prop_assert_eq!(replayed.as_ref(), Some(&play.session));
            let json = serde_json::to_string(&play.session).unwrap();
            prop_assert_eq!(serde_json::from_str::<Session>(&json).unwrap(), play.session.clone());
            if play.session.closed.is_some() {
                prop_assert!(play.session.open_requests().next().is_none());
                prop_assert!(!play.session.calls.iter().any(|c| c.status == CallStatus::Running));
            }
        }
    }
}

#[test]
fn a_place_that_is_told_twice_is_not_given_back_from_under_its_run() {
    let mut play = Play::live(PreAllowed::All);
    play.place();
    assert!(play.effects.is_empty(), "{:?}", play.effects);
}

#[test]
fn a_deleted_session_does_not_go_on() {
    let mut play = Play::new(PreAllowed::All);
    play.want(SessionCommand::Stop).unwrap();
    play.want(SessionCommand::Delete).unwrap();
    assert_eq!(play.want(SessionCommand::Continue), Err(Rejection::Hidden));
    play.want(SessionCommand::Restore).unwrap();
    play.want(SessionCommand::Continue).unwrap();
}

#[test]
fn a_stored_state_without_its_later_fields_is_read() {
    let session = Play::new(PreAllowed::All).session;
    let mut stored = serde_json::to_value(&session).unwrap();
    let fields = stored.as_object_mut().unwrap();
    for field in ["deleted", "calls", "granted", "pre_allowance_used", "stopping", "resume_wanted"] {
        fields.remove(field).unwrap();
    }
    assert_eq!(serde_json::from_value::<Session>(stored).unwrap(), session);
}
