//! What can go wrong, in words that never hold a value.

/// Why a secret could not be stored, read or deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no keychain, or it cannot be reached.
    #[error("the keychain cannot be used: {why}. {hint}")]
    Unavailable {
        /// The reason, in words.
        why: String,
        /// What the user can do about it.
        hint: String,
    },
    /// The keychain did not answer in time.
    #[error("the keychain did not answer within {secs} s; try again")]
    TimedOut {
        /// The limit that was reached, in seconds (rounded up).
        secs: u64,
    },
    /// The keychain is locked and was not unlocked in time.
    #[error("the keychain is locked; unlock it and try again")]
    Locked,
    /// A name that no secret can have. The name is not repeated here: somebody may have pasted a key into it.
    #[error("the name of a secret is 1 to 40 of the characters a-z, 0-9 and “-”")]
    BadName,
    /// An id that no home can have.
    #[error("the id of a home is 1 to 64 of the characters A-Z, a-z, 0-9, “-” and “_”")]
    BadHomeId,
    /// An empty value; some keychains cannot hold one.
    #[error("a secret cannot be empty; delete it instead")]
    EmptyValue,
    /// A value longer than this platform's keychain takes.
    #[error("the secret is longer than the {limit_bytes} bytes this keychain takes")]
    TooLong {
        /// The platform's limit.
        limit_bytes: u32,
    },
    /// The keychain answered with an error.
    #[error("the keychain reports an error: {what}")]
    Backend {
        /// The keychain's own words.
        what: String,
    },
}

impl Error {
    /// Whether the keychain itself is out of reach, so that a fallback applies.
    pub(crate) fn keychain_is_away(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::TimedOut { .. } | Self::Locked)
    }
}
