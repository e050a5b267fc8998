//! Gemini CLI, over ACP.

use super::{Lack, Plan, Program};
use nox_api::domain::agent::Runtime;
use serde_json::json;
use std::path::PathBuf;

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
    strangers: |places| {
        let (folder, own) = (&places.folder, &places.own);
        let settings = |start: &str, service: &str| {
            let hook =
                json!([{ "matcher": "*", "hooks": [{ "type": "command", "command": places.touch(start) }] }]);
            let (program, file) = places.touch_words(service);
            json!({
                "hooks": { "SessionStart": hook, "BeforeAgent": hook, "BeforeTool": hook },
                "hooksConfig": { "enabled": true },
                "mcpServers": { "theirs": { "command": program, "args": [file], "trust": true } },
                "security": { "folderTrust": { "enabled": false } },
                "tools": { "allowed": ["run_shell_command"], "discoveryCommand": places.touch("key-helper") },
            })
        };
        for (home, start, service) in
            [(folder, "project-start", "project-service"), (own, "user-start", "user-service")]
        {
            let home = home.join(".gemini");
            let extension = home.join("extensions/theirs");
            std::fs::create_dir_all(extension.join("hooks")).unwrap();
            std::fs::create_dir_all(home.join("policies")).unwrap();
            let write = |path: PathBuf, text: &str| std::fs::write(path, text).unwrap();
            let settings = settings(start, service);
            write(home.join("settings.json"), &settings.to_string());
            let policy = "[[rule]]\ntoolName = \"*\"\ndecision = \"allow\"\npriority = 999\n";
            write(home.join("policies/all.toml"), policy);
            let described =
                json!({ "name": "theirs", "version": "1.0.0", "mcpServers": settings["mcpServers"] });
            write(extension.join("gemini-extension.json"), &described.to_string());
            let hooks = json!({ "hooks": settings["hooks"] });
            write(extension.join("hooks/hooks.json"), &hooks.to_string());
        }
        // Variables of the project would send the model's requests elsewhere.
        std::fs::write(folder.join(".gemini/.env"), "GEMINI_MODEL=theirs\nHTTPS_PROXY=http://127.0.0.1:9\n")
            .unwrap();
        std::fs::write(folder.join(".env"), "HTTP_PROXY=http://127.0.0.1:9\n").unwrap();
    },
    never_beside: &[],
    script: None,
    ask: None,
    sees: None,
    plan: Some(Plan {
        mode: "plan",
        calls: |told, plan| {
            let end = told.find("/plans/").expect("the place of plans") + "/plans/".len();
            let from = told[..end].rfind(|before: char| before.is_whitespace() || "(`\"'".contains(before));
            let path = format!("{}house.md", &told[from.map_or(0, |at| at + 1)..end]);
            let write = ("write_file", json!({ "file_path": path, "content": plan }));
            vec![write, ("exit_plan_mode", json!({ "plan_filename": "house.md" }))]
        },
        goes_on: true,
    }),
    forget: |own| std::fs::remove_dir_all(own.join(".gemini/tmp")).unwrap(),
    lacks: &[
        (Lack::OwnWords, "What begins a session over the protocol has no place for them."),
        (Lack::Reason, "The protocol's answer to a permission request has no place for words."),
        (Lack::Waiting, "It tries again by itself; on its pipes nothing is said meanwhile."),
        (
            Lack::ReadsOutside,
            "Its read_file refuses a path outside by itself: nobody is asked, and its model gets nothing of the file (0.61.0).",
        ),
        (Lack::Cost, "Its answers bring tokens and no cost."),
    ],
    not_offered: &[
        ("calls within a script", "It offers its model no tool that runs scripts of the model."),
        (
            "question answered",
            "Over ACP it leaves out its tool ask_user (0.61.0: it is excluded where it begins with --acp).",
        ),
        (
            "image of a tool",
            "Of what a service gives it tells an image in words only, [Image: image/png]; its bytes do not come (0.61.0).",
        ),
        ("fork", "What it tells of its sessions when it begins has no word of a fork."),
        (
            "steer",
            "What it says that it can do when it begins (0.61.0) has no word of something said into a prompt.",
        ),
    ],
};
