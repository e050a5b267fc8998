//! What went wrong, as people can act on it. A code first; words of the program only where it gives no code.

use nox_domain::{At, event::Problem, transcript::AgentFault};
use serde_json::Value;

/// Foreign text, with nothing in it that acts.
pub(super) fn shown(text: &str) -> String {
    nox_domain::terminal::harmless(text.as_bytes())
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

/// A problem with its words.
pub(super) fn problem(fault: AgentFault, said: &str, until: Option<At>) -> Problem {
    let said = shown(&said.chars().take(600).collect::<String>());
    let said = said.trim();
    let (what, todo) = words(fault);
    let message = if said.is_empty() { format!("{what}. {todo}") } else { format!("{what}: {said}. {todo}") };
    Problem::Agent { fault, message, until: until.filter(|_| fault == AgentFault::RateLimit) }
}

/// What a status of the model server means.
pub(super) fn fault_of(status: Option<u64>, said: &str) -> AgentFault {
    let says = |words: &[&str]| words.iter().any(|word| said.to_lowercase().contains(word));
    match status {
        Some(401 | 403) => AgentFault::BadKey,
        Some(429) => AgentFault::RateLimit,
        Some(529 | 503) => AgentFault::Overloaded,
        Some(413) => AgentFault::ContextFull,
        _ if says(&["prompt is too long", "context window", "context limit"]) => AgentFault::ContextFull,
        _ if says(&["not logged in", "please run /login"]) => AgentFault::NotSignedIn,
        _ if says(&["usage limit", "limit reached", "rate limit"]) => AgentFault::RateLimit,
        Some(500..) => AgentFault::Unreachable,
        None if says(&["connection", "econn", "enotfound", "timed out", "timeout", "socket"]) => {
            AgentFault::Unreachable
        }
        _ => AgentFault::Refused,
    }
}

fn words(fault: AgentFault) -> (&'static str, &'static str) {
    match fault {
        AgentFault::NotInstalled => (
            "Claude Code is not there",
            "Install it (npm install -g @anthropic-ai/claude-code), or name its path: command in [program] of agent.toml.",
        ),
        AgentFault::NotSignedIn => (
            "Claude Code is not signed in",
            "Run claude in a terminal and sign in, or store a key in Settings → API keys and name it: key in [program] of agent.toml.",
        ),
        AgentFault::BadKey => (
            "The model server does not take the key",
            "Store a good one in Settings → API keys, or sign in with claude in a terminal.",
        ),
        AgentFault::RateLimit => ("Too much was asked of the model server", "Wait, then ask again."),
        AgentFault::Overloaded => ("The model server has too much to do", "Ask again later."),
        AgentFault::ContextFull => (
            "The conversation is longer than the model can read",
            "Begin a new session, or ask for /compact.",
        ),
        AgentFault::Unreachable => {
            ("The model server does not answer", "Look whether the network is on and the address is right.")
        }
        AgentFault::Refused => ("The model server refused what was asked", "See what it says, and ask anew."),
        AgentFault::Protocol => {
            ("What Claude Code says is not understood", "Install a version that Nox was tested with.")
        }
        AgentFault::Crashed => ("Claude Code broke down", "See its last lines, and ask again."),
        AgentFault::Elsewhere => {
            ("Another session carries this conversation on", "Stop that one first, or start a new session.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn codes_come_before_words() {
        let cases = [
            (Some(401), "no luck", AgentFault::BadKey),
            (Some(429), "no luck", AgentFault::RateLimit),
            (Some(529), "no luck", AgentFault::Overloaded),
            (Some(400), "prompt is too long: 210000 tokens", AgentFault::ContextFull),
            (Some(400), "no luck", AgentFault::Refused),
            (None, "Not logged in · Please run /login", AgentFault::NotSignedIn),
            (None, "API Error: Connection refused (ECONNREFUSED)", AgentFault::Unreachable),
        ];
        for (status, said, fault) in cases {
            assert_eq!(fault_of(status, said), fault, "{status:?} {said}");
        }
    }

    #[test]
    fn a_problem_says_what_to_do_and_when() {
        let frame = json!({ "result": "API Error: 429 slow\u{1b}[2J", "api_error_status": 429 });
        let Problem::Agent { fault, message, until } = of_result(&frame, Some(At(5))) else {
            unreachable!("it is the agent's")
        };
        assert_eq!((fault, until), (AgentFault::RateLimit, Some(At(5))));
        assert!(
            message.contains("slow") && message.contains("Wait") && !message.contains('\u{1b}'),
            "{message}"
        );
    }
}
