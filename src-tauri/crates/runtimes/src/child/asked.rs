//! What a program is asked when a run begins, and what its agent is told when a call is denied.

use super::Asked;
use crate::Start;
use nox_domain::session::Words;

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
            let words = Meanwhile { words: &start.words, left_out: start.left_out };
            let text = asked(&prompt.text, &start.text, before, start.again, words);
            let unheard = start.words.iter().filter(|words| !words.heard);
            let brings = unheard.map(|words| words.text.clone()).collect();
            Some(prompt.with_text(text, brings))
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

/// What was said into a turn before it is asked anew.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meanwhile<'a> {
    /// Oldest first.
    pub(crate) words: &'a [Words],
    /// There were older ones.
    pub(crate) left_out: bool,
}

/// What is asked: `again` when an earlier run was asked the same and did not come to its end. `task` is the text that the
/// session began with. What was said into the turn is told with it, also where it was heard: a program writes down what it hears
/// some time later, so one that was killed may not know it any more (measured: Claude Code, a tenth of a second).
pub(crate) fn asked(prompt: &str, task: &str, before: Before, again: bool, said: Meanwhile<'_>) -> String {
    let mut asked = match (before, again) {
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
    };
    if !said.words.is_empty() {
        asked.push_str("\n\nThis was said while you worked on it");
        asked.push_str(if said.left_out { "; older words than these are left out:" } else { ":" });
    }
    for words in said.words {
        asked.push_str("\n\n");
        asked.push_str(&words.text);
    }
    asked
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn what_was_said_into_a_turn_that_is_asked_anew_is_told_with_it() {
        let words = |text: &str, heard| Words { text: text.into(), heard };
        let (mut start, _inbox) = testing::start();
        start.prompt = Some(testing::prompt("do it"));
        (start.again, start.resume) = (true, Some("conversation".into()));
        start.words = vec![words("one", true), words("two", false)];
        let first = First::of(&mut start).await;
        for (asked, begin) in [
            (first.known.unwrap(), "Your work on this was cut off"),
            (first.lost.unwrap(), "An earlier attempt"),
        ] {
            assert!(asked.text.starts_with(begin), "{asked:?}");
            assert!(
                asked.text.ends_with("do it\n\nThis was said while you worked on it:\n\none\n\ntwo"),
                "{asked:?}"
            );
            assert_eq!(asked.brings, ["two"], "one was heard before");
        }
        start.prompt = Some(testing::prompt("do it"));
        start.left_out = true;
        let asked = First::of(&mut start).await.known.unwrap().text;
        let end = "This was said while you worked on it; older words than these are left out:\n\none\n\ntwo";
        assert!(asked.ends_with(end), "{asked:?}");
    }
}
