//! Facts of one session, taken in one by one, and the rows that they make; used by imports, rebuilding and salvage.

use nox_domain::{
    At,
    event::{Closed, Event, Problem},
    ids::ItemId,
    rows::{RequestState, Row},
    session::Session,
};

/// The state of a session after some facts.
#[derive(Debug, Default)]
pub(super) struct Fold {
    /// None before the first fact.
    pub(super) session: Option<Session>,
    /// The place of the newest fact.
    pub(super) stream_seq: i64,
    /// When it was.
    pub(super) at: At,
}

impl Fold {
    /// Takes the next fact in; answers the rows that changed, or nothing when the session does not begin with it.
    pub(super) fn take(&mut self, event: &Event, at: At) -> Option<Vec<Row>> {
        let items = self.session.as_ref().map_or(0, |session| session.next_ord);
        match &mut self.session {
            Some(session) => session.apply(event, at),
            None => self.session = Some(Session::begin(event, at)?),
        }
        self.stream_seq += 1;
        self.at = at;
        let session = self.session.as_mut()?;
        let rows = session.rows(items, std::slice::from_ref(event), at);
        session.settle();
        Some(rows)
    }
}

/// Whether a row may be seen before the last fact of its session is there: what is open then may not be in the end, and
/// a session is seen last.
pub(super) fn may_be_seen_early(row: &Row) -> bool {
    match row {
        Row::Session(_) => false,
        Row::Request(row) => row.state != RequestState::Open,
        _ => true,
    }
}

/// Why a session that was not over is closed without its actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cut {
    /// It was read from an export while it was open.
    Imported,
    /// What came after was lost with a damaged database.
    Damaged,
}

/// The facts that close a session which nobody carries on; none but a note when it was over.
pub(super) fn closing(session: &Session, cut: &Cut, ids: &mut dyn nox_domain::Fresh) -> Vec<Event> {
    let mut events = Vec::new();
    if let Cut::Damaged = cut {
        events.push(Event::Noted {
            item: ItemId::fresh(ids),
            code: "cut_off".to_owned(),
            text: "The database was damaged. What this session did after this point is not known.".to_owned(),
        });
    }
    let (how, problem) = match cut {
        Cut::Damaged => {
            let message = "the database was damaged, and what came after is lost".to_owned();
            (Closed::Failed, Some(Problem::ConnectionEnded { message }))
        }
        Cut::Imported => (Closed::Stopped, None),
    };
    events.extend(session.abandon(how, problem));
    events
}
