//! Calls that come in fragments, put together within bounds.
//!
//! On OpenAI's wire of chat completions a call begins with its name, and its input comes piece by piece. A piece names its
//! call by an index, which reaches us only as the name `call_INDEX`. The library would make room for every index that a
//! server names; here an index is a name and nothing else.

use super::history::Part;
use genai::chat::ToolCall;
use serde_json::Value;
use std::collections::HashMap;

/// Calls that one answer may have.
const MAX_CALLS: usize = 1_000;

/// A call so far.
#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    input: String,
}

impl Call {
    fn of(fragment: ToolCall) -> Self {
        let input = match fragment.fn_arguments {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        Self { id: fragment.call_id, name: fragment.fn_name, input }
    }
}

/// The calls of one answer so far.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    calls: Vec<Call>,
    /// Which call an index means.
    places: HashMap<u32, usize>,
    bytes: usize,
}

impl Fragments {
    /// Takes a fragment in; whether there is still room.
    pub(super) fn take(&mut self, fragment: ToolCall) -> bool {
        let Call { id, name, input } = Call::of(fragment);
        self.bytes += id.len() + name.len() + input.len();
        match self.place_of(&id, &name) {
            Some(place) => self.calls[place].input.push_str(&input),
            None => self.calls.push(Call { id, name, input }),
        }
        self.calls.len() <= MAX_CALLS
    }

    /// Takes in all that is known of a call, on wires that tell it so; whether there is still room.
    pub(super) fn replace(&mut self, call: ToolCall) -> bool {
        let call = Call::of(call);
        self.bytes += call.input.len();
        match self.calls.iter_mut().find(|known| known.id == call.id) {
            Some(known) => {
                self.bytes -= known.input.len();
                known.input = call.input;
            }
            None => self.calls.push(call),
        }
        self.calls.len() <= MAX_CALLS
    }

    /// Bytes of all of them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The call that goes on; none when a new one begins.
    fn place_of(&mut self, id: &str, name: &str) -> Option<usize> {
        // Some servers tell the name of the call with every piece.
        let by_id = self.calls.iter().rposition(|call| call.id == id);
        if by_id.is_some() || !name.is_empty() {
            return by_id;
        }
        let newest = self.calls.len().checked_sub(1)?;
        let Some(index) = id.strip_prefix("call_").and_then(|index| index.parse::<u32>().ok()) else {
            return Some(newest);
        };
        // Some count from one, and an index may be any number at all.
        let told = usize::try_from(index).ok().filter(|place| *place <= newest).unwrap_or(newest);
        Some(*self.places.entry(index).or_insert(told))
    }

    /// The calls, whole. What is no JSON stays a text, which no tool takes.
    pub(super) fn whole(self) -> impl Iterator<Item = Part> {
        self.calls.into_iter().map(|Call { id, name, input }| {
            let input = serde_json::from_str(&input).unwrap_or(Value::String(input));
            Part::Call { id, name, input }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fragment(id: &str, name: &str, input: &str) -> ToolCall {
        ToolCall {
            call_id: id.into(),
            fn_name: name.into(),
            fn_arguments: Value::String(input.into()),
            thought_signatures: None,
        }
    }

    fn whole(fragments: &[(&str, &str, &str)]) -> Vec<Part> {
        let mut all = Fragments::default();
        for (id, name, input) in fragments {
            assert!(all.take(fragment(id, name, input)));
        }
        all.whole().collect()
    }

    fn call(id: &str, input: Value) -> Part {
        Part::Call { id: id.into(), name: "read".into(), input }
    }

    #[test]
    fn pieces_come_to_their_calls_however_they_are_counted() {
        let both = [call("a", json!({ "x": 1 })), call("b", json!({ "y": 2 }))];
        let ways: [&[(&str, &str, &str)]; 6] = [
            // One after the other, from zero and from one, and from anywhere.
            &[
                ("a", "read", ""),
                ("call_0", "", "{\"x\":"),
                ("call_0", "", "1}"),
                ("b", "read", ""),
                ("call_1", "", "{\"y\":2}"),
            ],
            &[("a", "read", ""), ("call_1", "", "{\"x\":1}"), ("b", "read", "{"), ("call_2", "", "\"y\":2}")],
            &[
                ("a", "read", ""),
                ("call_4294967295", "", "{\"x\":1}"),
                ("b", "read", ""),
                ("call_7", "", "{\"y\":2}"),
            ],
            // At the same time.
            &[
                ("a", "read", ""),
                ("b", "read", ""),
                ("call_0", "", "{\"x\""),
                ("call_1", "", "{\"y\":"),
                ("call_0", "", ":1}"),
                ("call_1", "", "2}"),
            ],
            // With the name of the call in every piece, and whole.
            &[("a", "read", "{\"x\""), ("b", "read", "{\"y\":"), ("a", "read", ":1}"), ("b", "", "2}")],
            &[("a", "read", "{\"x\":1}"), ("b", "read", "{\"y\":2}")],
        ];
        for way in ways {
            assert_eq!(whole(way), both, "{way:?}");
        }
        assert_eq!(whole(&[("a", "read", "{\"x\":")]), [call("a", json!("{\"x\":"))], "it was cut off");
    }

    proptest! {
        #[test]
        fn nothing_that_a_server_says_takes_more_room_than_its_bytes(
            pieces in proptest::collection::vec(("(call_[0-9]{1,12}|[ab]|)", "(read|)", "[{}0-9]{0,9}"), 0..60),
        ) {
            let mut all = Fragments::default();
            let bytes: usize = pieces.iter().map(|(id, name, input)| id.len() + name.len() + input.len()).sum();
            let count = pieces.len();
            for (id, name, input) in &pieces {
                prop_assert!(all.take(fragment(id, name, input)));
            }
            prop_assert_eq!(all.bytes(), bytes);
            prop_assert!(all.places.len() <= count && all.whole().count() <= count);
        }
    }
}
