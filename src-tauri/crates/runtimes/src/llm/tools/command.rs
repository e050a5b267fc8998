//! A program that the agent's settings declare as a tool: the model gives its arguments, one by one, without a shell.

use super::{Desk, Look, Work, call, object, shell};
use crate::llm::wire::Offered;
use nox_domain::{agent::CliTool, tool::ToolKind};
use serde_json::{Value, json};

/// Of a readme so much is shown to the model.
const README_BYTES: usize = 16 * 1024;

pub(super) fn offered(tool: &CliTool) -> Offered {
    let arguments = json!({ "type": "array", "items": { "type": "string" },
        "description": "Its arguments, one by one; no shell reads them" });
    let readme = crate::llm::budget::cut_middle(&tool.readme, README_BYTES);
    Offered {
        name: tool.name.clone(),
        description: format!("Runs {} on this computer. {readme}", tool.command),
        schema: object(&[("arguments", arguments)], 0),
    }
}

pub(super) fn look(tool: &CliTool, input: &Value, desk: &Desk) -> Result<Look, String> {
    let given = match input.get("arguments") {
        None | Some(Value::Null) => vec![],
        Some(Value::Array(given)) => given.clone(),
        Some(_) => return Err("arguments has to be a list of texts".into()),
    };
    let mut arguments = Vec::new();
    for argument in given {
        match argument {
            Value::String(text) if !text.contains('\0') => arguments.push(text),
            Value::Number(number) => arguments.push(number.to_string()),
            _ => return Err("arguments has to be a list of texts".into()),
        }
    }
    // A command that is declared may bring arguments of its own.
    let mut words = tool.command.split_whitespace().map(str::to_owned);
    let program = words.next().ok_or_else(|| format!("{} has no command", tool.name))?;
    let args: Vec<String> = words.chain(arguments).collect();
    let text = std::iter::once(&program).chain(&args).map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let mut call = call(ToolKind::Execute, format!("{}: {text}", tool.name), input, desk);
    call.text = text;
    call.shell = desk.shell.into();
    let environment = shell::bind(&mut call, None, desk);
    let args = args.into_iter().map(Into::into).collect();
    Ok(Look { call, work: Work::Program { program: program.into(), args, environment } })
}

/// A word as a shell would read it, so that the rules of the policy see what they know.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,+@%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
