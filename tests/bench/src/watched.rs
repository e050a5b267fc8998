//! What the system says about a process: memory, processor time, how often it woke up, its children. Linux only.

use crate::error::Error;
use serde::Serialize;
use std::fs;

/// Proportional memory in bytes: each page that is shared counts in parts. See `Pss` in proc(5).
pub(crate) fn memory_bytes(pid: u32) -> Result<u64, Error> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or(Error::Late("smaps_rollup has no Pss"))
}

/// The processes that have this one as their parent.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    parents().filter_map(|(pid, of)| (of == parent).then_some(pid)).collect()
}

/// All processes below this one; the system is looked at once.
pub(crate) fn below(pid: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = parents().collect();
    let (mut found, mut next) = (vec![pid], 0);
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// Every process with its parent.
fn parents() -> impl Iterator<Item = (u32, u32)> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).filter_map(|pid| {
        let parent = field(&stat(pid).ok()?, 4)?;
        Some((pid, u32::try_from(parent).ok()?))
    })
}

/// What a process did since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Pace {
    /// Processor time as the system counts it, utime and stime, mostly in hundredths of a second.
    ticks: u64,
    /// The same more exactly, of the threads that are there now.
    busy_us: u64,
    /// How often a thread that is there now had waited and went on.
    wakes: u64,
}

impl Pace {
    pub(crate) fn of(pid: u32) -> Result<Self, Error> {
        let stat = stat(pid)?;
        let ticks = field(&stat, 14).zip(field(&stat, 15)).map(|(user, system)| user + system);
        let mut pace = Self { ticks: ticks.ok_or(Error::Late("stat has no times"))?, busy_us: 0, wakes: 0 };
        for thread in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
            let read = |file: &str| fs::read_to_string(thread.path().join(file)).unwrap_or_default();
            let busy_ns =
                read("schedstat").split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
            pace.busy_us += busy_ns.unwrap_or_default() / 1000;
            let status = read("status");
            let wakes = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            pace.wakes += wakes.and_then(|word| word.trim().parse::<u64>().ok()).unwrap_or_default();
        }
        Ok(pace)
    }

    /// Processor time in hundredths of a second.
    pub(crate) fn ticks(self) -> u64 {
        self.ticks
    }

    /// What it did after an earlier look.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            ticks: self.ticks - before.ticks,
            busy_us: self.busy_us.saturating_sub(before.busy_us),
            wakes: self.wakes.saturating_sub(before.wakes),
        }
    }
}

fn stat(pid: u32) -> Result<String, Error> {
    Ok(fs::read_to_string(format!("/proc/{pid}/stat"))?)
}

/// A field by its number in proc(5). The name of the program may have blanks and brackets, so it is counted from its end.
fn field(stat: &str, number: usize) -> Option<u64> {
    stat.get(stat.rfind(')')? + 1..)?.split_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_are_counted_behind_a_name_with_blanks() {
        let stat = "17 (a) b) (c) S 4 17 17 0 -1 4194560 5 0 0 0 21 22 0 0 20 0 1 0 99 0 0";
        assert_eq!((field(stat, 4), field(stat, 14), field(stat, 15)), (Some(4), Some(21), Some(22)));
        assert_eq!(field(stat, 2), None);
    }

    #[test]
    fn work_is_seen() {
        let own = std::process::id();
        let before = Pace::of(own).unwrap();
        let begun = std::time::Instant::now();
        let mut sum = 0_u64;
        // By its own time and not the clock's: on a busy machine it may wait for long.
        let pace = loop {
            for _ in 0..1_000_000 {
                sum = std::hint::black_box(sum.wrapping_add(1));
            }
            let pace = Pace::of(own).unwrap().since(before);
            if pace.ticks >= 3 || begun.elapsed().as_secs() >= 60 {
                break pace;
            }
        };
        assert!(pace.ticks >= 3 && pace.busy_us >= 10_000, "{pace:?}");
        assert!(memory_bytes(own).unwrap() > 100_000);
    }
}
