//! goose, over ACP.

use super::{Lack, Obstacle, Program};
use nox_api::domain::agent::Runtime;
use serde_json::json;
use std::path::{Path, PathBuf};

pub(super) const PROGRAM: Program = Program {
    name: "goose",
    runtime: Runtime::Acp,
    key_variable: "OPENAI_API_KEY",
    settings: |agent, _, address| {
        agent.program.preset = Some("goose".into());
        agent.program.provider = Some("openai".into());
        agent.program.model = Some("scripted".into());
        agent.program.address = Some(address.to_owned());
    },
    shell: |command| ("shell", json!({ "command": command })),
    read: None,
    edit: |path, old, new| ("edit", json!({ "path": path, "before": old, "after": new })),
    mcp: |server, tool| format!("{server}__{tool}"),
    command_line: "acp",
    allow_everything: |places| {
        let folder = places.own.join(".config/goose");
        std::fs::create_dir_all(&folder).unwrap();
        let rules =
            "user:\n  always_allow:\n  - shell\n  - edit\n  - write\n  ask_before: []\n  never_allow: []\n";
        std::fs::write(folder.join("permission.yaml"), rules).unwrap();
        std::fs::write(folder.join("config.yaml"), "GOOSE_MODE: auto\n").unwrap();
    },
    keeps_calls: false,
    strangers: |places| {
        for (home, start) in [(&places.folder, "project-start"), (&places.own, "user-start")] {
            let folder = home.join(".agents/plugins/theirs/hooks");
            std::fs::create_dir_all(&folder).unwrap();
            let hook = json!([{ "hooks": [{ "type": "command", "command": places.touch(start) }] }]);
            let hooks = json!({ "hooks": { "UserPromptSubmit": hook, "PreToolUse": hook } });
            std::fs::write(folder.join("hooks.json"), hooks.to_string()).unwrap();
        }
        let folder = places.own.join(".config/goose");
        std::fs::create_dir_all(&folder).unwrap();
        let (program, file) = places.touch_words("user-service");
        let service = format!(
            "extensions:\n  mine:\n    enabled: true\n    type: stdio\n    name: mine\n    description: mine\n    cmd: {program}\n    args: [{file}]\n    timeout: 5\n"
        );
        std::fs::write(folder.join("config.yaml"), service).unwrap();
    },
    never_beside: &[
        Obstacle {
            named: |places| plugins(&places.folder).display().to_string(),
            remove: |places| std::fs::remove_dir_all(plugins(&places.folder)).unwrap(),
        },
        Obstacle {
            named: |places| plugins(&places.own).display().to_string(),
            remove: |places| std::fs::remove_dir_all(plugins(&places.own)).unwrap(),
        },
    ],
    script: None,
    ask: None,
    sees: None,
    plan: None,
    forget: |own| std::fs::remove_dir_all(own.join(".local/share/goose/sessions")).unwrap(),
    lacks: &[
        (Lack::Reason, "The protocol's answer to a permission request has no place for words."),
        (Lack::Waiting, "It tries again by itself; on its pipes nothing is said meanwhile."),
        (Lack::Cost, "Its answers and updates bring tokens and no cost."),
        (
            Lack::Sums,
            "After three requests its answer had the tokens of the third, and its one update the sum of those (0.20.1).",
        ),
    ],
    not_offered: &[
        (
            "question answered",
            "None of the tools that it offers its model asks a person: analyze, edit, load_skill, shell, todo_write, \
             tree and write (0.20.1).",
        ),
        ("plan judged", "None of those tools shows a plan."),
        (
            "mode and model",
            "Its only other mode is chat, in which it called no tool of the ones that the model wanted; models it tells none.",
        ),
        ("fork", "What it tells of its sessions when it begins has no word of a fork."),
        (
            "steer",
            "What it says that it can do when it begins (0.20.1) has no word of something said into a prompt.",
        ),
        ("calls within a script", "It offers its model no tool that runs scripts of the model."),
    ],
};

/// Where it finds plugins of a project, or of the user.
fn plugins(home: &Path) -> PathBuf {
    home.join(".agents/plugins")
}
