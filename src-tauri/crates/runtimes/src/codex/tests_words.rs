//! What is said into a turn: who hears it, and what is given back.

#![allow(clippy::panic)]

use super::{
    tests::{conversation, hear, started},
    wishes::Which,
};
use crate::child::{Act, Talk};
use nox_domain::session::Signal;
use serde_json::json;

#[test]
fn an_interrupt_before_the_turn_has_a_name_is_said_when_it_has_one() {
    let (mut talk, mut out) = (conversation(Which::New), Vec::new());
    hear(&mut talk, &[json!({ "id": 0, "result": {} }).to_string(), started("untrusted")]);
    talk.prompt(&"x".into(), &mut out);
    out.clear();
    talk.interrupt(&mut out);
    talk.steer("And this.", &mut out);
    assert!(out.is_empty(), "{out:?}");
    let acts = hear(&mut talk, &[json!({ "id": 4, "result": { "turn": { "id": "u" } } }).to_string()]);
    let methods: Vec<_> = acts
        .iter()
        .filter_map(|act| match act {
            Act::Send(sent) => sent["method"].as_str(),
            _ => None,
        })
        .collect();
    assert_eq!(methods, ["turn/interrupt", "turn/steer"]);
}

#[test]
fn what_cannot_be_said_into_a_turn_is_given_back() {
    let back = |text: &str| Act::Tell(Signal::NotSteered(text.into()));
    let (mut talk, mut out) = (conversation(Which::New), Vec::new());
    hear(&mut talk, &[json!({ "id": 0, "result": {} }).to_string(), started("untrusted")]);
    talk.steer("There is no turn.", &mut out);
    assert_eq!(out, [back("There is no turn.")]);
    talk.prompt(&"x".into(), &mut out);
    hear(&mut talk, &[json!({ "id": 4, "result": { "turn": { "id": "u" } } }).to_string()]);
    out.clear();
    talk.steer("Too late.", &mut out);
    let [Act::Send(sent)] = &out[..] else { panic!("{out:?}") };
    let refused = json!({ "id": sent["id"], "error": { "code": -32600, "message": "no active turn" } });
    assert!(hear(&mut talk, &[refused.to_string()]).contains(&back("Too late.")));
    out.clear();
    talk.steer("In time.", &mut out);
    let [Act::Send(sent)] = &out[..] else { panic!("{out:?}") };
    let taken = json!({ "id": sent["id"], "result": {} }).to_string();
    assert_eq!(hear(&mut talk, &[taken]), [], "its model has not heard it");
    let heard = Act::Tell(Signal::Steered("In time.".into()));
    assert_eq!(hear(&mut talk, &[put_before_model("Other words.")]), []);
    assert_eq!(hear(&mut talk, &[put_before_model("In time.")]), [heard]);
}

fn put_before_model(text: &str) -> String {
    let item = json!({ "type": "userMessage", "id": "m", "content": [{ "type": "text", "text": text }] });
    json!({ "method": "item/completed", "params": { "threadId": "t", "turnId": "u", "item": item } })
        .to_string()
}

#[test]
fn words_in_a_turn_are_heard_when_their_item_comes_or_the_turn_ends_well() {
    for (status, item_first, wanted) in [
        ("completed", false, Signal::Steered("Also this.".into())),
        ("completed", true, Signal::Steered("Also this.".into())),
        ("interrupted", false, Signal::NotSteered("Also this.".into())),
        ("interrupted", true, Signal::Steered("Also this.".into())),
    ] {
        let (mut talk, mut out) = (conversation(Which::New), Vec::new());
        hear(&mut talk, &[json!({ "id": 0, "result": {} }).to_string(), started("untrusted")]);
        talk.prompt(&"x".into(), &mut out);
        hear(&mut talk, &[json!({ "id": 4, "result": { "turn": { "id": "u" } } }).to_string()]);
        out.clear();
        talk.steer("Also this.", &mut out);
        let [Act::Send(sent)] = &out[..] else { panic!("{out:?}") };
        let mut lines = vec![json!({ "id": sent["id"], "result": {} }).to_string()];
        if item_first {
            lines.insert(0, put_before_model("Also this."));
        }
        let turn = json!({ "id": "u", "status": status });
        let over = json!({ "method": "turn/completed", "params": { "threadId": "t", "turn": turn } });
        lines.push(over.to_string());
        let said = hear(&mut talk, &lines);
        let settled: Vec<_> = said
            .iter()
            .filter(|act| matches!(act, Act::Tell(Signal::Steered(_) | Signal::NotSteered(_))))
            .collect();
        assert_eq!(settled, [&Act::Tell(wanted)], "{status}, item first: {item_first}");
    }
}

#[test]
fn words_in_a_turn_that_is_cut_off_are_given_back_before_its_end() {
    let turn_named = json!({ "id": 4, "result": { "turn": { "id": "u" } } }).to_string();
    let turn_refused = json!({ "id": 4, "error": { "code": -32600, "message": "no" } }).to_string();
    let turn = json!({ "id": "u", "status": "interrupted" });
    let over = json!({ "method": "turn/completed", "params": { "threadId": "t", "turn": turn } }).to_string();
    for (is_named, says_so) in [(true, false), (false, true), (true, true), (false, false)] {
        let (mut talk, mut out) = (conversation(Which::New), Vec::new());
        hear(&mut talk, &[json!({ "id": 0, "result": {} }).to_string(), started("untrusted")]);
        talk.prompt(&"x".into(), &mut out);
        if is_named {
            hear(&mut talk, std::slice::from_ref(&turn_named));
        }
        out.clear();
        talk.steer("Also this.", &mut out);
        let steer = out.first().and_then(|act| match act {
            Act::Send(sent) => Some(json!({ "id": sent["id"], "result": {} }).to_string()),
            _ => None,
        });
        // Its program is killed, or says so itself.
        let said = match (is_named, says_so) {
            (false, true) => hear(&mut talk, std::slice::from_ref(&turn_refused)),
            (true, true) => hear(&mut talk, std::slice::from_ref(&over)),
            _ => {
                talk.interrupt(&mut out);
                let mut acts = Vec::new();
                talk.over(&mut acts);
                acts
            }
        };
        let [Act::Tell(back), Act::Tell(Signal::TurnEnded { .. })] = &said[..] else { panic!("{said:?}") };
        assert_eq!(
            *back,
            Signal::NotSteered("Also this.".into()),
            "named: {is_named}, it says so: {says_so}"
        );
        assert_eq!(hear(&mut talk, &steer.into_iter().collect::<Vec<_>>()), [], "once");
    }
}
