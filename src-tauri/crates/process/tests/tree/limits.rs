//! Limits hold, by whatever means is here, and the end says which was met. Each test prints what held it.

use std::time::{Duration, Instant};

use nox_process::{Branch, Exit, LimitKind, ProcessTree, TreeLimits, holding};

use crate::support::*;

fn limited(mark: &str, text: &str, limits: TreeLimits) -> nox_process::SpawnSpec {
    let mut spec = script(mark, text);
    spec.limits = limits;
    spec
}

async fn end_of(mut tree: ProcessTree) -> Exit {
    tokio::time::timeout(LONG, tree.wait()).await.expect("an end in time")
}

#[tokio::test]
async fn an_allocation_of_10_gb_is_ended_at_200_mb() {
    let mark = new_mark();
    let limits = TreeLimits { memory_bytes: Some(200 << 20), ..TreeLimits::default() };
    // Without newlines, tail keeps all that it reads.
    let mut tree = spawn(&limited(&mark, "head -c 10G /dev/zero | tail -n 1 | wc -c", limits)).await;
    let began = Instant::now();
    let mut most = 0;
    let exit = loop {
        if let Some(usage) = tree.usage() {
            most = most.max(usage.memory_bytes);
        }
        if let Ok(exit) = tokio::time::timeout(Duration::from_millis(20), tree.wait()).await {
            break exit;
        }
        assert!(began.elapsed() < LONG, "still there at {most} bytes");
    };
    eprintln!(
        "memory is held by {}: at most {} MiB, {:?}",
        tree.holding().memory,
        most >> 20,
        began.elapsed()
    );
    assert_eq!(exit.limit, Some(LimitKind::Memory));
    assert!(most < 5 << 30, "{most}");
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(marked(&mark).is_empty());
}

#[tokio::test]
async fn memory_within_the_limit_is_nobodys_business() {
    let limits = TreeLimits { memory_bytes: Some(200 << 20), processes: Some(64), ..TreeLimits::default() };
    // Long enough for the watch to look, and forked: the copies share their pages with the first.
    let text = "x=$(head -c 40M /dev/zero | tr '\\0' x); for i in 1 2 3 4; do (sleep 2; : \"$x\") & done; wait; echo ok";
    let exit = end_of(spawn(&limited("", text, limits)).await).await;
    assert_eq!((exit.code, exit.limit), (Some(0), None));
}

#[tokio::test]
async fn a_fork_bomb_stays_within_64_processes() {
    let mark = new_mark();
    let limits = TreeLimits { processes: Some(64), ..TreeLimits::default() };
    let bomb =
        "bomb() { if [ $1 -gt 0 ]; then bomb $(($1 - 1)) & bomb $(($1 - 1)) & fi; exec sleep 100; }; bomb 8";
    let mut tree = spawn(&limited(&mark, bomb, limits)).await;
    drop(tree.take_output());
    let is_watched = !matches!(tree.holding().processes, Branch::CgroupV1 | Branch::CgroupV2);
    let (began, mut most) = (Instant::now(), 0);
    // A bomb that is held stands still, with less than it could have, as a shell that cannot fork ends. One that is
    // watched is ended.
    let (mut last, mut since) = (0, Instant::now());
    while since.elapsed() < Duration::from_millis(300) {
        let Some(usage) = tree.usage() else { break };
        most = most.max(usage.processes);
        if usage.processes != last || last < 8 {
            (last, since) = (usage.processes, Instant::now());
        }
        assert!(began.elapsed() < LONG, "{last}");
    }
    eprintln!("processes are held by {}: at most {most}", tree.holding().processes);
    assert!(most > 16 && (is_watched || most <= 64), "{most}");
    if !is_watched {
        tree.kill();
    }
    let exit = end_of(tree).await;
    assert_eq!((exit.limit, exit.left_behind), (Some(LimitKind::Processes), 0));
}

#[tokio::test]
async fn half_a_core_is_half_a_core() {
    let limits = TreeLimits { cpu_percent: Some(50), ..TreeLimits::default() };
    let tree = spawn(&limited("", "while :; do :; done & while :; do :; done", limits)).await;
    let began = Instant::now();
    let before = tree.usage().unwrap().cpu_ms;
    // The time is what is measured here.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let used = tree.usage().unwrap().cpu_ms - before;
    let share = used as f64 / began.elapsed().as_millis() as f64;
    eprintln!("cpu is held by {}: {:.0} % of a core", tree.holding().cpu, share * 100.0);
    assert!(share > 0.1, "two busy loops: {share}");
    if matches!(tree.holding().cpu, Branch::CgroupV1 | Branch::CgroupV2) {
        assert!(share <= 0.75, "{share}");
    }
    tree.kill();
    end_of(tree).await;
}

#[tokio::test]
async fn a_file_ends_at_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let limits = TreeLimits { file_bytes: Some(1_000_000), ..TreeLimits::default() };
    for (text, code, signal) in [
        ("exec head -c 3000000 /dev/zero > large", None, Some(25)),
        ("head -c 3000000 /dev/zero > large; exit $?", Some(153), None),
    ] {
        let mut spec = limited("", text, limits);
        spec.cwd = folder.path().to_owned();
        let exit = end_of(spawn(&spec).await).await;
        assert_eq!((exit.code, exit.signal, exit.limit), (code, signal, Some(LimitKind::FileSize)));
        assert_eq!(std::fs::metadata(folder.path().join("large")).unwrap().len(), 1_000_000);
    }
    let mut spec = limited("", "head -c 900000 /dev/zero > small", limits);
    spec.cwd = folder.path().to_owned();
    let exit = end_of(spawn(&spec).await).await;
    assert_eq!((exit.code, exit.limit), (Some(0), None));
}

#[tokio::test]
async fn a_program_dumps_no_core_and_goes_before_the_engine() {
    let mut tree = spawn(&script("", "ulimit -c; ulimit -Hn; cat /proc/self/oom_score_adj")).await;
    let (text, _) = read_all(&mut tree.take_output().unwrap()).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[2]), ("0", "500"));
    assert!(lines[1].parse::<u64>().unwrap() <= 65_536);
    tree.wait().await;
}

#[test]
fn what_holds_is_told_in_words() {
    let text = holding().to_string();
    eprintln!("{text}");
    assert!(text.starts_with("memory: ") && text.contains(", tree: "), "{text}");
    assert!(!text.contains("memory: none"), "with /proc, memory is watched at least");
}
