//! What a program is asked when a run begins, and what its agent is told when a call is denied.

use super::Asked;
use crate::Start;

/// What the agent is told when a person gave no reason.
pub(crate) const DENIED_BY_PERSON: &str = "A person denied this in Nox.";
/// What the agent is told when a rule said no.
pub(crate) const DENIED_BY_RULE: &str =
    "A rule in Nox denies this. Do not try to do the same in another way.";

/// What a run asks first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct First {
    /// In the conversation that it goes on with, or in a new one.
    pub(crate) known: Option<Asked>,
    /// In a new one, when the program does not have the old one any more.
    pub(crate) lost: Option<Asked>,
}

impl First {
    /// Takes the prompt out of the start.
    pub(crate) async fn of(start: &mut Start) -> Self {
        let Some(prompt) = start.prompt.take() else { return Self::default() };
        let prompt = Asked::of(prompt, start.images.as_ref()).await;
        if let Some(note) = prompt.note() {
            start.signals.send(note).await;
        }
        let ask = |before| {
            let text = asked(&prompt.text, &start.text, before, start.again);
            Some(prompt.with_text(text))
        };
        // Asked before, and no conversation was ever named: it was cut off before it had one.
        let is_lost = start.again && start.resume.is_none();
        Self { known: ask(if is_lost { Before::Lost } else { Before::Known }), lost: ask(Before::Lost) }
    }
}

/// That a program has lost a conversation, in words for people; with what it said about that, if anything. `title` is its name.
pub(crate) fn not_restored(title: &str, said: Option<&str>) -> String {
    let said = said.map(|said| format!(" ({said})")).unwrap_or_default();
    format!(
        "{title} does not have this conversation any more, so its agent does not know what was said before{said}."
    )
}

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
