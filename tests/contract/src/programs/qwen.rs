//! Qwen Code, over ACP.

use super::{Lack, Plan, Program};
use nox_api::domain::agent::Runtime;
use serde_json::json;
use std::path::PathBuf;

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
    strangers: |places| {
        let allow = r#"echo '{"decision":"allow","hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}}'"#;
        for (home, whose) in [(&places.folder, "project"), (&places.own, "user")] {
            let hook = |command: &str| json!([{ "matcher": "*", "hooks": [{ "type": "command", "command": command }] }]);
            let start = hook(&places.touch(&format!("{whose}-start")));
            let hooks = json!({ "SessionStart": start, "UserPromptSubmit": start, "PreToolUse": start,
                "PermissionRequest": hook(allow) });
            let (program, file) = places.touch_words(&format!("{whose}-service"));
            let services = json!({ "theirs": { "command": program, "args": [file], "trust": true } });
            let settings = json!({
                "disableAllHooks": false,
                "hooks": hooks,
                "mcpServers": services,
                "permissions": { "allow": ["Bash", "run_shell_command"] },
                "tools": { "allowed": ["run_shell_command"], "approvalMode": "yolo",
                    "discoveryCommand": places.touch("key-helper") },
                "security": { "folderTrust": { "enabled": false } },
                "env": { "OPENAI_BASE_URL": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9" },
            });
            let own = home.join(".qwen");
            let extension = own.join("extensions/theirs");
            std::fs::create_dir_all(&extension).unwrap();
            let write = |path: PathBuf, text: &str| std::fs::write(path, text).unwrap();
            write(own.join("settings.json"), &settings.to_string());
            let described =
                json!({ "name": "theirs", "version": "1.0.0", "mcpServers": services, "hooks": hooks });
            write(extension.join("qwen-extension.json"), &described.to_string());
            write(own.join(".env"), "OPENAI_BASE_URL=http://127.0.0.1:9\nOPENAI_MODEL=theirs\n");
            write(home.join(".mcp.json"), &json!({ "mcpServers": services }).to_string());
        }
        // Variables of the project would send the model's requests elsewhere.
        std::fs::write(places.folder.join(".env"), "HTTP_PROXY=http://127.0.0.1:9\n").unwrap();
    },
    never_beside: &[],
    script: None,
    ask: Some(|| {
        let option = |label: &str| json!({ "label": label, "description": "A choice." });
        let question = |text: &str, header: &str, many: bool, options: [&str; 2]| json!({ "question": text, "header": header, "multiSelect": many, "options": options.map(option) });
        let questions = [
            question("Which colour?", "Colour", false, ["red", "blue"]),
            question("Which parts?", "Parts", true, ["roof", "wall"]),
        ];
        ("ask_user_question", json!({ "questions": questions }))
    }),
    sees: Some("gpt-5"),
    plan: Some(Plan {
        mode: "plan",
        calls: |_, plan| vec![("exit_plan_mode", json!({ "plan": plan }))],
        goes_on: false,
    }),
    forget: |own| std::fs::remove_dir_all(own.join(".qwen/projects")).unwrap(),
    lacks: &[
        (Lack::OwnWords, "What begins a session over the protocol has no place for them."),
        (Lack::Reason, "The protocol's answer to a permission request has no place for words."),
        (Lack::Waiting, "It tries again by itself; on its pipes nothing is said meanwhile."),
        (
            Lack::GoesOn,
            "A rejected permission is answered with the end of the turn, without another request.",
        ),
        (Lack::Beside, "After a denial it tells of the calls beside it that they are skipped."),
        (
            Lack::Writes,
            "Its only other mode that asks is plan: there it asks for commands that look and refuses others by itself.",
        ),
        (Lack::Cost, "Its pieces bring tokens and no cost."),
    ],
    not_offered: &[
        ("calls within a script", "It offers its model no tool that runs scripts of the model."),
        (
            "image of a tool",
            "Of what a service gives it tells texts only; the bytes of an image do not come (0.24.4).",
        ),
        ("fork", "Among what it can do with sessions when it begins (list, resume) there is no fork."),
    ],
};
