//! Limits on systems without control groups: nothing holds a tree but the shim. Same interface as `linux`.
//!
//! The size of files is limited all the same: the shim sets it for every process, on every Unix. There is no `/proc` to
//! watch, so memory and processes are not limited; job objects would hold both on Windows.

use std::path::Path;

use super::{Branch, Holding, TreeLimits};

/// What holds limits here.
pub(super) fn holding() -> Holding {
    Holding { memory: Branch::None, cpu: Branch::None, processes: Branch::None, tree: Branch::None }
}

/// The control groups of one tree: there is none, and nobody can have one.
#[derive(Debug, Clone)]
pub(crate) enum Group {}

impl Group {
    pub(crate) fn make(_limits: &TreeLimits) -> (Option<Group>, Holding) {
        (None, holding())
    }

    pub(crate) fn of(_pid: u32) -> Option<Group> {
        None
    }

    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        match *self {}
        #[allow(unreachable_code, reason = "names the type")]
        std::iter::empty()
    }

    pub(crate) fn members(&self) -> Vec<u32> {
        match *self {}
    }

    pub(crate) fn kill(&self) {
        match *self {}
    }

    pub(crate) fn remove(&self) -> bool {
        match *self {}
    }

    pub(crate) fn cpu_ms(&self) -> Option<u64> {
        match *self {}
    }
}

/// Groups of dead engines: none.
pub(crate) fn leftovers() -> Vec<Group> {
    Vec::new()
}

/// How many processes the user may have for a tree to start another: not limited here.
pub(crate) fn user_processes(_limits: &TreeLimits, _holding: &Holding) -> Option<u64> {
    None
}
