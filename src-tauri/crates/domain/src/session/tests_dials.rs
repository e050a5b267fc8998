//! What a person turns while its program works: what is shown of it, what holds for later runs, and whose answer is whose.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    Dials, Effect, Knob, Rejection, Session, SessionCommand, Signal,
    tests::Play,
    tests_live::{bodies, controls, offers, prompt, talking},
};
use crate::{
    event::{Dial, PreAllowed, RunEnd, TurnEnd},
    rows::ItemBody,
    transcript::Offers,
};

#[test]
fn offers_are_told_when_they_differ_and_what_is_chosen_holds_for_later_runs() {
    let mut play = talking(PreAllowed::Nothing);
    let mode = |to: &str| SessionCommand::Switch { dial: Dial::Mode, to: to.into(), via: "window".into() };
    assert_eq!(play.want(mode("plan")), Err(Rejection::NotOffered("plan".into())), "nothing is offered yet");
    play.hear(Signal::Offers(Box::new(offers(false))));
    assert_eq!(controls(&play).unwrap().offers, offers(false));
    play.hear(Signal::Offers(Box::new(offers(false))));
    assert!(play.log.last().unwrap().0.kind() == "offers_told" && play.rows.is_empty(), "told once");
    play.want(mode("plan")).unwrap();
    assert_eq!(play.effects, [Effect::Switch { dial: Dial::Mode, to: "plan".into() }]);
    assert_eq!(controls(&play).unwrap().offers.mode.as_deref(), Some("plan"));
    let [ItemBody::Switched { name, via, .. }] = &bodies(&play)[..] else { panic!() };
    assert_eq!((name.as_str(), via.as_str()), ("Plan only", "window"));
    assert_eq!(play.want(mode("yolo")), Err(Rejection::NotOffered("yolo".into())));

    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None });
    let model = SessionCommand::Switch { dial: Dial::Model, to: "large".into(), via: "cli".into() };
    play.want(model).unwrap();
    assert!(play.effects.is_empty(), "nobody is there to be told");
    let program = play.session.program();
    assert_eq!((program.mode.as_deref(), program.model.as_deref()), (Some("plan"), Some("large")));

    prompt(&mut play, "go on");
    play.place();
    play.hear(Signal::Live);
    let told = |play: &mut Play, mode: &str| {
        play.hear(Signal::Offers(Box::new(Offers { mode: Some(mode.into()), ..offers(false) })));
        play.session.program().mode
    };
    assert_eq!(told(&mut play, "ask").as_deref(), Some("plan"), "the program begins with a mode of its own");
    assert_eq!(told(&mut play, "plan").as_deref(), Some("plan"));
    assert_eq!(told(&mut play, "ask").as_deref(), Some("ask"), "the program went on to another one");
    play.want(mode("plan")).unwrap();
    assert_eq!(told(&mut play, "ask"), Some("plan".into()), "it has not answered");
    play.hear(Signal::Switched(Dial::Mode));
    assert_eq!(play.session.program().mode, Some("ask".into()), "it refused");
    let stored: Session = serde_json::from_str(&serde_json::to_string(&play.session).unwrap()).unwrap();
    assert_eq!(stored, play.session);
}

/// A run that stands, whose program works in `ask` with `small`.
fn dialled() -> Play {
    let mut play = talking(PreAllowed::Nothing);
    tells(&mut play, "ask", "small");
    play
}

fn tells(play: &mut Play, mode: &str, model: &str) {
    let (mode, model) = (Some(mode.into()), Some(model.into()));
    play.hear(Signal::Offers(Box::new(Offers { mode, model, ..offers(false) })));
}

fn turns(play: &mut Play, dial: Dial, to: &str) {
    play.want(SessionCommand::Switch { dial, to: to.into(), via: "window".into() }).unwrap();
}

/// The mode and the model that are shown.
fn shown(play: &Play) -> (String, String) {
    let offers = play.session.controls().offers;
    (offers.mode.unwrap_or_default(), offers.model.unwrap_or_default())
}

fn pair(mode: &str, model: &str) -> (String, String) {
    (mode.into(), model.into())
}

#[test]
fn the_answer_to_one_wish_does_not_take_the_next_one_back() {
    let mut play = dialled();
    turns(&mut play, Dial::Mode, "plan");
    turns(&mut play, Dial::Model, "large");
    assert_eq!(shown(&play), pair("plan", "large"));
    tells(&mut play, "plan", "small");
    assert_eq!(shown(&play), pair("plan", "large"), "what it says of the model is from before");
    play.hear(Signal::Switched(Dial::Mode));
    assert_eq!(shown(&play), pair("plan", "large"));
    tells(&mut play, "plan", "large");
    play.hear(Signal::Switched(Dial::Model));
    assert_eq!(shown(&play), pair("plan", "large"));
    let program = play.session.program();
    assert_eq!((program.mode.as_deref(), program.model.as_deref()), (Some("plan"), Some("large")));
    tells(&mut play, "ask", "large");
    assert_eq!(shown(&play), pair("ask", "large"), "it went on to another mode by itself");
    assert_eq!(play.session.program().mode.as_deref(), Some("ask"));
}

#[test]
fn of_two_wishes_for_the_same_the_last_answer_counts() {
    let mut play = dialled();
    turns(&mut play, Dial::Mode, "plan");
    turns(&mut play, Dial::Mode, "ask");
    tells(&mut play, "plan", "small");
    play.hear(Signal::Switched(Dial::Mode));
    assert_eq!(shown(&play), pair("ask", "small"), "the newer wish is not answered");
    tells(&mut play, "ask", "small");
    play.hear(Signal::Switched(Dial::Mode));
    play.hear(Signal::Switched(Dial::Mode));
    assert_eq!(shown(&play), pair("ask", "small"), "an answer too many changes nothing");
}

#[test]
fn a_refused_wish_is_shown_until_the_refusal() {
    let mut play = dialled();
    turns(&mut play, Dial::Model, "large");
    play.hear(Signal::Noted("not_switched".into(), "no".into()));
    assert_eq!(shown(&play), pair("ask", "large"));
    play.hear(Signal::Switched(Dial::Model));
    assert_eq!(shown(&play), pair("ask", "small"));
    assert_eq!(play.session.program().model.as_deref(), Some("small"));
    assert!(controls(&play).is_some(), "faces are told");
}

#[test]
fn a_wish_that_a_run_did_not_answer_holds_for_the_next() {
    let mut play = dialled();
    turns(&mut play, Dial::Model, "large");
    play.crash();
    assert_eq!(shown(&play), pair("ask", "large"));
    assert_eq!(play.session.program().model.as_deref(), Some("large"));
    play.want(SessionCommand::Continue).unwrap();
    play.place();
    play.hear(Signal::Live);
    tells(&mut play, "ask", "small");
    assert_eq!(play.session.program().model.as_deref(), Some("large"), "it begins with its own");
    tells(&mut play, "ask", "large");
    tells(&mut play, "ask", "small");
    assert_eq!(
        shown(&play),
        pair("ask", "small"),
        "an answer that never came keeps nothing from being shown"
    );
    let replayed = Session::replay(play.log.iter().map(|(event, at)| (event, *at))).unwrap();
    let mut settled = play.session.clone();
    settled.settle();
    assert_eq!(replayed, settled);
}

#[test]
fn a_wish_that_is_never_answered_is_over_with_its_turn() {
    let mut play = dialled();
    turns(&mut play, Dial::Mode, "plan");
    tells(&mut play, "ask", "small");
    assert_eq!(shown(&play), pair("plan", "small"), "it may answer yet");
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    assert_eq!(shown(&play), pair("ask", "small"));
    assert_eq!(controls(&play).unwrap().offers.mode.as_deref(), Some("ask"), "faces are told");
    assert_eq!(play.session.program().mode.as_deref(), Some("ask"), "and so it begins");
    // It does what was wished for after all.
    tells(&mut play, "plan", "small");
    play.hear(Signal::Switched(Dial::Mode));
    assert_eq!(shown(&play), pair("plan", "small"));
    assert_eq!(play.session.program().mode.as_deref(), Some("plan"));
}

#[test]
fn a_wish_of_which_nothing_was_heard_holds_for_the_next_run_unless_it_is_refused_late() {
    let mut play = dialled();
    turns(&mut play, Dial::Mode, "plan");
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    assert_eq!(shown(&play), pair("ask", "small"), "as its program told last");
    assert_eq!(play.session.program().mode.as_deref(), Some("plan"));
    play.hear(Signal::Switched(Dial::Mode));
    assert_eq!(play.session.program().mode.as_deref(), Some("ask"));
    play.hear(Signal::Switched(Dial::Mode));
    assert!(play.rows.is_empty(), "once");
}

#[test]
fn what_a_run_told_since_a_wish_counts_when_it_ends_without_an_answer() {
    let mut play = dialled();
    turns(&mut play, Dial::Mode, "plan");
    turns(&mut play, Dial::Model, "large");
    let mode_only = Offers { mode: Some("ask".into()), model: None, ..offers(false) };
    play.hear(Signal::Offers(Box::new(mode_only)));
    assert_eq!(shown(&play), pair("plan", "large"));
    play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None });
    assert_eq!(shown(&play), pair("ask", "large"));
    assert!(controls(&play).is_some(), "faces are told");
    let program = play.session.program();
    assert_eq!((program.mode.as_deref(), program.model.as_deref()), (Some("ask"), Some("large")));
}

/// What its program begins with when it is started again.
fn begins(play: &Play) -> (String, String) {
    let program = play.session.program();
    (program.mode.unwrap_or_default(), program.model.unwrap_or_default())
}

#[test]
fn a_late_answer_settles_its_own_wish_and_no_newer_one() {
    let mut play = dialled();
    turns(&mut play, Dial::Model, "large");
    turns(&mut play, Dial::Model, "small");
    turns(&mut play, Dial::Model, "large");
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    assert_eq!(
        (shown(&play).1, begins(&play).1),
        ("small".into(), "large".into()),
        "two are left unanswered"
    );
    for late in 1..3 {
        play.hear(Signal::Switched(Dial::Model));
        assert_eq!(begins(&play).1, "large", "answer {late} of three is not that to the newest wish");
    }
    play.hear(Signal::Switched(Dial::Model));
    assert_eq!(begins(&play).1, "small", "it was refused");

    // A wish of the next turn has an answer of its own.
    turns(&mut play, Dial::Mode, "plan");
    prompt(&mut play, "more");
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    turns(&mut play, Dial::Mode, "ask");
    tells(&mut play, "plan", "small");
    play.hear(Signal::Switched(Dial::Mode));
    assert_eq!((shown(&play).0, begins(&play).0), ("ask".into(), "ask".into()), "that was the older one's");
    tells(&mut play, "ask", "small");
    play.hear(Signal::Switched(Dial::Mode));
    assert_eq!((shown(&play).0, begins(&play).0), ("ask".into(), "ask".into()));
    play.hear(Signal::Switched(Dial::Mode));
    assert!(play.rows.is_empty(), "nothing is open any more");
}

#[test]
fn what_is_chosen_while_a_run_is_being_closed_is_for_the_next_one() {
    let mut play = dialled();
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    turns(&mut play, Dial::Mode, "ask");
    let step = play.session.hibernate();
    play.take(step);
    turns(&mut play, Dial::Mode, "plan");
    assert!(play.effects.is_empty(), "nobody is told");
    play.hear(Signal::Switched(Dial::Mode));
    assert_eq!(begins(&play).0, "plan");
    play.hear(Signal::RunEnded { how: RunEnd::Hibernated, detail: None });
    assert_eq!(begins(&play).0, "plan");
}

#[test]
fn dials_are_read_as_an_earlier_version_stored_them() {
    let flat = r#"{"mode":"plan","model":null,"mode_taken":true,"model_taken":false,"mode_waits":0,"model_waits":2,
        "mode_told":"plan","model_told":"small","mode_heard":true,"model_heard":false}"#;
    let told = |told: &str| Some(told.to_owned());
    let mode = Knob { chosen: told("plan"), taken: true, told: told("plan"), heard: true, ..Knob::default() };
    let model = Knob { waits: 2, told: told("small"), ..Knob::default() };
    let read: Dials = serde_json::from_str(flat).unwrap();
    assert_eq!(read, Dials { mode, model });
    let again: Dials = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(again, read);
    // Before a person could choose anything there were none.
    for none in ["{}", r#"{"mode":null}"#] {
        assert_eq!(serde_json::from_str::<Dials>(none).unwrap(), Dials::default(), "{none}");
    }
}
