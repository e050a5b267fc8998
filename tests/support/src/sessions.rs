//! Making tasks, running them, answering requests, collecting what came of it.

use crate::{LONG, World, caller};
use nox_api::{
    ApiError,
    domain::{
        event::{Closed, PreAllowed, Problem},
        ids::{ItemId, RequestId, SessionId, TaskId},
        rows::{Item, ItemBody, RequestRow, RequestState, SessionState},
        tool::{CallEnd, CallStatus, Decision},
    },
    dto::*,
};

/// A tool call as its item shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSeen {
    /// The item.
    pub item: ItemId,
    /// Its title.
    pub title: String,
    /// Where it ran.
    pub folder: String,
    /// How far it is.
    pub status: CallStatus,
    /// How it ended.
    pub end: Option<CallEnd>,
    /// Whether a person was asked.
    pub asked: bool,
    /// All it wrote, as clients read it.
    pub output: String,
}

/// What came of a session that is over.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The task.
    pub task: TaskId,
    /// The session.
    pub session: SessionId,
    /// How it was closed.
    pub how: Closed,
    /// Why not well.
    pub problem: Option<Problem>,
    /// Its tool calls.
    pub calls: Vec<CallSeen>,
    /// Codes of its notes.
    pub notes: Vec<String>,
}

impl Ran {
    /// The output of all calls, one after the other.
    pub fn output(&self) -> String {
        self.calls.iter().map(|call| call.output.as_str()).collect()
    }
}

impl World {
    /// Makes a task that is to be done.
    pub async fn task(&self, title: &str, body: &str) -> TaskId {
        let input = CreateTask { title: title.into(), body: body.into(), ..CreateTask::default() };
        self.create(input).await.unwrap().task.unwrap()
    }

    /// Makes a task.
    pub async fn create(&self, input: CreateTask) -> Result<Recorded, ApiError> {
        self.api().create_task(&caller(), input).await
    }

    /// Starts a task; every call is asked.
    pub async fn start(&self, task: &TaskId) -> SessionId {
        self.start_with(task, PreAllowed::Nothing).await.unwrap().session.unwrap()
    }

    /// Starts a task.
    pub async fn start_with(&self, task: &TaskId, pre_allowed: PreAllowed) -> Result<Recorded, ApiError> {
        let input = StartTask { task: task.clone(), agent: None, folder: None, pre_allowed };
        self.api().start_task(&caller(), input).await
    }

    /// Makes a task, runs it with everything allowed beforehand, and waits for its end.
    pub async fn run(&mut self, body: &str) -> Ran {
        let task = self.task("A run", body).await;
        let session = self.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap();
        self.until_over(&session).await
    }

    /// Waits until a session is over, and collects what came of it.
    pub async fn until_over(&mut self, session: &SessionId) -> Ran {
        let (task, how, problem) = self
            .until("the end of a session", |all| {
                let view = all.sessions.iter().find(|view| view.row.id == *session)?;
                match &view.row.state {
                    SessionState::Closed { how, problem } => {
                        Some((view.row.task.clone()?, *how, problem.clone()))
                    }
                    _ => None,
                }
            })
            .await;
        let notes = self.items(session).await.into_iter().filter_map(|item| match item.body {
            ItemBody::Note { code, .. } => Some(code),
            _ => None,
        });
        let notes = notes.collect();
        Ran { task, session: session.clone(), how, problem, calls: self.calls(session).await, notes }
    }

    /// Waits until a session is in some state.
    pub async fn until_state(
        &mut self,
        what: &str,
        session: &SessionId,
        like: impl Fn(&SessionState) -> bool,
    ) -> SessionState {
        self.until(what, |all| {
            let view = all.sessions.iter().find(|view| view.row.id == *session)?;
            Some(view.row.state.clone()).filter(|state| like(state))
        })
        .await
    }

    /// Waits until a session asks, and answers the request.
    pub async fn until_asked(&mut self, session: &SessionId) -> RequestRow {
        self.until("a request", |all| {
            all.requests
                .iter()
                .find(|row| row.session == *session && row.state == RequestState::Open)
                .cloned()
        })
        .await
    }

    /// Answers a request.
    pub async fn answer(&self, request: &RequestId, decision: Decision) -> Result<Recorded, ApiError> {
        let input = AnswerRequest {
            request: request.clone(),
            decision,
            reason: None,
            answers: Default::default(),
            rule: None,
        };
        self.api().answer_request(&caller(), input).await
    }

    /// All items of a session, in order.
    pub async fn items(&self, session: &SessionId) -> Vec<Item> {
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let input = ReadItems { session: session.clone(), before, limit: 200 };
            let page = self.api().read_items(input).await.unwrap();
            before = page.items.first().map(|item| item.ord);
            all.splice(0..0, page.items);
            if !page.more {
                return all;
            }
        }
    }

    /// The tool calls of a session, in order, with their output.
    pub async fn calls(&self, session: &SessionId) -> Vec<CallSeen> {
        let mut calls = Vec::new();
        for item in self.items(session).await {
            if let ItemBody::ToolCall { call, status, end, request, .. } = item.body {
                calls.push(CallSeen {
                    output: self.output(session, &item.id).await,
                    item: item.id,
                    title: call.title,
                    folder: call.folder,
                    status,
                    end,
                    asked: request.is_some(),
                });
            }
        }
        calls
    }

    /// Everything that is kept of an item's output, as clients read it.
    pub async fn output(&self, session: &SessionId, item: &ItemId) -> String {
        let mut text = String::new();
        let mut from = Some(nox_api::domain::Size(0));
        loop {
            let input = ReadOutput { session: session.clone(), item: item.clone(), from };
            let page = self.api().read_output(input).await.unwrap();
            if page.pieces.is_empty() {
                return text;
            }
            text.extend(page.pieces.iter().map(|piece| piece.text.as_str()));
            from = Some(page.next);
        }
    }

    /// Waits until an item's output has a text in it.
    pub async fn until_output(&self, session: &SessionId, item: &ItemId, wanted: &str) -> String {
        let deadline = tokio::time::Instant::now() + LONG;
        loop {
            let text = self.output(session, item).await;
            if text.contains(wanted) {
                return text;
            }
            assert!(tokio::time::Instant::now() < deadline, "never in the output: {wanted}\n{text}");
            // The spool is read as a late client does; this only spaces the reads.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Waits until a session's newest call runs.
    pub async fn until_running(&mut self, session: &SessionId) -> CallSeen {
        let running = |state: &SessionState| matches!(state, SessionState::Running { doing: Some(_) });
        self.until_state("a running call", session, running).await;
        self.calls(session).await.pop().expect("a call")
    }
}
