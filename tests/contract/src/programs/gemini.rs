//! Gemini CLI, over ACP.

use super::{Lack, Program};
use nox_api::domain::agent::Runtime;
use serde_json::json;

pub(super) const PROGRAM: Program = Program {
    name: "gemini",
    runtime: Runtime::Acp,
    key_variable: "GEMINI_API_KEY",
    settings: |agent, _, address| {
        agent.program.preset = Some("gemini".into());
        agent.program.model = Some("gemini-2.5-pro".into());
        agent.program.address = Some(address.to_owned());
    },
    shell: |command| ("run_shell_command", json!({ "command": command, "description": "A step" })),
    read: Some(|path| ("read_file", json!({ "file_path": path }))),
    edit: |path, old, new| {
        let input =
            json!({ "file_path": path, "old_string": old, "new_string": new, "instruction": "Change it" });
        ("replace", input)
    },
    mcp: |server, tool| format!("mcp_{server}_{tool}"),
    command_line: "--acp",
    allow_everything: |places| {
        let folder = places.own.join(".gemini");
        std::fs::create_dir_all(&folder).unwrap();
        let rules = json!({ "tools": { "allowed": ["run_shell_command", "replace", "write_file"] } });
        std::fs::write(folder.join("settings.json"), rules.to_string()).unwrap();
    },
    keeps_calls: false,
    strangers: |_| {},
    runs_plugins: None,
    script: None,
    ask: None,
    plan: None,
    forget: |own| std::fs::remove_dir_all(own.join(".gemini/tmp")).unwrap(),
    lacks: &[
        (Lack::Reason, "The protocol's answer to a permission request has no place for words."),
        (Lack::Waiting, "It tries again by itself; on its pipes nothing is said meanwhile."),
        (Lack::Output, "The last update of a command has an empty list of contents and no output."),
        (Lack::Cost, "Its answers bring tokens and no cost."),
    ],
    not_offered: &[
        ("calls within a script", "It offers its model no tool that runs scripts of the model."),
        ("hooks decide nothing", "Hooks of the folder are off where it is not trusted."),
    ],
};
