//! What people read of a session after some facts.

use super::{Call, RunPhase, Session, TurnPhase, Writing};
use crate::{
    At,
    event::{Event, RunEnd},
    ids::{ItemId, RequestId, SessionId},
    life::OnDisconnect,
    rows::{Item, ItemBody, RequestRow, RequestState, Row, SessionRow, SessionState},
    tool::{CallStatus, DecidedBy, PermissionRequest},
};

impl Session {
    /// Whether its run was lost between two tool calls, so that a person says whether it goes on.
    pub(super) fn is_lost(&self) -> bool {
        self.closed.is_none()
            && self
                .run
                .as_ref()
                .is_some_and(|run| matches!(run.phase, RunPhase::Ended(how) if how != RunEnd::Hibernated))
            && self.open_turn().is_some_and(|turn| turn.phase == TurnPhase::Running || self.gave_up)
            && self.restart.is_none()
            && self.paused.is_none()
            && !self.resume_wanted
    }

    /// How far it is, derived from what is known.
    pub fn state(&self) -> SessionState {
        if let Some(how) = self.closed {
            return SessionState::Closed { how, problem: self.problem.clone() };
        }
        if self.stopping {
            return SessionState::Stopping;
        }
        if let Some(call) = self.calls.iter().find(|call| call.status == CallStatus::Unknown) {
            return SessionState::NeedsChoice { item: call.item.clone(), title: call.call.title.clone() };
        }
        let mut open = self.open_requests();
        if let Some(first) = open.next() {
            return SessionState::NeedsApproval {
                request: first.id.clone(),
                text: first.call.gist().to_owned(),
                question: first.call.is_question(),
                open: 1 + open.count() as u32,
            };
        }
        let running = || {
            let running = self.calls.iter().rev().find(|call| call.status == CallStatus::Running);
            running.map(|call| call.call.title.clone())
        };
        if let Some(why) = self.paused {
            return SessionState::Paused { why, finishing: running() };
        }
        if let Some(limited) = self.limited.as_ref().filter(|limited| !limited.over) {
            return SessionState::RateLimited { until: limited.until, problem: limited.problem.clone() };
        }
        if let Some(restart) = self.restart.filter(|_| !self.has_live_run()) {
            return SessionState::Restarting { at: restart.at, number: restart.number };
        }
        if let Some(stall) = self.stall.filter(|_| self.is_stalled()) {
            return SessionState::Stalled { since: stall.since, doing: running(), computes: stall.computes };
        }
        match self.run.as_ref().map(|run| run.phase) {
            Some(RunPhase::Starting) => SessionState::Starting,
            Some(RunPhase::Live) if self.awaits_prompt() => {
                SessionState::Idle { problem: self.problem.clone() }
            }
            Some(RunPhase::Live) => SessionState::Running { doing: running() },
            Some(RunPhase::Ended(_)) if self.is_lost() => {
                SessionState::Lost { problem: self.problem.clone() }
            }
            Some(RunPhase::Ended(_)) if self.awaits_prompt() => {
                SessionState::Hibernated { problem: self.problem.clone() }
            }
            _ => SessionState::Queued { held_back: self.held_back },
        }
    }

    /// Whether its turn is over and no other one waits.
    fn awaits_prompt(&self) -> bool {
        self.turn.is_some() && self.turn_is_over() && self.next.is_empty()
    }

    /// The session's row.
    pub fn row(&self) -> SessionRow {
        let opened = &self.opened;
        SessionRow {
            id: opened.session.clone(),
            task: opened.task.clone(),
            agent: opened.agent.clone(),
            agent_name: opened.agent_name.clone(),
            agent_version: opened.agent_version.clone(),
            runtime: opened.runtime,
            project: opened.project.clone(),
            folder: opened.folder.clone(),
            title: opened.title.clone(),
            state: self.state(),
            review: opened.review,
            progress: self.progress,
            attempt: self.run.as_ref().map_or(0, |run| run.attempt),
            takes_prompts: opened.runtime.takes_prompts() && !self.imported,
            waiting_prompts: self.next.len() as u32,
            imported: self.imported,
            paused: self.paused,
            pauses_alone: opened.life.on_disconnect == OnDisconnect::Pause,
            opened_at: self.opened_at,
            last_event_at: self.last_event_at,
            closed_at: self.closed_at,
            items: self.next_ord,
            cost_micro_usd: self.cost_micro_usd,
            usage: self.talk.usage.clone(),
            lines: Some(self.talk.lines).filter(|lines| !lines.is_empty()),
            deleted: self.deleted,
            fork_of: opened.fork.as_ref().map(|of| of.session.clone()),
            fork_of_title: opened.fork.as_ref().map(|of| of.title.clone()),
        }
    }

    /// The rows of its open requests.
    pub fn open_request_rows(&self) -> Vec<RequestRow> {
        self.open_requests().map(|request| self.request_of(request.clone(), RequestState::Open)).collect()
    }

    /// The rows that these facts changed, as [`rows`](Self::rows) says after each of them; of a row that changed twice the
    /// last. So what is stored beside the facts of one commit is what their replay gives, one by one. `before` is the
    /// state before them; none for a session that begins.
    pub fn rows_after(before: Option<&Self>, events: &[Event], at: At) -> Vec<Row> {
        let mut state = before.cloned();
        let mut rows: Vec<Row> = Vec::new();
        for event in events {
            let items = state.as_ref().map_or(0, |state| state.next_ord);
            match &mut state {
                Some(state) => state.apply(event, at),
                None => state = Self::begin(event, at),
            }
            let Some(state) = &state else { return rows };
            for row in state.rows(items, std::slice::from_ref(event), at) {
                let key = row.key();
                rows.retain(|known| {
                    let known = known.key();
                    (known.kind, &known.id) != (key.kind, &key.id)
                });
                rows.push(row);
            }
        }
        rows
    }

    /// The rows that these facts changed; `self` is the state after all of them, `before` the items it had before.
    pub fn rows(&self, before_items: u32, events: &[Event], at: At) -> Vec<Row> {
        let mut rows = vec![Row::Session(self.row())];
        let mut ord = before_items;
        let mut calls: Vec<&ItemId> = Vec::new();
        for event in events {
            let text_item = |item: &ItemId, body: ItemBody, ord: u32| {
                Row::Item(Box::new(Item {
                    id: item.clone(),
                    session: self.id().clone(),
                    turn: self.turn.as_ref().map(|turn| turn.id.clone()),
                    ord,
                    at,
                    body,
                }))
            };
            match event {
                Event::TurnQueued { .. } | Event::TurnStarted { .. } | Event::RunStarting { .. } => {
                    let shown = self.turn.as_ref().filter(|turn| turn.ord == Some(ord));
                    let is_queued = matches!(event, Event::TurnQueued { .. });
                    // It is shown when its turn has come; until then it waits beside the conversation.
                    if shown.is_some() != is_queued {
                        rows.push(self.controls_row());
                    }
                    if let Some((turn, item)) =
                        shown.and_then(|turn| turn.item.as_ref().map(|item| (turn, item)))
                    {
                        let (text, images) = (turn.text.clone(), turn.images.clone());
                        rows.push(text_item(item, ItemBody::Prompt { text, images }, ord));
                        ord += 1;
                    }
                }
                // One that waited was taken back.
                Event::TurnEnded { turn, .. }
                    if self.turn.as_ref().is_none_or(|newest| newest.id != *turn) =>
                {
                    rows.push(self.controls_row());
                }
                // With them end the wishes that nobody answered.
                Event::TurnEnded { .. } | Event::RunEnded { .. } if self.is_dialled() => {
                    rows.push(self.controls_row());
                }
                Event::PromptChanged { .. } | Event::OffersTold { .. } | Event::SwitchSettled { .. } => {
                    rows.push(self.controls_row())
                }
                Event::Steered { item, text } => {
                    rows.push(text_item(item, ItemBody::Steered { text: text.clone() }, ord));
                    ord += 1;
                }
                Event::Switched { item, dial, name, via, .. } => {
                    let (dial, name, via) = (*dial, name.clone(), via.clone());
                    rows.push(text_item(item, ItemBody::Switched { dial, name, via }, ord));
                    rows.push(self.controls_row());
                    ord += 1;
                }
                Event::TurnLimited { item, until, problem, .. } => {
                    let body = ItemBody::RateLimit { until: *until, problem: problem.clone() };
                    rows.push(text_item(item, body, ord));
                    ord += 1;
                }
                Event::TextBegun { item, .. } => {
                    rows.extend(self.writing_row(item));
                    ord += 1;
                }
                Event::Said { item, text } | Event::Thought { item, text } => {
                    let text = text.clone();
                    let body = match event {
                        Event::Said { .. } => ItemBody::Message { text, images: vec![] },
                        _ => ItemBody::Thought { text },
                    };
                    match self.talk.writing.iter().find(|open| open.item == *item) {
                        Some(open) => rows.push(self.written_row(open, body)),
                        None => {
                            rows.push(text_item(item, body, ord));
                            ord += 1;
                        }
                    }
                }
                Event::ImageTold { item, .. } => match self.picture_row(item) {
                    Some((row, place)) => {
                        rows.push(row);
                        ord += u32::from(place == ord);
                    }
                    None => calls.push(item),
                },
                Event::Planned { item, steps } => {
                    let place = self.talk.plan.as_ref().filter(|plan| plan.item == *item);
                    let place = place.map_or(ord, |plan| plan.ord);
                    rows.push(text_item(item, ItemBody::Plan { steps: steps.clone() }, place));
                    ord += u32::from(place == ord);
                }
                Event::Noted { item, code, text } => {
                    rows.push(text_item(
                        item,
                        ItemBody::Note { code: code.clone(), text: text.clone() },
                        ord,
                    ));
                    ord += 1;
                }
                Event::RestartPlanned { item, number, at: due, problem } => {
                    let note = ItemBody::Restart { number: *number, at: *due, problem: problem.clone() };
                    rows.push(text_item(item, note, ord));
                    ord += 1;
                }
                Event::LimitReached { item, hit } => {
                    rows.push(text_item(item, ItemBody::Limit { hit: *hit }, ord));
                    ord += 1;
                }
                Event::ToolCallProposed { item, .. } => {
                    calls.push(item);
                    ord += 1;
                }
                Event::ToolCallStarted { item, .. }
                | Event::ToolCallEnded { item, .. }
                | Event::UnknownResolved { item, .. } => calls.push(item),
                Event::PermissionRequested { request } => {
                    calls.push(&request.item);
                    rows.push(self.request_row(request.as_ref().clone(), RequestState::Open));
                }
                Event::PermissionDecided { item, decision, by, reason, request, answers, .. } => {
                    calls.push(item);
                    if let Some(asked) = request.as_ref().and_then(|id| self.asked(id)) {
                        let via = match by {
                            DecidedBy::Person { via } => via.clone(),
                            _ => String::new(),
                        };
                        let state = RequestState::Answered {
                            decision: *decision,
                            via,
                            reason: reason.clone(),
                            answers: answers.clone(),
                            at,
                        };
                        rows.push(self.request_row(asked, state));
                    }
                }
                Event::PermissionWithdrawn { request, item, why } => {
                    calls.push(item);
                    if let Some(asked) = self.asked(request) {
                        rows.push(self.request_row(asked, RequestState::Withdrawn { why: why.clone(), at }));
                    }
                }
                _ => {}
            }
        }
        calls.sort_unstable();
        calls.dedup();
        for item in calls {
            if let Some(call) = self.calls.iter().find(|call| call.item == *item) {
                rows.push(self.call_row(call));
            }
        }
        rows
    }

    /// Its id.
    pub fn id(&self) -> &SessionId {
        &self.opened.session
    }

    /// Whether its turn is over.
    pub fn turn_is_over(&self) -> bool {
        self.turn.as_ref().is_none_or(|turn| matches!(turn.phase, TurnPhase::Ended(_)))
    }

    /// A text that is being written; none when it was through in the same step.
    fn writing_row(&self, item: &ItemId) -> Option<Row> {
        let open = self.talk.writing.iter().find(|open| open.item == *item && !open.through)?;
        Some(self.written_row(open, ItemBody::Writing { thought: open.thought }))
    }

    fn written_row(&self, open: &Writing, body: ItemBody) -> Row {
        Row::Item(Box::new(Item {
            id: open.item.clone(),
            session: self.id().clone(),
            turn: open.turn.clone(),
            ord: open.ord,
            at: open.at,
            body,
        }))
    }

    fn asked(&self, id: &RequestId) -> Option<PermissionRequest> {
        self.calls.iter().filter_map(|call| call.request.as_ref()).find(|asked| asked.id == *id).cloned()
    }

    fn request_row(&self, request: PermissionRequest, state: RequestState) -> Row {
        Row::Request(Box::new(self.request_of(request, state)))
    }

    fn request_of(&self, request: PermissionRequest, state: RequestState) -> RequestRow {
        RequestRow {
            request,
            session: self.id().clone(),
            task: self.opened.task.clone(),
            agent: self.opened.agent.clone(),
            agent_name: self.opened.agent_name.clone(),
            title: self.opened.title.clone(),
            state,
        }
    }

    fn call_row(&self, call: &Call) -> Row {
        Row::Item(Box::new(Item {
            id: call.item.clone(),
            session: self.id().clone(),
            turn: call.turn.clone(),
            ord: call.ord,
            at: call.at,
            body: ItemBody::ToolCall {
                call: Box::new(call.call.clone()),
                status: call.status,
                request: call.request.as_ref().map(|request| request.id.clone()),
                decision: call.decision,
                reason: call.reason.clone(),
                answers: call.answers.clone(),
                started_at: call.started_at,
                ended_at: call.ended_at,
                end: call.end.clone(),
                output: call.output.clone().map(Box::new),
                images: call.images.clone(),
            },
        }))
    }
}
