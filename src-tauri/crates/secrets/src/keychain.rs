//! One connection to the platform's keychain. Every call blocks, some of them until the user has answered a prompt.
//!
//! Only [`crate::worker`] calls this, on its own threads. Each thread has a connection of its own, because the stores hold
//! a lock while they wait.

use crate::{Error, KEYCHAIN_SERVICE, Result};
use keyring_core::api::CredentialStore;
use keyring_core::error::Error as Failure;
use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretString};
use std::error::Error as _;
use std::sync::Arc;

#[cfg(target_os = "macos")]
pub(crate) const NAME: &str = "Keychain";
#[cfg(windows)]
pub(crate) const NAME: &str = "Credential Manager";
#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) const NAME: &str = "Secret Service";

#[cfg(target_os = "macos")]
pub(crate) const HINT: &str = "Unlock the login keychain in Keychain Access, or keep keys for this run only";
#[cfg(windows)]
pub(crate) const HINT: &str =
    "Start the Windows service “Credential Manager”, or keep keys for this run only";
#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) const HINT: &str = "Install and start a Secret Service such as gnome-keyring, KWallet or KeePassXC and log in \
     again, or keep keys for this run only";

/// A connection to the keychain.
pub(crate) struct Keychain {
    store: Arc<CredentialStore>,
    #[cfg(all(unix, not(target_os = "macos")))]
    lock: lock::Lock,
}

impl Keychain {
    /// Connects. Every failure is [`Error::Unavailable`].
    pub(crate) fn connect() -> Result<Self> {
        let unavailable =
            |failure: &Failure| Error::Unavailable { why: words(failure), hint: HINT.to_owned() };
        #[cfg(target_os = "macos")]
        let store = apple_native_keyring_store::keychain::Store::new();
        #[cfg(windows)]
        let store = windows_native_keyring_store::Store::new();
        #[cfg(all(unix, not(target_os = "macos")))]
        let store = zbus_secret_service_keyring_store::Store::new();
        Ok(Self {
            store: store.map_err(|failure| unavailable(&failure))?,
            #[cfg(all(unix, not(target_os = "macos")))]
            lock: lock::Lock::connect()?,
        })
    }

    /// Whether the user must unlock it first. Asks nobody.
    pub(crate) fn is_locked(&self) -> Result<bool> {
        #[cfg(all(unix, not(target_os = "macos")))]
        return self.lock.is_locked();
        // The other platforms open the user's keychain at log-in, and ask inside the call otherwise.
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        Ok(false)
    }

    /// Asks the user to unlock it and waits for the answer, however long that takes.
    pub(crate) fn unlock(&self) -> Result<()> {
        #[cfg(all(unix, not(target_os = "macos")))]
        return self.lock.unlock();
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        Ok(())
    }

    pub(crate) fn put(&self, account: &str, value: &SecretString) -> Result<()> {
        let text = value.expose_secret();
        self.entry(account)?.set_secret(text.as_bytes()).map_err(|failure| match translate(failure) {
            // No store repeats the value in its errors; should one begin to, it stays out of ours.
            Error::Backend { what } => Error::Backend { what: what.replace(text, "[redacted]") },
            other => other,
        })
    }

    pub(crate) fn get(&self, account: &str) -> Result<Option<SecretString>> {
        match self.entry(account)?.get_secret() {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(SecretString::from(text))),
                Err(error) => {
                    error.into_bytes().zeroize();
                    Err(Error::Backend { what: "the stored value is not UTF-8 text".to_owned() })
                }
            },
            Err(Failure::NoEntry) => Ok(None),
            Err(failure) => Err(translate(failure)),
        }
    }

    pub(crate) fn delete(&self, account: &str) -> Result<()> {
        match self.entry(account)?.delete_credential() {
            Ok(()) | Err(Failure::NoEntry) => Ok(()),
            Err(failure) => Err(translate(failure)),
        }
    }

    fn entry(&self, account: &str) -> Result<keyring_core::Entry> {
        self.store.build(KEYCHAIN_SERVICE, account, None).map_err(translate)
    }
}

/// A store's failure as ours. The variants that carry stored bytes are put into words without them.
fn translate(failure: Failure) -> Error {
    match failure {
        Failure::NoStorageAccess(_) => Error::Locked,
        Failure::TooLong(_, limit_bytes) => Error::TooLong { limit_bytes },
        Failure::NoDefaultStore => Error::Unavailable { why: words(&failure), hint: HINT.to_owned() },
        Failure::BadEncoding(mut bytes) | Failure::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            Error::Backend { what: "the stored value cannot be read".to_owned() }
        }
        Failure::Ambiguous(entries) => Error::Backend {
            what: format!(
                "{} entries have this name; remove all but one in the keychain's own window",
                entries.len()
            ),
        },
        other => Error::Backend { what: words(&other) },
    }
}

fn words(failure: &Failure) -> String {
    failure.source().map_or_else(|| failure.to_string(), ToString::to_string)
}

/// The lock of the Secret Service's default collection, which the store does not show.
#[cfg(all(unix, not(target_os = "macos")))]
mod lock {
    use super::HINT;
    use crate::{Error, Result};
    use secret_service::blocking::SecretService;
    use secret_service::{EncryptionType, Error as Failure};

    pub(super) struct Lock {
        service: SecretService<'static>,
    }

    impl Lock {
        pub(super) fn connect() -> Result<Self> {
            // No value travels over this session, so it needs no encryption.
            let service = SecretService::connect(EncryptionType::Plain)
                .map_err(|failure| Error::Unavailable { why: failure.to_string(), hint: HINT.to_owned() })?;
            Ok(Self { service })
        }

        pub(super) fn is_locked(&self) -> Result<bool> {
            let collection = self.service.get_default_collection().map_err(translate)?;
            collection.is_locked().map_err(translate)
        }

        pub(super) fn unlock(&self) -> Result<()> {
            let collection = self.service.get_default_collection().map_err(translate)?;
            collection.unlock().map_err(translate)
        }
    }

    fn translate(failure: Failure) -> Error {
        match failure {
            Failure::Locked | Failure::Prompt | Failure::PromptDisconnected => Error::Locked,
            Failure::NoResult => Error::Unavailable {
                why: "the Secret Service has no default keyring".to_owned(),
                hint: "Create one (in “Passwords and Keys” or KWallet) and make it the default, or keep keys for this \
                       run only"
                    .to_owned(),
            },
            Failure::Unavailable => Error::Unavailable { why: failure.to_string(), hint: HINT.to_owned() },
            other => Error::Backend { what: other.to_string() },
        }
    }
}
