//! Starting the program: its command line and its environment.

use super::quirks::{
    ADDRESS_VARIABLE, ARGUMENTS, COMMAND, ENVIRONMENT, KEY_VARIABLE, KEY_VARIABLES, SHELL_FILE_VARIABLE,
};
use crate::{Start, child::GRACE, limits::of_tree};
use nox_process::{SpawnSpec, Stdin};
use secrecy::ExposeSecret;
use std::{ffi::OsString, io::Write};
use tempfile::NamedTempFile;

/// What to start, and what has to stay as long as it lives.
pub(super) struct Launch {
    pub(super) spec: SpawnSpec,
    /// Read by the program before each command.
    pub(super) _shell_file: NamedTempFile,
}

/// Which conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// A new one with this name.
    New(String),
    /// The one of this name.
    Resumed(String),
}

impl Which {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::New(name) | Self::Resumed(name) => name,
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
    }
    option("--permission-mode", program.mode.as_deref().unwrap_or("default"));
    if let Some(model) = &program.model {
        option("--model", model);
    }
    if let Some(effort) = &program.effort {
        option("--effort", effort);
    }
    let shell_file = shell_file()?;
    let spec = SpawnSpec {
        program: program.command.clone().unwrap_or_else(|| COMMAND.to_owned()).into(),
        args,
        cwd: start.folder.clone(),
        env: environment(start, &shell_file),
        stdin: Stdin::Piped,
        grace: GRACE,
        limits: of_tree(&start.limits),
    };
    Ok(Launch { spec, _shell_file: shell_file })
}

/// Takes keys away from commands, wherever they came from that the program runs. Only this user can write the file.
fn shell_file() -> std::io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("nox-claude-").suffix(".sh").tempfile()?;
    writeln!(file, "unset {}", KEY_VARIABLES.join(" "))?;
    Ok(file)
}

fn environment(start: &Start, shell_file: &NamedTempFile) -> Vec<(OsString, OsString)> {
    let passed: Vec<&str> = start.program.pass_environment.iter().map(String::as_str).collect();
    let mut environment = nox_process::allowed_environment(&passed);
    let mut set = |name: &str, value: OsString| {
        environment.retain(|(known, _)| known != name);
        environment.push((name.into(), value));
    };
    for (name, value) in ENVIRONMENT {
        set(name, value.into());
    }
    for (name, value) in &start.environment {
        set(name, value.into());
    }
    if let Some(address) = &start.program.address {
        set(ADDRESS_VARIABLE, address.into());
    }
    if let Some(key) = &start.key {
        set(KEY_VARIABLE, key.expose_secret().into());
    }
    set(SHELL_FILE_VARIABLE, shell_file.path().into());
    environment.sort();
    environment
}
