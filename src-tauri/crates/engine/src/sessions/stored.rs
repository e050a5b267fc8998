//! A session as it is stored: its state, and where its stream ends.
//!
//! The state is a row that is written every so many events; waking reads the row and the events since. A row that cannot
//! be read, or was made by rules of before, is made anew from all events.

use crate::{
    Error,
    ledger::{Ledger, json, read_json},
};
use nox_domain::{
    At, Size,
    event::Event,
    ids::SessionId,
    rows::{SessionRow, kind},
    session::Session,
    transcript::Usage,
};
use nox_store::{Reader, RowWrite, StoredEvent};
use serde::{Deserialize, Serialize, de::IgnoredAny};

/// The rules by which states and rows are made from events; a change of them that old events show as well makes another.
///
/// - 1, which is not written: a cost that nobody told is 0; lines that edits changed are not counted.
/// - 2: such a cost is none; lines are counted.
/// - 3: a wish for a mode or a model that nobody answered is over with its turn and its run; what was said into a turn is
///   known until that is over.
/// - 4: the late answer to a wish is not that to a newer one; of what was said into a turn, what was given back before the log
///   said so is asked and not told besides, and only so much is kept; notes that are told once are known.
pub const FORM: u32 = 4;
/// Events per read.
const PAGE: u32 = 1_000;

/// A session's state, and the place of its newest event, which the next commit has to find unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The state.
    pub(crate) session: Session,
    /// Of its stream.
    pub(crate) stream_seq: i64,
    /// Where in the stream the stored state stands; 0 when there is none that counts.
    pub(crate) snapshot_seq: i64,
}

/// How a state is stored: with the place in the stream after which it stands.
#[derive(Serialize, Deserialize)]
struct Snapshot<S> {
    stream_seq: i64,
    #[serde(default)]
    form: u32,
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
        body: json(&Snapshot { stream_seq, form: FORM, session: settled }),
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
            let Some(found) = snapshot(&row.body, head) else { return Ok(Some(None)) };
            let tail = reader.events_of(&name, found.stream_seq, PAGE)?;
            let shown = reader.row(kind::SESSION, &id)?;
            Ok(Some(Some((found, tail, shown))))
        };
        match ledger.store().read(read).await? {
            None => Ok(None),
            Some(Some((found, tail, shown))) => {
                let mut stored = Self::of(ledger, session, found, &tail).await?;
                // An earlier version gave a prompt its place when it began to wait. Nothing gets a place that is taken.
                if let Some(row) = shown.as_ref().and_then(crate::reading::readable::<SessionRow>) {
                    stored.session.next_ord = stored.session.next_ord.max(row.items);
                }
                Ok(Some(stored))
            }
            Some(None) => {
                tracing::error!(%session, "a session's state is made anew from its events");
                Self::replay(ledger, session).await
            }
        }
    }

    /// The state as it is stored, or made anew when that is of an earlier form. Where events of it were pruned, what is
    /// stored is all that there is.
    async fn of(
        ledger: &Ledger,
        id: &SessionId,
        found: Snapshot<Session>,
        tail: &[StoredEvent],
    ) -> Result<Self, Error> {
        let Snapshot { stream_seq, form, mut session } = found;
        if form < FORM {
            match Self::replay(ledger, id).await {
                Ok(Some(stored)) => return Ok(stored),
                Ok(None) | Err(Error::Store(nox_store::Error::Pruned(_))) => {}
                Err(error) => return Err(error),
            }
            let usage = session.talk.usage.take();
            (session.cost_micro_usd, session.talk.usage) = costs_of_now(form, session.cost_micro_usd, usage);
        }
        let mut stored = Self { session, stream_seq, snapshot_seq: stream_seq };
        stored.take(tail)?;
        Ok(stored)
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

/// The form of the rules by which a stored state was made.
pub(crate) fn form_of(body: &str) -> u32 {
    serde_json::from_str::<Snapshot<IgnoredAny>>(body).map_or(0, |found| found.form)
}

/// Costs that were stored in this form: in the first one, 0 stood for a cost that nobody told.
pub(crate) fn costs_of_now(
    form: u32,
    cost: Option<Size>,
    usage: Option<Usage>,
) -> (Option<Size>, Option<Usage>) {
    if form >= 2 {
        return (cost, usage);
    }
    let told = |cost: Option<Size>| cost.filter(|cost| cost.0 > 0);
    let usage = usage.map(|usage| Usage { cost_micro_usd: told(usage.cost_micro_usd), ..usage });
    (told(cost), usage)
}

/// Reads a stored state and its place. One of the first version, which stood with every event, has none.
fn snapshot(body: &str, head: i64) -> Option<Snapshot<Session>> {
    if let Ok(found) = serde_json::from_str::<Snapshot<Session>>(body) {
        return (found.stream_seq <= head).then_some(found);
    }
    Some(Snapshot { stream_seq: head, form: 0, session: serde_json::from_str(body).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_of_nothing_is_none_in_the_first_form_only() {
        let used = |cost| Usage { cost_micro_usd: cost, ..Usage::default() };
        let nothing = || (Some(Size(0)), Some(used(Some(Size(0)))));
        for form in [0, 1] {
            assert_eq!(costs_of_now(form, nothing().0, nothing().1), (None, Some(used(None))));
        }
        for form in 2..=FORM {
            assert_eq!(costs_of_now(form, nothing().0, nothing().1), nothing());
        }
        assert_eq!(costs_of_now(0, Some(Size(5)), None), (Some(Size(5)), None));
    }
}
