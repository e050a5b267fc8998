//! Taking one fact in. Total: a fact that does not fit changes nothing but the time, and never panics.

use super::{Call, Grant, Run, RunPhase, Session, Turn, TurnPhase};
use crate::{
    At, Size,
    event::{Event, UnknownChoice},
    ids::ItemId,
    rows::Progress,
    tool::{CallEnd, CallStatus, DecidedBy, Decision},
};

impl Session {
    /// Takes one fact in.
    pub fn apply(&mut self, event: &Event, at: At) {
        self.last_event_at = at;
        match event {
            Event::TurnQueued { turn, text, .. } => {
                self.turn = Some(Turn { id: turn.clone(), phase: TurnPhase::Queued, text: text.clone() });
                self.next_ord += 1;
            }
            Event::RunStarting { run, generation, attempt } => {
                self.resume_wanted = false;
                self.run = Some(Run {
                    id: run.clone(),
                    generation: *generation,
                    attempt: *attempt,
                    phase: RunPhase::Starting,
                });
            }
            Event::RunLive { .. } => self.set_run(RunPhase::Live),
            Event::RunEnded { how, .. } => self.set_run(RunPhase::Ended(*how)),
            Event::TurnStarted { .. } => self.set_turn(TurnPhase::Running),
            Event::TurnEnded { end, problem, .. } => {
                self.set_turn(TurnPhase::Ended(*end));
                self.problem = problem.clone();
            }
            Event::Said { .. } | Event::Noted { .. } => self.next_ord += 1,
            Event::ToolCallProposed { item, call } => {
                self.calls.push(Call {
                    item: item.clone(),
                    turn: self.turn.as_ref().map(|turn| turn.id.clone()),
                    ord: self.next_ord,
                    call: (**call).clone(),
                    status: CallStatus::Proposed,
                    request: None,
                    decision: None,
                    reason: None,
                    by: None,
                    process: None,
                    at,
                    started_at: None,
                    ended_at: None,
                    end: None,
                    output: None,
                });
                self.next_ord += 1;
            }
            Event::PermissionRequested { request } => {
                self.with_call(&request.item, |call| {
                    call.status = CallStatus::Waiting;
                    call.request = Some((**request).clone());
                });
            }
            Event::PermissionDecided { item, decision, by, reason, hash, .. } => {
                if *decision == Decision::AllowSession {
                    self.granted.push(Grant { hash: hash.clone(), once: false });
                }
                match by {
                    DecidedBy::Flag => self.pre_allowance_used = true,
                    DecidedBy::Session => {
                        if let Some(used) = self.granted.iter().position(|g| g.once && g.hash == *hash) {
                            self.granted.remove(used);
                        }
                    }
                    _ => {}
                }
                self.resume_wanted |= !self.has_live_run();
                self.with_call(item, |call| {
                    // A refused call is over only when the driver was told and its end is recorded.
                    call.status = CallStatus::Allowed;
                    call.decision = Some(*decision);
                    call.reason = reason.clone();
                    call.by = Some(by.clone());
                });
            }
            Event::PermissionWithdrawn { item, .. } => {
                self.with_call(item, |call| call.status = CallStatus::Proposed);
            }
            Event::ToolCallStarted { item, process } => self.with_call(item, |call| {
                call.status = CallStatus::Running;
                call.process = process.clone();
                call.started_at = Some(at);
            }),
            Event::ToolCallEnded { item, end, output } => self.with_call(item, |call| {
                call.status = end.status();
                call.end = Some(end.clone());
                call.ended_at = Some(at);
                call.output = output.as_deref().cloned();
            }),
            Event::UnknownResolved { item, choice } => {
                let mut again = None;
                self.resume_wanted = true;
                self.with_call(item, |call| {
                    call.status = match choice {
                        UnknownChoice::Again => {
                            again = Some(Grant { hash: call.call.binding_hash(), once: true });
                            CallStatus::Cancelled
                        }
                        UnknownChoice::Skip => CallStatus::Skipped,
                        UnknownChoice::Stop => CallStatus::Cancelled,
                    };
                    if *choice == UnknownChoice::Skip {
                        call.end = Some(CallEnd::Skipped);
                    }
                });
                self.granted.extend(again);
            }
            Event::Progressed { done, of } => self.progress = Some(Progress { done: *done, of: *of }),
            Event::UsageReported { cost_micro_usd, .. } => {
                let before = self.cost_micro_usd.unwrap_or_default().0;
                self.cost_micro_usd = Some(Size(before.saturating_add(cost_micro_usd.0)));
            }
            Event::StopAsked => self.stopping = true,
            Event::SessionClosed { how } => {
                self.closed = Some(*how);
                self.closed_at = Some(at);
                self.stopping = false;
            }
            Event::SessionReopened => {
                self.resume_wanted = true;
                self.closed = None;
                self.closed_at = None;
                self.problem = None;
            }
            Event::SessionDeleted => self.deleted = true,
            Event::SessionRestored => self.deleted = false,
            _ => {}
        }
    }

    fn set_run(&mut self, phase: RunPhase) {
        if let Some(run) = &mut self.run {
            run.phase = phase;
        }
    }

    fn set_turn(&mut self, phase: TurnPhase) {
        if let Some(turn) = &mut self.turn {
            turn.phase = phase;
        }
    }

    fn with_call(&mut self, item: &ItemId, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.calls.iter_mut().rev().find(|call| call.item == *item) {
            change(call);
        }
    }
}
