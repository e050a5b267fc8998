//! Commands: what somebody wants of a session, and what follows.

use super::{Effect, Now, Rejection, Session, SessionCommand, Step, TurnPhase};
use crate::{
    event::{Closed, Event, Problem, RunEnd, SessionOpened, TurnEnd, UnknownChoice},
    ids::{ItemId, RunId, TurnId},
    tool::{CallEnd, CallStatus, DecidedBy, Decision},
};

impl Session {
    /// The facts that open a session and queue its first turn.
    pub fn open(opened: SessionOpened, now: &mut Now<'_>) -> Step {
        let text = opened.text.clone();
        let turn = TurnId::fresh(now.ids);
        let item = ItemId::fresh(now.ids);
        Step {
            events: vec![Event::SessionOpened(Box::new(opened)), Event::TurnQueued { turn, item, text }],
            effects: vec![Effect::WantPlace],
        }
    }

    /// Answers a command.
    pub fn decide(&self, command: &SessionCommand, now: &mut Now<'_>) -> Result<Step, Rejection> {
        match command {
            SessionCommand::Stop => self.stop(),
            SessionCommand::Answer { request, decision, reason, via } => {
                let call = self
                    .calls
                    .iter()
                    .find(|call| call.request.as_ref().is_some_and(|asked| asked.id == *request))
                    .ok_or(Rejection::NotHere)?;
                if call.status != CallStatus::Waiting || self.closed.is_some() || self.stopping {
                    return Err(Rejection::RequestNotOpen);
                }
                let mut step = Step::default();
                step.events.push(Event::PermissionDecided {
                    item: call.item.clone(),
                    request: Some(request.clone()),
                    decision: *decision,
                    by: DecidedBy::Person { via: via.clone() },
                    reason: reason.clone(),
                    hash: call.call.binding_hash(),
                });
                if self.has_live_run() {
                    step.effects.push(Effect::Deliver {
                        key: call.call.key.clone(),
                        item: call.item.clone(),
                        allowed: decision.allows(),
                        reason: reason.clone(),
                        by_person: true,
                    });
                } else {
                    // The run that asked is gone: a new one will ask the same again and gets this answer once.
                    step.effects.push(Effect::WantPlace);
                }
                Ok(step)
            }
            SessionCommand::Resolve { item, choice } => self.resolve(item, *choice),
            SessionCommand::Continue if self.deleted => Err(Rejection::Hidden),
            SessionCommand::Continue => self.go_on(now),
            SessionCommand::Delete => {
                if self.closed.is_none() {
                    return Err(Rejection::StillRuns);
                }
                Ok(Step { events: vec![Event::SessionDeleted], effects: vec![] })
            }
            SessionCommand::Restore => Ok(Step { events: vec![Event::SessionRestored], effects: vec![] }),
        }
    }

    fn stop(&self) -> Result<Step, Rejection> {
        if self.closed.is_some() {
            return Err(Rejection::Over);
        }
        if self.has_live_run() {
            if self.stopping {
                return Err(Rejection::AlreadyStopping);
            }
            return Ok(Step { events: vec![Event::StopAsked], effects: vec![Effect::StopRun] });
        }
        let mut step = Step { events: vec![Event::StopAsked], effects: vec![] };
        self.end_as_stopped(Some(Problem::Stopped), &mut step);
        Ok(step)
    }

    /// Everything that is open is cancelled and the session closed as stopped.
    pub(super) fn end_as_stopped(&self, problem: Option<Problem>, step: &mut Step) {
        self.cancel_open_calls("stopped", step);
        if let Some(turn) = self.open_turn() {
            step.events.push(Event::TurnEnded {
                turn: turn.id.clone(),
                end: TurnEnd::Cancelled,
                problem: problem.filter(|problem| *problem != Problem::Stopped),
            });
        }
        step.events.push(Event::SessionClosed { how: Closed::Stopped });
        step.effects.extend([Effect::GivePlaceBack, Effect::Closed(Closed::Stopped)]);
    }

    pub(super) fn cancel_open_calls(&self, why: &str, step: &mut Step) {
        for call in &self.calls {
            match call.status {
                CallStatus::Waiting => {
                    if let Some(request) = &call.request {
                        step.events.push(Event::PermissionWithdrawn {
                            request: request.id.clone(),
                            item: call.item.clone(),
                            why: why.to_owned(),
                        });
                    }
                    step.events.push(Event::ToolCallEnded {
                        item: call.item.clone(),
                        end: CallEnd::Cancelled,
                        output: None,
                    });
                }
                CallStatus::Proposed | CallStatus::Allowed | CallStatus::Running => {
                    step.events.push(Event::ToolCallEnded {
                        item: call.item.clone(),
                        end: CallEnd::Cancelled,
                        output: None,
                    });
                }
                _ => {}
            }
        }
    }

    fn resolve(&self, item: &ItemId, choice: UnknownChoice) -> Result<Step, Rejection> {
        if self.closed.is_some() {
            return Err(Rejection::Over);
        }
        let call = self.calls.iter().find(|call| call.item == *item).ok_or(Rejection::NotHere)?;
        if call.status != CallStatus::Unknown {
            return Err(Rejection::RequestNotOpen);
        }
        let mut step =
            Step { events: vec![Event::UnknownResolved { item: item.clone(), choice }], effects: vec![] };
        if choice == UnknownChoice::Stop {
            self.end_as_stopped(Some(Problem::Stopped), &mut step);
            return Ok(step);
        }
        let others = self.calls.iter().any(|call| call.item != *item && call.status == CallStatus::Unknown);
        if !others && !self.has_open_request() && !self.has_live_run() {
            step.effects.push(Effect::WantPlace);
        }
        Ok(step)
    }

    fn go_on(&self, now: &mut Now<'_>) -> Result<Step, Rejection> {
        match self.closed {
            Some(Closed::Finished) => Err(Rejection::Finished),
            Some(Closed::Failed | Closed::Stopped) => {
                let text =
                    self.turn.as_ref().map_or_else(|| self.opened.text.clone(), |turn| turn.text.clone());
                Ok(Step {
                    events: vec![
                        Event::SessionReopened,
                        Event::TurnQueued {
                            turn: TurnId::fresh(now.ids),
                            item: ItemId::fresh(now.ids),
                            text,
                        },
                    ],
                    effects: vec![Effect::WantPlace],
                })
            }
            None if self.has_live_run() => Err(Rejection::StillRuns),
            None if self.has_unknown() || self.has_open_request() => Err(Rejection::StillRuns),
            None => Ok(Step { events: vec![Event::SessionReopened], effects: vec![Effect::WantPlace] }),
        }
    }

    /// The scheduler has a place: the run's intent, and then its start. Nothing when it is no longer wanted.
    pub fn place_granted(&self, now: &mut Now<'_>) -> Step {
        if self.has_live_run() {
            // The place is this run's, told twice.
            return Step::default();
        }
        if !self.wants_place() {
            return Step { events: vec![], effects: vec![Effect::GivePlaceBack] };
        }
        let run = RunId::fresh(now.ids);
        let generation = self.generation() + 1;
        let attempt = self.run.as_ref().map_or(0, |run| run.attempt) + 1;
        Step {
            events: vec![Event::RunStarting { run: run.clone(), generation, attempt }],
            effects: vec![Effect::StartRun { run, generation, done: self.done_keys() }],
        }
    }

    /// Whether a run could go on with it now.
    pub fn wants_place(&self) -> bool {
        self.closed.is_none()
            && !self.stopping
            && !self.has_live_run()
            && self.open_turn().is_some()
            && !self.has_unknown()
            && !self.has_open_request()
    }

    /// After the engine began again: the run that has no end is lost, calls without an end are unknown, open requests
    /// stay open. Effects that the crash swallowed are found again. A second recovery of the same state gives nothing new.
    pub fn recover(&self) -> Step {
        let mut step = Step::default();
        if self.closed.is_some() {
            return step;
        }
        if let Some(run) = self.run.as_ref().filter(|_| self.has_live_run()) {
            for call in &self.calls {
                let refused = call.decision == Some(Decision::Deny);
                match call.status {
                    CallStatus::Running => step.events.push(Event::ToolCallEnded {
                        item: call.item.clone(),
                        end: CallEnd::Unknown,
                        output: None,
                    }),
                    // Allowed and not heard of again: it may have begun. Refused: it cannot have.
                    CallStatus::Allowed if !refused && !self.stopping => {
                        step.events.push(Event::ToolCallEnded {
                            item: call.item.clone(),
                            end: CallEnd::Unknown,
                            output: None,
                        });
                    }
                    _ => {}
                }
            }
            step.events.push(Event::RunEnded { run: run.id.clone(), how: RunEnd::Lost });
            if self.stopping {
                // Nobody wanted it to go on; what ran was ended with the engine.
                self.end_as_stopped(Some(Problem::Stopped), &mut step);
            } else if self.open_turn().is_some_and(|turn| turn.phase == TurnPhase::Queued) {
                // The run was lost before it began with anything: nobody has to be asked.
                step.effects.push(Effect::WantPlace);
            }
            return step;
        }
        if self.stopping {
            self.end_as_stopped(Some(Problem::Stopped), &mut step);
        } else if self.wants_place() && !self.is_lost() {
            step.effects.push(Effect::WantPlace);
        }
        step
    }
}
