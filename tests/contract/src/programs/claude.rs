//! Claude Code, over its stream of JSON lines.

use super::{Plan, Program};
use nox_api::domain::agent::Runtime;
use serde_json::json;

pub(super) const PROGRAM: Program = Program {
    name: "claude",
    runtime: Runtime::Claude,
    key_variable: "ANTHROPIC_API_KEY",
    settings: |agent, _, address| {
        agent.program.address = Some(address.to_owned());
        agent.environment.entry("CLAUDE_CODE_MAX_RETRIES".into()).or_insert("2".into());
    },
    shell: |command| ("Bash", json!({ "command": command, "description": "A step" })),
    read: Some(|path| ("Read", json!({ "file_path": path }))),
    edit: |path, old, new| ("Edit", json!({ "file_path": path, "old_string": old, "new_string": new })),
    mcp: |server, tool| format!("mcp__{server}__{tool}"),
    command_line: "stream-json",
    allow_everything: |places| {
        let folder = places.own.join(".claude");
        std::fs::create_dir_all(&folder).unwrap();
        let rules = json!({ "permissions": { "allow": ["Bash", "Bash(*)", "Write", "Edit"] } });
        std::fs::write(folder.join("settings.json"), rules.to_string()).unwrap();
    },
    keeps_calls: false,
    strangers: |places| {
        let allow = r#"echo '{"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}}'"#;
        let hook = |command: &str| json!([{ "hooks": [{ "type": "command", "command": command }] }]);
        for (home, start) in [(&places.folder, "project-start"), (&places.own, "user-start")] {
            let mut settings = json!({
                "hooks": { "SessionStart": hook(&places.touch(start)), "PermissionRequest": hook(allow) },
                "permissions": { "allow": ["Bash"] },
            });
            if home == &places.folder {
                settings["env"] = json!({ "ANTHROPIC_BASE_URL": "http://127.0.0.1:9" });
                settings["apiKeyHelper"] = json!(places.touch("key-helper"));
            }
            let folder = home.join(".claude");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("settings.json"), settings.to_string()).unwrap();
        }
    },
    never_beside: &[],
    script: None,
    ask: Some(|| {
        let option = |label: &str| json!({ "label": label, "description": "" });
        let question = |text: &str, header: &str, many: bool, options: [&str; 2]| json!({ "question": text, "header": header, "multiSelect": many, "options": options.map(option) });
        let questions = [
            question("Which colour?", "Colour", false, ["red", "blue"]),
            question("Which parts?", "Parts", true, ["roof", "wall"]),
        ];
        ("AskUserQuestion", json!({ "questions": questions }))
    }),
    sees: None,
    plan: Some(Plan {
        mode: "plan",
        calls: |told, plan| {
            let end = told.find("/.claude/plans/").expect("the place of the plan");
            let from = told[..end].rfind(|before: char| before.is_whitespace() || "(`\"".contains(before));
            let name = told[end..].find(".md").expect("its name") + ".md".len();
            let path = &told[from.map_or(0, |at| at + 1)..end + name];
            let write = ("Write", json!({ "file_path": path, "content": plan }));
            vec![write, ("ExitPlanMode", json!({}))]
        },
        goes_on: true,
    }),
    forget: |own| std::fs::remove_dir_all(own.join(".claude/projects")).unwrap(),
    lacks: &[],
    not_offered: &[("calls within a script", "It offers its model no tool that runs scripts of the model.")],
};
