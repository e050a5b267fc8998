//! The engine's pen: turns facts of the domain into one transaction of the store.

use crate::{Error, clock};
use nox_domain::{
    At,
    event::{Actor, Event},
    ids::CommandId,
    rows::Row,
};
use nox_store::{
    Batch, CausedBy, Committed, Expected, NewEvent, NewOutbox, NewReceipt, Receipt, RowWrite, Store,
};
use serde::{Serialize, de::DeserializeOwned};

/// How long receipts are kept. Older commands are refused, never applied again.
pub const RECEIPT_DAYS: u32 = 7;
const RECEIPT_MS: i64 = RECEIPT_DAYS as i64 * DAY_MS;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Who wants something, and under which command id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Who.
    pub actor: Actor,
    /// The command, if one did.
    pub command: Option<CommandId>,
}

impl Cause {
    /// Nox itself, without a command.
    pub fn nox() -> Self {
        Self { actor: Actor::Nox, command: None }
    }
}

/// Facts and everything that is stored with them.
#[derive(Debug, Default)]
pub struct Change {
    /// Where a stream has to end for the change to be taken.
    pub expected: Option<Expected>,
    /// Facts with their streams.
    pub events: Vec<(String, Event)>,
    /// Changed rows.
    pub rows: Vec<RowWrite>,
    /// The command's answer, and the command that takes it back.
    pub receipt: Option<(serde_json::Value, Option<serde_json::Value>)>,
    /// Effects that must happen even after a crash.
    pub outbox: Vec<NewOutbox>,
    /// Effects that have happened.
    pub outbox_done: Vec<i64>,
}

/// The pen. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    store: Store,
}

impl Ledger {
    /// A pen for this store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Writes a change; resolves when it is on disk.
    pub async fn commit(&self, cause: &Cause, at: At, change: Change) -> Result<Committed, Error> {
        let command = cause.command.as_ref().map(ToString::to_string);
        let events = change
            .events
            .into_iter()
            .map(|(stream, event)| NewEvent {
                stream,
                kind: event.kind().to_owned(),
                version: Event::VERSION,
                at: at.0,
                actor: cause.actor.as_str().to_owned(),
                command: CausedBy::Batch,
                cause: None,
                audit: event.is_audit(),
                body: json(&event),
            })
            .collect();
        let receipt = match (&command, change.receipt) {
            (Some(command), Some((result, inverse))) => Some(NewReceipt {
                command: command.clone(),
                at: at.0,
                result: result.to_string(),
                inverse: inverse.map(|inverse| inverse.to_string()),
            }),
            _ => None,
        };
        let batch = Batch {
            command,
            expected: change.expected,
            events,
            rows: change.rows,
            receipt,
            outbox: change.outbox,
            outbox_done: change.outbox_done,
        };
        Ok(self.store.commit(batch).await?)
    }

    /// The answer that a command already has. A command that is too old to have one is refused, and so is one from the
    /// future, whose receipt would be forgotten while it still counts as new.
    pub async fn receipt(&self, command: &CommandId) -> Result<Option<Receipt>, Error> {
        let (made_at, now) = (command.made_at().0, clock::now().0);
        if made_at < now - RECEIPT_MS {
            return Err(Error::TooOld { days: RECEIPT_DAYS });
        }
        if made_at > now + DAY_MS {
            return Err(Error::bad_input(
                "command",
                "this command's id was made more than a day from now",
                "Check the clock of this computer, then send it again with a new id.",
            ));
        }
        let id = command.to_string();
        Ok(self.store.read(move |reader| reader.receipt(&id)).await?)
    }

    /// Forgets receipts that are too old to be asked for.
    pub async fn prune(&self) -> Result<(), Error> {
        self.store.prune_receipts(clock::now().0 - RECEIPT_MS).await?;
        Ok(())
    }
}

/// JSON of a value of our own; our types always have one.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| {
        tracing::error!(%error, "a value has no JSON");
        "null".to_owned()
    })
}

/// Reads a stored value.
pub(crate) fn read_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt { what, detail: error.to_string() })
}

/// How a row is stored: its own JSON, without the name of its kind.
pub fn put(row: &Row) -> RowWrite {
    let key = row.key();
    let body = match row {
        Row::Task(row) => json(row),
        Row::Session(row) => json(row),
        Row::Item(row) => json(row),
        Row::Request(row) => json(row),
        Row::Agent(row) => json(row),
        Row::Project(row) => json(row),
        Row::Problem(row) => json(row),
        Row::Refusal(row) => json(row),
        Row::Controls(row) => json(row),
    };
    RowWrite::Put { kind: key.kind.to_owned(), id: key.id, parent: key.parent, ord: key.ord, body }
}

/// Takes a row away.
pub fn gone(kind: &str, id: impl ToString) -> RowWrite {
    RowWrite::Delete { kind: kind.to_owned(), id: id.to_string() }
}
