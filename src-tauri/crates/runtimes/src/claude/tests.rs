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
    child::{Act, Asked, Carried, Talk},
    testing::{breaks, broken, check, compare, folder, frames, recorded, run, told},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use nox_domain::{agent::Service, event::Dial, ids::ItemId, session::Signal};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf};
use uuid::Uuid;

fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/claude"))
}

fn conversation() -> Conversation {
    let mut next = 0u128;
    Conversation::new(&folder(), false, None, 0, move || {
        next += 1;
        ItemId::from_uuid(Uuid::from_u128(next))
    })
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
            let sent = out.iter().position(|act| matches!(act, Act::Send(sent) if *sent == frame));
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
    let left: Vec<_> = out.iter().filter(|act| matches!(act, Act::Send(_))).collect();
    assert!(left.is_empty(), "Nox says what was never said: {left:?}");
    said
}

fn wish(talk: &mut Conversation, frame: &Value, keys: &BTreeMap<String, String>, out: &mut Vec<Act>) {
    if frame["type"] == "user" {
        talk.prompt(&frame["message"]["content"][0]["text"].as_str().unwrap().into(), out);
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

#[test]
fn recorded_frames_become_what_they_were() {
    compare(&fixtures(), play);
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

/// After these frames and, in place of `null`, answers to the call that was proposed last.
fn after(frames: &[Value], allowed: bool) -> Vec<Act> {
    let (mut talk, mut acts) = (conversation(), Vec::new());
    talk.prompt(&"x".into(), &mut acts);
    for frame in frames {
        match frame {
            Value::Null => talk.answer(&answer(&keys(&acts).pop().unwrap(), allowed), &mut acts),
            frame => talk.hear(&frame.to_string(), &mut acts),
        }
    }
    acts
}

fn answer(key: &str, allowed: bool) -> Answer {
    let item = ItemId::from_uuid(Uuid::from_u128(99));
    Answer { key: key.into(), item, allowed, reason: None, by_person: true, answers: Default::default() }
}

fn keys(acts: &[Act]) -> Vec<String> {
    let key = |act: &Act| match act {
        Act::Tell(Signal::Proposed(call)) => Some(call.key.clone()),
        _ => None,
    };
    acts.iter().filter_map(key).collect()
}

fn used(id: &str) -> Value {
    json!({ "type": "assistant", "message": { "id": "m", "content": [
        { "type": "tool_use", "id": id, "name": "Bash", "input": { "command": "ls" } }] } })
}

fn ask(id: &str, command: &str) -> Value {
    json!({ "type": "control_request", "request_id": id, "request": { "subtype": "can_use_tool",
        "tool_name": "Bash", "tool_use_id": id, "input": { "command": command } } })
}

fn came_to(id: &str, failed: bool, said: &str) -> Value {
    json!({ "type": "user", "message": { "content": [
        { "type": "tool_result", "tool_use_id": id, "is_error": failed, "content": said }] } })
}

#[test]
fn a_call_that_ran_without_an_answer_ends_the_program() {
    let (used, asked, answered) = (used("t"), ask("t", "ls"), Value::Null);
    let withdrawn = json!({ "type": "control_cancel_request", "request_id": "t" });
    let (done, refused, failed) =
        (came_to("t", false, "x"), came_to("t", true, "x"), came_to("t", true, "Exit code 2\nx"));
    let ends = |frames: &[&Value]| {
        let frames: Vec<Value> = frames.iter().map(|frame| (*frame).clone()).collect();
        refuses(&after(&frames, false))
    };
    let before = [
        ("never asked", vec![&used]),
        ("waiting", vec![&used, &asked]),
        ("taken back", vec![&used, &asked, &withdrawn]),
        ("denied", vec![&used, &asked, &answered]),
    ];
    for (how, frames) in before {
        let and = |last| [&frames[..], &[last]].concat();
        assert!(ends(&and(&done)), "{how}, and done");
        assert!(ends(&and(&failed)), "{how}, and begun");
        assert!(!ends(&and(&refused)), "{how}, and not done");
    }
    let mut kept = came_to("t", true, "Exit code 3 is what I do not want");
    kept["tool_result_meta"] = json!([{ "id": "t", "non_execution_kind": "permission-rule" }]);
    assert!(!ends(&[&used, &asked, &answered, &kept]), "a reason may have any words");
    assert!(!refuses(&after(&[used, asked, answered, done.clone(), done], true)), "told twice");
}

#[test]
fn what_is_asked_in_a_turn_that_was_ended_is_put_before_nobody() {
    let (mut talk, mut acts) = (conversation(), Vec::new());
    talk.prompt(&"x".into(), &mut acts);
    talk.interrupt(&mut acts);
    talk.hear(&ask("t", "ls").to_string(), &mut acts);
    assert_eq!(keys(&acts), Vec::<String>::new());
    let denies =
        |act: &Act| matches!(act, Act::Send(frame) if frame["response"]["response"]["behavior"] == "deny");
    assert!(acts.iter().any(denies), "{acts:?}");
    talk.hear(&came_to("t", false, "x").to_string(), &mut acts);
    assert!(refuses(&acts), "it ran all the same");
}

#[test]
fn an_answer_does_not_meet_a_later_call_of_the_same_text() {
    let (mut talk, mut acts) = (conversation(), Vec::new());
    talk.prompt(&"x".into(), &mut acts);
    talk.hear(&ask("a", "make").to_string(), &mut acts);
    talk.hear(&json!({ "type": "control_cancel_request", "request_id": "a" }).to_string(), &mut acts);
    talk.hear(&ask("b", "make").to_string(), &mut acts);
    let [first, second] = &keys(&acts)[..] else { panic!("{acts:?}") };
    assert_ne!(first, second);
    let before = acts.len();
    talk.answer(&answer(first, true), &mut acts);
    assert_eq!(acts.len(), before, "the answer to a question that was taken back");
    talk.answer(&answer(second, true), &mut acts);
    assert!(acts.len() > before);
}

#[test]
fn what_is_asked_counts_by_its_bytes_until_it_is_answered() {
    let (mut talk, mut acts) = (conversation(), Vec::new());
    talk.prompt(&"x".into(), &mut acts);
    let line = ask("a", &"x".repeat(100_000)).to_string();
    talk.hear(&line, &mut acts);
    assert!(talk.held_bytes() >= 100_000, "{}", talk.held_bytes());
    talk.answer(&answer(&keys(&acts)[0], true), &mut acts);
    assert_eq!(talk.held_bytes(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn broken_frames_are_shown_and_change_nothing_else(breaks in breaks()) {
        let frames = frames(recorded(&fixtures()));
        check(&run(conversation(), &broken(&frames, &breaks), 1), 1);
    }

    #[test]
    fn any_text_is_no_frame_and_no_panic(lines in proptest::collection::vec(".{0,80}", 0..30)) {
        check(&run(conversation(), &lines, 1), 1);
    }
}

#[test]
fn what_is_not_understood_is_shown_as_it_came() {
    let acts = run(conversation(), &["{\"type\":\"sings\",\"song\":\"la\u{1b}[2J\"}".to_owned()], 0);
    let [Act::Tell(Signal::Noted(code, text))] = &acts[..] else { panic!("{acts:?}") };
    assert!(code == "unknown_frame" && text.contains("\"song\":\"la"), "{text}");
    let request = json!({ "type": "control_request", "request_id": "r", "request": { "subtype": "dance" } });
    let acts = run(conversation(), &[request.to_string()], 0);
    assert!(
        acts.iter().any(|act| matches!(act, Act::Send(frame) if frame["response"]["subtype"] == "error")),
        "a question that nobody answers would hold the program for ever"
    );
}

#[test]
fn the_same_call_twice_at_once_has_two_keys_and_one_key_over_runs() {
    let keys = |ids: &[&str]| keys(&after(&ids.iter().map(|id| ask(id, "make")).collect::<Vec<_>>(), true));
    let both = keys(&["a", "b"]);
    assert_ne!(both[0], both[1]);
    assert_eq!(keys(&["c"]), both[..1], "a later run asks under the same key");
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
fn keys_of_services_stand_in_no_file_and_on_no_command_line() {
    let mut start = crate::testing::start().0;
    let service = Service { address: Some("http://127.0.0.1:9/".into()), ..Service::default() };
    let tool = Service { command: Some("server".into()), ..Service::default() };
    start.services = BTreeMap::from([("web".to_owned(), service), ("tool".to_owned(), tool)]);
    start.service_keys.insert("web".into(), SecretString::from("a-key-of-a-service".to_owned()));
    let made = launch(&start, &Which::New("n".into())).unwrap();
    let args: Vec<String> = made.spec.args.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let file = args.iter().position(|word| word == "--mcp-config").map(|place| &args[place + 1]).unwrap();
    let file = std::fs::read_to_string(file).unwrap();
    assert!(!args.concat().contains("a-key-of-a-service") && !file.contains("a-key-of-a-service"), "{file}");
    assert!(file.contains("Bearer ${NOX_SERVICE_KEY_0}"), "{file}");
    assert!(file.contains(r#""-u","NOX_SERVICE_KEY_0""#), "other servers do not get it: {file}");
    let value = |name: &str| {
        let pair = made.spec.env.iter().find(|(known, _)| known == name);
        pair.map(|(_, value)| value.to_string_lossy().into_owned()).unwrap()
    };
    assert_eq!(value("NOX_SERVICE_KEY_0"), "a-key-of-a-service");
    let unset = std::fs::read_to_string(value("CLAUDE_ENV_FILE")).unwrap();
    assert!(unset.ends_with(" NOX_SERVICE_KEY_0\n"), "{unset}");
}

#[test]
fn a_fork_goes_on_from_a_copy_under_a_name_of_its_own() {
    let start = crate::testing::start().0;
    let which = Which::Forked { of: "old".into(), name: "new".into() };
    let args = format!("{:?}", launch(&start, &which).unwrap().spec.args);
    for words in [r#""--resume", "old""#, r#""--session-id", "new""#, r#""--fork-session""#] {
        assert!(args.contains(words), "{words} in {args}");
    }
    assert_eq!(which.name(), "new", "the one that is copied is held by nobody");
}

/// What was said to the program, last first.
fn sent<'a>(acts: &'a [Act], kind: &str) -> Option<&'a Value> {
    acts.iter().rev().find_map(|act| match act {
        Act::Send(frame) if frame["request"]["subtype"] == kind || frame["type"] == kind => Some(frame),
        _ => None,
    })
}

fn ends(acts: &[Act]) -> usize {
    acts.iter().filter(|act| matches!(act, Act::Tell(Signal::TurnEnded { .. }))).count()
}

#[test]
fn what_is_said_into_a_turn_belongs_to_it_until_the_program_is_through_with_it() {
    let lifecycle = |name: &Value, state: &str| {
        json!({ "type": "command_lifecycle", "command_uuid": name, "state": state }).to_string()
    };
    let result = json!({ "type": "result", "is_error": false }).to_string();
    let steered = || {
        let (mut talk, mut acts) = (conversation(), Vec::new());
        talk.prompt(&"x".into(), &mut acts);
        talk.steer("more", &mut acts);
        let name = sent(&acts, "user").unwrap()["uuid"].clone();
        assert!(name.is_string(), "{acts:?}");
        talk.hear(&lifecycle(&name, "queued"), &mut acts);
        (talk, acts, name)
    };
    let (mut talk, mut acts, name) = steered();
    talk.hear(&lifecycle(&name, "started"), &mut acts);
    talk.hear(&result, &mut acts);
    assert_eq!(ends(&acts), 1, "taken into the turn");
    assert!(acts.contains(&Act::Tell(Signal::Steered("more".into()))), "{acts:?}");

    let (mut talk, mut acts, name) = steered();
    talk.hear(&result, &mut acts);
    assert_eq!(ends(&acts), 0, "the program begins with it by itself");
    talk.hear(&lifecycle(&name, "started"), &mut acts);
    talk.hear(&result, &mut acts);
    assert_eq!(ends(&acts), 1);

    let (mut talk, mut acts, name) = steered();
    talk.interrupt(&mut acts);
    assert_eq!(sent(&acts, "cancel_async_message").unwrap()["request"]["message_uuid"], name);
    talk.hear(&result, &mut acts);
    talk.hear(&lifecycle(&name, "cancelled"), &mut acts);
    let last = acts.iter().rev().find(|act| matches!(act, Act::Tell(Signal::TurnEnded { .. })));
    assert!(ends(&acts) == 1 && format!("{last:?}").contains("Cancelled"), "{last:?}");
    let back = acts.iter().filter(|act| **act == Act::Tell(Signal::NotSteered("more".into()))).count();
    assert!(
        back == 1 && acts.last() == last,
        "it is asked next, once, and before its turn is over: {acts:?}"
    );
    talk.steer("late", &mut acts);
    assert_eq!(acts.last(), Some(&Act::Tell(Signal::NotSteered("late".into()))), "it is asked next");
    assert!(!acts.iter().any(|act| format!("{act:?}").contains("unknown_frame")));

    // What it names as a part of the turn it keeps, also of one that was interrupted.
    let (mut talk, mut acts, name) = steered();
    talk.interrupt(&mut acts);
    let taken = json!({ "type": "result", "is_error": false, "user_message_uuids": [name] });
    talk.hear(&taken.to_string(), &mut acts);
    talk.hear(&lifecycle(&name, "cancelled"), &mut acts);
    assert_eq!(settled(&acts), [&Signal::Steered("more".into())], "it is not asked again");
    assert_eq!(ends(&acts), 1);

    // It is killed before it says what became of it.
    let (mut talk, mut acts, _) = steered();
    talk.interrupt(&mut acts);
    talk.over(&mut acts);
    assert_eq!(settled(&acts), [&Signal::NotSteered("more".into())]);
    assert!(matches!(acts.last(), Some(Act::Tell(Signal::TurnEnded { .. }))), "{acts:?}");
    // A run that is ended without an interrupt ends no turn: the next one tells it again.
    let (mut talk, mut acts, _) = steered();
    talk.over(&mut acts);
    assert!(settled(&acts).is_empty() && ends(&acts) == 0, "{acts:?}");
    // One that is ended in its place tells no end itself.
    talk.gives_back(&mut acts);
    assert!(settled(&acts) == [&Signal::NotSteered("more".into())] && ends(&acts) == 0, "{acts:?}");
}

/// What is told of words that were said into a turn.
fn settled(acts: &[Act]) -> Vec<&Signal> {
    let told = acts.iter().filter_map(|act| match act {
        Act::Tell(told @ (Signal::Steered(_) | Signal::NotSteered(_))) => Some(told),
        _ => None,
    });
    told.collect()
}

#[test]
fn modes_and_models_are_offered_and_changed_when_the_program_says_so() {
    let (mut talk, mut acts) = (conversation(), Vec::new());
    let first = json!({ "hooks_applied": true, "claude_code_version": "2.1.329", "current_permission_mode": "default",
        "models": [{ "value": "default" }, { "value": "sonnet" }], "commands": [{ "name": "compact" }] });
    let answered = |id: &Value, subtype: &str, response: &Value| {
        json!({ "type": "control_response", "response": { "subtype": subtype, "request_id": id,
            "response": response, "error": "no" } })
        .to_string()
    };
    talk.hear(&answered(&"nox-initialize".into(), "success", &first), &mut acts);
    let offers = |acts: &[Act]| {
        acts.iter().rev().find_map(|act| match act {
            Act::Tell(Signal::Offers(offers)) => Some((**offers).clone()),
            _ => None,
        })
    };
    let told = offers(&acts).unwrap();
    assert!(told.steers && told.forks && told.has_mode("plan") && told.models.len() == 2, "{told:?}");
    let changed = json!({ "type": "system", "subtype": "commands_changed",
        "commands": [{ "name": "compact" }, { "name": "mcp__things__prompt" }, { "name": "_own" }] });
    talk.hear(&changed.to_string(), &mut acts);
    assert_eq!(offers(&acts).unwrap().commands.len(), 2, "a service brings commands");
    assert!(!format!("{acts:?}").contains("unknown_frame"));
    talk.set_mode("plan", &mut acts);
    let id = sent(&acts, "set_permission_mode").unwrap()["request_id"].clone();
    assert_eq!(offers(&acts).unwrap().mode.as_deref(), Some("default"), "not before the program says so");
    talk.hear(&answered(&id, "success", &json!({ "mode": "plan" })), &mut acts);
    talk.set_model("sonnet", &mut acts);
    let id = sent(&acts, "set_model").unwrap()["request_id"].clone();
    talk.hear(&answered(&id, "success", &json!({ "model": "sonnet" })), &mut acts);
    let told = offers(&acts).unwrap();
    assert_eq!((told.mode.as_deref(), told.model.as_deref()), (Some("plan"), Some("sonnet")));
    talk.set_mode("default", &mut acts);
    let id = sent(&acts, "set_permission_mode").unwrap()["request_id"].clone();
    talk.hear(&answered(&id, "error", &Value::Null), &mut acts);
    assert!(format!("{acts:?}").contains("not_switched"));
    assert_eq!(offers(&acts).unwrap().mode.as_deref(), Some("plan"));
    let switched: Vec<Dial> = acts
        .iter()
        .filter_map(|act| match act {
            Act::Tell(Signal::Switched(dial)) => Some(*dial),
            _ => None,
        })
        .collect();
    assert_eq!(
        switched,
        [Dial::Mode, Dial::Model, Dial::Mode],
        "each wish has its answer, a refused one too"
    );
    let left = json!({ "type": "system", "subtype": "status", "permissionMode": "default" });
    talk.hear(&left.to_string(), &mut acts);
    assert_eq!(offers(&acts).unwrap().mode.as_deref(), Some("default"), "it may change by itself");
}

#[test]
fn one_conversation_is_carried_by_one_run() {
    let first = Carried::take("one").unwrap();
    assert!(Carried::take("one").is_none());
    assert!(Carried::take("another").is_some());
    drop(first);
    assert!(Carried::take("one").is_some());
}

#[test]
fn images_stand_in_front_of_the_words_and_need_none() {
    let shown = |asked: &Asked| {
        let (mut talk, mut acts) = (conversation(), Vec::new());
        talk.prompt(asked, &mut acts);
        let [Act::Send(frame)] = &acts[..] else { unreachable!("one frame") };
        frame["message"]["content"].clone()
    };
    let image =
        json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "YWJj" } });
    assert_eq!(shown(&Asked::showing("look", b"abc")), json!([image, { "type": "text", "text": "look" }]));
    assert_eq!(shown(&Asked::showing("", b"abc")), json!([image]), "no text without anything in it");
}

#[test]
fn an_image_in_a_result_is_shown_before_its_call_ends_and_named_in_the_output() {
    let data = BASE64_STANDARD.encode(crate::testing::picture(1));
    let image =
        json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": data } });
    let said = json!([{ "type": "text", "text": "Look:" }, image]);
    let result = json!({ "type": "user", "message": { "role": "user", "content": [
        { "type": "tool_result", "tool_use_id": "t", "content": said }] } });
    let shown = |allowed| {
        let acts = after(&[used("t"), ask("t", "ls"), Value::Null, result.clone()], allowed);
        let place =
            acts.iter().position(|act| matches!(act, Act::Shows(Some(_), shown) if shown.name == "Bash"));
        (place, acts)
    };
    let (place, acts) = shown(true);
    let end = acts.iter().position(
        |act| matches!(act, Act::CallEnds { out, .. } if out == "Look:\n[image: Bash, PNG, 33 bytes]"),
    );
    assert!(place.is_some() && place < end, "{acts:?}");
    let (place, acts) = shown(false);
    assert!(place.is_none() && refuses(&acts), "what nobody had allowed is not shown: {acts:?}");
}
