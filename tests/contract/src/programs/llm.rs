//! The loop of Nox itself, on the wires that it speaks. Nothing is installed and nothing is started for it.

use super::{Lack, Places, Program};
use nox_api::{domain::agent::Runtime, dto::CreateAgent};
use serde_json::json;

/// On the wire of Anthropic.
pub(super) const ANTHROPIC: Program = Program {
    name: "llm",
    runtime: Runtime::Llm,
    key_variable: "ANTHROPIC_API_KEY",
    settings: |agent, _, address| at(agent, "anthropic", "claude-sonnet-4-5", address),
    shell: |command| ("shell", json!({ "command": command })),
    read: Some(|path| ("read", json!({ "path": path }))),
    edit: |path, old, new| ("edit", json!({ "path": path, "old": old, "new": new })),
    mcp: |server, tool| format!("{server}__{tool}"),
    command_line: "no process stands behind it",
    allow_everything: nothing,
    keeps_calls: true,
    strangers: nothing,
    never_beside: &[],
    script: None,
    ask: Some(|| {
        let question = |text: &str, many: bool, options: [&str; 2]| json!({ "question": text, "many": many, "options": options.map(|label| json!({ "label": label })) });
        let questions = [
            question("Which colour?", false, ["red", "blue"]),
            question("Which parts?", true, ["roof", "wall"]),
        ];
        ("ask", json!({ "questions": questions }))
    }),
    sees: None,
    plan: None,
    forget: |own| {
        let root = own.parent().expect("a world has a root");
        std::fs::remove_dir_all(root.join("home/conversations")).unwrap();
    },
    lacks: &[WITHIN],
    not_offered: &[
        ("calls within a script", "It offers its model no tool that runs scripts of the model."),
        ("hooks decide nothing", "It reads no settings of the folder or of the user, and has no hooks."),
        (
            "kill -9 and resume",
            "No process stands behind it. That Nox itself is killed is tried by nox-integration \
             llm::after_kill_9_a_call_that_ran_is_unknown_and_one_that_waited_happens_once.",
        ),
        ("steer and kill -9", "No process stands behind it."),
        ("plan judged", "It has no mode in which only a plan is made."),
        ("not installed", "Nothing has to be installed."),
    ],
};

/// On the wire of OpenAI's chat completions.
pub(super) const OPENAI: Program = Program {
    name: "llm-openai",
    key_variable: "OPENAI_API_KEY",
    settings: |agent, _, address| at(agent, "openai", "gpt-4o", address),
    ..ANTHROPIC
};

/// On the wire of OpenAI's responses.
pub(super) const RESPONSES: Program = Program {
    name: "llm-responses",
    key_variable: "OPENAI_API_KEY",
    settings: |agent, _, address| at(agent, "openai_responses", "gpt-5", address),
    ..ANTHROPIC
};

/// On the wire of Ollama.
pub(super) const OLLAMA: Program = Program {
    name: "llm-ollama",
    settings: |agent, _, address| at(agent, "ollama", "scripted", address),
    sees: Some("scripted-vision"),
    lacks: &[
        (Lack::Cost, "A model on this computer costs nothing."),
        (Lack::Key, "Ollama takes no key."),
        WITHIN,
    ],
    ..ANTHROPIC
};

const WITHIN: (Lack, &str) = (Lack::Process, "It runs within Nox.");

fn at(agent: &mut CreateAgent, provider: &str, model: &str, address: &str) {
    agent.program.command = None;
    agent.program.provider = Some(provider.into());
    agent.program.model = Some(model.into());
    agent.program.address = Some(address.to_owned());
}

fn nothing(_: &Places) {}
