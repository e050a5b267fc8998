//! The shapes that go in and come out of the store. Bodies are opaque JSON text: the store never reads them.

use std::fmt;

/// The largest sequence number: the largest integer that JavaScript holds exactly.
pub const MAX_SEQ: i64 = (1 << 53) - 1;

/// The most bytes that one batch may hold. Output belongs into the spool, files into the documents.
pub const MAX_BATCH_BYTES: usize = 32 * 1024 * 1024;

/// A position in the log of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Random name of the database's life, 16 hex digits. Another epoch means: read everything anew.
    pub epoch: String,
    /// The last sequence number that is included.
    pub seq: i64,
}

/// What is written together or not at all.
///
/// A batch with events takes one `seq` per event. One with rows but no event takes a single `seq`, so that
/// subscribers hear of the rows. One that only brings a receipt or touches the outbox takes none and is not
/// published. An empty batch is refused.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The command that caused the events; written to each of them.
    pub command: Option<String>,
    /// Refuse the batch unless the stream still ends where the caller thinks it does.
    pub expected: Option<Expected>,
    /// Facts, in order.
    pub events: Vec<NewEvent>,
    /// Changes of the read model; all carry the `seq` of the batch's last event. A later write of a row wins.
    pub rows: Vec<RowWrite>,
    /// The answer to the command. A second batch with a receipt of the same command is refused.
    pub receipt: Option<NewReceipt>,
    /// Effects to carry out once the batch is durable.
    pub outbox: Vec<NewOutbox>,
    /// Effects that are done. An unknown id is ignored, so that reporting twice is safe.
    pub outbox_done: Vec<i64>,
}

/// Where a stream should end for a batch to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The stream.
    pub stream: String,
    /// Its last `stream_seq`; 0 when it has no event yet.
    pub stream_seq: i64,
}

/// A fact to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// What the fact is about, for example a session id. Order is kept within it.
    pub stream: String,
    /// Type of the fact.
    pub kind: String,
    /// Version of the body's shape.
    pub version: u16,
    /// When it was decided, UTC in milliseconds. Never used for order.
    pub at: i64,
    /// Who decided: user, agent, cli, token or schedule.
    pub actor: String,
    /// The command that caused it.
    pub command: CausedBy,
    /// `seq` of the event that led to this one.
    pub cause: Option<i64>,
    /// Whether the event joins the audit trail, whose entries are chained by hash.
    pub audit: bool,
    /// JSON text.
    pub body: String,
}

/// Which command caused a fact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CausedBy {
    /// The batch's.
    #[default]
    Batch,
    /// Another one or none: the fact comes from another log.
    Other(Option<String>),
}

impl CausedBy {
    pub(crate) fn or<'a>(&'a self, batch: Option<&'a str>) -> Option<&'a str> {
        match self {
            Self::Batch => batch,
            Self::Other(command) => command.as_deref(),
        }
    }
}

/// A change of the read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowWrite {
    /// Writes the row, new or not; brings a deleted one back.
    Put {
        /// Kind of row, for example `task`.
        kind: String,
        /// Unique within the kind.
        id: String,
        /// The row that this one belongs to, for lists of one parent's rows.
        parent: Option<String>,
        /// Sort key, compared as bytes.
        ord: String,
        /// JSON text.
        body: String,
    },
    /// Leaves a tombstone. A row that is not there or already deleted is left alone.
    Delete {
        /// Kind of row.
        kind: String,
        /// Unique within the kind.
        id: String,
    },
}

/// The answer to a command, to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReceipt {
    /// The command's id, the receipt's key.
    pub command: String,
    /// When it was answered, UTC in milliseconds.
    pub at: i64,
    /// JSON text of the answer.
    pub result: String,
    /// JSON text of the command that undoes this one.
    pub inverse: Option<String>,
}

/// An effect to be promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutbox {
    /// What to do.
    pub kind: String,
    /// JSON text of its parameters.
    pub body: String,
}

/// What a durable batch was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// `seq` of the first event. Without event and row: the head of the log, as `last_seq`.
    pub first_seq: i64,
    /// `seq` of the last event and of every row.
    pub last_seq: i64,
    /// Ids of the outbox entries, in the batch's order.
    pub outbox_ids: Vec<i64>,
}

/// An event as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Position in the whole log.
    pub seq: i64,
    /// What the fact is about.
    pub stream: String,
    /// Position in the stream, from 1, without holes.
    pub stream_seq: i64,
    /// Type of the fact.
    pub kind: String,
    /// Version of the body's shape.
    pub version: u16,
    /// UTC in milliseconds.
    pub at: i64,
    /// Who decided.
    pub actor: String,
    /// The command that caused it.
    pub command: Option<String>,
    /// `seq` of the event that led to this one.
    pub cause: Option<i64>,
    /// For audit events: SHA-256 (hex) over the audit event before it; zeros for the first.
    pub prev_hash: Option<String>,
    /// JSON text.
    pub body: String,
}

/// A row of the read model as it was stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Kind of row.
    pub kind: String,
    /// Unique within the kind.
    pub id: String,
    /// The row that this one belongs to.
    pub parent: Option<String>,
    /// Sort key.
    pub ord: String,
    /// `seq` of the commit that wrote it last.
    pub seq: i64,
    /// A tombstone: parent and sort key are those it had, the body is empty.
    pub deleted: bool,
    /// JSON text.
    pub body: String,
}

impl fmt::Debug for StoredRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.deleted { " deleted" } else { "" };
        write!(f, "{}/{}@{}{mark} {:?} {}", self.kind, self.id, self.seq, self.parent, self.body)
    }
}

/// The stored answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The command's id.
    pub command: String,
    /// Where the log stood after the command.
    pub seq: i64,
    /// When it was answered, UTC in milliseconds.
    pub at: i64,
    /// JSON text of the answer.
    pub result: String,
    /// JSON text of the command that undoes this one.
    pub inverse: Option<String>,
}

/// An effect that is promised and not yet known to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEffect {
    /// To be reported in [`Batch::outbox_done`]. Never used twice.
    pub id: i64,
    /// Where the log stood after the batch that promised it.
    pub seq: i64,
    /// What to do.
    pub kind: String,
    /// JSON text of its parameters.
    pub body: String,
}

/// One page of a list of rows.
#[derive(Debug, Clone)]
pub struct RowPage {
    /// Sort key and id of the row to go on after, in the direction of `order`; `None` begins at the end of it.
    pub after: Option<(String, String)>,
    /// The most rows to return.
    pub limit: u32,
    /// Direction.
    pub order: Order,
}

impl RowPage {
    /// The first `limit` rows, smallest sort key first.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit, order: Order::Ascending }
    }

    /// The `limit` rows with the largest sort keys, largest first.
    #[must_use]
    pub fn newest(limit: u32) -> Self {
        Self { after: None, limit, order: Order::Descending }
    }

    /// The page that follows on `row` in the same direction.
    #[must_use]
    pub fn following(self, row: &StoredRow) -> Self {
        Self { after: Some((row.ord.clone(), row.id.clone())), ..self }
    }
}

/// Direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Smallest sort key first.
    #[default]
    Ascending,
    /// Largest sort key first: newest first for keys that grow.
    Descending,
}

/// One page of what changed in the read model.
#[derive(Debug, Clone)]
pub struct ChangedPage {
    /// Changed rows and tombstones by `seq`; the rows of one commit are never split over two pages.
    pub rows: Vec<StoredRow>,
    /// Everything up to this `seq` has been seen: ask on from here.
    pub through: i64,
    /// Whether more is there already.
    pub more: bool,
}

/// One durable batch, as the hub publishes it.
#[derive(Debug)]
pub struct Commit {
    /// `seq` of the first event.
    pub first_seq: i64,
    /// `seq` of the last event and of every row.
    pub last_seq: i64,
    /// The command that caused it.
    pub command: Option<String>,
    /// The events in order.
    pub events: Vec<StoredEvent>,
    /// The rows in order of writing.
    pub rows: Vec<StoredRow>,
    /// Roughly what the commit weighs in memory, for the bound of a subscription.
    pub(crate) size_bytes: usize,
}
