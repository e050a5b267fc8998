//! A client that works with an engine in another process: makes tasks, runs them, reads what came of it.

use crate::engine::{Engine, call};
use nox_api::{
    control::{Client, Error},
    domain::{
        Size,
        event::PreAllowed,
        ids::{ItemId, SessionId, TaskId},
        rows::{ItemBody, SessionState},
        task::TaskPatch,
        tool::OutputDigest,
    },
    dto::*,
};
use std::time::Duration;
use tokio::time::Instant;

/// A hand on an engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hand {
    pub(crate) wire: Client,
}

impl Hand {
    /// Waits until the engine is open, and takes it.
    pub(crate) async fn on(engine: &mut Engine) -> Self {
        engine.opened().await.expect("the engine opens");
        Self { wire: engine.client().await.expect("the engine can be reached") }
    }

    pub(crate) async fn task(&self, title: &str, body: &str) -> TaskId {
        let input = CreateTask { title: title.into(), body: body.into(), ..CreateTask::default() };
        let made: Recorded = call(&self.wire, "create_task", &input).await.expect("a task is made");
        made.task.expect("a task that was made has an id")
    }

    /// Starts a task with everything allowed beforehand.
    pub(crate) async fn start(&self, task: TaskId) -> SessionId {
        let input = StartTask { task, agent: None, folder: None, pre_allowed: PreAllowed::All };
        let started: Recorded = call(&self.wire, "start_task", &input).await.expect("a task is started");
        started.session.expect("a session that was opened has an id")
    }

    pub(crate) async fn run(&self, title: &str, body: &str) -> SessionId {
        let task = self.task(title, body).await;
        self.start(task).await
    }

    pub(crate) async fn stop(&self, session: &SessionId) -> Result<Recorded, Error> {
        call(&self.wire, "stop_session", &OneSession { session: session.clone() }).await
    }

    pub(crate) async fn title(&self, task: &TaskId, title: &str) -> Result<Recorded, Error> {
        let patch = TaskPatch { title: Some(title.to_owned()), ..TaskPatch::default() };
        call(&self.wire, "change_task", &ChangeTask { task: task.clone(), patch, base: None }).await
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        call(&self.wire, "snapshot", &Nothing {}).await.expect("a snapshot")
    }

    /// So many runs may be live at once, and as many as want to may start in a minute.
    pub(crate) async fn allow_runs(&self, runs: u32) {
        let input = ChangeSettings {
            max_live_runs: Some(runs),
            runs_per_minute: Some(100_000),
            ..ChangeSettings::default()
        };
        let _: Recorded = call(&self.wire, "change_settings", &input).await.expect("a setting is changed");
    }

    /// Waits until every one of these sessions is in a state as wanted; answers false when time is over.
    pub(crate) async fn until_all(
        &self,
        sessions: &[SessionId],
        limit: Duration,
        like: impl Fn(&SessionState) -> bool,
    ) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            let all = self.snapshot().await.sessions;
            let is_there =
                |id: &SessionId| all.iter().any(|view| view.row.id == *id && like(&view.row.state));
            if sessions.iter().all(is_there) {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            // A look at many at once costs less than an ear; this only spaces the looks.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The item and the digest of a session's last tool call that is over.
    pub(crate) async fn last_call(&self, session: &SessionId) -> Option<(ItemId, OutputDigest)> {
        let input = ReadItems { session: session.clone(), before: None, limit: 50 };
        let page: ItemsPage = call(&self.wire, "read_items", &input).await.ok()?;
        page.items.into_iter().rev().find_map(|item| match item.body {
            ItemBody::ToolCall { output: Some(output), .. } => Some((item.id, *output)),
            _ => None,
        })
    }

    /// All that is kept of an item's output.
    pub(crate) async fn output(&self, session: &SessionId, item: &ItemId) -> String {
        let mut text = String::new();
        let mut from = Some(Size(0));
        loop {
            let input = ReadOutput { session: session.clone(), item: item.clone(), from };
            let page: OutputPage = call(&self.wire, "read_output", &input).await.expect("output is read");
            if page.pieces.is_empty() {
                return text;
            }
            text.extend(page.pieces.iter().map(|piece| piece.text.as_str()));
            from = Some(page.next);
        }
    }
}
