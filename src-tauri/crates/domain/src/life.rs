//! How sessions live: what happens when nobody watches, after a crash, when an agent falls silent, and at a limit.
//!
//! These are the rules and the words for them; the session's own module decides with them.

use crate::{At, Size};
use serde::{Deserialize, Serialize};

/// Runs that may be lost or end unexpectedly within [`RESTART_WINDOW_MS`] before a person is asked.
pub const RESTARTS_IN_WINDOW: usize = 3;
/// The window of [`RESTARTS_IN_WINDOW`], in milliseconds.
pub const RESTART_WINDOW_MS: i64 = 5 * 60 * 1000;
/// The wait before the first restart, in milliseconds; it doubles with each further one of the window.
pub const RESTART_BASE_MS: i64 = 1_000;
/// How long a turn waits for the model server's limit at most, all waits together, in milliseconds.
pub const LIMIT_WAIT_MS: i64 = 6 * 60 * 60 * 1000;
/// The shortest wait for the model server's limit, in milliseconds; it doubles each time that the limit is met again.
pub const LIMIT_WAIT_BASE_MS: i64 = 1_000;
/// Silence before a run is looked at, in seconds, when neither agent nor settings say.
pub const STALL_AFTER_SECONDS: u32 = 600;

/// What happens to a session when the last face that was attached to it goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum OnDisconnect {
    /// It goes on.
    #[default]
    Continue,
    /// It pauses at the next safe point.
    Pause,
}

/// What happens to a session whose run was lost between two tool calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum OnCrash {
    /// It goes on by itself. A call whose end nobody saw waits for a person all the same.
    #[default]
    Resume,
    /// A person says whether it goes on.
    Ask,
}

/// When a run that ended although its work was not over is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Whenever it ended by itself, also between two turns.
    Always,
    /// When it ended in the middle of a turn.
    #[default]
    OnFailure,
    /// Not by itself.
    Never,
}

/// What becomes of the events of sessions that have been over for some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum LogPolicy {
    /// They stay as they are.
    Keep,
    /// They are packed; they can still be read and exported.
    #[default]
    Archive,
    /// They are dropped. What the conversation shows stays, and so does the audit trail.
    Prune,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every choice.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
            /// The word in files.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// Reads a word of a file.
            pub fn read(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.as_str() == text)
            }
        }
    };
}
words!(OnDisconnect { Continue = "continue", Pause = "pause" });
words!(LogPolicy { Keep = "keep", Archive = "archive", Prune = "prune" });
words!(OnCrash { Resume = "resume", Ask = "ask" });
words!(Restart { Always = "always", OnFailure = "on_failure", Never = "never" });

/// What an agent says about the life of its sessions; what is `None` is the global default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Life {
    /// When nobody is attached any more.
    pub on_disconnect: Option<OnDisconnect>,
    /// After a crash.
    pub on_crash: Option<OnCrash>,
    /// After an unexpected end.
    pub restart: Option<Restart>,
    /// Seconds of silence before a run is looked at; 0 never looks.
    pub stall_after_seconds: Option<u32>,
    /// When the model server says that too much was asked of it, and until when.
    pub wait_for_limit: Option<bool>,
}

/// The rules of one session, complete; fixed when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct LifeRules {
    /// When nobody is attached any more.
    pub on_disconnect: OnDisconnect,
    /// After a crash.
    pub on_crash: OnCrash,
    /// After an unexpected end.
    pub restart: Restart,
    /// Seconds of silence before a run is looked at; 0 never looks.
    pub stall_after_seconds: u32,
    /// Whether a turn waits and goes on by itself when the model server says until when too much was asked of it.
    pub wait_for_limit: bool,
}

impl Default for LifeRules {
    fn default() -> Self {
        Self {
            on_disconnect: OnDisconnect::default(),
            on_crash: OnCrash::default(),
            restart: Restart::default(),
            stall_after_seconds: STALL_AFTER_SECONDS,
            wait_for_limit: true,
        }
    }
}

impl Life {
    /// Complete, with these defaults for what it does not say.
    pub fn over(self, defaults: LifeRules) -> LifeRules {
        LifeRules {
            on_disconnect: self.on_disconnect.unwrap_or(defaults.on_disconnect),
            on_crash: self.on_crash.unwrap_or(defaults.on_crash),
            restart: self.restart.unwrap_or(defaults.restart),
            stall_after_seconds: self.stall_after_seconds.unwrap_or(defaults.stall_after_seconds),
            wait_for_limit: self.wait_for_limit.unwrap_or(defaults.wait_for_limit),
        }
    }
}

/// Why a session is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PauseWhy {
    /// A person paused it.
    Person,
    /// The last face that was attached went away.
    Disconnected,
    /// Everything was paused.
    Everything,
}

/// What keeps a session from starting although nothing of its own does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum HeldBack {
    /// So many runs are live already as may be at once.
    Places {
        /// The cap.
        max: u32,
    },
    /// The agent has as many live runs as it may.
    AgentPlaces {
        /// The cap.
        max: u32,
    },
    /// Live runs use as much memory as they may together.
    Memory {
        /// Megabytes that they use.
        used_mb: u32,
        /// Megabytes that they may use.
        budget_mb: u32,
    },
    /// As many runs were started in the last minute as may be.
    Rate {
        /// The cap.
        max_per_minute: u32,
    },
    /// The agent failed too often; it is tried again later.
    Breaker {
        /// Failures in a row.
        faults: u32,
        /// When one run is tried.
        until: At,
    },
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// Memory of a run, in megabytes.
    Memory,
    /// Processor of a run, in per cent of one core.
    Cpu,
    /// Processes of a run.
    Processes,
    /// Time of a run, in seconds.
    Wall,
    /// Output of a run, in megabytes.
    Output,
    /// Bytes that a run may write into its folder, in megabytes.
    Disk,
    /// Sessions of an agent in an hour.
    SpawnRate,
    /// Sessions that start sessions, how deep.
    Depth,
}

/// What was done about a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum LimitAction {
    /// It is near: nothing was done yet.
    Warned,
    /// It was slowed down.
    Throttled,
    /// It was ended.
    Ended,
    /// A session that it asked for, or a person did, was not begun.
    Refused,
}

/// A run that came to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
pub struct LimitHit {
    /// Which.
    pub limit: LimitKind,
    /// What was measured, in the limit's unit.
    pub value: Size,
    /// What is allowed, in the limit's unit.
    pub allowed: Size,
    /// What was done.
    pub action: LimitAction,
}

/// How far the look at a silent run is. Each step follows on more silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum StallStep {
    /// It was looked at: its processes live and compute, or nothing of it moves.
    Probed,
    /// A person is asked.
    Asked,
}

/// A run that is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
pub struct Stall {
    /// Since when nothing was heard.
    pub since: At,
    /// How far the look at it is.
    pub step: StallStep,
    /// Whether its processes computed since.
    pub computes: bool,
}

/// When a run is started again, after so many of the window; `noise` is any number, for the jitter of up to a half.
pub fn restart_delay_ms(earlier: usize, noise: u64) -> i64 {
    let base = RESTART_BASE_MS << earlier.min(6);
    base + (noise % (base as u64 / 2 + 1)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_wait_longer_each_time_and_never_in_step() {
        assert_eq!(restart_delay_ms(0, 0), 1_000);
        assert_eq!(restart_delay_ms(0, 500), 1_500);
        assert_eq!(restart_delay_ms(2, 0), 4_000);
        assert!((0..1_000).all(|noise| (4_000..=6_000).contains(&restart_delay_ms(2, noise * 7_919))));
    }

    #[test]
    fn an_agent_overrides_the_defaults_one_by_one() {
        let life = Life { on_crash: Some(OnCrash::Ask), ..Life::default() };
        let rules = life.over(LifeRules { restart: Restart::Never, ..LifeRules::default() });
        assert_eq!((rules.on_crash, rules.restart), (OnCrash::Ask, Restart::Never));
        assert_eq!(OnDisconnect::read("pause"), Some(OnDisconnect::Pause));
        assert_eq!(Restart::read("sometimes"), None);
    }
}
