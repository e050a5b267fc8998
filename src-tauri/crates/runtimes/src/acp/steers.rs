//! Words that are said into a turn that runs. Version 1 of the protocol has no way for that; some programs have one of their own.

use super::{
    conversation::{Conversation, Request},
    faults::{self, noted},
};
use crate::child::Act;
use nox_domain::session::Signal;
use serde_json::{Value, json};

/// Words that wait until the program asks for them, or answers them.
const MAX_WAITING: usize = 256;

/// How a program takes words into its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// They are sent to it by this method, if it says when it begins that it takes them.
    Sent(&'static str),
    /// It asks for them behind its calls, by this method.
    Fetched(&'static str),
}

impl Conversation {
    /// Whether the program takes words into its turn, by its first answer.
    pub(super) fn takes_words(&self, initialized: &Value) -> bool {
        match self.preset.steers {
            Some(Way::Sent(_)) => initialized["_meta"]["steering"]["supported"] == true,
            Some(Way::Fetched(_)) => true,
            None => false,
        }
    }

    /// Says something into the turn that runs; what comes too late for it is given back.
    pub(super) fn say(&mut self, text: &str, out: &mut Vec<Act>) {
        let way = self.preset.steers.filter(|_| self.takes_words && self.is_at_work());
        match way {
            Some(Way::Sent(method)) if self.steers_waiting().count() + self.injected.len() < MAX_WAITING => {
                let prompt = json!([{ "type": "text", "text": text }]);
                // Without this a program that is already through would begin a turn that nobody sees.
                let meta = json!({ "steering": { "idleBehavior": "promptRequired" } });
                let params = json!({ "prompt": prompt, "_meta": meta });
                self.ask(Request::Steer(text.to_owned()), method, params, out);
            }
            Some(Way::Fetched(_)) if self.words.len() < MAX_WAITING => self.words.push(text.to_owned()),
            _ => out.push(Act::Tell(Signal::NotSteered(text.to_owned()))),
        }
    }

    /// What came of words that were sent.
    pub(super) fn said(&mut self, text: String, answer: Result<&Value, &Value>, out: &mut Vec<Act>) {
        match answer {
            // Its model has not heard them yet: a program that is killed before may have lost them.
            Ok(result) if result["outcome"] != "promptRequired" && self.has_turn() => {
                return self.injected.push(text);
            }
            // Its turn came to its end meanwhile.
            Ok(result) if result["outcome"] != "promptRequired" => {
                return out.push(Act::Tell(Signal::Steered(text)));
            }
            Ok(_) => {}
            Err(error) => {
                let (title, said) = (self.preset.named.title, faults::said(error));
                let note = format!("{title} did not take this into its turn, so it is asked next: {said}");
                out.push(noted("not_steered", note));
            }
        }
        out.push(Act::Tell(Signal::NotSteered(text)));
    }

    /// Hands out the words that wait, when this is the question for them.
    pub(super) fn hands_out(&mut self, method: &str, id: &Value, out: &mut Vec<Act>) -> bool {
        let is_it = matches!(self.preset.steers, Some(Way::Fetched(own)) if own == method);
        if is_it {
            // A turn that somebody has ended hears nothing more.
            let words = if self.is_at_work() { std::mem::take(&mut self.words) } else { Vec::new() };
            let result = json!({ "messages": words, "hasQueuedPrompt": false });
            out.push(Act::Send(json!({ "jsonrpc": "2.0", "id": id, "result": result })));
            out.extend(words.into_iter().map(|text| Act::Tell(Signal::Steered(text))));
        }
        is_it
    }

    /// Words that were sent and not answered yet.
    fn steers_waiting(&self) -> impl Iterator<Item = &String> {
        self.waiting.values().filter_map(|request| match request {
            Request::Steer(text) => Some(text),
            _ => None,
        })
    }

    /// How much is kept of what was said into the turn.
    pub(super) fn words_bytes(&self) -> usize {
        self.words.iter().chain(&self.injected).chain(self.steers_waiting()).map(String::len).sum()
    }

    /// The turn is over: what the program took in was heard if it ended `well`, and all the rest is given back.
    pub(super) fn settles_words(&mut self, well: bool, out: &mut Vec<Act>) {
        let taken = |text| if well { Signal::Steered(text) } else { Signal::NotSteered(text) };
        out.extend(self.injected.drain(..).map(|text| Act::Tell(taken(text))));
        out.extend(self.words.drain(..).map(|text| Act::Tell(Signal::NotSteered(text))));
        // An answer that is still on its way says nothing new of a turn that was cut off.
        let unanswered = self.waiting.extract_if(|_, what| !well && matches!(what, Request::Steer(_)));
        let mut unanswered: Vec<_> = unanswered.collect();
        unanswered.sort_unstable_by_key(|(id, _)| *id);
        out.extend(unanswered.into_iter().filter_map(|(_, what)| match what {
            Request::Steer(text) => Some(Act::Tell(Signal::NotSteered(text))),
            _ => None,
        }));
    }
}
