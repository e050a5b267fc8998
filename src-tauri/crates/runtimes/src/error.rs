//! Why a connection could not be started.

use nox_domain::transcript::AgentFault;

/// Why a connection could not be started. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text that should be run has an error; nothing of it was run.
    #[error("line {line}: {message}")]
    BadText {
        /// The line in the text, from 1.
        line: u32,
        /// What is wrong and what to do.
        message: String,
    },
    /// Something is wrong with the program.
    #[error("{message}")]
    Agent {
        /// What.
        fault: AgentFault,
        /// In words, and what to do.
        message: String,
    },
    /// The working folder is not there.
    #[error("the folder {folder} is not there: make it, or choose another project")]
    NoFolder {
        /// The folder.
        folder: String,
    },
}

impl Error {
    /// The line of the text that it is about, and what is wrong with it.
    pub fn place(&self) -> (u32, String) {
        match self {
            Self::BadText { line, message } => (*line, message.clone()),
            Self::NoFolder { .. } | Self::Agent { .. } => (1, self.to_string()),
        }
    }
}
