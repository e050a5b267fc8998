//! Keys and tokens in the keychain of the operating system.
//!
//! The engine is the caller: it stores what the user enters in Settings and reads a value just before it starts the child
//! that needs it. Invariants:
//!
//! - A value is a [`SecretString`]: it is wiped when dropped and no `Debug`, `Display` or error of this crate shows it.
//! - No call waits for ever, although a locked keychain may: calls run on a thread of their own and have a time limit.
//! - Nothing is kept outside the keychain unless [`Fallback::MemoryOnly`] was chosen, and then only until the end of this
//!   run; [`Secrets::status`] and the answer of [`Secrets::put`] say so.
//!
//! Keychains cannot list their entries portably, so which names exist is for the caller to remember.

mod error;
mod keychain;
mod names;
mod worker;

pub use error::Error;
pub use names::{HomeId, SecretName};
pub use secrecy::{ExposeSecret, SecretString};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use worker::{Reply, Request, Workers};

/// A `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// The service under which every entry stands in the keychain; the account is the home's id and the secret's name.
pub const KEYCHAIN_SERVICE: &str = "nox";

/// How long one request may take unless told otherwise. An idle keychain answers within 15 ms.
pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(10);

/// What to do with a value when the keychain cannot take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fallback {
    /// Refuse: the error tells why the keychain cannot be used and what to do.
    #[default]
    Refuse,
    /// Keep the value in memory until the end of this run. The user chose this and must see it.
    MemoryOnly,
}

/// How [`Secrets`] is set up.
#[derive(Debug, Clone)]
pub struct SecretsOptions {
    /// The home the secrets belong to: two homes on one machine do not see each other's.
    pub home_id: HomeId,
    /// The longest that one request may take once its turn has come.
    pub time_limit: Duration,
    /// What to do when the keychain cannot be used.
    pub fallback: Fallback,
}

impl SecretsOptions {
    /// The usual settings: ten seconds, and refuse when there is no keychain.
    pub fn new(home_id: HomeId) -> Self {
        Self { home_id, time_limit: DEFAULT_TIME_LIMIT, fallback: Fallback::Refuse }
    }
}

/// Where [`Secrets::put`] left the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// In the keychain.
    InKeychain,
    /// In memory, until the end of this run.
    ForThisRun,
}

/// What [`Secrets::test`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tested {
    /// The secret is there and its value can be read.
    Readable,
    /// There is no such secret.
    Missing,
}

/// Whether the keychain can be used now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeychainState {
    /// It is there and open.
    Available,
    /// It cannot be used.
    Unavailable {
        /// The reason, in words.
        why: String,
        /// What the user can do about it.
        hint: String,
    },
    /// It is there and waits to be unlocked by the user.
    Locked,
}

/// What Settings shows about the keychain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeychainStatus {
    /// The keychain's name on this platform, such as “Secret Service”.
    pub backend: &'static str,
    /// Whether it can be used now.
    pub state: KeychainState,
    /// What happens to a value that the keychain cannot take.
    pub fallback: Fallback,
    /// The secrets that are only in memory and end with this run.
    pub for_this_run: Vec<SecretName>,
}

/// The secrets of one home. A clone is cheap and shares everything.
#[derive(Clone)]
pub struct Secrets {
    inner: Arc<Inner>,
}

struct Inner {
    home_id: HomeId,
    workers: Workers,
    memory: Mutex<Memory>,
}

struct Memory {
    fallback: Fallback,
    values: BTreeMap<SecretName, SecretString>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("home_id", &self.inner.home_id).finish_non_exhaustive()
    }
}

impl Secrets {
    /// Opens the secrets of a home. Touches nothing: the keychain is first spoken to by the first request.
    pub fn start(options: SecretsOptions) -> Self {
        let memory = Memory { fallback: options.fallback, values: BTreeMap::new() };
        let inner = Inner {
            home_id: options.home_id,
            workers: Workers::new(options.time_limit),
            memory: Mutex::new(memory),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Changes what happens to values that the keychain cannot take. Values already kept in memory stay until this run ends.
    pub fn set_fallback(&self, fallback: Fallback) {
        self.memory().fallback = fallback;
    }

    /// Stores a value, replacing the one before, and says where it is now.
    ///
    /// After [`Error::TimedOut`] the keychain may still complete the call late; store again to be certain.
    pub async fn put(&self, name: &SecretName, value: SecretString) -> Result<Kept> {
        if value.expose_secret().is_empty() {
            return Err(Error::EmptyValue);
        }
        let request = Request::Put { account: self.account(name), value: value.clone() };
        match self.inner.workers.call(request).await {
            Ok(_) => {
                self.memory().values.remove(name);
                Ok(Kept::InKeychain)
            }
            Err(error) if error.keychain_is_away() => {
                let mut memory = self.memory();
                if memory.fallback == Fallback::Refuse {
                    return Err(error);
                }
                tracing::warn!(name = %name, reason = %error, "a secret is kept in memory for this run only");
                memory.values.insert(name.clone(), value);
                Ok(Kept::ForThisRun)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a value; `None` when there is no such secret. A value kept for this run comes before the keychain's.
    pub async fn get(&self, name: &SecretName) -> Result<Option<SecretString>> {
        if let Some(value) = self.memory().values.get(name) {
            return Ok(Some(value.clone()));
        }
        match self.inner.workers.call(Request::Get { account: self.account(name) }).await? {
            Reply::Value(value) => Ok(value),
            Reply::Done | Reply::State(_) => Ok(None),
        }
    }

    /// Deletes a value, in memory and in the keychain. Deleting what is not there is no error.
    pub async fn delete(&self, name: &SecretName) -> Result<()> {
        let was_in_memory = self.memory().values.remove(name).is_some();
        match self.inner.workers.call(Request::Delete { account: self.account(name) }).await {
            Err(error) if was_in_memory && error.keychain_is_away() => {
                // What this run kept is gone. An older value in the keychain, if any, cannot be reached now.
                tracing::warn!(name = %name, reason = %error, "a secret was deleted from memory only");
                Ok(())
            }
            other => other.map(drop),
        }
    }

    /// Whether a secret is there and can be read. Its value goes no further than this call.
    pub async fn test(&self, name: &SecretName) -> Result<Tested> {
        Ok(if self.get(name).await?.is_some() { Tested::Readable } else { Tested::Missing })
    }

    /// How the keychain is. Never asks the user to unlock it.
    pub async fn status(&self) -> KeychainStatus {
        let state = match self.inner.workers.call(Request::Status).await {
            Ok(Reply::State(state)) => state,
            Ok(Reply::Done | Reply::Value(_)) => KeychainState::Available,
            Err(Error::Locked) => KeychainState::Locked,
            Err(Error::Unavailable { why, hint }) => KeychainState::Unavailable { why, hint },
            Err(error) => {
                KeychainState::Unavailable { why: error.to_string(), hint: keychain::HINT.to_owned() }
            }
        };
        let memory = self.memory();
        KeychainStatus {
            backend: keychain::NAME,
            state,
            fallback: memory.fallback,
            for_this_run: memory.values.keys().cloned().collect(),
        }
    }

    fn account(&self, name: &SecretName) -> String {
        format!("{}/{name}", self.inner.home_id)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.inner.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
