//! The environment of a child: a short list of names, then what the driver, the agent and the person say.

use crate::Start;
use std::ffi::OsString;

/// The allow-listed environment with what the agent passes on; then `quirks` of the program, the agent's own names, and `own`
/// of the driver, each stronger than the one before.
pub(crate) fn environment(
    start: &Start,
    quirks: &[(&str, &str)],
    own: impl IntoIterator<Item = (String, OsString)>,
) -> Vec<(OsString, OsString)> {
    let passed: Vec<&str> = start.program.pass_environment.iter().map(String::as_str).collect();
    let mut environment = nox_process::allowed_environment(&passed);
    let mut set = |name: &str, value: OsString| {
        environment.retain(|(known, _)| known != name);
        environment.push((name.into(), value));
    };
    for (name, value) in quirks {
        set(name, value.into());
    }
    for (name, value) in &start.environment {
        set(name, value.into());
    }
    for (name, value) in own {
        set(&name, value);
    }
    environment.sort();
    environment
}

/// What the names begin with of variables that have the keys of services.
const SERVICE_KEY_VARIABLE: &str = "NOX_SERVICE_KEY_";

/// The variable that has the key of a service, if it has one.
pub(crate) fn service_variable(start: &Start, name: &str) -> Option<String> {
    let place = start.service_keys.keys().position(|known| known == name)?;
    Some(format!("{SERVICE_KEY_VARIABLE}{place}"))
}

/// A command of which the environment has none of these variables, although the program that starts it has them.
pub(crate) fn without_keys(command: &str, arguments: &[String], keys: &[&str]) -> (String, Vec<String>) {
    if cfg!(not(unix)) || keys.is_empty() {
        return (command.to_owned(), arguments.to_vec());
    }
    let unset = keys.iter().flat_map(|key| ["-u".to_owned(), (*key).to_owned()]);
    let rest = std::iter::once(command.to_owned()).chain(arguments.iter().cloned());
    ("/usr/bin/env".to_owned(), unset.chain(rest).collect())
}
