//! Who causes facts.

use serde::{Deserialize, Serialize};

/// Who caused a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The person at the window, the tray or a notification.
    User,
    /// An agent's program.
    Agent,
    /// The command line.
    Cli,
    /// Nox itself: a schedule, the recovery after a crash.
    Nox,
    /// Somebody who edited a file by hand.
    Hand,
}

impl Actor {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Agent => "agent",
            Self::Cli => "cli",
            Self::Nox => "nox",
            Self::Hand => "hand",
        }
    }
}
