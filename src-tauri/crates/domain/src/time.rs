//! Points in time and sizes, as newtypes that the bindings can show as plain numbers.

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970 in UTC. For people to read; never used to order events.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, specta::Type,
)]
#[serde(transparent)]
#[specta(transparent)]
pub struct At(#[specta(type = u32)] pub i64);

/// A number of bytes or a position in a log; small enough to be exact as a number in a web view.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, specta::Type,
)]
#[serde(transparent)]
#[specta(transparent)]
pub struct Size(#[specta(type = u32)] pub u64);
