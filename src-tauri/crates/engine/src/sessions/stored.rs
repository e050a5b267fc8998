//! A session as it is stored: its state, and where its stream ends.
//!
//! The state is a row that is written every so many events; waking reads the row and the events since. A row that cannot
//! be read is made anew from all events.

use crate::{
    Error,
    ledger::{Ledger, json, read_json},
};
use nox_domain::{
    At,
    event::Event,
    ids::SessionId,
    rows::{SessionRow, kind},
    session::Session,
};
use nox_store::{Reader, RowWrite, StoredEvent};
use serde::{Deserialize, Serialize};

/// Events per read.
const PAGE: u32 = 1_000;

/// A session's state, and the place of its newest event, which the next commit has to find unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The state.
    pub(crate) session: Session,
    /// Of its stream.
    pub(crate) stream_seq: i64,
    /// Where in the stream the stored state stands.
    pub(crate) snapshot_seq: i64,
}

/// How a state is stored: with the place in the stream after which it stands.
#[derive(Serialize, Deserialize)]
struct Snapshot<S> {
    stream_seq: i64,
    session: S,
}

/// The stream of a session's events.
pub(crate) fn stream(session: &SessionId) -> String {
    format!("session/{session}")
}

/// The row of a state. Sessions that are not over are found by its parent at the next start.
pub(crate) fn state_row(session: &Session, stream_seq: i64) -> RowWrite {
    let mut settled = session.clone();
    settled.settle();
    RowWrite::Put {
        kind: kind::SESSION_STATE.to_owned(),
        id: session.id().to_string(),
        parent: Some(if session.closed.is_some() { "closed" } else { "open" }.to_owned()),
        ord: String::new(),
        body: json(&Snapshot { stream_seq, session: settled }),
    }
}

impl Stored {
    /// Reads a session: its stored state, and the events since; none if there is no such.
    pub(crate) async fn read(ledger: &Ledger, session: &SessionId) -> Result<Option<Self>, Error> {
        let (id, name) = (session.to_string(), stream(session));
        let read = move |reader: &Reader<'_>| {
            let row = reader.row(kind::SESSION_STATE, &id)?.filter(|row| !row.deleted);
            let head = reader.stream_head(&name)?;
            let Some(row) = row else { return Ok(None) };
            let Some((state, from)) = snapshot(&row.body, head) else { return Ok(Some(Err(head))) };
            let tail = reader.events_of(&name, from, PAGE)?;
            let shown = reader.row(kind::SESSION, &id)?;
            Ok(Some(Ok((state, from, tail, shown))))
        };
        match ledger.store().read(read).await? {
            None => Ok(None),
            Some(Ok((session, snapshot_seq, tail, shown))) => {
                let mut stored = Self { session, stream_seq: snapshot_seq, snapshot_seq };
                stored.take(&tail)?;
                // An earlier version gave a prompt its place when it began to wait. Nothing gets a place that is taken.
                if let Some(row) = shown.as_ref().and_then(crate::reading::readable::<SessionRow>) {
                    stored.session.next_ord = stored.session.next_ord.max(row.items);
                }
                Ok(Some(stored))
            }
            Some(Err(_)) => {
                tracing::error!(%session, "a session's state is made anew from its events");
                Self::replay(ledger, session).await
            }
        }
    }

    fn take(&mut self, tail: &[StoredEvent]) -> Result<(), Error> {
        for stored in tail {
            let event: Event = read_json("event", &stored.body)?;
            self.session.apply(&event, At(stored.at));
            self.stream_seq = stored.stream_seq;
        }
        self.session.settle();
        Ok(())
    }

    /// Makes a session's state from all of its events.
    pub(crate) async fn replay(ledger: &Ledger, session: &SessionId) -> Result<Option<Self>, Error> {
        let name = stream(session);
        let mut whole: Option<Self> = None;
        loop {
            let after = whole.as_ref().map_or(0, |stored| stored.stream_seq);
            let page = ledger.store().events_of(&name, after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            let mut tail = page.as_slice();
            if whole.is_none() {
                let first: Event = read_json("event", &page[0].body)?;
                let session = Session::begin(&first, At(page[0].at)).ok_or_else(|| Error::Corrupt {
                    what: "session",
                    detail: "it has no beginning".into(),
                })?;
                whole = Some(Self { session, stream_seq: page[0].stream_seq, snapshot_seq: 0 });
                tail = &page[1..];
            }
            if let Some(stored) = &mut whole {
                stored.take(tail)?;
            }
        }
        Ok(whole)
    }
}

/// Whether a stored state can be read.
pub(crate) fn is_readable(body: &str) -> bool {
    snapshot(body, i64::MAX).is_some()
}

/// Reads a stored state and its place. One of the first version, which stood with every event, has none.
fn snapshot(body: &str, head: i64) -> Option<(Session, i64)> {
    if let Ok(Snapshot { stream_seq, session }) = serde_json::from_str(body) {
        return (stream_seq <= head).then_some((session, stream_seq));
    }
    Some((serde_json::from_str(body).ok()?, head))
}
