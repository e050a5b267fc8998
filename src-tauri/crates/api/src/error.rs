//! What a face is told when something cannot be done.

use serde::{Deserialize, Serialize};

/// Why an operation was not done. Nothing was changed, unless the code says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Stable; faces branch on it.
    pub code: ErrorCode,
    /// For people: what is wrong.
    pub message: String,
    /// For people: what to do.
    pub hint: Option<String>,
    /// Which field of the input, if one.
    pub field: Option<String>,
}

/// The codes that somebody branches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The input is wrong; `field` says where.
    BadInput,
    /// There is no such thing.
    NotFound,
    /// It is not in a state for that: answered, over, still running.
    Conflict,
    /// It has changed since the caller looked: look again, then decide.
    Stale,
    /// The task has no agent and there is no default: ask for one.
    NeedsAgent,
    /// Too much at once; try again.
    Overloaded,
    /// The disk refuses; nothing was recorded.
    Disk,
    /// The command is older than its receipts are kept; it is not applied again.
    TooOld,
    /// The keychain cannot be used.
    Keychain,
    /// The operation is not known: the two sides have different versions.
    UnknownOperation,
    /// An error of Nox itself; the log has more.
    Internal,
}

impl ApiError {
    /// An error without hint and field.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, field: None }
    }

    /// What was sent to an operation cannot be read, and why not.
    pub fn not_understood(detail: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::BadInput, format!("the input is not understood: {detail}"))
            .hint("Look at the operation's fields.")
    }

    /// With what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the field that is wrong.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}
