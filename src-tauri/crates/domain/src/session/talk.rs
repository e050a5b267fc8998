//! What an agent says while it works: texts that are being written, its plan, what it used; and interrupting it.

use super::{
    Effect, Now, Rejection, RunPhase, Session, Step, TurnPhase, dials::Dials, images::Shown, steer::Unsettled,
};
use crate::{
    At,
    event::Event,
    ids::{ItemId, TurnId},
    transcript::{Lines, Offers, PlanStep, Usage},
};
use serde::{Deserialize, Serialize};

/// The open part of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Talk {
    /// Texts that are being written. One that is through stays only until [`Session::settle`].
    pub writing: Vec<Writing>,
    /// The newest plan.
    pub plan: Option<PlanPlace>,
    /// What was used, all in all.
    pub usage: Option<Usage>,
    /// What its edits changed, all in all.
    pub lines: Lines,
    /// What its program offers, as it was told last.
    pub offers: Option<Offers>,
    /// What a person chose of it, for later runs.
    pub dials: Dials,
    /// Codes of notes that were told and are not told again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told_once: Vec<String>,
    /// What it has shown.
    pub shown: Shown,
    /// What was said into the turn that runs and that its program has not taken in yet.
    pub unsettled: Vec<Unsettled>,
    /// What was said into it and taken in, oldest first.
    pub taken_in: Vec<String>,
    /// Whether older words than those are left out of what a later run is told.
    pub left_out: bool,
    /// Whether people were told so in this turn.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub left_out_told: bool,
    /// Whether the newest fact is one of an earlier Nox, which did not say whether the last of it was given back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
}

/// A text that is being written. Its bytes so far are in the spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writing {
    /// The item.
    pub item: ItemId,
    /// The turn that it belongs to.
    pub turn: Option<TurnId>,
    /// The item's place.
    pub ord: u32,
    /// When it began.
    pub at: At,
    /// A thought, and no message.
    pub thought: bool,
    /// It is through.
    pub through: bool,
}

/// Where a plan stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPlace {
    /// The item.
    pub item: ItemId,
    /// The turn that it belongs to: the next one makes a plan of its own.
    pub turn: Option<TurnId>,
    /// The item's place.
    pub ord: u32,
}

impl Session {
    /// A text begins. Its item comes from the driver, which writes its bytes under it.
    pub(super) fn writing_begins(&self, item: ItemId, thought: bool, step: &mut Step) {
        if self.talk.writing.iter().all(|open| open.item != item) {
            step.events.push(Event::TextBegun { item, thought });
        }
    }

    /// A text that had begun is through.
    pub(super) fn writing_ends(&self, item: ItemId, text: String, step: &mut Step) {
        let open = self.talk.writing.iter().find(|open| open.item == item && !open.through);
        step.events.extend(open.map(|open| whole(open, text)));
    }

    /// Texts of a run that is over: what was written of them is in the spool, and whoever records this puts it in.
    pub(super) fn cut_writing_off(&self, step: &mut Step) {
        let open = self.talk.writing.iter().filter(|open| !open.through);
        step.events.extend(open.map(|open| whole(open, String::new())));
    }

    /// The plan of this turn, as it is now.
    pub(super) fn planned(&self, steps: Vec<PlanStep>, now: &mut Now<'_>, step: &mut Step) {
        let turn = self.turn.as_ref().map(|turn| &turn.id);
        let known = self.talk.plan.as_ref().filter(|plan| plan.turn.as_ref() == turn);
        let item = known.map_or_else(|| ItemId::fresh(now.ids), |plan| plan.item.clone());
        step.events.push(Event::Planned { item, steps });
    }

    /// Ends the turn that runs; what waits behind it begins. An interrupt that is recorded and not told before a crash
    /// is not told again: the run that it was meant for is gone.
    pub(super) fn interrupt(&self, now: &mut Now<'_>) -> Result<Step, Rejection> {
        if self.closed.is_some() {
            return Err(Rejection::Over);
        }
        let works = self.run.as_ref().is_some_and(|run| run.phase == RunPhase::Live)
            && self.turn.as_ref().is_some_and(|turn| turn.phase == TurnPhase::Running)
            && self.opened.runtime.takes_prompts();
        if self.is_limited() && !self.stopping {
            return Ok(self.stop_waiting(now));
        }
        if !works || self.stopping || self.is_ending() {
            return Err(Rejection::NothingToInterrupt);
        }
        Ok(Step { events: vec![Event::InterruptAsked], effects: vec![Effect::Interrupt] })
    }

    pub(super) fn apply_text_begun(&mut self, item: &ItemId, thought: bool, at: At) {
        self.stall = None;
        self.heard = true;
        let turn = self.turn.as_ref().map(|turn| turn.id.clone());
        let (item, ord) = (item.clone(), self.next_ord);
        self.talk.writing.push(Writing { item, turn, ord, at, thought, through: false });
        self.next_ord += 1;
    }

    /// One that had begun keeps its place.
    pub(super) fn apply_text(&mut self, item: &ItemId) {
        self.stall = None;
        match self.talk.writing.iter_mut().find(|open| open.item == *item) {
            Some(open) => open.through = true,
            None => self.next_ord += 1,
        }
    }

    pub(super) fn apply_planned(&mut self, item: &ItemId) {
        self.stall = None;
        if self.talk.plan.as_ref().is_none_or(|plan| plan.item != *item) {
            let turn = self.turn.as_ref().map(|turn| turn.id.clone());
            self.talk.plan = Some(PlanPlace { item: item.clone(), turn, ord: self.next_ord });
            self.next_ord += 1;
        }
    }
}

fn whole(open: &Writing, text: String) -> Event {
    let item = open.item.clone();
    if open.thought { Event::Thought { item, text } } else { Event::Said { item, text } }
}
