//! Files of the registry: read with a limit, written whole or not at all, never outside of the folder.
//!
//! Every step of a path is looked at, and a symbolic link is an error. This keeps out links that lie there; a program
//! that swaps folders for links at the right moment has the user's own rights and needs no such trick.

use crate::{Registry, open::Error};
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Component, Path, PathBuf},
};

/// What must stand at a path for it to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Whatever.
    Anything,
    /// Nothing.
    Absent,
    /// A file with this [`content_hash`].
    Hash(String),
}

/// SHA-256 of a file's bytes, in hexadecimal figures.
pub fn content_hash(bytes: &[u8]) -> String {
    nox_domain::tool::sha256_hex(bytes)
}

/// How the name of a file begins that is being written. One that is there when nobody writes was cut off.
const UNFINISHED: &str = ".nox-unfinished-";

/// Whether a file of this name is one that a write of ours left behind, if nobody writes now.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.strip_prefix(UNFINISHED).is_some_and(|rest| rest.chars().all(|char| char.is_ascii_alphanumeric()))
}

/// Whether missing folders on the way are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folders {
    Make,
    Leave,
}

impl Registry {
    /// Reads a file of the registry; none if there is none.
    ///
    /// `max_bytes` bounds the memory: a larger file is [`Error::TooLarge`].
    pub fn read(&self, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(full) = self.resolve(path, Folders::Leave)? else { return Ok(None) };
        let Some(found) = look(&full, path)? else { return Ok(None) };
        let file = match File::open(&full) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", path)(error)),
        };
        let too_large = |size_bytes| Error::TooLarge { path: path.to_owned(), size_bytes, max_bytes };
        if found.len() > max_bytes {
            return Err(too_large(found.len()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default());
        file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        // The file may have grown since it was looked at.
        if bytes.len() as u64 > max_bytes {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(Some(bytes))
    }

    /// Writes a whole file: a temporary file beside it, fsync, rename, fsync of the folder.
    ///
    /// Missing folders are made; an existing file keeps its mode. [`Error::Changed`] when the file is not as expected:
    /// looked at right before the rename.
    pub fn write(&self, path: &str, bytes: &[u8], expected: &Expected) -> Result<(), Error> {
        let full =
            self.resolve(path, Folders::Make)?.ok_or_else(|| Error::Outside { path: path.to_owned() })?;
        let folder = full.parent().ok_or_else(|| Error::Outside { path: path.to_owned() })?;
        let mut temporary = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(folder)
            .map_err(Error::io("write", path))?;
        temporary.write_all(bytes).map_err(Error::io("write", path))?;
        if let Some(found) = look(&full, path)? {
            temporary.as_file().set_permissions(found.permissions()).map_err(Error::io("write", path))?;
        }
        temporary.as_file().sync_all().map_err(Error::io("write", path))?;
        let changed = || Error::Changed { path: path.to_owned() };
        match expected {
            Expected::Anything => {}
            Expected::Absent => {
                return match temporary.persist_noclobber(&full) {
                    Ok(_) => sync_folder(folder),
                    Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(changed()),
                    Err(error) => Err(Error::io("write", path)(error.error)),
                };
            }
            Expected::Hash(hash) => match self.read(path, u64::MAX - 1)? {
                Some(now) if content_hash(&now) == *hash => {}
                _ => return Err(changed()),
            },
        }
        temporary.persist(&full).map_err(|error| Error::io("write", path)(error.error))?;
        sync_folder(folder)
    }

    /// Removes a file; one that is not there is no error. Its content is in the history, if it was committed.
    pub fn remove(&self, path: &str) -> Result<(), Error> {
        let Some(full) = self.resolve(path, Folders::Leave)? else { return Ok(()) };
        if look(&full, path)?.is_none() {
            return Ok(());
        }
        fs::remove_file(&full).map_err(Error::io("remove", path))?;
        full.parent().map_or(Ok(()), sync_folder)
    }

    /// The place of a path on the disk; none if a folder on the way is missing.
    fn resolve(&self, path: &str, folders: Folders) -> Result<Option<PathBuf>, Error> {
        let outside = || Error::Outside { path: path.to_owned() };
        let names: Vec<_> = Path::new(path).components().collect();
        let plain = names.iter().all(|name| matches!(name, Component::Normal(_)));
        let is_git = names.first().is_some_and(|name| name.as_os_str().eq_ignore_ascii_case(".git"));
        if names.is_empty() || !plain || is_git || path.contains(['\0', '\\']) {
            return Err(outside());
        }
        let mut full = self.root.clone();
        for name in &names[..names.len() - 1] {
            let parent = full.clone();
            full.push(name);
            match fs::symlink_metadata(&full) {
                Ok(found) if found.is_symlink() => return Err(Error::Link { path: self.relative(&full) }),
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(Error::NotAFile { path: path.to_owned() }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if folders == Folders::Leave {
                        return Ok(None);
                    }
                    fs::create_dir(&full).map_err(Error::io("make", &full))?;
                    sync_folder(&parent)?;
                }
                Err(error) => return Err(Error::io("open", &full)(error)),
            }
        }
        full.push(names[names.len() - 1]);
        Ok(Some(full))
    }

    pub(crate) fn relative(&self, full: &Path) -> String {
        full.strip_prefix(&self.root).unwrap_or(full).display().to_string()
    }
}

/// Looks at what stands at a place: a plain file, nothing, or something that is refused.
fn look(full: &Path, path: &str) -> Result<Option<fs::Metadata>, Error> {
    match fs::symlink_metadata(full) {
        Ok(found) if found.is_symlink() => Err(Error::Link { path: path.to_owned() }),
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(Error::NotAFile { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", full)(error)),
    }
}

/// Makes a rename or a new folder durable. Windows has no way to do that, and needs none.
fn sync_folder(folder: &Path) -> Result<(), Error> {
    if cfg!(unix) {
        let opened = File::open(folder).map_err(Error::io("open", folder))?;
        opened.sync_all().map_err(Error::io("sync", folder))?;
    }
    Ok(())
}
