//! Facts and rows of one session on their way into the store: a transaction at a time, each expecting the one before.

use super::STREAMS;
use crate::{
    Error,
    ledger::{Ledger, json, put},
};
use nox_domain::{
    At,
    event::{Actor, Event},
    ids::SessionId,
    rows::Row,
};
use nox_store::{Batch, CausedBy, Committed, Expected, NewEvent, RowWrite};
use std::time::Duration;

/// Bytes of bodies after which a transaction is full.
const BYTES: usize = 2 * 1024 * 1024;
/// Facts after which it is.
const EVENTS: usize = 1_000;
/// Between two tries while the store has too much to do, and how many.
const BUSY: Duration = Duration::from_millis(20);
const TRIES: u32 = 500;

/// What is not written yet of one stream.
#[derive(Debug)]
pub(super) struct Stage {
    stream: String,
    /// What is to be written; the caller adds receipt and outbox.
    pub(super) batch: Batch,
    /// Whether decisions in it were made here, and belong into the audit trail.
    is_ours: bool,
    bytes: usize,
    written: i64,
}

impl Stage {
    /// Begins behind the `written` facts that the stream has.
    pub(super) fn new(session: &SessionId, written: i64) -> Self {
        Self {
            stream: format!("{STREAMS}{session}"),
            batch: Batch::default(),
            is_ours: true,
            bytes: 0,
            written,
        }
    }

    /// The same for a session of another home: its decisions are its history, and not ours.
    pub(super) fn foreign(session: &SessionId, written: i64) -> Self {
        Self { is_ours: false, ..Self::new(session, written) }
    }

    /// Where the stream stands when everything is written.
    pub(super) fn stream_seq(&self) -> i64 {
        self.written + self.batch.events.len() as i64
    }

    /// Adds a fact.
    pub(super) fn event(&mut self, event: &Event, at: At, actor: Actor, command: Option<String>) {
        let body = json(event);
        self.bytes += body.len();
        self.batch.events.push(NewEvent {
            stream: self.stream.clone(),
            kind: event.kind().to_owned(),
            version: Event::VERSION,
            at: at.0,
            actor: actor.as_str().to_owned(),
            command: CausedBy::Other(command),
            cause: None,
            audit: self.is_ours && event.is_audit(),
            body,
        });
    }

    /// Adds rows.
    pub(super) fn rows<'a>(&mut self, rows: impl IntoIterator<Item = &'a Row>) {
        for row in rows {
            self.row(put(row));
        }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, row: RowWrite) {
        if let RowWrite::Put { body, .. } = &row {
            self.bytes += body.len();
        }
        self.batch.rows.push(row);
    }

    /// Whether it is time to write.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= BYTES || self.batch.events.len() >= EVENTS || self.batch.rows.len() >= 2 * EVENTS
    }

    /// Writes what is there; nothing if nothing is. Waits while others keep the store busy.
    pub(super) async fn write(&mut self, ledger: &Ledger) -> Result<Option<Committed>, Error> {
        let mut batch = std::mem::take(&mut self.batch);
        let events = batch.events.len() as i64;
        if events == 0 && batch.rows.is_empty() && batch.receipt.is_none() && batch.outbox_done.is_empty() {
            return Ok(None);
        }
        batch.expected = Some(Expected { stream: self.stream.clone(), stream_seq: self.written });
        let committed = commit(ledger, batch).await?;
        self.written += events;
        self.bytes = 0;
        Ok(Some(committed))
    }
}

/// Writes a batch; waits while the store is busy.
pub(super) async fn commit(ledger: &Ledger, batch: Batch) -> Result<Committed, Error> {
    let mut tries = 0;
    loop {
        match ledger.store().commit(batch.clone()).await {
            Err(nox_store::Error::Overloaded) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(BUSY).await;
            }
            done => return Ok(done?),
        }
    }
}
