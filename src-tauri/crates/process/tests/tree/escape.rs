//! Nothing gets out of a tree, however it tries and however the tree ends.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nox_process::{ProcessIdentity, TreeIdentity, sweep};

use crate::support::*;

#[tokio::test]
async fn kill_ends_all() {
    let mark = new_mark();
    let mut tree = spawn(&script(&mark, &format!("{ESCAPERS} wait"))).await;
    let mut output = tree.take_output().unwrap();
    wait_for_escapers(&mark, &mut output).await;
    drop(output);
    tree.kill();
    let exit = tokio::time::timeout(Duration::from_secs(2), tree.wait()).await.expect("within two seconds");
    assert_eq!((exit.signal, exit.forced, exit.left_behind), (Some(9), true, 0));
    assert!(marked(&mark).is_empty(), "{:?}", marked(&mark));
}

#[tokio::test]
async fn what_the_program_leaves_behind_is_ended() {
    let mark = new_mark();
    let text = format!("{ESCAPERS} read -r go; exit 6");
    let mut spec = script(&mark, &text);
    spec.stdin = nox_process::Stdin::Piped;
    let mut tree = spawn(&spec).await;
    let mut output = tree.take_output().unwrap();
    wait_for_escapers(&mark, &mut output).await;
    drop(output);
    tree.write(b"go\n").await.unwrap();
    let exit = tokio::time::timeout(Duration::from_secs(2), tree.wait()).await.expect("within two seconds");
    assert_eq!((exit.code, exit.left_behind), (Some(6), 0));
    assert!(exit.forced, "the daemon ignores SIGTERM");
    assert!(marked(&mark).is_empty(), "{:?}", marked(&mark));
}

#[tokio::test]
async fn dropping_the_tree_ends_all() {
    let mark = new_mark();
    let mut tree = spawn(&script(&mark, &format!("{ESCAPERS} wait"))).await;
    wait_for_escapers(&mark, &mut tree.take_output().unwrap()).await;
    drop(tree);
    assert_gone(&mark);
}

#[tokio::test]
async fn a_program_that_keeps_forking_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let comet = folder.path().join("comet.sh");
    // Every generation leaves a child behind, starts the next one in a session of its own, and ends. The count is only
    // there so that a failure of this test does not live for ever.
    let text = "sleep 60 &\n[ \"$1\" -gt 0 ] && setsid sh \"$0\" $(($1 - 1)) &\n";
    std::fs::write(&comet, text).unwrap();
    let mark = new_mark();
    let start = format!("sh {0} 3000 & sh {0} 3000 & sleep 1000", comet.display());
    let mut tree = spawn(&script(&mark, &start)).await;
    wait_until(LONG, "some generations", || marked(&mark).len() > 40);
    tree.kill();
    let exit = tokio::time::timeout(Duration::from_secs(5), tree.wait()).await.expect("in time");
    assert_eq!((exit.signal, exit.left_behind), (Some(9), 0));
    assert!(marked(&mark).is_empty(), "{:?}", marked(&mark));
}

#[tokio::test]
async fn a_program_that_stops_its_shim_is_ended() {
    let mark = new_mark();
    let mut spec = script(&mark, "read -r go; kill -STOP $PPID; sleep 1000");
    spec.stdin = nox_process::Stdin::Piped;
    let mut tree = spawn(&spec).await;
    tree.write(b"go\n").await.unwrap();
    let shim_pid = tree.id().shim.pid;
    wait_until(LONG, "a stopped shim", || state(shim_pid) == Some('T'));
    tree.kill();
    let exit = tokio::time::timeout(Duration::from_secs(2), tree.wait()).await.expect("within two seconds");
    assert_eq!(exit.signal, Some(9));
    assert_gone(&mark);
}

#[tokio::test]
async fn a_program_that_stops_its_shim_at_once_is_started_and_ended() {
    let mark = new_mark();
    // Whether the shim has reported by then is a race; both ways must work.
    let mut tree = spawn(&script(&mark, "kill -STOP $PPID; sleep 1000")).await;
    tree.kill();
    let exit = tokio::time::timeout(LONG, tree.wait()).await.expect("in time");
    assert_eq!(exit.left_behind, 0);
    assert_gone(&mark);
}

#[tokio::test]
async fn a_program_that_kills_its_shim_is_ended() {
    let mark = new_mark();
    let text = format!("{ESCAPERS} read -r go; kill -KILL $PPID; sleep 1000");
    let mut spec = script(&mark, &text);
    spec.stdin = nox_process::Stdin::Piped;
    let mut tree = spawn(&spec).await;
    let mut output = tree.take_output().unwrap();
    wait_for_escapers(&mark, &mut output).await;
    drop(output);
    tree.write(b"go\n").await.unwrap();
    let exit = tokio::time::timeout(Duration::from_secs(3), tree.wait()).await.expect("in time");
    assert_eq!((exit.code, exit.signal, exit.forced, exit.left_behind), (None, None, true, 0));
    assert!(marked(&mark).is_empty(), "{:?}", marked(&mark));
}

#[tokio::test]
async fn a_sweep_leaves_a_process_with_a_reused_number_alone() {
    let mut stranger = spawn(&spec("sleep", &["1000"])).await;
    let id = stranger.id().clone();
    let earlier = |process: ProcessIdentity| ProcessIdentity {
        started_at_ticks: process.started_at_ticks - 1,
        ..process
    };
    let old = TreeIdentity { shim: earlier(id.shim), program: earlier(id.program), ..id.clone() };
    let other_boot = TreeIdentity { boot_id: "another boot".to_owned(), ..id.clone() };
    let report = sweep(&[old, other_boot]);
    assert_eq!((report.already_gone, report.ended, report.left), (2, 0, vec![]));
    assert!(id.shim.is_alive() && id.program.is_alive());

    stranger.kill();
    stranger.wait().await;
}

#[tokio::test]
async fn a_shim_that_is_asked_to_end_ends_its_tree() {
    let mark = new_mark();
    let mut spec = script(&mark, "trap '' TERM; echo ready; while :; do sleep 1; done");
    spec.grace = Duration::from_millis(100);
    let mut tree = spawn(&spec).await;
    let mut output = tree.take_output().unwrap();
    read_lines(&mut output, nox_process::StreamName::Stdout, 1).await;
    drop(output);
    kill(Pid::from_raw(tree.id().shim.pid.cast_signed()), Signal::SIGTERM).unwrap();
    let exit = tokio::time::timeout(Duration::from_secs(2), tree.wait()).await.expect("within two seconds");
    assert_eq!((exit.signal, exit.forced), (Some(9), true));
    assert_gone(&mark);
}
