//! Facts of one session, taken in one by one, and the rows that they make; used by imports, rebuilding and salvage.

use nox_domain::{
    At,
    event::{Closed, Event, Problem, RunEnd, TurnEnd},
    ids::ItemId,
    rows::{RequestState, Row},
    session::Session,
    tool::{CallEnd, CallStatus},
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

/// The facts that close a session which nobody carries on: what runs is lost, what is asked is withdrawn, what may have
/// begun stays unknown.
pub(super) fn closing(session: &Session, cut: &Cut, ids: &mut dyn nox_domain::Fresh) -> Vec<Event> {
    let mut events = Vec::new();
    if let Cut::Damaged = cut {
        events.push(Event::Noted {
            item: ItemId::fresh(ids),
            code: "cut_off".to_owned(),
            text: "The database was damaged. What this session did after this point is not known.".to_owned(),
        });
    }
    if session.closed.is_some() {
        return events;
    }
    for call in &session.calls {
        let end = |end| Event::ToolCallEnded { item: call.item.clone(), end, output: None };
        match call.status {
            CallStatus::Waiting => {
                if let Some(request) = &call.request {
                    events.push(Event::PermissionWithdrawn {
                        request: request.id.clone(),
                        item: call.item.clone(),
                        why: "stopped".to_owned(),
                    });
                }
                events.push(end(CallEnd::Cancelled));
            }
            CallStatus::Proposed => events.push(end(CallEnd::Cancelled)),
            CallStatus::Allowed | CallStatus::Running => events.push(end(CallEnd::Unknown)),
            _ => {}
        }
    }
    if session.has_live_run()
        && let Some(run) = &session.run
    {
        events.push(Event::RunEnded { run: run.id.clone(), how: RunEnd::Lost });
    }
    let problem = match cut {
        Cut::Damaged => Some(Problem::ConnectionEnded {
            message: "the database was damaged, and what came after is lost".to_owned(),
        }),
        Cut::Imported => None,
    };
    let was_over = session.turn_is_over();
    if let Some(turn) = session.turn.as_ref().filter(|_| !was_over) {
        events.push(Event::TurnEnded { turn: turn.id.clone(), end: TurnEnd::Lost, problem });
    }
    for next in &session.next {
        events.push(Event::TurnEnded { turn: next.id.clone(), end: TurnEnd::Cancelled, problem: None });
    }
    let how = match cut {
        Cut::Damaged => Closed::Failed,
        Cut::Imported => Closed::Stopped,
    };
    events.push(Event::SessionClosed { how });
    events
}
