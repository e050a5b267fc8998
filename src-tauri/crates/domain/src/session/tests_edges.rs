//! Stories where two things meet: a pause and a prompt, an answer and a run that is being closed, a crash and a stop.
//! Each was found by the model test, or by thinking of it.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    tests::{Play, call, ended},
    *,
};
use crate::{
    agent::Runtime,
    event::{PreAllowed, UnknownChoice},
    life::{LifeRules, LimitAction, LimitKind, OnCrash, Restart, Stall},
    rows::SessionState,
};

fn talk(life: LifeRules) -> Play {
    let mut play = Play::of(Runtime::Recorded, life, PreAllowed::All);
    play.place();
    play.hear(Signal::Live);
    play
}

fn prompt(text: &str) -> SessionCommand {
    SessionCommand::Prompt { text: text.into(), images: vec![] }
}

fn end(play: &mut Play, end: TurnEnd) {
    play.hear(Signal::TurnEnded { end, problem: None });
}

fn run_ends(play: &mut Play, how: RunEnd) {
    play.hear(Signal::RunEnded { how, detail: None });
}

fn hibernate(play: &mut Play) {
    let step = play.session.hibernate();
    assert_eq!(step.effects, [Effect::StopRun]);
    play.take(step);
}

fn fall_silent(play: &mut Play) {
    let step = play.session.silent(Stall { since: At(1), step: StallStep::Asked, computes: false });
    assert_eq!(step.events.len(), 1);
    play.take(step);
}

fn limit(play: &mut Play) -> LimitHit {
    let (limit, action) = (LimitKind::Memory, LimitAction::Ended);
    let hit = LimitHit { limit, value: Size(2), allowed: Size(1), action };
    play.hear(Signal::Limit(hit));
    hit
}

fn ends_of_calls(play: &Play) -> Vec<CallEnd> {
    let ends = play.log.iter().filter_map(|(event, _)| match event {
        Event::ToolCallEnded { end, .. } => Some(end.clone()),
        _ => None,
    });
    ends.collect()
}

fn starts(play: &mut Play) {
    play.place();
    assert!(matches!(play.effects[..], [Effect::StartRun { .. }]), "{:?}", play.effects);
    play.hear(Signal::Live);
}

fn waiting() -> Play {
    let mut play = Play::live(PreAllowed::Nothing);
    play.hear(Signal::Proposed(call(1, "make")));
    play
}

fn running() -> Play {
    let mut play = Play::live(PreAllowed::All);
    play.hear(Signal::Proposed(call(1, "make")));
    play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
    play
}

fn is_told(play: &Play, allowed: bool) -> bool {
    matches!(&play.effects[..], [Effect::Deliver { allowed: told, .. }] if *told == allowed)
}

#[test]
fn a_runbook_that_is_hibernated_says_that_it_was_cancelled_and_is_not_over() {
    let mut play = waiting();
    hibernate(&mut play);
    end(&mut play, TurnEnd::Cancelled);
    run_ends(&mut play, RunEnd::Killed);
    assert!(matches!(play.session.state(), SessionState::NeedsApproval { .. }));
    play.answer(Decision::AllowOnce).unwrap();
    starts(&mut play);
    play.hear(Signal::Proposed(call(1, "make")));
    assert!(is_told(&play, true));
}

#[test]
fn an_answer_while_the_run_is_being_closed_reaches_the_next_run() {
    for decision in [Decision::AllowOnce, Decision::Deny] {
        let mut play = waiting();
        hibernate(&mut play);
        play.answer(decision).unwrap();
        assert_eq!(play.effects, [], "the driver that is being closed is told nothing");
        run_ends(&mut play, RunEnd::Killed);
        assert_eq!(play.effects, [Effect::GivePlaceBack, Effect::WantPlace]);
        starts(&mut play);
        play.hear(Signal::Proposed(call(1, "make")));
        assert!(is_told(&play, decision.allows()), "{:?}", play.effects);
    }
}

#[test]
fn a_restart_with_consent_begins_the_same_turn_again() {
    let mut play = running();
    fall_silent(&mut play);
    play.want(SessionCommand::Restart).unwrap();
    play.hear(ended(1, CallEnd::Cancelled));
    end(&mut play, TurnEnd::Cancelled);
    run_ends(&mut play, RunEnd::Killed);
    assert!(matches!(play.session.state(), SessionState::Restarting { .. }), "{:?}", play.session.state());
    starts(&mut play);
    play.hear(Signal::Proposed(call(1, "make")));
    assert!(is_told(&play, true));
}

#[test]
fn a_restart_lets_nothing_run_that_was_denied() {
    let mut play = waiting();
    play.answer(Decision::Deny).unwrap();
    fall_silent(&mut play);
    play.want(SessionCommand::Restart).unwrap();
    run_ends(&mut play, RunEnd::Killed);
    starts(&mut play);
    play.hear(Signal::Proposed(call(1, "make")));
    assert!(matches!(play.effects[..], [Effect::Asked(_)]), "{:?}", play.effects);
}

#[test]
fn what_ended_well_before_a_restart_is_not_granted_again() {
    let mut play = Play::live(PreAllowed::Nothing);
    play.hear(Signal::Proposed(call(1, "make")));
    play.answer(Decision::AllowOnce).unwrap();
    play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
    fall_silent(&mut play);
    play.want(SessionCommand::Restart).unwrap();
    play.hear(ended(1, CallEnd::Succeeded));
    run_ends(&mut play, RunEnd::Killed);
    starts(&mut play);
    play.hear(Signal::Proposed(call(2, "make")));
    assert!(matches!(play.effects[..], [Effect::Asked(_)]), "the same text in another block is asked");
}

#[test]
fn a_limit_ends_a_runbook_as_failed_and_every_call_once() {
    let mut play = running();
    let hit = limit(&mut play);
    end(&mut play, TurnEnd::Cancelled);
    run_ends(&mut play, RunEnd::Killed);
    assert_eq!(play.session.closed, Some(Closed::Failed));
    assert_eq!(play.session.problem, Some(Problem::Limit { hit }));
    assert_eq!(ends_of_calls(&play), [CallEnd::Cancelled]);
}

#[test]
fn a_limit_is_not_forgotten_in_a_crash_and_tells_what_waited() {
    let mut play = talk(LifeRules::default());
    play.want(prompt("second")).unwrap();
    let hit = limit(&mut play);
    play.crash();
    assert_eq!(
        play.session.state(),
        SessionState::Closed { how: Closed::Failed, problem: Some(Problem::Limit { hit }) }
    );
    let ends = play.log.iter().filter(|(event, _)| matches!(event, Event::TurnEnded { .. }));
    assert_eq!(ends.count(), 2, "the prompt that waited has an end, too");
}

#[test]
fn a_stop_and_a_crash_give_a_call_one_end() {
    let mut play = running();
    play.want(SessionCommand::Stop).unwrap();
    play.crash();
    assert_eq!(play.session.closed, Some(Closed::Stopped));
    assert_eq!(ends_of_calls(&play), [CallEnd::Cancelled]);
}

#[test]
fn prompts_of_a_pause_begin_after_it_in_order() {
    let mut play = talk(LifeRules::default());
    end(&mut play, TurnEnd::End);
    play.want(SessionCommand::Pause { why: PauseWhy::Person }).unwrap();
    play.want(prompt("second")).unwrap();
    play.want(prompt("third")).unwrap();
    assert_eq!(play.effects, []);
    play.want(SessionCommand::Continue).unwrap();
    assert_eq!(play.prompts(), ["second"]);
    end(&mut play, TurnEnd::End);
    assert_eq!(play.prompts(), ["third"]);
}

#[test]
fn a_prompt_that_came_while_its_turn_waited_in_a_pause_does_not_overtake() {
    let mut play = talk(LifeRules::default());
    play.want(prompt("second")).unwrap();
    play.want(SessionCommand::Pause { why: PauseWhy::Person }).unwrap();
    end(&mut play, TurnEnd::End);
    play.want(prompt("third")).unwrap();
    run_ends(&mut play, RunEnd::Exit);
    play.want(SessionCommand::Continue).unwrap();
    play.place();
    assert!(
        matches!(&play.effects[..], [Effect::StartRun { prompt: Some(prompt), .. }] if prompt.text == "second")
    );
    play.want(prompt("fourth")).unwrap();
    assert_eq!(play.effects, [], "the run that is being started has its prompt");
    play.hear(Signal::Live);
    end(&mut play, TurnEnd::End);
    assert_eq!(play.prompts(), ["third"]);
}

#[test]
fn a_prompt_whose_run_cannot_be_started_ends_and_is_not_tried_for_ever() {
    let mut play = talk(LifeRules::default());
    play.want(prompt("second")).unwrap();
    play.want(SessionCommand::Pause { why: PauseWhy::Person }).unwrap();
    end(&mut play, TurnEnd::End);
    run_ends(&mut play, RunEnd::Exit);
    play.want(SessionCommand::Continue).unwrap();
    play.place();
    end(&mut play, TurnEnd::Failed);
    run_ends(&mut play, RunEnd::Exit);
    assert_eq!(play.effects, [Effect::GivePlaceBack]);
    assert_eq!(play.session.state(), SessionState::Hibernated { problem: None });
}

#[test]
fn a_prompt_to_a_session_that_is_being_stopped_is_refused() {
    let mut play = talk(LifeRules::default());
    play.want(SessionCommand::Stop).unwrap();
    assert_eq!(play.want(prompt("more")), Err(Rejection::AlreadyStopping));
}

#[test]
fn a_session_that_stands_by_has_nothing_to_continue() {
    let mut play = talk(LifeRules::default());
    play.hear(Signal::Named("foreign".into()));
    end(&mut play, TurnEnd::End);
    hibernate(&mut play);
    run_ends(&mut play, RunEnd::Killed);
    assert_eq!(play.want(SessionCommand::Continue), Err(Rejection::Finished));
}

#[test]
fn an_agent_that_always_stands_by_is_started_again_between_turns() {
    let mut play = talk(LifeRules { restart: Restart::Always, ..LifeRules::default() });
    end(&mut play, TurnEnd::End);
    run_ends(&mut play, RunEnd::Exit);
    assert!(matches!(play.session.state(), SessionState::Restarting { .. }));
    let step = play.session.restart_due();
    assert_eq!(step.effects, [Effect::WantPlace]);
    play.place();
    assert!(matches!(play.effects[..], [Effect::StartRun { prompt: None, .. }]));
    play.hear(Signal::Live);
    assert_eq!(play.session.state(), SessionState::Idle { problem: None });
}

#[test]
fn a_runbook_whose_end_was_told_is_closed_after_a_crash() {
    let mut play = Play::live(PreAllowed::All);
    end(&mut play, TurnEnd::End);
    play.crash();
    assert_eq!(play.session.closed, Some(Closed::Finished));
    assert!(play.effects.contains(&Effect::Settled(Closed::Finished)));
}

#[test]
fn choosing_stop_ends_a_run_that_lives_before_the_session_is_over() {
    let mut play = running();
    play.hear(ended(1, CallEnd::Unknown));
    let SessionState::NeedsChoice { item, .. } = play.session.state() else { panic!() };
    play.want(SessionCommand::Resolve { item, choice: UnknownChoice::Stop }).unwrap();
    assert_eq!(play.effects, [Effect::StopRun]);
    assert_eq!(play.session.state(), SessionState::Stopping);
    run_ends(&mut play, RunEnd::Killed);
    assert_eq!(play.session.closed, Some(Closed::Stopped));
}

#[test]
fn what_was_allowed_before_a_pause_is_not_begun_in_it() {
    let mut play = waiting();
    play.crash();
    play.answer(Decision::AllowOnce).unwrap();
    starts(&mut play);
    play.want(SessionCommand::Pause { why: PauseWhy::Person }).unwrap();
    play.hear(Signal::Proposed(call(1, "make")));
    assert_eq!(play.effects, [], "it is told when the session goes on");
    play.want(SessionCommand::Continue).unwrap();
    assert!(is_told(&play, true));
    play.hear(Signal::Proposed(call(1, "make")));
    assert_eq!(play.effects, [], "and once");
}

#[test]
fn an_answer_that_reached_no_driver_is_no_unknown_outcome() {
    let mut play = waiting();
    play.crash();
    play.answer(Decision::AllowOnce).unwrap();
    starts(&mut play);
    play.crash();
    assert!(matches!(play.session.state(), SessionState::Restarting { .. }), "{:?}", play.session.state());
    starts(&mut play);
    play.hear(Signal::Proposed(call(1, "make")));
    assert!(is_told(&play, true));
    play.crash();
    assert!(matches!(play.session.state(), SessionState::NeedsChoice { .. }), "now it may have begun");
}

#[test]
fn a_turn_that_ends_takes_its_open_questions_back() {
    let mut play = Play::of(Runtime::Recorded, LifeRules::default(), PreAllowed::Nothing);
    play.place();
    play.hear(Signal::Live);
    play.hear(Signal::Proposed(call(1, "make")));
    end(&mut play, TurnEnd::Cancelled);
    assert!(play.log.iter().any(|(event, _)| matches!(event, Event::PermissionWithdrawn { .. })));
    assert_eq!(play.session.state(), SessionState::Idle { problem: None });
}

#[test]
fn a_run_that_speaks_again_is_not_silent() {
    let mut play = running();
    fall_silent(&mut play);
    play.hear(ended(1, CallEnd::Succeeded));
    assert!(matches!(play.session.state(), SessionState::Running { .. }), "{:?}", play.session.state());
}

#[test]
fn a_run_that_never_came_to_its_turn_waits_for_a_person_in_the_end() {
    let mut play = Play::of(
        Runtime::Runbook,
        LifeRules { restart: Restart::Never, ..LifeRules::default() },
        PreAllowed::All,
    );
    play.place();
    run_ends(&mut play, RunEnd::Lost);
    assert!(matches!(play.session.state(), SessionState::Lost { .. }), "{:?}", play.session.state());
    play.place();
    assert_eq!(play.effects, [Effect::GivePlaceBack], "a late place starts nothing");
    play.want(SessionCommand::Continue).unwrap();
    starts(&mut play);
}

#[test]
fn leave_to_run_once_more_ends_with_the_session() {
    let ask = LifeRules { on_crash: OnCrash::Ask, ..LifeRules::default() };
    let mut play = Play::of(Runtime::Recorded, ask, PreAllowed::Nothing);
    play.place();
    play.hear(Signal::Live);
    play.hear(Signal::Proposed(call(1, "make")));
    play.answer(Decision::AllowOnce).unwrap();
    play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
    play.crash();
    let SessionState::NeedsChoice { item, .. } = play.session.state() else { panic!() };
    play.want(SessionCommand::Resolve { item, choice: UnknownChoice::Again }).unwrap();
    play.want(SessionCommand::Stop).unwrap();
    play.want(prompt("something else")).unwrap();
    starts(&mut play);
    play.hear(Signal::Proposed(call(1, "make")));
    assert!(matches!(play.effects[..], [Effect::Asked(_)]));
}
