//! The model server's limit: a turn that met it waits until it is over, and is asked again by itself.
//!
//! The turn stays open and goes back to where it was before it began, so that what waits behind it keeps its place. A turn
//! waits six hours at most, all its waits together.

use super::{Effect, Now, Session, Step, TurnPhase};
use crate::{
    At,
    event::{Event, Problem, TurnEnd},
    ids::ItemId,
    life::{LIMIT_WAIT_BASE_MS, LIMIT_WAIT_MS},
    transcript::AgentFault,
};
use serde::{Deserialize, Serialize};

/// A turn that met the model server's limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limited {
    /// When it is asked again.
    pub until: At,
    /// When the limit was met first.
    pub since: At,
    /// How often it was met.
    pub times: u32,
    /// What was said about it.
    pub problem: Problem,
    /// The wait is over; the turn was asked again, or is about to be.
    pub over: bool,
}

impl Session {
    /// Whether its turn waits for the model server's limit.
    pub fn is_limited(&self) -> bool {
        self.limited.as_ref().is_some_and(|limited| !limited.over)
    }

    /// When the wait for the model server's limit is over.
    pub fn limited_until(&self) -> Option<At> {
        self.limited.as_ref().filter(|limited| !limited.over).map(|limited| limited.until)
    }

    /// The time at which a turn that failed like this is asked again; none when it is not.
    pub(super) fn waits_until(&self, problem: Option<&Problem>, now: At) -> Option<At> {
        let Some(Problem::Agent { fault: AgentFault::RateLimit, until: Some(until), .. }) = problem else {
            return None;
        };
        let may = self.opened.life.wait_for_limit && self.opened.runtime.takes_prompts();
        if !may || self.stopping || self.is_ending() {
            return None;
        }
        let (since, times) = self.limited.as_ref().map_or((now, 0), |known| (known.since, known.times));
        // A server that names a time which is over already is not asked without a pause.
        let least = now.0.saturating_add(LIMIT_WAIT_BASE_MS << times.min(12));
        let until = At(until.0.max(least));
        (until.0 <= since.0.saturating_add(LIMIT_WAIT_MS)).then_some(until)
    }

    /// The time that a turn waits for has come, or a person does not want to wait.
    pub(super) fn limit_over(&self) -> Step {
        let mut step = Step { events: vec![Event::LimitOver], effects: vec![] };
        let mut next = self.clone();
        next.apply(&Event::LimitOver, self.last_event_at);
        if next.has_live_run() {
            if !next.is_ending() && next.paused.is_none() {
                next.begin_next_turn(&mut step);
            }
        } else if next.wants_place() {
            step.effects.push(Effect::WantPlace);
        }
        step
    }

    /// Goes on when the time has come; nothing before.
    pub fn limit_due(&self, now: At) -> Step {
        let due = self.limited_until().is_some_and(|until| until <= now);
        if due && !self.stopping { self.limit_over() } else { Step::default() }
    }

    /// A person does not want the turn to be asked again: it has failed. What waits behind it begins.
    pub(super) fn stop_waiting(&self, now: &mut Now<'_>) -> Step {
        let mut step = Step::default();
        let problem = self.limited.as_ref().map(|limited| limited.problem.clone());
        self.ask_unheard(now, &mut step).end_turn(TurnEnd::Failed, problem, &mut step);
        if !self.has_live_run() {
            let mut next = self.clone();
            for event in &step.events {
                next.apply(event, self.last_event_at);
            }
            if next.wants_place() {
                step.effects.push(Effect::WantPlace);
            }
        }
        step
    }

    /// The turn waits instead of having failed.
    pub(super) fn turn_limited(&self, until: At, problem: Problem, now: &mut Now<'_>, step: &mut Step) {
        if let Some(turn) = &self.turn {
            let item = ItemId::fresh(now.ids);
            step.events.push(Event::TurnLimited { turn: turn.id.clone(), item, until, problem });
        }
    }

    pub(super) fn apply_limited(&mut self, until: At, problem: &Problem, at: At) {
        let (since, times) = self.limited.as_ref().map_or((at, 0), |known| (known.since, known.times));
        self.limited =
            Some(Limited { until, since, times: times + 1, problem: problem.clone(), over: false });
        self.stall = None;
        self.set_turn(TurnPhase::Queued);
        if let Some(run) = &mut self.run {
            // It has to be told again.
            run.asked = None;
        }
        self.next_ord += 1;
    }
}
