//! Reading: rows of the log as values of the domain, and a feed of their changes.

use crate::{Engine, Error, SETTINGS, ledger::read_json, sessions::Stored, settings::Values};
use nox_domain::{
    ids::{CommandId, ItemId, RequestId, SessionId},
    rows::{
        AgentRow, ControlsRow, FileProblem, Item, ProjectRow, RefusalRow, RequestRow, Row, SessionRow,
        TaskRow, kind,
    },
    transcript::Offers,
};
use nox_store::{Feed, Order, Receipt, RowPage, StoredRow, Update};
use serde::de::DeserializeOwned;

/// A position in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Of the database.
    pub epoch: String,
    /// The last event.
    pub seq: i64,
}

/// A change of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "nearly all changes are rows, and they are moved, not kept")]
pub enum RowChange {
    /// It is like this now.
    Put(Row),
    /// The settings are like this now.
    Settings(Values),
    /// It is gone.
    Gone {
        /// Its kind.
        kind: String,
        /// Its id.
        id: String,
    },
}

/// Rows that changed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsChanged {
    /// The place in the log.
    pub seq: i64,
    /// The command that caused it.
    pub command: Option<CommandId>,
    /// Whether it happens now, rather than being caught up with.
    pub live: bool,
    /// The rows.
    pub rows: Vec<RowChange>,
}

/// A feed of changed rows, without gap or double.
pub struct Changes {
    feed: Feed,
}

impl Changes {
    /// The next change; none when the engine closes.
    pub async fn next(&mut self) -> Option<RowsChanged> {
        loop {
            match self.feed.next().await? {
                Ok(Update::Replay { rows, through, .. }) => {
                    let rows = changes(&rows);
                    return Some(RowsChanged { seq: through, command: None, live: false, rows });
                }
                Ok(Update::Commit(commit)) => {
                    return Some(RowsChanged {
                        seq: commit.last_seq,
                        command: commit.command.as_deref().and_then(|id| CommandId::parse(id).ok()),
                        live: true,
                        rows: changes(&commit.rows),
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "changes cannot be read; trying again");
                    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
                }
            }
        }
    }
}

fn changes(rows: &[StoredRow]) -> Vec<RowChange> {
    rows.iter().filter_map(change).collect()
}

fn change(row: &StoredRow) -> Option<RowChange> {
    if row.deleted {
        return Some(RowChange::Gone { kind: row.kind.clone(), id: row.id.clone() });
    }
    let put = match row.kind.as_str() {
        kind::TASK => Row::Task(readable(row)?),
        kind::SESSION => Row::Session(readable(row)?),
        kind::ITEM => Row::Item(Box::new(readable(row)?)),
        kind::REQUEST => Row::Request(Box::new(readable(row)?)),
        kind::AGENT => Row::Agent(readable(row)?),
        kind::PROJECT => Row::Project(readable(row)?),
        kind::PROBLEM => Row::Problem(readable(row)?),
        kind::REFUSAL => Row::Refusal(Box::new(readable(row)?)),
        kind::CONTROLS => Row::Controls(Box::new(readable(row)?)),
        SETTINGS => return Some(RowChange::Settings(readable(row)?)),
        _ => return None,
    };
    Some(RowChange::Put(put))
}

/// A row's value. One that cannot be read is left out and logged: it does not take the others with it.
pub(crate) fn readable<T: DeserializeOwned>(row: &StoredRow) -> Option<T> {
    read_json("row", &row.body)
        .inspect_err(|error| tracing::error!(%error, kind = row.kind, id = row.id, "a row is left out"))
        .ok()
}

/// Rows per read.
const PAGE: u32 = 2_000;

impl Engine {
    /// Where the log stands.
    pub async fn position(&self) -> Position {
        let cursor = self.ledger().store().head().await;
        Position { epoch: cursor.epoch, seq: cursor.seq }
    }

    /// Changes after a position. Begin the feed before reading, then nothing falls between.
    pub fn changes_after(&self, seq: i64) -> Changes {
        Changes { feed: self.ledger().store().follow(seq) }
    }

    async fn all<T: DeserializeOwned>(&self, kind: &'static str, limit: usize) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        let mut page = RowPage { after: None, limit: PAGE, order: Order::Descending };
        while found.len() < limit {
            let rows = self.ledger().store().rows(kind, None, page.clone()).await?;
            let Some(last) = rows.last() else { break };
            page = page.following(last);
            found.extend(rows.iter().filter(|row| !row.deleted).filter_map(readable::<T>));
        }
        Ok(found)
    }

    /// All tasks.
    pub async fn tasks(&self) -> Result<Vec<TaskRow>, Error> {
        self.all(kind::TASK, usize::MAX).await
    }
    /// The newest sessions, newest first.
    pub async fn newest_sessions(&self, limit: usize) -> Result<Vec<SessionRow>, Error> {
        self.all(kind::SESSION, limit).await
    }
    /// The newest requests, newest first.
    pub async fn newest_requests(&self, limit: usize) -> Result<Vec<RequestRow>, Error> {
        self.all(kind::REQUEST, limit).await
    }
    /// The sessions that are not over, and their open requests, however old.
    pub async fn open_work(&self) -> Result<(Vec<SessionRow>, Vec<RequestRow>), Error> {
        let (mut sessions, mut requests) = (Vec::new(), Vec::new());
        let mut page = RowPage::first(200);
        loop {
            let rows = self.ledger().store().rows(kind::SESSION_STATE, Some("open"), page.clone()).await?;
            let Some(last) = rows.last() else { return Ok((sessions, requests)) };
            page = page.following(last);
            for row in &rows {
                let Ok(id) = SessionId::parse(&row.id) else { continue };
                let session = match Stored::read(self.ledger(), &id).await {
                    Ok(Some(stored)) => stored.session,
                    Ok(None) => continue,
                    Err(error) => {
                        tracing::error!(%error, session = row.id, "a session is left out");
                        continue;
                    }
                };
                sessions.push(session.row());
                requests.extend(session.open_request_rows());
            }
        }
    }
    /// All agents.
    pub async fn agents(&self) -> Result<Vec<AgentRow>, Error> {
        self.all(kind::AGENT, usize::MAX).await
    }
    /// All projects.
    pub async fn projects(&self) -> Result<Vec<ProjectRow>, Error> {
        self.all(kind::PROJECT, usize::MAX).await
    }
    /// All broken files.
    pub async fn problems(&self) -> Result<Vec<FileProblem>, Error> {
        self.all(kind::PROBLEM, usize::MAX).await
    }

    /// Starts that were refused: the newest of each task.
    pub async fn refusals(&self) -> Result<Vec<RefusalRow>, Error> {
        self.all(kind::REFUSAL, usize::MAX).await
    }

    /// One request.
    pub async fn request(&self, id: &RequestId) -> Result<RequestRow, Error> {
        let row = self.ledger().store().row(kind::REQUEST, id.as_str()).await?;
        let row = row.filter(|row| !row.deleted).ok_or_else(|| Error::not_found("request", id))?;
        read_json("request", &row.body)
    }

    /// One session.
    pub async fn session(&self, id: &SessionId) -> Result<SessionRow, Error> {
        let row = self.ledger().store().row(kind::SESSION, id.as_str()).await?;
        let row = row.filter(|row| !row.deleted).ok_or_else(|| Error::not_found("session", id))?;
        read_json("session", &row.body)
    }

    /// What can be done with a session while it runs; empty when nothing was told of it.
    pub async fn controls(&self, id: &SessionId) -> Result<ControlsRow, Error> {
        self.session(id).await?;
        let row = self.ledger().store().row(kind::CONTROLS, id.as_str()).await?;
        match row.filter(|row| !row.deleted) {
            Some(row) => read_json("controls", &row.body),
            None => Ok(ControlsRow { session: id.clone(), offers: Offers::default(), waiting: vec![] }),
        }
    }

    /// One item.
    pub async fn item(&self, id: &ItemId) -> Result<Item, Error> {
        let row = self.ledger().store().row(kind::ITEM, id.as_str()).await?;
        let row = row.filter(|row| !row.deleted).ok_or_else(|| Error::not_found("item", id))?;
        read_json("item", &row.body)
    }

    /// Items of a session before a place, or the last ones; in order.
    pub async fn items(
        &self,
        session: &SessionId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<Item>, Error> {
        // The id behind the sort key: before all real ones, so that the item at `before` itself is left out.
        let after = before.map(|ord| (format!("{ord:010}"), String::new()));
        let page = RowPage { after, limit, order: Order::Descending };
        let rows = self.ledger().store().rows(kind::ITEM, Some(session.as_str()), page).await?;
        let mut items: Vec<Item> = rows.iter().filter_map(readable).collect();
        items.reverse();
        Ok(items)
    }

    /// The answer that a command has already: its place, its result, and whether it can be taken back.
    pub async fn receipt(&self, command: &CommandId) -> Result<Option<Answer>, Error> {
        Ok(self.ledger().receipt(command).await?.map(Answer::from))
    }
}

/// The stored answer of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its place in the log.
    pub seq: i64,
    /// What it answered.
    pub result: serde_json::Value,
    /// Whether it can be taken back.
    pub undo: bool,
}

impl From<Receipt> for Answer {
    fn from(receipt: Receipt) -> Self {
        Self {
            seq: receipt.seq,
            result: serde_json::from_str(&receipt.result).unwrap_or_default(),
            undo: receipt.inverse.is_some(),
        }
    }
}
