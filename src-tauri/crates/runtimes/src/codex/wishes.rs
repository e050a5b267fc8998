//! What is wanted of the program and not settled yet: a conversation, answers to requests, the turn that runs.

use crate::child::Asked;
use nox_domain::{
    event::{Problem, TurnEnd},
    session::Signal,
};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Which conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// A new one.
    New,
    /// The one of this name.
    Resumed(String),
    /// A copy of the one of this name.
    Forked(String),
}

/// What a request of ours was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    Initialize,
    Account,
    Thread,
    Models,
    Turn,
    /// Something was said into the turn.
    Steer(String),
    /// What a turn left running in this thread.
    Left(String),
    /// Whatever comes of it is told otherwise.
    Quiet,
}

/// The turn that runs.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// The program's name for it, when it has told it.
    pub(super) id: Option<String>,
    /// The model that it was begun with.
    pub(super) model: String,
    pub(super) interrupted: bool,
    /// It is ended because of this, whatever its result says.
    pub(super) fault: Option<Problem>,
    pub(super) retried: bool,
    /// What is to be said into it as soon as it has a name.
    pub(super) steers: VecDeque<String>,
    /// What it has taken, and has not put before its model yet: a kill loses it.
    pub(super) taken: Vec<String>,
    /// It is over, but for what it left running.
    pub(super) ended: Option<(TurnEnd, Option<Problem>)>,
}

impl Turn {
    /// What became of the words that were said into it, now that it is over: what it took was heard if it ended `well`.
    pub(super) fn settled<'a>(
        self,
        well: bool,
        waiting: impl IntoIterator<Item = &'a mut Wish>,
    ) -> Vec<Signal> {
        let taken = |text| if well { Signal::Steered(text) } else { Signal::NotSteered(text) };
        let mut settled: Vec<_> = self.taken.into_iter().map(taken).collect();
        // An answer that is still on its way says nothing new of a turn that was cut off.
        for wish in waiting.into_iter().filter(|wish| !well && matches!(wish, Wish::Steer(_))) {
            if let Wish::Steer(text) = std::mem::replace(wish, Wish::Quiet) {
                settled.push(Signal::NotSteered(text));
            }
        }
        settled.extend(self.steers.into_iter().map(Signal::NotSteered));
        settled
    }
}

/// What is asked or said, for the program.
pub(super) fn input(asked: &Asked) -> Value {
    let pictures = asked.pictures.iter().map(|picture| json!({ "type": "image", "url": picture.data_url() }));
    let words = (!asked.text.is_empty()).then(|| json!({ "type": "text", "text": asked.text }));
    pictures.chain(words).collect()
}

/// Takes out what was said into the turn in these words; it may not be answered for yet.
pub(super) fn heard<'a>(
    said: &str,
    turn: Option<&mut Turn>,
    waiting: impl IntoIterator<Item = &'a mut Wish>,
) -> Option<String> {
    let taken = turn.map(|turn| &mut turn.taken).and_then(|taken| {
        let at = taken.iter().position(|text| text.trim() == said)?;
        Some(taken.remove(at))
    });
    taken.or_else(|| {
        let is_it = |wish: &&mut Wish| matches!(wish, Wish::Steer(text) if text.trim() == said);
        match std::mem::replace(waiting.into_iter().find(is_it)?, Wish::Quiet) {
            Wish::Steer(text) => Some(text),
            _ => None,
        }
    })
}
