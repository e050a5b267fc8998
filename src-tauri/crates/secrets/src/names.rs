//! Names: which home, and which secret in it.

use crate::Error;
use std::fmt;
use std::str::FromStr;

/// The name of a secret: 1 to 40 of `a-z`, `0-9` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

impl SecretName {
    /// Checks a name. Fails with [`Error::BadName`].
    pub fn new(text: &str) -> Result<Self, Error> {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=40).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::BadName)
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SecretName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

/// The id of a home, made once when the home is created; it keeps the secrets of two homes apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HomeId(String);

impl HomeId {
    /// Checks an id: 1 to 64 of `A-Z`, `a-z`, `0-9`, `-` and `_`. Fails with [`Error::BadHomeId`].
    pub fn new(text: &str) -> Result<Self, Error> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::BadHomeId)
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HomeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for good in ["a", "anthropic-api-key", "0", &"x".repeat(40)] {
            assert_eq!(SecretName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "A", "a b", "a/b", "ä", "a_b", "a\n", "../x", &"x".repeat(41)] {
            assert_eq!(SecretName::new(bad), Err(Error::BadName), "{bad:?}");
        }
    }

    #[test]
    fn a_refused_name_is_not_repeated() {
        let error = SecretName::new("sk-ant-CANARY").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }

    #[test]
    fn a_home_id_has_no_separator() {
        assert!(HomeId::new("home_01J-x").is_ok());
        for bad in ["", "a/b", "a b", &"x".repeat(65)] {
            assert_eq!(HomeId::new(bad), Err(Error::BadHomeId), "{bad:?}");
        }
    }
}
