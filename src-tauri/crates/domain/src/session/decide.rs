//! Commands: what somebody wants of a session, and what follows.

use super::{
    Effect, Now, Prompt, Rejection, Session, SessionCommand, Step, Turn, TurnPhase, life::Wait,
    queue::check_length,
};
use crate::{
    answers::{self, Answers},
    event::{Closed, Event, Problem, RunEnd, SessionOpened, TurnEnd, UnknownChoice},
    ids::{ItemId, RunId, TurnId},
    image::Image,
    life::OnCrash,
    tool::{CallEnd, CallStatus, DecidedBy, Decision, ToolCall},
};

impl Session {
    /// The facts that open a session and queue its first turn.
    pub fn open(opened: SessionOpened, now: &mut Now<'_>) -> Step {
        let (text, images) = (opened.text.clone(), opened.images.clone());
        let turn = TurnId::fresh(now.ids);
        let item = ItemId::fresh(now.ids);
        Step {
            events: vec![
                Event::SessionOpened(Box::new(opened)),
                Event::TurnQueued { turn, item, text, images },
            ],
            effects: vec![Effect::WantPlace],
        }
    }

    /// Answers a command.
    pub fn decide(&self, command: &SessionCommand, now: &mut Now<'_>) -> Result<Step, Rejection> {
        match command {
            SessionCommand::Stop => self.stop(),
            SessionCommand::Answer { request, decision, reason, answers, via } => {
                let call = self
                    .calls
                    .iter()
                    .find(|call| call.request.as_ref().is_some_and(|asked| asked.id == *request))
                    // Calls that are over are forgotten, and their requests with them.
                    .ok_or(Rejection::RequestNotOpen)?;
                if call.status != CallStatus::Waiting || self.closed.is_some() || self.stopping {
                    return Err(Rejection::RequestNotOpen);
                }
                check_answer(&call.call, *decision, answers)?;
                let mut step = Step::default();
                step.events.push(Event::PermissionDecided {
                    item: call.item.clone(),
                    request: Some(request.clone()),
                    decision: *decision,
                    by: DecidedBy::Person { via: via.clone() },
                    reason: reason.clone(),
                    hash: call.call.binding_hash(),
                    answers: answers.clone(),
                });
                if !self.has_live_run() {
                    // The run that asked is gone: a new one will ask the same again and gets this answer once.
                    self.want_place_after(&mut step);
                } else if !(self.is_ending() || self.paused.is_some() && decision.allows()) {
                    step.effects.push(Effect::Deliver {
                        key: call.call.key.clone(),
                        item: call.item.clone(),
                        allowed: decision.allows(),
                        reason: reason.clone(),
                        by_person: true,
                        answers: answers.clone(),
                    });
                }
                Ok(step)
            }
            SessionCommand::Resolve { item, choice } => self.resolve(item, *choice),
            SessionCommand::Continue if self.deleted => Err(Rejection::Hidden),
            SessionCommand::Continue => self.go_on(now),
            SessionCommand::Prompt { text, images } => {
                self.check_images(images)?;
                check_length(text)?;
                self.prompt(text, images, now)
            }
            SessionCommand::PutBackPrompt { text, images } => self.prompt(text, images, now),
            SessionCommand::Steer { text } => self.steer(text, now),
            SessionCommand::ChangePrompt { turn, text } => self.change_prompt(turn, text),
            SessionCommand::WithdrawPrompt { turn } => self.withdraw_prompt(turn),
            SessionCommand::Switch { dial, to, via } => self.switch(*dial, to, via, now),
            SessionCommand::Interrupt => self.interrupt(now),
            SessionCommand::Pause { why } => self.pause(*why),
            SessionCommand::Wait => self.wait_on(),
            SessionCommand::Restart => self.restart_with_consent(),
            SessionCommand::Delete => {
                if self.closed.is_none() {
                    return Err(Rejection::StillRuns);
                }
                Ok(Step { events: vec![Event::SessionDeleted], effects: vec![] })
            }
            SessionCommand::Restore => Ok(Step { events: vec![Event::SessionRestored], effects: vec![] }),
        }
    }

    /// Queues a further turn; a run that stands by begins it at once, one that is gone is started for it.
    pub(super) fn prompt(&self, text: &str, images: &[Image], now: &mut Now<'_>) -> Result<Step, Rejection> {
        self.check_prompt(text, images)?;
        let turn = TurnId::fresh(now.ids);
        let (item, text, images) = (ItemId::fresh(now.ids), text.to_owned(), images.to_vec());
        let asked = Prompt { turn: turn.clone(), text: text.clone(), images: images.clone() };
        let queued = Event::TurnQueued { turn: turn.clone(), item, text, images };
        let mut step = Step::default();
        if self.closed.is_some() {
            step.events.push(Event::SessionReopened);
        }
        step.events.push(queued);
        if !self.has_live_run() {
            self.want_place_after(&mut step);
        } else if self.turn_is_over() && self.next.is_empty() && self.paused.is_none() && !self.is_ending() {
            step.events.push(Event::TurnStarted { turn });
            step.effects.push(Effect::Prompt(asked));
        }
        Ok(step)
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
        // A session that only stood by had done its work already; its end does not take that back.
        let how = match self.turn.as_ref().map(|turn| turn.phase) {
            Some(TurnPhase::Ended(TurnEnd::End)) if self.next.is_empty() => Closed::Finished,
            _ => Closed::Stopped,
        };
        self.cancel_next(step);
        step.events.push(Event::SessionClosed { how });
        step.effects.extend([Effect::GivePlaceBack, Effect::Settled(how)]);
    }

    /// Wants a place if the session could be started after these facts.
    fn want_place_after(&self, step: &mut Step) {
        let mut next = self.clone();
        for event in &step.events {
            next.apply(event, self.last_event_at);
        }
        if next.wants_place() {
            step.effects.push(Effect::WantPlace);
        }
    }

    /// Ends what is open, except what these facts end already.
    pub(super) fn cancel_open_calls(&self, why: &str, step: &mut Step) {
        self.end_open_calls(why, &CallEnd::Cancelled, step);
    }

    /// The same; what may have begun ends in this way.
    fn end_open_calls(&self, why: &str, begun: &CallEnd, step: &mut Step) {
        for call in &self.calls {
            let is_ended =
                |event: &Event| matches!(event, Event::ToolCallEnded { item, .. } if *item == call.item);
            if step.events.iter().any(is_ended) {
                continue;
            }
            let end = match call.status {
                CallStatus::Waiting | CallStatus::Proposed => CallEnd::Cancelled,
                CallStatus::Allowed | CallStatus::Running => begun.clone(),
                _ => continue,
            };
            if call.status == CallStatus::Waiting
                && let Some(request) = &call.request
            {
                step.events.push(Event::PermissionWithdrawn {
                    request: request.id.clone(),
                    item: call.item.clone(),
                    why: why.to_owned(),
                });
            }
            step.events.push(Event::ToolCallEnded { item: call.item.clone(), end, output: None });
        }
    }

    /// The facts that close a session which nobody carries on: what runs is lost, what is asked is withdrawn, what may
    /// have begun stays unknown. None when it is over already.
    pub fn abandon(&self, how: Closed, problem: Option<Problem>) -> Vec<Event> {
        let mut step = Step::default();
        if self.closed.is_some() {
            return step.events;
        }
        self.end_open_calls("stopped", &CallEnd::Unknown, &mut step);
        if let Some(run) = self.run.as_ref().filter(|_| self.has_live_run()) {
            step.events.push(Event::RunEnded { run: run.id.clone(), how: RunEnd::Lost });
        }
        if let Some(turn) = self.open_turn() {
            step.events.push(Event::TurnEnded { turn: turn.id.clone(), end: TurnEnd::Lost, problem });
        }
        self.cancel_next(&mut step);
        step.events.push(Event::SessionClosed { how });
        step.events
    }

    /// Takes back the prompts that wait for their turn.
    fn cancel_next(&self, step: &mut Step) {
        for next in &self.next {
            let (turn, end) = (next.id.clone(), TurnEnd::Cancelled);
            step.events.push(Event::TurnEnded { turn, end, problem: None });
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
        if choice == UnknownChoice::Stop && self.has_live_run() {
            step.events.push(Event::StopAsked);
            step.effects.push(Effect::StopRun);
            return Ok(step);
        }
        if choice == UnknownChoice::Stop {
            self.end_as_stopped(Some(Problem::Stopped), &mut step);
            return Ok(step);
        }
        if !self.has_live_run() {
            self.want_place_after(&mut step);
        }
        Ok(step)
    }

    fn go_on(&self, now: &mut Now<'_>) -> Result<Step, Rejection> {
        if self.imported {
            return Err(Rejection::Imported);
        }
        if self.deleted {
            return Err(Rejection::Hidden);
        }
        match self.closed {
            None if self.stopping => Err(Rejection::AlreadyStopping),
            None if self.paused.is_some() => Ok(self.resume()),
            None if self.is_limited() => Ok(self.limit_over()),
            None if self.could_ask_again() => {
                let asked = self.turn.as_ref().map(Prompt::from);
                let (text, images) = asked.map(|asked| (asked.text, asked.images)).unwrap_or_default();
                self.prompt(&text, &images, now)
            }
            Some(Closed::Finished) => Err(Rejection::Finished),
            Some(Closed::Failed | Closed::Stopped) => {
                let first = || (self.opened.text.clone(), self.opened.images.clone());
                let again = |turn: &Turn| (turn.text.clone(), turn.images.clone());
                let (text, images) = self.turn.as_ref().map_or_else(first, again);
                Ok(Step {
                    events: vec![
                        Event::SessionReopened,
                        Event::TurnQueued {
                            turn: TurnId::fresh(now.ids),
                            item: ItemId::fresh(now.ids),
                            text,
                            images,
                        },
                    ],
                    effects: vec![Effect::WantPlace],
                })
            }
            None if self.has_live_run() => Err(Rejection::StillRuns),
            None if self.has_unknown() || self.has_open_request() => Err(Rejection::StillRuns),
            // It stands by: only a prompt gives it something to do.
            None if !self.could_start() => Err(Rejection::Finished),
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
        // Once it has a name of its own, it goes on from that.
        let fork = self.opened.fork.as_ref().filter(|_| self.foreign.is_none());
        let mut step = Step {
            events: vec![Event::RunStarting { run: run.clone(), generation, attempt }],
            effects: vec![Effect::StartRun {
                run,
                generation,
                done: self.done_keys(),
                resume: self.foreign.clone().or(fork.map(|of| of.foreign.clone())),
                fork: fork.is_some(),
                heard: self.heard || self.opened.fork.is_some(),
                prompt: self.open_turn().or(self.next.first()).map(Prompt::from),
                again: self.open_turn().is_some_and(|turn| turn.phase == TurnPhase::Running),
                words: self.words(),
                left_out: self.talk.left_out,
            }],
        };
        self.note_left_out(now, &mut step);
        step
    }

    /// Whether a run could go on with it now.
    pub fn wants_place(&self) -> bool {
        self.could_start() && self.paused.is_none() && !self.is_lost()
    }

    /// Whether a run could go on with it if it were not paused.
    pub(super) fn could_start(&self) -> bool {
        self.closed.is_none()
            && !self.stopping
            && !self.imported
            && !self.has_live_run()
            && !self.is_limited()
            && (self.open_turn().is_some() || !self.next.is_empty() || self.restart.is_some())
            && !self.has_unknown()
            && !self.has_open_request()
    }

    /// After the engine began again: the run that has no end is lost, calls without an end are unknown, open requests
    /// stay open. Effects that the crash swallowed are found again. A second recovery of the same state gives nothing new.
    pub fn recover(&self, now: &mut Now<'_>) -> Step {
        let mut step = Step::default();
        if self.closed.is_some() {
            return step;
        }
        if let Some(run) = self.run.as_ref().filter(|_| self.has_live_run()) {
            self.cut_writing_off(&mut step);
            let unseen = self.end_unseen_calls(&mut step);
            let idle = self.stands_by();
            let how = if idle && self.foreign.is_some() { RunEnd::Hibernated } else { RunEnd::Lost };
            step.events.push(Event::RunEnded { run: run.id.clone(), how });
            if self.stopping {
                // Nobody wanted it to go on; what ran was ended with the engine.
                self.end_as_stopped(Some(Problem::Stopped), &mut step);
            } else if self.turn_is_over() && !self.opened.runtime.takes_prompts() {
                self.close_with_turn(&mut step);
            } else if let Some(hit) = self.limit.filter(|_| !idle) {
                self.close_failed(Problem::Limit { hit }, &mut step);
            } else if !unseen && !self.has_unknown() && !self.has_open_request() {
                self.go_on_after_crash(idle, now, &mut step);
            }
            return step;
        }
        if self.stopping {
            self.end_as_stopped(Some(Problem::Stopped), &mut step);
        } else if self.wants_place() {
            step.effects.push(self.when_to_start());
        }
        step
    }

    /// Gives calls that may have begun an unknown end; answers whether there were any.
    fn end_unseen_calls(&self, step: &mut Step) -> bool {
        let before = step.events.len();
        for call in &self.calls {
            let refused = call.decision == Some(Decision::Deny);
            let unseen = match call.status {
                // One that is being stopped is cancelled with its session.
                _ if self.stopping => false,
                CallStatus::Running => true,
                // Allowed and not heard of again: it may have begun. Refused, or not told yet: it cannot have.
                CallStatus::Allowed => !refused && call.was_told(self.generation()),
                _ => false,
            };
            if unseen {
                let was_ended = self.restarting || self.limit.is_some();
                let end = if was_ended { CallEnd::Cancelled } else { CallEnd::Unknown };
                step.events.push(Event::ToolCallEnded { item: call.item.clone(), end, output: None });
            }
        }
        step.events[before..]
            .iter()
            .any(|event| matches!(event, Event::ToolCallEnded { end: CallEnd::Unknown, .. }))
    }

    /// What follows on a crash for a session in which nothing waits for a person.
    fn go_on_after_crash(&self, idle: bool, now: &mut Now<'_>, step: &mut Step) {
        let is_queued = self.open_turn().is_some_and(|turn| turn.phase == TurnPhase::Queued);
        if idle {
            // It stood by. Prompts that wait for it wake it.
            let waits = self.open_turn().is_some() || !self.next.is_empty();
            if waits && self.paused.is_none() && !self.is_limited() {
                step.effects.push(Effect::WantPlace);
            }
        } else if is_queued {
            // The run was lost before it began with anything: nobody has to be asked.
            if self.paused.is_none() {
                step.effects.push(Effect::WantPlace);
            }
        } else if self.restarting || self.opened.life.on_crash == OnCrash::Resume {
            self.restart_or_give_up(None, Wait::No, now, step);
        }
    }
}

/// A question is answered with answers, and each time anew; anything else without any.
fn check_answer(call: &ToolCall, decision: Decision, given: &Answers) -> Result<(), Rejection> {
    match decision {
        Decision::Deny if given.is_empty() => Ok(()),
        Decision::AllowOnce => answers::check(&call.questions, given).map_err(Rejection::BadAnswers),
        _ if call.is_question() => Err(Rejection::OnlyOnce),
        _ => answers::check(&[], given).map_err(Rejection::BadAnswers),
    }
}
