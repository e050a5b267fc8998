//! What agents tell besides words and tool calls: plans, what was used, places in files, diffs, and what is wrong with
//! the program that carries them.

use crate::Size;
use serde::{Deserialize, Serialize};

/// How far a step of a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Being done.
    InProgress,
    /// Done.
    Completed,
}

/// A step of an agent's plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PlanStep {
    /// In words.
    pub text: String,
    /// How far it is.
    pub status: StepStatus,
}

/// What models used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Usage {
    /// The model's name; the newest one when there were several.
    pub model: String,
    /// Tokens in, without those from a cache.
    pub input_tokens: Size,
    /// Tokens in that came from a cache or went into one.
    pub cached_tokens: Size,
    /// Tokens out.
    pub output_tokens: Size,
    /// Millionths of a US dollar.
    pub cost_micro_usd: Size,
}

impl Usage {
    /// The sum, with the name of the newer one.
    #[must_use]
    pub fn plus(&self, more: &Self) -> Self {
        let sum = |a: Size, b: Size| Size(a.0.saturating_add(b.0));
        Self {
            model: if more.model.is_empty() { self.model.clone() } else { more.model.clone() },
            input_tokens: sum(self.input_tokens, more.input_tokens),
            cached_tokens: sum(self.cached_tokens, more.cached_tokens),
            output_tokens: sum(self.output_tokens, more.output_tokens),
            cost_micro_usd: sum(self.cost_micro_usd, more.cost_micro_usd),
        }
    }
}

/// Something that can be chosen, by the program's name for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
pub struct Offer {
    /// The program's name for it.
    pub id: String,
    /// For people.
    pub name: String,
    /// One line; may be empty.
    pub description: String,
}

/// What the program that carries a session offers, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Offers {
    /// How freely it works.
    pub modes: Vec<Offer>,
    /// The mode that it is in.
    pub mode: Option<String>,
    /// Models.
    pub models: Vec<Offer>,
    /// The model that it asks.
    pub model: Option<String>,
    /// Commands that a prompt may begin with, without their stroke.
    pub commands: Vec<Offer>,
    /// Whether something can be said into a turn that runs.
    pub steers: bool,
    /// Whether a copy of the conversation can be gone on with.
    pub forks: bool,
}

/// A place that a tool call is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
pub struct Location {
    /// Absolute, or as the program named it.
    pub path: String,
    /// From 1.
    pub line: Option<u32>,
}

/// What a tool call would change in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct FileDiff {
    /// Absolute, or as the program named it.
    pub path: String,
    /// The hunks in unified form, without a header; the first part of them when it is cut.
    pub text: String,
    /// Lines that come, in the whole diff.
    pub added: u32,
    /// Lines that go.
    pub removed: u32,
    /// Whether the text is not the whole diff.
    pub cut: bool,
}

/// What is wrong with the program that carries an agent, or with what it talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum AgentFault {
    /// The program is not there.
    NotInstalled,
    /// Nobody is signed in, and there is no key.
    NotSignedIn,
    /// The model server does not take the key.
    BadKey,
    /// Too much was asked of the model server.
    RateLimit,
    /// The model server has too much to do.
    Overloaded,
    /// The conversation is longer than the model can read.
    ContextFull,
    /// The model server does not answer.
    Unreachable,
    /// The model server refused what was asked.
    Refused,
    /// What the program says is not understood.
    Protocol,
    /// The program broke down.
    Crashed,
    /// Somebody else carries this conversation on.
    Elsewhere,
}

impl AgentFault {
    /// Whether it comes again until a person has done something.
    pub fn is_permanent(self) -> bool {
        !matches!(self, Self::RateLimit | Self::Overloaded | Self::Unreachable | Self::Crashed)
    }
}
