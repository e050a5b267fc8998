//! The control groups that the engine made for this tree. Called by `hold` only.
//!
//! The program joins them before it is executed, so nothing of the tree was ever outside; the shim itself stays outside,
//! so that no limit and no freezing reaches it. The shim removes the folders when the tree is empty, since it outlives
//! the engine. Which limits the groups carry is the engine's business.

use std::fs;
use std::path::{Path, PathBuf};

use crate::group_folder::{remove, write};

/// The folders of one tree's control groups, one for each hierarchy; none when the system offers none.
#[derive(Debug)]
pub(crate) struct Groups(Vec<PathBuf>);

impl Groups {
    pub(crate) fn new(folders: &[PathBuf]) -> Groups {
        Groups(folders.to_vec())
    }

    /// Freezes or thaws all members; false where no group can.
    pub(crate) fn freeze(&self, frozen: bool) -> bool {
        let value = if frozen { "1" } else { "0" };
        self.0.iter().any(|folder| write(&folder.join("cgroup.freeze"), value).is_ok())
    }

    /// Sends SIGKILL to all members at once, where a group can.
    pub(crate) fn kill(&self) {
        for folder in &self.0 {
            // Only version 2 has the file; elsewhere descent does it.
            let _ = write(&folder.join("cgroup.kill"), "1");
        }
    }

    /// Which limits were met, and how many times: the words of the report.
    pub(crate) fn limits_met(&self) -> Vec<(&'static str, u64)> {
        let sources = [
            ("memory", "memory.events", "oom_kill"),
            ("memory", "memory.oom_control", "oom_kill"),
            ("processes", "pids.events", "max"),
        ];
        let counts = sources.iter().flat_map(|(limit, file, key)| {
            self.0.iter().filter_map(move |folder| Some((*limit, count(&folder.join(file), key)?)))
        });
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Removes the folders of an empty tree.
    pub(crate) fn remove(&self) {
        for folder in &self.0 {
            remove(folder);
        }
    }
}

/// The number after a key in a file of `key number` lines.
fn count(file: &Path, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn counts_are_read_by_their_whole_key() {
        let file = std::env::temp_dir().join(format!("nox-shim-count-{}", std::process::id()));
        fs::write(&file, "max 4\noom 3\noom_kill 2\noom_kill_disable 1\n").unwrap();
        let counts = ["max", "oom_kill", "kill"].map(|key| count(&file, key));
        fs::remove_file(&file).unwrap();
        assert_eq!(counts, [Some(4), Some(2), None]);
    }
}
