//! What is left when the engine itself is killed. The engine here is this test program, started a second time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nox_process::{TreeIdentity, sweep};

use crate::support::*;

/// Holds the mark for the second start. Without it, [`fake_engine`] does nothing.
const MARK: &str = "NOX_TEST_MARK";

/// Starts trees and holds them until it is killed. Run by the tests below.
#[test]
#[ignore = "only a part of the other tests here"]
fn fake_engine() {
    let Ok(mark) = std::env::var(MARK) else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut trees = Vec::new();
        for _ in 0..3 {
            let mut tree =
                spawn(&script(&mark, &format!("{ESCAPERS} while :; do echo busy; sleep 0.01; done"))).await;
            let mut output = tree.take_output().unwrap();
            read_lines(&mut output, nox_process::StreamName::Stdout, 2).await;
            let TreeIdentity { boot_id, shim, program } = tree.id();
            let line = format!(
                "tree {boot_id} {} {} {} {}\n",
                shim.pid, shim.started_at_ticks, program.pid, program.started_at_ticks
            );
            std::io::stdout().write_all(line.as_bytes()).unwrap();
            trees.push((tree, output));
        }
        // The trees are read and held until the end comes from outside.
        loop {
            for (_, output) in &mut trees {
                output.next().await.unwrap();
            }
        }
    });
}

#[allow(clippy::disallowed_methods, reason = "an engine that dies cannot be held by the code under test")]
fn start_engine(mark: &str) -> (Child, Vec<TreeIdentity>) {
    let mut engine = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "engine_death::fake_engine", "--nocapture"])
        .env(MARK, mark)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(engine.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The test harness writes lines of its own, and the beginning of one.
    let trees = lines.filter_map(|line| parse_tree(line.split_once("tree ")?.1)).take(3).collect();
    wait_until(LONG, "three stopped processes", || {
        marked(mark).iter().filter(|(_, state)| *state == 'T').count() == 3
    });
    (engine, trees)
}

fn parse_tree(line: &str) -> Option<TreeIdentity> {
    let mut words = line.split(' ');
    let boot_id = words.next()?.to_owned();
    let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
    let [shim_pid, shim_at, program_pid, program_at] = numbers[..] else { return None };
    let process = |pid, started_at_ticks| nox_process::ProcessIdentity { pid, started_at_ticks };
    let shim = process(u32::try_from(shim_pid).ok()?, shim_at);
    Some(TreeIdentity { boot_id, shim, program: process(u32::try_from(program_pid).ok()?, program_at) })
}

#[test]
fn nothing_is_left_two_seconds_after_the_engine_was_killed() {
    let mark = new_mark();
    let (mut engine, trees) = start_engine(&mark);
    assert!(trees.len() == 3 && marked(&mark).len() >= 12, "{trees:?} {:?}", marked(&mark));
    engine.kill().unwrap();
    engine.wait().unwrap();
    assert_gone(&mark);
    let report = sweep(&trees);
    assert_eq!((report.already_gone, report.ended, report.left), (3, 0, vec![]));
}

#[test]
fn a_sweep_ends_what_is_left_when_the_shims_were_killed_too() {
    let mark = new_mark();
    let (mut engine, trees) = start_engine(&mark);
    // The shims first: a living one would end its tree when the engine goes.
    for tree in &trees {
        let pid = nix::unistd::Pid::from_raw(tree.shim.pid.cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    }
    engine.kill().unwrap();
    engine.wait().unwrap();
    for tree in trees.iter().take(2) {
        let pid = nix::unistd::Pid::from_raw(tree.shim.pid.cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    }
    wait_until(LONG, "two programs went with their shims", || {
        trees.iter().take(2).all(|tree| !tree.program.is_alive())
    });
    assert!(!marked(&mark).is_empty(), "the daemons are still there");

    let began = Instant::now();
    let report = sweep(&trees);
    assert_eq!((report.already_gone, report.ended, report.left), (0, 3, vec![]));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_gone(&mark);
}
