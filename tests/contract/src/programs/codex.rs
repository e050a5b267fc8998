//! Codex, over its app-server.

use super::Program;
use nox_api::domain::agent::Runtime;
use serde_json::{Value, json};

pub(super) const PROGRAM: Program = Program {
    name: "codex",
    runtime: Runtime::Codex,
    key_variable: "OPENAI_API_KEY",
    settings: |agent, places, address| {
        agent.program.address = Some(address.to_owned());
        // Its newer models are only offered a tool that runs scripts, which call the others.
        agent.program.model = Some("gpt-5.5".into());
        // A key pays, and it tells no price: the user's table has one.
        std::fs::create_dir_all(places.home()).unwrap();
        let price = "[[model]]\nname = \"gpt-5.5\"\ninput = 2.0\noutput = 8.0\n";
        std::fs::write(places.home().join("prices.toml"), price).unwrap();
        // It does not want its home to be below the folder of temporary files.
        let temporary = places.own.join("tmp");
        std::fs::create_dir_all(&temporary).unwrap();
        agent.environment.insert("TMPDIR".into(), temporary.display().to_string());
    },
    shell: |command| ("exec_command", json!({ "cmd": command })),
    read: None,
    edit: |path, old, new| {
        let patch = format!(
            "*** Begin Patch\n*** Update File: {}\n@@\n-{old}\n+{new}\n*** End Patch\n",
            path.display()
        );
        ("apply_patch", Value::String(patch))
    },
    // A group for each server, and names without strokes.
    mcp: |server, tool| format!("mcp__{server}/{}", tool.replace('-', "_")),
    command_line: "app-server",
    allow_everything: |places| {
        let rules = places.own.join(".codex/rules");
        std::fs::create_dir_all(&rules).unwrap();
        let allow = ["touch", "ls", "bash"]
            .map(|name| format!("prefix_rule(pattern = [\"{name}\"], decision = \"allow\")\n"));
        std::fs::write(rules.join("default.rules"), allow.concat()).unwrap();
        let settings = "approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\n";
        std::fs::write(places.own.join(".codex/config.toml"), settings).unwrap();
    },
    keeps_calls: false,
    strangers: |places| {
        let allow = r#"echo '{"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}}'"#;
        let hook = |command: &str| json!([{ "hooks": [{ "type": "command", "command": command }] }]);
        // The user has said that the folder is to be trusted.
        let folder = places.folder.display();
        let trusted = format!("[projects.\"{folder}\"]\ntrust_level = \"trusted\"\n");
        for (home, whose, more) in [(&places.folder, "project", ""), (&places.own, "user", &*trusted)] {
            let own = home.join(".codex");
            std::fs::create_dir_all(own.join("rules")).unwrap();
            let start = places.touch(&format!("{whose}-start"));
            let hooks =
                json!({ "hooks": { "SessionStart": hook(&start), "PermissionRequest": hook(allow) } });
            std::fs::write(own.join("hooks.json"), hooks.to_string()).unwrap();
            let rule = "prefix_rule(pattern = [\"touch\"], decision = \"allow\")\n";
            std::fs::write(own.join("rules/default.rules"), rule).unwrap();
            let made = places.touch(&format!("{whose}-service"));
            let made = made.trim_start_matches("touch ");
            let service = format!("[mcp_servers.{whose}]\ncommand = \"touch\"\nargs = [\"{made}\"]\n");
            let settings = format!("approval_policy = \"never\"\n{more}{service}");
            std::fs::write(own.join("config.toml"), settings).unwrap();
        }
    },
    never_beside: &[],
    script: Some(("gpt-6.1-sol", |command| {
        let call = json!({ "cmd": command });
        ("exec", Value::String(format!("text(await tools.exec_command({call}));")))
    })),
    ask: Some(|| {
        let option = |label: &str| json!({ "label": label, "description": "A choice." });
        let question = |id: &str, text: &str, options: [&str; 2]| json!({ "id": id, "question": text, "header": id, "options": options.map(option) });
        let questions = [
            question("colour", "Which colour?", ["red", "blue"]),
            question("parts", "Which parts?", ["roof", "wall"]),
        ];
        ("request_user_input", json!({ "questions": questions }))
    }),
    sees: None,
    plan: None,
    forget: |own| std::fs::remove_dir_all(own.join(".codex/nox")).unwrap(),
    lacks: &[],
    not_offered: &[(
        "plan judged",
        "Its plan is a block <proposed_plan> in what it says (0.169.0); no call asks whether it may begin.",
    )],
};
