//! The conversation on recorded frames of the real program, and on broken ones; the command line; the lock.
//!
//! `fixtures/claude/*.jsonl` are what was said on the program's pipes in scenarios of the contract suite, cleaned of
//! machine paths by `tests/contract/clean.mjs`. Beside each stands what Nox makes of it; `NOX_BLESS=1` writes that anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use super::{
    conversation::Conversation,
    launch::{Which, launch},
};
use crate::{
    Answer, Start,
    child::{Act, Carried, Talk},
};
use nox_domain::{event::Problem, ids::ItemId, session::Signal};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write, path::PathBuf};
use uuid::Uuid;

fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/claude"))
}

/// The folder of the recordings, and one of the same length that is there: what lies outside of a session's folder has no diff.
const RECORDED_FOLDER: &str = "/nowhere/project";
const FOLDER: &str = "/tmp/nox-project";

fn conversation() -> Conversation {
    let mut next = 0u128;
    std::fs::create_dir_all(FOLDER).unwrap();
    Conversation::new(FOLDER.as_ref(), false, 0, move || {
        next += 1;
        ItemId::from_uuid(Uuid::from_u128(next))
    })
}

fn recorded() -> Vec<(String, Vec<Value>)> {
    let mut all: Vec<_> = std::fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .map(|path| {
            let lines = std::fs::read_to_string(&path).unwrap().replace(RECORDED_FOLDER, FOLDER);
            let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), lines)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(all.len() >= 6, "recordings are missing");
    all
}

/// Plays a recording: what the program said goes in, what was said to it is wished for, and has to come out.
fn play(lines: &[Value]) -> String {
    let mut talk = conversation();
    let (mut out, mut said) = (Vec::new(), String::new());
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    for line in lines {
        if let Some(line) = line["from"].as_str() {
            talk.hear(line, &mut out);
        } else if let Some(line) = line["to"].as_str() {
            let frame: Value = serde_json::from_str(line).unwrap();
            wish(&mut talk, &frame, &keys, &mut out);
            let sent = out.iter().position(|act| matches!(act, Act::Send(sent) if same(sent, &frame)));
            let is_opening = frame["request"]["subtype"] == "initialize";
            match sent {
                Some(place) => drop(out.remove(place)),
                None => assert!(is_opening, "Nox says something else than {frame}: {out:?}"),
            }
        }
        for act in &out {
            if let Act::Tell(Signal::Proposed(call)) = act {
                // The frame that asked is the one that was heard last.
                let asked = lines.iter().filter_map(|line| line["from"].as_str());
                let asked = asked.filter_map(|line| serde_json::from_str::<Value>(line).ok());
                let ids = asked
                    .filter(|frame| frame["request"]["subtype"] == "can_use_tool")
                    .map(|frame| frame["request_id"].as_str().unwrap().to_owned());
                let next = ids.into_iter().find(|id| !keys.contains_key(id)).unwrap();
                keys.insert(next, call.key.clone());
            }
        }
        said.extend(out.iter().filter_map(told));
        // What is to be sent waits for its line of the recording.
        out.retain(|act| matches!(act, Act::Send(_)));
    }
    talk.over(&mut out);
    said.extend(out.iter().filter_map(told));
    said
}

/// Ids of our own requests are counted; all else is the same.
fn same(sent: &Value, recorded: &Value) -> bool {
    sent == recorded
}

fn wish(talk: &mut Conversation, frame: &Value, keys: &BTreeMap<String, String>, out: &mut Vec<Act>) {
    if frame["type"] == "user" {
        talk.prompt(frame["message"]["content"][0]["text"].as_str().unwrap(), out);
    } else if frame["request"]["subtype"] == "interrupt" {
        talk.interrupt(out);
    } else if let Some(behavior) = frame["response"]["response"]["behavior"].as_str() {
        let id = frame["response"]["request_id"].as_str().unwrap();
        let answer = Answer {
            key: keys[id].clone(),
            item: ItemId::from_uuid(Uuid::from_u128(99)),
            allowed: behavior == "allow",
            reason: frame["response"]["response"]["message"].as_str().map(str::to_owned),
            by_person: true,
            answers: Default::default(),
        };
        talk.answer(&answer, out);
    }
}

fn told(act: &Act) -> Option<String> {
    let mut line = String::new();
    match act {
        Act::Named(_) => line.push_str("named"),
        Act::Tell(Signal::Writing { thought, .. }) => {
            let _ = write!(line, "begins a {}", if *thought { "thought" } else { "message" });
        }
        Act::Tell(Signal::Wrote { text, .. }) => {
            let _ = write!(line, "wrote {:?}", text.chars().take(60).collect::<String>());
        }
        Act::Tell(Signal::Proposed(call)) => {
            let _ = write!(line, "wants {} {:?} {:?}", call.kind.as_str(), call.title, call.text);
            for diff in &call.diff {
                let _ = write!(line, " +{} -{}", diff.added, diff.removed);
            }
        }
        Act::Tell(Signal::CallStarted { .. }) => line.push_str("begins it"),
        Act::Tell(Signal::CallEnded { end, .. }) => {
            let _ = write!(line, "ends it: {end:?}");
        }
        Act::CallEnds { out, end, .. } => {
            let _ = write!(line, "ends it: {end:?} {:?}", out.chars().take(60).collect::<String>());
        }
        Act::Tell(Signal::Used(used)) => {
            let (read, written, cost) = (used.input_tokens.0, used.output_tokens.0, used.cost_micro_usd.0);
            let _ = write!(line, "used {} {read} {written} {cost}", used.model);
        }
        Act::Tell(Signal::Noted(code, _)) => {
            let _ = write!(line, "notes {code}");
        }
        Act::Tell(Signal::TurnEnded { end, problem }) => {
            let fault = match problem {
                Some(Problem::Agent { fault, .. }) => format!(" {fault:?}"),
                Some(other) => format!(" {other:?}"),
                None => String::new(),
            };
            let _ = write!(line, "turn over: {end:?}{fault}");
        }
        Act::Ready => line.push_str("ready"),
        Act::NotThere => line.push_str("the conversation is not there"),
        Act::Refuse(_) => line.push_str("it is ended"),
        _ => return None,
    }
    line.push('\n');
    Some(line)
}

#[test]
fn recorded_frames_become_what_they_were() {
    for (name, lines) in recorded() {
        let path = fixtures().join(format!("{name}.expected"));
        let said = play(&lines).replace(FOLDER, RECORDED_FOLDER);
        if std::env::var_os("NOX_BLESS").is_some() {
            std::fs::write(&path, &said).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(said, expected, "{name}; NOX_BLESS=1 writes it anew");
        assert!(!said.contains("unknown_frame"), "{name}");
    }
}

fn refuses(acts: &[Act]) -> bool {
    acts.iter().any(|act| matches!(act, Act::Refuse(_)))
}

#[test]
fn a_program_without_the_hook_is_ended_before_it_is_asked_anything() {
    for response in [
        json!({ "subtype": "error", "request_id": "nox-initialize", "error": "no" }),
        json!({ "subtype": "success", "request_id": "nox-initialize", "response": { "hooks_applied": false } }),
    ] {
        let (mut talk, mut acts) = (conversation(), Vec::new());
        talk.hear(&json!({ "type": "control_response", "response": response }).to_string(), &mut acts);
        assert!(refuses(&acts) && !acts.iter().any(|act| matches!(act, Act::Ready)), "{acts:?}");
    }
}

#[test]
fn a_call_that_ran_without_an_answer_ends_the_program() {
    let used = |id: &str, tool: &str| {
        json!({ "type": "assistant", "message": { "id": "m", "content": [
        { "type": "tool_use", "id": id, "name": tool, "input": { "command": "ls" } }] } })
    };
    let result = |failed: bool| {
        json!({ "type": "user", "message": { "content": [
        { "type": "tool_result", "tool_use_id": "t", "is_error": failed, "content": "x" }] } })
    };
    let asked = json!({ "type": "control_request", "request_id": "r", "request": { "subtype": "can_use_tool",
        "tool_name": "Bash", "tool_use_id": "t", "input": { "command": "ls" } } });
    let withdrawn = json!({ "type": "control_cancel_request", "request_id": "r" });
    let after = |frames: &[Value]| {
        let (mut talk, mut acts) = (conversation(), Vec::new());
        for frame in frames {
            talk.hear(&frame.to_string(), &mut acts);
        }
        refuses(&acts)
    };
    let used = used("t", "Bash");
    assert!(after(&[used.clone(), asked.clone(), withdrawn.clone(), result(false)]), "taken back, and done");
    assert!(!after(&[used.clone(), asked, withdrawn, result(true)]), "taken back, and not done");
    assert!(after(&[used.clone(), result(false)]), "never asked, and done");
    assert!(!after(&[used, result(true)]), "never asked, and not done");
}

/// What holds however broken the frames are.
fn check(acts: &[Act], prompts: usize) {
    let (mut open, mut proposed, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    let (mut turns, mut unknown) = (0, 0);
    for act in acts {
        match act {
            Act::Tell(Signal::Writing { item, .. }) => open.push(item.clone()),
            Act::Tell(Signal::Wrote { item, .. }) => {
                let place = open.iter().position(|known| known == item).expect("it had begun");
                open.remove(place);
            }
            Act::Append(item, _) => assert!(open.contains(item), "bytes of a text that is not open"),
            Act::Tell(Signal::Proposed(call)) => {
                assert!(!proposed.contains(&call.key) || ended.contains(&call.key), "one key for two calls");
                ended.retain(|key| *key != call.key);
                proposed.push(call.key.clone());
            }
            Act::Tell(Signal::CallEnded { key, .. }) | Act::CallEnds { key, .. } => {
                assert!(proposed.contains(key) && !ended.contains(key), "an end of nothing");
                ended.push(key.clone());
            }
            Act::Tell(Signal::TurnEnded { .. }) => turns += 1,
            Act::Tell(Signal::Noted(code, _)) if code == "unknown_frame" => unknown += 1,
            _ => {}
        }
    }
    assert!(open.is_empty(), "a text without an end");
    assert!(turns <= prompts, "{turns} ends of {prompts} turns");
    assert!(unknown <= 20, "{unknown} notes");
}

/// Runs lines through a conversation; calls are answered in turn with yes and no.
fn run(lines: &[String], prompts: usize) -> Vec<Act> {
    let mut talk = conversation();
    let mut acts = Vec::new();
    for _ in 0..prompts {
        talk.prompt("x", &mut acts);
    }
    for (number, line) in lines.iter().enumerate() {
        let mut out = Vec::new();
        talk.hear(line, &mut out);
        let keys: Vec<String> = out
            .iter()
            .filter_map(|act| match act {
                Act::Tell(Signal::Proposed(call)) => Some(call.key.clone()),
                _ => None,
            })
            .collect();
        acts.append(&mut out);
        for key in keys {
            let item = ItemId::from_uuid(Uuid::from_u128(7));
            let answer = Answer {
                key,
                item,
                allowed: number % 2 == 0,
                reason: None,
                by_person: true,
                answers: Default::default(),
            };
            talk.answer(&answer, &mut acts);
        }
    }
    talk.over(&mut acts);
    acts
}

fn frames() -> Vec<String> {
    let all = recorded().into_iter().flat_map(|(_, lines)| lines);
    all.filter_map(|line| line["from"].as_str().map(str::to_owned)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn broken_frames_are_shown_and_change_nothing_else(
        picks in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..6, any::<prop::sample::Index>(), any::<u8>()), 1..60),
    ) {
        let frames = frames();
        let lines: Vec<String> = picks.iter().map(|(which, how, place, byte)| {
            let line = &frames[which.index(frames.len())];
            let mut bytes = line.clone().into_bytes();
            let at = place.index(bytes.len());
            match how {
                0 => bytes.truncate(at),
                1 => bytes[at] = *byte,
                2 => bytes.insert(at, *byte),
                3 => drop(bytes.drain(..at)),
                4 => return damaged(line, at),
                _ => {}
            }
            String::from_utf8_lossy(&bytes).into_owned()
        }).collect();
        check(&run(&lines, 1), 1);
    }

    #[test]
    fn any_text_is_no_frame_and_no_panic(lines in proptest::collection::vec(".{0,80}", 0..30)) {
        check(&run(&lines, 1), 1);
    }
}

/// The same frame with a value of another kind somewhere.
fn damaged(line: &str, place: usize) -> String {
    fn walk(value: &mut Value, left: &mut usize) -> bool {
        if *left == 0 {
            *value = match value {
                Value::String(_) => json!({ "a": [1] }),
                Value::Object(_) => json!("text"),
                Value::Array(_) => json!(7),
                _ => json!([null]),
            };
            return true;
        }
        *left -= 1;
        match value {
            Value::Array(values) => values.iter_mut().any(|value| walk(value, left)),
            Value::Object(map) => map.values_mut().any(|value| walk(value, left)),
            _ => false,
        }
    }
    let mut value: Value = serde_json::from_str(line).unwrap_or_default();
    walk(&mut value, &mut (place % 40));
    value.to_string()
}

#[test]
fn what_is_not_understood_is_shown_as_it_came() {
    let acts = run(&["{\"type\":\"sings\",\"song\":\"la\u{1b}[2J\"}".to_owned()], 0);
    let [Act::Tell(Signal::Noted(code, text))] = &acts[..] else { panic!("{acts:?}") };
    assert!(code == "unknown_frame" && text.contains("\"song\":\"la"), "{text}");
    let request = json!({ "type": "control_request", "request_id": "r", "request": { "subtype": "dance" } });
    let acts = run(&[request.to_string()], 0);
    assert!(
        acts.iter().any(|act| matches!(act, Act::Send(frame) if frame["response"]["subtype"] == "error")),
        "a question that nobody answers would hold the program for ever"
    );
}

#[test]
fn the_same_call_twice_at_once_has_two_keys_and_one_key_over_runs() {
    let ask = |id: &str| {
        json!({ "type": "control_request", "request_id": id, "request": { "subtype": "can_use_tool",
            "tool_name": "Bash", "tool_use_id": id, "input": { "command": "make" } } })
        .to_string()
    };
    let keys = |lines: &[String]| -> Vec<String> {
        let mut talk = conversation();
        let mut acts = Vec::new();
        lines.iter().for_each(|line| talk.hear(line, &mut acts));
        acts.iter()
            .filter_map(|act| match act {
                Act::Tell(Signal::Proposed(call)) => Some(call.key.clone()),
                _ => None,
            })
            .collect()
    };
    let both = keys(&[ask("a"), ask("b")]);
    assert_ne!(both[0], both[1]);
    assert_eq!(keys(&[ask("c")]), both[..1], "a later run asks under the same key");
}

#[test]
fn the_key_is_in_the_environment_of_the_program_only() {
    let key = Some(SecretString::from("a-key-of-a-person".to_owned()));
    let start = Start { key, ..crate::testing::start().0 };
    let made = launch(&start, &Which::New("n".into())).unwrap();
    let args = format!("{:?}", made.spec.args);
    assert!(!args.contains("a-key-of-a-person"), "{args}");
    let value = |name: &str| {
        let pair = made.spec.env.iter().find(|(known, _)| known == name);
        pair.map(|(_, value)| value.to_string_lossy().into_owned())
    };
    assert_eq!(value("ANTHROPIC_API_KEY").as_deref(), Some("a-key-of-a-person"));
    let file = value("CLAUDE_ENV_FILE").expect("a file that takes the key away from commands");
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "unset ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN\n"
    );
    assert_eq!(value("DISABLE_TELEMETRY").as_deref(), Some("1"));
    drop(made);
    assert!(!std::path::Path::new(&file).exists(), "it goes with the run");
}

#[test]
fn one_conversation_is_carried_by_one_run() {
    let first = Carried::take("one").unwrap();
    assert!(Carried::take("one").is_none());
    assert!(Carried::take("another").is_some());
    drop(first);
    assert!(Carried::take("one").is_some());
}
