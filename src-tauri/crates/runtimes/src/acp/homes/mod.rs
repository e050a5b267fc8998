//! What programs need beside a command line: files and JSON of their own, in a folder that goes with the run.
//!
//! Settings of the user, or of the folder that the agent works in, must not answer in place of Nox.

mod gemini;
mod opencode;
mod qwen;
mod stronger;

pub(super) use gemini::gemini;
pub(super) use opencode::opencode;
pub(super) use qwen::qwen;

use crate::Start;
use jsonc_parser::parse_to_serde_value;
use serde_json::{Value, json};
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

/// Tools of Claude Code that it would let run unasked when they only look, or when the user's settings allow them.
const OF_CLAUDE: &[&str] = &[
    "Bash",
    "Edit",
    "Glob",
    "Grep",
    "LS",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
    "Read",
    "Skill",
    "WebFetch",
    "WebSearch",
    "Write",
];

/// Claude Code takes from its adapter what it takes from the driver of Nox: no settings of the project, no hooks, no servers but
/// the agent's; and rules that ask, which are stronger than those that allow.
pub(super) fn claude(dress: &mut Dress<'_>) -> io::Result<()> {
    let services = dress.start.services.keys().map(|name| format!("mcp__{name}"));
    let ask: Vec<String> = OF_CLAUDE.iter().map(|name| (*name).to_owned()).chain(services).collect();
    let settings = json!({
        "disableAllHooks": true,
        "disableSkillShellExecution": true,
        "permissions": { "ask": ask },
    });
    let options = json!({
        "settingSources": ["user"],
        "settings": settings,
        "strictMcpConfig": true,
        "promptSuggestions": false,
    });
    let mut meta = json!({ "claudeCode": { "options": options } });
    if !dress.start.instructions.trim().is_empty() {
        meta["systemPrompt"] = json!({ "append": dress.start.instructions });
    }
    dress.meta = Some(meta);
    // It reads this before each command, as the shell does with its own file.
    if let Some(file) = dress.environment.get(&OsString::from("BASH_ENV")).cloned() {
        dress.set(crate::claude::quirks::SHELL_FILE_VARIABLE, file);
    }
    Ok(())
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
