//! The home of OpenCode: conversations and the sign-in are the user's, settings are Nox's.
//!
//! Its plugins, MCP servers, formatters and the commands in its templates would run without asking. Of the user's settings it
//! keeps which models there are, and what is told to every agent.

use super::{Dress, link, settings_in, stronger::Stronger};
use serde_json::{Map, Value, json};
use std::{io, path::Path};

/// What it asks for. Named one by one: what other settings allow by name would be stronger than a star.
const ASKED: &[&str] = &[
    "*",
    "bash",
    "codesearch",
    "doom_loop",
    "edit",
    "external_directory",
    "glob",
    "grep",
    "list",
    "lsp",
    "question",
    "read",
    "skill",
    "todoread",
    "todowrite",
    "webfetch",
    "websearch",
];

/// Where its settings lie, each over the ones before.
const SETTINGS: &[&str] = &["config.json", "opencode.json", "opencode.jsonc"];

/// What stays of them.
const KEPT: &[&str] = &["provider", "model", "small_model", "enabled_providers", "disabled_providers"];

/// What speaks to model servers and is part of the program (1.18.33). Anything else is code that it would fetch or load.
const BUILT_IN: &[&str] = &[
    "@ai-sdk/alibaba",
    "@ai-sdk/amazon-bedrock",
    "@ai-sdk/amazon-bedrock/mantle",
    "@ai-sdk/anthropic",
    "@ai-sdk/azure",
    "@ai-sdk/cerebras",
    "@ai-sdk/cohere",
    "@ai-sdk/deepinfra",
    "@ai-sdk/gateway",
    "@ai-sdk/github-copilot",
    "@ai-sdk/google",
    "@ai-sdk/google-vertex",
    "@ai-sdk/google-vertex/anthropic",
    "@ai-sdk/groq",
    "@ai-sdk/mistral",
    "@ai-sdk/openai",
    "@ai-sdk/openai-compatible",
    "@ai-sdk/perplexity",
    "@ai-sdk/togetherai",
    "@ai-sdk/vercel",
    "@ai-sdk/xai",
    "@openrouter/ai-sdk-provider",
    "gitlab-ai-provider",
    "venice-ai-sdk-provider",
];

/// Makes its home. Settings of the highest rank stand in its environment: agents that ask for everything, and the model
/// server.
pub(in super::super) fn opencode(dress: &mut Dress<'_>) -> io::Result<()> {
    let own = dress.folder("XDG_CONFIG_HOME", &[".config"]).join("opencode");
    let data = dress.folder("XDG_DATA_HOME", &[".local", "share"]).join("opencode");
    if let Some(said) = Stronger::of(dress, &data).forbid() {
        return Err(io::Error::other(said));
    }
    let config = dress.root.join("config");
    let folder = config.join("opencode");
    std::fs::create_dir_all(folder.join("node_modules"))?;
    // It would install what plugins need into each folder of settings, from the network, when this does not say that it is
    // there.
    let lock = json!({ "packages": { "": { "dependencies": { "@opencode-ai/plugin": "*" } } } });
    std::fs::write(folder.join("package-lock.json"), lock.to_string())?;
    if own.join("AGENTS.md").exists() {
        link(&own.join("AGENTS.md"), &folder.join("AGENTS.md"))?;
    }
    let theirs = models(&own);
    std::fs::write(folder.join("opencode.json"), Value::Object(theirs.clone()).to_string())?;

    let mut permission: Map<String, Value> =
        ASKED.iter().map(|name| ((*name).to_owned(), "ask".into())).collect();
    permission.insert("task".into(), "deny".into());
    let agent =
        json!({ "mode": "primary", "description": "Asks before everything.", "permission": permission });
    let mut settings = json!({
        "autoupdate": false,
        "share": "disabled",
        "formatter": false,
        "lsp": false,
        "snapshot": false,
        "permission": permission,
        "default_agent": "nox",
        "agent": { "nox": agent, "build": { "disable": true }, "plan": { "permission": permission } },
        // Its agent is told of a denial, and goes on.
        "experimental": { "continue_loop_on_deny": true },
    });
    let program = &dress.start.program;
    if let Some(address) = &program.address {
        let model = program.model.as_deref().unwrap_or("default");
        let mut models = Map::new();
        let mut about = json!({ "name": model });
        // Of a model that it does not know, it takes for granted that it sees nothing, and shows it no images.
        if crate::llm::takes_images(dress.start, model) == Some(true) {
            about["attachment"] = true.into();
            about["modalities"] = json!({ "input": ["text", "image"], "output": ["text"] });
        }
        models.insert(model.to_owned(), about);
        let options = json!({
            "baseURL": format!("{}/v1", address.trim_end_matches('/').trim_end_matches("/v1")),
            "apiKey": "{env:OPENAI_API_KEY}",
        });
        settings["provider"]["nox"] = json!({ "npm": "@ai-sdk/openai-compatible", "name": "Model server",
            "options": options, "models": models });
        settings["model"] = format!("nox/{model}").into();
        // Nobody else is asked than this server and the ones that the user has set up.
        let named = theirs.get("provider").and_then(Value::as_object).into_iter().flat_map(Map::keys);
        settings["enabled_providers"] =
            named.cloned().chain(["nox".to_owned()]).map(Value::from).collect::<Vec<_>>().into();
        dress.told_model = true;
    }
    if !dress.start.instructions.trim().is_empty() {
        let path = dress.root.join("instructions.md");
        std::fs::write(&path, &dress.start.instructions)?;
        settings["instructions"] = json!([path]);
    }
    // Commands get back what was the user's.
    dress.restore_in_commands(&["XDG_CONFIG_HOME", "OPENCODE_TEST_HOME", "OPENCODE_CONFIG_CONTENT"])?;
    let root = dress.root.to_owned();
    dress.set("XDG_CONFIG_HOME", config);
    // Another folder of settings lies in what it takes for the user's home.
    dress.set("OPENCODE_TEST_HOME", root);
    dress.set("OPENCODE_CONFIG_CONTENT", settings.to_string());
    Ok(())
}

/// What the user's settings say of models.
fn models(own: &Path) -> Map<String, Value> {
    let mut kept = Map::new();
    for name in SETTINGS {
        let settings = settings_in(&own.join(name));
        for key in KEPT {
            let value = &settings[*key];
            match (kept.get_mut(*key).and_then(Value::as_object_mut), value) {
                (Some(before), Value::Object(more)) => before.extend(more.clone()),
                (_, Value::Null) => {}
                _ => drop(kept.insert((*key).to_owned(), value.clone())),
            }
        }
    }
    if let Some(providers) = kept.get_mut("provider").and_then(Value::as_object_mut) {
        providers.retain(|_, provider| brings_no_code(provider));
    }
    kept
}

/// Whether all that speaks to the model server is part of the program. A model may name something else than its provider.
fn brings_no_code(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().all(|(name, value)| match name.as_str() {
            "npm" => value.as_str().is_some_and(|npm| BUILT_IN.contains(&npm)),
            _ => brings_no_code(value),
        }),
        Value::Array(values) => values.iter().all(brings_no_code),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn of_the_users_settings_only_models_are_kept_and_of_those_none_that_bring_code() {
        let own = tempfile::tempdir().unwrap();
        let old = r#"{ "model": "a/b", "mcp": { "x": { "type": "local", "command": ["x"] } },
            "provider": { "kept": { "npm": "@ai-sdk/openai-compatible", "models": { "m": {} } } } }"#;
        std::fs::write(own.path().join("opencode.json"), old).unwrap();
        let new = r#"{ // a word
            "model": "kept/m", "plugin": ["x"], "provider": {
                "local": { "npm": "file:///somewhere/code.js" },
                "hidden": { "models": { "m": { "provider": { "npm": "their-code" } } } },
                "known": { "options": { "baseURL": "http://127.0.0.1:9/v1" } },
            },
        }"#;
        std::fs::write(own.path().join("opencode.jsonc"), new).unwrap();
        let kept = models(own.path());
        let providers: Vec<&String> = kept["provider"].as_object().unwrap().keys().collect();
        assert_eq!(providers, ["kept", "known"]);
        assert_eq!((kept["model"].as_str(), kept.len()), (Some("kept/m"), 2));
        assert_eq!(models(&own.path().join("nowhere")), Map::new());
    }
}
