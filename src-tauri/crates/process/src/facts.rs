//! What a process tree costs right now. Asked by whoever shows or limits it; nothing is measured in between.

use crate::procfs;

/// The cost of a process and everything below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Living processes, the root included.
    pub processes: u32,
    /// Resident memory in bytes. Pages that processes share count for each of them.
    pub rss_bytes: u64,
    /// User and system time of the living processes, in clock ticks.
    pub cpu_ticks: u64,
}

/// Adds up a process and everything below it; none when it is gone, or the system has no `/proc`.
pub fn tree_usage(pid: u32) -> Option<Usage> {
    let page_bytes = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    let page_bytes = u64::try_from(page_bytes).ok()?;
    let tree = procfs::with_descendants(&procfs::all(), &[pid]);
    let mut usage = Usage::default();
    for stat in tree.iter().filter(|stat| stat.is_alive()) {
        usage.processes += 1;
        usage.rss_bytes += stat.resident_pages * page_bytes;
        usage.cpu_ticks += stat.cpu_ticks;
    }
    (usage.processes > 0).then_some(usage)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn this_process_costs_something_and_a_missing_one_nothing() {
        let own = tree_usage(std::process::id()).unwrap();
        assert!(own.processes >= 1 && own.rss_bytes > 100_000, "{own:?}");
        assert_eq!(tree_usage(u32::MAX), None);
    }
}
