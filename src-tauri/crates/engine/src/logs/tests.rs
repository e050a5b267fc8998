//! The log as a whole: what `tracing` is told, and what is then in the file.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use nox_secrets::SecretString;
use serde_json::Value;
use tracing::{debug, error, info, info_span, warn};

/// Logs what `work` does into a home of its own and gives back the file's text and lines.
fn logged(options: LogOptions, variable: Option<&str>, work: impl FnOnce()) -> (String, Vec<Value>) {
    let home = tempfile::tempdir().unwrap();
    let Opened { layer, guard, .. } = open(home.path(), &options, variable.map(str::to_owned)).unwrap();
    tracing::subscriber::with_default(Registry::default().with(layer), work);
    assert_eq!(guard.dropped_lines(), 0);
    let folder = guard.folder().to_owned();
    drop(guard);
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        text.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    let lines =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")));
    let lines = lines.collect();
    (text, lines)
}

#[test]
fn a_line_carries_the_ids_of_its_spans() {
    let before = jiff::Timestamp::now().as_millisecond();
    let (_, lines) = logged(LogOptions::default(), None, || {
        let command =
            info_span!(target: "nox", "command", command = "cmd_1", session = tracing::field::Empty)
                .entered();
        info!(target: "nox_engine::x", count = 3, "accepted");
        command.record("session", "ses_1");
        let _run = info_span!(target: "nox", "run", run = "run_1").entered();
        warn!(target: "nox_engine::x", level = "mine", session = "ses_2", "line \"two\"\nends");
    });
    let [first, second] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(
        (&first["message"], &first["command"], &first["count"]),
        (&"accepted".into(), &"cmd_1".into(), &3.into())
    );
    assert_eq!(
        (&first["level"], &first["span"], first.get("session")),
        (&"INFO".into(), &"command".into(), None)
    );
    assert_eq!((&second["command"], &second["run"]), (&"cmd_1".into(), &"run_1".into()));
    assert_eq!(
        (&second["session"], &second["field_level"]),
        (&"ses_2".into(), &"mine".into()),
        "an event's field wins"
    );
    assert_eq!((&second["message"], &second["level"]), (&"line \"two\"\nends".into(), &"WARN".into()));
    let at = second["at"].as_i64().unwrap();
    assert!((before..=jiff::Timestamp::now().as_millisecond()).contains(&at));
    let time: jiff::Timestamp = second["time"].as_str().unwrap().parse().unwrap();
    assert_eq!(time.as_millisecond(), at);
}

#[test]
fn the_ids_stay_when_only_errors_are_logged() {
    let (_, lines) = logged(LogOptions { level: LevelFilter::ERROR, stderr: false }, None, || {
        let _span = info_span!(target: "nox", "command", command = "cmd_1").entered();
        info!(target: "nox", "not wanted");
        error!(target: "nox", "wanted");
    });
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&line["message"], &line["command"]), (&"wanted".into(), &"cmd_1".into()));
}

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] std::io::Error);

#[test]
fn no_canary_of_any_kind_reaches_the_file() {
    redact::register(&SecretString::from("registered \"CANARY\"\\value".to_owned()));
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJDQU5BUlkifQ.CANARYsignature";
    let pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nCANARYbase64\n-----END OPENSSH PRIVATE KEY-----";
    let texts = [
        "sk-CANARY0123456789abcd",
        "sk-ant-api03-CANARY0123456789",
        "ghp_CANARY0123456789abcdefghij",
        "github_pat_CANARY0123456789abcdefghij",
        "AKIACANARY0123456789",
        "Authorization: Bearer CANARY0123456789",
        "api_key=CANARY",
        r#"{"token":"CANARY","deep":"{\"token\":\"CANARY\"}"}"#,
        jwt,
        pem,
        "registered \"CANARY\"\\value",
    ];
    let (text, lines) = logged(LogOptions::default(), None, || {
        for canary in texts {
            let json = serde_json::json!({ "out": canary, "next": "CHAIN" }).to_string();
            let twice = serde_json::json!({ "out": json }).to_string();
            let _span = info_span!(target: "nox", "run", run = "run_1", text = canary).entered();
            info!(target: "nox", "{canary}");
            info!(target: "nox", field = canary, "as a field");
            info!(target: "nox", field = ?canary, "as debug");
            info!(target: "nox", field = %json, "in json");
            info!(target: "nox", field = %twice, "in json in json");
            info!(target: "nox", field = %format!("chunk\n{canary}\nend"), "in a chunk");
            let cause = std::io::Error::other(canary);
            error!(target: "nox", error = &Outer(cause) as &dyn std::error::Error, "as an error's cause");
        }
        info!(target: "nox", api_key = "CANARY", password = ?Some("CANARY"), auth_token = %"CANARY", "by the field's name");
    });
    let leak = text.lines().find(|line| line.contains("CANARY") || line.contains("Q0FOQVJZ"));
    assert_eq!(leak, None);
    assert_eq!(lines.len(), texts.len() * 7 + 1, "no line is lost to masking");
    assert!(
        lines.iter().all(|line| line["message"].as_str().unwrap() != "a line was left out: it held a secret")
    );
    assert!(
        text.contains("CHAIN") && text.contains("in a chunk") && text.contains("outer: "),
        "the rest stays"
    );
}

#[test]
fn the_level_comes_from_the_variable_before_the_setting() {
    let work = || {
        debug!(target: "nox_store", "ours debug");
        info!(target: "nox_engine", "ours info");
        info!(target: "zbus", "theirs info");
        warn!(target: "zbus", "theirs warn");
    };
    let count = |level, variable| logged(LogOptions { level, stderr: false }, variable, work).1.len();
    assert_eq!(count(LevelFilter::INFO, None), 2);
    assert_eq!(count(LevelFilter::INFO, Some("")), 2);
    assert_eq!(count(LevelFilter::INFO, Some("debug")), 3);
    assert_eq!(count(LevelFilter::ERROR, None), 0);
    assert_eq!(count(LevelFilter::INFO, Some("zbus=info")), 2);
    assert_eq!(count(LevelFilter::INFO, Some("off")), 0);
    let home = tempfile::tempdir().unwrap();
    let Err(error) = open(home.path(), &LogOptions::default(), Some("nox=loud".to_owned())) else { panic!() };
    assert!(error.to_string().contains("NOX_LOG=“nox=loud”"), "{error}");
}

#[test]
fn the_level_can_be_changed_while_it_logs_unless_the_variable_says_it() {
    let lines_of = |variable: Option<&str>| {
        let home = tempfile::tempdir().unwrap();
        let Opened { layer, guard, level } =
            open(home.path(), &LogOptions::default(), variable.map(str::to_owned)).unwrap();
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            let work = |round: u32| {
                debug!(target: "nox_store", round, "debug");
                info!(target: "nox_store", round, "info");
            };
            work(1);
            level.set(LevelFilter::DEBUG);
            work(2);
            level.set(LevelFilter::ERROR);
            work(3);
            level.set(LevelFilter::INFO);
            work(4);
        });
        let folder = guard.folder().to_owned();
        drop(guard);
        let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(file).unwrap();
        let said = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            format!("{} {}", line["round"], line["message"].as_str().unwrap())
        };
        text.lines().map(said).collect::<Vec<_>>()
    };
    assert_eq!(lines_of(None), ["1 info", "2 debug", "2 info", "4 info"]);
    assert_eq!(lines_of(Some("info")), ["1 info", "2 info", "3 info", "4 info"]);
}

#[test]
fn a_panic_is_logged_with_its_place() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(panics::log));
    let (text, lines) = logged(LogOptions::default(), None, || {
        let caught = std::panic::catch_unwind(|| panic!("it broke with api_key=CANARY"));
        assert!(caught.is_err());
    });
    std::panic::set_hook(before);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(
        (&line["message"], &line["level"]),
        (&"panic: it broke with api_key=[redacted]".into(), &"ERROR".into())
    );
    assert!(line["location"].as_str().unwrap().contains("tests.rs:"), "{line}");
    assert!(line["backtrace"].as_str().unwrap().contains("a_panic_is_logged_with_its_place"), "{line}");
    assert!(line["backtrace"].as_str().unwrap().len() <= 4096);
    assert!(!text.contains("CANARY"));
}

#[test]
fn a_very_long_text_is_cut() {
    let (text, lines) = logged(LogOptions::default(), None, || {
        info!(target: "nox", text = "ä".repeat(1_000_000), "long");
    });
    assert!(text.len() < 20_000, "{}", text.len());
    assert!(lines[0]["text"].as_str().unwrap().ends_with("bytes cut)"));
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_its_path() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("logs"), "a file").unwrap();
    let Err(error) = open(home.path(), &LogOptions::default(), None) else {
        panic!("it opened a file as a folder")
    };
    assert!(matches!(&error, LogError::File { .. }) && error.to_string().contains("logs"), "{error}");
}

#[test]
fn the_log_begins_once() {
    let home = tempfile::tempdir().unwrap();
    let first = init(home.path(), LogOptions::default()).unwrap();
    assert!(matches!(init(home.path(), LogOptions::default()), Err(LogError::AlreadySetUp)));
    let panicked = std::thread::spawn(|| panic!("in a thread")).join();
    assert!(panicked.is_err());
    let folder = first.folder().to_owned();
    drop(first);
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    assert!(std::fs::read_to_string(file).unwrap().contains("panic: in a thread"));
}
