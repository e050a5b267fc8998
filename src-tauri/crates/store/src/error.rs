//! Everything that can go wrong in the store, sorted by what the caller does about it.
//!
//! The errors hold no handle of SQLite, so that one failed group commit can be told to each of its batches.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::{history::Gap, model::Receipt};

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The stream has moved on since the caller read it. Read it again and decide anew.
    #[error("stream {stream} stands at {found}, not at {expected}")]
    Conflict {
        /// The stream that was checked.
        stream: String,
        /// The `stream_seq` that the caller had seen last; 0 is an empty stream.
        expected: i64,
        /// The `stream_seq` that the stream really ends with.
        found: i64,
    },
    /// The command id has a receipt: answer the caller from it. Nothing was written.
    #[error("command {} was done before", .0.command)]
    AlreadyDone(Box<Receipt>),
    /// Too much work is waiting, or another program holds the database. Trying again is safe.
    #[error("the store is busy: try again in a moment")]
    Overloaded,
    /// The store was closed. Nothing was acknowledged.
    #[error("the store is closed")]
    Closed,
    /// The disk refused. Nothing of the batch was applied; readers go on and a later commit may succeed.
    #[error("the database could not be written ({detail}): {hint}")]
    Disk {
        /// What a person can do about it.
        hint: DiskHint,
        /// Which file, and what SQLite said.
        detail: String,
    },
    /// The file is no database of Nox or its content is damaged. See [`set_aside`](crate::set_aside).
    #[error("the database {} is damaged: {detail}", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// Events of the stream were pruned, so they cannot be read. See [`Reader::history`](crate::Reader::history).
    #[error("events {} to {} of stream {} were pruned", .0.first_stream_seq, .0.last_stream_seq, .0.stream)]
    Pruned(Gap),
    /// A newer Nox wrote this database. It was not touched.
    #[error("the database has schema {found}, this version of Nox knows {known}: install a newer Nox")]
    Newer {
        /// The schema number in the file.
        found: i64,
        /// The newest schema number that this program knows.
        known: i64,
    },
    /// The batch breaks a rule of the store. A mistake of the caller; nothing was written.
    #[error("the batch was refused: {0}")]
    Invalid(Refusal),
    /// A read took longer than its limit and was ended, since it keeps the log from being tidied. Page it.
    #[error("a read took longer than {limit_ms} ms and was ended: ask for less at once")]
    ReadTooLong {
        /// The limit of one read in milliseconds.
        limit_ms: u64,
    },
    /// SQLite is older than the first version without the WAL-reset corruption race (3.51.3).
    #[error("SQLite {found} is too old: 3.51.3 or newer is needed")]
    OldSqlite {
        /// The version that the program is linked with.
        found: String,
    },
    /// A setting that durability depends on did not take, for example WAL on a network folder.
    #[error("the database refused {pragma} = {wanted} and stayed at {found}: is the folder on a local disk?")]
    Setting {
        /// Name of the PRAGMA.
        pragma: &'static str,
        /// The value that is needed.
        wanted: &'static str,
        /// The value that it has.
        found: String,
    },
    /// Anything else that SQLite or the system reported.
    #[error("the database failed: {detail}")]
    Sqlite {
        /// SQLite's extended result code; 0 when the failure is not SQLite's.
        code: i32,
        /// What it said.
        detail: String,
    },
}

/// What a person can do when the disk refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DiskHint {
    /// No space is left, or the database has reached its size limit.
    #[error("make room on the disk, Nox goes on by itself")]
    Full,
    /// The file or its folder cannot be written.
    #[error("make the data folder writable")]
    ReadOnly,
    /// The device reported a failure.
    #[error("check the disk, then try again")]
    Failing,
}

/// The rule that a batch broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing is in the batch.
    #[error("it is empty")]
    Empty,
    /// The receipt belongs to another command than the batch.
    #[error("its receipt is for command {receipt}, its events are for {batch}")]
    ForeignReceipt {
        /// Command of the receipt.
        receipt: String,
        /// Command of the batch.
        batch: String,
    },
    /// The batch is larger than one batch may be.
    #[error("it holds {found_bytes} bytes, {limit_bytes} are the limit")]
    TooLarge {
        /// Size of the batch in bytes.
        found_bytes: usize,
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// A stream, kind or id is empty.
    #[error("{field} is empty")]
    EmptyName {
        /// Which field.
        field: &'static str,
    },
    /// The sequence number would leave the integers that JavaScript holds exactly.
    #[error("the log is full: no safe sequence number is left")]
    LogFull,
}

impl Error {
    /// Whether the same call may succeed later without any change by the caller.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Overloaded | Self::Disk { .. })
    }

    /// Sorts what SQLite reported about the database at `path`.
    pub(crate) fn from_sqlite(error: &rusqlite::Error, path: &Path) -> Self {
        let detail = format!("{}: {error}", path.display());
        let damaged = || Self::Damaged { path: path.to_path_buf(), detail: error.to_string() };
        let cause = match error {
            rusqlite::Error::SqliteFailure(cause, _) => cause,
            // Strict tables give back what was put in: another type, or a text that is none, was not written by us.
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::QueryReturnedNoRows => return damaged(),
            _ => return Self::Sqlite { code: 0, detail },
        };
        let disk = |hint| Self::Disk { hint, detail: detail.clone() };
        match cause.code {
            ErrorCode::DiskFull => disk(DiskHint::Full),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => {
                disk(DiskHint::ReadOnly)
            }
            ErrorCode::SystemIoFailure => disk(DiskHint::Failing),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => damaged(),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Overloaded,
            _ => Self::Sqlite { code: cause.extended_code, detail },
        }
    }
}
