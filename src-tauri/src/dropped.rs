//! What was dropped on the window from the desktop.
//!
//! The drop itself is the page's: `onDragDropEvent` of the web view gives it absolute paths and the position in physical
//! pixels (the page divides by its scale factor and looks which column or agent lies there). With native drops on, HTML5
//! `drop` events of files do not arrive on every system, so cards are dragged by pointer events instead. The page cannot
//! read the disk; it learns here what the paths are, shows it while the pointer is still over the board, and sends the
//! paths to the engine, which reads, copies or references them. Text and links come through the page's own events.

use serde::Serialize;
use std::path::PathBuf;

/// The kind of a dropped path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DroppedKind {
    /// A regular file.
    File {
        /// Its size, at most 2^53.
        #[specta(type = f64)]
        size_bytes: u64,
    },
    /// A folder.
    Folder,
    /// A device, socket or pipe: never attached.
    Other,
    /// Gone, or not readable for this user.
    Missing,
}

/// A dropped path and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, specta::Type)]
pub struct DroppedPath {
    /// The absolute path as it came.
    pub path: PathBuf,
    /// What is there.
    #[serde(flatten)]
    pub what: DroppedKind,
}

/// Looks at each path once; links are followed. Blocking.
pub fn look_at(paths: Vec<PathBuf>) -> Vec<DroppedPath> {
    paths
        .into_iter()
        .map(|path| {
            let what = match std::fs::metadata(&path) {
                Ok(data) if data.is_dir() => DroppedKind::Folder,
                Ok(data) if data.is_file() => DroppedKind::File { size_bytes: data.len() },
                Ok(_) => DroppedKind::Other,
                Err(_) => DroppedKind::Missing,
            };
            DroppedPath { path, what }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_folders_and_gone_things_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a.md");
        std::fs::write(&file, "abc").unwrap();
        let gone = root.path().join("gone");
        let found = look_at(vec![file, root.path().to_owned(), gone, "/dev/null".into()]);
        let kinds: Vec<_> = found.into_iter().map(|each| each.what).collect();
        let file = DroppedKind::File { size_bytes: 3 };
        assert_eq!(kinds, [file, DroppedKind::Folder, DroppedKind::Missing, DroppedKind::Other]);
    }
}
