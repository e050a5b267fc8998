//! Places in files: where a path leads with all links followed, and whether that is outside of the session's folder.
//!
//! A place is looked at when it is asked for, and again when the call is carried out: what has begun to lead elsewhere
//! meanwhile is refused, since somebody has allowed another thing.

use super::Desk;
use crate::calls::is_outside;
use nox_domain::{tool::ToolCall, transcript::Location};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// As it was named, absolute.
    pub(super) path: PathBuf,
    /// For people: short beneath the session's folder.
    pub(super) short: String,
    /// With links followed; as named while nothing is there.
    real: PathBuf,
    folder: PathBuf,
    pub(super) outside: bool,
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

/// Where it would be with links followed; the last part may not be there yet.
fn real_of(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => match parent.canonicalize() {
            Ok(parent) => parent.join(name),
            Err(_) => path.to_owned(),
        },
        _ => path.to_owned(),
    })
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

    /// Writes a whole text there: the file is the old one or the new one, at every moment.
    pub(super) fn write(&self, text: &str) -> Result<(), String> {
        let real = self.again()?;
        let said = |error: std::io::Error| format!("{} cannot be written: {error}", self.short);
        let parent = real.parent().ok_or_else(|| format!("{} is no file", self.short))?;
        std::fs::create_dir_all(parent).map_err(said)?;
        let mut file = tempfile::Builder::new().prefix(".nox-").tempfile_in(parent).map_err(said)?;
        file.write_all(text.as_bytes()).map_err(said)?;
        match std::fs::metadata(&real) {
            Ok(old) if old.is_dir() => return Err(format!("{} is a folder", self.short)),
            Ok(old) => file.as_file().set_permissions(old.permissions()).map_err(said)?,
            #[cfg(unix)]
            Err(_) => {
                use std::os::unix::fs::PermissionsExt;
                file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(said)?;
            }
            #[cfg(not(unix))]
            Err(_) => {}
        }
        file.as_file().sync_all().map_err(said)?;
        file.persist(&real).map_err(|error| said(error.error))?;
        Ok(())
    }
}
