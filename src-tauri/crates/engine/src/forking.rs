//! Going on from a copy of a conversation: a new task with a new session, beside the one that is copied.

use crate::{Engine, Error, StartTask, clock, files::Want, ledger::Cause, sessions::Stored};
use nox_domain::{
    agent::Program,
    event::{ForkOf, PreAllowed},
    ids::{CommandId, SessionId, TaskId},
    rows::{SessionRow, kind},
    session::Rejection,
    task::{Priority, Task, TaskStatus},
};
use nox_process::ProcessIdentity;

/// The longest title, in letters.
const TITLE_LETTERS: usize = 120;

/// What a session goes on from a copy of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The session, and its program's name for it.
    pub of: ForkOf,
    /// The program as it would go on itself.
    pub program: Program,
}

impl Engine {
    /// Makes a task whose session goes on from a copy of this one, with this prompt; resolves when that is on disk. The one
    /// that is copied stays as it is. `rank` is the new card's place; `asked_from` is as in [`StartTask`].
    ///
    /// # Errors
    /// The program offers no copies, or has no name for the conversation yet; those of a start.
    pub async fn fork_session(
        &self,
        session: &SessionId,
        text: String,
        rank: String,
        asked_from: Vec<ProcessIdentity>,
        cause: Cause,
    ) -> Result<(i64, SessionId), Error> {
        let row = self.session(session).await?;
        if row.deleted {
            return Err(Rejection::Hidden.into());
        }
        if row.imported {
            return Err(Rejection::Imported.into());
        }
        if text.trim().is_empty() {
            return Err(Rejection::EmptyPrompt.into());
        }
        let fork = self.fork_of(&row).await?;
        let quiet = Cause { actor: cause.actor, command: None };
        let task = fork_task(&row, text, rank, cause.command.as_ref());
        let id = task.id.clone();
        // Cut off between the two, the same command comes again: then its card is there.
        if self.ledger().store().row(kind::TASK, id.as_str()).await?.is_none_or(|row| row.deleted) {
            let want = Want::CreateTasks { tasks: vec![task] };
            self.files().want(want, quiet, serde_json::Value::Null).await?;
        }
        let start = StartTask {
            task: id.clone(),
            agent: Some(row.agent.clone()),
            folder: Some(row.folder.into()),
            pre_allowed: PreAllowed::Nothing,
            talks: false,
            fork: Some(fork),
            asked_from,
        };
        let started = self.start_task(start, cause).await;
        // Its card by itself would begin a session that knows nothing of the conversation.
        if started.is_err() {
            let gone = Want::DeleteTasks { tasks: vec![id] };
            if let Err(error) = self.files().want(gone, Cause::nox(), serde_json::Value::Null).await {
                tracing::warn!(%error, "the task of a fork that was refused stays");
            }
        }
        started
    }

    async fn fork_of(&self, row: &SessionRow) -> Result<Fork, Error> {
        let stored = Stored::read(self.ledger(), &row.id).await?;
        let state = stored.ok_or_else(|| Error::not_found("session", &row.id))?.session;
        let runtime = self.files().known().agents.get(&row.agent).map(|agent| agent.agent.runtime);
        let refused = |message: String, hint: &str| Error::Conflict { message, hint: hint.to_owned() };
        if runtime.is_some_and(|runtime| runtime != row.runtime) {
            return Err(refused(
                format!("{} is carried by another kind of program now", row.agent_name),
                "Start a new task for it: the conversation cannot be copied there.",
            ));
        }
        if !state.talk.offers.as_ref().is_some_and(|offers| offers.forks) {
            return Err(refused(
                format!("the program of {} does not go on from a copy of a conversation", row.agent_name),
                "Start a new task, and say in it what the agent has to know.",
            ));
        }
        let program = state.program();
        let Some(foreign) = state.foreign else {
            return Err(refused(
                "this conversation has not begun yet, so there is nothing to copy".into(),
                "Wait for the first answer.",
            ));
        };
        Ok(Fork { of: ForkOf { session: row.id.clone(), title: row.title.clone(), foreign }, program })
    }
}

/// The card of a copy. Its id follows from that of the command.
fn fork_task(row: &SessionRow, body: String, rank: String, command: Option<&CommandId>) -> Task {
    let title: String = format!("Fork of {}", row.title).chars().take(TITLE_LETTERS).collect();
    Task {
        id: command.map_or_else(|| TaskId::fresh(&mut clock::SystemIds), |id| TaskId::from_uuid(id.uuid())),
        title,
        body,
        status: TaskStatus::Todo,
        priority: Priority::default(),
        agent: Some(row.agent.clone()),
        project: row.project.clone(),
        deadline: None,
        depends_on: vec![],
        tags: vec![],
        attachments: vec![],
        rank,
        created_at: clock::now(),
    }
}
