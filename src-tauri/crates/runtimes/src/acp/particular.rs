//! What is particular to one program, on frames as it says them: where a question waits for what the call is given, and a
//! conversation that is not restored for a reason that says nothing.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    quirks::Preset,
    tests::{answer, both, call, conversation, method, refuses, standing, update},
};
use crate::child::{Act, Talk};
use nox_domain::session::Signal;
use serde_json::{Value, json};

fn opencode() -> &'static Preset {
    Preset::of("opencode").unwrap()
}

/// A question about a call of which only the name is known.
fn bare() -> String {
    let wish = json!({ "toolCallId": "t", "title": "things_echo", "kind": "other", "rawInput": {} });
    let params = json!({ "sessionId": "s", "toolCall": wish, "options": both() });
    json!({ "jsonrpc": "2.0", "id": "q", "method": "session/request_permission", "params": params })
        .to_string()
}

/// What it is given, which comes behind the question.
fn given() -> String {
    update(&json!({ "sessionUpdate": "tool_call_update", "toolCallId": "t", "status": "in_progress",
        "title": "things_echo", "kind": "other", "rawInput": { "message": "Hello." } }))
}

fn proposed(acts: &[Act]) -> Vec<&str> {
    let texts = acts.iter().filter_map(|act| match act {
        Act::Tell(Signal::Proposed(call)) => Some(call.text.as_str()),
        _ => None,
    });
    texts.collect()
}

#[test]
fn a_question_waits_until_it_is_known_what_the_call_is_given() {
    let (mut talk, mut acts) = standing(opencode());
    talk.hear(&bare(), &mut acts);
    assert!(acts.is_empty(), "{acts:?}");
    talk.hear(&given(), &mut acts);
    assert!(matches!(&proposed(&acts)[..], [text] if text.contains("Hello.")), "{acts:?}");
    answer(&mut talk, &mut acts, true);
    assert!(acts.iter().any(|act| matches!(act, Act::Send(frame) if frame["id"] == "q")), "{acts:?}");
}

#[test]
fn a_question_that_waits_is_taken_back_with_its_turn_and_watched_like_others() {
    let (mut talk, mut acts) = standing(opencode());
    talk.hear(&bare(), &mut acts);
    talk.interrupt(&mut acts);
    let is_cancelled =
        |act: &Act| matches!(act, Act::Send(frame) if frame["result"]["outcome"]["outcome"] == "cancelled");
    assert!(acts.iter().any(is_cancelled) && proposed(&acts).is_empty(), "{acts:?}");
    acts.clear();
    talk.hear(&given(), &mut acts);
    assert!(proposed(&acts).is_empty(), "{acts:?}");

    let (mut talk, mut acts) = standing(opencode());
    talk.hear(&bare(), &mut acts);
    let done = json!({ "sessionUpdate": "tool_call_update", "toolCallId": "t", "status": "completed" });
    talk.hear(&update(&done), &mut acts);
    assert!(refuses(&acts), "it did not wait: {acts:?}");
}

#[test]
fn what_is_said_to_be_at_work_before_it_is_asked_and_fails_has_not_run() {
    // An edit whose text is not in the file: nobody is asked, and nothing was done.
    let (mut talk, mut acts) = standing(opencode());
    talk.hear(&call("in_progress"), &mut acts);
    talk.hear(&call("failed"), &mut acts);
    assert!(!refuses(&acts), "{acts:?}");
    // A command that tells how it ended has run.
    let (mut talk, mut acts) = standing(opencode());
    talk.hear(&call("in_progress"), &mut acts);
    let ended = json!({ "sessionUpdate": "tool_call_update", "toolCallId": "t", "status": "failed",
        "rawOutput": { "metadata": { "exit": 1 } } });
    talk.hear(&update(&ended), &mut acts);
    assert!(refuses(&acts), "{acts:?}");
}

/// Answers the one request that waits.
fn replied(talk: &mut super::conversation::Conversation, acts: &mut Vec<Act>, key: &str, value: Value) {
    let Some(Act::Send(request)) = acts.iter().rfind(|act| matches!(act, Act::Send(_))) else {
        panic!("{acts:?}")
    };
    let line = json!({ "jsonrpc": "2.0", "id": request["id"], key: value }).to_string();
    acts.clear();
    talk.hear(&line, acts);
}

#[test]
fn a_conversation_that_is_not_restored_is_looked_for_before_it_is_given_up() {
    let after = |pages: &[Value]| {
        let mut talk = conversation(opencode(), Some("old".into()));
        let mut acts = vec![Act::Send(talk.first())];
        let can = json!({ "sessionCapabilities": { "resume": {}, "list": {} } });
        replied(&mut talk, &mut acts, "result", json!({ "protocolVersion": 1, "agentCapabilities": can }));
        let error = json!({ "code": -32603, "message": "Internal error: OpenCode service failure" });
        replied(&mut talk, &mut acts, "error", error);
        for page in pages {
            replied(&mut talk, &mut acts, "result", page.clone());
        }
        acts
    };
    let listed = |id: &str| json!([{ "sessionId": id, "cwd": "/x" }]);
    let begins = |acts: &[Act]| {
        acts.iter().any(|act| matches!(act, Act::Send(frame) if method(frame) == "session/new"))
    };
    let asked = after(&[]);
    assert!(matches!(&asked[..], [Act::Send(frame)] if method(frame) == "session/list"), "{asked:?}");
    let next = after(&[json!({ "sessions": listed("a"), "nextCursor": "7" })]);
    assert!(matches!(&next[..], [Act::Send(frame)] if frame["params"]["cursor"] == "7"), "{next:?}");
    let gone =
        after(&[json!({ "sessions": listed("a"), "nextCursor": "7" }), json!({ "sessions": listed("b") })]);
    assert!(begins(&gone) && !refuses(&gone), "{gone:?}");
    for odd in [json!({ "sessions": listed("old") }), json!({}), json!("odd")] {
        let kept = after(&[odd]);
        assert!(refuses(&kept) && !begins(&kept), "{kept:?}");
    }
}
