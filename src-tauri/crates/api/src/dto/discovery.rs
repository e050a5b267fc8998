//! Looking for what can carry an agent, and trying one.

pub use nox_domain::discovery::Discovered;

use nox_domain::{
    agent::{AgentPatch, Runtime},
    discovery::Tried,
    ids::AgentId,
};
use serde::{Deserialize, Serialize};

/// What is wanted of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Discover {
    /// Look anew, rather than tell what the last look found.
    pub again: bool,
}

/// An agent that is tried: one that is stored, one that is being written, or a stored one with changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct TryAgent {
    /// The caller's name for the trial, by which it is stopped: up to 64 letters.
    pub trial: String,
    /// The stored agent.
    pub agent: Option<AgentId>,
    /// What carries it, when it is not stored.
    pub runtime: Runtime,
    /// What is different from the stored agent, or from an empty one.
    pub patch: AgentPatch,
    /// What it is asked when it stands. None asks no model, and so costs nothing.
    pub ask: Option<String>,
}

/// What a trial showed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct AgentTried {
    /// Whether it does what was tried.
    pub is_good: bool,
    /// Why not, and what to do, for people.
    pub problem: Option<String>,
    /// All that was seen.
    pub tried: Tried,
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct OneTrial {
    /// The name that its caller gave it.
    pub trial: String,
}

/// What became of the wish to stop a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct TrialStopped {
    /// Whether it was running; its own answer follows when nothing of it is alive.
    pub ran: bool,
}
