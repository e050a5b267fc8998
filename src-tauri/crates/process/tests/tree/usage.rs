//! What a tree costs, and trees that are frozen.

use std::time::{Duration, Instant};

use nox_process::{ProcessTree, StreamName, tree_usage};

use crate::support::*;

#[tokio::test]
async fn usage_names_the_whole_tree_also_what_left_its_session() {
    let mark = new_mark();
    let mut tree = spawn(&script(&mark, &format!("{ESCAPERS} exec sleep 1000"))).await;
    let mut output = tree.take_output().unwrap();
    wait_for_escapers(&mark, &mut output).await;
    let shim = tree.id().shim.pid;
    let mut expected: Vec<u32> = Vec::new();
    wait_until(LONG, "the same from both sides", || {
        expected = marked(&mark).into_iter().map(|(pid, _)| pid).filter(|pid| *pid != shim).collect();
        expected.sort_unstable();
        tree.usage().unwrap().list.iter().map(|process| process.pid).eq(expected.iter().copied())
    });
    let usage = tree.usage().unwrap();
    assert_eq!(usage.processes as usize, usage.list.len());
    assert!(usage.list.iter().any(|process| process.name == "sleep"), "{usage:?}");
    assert_eq!(usage.memory_bytes, usage.list.iter().map(|process| process.memory_bytes).sum::<u64>());
    let held_by = usage.shim.unwrap();
    assert_eq!((held_by.pid, held_by.name.as_str()), (shim, "nox-shim"));
    assert!(held_by.memory_bytes > 0 && held_by.memory_bytes < 4 << 20, "{held_by:?}");
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    let age = now - held_by.started_at_ms;
    assert!((-100..20_000).contains(&age), "{age}");

    tree.kill();
    drop(output);
    tree.wait().await;
    assert_eq!(tree.usage(), None);
}

#[tokio::test]
async fn a_known_allocation_is_seen_within_a_fifth() {
    let mut tree =
        spawn(&script("", "(head -c 104857600 /dev/zero; echo read >&2; sleep 1000) | tail -n 1")).await;
    let mut output = tree.take_output().unwrap();
    read_lines(&mut output, StreamName::Stderr, 1).await;
    let (id, known) = (tree.id().clone(), 104_857_600_f64);
    let mut usage = None;
    wait_until(LONG, "a tail that has read all", || {
        usage = tree_usage(&id);
        usage.as_ref().unwrap().memory_bytes as f64 > known * 0.95
    });
    let usage = usage.unwrap();
    assert!((usage.memory_bytes as f64) < known * 1.2, "{usage:?}");
    let began = Instant::now();
    for _ in 0..20 {
        tree_usage(&id).unwrap();
    }
    eprintln!(
        "{:?} for each look at {} processes, {:?}",
        began.elapsed() / 20,
        usage.processes,
        usage.memory
    );
    tree.kill();
    drop(output);
    tree.wait().await;
}

#[tokio::test]
async fn processor_time_of_ended_children_counts_and_never_falls() {
    // Each child is busy for a while and ends.
    let text = "while :; do (i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done); done";
    let mut tree = spawn(&script("", text)).await;
    let mut last = 0;
    wait_until(LONG, "half a second of work by many processes", || {
        let usage = tree.usage().unwrap();
        assert!(usage.cpu_ms >= last, "{last} {usage:?}");
        last = usage.cpu_ms;
        last > 500
    });
    let living: u64 = tree.usage().unwrap().list.iter().map(|process| process.cpu_ms).sum();
    assert!(living < last, "what has ended counts too: {living} of {last}");
    tree.kill();
    tree.wait().await;
}

/// Waits until a tree does not work any more, or does again.
fn wait_for_work(tree: &ProcessTree, is_working: bool) {
    let mut last = tree.usage().unwrap().cpu_ms;
    let mut since = Instant::now();
    wait_until(LONG, if is_working { "work" } else { "rest" }, || {
        let now = tree.usage().unwrap().cpu_ms;
        if now != last && !is_working {
            (last, since) = (now, Instant::now());
        }
        if is_working { now > last + 20 } else { since.elapsed() > Duration::from_millis(200) }
    });
}

async fn freezes_and_thaws() {
    let mark = new_mark();
    let text = "setsid sh -c 'trap \"\" TERM; while :; do :; done' & while :; do :; done";
    let mut tree = spawn(&script(&mark, text)).await;
    wait_for_work(&tree, true);
    tree.freeze();
    wait_for_work(&tree, false);
    tree.thaw();
    wait_for_work(&tree, true);
    tree.freeze();
    wait_for_work(&tree, false);
    tree.stop(Duration::from_millis(300));
    let exit =
        tokio::time::timeout(Duration::from_secs(2), tree.wait()).await.expect("a frozen tree is stopped");
    assert_eq!((exit.signal, exit.left_behind), (Some(15), 0), "the program was asked first: {exit:?}");
    assert_gone(&mark);
}

#[tokio::test]
async fn a_frozen_tree_rests_runs_on_and_can_be_stopped() {
    freezes_and_thaws().await;
}

/// Run by the test below, in a process of its own.
#[tokio::test]
#[ignore = "only a part of the other test here"]
async fn by_signals() {
    assert_eq!(nox_process::holding().tree, nox_process::Branch::None);
    freezes_and_thaws().await;
}

#[test]
#[allow(clippy::disallowed_methods, reason = "control groups are looked for once in each process")]
fn the_same_without_control_groups() {
    let answer = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "usage::by_signals"])
        .env("NOX_CGROUPS", "off")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&answer.stdout);
    assert!(answer.status.success() && text.contains("1 passed"), "{text}");
}
