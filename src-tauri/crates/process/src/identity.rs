//! Names for processes that a reused number cannot fool. They are stored with a run, for the sweep after a crash.

use serde::{Deserialize, Serialize};

use crate::procfs;

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

    /// This process and those above it, the nearest first; empty when it is gone. Whatever a tree started is below the
    /// tree's shim, whoever adopted it.
    pub fn with_ancestors(pid: u32) -> Vec<ProcessIdentity> {
        let mut chain: Vec<ProcessIdentity> = Vec::new();
        let mut next = pid;
        while let Some(stat) = procfs::stat(next).filter(|stat| stat.pid != 0) {
            // A number that comes a second time was reused while this looked.
            if chain.iter().any(|known| known.pid == stat.pid) {
                break;
            }
            chain.push(ProcessIdentity { pid: stat.pid, started_at_ticks: stat.started_at_ticks });
            next = stat.parent;
        }
        chain
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
    fn a_reused_number_is_another_process() {
        let own = ProcessIdentity::of(std::process::id()).unwrap();
        assert!(own.is_alive());
        let earlier = ProcessIdentity { started_at_ticks: own.started_at_ticks - 1, ..own };
        assert!(!earlier.is_alive());
        // The highest number that Linux gives out is 2^22.
        assert_eq!(ProcessIdentity::of(u32::MAX), None);
    }
}
