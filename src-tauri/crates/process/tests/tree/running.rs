//! Starting, ending, exit codes, and errors that name what is wrong.

use std::time::{Duration, Instant};

use nox_process::{CaptureLimits, Ending, Error, Exit, ProcessTree, StreamName, capture};

use crate::support::*;

async fn run(text: &str) -> Exit {
    tokio::time::timeout(LONG, spawn(&script("", text)).await.wait()).await.unwrap()
}

#[tokio::test]
async fn exit_codes_and_signals_arrive() {
    let ended = |code, signal| Exit { code, signal, forced: false, left_behind: 0, limit: None };
    assert_eq!(run("exit 0").await, ended(Some(0), None));
    assert_eq!(run("exit 7").await, ended(Some(7), None));
    assert_eq!(run("kill -USR1 $$").await, ended(None, Some(10)));
    assert_eq!(run("kill -KILL $$").await, ended(None, Some(9)));
}

#[tokio::test]
async fn wait_may_be_asked_again() {
    let mut tree = spawn(&script("", "exit 3")).await;
    let first = tree.wait().await;
    assert_eq!((first.code, first), (Some(3), tree.wait().await));
}

#[tokio::test]
async fn a_missing_program_is_named() {
    for program in ["no-such-program-here", "/no/such/program", "./relative"] {
        let error = ProcessTree::spawn(&spec(program, &[]), &shim()).await.unwrap_err();
        assert!(
            matches!(&error, Error::Program { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
        );
        assert!(error.to_string().contains(program), "{error}");
    }
}

#[tokio::test]
async fn a_program_that_may_not_be_executed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text.txt");
    std::fs::write(&file, "hello").unwrap();
    let error = ProcessTree::spawn(&spec(file.to_str().unwrap(), &[]), &shim()).await.unwrap_err();
    assert!(error.to_string().contains("text.txt") && error.to_string().contains("ermission"), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for bad in [folder.path().join("gone"), file] {
        let mut spec = spec("true", &[]);
        spec.cwd = bad.clone();
        let error = ProcessTree::spawn(&spec, &shim()).await.unwrap_err();
        assert!(matches!(error, Error::WorkingDirectory { .. }), "{error:?}");
        assert!(error.to_string().contains(bad.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn stop_lets_a_program_clean_up() {
    let mark = new_mark();
    let mut tree =
        spawn(&script(&mark, "trap 'echo cleaned; exit 4' TERM; echo ready; while :; do sleep 1; done"))
            .await;
    let mut output = tree.take_output().unwrap();
    read_lines(&mut output, StreamName::Stdout, 1).await;
    tree.stop(LONG);
    assert_eq!(read_all(&mut output).await.0, "cleaned\n");
    let exit = tree.wait().await;
    assert_eq!((exit.code, exit.forced), (Some(4), false));
    assert_gone(&mark);
}

#[tokio::test]
async fn stop_ends_a_program_that_ignores_it() {
    let mark = new_mark();
    let mut tree = spawn(&script(&mark, "trap '' TERM; echo ready; while :; do sleep 1; done")).await;
    let mut output = tree.take_output().unwrap();
    read_lines(&mut output, StreamName::Stdout, 1).await;
    drop(output);
    let began = Instant::now();
    let grace = Duration::from_millis(300);
    tree.stop(grace);
    let exit = tokio::time::timeout(LONG, tree.wait()).await.unwrap();
    assert_eq!((exit.signal, exit.forced), (Some(9), true));
    assert!(began.elapsed() >= grace && began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(marked(&mark).is_empty(), "wait resolves when nothing is left: {:?}", marked(&mark));
}

#[tokio::test]
async fn capture_keeps_within_its_limits() {
    let limits = CaptureLimits { max_bytes: 5, timeout: LONG };
    let captured =
        capture(&script("", "cat; echo 1234567; echo no >&2; exit 2"), &shim(), limits).await.unwrap();
    assert_eq!((captured.stdout.as_slice(), captured.stderr.as_slice()), (&b"12345"[..], &b"no\n"[..]));
    assert_eq!((captured.dropped_bytes, captured.exit.code, captured.ending), (3, Some(2), Ending::Own));

    let limits = CaptureLimits { timeout: Duration::from_millis(50), ..limits };
    let captured = capture(&spec("sleep", &["1000"]), &shim(), limits).await.unwrap();
    assert_eq!((captured.ending, captured.exit.signal), (Ending::TimedOut, Some(9)));
}
