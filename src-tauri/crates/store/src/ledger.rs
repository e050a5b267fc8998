//! Writes batches inside the writer's transaction and knows where the log stands.
//!
//! Everything a batch can be refused for is checked before its first row is written, so a refused batch leaves
//! nothing behind in a transaction that it shares with others, and no savepoint is needed. What the ledger
//! remembers (heads of log, streams and audit trail) holds only while its transaction does: after a rollback it
//! must be thrown away.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::{
    audit,
    error::{Error, Refusal},
    model::{Batch, Commit, Committed, MAX_SEQ, NewEvent, Receipt, RowWrite, StoredEvent, StoredRow},
    reader,
};

/// How many streams are remembered; a session that is live is asked for again at once.
const STREAMS_REMEMBERED: usize = 4096;

/// Where the log stands, including what the open transaction has written.
#[derive(Debug)]
pub(crate) struct Ledger {
    head: i64,
    audit_head: String,
    is_audit_head_stored: bool,
    streams: HashMap<String, i64>,
}

/// What became of one batch in a transaction that has not ended yet.
#[derive(Debug)]
pub(crate) enum Outcome {
    Written(Written),
    AlreadyDone(Receipt),
    Conflict { found: i64 },
    Refused(Refusal),
}

/// What a batch was given; with the batch itself it makes a [`Commit`].
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) committed: Committed,
    events: Vec<Placed>,
    /// Per deletion, in order: parent and sort key that the row had; `None` when there was no such row.
    deletions: Vec<Option<(Option<String>, String)>>,
}

#[derive(Debug)]
struct Placed {
    stream_seq: i64,
    prev_hash: Option<String>,
}

/// The statements of one transaction: looked up once, then used for every event and row in it.
pub(crate) struct Scribe<'db> {
    db: &'db Connection,
    add_event: CachedStatement<'db>,
    add_receipt: CachedStatement<'db>,
    change_row: CachedStatement<'db>,
    put_row: CachedStatement<'db>,
    delete_row: CachedStatement<'db>,
}

impl<'db> Scribe<'db> {
    pub(crate) fn new(db: &'db Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            db,
            add_event: db.prepare_cached(
                "INSERT INTO events
                     (seq, stream, stream_seq, kind, version, at, actor, command, cause, prev_hash, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?,
            add_receipt: db.prepare_cached(
                "INSERT INTO receipts (command, seq, at, result, inverse) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (command) DO NOTHING",
            )?,
            // Most writes change only the body of a row that is there. Said like this, SQLite leaves the indexes
            // for lists alone; the general form would rewrite a page of each.
            change_row: db.prepare_cached(
                "UPDATE rows SET seq = ?5, body = ?6
                 WHERE kind = ?1 AND id = ?2 AND parent IS ?3 AND ord = ?4 AND deleted = 0",
            )?,
            put_row: db.prepare_cached(
                "INSERT INTO rows (kind, id, parent, ord, seq, deleted, body) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)
                 ON CONFLICT (kind, id) DO UPDATE SET parent = excluded.parent, ord = excluded.ord,
                     seq = excluded.seq, deleted = 0, body = excluded.body",
            )?,
            delete_row: db.prepare_cached(
                "UPDATE rows SET deleted = 1, seq = ?3, body = '' WHERE kind = ?1 AND id = ?2 AND deleted = 0
                 RETURNING parent, ord",
            )?,
        })
    }
}

impl Ledger {
    /// Reads where the log stands.
    pub(crate) fn load(db: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            head: reader::head(db)?,
            audit_head: reader::audit_head(db)?,
            is_audit_head_stored: true,
            streams: HashMap::new(),
        })
    }

    pub(crate) fn head(&self) -> i64 {
        self.head
    }

    /// Writes one batch. An error means that the transaction cannot go on.
    pub(crate) fn write(&mut self, scribe: &mut Scribe<'_>, batch: &Batch) -> rusqlite::Result<Outcome> {
        let db = scribe.db;
        let first_seq = self.head + 1;
        let taken = batch.events.len().max(usize::from(!batch.rows.is_empty())) as i64;
        let last_seq = self.head + taken;
        if last_seq > MAX_SEQ {
            return Ok(Outcome::Refused(Refusal::LogFull));
        }
        if let Some(expected) = &batch.expected {
            let found = self.stream_head(db, &expected.stream)?;
            if found != expected.stream_seq {
                // A command that is repeated comes with an old expectation: its answer is the receipt.
                let done = batch
                    .receipt
                    .as_ref()
                    .map(|new| reader::receipt(db, &new.command))
                    .transpose()?
                    .flatten();
                return Ok(done.map_or(Outcome::Conflict { found }, Outcome::AlreadyDone));
            }
        }
        if let Some(receipt) = &batch.receipt {
            let added = scribe.add_receipt.execute(params![
                receipt.command,
                last_seq,
                receipt.at,
                receipt.result,
                receipt.inverse
            ])?;
            if added == 0 {
                let done = reader::receipt(db, &receipt.command)?;
                return done.map(Outcome::AlreadyDone).ok_or(rusqlite::Error::QueryReturnedNoRows);
            }
        }
        let mut events = Vec::with_capacity(batch.events.len());
        for (event, seq) in batch.events.iter().zip(first_seq..) {
            events.push(self.write_event(scribe, batch.command.as_deref(), event, seq)?);
        }
        let mut deletions = Vec::new();
        for row in &batch.rows {
            write_row(scribe, row, last_seq, &mut deletions)?;
        }
        let mut outbox_ids = Vec::with_capacity(batch.outbox.len());
        for effect in &batch.outbox {
            db.prepare_cached("INSERT INTO outbox (seq, kind, body) VALUES (?1, ?2, ?3)")?
                .execute(params![last_seq, effect.kind, effect.body])?;
            outbox_ids.push(db.last_insert_rowid());
        }
        for id in &batch.outbox_done {
            db.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([id])?;
        }
        self.head = last_seq;
        let committed =
            Committed { first_seq: if taken == 0 { last_seq } else { first_seq }, last_seq, outbox_ids };
        Ok(Outcome::Written(Written { committed, events, deletions }))
    }

    /// Writes what belongs to the transaction as a whole, just before it is committed.
    pub(crate) fn finish(&mut self, db: &Connection) -> rusqlite::Result<()> {
        if !self.is_audit_head_stored {
            db.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")?
                .execute([audit::HEAD, &self.audit_head])?;
            self.is_audit_head_stored = true;
        }
        Ok(())
    }

    fn write_event(
        &mut self,
        scribe: &mut Scribe<'_>,
        command: Option<&str>,
        event: &NewEvent,
        seq: i64,
    ) -> rusqlite::Result<Placed> {
        let stream_seq = self.stream_head(scribe.db, &event.stream)? + 1;
        let command = event.command.or(command);
        let mut prev_hash = None;
        if event.audit {
            let entry = audit::Entry {
                prev_hash: &self.audit_head,
                seq,
                stream: &event.stream,
                stream_seq,
                kind: &event.kind,
                version: event.version,
                at: event.at,
                actor: &event.actor,
                command,
                cause: event.cause,
                body: &event.body,
            };
            let hash = entry.hash();
            prev_hash = Some(std::mem::replace(&mut self.audit_head, hash));
            self.is_audit_head_stored = false;
        }
        scribe.add_event.execute(params![
            seq,
            event.stream,
            stream_seq,
            event.kind,
            event.version,
            event.at,
            event.actor,
            command,
            event.cause,
            prev_hash,
            event.body
        ])?;
        if let Some(known) = self.streams.get_mut(&event.stream) {
            *known = stream_seq;
        }
        Ok(Placed { stream_seq, prev_hash })
    }

    fn stream_head(&mut self, db: &Connection, stream: &str) -> rusqlite::Result<i64> {
        if let Some(known) = self.streams.get(stream) {
            return Ok(*known);
        }
        let found = reader::stream_head(db, stream)?;
        if self.streams.len() >= STREAMS_REMEMBERED {
            self.streams.clear();
        }
        self.streams.insert(stream.to_owned(), found);
        Ok(found)
    }
}

fn write_row(
    scribe: &mut Scribe<'_>,
    row: &RowWrite,
    seq: i64,
    deletions: &mut Vec<Option<(Option<String>, String)>>,
) -> rusqlite::Result<()> {
    match row {
        RowWrite::Put { kind, id, parent, ord, body } => {
            if scribe.change_row.execute(params![kind, id, parent, ord, seq, body])? == 0 {
                scribe.put_row.execute(params![kind, id, parent, ord, seq, body])?;
            }
        }
        RowWrite::Delete { kind, id } => {
            let was = scribe
                .delete_row
                .query_row(params![kind, id, seq], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            deletions.push(was);
        }
    }
    Ok(())
}

impl Batch {
    /// Checks what can be checked without the database; gives the size in bytes.
    pub(crate) fn check(&self) -> Result<usize, Error> {
        let refuse = |refusal| Err(Error::Invalid(refusal));
        if self.events.is_empty()
            && self.rows.is_empty()
            && self.receipt.is_none()
            && self.outbox.is_empty()
            && self.outbox_done.is_empty()
        {
            return refuse(Refusal::Empty);
        }
        if let (Some(batch), Some(receipt)) = (&self.command, &self.receipt)
            && *batch != receipt.command
        {
            return refuse(Refusal::ForeignReceipt {
                receipt: receipt.command.clone(),
                batch: batch.clone(),
            });
        }
        let streams = self.events.iter().map(|event| ("the stream of an event", event.stream.as_str()));
        let rows = self.rows.iter().flat_map(|row| {
            let (RowWrite::Put { kind, id, .. } | RowWrite::Delete { kind, id }) = row;
            [("the kind of a row", kind.as_str()), ("the id of a row", id.as_str())]
        });
        let command =
            self.receipt.iter().map(|receipt| ("the command of the receipt", receipt.command.as_str()));
        if let Some((field, _)) = streams.chain(rows).chain(command).find(|(_, name)| name.is_empty()) {
            return refuse(Refusal::EmptyName { field });
        }
        Ok(self.size_bytes())
    }

    fn size_bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let events: usize = self
            .events
            .iter()
            .map(|event| {
                let names = event.stream.len() + event.kind.len() + event.actor.len();
                event.body.len() + names + event.command.or(None).map_or(0, str::len) + 160
            })
            .sum();
        let rows: usize = self
            .rows
            .iter()
            .map(|row| match row {
                RowWrite::Put { kind, id, parent, ord, body } => {
                    kind.len() + id.len() + text(parent) + ord.len() + body.len() + 120
                }
                RowWrite::Delete { kind, id } => kind.len() + id.len() + 120,
            })
            .sum();
        let receipt =
            self.receipt.as_ref().map_or(0, |new| new.result.len() + text(&new.inverse) + new.command.len());
        let outbox: usize = self.outbox.iter().map(|effect| effect.kind.len() + effect.body.len()).sum();
        events + rows + receipt + outbox + size_of::<Self>()
    }
}

impl Written {
    /// Puts together what subscribers get; `None` when the batch changed nothing that they could see.
    pub(crate) fn into_commit(self, batch: Batch, size_bytes: usize) -> Option<Commit> {
        let Committed { first_seq, last_seq, .. } = self.committed;
        let command = batch.command;
        let events: Vec<StoredEvent> = batch
            .events
            .into_iter()
            .zip(self.events)
            .zip(first_seq..)
            .map(|((event, placed), seq)| StoredEvent {
                seq,
                stream: event.stream,
                stream_seq: placed.stream_seq,
                kind: event.kind,
                version: event.version,
                at: event.at,
                actor: event.actor,
                command: event.command.or(command.as_deref()).map(str::to_owned),
                cause: event.cause,
                prev_hash: placed.prev_hash,
                body: event.body,
            })
            .collect();
        let mut deletions = self.deletions.into_iter();
        let rows: Vec<StoredRow> = batch
            .rows
            .into_iter()
            .filter_map(|row| match row {
                RowWrite::Put { kind, id, parent, ord, body } => {
                    Some(StoredRow { kind, id, parent, ord, seq: last_seq, deleted: false, body })
                }
                RowWrite::Delete { kind, id } => {
                    let (parent, ord) = deletions.next().flatten()?;
                    Some(StoredRow {
                        kind,
                        id,
                        parent,
                        ord,
                        seq: last_seq,
                        deleted: true,
                        body: String::new(),
                    })
                }
            })
            .collect();
        let is_visible = !events.is_empty() || !rows.is_empty();
        is_visible.then_some(Commit { first_seq, last_seq, command, events, rows, size_bytes })
    }
}
