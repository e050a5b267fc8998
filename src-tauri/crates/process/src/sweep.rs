//! Ends what a dead engine left behind. Called by the engine at its start, and by
//! `supervisor` for a shim that was killed.
//!
//! A tree is known by its shim and its program (number and start time), by everything below these two, by the mark that
//! the shim puts into the environment, and by its control group where there is one. The last two find processes that moved
//! away after their shim was killed; the group also finds one that has another environment.

use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::limits::{self, Group};
use crate::{ProcessIdentity, TreeIdentity, procfs, signals};

/// A shim that still runs has noticed the end of its engine and needs about 200 ms; it gets this long.
const SHIM_TIME: Duration = Duration::from_millis(600);

/// The longest a sweep takes.
const SWEEP_TIME: Duration = Duration::from_secs(2);

/// Time between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What a sweep found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Trees of which nothing was left when the sweep began.
    pub already_gone: usize,
    /// Trees that were there, and are gone now.
    pub ended: usize,
    /// Control groups of dead engines that were found, also of trees that nobody wrote down, and of other homes.
    pub groups: usize,
    /// Processes that are still there after two seconds.
    pub left: Vec<ProcessIdentity>,
}

/// Ends the trees of a dead engine and waits until they are gone, at most two seconds. Blocks the thread.
///
/// A process that only has the number of an old one is not touched. Only for trees whose engine is gone: a living one
/// is still holding its own. On systems without `/proc` nothing is found, and the shims end by themselves.
///
/// Control groups of any dead engine are emptied and removed too, so it is worth calling without a tree.
pub fn sweep(trees: &[TreeIdentity]) -> SweepReport {
    sweep_all(trees, limits::leftovers(), SHIM_TIME)
}

/// The same for one tree of this engine whose shim was killed.
pub(crate) fn sweep_lost(tree: TreeIdentity, group: Option<Group>) -> SweepReport {
    sweep_all(&[tree], group.into_iter().collect(), Duration::ZERO)
}

/// Groups that still have members after `patience` are ended as a whole: their shims may be at it until then.
fn sweep_all(trees: &[TreeIdentity], mut groups: Vec<Group>, patience: Duration) -> SweepReport {
    let began = Instant::now();
    let boot_id = procfs::boot_id();
    let mut open: Vec<&TreeIdentity> = trees.iter().filter(|tree| tree.boot_id == boot_id).collect();
    open.retain(|tree| !members(tree).is_empty());
    let (found, found_groups) = (open.len(), groups.len());

    for tree in &open {
        signals::send(tree.shim, Signal::SIGTERM);
        signals::send(tree.shim, Signal::SIGCONT);
    }
    let mut left = Vec::new();
    while !open.is_empty() || !groups.is_empty() {
        left.clear();
        let force = began.elapsed() >= SHIM_TIME;
        open.retain(|tree| {
            let members = members(tree);
            for member in &members {
                // A shim that runs does this better, as it is told about every orphan.
                if force || !tree.shim.is_alive() {
                    signals::send(*member, Signal::SIGKILL);
                }
            }
            left.extend_from_slice(&members);
            !members.is_empty()
        });
        groups.retain(|group| {
            let members: Vec<ProcessIdentity> = group
                .members()
                .into_iter()
                .filter_map(ProcessIdentity::of)
                .filter(ProcessIdentity::is_alive)
                .collect();
            if members.is_empty() {
                // A group that cannot be removed holds nothing, and a later sweep tries again.
                group.remove();
            } else if began.elapsed() >= patience {
                group.kill();
            }
            left.extend(members.iter().filter(|member| !left.contains(member)).copied().collect::<Vec<_>>());
            !members.is_empty()
        });
        if began.elapsed() >= SWEEP_TIME {
            break;
        }
        if !open.is_empty() || !groups.is_empty() {
            sleep(LOOK_AGAIN);
        }
    }
    SweepReport { already_gone: trees.len() - found, ended: found - open.len(), groups: found_groups, left }
}

/// The living processes of a tree. Children come before the shim, which then cannot report a death it did not see.
pub(crate) fn members(tree: &TreeIdentity) -> Vec<ProcessIdentity> {
    let all = procfs::all();
    let roots: Vec<u32> = [tree.shim, tree.program]
        .iter()
        .filter(|root| all.iter().any(|stat| root.is(stat)))
        .map(|root| root.pid)
        .collect();
    let mark = tree.environment_mark();
    let below = procfs::with_descendants(&all, &roots);
    let marked = all.iter().filter(|stat| {
        !below.iter().any(|known| known.pid == stat.pid) && procfs::has_environment_entry(stat.pid, &mark)
    });
    let mut members: Vec<ProcessIdentity> = below
        .iter()
        .chain(marked)
        .filter(|stat| stat.is_alive())
        .map(|stat| ProcessIdentity { pid: stat.pid, started_at_ticks: stat.started_at_ticks })
        .collect();
    members.sort_by_key(|member| *member == tree.shim);
    members
}
