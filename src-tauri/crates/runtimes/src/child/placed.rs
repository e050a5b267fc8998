//! Where a driver puts what its agent is told about itself: as the agent's settings say, and behind the program's own words when
//! they say nothing.

use super::Asked;
use crate::Start;
use nox_domain::agent::PromptPlacement;

/// What an agent is told about itself, by the place where it is said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Placed {
    /// For the program's own words, before any prompt; may be empty.
    pub(crate) system: String,
    /// It stands in the place of the program's own words, and not behind them.
    pub(crate) replaces: bool,
    /// In front of the first prompt.
    pub(crate) first: Option<String>,
}

impl Placed {
    /// `is_new`: the conversation is a new one. One that was opened and never asked anything is told what a new one is told.
    pub(crate) fn of(start: &Start, is_new: bool) -> Self {
        let text = start.instructions.clone();
        match start.program.prompt_placement {
            _ if text.trim().is_empty() => Self::default(),
            Some(PromptPlacement::FirstPrompt) => {
                let is_told = start.heard && !is_new;
                Self { first: (!is_told).then(|| text.trim().to_owned()), ..Self::default() }
            }
            Some(PromptPlacement::Replace) => Self { system: text, replaces: true, first: None },
            Some(PromptPlacement::Append) | None => Self { system: text, replaces: false, first: None },
        }
    }
}

/// Puts what stands in front of the first prompt there, which is said once.
pub(crate) fn with_first_words(first: &mut Option<String>, asked: &mut Asked) {
    if let Some(words) = first.take() {
        asked.begin_with(&words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(placement: Option<PromptPlacement>, is_new: bool) -> Placed {
        let mut start = crate::testing::start().0;
        start.heard = true;
        start.instructions = "Be kind.\n".into();
        start.program.prompt_placement = placement;
        Placed::of(&start, is_new)
    }

    #[tokio::test]
    async fn it_stands_where_the_agent_says_and_in_one_place() {
        let behind = placed(None, true);
        assert_eq!(behind, placed(Some(PromptPlacement::Append), false));
        assert_eq!((behind.system.as_str(), behind.replaces, behind.first), ("Be kind.\n", false, None));
        assert!(placed(Some(PromptPlacement::Replace), true).replaces);
        let mut first = placed(Some(PromptPlacement::FirstPrompt), true);
        assert!(first.system.is_empty());
        for expected in ["Be kind.\n\nBegin.", "Begin."] {
            let mut asked = Asked::from("Begin.");
            with_first_words(&mut first.first, &mut asked);
            assert_eq!(asked.text, expected);
        }
    }

    #[tokio::test]
    async fn a_conversation_that_goes_on_is_not_told_again_and_an_empty_prompt_replaces_nothing() {
        assert_eq!(placed(Some(PromptPlacement::FirstPrompt), false), Placed::default());
        let mut start = crate::testing::start().0;
        // It was opened, and its run ended before anything was asked.
        start.instructions = "Be kind.".into();
        start.program.prompt_placement = Some(PromptPlacement::FirstPrompt);
        assert_eq!(Placed::of(&start, false).first.as_deref(), Some("Be kind."));
        start.instructions = " \n".into();
        start.program.prompt_placement = Some(PromptPlacement::Replace);
        assert_eq!(Placed::of(&start, true), Placed::default());
    }
}
