//! strace as a disk that fails: it counts the calls of one kind in each thread of a process, and kills the process at one
//! of them or lets some of them fail.
#![allow(clippy::disallowed_methods, reason = "a tracer is no agent")]

use std::{
    fs,
    path::{Path, PathBuf},
};
use tokio::process::Command;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Kill,
    NoSpace,
    BadDisk,
}

impl Fault {
    pub(super) const ALL: [Self; 3] = [Self::Kill, Self::NoSpace, Self::BadDisk];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Kill => "SIGKILL",
            Self::NoSpace => "ENOSPC",
            Self::BadDisk => "EIO",
        }
    }
}

/// Where a call of some kind is made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Killed at, and failing.
    All,
    /// Killed at. Pipes and wake-ups are written as files are, and no disk makes those fail.
    Kills,
    /// Killed at in the long form: most of these only read.
    LongKills,
}

/// Calls that make something durable, by the names that strace has for them on any machine (`?`: where it is known).
pub(super) const KINDS: &[(&str, Reach)] = &[
    ("pwrite64", Reach::All),
    ("fsync", Reach::All),
    ("fdatasync", Reach::All),
    ("?rename,?renameat,?renameat2", Reach::All),
    ("?ftruncate", Reach::All),
    ("?unlink,?unlinkat", Reach::All),
    ("?mkdir,?mkdirat", Reach::All),
    ("?link,?linkat", Reach::All),
    ("write", Reach::Kills),
    ("?openat", Reach::LongKills),
];

impl Reach {
    /// Whether this fault is tried, in the long form or in the quick one.
    pub(super) fn has(self, fault: Fault, is_long: bool) -> bool {
        match self {
            Self::All => true,
            Self::Kills => fault == Fault::Kill,
            Self::LongKills => fault == Fault::Kill && is_long,
        }
    }
}

/// One fault at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) fault: Fault,
    pub(super) kind: usize,
    /// Which call of that kind, counted in each thread from 1.
    pub(super) number: u32,
}

/// Calls that fail one after the other from the point on: a disk has no room for a while, and then has.
const IN_A_ROW: u32 = 2;

impl Point {
    fn inject(&self) -> String {
        let (kind, number) = (KINDS[self.kind].0, self.number);
        match self.fault {
            Fault::Kill => format!("{kind}:signal=SIGKILL:when={number}"),
            fault => format!("{kind}:error={}:when={number}..{}", fault.word(), number + IN_A_ROW - 1),
        }
    }

    pub(super) fn words(&self) -> String {
        format!("{} at {} number {}", self.fault.word(), KINDS[self.kind].0.replace('?', ""), self.number)
    }
}

/// A command of this program under strace. Programs that it starts are left alone.
pub(super) fn command(point: Option<&Point>, words: &[&str], root: &Path) -> Command {
    let all: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    let traced = point.map_or(all.join(","), |point| KINDS[point.kind].0.to_owned());
    let mut command = Command::new("strace");
    command.args(["-f", "-q", "-b", "execve", "-e", "signal=none", "-o"]).arg(log(root));
    command.args(["-e", &format!("trace={traced}")]);
    if let Some(point) = point {
        command.args(["-e", &format!("inject={}", point.inject())]);
    }
    command.arg("--").arg(std::env::current_exe().unwrap_or_default()).args(words).arg(root);
    command
}

fn log(root: &Path) -> PathBuf {
    root.join("strace.log")
}

/// Whether a call was made to fail.
pub(super) fn was_met(root: &Path) -> bool {
    let text = fs::read(log(root)).unwrap_or_default();
    String::from_utf8_lossy(&text).contains("(INJECTED)")
}

/// How many calls of each kind the busiest thread made, from a run without faults.
pub(super) fn counts(root: &Path) -> Vec<u32> {
    let text = String::from_utf8_lossy(&fs::read(log(root)).unwrap_or_default()).into_owned();
    let count = |kind: &str| {
        let names: Vec<String> =
            kind.split(',').map(|name| format!("{}(", name.trim_start_matches('?'))).collect();
        let mut threads = std::collections::HashMap::<&str, u32>::new();
        for line in text.lines() {
            let Some((thread, call)) = line.split_once(' ') else { continue };
            if names.iter().any(|name| call.trim_start().starts_with(name)) {
                *threads.entry(thread).or_default() += 1;
            }
        }
        threads.into_values().max().unwrap_or(0)
    };
    KINDS.iter().map(|(kind, _)| count(kind)).collect()
}

/// Why strace cannot be used here; none when it can.
pub(super) async fn unusable() -> Option<String> {
    let tried = Command::new("strace").args(["-f", "-q", "-o", "/dev/null", "true"]).output().await;
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(error.to_string()),
    }
}
