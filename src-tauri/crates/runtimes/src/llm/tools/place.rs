//! Places in files: where a path leads with all links followed, and whether that is outside of the session's folder.
//!
//! A place is looked at when it is asked for, and again when the call is carried out: what has begun to lead elsewhere
//! meanwhile is refused, since somebody has allowed another thing. Files are opened from folder to folder, each by its
//! handle and none through a link, so that nothing swapped in between is followed either. What lies outside is opened by
//! nobody before it is allowed.

use super::{Desk, walk};
use crate::calls::{MAX_FILE_BYTES, is_outside};
use cap_fs_ext::{DirExt, MetadataExt, ambient_authority};
use cap_std::fs::Dir;
use cap_tempfile::TempFile;
use nox_domain::{
    tool::{ToolCall, sha256_hex},
    transcript::Location,
};
use std::{
    ffi::OsStr,
    fs::File,
    io::{self, ErrorKind, Read, Write},
    path::{Component, Path, PathBuf},
    time::SystemTime,
};

/// The largest file that is changed.
pub(super) const MAX_CHANGED_BYTES: u64 = MAX_FILE_BYTES * 4;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// As it was named, absolute.
    pub(super) path: PathBuf,
    /// For people: short beneath the session's folder.
    pub(super) short: String,
    /// With links followed, as far as there is something.
    real: PathBuf,
    folder: PathBuf,
    pub(super) outside: bool,
}

/// What a file is, as far as a change is bound to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// There is none, or nobody may know of it.
    Missing,
    /// One with this content, by its hash.
    Known(String),
    /// One that nobody has read: which it is, how long, and when it changed last.
    Unread { device: u64, inode: u64, bytes: u64, changed: Option<SystemTime> },
}

/// The place that a model names.
pub(super) fn of(named: &str, desk: &Desk) -> Result<Place, String> {
    if named.trim().is_empty() {
        return Err("the path is empty".into());
    }
    if named.contains('\0') {
        return Err("there is no such path".into());
    }
    let path = match named.strip_prefix("~/").zip(std::env::home_dir()) {
        Some((rest, home)) => home.join(rest),
        None => desk.folder.join(named),
    };
    Ok(look(path, &desk.folder))
}

fn look(path: PathBuf, folder: &Path) -> Place {
    let outside = is_outside(&path, folder);
    let real = real_of(&path);
    let short = path.strip_prefix(folder).ok().filter(|_| !outside);
    let short = short.filter(|short| !short.as_os_str().is_empty()).unwrap_or(&path).display().to_string();
    Place { path, short, real, folder: folder.to_owned(), outside }
}

/// Where it would be with links followed; the last parts may not be there yet.
fn real_of(path: &Path) -> PathBuf {
    path.ancestors()
        .find_map(|there| {
            let rest = path.strip_prefix(there).ok()?;
            let real = there.canonicalize().ok()?;
            Some(if rest.as_os_str().is_empty() { real } else { real.join(rest) })
        })
        .unwrap_or_else(|| path.to_owned())
}

impl Place {
    /// Shows the place in a call.
    pub(super) fn put_into(&self, call: &mut ToolCall, line: Option<u64>) {
        call.text = self.path.display().to_string();
        call.outside |= self.outside;
        let line = line.and_then(|line| u32::try_from(line).ok());
        call.locations.push(Location { path: call.text.clone(), line });
    }

    /// Where it leads, if that is still where it led.
    pub(super) fn again(&self) -> Result<PathBuf, String> {
        if look(self.path.clone(), &self.folder) == *self {
            Ok(self.real.clone())
        } else {
            Err(format!("{} leads elsewhere than when it was asked for; ask again", self.short))
        }
    }

    /// The file, to be read: a file and nothing else, neither a link nor what waits for a writer.
    pub(super) fn open(&self) -> Result<File, String> {
        self.again()?;
        let file = self.open_now().map_err(|error| format!("it cannot be read: {error}"))?;
        file.ok_or_else(|| "it is no file; list shows what is in a folder".into())
    }

    /// The folder, to be looked through.
    pub(super) fn folder(&self) -> Result<Dir, String> {
        self.again()?;
        let opened = self.parent(false).and_then(|(folder, name)| match name {
            Some(name) => folder.open_dir_nofollow(name),
            None => Ok(folder),
        });
        opened.map_err(|error| match error.kind() {
            ErrorKind::NotADirectory => "it is no folder".to_owned(),
            _ => format!("it cannot be read: {error}"),
        })
    }

    /// None when it is no file.
    fn open_now(&self) -> io::Result<Option<File>> {
        let (folder, name) = self.parent(false)?;
        let Some(name) = name else { return Ok(None) };
        match walk::open(&folder, name) {
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// The text that it has, if it is one that can be changed; none when nothing is there.
    pub(super) fn text(&self) -> Result<Option<String>, String> {
        let Some(bytes) = self.bytes()? else { return Ok(None) };
        String::from_utf8(bytes).map(Some).map_err(|_| format!("{} is no text", self.short))
    }

    /// All of its bytes, within what can be changed.
    fn bytes(&self) -> Result<Option<Vec<u8>>, String> {
        let file = match self.open_now() {
            Ok(Some(file)) => file,
            Ok(None) => return Err(format!("{} is no file", self.short)),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{} cannot be read: {error}", self.short)),
        };
        let mut bytes = Vec::new();
        let read = file.take(MAX_CHANGED_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| format!("{} cannot be read: {error}", self.short))?;
        if bytes.len() as u64 > MAX_CHANGED_BYTES {
            return Err(format!("{} is too large to be changed", self.short));
        }
        Ok(Some(bytes))
    }

    /// What it is now, and its text if it is one. Of what lies outside nothing is opened.
    pub(super) fn state(&self) -> Result<(State, Option<String>), String> {
        if self.outside {
            return Ok((self.unread().unwrap_or(State::Missing), None));
        }
        Ok(match self.bytes()? {
            Some(bytes) => (State::Known(sha256_hex(&bytes)), String::from_utf8(bytes).ok()),
            None => (State::Missing, Some(String::new())),
        })
    }

    fn unread(&self) -> Option<State> {
        let (folder, name) = self.parent(false).ok()?;
        let found = folder.symlink_metadata(name?).ok()?;
        Some(State::Unread {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.len(),
            changed: found.modified().ok().map(cap_std::time::SystemTime::into_std),
        })
    }

    /// The folder that it is in, reached through no link, and its name there. `make`: folders that are missing are made.
    fn parent(&self, make: bool) -> io::Result<(Dir, Option<&OsStr>)> {
        let real_folder = self.folder.canonicalize()?;
        let (from, rest) = match self.real.strip_prefix(&real_folder) {
            Ok(rest) if !self.outside => (real_folder.as_path(), rest),
            _ => {
                let root = self.real.ancestors().last().unwrap_or(Path::new("/"));
                (root, self.real.strip_prefix(root).unwrap_or(&self.real))
            }
        };
        let mut folder = Dir::open_ambient_dir(from, ambient_authority())?;
        for part in rest.parent().into_iter().flat_map(Path::components) {
            let Component::Normal(part) = part else { return Err(ErrorKind::InvalidInput.into()) };
            folder = match folder.open_dir_nofollow(part) {
                Err(error) if make && error.kind() == ErrorKind::NotFound => {
                    folder.create_dir(part)?;
                    folder.open_dir_nofollow(part)?
                }
                opened => opened?,
            };
        }
        Ok((folder, rest.file_name()))
    }

    /// Writes a whole text there: the file is the old one or the new one, at every moment.
    pub(super) fn write(&self, text: &str) -> Result<(), String> {
        self.again()?;
        let said = |error: io::Error| format!("{} cannot be written: {error}", self.short);
        let (folder, name) = self.parent(true).map_err(said)?;
        let name = name.ok_or_else(|| format!("{} is no file", self.short))?;
        let old = match folder.symlink_metadata(name) {
            Ok(old) if old.is_file() => Some(old),
            Ok(_) => return Err(format!("{} is no file", self.short)),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(said(error)),
        };
        let mut file = TempFile::new(&folder).map_err(said)?;
        file.write_all(text.as_bytes()).map_err(said)?;
        if let Some(old) = old {
            file.as_file().set_permissions(old.permissions()).map_err(said)?;
        }
        file.as_file().sync_all().map_err(said)?;
        file.replace(name).map_err(said)
    }
}
