//! What programs need beside a command line: files and JSON of their own, in a folder that goes with the run.
//!
//! Settings of the user, or of the folder that the agent works in, must not answer in place of Nox.

mod claude;
mod gemini;
mod goose;
mod opencode;
mod qwen;
mod stronger;

pub(super) use claude::claude;
pub(super) use gemini::gemini;
pub(super) use goose::goose;
pub(super) use opencode::opencode;
pub(super) use qwen::qwen;

use crate::Start;
use jsonc_parser::parse_to_serde_value;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

/// What a program is started with, while it is made.
pub(super) struct Dress<'a> {
    pub(super) start: &'a Start,
    /// A folder that goes with the run. Only this user can look into it.
    pub(super) root: &'a Path,
    pub(super) environment: &'a mut BTreeMap<OsString, OsString>,
    /// Whether the program knows its model by then.
    pub(super) told_model: bool,
    /// What a new conversation gets besides, as the protocol's `_meta`.
    pub(super) meta: Option<Value>,
}

impl Dress<'_> {
    pub(super) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.insert(name.into(), value.into());
    }

    /// A folder of the user, as the program would find it.
    fn folder(&self, variable: &str, beneath: &[&str]) -> PathBuf {
        let value = |name: &str| self.environment.get(&OsString::from(name)).map(PathBuf::from);
        value(variable).unwrap_or_else(|| {
            let home = value("HOME").or_else(|| value("USERPROFILE")).unwrap_or_default();
            beneath.iter().fold(home, |folder, part| folder.join(part))
        })
    }

    /// In commands that the program runs, these variables are what they are now, whatever the program itself gets.
    fn restore_in_commands(&self, names: &[&str]) -> io::Result<()> {
        let value = |name: &str| self.environment.get(&OsString::from(name));
        let Some(file) = value("BASH_ENV") else { return Ok(()) };
        let mut text = std::fs::read_to_string(file)?;
        for name in names {
            let was = value(name).and_then(|value| value.to_str());
            match was.and_then(|value| shlex::try_quote(value).ok()) {
                Some(value) => text.push_str(&format!("export {name}={value}\n")),
                None => text.push_str(&format!("unset {name}\n")),
            }
        }
        std::fs::write(file, text)
    }
}

/// A folder of settings in which ours stand, and in which everything else that a program keeps about conversations and sign-ins
/// is the user's.
fn own_settings(dress: &Dress<'_>, own: &Path, name: &str, mut settings: Value) -> io::Result<()> {
    const KEPT: &[&str] = &[
        "GEMINI.md",
        "QWEN.md",
        "google_accounts.json",
        "history",
        "installation_id",
        "oauth_creds.json",
        "projects",
        "projects.json",
        "tmp",
    ];
    let folder = dress.root.join(name);
    std::fs::create_dir_all(&folder)?;
    // Folders of conversations have to be the user's from the first one on.
    for kept in ["tmp", "projects"] {
        std::fs::create_dir_all(own.join(kept))?;
    }
    for kept in KEPT {
        if own.join(kept).exists() {
            link(&own.join(kept), &folder.join(kept))?;
        }
    }
    // How one is signed in is the user's choice.
    let theirs = settings_in(&own.join("settings.json"));
    if theirs["security"]["auth"].is_object()
        && dress.start.key.is_none()
        && dress.start.program.address.is_none()
    {
        settings["security"]["auth"] = theirs["security"]["auth"].clone();
    }
    std::fs::write(folder.join("settings.json"), settings.to_string())
}

/// A file that may not be there. One that is no text counts as empty.
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Settings in which comments may stand. Ones that are not there, or nobody can read, count as empty.
fn settings_in(path: &Path) -> Value {
    parse_to_serde_value(&read(path), &Default::default()).unwrap_or_default()
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(windows)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        std::os::windows::fs::symlink_dir(from, to)
    } else {
        std::os::windows::fs::symlink_file(from, to)
    }
}
