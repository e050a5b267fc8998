//! The audit trail: events that are chained by hash, so that a later change of one is found.
//!
//! Each audit event stores the hash of the one before it, and `meta` the hash of the last: a changed, removed or
//! added entry breaks the chain. The chain shows accidents and edits by hand; somebody who can write the database
//! and knows this file can forge it as a whole.

use sha2::{Digest, Sha256};

use crate::{model::StoredEvent, page::hex};

/// Name of the row in `meta` that holds the hash of the last audit event.
pub(crate) const HEAD: &str = "audit_head";

/// What stands before the first audit event.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a walk along the audit trail found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditTrail {
    /// Every entry follows from the one before it.
    Whole {
        /// How many entries there are.
        entries: u64,
        /// Hash of the last one; zeros when there is none. Kept elsewhere, it proves the trail up to here.
        head: String,
    },
    /// The trail is broken: an entry before this one, or this one, is not what was written.
    Broken {
        /// `seq` of the first entry that does not follow; `None` when entries are missing at the end or the last
        /// one was changed.
        seq: Option<i64>,
        /// How many entries were in order before it.
        entries: u64,
    },
}

/// The fields of an event that its hash covers.
pub(crate) struct Entry<'a> {
    pub(crate) prev_hash: &'a str,
    pub(crate) seq: i64,
    pub(crate) stream: &'a str,
    pub(crate) stream_seq: i64,
    pub(crate) kind: &'a str,
    pub(crate) version: u16,
    pub(crate) at: i64,
    pub(crate) actor: &'a str,
    pub(crate) command: Option<&'a str>,
    pub(crate) cause: Option<i64>,
    pub(crate) body: &'a str,
}

impl<'a> Entry<'a> {
    pub(crate) fn of(event: &'a StoredEvent, prev_hash: &'a str) -> Self {
        Self {
            prev_hash,
            seq: event.seq,
            stream: &event.stream,
            stream_seq: event.stream_seq,
            kind: &event.kind,
            version: event.version,
            at: event.at,
            actor: &event.actor,
            command: event.command.as_deref(),
            cause: event.cause,
            body: &event.body,
        }
    }

    /// SHA-256 as hex. Texts go in with their length before them, so that no two entries read the same.
    pub(crate) fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        let mut text = |text: &str| {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        };
        text(self.prev_hash);
        text(self.stream);
        text(self.kind);
        text(self.actor);
        text(self.command.unwrap_or_default());
        text(self.body);
        let flags = u8::from(self.command.is_some()) | (u8::from(self.cause.is_some()) << 1);
        for number in
            [self.seq, self.stream_seq, i64::from(self.version), self.at, self.cause.unwrap_or_default()]
        {
            hasher.update(number.to_be_bytes());
        }
        hasher.update([flags]);
        hex(&hasher.finalize())
    }
}
