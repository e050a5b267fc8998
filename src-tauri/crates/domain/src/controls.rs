//! What a person can do with a session while it runs, as a row.

use crate::{
    ids::{SessionId, TurnId},
    image::Image,
    transcript::Offers,
};
use serde::{Deserialize, Serialize};

/// A prompt that waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct WaitingPrompt {
    /// Its turn.
    pub turn: TurnId,
    /// Markdown.
    pub text: String,
    /// What is shown with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
}

/// What a person can do with a session while it runs: what its program offers, and the prompts that wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ControlsRow {
    /// The session.
    pub session: SessionId,
    /// What its program offers, with what the next run begins with as the present mode and model.
    pub offers: Offers,
    /// In order.
    pub waiting: Vec<WaitingPrompt>,
}
