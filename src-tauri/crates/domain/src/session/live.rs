//! What a person does with a session while it works: says something into its turn, changes how its program works, and
//! keeps the prompts that wait in order.

use super::{
    Dials, Effect, Now, Rejection, RunPhase, Session, Step, Turn, TurnPhase,
    messages::Words,
    talk::{Knob, Talk, Unsettled},
};
use crate::{
    agent::Program,
    event::{Dial, Event},
    ids::{ItemId, TurnId},
    rows::{ControlsRow, Row, WaitingPrompt},
    transcript::Offers,
};

impl Session {
    /// The program as the next run begins with it: as the agent says, with what a person chose since.
    pub fn program(&self) -> Program {
        let mut program = self.opened.program.clone();
        let dials = &self.talk.dials;
        program.mode = dials.mode.clone().or(program.mode);
        program.model = dials.model.clone().or(program.model);
        program
    }

    /// What the program offers is told once, and again when it differs.
    pub(super) fn offers(&self, offers: Offers, step: &mut Step) {
        let offers = offers.capped();
        let Dials { mode_told, model_told, .. } = &self.talk.dials;
        let is_known = (mode_told, model_told) == (&offers.mode, &offers.model);
        if !is_known || self.talk.offers.as_ref() != Some(&offers) {
            step.events.push(Event::OffersTold { offers: Box::new(offers) });
        }
    }

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

    /// Changes how the program works: at once when a run stands, and in later runs.
    pub(super) fn switch(
        &self,
        dial: Dial,
        to: &str,
        via: &str,
        now: &mut Now<'_>,
    ) -> Result<Step, Rejection> {
        if self.closed.is_some() {
            return Err(Rejection::Over);
        }
        if self.stopping {
            return Err(Rejection::AlreadyStopping);
        }
        let offers = self.talk.offers.as_ref();
        let list = offers.map(|offers| match dial {
            Dial::Mode => &offers.modes,
            Dial::Model => &offers.models,
        });
        let found = list.into_iter().flatten().find(|offer| offer.id == to);
        let Some(offer) = found else { return Err(Rejection::NotOffered(to.to_owned())) };
        let mut step = Step::default();
        step.events.push(Event::Switched {
            item: ItemId::fresh(now.ids),
            dial,
            to: to.to_owned(),
            name: offer.name.clone(),
            via: via.to_owned(),
        });
        if self.tells_switches() {
            step.effects.push(Effect::Switch { dial, to: to.to_owned() });
        }
        Ok(step)
    }

    /// What the program says of itself is newer than what a person chose: it may have gone on to another. But what it
    /// begins with says nothing about a choice that it has not taken up yet, and what it says before it has answered a
    /// choice says nothing about that.
    pub(super) fn apply_offers(&mut self, offers: &Offers) {
        self.talk.offers = Some(offers.clone());
        for dial in Dial::ALL {
            let knob = self.talk.dials.knob(dial);
            knob.told.clone_from(offers.present(dial));
            *knob.heard |= knob.told.is_some();
            self.heed(dial);
        }
    }

    /// Shows what was told last, or what is wished for until that has its answer.
    fn heed(&mut self, dial: Dial) {
        let shown = self.talk.offers.get_or_insert_default().present_mut(dial);
        let Knob { chosen, taken, waits, told, .. } = self.talk.dials.knob(dial);
        if *waits > 0 {
            shown.clone_from(chosen);
            return;
        }
        if told.is_none() {
            return;
        }
        shown.clone_from(told);
        if chosen.is_some() {
            *taken |= chosen == told;
            if *taken {
                chosen.clone_from(told);
            }
        }
    }

    /// A run begins with what its program does by itself, and has heard no wish.
    pub(super) fn begin_dials(&mut self) {
        for dial in Dial::ALL {
            let knob = self.talk.dials.knob(dial);
            (*knob.taken, *knob.waits, *knob.heard) = (false, 0, false);
            // Whether it takes up what was chosen is to be heard.
            if knob.chosen.is_some() {
                *knob.told = None;
            }
        }
    }

    pub(super) fn apply_switched(&mut self, dial: Dial, to: &str) {
        let is_told = self.tells_switches();
        let to = Some(to.to_owned());
        let knob = self.talk.dials.knob(dial);
        (*knob.taken, *knob.heard) = (false, false);
        *knob.waits = knob.waits.saturating_add(u32::from(is_told));
        knob.chosen.clone_from(&to);
        *self.talk.offers.get_or_insert_default().present_mut(dial) = to;
        self.next_ord += 1;
    }

    /// The run has answered a wish, may be late. Without one that is open there was another run meanwhile.
    pub(super) fn settle_switch(&self, dial: Dial, step: &mut Step) {
        if self.talk.dials.clone().knob(dial).is_open() {
            step.events.push(Event::SwitchSettled { dial });
        }
    }

    pub(super) fn apply_switch_settled(&mut self, dial: Dial) {
        let knob = self.talk.dials.knob(dial);
        *knob.waits = knob.waits.saturating_sub(1);
        // It did what was wished for, or refused: what it tells is how it is.
        *knob.taken |= *knob.waits == 0;
        self.heed(dial);
    }

    /// A turn or a run is over in which wishes were not answered. What was told since a wish is how it is. A wish of which
    /// nothing was heard holds for the next run, and of one that stands is shown what it told before.
    pub(super) fn end_wishes(&mut self) {
        let stands = self.has_live_run();
        for dial in Dial::ALL {
            let knob = self.talk.dials.knob(dial);
            if std::mem::take(knob.waits) == 0 {
                continue;
            }
            *knob.taken = *knob.heard;
            if stands || *knob.heard {
                self.heed(dial);
            }
        }
    }

    /// Whether a person has chosen how its program works.
    pub(super) fn is_dialled(&self) -> bool {
        self.talk.dials.mode.is_some() || self.talk.dials.model.is_some()
    }

    /// Whether a run is there that is told of a change.
    fn tells_switches(&self) -> bool {
        self.has_live_run() && !self.is_ending()
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
