//! The lines of an exported session: a header, then one line for each event, or for a span that was pruned.

use crate::{Error, ledger::json};
use nox_domain::{At, event::Actor, ids::SessionId, rows::SessionRow};
use nox_store::{Gap, Piece, StoredEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What the first line says it is.
pub(super) const FORMAT: &str = "nox-session";
/// The shape of the lines.
pub(super) const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) exported_at: At,
    pub(super) session: SessionId,
    /// For people; the events say it too.
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) agent: String,
    /// The place of the last event, so that a file that was cut off is known.
    pub(super) last_stream_seq: i64,
}

/// An event with its envelope.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EventLine {
    pub(super) stream_seq: i64,
    pub(super) at: At,
    pub(super) kind: String,
    pub(super) version: u16,
    pub(super) actor: Actor,
    #[serde(default)]
    pub(super) command: Option<String>,
    pub(super) body: Box<RawValue>,
}

/// A span that was pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) first_stream_seq: i64,
    pub(super) last_stream_seq: i64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct PrunedLine {
    pub(super) pruned: Span,
}

impl Header {
    pub(super) fn of(row: &SessionRow, exported_at: At, last_stream_seq: i64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            exported_at,
            session: row.id.clone(),
            title: row.title.clone(),
            agent: row.agent_name.clone(),
            last_stream_seq,
        }
    }

    pub(super) fn line(&self) -> String {
        json(self) + "\n"
    }
}

/// A piece of a stream's history as a line.
pub(super) fn line(piece: &Piece) -> Result<String, Error> {
    let line = match piece {
        Piece::Event(event) => json(&envelope(event)?),
        Piece::Gap(Gap { first_stream_seq, last_stream_seq, .. }) => {
            let (first_stream_seq, last_stream_seq) = (*first_stream_seq, *last_stream_seq);
            json(&PrunedLine { pruned: Span { first_stream_seq, last_stream_seq } })
        }
    };
    Ok(line + "\n")
}

fn envelope(event: &StoredEvent) -> Result<EventLine, Error> {
    let corrupt = |error: serde_json::Error| Error::Corrupt {
        what: "event",
        detail: format!("{}: {error}", event.seq),
    };
    Ok(EventLine {
        stream_seq: event.stream_seq,
        at: At(event.at),
        kind: event.kind.clone(),
        version: event.version,
        actor: serde_json::from_value(event.actor.clone().into()).map_err(corrupt)?,
        command: event.command.clone(),
        body: RawValue::from_string(event.body.clone()).map_err(corrupt)?,
    })
}
