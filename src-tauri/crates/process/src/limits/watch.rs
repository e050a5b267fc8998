//! Looks at trees whose limits nothing else holds, and ends the ones that went past. Started by `supervisor`, for trees
//! with such limits only; a tree without is never looked at.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::{Branch, Group, Holding, LimitKind, TreeLimits};
use crate::ProcessIdentity;
use crate::tree::Lifeline;
use crate::usage::{self, Memory};

/// Time between two looks at a tree near its limits. A program can fill half a gigabyte in it.
const NEAR: Duration = Duration::from_millis(250);

/// Time between two looks at a tree that uses less than half of what it may.
const FAR: Duration = Duration::from_secs(1);

/// One tree that is looked at.
#[derive(Debug)]
pub(crate) struct Watch {
    memory_bytes: Option<u64>,
    processes: Option<usize>,
    shim: ProcessIdentity,
    group: Option<Group>,
    lifeline: Weak<Lifeline>,
}

/// What one look found.
enum Look {
    /// Less than half of every limit.
    Far,
    /// More than that.
    Near,
    /// Past this limit.
    Past(LimitKind),
}

impl Watch {
    /// A watch for the limits that nothing else holds; none when there is no such limit.
    pub(crate) fn over(
        limits: &TreeLimits,
        holding: &Holding,
        shim: ProcessIdentity,
        group: Option<Group>,
        lifeline: Weak<Lifeline>,
    ) -> Option<Watch> {
        let memory_bytes = limits.memory_bytes.filter(|_| holding.memory == Branch::Watched);
        let is_loose = matches!(holding.processes, Branch::Watched | Branch::Rlimit);
        let processes = limits.processes.filter(|_| is_loose).and_then(|limit| usize::try_from(limit).ok());
        (memory_bytes.is_some() || processes.is_some()).then_some(Watch {
            memory_bytes,
            processes,
            shim,
            group,
            lifeline,
        })
    }

    /// Looks again and again. At a limit it says so in `met`, ends the tree and rests.
    pub(crate) async fn run(self, met: Arc<OnceLock<LimitKind>>) -> Infallible {
        let watch = Arc::new(self);
        let mut pause = NEAR;
        loop {
            sleep(pause).await;
            let looking = Arc::clone(&watch);
            match spawn_blocking(move || looking.look()).await {
                Ok(Look::Far) => pause = FAR,
                Ok(Look::Near) => pause = NEAR,
                Ok(Look::Past(limit)) => {
                    tracing::warn!(shim = watch.shim.pid, ?limit, "a tree went past its limit and is ended");
                    let _ = met.set(limit);
                    // Without a lifeline the tree is being ended already.
                    if let Some(lifeline) = watch.lifeline.upgrade() {
                        lifeline.end("k\n");
                    }
                    return std::future::pending().await;
                }
                // The runtime ends.
                Err(_) => return std::future::pending().await,
            }
        }
    }

    fn look(&self) -> Look {
        let pids = usage::pids_of(self.shim, self.group.as_ref());
        if self.processes.is_some_and(|limit| pids.len() > limit) {
            return Look::Past(LimitKind::Processes);
        }
        let is_crowded = self.processes.is_some_and(|limit| pids.len() * 2 > limit);
        match self.memory_bytes.map(|limit_bytes| usage::compare_memory(&pids, limit_bytes)) {
            Some(Memory::Past) => Look::Past(LimitKind::Memory),
            Some(Memory::Near) => Look::Near,
            Some(Memory::Far) | None if is_crowded => Look::Near,
            Some(Memory::Far) | None => Look::Far,
        }
    }
}
