//! What a conversation is to whoever carries it: what has to be done, what a call came to, and what does not change.

use super::{history::Line, image::Image};
use crate::prices::Prices;
use nox_domain::{
    ids::ItemId,
    session::Signal,
    tool::{CallEnd, OutputDigest},
    transcript::PlanStep,
};
use serde_json::Value;
use std::time::Duration;

/// What has to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    /// Tell the engine.
    Tell(Signal),
    /// Put a line on the disk.
    Keep(Line),
    /// Append to a text that has begun.
    Append(ItemId, String),
    /// A text is through.
    TextEnds(ItemId),
    /// Ask the model; what is heard of an older request counts no more.
    Ask { request: u64 },
    /// Stop listening to the model.
    Hush,
    /// Find out what a call would do.
    Look { key: String, name: String, input: Value },
    /// Carry a call out.
    Run { key: String, item: ItemId },
    /// End a call that runs.
    End { key: String },
    /// Wake the conversation later.
    Wake { after: Duration },
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    /// What the model is told.
    pub(super) text: String,
    /// What it is shown besides.
    pub(super) images: Vec<Image>,
    pub(super) end: CallEnd,
    /// What is kept of its output.
    pub(super) output: Option<Box<OutputDigest>>,
    /// The plan, if it told one.
    pub(super) plan: Option<Vec<PlanStep>>,
}

/// What does not change while a run lives, but for the model.
pub(super) struct Settings {
    pub(super) model: String,
    pub(super) max_iterations: u32,
    /// Tokens that the model reads, as the agent says.
    pub(super) own_context: Option<u64>,
    /// The same, when neither the agent nor the table says.
    pub(super) usual_context: u64,
    /// Bytes of what is the same in each request: what the model is told before anything else, and its tools.
    pub(super) fixed_bytes: u64,
    pub(super) prices: Prices,
    /// Nobody sells it.
    pub(super) is_local: bool,
}

impl Done {
    /// The task that carried it out broke down.
    pub(super) fn broke_down() -> Self {
        let problem = Some("a fault of Nox".to_owned());
        Self {
            text: "This failed by a fault of Nox; it may have been done in part.".into(),
            images: vec![],
            end: CallEnd::Failed { exit_code: None, signal: None, timed_out: false, problem },
            output: None,
            plan: None,
        }
    }
}

impl Act {
    /// What has to be done for a text; the other acts of a child are none of a loop without one.
    pub(super) fn of_text(act: crate::child::Act) -> Option<Self> {
        use crate::child::Act as Of;
        match act {
            Of::Tell(signal) => Some(Self::Tell(signal)),
            Of::Append(item, text) => Some(Self::Append(item, text)),
            Of::TextEnds(item) => Some(Self::TextEnds(item)),
            _ => None,
        }
    }
}
