//! What a person says into a turn that runs: who hears it, and what becomes of it when nobody did.

#![allow(clippy::unwrap_used)]

use super::{
    Effect, MAX_MESSAGE_BYTES, MAX_SAID_BYTES, MAX_WAITING_BYTES, MAX_WAITING_PROMPTS, Rejection, Session,
    SessionCommand, Signal, Step,
    tests::Play,
    tests_live::{bodies, controls, offers, prompt, talking},
};
use crate::{
    At,
    event::{Closed, Event, PreAllowed, Problem, RunEnd, TurnEnd},
    ids::ItemId,
    rows::ItemBody,
    transcript::AgentFault,
};
use uuid::Uuid;

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

/// A run that works, into whose turn this was said.
fn steered(texts: &[&str]) -> Play {
    let mut play = talking(PreAllowed::Nothing);
    play.hear(Signal::Offers(Box::new(offers(true))));
    for text in texts {
        say(&mut play, text);
    }
    play
}

fn say(play: &mut Play, text: &str) {
    play.want(SessionCommand::Steer { text: text.into() }).unwrap();
}

#[test]
fn what_an_interrupt_gives_back_is_asked_next_and_by_no_run_of_a_session_that_is_stopped() {
    let mut play = steered(&["one"]);
    play.want(SessionCommand::Interrupt).unwrap();
    play.effects.clear();
    play.hear(Signal::NotSteered("one".into()));
    assert_eq!(
        (waiting(&play), &play.effects[..]),
        (vec!["one".to_owned()], &[][..]),
        "its turn is not over"
    );
    play.hear(Signal::TurnEnded { end: TurnEnd::Cancelled, problem: None });
    assert_eq!(play.prompts(), ["one"]);
    // Nothing waits any more for a session that is being stopped: its words are shown as unheard.
    let mut play = steered(&["one"]);
    play.want(SessionCommand::Stop).unwrap();
    play.effects.clear();
    play.hear(Signal::NotSteered("one".into()));
    let says_so = |body: &ItemBody| matches!(body, ItemBody::Note { code, text } if code == "not_steered" && text.ends_with("one"));
    assert!(bodies(&play).iter().any(says_so), "{:?}", bodies(&play));
    play.hear(Signal::TurnEnded { end: TurnEnd::Cancelled, problem: None });
    play.hear(Signal::RunEnded { how: RunEnd::Killed, detail: None });
    let asks = |effect: &Effect| matches!(effect, Effect::WantPlace | Effect::Prompt(_));
    assert!(!play.effects.iter().any(asks), "{:?}", play.effects);
    assert_eq!((play.session.closed, waiting(&play)), (Some(Closed::Stopped), vec![]));
}

/// What waits for its turn.
fn waiting(play: &Play) -> Vec<String> {
    play.session.controls().waiting.into_iter().map(|prompt| prompt.text).collect()
}

/// Starts the next run; what it is told of what was said into its turn, and what of that was heard.
fn told(play: &mut Play) -> Vec<(String, bool)> {
    play.effects.clear();
    play.place();
    let told = play.effects.iter().find_map(|effect| match effect {
        Effect::StartRun { words, .. } => Some(words.clone()),
        _ => None,
    });
    told.unwrap().into_iter().map(|words| (words.text, words.heard)).collect()
}

fn limit() -> Option<Problem> {
    let (fault, message) = (AgentFault::RateLimit, "too much".to_owned());
    Some(Problem::Agent { fault, message, until: Some(At(60_000)) })
}

#[test]
fn what_was_said_into_a_turn_that_is_cut_off_goes_with_it_to_the_next_run() {
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

#[test]
fn what_a_run_before_had_not_heard_is_asked_when_its_turn_fails() {
    // It said that it stands, and failed before it had asked anything.
    let cut = || {
        let mut play = steered(&["one", "two"]);
        play.hear(Signal::Steered("one".into()));
        play.crash();
        play.place();
        play.hear(Signal::Live);
        play
    };
    for end in [TurnEnd::Failed, TurnEnd::Cancelled] {
        let mut play = cut();
        play.effects.clear();
        play.hear(Signal::TurnEnded { end, problem: None });
        assert_eq!(play.prompts(), ["two"], "{end:?}: it stands, so it is asked at once");
        assert_eq!(waiting(&play), Vec::<String>::new(), "{end:?}");
    }
    let mut play = cut();
    play.hear(Signal::Steered("two".into()));
    play.effects.clear();
    play.hear(Signal::TurnEnded { end: TurnEnd::Failed, problem: None });
    assert_eq!(play.effects, [Effect::Settled(Closed::Failed)], "it had told it");
    // What is said to the run itself is the run's to tell: it may be on its way back.
    let mut play = steered(&["one"]);
    play.hear(Signal::TurnEnded { end: TurnEnd::Failed, problem: None });
    assert_eq!(waiting(&play), Vec::<String>::new());
    play.effects.clear();
    play.hear(Signal::NotSteered("one".into()));
    assert_eq!(play.prompts(), ["one"], "once");
}

#[test]
fn what_nobody_heard_is_asked_when_a_person_does_not_wait_for_the_limit() {
    for stands in [true, false] {
        let mut play = steered(&["one"]);
        play.crash();
        play.place();
        play.hear(Signal::Live);
        play.hear(Signal::TurnEnded { end: TurnEnd::Failed, problem: limit() });
        assert!(play.session.is_limited());
        if !stands {
            play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None });
        }
        play.effects.clear();
        play.want(SessionCommand::Interrupt).unwrap();
        let waits = waiting(&play);
        let asked = if stands { play.prompts() } else { waits.iter().map(String::as_str).collect() };
        assert_eq!(asked, ["one"], "the run stands: {stands}");
        assert_eq!(play.effects.contains(&Effect::WantPlace), !stands, "{:?}", play.effects);
    }
}

/// A log in which it does not say whether something was given back.
#[test]
fn words_of_an_earlier_log_are_told_or_asked_and_never_both() {
    let settled = |play: &mut Play| {
        let item = play.session.talk.unsettled[0].item.clone();
        let old = format!(r#"{{"type":"steer_settled","item":"{item}"}}"#);
        let old: Event = serde_json::from_str(&old).unwrap();
        play.take(Step { events: vec![old], effects: vec![] });
    };
    let asks = |play: &mut Play| prompt(play, "one");
    let notes = |play: &mut Play| play.hear(Signal::Noted("not_steered".into(), "nobody heard it".into()));
    let works = |play: &mut Play| play.hear(Signal::Said("well".into()));
    type Next = fn(&mut Play);
    let cases = [(asks as Next, false, true), (notes, false, false), (works, true, false)];
    for (next, is_told, is_asked) in cases {
        let mut play = steered(&["none", "one"]);
        play.hear(Signal::Steered("none".into()));
        settled(&mut play);
        next(&mut play);
        play.crash();
        let again = Session::replay(play.log.iter().map(|(event, at)| (event, *at))).unwrap();
        assert_eq!(again, play.session);
        assert_eq!(waiting(&play).contains(&"one".to_owned()), is_asked);
        let one = is_told.then(|| ("one".to_owned(), true));
        assert_eq!(told(&mut play), [("none".to_owned(), true)].into_iter().chain(one).collect::<Vec<_>>());
    }
    // A log of now says it: who says the same again right behind that is heard twice.
    let mut play = steered(&["one"]);
    play.hear(Signal::Steered("one".into()));
    prompt(&mut play, "one");
    play.crash();
    assert_eq!((waiting(&play), told(&mut play)), (vec!["one".to_owned()], vec![("one".to_owned(), true)]));
}

#[test]
fn what_is_kept_of_what_was_said_into_a_turn_is_bounded_and_people_are_told() {
    let notes = |play: &Play| {
        let is_note =
            |body: &ItemBody| matches!(body, ItemBody::Note { code, .. } if code == "words_left_out");
        bodies(play).iter().filter(|body| is_note(body)).count()
    };
    let heard = |play: &mut Play, text: &str| {
        say(play, text);
        play.hear(Signal::Steered(text.into()));
    };
    // By number.
    let mut play = steered(&[]);
    for number in 0..=MAX_WAITING_PROMPTS {
        heard(&mut play, &format!("said {number}"));
    }
    play.crash();
    let words = told(&mut play);
    assert_eq!((words.len(), words[0].0.as_str()), (MAX_WAITING_PROMPTS, "said 1"));
    assert_eq!(notes(&play), 1);
    assert!(play.effects.iter().any(|effect| matches!(effect, Effect::StartRun { left_out: true, .. })));
    // Each run is told so, and people once in a turn.
    for _ in 0..2 {
        play.hear(Signal::Live);
        play.crash();
        assert_eq!(told(&mut play).len(), MAX_WAITING_PROMPTS);
        let says_so = |effect: &Effect| matches!(effect, Effect::StartRun { left_out: true, .. });
        assert!(notes(&play) == 0 && play.effects.iter().any(says_so), "{:?}", play.effects);
    }
    // By length, also while some of it is not taken in.
    let mut play = steered(&[]);
    let long = |letter: &str| letter.repeat(MAX_SAID_BYTES / 2);
    heard(&mut play, &long("a"));
    heard(&mut play, &long("b"));
    say(&mut play, "c");
    play.crash();
    let words = told(&mut play);
    assert_eq!(words, [(long("b"), true), ("c".to_owned(), false)]);
    assert_eq!(notes(&play), 1);
    // The next turn begins anew.
    play.hear(Signal::Live);
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    prompt(&mut play, "more");
    play.crash();
    assert_eq!((told(&mut play), notes(&play)), (vec![], 0));
}

#[test]
fn what_a_program_has_no_room_to_take_in_waits_for_its_turn() {
    let mut play = steered(&[]);
    for number in 0..=MAX_WAITING_PROMPTS {
        say(&mut play, &format!("said {number}"));
    }
    assert_eq!(waiting(&play), [format!("said {MAX_WAITING_PROMPTS}")]);
    let mut play = steered(&[&"a".repeat(MAX_SAID_BYTES), "b"]);
    assert_eq!(waiting(&play), ["b"]);
    // An earlier Nox said it all the same.
    let item = ItemId::from_uuid(Uuid::from_u128(77));
    let said = Event::Steered { item, text: "c".into() };
    play.take(Step { events: vec![said], effects: vec![] });
    play.crash();
    assert_eq!(told(&mut play), [("c".to_owned(), false)]);
}

#[test]
fn a_message_that_is_too_long_is_refused() {
    let (fits, longer) = ("a".repeat(MAX_MESSAGE_BYTES), "a".repeat(MAX_MESSAGE_BYTES + 1));
    let ask = |text: &str| SessionCommand::Prompt { text: text.into(), images: vec![] };
    let steer = |text: &str| SessionCommand::Steer { text: text.into() };
    let too_long = || Err(Rejection::TooLong { bytes: MAX_MESSAGE_BYTES + 1 });
    let mut play = steered(&[]);
    assert_eq!(play.want(ask(&longer)), too_long());
    assert_eq!(play.want(steer(&longer)), too_long());
    assert_eq!(
        Rejection::TooLong { bytes: longer.len() }.to_string(),
        "this message has 501 KB of text; Nox takes 500 KB at once"
    );
    play.want(ask(&fits)).unwrap();
    let turn = play.session.controls().waiting[0].turn.clone();
    let change = |text: &str| SessionCommand::ChangePrompt { turn: turn.clone(), text: text.into() };
    assert_eq!(play.want(change(&longer)), too_long());
    play.want(change("short")).unwrap();
    // What waited before, of an earlier version, waits again.
    play.want(SessionCommand::PutBackPrompt { text: longer, images: vec![] }).unwrap();
    // All that waits is bounded as well.
    while play.want(ask(&fits)).is_ok() {}
    assert_eq!(play.want(ask(&fits)), Err(Rejection::TooManyPrompts));
    assert_eq!(play.want(change(&fits)), Err(Rejection::TooManyPrompts));
    assert!(waiting(&play).iter().map(String::len).sum::<usize>() <= MAX_WAITING_BYTES);
    play.want(ask("a short one")).unwrap();
}
