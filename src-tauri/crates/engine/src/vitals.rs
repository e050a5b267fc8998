//! What the processes of runs hold and use.

use nox_domain::ids::SessionId;

/// What runs hold and use, as it was last measured.
#[derive(Debug, Default)]
pub(crate) struct Vitals {}

impl Vitals {
    /// Whether the processes of a session's run have computed since the last time that this was asked.
    pub(crate) async fn computes(&self, _session: &SessionId) -> bool {
        false
    }
}
