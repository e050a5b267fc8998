//! What Claude Code takes from its adapter, which is what it takes from the driver of Nox: no settings of the project, no hooks, no
//! servers but the agent's; and rules that ask, which are stronger than those that allow.

use super::Dress;
use serde_json::json;
use std::{ffi::OsString, io};

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

/// Makes what a conversation begins with.
pub(in super::super) fn claude(dress: &mut Dress<'_>) -> io::Result<()> {
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
