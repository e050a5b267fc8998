//! What goes wrong with Codex, in the words of [`crate::faults`].

use super::quirks::{PROGRAM, fault_of as fault_of_word};
use crate::faults;
use nox_domain::{At, event::Problem, transcript::AgentFault};
use serde_json::Value;

/// A problem with its words.
pub(super) fn problem(fault: AgentFault, said: &str, until: Option<At>) -> Problem {
    faults::problem(&PROGRAM, fault, said, until)
}

/// What an error of a turn says.
pub(super) fn of(error: &Value, signed_out: bool, until: Option<At>) -> Problem {
    problem(of_error(error, signed_out), &words(error), until)
}

/// What an error of a turn means: by its word, by the status of the model server, or by what it says.
pub(super) fn of_error(error: &Value, signed_out: bool) -> AgentFault {
    let info = &error["codexErrorInfo"];
    let fault = match info {
        Value::String(word) => fault_of_word(word),
        Value::Object(map) => map.values().next().map(|more| match more["httpStatusCode"].as_u64() {
            Some(status) => faults::fault_of(Some(status), &words(error)),
            None => AgentFault::Unreachable,
        }),
        _ => None,
    };
    let fault = fault.unwrap_or_else(|| faults::fault_of(None, &words(error)));
    if signed_out && fault == AgentFault::BadKey { AgentFault::NotSignedIn } else { fault }
}

/// What it says: while it tries again, only the details are about the error.
fn words(error: &Value) -> String {
    let text = |name: &str| error[name].as_str().filter(|text| !text.is_empty());
    text("additionalDetails").or(text("message")).unwrap_or_default().to_owned()
}

/// When limits that are used up are over.
pub(super) fn until(limits: &Value) -> Option<At> {
    let windows = ["primary", "secondary"].map(|name| &limits[name]);
    let is_reached =
        |window: &&&Value| window["usedPercent"].as_f64().is_some_and(|percent| percent >= 100.0);
    let resets = windows.iter().filter(is_reached).filter_map(|window| window["resetsAt"].as_i64());
    resets.max().and_then(|seconds| seconds.checked_mul(1000)).map(At)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_and_statuses_mean_what_they_say() {
        let cases = [
            (json!({ "codexErrorInfo": "contextWindowExceeded" }), AgentFault::ContextFull),
            (json!({ "codexErrorInfo": "usageLimitExceeded" }), AgentFault::RateLimit),
            (
                json!({ "codexErrorInfo": { "httpConnectionFailed": { "httpStatusCode": 401 } } }),
                AgentFault::BadKey,
            ),
            (json!({ "codexErrorInfo": { "x": { "httpStatusCode": 429 } } }), AgentFault::RateLimit),
            (json!({ "codexErrorInfo": { "x": { "httpStatusCode": null } } }), AgentFault::Unreachable),
            (json!({ "codexErrorInfo": "other", "message": "prompt is too long" }), AgentFault::ContextFull),
            (json!({ "codexErrorInfo": null, "message": "no luck" }), AgentFault::Refused),
            (json!(7), AgentFault::Refused),
        ];
        for (error, fault) in cases {
            assert_eq!(of_error(&error, false), fault, "{error}");
        }
        assert_eq!(of_error(&json!({ "codexErrorInfo": "unauthorized" }), true), AgentFault::NotSignedIn);
    }

    #[test]
    fn a_limit_that_is_used_up_says_when_it_is_over() {
        let window = |percent: u32, resets: i64| json!({ "usedPercent": percent, "resetsAt": resets });
        let limits = json!({ "primary": window(100, 5), "secondary": window(20, 9) });
        assert_eq!(until(&limits), Some(At(5_000)));
        assert_eq!(until(&json!({ "primary": window(99, 5), "secondary": null })), None);
        assert_eq!(until(&json!({ "primary": window(100, i64::MAX) })), None);
    }
}
