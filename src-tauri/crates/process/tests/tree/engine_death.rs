//! What is left when the engine itself is killed. The engine here is this test program, started a second time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nox_process::{TreeIdentity, sweep};

use crate::support::*;

/// Holds the mark for the second start. Without it, [`fake_engine`] does nothing.
pub(crate) const MARK: &str = "NOX_TEST_MARK";

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
            tell(tree.id());
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

/// Says on stdout which tree was started.
pub(crate) fn tell(tree: &TreeIdentity) {
    let TreeIdentity { boot_id, shim, program } = tree;
    let line = format!(
        "tree {boot_id} {} {} {} {}\n",
        shim.pid, shim.started_at_ticks, program.pid, program.started_at_ticks
    );
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// Starts one of the ignored tests as an engine, and waits until it has told so many trees.
#[allow(clippy::disallowed_methods, reason = "an engine that dies cannot be held by the code under test")]
pub(crate) fn start_engine(
    test: &str,
    environment: &[(&str, &str)],
    trees: usize,
) -> (Child, Vec<TreeIdentity>) {
    let mut engine = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test, "--nocapture"])
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(engine.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The test harness writes lines of its own, and the beginning of one.
    let trees = lines.filter_map(|line| parse_tree(line.split_once("tree ")?.1)).take(trees).collect();
    (engine, trees)
}

/// Kills shims that cannot act before, and then their engine, which cannot either.
pub(crate) fn kill_with_shims(engine: &mut Child, trees: &[TreeIdentity]) {
    let send = |pid: u32, signal| kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
    send(engine.id(), Signal::SIGSTOP);
    wait_until(LONG, "a stopped engine", || state(engine.id()) == Some('T'));
    for tree in trees {
        send(tree.shim.pid, Signal::SIGKILL);
    }
    engine.kill().unwrap();
    engine.wait().unwrap();
}

fn start_with_escapers(mark: &str) -> (Child, Vec<TreeIdentity>) {
    let started = start_engine("engine_death::fake_engine", &[(MARK, mark)], 3);
    wait_until(LONG, "three stopped processes", || {
        marked(mark).iter().filter(|(_, state)| *state == 'T').count() == 3
    });
    started
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
    let (mut engine, trees) = start_with_escapers(&mark);
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
    let (mut engine, trees) = start_with_escapers(&mark);
    kill_with_shims(&mut engine, &trees);
    wait_until(LONG, "the programs went with their shims", || {
        trees.iter().all(|tree| !tree.program.is_alive())
    });
    assert!(!marked(&mark).is_empty(), "the daemons are still there");

    let began = Instant::now();
    let report = sweep(&trees);
    assert_eq!((report.already_gone, report.ended, report.left), (0, 3, vec![]));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_gone(&mark);
}
