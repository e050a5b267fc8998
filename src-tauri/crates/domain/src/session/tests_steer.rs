//! What a person says into a turn that runs: who hears it, and what becomes of it when nobody did.

#![allow(clippy::unwrap_used)]

use super::{
    Effect, Rejection, Session, SessionCommand, Signal,
    tests::Play,
    tests_live::{bodies, controls, offers, prompt, talking},
};
use crate::{
    event::{PreAllowed, Problem, TurnEnd},
    rows::ItemBody,
};

#[test]
fn steering_reaches_the_turn_that_runs_or_waits_for_its_turn() {
    let mut play = talking(PreAllowed::Nothing);
    let steer = || SessionCommand::Steer { text: "mind the gap".into() };
    play.want(steer()).unwrap();
    assert!(play.effects.is_empty(), "a program that does not say that it can be steered gets a prompt");
    assert_eq!(controls(&play).unwrap().waiting.len(), 1);
    play.hear(Signal::Offers(Box::new(offers(true))));
    play.want(steer()).unwrap();
    assert_eq!(play.effects, [Effect::Steer { text: "mind the gap".into() }]);
    assert_eq!(bodies(&play), [ItemBody::Steered { text: "mind the gap".into() }]);
    assert_eq!(play.want(SessionCommand::Steer { text: " ".into() }), Err(Rejection::EmptyPrompt));
    play.want(SessionCommand::Stop).unwrap();
    assert_eq!(play.want(steer()), Err(Rejection::AlreadyStopping));
}

#[test]
fn what_was_said_too_late_into_a_turn_is_asked_next() {
    let mut play = talking(PreAllowed::Nothing);
    play.hear(Signal::Offers(Box::new(offers(true))));
    // Its turn is over on the other side already.
    play.want(SessionCommand::Steer { text: "mind the gap".into() }).unwrap();
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    play.effects.clear();
    play.hear(Signal::NotSteered("mind the gap".into()));
    assert_eq!(play.prompts(), ["mind the gap"]);
    // While a turn runs it waits for it.
    play.hear(Signal::NotSteered("and the step".into()));
    let waiting = controls(&play).unwrap().waiting;
    assert_eq!(waiting.iter().map(|prompt| prompt.text.as_str()).collect::<Vec<_>>(), ["and the step"]);
}

#[test]
fn what_was_said_into_a_turn_that_is_cut_off_goes_with_it_to_the_next_run() {
    let steered = |texts: &[&str]| {
        let mut play = talking(PreAllowed::Nothing);
        play.hear(Signal::Offers(Box::new(offers(true))));
        for text in texts {
            play.want(SessionCommand::Steer { text: (*text).into() }).unwrap();
        }
        play
    };
    let waiting = |play: &Play| {
        let waiting = play.session.controls().waiting;
        waiting.into_iter().map(|prompt| prompt.text).collect::<Vec<_>>()
    };
    // What the next run is told.
    let told = |play: &mut Play| {
        play.effects.clear();
        play.place();
        let told = play.effects.iter().find_map(|effect| match effect {
            Effect::StartRun { words, .. } => Some(words.clone()),
            _ => None,
        });
        let told = told.unwrap().into_iter().map(|words| (words.text, words.heard));
        told.collect::<Vec<_>>()
    };
    let (one, two) = (|heard| ("one".to_owned(), heard), |heard| ("two".to_owned(), heard));
    let mut play = steered(&["one", "two"]);
    play.hear(Signal::Steered("one".into()));
    play.crash();
    let stored: Session = serde_json::from_str(&serde_json::to_string(&play.session).unwrap()).unwrap();
    assert_eq!(stored, play.session);
    assert_eq!(told(&mut play), [one(true), two(false)]);
    play.hear(Signal::Live);
    play.crash();
    assert_eq!(told(&mut play), [one(true), two(false)], "the run before has not told it");
    play.hear(Signal::Live);
    play.hear(Signal::Steered("two".into()));
    play.crash();
    assert_eq!(told(&mut play), [one(true), two(true)]);
    assert_eq!(waiting(&play), Vec::<String>::new(), "none of them is asked by itself");

    let mut play = steered(&["one"]);
    play.hear(Signal::Steered("one".into()));
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    prompt(&mut play, "more");
    play.crash();
    assert_eq!(told(&mut play), [], "that turn is over");

    let mut play = steered(&["one"]);
    play.hear(Signal::NotSteered("one".into()));
    play.crash();
    assert_eq!(waiting(&play), ["one"], "what was given back is asked once");
    assert_eq!(told(&mut play), []);
    // No run stands that could hear it.
    let mut play = steered(&["one"]);
    play.crash();
    play.place();
    let problem = Some(Problem::NotStarted { message: "not there".into() });
    play.hear(Signal::TurnEnded { end: TurnEnd::Failed, problem });
    assert_eq!(waiting(&play), ["one"]);
    // A turn that is over has heard what was said into it, in logs of an earlier version as well.
    let mut play = steered(&["one"]);
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    play.crash();
    assert_eq!(waiting(&play), Vec::<String>::new());
}
