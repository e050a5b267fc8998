//! What goes wrong with an ACP program, in the words of [`crate::faults`].

use super::quirks::Preset;
use crate::{
    calls::cut,
    child::{Act, note},
    faults,
};
use nox_domain::{event::Problem, transcript::AgentFault};
use serde_json::Value;

pub(super) use crate::faults::shown;

/// The code with which a program says that somebody has to sign in first.
const AUTH_REQUIRED: i64 = -32_000;

/// The code with which a program says that something is not there.
const RESOURCE_NOT_FOUND: i64 = -32_002;

/// Some words of a program.
pub(super) fn short(said: &str) -> String {
    shown(cut(said, 600))
}

/// A note for people, in which words of the program may stand.
pub(super) fn noted(code: &str, text: String) -> Act {
    note(code, shown(&text))
}

/// An error that a request was answered with; with the same as it was told as a text before, if it was.
pub(super) fn of_error(preset: &Preset, error: &Value, before: Option<&str>) -> Problem {
    let said = match (said(error), before) {
        (said, Some(before)) => format!("{before}: {said}"),
        (said, None) => said,
    };
    let code = error["code"].as_i64().unwrap_or_default();
    // Some put the status of the model server in place of a code.
    let status =
        u64::try_from(code).ok().filter(|code| (400..600).contains(code)).or_else(|| status_in(&said));
    let fault = match code {
        AUTH_REQUIRED if status.is_none() && before.is_none() => AgentFault::NotSignedIn,
        _ => faults::fault_of(status, &said),
    };
    faults::problem(&preset.named, fault, &said, None)
}

/// Whether an error says that a conversation is not there. Any other may pass, and the conversation is kept.
pub(super) fn is_not_there(error: &Value) -> bool {
    let said = said(error).to_lowercase();
    let says = [
        "session not found",
        "no session",
        "unknown session",
        "no conversation",
        "invalid session",
        "no previous sessions",
    ];
    error["code"] == RESOURCE_NOT_FOUND || says.iter().any(|words| said.contains(words))
}

/// An error that the program told as if its agent had said it.
pub(super) fn of_text(preset: &Preset, said: &str) -> Problem {
    faults::problem(&preset.named, faults::fault_of(status_in(said), said), said, None)
}

/// An error in words: its message, and what is known beyond that.
pub(super) fn said(error: &Value) -> String {
    let message = error["message"].as_str().unwrap_or_default();
    let data = &error["data"];
    let more = [data, &data["details"], &data["message"], &data["error"]].into_iter().find_map(Value::as_str);
    match more.filter(|more| !message.contains(*more)) {
        Some(more) if message.is_empty() => more.to_owned(),
        Some(more) => format!("{message}: {more}"),
        None => message.to_owned(),
    }
}

/// A status of the model server that stands in a text: `status: 401`, `API Error: 429 …`, `status code 500`.
fn status_in(said: &str) -> Option<u64> {
    let lower = said.to_lowercase();
    for word in ["status code", "status", "api error", "error code", "code"] {
        for (place, _) in lower.match_indices(word) {
            let rest = lower.get(place + word.len()..)?.trim_start_matches([':', ' ', '=', '"', '(']);
            let figures: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let status = figures.parse().ok().filter(|status| (400..600).contains(status));
            if figures.len() == 3 && status.is_some() {
                return status;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_found_in_words() {
        let cases = [
            ("Authentication failed. Status: 401 Unauthorized. Response: slow down", Some(401)),
            ("API Error: 429 slow down", Some(429)),
            ("Request failed with status code 500", Some(500)),
            (r#"{"error":{"code":400,"message":"no"}}"#, Some(400)),
            ("status: 4010", None),
            ("the status was good, 401 times", None),
            ("Žluťoučký status", None),
        ];
        for (said, status) in cases {
            assert_eq!(status_in(said), status, "{said}");
        }
    }
}
