//! Calls that come in fragments, put together within bounds.
//!
//! On OpenAI's wire of chat completions a call begins with its name, and its input comes piece by piece. A piece names its
//! call by an index, which reaches us only as the name `call_INDEX`. The library would make room for every index that a
//! server names; here an index is a name and nothing else.

use super::history::Part;
use genai::chat::ToolCall;
use serde_json::Value;
use uuid::Uuid;

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

/// Pieces that name their call by an index alone.
#[derive(Debug)]
struct Piece {
    index: u32,
    /// The newest call when the first of them came.
    newest: usize,
    input: String,
}

/// The calls of one answer so far.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    calls: Vec<Call>,
    /// Each index once, in the order in which they came.
    pieces: Vec<Piece>,
    bytes: usize,
}

/// Where a fragment belongs.
enum Place {
    /// It begins a call.
    New,
    Call(usize),
    /// To the call with this index, whichever that is.
    Index(u32, usize),
}

impl Fragments {
    /// Takes a fragment in; whether there is still room.
    pub(super) fn take(&mut self, fragment: ToolCall) -> bool {
        let call = Call::of(fragment);
        self.bytes += call.id.len() + call.name.len() + call.input.len();
        match self.place_of(&call.id, &call.name) {
            Place::New => self.begin(call),
            Place::Call(place) => self.calls[place].input.push_str(&call.input),
            Place::Index(index, newest) => match self.pieces.iter_mut().find(|piece| piece.index == index) {
                Some(piece) => piece.input.push_str(&call.input),
                None => self.pieces.push(Piece { index, newest, input: call.input }),
            },
        }
        self.has_room()
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
            None => self.begin(call),
        }
        self.has_room()
    }

    /// Bytes of all of them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn has_room(&self) -> bool {
        self.calls.len() <= MAX_CALLS && self.pieces.len() <= MAX_CALLS
    }

    /// A call without an id gets one of ours: its result has to name it.
    fn begin(&mut self, mut call: Call) {
        if call.id.is_empty() {
            call.id = format!("call_{}", Uuid::now_v7().simple());
        }
        self.calls.push(call);
    }

    fn place_of(&self, id: &str, name: &str) -> Place {
        // Some servers tell the name of the call with every piece. An empty id is none.
        let by_id = self.calls.iter().rposition(|call| call.id == id);
        if let Some(place) = by_id {
            return Place::Call(place);
        }
        let Some(newest) = self.calls.len().checked_sub(1).filter(|_| name.is_empty()) else {
            return Place::New;
        };
        match id.strip_prefix("call_").and_then(|index| index.parse().ok()) {
            Some(index) => Place::Index(index, newest),
            None => Place::Call(newest),
        }
    }

    /// What the first call is counted as; none when the indexes are no count. It shows only at the end: `call_1` is the
    /// second of two calls that began together, or the first where they are counted from one.
    fn first_index(&self) -> Option<u32> {
        let fits = |first: &u32| {
            // A piece never comes before its call.
            let is_begun = |piece: &Piece| {
                let place = piece.index.checked_sub(*first).and_then(|place| usize::try_from(place).ok());
                place.is_some_and(|place| place <= piece.newest)
            };
            self.pieces.iter().all(is_begun)
        };
        let lowest = self.pieces.iter().map(|piece| piece.index).min();
        [0, 1].into_iter().chain(lowest).find(fits)
    }

    /// The calls, whole. What is no JSON stays a text, which no tool takes.
    pub(super) fn whole(mut self) -> impl Iterator<Item = Part> {
        let first = self.first_index();
        for Piece { index, newest, input } in self.pieces {
            let place = first.and_then(|first| usize::try_from(index - first).ok()).unwrap_or(newest);
            self.calls[place].input.push_str(&input);
        }
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
        let ways: [&[(&str, &str, &str)]; 9] = [
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
            // The same from one, and from anywhere.
            &[
                ("a", "read", ""),
                ("b", "read", ""),
                ("call_1", "", "{\"x\""),
                ("call_2", "", "{\"y\":"),
                ("call_1", "", ":1}"),
                ("call_2", "", "2}"),
            ],
            &[("a", "read", ""), ("b", "read", ""), ("call_8", "", "{\"x\":1}"), ("call_9", "", "{\"y\":2}")],
            // From zero, where the first is whole as it begins.
            &[("a", "read", "{\"x\":1}"), ("b", "read", ""), ("call_1", "", "{\"y\":2}")],
            // With the name of the call in every piece, and whole.
            &[("a", "read", "{\"x\""), ("b", "read", "{\"y\":"), ("a", "read", ":1}"), ("b", "", "2}")],
            &[("a", "read", "{\"x\":1}"), ("b", "read", "{\"y\":2}")],
        ];
        for way in ways {
            assert_eq!(whole(way), both, "{way:?}");
        }
        // Here the first has no input at all.
        let pieces = [("a", "read", ""), ("b", "read", ""), ("call_1", "", "{\"y\":2}")];
        assert_eq!(whole(&pieces), [call("a", json!("")), both[1].clone()]);
        assert_eq!(whole(&[("a", "read", "{\"x\":")]), [call("a", json!("{\"x\":"))], "it was cut off");
    }

    #[test]
    fn an_empty_id_is_no_id() {
        let pieces = [("", "read", "{\"x\":"), ("", "", "1}"), ("", "read", "{\"y\":2}")];
        let [Part::Call { id: a, input: x, .. }, Part::Call { id: b, input: y, .. }] = &whole(&pieces)[..]
        else {
            unreachable!("two calls")
        };
        assert_eq!([x, y], [&json!({ "x": 1 }), &json!({ "y": 2 })]);
        assert!(!a.is_empty() && !b.is_empty() && a != b, "{a} {b}");
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
            prop_assert!(all.pieces.len() <= count && all.whole().count() <= count);
        }
    }
}
