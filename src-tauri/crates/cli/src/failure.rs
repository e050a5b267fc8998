//! What could not be done, as people and exit statuses have it.

use crate::out;
use nox_api::{ApiError, ErrorCode, control};
use std::{fmt::Display, process::ExitCode};

/// The exit status of something that went wrong.
pub(crate) const FAILED: u8 = 1;
/// The exit status of a command line or an input that cannot be used.
pub(crate) const USAGE: u8 = 2;
/// The exit status of an approval that nobody can give here.
pub(crate) const NEEDS_APPROVAL: u8 = 3;

/// What could not be done.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// Why the engine refused, if it was the engine.
    pub(crate) code: Option<ErrorCode>,
    pub(crate) exit_code: u8,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// The command line or its input cannot be used.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: None, exit_code: USAGE, message: message.into(), hint: Some(hint.into()) }
    }

    /// The system refuses something.
    pub(crate) fn system(what: &str, error: &dyn Display) -> Self {
        Self { code: None, exit_code: FAILED, message: format!("{what}: {error}"), hint: None }
    }

    /// Says it on standard error.
    pub(crate) fn tell(&self) -> ExitCode {
        out::say(&format!("nox: {}", self.message));
        if let Some(hint) = self.hint.as_deref().filter(|hint| !hint.is_empty()) {
            out::say(&format!("     {hint}"));
        }
        ExitCode::from(self.exit_code)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let exit_code = match error.code {
            ErrorCode::BadInput | ErrorCode::NotFound | ErrorCode::NeedsAgent => USAGE,
            _ => FAILED,
        };
        Self { code: Some(error.code), exit_code, message: error.message, hint: error.hint }
    }
}

impl From<control::Error> for Failure {
    fn from(error: control::Error) -> Self {
        match error {
            control::Error::Api(error) => error.into(),
            error => Self { code: None, exit_code: FAILED, message: error.to_string(), hint: error.hint() },
        }
    }
}
