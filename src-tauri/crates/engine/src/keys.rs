//! Keys: in the OS keychain, named in `local.toml`, masked in logs, told to nobody but the child that needs them.

use crate::{Error, home::Home, logs};
use nox_secrets::{HomeId, KeychainState, SecretName, SecretString, Secrets, SecretsOptions, Tested};

/// The keychain of one home.
#[derive(Clone)]
pub struct Keys {
    secrets: Secrets,
}

impl Keys {
    pub(crate) fn start(home: &Home) -> Result<Self, Error> {
        let id = HomeId::new(&home.id()?)?;
        Ok(Self { secrets: Secrets::start(SecretsOptions::new(id)) })
    }

    /// Stores a key.
    pub async fn put(&self, name: &str, value: String) -> Result<(), Error> {
        let value = SecretString::from(value);
        logs::redact::register(&value);
        self.secrets.put(&SecretName::new(name)?, value).await?;
        Ok(())
    }

    /// Deletes a key; one that is not there is no error.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        self.secrets.delete(&SecretName::new(name)?).await?;
        Ok(())
    }

    /// A key, for the child that needs it.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<SecretString>, Error> {
        let value = self.secrets.get(&SecretName::new(name)?).await?;
        value.iter().for_each(logs::redact::register);
        Ok(value)
    }

    /// Whether a key is there and can be read.
    pub async fn test(&self, name: &str) -> Result<bool, Error> {
        Ok(matches!(self.secrets.test(&SecretName::new(name)?).await?, Tested::Readable))
    }

    /// What holds the keys, and whether it can be used.
    pub async fn status(&self) -> KeychainView {
        let status = self.secrets.status().await;
        let problem = match &status.state {
            KeychainState::Available => None,
            KeychainState::Unavailable { why, hint } => Some(format!("{why}. {hint}")),
            KeychainState::Locked => {
                Some("The keychain is locked. Unlock it; storing a key asks you to.".into())
            }
        };
        KeychainView { backend: status.backend.to_owned(), problem }
    }
}

/// What holds the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeychainView {
    /// Its name on this platform.
    pub backend: String,
    /// Why it cannot be used now, and what to do; none when it can.
    pub problem: Option<String>,
}
