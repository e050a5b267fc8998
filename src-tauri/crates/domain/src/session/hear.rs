//! Signals: what a driver reports, and what follows.

use super::{Call, Effect, Now, RunPhase, Session, Signal, Step, TurnPhase, life::Wait};
use crate::{
    Size,
    answers::Answers,
    event::{Closed, Event, PreAllowed, Problem, RunEnd, TurnEnd},
    ids::{ItemId, RequestId},
    life::{LimitAction, Restart},
    policy::{Effect as PolicyEffect, Policy, Why},
    risk::risk_of,
    tool::{CallEnd, CallStatus, DecidedBy, Decision, OutputDigest, PermissionRequest, Risk, ToolCall},
};

impl Session {
    /// Takes a driver's signal in. One of an old generation, or of a run that is over, gives nothing.
    pub fn hear(&self, generation: u32, signal: Signal, policy: &Policy, now: &mut Now<'_>) -> Step {
        let mut step = Step::default();
        let Some(run) = self.run.as_ref().filter(|run| run.generation == generation && self.has_live_run())
        else {
            return step;
        };
        match signal {
            Signal::Live => {
                if run.phase == RunPhase::Starting {
                    step.events.push(Event::RunLive { run: run.id.clone() });
                }
                match self.turn.as_ref().filter(|turn| turn.phase == TurnPhase::Queued) {
                    // It was started with this turn, and begins it by itself.
                    Some(turn) if run.asked.as_ref() == Some(&turn.id) => {
                        step.events.push(Event::TurnStarted { turn: turn.id.clone() });
                    }
                    _ if self.paused.is_none() && !self.stopping && !self.is_ending() => {
                        self.begin_next_turn(&mut step);
                    }
                    _ => {}
                }
            }
            Signal::Said(text) => step.events.push(Event::Said { item: ItemId::fresh(now.ids), text }),
            // It is told in each run that finds it so, and by this session once.
            Signal::Noted(code, _) if self.talk.told_once.contains(&code) => {}
            Signal::Noted(code, text) => {
                step.events.push(Event::Noted { item: ItemId::fresh(now.ids), code, text });
            }
            Signal::Carried(process) => {
                step.events.push(Event::RunCarried { run: run.id.clone(), process });
            }
            Signal::Writing { item, thought } => self.writing_begins(item, thought, &mut step),
            Signal::Wrote { item, text } => self.writing_ends(item, text, &mut step),
            Signal::ImageTold { key, image } => self.image_told(key.as_deref(), image, now, &mut step),
            Signal::Planned(steps) => self.planned(steps, now, &mut step),
            Signal::Used(used) => step.events.push(Event::UsageReported {
                model: used.model,
                input_tokens: used.input_tokens,
                cached_tokens: used.cached_tokens,
                output_tokens: used.output_tokens,
                cost_micro_usd: used.cost_micro_usd.unwrap_or_default(),
                costs_nothing: used.cost_micro_usd == Some(Size(0)),
            }),
            Signal::Steered(text) => self.settle_steer(&text, false, &mut step),
            Signal::NotSteered(text) => {
                self.settle_steer(&text, true, &mut step);
                self.not_steered(text, now, &mut step);
            }
            Signal::Offers(offers) => self.offers(*offers, &mut step),
            Signal::Switched(dial) => self.settle_switch(dial, &mut step),
            // A run that is being ended begins nothing more; the next one proposes it again.
            Signal::Proposed(_) if self.stopping || self.is_ending() => {}
            Signal::Proposed(call) => self.proposed(*call, policy, now, &mut step),
            Signal::CallStarted { key, process } => {
                let begins = |call: &&Call| {
                    call.status == CallStatus::Allowed && call.may_have_begun(self.generation())
                };
                if let Some(call) = self.call_by_key(&key).filter(begins) {
                    step.events.push(Event::ToolCallStarted { item: call.item.clone(), process });
                }
            }
            Signal::CallEnded { key, end, output } => {
                self.call_ended(&key, end, output, &mut step);
            }
            Signal::Progress(progress) => {
                if self.progress != Some(progress) {
                    step.events.push(Event::Progressed { done: progress.done, of: progress.of });
                }
            }
            Signal::TurnEnded { end, problem } => self.turn_ended(end, problem, now, &mut step),
            Signal::Named(name) => {
                if self.foreign.as_ref() != Some(&name) {
                    step.events.push(Event::ForeignNamed { name });
                }
            }
            Signal::Limit(hit) => {
                let is_told = hit.action == LimitAction::Refused && self.refused.contains(&hit.limit);
                if self.limit.is_none() && !is_told {
                    step.events.push(Event::LimitReached { item: ItemId::fresh(now.ids), hit });
                    if hit.action == LimitAction::Ended {
                        step.effects.push(Effect::StopRun);
                    }
                }
            }
            Signal::RunEnded { how, detail } => self.run_ended(how, detail, now, &mut step),
        }
        step
    }

    fn call_ended(&self, key: &str, end: CallEnd, output: Option<Box<OutputDigest>>, step: &mut Step) {
        let is_known = |call: &&Call| !call.status.is_over() && call.status != CallStatus::Unknown;
        let Some(call) = self.call_by_key(key).filter(is_known) else { return };
        // A driver that is being closed takes its question back; the next one asks it again.
        if self.is_ending() && call.waits(self.generation()) && end == CallEnd::Cancelled {
            return;
        }
        self.withdraw(call, step);
        step.events.push(Event::ToolCallEnded { item: call.item.clone(), end, output });
    }

    /// Nobody waits for the answer any more, or the one that was given reached nobody.
    fn withdraw(&self, call: &Call, step: &mut Step) {
        if let Some(request) = call.request.as_ref().filter(|_| call.waits(self.generation())) {
            step.events.push(Event::PermissionWithdrawn {
                request: request.id.clone(),
                item: call.item.clone(),
                why: "stopped".to_owned(),
            });
        }
    }

    pub(super) fn call_by_key(&self, key: &str) -> Option<&Call> {
        self.calls.iter().rev().find(|call| call.call.key == key)
    }

    fn proposed(&self, call: ToolCall, policy: &Policy, now: &mut Now<'_>, step: &mut Step) {
        let hash = call.binding_hash();
        let open = self
            .call_by_key(&call.key)
            .filter(|known| matches!(known.status, CallStatus::Waiting | CallStatus::Allowed));
        if let Some(known) = open {
            if known.call.binding_hash() == hash {
                // The same question as before a restart. Unanswered, it stays open; answered, the answer is delivered,
                // and once: a driver that asks twice is told once.
                let Some(decision) = known.decision.filter(|_| !known.is_asked_in(self.generation())) else {
                    return;
                };
                step.events.push(Event::AskedAgain { item: known.item.clone() });
                // While it is paused, nothing that is allowed begins.
                if self.paused.is_none() || !decision.allows() {
                    step.effects.push(Effect::Deliver {
                        key: call.key,
                        item: known.item.clone(),
                        allowed: decision.allows(),
                        reason: known.reason.clone(),
                        by_person: matches!(known.by, Some(DecidedBy::Person { .. })),
                        answers: known.answers.clone(),
                    });
                }
                return;
            }
            if let Some(request) = &known.request {
                step.events.push(Event::PermissionWithdrawn {
                    request: request.id.clone(),
                    item: known.item.clone(),
                    why: "changed".to_owned(),
                });
            }
            step.events.push(Event::ToolCallEnded {
                item: known.item.clone(),
                end: CallEnd::Cancelled,
                output: None,
            });
        }
        let item = ItemId::fresh(now.ids);
        step.events.push(Event::ToolCallProposed { item: item.clone(), call: Box::new(call.clone()) });
        let judgement = policy.judge(&self.opened.agent, &call);
        let (decision, by) = match judgement.effect {
            // What an agent asks, no rule and no leave that was given beforehand can answer.
            _ if call.is_question() => (None, DecidedBy::Default),
            PolicyEffect::Deny => (Some(Decision::Deny), by_why(&judgement.why)),
            PolicyEffect::Allow => (Some(Decision::AllowOnce), by_why(&judgement.why)),
            PolicyEffect::Ask => {
                if self.granted.iter().any(|grant| grant.hash == hash) {
                    (Some(Decision::AllowOnce), DecidedBy::Session)
                } else if self.is_pre_allowed() {
                    (Some(Decision::AllowOnce), DecidedBy::Flag)
                } else {
                    (None, DecidedBy::Default)
                }
            }
        };
        match decision {
            Some(decision) => {
                step.events.push(Event::PermissionDecided {
                    item: item.clone(),
                    request: None,
                    decision,
                    by,
                    reason: None,
                    hash,
                    answers: Answers::new(),
                });
                // While it is paused, nothing that is allowed begins.
                if self.paused.is_none() || !decision.allows() {
                    step.effects.push(Effect::Deliver {
                        key: call.key,
                        item,
                        allowed: decision.allows(),
                        reason: None,
                        by_person: false,
                        answers: Answers::new(),
                    });
                }
            }
            None => {
                let is_question = call.is_question();
                let (risk, risk_reason) =
                    if is_question { (Risk::Low, "question".to_owned()) } else { risk_of(&call) };
                let why = if is_question { Why::Question } else { judgement.why };
                let id = RequestId::fresh(now.ids);
                step.effects.push(Effect::Asked(id.clone()));
                step.events.push(Event::PermissionRequested {
                    request: Box::new(PermissionRequest {
                        id,
                        item,
                        hash,
                        risk,
                        risk_reason,
                        why,
                        asked_at: now.at,
                        call,
                    }),
                });
            }
        }
    }

    fn is_pre_allowed(&self) -> bool {
        match self.opened.pre_allowed {
            PreAllowed::Nothing => false,
            PreAllowed::First => !self.pre_allowance_used,
            PreAllowed::All => true,
        }
    }

    /// A turn is over. The next one begins, or the session stands by; one that takes no prompts ends with its run.
    fn turn_ended(&self, end: TurnEnd, problem: Option<Problem>, now: &mut Now<'_>, step: &mut Step) {
        if self.open_turn().is_none() || self.stands_by() {
            return;
        }
        // A run that is being closed, restarted or ended for a limit says that it was cancelled. Its turn is not over.
        if self.is_ending() && !self.stopping && end == TurnEnd::Cancelled {
            return;
        }
        // The agent does not wait for answers any more.
        for call in &self.calls {
            if call.waits(self.generation()) {
                self.withdraw(call, step);
                let (item, end) = (call.item.clone(), CallEnd::Cancelled);
                step.events.push(Event::ToolCallEnded { item, end, output: None });
            }
        }
        // What a driver calls a failure is the limit's doing.
        let problem = match self.limit {
            Some(hit) if end == TurnEnd::Failed => Some(Problem::Limit { hit }),
            _ => problem,
        };
        match self.waits_until(problem.as_ref(), now.at).zip(problem.clone()) {
            Some((until, problem)) if end == TurnEnd::Failed => self.turn_limited(until, problem, now, step),
            // It came to its end, so it was told all that was said into it; or nothing is asked any more.
            _ if end == TurnEnd::End || self.stopping => self.end_turn(end, problem, step),
            _ => self.ask_unheard(now, step).end_turn(end, problem, step),
        }
    }

    fn is_starting(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.phase == RunPhase::Starting)
    }

    /// The turn is over. The next one begins, or the session stands by.
    pub(super) fn end_turn(&self, end: TurnEnd, problem: Option<Problem>, step: &mut Step) {
        let Some(turn) = self.open_turn() else { return };
        step.events.push(Event::TurnEnded { turn: turn.id.clone(), end, problem });
        if !self.opened.runtime.takes_prompts() || self.stopping {
            return;
        }
        match self.next.first() {
            // A run that never stood cannot be asked: what waits is for the next one.
            Some(next)
                if self.paused.is_none()
                    && !self.is_ending()
                    && self.has_live_run()
                    && !self.is_starting() =>
            {
                step.events.push(Event::TurnStarted { turn: next.id.clone() });
                step.effects.push(Effect::Prompt(next.into()));
            }
            Some(_) => {}
            None => step.effects.push(Effect::Settled(closed_by(end))),
        }
    }

    /// The connection is over. What has no end gets one. The session is closed if its turn is over and it takes no
    /// prompts; one whose work is not over goes on with another run, as its rules say, or waits for a person.
    fn run_ended(&self, how: RunEnd, detail: Option<String>, now: &mut Now<'_>, step: &mut Step) {
        let Some(run) = &self.run else { return };
        let run = run.id.clone();
        self.cut_writing_off(step);
        if self.stopping {
            step.events.push(Event::RunEnded { run, how: RunEnd::Killed });
            self.end_as_stopped(Some(Problem::Stopped), step);
            return;
        }
        let unseen = self.end_calls_of_run(step);
        step.effects.push(Effect::GivePlaceBack);
        let waits = unseen || self.has_open_request() || self.has_unknown();
        if self.turn_is_over() && !self.opened.runtime.takes_prompts() {
            step.events.push(Event::RunEnded { run, how });
            return self.close_with_turn(step);
        }
        if self.hibernating {
            step.events.push(Event::RunEnded { run, how: RunEnd::Hibernated });
            // Something may have come while it was being closed.
            if !waits
                && self.paused.is_none()
                && !self.is_limited()
                && (self.open_turn().is_some() || !self.next.is_empty())
            {
                step.effects.push(Effect::WantPlace);
            }
            return;
        }
        let message = detail.unwrap_or_default();
        let problem = self.limit.map_or(Problem::ConnectionEnded { message }, |hit| Problem::Limit { hit });
        if self.stands_by() {
            let how = if self.foreign.is_some() { RunEnd::Hibernated } else { how };
            step.events.push(Event::RunEnded { run, how });
            return self.ended_between_turns(problem, now, step);
        }
        step.events.push(Event::RunEnded { run, how });
        if self.limit.is_some() {
            return self.close_failed(problem, step);
        }
        if self.restarting {
            return self.restart_or_give_up(None, Wait::No, now, step);
        }
        // A person decides what happens with an unseen end; the turn is not over.
        if !waits {
            self.ended_unexpectedly(problem, now, step);
        }
    }

    /// Gives calls of a run that is over an end; answers whether one of them was not seen.
    fn end_calls_of_run(&self, step: &mut Step) -> bool {
        let mut unseen = false;
        for call in &self.calls {
            let refused = call.decision == Some(Decision::Deny);
            let end = match call.status {
                CallStatus::Proposed => CallEnd::Cancelled,
                CallStatus::Allowed if !call.was_told(self.generation()) => continue,
                CallStatus::Allowed if refused => CallEnd::Denied { reason: call.reason.clone() },
                CallStatus::Running | CallStatus::Allowed if self.restarting || self.limit.is_some() => {
                    CallEnd::Cancelled
                }
                CallStatus::Running | CallStatus::Allowed => CallEnd::Unknown,
                _ => continue,
            };
            unseen |= end == CallEnd::Unknown;
            step.events.push(Event::ToolCallEnded { item: call.item.clone(), end, output: None });
        }
        unseen
    }

    fn ended_between_turns(&self, problem: Problem, now: &mut Now<'_>, step: &mut Step) {
        let waits = self.open_turn().is_some() || !self.next.is_empty();
        if self.is_limited() {
            // It is started when the limit is over.
        } else if waits && self.paused.is_none() {
            step.effects.push(Effect::WantPlace);
        } else if self.opened.life.restart == Restart::Always && self.limit.is_none() {
            self.restart_or_give_up(Some(problem), Wait::BackOff, now, step);
        }
    }

    /// Closes a session that takes no prompts as its turn ended.
    pub(super) fn close_with_turn(&self, step: &mut Step) {
        let closed = match self.turn.as_ref().map(|turn| turn.phase) {
            Some(TurnPhase::Ended(end)) => closed_by(end),
            _ => Closed::Failed,
        };
        self.cancel_open_calls("stopped", step);
        step.events.push(Event::SessionClosed { how: closed });
        step.effects.push(Effect::Settled(closed));
    }

    /// Ends the turn as failed and closes the session: nobody can mend it by going on.
    pub(super) fn close_failed(&self, problem: Problem, step: &mut Step) {
        self.cancel_open_calls("stopped", step);
        if let Some(turn) = self.open_turn() {
            let (turn, end) = (turn.id.clone(), TurnEnd::Failed);
            step.events.push(Event::TurnEnded { turn, end, problem: Some(problem) });
        }
        for next in &self.next {
            let (turn, end) = (next.id.clone(), TurnEnd::Cancelled);
            step.events.push(Event::TurnEnded { turn, end, problem: None });
        }
        step.events.push(Event::SessionClosed { how: Closed::Failed });
        step.effects.push(Effect::Settled(Closed::Failed));
    }
}

fn closed_by(end: TurnEnd) -> Closed {
    match end {
        TurnEnd::End => Closed::Finished,
        TurnEnd::Cancelled => Closed::Stopped,
        TurnEnd::Failed | TurnEnd::Lost => Closed::Failed,
    }
}

fn by_why(why: &Why) -> DecidedBy {
    match why {
        Why::Rule { rule } => DecidedBy::Rule { rule: rule.clone() },
        _ => DecidedBy::Default,
    }
}
