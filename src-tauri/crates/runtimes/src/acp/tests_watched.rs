//! How calls are watched: what is asked, answered, taken back and kept, and what goes on after an interrupt.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    conversation::Conversation,
    tests::{answer, both, call, goose, method, question, refuses, standing, update},
};
use crate::child::{Act, Talk};
use base64::{Engine, prelude::BASE64_STANDARD};
use nox_domain::{event::Dial, ids::ItemId, session::Signal, tool::CallEnd};
use serde_json::{Value, json};
use uuid::Uuid;

#[test]
fn an_answer_that_comes_late_meets_no_later_call() {
    let (mut talk, mut acts) = standing(goose());
    talk.hear(&question(&both()), &mut acts);
    let late = acts.clone();
    // The program takes its question back, and asks for the same once more.
    talk.hear(&call("failed"), &mut acts);
    talk.hear(&question(&both()).replace("\"t\"", "\"another\""), &mut acts);
    let asked = acts.iter().filter(|act| matches!(act, Act::Tell(Signal::Proposed(_)))).count();
    assert_eq!(asked, 2, "{acts:?}");
    acts = late;
    let before = acts.len();
    answer(&mut talk, &mut acts, true);
    assert_eq!(acts.len(), before, "{acts:?}");
}

#[test]
fn what_is_kept_of_calls_is_counted_as_long_as_it_is_kept() {
    let (mut talk, mut acts) = standing(goose());
    let bytes = 1_000_000;
    let long = update(&json!({ "sessionUpdate": "tool_call", "toolCallId": "t", "title": "shell",
        "kind": "execute", "status": "pending", "rawInput": { "command": "x".repeat(bytes) } }));
    talk.hear(&long, &mut acts);
    talk.hear(&long, &mut acts);
    assert!((bytes..2 * bytes).contains(&talk.held_bytes()), "{}", talk.held_bytes());
    talk.hear(&question(&both()), &mut acts);
    answer(&mut talk, &mut acts, true);
    talk.hear(&call("completed"), &mut acts);
    assert!(talk.held_bytes() < 1_000, "{}", talk.held_bytes());
    (0..5).for_each(|_| talk.hear(&long.replace("\"t\"", &format!("\"{}\"", "i".repeat(bytes))), &mut acts));
    assert!(talk.held_bytes() > 2 * bytes, "long names count as well: {}", talk.held_bytes());
}

#[test]
fn each_wish_has_an_answer_of_its_own_also_when_the_program_goes() {
    let (mut talk, mut acts) = standing(goose());
    let models =
        json!({ "availableModels": [{ "modelId": "a" }, { "modelId": "b" }], "currentModelId": "a" });
    talk.hear(&update(&json!({ "sessionUpdate": "current_mode_update", "models": models })), &mut acts);
    acts.clear();
    talk.set_mode("chat", &mut acts);
    talk.set_model("b", &mut acts);
    let ids: Vec<Value> = acts
        .iter()
        .filter_map(|act| match act {
            Act::Send(frame) => Some(frame["id"].clone()),
            _ => None,
        })
        .collect();
    let switched = |acts: &[Act]| {
        let told = acts.iter().filter_map(|act| match act {
            Act::Tell(Signal::Switched(dial)) => Some(*dial),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    assert!(ids.len() == 2 && switched(&acts).is_empty(), "{acts:?}");
    let error = json!({ "jsonrpc": "2.0", "id": ids[0], "error": { "code": -1, "message": "no" } });
    talk.hear(&error.to_string(), &mut acts);
    assert_eq!(switched(&acts), [Dial::Mode], "a refusal is an answer");
    talk.over(&mut acts);
    talk.over(&mut acts);
    assert_eq!(switched(&acts), [Dial::Mode, Dial::Model], "nobody answers any more");
}

#[test]
fn another_process_goes_on_where_an_interrupted_one_left_its_tool_running() {
    let (mut talk, mut acts) = standing(goose());
    talk.hear(&question(&both()), &mut acts);
    answer(&mut talk, &mut acts, true);
    talk.set_mode("chat", &mut acts);
    let id = |acts: &[Act], wanted: &str| {
        let sent = acts.iter().rev().find_map(|act| match act {
            Act::Send(frame) if method(frame) == wanted => Some(frame["id"].clone()),
            _ => None,
        });
        sent.unwrap()
    };
    let answered =
        |id: Value, result: Value| json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string();
    talk.hear(&answered(id(&acts, "session/set_mode"), json!({})), &mut acts);
    talk.interrupt(&mut acts);
    talk.hear(&answered(json!(3), json!({ "stopReason": "end_turn" })), &mut acts);
    let over = acts.iter().position(|act| matches!(act, Act::Tell(Signal::TurnEnded { .. })));
    assert_eq!(acts.iter().position(|act| *act == Act::Anew), over.map(|place| place + 1), "{acts:?}");
    let (opening, _) = talk.anew();
    assert_eq!((opening.resume.as_deref(), opening.mode.as_deref()), (Some("s"), Some("chat")));
    // What was asked meanwhile waits there, and is not asked when it was interrupted as well.
    let mut talk = Conversation::new(opening, 0, || ItemId::from_uuid(Uuid::from_u128(1)));
    talk.first();
    acts.clear();
    talk.prompt(&"next".into(), &mut acts);
    talk.interrupt(&mut acts);
    assert!(matches!(&acts[..], [Act::Tell(Signal::TurnEnded { .. })]), "{acts:?}");
}

#[test]
fn a_second_question_within_one_call_ends_the_first() {
    let (mut talk, mut acts) = standing(goose());
    talk.hear(&question(&both()), &mut acts);
    answer(&mut talk, &mut acts, true);
    acts.clear();
    talk.hear(&question(&both()), &mut acts);
    assert!(
        matches!(
            &acts[..],
            [Act::Tell(Signal::CallEnded { end: CallEnd::Unknown, .. }), Act::Tell(Signal::Proposed(_))]
        ),
        "{acts:?}"
    );
    answer(&mut talk, &mut acts, true);
    talk.hear(&call("completed"), &mut acts);
    assert!(matches!(acts.last(), Some(Act::CallEnds { .. })), "{acts:?}");
}

#[test]
fn what_runs_without_an_answer_ends_the_program() {
    let after = |lines: &[String]| {
        let (mut talk, mut acts) = standing(goose());
        lines.iter().for_each(|line| talk.hear(line, &mut acts));
        refuses(&acts)
    };
    assert!(after(&[call("completed")]), "never asked, and done");
    assert!(after(&[call("pending"), question(&both()), call("completed")]), "not waited for");
    assert!(!after(&[call("pending"), call("failed")]), "never asked, and not done");
    for (allowed, status, ends) in
        [(false, "completed", true), (false, "failed", false), (true, "completed", false)]
    {
        let (mut talk, mut acts) = standing(goose());
        talk.hear(&question(&both()), &mut acts);
        answer(&mut talk, &mut acts, allowed);
        talk.hear(&call(status), &mut acts);
        assert_eq!(refuses(&acts), ends, "allowed: {allowed}, {status}: {acts:?}");
    }
}

#[test]
fn a_call_that_ran_unasked_and_failed_ends_the_program_all_the_same() {
    let (mut talk, mut acts) = standing(goose());
    talk.hear(&call("in_progress"), &mut acts);
    talk.hear(&call("failed"), &mut acts);
    assert!(refuses(&acts), "{acts:?}");
    let (mut talk, mut acts) = standing(goose());
    let ended = json!({ "sessionUpdate": "tool_call", "toolCallId": "t", "kind": "execute", "status": "failed",
        "rawInput": { "command": "make && false" }, "rawOutput": { "exit_code": 1 } });
    talk.hear(&update(&ended), &mut acts);
    assert!(refuses(&acts), "{acts:?}");
}

#[test]
fn an_image_is_shown_once_with_its_call_however_often_it_is_told_and_by_itself_where_it_was_said() {
    let (mut talk, mut acts) = standing(goose());
    let image = json!({ "type": "image", "mimeType": "image/png",
        "data": BASE64_STANDARD.encode(crate::testing::picture(1)) });
    talk.hear(&question(&both()), &mut acts);
    answer(&mut talk, &mut acts, true);
    let told = |status: &str| {
        update(&json!({ "sessionUpdate": "tool_call_update", "toolCallId": "t", "status": status,
            "content": [{ "type": "content", "content": image }] }))
    };
    (0..3).for_each(|_| talk.hear(&told("in_progress"), &mut acts));
    talk.hear(&told("completed"), &mut acts);
    let of_calls = acts.iter().filter(|act| matches!(act, Act::Shows(Some(_), _))).count();
    assert_eq!(of_calls, 1, "{acts:?}");
    assert!(format!("{acts:?}").contains("[image: "), "{acts:?}");
    acts.clear();
    let says =
        |content: &Value| update(&json!({ "sessionUpdate": "agent_message_chunk", "content": content }));
    for content in
        [json!({ "type": "text", "text": "Look" }), image.clone(), json!({ "type": "text", "text": "there" })]
    {
        talk.hear(&says(&content), &mut acts);
    }
    let order: Vec<&str> = acts
        .iter()
        .filter_map(|act| match act {
            Act::Tell(Signal::Writing { .. }) => Some("begins"),
            Act::Tell(Signal::Wrote { .. }) => Some("ends"),
            Act::Shows(None, _) => Some("shows"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["begins", "ends", "shows", "begins"]);
}
