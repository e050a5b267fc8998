//! What a program is asked when a run begins, and what its agent is told when a call is denied.

/// What the agent is told when a person gave no reason.
pub(crate) const DENIED_BY_PERSON: &str = "A person denied this in Nox.";
/// What the agent is told when a rule said no.
pub(crate) const DENIED_BY_RULE: &str =
    "A rule in Nox denies this. Do not try to do the same in another way.";

/// What a run knows of what was said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing was said, or the conversation is there.
    Known,
    /// The program does not have the conversation any more.
    Lost,
}

/// What is asked: `again` when an earlier run was asked the same and did not come to its end. `task` is the text that the
/// session began with.
pub(crate) fn asked(prompt: &str, task: &str, before: Before, again: bool) -> String {
    match (before, again) {
        (Before::Known, false) => prompt.to_owned(),
        (Before::Known, true) => format!(
            "Your work on this was cut off: the program ended in the middle of it. Go on where you were, and look what \
             is already done before you do anything again. This was asked:\n\n{prompt}"
        ),
        (Before::Lost, true) => format!(
            "An earlier attempt at this was cut off, and its conversation is lost. Look what is already done before you \
             do anything again. This was asked:\n\n{prompt}"
        ),
        (Before::Lost, false) => format!(
            "The conversation so far is lost. It began with this task:\n\n{task}\n\nThis is asked now:\n\n{prompt}"
        ),
    }
}
