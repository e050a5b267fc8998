//! Asking a model server again that did not answer: when, how often, and what people are told meanwhile.

use super::{budget::cut_middle, faults::Failure};
use nox_domain::{terminal::harmless, transcript::AgentFault};
use std::time::Duration;

/// The longest that a model server is waited for here. A limit that lasts longer is the engine's to wait for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long to wait before the next try, and how many there are; none when it is given up.
pub(super) fn wait_for(failure: &Failure, tries: u32) -> Option<(Duration, u32)> {
    let (first, of) = match failure.fault {
        AgentFault::RateLimit => (Duration::from_secs(5), 10),
        AgentFault::Overloaded => (Duration::from_secs(2), 6),
        _ => (Duration::from_millis(500), 3),
    };
    let usual = (first * 2u32.saturating_pow(tries.min(10))).min(LONGEST_WAIT);
    let wait = failure.again_in.unwrap_or(usual);
    (tries < of && wait <= LONGEST_WAIT).then_some((wait, of))
}

/// What people are told of a wait: a code and words.
pub(super) fn note(failure: &Failure, wait: Duration, number: u32, of: u32) -> (&'static str, String) {
    let (code, why) = match failure.fault {
        AgentFault::RateLimit => ("rate_limited", "Too much was asked of the model server"),
        AgentFault::Overloaded => ("overloaded", "The model server has too much to do"),
        _ => ("unreachable", "The model server does not answer"),
    };
    let seconds = wait.as_millis().div_ceil(1000);
    let said = harmless(cut_middle(failure.said.trim(), 300).as_bytes());
    let text = format!("{why} ({said}). Nox asks again in {seconds} s (try {number} of {of}).");
    (code, text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let failure = Failure::of(AgentFault::Overloaded, "");
        let waits: Vec<u64> =
            (0..).map_while(|tries| wait_for(&failure, tries)).map(|(wait, _)| wait.as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 30, 30]);
        let (_, text) = note(&failure, Duration::from_millis(1_500), 1, 6);
        assert!(text.contains("asks again in 2 s (try 1 of 6)"), "{text}");
    }

    #[test]
    fn what_the_server_says_counts_unless_it_is_too_long() {
        let after = |seconds| Failure {
            again_in: Some(Duration::from_secs(seconds)),
            ..Failure::of(AgentFault::RateLimit, "")
        };
        assert_eq!(wait_for(&after(7), 0).unwrap().0, Duration::from_secs(7));
        assert_eq!(wait_for(&after(31), 0), None, "the engine waits so long");
    }
}
