//! Why the control socket cannot be used.

use crate::ApiError;
use std::{io, path::PathBuf};

/// Why the control socket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine said no to an operation.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Nobody listens, or nobody answers.
    #[error("an engine has this home ({home}) but does not answer")]
    NoAnswer {
        /// The home.
        home: PathBuf,
    },
    /// The engine went away in the middle.
    #[error("the engine has ended")]
    Ended,
    /// No answer in time.
    #[error("the engine did not answer “{operation}” in {seconds} s")]
    TimedOut {
        /// What was asked.
        operation: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The two sides do not understand each other.
    #[error("the running engine is of another version ({engine})")]
    OtherProtocol {
        /// The engine's version.
        engine: String,
    },
    /// A line that the protocol does not have.
    #[error("the engine's answer is not understood: {detail}")]
    BadLine {
        /// What is wrong with it.
        detail: String,
    },
    /// Somebody else's socket.
    #[error("{path} belongs to another user")]
    NotOurs {
        /// The socket or its folder.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("the control socket {path}: {source}")]
    Io {
        /// The socket or its folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no control socket on this system.
    #[error("this system has no control socket yet")]
    Unsupported,
}

impl Error {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Api(error) => return error.hint.clone(),
            Self::NoAnswer { .. } => {
                "Wait a moment and try again. If it stays so, end the other Nox and start it again.".into()
            }
            Self::Ended => "What it has recorded is kept. Start again.".into(),
            Self::TimedOut { .. } => "It may be busy. Try again, or look into its log.".into(),
            Self::OtherProtocol { .. } | Self::BadLine { .. } => {
                "Quit the running Nox and start it again, so that both have the same version.".into()
            }
            Self::NotOurs { .. } => "Remove it, or choose another home with NOX_HOME.".into(),
            Self::Io { .. } => {
                "Look at the folder's rights and at the free space, or choose another home with NOX_HOME."
                    .into()
            }
            Self::Unsupported => "Quit the other Nox first.".into(),
        })
    }

    #[cfg(unix)]
    pub(super) fn io(path: &std::path::Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
