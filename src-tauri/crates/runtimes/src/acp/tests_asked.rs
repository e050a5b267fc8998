//! What programs ask a person besides calls, questions, forms and plans, and what is said into their turns.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    conversation::Conversation,
    quirks::Preset,
    tests::{both, goose, method, refuses, standing, update},
};
use crate::{
    Answer,
    child::{Act, Asked, Talk},
};
use nox_domain::{
    answers::Answers,
    ids::ItemId,
    session::Signal,
    tool::{CallEnd, ToolCall},
};
use serde_json::{Value, json};
use uuid::Uuid;

fn preset(name: &str) -> &'static Preset {
    Preset::of(name).unwrap()
}

fn proposed(acts: &[Act]) -> ToolCall {
    let call = acts.iter().rev().find_map(|act| match act {
        Act::Tell(Signal::Proposed(call)) => Some((**call).clone()),
        _ => None,
    });
    call.unwrap_or_else(|| panic!("nothing is asked: {acts:?}"))
}

fn sent(acts: &[Act]) -> Value {
    let frame = acts.iter().rev().find_map(|act| match act {
        Act::Send(frame) => Some(frame.clone()),
        _ => None,
    });
    frame.unwrap_or_else(|| panic!("nothing is said: {acts:?}"))
}

fn answer(talk: &mut Conversation, acts: &mut Vec<Act>, allowed: bool, answers: &[(&str, &str)]) {
    let answers: Answers =
        answers.iter().map(|(id, words)| ((*id).to_owned(), vec![(*words).to_owned()])).collect();
    let item = ItemId::from_uuid(Uuid::from_u128(9));
    let key = proposed(acts).key;
    let answer = Answer { key, item, allowed, reason: None, by_person: true, answers };
    talk.answer(&answer, acts);
}

fn wish(tool: &str, input: &Value) -> String {
    let call = json!({ "toolCallId": "t", "title": tool, "kind": "other", "rawInput": input,
        "_meta": { "toolName": tool } });
    let params = json!({ "sessionId": "s", "toolCall": call, "options": both() });
    json!({ "jsonrpc": "2.0", "id": "q", "method": "session/request_permission", "params": params })
        .to_string()
}

fn form() -> String {
    let colour =
        json!({ "type": "string", "title": "Colour", "oneOf": [{ "const": "red", "title": "red" }] });
    let properties = json!({ "question_0": colour, "question_0_custom": { "type": "string" } });
    let params = json!({ "mode": "form", "sessionId": "s", "toolCallId": "t", "message": "Which colour?",
        "requestedSchema": { "type": "object", "properties": properties } });
    json!({ "jsonrpc": "2.0", "id": 8, "method": "elicitation/create", "params": params }).to_string()
}

/// The call that a form is a part of, as Claude Code tells of it.
fn asking(tool: &str) -> String {
    update(&json!({ "sessionUpdate": "tool_call", "toolCallId": "t", "status": "pending", "title": tool,
        "kind": "other", "rawInput": { "command": "make" }, "_meta": { "claudeCode": { "toolName": tool } } }))
}

fn done() -> String {
    update(&json!({ "sessionUpdate": "tool_call_update", "toolCallId": "t", "status": "completed" }))
}

#[test]
fn answers_to_questions_go_by_the_place_of_each_question() {
    let (mut talk, mut acts) = standing(preset("qwen"));
    let questions =
        json!([{ "question": "How many?", "options": [] }, { "question": "Which?", "options": [] }]);
    talk.hear(&wish("ask_user_question", &json!({ "questions": questions })), &mut acts);
    assert_eq!(proposed(&acts).questions.len(), 2);
    answer(&mut talk, &mut acts, true, &[("Which?", "the red one")]);
    let result = sent(&acts)["result"].clone();
    assert_eq!(
        (&result["outcome"]["optionId"], &result["answers"]),
        (&json!("y"), &json!({ "1": "the red one" }))
    );
}

#[test]
fn a_plan_is_shown_as_text_to_be_judged() {
    for (name, tool) in [("qwen", "exit_plan_mode"), ("claude", "ExitPlanMode")] {
        let (mut talk, mut acts) = standing(preset(name));
        talk.hear(&wish(tool, &json!({ "plan": "First the roof." })), &mut acts);
        let call = proposed(&acts);
        assert_eq!((call.text.as_str(), call.prose), ("First the roof.", true), "{name}");
    }
}

#[test]
fn a_form_is_filled_in_by_a_person_and_its_call_goes_on() {
    let begin = || {
        let (mut talk, mut acts) = standing(preset("claude"));
        talk.hear(&asking("AskUserQuestion"), &mut acts);
        talk.hear(&form(), &mut acts);
        assert_eq!(proposed(&acts).questions[0].text, "Which colour?");
        (talk, acts)
    };
    let (mut talk, mut acts) = begin();
    answer(&mut talk, &mut acts, true, &[("question_0", "green")]);
    assert_eq!(
        sent(&acts)["result"],
        json!({ "action": "accept", "content": { "question_0_custom": "green" } })
    );
    talk.hear(&done(), &mut acts);
    assert!(matches!(acts.last(), Some(Act::CallEnds { .. })) && !refuses(&acts), "{acts:?}");
    let cancel = json!({ "action": "cancel" });
    let (mut talk, mut acts) = begin();
    answer(&mut talk, &mut acts, false, &[]);
    assert_eq!(sent(&acts)["result"], cancel);
    let (mut talk, mut acts) = begin();
    talk.hear(&done(), &mut acts);
    assert!(refuses(&acts), "it did not wait: {acts:?}");
    let (mut talk, mut acts) = begin();
    talk.interrupt(&mut acts);
    assert_eq!(sent(&acts)["result"], cancel);
    let (mut talk, mut acts) = begin();
    let back = json!({ "jsonrpc": "2.0", "method": "$/cancel_request", "params": { "requestId": 8 } });
    talk.hear(&back.to_string(), &mut acts);
    let is_over = |act: &Act| matches!(act, Act::Tell(Signal::CallEnded { end: CallEnd::Cancelled, .. }));
    assert!(acts.iter().any(is_over), "{acts:?}");
}

#[test]
fn an_answer_to_a_form_allows_no_call_that_does_something() {
    // Never told of, told of and not asked for, and denied.
    for before in
        [vec![], vec![asking("Bash")], vec![asking("Bash"), wish("Bash", &json!({ "command": "make" }))]]
    {
        let (mut talk, mut acts) = standing(preset("claude"));
        before.iter().for_each(|line| talk.hear(line, &mut acts));
        if before.len() == 2 {
            answer(&mut talk, &mut acts, false, &[]);
        }
        talk.hear(&form(), &mut acts);
        answer(&mut talk, &mut acts, true, &[("question_0", "red")]);
        assert_eq!(sent(&acts)["result"]["action"], "accept");
        assert!(!refuses(&acts), "{acts:?}");
        talk.hear(&asking("Bash"), &mut acts);
        talk.hear(&done(), &mut acts);
        assert!(refuses(&acts), "{before:?}: {acts:?}");
    }
    let (mut talk, mut acts) = standing(preset("claude"));
    talk.hear(&done().replace("\"t\"", "\"\\u0001form 8\""), &mut acts);
    assert!(refuses(&acts), "no program names a call like a form of Nox: {acts:?}");
}

#[test]
fn words_that_wait_are_counted_and_not_given_to_a_turn_that_was_ended() {
    let (mut talk, mut acts) = standing(preset("qwen"));
    talk.steer(&"x".repeat(5_000), &mut acts);
    assert!(talk.held_bytes() >= 5_000, "{}", talk.held_bytes());
    talk.interrupt(&mut acts);
    let asks = json!({ "jsonrpc": "2.0", "id": 1, "method": "craft/drainMidTurnQueue", "params": { "sessionId": "s" } });
    talk.hear(&asks.to_string(), &mut acts);
    assert_eq!(sent(&acts)["result"]["messages"], json!([]));
    talk.hear(&over(), &mut acts);
    assert!(acts.iter().any(|act| matches!(act, Act::Tell(Signal::NotSteered(_)))), "{acts:?}");

    let (mut talk, mut acts) = standing(preset("claude"));
    talk.takes_words = true;
    (0..300).for_each(|_| talk.steer(&"x".repeat(100), &mut acts));
    assert_eq!(talk.held_bytes(), 25_600);
    let back = acts.iter().filter(|act| matches!(act, Act::Tell(Signal::NotSteered(_)))).count();
    assert_eq!(back, 300 - 256);
}

#[test]
fn a_form_that_nobody_can_be_shown_is_declined_and_said() {
    let (mut talk, mut acts) = standing(preset("claude"));
    let params =
        json!({ "mode": "url", "sessionId": "s", "message": "Sign in", "url": "http://127.0.0.1:1" });
    let ask = json!({ "jsonrpc": "2.0", "id": 8, "method": "elicitation/create", "params": params });
    talk.hear(&ask.to_string(), &mut acts);
    assert_eq!(sent(&acts)["result"], json!({ "action": "decline" }));
    assert!(acts.iter().any(|act| matches!(act, Act::Tell(Signal::Noted(code, _)) if code == "not_asked")));
}

fn over() -> String {
    json!({ "jsonrpc": "2.0", "id": 3, "result": { "stopReason": "end_turn" } }).to_string()
}

#[test]
fn words_into_a_turn_are_handed_out_when_they_are_asked_for_and_given_back_otherwise() {
    let back = |text: &str| Act::Tell(Signal::NotSteered(text.into()));
    let (mut talk, mut acts) = standing(preset("qwen"));
    talk.steer("And this.", &mut acts);
    assert!(acts.is_empty(), "{acts:?}");
    let asks = json!({ "jsonrpc": "2.0", "id": 1, "method": "craft/drainMidTurnQueue", "params": { "sessionId": "s" } });
    talk.hear(&asks.to_string(), &mut acts);
    assert_eq!(sent(&acts)["result"]["messages"], json!(["And this."]));
    talk.hear(&asks.to_string(), &mut acts);
    assert_eq!(sent(&acts)["result"]["messages"], json!([]), "once");
    acts.clear();
    talk.steer("Too late.", &mut acts);
    talk.hear(&over(), &mut acts);
    assert!(
        matches!(&acts[..], [first, Act::Tell(Signal::TurnEnded { .. })] if *first == back("Too late.")),
        "{acts:?}"
    );
    acts.clear();
    talk.steer("There is no turn.", &mut acts);
    assert_eq!(acts, [back("There is no turn.")]);
}

#[test]
fn words_that_are_sent_into_a_turn_and_come_too_late_are_given_back() {
    let (mut talk, mut acts) = standing(preset("claude"));
    talk.steer("It never said that it can.", &mut acts);
    assert!(matches!(&acts[..], [Act::Tell(Signal::NotSteered(_))]), "{acts:?}");
    talk.takes_words = true;
    for (answer, is_given_back) in [
        (json!({ "result": { "outcome": "injected" } }), false),
        (json!({ "result": { "outcome": "promptRequired" } }), true),
        (json!({ "error": { "code": -32603, "message": "no" } }), true),
    ] {
        acts.clear();
        talk.steer("Quick.", &mut acts);
        let mut frame = answer.clone();
        assert_eq!(method(&sent(&acts)), "_session/steering");
        frame["id"] = sent(&acts)["id"].clone();
        talk.hear(&frame.to_string(), &mut acts);
        let back =
            acts.iter().any(|act| matches!(act, Act::Tell(Signal::NotSteered(text)) if text == "Quick."));
        assert_eq!(back, is_given_back, "{answer}");
    }
    // What was taken in was heard when the turn is over, and not before: a program that is killed may have lost it.
    let heard = |acts: &[Act]| acts.iter().filter(|act| matches!(act, Act::Tell(Signal::Steered(_)))).count();
    assert_eq!(heard(&acts), 0);
    acts.clear();
    talk.hear(&over(), &mut acts);
    assert_eq!(heard(&acts), 1, "{acts:?}");
}

#[test]
fn words_in_a_turn_that_is_cut_off_are_given_back_before_its_end() {
    let cancelled = json!({ "jsonrpc": "2.0", "id": 3, "result": { "stopReason": "cancelled" } }).to_string();
    let failed = json!({ "jsonrpc": "2.0", "id": 3, "error": { "code": -1, "message": "no" } }).to_string();
    for (end, is_answered) in [
        (Some(&cancelled), true),
        (Some(&cancelled), false),
        (Some(&failed), true),
        (Some(&failed), false),
        (None, true),
        (None, false),
    ] {
        let (mut talk, mut acts) = standing(preset("claude"));
        talk.takes_words = true;
        talk.steer("Quick.", &mut acts);
        let id = sent(&acts)["id"].clone();
        let injected = json!({ "jsonrpc": "2.0", "id": id, "result": { "outcome": "injected" } }).to_string();
        if is_answered {
            talk.hear(&injected, &mut acts);
        }
        if end != Some(&failed) {
            talk.interrupt(&mut acts);
        }
        acts.clear();
        match end {
            Some(end) => talk.hear(end, &mut acts),
            None => talk.over(&mut acts),
        }
        let told: Vec<_> = acts.iter().filter(|act| matches!(act, Act::Tell(_))).collect();
        assert!(
            matches!(told[..], [Act::Tell(Signal::NotSteered(text)), Act::Tell(Signal::TurnEnded { .. })] if text == "Quick."),
            "{end:?}, answered: {is_answered}: {acts:?}"
        );
        acts.clear();
        talk.hear(&injected, &mut acts);
        assert!(acts.is_empty(), "once: {acts:?}");
    }
    // An answer that comes behind a good end says that it was heard, and no later turn gives it back.
    let (mut talk, mut acts) = standing(preset("claude"));
    talk.takes_words = true;
    talk.steer("Quick.", &mut acts);
    let id = sent(&acts)["id"].clone();
    talk.hear(&over(), &mut acts);
    acts.clear();
    let injected = json!({ "jsonrpc": "2.0", "id": id, "result": { "outcome": "injected" } });
    talk.hear(&injected.to_string(), &mut acts);
    assert_eq!(acts, [Act::Tell(Signal::Steered("Quick.".into()))]);
}

#[test]
fn images_are_shown_where_the_program_takes_them_and_else_named() {
    let prompt = |takes: bool, words: &str| {
        let (mut talk, _) = standing(goose());
        talk.known.set_images(takes);
        let mut acts = Vec::new();
        talk.prompt(&Asked::showing(words, b"abc"), &mut acts);
        let frame = acts.iter().find_map(|act| match act {
            Act::Send(frame) => Some(frame["params"]["prompt"].clone()),
            _ => None,
        });
        let is_told =
            acts.iter().any(|act| matches!(act, Act::Tell(Signal::Noted(code, _)) if code == "images_named"));
        (frame.unwrap(), is_told)
    };
    let image = json!({ "type": "image", "mimeType": "image/png", "data": "YWJj" });
    assert_eq!(prompt(true, "look"), (json!([image, { "type": "text", "text": "look" }]), false));
    assert_eq!(prompt(true, ""), (json!([image]), false));
    // Where it depends on the model, that is said once.
    let (mut talk, _) = standing(Preset::of("qwen").unwrap());
    talk.known.set_images(true);
    let told = |acts: &[Act]| {
        acts.iter().any(|act| matches!(act, Act::Tell(Signal::Noted(code, _)) if code == "images_by_model"))
    };
    for expected in [true, false] {
        let mut acts = Vec::new();
        talk.prompt(&Asked::showing("look", b"abc"), &mut acts);
        assert_eq!(told(&acts), expected, "{acts:?}");
    }
    // A model that is known to see is shown them; a person may choose another one.
    let (mut talk, _) = standing(Preset::of("qwen").unwrap());
    talk.known.set_images(true);
    talk.opening.asks = Some("claude-sonnet-4-5".into());
    let offered = json!([{ "modelId": "m1", "name": "gpt-4o" }, { "modelId": "m2", "name": "blind" }]);
    talk.known.take(&json!({ "models": { "availableModels": offered, "currentModelId": "m0" } }));
    for (model, expected) in [(None, false), (Some("m1"), false), (Some("m2"), true), (Some("m2"), false)] {
        let mut acts = Vec::new();
        if let Some(model) = model {
            talk.set_model(model, &mut acts);
            let Some(Act::Send(frame)) = acts.last() else { panic!("{acts:?}") };
            let id = frame["id"].clone();
            talk.hear(&json!({ "jsonrpc": "2.0", "id": id, "result": {} }).to_string(), &mut acts);
        }
        talk.prompt(&Asked::showing("look", b"abc"), &mut acts);
        assert_eq!(told(&acts), expected, "{model:?}: {acts:?}");
    }
    let (named, is_told) = prompt(false, "look");
    let text = named[0]["text"].as_str().unwrap();
    assert!(is_told && named.as_array().unwrap().len() == 1, "{named}");
    assert!(text.starts_with("look\n\n") && text.ends_with("- a.png: /documents/a"), "{text}");
}
