//! Stories around a session's turns: pauses, prompts, hibernation, restarts, silence, limits.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    tests::{Play, call, ended},
    *,
};
use crate::{
    agent::Runtime,
    event::PreAllowed,
    life::{LifeRules, LimitAction, LimitKind, Restart},
    rows::SessionState,
};

#[test]
fn a_crash_lets_a_session_go_on_by_itself_three_times_and_then_asks() {
    let mut play = Play::live(PreAllowed::All);
    for _ in 0..3 {
        play.crash();
        assert!(
            matches!(play.session.state(), SessionState::Restarting { .. }),
            "{:?}",
            play.session.state()
        );
        assert_eq!(play.effects, [Effect::RestartAt(play.at)], "a crash costs no wait");
        play.place();
        play.hear(Signal::Live);
    }
    play.crash();
    assert_eq!(play.session.state(), SessionState::Lost { problem: None });
    play.want(SessionCommand::Continue).unwrap();
    assert_eq!(play.effects, [Effect::WantPlace]);
}

#[test]
fn an_agent_that_is_never_restarted_waits_for_a_person_at_once() {
    let never = LifeRules { restart: Restart::Never, ..LifeRules::default() };
    let mut play = Play::of(Runtime::Runbook, never, PreAllowed::All);
    play.place();
    play.hear(Signal::Live);
    play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None });
    assert!(matches!(play.session.state(), SessionState::Lost { problem: Some(_) }));
}

#[test]
fn a_failure_that_the_driver_tells_is_not_tried_again() {
    let mut play = Play::live(PreAllowed::All);
    let problem = Some(Problem::NotStarted { message: "no such folder".into() });
    play.hear(Signal::TurnEnded { end: TurnEnd::Failed, problem });
    play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None });
    assert_eq!(play.session.closed, Some(Closed::Failed));
}

#[test]
fn a_paused_session_begins_nothing_and_goes_on_where_it_was() {
    let mut play = Play::live(PreAllowed::Nothing);
    play.hear(Signal::Proposed(call(1, "make")));
    play.want(SessionCommand::Pause { why: PauseWhy::Person }).unwrap();
    assert_eq!(play.want(SessionCommand::Pause { why: PauseWhy::Person }), Err(Rejection::AlreadyPaused));
    assert!(matches!(play.session.state(), SessionState::NeedsApproval { .. }), "a request is still open");
    play.answer(Decision::AllowOnce).unwrap();
    assert_eq!(play.effects, [], "it is told when the session goes on");
    assert!(matches!(play.session.state(), SessionState::Paused { finishing: None, .. }));
    play.want(SessionCommand::Continue).unwrap();
    assert!(matches!(&play.effects[..], [Effect::Deliver { allowed: true, by_person: true, .. }]));
    play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
    play.want(SessionCommand::Pause { why: PauseWhy::Disconnected }).unwrap();
    assert!(matches!(play.session.state(), SessionState::Paused { finishing: Some(_), .. }));
}

#[test]
fn what_was_allowed_in_a_pause_has_not_begun_when_nox_is_killed() {
    let mut play = Play::live(PreAllowed::Nothing);
    play.hear(Signal::Proposed(call(1, "make")));
    play.want(SessionCommand::Pause { why: PauseWhy::Person }).unwrap();
    play.answer(Decision::AllowOnce).unwrap();
    play.crash();
    assert!(matches!(play.session.state(), SessionState::Paused { .. }), "{:?}", play.session.state());
    play.want(SessionCommand::Continue).unwrap();
    play.place();
    play.hear(Signal::Live);
    play.hear(Signal::Proposed(call(1, "make")));
    assert!(matches!(&play.effects[..], [Effect::Deliver { allowed: true, .. }]));
}

#[test]
fn a_run_that_waits_for_a_person_can_be_closed_and_is_opened_by_the_answer() {
    let mut play = Play::live(PreAllowed::Nothing);
    assert!(!play.session.can_hibernate(), "a run that works is not idle");
    play.hear(Signal::Proposed(call(1, "make")));
    let step = play.session.hibernate();
    assert_eq!(step.effects, [Effect::StopRun]);
    play.take(step);
    play.hear(Signal::TurnEnded { end: TurnEnd::Cancelled, problem: None });
    play.hear(Signal::RunEnded { how: RunEnd::Killed, detail: None });
    assert!(matches!(play.session.state(), SessionState::NeedsApproval { .. }));
    assert_eq!(play.effects, [Effect::GivePlaceBack]);
    play.answer(Decision::AllowOnce).unwrap();
    assert_eq!(play.effects, [Effect::WantPlace]);
}

/// A session whose runtime takes prompts, in its first turn.
fn talk() -> Play {
    let mut play = Play::of(Runtime::Recorded, LifeRules::default(), PreAllowed::All);
    play.place();
    play.hear(Signal::Live);
    play.hear(Signal::Named("foreign-1".into()));
    play
}

#[test]
fn prompts_wait_for_their_turn_and_an_idle_run_takes_the_next_at_once() {
    let mut play = talk();
    let prompt = |text: &str| SessionCommand::Prompt { text: text.into(), images: vec![] };
    play.want(prompt("second")).unwrap();
    assert_eq!(play.effects, [], "the first turn still runs");
    assert_eq!(play.want(prompt("  ")), Err(Rejection::EmptyPrompt));
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    assert_eq!(play.prompts(), ["second"]);
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    assert_eq!(play.effects, [Effect::Settled(Closed::Finished)]);
    assert_eq!(play.session.state(), SessionState::Idle { problem: None });
    play.want(prompt("third")).unwrap();
    assert_eq!(play.prompts(), ["third"]);
    assert!(matches!(play.session.state(), SessionState::Running { .. }));
}

/// Ends its run as if it were killed, and answers whether the next one is told that its agent has heard something.
fn heard_after_kill(play: &mut Play) -> bool {
    play.hear(Signal::RunEnded { how: RunEnd::Lost, detail: None });
    if play.session.wants_place() {
        play.place();
    } else {
        play.want(SessionCommand::Prompt { text: "more".into(), images: vec![] }).unwrap();
        play.place();
    }
    let heard = play.effects.iter().find_map(|effect| match effect {
        Effect::StartRun { heard, resume, .. } => Some((*heard, resume.is_some())),
        _ => None,
    });
    let (heard, resumes) = heard.unwrap();
    assert!(resumes, "it goes on where it was");
    heard
}

#[test]
fn an_agent_has_heard_something_when_it_did_something_or_was_through_with_a_turn() {
    assert!(!heard_after_kill(&mut talk()), "it was opened and named, and ended before it said anything");
    let mut play = talk();
    play.hear(Signal::Writing { item: ItemId::from_uuid(uuid::Uuid::nil()), thought: true });
    assert!(heard_after_kill(&mut play));
    let mut play = talk();
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    assert!(heard_after_kill(&mut play));
}

#[test]
fn an_idle_session_is_closed_and_a_prompt_wakes_it_where_it_was() {
    let mut play = talk();
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    let step = play.session.hibernate();
    play.take(step);
    play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None });
    assert_eq!(play.session.state(), SessionState::Hibernated { problem: None });
    play.crash();
    assert_eq!(play.effects, [], "nothing wakes it but a prompt");
    play.want(SessionCommand::Prompt { text: "more".into(), images: vec![] }).unwrap();
    assert_eq!(play.effects, [Effect::WantPlace]);
    play.place();
    let Effect::StartRun { resume, prompt, .. } = &play.effects[0] else { panic!() };
    assert_eq!(
        (resume.as_deref(), prompt.as_ref().map(|prompt| prompt.text.as_str())),
        (Some("foreign-1"), Some("more"))
    );
    play.want(SessionCommand::Stop).unwrap();
    play.hear(Signal::RunEnded { how: RunEnd::Killed, detail: None });
    assert_eq!(play.session.closed, Some(Closed::Stopped));
}

#[test]
fn an_end_between_two_turns_is_no_fault() {
    let mut play = talk();
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None });
    assert_eq!(play.session.state(), SessionState::Hibernated { problem: None });
    play.want(SessionCommand::Stop).unwrap();
    assert_eq!(play.session.closed, Some(Closed::Finished), "its work was done");
}

#[test]
fn silence_is_told_then_asked_and_a_restart_needs_consent() {
    let mut play = Play::live(PreAllowed::All);
    play.hear(Signal::Proposed(call(1, "make")));
    play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
    assert_eq!(play.want(SessionCommand::Restart), Err(Rejection::NotStalled));
    let stall = |step| crate::life::Stall { since: At(1), step, computes: false };
    let step = play.session.silent(stall(StallStep::Probed));
    assert_eq!(step.events.len(), 1);
    play.take(step);
    assert!(matches!(play.session.state(), SessionState::Running { .. }));
    assert_eq!(play.session.silent(stall(StallStep::Probed)), Step::default(), "told once");
    let step = play.session.silent(stall(StallStep::Asked));
    play.take(step);
    assert!(matches!(play.session.state(), SessionState::Stalled { .. }));
    play.want(SessionCommand::Restart).unwrap();
    assert_eq!(play.effects, [Effect::StopRun]);
    play.hear(ended(1, CallEnd::Cancelled));
    play.hear(Signal::TurnEnded { end: TurnEnd::Cancelled, problem: None });
    play.hear(Signal::RunEnded { how: RunEnd::Killed, detail: None });
    assert!(matches!(play.session.state(), SessionState::Restarting { .. }));
    play.place();
    play.hear(Signal::Live);
    play.hear(Signal::Proposed(call(1, "make")));
    assert!(matches!(&play.effects[..], [Effect::Deliver { allowed: true, .. }]));
}

#[test]
fn the_question_about_silence_goes_when_something_is_heard_again() {
    let mut play = Play::live(PreAllowed::All);
    play.hear(Signal::Proposed(call(1, "make")));
    play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
    assert_eq!(play.session.heard_again(), Step::default(), "nobody was asked");
    let asked = Stall { since: At(1), step: StallStep::Asked, computes: true };
    play.take(play.session.silent(asked));
    assert!(matches!(play.session.state(), SessionState::Stalled { .. }));
    play.take(play.session.heard_again());
    assert!(matches!(play.session.state(), SessionState::Running { .. }));
    assert_eq!(play.want(SessionCommand::Wait), Err(Rejection::NotStalled));
    play.take(play.session.silent(asked));
    assert!(
        matches!(play.session.state(), SessionState::Stalled { .. }),
        "silence after that is asked about"
    );
}

#[test]
fn a_session_that_was_refused_is_told_once_in_each_turn_and_ends_nothing() {
    let mut play = talk();
    let refused = |limit| {
        let (value, allowed) = (Size(4), Size(3));
        Signal::Limit(crate::life::LimitHit { limit, value, allowed, action: LimitAction::Refused })
    };
    let told = |play: &Play| play.session.next_ord;
    let before = told(&play);
    play.hear(refused(LimitKind::Depth));
    play.hear(refused(LimitKind::Depth));
    play.hear(refused(LimitKind::SpawnRate));
    assert_eq!((told(&play) - before, &play.session.limit), (2, &None));
    assert!(matches!(play.session.state(), SessionState::Running { .. }));
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    play.want(SessionCommand::Prompt { text: "more".into(), images: vec![] }).unwrap();
    let before = told(&play);
    play.hear(refused(LimitKind::Depth));
    assert_eq!(told(&play) - before, 1);
}

#[test]
fn a_limit_ends_the_run_and_says_which() {
    let mut play = Play::live(PreAllowed::All);
    play.hear(Signal::Proposed(call(1, "make")));
    play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
    let hit = crate::life::LimitHit {
        limit: LimitKind::Memory,
        value: Size(600),
        allowed: Size(512),
        action: LimitAction::Ended,
    };
    play.hear(Signal::Limit(hit));
    assert_eq!(play.effects, [Effect::StopRun]);
    play.hear(Signal::TurnEnded { end: TurnEnd::Cancelled, problem: None });
    play.hear(Signal::RunEnded { how: RunEnd::Killed, detail: None });
    assert_eq!(play.session.closed, Some(Closed::Failed));
    assert_eq!(play.session.problem, Some(Problem::Limit { hit }));
}

#[test]
fn the_state_of_a_long_session_stays_small() {
    let mut play = talk();
    for n in 0..200 {
        play.hear(Signal::Proposed(call(n, "make")));
        play.hear(ended(n, CallEnd::Succeeded));
    }
    assert!(play.session.calls.is_empty() && play.session.done.is_empty());
    let mut play = Play::live(PreAllowed::All);
    play.hear(Signal::Proposed(call(1, "make")));
    play.hear(ended(1, CallEnd::Succeeded));
    assert_eq!((play.session.calls.len(), play.session.done_keys()), (0, vec!["block:1".to_owned()]));
}
