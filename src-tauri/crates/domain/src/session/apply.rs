//! Taking one fact in. Total: a fact that does not fit changes nothing but the time, and never panics.

use super::{Call, Grant, PlannedRestart, Run, RunPhase, Session, Turn, TurnPhase};
use crate::{
    At,
    answers::Answers,
    event::{Event, NOTED_ONCE, UnknownChoice},
    ids::ItemId,
    life::{LimitAction, RESTART_WINDOW_MS},
    rows::Progress,
    tool::{CallEnd, CallStatus, DecidedBy, Decision},
    transcript::Usage,
};

impl Session {
    /// Takes one fact in.
    pub fn apply(&mut self, event: &Event, at: At) {
        // An import says when it was made, not when the session was last heard of.
        if !matches!(event, Event::SessionImported) {
            self.last_event_at = at;
        }
        if std::mem::take(&mut self.talk.unsure) {
            self.make_sure(event);
        }
        match event {
            Event::TurnQueued { turn, text, item, images } => {
                let (id, text, item) = (turn.clone(), text.clone(), Some(item.clone()));
                let images = images.clone();
                let waits = Turn { id, phase: TurnPhase::Queued, text, images, item, ord: None };
                let is_alone = self.turn_is_over() && self.next.is_empty();
                self.next.push(waits);
                // One that waits for its turn is shown when that has come.
                if is_alone {
                    self.take_next();
                }
            }
            Event::PromptChanged { turn, text } => {
                if let Some(waits) = self.next.iter_mut().find(|next| next.id == *turn) {
                    waits.text.clone_from(text);
                }
            }
            Event::Steered { item, text } => {
                self.stall = None;
                self.next_ord += 1;
                self.apply_steered(item, text);
            }
            Event::SteerSettled { item, given_back } => {
                self.stall = None;
                self.apply_steer_settled(item, *given_back);
            }
            Event::OffersTold { offers } => self.apply_offers(offers),
            Event::Switched { dial, to, .. } => self.apply_switched(*dial, to),
            Event::SwitchSettled { dial } => self.apply_switch_settled(*dial),
            Event::TurnLimited { until, problem, turn, .. }
                if self.turn.as_ref().is_some_and(|newest| newest.id == *turn) =>
            {
                self.apply_limited(*until, problem, at);
            }
            Event::LimitOver => {
                if let Some(limited) = &mut self.limited {
                    limited.over = true;
                }
            }
            Event::RunStarting { run, generation, attempt } => {
                // It is started with the oldest prompt that waits.
                if self.turn_is_over() && !self.next.is_empty() {
                    self.take_next();
                }
                self.gave_up = false;
                self.resume_wanted = false;
                self.restart = None;
                self.held_back = None;
                self.stall = None;
                self.begin_dials();
                self.run = Some(Run {
                    id: run.clone(),
                    generation: *generation,
                    attempt: *attempt,
                    phase: RunPhase::Starting,
                    asked: self.open_turn().map(|turn| turn.id.clone()),
                    process: None,
                });
            }
            Event::RunLive { .. } => self.set_run(RunPhase::Live),
            Event::RunEnded { how, .. } => {
                self.set_run(RunPhase::Ended(*how));
                self.end_wishes();
                self.hibernating = false;
                self.restarting = false;
                self.stall = None;
                self.limit = None;
            }
            Event::TurnStarted { turn } => {
                if self.turn_is_over() && self.next.first().is_some_and(|next| next.id == *turn) {
                    self.take_next();
                }
                if self.turn.as_ref().is_some_and(|newest| newest.id == *turn) {
                    self.problem = None;
                    self.stall = None;
                    self.refused.clear();
                    self.set_turn(TurnPhase::Running);
                }
            }
            Event::TurnEnded { turn, end, problem } => {
                if let Some(newest) = self.turn.as_ref().filter(|newest| newest.id == *turn) {
                    self.heard |= newest.phase == TurnPhase::Running;
                    self.set_turn(TurnPhase::Ended(*end));
                    self.end_wishes();
                    self.talk.forget_said();
                    self.limited = None;
                    self.stall = None;
                    self.problem = problem.clone();
                } else {
                    // One that waited for its turn was taken back.
                    self.next.retain(|next| next.id != *turn);
                }
            }
            Event::Noted { code, .. } => {
                self.stall = None;
                self.talk.apply_noted(code);
                self.next_ord += 1;
                if NOTED_ONCE.contains(&code.as_str()) && !self.talk.told_once.contains(code) {
                    self.talk.told_once.push(code.clone());
                }
            }
            Event::TextBegun { item, thought } => self.apply_text_begun(item, *thought, at),
            Event::Said { item, .. } | Event::Thought { item, .. } => self.apply_text(item),
            Event::ImageTold { item, image } => self.apply_image(item, image, at),
            Event::Planned { item, .. } => self.apply_planned(item),
            Event::RunCarried { run, process } => {
                if let Some(newest) = self.run.as_mut().filter(|newest| newest.id == *run) {
                    newest.process = Some(process.clone());
                }
            }
            Event::ToolCallProposed { item, call } => {
                self.stall = None;
                self.heard = true;
                self.calls.push(Call {
                    item: item.clone(),
                    turn: self.turn.as_ref().map(|turn| turn.id.clone()),
                    ord: self.next_ord,
                    call: (**call).clone(),
                    status: CallStatus::Proposed,
                    request: None,
                    decision: None,
                    reason: None,
                    answers: Answers::new(),
                    by: None,
                    held: false,
                    asked_in: Some(self.generation()),
                    process: None,
                    at,
                    started_at: None,
                    ended_at: None,
                    end: None,
                    output: None,
                    images: vec![],
                });
                self.next_ord += 1;
            }
            Event::PermissionRequested { request } => {
                self.with_call(&request.item, |call| {
                    call.status = CallStatus::Waiting;
                    call.request = Some((**request).clone());
                });
            }
            Event::PermissionDecided { item, request, decision, by, reason, hash, answers } => {
                if *decision == Decision::AllowSession {
                    self.granted.push(Grant { hash: hash.clone(), once: false });
                }
                self.pre_allowance_used |= *by == DecidedBy::Flag;
                // A grant for once is used up by the next call, whoever allows that.
                if request.is_none()
                    && let Some(used) = self.granted.iter().position(|g| g.once && g.hash == *hash)
                {
                    self.granted.remove(used);
                }
                self.resume_wanted |= !self.has_live_run();
                let held =
                    !self.has_live_run() || self.is_ending() || (self.paused.is_some() && decision.allows());
                self.with_call(item, |call| {
                    // A refused call is over only when the driver was told and its end is recorded.
                    call.status = CallStatus::Allowed;
                    call.decision = Some(*decision);
                    call.reason = reason.clone();
                    call.answers.clone_from(answers);
                    call.by = Some(by.clone());
                    call.held = held;
                });
            }
            Event::PermissionWithdrawn { item, .. } => {
                self.with_call(item, |call| call.status = CallStatus::Proposed);
            }
            Event::ToolCallStarted { item, process } => {
                self.stall = None;
                self.with_call(item, |call| {
                    call.status = CallStatus::Running;
                    call.process = process.clone();
                    call.started_at = Some(at);
                });
            }
            Event::ToolCallEnded { item, end, output } => {
                self.stall = None;
                // What a restart cut short is done again: the person who wanted it said so.
                if self.restarting && *end == CallEnd::Cancelled {
                    let generation = self.generation();
                    let cut =
                        self.calls.iter().find(|call| call.item == *item && call.may_have_begun(generation));
                    let again = cut.map(|call| Grant { hash: call.call.binding_hash(), once: true });
                    self.granted.extend(again);
                }
                if *end == CallEnd::Succeeded {
                    let done = self.calls.iter().rev().find(|call| call.item == *item);
                    self.talk.lines =
                        done.map_or(self.talk.lines, |call| self.talk.lines.with(&call.call.diff));
                }
                self.with_call(item, |call| {
                    call.held = false;
                    call.status = end.status();
                    call.end = Some(end.clone());
                    call.ended_at = Some(at);
                    call.output = output.as_deref().cloned();
                });
            }
            Event::AskedAgain { item } => {
                let (generation, paused) = (self.generation(), self.paused.is_some());
                self.stall = None;
                self.with_call(item, |call| {
                    call.asked_in = Some(generation);
                    call.held = paused && call.decision.is_some_and(Decision::allows);
                });
            }
            Event::UnknownResolved { item, choice } => {
                let mut again = None;
                self.resume_wanted |= !self.has_live_run();
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
            Event::Progressed { done, of } => {
                self.stall = None;
                self.progress = Some(Progress { done: *done, of: *of });
            }
            Event::UsageReported {
                model,
                input_tokens,
                cached_tokens,
                output_tokens,
                cost_micro_usd,
                costs_nothing,
            } => {
                self.stall = None;
                let cost = Some(*cost_micro_usd).filter(|cost| cost.0 > 0 || *costs_nothing);
                let more = Usage {
                    model: model.clone(),
                    input_tokens: *input_tokens,
                    cached_tokens: *cached_tokens,
                    output_tokens: *output_tokens,
                    cost_micro_usd: cost,
                };
                let all = self.talk.usage.take().unwrap_or_default().plus(&more);
                self.cost_micro_usd = all.cost_micro_usd;
                self.talk.usage = Some(all);
            }
            Event::StopAsked => self.stopping = true,
            Event::SessionClosed { how } => {
                self.closed = Some(*how);
                self.closed_at = Some(at);
                self.stopping = false;
                self.paused = None;
                self.restart = None;
                self.held_back = None;
                self.gave_up = false;
                self.next.clear();
                // Leave to run something once more ends with what it was given for.
                self.granted.retain(|grant| !grant.once);
            }
            Event::SessionReopened => {
                self.resume_wanted = true;
                self.closed = None;
                self.closed_at = None;
                self.problem = None;
                self.faults.clear();
            }
            Event::PauseAsked { why } => self.paused = Some(*why),
            Event::SessionResumed => {
                self.paused = None;
                self.resume_wanted |= !self.has_live_run();
                if self.has_live_run() && !self.is_ending() {
                    let generation = self.generation();
                    for call in &mut self.calls {
                        call.held &= !call.is_asked_in(generation);
                    }
                }
            }
            Event::HibernateAsked => self.hibernating = true,
            Event::HeldBack { by } => self.held_back = Some(*by),
            Event::RestartPlanned { number, at: due, .. } => {
                self.faults.retain(|fault| fault.0 > at.0 - RESTART_WINDOW_MS);
                self.faults.push(at);
                self.restart = Some(PlannedRestart { at: *due, number: *number });
                self.next_ord += 1;
            }
            Event::GaveUp { problem } => {
                self.gave_up = true;
                self.problem = problem.clone();
            }
            Event::StallNoticed { stall } => self.stall = Some(*stall),
            Event::WaitedOn | Event::HeardAgain => self.stall = None,
            Event::RestartAsked => {
                self.restarting = true;
                self.stall = None;
            }
            Event::LimitReached { hit, .. } => {
                if hit.action == LimitAction::Ended {
                    self.limit = Some(*hit);
                }
                if hit.action == LimitAction::Refused {
                    self.refused.push(hit.limit);
                }
                self.next_ord += 1;
            }
            Event::ForeignNamed { name } => self.foreign = Some(name.clone()),
            Event::SessionImported => {
                self.imported = true;
                self.granted.clear();
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

    pub(super) fn set_turn(&mut self, phase: TurnPhase) {
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
