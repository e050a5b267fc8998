//! Keys: in the OS keychain, named in `local.toml`, masked in logs, told to nobody but the child that needs them.

use crate::{Error, home::Home, logs};
use nox_domain::agent::{Program, Service};
use nox_secrets::{HomeId, KeychainState, SecretName, SecretString, Secrets, SecretsOptions, Tested};
use std::collections::BTreeMap;

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
    async fn get(&self, name: &str) -> Result<Option<SecretString>, Error> {
        let value = self.secrets.get(&SecretName::new(name)?).await?;
        value.iter().for_each(logs::redact::register);
        Ok(value)
    }

    /// The keys that a program and its services need, for the run that needs them; or what is missing, and what to do.
    pub(crate) async fn of_run(
        &self,
        program: &Program,
        services: &BTreeMap<String, Service>,
    ) -> Result<(Option<SecretString>, BTreeMap<String, SecretString>), String> {
        let mut key = None;
        if let Some(name) = &program.key {
            key = Some(self.needed(name).await?);
        }
        let mut of_services = BTreeMap::new();
        for (service, of) in services {
            if let Some(name) = &of.key {
                of_services.insert(service.clone(), self.needed(name).await?);
            }
        }
        Ok((key, of_services))
    }

    async fn needed(&self, name: &str) -> Result<SecretString, String> {
        match self.get(name).await {
            Ok(Some(key)) => Ok(key),
            Ok(None) => {
                Err(format!("there is no key {name} in the keychain. Store it in Settings → API keys."))
            }
            Err(error) => Err(format!("the key {name} cannot be read: {error}")),
        }
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
