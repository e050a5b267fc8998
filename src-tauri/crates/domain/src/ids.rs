//! Ids. A generated id is a prefix and a UUIDv7 as 26 base32 characters, so ids sort by their time of birth.
//!
//! Agents and projects are named by people: their ids are folder names ([`AgentId`], [`ProjectId`]).

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use uuid::Uuid;

/// Crockford's alphabet in lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn encode(value: u128) -> String {
    (0..26).rev().map(|digit| ALPHABET[((value >> (digit * 5)) & 31) as usize] as char).collect()
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != 26 {
        return None;
    }
    text.bytes().try_fold(0u128, |value, byte| {
        let digit = ALPHABET.iter().position(|known| *known == byte)? as u128;
        // 26 digits hold 130 bits: the two highest must be zero.
        if value >> 123 != 0 { None } else { Some(value << 5 | digit) }
    })
}

/// Where fresh ids come from; the engine uses the clock and the system's randomness, tests a counter.
pub trait Fresh {
    /// A UUIDv7 that was never given out before.
    fn uuid(&mut self) -> Uuid;
}

impl<F: FnMut() -> Uuid> Fresh for F {
    fn uuid(&mut self) -> Uuid {
        self()
    }
}

/// A text that is no id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{text}” is no {wanted} id")]
pub struct BadId {
    /// What was given.
    pub text: String,
    /// The kind that was wanted, in words.
    pub wanted: &'static str,
}

macro_rules! generated_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $word:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, specta::Type)]
        #[serde(transparent)]
        #[specta(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new id.
            pub fn fresh(source: &mut dyn Fresh) -> Self {
                Self::from_uuid(source.uuid())
            }
            /// The id that stands for this UUID.
            pub fn from_uuid(uuid: Uuid) -> Self {
                Self(format!("{}{}", $prefix, encode(uuid.as_u128())))
            }
            /// Reads an id; upper case is accepted and lowered.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                let lower = text.to_ascii_lowercase();
                match lower.strip_prefix($prefix).and_then(decode) {
                    Some(_) => Ok(Self(lower)),
                    None => Err(BadId { text: text.to_owned(), wanted: $word }),
                }
            }
            /// The id as it is written everywhere.
            pub fn as_str(&self) -> &str {
                &self.0
            }
            /// The UUID that it stands for.
            pub fn uuid(&self) -> Uuid {
                Uuid::from_u128(decode(&self.0[$prefix.len()..]).unwrap_or_default())
            }
            /// When the id was made, in milliseconds of UTC, read from the UUIDv7 inside.
            pub fn made_at(&self) -> crate::At {
                crate::At((self.uuid().as_u128() >> 80) as i64)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

generated_id!(/** A task: one Markdown file of work. */ TaskId, "tsk_", "task");
generated_id!(/** A session: the durable exchange between Nox and one agent. */ SessionId, "ses_", "session");
generated_id!(/** A run: one incarnation of a connection that carries a session. */ RunId, "run_", "run");
generated_id!(/** A turn: from a prompt to its stop reason. */ TurnId, "trn_", "turn");
generated_id!(/** An item: one entry of a turn. */ ItemId, "itm_", "item");
generated_id!(/** A permission request. */ RequestId, "req_", "permission request");
generated_id!(/** A command: repeating one with the same id is answered from its receipt. */ CommandId, "cmd_", "command");

macro_rules! named_id {
    ($(#[$doc:meta])* $name:ident, $word:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, specta::Type)]
        #[serde(transparent)]
        #[specta(transparent)]
        pub struct $name(String);

        impl $name {
            /// Reads an id: 1 to 60 of `a-z`, `0-9`, `-`, beginning with a letter or figure; it names a folder.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                let fits = (1..=60).contains(&text.len())
                    && !text.starts_with('-')
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
                if fits { Ok(Self(text.to_owned())) } else { Err(BadId { text: text.to_owned(), wanted: $word }) }
            }
            /// The id nearest to a name that a person wrote: `Nightly backup!` becomes `nightly-backup`.
            pub fn from_name(name: &str) -> Self {
                let mut slug = String::new();
                for c in name.chars() {
                    if slug.len() >= 60 { break; }
                    if c.is_ascii_alphanumeric() {
                        slug.push(c.to_ascii_lowercase());
                    } else if !slug.is_empty() && !slug.ends_with('-') {
                        slug.push('-');
                    }
                }
                let slug = slug.trim_matches('-');
                Self(if slug.is_empty() { $word.to_owned() } else { slug.to_owned() })
            }
            /// The id as it is written everywhere.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

named_id!(/** An agent: the name of its folder in the registry, for ever. */ AgentId, "agent");
named_id!(/** A project: a folder that the user has granted, by a short name. */ ProjectId, "project");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_keep_their_time_and_sort_by_it() {
        let early = TaskId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
        let late = TaskId::from_uuid(Uuid::from_u128(0x0190_0000_0001_7000_8000_0000_0000_0000));
        assert!(early < late);
        assert_eq!(late.made_at().0, 0x0190_0000_0001);
        assert_eq!(TaskId::parse(&early.to_string().to_uppercase()).unwrap(), early);
    }

    #[test]
    fn a_wrong_prefix_length_or_letter_is_refused() {
        let good = SessionId::from_uuid(Uuid::from_u128(7));
        assert!(TaskId::parse(good.as_str()).is_err());
        assert!(SessionId::parse("ses_123").is_err());
        assert!(SessionId::parse(&good.as_str().replace('7', "u")).is_err());
        assert!(SessionId::parse("ses_zzzzzzzzzzzzzzzzzzzzzzzzzz").is_err());
    }

    #[test]
    fn names_become_folder_names() {
        assert_eq!(AgentId::from_name("  Nightly backup! ").as_str(), "nightly-backup");
        assert_eq!(AgentId::from_name("日本").as_str(), "agent");
        assert!(AgentId::parse("../etc").is_err());
        assert!(AgentId::parse("Upper").is_err());
    }
}
