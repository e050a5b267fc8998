//! Why the engine did not do something. The contract turns these into codes.

use std::{borrow::Cow, io, path::Path, path::PathBuf};

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
    /// It is not as it was when the caller looked.
    #[error("{message}")]
    Stale {
        /// For people.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The input is wrong.
    #[error("{message}")]
    BadInput {
        /// Which field; one of a file has dots.
        field: Cow<'static, str>,
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
        field: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::BadInput { field: field.into(), message: message.into(), hint: hint.into() }
    }
}

/// What a caller can do about an error, without knowing which part it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no such thing.
    NotFound,
    /// It is not in a state for that.
    Conflict,
    /// It has changed since the caller looked.
    Stale,
    /// A field of the input is wrong: [`Error::field`].
    BadInput,
    /// The task needs an agent.
    NeedsAgent,
    /// The command is too old.
    TooOld,
    /// The disk refuses.
    Disk,
    /// Try again.
    Overloaded,
    /// The keychain cannot be used.
    Keychain,
    /// A fault of Nox.
    Internal,
}

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        use nox_secrets::Error as Keychain;
        use nox_store::Error as Store;
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Rejected(_) | Self::Conflict { .. } | Self::HomeTaken { .. } => ErrorKind::Conflict,
            Self::Stale { .. } => ErrorKind::Stale,
            Self::BadInput { .. } => ErrorKind::BadInput,
            Self::NeedsAgent => ErrorKind::NeedsAgent,
            Self::TooOld { .. } => ErrorKind::TooOld,
            Self::Home { .. } | Self::Registry(_) | Self::Store(Store::Disk { .. }) => ErrorKind::Disk,
            Self::Store(Store::Overloaded | Store::Closed) | Self::Closing => ErrorKind::Overloaded,
            Self::Store(Store::Conflict { .. }) => ErrorKind::Conflict,
            Self::Keychain(
                Keychain::BadName | Keychain::BadHomeId | Keychain::EmptyValue | Keychain::TooLong { .. },
            ) => ErrorKind::BadInput,
            Self::Keychain(_) => ErrorKind::Keychain,
            Self::Store(_) | Self::Process(_) | Self::Corrupt { .. } => ErrorKind::Internal,
        }
    }

    /// The field of the input that is wrong, if one is.
    pub fn field(&self) -> Option<&str> {
        use nox_secrets::Error as Keychain;
        match self {
            Self::BadInput { field, .. } => Some(field),
            Self::Keychain(Keychain::BadName | Keychain::BadHomeId) => Some("name"),
            Self::Keychain(Keychain::EmptyValue | Keychain::TooLong { .. }) => Some("value"),
            _ => None,
        }
    }

    /// What to do, for people.
    pub fn hint(&self) -> Option<String> {
        use nox_domain::session::Rejection;
        let fixed = match self {
            Self::Conflict { hint, .. } | Self::Stale { hint, .. } | Self::BadInput { hint, .. } => {
                return Some(hint.clone());
            }
            Self::Keychain(nox_secrets::Error::Unavailable { hint, .. }) => return Some(hint.clone()),
            Self::Rejected(Rejection::RequestNotOpen) => "It was answered before, or its session ended.",
            Self::Rejected(Rejection::StillRuns) => "Stop it first.",
            Self::Rejected(Rejection::NotHere) | Self::NotFound { .. } => {
                "It may have been deleted meanwhile. Look at the list again."
            }
            Self::Rejected(Rejection::Over) => "Continue it first, or start its task again.",
            Self::Rejected(Rejection::AlreadyStopping) => "Wait until it has ended.",
            Self::Rejected(Rejection::Finished) => "Start its task again.",
            Self::Rejected(Rejection::Hidden) => "Take its deletion back first.",
            Self::Rejected(Rejection::Imported) => "Make a new task of what it says.",
            Self::Rejected(Rejection::TakesNoPrompts) => {
                "Change the text of its task, then start that again."
            }
            Self::Rejected(Rejection::EmptyPrompt) => "Write what the agent should do.",
            Self::Rejected(Rejection::TakesNoImages) => {
                "Send it without them, or choose a model that takes images."
            }
            Self::Rejected(Rejection::TooManyImages) => "Send some of them with another message.",
            Self::Rejected(Rejection::NothingToInterrupt) => "Its turn is over, or has not begun.",
            Self::Rejected(Rejection::NotWaiting) => "Send another message if something should change.",
            Self::Rejected(Rejection::NotOffered(_)) => "Choose one of those that it offers.",
            Self::Rejected(Rejection::BadAnswers(_)) => {
                "Answer each question with what it takes, or skip them."
            }
            Self::Rejected(Rejection::OnlyOnce) => "Answer it, or skip it.",
            Self::Rejected(Rejection::TooManyPrompts) => "Wait until one of them begins.",
            Self::Rejected(Rejection::TooLong { .. }) => {
                "Put the rest into a file of its project, and write where that lies."
            }
            Self::Rejected(Rejection::AlreadyPaused) => "Continue it when it should go on.",
            Self::Rejected(Rejection::NotStalled) => "It was heard of meanwhile. Stop it if it should end.",
            Self::HomeTaken { .. } => "Use the Nox that is open, or quit it first.",
            Self::NeedsAgent => "Choose an agent for this task, or make one in Agents.",
            Self::TooOld { .. } => "Send it again with a new id.",
            Self::Home { .. } => "Look at the folder's rights and the free space.",
            Self::Registry(_) => "Look at the registry's folder, then try again.",
            Self::Keychain(nox_secrets::Error::Locked | nox_secrets::Error::TimedOut { .. }) => {
                "Unlock the keychain, then try again."
            }
            Self::Keychain(
                nox_secrets::Error::BadName
                | nox_secrets::Error::BadHomeId
                | nox_secrets::Error::EmptyValue
                | nox_secrets::Error::TooLong { .. },
            ) => "Change it and try again.",
            Self::Keychain(_) => "Look at the keychain program of this computer, then try again.",
            Self::Store(nox_store::Error::Disk { hint, .. }) => {
                return Some(match hint {
                    nox_store::DiskHint::Full => "Make room on the disk, then try again.".to_owned(),
                    nox_store::DiskHint::ReadOnly => {
                        "Make the data folder writable, then try again.".to_owned()
                    }
                    nox_store::DiskHint::Failing => "Check the disk, then try again.".to_owned(),
                });
            }
            Self::Store(nox_store::Error::Overloaded | nox_store::Error::Closed) | Self::Closing => {
                "Try again in a moment."
            }
            Self::Store(nox_store::Error::Damaged { .. }) => {
                "Export what matters, quit Nox, then run “nox doctor --rebuild”."
            }
            Self::Store(_) | Self::Process(_) | Self::Corrupt { .. } => {
                "The log has more: Settings, Data, Open logs."
            }
        };
        Some(fixed.to_owned())
    }

    /// What is wrong with the database, when that is damaged.
    pub fn damage(&self) -> Option<String> {
        match self {
            Self::Store(nox_store::Error::Damaged { detail, .. }) => Some(detail.clone()),
            _ => None,
        }
    }

    /// Whether the command was done before, so that its receipt has the answer.
    pub fn is_already_done(&self) -> bool {
        matches!(self, Self::Store(nox_store::Error::AlreadyDone(_)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nox_domain::session::Rejection;
    use nox_store::{DiskHint, Error as Store};

    #[test]
    fn every_error_says_what_to_do() {
        let disk = |hint| Error::from(Store::Disk { hint, detail: "code".into() });
        let errors = [
            Rejection::RequestNotOpen.into(),
            Rejection::NotHere.into(),
            Rejection::Over.into(),
            Rejection::StillRuns.into(),
            Rejection::AlreadyStopping.into(),
            Rejection::Finished.into(),
            Rejection::Hidden.into(),
            Rejection::Imported.into(),
            Rejection::TakesNoPrompts.into(),
            Rejection::EmptyPrompt.into(),
            Rejection::TakesNoImages.into(),
            Rejection::TooManyImages.into(),
            Rejection::NothingToInterrupt.into(),
            Rejection::NotWaiting.into(),
            Rejection::NotOffered("x".into()).into(),
            Rejection::BadAnswers("x".into()).into(),
            Rejection::OnlyOnce.into(),
            Rejection::TooManyPrompts.into(),
            Rejection::TooLong { bytes: 1 }.into(),
            Rejection::AlreadyPaused.into(),
            Rejection::NotStalled.into(),
            Error::not_found("task", "t"),
            Error::HomeTaken { path: "/home".into() },
            Error::home(Path::new("/home"), io::Error::other("no")),
            Error::NeedsAgent,
            Error::TooOld { days: 7 },
            Error::Closing,
            Error::Corrupt { what: "row", detail: "no".into() },
            disk(DiskHint::Full),
            disk(DiskHint::ReadOnly),
            disk(DiskHint::Failing),
            Store::Overloaded.into(),
            Store::Closed.into(),
            nox_secrets::Error::BadName.into(),
            nox_secrets::Error::EmptyValue.into(),
            nox_secrets::Error::Locked.into(),
        ];
        for error in errors {
            assert!(error.hint().is_some_and(|hint| hint.ends_with('.')), "{error:?}");
        }
        assert_ne!(disk(DiskHint::Full).hint(), disk(DiskHint::ReadOnly).hint());
    }
}
