//! Qwen Code, over ACP.

use super::{Lack, Program};
use nox_api::domain::agent::Runtime;
use serde_json::json;

pub(super) const PROGRAM: Program = Program {
    name: "qwen",
    runtime: Runtime::Acp,
    key_variable: "OPENAI_API_KEY",
    settings: |agent, _, address| {
        agent.program.preset = Some("qwen".into());
        agent.program.model = Some("scripted".into());
        agent.program.address = Some(address.to_owned());
    },
    shell: |command| {
        ("run_shell_command", json!({ "command": command, "description": "A step", "is_background": false }))
    },
    read: Some(|path| ("read_file", json!({ "file_path": path }))),
    edit: |path, old, new| ("edit", json!({ "file_path": path, "old_string": old, "new_string": new })),
    mcp: |server, tool| format!("mcp__{server}__{tool}"),
    command_line: "--acp",
    allow_everything: |places| {
        let folder = places.own.join(".qwen");
        std::fs::create_dir_all(&folder).unwrap();
        let rules = json!({ "permissions": { "allow": ["Bash", "Edit", "run_shell_command"] },
            "tools": { "allowed": ["run_shell_command"] } });
        std::fs::write(folder.join("settings.json"), rules.to_string()).unwrap();
    },
    keeps_calls: false,
    strangers: |_| {},
    runs_plugins: None,
    script: None,
    ask: None,
    plan: None,
    forget: |own| std::fs::remove_dir_all(own.join(".qwen/projects")).unwrap(),
    lacks: &[
        (Lack::Reason, "The protocol's answer to a permission request has no place for words."),
        (Lack::Waiting, "It tries again by itself; on its pipes nothing is said meanwhile."),
        (
            Lack::GoesOn,
            "A rejected permission is answered with the end of the turn, without another request.",
        ),
        (Lack::Cost, "Its pieces bring tokens and no cost."),
    ],
    not_offered: &[
        ("calls within a script", "It offers its model no tool that runs scripts of the model."),
        ("hooks decide nothing", "Hooks are switched off in the settings that it gets."),
    ],
};
