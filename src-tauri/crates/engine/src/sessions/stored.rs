//! A session as it is stored: its state, and where its stream ends.
//!
//! The state is a row, so that waking reads no history. A row that cannot be read is made anew from the events.

use crate::{
    Error,
    ledger::{Ledger, read_json},
};
use nox_domain::{At, event::Event, ids::SessionId, rows::kind, session::Session};
use nox_store::{Reader, StoredRow};

/// Events per read.
const PAGE: u32 = 1_000;

/// A session's state, and the place of its newest event, which the next commit has to find unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The state.
    pub(crate) session: Session,
    /// Of its stream.
    pub(crate) stream_seq: i64,
}

/// The stream of a session's events.
pub(super) fn stream(session: &SessionId) -> String {
    format!("session/{session}")
}

impl Stored {
    /// Reads a session; none if there is no such.
    pub(super) async fn read(ledger: &Ledger, session: &SessionId) -> Result<Option<Self>, Error> {
        let (id, name) = (session.to_string(), stream(session));
        let read = move |reader: &Reader<'_>| {
            Ok((reader.row(kind::SESSION_STATE, &id)?, reader.stream_head(&name)?))
        };
        let (row, stream_seq) = ledger.store().read(read).await?;
        let Some(row) = row.filter(|row| !row.deleted) else { return Ok(None) };
        match read_json("session", &row.body) {
            Ok(session) => Ok(Some(Self { session, stream_seq })),
            Err(error) => {
                tracing::error!(%error, %session, "a session's state is made anew from its events");
                Self::replay(ledger, session).await
            }
        }
    }

    /// The session of a row of states; made anew from its events if the row cannot be read.
    pub(crate) async fn of_row(ledger: &Ledger, row: &StoredRow) -> Result<Option<Session>, Error> {
        if let Ok(session) = read_json("session", &row.body) {
            return Ok(Some(session));
        }
        let session = SessionId::parse(&row.id)
            .map_err(|error| Error::Corrupt { what: "session", detail: error.to_string() })?;
        Ok(Self::read(ledger, &session).await?.map(|stored| stored.session))
    }

    async fn replay(ledger: &Ledger, session: &SessionId) -> Result<Option<Self>, Error> {
        let name = stream(session);
        let mut history: Vec<(Event, At)> = Vec::new();
        let mut stream_seq = 0;
        loop {
            let page = ledger.store().events_of(&name, stream_seq, PAGE).await?;
            let Some(last) = page.last() else { break };
            stream_seq = last.stream_seq;
            for stored in &page {
                history.push((read_json("event", &stored.body)?, At(stored.at)));
            }
        }
        let session = Session::replay(history.iter().map(|(event, at)| (event, *at)))
            .ok_or_else(|| Error::Corrupt { what: "session", detail: "it has no beginning".into() })?;
        Ok(Some(Self { session, stream_seq }))
    }
}
