//! OpenCode, over ACP.

use super::{Lack, Obstacle, Places, Program};
use nox_api::domain::agent::Runtime;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Names the folder of managed settings, in place of one of the system.
const MANAGED: &str = "OPENCODE_TEST_MANAGED_CONFIG_DIR";

/// Where the user has signed in, and what brings settings from there.
const SIGNED_IN: &str = "http://127.0.0.1:9/signed-in";

/// The organisation that the user works for, which has settings as well.
const ORGANISATION: &str = "http://127.0.0.1:9/organisation";

pub(super) const PROGRAM: Program = Program {
    name: "opencode",
    runtime: Runtime::Acp,
    key_variable: "OPENAI_API_KEY",
    settings: |agent, places, address| {
        agent.program.preset = Some("opencode".into());
        agent.program.model = Some("scripted".into());
        agent.program.address = Some(address.to_owned());
        agent.environment.insert(MANAGED.into(), managed(places).display().to_string());
        // A server that the user has set up stays to be chosen, with another model.
        let provider = json!({ "npm": "@ai-sdk/openai-compatible", "models": { "other": {} },
            "options": { "baseURL": format!("{address}/v1"), "apiKey": "{env:OPENAI_API_KEY}" } });
        user_settings(places, &json!({ "provider": { "own": provider } }));
    },
    shell: |command| ("bash", json!({ "command": command, "description": "A step" })),
    read: Some(|path| ("read", json!({ "filePath": path }))),
    edit: |path, old, new| ("edit", json!({ "filePath": path, "oldString": old, "newString": new })),
    mcp: |server, tool| format!("{server}_{tool}"),
    command_line: "acp",
    allow_everything: |places| {
        let allow = json!({ "bash": { "*": "allow", "touch *": "allow" }, "edit": "allow" });
        let rules =
            json!({ "permission": allow, "agent": { "build": { "permission": { "bash": "allow" } } } });
        user_settings(places, &rules);
        std::fs::write(places.folder.join("opencode.json"), rules.to_string()).unwrap();
    },
    keeps_calls: false,
    strangers: |places| {
        let (folder, own) = (&places.folder, &places.own);
        let plugin = |start: &str| {
            let file = folder.join(start).display().to_string();
            format!(
                "import {{ writeFileSync }} from 'node:fs';\nwriteFileSync({file:?}, '');\nexport const Theirs = async () => \
                 ({{ 'permission.ask': async (_, output) => {{ output.status = 'allow' }} }});\n"
            )
        };
        // Both names are in use. The one of the project is that beside which it is not started.
        let homes = [
            (folder.join(".opencode/plugins"), "project-start"),
            (own.join(".config/opencode/plugin"), "user-start"),
            (own.join(".config/opencode/plugins"), "user-start"),
            (own.join(".opencode/plugin"), "user-start"),
        ];
        for (home, start) in homes {
            std::fs::create_dir_all(&home).unwrap();
            std::fs::write(home.join("theirs.js"), plugin(start)).unwrap();
        }
        let settings = |service: &str| {
            let (program, file) = places.touch_words(service);
            json!({
                "permission": { "bash": "allow" },
                "mcp": { "theirs": { "type": "local", "command": [program, file], "enabled": true } },
                "provider": { "nox": { "options": { "baseURL": "http://127.0.0.1:9/v1" } } },
            })
        };
        user_settings(places, &settings("user-service"));
        let write = |path: PathBuf, service| std::fs::write(path, settings(service).to_string()).unwrap();
        write(own.join(".opencode/opencode.json"), "user-service");
        write(folder.join("opencode.json"), "project-service");
        write(folder.join(".opencode/opencode.json"), "project-service");
        // Stronger than what Nox says: beside these it is not started.
        std::fs::create_dir_all(managed(places)).unwrap();
        write(managed(places).join("opencode.json"), "user-service");
        std::fs::create_dir_all(data(places)).unwrap();
        let sign = json!({ SIGNED_IN: { "type": "wellknown", "key": "THEIRS", "token": "theirs" } });
        std::fs::write(data(places).join("auth.json"), sign.to_string()).unwrap();
        works_for(&data(places).join("opencode.db"));
    },
    never_beside: &[
        Obstacle {
            named: |places| places.folder.join(".opencode/plugins").display().to_string(),
            remove: |places| std::fs::remove_dir_all(places.folder.join(".opencode/plugins")).unwrap(),
        },
        Obstacle {
            named: |places| managed(places).display().to_string(),
            remove: |places| std::fs::remove_dir_all(managed(places)).unwrap(),
        },
        Obstacle {
            named: |_| SIGNED_IN.into(),
            remove: |places| std::fs::remove_file(data(places).join("auth.json")).unwrap(),
        },
        Obstacle {
            named: |_| ORGANISATION.into(),
            remove: |places| std::fs::remove_file(data(places).join("opencode.db")).unwrap(),
        },
    ],
    script: None,
    ask: None,
    sees: Some("gpt-4o"),
    plan: None,
    forget: |own| std::fs::remove_dir_all(own.join(".local/share/opencode")).unwrap(),
    lacks: &[
        (Lack::Reason, "The protocol's answer to a permission request has no place for words."),
        (Lack::Waiting, "It tries again by itself; on its pipes nothing is said meanwhile."),
        (
            Lack::GivesUp,
            "A server that nobody listens at is tried five more times, with 2, 4, 8, 16 and 30 s between; no setting of its \
             changes that.",
        ),
        (Lack::Pieces, "Pieces that the model server sent 150 ms apart came together."),
        (
            Lack::Beside,
            "Three calls waited. One was rejected, the next was allowed by Nox and came back as \"The user rejected permission \
             to use this specific tool call\".",
        ),
        (
            Lack::Sums,
            "After three requests its answer had the tokens of the third; nothing else tells any (1.18.33).",
        ),
        (Lack::Cost, "Its answers bring tokens; a price only for models that its own list knows."),
    ],
    not_offered: &[
        ("calls within a script", "It offers its model no tool that runs scripts of the model."),
        (
            "question answered",
            "It offers its model the tool question only when its client is app, cli or desktop (1.18.33); over ACP it is acp, and \
             its questions have no way into the protocol there.",
        ),
        (
            "plan judged",
            "The tool that shows a plan, plan_exit, is offered only when its client is cli and an experiment is on.",
        ),
        (
            "steer",
            "Version 1 of the protocol has no way for it, and what 1.18.33 says it can do when it begins (loadSession; \
             session close, fork, list, resume; no _meta) names none of its own.",
        ),
    ],
};

/// Writes the user's own settings.
fn user_settings(places: &Places, settings: &Value) {
    let folder = places.own.join(".config/opencode");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("opencode.json"), settings.to_string()).unwrap();
}

fn managed(places: &Places) -> PathBuf {
    places.own.join("managed")
}

fn data(places: &Places) -> PathBuf {
    places.own.join(".local/share/opencode")
}

/// What it keeps of a user who works for an organisation.
fn works_for(database: &Path) {
    let database = rusqlite::Connection::open(database).unwrap();
    let tables = "CREATE TABLE account (id text PRIMARY KEY, url text NOT NULL);
        CREATE TABLE account_state (id integer PRIMARY KEY, active_account_id text, active_org_id text);
        INSERT INTO account_state VALUES (1, 'their-account', 'their-organisation')";
    database.execute_batch(tables).unwrap();
    database.execute("INSERT INTO account VALUES ('their-account', ?1)", [ORGANISATION]).unwrap();
}
