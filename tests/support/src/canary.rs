//! Looks at the user's real folders before and after a test: no test may touch them.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What must not change: the places where Nox would keep things if a test forgot to name a home, and git's own.
const PLACES: &[&str] = &[
    ".gitconfig",
    ".config/git/config",
    ".config/nox",
    ".local/share/nox",
    ".local/share/keyrings",
    "Library/Application Support/Nox",
];

/// How the user's folders looked at the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    seen: Vec<(PathBuf, Option<(u64, SystemTime)>)>,
}

impl Canary {
    /// Looks now.
    pub fn look() -> Self {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let seen = home
            .iter()
            .flat_map(|home| PLACES.iter().map(|place| home.join(place)))
            .map(|path| {
                let about = about(&path);
                (path, about)
            })
            .collect();
        Self { seen }
    }

    /// Looks again.
    ///
    /// # Panics
    /// When something is not as it was.
    pub fn assert_untouched(&self) {
        for (path, before) in &self.seen {
            assert_eq!(*before, about(path), "{} was touched by a test", path.display());
        }
    }
}

fn about(path: &Path) -> Option<(u64, SystemTime)> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.len(), about.modified().ok()?))
}
