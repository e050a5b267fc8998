//! Pausing, hibernating, restarting, silence: the life of a session around its turns.

use super::{Effect, Now, Rejection, RunPhase, Session, SessionCommand, Step, TurnPhase};
use crate::{
    At,
    event::{Event, Problem, TurnEnd},
    ids::ItemId,
    image::{Image, fit_one_prompt},
    life::{
        HeldBack, PauseWhy, RESTART_WINDOW_MS, RESTARTS_IN_WINDOW, Restart, Stall, StallStep,
        restart_delay_ms,
    },
    tool::{CallStatus, DecidedBy, Decision},
};

impl Session {
    pub(super) fn pause(&self, why: PauseWhy) -> Result<Step, Rejection> {
        if self.closed.is_some() {
            return Err(Rejection::Over);
        }
        if self.stopping {
            return Err(Rejection::AlreadyStopping);
        }
        if self.paused.is_some() {
            return Err(Rejection::AlreadyPaused);
        }
        let mut step = Step { events: vec![Event::PauseAsked { why }], effects: vec![] };
        if !self.has_live_run() {
            step.effects.push(Effect::GivePlaceBack);
        }
        Ok(step)
    }

    /// Goes on after a pause: what was allowed meanwhile is told, what waited begins.
    pub(super) fn resume(&self) -> Step {
        let mut step = Step { events: vec![Event::SessionResumed], effects: vec![] };
        if self.has_live_run() && !self.is_ending() {
            let generation = self.generation();
            let held = |call: &&super::Call| {
                call.held && call.status == CallStatus::Allowed && call.is_asked_in(generation)
            };
            for call in self.calls.iter().filter(held) {
                step.effects.push(Effect::Deliver {
                    key: call.call.key.clone(),
                    item: call.item.clone(),
                    allowed: call.decision.is_some_and(Decision::allows),
                    reason: call.reason.clone(),
                    by_person: matches!(call.by, Some(DecidedBy::Person { .. })),
                    answers: call.answers.clone(),
                });
            }
            self.begin_next_turn(&mut step);
        } else if !self.has_live_run() && self.could_start() {
            step.effects.push(self.when_to_start());
        }
        step
    }

    /// Whether its run may be closed and opened again later without anything being lost or done twice.
    pub fn can_hibernate(&self) -> bool {
        let stands = self.run.as_ref().is_some_and(|run| run.phase == RunPhase::Live);
        if !stands || self.stopping || self.is_ending() || self.closed.is_some() {
            return false;
        }
        let quiet = self.calls.iter().all(|call| match call.status {
            CallStatus::Waiting | CallStatus::Unknown => true,
            CallStatus::Allowed => call.held && call.is_asked_in(self.generation()),
            status => status.is_over(),
        });
        if self.opened.runtime.takes_prompts() {
            let rests = self.turn_is_over() && self.next.is_empty() || self.is_limited();
            quiet && rests && self.foreign.is_some()
        } else {
            // Between two of its calls, and only while it waits for a person: it proposes the same again.
            quiet && !self.turn_is_over() && self.calls.iter().any(|call| !call.status.is_over())
        }
    }

    /// Closes an idle run, to be woken when it is needed. Nothing when it may not be closed now.
    pub fn hibernate(&self) -> Step {
        if !self.can_hibernate() {
            return Step::default();
        }
        Step { events: vec![Event::HibernateAsked], effects: vec![Effect::StopRun] }
    }

    /// It is ready to start and something keeps it back; told once for each reason.
    pub fn held_back_by(&self, by: HeldBack) -> Step {
        if !self.wants_place() || self.held_back == Some(by) {
            return Step::default();
        }
        Step { events: vec![Event::HeldBack { by }], effects: vec![] }
    }

    /// The time of a planned restart has come.
    pub fn restart_due(&self) -> Step {
        let due = self.restart.is_some() && self.wants_place();
        Step { events: vec![], effects: if due { vec![Effect::WantPlace] } else { vec![] } }
    }

    /// Whether its run is in the middle of something without a person: so it should be heard of.
    pub fn works_unseen(&self) -> bool {
        self.has_live_run()
            && !self.stopping
            && !self.is_ending()
            && !self.turn_is_over()
            && !self.is_limited()
            && !self.has_open_request()
            && self.paused.is_none()
    }

    /// Nothing was heard of the run since a time. The first step is told as it is; a person is asked in the second.
    pub fn silent(&self, stall: Stall) -> Step {
        let known = self.stall.map(|known| (known.step, known.computes));
        let news = match stall.step {
            StallStep::Probed => {
                known.is_none_or(|(step, computes)| step == stall.step && computes != stall.computes)
            }
            StallStep::Asked => known.is_none_or(|(step, _)| step != StallStep::Asked),
        };
        if !self.works_unseen() || !news {
            return Step::default();
        }
        Step { events: vec![Event::StallNoticed { stall }], effects: vec![] }
    }

    /// Something was heard of the run again after its silence was noticed, so nobody has to be asked.
    pub fn heard_again(&self) -> Step {
        if self.stall.is_none() || !self.has_live_run() || self.stopping {
            return Step::default();
        }
        Step { events: vec![Event::HeardAgain], effects: vec![] }
    }

    pub(super) fn wait_on(&self) -> Result<Step, Rejection> {
        if !self.is_stalled() {
            return Err(Rejection::NotStalled);
        }
        Ok(Step { events: vec![Event::WaitedOn], effects: vec![] })
    }

    pub(super) fn restart_with_consent(&self) -> Result<Step, Rejection> {
        if !self.is_stalled() {
            return Err(Rejection::NotStalled);
        }
        Ok(Step { events: vec![Event::RestartAsked], effects: vec![Effect::StopRun] })
    }

    /// The effect that brings a session to its next run: at once, or when its planned restart is due.
    pub(super) fn when_to_start(&self) -> Effect {
        self.restart.map_or(Effect::WantPlace, |restart| Effect::RestartAt(restart.at))
    }

    /// Plans the next run after an unexpected end, or gives up and lets a person say.
    pub(super) fn restart_or_give_up(
        &self,
        problem: Option<Problem>,
        wait: Wait,
        now: &mut Now<'_>,
        step: &mut Step,
    ) {
        let earlier = self.faults.iter().filter(|fault| fault.0 > now.at.0 - RESTART_WINDOW_MS).count();
        if earlier >= RESTARTS_IN_WINDOW {
            step.events.push(Event::GaveUp { problem });
            return;
        }
        let delay = match wait {
            Wait::BackOff => restart_delay_ms(earlier, now.ids.uuid().as_u128() as u64),
            Wait::No => 0,
        };
        let at = At(now.at.0 + delay);
        step.events.push(Event::RestartPlanned {
            item: ItemId::fresh(now.ids),
            number: earlier as u32 + 1,
            at,
            problem,
        });
        if self.paused.is_none() {
            step.effects.push(Effect::RestartAt(at));
        }
    }

    /// The run ended in the middle of a turn, and nothing in it waits for a person.
    pub(super) fn ended_unexpectedly(&self, problem: Problem, now: &mut Now<'_>, step: &mut Step) {
        match self.opened.life.restart {
            Restart::Never => step.events.push(Event::GaveUp { problem: Some(problem) }),
            Restart::Always | Restart::OnFailure => {
                self.restart_or_give_up(Some(problem), Wait::BackOff, now, step);
            }
        }
    }

    /// Begins the next prompt that waits, on a run that stands.
    pub(super) fn begin_next_turn(&self, step: &mut Step) {
        let next = if self.turn_is_over() { self.next.first() } else { self.turn.as_ref() };
        if let Some(next) = next.filter(|_| self.stands_by() && !self.is_limited()) {
            step.events.push(Event::TurnStarted { turn: next.id.clone() });
            step.effects.push(Effect::Prompt(next.into()));
        }
    }

    /// What a person shows it has to be.
    pub(super) fn check_images(&self, images: &[Image]) -> Result<(), Rejection> {
        // What it offered before it slept may be another when it wakes up: then its driver says where the images lie.
        let takes_none = self.talk.offers.as_ref().is_some_and(|offers| offers.images == Some(false));
        if takes_none && self.has_live_run() && !images.is_empty() {
            return Err(Rejection::TakesNoImages);
        }
        if fit_one_prompt(images) { Ok(()) } else { Err(Rejection::TooManyImages) }
    }

    /// What a person says to it, now or when its turn has come, has to be.
    pub(super) fn check_text(&self, text: &str, images: &[Image]) -> Result<(), Rejection> {
        if self.deleted {
            return Err(Rejection::Hidden);
        }
        if self.imported {
            return Err(Rejection::Imported);
        }
        if self.stopping {
            return Err(Rejection::AlreadyStopping);
        }
        if !self.opened.runtime.takes_prompts() {
            return Err(Rejection::TakesNoPrompts);
        }
        if text.trim().is_empty() && images.is_empty() {
            return Err(Rejection::EmptyPrompt);
        }
        Ok(())
    }

    /// Whether its last turn failed and nothing else is asked of it: the same can be asked again.
    pub(super) fn could_ask_again(&self) -> bool {
        let failed = self.turn.as_ref().is_some_and(|turn| turn.phase == TurnPhase::Ended(TurnEnd::Failed));
        failed && self.next.is_empty() && self.opened.runtime.takes_prompts() && self.restart.is_none()
    }

    /// Whether the command takes an idle session out of its rest, so that its task is being worked on again.
    pub fn begins_work(&self, command: &SessionCommand) -> bool {
        let asks = matches!(
            command,
            SessionCommand::Prompt { .. }
                | SessionCommand::PutBackPrompt { .. }
                | SessionCommand::Steer { .. }
        );
        asks && self.turn_is_over()
    }
}

/// Whether a restart waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Longer each time.
    BackOff,
    /// It begins at once.
    No,
}
