//! The table `[program]` of `agent.toml`: the program or the model that carries an agent, as each runtime takes it.

use super::{edit_value, is_variable_name, read_word};
use crate::{
    problem::quoted,
    secret::looks_like_secret,
    toml_text::{Fields, Read, put},
};
use nox_domain::agent::{Agent, CliTool, Program, PromptPlacement, Runtime};
use toml_edit::{Array, ArrayOfTables, Item, Table, TableLike, Value};

/// Every key of the table.
pub(super) const KEYS: &[&str] = &[
    "preset",
    "provider",
    "command",
    "arguments",
    "model",
    "mode",
    "effort",
    "prompt_placement",
    "address",
    "key",
    "pass_environment",
    "tools",
    "commands",
    "max_iterations",
    "context_tokens",
];

/// What a runtime takes: which keys, and words by the program's names for them.
struct Choices {
    /// Besides `address`, `key`, `model` and `pass_environment`, which all take.
    keys: &'static [&'static str],
    /// Empty for words that only the program knows.
    modes: &'static [&'static str],
    efforts: &'static [&'static str],
    /// Where the agent's prompt can go.
    placements: &'static [PromptPlacement],
}

/// Claude Code 2.1: `--permission-mode` without the one that asks nobody, `--effort`.
const CLAUDE: Choices = Choices {
    keys: &["command", "mode", "effort", "prompt_placement"],
    modes: &["default", "acceptEdits", "plan"],
    efforts: &["low", "medium", "high", "xhigh", "max"],
    placements: PromptPlacement::ALL,
};

/// Modes are those that the program tells; which providers it can be told of is known to its driver, and so is whether it has
/// a place for the agent's prompt. None lets its own be replaced.
const ACP: Choices = Choices {
    keys: &["preset", "provider", "command", "arguments", "mode", "prompt_placement"],
    modes: &[],
    efforts: &[],
    placements: &[PromptPlacement::Append, PromptPlacement::FirstPrompt],
};

/// Codex 0.169: `model_reasoning_effort`.
const CODEX: Choices = Choices {
    keys: &["command", "effort", "prompt_placement"],
    modes: &[],
    efforts: &["minimal", "low", "medium", "high", "xhigh"],
    placements: PromptPlacement::ALL,
};

const LLM: Choices = Choices {
    keys: &[
        "provider",
        "effort",
        "prompt_placement",
        "tools",
        "commands",
        "max_iterations",
        "context_tokens",
    ],
    modes: &[],
    efforts: &["low", "medium", "high"],
    placements: &[PromptPlacement::Append, PromptPlacement::Replace],
};

/// Of a runtime that starts no program.
const NONE: Choices = Choices { keys: &[], modes: &[], efforts: &[], placements: &[] };

/// Programs of which Nox knows the command line.
const PRESETS: &[&str] = &["opencode", "gemini", "goose", "qwen", "claude"];

/// Kinds of model servers.
const PROVIDERS: &[&str] = &["anthropic", "openai", "openai_responses", "openrouter", "ollama", "compatible"];

fn choices(runtime: Runtime) -> &'static Choices {
    match runtime {
        Runtime::Claude => &CLAUDE,
        Runtime::Acp => &ACP,
        Runtime::Codex => &CODEX,
        Runtime::Llm => &LLM,
        Runtime::Runbook | Runtime::Recorded => &NONE,
    }
}

/// Reads the table.
pub(super) fn read(fields: &Fields<'_>, runtime: Runtime) -> Read<Program> {
    let choices = choices(runtime);
    let common = ["address", "key", "model", "pass_environment"];
    let misplaced =
        |key: &&&str| !common.contains(key) && !choices.keys.contains(key) && fields.table.get(key).is_some();
    if let Some(key) = KEYS.iter().find(misplaced) {
        return Err(fields.fault(
            key,
            "no_such_setting",
            format!("The runtime {} has no setting {key}.", quoted(runtime.as_str())),
            "Remove the line, or choose another runtime.",
        ));
    }
    let address = text(fields, "address")?;
    is_address(fields, address.as_deref(), "a model server")?;
    let key = text(fields, "key")?;
    is_no_secret(fields, key.as_deref())?;
    let pass_environment = fields.texts("pass_environment")?.unwrap_or_default();
    if let Some(bad) = pass_environment.iter().find(|name| !is_variable_name(name)) {
        return Err(fields.fault(
            "pass_environment",
            "bad_variable_name",
            format!("{} cannot name a variable of the environment.", quoted(bad)),
            "Use letters, figures and _, and begin with a letter.",
        ));
    }
    Ok(Program {
        preset: choice(fields, "preset", PRESETS)?,
        provider: choice(fields, "provider", PROVIDERS)?,
        command: text(fields, "command")?,
        arguments: fields.texts("arguments")?.unwrap_or_default(),
        model: text(fields, "model")?,
        mode: choice(fields, "mode", choices.modes)?,
        effort: choice(fields, "effort", choices.efforts)?,
        prompt_placement: read_placement(fields, runtime)?,
        address,
        key,
        pass_environment,
        tools: fields.texts("tools")?,
        commands: read_commands(fields)?,
        max_iterations: fields.count_from(1, "max_iterations")?,
        context_tokens: fields.count_from(1_000, "context_tokens")?,
    })
}

/// Whether an agent has all that its runtime needs to start.
pub(super) fn is_whole(root: &Fields<'_>, agent: &Agent) -> Read<()> {
    let program = &agent.program;
    let missing = match agent.runtime {
        Runtime::Acp if program.preset.is_none() && program.command.is_none() => (
            "preset",
            "An agent of the runtime \"acp\" needs a program.",
            format!(
                "Write preset = \"…\" into [program], one of {}; or command and arguments.",
                PRESETS.join(", ")
            ),
        ),
        Runtime::Llm if program.provider.is_none() => (
            "provider",
            "An agent of the runtime \"llm\" needs a kind of model server.",
            format!("Write provider = \"…\" into [program], one of {}.", PROVIDERS.join(", ")),
        ),
        Runtime::Llm if program.model.is_none() => (
            "model",
            "An agent of the runtime \"llm\" needs a model.",
            "Write model = \"…\" into [program], as the model server names it.".to_owned(),
        ),
        Runtime::Llm if program.provider.as_deref() == Some("compatible") && program.address.is_none() => (
            "address",
            "A compatible model server needs an address.",
            "Write address = \"http://127.0.0.1:1234/v1\" into [program].".to_owned(),
        ),
        _ => return Ok(()),
    };
    let (key, message, hint) = missing;
    let mut problem = root.fault("runtime", "incomplete_program", message, hint);
    problem.field = Some(format!("program.{key}"));
    Err(problem)
}

fn read_placement(fields: &Fields<'_>, runtime: Runtime) -> Read<Option<PromptPlacement>> {
    const KEY: &str = "prompt_placement";
    let Some(placement) = read_word(fields, KEY, PromptPlacement::ALL, PromptPlacement::as_str)? else {
        return Ok(None);
    };
    let possible = choices(runtime).placements;
    if possible.contains(&placement) {
        return Ok(Some(placement));
    }
    let what = match placement {
        PromptPlacement::Append => "put the prompt behind its own",
        PromptPlacement::Replace => "put the prompt in place of its own",
        PromptPlacement::FirstPrompt => "put the prompt in front of the first one",
    };
    let words: Vec<_> = possible.iter().map(|word| format!("\"{}\"", word.as_str())).collect();
    Err(fields.fault(
        KEY,
        "no_such_placement",
        format!("The runtime {} cannot {what}.", quoted(runtime.as_str())),
        format!("Write {KEY} = {}, or remove the line.", words.join(" or ")),
    ))
}

fn read_commands(fields: &Fields<'_>) -> Read<Vec<CliTool>> {
    let Some(item) = fields.table.get("commands") else { return Ok(vec![]) };
    let Some(tables) = item.as_array_of_tables() else {
        let hint = "Write [[program.commands]] with name, command and readme.";
        return Err(fields.fault("commands", "wrong_type", "commands is no list of tables.", hint));
    };
    let mut tools: Vec<CliTool> = vec![];
    for table in tables {
        let fields = Fields { source: fields.source, table, prefix: "program.commands." };
        let needed = |key: &str| -> Read<String> {
            text(&fields, key)?.ok_or_else(|| {
                let hint = format!("Write {key} = \"…\".");
                fields.fault(key, "missing", format!("A command has no {key}."), hint)
            })
        };
        let name = needed("name")?;
        if !is_tool_name(&name) {
            let message = format!("{} cannot name a tool.", quoted(&name));
            return Err(fields.fault(
                "name",
                "bad_name",
                message,
                "Use letters, figures, _ and -, 64 at most.",
            ));
        }
        if tools.iter().any(|tool| tool.name == name) {
            let message = format!("There are two commands {}.", quoted(&name));
            return Err(fields.fault("name", "double_name", message, "Give one of them another name."));
        }
        let readme = fields.text("readme")?.unwrap_or_default().to_owned();
        tools.push(CliTool { name, command: needed("command")?, readme });
    }
    Ok(tools)
}

/// Names that every model server takes for a tool.
pub(super) fn is_tool_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// A text with something in it.
pub(super) fn text(fields: &Fields<'_>, key: &str) -> Read<Option<String>> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        let hint = format!("Write {key} = \"…\", or remove the line.");
        return Err(fields.fault(key, "empty_text", format!("There is nothing in {key}."), hint));
    }
    Ok(Some(text.to_owned()))
}

/// One of a few words; any word when none are known.
fn choice(fields: &Fields<'_>, key: &str, known: &[&str]) -> Read<Option<String>> {
    let Some(text) = text(fields, key)? else { return Ok(None) };
    if known.is_empty() || known.contains(&text.as_str()) {
        return Ok(Some(text));
    }
    let words = known.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
    let message = format!("{} cannot stand for {key}.", quoted(&text));
    Err(fields.fault(key, "unknown_word", message, format!("Write {key} = {words}.")))
}

/// An address is one of the web.
pub(super) fn is_address(fields: &Fields<'_>, address: Option<&str>, of: &str) -> Read<()> {
    match address.filter(|at| !at.starts_with("http://") && !at.starts_with("https://")) {
        None => Ok(()),
        Some(bad) => Err(fields.fault(
            "address",
            "bad_address",
            format!("{} is no address of {of}.", quoted(bad)),
            "Begin it with https:// or http://.",
        )),
    }
}

/// The name of a key, and not the key.
pub(super) fn is_no_secret(fields: &Fields<'_>, key: Option<&str>) -> Read<()> {
    match key.filter(|key| looks_like_secret("name", key)) {
        None => Ok(()),
        Some(bad) => Err(fields.fault(
            "key",
            "secret_in_file",
            format!(
                "This looks like a key itself ({} letters), and this file is kept in a history.",
                bad.len()
            ),
            "Store the key in Settings → API keys, write its name here, and replace it where it came from.",
        )),
    }
}

/// Changes what is not the same, and leaves the other lines.
pub(super) fn edit(table: &mut dyn TableLike, old: &Program, new: &Program) {
    let mut text = |key, old: &Option<String>, new: &Option<String>| {
        edit_value(table, key, old.as_deref(), new.as_deref());
    };
    text("preset", &old.preset, &new.preset);
    text("provider", &old.provider, &new.provider);
    text("command", &old.command, &new.command);
    text("model", &old.model, &new.model);
    text("mode", &old.mode, &new.mode);
    text("effort", &old.effort, &new.effort);
    let placement = |program: &Program| program.prompt_placement.map(|it| it.as_str().to_owned());
    text("prompt_placement", &placement(old), &placement(new));
    text("address", &old.address, &new.address);
    text("key", &old.key, &new.key);
    edit_texts(table, "arguments", &old.arguments, &new.arguments);
    edit_texts(table, "pass_environment", &old.pass_environment, &new.pass_environment);
    match &new.tools {
        tools if *tools == old.tools => {}
        Some(tools) => put(table, "tools", Value::Array(tools.iter().collect::<Array>())),
        None => drop(table.remove("tools")),
    }
    if old.commands != new.commands {
        edit_commands(table, &new.commands);
    }
    edit_value(table, "max_iterations", old.max_iterations.map(i64::from), new.max_iterations.map(i64::from));
    edit_value(table, "context_tokens", old.context_tokens.map(i64::from), new.context_tokens.map(i64::from));
}

/// Each command keeps its own table with what else stands in it.
fn edit_commands(table: &mut dyn TableLike, new: &[CliTool]) {
    let name_of = |table: &Table| table.get("name").and_then(Item::as_str).map(str::to_owned);
    let old = table.get("commands").and_then(Item::as_array_of_tables).cloned().unwrap_or_default();
    let in_order =
        old.iter().filter_map(name_of).eq(new.iter().take(old.len()).map(|tool| tool.name.clone()));
    let tables = new.iter().map(|tool| {
        let found = old.iter().find(|table| name_of(table).as_ref() == Some(&tool.name));
        let mut table = found.cloned().unwrap_or_default();
        if !in_order {
            table.set_position(None);
        }
        for (key, value) in [("name", &tool.name), ("command", &tool.command), ("readme", &tool.readme)] {
            let is_same = table.get(key).and_then(Item::as_str).unwrap_or_default() == value;
            if !is_same {
                put(&mut table, key, value.as_str().into());
            }
        }
        table
    });
    let tables: ArrayOfTables = tables.collect();
    match tables.is_empty() {
        true => drop(table.remove("commands")),
        false => drop(table.insert("commands", Item::ArrayOfTables(tables))),
    }
}

/// A list of texts; an empty one has no line.
pub(super) fn edit_texts(table: &mut dyn TableLike, key: &str, old: &[String], new: &[String]) {
    match new {
        new if new == old => {}
        [] => drop(table.remove(key)),
        new => put(table, key, Value::Array(new.iter().collect::<Array>())),
    }
}
