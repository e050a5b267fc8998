//! What process trees and this process cost right now. Asked by whoever shows or limits it; nothing is measured in between.
//!
//! Everything is read from `/proc` and from the control group of the tree, and no process is started for it. Reading
//! takes some 30 µs for each process, and more for one with much memory, so call it from a thread that may block. Without
//! `/proc` there is no answer.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::unistd::{SysconfVar, sysconf};

use crate::limits::Group;
use crate::sweep::members;
use crate::{ProcessIdentity, TreeIdentity, procfs};

/// Up to this much resident memory a tree is measured exactly; the kernel walks through all pages for it.
const MOST_EXACT_BYTES: u64 = 512 * 1024 * 1024;

/// What a process tree costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeUsage {
    /// Memory of all processes below the shim, in bytes.
    pub memory_bytes: u64,
    /// How memory was measured, here and in `list`.
    pub memory: MemoryMeasure,
    /// User and system time since the start, in milliseconds, with that of processes that have ended. From
    /// [`crate::ProcessTree::usage`] it never falls. Without a control group it misses processes that nobody collected.
    pub cpu_ms: u64,
    /// Living processes below the shim.
    pub processes: u32,
    /// These processes, in the order of their numbers.
    pub list: Vec<ProcessUsage>,
    /// The shim, which counts in none of the above; none when it is gone.
    pub shim: Option<ProcessUsage>,
}

/// How memory was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemoryMeasure {
    /// Proportional set size: a page that processes share is split among them. Sums are honest.
    Pss,
    /// Resident memory without files and shared memory. Pages that a fork shares count for each process, so the sum may
    /// be too high. Taken for trees above 512 MiB, where the exact way is dear, and when it is not allowed.
    Private,
}

/// What one process costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessUsage {
    /// Its number.
    pub pid: u32,
    /// Its name, at most 15 bytes. The process chooses it, so it is not to be trusted.
    pub name: String,
    /// Its memory in bytes, as [`TreeUsage::memory`] says.
    pub memory_bytes: u64,
    /// Its user and system time, in milliseconds.
    pub cpu_ms: u64,
    /// When it started, UTC milliseconds, give or take 20.
    pub started_at_ms: i64,
}

/// What this process costs, without its trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnUsage {
    /// Proportional set size in bytes.
    pub pss_bytes: u64,
    /// User and system time, in milliseconds.
    pub cpu_ms: u64,
    /// Threads.
    pub threads: u32,
    /// Open descriptors, the one for counting them not included.
    pub descriptors: u32,
}

/// Measures a tree by its names; none when nothing of it is left, or the system has no `/proc`. Blocks the thread.
pub fn tree_usage(tree: &TreeIdentity) -> Option<TreeUsage> {
    if tree.boot_id != procfs::boot_id() {
        return None;
    }
    let shim = procfs::stat_and_name(tree.shim.pid).filter(|(stat, _)| tree.shim.is(stat) && stat.is_alive());
    let mut pids = match shim {
        Some(_) => procfs::descendants(tree.shim.pid),
        // Whoever was adopted by somebody else is found by the mark.
        None => members(tree).iter().map(|member| member.pid).collect(),
    };
    pids.sort_unstable();
    let found: Vec<_> =
        pids.into_iter().filter_map(procfs::stat_and_name).filter(|(stat, _)| stat.is_alive()).collect();
    if found.is_empty() && shim.is_none() {
        return None;
    }
    let units = Units::now()?;
    let pids: Vec<u32> = found.iter().map(|(stat, _)| stat.pid).collect();
    let (memory, bytes) = measure(&pids);
    let group = pids.first().copied().and_then(Group::of);
    let cpu_ms = group.and_then(|group| group.cpu_ms()).unwrap_or_else(|| {
        let all_of = |stat: &procfs::Stat| stat.cpu_ticks + stat.children_cpu_ticks;
        // The shim has collected what was orphaned; its own time is not the tree's.
        let collected = shim.as_ref().map_or(0, |(stat, _)| stat.children_cpu_ticks);
        units.ms(collected + found.iter().map(|(stat, _)| all_of(stat)).sum::<u64>())
    });
    let list: Vec<ProcessUsage> =
        found.into_iter().zip(&bytes).map(|((stat, name), bytes)| units.usage(stat, name, *bytes)).collect();
    let shim = shim.map(|(stat, name)| {
        let bytes = memory_of(stat.pid, memory).ok().flatten().unwrap_or(0);
        units.usage(stat, name, bytes)
    });
    Some(TreeUsage {
        memory_bytes: bytes.iter().sum(),
        memory,
        cpu_ms,
        processes: u32::try_from(list.len()).unwrap_or(u32::MAX),
        list,
        shim,
    })
}

/// Measures this process; none where the system has no `/proc`. Blocks the thread for a millisecond or so.
pub fn own_usage() -> Option<OwnUsage> {
    let own = procfs::stat(std::process::id())?;
    let units = Units::now()?;
    let descriptors = std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    Some(OwnUsage {
        pss_bytes: memory_of(own.pid, MemoryMeasure::Pss).ok()??,
        cpu_ms: units.ms(own.cpu_ticks),
        threads: u32::try_from(own.threads).ok()?,
        descriptors: u32::try_from(descriptors).ok()?,
    })
}

/// How the memory of some processes stands to a limit.
pub(crate) enum Memory {
    /// At most half of it.
    Far,
    /// At most all of it.
    Near,
    /// More than it.
    Past,
}

/// Compares the memory of some processes together with a limit; exact only when that decides.
pub(crate) fn compare_memory(pids: &[u32], limit_bytes: u64) -> Memory {
    let sum = |measure| pids.iter().filter_map(|pid| memory_of(*pid, measure).ok().flatten()).sum::<u64>();
    match sum(MemoryMeasure::Private) {
        private if private <= limit_bytes / 2 => Memory::Far,
        // Forked processes share pages that count for each of them here; nobody shall be ended for that.
        private if private > limit_bytes && sum(MemoryMeasure::Pss) > limit_bytes => Memory::Past,
        _ => Memory::Near,
    }
}

/// The memory of each process, all by the same measure; 0 for one that has ended meanwhile.
fn measure(pids: &[u32]) -> (MemoryMeasure, Vec<u64>) {
    let all = |measure| -> io::Result<Vec<u64>> {
        pids.iter().map(|pid| Ok(memory_of(*pid, measure)?.unwrap_or(0))).collect()
    };
    let private = all(MemoryMeasure::Private).unwrap_or_default();
    if private.iter().sum::<u64>() <= MOST_EXACT_BYTES
        && let Ok(exact) = all(MemoryMeasure::Pss)
    {
        return (MemoryMeasure::Pss, exact);
    }
    (MemoryMeasure::Private, private)
}

/// The memory of one process; none when it has ended, an error when it may not be looked at.
fn memory_of(pid: u32, measure: MemoryMeasure) -> io::Result<Option<u64>> {
    let file = match measure {
        MemoryMeasure::Pss => "smaps_rollup",
        MemoryMeasure::Private => "statm",
    };
    let text = match std::fs::read_to_string(format!("/proc/{pid}/{file}")) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
        // ESRCH for a process that has ended while its file was open, ENOENT for one before.
        Err(_) => return Ok(None),
        Ok(text) => text,
    };
    Ok(match measure {
        MemoryMeasure::Pss => parse_pss(&text),
        MemoryMeasure::Private => parse_private(&text),
    })
}

/// The proportional set size in `/proc/PID/smaps_rollup`, in bytes.
fn parse_pss(text: &str) -> Option<u64> {
    let kib = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    kib.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Resident pages without shared ones in `/proc/PID/statm`, in bytes.
fn parse_private(text: &str) -> Option<u64> {
    let mut fields = text.split(' ').skip(1).map(str::parse::<u64>);
    let (resident, shared) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(resident.saturating_sub(shared) * page_bytes()?)
}

fn page_bytes() -> Option<u64> {
    sysconf(SysconfVar::PAGE_SIZE).ok()?.and_then(|bytes| u64::try_from(bytes).ok())
}

/// User and system time of everything below a shim, in milliseconds, with that of processes that were collected.
pub(crate) fn cpu_ms_below(shim: ProcessIdentity) -> Option<u64> {
    let own = procfs::stat(shim.pid).filter(|stat| shim.is(stat))?;
    let below = procfs::descendants(shim.pid).into_iter().filter_map(procfs::stat);
    let ticks: u64 = below.map(|stat| stat.cpu_ticks + stat.children_cpu_ticks).sum();
    Some(Units::now()?.ms(own.children_cpu_ticks + ticks))
}

/// How the kernel's numbers become ours.
struct Units {
    ticks_a_second: u64,
    booted_at_ms: i64,
}

impl Units {
    fn now() -> Option<Units> {
        let ticks_a_second = u64::try_from(sysconf(SysconfVar::CLK_TCK).ok()??).ok()?;
        let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
        let uptime_s: f64 = uptime.split(' ').next()?.parse().ok()?;
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis();
        Some(Units { ticks_a_second, booted_at_ms: i64::try_from(now_ms).ok()? - (uptime_s * 1000.0) as i64 })
    }

    fn ms(&self, ticks: u64) -> u64 {
        ticks * 1000 / self.ticks_a_second.max(1)
    }

    fn usage(&self, stat: procfs::Stat, name: String, memory_bytes: u64) -> ProcessUsage {
        let since_boot_ms = i64::try_from(self.ms(stat.started_at_ticks)).unwrap_or(i64::MAX);
        ProcessUsage {
            pid: stat.pid,
            name,
            memory_bytes,
            cpu_ms: self.ms(stat.cpu_ticks),
            started_at_ms: self.booted_at_ms.saturating_add(since_boot_ms),
        }
    }
}

/// The living processes of a tree whose shim may be stopped but is there: members of the group, else by descent.
pub(crate) fn pids_of(shim: ProcessIdentity, group: Option<&Group>) -> Vec<u32> {
    let listed = group.map(Group::members).unwrap_or_default();
    if listed.is_empty() { procfs::descendants(shim.pid) } else { listed }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_kernels_texts_are_read() {
        let rollup =
            "55-7f ---p 00000000 00:00 0    [rollup]\nRss:    1688 kB\nPss:     278 kB\nPss_Dirty:  108 kB\n";
        assert_eq!(parse_pss(rollup), Some(278 * 1024));
        assert_eq!(parse_private("900 120 20 1 0 50 0\n"), Some(100 * page_bytes().unwrap()));
        assert_eq!((parse_pss(""), parse_private("900")), (None, None));
    }

    #[test]
    fn this_process_costs_something() {
        let held = vec![1_u8; 40 << 20];
        let before = own_usage().unwrap();
        let open = std::fs::File::open("/dev/null").unwrap();
        let after = own_usage().unwrap();
        assert!(after.pss_bytes > 40 << 20 && after.pss_bytes < 400 << 20, "{after:?}");
        assert!(after.threads >= 1 && after.cpu_ms >= before.cpu_ms, "{after:?}");
        assert!(after.descriptors >= 4, "{after:?}");
        drop((open, held));
        assert!(own_usage().unwrap().pss_bytes < after.pss_bytes - (30 << 20));
    }
}
