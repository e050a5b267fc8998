//! A turn that is cut off at each of its lines: by a disk that takes no more, and by the end of Nox.
#![allow(clippy::unwrap_used)]

use super::{
    acts::Act,
    conversation::Conversation,
    history::{Fate, Line},
    tests::{Table, answer, call, done, proposal, reply, text},
};
use crate::testing::prompt;
use nox_domain::{
    event::{Problem, TurnEnd},
    session::{Signal, Words},
};
use std::collections::VecDeque;

/// What happens in a turn with calls side by side, one of them denied: step by step.
const STEPS: &[fn(&mut Conversation, &mut Vec<Act>)] = &[
    |talk, out| talk.hear(1, reply(vec![text("I look."), call("read"), call("write"), call("shell")]), out),
    |talk, out| talk.looked("call:1", Ok(proposal("call:1")), out),
    |talk, out| talk.looked("call:2", Ok(proposal("call:2")), out),
    |talk, out| talk.looked("call:3", Ok(proposal("call:3")), out),
    |talk, out| talk.answer(&answer("call:3", true), out),
    |talk, out| talk.answer(&answer("call:2", false), out),
    |talk, out| talk.answer(&answer("call:1", true), out),
    |talk, out| talk.done("call:1", done("one"), out),
    |talk, out| talk.done("call:3", done("three"), out),
    |talk, out| talk.hear(2, reply(vec![text("Through.")]), out),
];

#[test]
fn one_denied_call_holds_the_others_up_in_nothing() {
    let mut table = Table::new();
    table.prompt("go");
    for step in STEPS {
        table.does(step);
    }
    assert_eq!(table.turn_end(), Some((TurnEnd::End, None)));
    let fates = [("call:2", Fate::Denied), ("call:1", Fate::Succeeded), ("call:3", Fate::Succeeded)];
    assert_eq!(table.results(), fates.map(|(key, fate)| (key.to_owned(), fate)));
}

/// Plays the turn on a disk that takes so many lines; answers what was done, and whether it came to its end.
fn play(takes: usize) -> (Table, Vec<Act>, bool) {
    let mut table = Table::new();
    let (mut did, mut kept, mut is_cut) = (Vec::new(), 0, false);
    for number in 0..=STEPS.len() {
        match number {
            0 => table.prompt("go"),
            number => table.does(STEPS[number - 1]),
        };
        let mut acts = VecDeque::from(std::mem::take(&mut table.acts));
        while let Some(act) = acts.pop_front() {
            if matches!(act, Act::Keep(_)) {
                if kept == takes {
                    is_cut = true;
                    table.talk.cannot_keep("no room", "Make some.", &mut acts);
                    continue;
                }
                kept += 1;
            }
            did.push(act);
        }
        if is_cut {
            break;
        }
    }
    table.kept.truncate(kept);
    (table, did, is_cut)
}

/// Which calls are run, in order.
fn runs(acts: &[Act]) -> Vec<&str> {
    let runs = acts.iter().filter_map(|act| match act {
        Act::Run { key, .. } => Some(key.as_str()),
        _ => None,
    });
    runs.collect()
}

#[test]
fn wherever_the_disk_takes_no_more_nothing_follows_and_the_turn_ends_once() {
    let lines = play(usize::MAX).0.kept.len();
    assert_eq!(lines, 9);
    for takes in 0..lines {
        let (table, did, is_cut) = play(takes);
        assert!(is_cut, "{takes}");
        let ends: Vec<_> =
            did.iter().filter(|act| matches!(act, Act::Tell(Signal::TurnEnded { .. }))).collect();
        let [
            Act::Tell(Signal::TurnEnded {
                end: TurnEnd::Failed,
                problem: Some(Problem::NotStarted { message }),
            }),
        ] = &ends[..]
        else {
            unreachable!("{takes}: {ends:?}")
        };
        assert!(message.contains("no room. Make some."), "{message}");
        // Each that ran was kept to run before.
        let allowed = |key: &str| table.kept.contains(&Line::Allowed { key: key.to_owned() });
        assert!(runs(&did).into_iter().all(allowed), "{takes}: {did:?}");
        assert_eq!(
            runs(&did).len(),
            table.kept.iter().filter(|line| matches!(line, Line::Allowed { .. })).count(),
            "{takes}"
        );
    }
}

#[test]
fn wherever_nox_is_killed_each_call_runs_once_at_most_and_the_turn_comes_to_its_end() {
    let whole = play(usize::MAX).0;
    for cut in 1..=whole.kept.len() {
        let mut next = Table::from(&whole.kept[..cut]);
        next.go_on();
        let (mut did, mut acts) = (Vec::new(), VecDeque::from(next.acts.clone()));
        // What is asked is answered as before, and what runs is done.
        while let Some(act) = acts.pop_front() {
            assert!(did.len() < 200, "{cut}: {did:?}");
            next.acts.clear();
            match &act {
                Act::Look { key, .. } => {
                    next.does(|talk, out| talk.looked(key, Ok(proposal(key)), out));
                }
                Act::Tell(Signal::Proposed(call)) => {
                    let allowed = call.key != "call:2";
                    next.does(|talk, out| talk.answer(&answer(&call.key, allowed), out));
                }
                Act::Run { key, .. } => {
                    next.does(|talk, out| talk.done(key, done("again"), out));
                }
                Act::Ask { request } => {
                    next.does(|talk, out| talk.hear(*request, reply(vec![text("Through.")]), out));
                }
                _ => {}
            }
            acts.extend(next.acts.drain(..));
            did.push(act);
        }
        let before = whole.kept[..cut].iter().filter_map(|line| match line {
            Line::Allowed { key } => Some(key.as_str()),
            _ => None,
        });
        for key in before {
            assert!(!runs(&did).contains(&key), "{cut}: {key} runs a second time");
        }
        let results = next.results();
        let mut keys: Vec<&str> = results.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        // Before its first answer the model had wanted nothing.
        let wanted: &[&str] = if cut == 1 { &[] } else { &["call:1", "call:2", "call:3"] };
        assert_eq!(keys, wanted, "{cut}: each has one result");
        let end = did.iter().find(|act| matches!(act, Act::Tell(Signal::TurnEnded { .. })));
        assert_eq!(end, Some(&Act::Tell(Signal::TurnEnded { end: TurnEnd::End, problem: None })), "{cut}");
    }
}

/// What becomes of words into a turn when another run takes the turn up.
#[test]
fn what_was_said_into_a_turn_that_was_cut_off_is_heard_once() {
    let said = |text: &str| Words { text: text.into(), heard: false };
    let heard = |table: &Table, text: &str| {
        let line = Line::Asked { text: text.into(), turn: None, images: vec![] };
        let told = Signal::Steered(text.into());
        let is_kept = table.kept.iter().filter(|kept| **kept == line).count();
        (is_kept, table.acts.iter().filter(|act| **act == Act::Tell(told.clone())).count())
    };
    let mut table = Table::new();
    table.prompt("go").hear(reply(vec![call("read")]));
    table.proposes("call:1").allows("call:1");
    table.does(|talk, out| talk.steer("one".into(), out));
    table.does(|talk, out| talk.done("call:1", done("x"), out));
    // The engine was not told of "one" any more, and "two" never came.
    let mut next = Table::from(&table.kept);
    let asked = next.asked.clone();
    next.does(|talk, out| {
        talk.hold(vec![said("one"), said("two")], &asked, out);
        talk.go_on(&asked, vec![], out);
    });
    assert_eq!((heard(&next, "one"), heard(&next, "two")), ((1, 1), (1, 1)));
    next.hear(reply(vec![text("done")]));
    assert_eq!(next.turn_end(), Some((TurnEnd::End, None)));
    // The turn was over, and the engine had not heard of it: what came too late is given back.
    let mut next = Table::from(&next.kept);
    next.does(|talk, out| {
        talk.hold(vec![said("one"), said("three")], &asked, out);
        talk.go_on(&asked, vec![], out);
    });
    assert_eq!((heard(&next, "one"), heard(&next, "three")), ((1, 1), (0, 0)));
    let back = next.acts.iter().position(|act| *act == Act::Tell(Signal::NotSteered("three".into())));
    let end = next.acts.iter().position(|act| matches!(act, Act::Tell(Signal::TurnEnded { .. })));
    assert!(back.is_some() && back < end, "{:?}", next.acts);
    // Of another turn it knows nothing.
    let asked = prompt("more");
    next.does(|talk, out| {
        talk.hold(vec![said("one")], &asked, out);
        talk.go_on(&asked, vec![], out);
    });
    assert_eq!(heard(&next, "one").1, 1);
}
