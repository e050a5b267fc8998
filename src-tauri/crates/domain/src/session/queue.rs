//! Prompts that wait for their turn: how many and how long they may be, and what a person does with them.

use super::{Rejection, Session, Step, Turn};
use crate::{
    event::{Event, TurnEnd},
    ids::TurnId,
    image::Image,
    rows::{ControlsRow, Row, WaitingPrompt},
};

/// Prompts that may wait for their turn.
pub const MAX_WAITING_PROMPTS: usize = 32;
/// Bytes of all their texts: they stand in each stored state, and in a row that is written whole.
pub const MAX_WAITING_BYTES: usize = 4_000_000;
/// Bytes of a message. With what was said into its turn it is asked anew as one text, of which Codex takes 1,048,576 letters
/// and no more.
pub const MAX_MESSAGE_BYTES: usize = 500_000;

impl Session {
    pub(super) fn change_prompt(&self, turn: &TurnId, text: &str) -> Result<Step, Rejection> {
        let waits = self.waiting(turn)?;
        check_length(text)?;
        if self.waiting_bytes() - waits.text.len() + text.len() > MAX_WAITING_BYTES {
            return Err(Rejection::TooManyPrompts);
        }
        if text.trim().is_empty() && waits.images.is_empty() {
            return Err(Rejection::EmptyPrompt);
        }
        let (turn, text) = (turn.clone(), text.to_owned());
        Ok(Step { events: vec![Event::PromptChanged { turn, text }], effects: vec![] })
    }

    pub(super) fn withdraw_prompt(&self, turn: &TurnId) -> Result<Step, Rejection> {
        self.waiting(turn)?;
        let end = TurnEnd::Cancelled;
        Ok(Step {
            events: vec![Event::TurnEnded { turn: turn.clone(), end, problem: None }],
            effects: vec![],
        })
    }

    /// What a driver's further prompt, or the command for it, has to be.
    pub(super) fn check_prompt(&self, text: &str, images: &[Image]) -> Result<(), Rejection> {
        self.check_text(text, images)?;
        let bytes = self.waiting_bytes() + text.len();
        if self.next.len() >= MAX_WAITING_PROMPTS || bytes > MAX_WAITING_BYTES {
            return Err(Rejection::TooManyPrompts);
        }
        Ok(())
    }

    fn waiting_bytes(&self) -> usize {
        self.next.iter().map(|next| next.text.len()).sum()
    }

    fn waiting(&self, turn: &TurnId) -> Result<&Turn, Rejection> {
        if self.stopping {
            return Err(Rejection::AlreadyStopping);
        }
        self.next.iter().find(|next| next.id == *turn).ok_or(Rejection::NotWaiting)
    }

    /// The turn that waited longest is the one to work on now, and is shown from here on.
    pub(super) fn take_next(&mut self) {
        let mut turn = self.next.remove(0);
        if turn.item.is_some() {
            turn.ord = Some(self.next_ord);
            self.next_ord += 1;
        }
        self.turn = Some(turn);
    }

    /// What a person can do with it while it runs.
    pub fn controls(&self) -> ControlsRow {
        let waiting = self.next.iter();
        ControlsRow {
            session: self.id().clone(),
            offers: self.talk.offers.clone().unwrap_or_default(),
            waiting: waiting
                .map(|turn| WaitingPrompt {
                    turn: turn.id.clone(),
                    text: turn.text.clone(),
                    images: turn.images.clone(),
                })
                .collect(),
        }
    }

    pub(super) fn controls_row(&self) -> Row {
        Row::Controls(Box::new(self.controls()))
    }
}

/// Whether a person may say so much at once. What was taken before is not asked anew: it may be longer.
pub(super) fn check_length(text: &str) -> Result<(), Rejection> {
    if text.len() > MAX_MESSAGE_BYTES { Err(Rejection::TooLong { bytes: text.len() }) } else { Ok(()) }
}
