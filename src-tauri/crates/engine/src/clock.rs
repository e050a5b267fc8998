//! The time and fresh ids, for the parts of the engine that are not pure.

use nox_domain::{At, Fresh};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Now, in milliseconds of UTC.
pub fn now() -> At {
    At(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64))
}

/// A time for people: UTC, to the second.
pub fn in_words(at: At) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0);
    time.map_or_else(|_| at.0.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// UUIDv7 from the system's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl Fresh for SystemIds {
    fn uuid(&mut self) -> Uuid {
        Uuid::now_v7()
    }
}
