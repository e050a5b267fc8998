//! Looks at all files of the registry without opening them, to find what changed while nobody watched.

use crate::{Registry, files::is_unfinished, open::Error};
use std::{fs, io, path::Path, time::UNIX_EPOCH};

/// Deeper folders are no part of the registry; it needs two.
const MAX_DEPTH: usize = 6;

/// What the folder says about a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileStat {
    /// Relative to the registry, with `/`.
    pub path: String,
    /// When it was last changed, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Its size.
    pub size_bytes: u64,
    /// Its number in the file system; 0 where there is none. A replaced file has another.
    pub inode: u64,
}

impl Registry {
    /// What the folder says about one file; none if it is no plain file.
    pub fn stat(&self, path: &str) -> Result<Option<FileStat>, Error> {
        match fs::symlink_metadata(self.root.join(path)) {
            Ok(about) if about.is_file() => Ok(Some(stat(path.to_owned(), &about))),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("look at", path)(error)),
        }
    }

    /// All plain files of `tasks/` and `agents/`, and `policy.toml`, sorted by path.
    ///
    /// Hidden files, the temporary files of editors and symbolic links are left out. What a write left behind that was
    /// killed is removed, so this must not run beside [`Registry::write`].
    pub fn scan(&self) -> Result<Vec<FileStat>, Error> {
        let mut found = Vec::new();
        for folder in ["tasks", "agents"] {
            scan_folder(&self.root.join(folder), folder, 0, &mut found)?;
        }
        // Only for what was left behind: of the files here the policy alone is looked at.
        for entry in fs::read_dir(&self.root).map_err(Error::io("read", &self.root))?.flatten() {
            remove_unfinished(&entry);
        }
        if let Ok(about) = fs::symlink_metadata(self.root.join(crate::POLICY_PATH))
            && about.is_file()
        {
            found.push(stat(crate::POLICY_PATH.to_owned(), &about));
        }
        found.sort_unstable();
        Ok(found)
    }
}

fn scan_folder(full: &Path, path: &str, depth: usize, found: &mut Vec<FileStat>) -> Result<(), Error> {
    let entries = match fs::symlink_metadata(full).and_then(|about| match about.is_dir() {
        true => fs::read_dir(full),
        false => Err(io::ErrorKind::NotFound.into()),
    }) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("read", full)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(Error::io("read", full))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            tracing::warn!(folder = path, "a file's name is no UTF-8 and is left out");
            continue;
        };
        if is_left_out(name) {
            remove_unfinished(&entry);
            continue;
        }
        let path = format!("{path}/{name}");
        // The file may be gone between the two calls; then there is nothing to tell.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth < MAX_DEPTH {
            scan_folder(&entry.path(), &path, depth + 1, found)?;
        } else if kind.is_file()
            && let Ok(about) = entry.metadata()
        {
            found.push(stat(path, &about));
        }
    }
    Ok(())
}

/// Removes a file of a write that was cut off. That it stays harms nobody, so a failure is only logged.
fn remove_unfinished(entry: &fs::DirEntry) {
    let is_one = entry.file_name().to_str().is_some_and(is_unfinished)
        && entry.file_type().is_ok_and(|kind| kind.is_file());
    if !is_one {
        return;
    }
    match fs::remove_file(entry.path()) {
        Ok(()) => {
            tracing::info!(file = %entry.path().display(), "removed what a write left that was cut off")
        }
        Err(error) => tracing::warn!(%error, file = %entry.path().display(), "an unfinished file stays"),
    }
}

/// Whether a file or folder of this name is no part of the registry: hidden, or an editor's temporary file.
pub fn is_left_out(name: &str) -> bool {
    let ends = ["~", ".swp", ".swo", ".swx", ".tmp", ".bak", ".orig", ".part", ".crswap"];
    name.starts_with('.')
        || (name.starts_with('#') && name.ends_with('#'))
        || name == "4913" // vim writes this file to see whether it may write
        || name.contains("___jb_")
        || ends.iter().any(|end| name.ends_with(end))
}

fn stat(path: String, about: &fs::Metadata) -> FileStat {
    let mtime = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let mtime_ns = mtime.and_then(|time| i64::try_from(time.as_nanos()).ok()).unwrap_or_default();
    FileStat { path, mtime_ns, size_bytes: about.len(), inode: inode(about) }
}

#[cfg(unix)]
fn inode(about: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(about)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}
