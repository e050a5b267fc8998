//! OpenCode, over ACP.

use super::{Lack, Program};
use nox_api::domain::agent::Runtime;
use serde_json::json;

pub(super) const PROGRAM: Program = Program {
    name: "opencode",
    runtime: Runtime::Acp,
    key_variable: "OPENAI_API_KEY",
    settings: |agent, _, address| {
        agent.program.preset = Some("opencode".into());
        agent.program.model = Some("scripted".into());
        agent.program.address = Some(address.to_owned());
    },
    shell: |command| ("bash", json!({ "command": command, "description": "A step" })),
    read: Some(|path| ("read", json!({ "filePath": path }))),
    edit: |path, old, new| ("edit", json!({ "filePath": path, "oldString": old, "newString": new })),
    mcp: |server, tool| format!("{server}_{tool}"),
    command_line: "acp",
    allow_everything: |places| {
        let folder = places.own.join(".config/opencode");
        std::fs::create_dir_all(&folder).unwrap();
        let allow = json!({ "bash": { "*": "allow", "touch *": "allow" }, "edit": "allow" });
        let rules =
            json!({ "permission": allow, "agent": { "build": { "permission": { "bash": "allow" } } } });
        std::fs::write(folder.join("opencode.json"), rules.to_string()).unwrap();
        std::fs::write(places.folder.join("opencode.json"), rules.to_string()).unwrap();
    },
    keeps_calls: false,
    strangers: |_| {},
    runs_plugins: None,
    script: None,
    ask: None,
    plan: None,
    forget: |own| std::fs::remove_dir_all(own.join(".local/share/opencode")).unwrap(),
    lacks: &[
        (Lack::Reason, "The protocol's answer to a permission request has no place for words."),
        (Lack::Waiting, "It tries again by itself; on its pipes nothing is said meanwhile."),
        (Lack::Pieces, "Pieces that the model server sent 150 ms apart came together."),
        (
            Lack::GoesOn,
            "A rejected permission is answered with the end of the turn, without another request.",
        ),
        (Lack::Cost, "Its answers bring tokens; a price only for models that its own list knows."),
    ],
    not_offered: &[
        ("calls within a script", "It offers its model no tool that runs scripts of the model."),
        ("hooks decide nothing", "It has no hooks in settings; plugins of the project are off."),
    ],
};
