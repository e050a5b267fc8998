//! Scripts: what a model says, and what goes wrong. JSON, so that tests in other languages write them too.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the server answers, reply by reply.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// In order; each is used once unless it says `again`.
    pub replies: Vec<Reply>,
}

/// One reply of the model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// What it says and wants, in order.
    pub parts: Vec<Part>,
    /// What goes wrong, after the parts unless it is a status.
    pub fault: Option<Fault>,
    /// What it says that was used.
    pub tokens: Tokens,
    /// Milliseconds before each piece of a text.
    pub every_ms: u64,
    /// Milliseconds before it says anything.
    pub first_ms: u64,
    /// Only for a request whose body holds this.
    pub contains: Option<String>,
    /// Also for a request that offers no tools.
    pub any: bool,
    /// It is given again and again.
    pub again: bool,
}

/// A part of a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Words; streamed in pieces of a few words.
    Text(String),
    /// A thought, where the wire has such.
    Thought(String),
    /// A tool call. Several of them are wanted at once.
    Call {
        /// The tool.
        name: String,
        /// What it is given. A text, where the wire has tools that take one instead of JSON.
        input: Value,
    },
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// An answer with this status instead of a reply.
    Status {
        /// 400, 401, 429, 529 …
        code: u16,
        /// In words.
        message: String,
        /// The header `retry-after`.
        #[serde(default)]
        retry_after_seconds: Option<u32>,
    },
    /// Nothing more comes, and the connection stays.
    Hang,
    /// The connection is cut.
    Cut,
    /// What comes next is no JSON, and then the stream ends in order.
    Malformed,
}

/// Tokens that a reply says were used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Read.
    pub input: u32,
    /// Written.
    pub output: u32,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { input: 100, output: 20 }
    }
}

impl Script {
    /// A script of these replies.
    pub fn of(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { replies: replies.into_iter().collect() }
    }
}

impl Reply {
    /// Words.
    pub fn text(text: &str) -> Self {
        Self { parts: vec![Part::Text(text.to_owned())], ..Self::default() }
    }

    /// A tool call.
    pub fn call(name: &str, input: Value) -> Self {
        Self { parts: vec![Part::Call { name: name.to_owned(), input }], ..Self::default() }
    }

    /// A status instead of a reply.
    pub fn status(code: u16, message: &str) -> Self {
        let fault = Fault::Status { code, message: message.to_owned(), retry_after_seconds: None };
        Self { fault: Some(fault), ..Self::default() }
    }

    /// The same with a fault after its parts.
    pub fn with(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    /// The same, slow.
    pub fn slow(self, every_ms: u64) -> Self {
        Self { every_ms, ..self }
    }

    /// Whether it wants a tool call.
    pub(super) fn has_calls(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Call { .. }))
    }

    /// All words, without thoughts.
    pub(super) fn words(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }
}

/// A text in pieces of some words, each with what stands behind it, as models stream it.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut count = 0;
    text.split_inclusive(move |letter: char| {
        count += usize::from(letter == ' ' || letter == '\n');
        (letter == ' ' || letter == '\n') && count % 2 == 0
    })
}
