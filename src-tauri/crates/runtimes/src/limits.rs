//! An agent's limits, as the process trees of its runs have them, and the way back.

use nox_domain::{
    Size,
    agent::Limits,
    life::{LimitAction, LimitHit, LimitKind},
};
use nox_process::TreeLimits;

const MB: u64 = 1024 * 1024;

/// What a process tree of a run may use.
pub(crate) fn of_tree(limits: &Limits) -> TreeLimits {
    TreeLimits {
        memory_bytes: limits.max_memory_mb.map(|mb| u64::from(mb) * MB),
        cpu_percent: limits.max_cpu_percent,
        processes: limits.max_processes,
        file_bytes: limits.max_disk_mb.map(|mb| u64::from(mb) * MB),
    }
}

/// The limit that a tree met. One that its program survived only held it back.
pub(crate) fn hit(met: nox_process::LimitKind, limits: &Limits, survived: bool) -> LimitHit {
    let (limit, allowed) = match met {
        nox_process::LimitKind::Memory => (LimitKind::Memory, limits.max_memory_mb),
        nox_process::LimitKind::Processes => (LimitKind::Processes, limits.max_processes),
        nox_process::LimitKind::FileSize => (LimitKind::Disk, limits.max_disk_mb),
    };
    let allowed = Size(allowed.unwrap_or_default().into());
    let action = if survived { LimitAction::Throttled } else { LimitAction::Ended };
    LimitHit { limit, value: allowed, allowed, action }
}
