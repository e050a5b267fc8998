//! Every kind of program that does not want to end, and every way in which a tree ends: none lives for two seconds.

use std::time::{Duration, Instant};

use nox_process::{Branch, ProcessTree, ShimPath, SpawnSpec, holding, sweep};

use crate::engine_death::{MARK, kill_with_shims, start_engine, tell};
use crate::support::*;

/// How long anything may stay after its end.
const SOON: Duration = Duration::from_secs(2);

/// One kind of program that does not want to end.
struct Runaway {
    name: &'static str,
    /// Run by `sh`, which stays until the end comes.
    script: &'static str,
    /// How many processes carry the mark at least once it is where it wants to be; the shim is one of them.
    processes: usize,
    /// How many of them are stopped then.
    stopped: usize,
    habit: Habit,
}

/// What else is special.
#[derive(PartialEq, Eq)]
enum Habit {
    None,
    /// The tree is frozen by its engine.
    Frozen,
    /// Throws away the mark of Nox, so that only a control group finds it once its shim was killed.
    Unmarked,
}

const RUNAWAYS: &[Runaway] = &[
    Runaway {
        name: "ignores-sigterm",
        script: "trap '' TERM HUP INT; while :; do sleep 100; done",
        processes: 3,
        stopped: 0,
        habit: Habit::None,
    },
    Runaway {
        name: "stops-itself",
        script: "trap '' TERM; kill -STOP $$; sleep 100",
        processes: 2,
        stopped: 1,
        habit: Habit::None,
    },
    Runaway {
        name: "new-session",
        script: "setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 100; done' & exec sleep 100",
        processes: 4,
        stopped: 0,
        habit: Habit::None,
    },
    Runaway {
        name: "forked-twice",
        script: "(setsid sh -c '(trap \"\" TERM; while :; do sleep 100; done) &' &); exec sleep 100",
        processes: 4,
        stopped: 0,
        habit: Habit::None,
    },
    Runaway {
        name: "fork-bomb-of-512",
        script: "bomb() { if [ $1 -gt 0 ]; then bomb $(($1 - 1)) & bomb $(($1 - 1)) & fi; exec sleep 100; }; bomb 8",
        processes: 512,
        stopped: 0,
        habit: Habit::None,
    },
    Runaway {
        name: "another-environment",
        script: "env -i PATH=\"$PATH\" NOX_TEST_MARK=\"$NOX_TEST_MARK\" \
                 setsid sh -c '(trap \"\" TERM; while :; do sleep 100; done) &'; exec sleep 100",
        processes: 4,
        stopped: 0,
        habit: Habit::Unmarked,
    },
    Runaway {
        name: "stops-its-shim",
        // Again and again, as a shim that has not reported yet is woken.
        script: "while :; do kill -STOP $PPID; sleep 0.5; done",
        processes: 2,
        stopped: 1,
        habit: Habit::None,
    },
    Runaway {
        name: "frozen",
        script: "trap '' TERM; (setsid sh -c 'while :; do sleep 100; done' &); while :; do sleep 100; done",
        processes: 5,
        stopped: 0,
        habit: Habit::Frozen,
    },
];

/// The mark of one kind, made from that of the whole test.
fn mark_for(all: &str, kind: &Runaway) -> String {
    format!("{all}-{}", kind.name)
}

async fn start(all: &str, kind: &Runaway) -> ProcessTree {
    let mark = mark_for(all, kind);
    let tree = spawn(&script(&mark, kind.script)).await;
    let is_there = || {
        let found = marked(&mark);
        found.len() >= kind.processes
            && found.iter().filter(|(_, state)| *state == 'T').count() >= kind.stopped
    };
    wait_until(LONG, kind.name, is_there);
    if kind.habit == Habit::Frozen {
        tree.freeze();
    }
    tree
}

/// Looks at every kind until it is gone; the deadline counts from the same moment for all.
fn assert_all_gone(all: &str, kinds: &[&Runaway], since: Instant) {
    for kind in kinds {
        let mark = mark_of(mark_for(all, kind));
        wait_until(SOON.saturating_sub(since.elapsed()).max(Duration::from_millis(20)), kind.name, || {
            marked(&mark).is_empty()
        });
    }
    eprintln!("{} kinds gone after {:?}", kinds.len(), since.elapsed());
}

#[tokio::test]
async fn every_kind_is_ended_by_a_kill_and_by_a_stop() {
    for kind in RUNAWAYS {
        for grace in [None, Some(Duration::from_millis(300))] {
            let all = new_mark();
            let mut tree = start(&all, kind).await;
            let began = Instant::now();
            match grace {
                None => tree.kill(),
                Some(grace) => tree.stop(grace),
            }
            let exit = tokio::time::timeout(SOON, tree.wait()).await.expect(kind.name);
            assert_eq!(exit.left_behind, 0, "{}", kind.name);
            assert_all_gone(&all, &[kind], began);
        }
    }
}

/// Starts one tree of every kind and holds them until it is killed. Run by the tests below.
#[test]
#[ignore = "only a part of the other tests here"]
fn fake_engine() {
    let Ok(all) = std::env::var(MARK) else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut trees = Vec::new();
        for kind in RUNAWAYS {
            let tree = start(&all, kind).await;
            tell(tree.id());
            trees.push(tree);
        }
        std::future::pending::<()>().await;
    });
}

fn engine_is_killed(cgroups: &str) {
    let all = new_mark();
    let environment = [(MARK, &*all), ("NOX_CGROUPS", cgroups)];
    let (mut engine, trees) = start_engine("runaways::fake_engine", &environment, RUNAWAYS.len());
    assert_eq!(trees.len(), RUNAWAYS.len());
    engine.kill().unwrap();
    let began = Instant::now();
    engine.wait().unwrap();
    assert_all_gone(&all, &RUNAWAYS.iter().collect::<Vec<_>>(), began);
}

#[test]
fn no_kind_lives_two_seconds_after_the_engine_was_killed() {
    engine_is_killed("on");
}

#[test]
fn no_kind_lives_two_seconds_after_the_engine_was_killed_without_control_groups() {
    engine_is_killed("off");
}

fn engine_and_shims_are_killed(cgroups: &str) {
    let all = new_mark();
    let environment = [(MARK, &*all), ("NOX_CGROUPS", cgroups)];
    let (mut engine, trees) = start_engine("runaways::fake_engine", &environment, RUNAWAYS.len());
    assert_eq!(trees.len(), RUNAWAYS.len());
    kill_with_shims(&mut engine, &trees);
    let left: Vec<&str> = RUNAWAYS
        .iter()
        .filter(|kind| !marked(&mark_for(&all, kind)).is_empty())
        .map(|kind| kind.name)
        .collect();
    assert!(left.contains(&"forked-twice"), "something must be left to sweep: {left:?}");

    let has_groups = cgroups == "on" && holding().tree != Branch::None;
    let kinds: Vec<&Runaway> =
        RUNAWAYS.iter().filter(|kind| has_groups || kind.habit != Habit::Unmarked).collect();
    let began = Instant::now();
    let report = sweep(&trees);
    assert_eq!(report.left, vec![], "{}", holding());
    assert_all_gone(&all, &kinds, began);
    if !has_groups {
        // What neither descends from the tree nor carries its mark is found by a group only. The test ends it.
        drop(mark_of(mark_for(&all, RUNAWAYS.iter().find(|kind| kind.habit == Habit::Unmarked).unwrap())));
    }
}

#[test]
fn a_sweep_ends_every_kind_when_engine_and_shims_were_killed() {
    engine_and_shims_are_killed("on");
}

#[test]
fn a_sweep_ends_every_marked_kind_without_control_groups() {
    engine_and_shims_are_killed("off");
}

/// The folders of version 2 and 1 that this engine's trees have.
fn groups_of(pid: u32) -> usize {
    let part = format!("-{pid}-");
    let hierarchies = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    let entries =
        hierarchies.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten());
    entries.filter(|entry| entry.file_name().to_string_lossy().contains(&part)).count()
}

#[test]
fn no_group_stays_behind() {
    if holding().tree == Branch::None {
        eprintln!("no control groups here: {}", holding());
        return;
    }
    let all = new_mark();
    let environment = [(MARK, &*all), ("NOX_CGROUPS", "on")];
    let (mut engine, trees) = start_engine("runaways::fake_engine", &environment, RUNAWAYS.len());
    let pid = engine.id();
    assert!(groups_of(pid) >= RUNAWAYS.len(), "{}", holding());
    let (killed, kept) = trees.split_at(RUNAWAYS.len() / 2);
    kill_with_shims(&mut engine, killed);
    // The shims that live remove theirs; the sweep has to know the others by the name of their engine alone.
    let report = sweep(&[]);
    assert!(report.groups >= killed.len() && report.left.is_empty(), "{report:?}");
    wait_until(LONG, "no folder", || groups_of(pid) == 0);
    assert!(kept.iter().all(|tree| !tree.shim.is_alive()));
    assert_all_gone(&all, &RUNAWAYS.iter().collect::<Vec<_>>(), Instant::now());
}

/// Gives a start up after it was begun, as whoever waited for it is gone.
async fn start_and_give_up(spec: &SpawnSpec, shim: &ShimPath) {
    let mut starting = Box::pin(ProcessTree::spawn(spec, shim));
    tokio::select! {
        biased;
        _ = &mut starting => {}
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_no_group() {
    if holding().tree == Branch::None {
        eprintln!("no control groups here: {}", holding());
        return;
    }
    let mark = new_mark();
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("nox-shim");
    std::fs::write(&broken, "no program").unwrap();
    for shim in [shim(), ShimPath::at(&broken).unwrap()] {
        for _ in 0..20 {
            start_and_give_up(&script(&mark, "sleep 100"), &shim).await;
        }
    }
    wait_until(LONG, "no folder", || groups_of(std::process::id()) == 0);
    wait_until(LONG, "no process", || marked(&mark).is_empty());
}
