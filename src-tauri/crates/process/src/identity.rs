//! Names for processes that a reused number cannot fool. They are stored with a run, for the sweep after a crash.

use serde::{Deserialize, Serialize};

use crate::procfs;

/// How often the way up is walked when it is cut.
const WALKS: u32 = 3;

/// One process: its number and when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The process number, which the system gives to another process later.
    pub pid: u32,
    /// When it started, in clock ticks since boot: field 22 of `/proc/PID/stat`, see proc(5). 0 where unknown.
    pub started_at_ticks: u64,
}

impl ProcessIdentity {
    /// Looks up a process that is there now.
    pub fn of(pid: u32) -> Option<ProcessIdentity> {
        procfs::stat(pid).map(|stat| ProcessIdentity { pid, started_at_ticks: stat.started_at_ticks })
    }

    /// This process and all above it, the nearest first. Empty when that cannot be told: it is gone, or one above it is
    /// not seen. Whatever a tree started is below the tree's shim, whoever adopted it.
    pub fn with_ancestors(pid: u32) -> Vec<ProcessIdentity> {
        // One above it may end meanwhile; then another process has adopted what was below.
        (0..WALKS).find_map(|_| walk(pid, procfs::stat)).unwrap_or_default()
    }

    /// Whether this very process, and not a later one with its number, still runs. One that has ended and was not
    /// collected by its parent yet does not run.
    pub fn is_alive(&self) -> bool {
        procfs::stat(self.pid).is_some_and(|stat| self.is(&stat) && stat.is_alive())
    }

    pub(crate) fn is(&self, stat: &procfs::Stat) -> bool {
        stat.pid == self.pid && stat.started_at_ticks == self.started_at_ticks
    }
}

/// Up to the process that has none above it; none when the way there is cut.
fn walk(pid: u32, stat: impl Fn(u32) -> Option<procfs::Stat>) -> Option<Vec<ProcessIdentity>> {
    let mut chain: Vec<ProcessIdentity> = Vec::new();
    let mut next = pid;
    while next != 0 {
        let stat = stat(next)?;
        // A number that comes a second time was reused while this looked.
        if chain.iter().any(|known| known.pid == stat.pid) {
            return None;
        }
        chain.push(ProcessIdentity { pid: stat.pid, started_at_ticks: stat.started_at_ticks });
        next = stat.parent;
    }
    Some(chain)
}

/// The name of a process, at most 15 bytes and chosen by itself; none when it is gone.
pub fn name_of(process: &ProcessIdentity) -> Option<String> {
    procfs::stat_and_name(process.pid).filter(|(stat, _)| process.is(stat)).map(|(_, name)| name)
}

/// A process tree: the shim that holds it and the program it was started for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TreeIdentity {
    /// The boot that the start times count from. Empty where the system names none.
    pub boot_id: String,
    /// The shim.
    pub shim: ProcessIdentity,
    /// The program.
    pub program: ProcessIdentity,
}

impl TreeIdentity {
    /// The entry that the shim puts into the environment of all that it holds.
    pub(crate) fn environment_mark(&self) -> String {
        format!("NOX_TREE={}-{}", self.shim.pid, self.shim.started_at_ticks)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_chain_begins_here_and_ends_at_the_root() {
        let chain = ProcessIdentity::with_ancestors(std::process::id());
        let parent = std::os::unix::process::parent_id();
        assert_eq!((chain[0].pid, chain[1].pid), (std::process::id(), parent));
        assert_eq!(ProcessIdentity::with_ancestors(u32::MAX), []);
    }

    #[test]
    fn a_way_up_that_is_cut_or_goes_round_is_none() {
        let above = |pairs: &'static [(u32, u32)]| {
            move |pid| {
                let (pid, parent) = *pairs.iter().find(|(known, _)| *known == pid)?;
                Some(procfs::Stat { pid, parent, started_at_ticks: 1, ..procfs::stat(1).unwrap() })
            }
        };
        let pids = |chain: Vec<ProcessIdentity>| chain.iter().map(|one| one.pid).collect::<Vec<_>>();
        assert_eq!(walk(9, above(&[(9, 5), (5, 1), (1, 0)])).map(pids), Some(vec![9, 5, 1]));
        assert_eq!(walk(9, above(&[(9, 5), (1, 0)])), None, "5 is not seen");
        assert_eq!(walk(9, above(&[(9, 5), (5, 9)])), None);
    }

    #[test]
    fn a_reused_number_is_another_process() {
        let own = ProcessIdentity::of(std::process::id()).unwrap();
        assert!(own.is_alive());
        let earlier = ProcessIdentity { started_at_ticks: own.started_at_ticks - 1, ..own };
        assert!(!earlier.is_alive());
        // The highest number that Linux gives out is 2^22.
        assert_eq!(ProcessIdentity::of(u32::MAX), None);
    }
}
