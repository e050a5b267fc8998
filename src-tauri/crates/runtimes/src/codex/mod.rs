//! Codex, over its app-server.

use crate::{AgentConnection, Error, Start};
use nox_domain::transcript::AgentFault;

/// Starts a run.
///
/// # Errors
/// This build does not carry it yet.
pub fn connect(_start: Start) -> Result<Box<dyn AgentConnection>, Error> {
    let message = "This version of Nox does not carry agents over Codex yet.".to_owned();
    Err(Error::Agent { fault: AgentFault::NotInstalled, message })
}
