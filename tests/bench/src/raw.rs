//! The yardstick of appends: the same bytes written by rusqlite with nothing around it.
//!
//! It gets what the store did: the same batches in the same order, with their sequence numbers, in the same
//! transactions. It has one thread, no queue, no checks, no subscribers, and the same statements.

use crate::error::Error;
use nox_store::{Batch, RowWrite};
use rusqlite::{Connection, params};
use std::path::Path;

/// A batch as the store placed it.
pub(crate) struct Placed {
    pub(crate) first_seq: i64,
    /// `stream_seq` of the first event.
    pub(crate) first_stream_seq: i64,
    pub(crate) batch: Batch,
}

/// Batches that the store wrote in one transaction.
pub(crate) type Group = Vec<Placed>;

/// Opens a database whose schema is there already, with the settings of the store's writer.
pub(crate) fn open(path: &Path) -> Result<Connection, Error> {
    let db = Connection::open(path)?;
    db.set_prepared_statement_cache_capacity(64);
    for (pragma, value) in [
        ("journal_mode", "WAL"),
        ("synchronous", "FULL"),
        ("cache_size", "-8192"),
        ("wal_autocheckpoint", "4000"),
    ] {
        db.pragma_update(None, pragma, value)?;
    }
    Ok(db)
}

/// Writes all groups, each in a transaction of its own.
pub(crate) fn write(db: &Connection, groups: &[Group]) -> Result<(), Error> {
    let mut begin = db.prepare("BEGIN IMMEDIATE")?;
    let mut commit = db.prepare("COMMIT")?;
    let mut add_event = db.prepare(
        "INSERT INTO events (seq, stream, stream_seq, kind, version, at, actor, command, cause, prev_hash, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, ?10)",
    )?;
    let mut add_receipt =
        db.prepare("INSERT INTO receipts (command, seq, at, result, inverse) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut change_row = db.prepare(
        "UPDATE rows SET seq = ?5, body = ?6 WHERE kind = ?1 AND id = ?2 AND parent IS ?3 AND ord = ?4 AND deleted = 0",
    )?;
    let mut add_row = db.prepare(
        "INSERT INTO rows (kind, id, parent, ord, seq, deleted, body) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)",
    )?;
    for group in groups {
        begin.execute([])?;
        for Placed { first_seq, first_stream_seq, batch } in group {
            let last_seq = first_seq + batch.events.len() as i64 - 1;
            if let Some(receipt) = &batch.receipt {
                add_receipt.execute(params![
                    receipt.command,
                    last_seq,
                    receipt.at,
                    receipt.result,
                    receipt.inverse
                ])?;
            }
            for (event, place) in batch.events.iter().zip(0..) {
                add_event.execute(params![
                    first_seq + place,
                    event.stream,
                    first_stream_seq + place,
                    event.kind,
                    event.version,
                    event.at,
                    event.actor,
                    batch.command,
                    event.cause,
                    event.body
                ])?;
            }
            for row in &batch.rows {
                let RowWrite::Put { kind, id, parent, ord, body } = row else { continue };
                let values = params![kind, id, parent, ord, last_seq, body];
                if change_row.execute(values)? == 0 {
                    add_row.execute(values)?;
                }
            }
        }
        commit.execute([])?;
    }
    Ok(())
}
