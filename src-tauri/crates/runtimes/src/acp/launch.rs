//! Starting a program: its command line, its environment, and what it is told of MCP servers.

use super::{homes::Dress, quirks::Preset};
use crate::{
    Start,
    child::{GRACE, environment, service_variable, without_keys},
    limits::of_tree,
};
use nox_domain::agent::Service;
use nox_process::{SpawnSpec, Stdin};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::{ffi::OsString, io, path::Path};
use tempfile::TempDir;

/// What to start, and what has to stay as long as it lives.
pub(super) struct Launch {
    pub(super) spec: SpawnSpec,
    /// What a new conversation gets besides.
    pub(super) meta: Option<Value>,
    /// Whether the program knows its model by then.
    pub(super) told_model: bool,
    /// Files of this run.
    pub(super) _root: TempDir,
}

/// The command line and environment of a run.
///
/// # Errors
/// The folder for files of runs cannot be written to.
pub(super) fn launch(start: &Start, preset: &'static Preset) -> io::Result<Launch> {
    let mut root = tempfile::Builder::new();
    // Whatever the umask says.
    #[cfg(unix)]
    root.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let root = root.tempdir_in(&start.temporary)?;
    let program = &start.program;
    let mut own: Vec<(String, OsString)> = Vec::new();
    let mut set = |name: &str, value: OsString| own.push((name.to_owned(), value));
    let wanted = program.provider.as_deref();
    let says_where = wanted.is_some() || program.address.is_some() || start.key.is_some();
    let access = match wanted {
        Some(wanted) => preset.access.iter().find(|access| access.provider == wanted),
        None => preset.access.first().filter(|_| says_where),
    };
    if let Some(access) = access {
        for (name, value) in access.more {
            set(name, value.into());
        }
        if let Some(address) = program.address.as_deref().filter(|_| !access.address.is_empty()) {
            set(access.address, format!("{}{}", address.trim_end_matches('/'), access.behind).into());
        }
        if let Some(key) = start.key.as_ref().filter(|_| !access.key.is_empty()) {
            set(access.key, key.expose_secret().into());
        }
    }
    let model = access.or(preset.access.first()).and_then(|access| access.model).zip(program.model.as_ref());
    if let Some((name, model)) = model {
        set(name, model.into());
    }
    let keys = key_variables(start, preset);
    if !keys.is_empty() {
        set("BASH_ENV", shell_file(root.path(), &keys)?);
    }
    for (name, key) in start.service_keys.iter().filter(|_| preset.expands) {
        if let Some(variable) = service_variable(start, name) {
            set(&variable, key.expose_secret().into());
        }
    }
    let mut environment = environment(start, preset.environment, own).into_iter().collect();
    let mut dress = Dress {
        start,
        root: root.path(),
        environment: &mut environment,
        told_model: model.is_some(),
        meta: None,
    };
    (preset.dress)(&mut dress)?;
    let (meta, told_model) = (dress.meta, dress.told_model);
    let arguments = match program.arguments.is_empty() {
        true => preset.arguments.iter().map(OsString::from).collect(),
        false => program.arguments.iter().map(OsString::from).collect(),
    };
    let spec = SpawnSpec {
        program: program.command.clone().unwrap_or_else(|| preset.command.to_owned()).into(),
        args: arguments,
        cwd: start.folder.clone(),
        env: environment.into_iter().collect(),
        stdin: Stdin::Piped,
        grace: GRACE,
        limits: of_tree(&start.limits),
    };
    Ok(Launch { spec, meta, told_model, _root: root })
}

/// All variables that may hold a key.
fn key_variables(start: &Start, preset: &Preset) -> Vec<String> {
    let own = preset.key_variables.iter().map(|name| (*name).to_owned());
    let services = start.service_keys.keys().filter(|_| preset.expands);
    own.chain(services.filter_map(|name| service_variable(start, name))).collect()
}

/// A file that bash reads before each command: there the keys go, so that commands do not inherit them.
fn shell_file(root: &Path, keys: &[String]) -> io::Result<OsString> {
    let path = root.join("shell.sh");
    std::fs::write(&path, format!("unset {}\n", keys.join(" ")))?;
    Ok(path.into())
}

/// The agent's MCP servers as the protocol has them, each with whether it is at an address.
pub(super) fn services(start: &Start, preset: &Preset) -> Vec<(bool, Value)> {
    let keys = key_variables(start, preset);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let all = start.services.iter().filter_map(|(name, service)| {
        let Service { command, arguments, environment, address, .. } = service;
        if let Some(command) = command {
            let pairs: Vec<Value> =
                environment.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
            let (command, arguments) = without_keys(command, arguments, &keys);
            let server = json!({ "name": name, "command": command, "args": arguments, "env": pairs });
            return Some((false, server));
        }
        let headers = start.service_keys.get(name).map(|key| {
            let variable = service_variable(start, name).filter(|_| preset.expands);
            let key = variable.map_or_else(|| key.expose_secret().to_owned(), |name| format!("${{{name}}}"));
            let value = format!("Bearer {key}");
            json!({ "name": "Authorization", "value": value })
        });
        let headers: Vec<Value> = headers.into_iter().collect();
        Some((true, json!({ "type": "http", "name": name, "url": address.as_ref()?, "headers": headers })))
    });
    all.collect()
}
