//! The home of Qwen Code: conversations and the sign-in are the user's; what is allowed beforehand is not, nor are servers, hooks
//! and extensions, whose programs would start unasked.
//!
//! Settings and variables of the folder count only where the folder is trusted. Without trust it starts no MCP server at all, also
//! none of the agent's; an agent that has some works only where no such file lies ([`super::super::plugins`]). What must hold
//! all the same stands in settings of the system, which are the strongest.

use super::{Dress, gemini::is_short_file, own_settings};
use serde_json::{Map, Value, json};
use std::io;

/// What it asks for, in the words of its rules; `Bash`, `Read` and `Edit` stand for all tools of their kind. It would run commands
/// unasked that only look, and read what it likes.
const ASKS: &[&str] = &["Bash", "Edit", "Read", "Skill", "WebFetch", "WebSearch", "read_mcp_resource"];

/// What it reads of its user in each project; there goes what the project says to every agent as well.
const PROJECT: &str = "AGENTS.md";

/// Makes its home.
pub(in super::super) fn qwen(dress: &mut Dress<'_>) -> io::Result<()> {
    let own = dress.folder("HOME", &[]).join(".qwen");
    let services: Vec<&String> = dress.start.services.keys().collect();
    let is_trusted = !services.is_empty();
    let of_system = json!({
        "disableAllHooks": true,
        "mcp": { "allowed": services, "serverCommand": "" },
        "permissions": { "ask": ASKS },
        "security": { "folderTrust": { "enabled": true } },
        "tools": { "approvalMode": "default", "callCommand": "", "discoveryCommand": "" },
    });
    let mut trusted = Map::new();
    if is_trusted {
        trusted.insert(dress.start.folder.display().to_string(), "TRUST_FOLDER".into());
    }
    for (name, variable, value) in [
        ("system.json", "QWEN_CODE_SYSTEM_SETTINGS_PATH", of_system),
        ("trusted.json", "QWEN_CODE_TRUSTED_FOLDERS_PATH", Value::Object(trusted)),
    ] {
        let path = dress.root.join(name);
        std::fs::write(&path, value.to_string())?;
        dress.set(variable, path);
    }
    // What it would remember by itself costs requests to the model that nobody has asked for.
    let settings = json!({
        "general": { "enableAutoUpdate": false, "disableAutoUpdate": true },
        "privacy": { "usageStatisticsEnabled": false },
        "telemetry": { "enabled": false },
        "memory": { "enableManagedAutoMemory": false, "enableManagedAutoDream": false, "enableAutoSkill": false },
        "ui": { "enableFollowupSuggestions": false },
        "security": { "auth": { "selectedType": "openai" } },
    });
    own_settings(dress, &own, ".qwen", settings)?;
    let home = dress.root.join(".qwen");
    let said = ["QWEN.md", "AGENTS.md"].map(|name| dress.start.folder.join(name));
    if let Some(said) = said.iter().find(|said| !is_trusted && is_short_file(said)) {
        std::fs::copy(said, home.join(PROJECT))?;
    }
    dress.set("QWEN_HOME", home);
    Ok(())
}
