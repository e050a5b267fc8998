//! Starting the program: its command line and its environment.

use super::quirks::{
    ADDRESS_VARIABLE, ARGUMENTS, COMMAND, ENVIRONMENT, KEY_VARIABLE, KEY_VARIABLES, SHELL_FILE_VARIABLE,
};
use crate::{
    Start,
    child::{GRACE, environment, service_variable, without_keys},
    limits::of_tree,
};
use nox_process::{SpawnSpec, Stdin};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, ffi::OsString, io::Write};
use tempfile::NamedTempFile;

/// What to start, and what has to stay as long as it lives.
pub(super) struct Launch {
    pub(super) spec: SpawnSpec,
    /// Read by the program before each command, and its MCP servers.
    pub(super) _files: [NamedTempFile; 2],
}

/// Which conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// A new one with this name.
    New(String),
    /// The one of this name.
    Resumed(String),
    /// A copy of one, and the name of the copy.
    Forked { of: String, name: String },
}

impl Which {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::New(name) | Self::Resumed(name) | Self::Forked { name, .. } => name,
        }
    }
}

/// The command line and environment of a run.
///
/// # Errors
/// The temporary folder cannot be written to.
pub(super) fn launch(start: &Start, which: &Which) -> std::io::Result<Launch> {
    let program = &start.program;
    let mut args: Vec<OsString> = ARGUMENTS.iter().map(OsString::from).collect();
    let mut option = |name: &str, value: &str| args.extend([OsString::from(name), OsString::from(value)]);
    match which {
        Which::New(name) => option("--session-id", name),
        Which::Resumed(name) => option("--resume", name),
        Which::Forked { of, name } => {
            option("--resume", of);
            option("--session-id", name);
        }
    }
    option("--permission-mode", program.mode.as_deref().unwrap_or("default"));
    if let Some(model) = &program.model {
        option("--model", model);
    }
    if let Some(effort) = &program.effort {
        option("--effort", effort);
    }
    if matches!(which, Which::Forked { .. }) {
        args.push("--fork-session".into());
    }
    let (shell_file, servers) = (shell_file(start)?, servers(start)?);
    args.extend(["--mcp-config".into(), servers.path().into()]);
    let spec = SpawnSpec {
        program: program.command.clone().unwrap_or_else(|| COMMAND.to_owned()).into(),
        args,
        cwd: start.folder.clone(),
        env: environment(start, ENVIRONMENT, own(start, &shell_file)),
        stdin: Stdin::Piped,
        grace: GRACE,
        limits: of_tree(&start.limits),
    };
    Ok(Launch { spec, _files: [shell_file, servers] })
}

/// The variables that hold keys of services, by the services' names.
fn service_keys(start: &Start) -> impl Iterator<Item = (&String, String, &SecretString)> {
    let keys = start.service_keys.iter();
    // In the file of its MCP servers it fills in variables by their names (measured with 2.1.329).
    keys.filter_map(|(service, key)| Some((service, service_variable(start, service)?, key)))
}

/// All variables that may hold a key.
fn key_variables(start: &Start) -> Vec<String> {
    let own = KEY_VARIABLES.iter().map(|name| (*name).to_owned());
    own.chain(service_keys(start).map(|(_, name, _)| name)).collect()
}

/// Takes keys away from commands, wherever they came from that the program runs. Only this user can write the file.
fn shell_file(start: &Start) -> std::io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().suffix(".sh").tempfile_in(&start.temporary)?;
    writeln!(file, "unset {}", key_variables(start).join(" "))?;
    Ok(file)
}

/// The agent's MCP servers: in a file, since everybody sees a command line. It outlives a program that is killed with Nox, until
/// Nox starts again, so a key is only named in it: the program takes it from its environment.
fn servers(start: &Start) -> std::io::Result<NamedTempFile> {
    let variables = key_variables(start);
    let variables: Vec<&str> = variables.iter().map(String::as_str).collect();
    let names: BTreeMap<_, _> = service_keys(start).map(|(service, name, _)| (service, name)).collect();
    let each = start.services.iter().filter_map(|(name, service)| {
        let server = match (&service.command, &service.address) {
            (Some(command), _) => {
                let (command, arguments) = without_keys(command, &service.arguments, &variables);
                json!({ "type": "stdio", "command": command, "args": arguments, "env": service.environment })
            }
            (None, address) => {
                let key = names.get(name);
                let headers = key.map(|key| json!({ "Authorization": format!("Bearer ${{{key}}}") }));
                json!({ "type": "http", "url": address.as_ref()?, "headers": headers.unwrap_or_else(|| json!({})) })
            }
        };
        Some((name.clone(), server))
    });
    let each: Map<String, Value> = each.collect();
    let mut file = tempfile::Builder::new().suffix(".json").tempfile_in(&start.temporary)?;
    writeln!(file, "{}", json!({ "mcpServers": each }))?;
    Ok(file)
}

fn own(start: &Start, shell_file: &NamedTempFile) -> Vec<(String, OsString)> {
    let address = start.program.address.iter().map(|address| (ADDRESS_VARIABLE, address.into()));
    let key = start.key.iter().map(|key| (KEY_VARIABLE, key.expose_secret().into()));
    let file = [(SHELL_FILE_VARIABLE, shell_file.path().into())];
    let services = service_keys(start).map(|(_, name, key)| (name, key.expose_secret().into()));
    let own = address.chain(key).chain(file).map(|(name, value)| (name.to_owned(), value));
    own.chain(services).collect()
}
