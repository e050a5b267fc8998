//! What the tests of drivers begin with.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    Answer, ImageStore, ItemOutput, OutputStore, Pipe, Signals, Start,
    child::{Act, Talk},
};
use async_trait::async_trait;
use nox_domain::{
    event::Problem,
    ids::{ItemId, SessionId, TurnId},
    image::Image,
    session::{Prompt, Signal},
    tool::OutputDigest,
};
use nox_process::ShimPath;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// A start in the root folder that asks nothing and keeps no output, and where its signals come out.
pub(crate) fn start() -> (Start, mpsc::Receiver<(u32, Signal)>) {
    let (sender, inbox) = mpsc::channel(64);
    let start = Start {
        session: SessionId::from_uuid(Uuid::from_u128(1)),
        folder: "/".into(),
        text: String::new(),
        instructions: String::new(),
        program: Default::default(),
        key: None,
        services: Default::default(),
        service_keys: Default::default(),
        prompt: None,
        again: false,
        words: vec![],
        left_out: false,
        spent_micro_usd: 0,
        shown: (0, 0),
        heard: false,
        resume: None,
        fork: false,
        keep: folder().join("no-conversations"),
        temporary: folder(),
        prices: None,
        limits: Default::default(),
        environment: Default::default(),
        max_call_seconds: None,
        done: vec![],
        shim: ShimPath::locate().unwrap(),
        signals: Signals::new(1, sender),
        output: Arc::new(Nothing),
        images: Arc::new(Nothing),
    };
    (start, inbox)
}

/// A PNG of this width, as far as it is looked at.
pub(crate) fn picture(width: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend([0, 0, 0, 1, 8, 6, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// Something that is asked in a turn of its own.
pub(crate) fn prompt(text: &str) -> Prompt {
    Prompt { turn: TurnId::from_uuid(Uuid::now_v7()), text: text.to_owned(), images: vec![] }
}

/// Keeps no output and no images.
struct Nothing;

impl OutputStore for Nothing {
    fn begin(&self, _: &SessionId, _: &ItemId) -> Box<dyn ItemOutput> {
        Box::new(Nothing)
    }
}

#[async_trait]
impl ImageStore for Nothing {
    async fn keep(&self, name: &str, bytes: Vec<u8>) -> Result<Image, String> {
        Image::of(name, &bytes)
    }

    async fn read(&self, _: &Image) -> Option<Vec<u8>> {
        None
    }

    fn path(&self, image: &Image) -> PathBuf {
        PathBuf::from("/documents").join(&image.sha256)
    }
}

#[async_trait]
impl ItemOutput for Nothing {
    async fn write(&mut self, _: Pipe, _: Vec<u8>) {}

    async fn finish(self: Box<Self>) -> OutputDigest {
        OutputDigest::default()
    }
}

/// The folder of all recordings.
const RECORDED_FOLDER: &str = "/nowhere/project";

thread_local! {
    /// Each test has a thread, and with its end the folder goes.
    static FOLDER: tempfile::TempDir = tempfile::tempdir().unwrap();
}

/// A folder of the test. Recordings are played in it: what lies outside of a session's folder has no diff.
pub(crate) fn folder() -> PathBuf {
    FOLDER.with(|folder| folder.path().to_owned())
}

/// A text as if everything had been where it was recorded.
fn as_recorded(text: &str) -> String {
    text.replace(&folder().display().to_string(), RECORDED_FOLDER)
}

/// What was said on the pipes of a program in scenarios of the contract suite, by their names.
pub(crate) fn recorded(fixtures: &Path) -> Vec<(String, Vec<Value>)> {
    let folder = folder().display().to_string();
    let mut all: Vec<_> = std::fs::read_dir(fixtures)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .map(|path| {
            let lines = std::fs::read_to_string(&path).unwrap().replace(RECORDED_FOLDER, &folder);
            let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), lines)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(all.len() >= 6, "recordings are missing");
    all
}

/// What the program said in recordings.
pub(crate) fn frames(recorded: Vec<(String, Vec<Value>)>) -> Vec<String> {
    let all = recorded.into_iter().flat_map(|(_, lines)| lines);
    all.filter_map(|line| line["from"].as_str().map(str::to_owned)).collect()
}

/// Compares what Nox makes of recordings with what stands beside them; `NOX_BLESS=1` writes that anew.
pub(crate) fn compare(fixtures: &Path, play: impl Fn(&[Value]) -> String) {
    for (name, lines) in recorded(fixtures) {
        let path = fixtures.join(format!("{name}.expected"));
        let said = as_recorded(&play(&lines));
        if std::env::var_os("NOX_BLESS").is_some() {
            std::fs::write(&path, &said).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(said, expected, "{name}; NOX_BLESS=1 writes it anew");
        assert!(!said.contains("unknown_frame"), "{name}");
    }
}

/// A line about an act, as the expectations beside the recordings have it.
pub(crate) fn told(act: &Act) -> Option<String> {
    let mut line = String::new();
    match act {
        Act::Named(_) => line.push_str("named"),
        Act::Tell(Signal::Writing { thought, .. }) => {
            let _ = write!(line, "begins a {}", if *thought { "thought" } else { "message" });
        }
        Act::Tell(Signal::Wrote { text, .. }) => {
            let _ = write!(line, "wrote {:?}", beginning(text));
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
            let _ = write!(line, "ends it: {end:?} {:?}", beginning(out));
        }
        Act::Tell(Signal::Used(used)) => {
            let cost = used.cost_micro_usd.unwrap_or_default().0;
            let (read, written) = (used.input_tokens.0, used.output_tokens.0);
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
        Act::Shows(_, shown) => {
            let _ = write!(line, "shows {} of {} bytes", shown.name, shown.bytes.len());
        }
        Act::Ready => line.push_str("ready"),
        Act::Anew => line.push_str("another process goes on"),
        Act::NotThere => line.push_str("the conversation is not there"),
        Act::Refuse(_) => line.push_str("it is ended"),
        _ => return None,
    }
    line.push('\n');
    Some(line)
}

fn beginning(text: &str) -> String {
    as_recorded(text).chars().take(60).collect()
}

/// What holds however broken the frames are.
pub(crate) fn check(acts: &[Act], prompts: usize) {
    let (mut open, mut proposed, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    let (mut turns, mut unknown) = (0, 0);
    for act in acts {
        match act {
            Act::Tell(Signal::Writing { item, .. }) => open.push(item.clone()),
            Act::Tell(Signal::Wrote { item, .. }) => {
                let place = open.iter().position(|known| known == item).expect("it had begun");
                open.remove(place);
            }
            Act::Append(item, _) => {
                assert!(open.contains(item) || *item == answered(), "bytes of nothing that is open");
            }
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

/// The item of every call that is answered.
fn answered() -> ItemId {
    ItemId::from_uuid(Uuid::from_u128(7))
}

/// Runs lines through a conversation; calls are answered in turn with yes and no.
pub(crate) fn run(mut talk: impl Talk, lines: &[String], prompts: usize) -> Vec<Act> {
    let mut acts = Vec::new();
    for _ in 0..prompts {
        talk.prompt(&"x".into(), &mut acts);
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
            let answer = Answer {
                key,
                item: answered(),
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

/// How a frame is broken: which one, how, where, and a byte.
pub(crate) type Break = (prop::sample::Index, u8, prop::sample::Index, u8);

/// Ways of breaking up to sixty frames.
pub(crate) fn breaks() -> impl Strategy<Value = Vec<Break>> {
    let one = (any::<prop::sample::Index>(), 0u8..6, any::<prop::sample::Index>(), any::<u8>());
    proptest::collection::vec(one, 1..60)
}

/// Recorded frames, broken in these ways.
pub(crate) fn broken(frames: &[String], breaks: &[Break]) -> Vec<String> {
    let one = |(which, how, place, byte): &Break| {
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
    };
    breaks.iter().map(one).collect()
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
