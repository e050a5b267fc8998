//! What agents tell besides words and tool calls: plans, what was used, places in files, diffs, and what is wrong with
//! the program that carries them.

use crate::{Size, terminal::harmless};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

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
    /// Millionths of a US dollar, as far as that was told: 0 for what costs nothing, none where nobody said.
    pub cost_micro_usd: Option<Size>,
}

/// Lines that edits brought and took, as the diffs of their calls say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
pub struct Lines {
    /// Lines that came.
    pub added: u32,
    /// Lines that went.
    pub removed: u32,
}

impl Lines {
    /// The sum with what some diffs say.
    #[must_use]
    pub fn with(self, diffs: &[FileDiff]) -> Self {
        diffs.iter().fold(self, |sum, diff| Self {
            added: sum.added.saturating_add(diff.added),
            removed: sum.removed.saturating_add(diff.removed),
        })
    }

    /// Whether nothing changed, or nobody said what.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
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
            cost_micro_usd: match (self.cost_micro_usd, more.cost_micro_usd) {
                (Some(a), Some(b)) => Some(sum(a, b)),
                (before, more) => before.or(more),
            },
        }
    }
}

/// What of a program can be changed while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Dial {
    /// How freely it works.
    Mode,
    /// Which model it asks.
    Model,
}

impl Dial {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Mode, Self::Model];
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
    /// Whether a prompt may carry images; none where nobody has said.
    pub images: Option<bool>,
}

/// Of each list of offers so many are kept.
pub const MAX_OFFERS: usize = 128;
/// Of models, which routers have by the hundreds, so many.
pub const MAX_MODELS: usize = 600;
/// Of each text of an offer so many letters are kept.
pub const MAX_OFFER_LETTERS: usize = 300;

impl Offers {
    /// As it may be kept and shown: bounded, and harmless. What has a name that would have to be changed is left out, since
    /// the program would not know it any more.
    #[must_use]
    pub fn capped(self) -> Self {
        Self {
            modes: capped(self.modes),
            mode: self.mode.filter(|id| is_name(id)),
            models: capped_to(MAX_MODELS, self.models),
            model: self.model.filter(|id| is_name(id)),
            commands: capped(self.commands),
            ..self
        }
    }

    /// What this dial stands at.
    pub fn present(&self, dial: Dial) -> &Option<String> {
        match dial {
            Dial::Mode => &self.mode,
            Dial::Model => &self.model,
        }
    }

    /// The same, to be changed.
    pub fn present_mut(&mut self, dial: Dial) -> &mut Option<String> {
        match dial {
            Dial::Mode => &mut self.mode,
            Dial::Model => &mut self.model,
        }
    }

    /// Whether this mode can be chosen.
    pub fn has_mode(&self, id: &str) -> bool {
        self.modes.iter().any(|mode| mode.id == id)
    }

    /// Whether this model can be chosen.
    pub fn has_model(&self, id: &str) -> bool {
        self.models.iter().any(|model| model.id == id)
    }
}

fn capped(offers: Vec<Offer>) -> Vec<Offer> {
    capped_to(MAX_OFFERS, offers)
}

/// Of a long list nothing is kept that is said about each, so that what is stored of it stays small.
fn capped_to(most: usize, offers: Vec<Offer>) -> Vec<Offer> {
    let is_long = offers.len() > MAX_OFFERS;
    let (mut kept, mut known): (Vec<Offer>, HashSet<String>) = Default::default();
    for mut offer in offers {
        if kept.len() >= most {
            break;
        }
        if !is_name(&offer.id) || !known.insert(offer.id.clone()) {
            continue;
        }
        if is_long {
            offer.description.clear();
        }
        let name = one_line(&offer.name);
        kept.push(Offer {
            name: if name.is_empty() { offer.id.clone() } else { name },
            description: one_line(&offer.description),
            id: offer.id,
        });
    }
    kept
}

fn is_name(id: &str) -> bool {
    !id.is_empty()
        && id.chars().count() <= MAX_OFFER_LETTERS
        && !id.contains(['\n', '\t', '\u{1b}'])
        && harmless(id.as_bytes()) == id
}

/// Without control characters, and without colours.
fn one_line(text: &str) -> String {
    let mut harmless = harmless(text.as_bytes());
    while let Some(at) = harmless.find('\u{1b}') {
        let end = harmless[at..].find('m').map_or(harmless.len(), |end| at + end + 1);
        harmless.replace_range(at..end, "");
    }
    let words: Vec<&str> = harmless.split_whitespace().collect();
    words.join(" ").chars().take(MAX_OFFER_LETTERS).collect()
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
    /// What the settings of the agent want cannot be: a folder or a key that is not there, a mode in which its program would not ask.
    Settings,
}

impl AgentFault {
    /// Whether it comes again until a person has done something.
    pub fn is_permanent(self) -> bool {
        !matches!(self, Self::RateLimit | Self::Overloaded | Self::Unreachable | Self::Crashed)
    }

    /// Whether something broke down that should have worked. All else is refused because of how the agent is set up or of what
    /// it was asked: that comes again at once and costs nothing, until a person has done something.
    pub fn is_breakdown(self) -> bool {
        match self {
            Self::RateLimit | Self::Overloaded | Self::Unreachable | Self::Protocol | Self::Crashed => true,
            Self::NotInstalled
            | Self::NotSignedIn
            | Self::BadKey
            | Self::ContextFull
            | Self::Refused
            | Self::Elsewhere
            | Self::Settings => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(id: &str, name: &str) -> Offer {
        Offer { id: id.into(), name: name.into(), description: "one\ntwo \u{1b}[31mred".into() }
    }

    #[test]
    fn offers_are_bounded_and_harmless() {
        let many = (0..900).map(|n| offer(&format!("m{n}"), &"x".repeat(2_000))).collect();
        let odd =
            vec![offer("a\u{1b}[2J", "clear"), offer("", "none"), offer("plan", ""), offer("plan", "again")];
        let offers = Offers { modes: odd, models: many, mode: Some("a\nb".into()), ..Offers::default() };
        let capped = offers.capped();
        assert_eq!(capped.models.len(), MAX_MODELS);
        let bytes = serde_json::to_string(&capped).map_or(usize::MAX, |text| text.len());
        assert!(bytes < 250_000, "{bytes}");
        let short = Offers { models: vec![offer("m", "M")], ..Offers::default() }.capped();
        assert_eq!(short.models[0].description, "one two red");
        assert_eq!(capped.models[0].name.chars().count(), MAX_OFFER_LETTERS);
        assert_eq!(capped.modes.len(), 1, "{:?}", capped.modes);
        assert_eq!((capped.modes[0].name.as_str(), capped.mode.as_deref()), ("plan", None));
        assert!(!capped.modes[0].description.contains(['\n', '\u{1b}']), "{:?}", capped.modes[0]);
        assert_eq!(capped.clone().capped(), capped, "what is capped stays");
    }
}
