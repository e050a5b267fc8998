//! Output on its way to clients: made harmless, sent to those who watch. What comes after silence is sent at once, what
//! follows is joined for a moment.

use crate::{
    dto::{OutputPage, OutputPiece, OutputStream},
    feed::Subscribers,
};
use nox_domain::{
    Size,
    ids::{ItemId, SessionId},
    terminal::Filter,
};
use nox_engine::spool::{Delta, Page, Pipe};
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Instant, timeout_at},
};

/// How long pieces are joined.
const JOIN: Duration = Duration::from_millis(30);
/// Text of one item that is sent at once, in bytes of the spool. Nobody reads more in a moment: of a flood only the newest
/// is sent, and its offset tells the client to read the spool.
const JOINED_BYTES: u64 = 256 * 1024;
/// Filters of items that were not heard of for this many flushes are forgotten.
const QUIET_FLUSHES: u32 = 2_000;

type Streams = HashMap<(SessionId, ItemId), Stream>;

struct Stream {
    filters: [Filter; 2],
    pieces: Vec<OutputPiece>,
    next: u64,
    quiet: u32,
}

/// Sends output until the engine closes.
pub(crate) async fn run(mut deltas: broadcast::Receiver<Arc<Delta>>, subscribers: Weak<Subscribers>) {
    let mut streams = Streams::new();
    let mut due = Instant::now();
    while hear(deltas.recv().await, &mut streams, &subscribers) {
        // What comes after silence is due already.
        while Instant::now() < due {
            match timeout_at(due, deltas.recv()).await {
                Err(_) => break,
                Ok(next) => {
                    if !hear(next, &mut streams, &subscribers) {
                        return;
                    }
                }
            }
        }
        let Some(subscribers) = subscribers.upgrade() else { return };
        send(&mut streams, &subscribers);
        due = Instant::now() + JOIN;
    }
}

/// Takes in what came; answers whether there is somebody to go on for.
fn hear(next: Result<Arc<Delta>, RecvError>, streams: &mut Streams, subscribers: &Weak<Subscribers>) -> bool {
    let Some(subscribers) = subscribers.upgrade() else { return false };
    match next {
        Ok(delta) => take(streams, &delta, &subscribers),
        // What was missed is in the spool; the offsets tell the client that there is a hole.
        Err(RecvError::Lagged(_)) => {
            send(streams, &subscribers);
            streams.clear();
        }
        Err(RecvError::Closed) => return false,
    }
    true
}

/// Sends what was joined.
fn send(streams: &mut Streams, subscribers: &Subscribers) {
    streams.retain(|(session, item), stream| {
        if stream.pieces.is_empty() {
            stream.quiet += 1;
            return stream.quiet < QUIET_FLUSHES;
        }
        stream.quiet = 0;
        subscribers.output(session, item, &std::mem::take(&mut stream.pieces));
        true
    });
}

fn take(streams: &mut Streams, delta: &Delta, subscribers: &Subscribers) {
    let key = (delta.session.clone(), delta.item.clone());
    if !streams.contains_key(&key) && !subscribers.is_watched(&delta.session) {
        return;
    }
    let stream = streams.entry(key).or_insert_with(|| Stream {
        filters: Default::default(),
        pieces: Vec::new(),
        next: delta.offset,
        quiet: 0,
    });
    let joined = stream.pieces.first().map_or(0, |first| delta.offset.saturating_sub(first.offset.0));
    if stream.next != delta.offset || joined > JOINED_BYTES {
        stream.filters = Default::default();
        stream.pieces.clear();
    }
    stream.next = delta.offset + delta.bytes.len() as u64;
    let text = stream.filters[usize::from(delta.pipe == Pipe::Err)].feed(&delta.bytes);
    join(&mut stream.pieces, delta.offset, delta.bytes.len(), pipe(delta.pipe), text);
}

fn join(pieces: &mut Vec<OutputPiece>, offset: u64, bytes: usize, stream: OutputStream, text: String) {
    match pieces.last_mut() {
        Some(last) if last.stream == stream && last.offset.0 + u64::from(last.bytes) == offset => {
            last.bytes += bytes as u32;
            last.text.push_str(&text);
        }
        _ => pieces.push(OutputPiece { offset: Size(offset), bytes: bytes as u32, stream, text }),
    }
}

fn pipe(pipe: Pipe) -> OutputStream {
    match pipe {
        Pipe::Out => OutputStream::Stdout,
        Pipe::Err => OutputStream::Stderr,
    }
}

/// A page of the spool, harmless to show.
pub(crate) fn page(page: Page, item_is_over: bool) -> OutputPage {
    let mut filters: [Filter; 2] = Default::default();
    let mut pieces = Vec::new();
    for piece in &page.pieces {
        let text = filters[usize::from(piece.pipe == Pipe::Err)].feed(&piece.bytes);
        join(&mut pieces, piece.offset, piece.bytes.len(), pipe(piece.pipe), text);
    }
    OutputPage { pieces, next: Size(page.next), complete: item_is_over && page.at_end, clipped: page.clipped }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn of_a_flood_only_the_newest_is_joined_and_its_end_is_true() {
        let subscribers = Subscribers::new().0;
        let ear = subscribers.subscribe();
        let (session, item) = (SessionId::from_uuid(uuid::Uuid::nil()), ItemId::from_uuid(uuid::Uuid::nil()));
        ear.watch(&session, true);
        let mut streams = HashMap::new();
        let bytes: Arc<[u8]> = vec![b'x'; 64 * 1024].into();
        let length = bytes.len() as u64;
        for number in 0..100 {
            let (session, item, bytes) = (session.clone(), item.clone(), bytes.clone());
            let delta = Delta { session, item, offset: number * length, pipe: Pipe::Out, bytes };
            take(&mut streams, &delta, &subscribers);
            let pieces = &streams.values().next().unwrap().pieces;
            let held: usize = pieces.iter().map(|piece| piece.text.len()).sum();
            assert!(held as u64 <= JOINED_BYTES + 2 * length, "{held} bytes after {number}");
            // Whole and without a hole: a client sees the hole before the first piece, and only there.
            let last = pieces.last().unwrap();
            assert_eq!(last.offset.0 + u64::from(last.bytes), (number + 1) * length);
            assert!(
                pieces.windows(2).all(|two| two[0].offset.0 + u64::from(two[0].bytes) == two[1].offset.0)
            );
        }
    }
}
