//! What goes wrong with Claude Code, in the words of [`crate::faults`].

use crate::faults::{self, Named};
use nox_domain::{At, event::Problem, transcript::AgentFault};
use serde_json::Value;

pub(super) use crate::faults::{fault_of, shown};

/// The program, in the words that a person is told.
pub(super) const PROGRAM: Named = Named {
    title: super::quirks::TITLE,
    install: "Install it (npm install -g @anthropic-ai/claude-code)",
    sign_in: "Run claude in a terminal and sign in",
    shorten: "ask for /compact",
};

/// A problem with its words.
pub(super) fn problem(fault: AgentFault, said: &str, until: Option<At>) -> Problem {
    faults::problem(&PROGRAM, fault, said, until)
}

/// What a failed turn says.
pub(super) fn of_result(frame: &Value, until: Option<At>) -> Problem {
    let said = frame["result"].as_str().map(str::to_owned).or_else(|| {
        let errors = frame["errors"].as_array()?;
        Some(errors.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"))
    });
    let said = said.filter(|said| !said.is_empty());
    let said = said.or_else(|| frame["subtype"].as_str().map(str::to_owned)).unwrap_or_default();
    problem(fault_of(frame["api_error_status"].as_u64(), &said), &said, until)
}
