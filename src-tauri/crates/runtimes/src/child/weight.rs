//! What it costs to keep what a program said.

use serde_json::Value;

/// Bytes of a value that is no text, and of the place of any other.
const PLACE: usize = 32;

/// How many bytes a frame, or a part of one, takes while it is kept; roughly, and never less than its texts.
pub(crate) fn weight(value: &Value) -> usize {
    PLACE
        + match value {
            Value::String(text) => text.len(),
            Value::Array(values) => values.iter().map(weight).sum(),
            Value::Object(values) => values.iter().map(|(name, value)| name.len() + weight(value)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}
