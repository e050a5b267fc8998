//! The conversation on recorded frames of the real program, and on broken ones.
//!
//! `fixtures/codex/*.jsonl` are what was said on the program's pipes in scenarios of the contract suite, cleaned of
//! machine paths by `tests/contract/clean.mjs`. Beside each stands what Nox makes of it; `NOX_BLESS=1` writes that anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use super::{conversation::Conversation, launch, usage::Paid, wishes::Which};
use crate::{
    Answer,
    child::{Act, Asked, Placed, Talk},
    prices::Prices,
    testing::{breaks, broken, check, compare, folder, frames, recorded, run, told},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use nox_domain::{agent::Service, ids::ItemId, session::Signal, transcript::AgentFault};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf};
use uuid::Uuid;

/// The built-in prices, where a sign-in pays.
fn costs() -> (Prices, Option<Paid>) {
    (Prices::read(None).0, None)
}

fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/codex"))
}

pub(super) fn conversation(which: Which) -> Conversation {
    let mut next = 0u128;
    let (mut start, _) = crate::testing::start();
    start.folder = folder();
    start.instructions = "You are the contract's worker.".into();
    start.program.model = Some("gpt-5.5".into());
    let thread = launch::thread(&start, &Placed::of(&start, true));
    Conversation::new(&folder(), which, thread, None, costs(), move || {
        next += 1;
        ItemId::from_uuid(Uuid::from_u128(next))
    })
}

fn answer(key: &str, allowed: bool, reason: Option<&str>) -> Answer {
    let item = ItemId::from_uuid(Uuid::from_u128(99));
    let reason = reason.map(str::to_owned);
    Answer { key: key.to_owned(), item, allowed, reason, by_person: true, answers: BTreeMap::new() }
}

/// Plays a recording: what the program said goes in, what was said to it is wished for, and has to come out.
fn play(lines: &[Value]) -> String {
    let mut talk = conversation(Which::New);
    let (mut out, mut said) = (vec![Act::Send(Conversation::opening())], String::new());
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    for (place, line) in lines.iter().enumerate() {
        let frame = |name: &str| serde_json::from_str::<Value>(line[name].as_str()?).ok();
        if let Some(line) = line["from"].as_str() {
            talk.hear(line, &mut out);
        }
        let asked = frame("from").filter(|frame| frame["method"].is_string() && !frame["id"].is_null());
        for act in &out {
            if let (Act::Tell(Signal::Proposed(call)), Some(asked)) = (act, &asked) {
                keys.insert(asked["id"].to_string(), call.key.clone());
            }
        }
        if let Some(frame) = frame("to") {
            let is_it = |act: &Act| matches!(act, Act::Send(sent) if *sent == frame);
            if !out.iter().any(is_it) {
                wish(&mut talk, &frame, &lines[place..], &keys, &mut out);
            }
            let sent = out.iter().position(is_it);
            out.remove(sent.unwrap_or_else(|| panic!("Nox says something else than {frame}: {out:?}")));
        }
        said.extend(out.iter().filter_map(told));
        // What is to be sent waits for its line of the recording.
        out.retain(|act| matches!(act, Act::Send(_)));
    }
    assert!(out.is_empty(), "Nox says what nobody heard: {out:?}");
    talk.over(&mut out);
    assert!(!out.iter().any(|act| matches!(act, Act::Send(_))), "there is nobody to hear it: {out:?}");
    said.extend(out.iter().filter_map(told));
    said
}

fn wish(
    talk: &mut Conversation,
    frame: &Value,
    rest: &[Value],
    keys: &BTreeMap<String, String>,
    out: &mut Vec<Act>,
) {
    let text = frame["params"]["input"][0]["text"].as_str();
    match frame["method"].as_str() {
        Some("turn/start") => talk.prompt(&text.unwrap().into(), out),
        Some("turn/interrupt") => talk.interrupt(out),
        // The reason of a refusal is said before it.
        Some("turn/steer") => {
            let next =
                rest.iter().filter_map(|line| serde_json::from_str::<Value>(line["to"].as_str()?).ok());
            let refusal = next.into_iter().find(|frame| frame["result"]["decision"] == "decline").unwrap();
            talk.answer(&answer(&keys[&refusal["id"].to_string()], false, text), out);
        }
        _ => {
            let allowed = frame["result"]["decision"] == "accept";
            talk.answer(&answer(&keys[&frame["id"].to_string()], allowed, None), out);
        }
    }
}

#[test]
fn recorded_frames_become_what_they_were() {
    compare(&fixtures(), play);
}

/// A conversation that stands, in a turn that runs.
fn begun(which: Which) -> (Conversation, Vec<Act>) {
    let (mut talk, mut out) = (conversation(which), Vec::new());
    talk.hear(&json!({ "id": 0, "result": { "userAgent": "nox/0.169.0 (x)" } }).to_string(), &mut out);
    talk.hear(&started("untrusted"), &mut out);
    talk.prompt(&"Go on.".into(), &mut out);
    talk.hear(
        &json!({ "method": "turn/started", "params": { "threadId": "t", "turn": { "id": "u" } } })
            .to_string(),
        &mut out,
    );
    assert!(out.iter().any(|act| matches!(act, Act::Ready)) && !refuses(&out), "{out:?}");
    (talk, out)
}

pub(super) fn started(policy: &str) -> String {
    let result = json!({ "thread": { "id": "t" }, "model": "m", "approvalPolicy": policy, "approvalsReviewer": "user" });
    json!({ "id": 2, "result": result }).to_string()
}

fn item(method: &str, more: Value) -> String {
    let mut item = json!({ "id": "i", "type": "commandExecution", "command": "/bin/bash -lc 'touch x'", "cwd": folder() });
    for (name, value) in more.as_object().unwrap() {
        item[name] = value.clone();
    }
    json!({ "method": method, "params": { "threadId": "t", "item": item } }).to_string()
}

fn asks() -> String {
    let params = json!({ "kind": "command", "threadId": "t", "itemId": "i", "command": "/bin/bash -lc 'touch x'", "cwd": folder() });
    json!({ "id": 5, "method": "item/commandExecution/requestApproval", "params": params }).to_string()
}

fn refuses(acts: &[Act]) -> bool {
    acts.iter().any(|act| matches!(act, Act::Refuse(_)))
}

pub(super) fn hear(talk: &mut Conversation, lines: &[String]) -> Vec<Act> {
    let mut out = Vec::new();
    lines.iter().for_each(|line| talk.hear(line, &mut out));
    out
}

fn key(acts: &[Act]) -> String {
    let key = |act: &Act| match act {
        Act::Tell(Signal::Proposed(call)) => Some(call.key.clone()),
        _ => None,
    };
    acts.iter().find_map(key).expect("a question")
}

#[test]
fn a_thread_that_does_not_ask_before_everything_is_never_asked_anything() {
    for policy in ["on-request", "never", ""] {
        let mut talk = conversation(Which::New);
        hear(&mut talk, &[json!({ "id": 0, "result": {} }).to_string()]);
        let acts = hear(&mut talk, &[started(policy)]);
        assert!(refuses(&acts) && !acts.iter().any(|act| matches!(act, Act::Ready)), "{policy}: {acts:?}");
    }
    let (mut talk, _) = begun(Which::New);
    let settings = json!({ "approvalPolicy": "never", "approvalsReviewer": "user" });
    let changed = json!({ "method": "thread/settings/updated", "params": { "threadSettings": settings } });
    assert!(refuses(&hear(&mut talk, &[changed.to_string()])), "it asked once");
}

#[test]
fn what_was_done_without_an_allowing_answer_ends_the_program() {
    let begins = || item("item/started", json!({}));
    let done = |more: Value| item("item/completed", more);
    let after = |answers: Option<bool>, last: Value| {
        let (mut talk, _) = begun(Which::New);
        let mut acts = hear(&mut talk, &[begins()]);
        if let Some(allowed) = answers {
            let asked = hear(&mut talk, &[asks()]);
            talk.answer(&answer(&key(&asked), allowed, None), &mut acts);
        }
        acts.extend(hear(&mut talk, &[done(last)]));
        refuses(&acts)
    };
    let ran = json!({ "status": "completed", "exitCode": 0 });
    let failed = json!({ "status": "failed", "exitCode": 1 });
    let declined = json!({ "status": "declined", "exitCode": null });
    assert!(after(None, ran.clone()) && after(None, failed.clone()), "never asked, and done");
    assert!(after(Some(false), ran.clone()), "denied, and done");
    assert!(!after(Some(false), declined.clone()) && !after(None, declined), "not done");
    assert!(!after(Some(true), ran) && !after(Some(true), failed), "allowed");
    let typed = json!({ "method": "item/commandExecution/terminalInteraction",
        "params": { "threadId": "t", "itemId": "i", "stdin": "rm x\n" } });
    assert!(refuses(&hear(&mut begun(Which::New).0, &[typed.to_string()])), "typing is not asked");
    let output = json!({ "method": "item/commandExecution/outputDelta", "params": { "threadId": "t", "itemId": "i", "delta": "x" } });
    assert!(refuses(&hear(&mut begun(Which::New).0, &[begins(), output.to_string()])), "it runs already");
    let edit = json!({ "type": "fileChange", "changes": [], "status": "completed", "command": null });
    assert!(refuses(&hear(&mut begun(Which::New).0, &[done(edit)])));
    let tool = |tool: &str| json!({ "type": "mcpToolCall", "server": "s", "tool": tool, "status": "completed", "command": null });
    assert!(refuses(&hear(&mut begun(Which::New).0, &[done(tool("write"))])));
}

#[test]
fn codex_may_list_what_services_offer_and_read_nothing_of_it() {
    let ends = |method: &str, server: &str, tool: &str, arguments: Value| {
        let more = json!({ "type": "mcpToolCall", "server": server, "tool": tool, "arguments": arguments,
            "status": "completed", "command": null });
        refuses(&hear(&mut begun(Which::New).0, &[item(method, more)]))
    };
    for tool in ["list_mcp_resources", "list_mcp_resource_templates"] {
        assert!(!ends("item/completed", "codex", tool, json!({})), "all services");
        assert!(!ends("item/completed", "codex", tool, Value::Null), "all services");
        assert!(
            !ends("item/completed", "files", tool, json!({ "server": "files", "cursor": "2" })),
            "one service"
        );
        assert!(
            ends("item/completed", "files", tool, json!({})),
            "a tool of the service that has the same name"
        );
        assert!(ends("item/completed", "files", tool, json!({ "server": "files", "path": "x" })), "the same");
    }
    let read = json!({ "server": "files", "uri": "file:///x" });
    for method in ["item/started", "item/completed"] {
        assert!(ends(method, "files", "read_mcp_resource", read.clone()), "{method}");
    }
    let own = json!({ "path": "x" });
    assert!(
        !ends("item/started", "files", "read_mcp_resource", own),
        "a tool of the service is still to be asked"
    );
}

#[test]
fn what_is_asked_after_an_interrupt_is_refused_at_once() {
    let service = json!({ "_meta": { "codex_approval_kind": "mcp_tool_call", "tool_name": "make" } });
    let questions = json!({ "questions": [{ "id": "q", "question": "Which?" }] });
    for (method, mut params) in [
        (
            "item/commandExecution/requestApproval",
            json!({ "itemId": "i", "command": "touch x", "cwd": folder() }),
        ),
        ("item/fileChange/requestApproval", json!({ "itemId": "i" })),
        ("mcpServer/elicitation/request", service),
        ("item/tool/requestUserInput", questions),
    ] {
        params["threadId"] = "t".into();
        let ask = json!({ "id": 7, "method": method, "params": params }).to_string();
        let asked = hear(&mut begun(Which::New).0, std::slice::from_ref(&ask));
        assert!(matches!(&asked[..], [Act::Tell(Signal::Proposed(_))]), "{method}: {asked:?}");
        let (mut talk, mut out) = begun(Which::New);
        talk.interrupt(&mut out);
        let acts = hear(&mut talk, &[ask]);
        let [Act::Send(sent)] = &acts[..] else { panic!("{method}: {acts:?}") };
        let allows = sent["result"]["decision"] == "accept" || sent["result"]["action"] == "accept";
        assert!(sent["id"] == 7 && sent["result"].is_object() && !allows, "{sent}");
    }
}

#[test]
fn an_answer_that_comes_late_meets_no_later_call() {
    let (mut talk, _) = begun(Which::New);
    let late = key(&hear(&mut talk, &[item("item/started", json!({})), asks()]));
    let taken_back = json!({ "method": "serverRequest/resolved", "params": { "requestId": 5 } });
    let again = hear(&mut talk, &[taken_back.to_string(), asks()]);
    let mut acts = Vec::new();
    talk.answer(&answer(&late, true, None), &mut acts);
    assert!(acts.is_empty() && key(&again) != late, "{acts:?}");
    talk.answer(&answer(&key(&again), true, None), &mut acts);
    assert!(acts.iter().any(|act| matches!(act, Act::Send(_))), "{acts:?}");
}

#[test]
fn what_is_kept_of_items_is_counted_as_long_as_it_is_kept() {
    let (mut talk, _) = begun(Which::New);
    let bytes = 1_000_000;
    hear(&mut talk, &[item("item/started", json!({ "command": "x".repeat(bytes) }))]);
    assert!((bytes..2 * bytes).contains(&talk.held_bytes()), "{}", talk.held_bytes());
    hear(&mut talk, &[item("item/completed", json!({ "status": "declined" }))]);
    assert!(talk.held_bytes() < 1_000, "{}", talk.held_bytes());
}

#[test]
fn the_output_of_a_command_is_whole_whatever_came_while_it_ran() {
    let all = |deltas: &[&str], all: &str| {
        let (mut talk, _) = begun(Which::New);
        let asked = hear(&mut talk, &[item("item/started", json!({})), asks()]);
        let mut acts = Vec::new();
        talk.answer(&answer(&key(&asked), true, None), &mut acts);
        for delta in deltas {
            let params = json!({ "threadId": "t", "itemId": "i", "delta": delta });
            acts.extend(hear(
                &mut talk,
                &[json!({ "method": "item/commandExecution/outputDelta", "params": params }).to_string()],
            ));
        }
        let end = json!({ "status": "completed", "exitCode": 0, "aggregatedOutput": all });
        acts.extend(hear(&mut talk, &[item("item/completed", end)]));
        let part = |act: &Act| match act {
            Act::Append(_, text) => Some(text.clone()),
            Act::CallEnds { out, .. } => Some(out.clone()),
            _ => None,
        };
        acts.iter().filter_map(part).collect::<String>()
    };
    assert_eq!(all(&[], "one\n"), "one\n");
    assert_eq!(all(&["one\n"], "one\ntwo\n"), "one\ntwo\n");
    assert_eq!(all(&["one\n", "two\n"], "one\ntwo\n"), "one\ntwo\n");
    let late = all(&["two\n"], "one\ntwo\n");
    assert!(
        late.starts_with("two\n") && late.ends_with("one\ntwo\n") && late.contains("came late"),
        "{late}"
    );
    let long = "x".repeat(100_000);
    assert_eq!(all(&[&long, "y"], "x … y"), format!("{long}y"), "what was cut at its end came before");
}

#[test]
fn nothing_is_asked_before_each_service_has_started_or_failed() {
    let (mut start, _) = crate::testing::start();
    for name in ["files", "mail"] {
        let service = Service { command: Some("serve".into()), ..Service::default() };
        start.services.insert(name.into(), service);
    }
    let mut talk = Conversation::new(
        &folder(),
        Which::New,
        launch::thread(&start, &Placed::default()),
        None,
        costs(),
        || unreachable!("no item"),
    );
    let initialized = json!({ "id": 0, "result": { "userAgent": "nox/0.169.0 (x)" } }).to_string();
    let status = |name: &str, status: &str| {
        let params = json!({ "threadId": "t", "name": name, "status": status, "error": "broken" });
        json!({ "method": "mcpServer/startupStatus/updated", "params": params }).to_string()
    };
    let stands = |acts: &[Act]| acts.iter().filter(|act| matches!(act, Act::Ready)).count();
    let early = [initialized, status("mail", "failed"), started("untrusted"), status("files", "starting")];
    assert_eq!(stands(&hear(&mut talk, &early)), 0);
    assert_eq!(stands(&hear(&mut talk, &[status("mail", "failed"), status("other", "ready")])), 0);
    assert_eq!(stands(&hear(&mut talk, &[status("files", "ready"), status("files", "ready")])), 1);
}

#[test]
fn a_service_is_asked_about_and_ends_under_the_same_key() {
    let (mut talk, _) = begun(Which::New);
    let tool =
        json!({ "type": "mcpToolCall", "server": "files", "tool": "make", "arguments": { "name": "x" } });
    let meta = json!({ "codex_approval_kind": "mcp_tool_call", "tool_name": "make", "tool_params": { "name": "x" } });
    let params = json!({ "threadId": "t", "serverName": "files", "_meta": meta });
    let ask = json!({ "id": 6, "method": "mcpServer/elicitation/request", "params": params }).to_string();
    let asked = hear(&mut talk, &[item("item/started", tool.clone()), ask]);
    let mut acts = Vec::new();
    talk.answer(&answer(&key(&asked), true, None), &mut acts);
    assert!(matches!(&acts[1], Act::Send(sent) if sent["result"]["action"] == "accept"), "{acts:?}");
    let mut done = tool;
    done["status"] = "completed".into();
    let data = BASE64_STANDARD.encode(crate::testing::picture(1));
    let image = json!({ "type": "image", "data": data, "mimeType": "image/png" });
    done["result"] = json!({ "content": [{ "type": "text", "text": "made it" }, image] });
    let acts = hear(&mut talk, &[item("item/completed", done)]);
    let [Act::Shows(of, shown), Act::CallEnds { key: ended, out, .. }] = &acts[..] else {
        panic!("{acts:?}")
    };
    assert_eq!((of.as_ref(), shown.name.as_str()), (Some(ended), "make"));
    assert_eq!((ended, out.as_str()), (&key(&asked), "made it\n[image: make, PNG, 33 bytes]"));
}

#[test]
fn questions_come_with_their_choices_and_go_with_their_answers() {
    let (mut talk, _) = begun(Which::New);
    let question = json!({ "id": "q", "header": "Colour", "question": "Which?", "isOther": true,
        "options": [{ "label": "Red", "description": "" }] });
    let ask = json!({ "id": "r", "method": "item/tool/requestUserInput", "params": { "threadId": "t", "questions": [question] } });
    let asked = hear(&mut talk, &[ask.to_string()]);
    let Some(Act::Tell(Signal::Proposed(call))) = asked.first() else { panic!("{asked:?}") };
    assert_eq!((call.questions[0].id.as_str(), call.questions[0].free), ("q", true));
    let mut answer = answer(&call.key, true, None);
    answer.answers.insert("q".into(), vec!["Red".into()]);
    let mut acts = Vec::new();
    talk.answer(&answer, &mut acts);
    let sent = json!({ "id": "r", "result": { "answers": { "q": { "answers": ["Red"] } } } });
    assert!(acts.contains(&Act::Send(sent)), "{acts:?}");
}

#[test]
fn sub_agents_are_asked_and_ended_with_the_turn_and_say_nothing() {
    let (mut talk, _) = begun(Which::New);
    let turn = |method: &str, thread: &str| {
        let turn = json!({ "id": format!("turn-{thread}"), "status": "completed" });
        json!({ "method": method, "params": { "threadId": thread, "turn": turn } }).to_string()
    };
    let delta = json!({ "method": "item/agentMessage/delta", "params": { "threadId": "sub", "itemId": "m", "delta": "hello" } });
    let acts = hear(&mut talk, &[turn("turn/started", "sub"), delta.to_string()]);
    assert!(acts.is_empty(), "{acts:?}");
    let acts = hear(&mut talk, &[turn("turn/completed", "t")]);
    let interrupts = |act: &Act| matches!(act, Act::Send(sent) if sent["method"] == "turn/interrupt" && sent["params"]["threadId"] == "sub");
    assert!(acts.iter().any(interrupts), "{acts:?}");
    assert!(talk.is_interrupted(), "it has not ended yet");
    let acts = hear(&mut talk, &[turn("turn/completed", "sub")]);
    assert!(matches!(&acts[..], [Act::Tell(Signal::TurnEnded { .. })]), "{acts:?}");
}

#[test]
fn a_conversation_that_is_gone_is_not_an_error() {
    let gone = json!({ "id": 2, "error": { "code": -32600, "message": "no rollout found for thread id x" } });
    let hear_gone = |which: Which| {
        let mut talk = conversation(which);
        hear(&mut talk, &[json!({ "id": 0, "result": {} }).to_string(), gone.to_string()])
    };
    assert!(hear_gone(Which::Resumed("x".into())).contains(&Act::NotThere));
    assert!(refuses(&hear_gone(Which::New)));
}

#[test]
fn a_key_that_is_not_taken_ends_the_turn_at_once() {
    let (mut talk, _) = begun(Which::New);
    let error = json!({ "message": "Reconnecting... 1/5", "additionalDetails": "unexpected status 401",
        "codexErrorInfo": { "responseStreamDisconnected": { "httpStatusCode": 401 } } });
    let failing = json!({ "method": "error", "params": { "threadId": "t", "turnId": "u", "willRetry": true, "error": error } });
    let acts = hear(&mut talk, &[failing.to_string(), failing.to_string()]);
    assert_eq!(acts.len(), 1, "one interrupt: {acts:?}");
    let over = json!({ "method": "turn/completed", "params": { "threadId": "t", "turn": { "id": "u", "status": "interrupted" } } });
    let acts = hear(&mut talk, &[over.to_string()]);
    let [Act::Tell(Signal::TurnEnded { problem: Some(problem), .. })] = &acts[..] else { panic!("{acts:?}") };
    let nox_domain::event::Problem::Agent { fault, message, .. } = problem else { panic!("{problem:?}") };
    assert!(*fault == AgentFault::BadKey && message.contains("401"), "{message}");
}

#[test]
fn what_is_not_understood_is_shown_as_it_came_and_every_question_is_answered() {
    let (mut talk, _) = begun(Which::New);
    let acts = hear(&mut talk, &["{\"method\":\"sings\",\"song\":\"la\u{1b}[2J\"}".to_owned()]);
    let [Act::Tell(Signal::Noted(code, text))] = &acts[..] else { panic!("{acts:?}") };
    assert!(code == "unknown_frame" && text.contains("\"song\":\"la"), "{text}");
    let acts = hear(&mut talk, &[json!({ "id": 9, "method": "dance", "params": {} }).to_string()]);
    assert!(
        acts.iter().any(|act| matches!(act, Act::Send(frame) if frame["error"]["code"] == -32601)),
        "a question that nobody answers would hold the program for ever"
    );
}

#[test]
fn a_program_that_opens_without_end_is_ended() {
    let (mut talk, _) = begun(Which::New);
    let many: Vec<_> = (0..5_000).map(|n| item("item/started", json!({ "id": format!("i{n}") }))).collect();
    assert!(refuses(&hear(&mut talk, &many)));
}

/// Recorded frames up to the beginning of a turn, then these.
fn in_a_turn(lines: Vec<String>) -> Vec<String> {
    let opening = frames(vec![recorded(&fixtures()).pop().unwrap()]);
    let turn = opening.iter().position(|line| line.contains("\"turn/started\"")).unwrap();
    opening.into_iter().take(turn + 1).chain(lines).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn broken_frames_are_shown_and_change_nothing_else(breaks in breaks()) {
        let lines = in_a_turn(broken(&frames(recorded(&fixtures())), &breaks));
        check(&run(conversation(Which::New), &lines, 1), 1);
    }

    #[test]
    fn any_text_is_no_frame_and_no_panic(lines in proptest::collection::vec(".{0,80}", 0..30)) {
        check(&run(conversation(Which::New), &in_a_turn(lines), 1), 1);
    }
}

#[test]
fn images_stand_in_front_of_the_words_and_need_none() {
    let image = json!({ "type": "image", "url": "data:image/png;base64,YWJj" });
    for (words, expected) in
        [("look", json!([image, { "type": "text", "text": "look" }])), ("", json!([image]))]
    {
        let (mut talk, mut out) = (begun(Which::New).0, Vec::new());
        talk.prompt(&Asked::showing(words, b"abc"), &mut out);
        let [Act::Send(frame)] = &out[..] else { unreachable!("one frame") };
        assert_eq!(frame["params"]["input"], expected);
    }
}
