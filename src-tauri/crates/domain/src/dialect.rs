//! The words for a session's state: those of Nox, and those of the dialects that other programs know.
//!
//! One function for all of them, over the state that [`Session::state`](crate::session::Session::state) derives, so
//! that no face has a table of its own. What people read stands in [`words`](crate::words).

use crate::{event::Closed, rows::SessionState};

/// Whose words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Nox's own: `pending`, `starting`, `running`, `waiting_for_approval`, `waiting_for_input`, `idle`, `hibernated`,
    /// `paused`, `stopping`, `stopped`, `finished`, `failed`, `lost`.
    Nox,
    /// Agnx, first version: `active` with somebody attached, `running` without, `paused`, `ended`.
    AgnxV1,
    /// Agnx, second version: as the first, and `completed` for the end.
    AgnxV2,
    /// The orchestrator: `running` while it is open, `finished` (also for a failure, whose reason is told beside it),
    /// `stopped`.
    Orchestrator,
}

/// The word for a state. `attached`: whether a face watches the session; only the Agnx dialects tell.
pub fn word(state: &SessionState, attached: bool, dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Nox => own(state),
        Dialect::Orchestrator => match state {
            SessionState::Closed { how: Closed::Stopped, .. } => "stopped",
            SessionState::Closed { .. } => "finished",
            _ => "running",
        },
        Dialect::AgnxV1 | Dialect::AgnxV2 => match state {
            SessionState::Closed { .. } if dialect == Dialect::AgnxV1 => "ended",
            SessionState::Closed { .. } => "completed",
            // It goes on only when somebody says so, as after a pause.
            SessionState::Paused { .. } | SessionState::Lost { .. } => "paused",
            _ if attached => "active",
            // What has nothing under way is not running, whoever watches it.
            SessionState::Idle { .. } | SessionState::Hibernated { .. } => "active",
            _ => "running",
        },
    }
}

fn own(state: &SessionState) -> &'static str {
    match state {
        SessionState::Queued { .. } | SessionState::Restarting { .. } | SessionState::RateLimited { .. } => {
            "pending"
        }
        SessionState::Starting => "starting",
        SessionState::Running { .. } => "running",
        SessionState::NeedsApproval { .. } => "waiting_for_approval",
        SessionState::NeedsChoice { .. } | SessionState::Stalled { .. } => "waiting_for_input",
        SessionState::Lost { .. } => "lost",
        SessionState::Paused { .. } => "paused",
        SessionState::Idle { .. } => "idle",
        SessionState::Hibernated { .. } => "hibernated",
        SessionState::Stopping => "stopping",
        SessionState::Closed { how: Closed::Finished, .. } => "finished",
        SessionState::Closed { how: Closed::Failed, .. } => "failed",
        SessionState::Closed { how: Closed::Stopped, .. } => "stopped",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        At,
        event::Problem,
        ids::{ItemId, RequestId},
        life::PauseWhy,
    };
    use uuid::Uuid;

    #[test]
    fn every_state_has_its_word_in_every_dialect() {
        let item = ItemId::from_uuid(Uuid::from_u128(1));
        let request = RequestId::from_uuid(Uuid::from_u128(2));
        let closed = |how| SessionState::Closed { how, problem: None };
        // Nox, Agnx attached and detached, orchestrator. The first version of Agnx differs in its last word alone.
        let table: [(SessionState, [&str; 4]); 17] = [
            (SessionState::Queued { held_back: None }, ["pending", "active", "running", "running"]),
            (SessionState::Restarting { at: At(1), number: 1 }, ["pending", "active", "running", "running"]),
            (
                SessionState::RateLimited { until: At(1), problem: Problem::Stopped },
                ["pending", "active", "running", "running"],
            ),
            (SessionState::Starting, ["starting", "active", "running", "running"]),
            (SessionState::Running { doing: None }, ["running", "active", "running", "running"]),
            (
                SessionState::NeedsApproval { request, text: String::new(), open: 1, question: false },
                ["waiting_for_approval", "active", "running", "running"],
            ),
            (
                SessionState::NeedsChoice { item, title: String::new() },
                ["waiting_for_input", "active", "running", "running"],
            ),
            (
                SessionState::Stalled { since: At(1), doing: None, computes: false },
                ["waiting_for_input", "active", "running", "running"],
            ),
            (SessionState::Lost { problem: None }, ["lost", "paused", "paused", "running"]),
            (
                SessionState::Paused { why: PauseWhy::Person, finishing: None },
                ["paused", "paused", "paused", "running"],
            ),
            (SessionState::Idle { problem: None }, ["idle", "active", "active", "running"]),
            (SessionState::Hibernated { problem: None }, ["hibernated", "active", "active", "running"]),
            (SessionState::Stopping, ["stopping", "active", "running", "running"]),
            (closed(Closed::Finished), ["finished", "completed", "completed", "finished"]),
            (closed(Closed::Failed), ["failed", "completed", "completed", "finished"]),
            (closed(Closed::Stopped), ["stopped", "completed", "completed", "stopped"]),
            (SessionState::Running { doing: Some("x".into()) }, ["running", "active", "running", "running"]),
        ];
        for (state, [nox, attached, detached, orchestrator]) in table {
            assert_eq!(word(&state, true, Dialect::Nox), nox, "{state:?}");
            assert_eq!(word(&state, false, Dialect::Nox), nox, "{state:?}");
            assert_eq!(word(&state, true, Dialect::AgnxV2), attached, "{state:?}");
            assert_eq!(word(&state, false, Dialect::AgnxV2), detached, "{state:?}");
            assert_eq!(word(&state, true, Dialect::Orchestrator), orchestrator, "{state:?}");
            let first = |word| if word == "completed" { "ended" } else { word };
            assert_eq!(word(&state, true, Dialect::AgnxV1), first(attached), "{state:?}");
            assert_eq!(word(&state, false, Dialect::AgnxV1), first(detached), "{state:?}");
        }
    }
}
