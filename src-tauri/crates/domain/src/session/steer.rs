//! What a person says into the turn that runs: who hears it, what a later run is told of it, and what is asked next because
//! nobody could hear it.

use super::{
    Effect, Now, Rejection, RunPhase, Session, Step, TurnPhase, Words,
    queue::{MAX_WAITING_PROMPTS, check_length},
    talk::Talk,
};
use crate::{event::Event, ids::ItemId};
use serde::{Deserialize, Serialize};

/// Bytes of what is kept of all that was said into a turn. A run that takes the turn up is told it in one text with what was
/// asked, see [`MAX_MESSAGE_BYTES`](super::MAX_MESSAGE_BYTES).
pub const MAX_SAID_BYTES: usize = 500_000;

/// Something that was said into a turn. A run that is cut off before its program has taken it in has not heard it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsettled {
    /// The item that shows it.
    pub item: ItemId,
    /// What was said.
    pub text: String,
    /// To the run of which generation.
    #[serde(default)]
    pub generation: u32,
}

impl Session {
    /// Says something into the turn that runs; where that cannot be, it waits for its turn.
    pub(super) fn steer(&self, text: &str, now: &mut Now<'_>) -> Result<Step, Rejection> {
        check_length(text)?;
        if !self.can_steer(text) {
            return self.prompt(text, &[], now);
        }
        self.check_text(text, &[])?;
        let (item, text) = (ItemId::fresh(now.ids), text.to_owned());
        Ok(Step {
            events: vec![Event::Steered { item, text: text.clone() }],
            effects: vec![Effect::Steer { text }],
        })
    }

    /// Whether this can be said into the turn that runs. While its program has much to take in yet, it cannot.
    fn can_steer(&self, text: &str) -> bool {
        let offered = self.talk.offers.as_ref().is_some_and(|offers| offers.steers);
        let works = self.run.as_ref().is_some_and(|run| run.phase == RunPhase::Live)
            && self.turn.as_ref().is_some_and(|turn| turn.phase == TurnPhase::Running);
        let has_room = self.talk.unsettled.len() < MAX_WAITING_PROMPTS
            && self.talk.unsettled_bytes() + text.len() <= MAX_SAID_BYTES;
        offered && works && has_room && !self.is_ending() && self.paused.is_none()
    }

    /// Something that was said into the turn is a part of the conversation now, or is given back to be a prompt.
    pub(super) fn settle_steer(&self, text: &str, given_back: bool, step: &mut Step) {
        let said = self.talk.unsettled.iter().find(|said| said.text == text);
        let settled =
            |item: &ItemId| Event::SteerSettled { item: item.clone(), given_back: Some(given_back) };
        step.events.extend(said.map(|said| settled(&said.item)));
    }

    /// What was said into the turn and that no run can say any more to have heard is asked next: it was said to one that is over,
    /// and the present one, if there is one, did not come to telling it. Answers the state in which it waits.
    pub(super) fn ask_unheard(&self, now: &mut Now<'_>, step: &mut Step) -> Self {
        let mut asked = self.clone();
        let (stands, generation) = (self.has_live_run(), self.generation());
        for said in self.talk.unsettled.iter().filter(|said| !stands || said.generation < generation) {
            let settled = Event::SteerSettled { item: said.item.clone(), given_back: Some(true) };
            let mut more = Step { events: vec![settled], effects: vec![] };
            asked.not_steered(said.text.clone(), now, &mut more);
            for event in &more.events {
                asked.apply(event, now.at);
            }
            step.events.extend(more.events);
            step.effects.extend(more.effects);
        }
        asked
    }

    /// What reached nobody waits for its turn, as if it had been asked then.
    pub(super) fn not_steered(&self, text: String, now: &mut Now<'_>, step: &mut Step) {
        match self.prompt(&text, &[], now) {
            Ok(queued) => {
                step.events.extend(queued.events);
                step.effects.extend(queued.effects);
            }
            Err(why) => {
                let text = format!("The agent did not hear this, and it cannot wait either ({why}): {text}");
                step.events.push(noted(NOT_STEERED, text, now));
            }
        }
    }

    /// What was said into the turn, for a run that takes it up.
    pub(super) fn words(&self) -> Vec<Words> {
        let taken_in = self.talk.taken_in.iter().map(|text| (text, true));
        let unsettled = self.talk.unsettled.iter().map(|said| (&said.text, false));
        taken_in.chain(unsettled).map(|(text, heard)| Words { text: text.clone(), heard }).collect()
    }

    /// That a run is not told all of it: once in a turn, however many runs it takes.
    pub(super) fn note_left_out(&self, now: &mut Now<'_>, step: &mut Step) {
        if self.talk.left_out && !self.talk.left_out_told {
            let text = format!(
                "Older words that were said into this turn are left out of what its agent is told again: Nox keeps the newest \
                 {MAX_WAITING_PROMPTS} messages for that, or {} KB of them. Say again what still matters.",
                MAX_SAID_BYTES / 1_000
            );
            step.events.push(noted(LEFT_OUT, text, now));
        }
    }

    pub(super) fn apply_steered(&mut self, item: &ItemId, text: &str) {
        let said = Unsettled { item: item.clone(), text: text.to_owned(), generation: self.generation() };
        self.talk.unsettled.push(said);
        // Nox says no more than there is room for, but an earlier one did: the oldest counts as taken in.
        while self.talk.unsettled.len() > MAX_WAITING_PROMPTS || self.talk.unsettled_bytes() > MAX_SAID_BYTES
        {
            let oldest = self.talk.unsettled[0].item.clone();
            self.apply_steer_settled(&oldest, Some(false));
        }
        self.talk.leave_out();
    }

    pub(super) fn apply_steer_settled(&mut self, item: &ItemId, given_back: Option<bool>) {
        let Some(place) = self.talk.unsettled.iter().position(|said| said.item == *item) else { return };
        let said = self.talk.unsettled.remove(place);
        if given_back != Some(true) {
            self.talk.taken_in.push(said.text);
            self.talk.leave_out();
        }
        self.talk.unsure = given_back.is_none();
    }

    /// An earlier Nox did not say whether it was given back. This is the fact right behind that: when it was, it is asked with
    /// that, or was lost.
    pub(super) fn make_sure(&mut self, next: &Event) {
        let newest = self.talk.taken_in.last();
        let was_given_back = match next {
            Event::TurnQueued { text, .. } => newest == Some(text),
            Event::Noted { code, .. } => code == NOT_STEERED,
            _ => false,
        };
        if was_given_back {
            self.talk.taken_in.pop();
        }
    }
}

impl Talk {
    fn unsettled_bytes(&self) -> usize {
        self.unsettled.iter().map(|said| said.text.len()).sum()
    }

    /// A note was told.
    pub(super) fn apply_noted(&mut self, code: &str) {
        self.left_out_told |= code == LEFT_OUT;
    }

    /// Only so much is kept of what was taken in: the newest.
    fn leave_out(&mut self) {
        let mut bytes = self.unsettled_bytes() + self.taken_in.iter().map(String::len).sum::<usize>();
        while self.taken_in.len() > MAX_WAITING_PROMPTS
            || (bytes > MAX_SAID_BYTES && !self.taken_in.is_empty())
        {
            bytes -= self.taken_in.remove(0).len();
            self.left_out = true;
        }
    }

    /// The turn is over, and what was said into it with that.
    pub(super) fn forget_said(&mut self) {
        self.unsettled.clear();
        self.taken_in.clear();
        (self.left_out, self.left_out_told) = (false, false);
    }
}

/// The note that something was heard by nobody and is not asked either.
const NOT_STEERED: &str = "not_steered";

/// The note that a run is not told all that was said into its turn.
const LEFT_OUT: &str = "words_left_out";

fn noted(code: &str, text: String, now: &mut Now<'_>) -> Event {
    Event::Noted { item: ItemId::fresh(now.ids), code: code.to_owned(), text }
}
