//! What was said, as it is kept: lines that follow from each other, and the state that they lead to.
//!
//! A [`Line`] is a fact of one conversation. [`History`] is nothing but the lines read in order, so what a model is asked
//! after a restart is what it would have been asked without one. Who keeps the lines is `keep`; what a model server makes
//! of them is `wire`.

use super::image::{self, Image};
use nox_domain::{
    event::{Problem, TurnEnd},
    ids::TurnId,
    session::Prompt,
    transcript::AgentFault,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The version of the lines that is written. In the first a turn had no name, its end said only whether it was `well`, and
/// every image was there whole.
pub(super) const SCHEMA: u32 = 2;

/// A part of what a model said, in its order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub(super) enum Part {
    /// Words.
    Text { text: String },
    /// A thought.
    Thought { text: String },
    /// What a model server wants to see again beside the thought that follows.
    Signature { text: String },
    /// A part of its own form, which that kind of model server wants to see again as it is.
    Raw { data: Value },
    /// It wants a tool.
    Call {
        /// The model server's name for it.
        id: String,
        name: String,
        input: Value,
    },
}

/// How a call came to its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fate {
    Succeeded,
    Failed,
    Denied,
    Cancelled,
    /// It was let run, and nobody saw its end.
    Unknown,
}

/// A fact of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line.
    Begun { schema: u32 },
    /// Somebody said something: what a turn begins with, or, without one, into the turn that ran.
    Asked {
        text: String,
        #[serde(default)]
        turn: Option<TurnId>,
        /// What was shown with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
    /// The model said something.
    Answered {
        parts: Vec<Part>,
        input_tokens: u64,
        /// It was cut off at the length that the model may write.
        #[serde(default)]
        cut: bool,
    },
    /// The call with this key is let run: from here on it may have had an effect.
    Allowed { key: String },
    /// What the model is told about a call, and shown.
    Result {
        key: String,
        fate: Fate,
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
    /// So many entries behind the first one are left out from here on; the text stands in their place.
    LeftOut { entries: usize, text: String },
    /// The turn is over, as it was told. One that met the model server's limit goes on when it is asked again.
    TurnOver {
        #[serde(alias = "well", deserialize_with = "end_or_well")]
        end: TurnEnd,
        #[serde(default)]
        problem: Option<Problem>,
    },
}

impl Line {
    /// The same, with its images named and nothing else held of them.
    pub(super) fn without_images(&self) -> Self {
        let mut line = self.clone();
        if let Self::Result { images, .. } | Self::Asked { images, .. } = &mut line {
            images.iter_mut().for_each(Image::forget);
        }
        line
    }
}

/// The end of a turn, in both versions.
fn end_or_well<'de, D: Deserializer<'de>>(from: D) -> Result<TurnEnd, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Well(bool),
        End(TurnEnd),
    }
    Ok(match Either::deserialize(from)? {
        Either::Well(true) => TurnEnd::End,
        Either::Well(false) => TurnEnd::Failed,
        Either::End(end) => end,
    })
}

/// Something that a model is shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    Asked(String, Vec<Image>),
    Answered(Vec<Part>),
    /// The results of the calls of the answer before it, in their order.
    Results(Vec<CallResult>),
}

/// The result of one call, as a model is shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallResult {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) text: String,
    pub(super) images: Vec<Image>,
    pub(super) fate: Fate,
}

/// A call that has no result yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OpenCall {
    pub(super) key: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) input: Value,
    /// How many calls stand before it in the same answer.
    pub(super) place: usize,
    /// It was let run.
    pub(super) allowed: bool,
    result: Option<CallResult>,
}

/// Where a conversation stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct History {
    entries: Vec<Entry>,
    /// Calls of the newest answer, until all have a result.
    calls: Vec<OpenCall>,
    /// All calls that were ever wanted: the next one's number.
    wanted: u64,
    /// The turn that runs, or the newest one.
    turn: Option<TurnId>,
    /// How the newest turn ended; none while it runs.
    over: Option<(TurnEnd, Option<Problem>)>,
    /// What was said into that turn.
    steers: Vec<String>,
    /// The newest answer was cut off.
    is_cut: bool,
    /// Tokens of the newest request, as the model server counted them, and the estimate of the same.
    measured: Option<(u64, u64)>,
}

impl History {
    /// Takes a line in. One that does not follow from those before it changes nothing.
    pub(super) fn apply(&mut self, line: &Line) {
        match line {
            Line::Begun { .. } => {}
            Line::Asked { text, turn, images } => {
                self.entries.push(Entry::Asked(text.clone(), images.clone()));
                if !images.is_empty() {
                    self.forget_older_images();
                }
                if turn.is_some() {
                    self.turn.clone_from(turn);
                    self.over = None;
                    self.steers.clear();
                } else {
                    self.steers.push(text.clone());
                }
            }
            Line::Answered { parts, input_tokens, cut } => {
                self.is_cut = *cut;
                if *input_tokens > 0 {
                    self.measured = Some((*input_tokens, self.bytes()));
                }
                self.calls.clear();
                for part in parts {
                    if let Part::Call { id, name, input } = part {
                        self.wanted += 1;
                        self.calls.push(OpenCall {
                            key: format!("call:{}", self.wanted),
                            id: id.clone(),
                            name: name.clone(),
                            input: input.clone(),
                            place: self.calls.len(),
                            allowed: false,
                            result: None,
                        });
                    }
                }
                self.entries.push(Entry::Answered(parts.clone()));
            }
            Line::Allowed { key } => {
                if let Some(call) = self.calls.iter_mut().find(|call| call.key == *key) {
                    call.allowed = true;
                }
            }
            Line::Result { key, fate, text, images } => self.result(key, *fate, text, images),
            Line::LeftOut { entries, text } => {
                let end = (1 + entries).min(self.entries.len());
                if end > 1 {
                    self.entries.splice(1..end, [Entry::Asked(text.clone(), vec![])]);
                    self.measured = None;
                }
            }
            Line::TurnOver { end, problem } => self.over = Some((*end, problem.clone())),
        }
    }

    fn result(&mut self, key: &str, fate: Fate, text: &str, images: &[Image]) {
        let Some(call) = self.calls.iter_mut().find(|call| call.key == key && call.result.is_none()) else {
            return;
        };
        call.result = Some(CallResult {
            id: call.id.clone(),
            name: call.name.clone(),
            text: text.to_owned(),
            images: images.to_vec(),
            fate,
        });
        if self.calls.iter().all(|call| call.result.is_some()) {
            let results = self.calls.drain(..).filter_map(|call| call.result).collect();
            self.entries.push(Entry::Results(results));
        }
        if !images.is_empty() {
            self.forget_older_images();
        }
    }

    /// Holds what is to be seen of so many images as a model is shown at once: the newest.
    fn forget_older_images(&mut self) {
        let waiting = self.calls.iter_mut().rev().filter_map(|call| call.result.as_mut());
        let waiting = waiting.flat_map(|result| result.images.iter_mut().rev());
        let entries = self.entries.iter_mut().rev();
        image::forget_older(waiting.chain(entries.flat_map(|entry| entry.images_mut().rev())));
    }

    /// What the model is shown.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Calls without a result, in their order.
    pub(super) fn open_calls(&self) -> impl Iterator<Item = &OpenCall> {
        self.calls.iter().filter(|call| call.result.is_none())
    }

    /// A call without a result.
    pub(super) fn open_call(&self, key: &str) -> Option<&OpenCall> {
        self.open_calls().find(|call| call.key == key)
    }

    /// How this turn ended, if it is the newest one and over.
    pub(super) fn end_of(&self, prompt: &Prompt) -> Option<&(TurnEnd, Option<Problem>)> {
        self.over.as_ref().filter(|_| self.turn.as_ref() == Some(&prompt.turn))
    }

    /// Whether this turn met the model server's limit before it was answered.
    pub(super) fn is_limited(&self, prompt: &Prompt) -> bool {
        let limited = |problem: &Problem| {
            matches!(problem, Problem::Agent { fault: AgentFault::RateLimit, until: Some(_), .. })
        };
        let problem = self.end_of(prompt).and_then(|(_, problem)| problem.as_ref());
        problem.is_some_and(limited) && self.wants_an_answer()
    }

    /// Whether the newest answer was cut off at the length that the model may write.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether this turn has begun and is not over.
    pub(super) fn is_open(&self, prompt: &Prompt) -> bool {
        self.over.is_none() && self.turn.as_ref() == Some(&prompt.turn)
    }

    /// What was said into this turn, if it is the newest one.
    pub(super) fn steers(&self, prompt: &Prompt) -> &[String] {
        if self.turn.as_ref() == Some(&prompt.turn) { &self.steers } else { &[] }
    }

    /// Whether something was said or done since the newest answer, to which the model has said nothing yet.
    pub(super) fn wants_an_answer(&self) -> bool {
        matches!(self.entries.last(), Some(Entry::Asked(..) | Entry::Results(_)))
    }

    /// Whether there are images that can be shown.
    pub(super) fn has_images(&self) -> bool {
        self.entries.iter().flat_map(Entry::images).any(|image| image.base64().is_some())
    }

    /// Whether the newest is a prompt with images.
    pub(super) fn was_just_shown(&self) -> bool {
        self.entries.last().is_some_and(|last| matches!(last, Entry::Asked(_, images) if !images.is_empty()))
    }

    /// Whether a person has shown images that can be shown.
    pub(super) fn has_images_of_a_person(&self) -> bool {
        let asked = self.entries.iter().filter(|entry| matches!(entry, Entry::Asked(..)));
        asked.flat_map(Entry::images).any(|image| image.base64().is_some())
    }

    /// The words of the newest answer.
    pub(super) fn last_words(&self) -> String {
        let parts = self.entries.iter().rev().find_map(|entry| match entry {
            Entry::Answered(parts) => Some(parts),
            _ => None,
        });
        let words = parts.into_iter().flatten().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        });
        words.collect()
    }

    /// Bytes of all that the model is shown.
    pub(super) fn bytes(&self) -> u64 {
        self.entries.iter().map(Entry::bytes).sum()
    }

    /// Tokens of all that the model is shown, with so many bytes of what is the same in each request: as the model server
    /// counted the last time, and else a token for each three and a half bytes.
    pub(super) fn tokens(&self, fixed: u64) -> u64 {
        match self.measured {
            Some((tokens, bytes)) if bytes > 0 => {
                // What is new since counts as it did before, at a sane rate whatever a server says.
                let rate = (tokens as f64 / (bytes + fixed) as f64).clamp(0.1, 1.0);
                tokens + (self.bytes().saturating_sub(bytes) as f64 * rate) as u64
            }
            _ => (self.bytes() + fixed) * 2 / 7,
        }
    }
}

impl Entry {
    /// Its images, in their order.
    pub(super) fn images(&self) -> impl Iterator<Item = &Image> {
        let (own, results) = match self {
            Self::Asked(_, images) => (&images[..], &[][..]),
            Self::Results(results) => (&[][..], &results[..]),
            Self::Answered(_) => (&[][..], &[][..]),
        };
        own.iter().chain(results.iter().flat_map(|result| &result.images))
    }

    fn images_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Image> {
        let (own, results) = match self {
            Self::Asked(_, images) => (&mut images[..], &mut [][..]),
            Self::Results(results) => (&mut [][..], &mut results[..]),
            Self::Answered(_) => (&mut [][..], &mut [][..]),
        };
        own.iter_mut().chain(results.iter_mut().flat_map(|result| &mut result.images))
    }

    /// Bytes that it costs, roughly: what is not text has its JSON counted.
    pub(super) fn bytes(&self) -> u64 {
        let bytes = match self {
            Self::Asked(text, images) => text.len() + images.len() * image::COST_BYTES,
            Self::Answered(parts) => parts.iter().map(Part::bytes).sum(),
            Self::Results(results) => results.iter().map(CallResult::bytes).sum(),
        };
        // What a message costs by itself.
        bytes as u64 + 16
    }
}

impl CallResult {
    fn bytes(&self) -> usize {
        self.text.len() + self.id.len() + self.images.len() * image::COST_BYTES
    }
}

impl Part {
    fn bytes(&self) -> usize {
        match self {
            Self::Text { text } | Self::Thought { text } | Self::Signature { text } => text.len(),
            Self::Raw { data } => data.to_string().len(),
            Self::Call { id, name, input } => id.len() + name.len() + input.to_string().len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn call(id: &str) -> Part {
        Part::Call { id: id.into(), name: "read".into(), input: json!({}) }
    }

    fn after(lines: &[Line]) -> History {
        let mut history = History::default();
        lines.iter().for_each(|line| history.apply(line));
        history
    }

    fn asked(text: &str) -> Line {
        Line::Asked { text: text.into(), turn: None, images: vec![] }
    }

    fn result(key: &str) -> Line {
        Line::Result { key: key.into(), fate: Fate::Succeeded, text: "ok".into(), images: vec![] }
    }

    #[test]
    fn results_are_shown_together_and_in_order_and_keys_count_on() {
        let answer =
            Line::Answered { parts: vec![call("call_0"), call("call_0")], input_tokens: 0, cut: false };
        let mut history = after(&[asked("a"), answer.clone(), result("call:2")]);
        assert_eq!(history.open_calls().map(|call| call.key.as_str()).collect::<Vec<_>>(), ["call:1"]);
        history.apply(&result("call:1"));
        assert!(matches!(history.entries().last(), Some(Entry::Results(results)) if results.len() == 2));
        history.apply(&answer);
        assert_eq!(
            history.open_calls().map(|call| call.key.as_str()).collect::<Vec<_>>(),
            ["call:3", "call:4"]
        );
    }

    #[test]
    fn what_is_left_out_keeps_the_first_prompt() {
        let mut history = after(&[
            asked("the task"),
            Line::Answered { parts: vec![], input_tokens: 9, cut: false },
            asked("b"),
        ]);
        history.apply(&Line::LeftOut { entries: 1, text: "[left out]".into() });
        let entries = [Entry::Asked("the task".into(), vec![]), Entry::Asked("[left out]".into(), vec![])];
        assert_eq!(history.entries()[..2], entries);
        assert_eq!(history.entries().len(), 3);
    }

    #[test]
    fn a_turn_is_known_by_its_name_and_not_by_its_words() {
        let (one, other) = (crate::testing::prompt("a"), crate::testing::prompt("a"));
        let mut history =
            after(&[Line::Asked { text: "a".into(), turn: Some(one.turn.clone()), images: vec![] }]);
        assert!(history.is_open(&one) && !history.is_open(&other));
        history.apply(&Line::Answered {
            parts: vec![Part::Text { text: "yes".into() }],
            input_tokens: 1,
            cut: false,
        });
        history.apply(&Line::TurnOver { end: TurnEnd::End, problem: None });
        assert_eq!(history.end_of(&one), Some(&(TurnEnd::End, None)));
        assert!(history.end_of(&other).is_none() && !history.is_open(&one) && !history.is_open(&other));
        assert_eq!(history.last_words(), "yes");
    }

    #[test]
    fn tokens_follow_what_the_server_counted() {
        let mut history = after(&[asked(&"x".repeat(3_484))]);
        assert_eq!(history.tokens(0), 1_000);
        history.apply(&Line::Answered { parts: vec![], input_tokens: 2_000, cut: false });
        assert!((2_000..2_020).contains(&history.tokens(0)), "{}", history.tokens(0));
    }

    #[test]
    fn what_is_the_same_in_each_request_counts_as_well() {
        let mut history = after(&[asked(&"x".repeat(3_484))]);
        assert_eq!(history.tokens(3_500), 2_000);
        // The server counts all of it.
        history.apply(&Line::Answered { parts: vec![], input_tokens: 2_000, cut: false });
        history.apply(&asked(&"x".repeat(3_484)));
        assert!((2_900..3_100).contains(&history.tokens(3_500)), "{}", history.tokens(3_500));
    }

    proptest! {
        #[test]
        fn no_order_of_lines_breaks_anything(picks in proptest::collection::vec(0u8..8, 0..60)) {
            let mut history = History::default();
            for pick in picks {
                history.apply(&match pick {
                    0 => asked("x"),
                    1 => Line::Answered { parts: vec![call("a"), call("b")], input_tokens: u64::from(u32::MAX), cut: false },
                    2 => result("call:1"),
                    3 => result("call:2"),
                    4 => Line::Allowed { key: "call:3".into() },
                    5 => Line::LeftOut { entries: usize::MAX / 2, text: String::new() },
                    6 => Line::TurnOver { end: TurnEnd::End, problem: None },
                    _ => Line::Begun { schema: 9 },
                });
                prop_assert!(history.tokens(0) < u64::MAX);
            }
        }
    }
}
