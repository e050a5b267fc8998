//! What goes wrong with an agent program or its model server, as people can act on it. A code first; words of the program only
//! where it gives no code.

use crate::calls::cut;
use nox_domain::{At, event::Problem, terminal::harmless, transcript::AgentFault};

/// Of a program's words so much is shown.
const SAID_BYTES: usize = 2_000;

/// A program, in the words that a person is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named {
    /// Its name.
    pub(crate) title: &'static str,
    /// How it is installed, as a sentence without its full stop.
    pub(crate) install: &'static str,
    /// How one signs in, likewise.
    pub(crate) sign_in: &'static str,
    /// What shortens a conversation that is too long, likewise.
    pub(crate) shorten: &'static str,
}

/// Foreign text, with nothing in it that acts.
pub(crate) fn shown(text: &str) -> String {
    harmless(text.as_bytes())
}

/// A problem with its words.
pub(crate) fn problem(program: &Named, fault: AgentFault, said: &str, until: Option<At>) -> Problem {
    let said = shown(cut(said, SAID_BYTES));
    let said = said.trim().trim_end_matches('.');
    let (what, todo) = words(program, fault);
    let message = if said.is_empty() { format!("{what}. {todo}") } else { format!("{what}: {said}. {todo}") };
    Problem::Agent { fault, message, until: until.filter(|_| fault == AgentFault::RateLimit) }
}

/// What a status of the model server means, and without one the words.
pub(crate) fn fault_of(status: Option<u64>, said: &str) -> AgentFault {
    let said = said.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match status {
        Some(401 | 403) => AgentFault::BadKey,
        Some(429) => AgentFault::RateLimit,
        Some(529 | 503) => AgentFault::Overloaded,
        Some(413) => AgentFault::ContextFull,
        _ if says(&["prompt is too long", "context window", "context limit", "context length"]) => {
            AgentFault::ContextFull
        }
        _ if says(&["not logged in", "please run /login"]) => AgentFault::NotSignedIn,
        // Some tell what the model server said, and not its status.
        None if says(&["x-api-key", "invalid api key", "incorrect api key", "unauthorized"]) => {
            AgentFault::BadKey
        }
        _ if says(&["usage limit", "limit reached", "rate limit"]) => AgentFault::RateLimit,
        Some(500..) => AgentFault::Unreachable,
        None if says(&[
            "connection",
            "connect to",
            "econn",
            "enotfound",
            "timed out",
            "timeout",
            "socket",
            "fetch failed",
        ]) =>
        {
            AgentFault::Unreachable
        }
        _ => AgentFault::Refused,
    }
}

fn words(program: &Named, fault: AgentFault) -> (String, String) {
    let Named { title, install, sign_in, shorten } = program;
    let said = |what: &str, todo: &str| (what.to_owned(), todo.to_owned());
    match fault {
        AgentFault::NotInstalled => {
            (format!("{title} is not there"), format!("{install}, or name its path as Command of its agent."))
        }
        AgentFault::NotSignedIn => (
            format!("{title} is not signed in"),
            format!("{sign_in}, or store a key in Settings → API keys and choose it as Key of its agent."),
        ),
        AgentFault::BadKey => (
            "The model server does not take the key".to_owned(),
            format!("Store a good one in Settings → API keys. Without a key: {sign_in}."),
        ),
        AgentFault::RateLimit => said("Too much was asked of the model server", "Wait, then ask again."),
        AgentFault::Overloaded => said("The model server has too much to do", "Ask again later."),
        AgentFault::ContextFull => (
            "The conversation is longer than the model can read".to_owned(),
            format!("Begin a new session, or {shorten}."),
        ),
        AgentFault::Unreachable => said(
            "The model server does not answer",
            "Look whether the network is on and the address is right.",
        ),
        AgentFault::Refused => {
            said("The model server refused what was asked", "See what it says, and ask anew.")
        }
        AgentFault::Protocol => (
            format!("What {title} says is not understood"),
            "Install a version that Nox was tested with.".to_owned(),
        ),
        AgentFault::Crashed => {
            (format!("{title} broke down"), "See its last lines, and ask again.".to_owned())
        }
        AgentFault::Elsewhere => said(
            "Another session carries this conversation on",
            "Stop that one first, or start a new session.",
        ),
        AgentFault::Settings => {
            said("What the settings of the agent want cannot be", "Change them in Agents, and ask again.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Named = Named {
        title: "Some program",
        install: "Install it",
        sign_in: "Sign in there",
        shorten: "ask for less",
    };

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
        let said = "429 slow\u{1b}[2J";
        let Problem::Agent { fault, message, until } =
            problem(&PROGRAM, AgentFault::RateLimit, said, Some(At(5)))
        else {
            unreachable!("it is the agent's")
        };
        assert_eq!((fault, until), (AgentFault::RateLimit, Some(At(5))));
        assert!(
            message.contains("slow") && message.contains("Wait") && !message.contains('\u{1b}'),
            "{message}"
        );
    }
}
