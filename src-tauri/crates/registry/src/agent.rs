//! `agents/<id>/agent.toml` and `prompt.md`: an agent as people write it.

use crate::{
    SCHEMA,
    problem::{Source, quoted},
    secret::looks_like_secret,
    toml_text::{Fields, Read, edit, parse, put},
};
use nox_domain::{
    agent::{Agent, AgentPatch, Limits, Runtime},
    ids::AgentId,
    rows::FileProblem,
};
use std::collections::BTreeMap;
use toml_edit::{Array, Item, Table, TableLike, Value};

const KEYS: &[&str] = &[
    "schema",
    "name",
    "description",
    "runtime",
    "enabled",
    "review",
    "capabilities",
    "environment",
    "limits",
];
const LIMIT_KEYS: &[&str] = &["max_concurrent_tasks", "max_call_seconds"];

/// An agent that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedAgent {
    /// What the files say.
    pub agent: Agent,
    /// Keys that Nox does not know; they are kept.
    pub warnings: Vec<FileProblem>,
    /// Whether a newer version wrote the file: it is shown, and never changed.
    pub read_only: bool,
}

fn path_of(id: &AgentId) -> String {
    format!("agents/{id}/agent.toml")
}

/// Reads an agent's two files.
pub fn parse_agent(id: &AgentId, toml: &str, prompt: &str) -> Read<ParsedAgent> {
    let path = path_of(id);
    let source = Source { path: &path, text: toml };
    let document = parse(source)?;
    let root = Fields { source, table: document.as_table(), prefix: "" };
    let schema = root.schema()?;
    let read_only = schema > SCHEMA;
    let mut warnings: Vec<FileProblem> = root.unknown(KEYS).map(|problem| *problem).collect();
    let name = root.text("name")?.map(str::trim).unwrap_or_default();
    if name.is_empty() {
        return Err(root.fault(
            "name",
            "missing_name",
            "The agent has no name.",
            format!("Write name = \"{id}\"."),
        ));
    }
    let runtime = match root.text("runtime")? {
        None => Runtime::default(),
        Some(word) => read_runtime(&root, word, read_only)?,
    };
    let limits = match root.table("limits")? {
        None => Limits::default(),
        Some(table) => {
            let fields = Fields { source, table, prefix: "limits." };
            warnings.extend(fields.unknown(LIMIT_KEYS).map(|problem| *problem));
            Limits {
                max_concurrent_tasks: fields.count("max_concurrent_tasks")?,
                max_call_seconds: fields.count("max_call_seconds")?,
            }
        }
    };
    let agent = Agent {
        id: id.clone(),
        name: name.to_owned(),
        description: root.text("description")?.unwrap_or_default().to_owned(),
        runtime,
        prompt: prompt.to_owned(),
        enabled: root.switch("enabled")?.unwrap_or(true),
        review: root.switch("review")?.unwrap_or_else(|| runtime.reviews_by_default()),
        capabilities: root.texts("capabilities")?.unwrap_or_default(),
        environment: read_environment(&root)?,
        limits,
    };
    Ok(ParsedAgent { agent, warnings, read_only })
}

fn read_runtime(root: &Fields<'_>, word: &str, newer: bool) -> Read<Runtime> {
    Runtime::ALL.iter().copied().find(|runtime| runtime.as_str() == word).ok_or_else(|| {
        let known =
            Runtime::ALL.iter().map(|runtime| format!("\"{}\"", runtime.as_str())).collect::<Vec<_>>();
        let hint = if newer {
            "A newer version of Nox wrote this file; start that version.".to_owned()
        } else {
            format!("Write runtime = {}.", known.join(" or "))
        };
        root.fault("runtime", "unknown_runtime", format!("There is no runtime {}.", quoted(word)), hint)
    })
}

fn read_environment(root: &Fields<'_>) -> Read<BTreeMap<String, String>> {
    let Some(table) = root.table("environment")? else { return Ok(BTreeMap::new()) };
    let fields = Fields { source: root.source, table, prefix: "environment." };
    let mut environment = BTreeMap::new();
    for (name, _) in table.iter() {
        let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !fits {
            return Err(fields.fault(
                name,
                "bad_variable_name",
                format!("{} cannot name a variable of the environment.", quoted(name)),
                "Use letters, figures and _, and begin with a letter.",
            ));
        }
        let value = fields.text(name)?.unwrap_or_default();
        if value.contains('\0') {
            return Err(fields.fault(
                name,
                "bad_variable",
                "A variable cannot hold a zero byte.",
                "Remove it.",
            ));
        }
        if looks_like_secret(name, value) {
            return Err(fields.fault(
                name,
                "secret_in_file",
                format!(
                    "The value of {name} looks like a key or password, and this file is kept in a history."
                ),
                "Remove the line, store the key in Settings → API keys, and replace it where it came from.",
            ));
        }
        environment.insert(name.to_owned(), value.to_owned());
    }
    Ok(environment)
}

/// `agent.toml` after a patch; what the patch does not name, and comments and unknown keys, stay byte for byte.
///
/// The prompt is another file: the caller writes `patch.prompt` to `prompt.md` as it is. Fails when the old or the new
/// text is no agent, or when a newer version wrote it.
pub fn edit_agent(id: &AgentId, toml: &str, patch: &AgentPatch) -> Read<String> {
    let path = path_of(id);
    let source = Source { path: &path, text: toml };
    let old = parse_agent(id, toml, "")?;
    if old.read_only {
        return Err(source.problem(
            None,
            Some("schema"),
            "newer_schema",
            "A newer version of Nox wrote this agent; it is shown read-only.",
            "Change it with that version, or in an editor.",
        ));
    }
    let old = old.agent;
    let news = old.patched(&AgentPatch { prompt: None, ..patch.clone() });
    if news == old {
        return Ok(toml.to_owned());
    }
    let new = edit(source, |document| {
        let root = document.as_table_mut();
        let mut text = |key, old: &str, new: &str| {
            if old != new {
                put(root, key, new.into());
            }
        };
        text("name", &old.name, &news.name);
        text("description", &old.description, &news.description);
        if old.enabled != news.enabled {
            put(root, "enabled", news.enabled.into());
        }
        if old.review != news.review {
            put(root, "review", news.review.into());
        }
        if old.capabilities != news.capabilities {
            put(root, "capabilities", Value::Array(news.capabilities.iter().collect::<Array>()));
        }
        if old.environment != news.environment
            && let Some(table) = child(root, "environment")
        {
            edit_environment(table, &old.environment, &news.environment);
        }
        if old.limits != news.limits
            && let Some(table) = child(root, "limits")
        {
            edit_limit(
                table,
                "max_concurrent_tasks",
                old.limits.max_concurrent_tasks,
                news.limits.max_concurrent_tasks,
            );
            edit_limit(table, "max_call_seconds", old.limits.max_call_seconds, news.limits.max_call_seconds);
        }
    })?;
    parse_agent(id, &new, "").map(|_| new)
}

/// The table below a key, made if it is not there; none if a value of another kind stands there.
fn child<'a>(root: &'a mut Table, key: &str) -> Option<&'a mut dyn TableLike> {
    root.entry(key).or_insert_with(|| Item::Table(Table::new())).as_table_like_mut()
}

fn edit_environment(
    table: &mut dyn TableLike,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) {
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        table.remove(name);
    }
    for (name, value) in new.iter().filter(|(name, value)| old.get(*name) != Some(value)) {
        put(table, name, value.as_str().into());
    }
}

fn edit_limit(table: &mut dyn TableLike, key: &str, old: Option<u32>, new: Option<u32>) {
    match new {
        _ if old == new => {}
        Some(number) => put(table, key, i64::from(number).into()),
        None => {
            table.remove(key);
        }
    }
}

/// The two files of a new agent: `agent.toml` and `prompt.md`.
///
/// Fails when the agent says what its file may not: no name, or a secret in its environment.
pub fn create_agent(agent: &Agent) -> Read<(String, String)> {
    let empty =
        format!("schema = {SCHEMA}\nname = \"{}\"\nruntime = \"{}\"\n", agent.id, agent.runtime.as_str());
    let patch = AgentPatch {
        name: Some(agent.name.clone()),
        description: Some(agent.description.clone()),
        prompt: None,
        enabled: Some(agent.enabled),
        review: Some(agent.review),
        capabilities: Some(agent.capabilities.clone()),
        environment: Some(agent.environment.clone()),
        limits: Some(agent.limits.clone()),
    };
    let toml = edit_agent(&agent.id, &empty, &patch)?;
    Ok((toml, agent.prompt.clone()))
}
