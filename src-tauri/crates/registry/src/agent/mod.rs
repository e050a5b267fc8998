//! `agents/<id>/agent.toml` and `prompt.md`: an agent as people write it.

mod program;
mod services;

use crate::{
    SCHEMA,
    problem::{Source, quoted},
    secret::looks_like_secret,
    toml_text::{Fields, Read, edit, parse, put},
};
use nox_domain::{
    agent::{Agent, AgentPatch, Limits, Program, Runtime},
    ids::AgentId,
    life::{Life, OnCrash, OnDisconnect, Restart},
    rows::FileProblem,
};
use std::{collections::BTreeMap, path::Path};
use toml_edit::{Array, Item, Table, TableLike, Value};

const KEYS: &[&str] = &[
    "schema",
    "name",
    "description",
    "runtime",
    "enabled",
    "review",
    "capabilities",
    "folder",
    "skills",
    "environment",
    "program",
    "services",
    "limits",
    "life",
];
const LIFE_KEYS: &[&str] = &["on_disconnect", "on_crash", "restart", "stall_after_seconds", "wait_for_limit"];

/// The keys of `[limits]`, each with its place in [`Limits`].
const LIMITS: &[(&str, LimitField)] = &[
    ("max_concurrent_tasks", |limits| &mut limits.max_concurrent_tasks),
    ("max_call_seconds", |limits| &mut limits.max_call_seconds),
    ("max_memory_mb", |limits| &mut limits.max_memory_mb),
    ("max_cpu_percent", |limits| &mut limits.max_cpu_percent),
    ("max_processes", |limits| &mut limits.max_processes),
    ("max_spawn_rate", |limits| &mut limits.max_spawn_rate),
    ("max_depth", |limits| &mut limits.max_depth),
    ("max_wall_seconds", |limits| &mut limits.max_wall_seconds),
    ("max_output_mb", |limits| &mut limits.max_output_mb),
    ("max_disk_mb", |limits| &mut limits.max_disk_mb),
];
type LimitField = fn(&mut Limits) -> &mut Option<u32>;

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
    let parsed = read_agent(id, toml, prompt)?;
    let path = path_of(id);
    let source = Source { path: &path, text: toml };
    let document = parse(source)?;
    program::is_whole(&Fields { source, table: document.as_table(), prefix: "" }, &parsed.agent)?;
    Ok(parsed)
}

/// Reads what is there, whether or not it is enough to run.
fn read_agent(id: &AgentId, toml: &str, prompt: &str) -> Read<ParsedAgent> {
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
            let known: Vec<&str> = LIMITS.iter().map(|(key, _)| *key).collect();
            warnings.extend(fields.unknown(&known).map(|problem| *problem));
            read_limits(&fields)?
        }
    };
    let program = match root.table("program")? {
        None => Program::default(),
        Some(_) if !runtime.has_program() => {
            return Err(root.fault(
                "program",
                "no_program",
                format!("The runtime {} starts no program of its own.", quoted(runtime.as_str())),
                "Remove the table [program], or choose another runtime.",
            ));
        }
        Some(table) => {
            let fields = Fields { source, table, prefix: "program." };
            warnings.extend(fields.unknown(program::KEYS).map(|problem| *problem));
            program::read(&fields, runtime)?
        }
    };
    let services = services::read(&root, runtime, &mut warnings)?;
    let life = match root.table("life")? {
        None => Life::default(),
        Some(table) => {
            let fields = Fields { source, table, prefix: "life." };
            warnings.extend(fields.unknown(LIFE_KEYS).map(|problem| *problem));
            read_life(&fields)?
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
        folder: read_folder(&root)?,
        skills: read_skills(&root, runtime)?,
        environment: read_environment(&root)?,
        program,
        services,
        limits,
        life,
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

fn read_limits(fields: &Fields<'_>) -> Read<Limits> {
    let mut limits = Limits::default();
    for (key, field) in LIMITS {
        // With a depth of 0 an agent starts no sessions; 0 of anything else could do nothing.
        let least = u32::from(*key != "max_depth");
        *field(&mut limits) = fields.count_from(least, key)?;
    }
    Ok(limits)
}

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn read_life(fields: &Fields<'_>) -> Read<Life> {
    Ok(Life {
        on_disconnect: read_word(fields, "on_disconnect", OnDisconnect::ALL, OnDisconnect::as_str)?,
        on_crash: read_word(fields, "on_crash", OnCrash::ALL, OnCrash::as_str)?,
        restart: read_word(fields, "restart", Restart::ALL, Restart::as_str)?,
        stall_after_seconds: fields.count_from(0, "stall_after_seconds")?,
        wait_for_limit: fields.switch("wait_for_limit")?,
    })
}

/// One of a few words.
fn read_word<T: Copy>(
    fields: &Fields<'_>,
    key: &str,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Read<Option<T>> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    let found = all.iter().copied().find(|choice| word(*choice) == text);
    found.map(Some).ok_or_else(|| {
        let known = all.iter().map(|choice| format!("\"{}\"", word(*choice))).collect::<Vec<_>>();
        let message = format!("{} cannot stand for {key}.", quoted(text));
        fields.fault(key, "unknown_word", message, format!("Write {key} = {}.", known.join(" or ")))
    })
}

/// A whole path: what is not whole would count from wherever Nox was started.
fn read_folder(root: &Fields<'_>) -> Read<String> {
    let Some(folder) = root.text("folder")?.map(str::trim) else { return Ok(String::new()) };
    let is_whole = Path::new(folder).is_absolute() || folder == "~" || folder.starts_with("~/");
    if folder.is_empty() || is_whole && !folder.contains(char::is_control) {
        return Ok(folder.to_owned());
    }
    Err(root.fault(
        "folder",
        "bad_folder",
        format!("{} is no whole path of a folder.", quoted(folder)),
        "Write it from the root on, as in /home/you/notes, or from your home on, as in ~/notes.",
    ))
}

/// The longest name of a skill.
const SKILL_LETTERS: usize = 64;

fn read_skills(root: &Fields<'_>, runtime: Runtime) -> Read<Vec<String>> {
    let names = root.texts("skills")?.unwrap_or_default();
    if !names.is_empty() && !runtime.has_program() {
        return Err(root.fault(
            "skills",
            "no_skills",
            format!("The runtime {} has no model that could read skills.", quoted(runtime.as_str())),
            "Remove the line, or choose another runtime.",
        ));
    }
    let is_name = |name: &str| {
        (1..=SKILL_LETTERS).contains(&name.len())
            && !name.starts_with('-')
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    for (place, name) in names.iter().enumerate() {
        let what = if !is_name(name) {
            "cannot name a skill"
        } else if names[..place].contains(name) {
            "stands twice in skills"
        } else {
            continue;
        };
        return Err(root.fault(
            "skills",
            "bad_skill",
            format!("{} {what}.", quoted(name)),
            "Write the names of folders in skills/ of the registry: small letters, figures and -, 64 at most.",
        ));
    }
    Ok(names)
}

fn read_environment(root: &Fields<'_>) -> Read<BTreeMap<String, String>> {
    let Some(table) = root.table("environment")? else { return Ok(BTreeMap::new()) };
    let prefix = format!("{}environment.", root.prefix);
    let fields = Fields { source: root.source, table, prefix: &prefix };
    let mut environment = BTreeMap::new();
    for (name, _) in table.iter() {
        if !is_variable_name(name) {
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
    let old = read_agent(id, toml, "")?;
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
        let folder = |folder: &str| Some(folder.to_owned()).filter(|folder| !folder.is_empty());
        edit_value(root, "folder", folder(&old.folder), folder(&news.folder));
        program::edit_texts(root, "skills", &old.skills, &news.skills);
        if old.environment != news.environment
            && let Some(table) = child(root, "environment")
        {
            edit_environment(table, &old.environment, &news.environment);
        }
        if old.program != news.program
            && let Some(table) = child(root, "program")
        {
            program::edit(table, &old.program, &news.program);
        }
        if old.services != news.services
            && let Some(table) = child(root, "services")
        {
            services::edit(table, &old.services, &news.services);
        }
        if old.limits != news.limits
            && let Some(table) = child(root, "limits")
        {
            let (mut before, mut after) = (old.limits, news.limits);
            for (key, field) in LIMITS {
                edit_number(table, key, *field(&mut before), *field(&mut after));
            }
        }
        if old.life != news.life
            && let Some(table) = child(root, "life")
        {
            let (before, after) = (old.life, news.life);
            let words = [
                (
                    "on_disconnect",
                    before.on_disconnect.map(OnDisconnect::as_str),
                    after.on_disconnect.map(OnDisconnect::as_str),
                ),
                ("on_crash", before.on_crash.map(OnCrash::as_str), after.on_crash.map(OnCrash::as_str)),
                ("restart", before.restart.map(Restart::as_str), after.restart.map(Restart::as_str)),
            ];
            for (key, before, after) in words {
                edit_value(table, key, before, after);
            }
            edit_number(table, "stall_after_seconds", before.stall_after_seconds, after.stall_after_seconds);
            edit_value(table, "wait_for_limit", before.wait_for_limit, after.wait_for_limit);
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

fn edit_number(table: &mut dyn TableLike, key: &str, old: Option<u32>, new: Option<u32>) {
    edit_value(table, key, old.map(i64::from), new.map(i64::from));
}

fn edit_value<T: PartialEq + Into<Value>>(
    table: &mut dyn TableLike,
    key: &str,
    old: Option<T>,
    new: Option<T>,
) {
    match new {
        new if old == new => {}
        Some(value) => put(table, key, value.into()),
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
        folder: Some(agent.folder.clone()),
        skills: Some(agent.skills.clone()),
        environment: Some(agent.environment.clone()),
        program: Some(agent.program.clone()),
        services: Some(agent.services.clone()),
        limits: Some(agent.limits),
        life: Some(agent.life),
    };
    let toml = edit_agent(&agent.id, &empty, &patch)?;
    Ok((toml, agent.prompt.clone()))
}
