//! What is particular to one program, on frames as it says them: a question waits for what the call is given, what is given
//! stands only in words, a mode is told as if the agent had said it, a plan stands in a file, and a conversation is not restored
//! for a reason that says nothing.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    quirks::Preset,
    tests::{answer, both, call, conversation, method, refuses, standing, update},
};
use crate::{
    child::{Act, Talk},
    testing::folder,
};
use nox_domain::{
    session::Signal,
    tool::{CallEnd, ToolCall, ToolKind},
};
use serde_json::{Value, json};
use std::path::PathBuf;

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

fn told_ends(acts: &[Act]) -> Vec<&CallEnd> {
    let ends = acts.iter().filter_map(|act| match act {
        Act::Tell(Signal::CallEnded { end, .. }) => Some(end),
        _ => None,
    });
    ends.collect()
}

#[test]
fn a_question_that_belongs_to_no_call_is_asked_at_once_and_leaves_nothing_open() {
    // The agent wants to do the same thing a third time: nothing is told of this id, before or after.
    for (id, input) in
        [("per_1", json!({})), ("x", json!({ "tool": "bash", "input": { "command": "make" } }))]
    {
        let (mut talk, mut acts) = standing(opencode());
        let wish = json!({ "toolCallId": id, "title": "doom_loop", "kind": "other", "rawInput": input });
        let params = json!({ "sessionId": "s", "toolCall": wish, "options": both() });
        let ask =
            json!({ "jsonrpc": "2.0", "id": "q", "method": "session/request_permission", "params": params });
        talk.hear(&ask.to_string(), &mut acts);
        assert_eq!(proposed(&acts).len(), 1, "{acts:?}");
        answer(&mut talk, &mut acts, true);
        let over = json!({ "jsonrpc": "2.0", "id": 3, "result": { "stopReason": "end_turn" } });
        talk.hear(&over.to_string(), &mut acts);
        assert_eq!(told_ends(&acts), [&CallEnd::Succeeded], "{acts:?}");
    }
}

#[test]
fn a_question_about_a_place_outside_that_was_allowed_ends_well_before_the_next_one() {
    let (mut talk, mut acts) = standing(opencode());
    talk.hear(&given(), &mut acts);
    talk.hear(&bare(), &mut acts);
    answer(&mut talk, &mut acts, true);
    talk.hear(&bare(), &mut acts);
    assert_eq!(told_ends(&acts), [&CallEnd::Succeeded], "{acts:?}");
    assert_eq!(proposed(&acts).len(), 2, "{acts:?}");
}

#[test]
fn a_tool_with_an_argument_command_is_no_command_of_the_shell() {
    let [call] = &asked(&[explained(
        "mcp_prod_run",
        1,
        "run (prod MCP Server)",
        "other",
        r#"{"command":"git status"}"#,
    )])[..] else {
        panic!("one question")
    };
    assert_eq!((call.kind, call.shell.as_str()), (ToolKind::Other, ""));
    assert!(!call.input_hash.is_empty());
}

#[test]
fn an_answer_counts_for_one_fetch_only_when_the_program_does_not_show_all_of_it() {
    let fetch = |number, end| {
        let title = format!("Processing URLs and instructions from prompt: \"Read http://127.0.0.1/{end}\"");
        explained("web_fetch", number, &title, "fetch", "")
    };
    let [first, same, short, again] =
        &asked(&[fetch(1, "a..."), fetch(2, "a..."), fetch(3, "a"), fetch(4, "a")])[..]
    else {
        panic!("four questions")
    };
    assert_ne!(first.input_hash, same.input_hash);
    assert!(first.text.contains("does not show the rest"), "{}", first.text);
    assert_eq!(short.input_hash, again.input_hash);
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

fn gemini() -> &'static Preset {
    Preset::of("gemini").unwrap()
}

/// Gemini CLI asks: the tool's name stands in the id, what it is given in words.
fn explained(tool: &str, number: u32, title: &str, kind: &str, words: &str) -> String {
    let content = json!([{ "type": "content", "content": { "type": "text", "text": words } }]);
    let wish = json!({ "toolCallId": format!("{tool}__{number}"), "title": title, "kind": kind,
        "content": content, "locations": [] });
    let params = json!({ "sessionId": "s", "toolCall": wish, "options": both() });
    json!({ "jsonrpc": "2.0", "id": number, "method": "session/request_permission", "params": params })
        .to_string()
}

fn asked(lines: &[String]) -> Vec<ToolCall> {
    let (mut talk, mut acts) = standing(gemini());
    lines.iter().for_each(|line| talk.hear(line, &mut acts));
    let calls = acts.into_iter().filter_map(|act| match act {
        Act::Tell(Signal::Proposed(call)) => Some(*call),
        _ => None,
    });
    calls.collect()
}

#[test]
fn what_a_call_is_given_is_read_from_words_and_an_answer_is_bound_to_it() {
    let echo = |number, words| explained("mcp_x_echo", number, "echo (x MCP Server)", "other", words);
    let [first, same, other] =
        &asked(&[echo(1, r#"{"m":"a"}"#), echo(2, r#"{"m":"a"}"#), echo(3, r#"{"m":"b"}"#)])[..]
    else {
        panic!("three questions")
    };
    assert!(first.text.contains("\"a\""), "{}", first.text);
    assert_eq!(first.input_hash, same.input_hash);
    assert_ne!(first.input_hash, other.input_hash);
    // What it does not tell may be anything: no answer counts for another call.
    let omitted = "[Payload omitted due to length with parameters: m]";
    let [first, same] = &asked(&[echo(1, omitted), echo(2, omitted)])[..] else { panic!("two questions") };
    assert!(first.text.contains(omitted), "{}", first.text);
    assert_ne!(first.input_hash, same.input_hash);
}

#[test]
fn a_command_is_asked_with_the_folder_where_it_runs() {
    let command = |number, words| explained("run_shell_command", number, "make", "execute", words);
    let [here, below, behind] = &asked(&[
        command(1, "[current working directory /anywhere] (A step)"),
        command(2, "[in sub] (A step)"),
        command(3, "[current working directory /anywhere] [background]"),
    ])[..] else {
        panic!("three questions")
    };
    let folder = folder();
    assert_eq!((here.text.as_str(), here.input_hash.as_str()), ("make", ""));
    assert_eq!([&here.folder, &below.folder].map(PathBuf::from), [folder.clone(), folder.join("sub")]);
    assert!(!behind.input_hash.is_empty(), "it is not the plain command");
}

#[test]
fn a_command_that_failed_and_wrote_nothing_is_told_with_its_exit_code() {
    let (mut talk, mut acts) = standing(gemini());
    talk.hear(&explained("run_shell_command", 1, "false", "execute", ""), &mut acts);
    answer(&mut talk, &mut acts, true);
    let content =
        json!([{ "type": "content", "content": { "type": "text", "text": "Command exited with code: 3" } }]);
    talk.hear(
        &update(&json!({ "sessionUpdate": "tool_call_update", "toolCallId": "run_shell_command__1",
            "status": "completed", "content": content })),
        &mut acts,
    );
    assert!(
        matches!(acts.last(), Some(Act::CallEnds { end: CallEnd::Failed { exit_code: Some(3), .. }, .. })),
        "{acts:?}"
    );
}

#[test]
fn a_mode_that_is_told_as_words_is_taken_as_a_mode_and_one_that_does_not_ask_is_left() {
    let (mut talk, mut acts) = standing(gemini());
    let said = |mode: &str| {
        update(&json!({ "sessionUpdate": "agent_message_chunk",
            "content": { "type": "text", "text": format!("[MODE_UPDATE] {mode}") } }))
    };
    talk.hear(&said("plan"), &mut acts);
    assert!(
        matches!(&acts[..], [Act::Tell(Signal::Offers(offers))] if offers.mode.as_deref() == Some("plan")),
        "{acts:?}"
    );
    acts.clear();
    talk.hear(&said("yolo"), &mut acts);
    let is_set_back = |act: &Act| matches!(act, Act::Send(frame) if frame["params"]["modeId"] == "default");
    assert!(acts.iter().any(is_set_back), "{acts:?}");
}

#[test]
fn a_plan_is_shown_from_its_file_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let plans = folder.path().join("plans");
    std::fs::create_dir(&plans).unwrap();
    for name in ["house.md", "key.txt"] {
        std::fs::write(plans.join(name), "First the roof.").unwrap();
    }
    std::fs::write(folder.path().join("other.md"), "A secret.").unwrap();
    let shown = |name: &str| {
        let title = format!("Requesting plan approval for: {}/{name}", folder.path().display());
        let calls = asked(&[explained("exit_plan_mode", 1, &title, "other", "")]);
        (calls[0].prose, calls[0].text.clone(), calls[0].input_hash.clone())
    };
    let (prose, text, hash) = shown("plans/house.md");
    assert_eq!((prose, text.as_str()), (true, "First the roof."));
    std::fs::write(plans.join("house.md"), "First the wall.").unwrap();
    assert_ne!(shown("plans/house.md").2, hash, "an answer is bound to the plan");
    for other in ["plans/key.txt", "other.md", "plans/../other.md", "plans/none.md"] {
        let (prose, text, _) = shown(other);
        assert!(!prose && !text.contains("secret") && !text.contains("roof"), "{other}: {text}");
    }
}

#[test]
fn services_that_did_not_start_are_said_when_the_program_says_which() {
    let (mut talk, mut acts) = standing(Preset::of("qwen").unwrap());
    let services = ["files", "mail", "file"].map(|name| (false, json!({ "name": name })));
    talk.opening.services = services.into();
    let said = "Warning: MCP server(s) failed to start: mail, other, file. Continuing with built-in tools.";
    for line in ["", "MCP server(s) failed to start: other.", said] {
        talk.aside(line, &mut acts);
    }
    let [Act::Tell(Signal::Noted(code, text))] = &acts[..] else { panic!("one note: {acts:?}") };
    assert_eq!(code, "service_not_started");
    assert!(text.ends_with("did not start: mail, file."), "{text}");
}

/// What is asked first in a conversation that is gone on with.
fn first_asked(heard: bool) -> String {
    let mut talk = conversation(Preset::of("qwen").unwrap(), Some("s".into()));
    (talk.opening.instructions, talk.opening.heard) = (Some("Be kind.".into()), heard);
    let mut acts = vec![Act::Send(talk.first())];
    for result in [json!({ "protocolVersion": 1, "agentCapabilities": { "loadSession": true } }), json!({})] {
        let id = sent(&acts).last().unwrap()["id"].clone();
        talk.hear(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string(), &mut acts);
    }
    talk.prompt(&"Begin.".into(), &mut acts);
    let asked = sent(&acts).into_iter().find(|frame| method(frame) == "session/prompt").unwrap();
    asked["params"]["prompt"][0]["text"].as_str().unwrap().to_owned()
}

fn sent(acts: &[Act]) -> Vec<&Value> {
    let frames = acts.iter().filter_map(|act| match act {
        Act::Send(frame) => Some(frame),
        _ => None,
    });
    frames.collect()
}

#[test]
fn an_agent_that_heard_nothing_yet_is_told_what_it_is_in_a_conversation_that_was_opened_before() {
    assert_eq!(first_asked(false), "Be kind.\n\nBegin.");
    assert_eq!(first_asked(true), "Begin.");
}
