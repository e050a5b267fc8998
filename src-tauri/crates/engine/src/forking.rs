//! Going on from a copy of a conversation: a new task with a new session, beside the one that is copied.
//!
//! The two are two commits. A fork is announced in the outbox before its card is made and settled when its session is there: an
//! engine that ends in between leaves a card that would begin a session which knows nothing of the conversation, and the next
//! start takes it away. Nobody was told that it is there; who sends the same command again gets it anew. A card that had a session,
//! or that somebody has changed since, is a person's and stays.

use crate::{
    Engine, Error, StartTask, clock,
    files::Want,
    ledger::{Cause, Change, json, read_json},
    sessions::Stored,
};
use nox_domain::{
    agent::Program,
    event::{ForkOf, PreAllowed},
    ids::{CommandId, SessionId, TaskId},
    rows::{SessionRow, kind},
    session::Rejection,
    task::{Priority, Task, TaskStatus},
};
use nox_process::ProcessIdentity;
use nox_registry::content_hash;
use nox_store::NewOutbox;
use nox_tasks::TaskFile;
use serde::{Deserialize, Serialize};

/// The outbox's kind of a fork that has begun.
pub(crate) const FORK: &str = "fork";

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

/// A fork that is under way, as the outbox keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Intent {
    /// Its card.
    task: TaskId,
    /// SHA-256 of the card's file as it is made, and of its text; empty in one of an earlier Nox.
    #[serde(default)]
    made: (String, String),
}

impl Intent {
    fn of(task: &Task) -> Self {
        let file = TaskFile::create(task);
        let made = (content_hash(file.as_bytes()), content_hash(body_of(file).as_bytes()));
        Self { task: task.id.clone(), made }
    }
}

/// The text of a card, or the whole file when it is none.
fn body_of(file: String) -> String {
    TaskFile::parse("", &file).map_or(file, |card| card.body())
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
        let announced = self.announce_fork(Intent::of(&task)).await?;
        // Cut off between the two, the same command comes again: then its card is there.
        if self.ledger().store().row(kind::TASK, id.as_str()).await?.is_none_or(|row| row.deleted) {
            let want = Want::CreateTasks { tasks: vec![task] };
            if let Err(error) = self.files().want(want, quiet, serde_json::Value::Null).await {
                self.settle_fork(announced).await;
                return Err(error);
            }
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
        let is_settled = started.is_ok() || self.take_card_away(id).await;
        if is_settled {
            self.settle_fork(announced).await;
        }
        started
    }

    async fn announce_fork(&self, intent: Intent) -> Result<i64, Error> {
        let intent = NewOutbox { kind: FORK.to_owned(), body: json(&intent) };
        let change = Change { outbox: vec![intent], ..Change::default() };
        let committed = self.ledger().commit(&Cause::nox(), clock::now(), change).await?;
        committed.outbox_ids.first().copied().ok_or(Error::Closing)
    }

    /// What is not noted as settled is found to be at the next start.
    async fn settle_fork(&self, announced: i64) {
        let change = Change { outbox_done: vec![announced], ..Change::default() };
        if let Err(error) = self.ledger().commit(&Cause::nox(), clock::now(), change).await {
            tracing::warn!(%error, "a fork is not noted as settled");
        }
    }

    async fn take_card_away(&self, task: TaskId) -> bool {
        let gone = Want::DeleteTasks { tasks: vec![task] };
        match self.files().want(gone, Cause::nox(), serde_json::Value::Null).await {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(%error, "the task of a fork that was not started stays");
                false
            }
        }
    }

    /// Takes away what forks left that an earlier engine began: cards without their session.
    pub(crate) async fn settle_forks(&self) -> Result<(), Error> {
        for effect in self.ledger().store().outbox_pending().await? {
            if effect.kind != FORK {
                continue;
            }
            let is_settled = match read_json::<Intent>("outbox entry", &effect.body) {
                Ok(intent) if self.is_nobodys(&intent).await? => {
                    let task = intent.task;
                    tracing::info!(%task, "a fork that was cut off before its start is taken away");
                    self.take_card_away(task).await
                }
                Ok(_) => true,
                Err(error) => {
                    tracing::error!(%error, "an entry of the outbox is skipped");
                    true
                }
            };
            if is_settled {
                self.settle_fork(effect.id).await;
            }
        }
        Ok(())
    }

    /// Whether a card is there that never had a session, not even one that cannot be read or was deleted, and that is as it was made.
    async fn is_nobodys(&self, intent: &Intent) -> Result<bool, Error> {
        let id = intent.task.to_string();
        if self.ledger().store().read(move |reader| reader.had_rows(kind::SESSION, &id)).await? {
            return Ok(false);
        }
        // Read after all files were looked at: a hand may have changed it while no engine ran.
        match self.files().read_task(intent.task.clone()).await {
            Ok((row, body)) => Ok((row.hash, content_hash(body.as_bytes())) == intent.made),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::home::Home;
    use nox_store::{Batch, RowWrite};
    use std::path::Path;

    async fn open(folder: &Path) -> Engine {
        let home = Home::at(folder).unwrap();
        let lock = home.lock().unwrap().unwrap();
        Engine::open(home, lock).await.unwrap()
    }

    /// An engine that ended between the card of a fork and its session, then what `happens`, then another one; whether the card
    /// is there.
    async fn card_after(happens: impl AsyncFnOnce(&Engine, &TaskId)) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let engine = open(folder.path()).await;
        let id = TaskId::fresh(&mut clock::SystemIds);
        let task = Task {
            id: id.clone(),
            title: "Fork of a talk".into(),
            body: "The other way.\n".into(),
            status: TaskStatus::Todo,
            priority: Priority::default(),
            agent: None,
            project: None,
            deadline: None,
            depends_on: vec![],
            tags: vec![],
            attachments: vec![],
            rank: "m".into(),
            created_at: clock::now(),
        };
        engine.announce_fork(Intent::of(&task)).await.unwrap();
        let want = Want::CreateTasks { tasks: vec![task] };
        engine.files().want(want, Cause::nox(), serde_json::Value::Null).await.unwrap();
        happens(&engine, &id).await;
        engine.close().await;
        drop(engine);
        let engine = open(folder.path()).await;
        let pending = engine.ledger().store().outbox_pending().await.unwrap();
        assert!(pending.iter().all(|effect| effect.kind != FORK), "it is settled");
        let row = engine.ledger().store().row(kind::TASK, id.as_str()).await.unwrap();
        engine.close().await;
        row.is_some_and(|row| !row.deleted)
    }

    async fn write(engine: &Engine, rows: Vec<RowWrite>) {
        engine.ledger().store().commit(Batch { rows, ..Batch::default() }).await.unwrap();
    }

    /// A session of the card, whose row nobody can read.
    fn unreadable(task: &TaskId) -> RowWrite {
        let (kind, parent) = (kind::SESSION.to_owned(), Some(task.to_string()));
        RowWrite::Put { kind, id: "one".into(), parent, ord: "1".into(), body: "{}".into() }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_card_that_nobody_knows_of_goes_and_one_that_is_a_persons_stays() {
        assert!(!card_after(async |_, _| {}).await, "nobody was told that it is there");
        let read = async |engine: &Engine, task: &TaskId| {
            write(engine, vec![unreadable(task)]).await;
        };
        assert!(card_after(read).await, "its session cannot be read");
        let deleted = async |engine: &Engine, task: &TaskId| {
            let (kind, id) = (kind::SESSION.to_owned(), "one".to_owned());
            write(engine, vec![unreadable(task)]).await;
            write(engine, vec![RowWrite::Delete { kind, id }]).await;
        };
        assert!(card_after(deleted).await, "its session was deleted");
        for text in ["---\ntitle: [broken\n", "appended"] {
            let edited = async |engine: &Engine, task: &TaskId| {
                let (row, _) = engine.files().read_task(task.clone()).await.unwrap();
                let path = engine.files().root().join(row.path);
                engine.close().await;
                let now = std::fs::read_to_string(&path).unwrap();
                let text = if text == "appended" { now + "\nMine.\n" } else { text.to_owned() };
                std::fs::write(path, text).unwrap();
            };
            assert!(card_after(edited).await, "a hand has changed it: {text}");
        }
    }
}
