//! A page of the archive: events of one stream as JSON lines, deflated, with a hash.
//!
//! Made by [`Store::archive`](crate::Store::archive), read by the reader and by salvage. A page that does not have its
//! hash, its length or its count is refused as a whole: it is damaged.

use std::{
    borrow::Cow,
    io::{Read, Write},
};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::StoredEvent;

/// The most that a page may say it holds, in bytes of lines. More than a batch, since a page has at least one event.
pub(crate) const MAX_LINES_BYTES: usize = 96 * 1024 * 1024;

/// A page as it is stored. Without a body it is a tombstone.
#[derive(Debug, Clone)]
pub(crate) struct ArchivePage {
    pub(crate) stream: String,
    pub(crate) first_stream_seq: i64,
    pub(crate) last_stream_seq: i64,
    pub(crate) first_seq: i64,
    pub(crate) last_seq: i64,
    pub(crate) events: i64,
    /// Of the lines, before compression.
    pub(crate) bytes: i64,
    /// Of the lines, as hex.
    pub(crate) sha256: String,
    pub(crate) body: Option<Vec<u8>>,
}

/// One event of a page. The stream is the page's.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    seq: i64,
    stream_seq: i64,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    version: u16,
    at: i64,
    #[serde(borrow)]
    actor: Cow<'a, str>,
    #[serde(borrow)]
    command: Option<Cow<'a, str>>,
    cause: Option<i64>,
    #[serde(borrow)]
    body: Cow<'a, str>,
}

impl ArchivePage {
    /// Puts events of one stream, in order and none of the audit trail, into a page; `None` for no event. A page whose
    /// content is not kept has no body.
    pub(crate) fn of(events: &[StoredEvent], keep_body: bool) -> Result<Option<Self>, String> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(None) };
        let mut lines = Vec::with_capacity(events.len() * 400);
        for event in events {
            let line = Line {
                seq: event.seq,
                stream_seq: event.stream_seq,
                kind: Cow::Borrowed(&event.kind),
                version: event.version,
                at: event.at,
                actor: Cow::Borrowed(&event.actor),
                command: event.command.as_deref().map(Cow::Borrowed),
                cause: event.cause,
                body: Cow::Borrowed(&event.body),
            };
            serde_json::to_writer(&mut lines, &line).map_err(|error| error.to_string())?;
            lines.push(b'\n');
        }
        let body = if keep_body { Some(deflate(&lines).map_err(|error| error.to_string())?) } else { None };
        Ok(Some(Self {
            stream: first.stream.clone(),
            first_stream_seq: first.stream_seq,
            last_stream_seq: last.stream_seq,
            first_seq: first.seq,
            last_seq: last.seq,
            events: events.len() as i64,
            bytes: lines.len() as i64,
            sha256: hex(&Sha256::digest(&lines)),
            body,
        }))
    }

    /// The events of a page that has a body; says in words why it is damaged.
    pub(crate) fn read(&self) -> Result<Vec<StoredEvent>, String> {
        let Some(body) = &self.body else { return Err("it has no body".to_owned()) };
        let bytes = usize::try_from(self.bytes).ok().filter(|bytes| *bytes <= MAX_LINES_BYTES);
        let bytes = bytes.ok_or_else(|| format!("it says that it holds {} bytes", self.bytes))?;
        let mut lines = Vec::new();
        // One byte more than it says shows a page that is longer; nothing unpacks without end.
        DeflateDecoder::new(body.as_slice())
            .take(bytes as u64 + 1)
            .read_to_end(&mut lines)
            .map_err(|error| error.to_string())?;
        if lines.len() != bytes || hex(&Sha256::digest(&lines)) != self.sha256 {
            return Err("its content does not have its hash".to_owned());
        }
        let mut events = Vec::new();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Line<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
            events.push(StoredEvent {
                seq: line.seq,
                stream: self.stream.clone(),
                stream_seq: line.stream_seq,
                kind: line.kind.into_owned(),
                version: line.version,
                at: line.at,
                actor: line.actor.into_owned(),
                command: line.command.map(Cow::into_owned),
                cause: line.cause,
                prev_hash: None,
                body: line.body.into_owned(),
            });
        }
        let fits = events.len() as i64 == self.events
            && events.first().is_some_and(|event| {
                (event.seq, event.stream_seq) == (self.first_seq, self.first_stream_seq)
            })
            && events
                .last()
                .is_some_and(|event| (event.seq, event.stream_seq) == (self.last_seq, self.last_stream_seq))
            && events
                .windows(2)
                .all(|pair| pair[0].stream_seq < pair[1].stream_seq && pair[0].seq < pair[1].seq);
        if fits { Ok(events) } else { Err("its events are not those of its row".to_owned()) }
    }
}

fn deflate(lines: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(lines)?;
    encoder.finish()
}

/// Bytes as small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0'))
        .collect()
}
