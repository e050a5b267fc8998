//! The tools that Nox gives to a model. Each says what it is, finds out without any effect what a call of it would do,
//! and has the work ready that does exactly that.
//!
//! Files: [`read`], [`write`], [`edit`], [`list`], [`search`]. Programs: [`shell`], [`command`]. The network: [`fetch`].
//! People: [`ask`], [`todo`]. Those of MCP servers stand in `services`.

mod ask;
mod command;
mod edit;
mod fetch;
mod list;
mod place;
mod read;
mod search;
mod shell;
#[cfg(test)]
mod tests;
mod todo;
mod walk;
mod write;

pub(super) use ask::answered;
pub(super) use fetch::fetch;

use super::{image::Image, wire::Offered};
use crate::calls::{first_line, hash, plain};
use nox_domain::{
    agent::Program,
    tool::{ToolCall, ToolKind},
    transcript::PlanStep,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, sync::atomic::AtomicBool};

/// Where calls happen and with what.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    /// The session's folder.
    pub(super) folder: PathBuf,
    /// `bash` where it is, else `sh`.
    pub(super) shell: &'static str,
    /// What programs get.
    pub(super) environment: BTreeMap<OsString, OsString>,
    /// Seconds for a call that says nothing itself.
    pub(super) max_call_seconds: Option<u32>,
}

/// What a call would do, and the work that does it.
#[derive(Debug)]
pub(super) struct Look {
    /// Without its key.
    pub(super) call: ToolCall,
    pub(super) work: Work,
}

/// What is done once a call is allowed.
pub(super) enum Work {
    /// With files, on a thread that may wait for a disk; it ends soon when the switch is set.
    Files(Box<dyn FnOnce(&AtomicBool) -> Outcome + Send>),
    /// A program in a process tree of its own.
    Program { program: OsString, args: Vec<OsString>, environment: Vec<(OsString, OsString)> },
    /// An address.
    Fetch(reqwest::Url),
    /// A person answers; the answers come with the permission. What is asked, by the id of the question.
    Ask(Vec<(String, String)>),
    /// A plan.
    Plan(Vec<PlanStep>),
    /// The tool of an MCP server.
    Service { service: String, tool: String, input: serde_json::Map<String, Value> },
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Files(_) => "Files",
            Self::Program { .. } => "Program",
            Self::Fetch(_) => "Fetch",
            Self::Ask(_) => "Ask",
            Self::Plan(_) => "Plan",
            Self::Service { .. } => "Service",
        })
    }
}

/// What work came to: for the model and for people the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Outcome {
    pub(super) text: String,
    pub(super) failed: bool,
    /// What the model is shown besides, if it takes images; the text names them.
    pub(super) images: Vec<Image>,
}

impl Outcome {
    pub(super) fn of(result: Result<String, String>) -> Self {
        match result {
            Ok(text) => Self { text, ..Self::default() },
            Err(text) => Self::failed(text),
        }
    }

    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), failed: true, images: vec![] }
    }
}

/// A built-in tool.
struct Tool {
    name: &'static str,
    description: &'static str,
    schema: fn() -> Value,
    look: fn(&Value, &Desk) -> Result<Look, String>,
}

/// All of them, in the order in which a model is told.
const TOOLS: &[Tool] = &[
    read::TOOL,
    write::TOOL,
    edit::TOOL,
    list::TOOL,
    search::TOOL,
    shell::TOOL,
    fetch::TOOL,
    ask::TOOL,
    todo::TOOL,
];

/// The built-in tools of an agent, and the programs that it declares.
pub(super) fn offered(program: &Program) -> Vec<Offered> {
    let chosen =
        |name: &str| program.tools.as_ref().is_none_or(|tools| tools.iter().any(|tool| tool == name));
    let built_in = TOOLS.iter().filter(|tool| chosen(tool.name)).map(|tool| Offered {
        name: tool.name.into(),
        description: tool.description.into(),
        schema: (tool.schema)(),
    });
    let declared = program.commands.iter().filter(|command| find(&command.name).is_none());
    built_in.chain(declared.map(command::offered)).collect()
}

/// What people are told of names in an agent that stand for no tool: those that are chosen and not there, and declared
/// programs whose name a built-in tool has already.
pub(super) fn left_out(program: &Program) -> impl Iterator<Item = String> {
    let chosen = program.tools.iter().flatten().map(String::as_str);
    let unknown: Vec<&str> = chosen.filter(|name| find(name).is_none()).collect();
    let declared = program.commands.iter().map(|command| command.name.as_str());
    let hidden: Vec<&str> = declared.filter(|name| find(name).is_some()).collect();
    let unknown = (!unknown.is_empty())
        .then(|| format!("There are no tools of these names, so they are left out: {}.", unknown.join(", ")));
    let hidden = (!hidden.is_empty()).then(|| {
        format!(
            "Commands of the agent that have the name of a tool of Nox are left out: {}. Give them other names.",
            hidden.join(", ")
        )
    });
    unknown.into_iter().chain(hidden)
}

fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// What a call would do. Reads, and changes nothing.
///
/// # Errors
/// Why it cannot be, for the model.
pub(super) fn look(name: &str, input: &Value, desk: &Desk, program: &Program) -> Result<Look, String> {
    if !input.is_object() {
        return Err("the input of a tool has to be a JSON object".into());
    }
    let is_offered = offered(program).iter().any(|tool| tool.name == name);
    let mut look = match (find(name), program.commands.iter().find(|command| command.name == name)) {
        _ if !is_offered => return Err(format!("there is no tool {name}")),
        (Some(tool), _) => (tool.look)(input, desk)?,
        (None, Some(declared)) => command::look(declared, input, desk)?,
        (None, None) => return Err(format!("there is no tool {name}")),
    };
    look.call.title = first_line(&look.call.title);
    Ok(look)
}

/// A call of this kind in the session's folder, bound to all of its input.
pub(super) fn call(kind: ToolKind, title: String, input: &Value, desk: &Desk) -> ToolCall {
    ToolCall {
        kind,
        title,
        text: plain(input),
        folder: desk.folder.display().to_string(),
        sandbox: "none".into(),
        continue_on_failure: true,
        input_hash: hash(input),
        ..ToolCall::default()
    }
}

/// A text that has to be there.
fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, String> {
    match input.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("{name} has to be a text")),
        None => Err(format!("{name} is missing")),
    }
}

/// A number that may be there; models write them as texts, too.
fn number(input: &Value, name: &str) -> Result<Option<u64>, String> {
    match input.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_u64()
            .or_else(|| value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64))
            .or_else(|| value.as_str()?.trim().parse().ok())
            .map(Some)
            .ok_or_else(|| format!("{name} has to be a number of 0 or more")),
    }
}

/// A switch that may be there.
fn switch(input: &Value, name: &str) -> bool {
    input[name] == true || input[name] == "true"
}

/// The schema of an object with these fields; the first so many have to be there.
fn object(fields: &[(&str, Value)], required: usize) -> Value {
    let properties: serde_json::Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<&str> = fields.iter().take(required).map(|(name, _)| *name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn string(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn integer(description: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": description })
}

fn boolean(description: &str) -> Value {
    json!({ "type": "boolean", "description": description })
}
