//! What a person does with a session while it works: says something into its turn, and keeps the prompts that wait in order.

use super::{
    Effect, Now, Rejection, RunPhase, Session, Step, Turn, TurnPhase,
    messages::Words,
    talk::{Talk, Unsettled},
};
use crate::{
    event::Event,
    ids::{ItemId, TurnId},
    rows::{ControlsRow, Row, WaitingPrompt},
};

impl Session {
    /// Whether something can be said into the turn that runs.
    fn can_steer(&self) -> bool {
        let offered = self.talk.offers.as_ref().is_some_and(|offers| offers.steers);
        let works = self.run.as_ref().is_some_and(|run| run.phase == RunPhase::Live)
            && self.turn.as_ref().is_some_and(|turn| turn.phase == TurnPhase::Running);
        offered && works && !self.is_ending() && self.paused.is_none()
    }

    /// Says something into the turn that runs; where that cannot be, it waits for its turn.
    pub(super) fn steer(&self, text: &str, now: &mut Now<'_>) -> Result<Step, Rejection> {
        if !self.can_steer() {
            return self.prompt(text, &[], now);
        }
        self.check_text(text, &[])?;
        let (item, text) = (ItemId::fresh(now.ids), text.to_owned());
        Ok(Step {
            events: vec![Event::Steered { item, text: text.clone() }],
            effects: vec![Effect::Steer { text }],
        })
    }

    /// Something that was said into the turn is a part of the conversation now, or is given back to be a prompt.
    pub(super) fn settle_steer(&self, text: &str, given_back: bool, step: &mut Step) {
        let said = self.talk.unsettled.iter().find(|said| said.text == text);
        step.events.extend(said.map(|said| Event::SteerSettled { item: said.item.clone(), given_back }));
    }

    /// What was said into the turn and that nobody has heard is asked next. Answers the state in which it waits.
    pub(super) fn ask_unsettled(&self, now: &mut Now<'_>, step: &mut Step) -> Self {
        let mut asked = self.clone();
        for said in &self.talk.unsettled {
            let settled = Event::SteerSettled { item: said.item.clone(), given_back: true };
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

    /// What was said into the turn, for a run that takes it up.
    pub(super) fn words(&self) -> Vec<Words> {
        let taken_in = self.talk.taken_in.iter().map(|text| (text, true));
        let unsettled = self.talk.unsettled.iter().map(|said| (&said.text, false));
        taken_in.chain(unsettled).map(|(text, heard)| Words { text: text.clone(), heard }).collect()
    }

    /// At most so many wait to be settled: an older one counts as taken in.
    pub(super) fn apply_steered(&mut self, item: &ItemId, text: &str) {
        if self.talk.unsettled.len() >= super::MAX_WAITING_PROMPTS {
            let oldest = self.talk.unsettled[0].item.clone();
            self.apply_steer_settled(&oldest, false);
        }
        self.talk.unsettled.push(Unsettled { item: item.clone(), text: text.to_owned() });
    }

    pub(super) fn apply_steer_settled(&mut self, item: &ItemId, given_back: bool) {
        let Talk { unsettled, taken_in, .. } = &mut self.talk;
        let Some(place) = unsettled.iter().position(|said| said.item == *item) else { return };
        let said = unsettled.remove(place);
        if !given_back {
            if taken_in.len() >= super::MAX_WAITING_PROMPTS {
                taken_in.remove(0);
            }
            taken_in.push(said.text);
        }
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
                step.events.push(Event::Noted {
                    item: ItemId::fresh(now.ids),
                    code: "not_steered".into(),
                    text,
                });
            }
        }
    }

    pub(super) fn change_prompt(&self, turn: &TurnId, text: &str) -> Result<Step, Rejection> {
        let waits = self.waiting(turn)?;
        if text.trim().is_empty() && waits.images.is_empty() {
            return Err(Rejection::EmptyPrompt);
        }
        let (turn, text) = (turn.clone(), text.to_owned());
        Ok(Step { events: vec![Event::PromptChanged { turn, text }], effects: vec![] })
    }

    pub(super) fn withdraw_prompt(&self, turn: &TurnId) -> Result<Step, Rejection> {
        self.waiting(turn)?;
        let end = crate::event::TurnEnd::Cancelled;
        Ok(Step {
            events: vec![Event::TurnEnded { turn: turn.clone(), end, problem: None }],
            effects: vec![],
        })
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
