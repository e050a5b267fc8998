//! Writes a whole file. What is shown as its diff is what happens: a file that has changed since then is not touched.

use super::{Desk, Look, Outcome, Tool, Work, call, object, place, string, text};
use crate::calls::{diff, read};
use nox_domain::tool::{ToolKind, sha256_hex};
use serde_json::Value;
use std::{path::Path, sync::atomic::AtomicBool};

pub(super) const TOOL: Tool = Tool {
    name: "write",
    description: "Writes a whole text file, also a new one, and makes the folders that it needs. Use edit for a change \
                  in a file that is there.",
    schema: || object(&[("path", string("The file")), ("content", string("All of its text"))], 2),
    look,
};

fn look(input: &Value, desk: &Desk) -> Result<Look, String> {
    let place = place::of(text(input, "path")?, desk)?;
    let content = text(input, "content")?.to_owned();
    change(place, content, "Write", input, desk)
}

/// A call that puts a text in the place of what is in a file.
pub(super) fn change(
    place: place::Place,
    new: String,
    verb: &str,
    input: &Value,
    desk: &Desk,
) -> Result<Look, String> {
    let mut call = call(ToolKind::Edit, format!("{verb} {}", place.short), input, desk);
    place.put_into(&mut call, None);
    let before = state_of(&place.path);
    // Another content before is another change.
    call.input_hash = sha256_hex(format!("{}\n{before:?}", call.input_hash).as_bytes());
    // What lies outside is not shown before somebody has allowed it.
    if !place.outside
        && let Some(old) = read(&place.path)
    {
        call.diff.push(diff(&place.path, &old, &new));
    }
    let work = move |_: &AtomicBool| {
        let result = if state_of(&place.path) == before {
            place.write(&new).map(|()| format!("{} is written: {} bytes.", place.short, new.len()))
        } else {
            Err(format!(
                "{} has changed since this was asked for, so nothing was written. Read it again.",
                place.short
            ))
        };
        Outcome::of(result)
    };
    Ok(Look { call, work: Work::Files(Box::new(work)) })
}

/// What a file is, as far as a change is bound to it: the hash of its content, or that there is none.
fn state_of(path: &Path) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| sha256_hex(&bytes))
}
