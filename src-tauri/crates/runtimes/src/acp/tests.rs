//! The conversation on recorded frames of the real programs, and on broken ones; the command line; what ends a program.
//!
//! `fixtures/acp/PROGRAM/*.jsonl` are what was said on its pipes in scenarios of the contract suite, cleaned by
//! `tests/contract/clean.mjs`. Beside each stands what Nox makes of it; `NOX_BLESS=1` writes that anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use super::{
    conversation::Conversation,
    launch::{launch, services},
    opening::Opening,
    plugins::Plugins,
    preset_of,
    quirks::{PLAIN, Preset},
};
use crate::{
    Answer, Error, Start,
    child::{Act, Talk},
    prices::Prices,
    testing::{breaks, broken, check, compare, folder, frames, recorded, run, told},
};
use nox_domain::{
    agent::{Program, Service},
    event::Dial,
    ids::ItemId,
    session::Signal,
    tool::ToolKind,
};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf};
use uuid::Uuid;

fn fixtures(program: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/acp")).join(program)
}

fn programs() -> Vec<String> {
    let folders = std::fs::read_dir(fixtures("")).unwrap();
    let mut names: Vec<String> =
        folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(super) fn conversation(preset: &'static Preset, resume: Option<String>) -> Conversation {
    let mut next = 0u128;
    let opening = Opening {
        preset,
        folder: folder(),
        plugins: Plugins::default(),
        resume,
        fork: false,
        services: vec![],
        meta: None,
        instructions: None,
        heard: false,
        mode: preset.mode.map(str::to_owned),
        model: None,
        prompt: None,
        prompt_if_lost: None,
        asks: None,
        images_by_model: preset.images_by_model.then(|| Prices::read(None).0),
    };
    Conversation::new(opening, 0, move || {
        next += 1;
        ItemId::from_uuid(Uuid::from_u128(next))
    })
}

pub(super) fn method(frame: &Value) -> &str {
    frame["method"].as_str().unwrap_or_default()
}

/// Plays a recording: what the program said goes in, what was said to it is wished for, and has to come out. One process after
/// the other: each begins with the first request.
fn play(preset: &'static Preset, lines: &[Value]) -> String {
    let frame = |line: &Value| -> Option<Value> { serde_json::from_str(line["to"].as_str()?).ok() };
    let begins: Vec<usize> = (0..lines.len())
        .filter(|place| frame(&lines[*place]).is_some_and(|frame| method(&frame) == "initialize"))
        .collect();
    let mut said = String::new();
    for (number, begin) in begins.iter().enumerate() {
        let end = begins.get(number + 1).copied().unwrap_or(lines.len());
        if number > 0 {
            said.push_str("-- another process\n");
        }
        play_one(preset, &lines[*begin..end], &mut said);
    }
    said
}

fn play_one(preset: &'static Preset, lines: &[Value], said: &mut String) {
    let to = |line: &Value| -> Option<Value> { serde_json::from_str(line["to"].as_str()?).ok() };
    let restores = |frame: &Value| matches!(method(frame), "session/load" | "session/resume");
    let resume = lines.iter().filter_map(to).find(restores);
    let resume = resume.map(|frame| frame["params"]["sessionId"].as_str().unwrap().to_owned());
    let opens = |frame: &Value| method(frame).starts_with("session/") && !frame["params"]["cwd"].is_null();
    let meta = lines.iter().filter_map(to).find(opens).map(|frame| frame["params"]["_meta"].clone());
    let mut talk = conversation(preset, resume);
    talk.opening.meta = meta.filter(Value::is_object);
    let chooses = |frame: &Value| method(frame) == "session/set_mode";
    if let Some(frame) = lines.iter().filter_map(to).find(chooses) {
        talk.opening.mode = frame["params"]["modeId"].as_str().map(str::to_owned);
    }
    let mut out = vec![Act::Send(talk.first())];
    // What each open question offers, and the key of its call.
    let mut asked: BTreeMap<String, (Value, String)> = BTreeMap::new();
    for line in lines {
        if let Some(line) = line["from"].as_str() {
            talk.hear(line, &mut out);
            let frame: Value = serde_json::from_str(line).unwrap_or_default();
            let key = out.iter().find_map(|act| match act {
                Act::Tell(Signal::Proposed(call)) => Some(call.key.clone()),
                _ => None,
            });
            if let Some(key) = key.filter(|_| method(&frame) == "session/request_permission") {
                asked.insert(frame["id"].to_string(), (frame["params"]["options"].clone(), key));
            }
        } else if let Some(frame) = to(line) {
            wish(&mut talk, &frame, &asked, &mut out);
            let sent = out.iter().position(|act| matches!(act, Act::Send(sent) if *sent == frame));
            let place = sent.unwrap_or_else(|| panic!("Nox says something else than {frame}: {out:?}"));
            out.remove(place);
        }
        said.extend(out.iter().filter_map(told));
        // What is to be sent waits for its line of the recording.
        out.retain(|act| matches!(act, Act::Send(_)));
    }
    assert!(out.is_empty(), "Nox says what nobody heard: {out:?}");
    talk.over(&mut out);
    assert!(!out.iter().any(|act| matches!(act, Act::Send(_))), "there is nobody to hear it: {out:?}");
    said.extend(out.iter().filter_map(told));
}

fn wish(
    talk: &mut Conversation,
    frame: &Value,
    asked: &BTreeMap<String, (Value, String)>,
    out: &mut Vec<Act>,
) {
    match method(frame) {
        "session/prompt" => talk.prompt(&frame["params"]["prompt"][0]["text"].as_str().unwrap().into(), out),
        "session/cancel" => talk.interrupt(out),
        "session/set_mode" | "initialize" => {}
        "session/set_model" if !out.iter().any(|act| matches!(act, Act::Send(sent) if sent == frame)) => {
            talk.set_model(frame["params"]["modelId"].as_str().unwrap(), out);
        }
        _ => {
            let chosen = &frame["result"]["outcome"]["optionId"];
            let Some((options, key)) = asked.get(&frame["id"].to_string()).filter(|_| chosen.is_string())
            else {
                return;
            };
            let option = options.as_array().unwrap().iter().find(|option| option["optionId"] == *chosen);
            let answer = Answer {
                key: key.clone(),
                item: ItemId::from_uuid(Uuid::from_u128(99)),
                allowed: option.unwrap()["kind"] == "allow_once",
                reason: None,
                by_person: true,
                answers: Default::default(),
            };
            talk.answer(&answer, out);
        }
    }
}

#[test]
fn recorded_frames_become_what_they_were() {
    for program in programs() {
        let preset = Preset::of(&program).unwrap();
        compare(&fixtures(&program), |lines| play(preset, lines));
    }
}

/// A conversation that stands and was asked something.
pub(super) fn standing(preset: &'static Preset) -> (Conversation, Vec<Act>) {
    let mut talk = conversation(preset, None);
    let mut out = vec![Act::Send(talk.first())];
    let modes = preset.mode.map(|mode| json!({ "currentModeId": mode, "availableModes": [] }));
    for result in [
        json!({ "protocolVersion": 1, "agentCapabilities": {} }),
        json!({ "sessionId": "s", "modes": modes }),
    ] {
        let id = out.iter().rev().find_map(|act| match act {
            Act::Send(frame) => Some(frame["id"].clone()),
            _ => None,
        });
        talk.hear(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string(), &mut out);
    }
    assert!(out.iter().any(|act| matches!(act, Act::Ready)), "{out:?}");
    talk.prompt(&"x".into(), &mut out);
    (talk, Vec::new())
}

pub(super) fn update(update: &Value) -> String {
    let params = json!({ "sessionId": "s", "update": update });
    json!({ "jsonrpc": "2.0", "method": "session/update", "params": params }).to_string()
}

pub(super) fn call(status: &str) -> String {
    update(&json!({ "sessionUpdate": "tool_call", "toolCallId": "t", "title": "shell", "kind": "execute",
        "status": status, "rawInput": { "command": "make" } }))
}

pub(super) fn question(options: &Value) -> String {
    let call = json!({ "toolCallId": "t", "title": "shell", "rawInput": { "command": "make" } });
    let params = json!({ "sessionId": "s", "toolCall": call, "options": options });
    json!({ "jsonrpc": "2.0", "id": "q", "method": "session/request_permission", "params": params })
        .to_string()
}

pub(super) fn both() -> Value {
    json!([{ "optionId": "a", "kind": "allow_always" }, { "optionId": "y", "kind": "allow_once" },
        { "optionId": "n", "kind": "reject_once" }])
}

pub(super) fn refuses(acts: &[Act]) -> bool {
    acts.iter().any(|act| matches!(act, Act::Refuse(_)))
}

pub(super) fn answer(talk: &mut Conversation, acts: &mut Vec<Act>, allowed: bool) {
    let key = acts.iter().find_map(|act| match act {
        Act::Tell(Signal::Proposed(call)) => Some(call.key.clone()),
        _ => None,
    });
    let item = ItemId::from_uuid(Uuid::from_u128(9));
    let answers = Default::default();
    let answer = Answer { key: key.unwrap(), item, allowed, reason: None, by_person: true, answers };
    talk.answer(&answer, acts);
}

pub(super) fn goose() -> &'static Preset {
    Preset::of("goose").unwrap()
}

#[test]
fn a_program_that_runs_plugins_unasked_opens_no_conversation_beside_one_and_is_asked_nothing() {
    let work = tempfile::tempdir().unwrap();
    let plugins = Plugins::of(goose(), work.path(), None, false);
    let (mut talk, _) = standing(goose());
    talk.opening.plugins = plugins.clone();
    let mut acts = Vec::new();
    talk.prompt(&"fine".into(), &mut acts);
    assert!(matches!(&acts[..], [Act::Send(_)]), "{acts:?}");
    std::fs::create_dir_all(work.path().join(".agents/plugins/theirs")).unwrap();
    acts.clear();
    talk.prompt(&"more".into(), &mut acts);
    assert!(matches!(&acts[..], [Act::Refuse(_)]), "{acts:?}");
    let mut talk = conversation(goose(), None);
    talk.opening.plugins = plugins;
    let first = talk.first();
    acts.clear();
    let result = json!({ "protocolVersion": 1, "agentCapabilities": {} });
    talk.hear(&json!({ "jsonrpc": "2.0", "id": first["id"], "result": result }).to_string(), &mut acts);
    assert!(matches!(&acts[..], [Act::Refuse(_)]), "{acts:?}");
    let start = Start {
        folder: work.path().into(),
        ..start(Program { preset: Some("goose".into()), ..Program::default() })
    };
    let refused = super::connect(start).err();
    assert!(
        matches!(&refused, Some(Error::Agent { message, .. }) if message.contains("theirs")),
        "{refused:?}"
    );
}

#[test]
fn an_answer_is_for_once_and_never_for_always() {
    let answered = |options: &Value, allowed| {
        let (mut talk, mut acts) = standing(goose());
        talk.hear(&question(options), &mut acts);
        if acts.iter().any(|act| matches!(act, Act::Tell(Signal::Proposed(_)))) {
            answer(&mut talk, &mut acts, allowed);
        }
        let sent = acts.iter().find_map(|act| match act {
            Act::Send(frame) => Some(frame["result"]["outcome"].clone()),
            _ => None,
        });
        sent.unwrap()
    };
    assert_eq!(answered(&both(), true), json!({ "outcome": "selected", "optionId": "y" }));
    assert_eq!(answered(&both(), false), json!({ "outcome": "selected", "optionId": "n" }));
    let always =
        json!([{ "optionId": "a", "kind": "allow_always" }, { "optionId": "n", "kind": "reject_once" }]);
    assert_eq!(answered(&always, true), json!({ "outcome": "selected", "optionId": "n" }));
    assert_eq!(answered(&json!("odd"), true), json!({ "outcome": "cancelled" }));
}

#[test]
fn after_an_interrupt_nobody_is_asked() {
    let (mut talk, mut acts) = standing(goose());
    talk.interrupt(&mut acts);
    acts.clear();
    talk.hear(&question(&both()), &mut acts);
    assert!(
        matches!(&acts[..], [Act::Send(frame)] if frame["result"]["outcome"]["outcome"] == "cancelled"),
        "{acts:?}"
    );
}

#[test]
fn only_a_conversation_that_is_said_to_be_gone_is_given_up() {
    let restored = |error: Value| {
        let mut talk = conversation(goose(), Some("old".into()));
        let mut acts = vec![];
        let first = talk.first();
        let can = json!({ "protocolVersion": 1, "agentCapabilities": { "loadSession": true } });
        talk.hear(&json!({ "jsonrpc": "2.0", "id": first["id"], "result": can }).to_string(), &mut acts);
        let id = match &acts[..] {
            [Act::Send(frame)] => frame["id"].clone(),
            other => panic!("{other:?}"),
        };
        acts.clear();
        talk.hear(&json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string(), &mut acts);
        refuses(&acts)
    };
    assert!(!restored(json!({ "code": -32002, "message": "Resource not found" })));
    assert!(!restored(
        json!({ "code": -32603, "message": "Internal error", "data": "Session not found: old" })
    ));
    assert!(restored(json!({ "code": -32603, "message": "Internal error", "data": "database is locked" })));
}

#[test]
fn a_mode_that_is_answered_and_does_not_ask_is_left_or_ends_the_program() {
    let (mut talk, mut acts) = standing(goose());
    let auto = json!({ "sessionUpdate": "current_mode_update", "currentModeId": "auto" });
    talk.hear(&update(&auto), &mut acts);
    let id = acts.iter().find_map(|act| match act {
        Act::Send(frame) if method(frame) == "session/set_mode" => Some(frame["id"].clone()),
        _ => None,
    });
    acts.clear();
    let error = json!({ "code": -32603, "message": "no" });
    talk.hear(&json!({ "jsonrpc": "2.0", "id": id.unwrap(), "error": error }).to_string(), &mut acts);
    assert!(refuses(&acts), "{acts:?}");
    let (mut talk, mut acts) = standing(goose());
    talk.set_mode("chat", &mut acts);
    let Some(Act::Send(frame)) = acts.last() else { panic!("{acts:?}") };
    let id = frame["id"].clone();
    acts.clear();
    let modes = json!({ "modes": { "currentModeId": "auto", "availableModes": [] } });
    talk.hear(&json!({ "jsonrpc": "2.0", "id": id, "result": modes }).to_string(), &mut acts);
    let is_set_back = |act: &Act| matches!(act, Act::Send(frame) if frame["params"]["modeId"] == "approve");
    assert!(acts.iter().any(is_set_back), "{acts:?}");
}

#[test]
fn a_sub_agent_that_nobody_asks_is_never_begun() {
    let (mut talk, mut acts) = standing(goose());
    let wish = json!({ "toolCallId": "t", "title": "delegate", "rawInput": {} });
    let params = json!({ "sessionId": "s", "toolCall": wish, "options": both() });
    let line = json!({ "jsonrpc": "2.0", "id": 1, "method": "session/request_permission", "params": params });
    talk.hear(&line.to_string(), &mut acts);
    assert!(
        matches!(&acts[..], [Act::Send(frame), Act::Tell(Signal::Noted(code, _))]
        if frame["result"]["outcome"]["optionId"] == "n" && code == "refused_by_nox"),
        "{acts:?}"
    );
}

#[test]
fn questions_of_the_program_that_nobody_knows_are_answered() {
    let (mut talk, mut acts) = standing(goose());
    talk.hear(
        &json!({ "jsonrpc": "2.0", "id": 7, "method": "fs/write_text_file", "params": {} }).to_string(),
        &mut acts,
    );
    assert!(matches!(&acts[0], Act::Send(frame) if frame["error"]["code"] == -32601), "{acts:?}");
}

#[test]
fn a_mode_that_does_not_ask_is_left_and_not_offered() {
    let (mut talk, mut acts) = standing(goose());
    talk.hear(
        &update(&json!({ "sessionUpdate": "current_mode_update", "currentModeId": "auto" })),
        &mut acts,
    );
    let set_back = acts.iter().any(|act| {
        matches!(act, Act::Send(frame)
        if method(frame) == "session/set_mode" && frame["params"]["modeId"] == "approve")
    });
    assert!(set_back, "{acts:?}");
    acts.clear();
    talk.set_mode("auto", &mut acts);
    let [Act::Tell(Signal::Noted(code, _)), Act::Tell(Signal::Switched(Dial::Mode))] = &acts[..] else {
        panic!("{acts:?}")
    };
    assert_eq!(code, "mode_not_set");
}

#[test]
fn reading_unasked_is_put_before_the_policy_where_the_program_offers_nothing_better() {
    let preset = Box::leak(Box::new(Preset { unasked: &["read_file"], ..PLAIN }));
    let read = |path: &str, status: &str| {
        update(&json!({ "sessionUpdate": "tool_call", "toolCallId": "t", "title": "a", "kind": "read",
            "name": "read_file", "status": status, "locations": [{ "path": path }] }))
    };
    let inside = folder().join("a.txt").display().to_string();
    let end = json!({ "jsonrpc": "2.0", "id": 3, "result": { "stopReason": "end_turn" } }).to_string();
    for allowed in [true, false] {
        let (mut talk, mut acts) = standing(preset);
        talk.hear(&read(&inside, "in_progress"), &mut acts);
        talk.hear(&read(&inside, "completed"), &mut acts);
        talk.hear(&end, &mut acts);
        let ended = |acts: &[Act]| acts.iter().any(|act| matches!(act, Act::Tell(Signal::TurnEnded { .. })));
        assert!(!ended(&acts), "the policy has not spoken: {acts:?}");
        answer(&mut talk, &mut acts, allowed);
        assert_eq!(
            (refuses(&acts), acts.iter().any(|act| matches!(act, Act::CallEnds { .. }))),
            (!allowed, allowed)
        );
        assert!(ended(&acts));
    }
    let (mut talk, mut acts) = standing(preset);
    talk.hear(&read("/etc/hostname", "in_progress"), &mut acts);
    assert!(refuses(&acts), "{acts:?}");
}

#[test]
fn a_call_is_put_together_from_what_comes_bit_by_bit() {
    let (mut talk, mut acts) = standing(goose());
    std::fs::write(folder().join("b.txt"), "one\ntwo\n").unwrap();
    let input = json!({ "path": "b.txt", "before": "two", "after": "2" });
    talk.hear(
        &update(&json!({ "sessionUpdate": "tool_call", "toolCallId": "t", "title": "edit · b.txt",
            "rawInput": input, "_meta": { "goose": { "toolCall": { "toolName": "edit" } } } })),
        &mut acts,
    );
    let params = json!({ "sessionId": "s", "toolCall": { "toolCallId": "t", "kind": "other", "rawInput": {} },
        "options": both() });
    let line = json!({ "jsonrpc": "2.0", "id": 1, "method": "session/request_permission", "params": params });
    talk.hear(&line.to_string(), &mut acts);
    let Some(Act::Tell(Signal::Proposed(call))) = acts.last() else { panic!("{acts:?}") };
    assert_eq!((call.kind, call.title.as_str(), call.outside), (ToolKind::Edit, "edit b.txt", false));
    assert!(call.diff[0].text.contains("-two\n+2\n"), "{:?}", call.diff);
    assert!(!call.input_hash.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn broken_frames_are_shown_and_change_nothing_else(breaks in breaks(), resumes: bool) {
        for program in programs() {
            let preset = Preset::of(&program).unwrap();
            let lines = broken(&frames(recorded(&fixtures(&program))), &breaks);
            let mut talk = conversation(preset, resumes.then(|| "s".to_owned()));
            talk.first();
            check(&run(talk, &lines, 1), 1);
            check(&run(standing(preset).0, &lines, 0), 1);
        }
    }

    #[test]
    fn any_text_is_no_frame_and_no_panic(lines in proptest::collection::vec(".{0,80}", 0..30)) {
        check(&run(standing(goose()).0, &lines, 0), 1);
    }
}

fn start(program: Program) -> Start {
    let key = Some(SecretString::from("a-key-of-a-person".to_owned()));
    let home = folder().join("home");
    let environment = BTreeMap::from([("HOME".to_owned(), home.display().to_string())]);
    Start { key, program, environment, instructions: "Be kind.".into(), ..crate::testing::start().0 }
}

fn value(made: &super::launch::Launch, name: &str) -> Option<String> {
    let pair = made.spec.env.iter().find(|(known, _)| known == name);
    pair.map(|(_, value)| value.to_string_lossy().into_owned())
}

#[test]
fn the_key_is_in_the_environment_of_the_program_only() {
    let program =
        Program { preset: Some("goose".into()), provider: Some("anthropic".into()), ..Program::default() };
    let made = launch(&start(program), goose()).unwrap();
    assert!(!format!("{:?}", made.spec.args).contains("a-key-of-a-person"));
    assert_eq!(value(&made, "ANTHROPIC_API_KEY").as_deref(), Some("a-key-of-a-person"));
    assert_eq!(
        (value(&made, "OPENAI_API_KEY"), value(&made, "GOOSE_PROVIDER").as_deref()),
        (None, Some("anthropic"))
    );
    let file = std::fs::read_to_string(value(&made, "BASH_ENV").unwrap()).unwrap();
    assert!(file.starts_with("unset ") && file.contains("ANTHROPIC_API_KEY"), "{file}");
}

#[test]
fn goose_gets_a_home_in_which_nothing_is_allowed_beforehand() {
    let start = start(Program { preset: Some("goose".into()), ..Program::default() });
    let own = PathBuf::from(&start.environment["HOME"]).join(".config/goose");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("permission.yaml"), "user:\n  always_allow: [shell]\n").unwrap();
    std::fs::write(
        own.join("config.yaml"),
        "GOOSE_PROVIDER: openai\nextensions:\n  mine:\n    enabled: true\n",
    )
    .unwrap();
    let made = launch(&start, goose()).unwrap();
    let root = PathBuf::from(value(&made, "GOOSE_PATH_ROOT").unwrap());
    let settings = std::fs::read_to_string(root.join("config/config.yaml")).unwrap();
    assert!(
        settings.starts_with("GOOSE_PROVIDER: openai\nextensions:\n  summon:\n    enabled: false\n"),
        "{settings}"
    );
    assert!(!settings.contains("mine") && !root.join("config/permission.yaml").exists());
    assert_eq!(std::fs::read_to_string(root.join("config/.goosehints")).unwrap(), "Be kind.");
    assert!(root.starts_with(&start.temporary), "{}", root.display());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&root).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "others could look into it");
    }
    drop(made);
    assert!(!root.exists(), "it goes with the run");
}

#[test]
fn settings_that_do_not_fit_together_say_what_to_do() {
    let message = |program: Program| match preset_of(&start(program)) {
        Err(Error::Agent { message, .. }) => message,
        other => panic!("{:?}", other.map(|preset| preset.name)),
    };
    let text = |text: &str| Some(text.to_owned());
    let goose = || Program { preset: text("goose"), ..Program::default() };
    assert!(message(Program::default()).contains("preset"));
    assert!(message(Program { preset: text("nobody"), ..Program::default() }).contains("goose"));
    assert!(message(Program { preset: text("codex"), ..Program::default() }).contains("runtime codex"));
    let append = Some(nox_domain::agent::PromptPlacement::Append);
    let gemini = Program { preset: text("gemini"), prompt_placement: append, ..Program::default() };
    assert!(message(gemini).contains("first_prompt"));
    assert!(message(Program { mode: text("auto"), ..goose() }).contains("approve"));
    assert!(message(Program { provider: text("compatible"), ..goose() }).contains("ollama"));
    assert!(message(Program { command: text("x"), ..Program::default() }).contains("pass_environment"));
}

#[test]
fn services_are_told_as_the_protocol_has_them() {
    let mut start = start(Program::default());
    let by_command = Service {
        command: Some("server".into()),
        arguments: vec!["--here".into()],
        environment: BTreeMap::from([("A".to_owned(), "b".to_owned())]),
        ..Service::default()
    };
    let by_address = Service { address: Some("http://127.0.0.1:9/mcp".into()), ..Service::default() };
    start.services = BTreeMap::from([("files".to_owned(), by_command), ("search".to_owned(), by_address)]);
    start.service_keys = BTreeMap::from([("search".to_owned(), SecretString::from("k".to_owned()))]);
    let told = services(&start, &PLAIN);
    assert_eq!(
        told,
        [
            (
                false,
                json!({ "name": "files", "command": "server", "args": ["--here"],
                "env": [{ "name": "A", "value": "b" }] })
            ),
            (
                true,
                json!({ "type": "http", "name": "search", "url": "http://127.0.0.1:9/mcp",
                "headers": [{ "name": "Authorization", "value": "Bearer k" }] })
            ),
        ]
    );
}
