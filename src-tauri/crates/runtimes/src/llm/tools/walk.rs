//! A walk through a folder, from handle to handle: links are named and not followed, and what takes the place of a folder
//! or a file while it walks is not entered. What ignore files within it name is left out, and so is `.git`.

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Dir, OpenOptions};
use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
    overrides::Override,
};
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// How deep it goes: each level holds a handle.
const MAX_DEPTH: usize = 64;
/// Entries of one folder that are looked at.
const MAX_ENTRIES: usize = 200_000;
/// Of an ignore file so much is read.
const IGNORE_BYTES: u64 = 1024 * 1024;
/// The names of ignore files; a later one is asked first.
const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File,
    Link,
    Other,
}

/// An entry, where it was found.
pub(super) struct Found<'a> {
    folder: &'a Dir,
    name: &'a OsStr,
    /// From where the walk began.
    pub(super) path: &'a Path,
    pub(super) kind: Kind,
}

impl Found<'_> {
    /// Opens it to be read: a file and nothing else.
    pub(super) fn open(&self) -> io::Result<File> {
        open(self.folder, self.name)
    }

    /// Where it leads, of a link.
    pub(super) fn target(&self) -> io::Result<PathBuf> {
        self.folder.read_link_contents(self.name)
    }
}

/// How a walk is made.
pub(super) struct Walk<'a> {
    /// All below it, too.
    pub(super) deep: bool,
    /// Which files; all when there is none.
    pub(super) only: Option<&'a Override>,
    pub(super) halt: &'a AtomicBool,
}

impl Walk<'_> {
    /// Shows every entry, each folder before what is in it and in the order of names, until somebody has enough.
    ///
    /// # Errors
    /// It was told to end, or the first folder cannot be read.
    pub(super) fn through(
        &self,
        folder: &Dir,
        see: &mut dyn FnMut(&Found<'_>) -> bool,
    ) -> Result<(), String> {
        let mut ignored = Vec::new();
        self.enter(folder, Path::new(""), 0, &mut ignored, see).map(|_| ())
    }

    /// Answers whether more is wanted.
    fn enter(
        &self,
        folder: &Dir,
        path: &Path,
        depth: usize,
        ignored: &mut Vec<Gitignore>,
        see: &mut dyn FnMut(&Found<'_>) -> bool,
    ) -> Result<bool, String> {
        let entries = match entries(folder) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(format!("it cannot be read: {error}")),
            // One folder that cannot be read is no reason to find nothing in the others.
            Err(_) => return Ok(true),
        };
        ignored.push(ignored_in(folder, path));
        let mut wants_more = true;
        for (name, kind) in entries {
            if self.halt.load(Ordering::Relaxed) {
                return Err("it was ended".into());
            }
            let path = path.join(&name);
            if name == ".git" || self.leaves_out(&path, kind, ignored) {
                continue;
            }
            wants_more = see(&Found { folder, name: &name, path: &path, kind });
            if wants_more
                && kind == Kind::Folder
                && self.deep
                && depth < MAX_DEPTH
                && let Ok(inner) = folder.open_dir_nofollow(&name)
            {
                wants_more = self.enter(&inner, &path, depth + 1, ignored, see)?;
            }
            if !wants_more {
                break;
            }
        }
        ignored.pop();
        Ok(wants_more)
    }

    fn leaves_out(&self, path: &Path, kind: Kind, ignored: &[Gitignore]) -> bool {
        let is_folder = kind == Kind::Folder;
        if let Some(only) = self.only {
            match only.matched(path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        // The nearest one that says something counts.
        let said =
            ignored.iter().rev().map(|ignored| ignored.matched(path, is_folder)).find(|said| !said.is_none());
        said.is_some_and(|said| said.is_ignore())
    }
}

/// What is in a folder, in the order of names.
fn entries(folder: &Dir) -> io::Result<Vec<(OsString, Kind)>> {
    let mut entries = Vec::new();
    for entry in folder.entries()?.flatten().take(MAX_ENTRIES) {
        let kind = match entry.file_type() {
            Ok(kind) if kind.is_dir() => Kind::Folder,
            Ok(kind) if kind.is_file() => Kind::File,
            Ok(kind) if kind.is_symlink() => Kind::Link,
            _ => Kind::Other,
        };
        entries.push((entry.file_name(), kind));
    }
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(entries)
}

/// What the ignore files of a folder say. One that cannot be read says nothing.
fn ignored_in(folder: &Dir, path: &Path) -> Gitignore {
    // Paths are told from where the walk began, and so are these.
    let mut rules = GitignoreBuilder::new(path);
    for name in IGNORE_FILES {
        let Ok(file) = open(folder, OsStr::new(name)) else { continue };
        for line in BufReader::new(file.take(IGNORE_BYTES)).lines() {
            let Ok(line) = line else { break };
            // A line that is none says nothing.
            let _ = rules.add_line(None, &line);
        }
    }
    rules.build().unwrap_or_else(|_| Gitignore::empty())
}

/// Opens a file by the handle of its folder: neither a link nor what waits for a writer.
pub(super) fn open(folder: &Dir, name: &OsStr) -> io::Result<File> {
    let mut how = OpenOptions::new();
    how.read(true).nonblock(true).follow(FollowSymlinks::No);
    let file = folder.open_with(name, &how)?.into_std();
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use cap_fs_ext::ambient_authority;
    use std::fs;

    fn paths(folder: &Path, mut also: impl FnMut(&Path)) -> Vec<String> {
        let folder = Dir::open_ambient_dir(folder, ambient_authority()).unwrap();
        let mut paths = Vec::new();
        let walk = Walk { deep: true, only: None, halt: &AtomicBool::new(false) };
        walk.through(&folder, &mut |found| {
            also(found.path);
            let text = found.open().map(|mut file| {
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                text
            });
            paths.push(format!("{} {}", found.path.display(), text.unwrap_or_default()).trim().to_owned());
            true
        })
        .unwrap();
        paths
    }

    #[test]
    fn ignore_files_count_from_their_folder_and_the_nearest_one_first() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(".gitignore", "*.log\n/target/\n");
        for path in
            ["a.log", "target/x", "src/target/y", "src/b.log", "src/c.log", "src/deep/d.log", ".git/config"]
        {
            write(path, "");
        }
        write("src/.gitignore", "!b.log\n");
        write("src/.ignore", "deep\n");
        let expected = [
            ".gitignore *.log\n/target/",
            "src",
            "src/.gitignore !b.log",
            "src/.ignore deep",
            "src/b.log",
            "src/target",
            "src/target/y",
        ];
        assert_eq!(paths(folder.path(), |_| {}), expected);
    }

    #[cfg(unix)]
    #[test]
    fn what_takes_the_place_of_a_folder_or_a_file_in_between_is_not_entered() {
        use std::os::unix::fs::symlink;
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(elsewhere.path().join("x"), "secret").unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(folder.path().join("b/x"), "plain").unwrap();
        fs::write(folder.path().join("c"), "plain").unwrap();
        // Both are swapped when the walk has seen them, and before it goes on with them.
        let found = paths(folder.path(), |path| match path.to_str() {
            Some("b") => {
                fs::rename(folder.path().join("b"), folder.path().join("old")).unwrap();
                symlink(elsewhere.path(), folder.path().join("b")).unwrap();
            }
            Some("c") => {
                fs::remove_file(folder.path().join("c")).unwrap();
                symlink(elsewhere.path().join("x"), folder.path().join("c")).unwrap();
            }
            _ => {}
        });
        assert_eq!(found, ["b", "c"]);
    }
}
