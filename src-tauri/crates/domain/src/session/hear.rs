//! Signals: what a driver reports, and what follows.

use super::{Call, Effect, Now, RunPhase, Session, Signal, Step, TurnPhase};
use crate::{
    event::{Closed, Event, PreAllowed, Problem, RunEnd, TurnEnd},
    ids::{ItemId, RequestId},
    policy::{Effect as PolicyEffect, Policy, Why},
    risk::risk_of,
    tool::{CallEnd, CallStatus, DecidedBy, Decision, PermissionRequest, ToolCall},
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
                if let Some(turn) = self.turn.as_ref().filter(|turn| turn.phase == TurnPhase::Queued) {
                    step.events.push(Event::TurnStarted { turn: turn.id.clone() });
                }
            }
            Signal::Said(text) => step.events.push(Event::Said { item: ItemId::fresh(now.ids), text }),
            Signal::Noted(code, text) => {
                step.events.push(Event::Noted { item: ItemId::fresh(now.ids), code, text });
            }
            Signal::Proposed(call) => self.proposed(*call, policy, now, &mut step),
            Signal::CallStarted { key, process } => {
                if let Some(call) = self.call_by_key(&key).filter(|call| call.status == CallStatus::Allowed) {
                    step.events.push(Event::ToolCallStarted { item: call.item.clone(), process });
                }
            }
            Signal::CallEnded { key, end, output } => {
                if let Some(call) = self.call_by_key(&key).filter(|call| !call.status.is_over()) {
                    step.events.push(Event::ToolCallEnded { item: call.item.clone(), end, output });
                }
            }
            Signal::Progress(progress) => {
                if self.progress != Some(progress) {
                    step.events.push(Event::Progressed { done: progress.done, of: progress.of });
                }
            }
            Signal::TurnEnded { end, problem } => {
                if let Some(turn) = self.open_turn() {
                    step.events.push(Event::TurnEnded { turn: turn.id.clone(), end, problem });
                }
            }
            Signal::RunEnded { how, detail } => self.run_ended(how, detail, &mut step),
        }
        step
    }

    fn call_by_key(&self, key: &str) -> Option<&Call> {
        self.calls.iter().rev().find(|call| call.call.key == key)
    }

    fn proposed(&self, call: ToolCall, policy: &Policy, now: &mut Now<'_>, step: &mut Step) {
        let hash = call.binding_hash();
        let open = self
            .call_by_key(&call.key)
            .filter(|known| matches!(known.status, CallStatus::Waiting | CallStatus::Allowed));
        if let Some(known) = open {
            if known.call.binding_hash() == hash {
                // The same question as before a restart. Unanswered, it stays open; answered, the answer is delivered.
                if let Some(decision) = known.decision {
                    step.effects.push(Effect::Deliver {
                        key: call.key,
                        item: known.item.clone(),
                        allowed: decision.allows(),
                        reason: known.reason.clone(),
                        by_person: matches!(known.by, Some(DecidedBy::Person { .. })),
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
                });
                step.effects.push(Effect::Deliver {
                    key: call.key,
                    item,
                    allowed: decision.allows(),
                    reason: None,
                    by_person: false,
                });
            }
            None => {
                let (risk, risk_reason) = risk_of(&call);
                let id = RequestId::fresh(now.ids);
                step.effects.push(Effect::Asked(id.clone()));
                step.events.push(Event::PermissionRequested {
                    request: Box::new(PermissionRequest {
                        id,
                        item,
                        hash,
                        risk,
                        risk_reason,
                        why: judgement.why,
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

    /// The connection is over. What has no end gets one, and the session is closed if its turn is over.
    fn run_ended(&self, how: RunEnd, detail: Option<String>, step: &mut Step) {
        let Some(run) = &self.run else { return };
        if self.stopping {
            step.events.push(Event::RunEnded { run: run.id.clone(), how: RunEnd::Killed });
            self.end_as_stopped(Some(Problem::Stopped), step);
            return;
        }
        for call in &self.calls {
            if matches!(call.status, CallStatus::Running | CallStatus::Allowed | CallStatus::Proposed) {
                let end =
                    if call.status == CallStatus::Proposed { CallEnd::Cancelled } else { CallEnd::Unknown };
                step.events.push(Event::ToolCallEnded { item: call.item.clone(), end, output: None });
            }
        }
        step.events.push(Event::RunEnded { run: run.id.clone(), how });
        step.effects.push(Effect::GivePlaceBack);
        let ended = match self.turn.as_ref().map(|turn| (&turn.id, turn.phase)) {
            Some((_, TurnPhase::Ended(end))) => end,
            Some((turn, _)) => {
                let unseen = self.calls.iter().any(|call| {
                    matches!(call.status, CallStatus::Running | CallStatus::Allowed | CallStatus::Unknown)
                });
                if unseen || self.has_open_request() {
                    // A person decides what happens with the unseen end; the turn is not over.
                    return;
                }
                step.events.push(Event::TurnEnded {
                    turn: turn.clone(),
                    end: TurnEnd::Failed,
                    problem: Some(Problem::ConnectionEnded { message: detail.unwrap_or_default() }),
                });
                TurnEnd::Failed
            }
            None => TurnEnd::Failed,
        };
        let closed = match ended {
            TurnEnd::End => Closed::Finished,
            TurnEnd::Cancelled => Closed::Stopped,
            TurnEnd::Failed | TurnEnd::Lost => Closed::Failed,
        };
        self.cancel_open_calls("stopped", step);
        step.events.push(Event::SessionClosed { how: closed });
        step.effects.push(Effect::Closed(closed));
    }
}

fn by_why(why: &Why) -> DecidedBy {
    match why {
        Why::Rule { rule } => DecidedBy::Rule { rule: rule.clone() },
        _ => DecidedBy::Default,
    }
}
