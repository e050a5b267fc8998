//! Limits of process trees: what may be asked for, and what holds it here. The engine asks for limits with a spec and
//! shows [`holding`]; `tree`, `supervisor` and `sweep` use the rest.
//!
//! Three means, the strongest that is there is taken for each limit, found once at run time: a control group, which the
//! kernel holds (version 2 or 1, also mixed); a limit that the kernel holds for each process or user; and looking at
//! what the tree uses, which notices a moment later. Invariants: a tree is in its group before its program runs; the
//! shim is in none; a folder of ours names its engine, so that the next one can tell a dead engine's from a living
//! one's. Groups are made only where that is nobody else's business: see `places`.

use std::fmt;

#[cfg(target_os = "linux")]
#[path = "../../../shim/src/group_folder.rs"]
mod group_folder;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(target_os = "linux")]
mod places;
pub(crate) mod watch;

#[cfg(target_os = "linux")]
pub(crate) use linux::{Group, leftovers};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{Group, leftovers};

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

/// What a tree may use at most. The default is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TreeLimits {
    /// Memory of all processes together, in bytes. The kernel ends the largest process (version 1) or the whole tree
    /// (version 2); a watched tree is ended as a whole, up to a second later.
    pub memory_bytes: Option<u64>,
    /// Processor time of all processes together; 100 is one core. A tree that wants more waits. Where
    /// [`Holding::cpu`] is [`Branch::Watched`], nobody makes it wait: whoever cares has a [`crate::Brake`].
    pub cpu_percent: Option<u32>,
    /// Processes at once, the shim not counted; a control group and the kernel count every thread. In a group, starting
    /// another one fails; a watched tree is ended.
    pub processes: Option<u32>,
    /// The largest file that one process may write, in bytes: SIGXFSZ, or EFBIG for a program that ignores it.
    pub file_bytes: Option<u64>,
}

/// A limit that a tree met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// [`TreeLimits::memory_bytes`].
    Memory,
    /// [`TreeLimits::processes`].
    Processes,
    /// [`TreeLimits::file_bytes`].
    FileSize,
}

/// What holds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Branch {
    /// A control group of version 2.
    CgroupV2,
    /// A control group of version 1.
    CgroupV1,
    /// A limit of the kernel for each user, loose, with watching for the rest.
    Rlimit,
    /// Looking at what the tree uses.
    Watched,
    /// Nothing.
    None,
}

/// What holds the limits on this system. Printed as `memory: watched, …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holding {
    /// For [`TreeLimits::memory_bytes`].
    pub memory: Branch,
    /// For [`TreeLimits::cpu_percent`].
    pub cpu: Branch,
    /// For [`TreeLimits::processes`].
    pub processes: Branch,
    /// For ending and freezing a tree as a whole, beside the shim, which does both by descent. [`Branch::CgroupV2`] also
    /// finds what hid from descent and mark after the shim was killed.
    pub tree: Branch,
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Branch::CgroupV2 => "cgroup v2",
            Branch::CgroupV1 => "cgroup v1",
            Branch::Rlimit => "rlimit and watched",
            Branch::Watched => "watched",
            Branch::None => "none",
        })
    }
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holding { memory, cpu, processes, tree } = self;
        write!(f, "memory: {memory}, cpu: {cpu}, processes: {processes}, tree: {tree}")
    }
}

/// What holds limits here. Looks once, which makes and removes an empty group; later calls answer from memory.
///
/// `NOX_CGROUPS=off` in the environment of this process leaves control groups alone.
pub fn holding() -> Holding {
    system::holding()
}

/// How many processes and threads the user may have for a tree to start another; none where that is not limited.
pub(crate) fn user_processes(limits: &TreeLimits, holding: &Holding) -> Option<u64> {
    system::user_processes(limits, holding)
}
