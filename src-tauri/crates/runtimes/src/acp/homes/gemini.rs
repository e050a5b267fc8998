//! The home of Gemini CLI: conversations and the sign-in are the user's; what is allowed beforehand is not, nor are servers,
//! hooks and extensions, whose programs would start unasked.
//!
//! What stands in the folder counts only where the folder is trusted: variables of `.gemini/.env`, settings that name MCP
//! servers and hooks, `GEMINI.md`. Without trust it starts no MCP server at all, also none of the agent's; an agent that has
//! some works only where no such file lies ([`super::super::plugins`]).

use super::{Dress, link, own_settings};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::{io, path::Path};

/// Rules of the user's rank, over its own: everything is asked, in every mode, and no sub-agent begins. Commands that it knows
/// as harmless it would run unasked after any rule that looks at no arguments, so the one for its shell looks at them.
const POLICY: &str = r#"[[rule]]
toolName = "*"
decision = "ask_user"
priority = 997

[[rule]]
toolName = "run_shell_command"
argsPattern = "command"
decision = "ask_user"
priority = 998

[[rule]]
toolName = "invoke_agent"
decision = "deny"
priority = 999
denyMessage = "Nox does not let agents begin others."
"#;

/// Where what the project says to every agent is put.
const PROJECT: &str = "PROJECT.md";
/// A longer one is left to the agent.
const PROJECT_BYTES: u64 = 256 * 1024;

/// Makes its home.
pub(in super::super) fn gemini(dress: &mut Dress<'_>) -> io::Result<()> {
    let own = dress.folder("GEMINI_CLI_HOME", &[]).join(".gemini");
    if let Some(conversation) = dress.start.resume.as_deref() {
        out_of_this_minute(&own.join("tmp"), conversation)?;
    }
    let is_trusted = !dress.start.services.is_empty();
    let settings = json!({
        "advanced": { "ignoreLocalEnv": true },
        "context": { "fileName": ["GEMINI.md", PROJECT] },
        "experimental": { "enableAgents": false },
        // Ten tries at a model server that is not there would take minutes, and nothing is said meanwhile.
        "general": { "enableAutoUpdate": false, "enableAutoUpdateNotification": false, "maxAttempts": 3 },
        "hooksConfig": { "enabled": false },
        "ide": { "enabled": false },
        "privacy": { "usageStatisticsEnabled": false },
        "security": { "disableAlwaysAllow": true, "disableYoloMode": true },
        "telemetry": { "enabled": false },
        // What a command writes to a terminal, the protocol has no place for.
        "tools": { "shell": { "enableInteractiveShell": false } },
    });
    own_settings(dress, &own, ".gemini", settings)?;
    let folder = dress.root.join(".gemini");
    std::fs::create_dir_all(folder.join("policies"))?;
    std::fs::write(folder.join("policies").join("nox.toml"), POLICY)?;
    let project = dress.start.folder.join("GEMINI.md");
    if !is_trusted && is_short_file(&project) {
        std::fs::copy(project, folder.join(PROJECT))?;
    }
    // Keys may stand there; of all else in it, it takes nothing where the folder is not trusted.
    if let Some(file) = [own.join(".env"), own.with_file_name(".env")].iter().find(|file| file.is_file()) {
        link(file, &dress.root.join(".env"))?;
    }
    let root = dress.root.to_owned();
    dress.set("GEMINI_CLI_HOME", root);
    dress.set("GEMINI_CLI_TRUST_WORKSPACE", if is_trusted { "true" } else { "false" });
    Ok(())
}

/// It names the file of a conversation by the minute and begins it anew before it restores it: within the minute in which a
/// conversation began, it would empty the very file. There the file gets the name of the minute before.
fn out_of_this_minute(projects: &Path, conversation: &str) -> io::Result<()> {
    let is_name = |name: &&str| name.chars().all(|letter| letter.is_ascii_alphanumeric());
    let Some(begin) = conversation.get(..8).filter(is_name) else { return Ok(()) };
    let now = Timestamp::now();
    let file = |at: Timestamp| format!("session-{}-{begin}.jsonl", at.strftime("%Y-%m-%dT%H-%M"));
    let (this, before) = (file(now), file(now - SignedDuration::from_mins(1)));
    for project in std::fs::read_dir(projects).into_iter().flatten() {
        let chats = project?.path().join("chats");
        if chats.join(&this).is_file() && !chats.join(&before).exists() {
            std::fs::rename(chats.join(&this), chats.join(&before))?;
        }
    }
    Ok(())
}

/// Whether a file of the project may be told without asking: none that leads elsewhere.
pub(super) fn is_short_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.len() <= PROJECT_BYTES)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_conversation_of_this_minute_is_kept_from_being_emptied_and_no_other_is_touched() {
        let projects = tempfile::tempdir().unwrap();
        let chats = projects.path().join("work/chats");
        std::fs::create_dir_all(&chats).unwrap();
        let minute = || Timestamp::now().strftime("%Y-%m-%dT%H-%M").to_string();
        let names = loop {
            let now = minute();
            let names = ["1a2b3c4d", "other000"].map(|begin| format!("session-{now}-{begin}.jsonl"));
            names.iter().for_each(|name| std::fs::write(chats.join(name), "said").unwrap());
            out_of_this_minute(projects.path(), "1a2b3c4d-0000-4000-8000-000000000000").unwrap();
            // Another minute began meanwhile: once more.
            if minute() == now {
                break names;
            }
        };
        assert!(!chats.join(&names[0]).exists() && chats.join(&names[1]).exists());
        let kept =
            std::fs::read_dir(&chats).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let kept: Vec<String> = kept.filter(|name| name.ends_with("-1a2b3c4d.jsonl")).collect();
        assert!(!kept.is_empty(), "it is lost");
        for odd in ["", "../../..", "žluť-ouč"] {
            out_of_this_minute(projects.path(), odd).unwrap();
        }
    }
}
