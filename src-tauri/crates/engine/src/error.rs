//! Why the engine did not do something. The contract turns these into codes.

use std::{io, path::Path, path::PathBuf};

/// Why the engine did not do something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder of the home cannot be used.
    #[error("{} cannot be used: {source}", path.display())]
    Home {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another engine has the home.
    #[error("another Nox already uses {}", path.display())]
    HomeTaken {
        /// The home.
        path: PathBuf,
    },
    /// The log did not take it.
    #[error(transparent)]
    Store(#[from] nox_store::Error),
    /// A session is not in a state for it.
    #[error(transparent)]
    Rejected(#[from] nox_domain::session::Rejection),
    /// There is no such thing.
    #[error("there is no {what} {id}")]
    NotFound {
        /// A noun.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// It is not in a state for it.
    #[error("{message}")]
    Conflict {
        /// For people.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The input is wrong.
    #[error("{message}")]
    BadInput {
        /// Which field.
        field: &'static str,
        /// For people.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The task has no agent and there is no default.
    #[error("this task has no agent, and there is no agent that could take it")]
    NeedsAgent,
    /// The command is older than receipts are kept.
    #[error("this command is older than {days} days and is not applied again")]
    TooOld {
        /// How long receipts are kept.
        days: u32,
    },
    /// The registry's files or its repository.
    #[error(transparent)]
    Registry(#[from] nox_registry::Error),
    /// The keychain.
    #[error(transparent)]
    Keychain(#[from] nox_secrets::Error),
    /// The program that holds process trees is missing, or a process could not be started.
    #[error(transparent)]
    Process(#[from] nox_process::Error),
    /// Stored text that is not what it should be: a fault of Nox.
    #[error("stored {what} cannot be read: {detail}")]
    Corrupt {
        /// Which.
        what: &'static str,
        /// What the reader said.
        detail: String,
    },
    /// The engine is ending.
    #[error("Nox is quitting")]
    Closing,
}

impl Error {
    pub(crate) fn home(path: &Path, source: io::Error) -> Self {
        Self::Home { path: path.to_owned(), source }
    }

    pub(crate) fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    pub(crate) fn bad_input(
        field: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::BadInput { field, message: message.into(), hint: hint.into() }
    }
}
