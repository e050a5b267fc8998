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
