//! What programs need beside a command line: files and JSON of their own, in a folder that goes with the run.
//!
//! Settings of the user, or of the folder that the agent works in, must not answer in place of Nox.

use crate::Start;
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
}

/// Extensions of goose that it does not get: sub-agents, which do not ask, what could bring those back, and what is made for a
/// window of its own.
const NOT_FOR_GOOSE: &[&str] = &["summon", "extensionmanager", "apps"];

/// goose gets a home of its own. Its conversations and its keys are the user's; its permissions are not, since what stands
/// in `permission.yaml` as allowed is done without asking; nor are its extensions, whose programs would start unasked.
pub(super) fn goose(dress: &mut Dress<'_>) -> io::Result<()> {
    let own = dress.folder("XDG_CONFIG_HOME", &[".config"]).join("goose");
    let data = dress.folder("XDG_DATA_HOME", &[".local", "share"]).join("goose");
    let config = dress.root.join("config");
    std::fs::create_dir_all(&config)?;
    std::fs::create_dir_all(&data)?;
    link(&data, &dress.root.join("data"))?;
    for name in ["secrets.yaml", "custom_providers"] {
        if own.join(name).exists() {
            link(&own.join(name), &config.join(name))?;
        }
    }
    let mut settings = without_block(&read(&own.join("config.yaml")), "extensions");
    settings.push_str("extensions:\n");
    for name in NOT_FOR_GOOSE {
        settings.push_str(&format!(
            "  {name}:\n    enabled: false\n    type: platform\n    name: {name}\n    description: not in Nox\n    \
             bundled: true\n    available_tools: []\n"
        ));
    }
    std::fs::write(config.join("config.yaml"), settings)?;
    let hints = [read(&own.join(".goosehints")), dress.start.instructions.clone()];
    std::fs::write(config.join(".goosehints"), hints.join("\n").trim())?;
    let root = dress.root.to_owned();
    dress.set("GOOSE_PATH_ROOT", root);
    Ok(())
}

/// A file that may not be there. One that is no text counts as empty.
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// A text of settings without one block at its top level, as the program itself writes them.
fn without_block(text: &str, name: &str) -> String {
    let mut kept = String::new();
    let mut inside = false;
    for line in text.lines() {
        let is_top = !line.is_empty() && !line.starts_with([' ', '\t', '-', '#']);
        if is_top {
            inside = line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(':'));
        }
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_block_of_settings_is_left_out() {
        let text = "GOOSE_MODEL: a\nextensions:\n  developer:\n    enabled: true\n\n- odd\n# a word\nextensions_more: 1\nGOOSE_PROVIDER: b\n";
        assert_eq!(
            without_block(text, "extensions"),
            "GOOSE_MODEL: a\nextensions_more: 1\nGOOSE_PROVIDER: b\n"
        );
        assert_eq!(without_block("extensions: { a: 1 }\nb: 2\n", "extensions"), "b: 2\n");
        assert_eq!(without_block("", "extensions"), "");
    }
}
