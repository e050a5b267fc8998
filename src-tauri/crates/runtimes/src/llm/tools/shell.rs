//! Runs a command in a shell, in a process tree of its own: nothing carries over, and what it leaves running is ended.

use super::{Desk, Look, Tool, Work, call, integer, number, object, string, text};
use crate::calls::hash;
use nox_domain::tool::{ToolCall, ToolKind, environment_hash};
use serde_json::{Value, json};
use std::ffi::OsString;

pub(super) const TOOL: Tool = Tool {
    name: "shell",
    description: "Runs a command with bash in the session's folder. Each call is a fresh shell without input; what it \
                  leaves running in the background is ended with it.",
    schema: || {
        let fields = [
            ("command", string("The command")),
            ("description", string("What it is for, in a few words")),
            ("timeout", integer("Seconds until it is ended; 120 when it is left out")),
        ];
        object(&fields, 1)
    },
    look,
};

/// Seconds of a command for which nobody says anything.
pub(super) const SECONDS: u32 = 120;

fn look(input: &Value, desk: &Desk) -> Result<Look, String> {
    let command = text(input, "command")?;
    if command.trim().is_empty() {
        return Err("the command is empty".into());
    }
    let title = input["description"].as_str().filter(|title| !title.trim().is_empty()).unwrap_or(command);
    let mut call = call(ToolKind::Execute, title.to_owned(), input, desk);
    command.clone_into(&mut call.text);
    call.shell = desk.shell.into();
    // The text is all that would run, unless something unknown stands beside it.
    let known = json!({ "command": input["command"], "description": input["description"],
        "timeout": input["timeout"] });
    let is_known = input.as_object().is_some_and(|input| input.keys().all(|key| known.get(key).is_some()));
    call.input_hash = if is_known { String::new() } else { hash(input) };
    let wanted = number(input, "timeout")?.map(|seconds| u32::try_from(seconds.max(1)).unwrap_or(u32::MAX));
    let environment = bind(&mut call, wanted, desk);
    let args = vec!["-c".into(), command.into()];
    Ok(Look { call, work: Work::Program { program: desk.shell.into(), args, environment } })
}

/// Binds the environment and the time of a program to its call.
pub(super) fn bind(call: &mut ToolCall, wanted: Option<u32>, desk: &Desk) -> Vec<(OsString, OsString)> {
    let seconds = wanted.unwrap_or(SECONDS);
    call.timeout_seconds = Some(desk.max_call_seconds.map_or(seconds, |most| seconds.min(most)));
    let shown: Vec<(String, String)> = desk
        .environment
        .iter()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect();
    call.environment = shown.iter().map(|(name, _)| name.clone()).collect();
    call.environment_hash =
        environment_hash(shown.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    desk.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}
