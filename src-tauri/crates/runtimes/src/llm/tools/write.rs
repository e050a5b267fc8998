//! Writes a whole file. What is shown as its diff is what happens: a file that has changed since then is not touched.

use super::{Desk, Look, Outcome, Tool, Work, call, object, place, string, text};
use crate::calls::diff;
use nox_domain::tool::{ToolKind, sha256_hex};
use serde_json::Value;
use std::sync::atomic::AtomicBool;

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
    change(place, Change::Whole(content), "Write", input, desk)
}

/// What becomes of a file.
#[derive(Debug)]
pub(super) enum Change {
    /// It is this text.
    Whole(String),
    /// One text stands in the place of another: exactly once, or wherever it stands.
    Part { old: String, new: String, all: bool },
}

impl Change {
    /// The text afterwards.
    fn after(&self, short: &str, before: Option<&str>) -> Result<String, String> {
        let (old, new, all) = match self {
            Self::Whole(text) => return Ok(text.clone()),
            Self::Part { old, new, all } => (old, new, *all),
        };
        let before = before.ok_or_else(|| format!("{short} is not there, or is no text"))?;
        let count = before.matches(old.as_str()).count();
        if count == 0 {
            return Err(format!("the old text does not stand in {short}; read it again"));
        }
        if count > 1 && !all {
            return Err(format!(
                "the old text stands {count} times in {short}; give more of what is around it, or say all = true"
            ));
        }
        let most = count.saturating_mul(new.len()).saturating_add(before.len());
        if most as u64 > place::MAX_CHANGED_BYTES {
            return Err(format!("{short} would become too large"));
        }
        Ok(before.replace(old.as_str(), new))
    }

    /// What goes and what comes, as far as that is known without the file.
    fn by_itself(&self) -> (&str, &str) {
        match self {
            Self::Whole(text) => ("", text),
            Self::Part { old, new, .. } => (old, new),
        }
    }
}

/// A call that changes a file.
pub(super) fn change(
    place: place::Place,
    change: Change,
    verb: &str,
    input: &Value,
    desk: &Desk,
) -> Result<Look, String> {
    let mut call = call(ToolKind::Edit, format!("{verb} {}", place.short), input, desk);
    place.put_into(&mut call, None);
    let (before, old) = place.state()?;
    // Another content before is another change.
    call.input_hash = sha256_hex(format!("{}\n{before:?}", call.input_hash).as_bytes());
    // What lies outside is neither read nor shown before somebody has allowed it; what comes is.
    let is_seen = !place.outside && (old.is_some() || matches!(change, Change::Part { .. }));
    call.diff.push(if is_seen {
        let old = old.as_deref().filter(|_| before != place::State::Missing);
        let after = change.after(&place.short, old)?;
        diff(&place.path, old.unwrap_or_default(), &after)
    } else {
        if before != place::State::Missing {
            call.title = format!("{verb}, without seeing what is there now, {}", place.short);
        }
        let (goes, comes) = change.by_itself();
        diff(&place.path, goes, comes)
    });
    let work = move |_: &AtomicBool| Outcome::of(carry_out(&place, &before, &change));
    Ok(Look { call, work: Work::Files(Box::new(work)) })
}

fn carry_out(place: &place::Place, before: &place::State, change: &Change) -> Result<String, String> {
    place.again()?;
    let (now, old) = place.state()?;
    if now != *before {
        return Err(format!(
            "{} has changed since this was asked for, so nothing was written. Read it again.",
            place.short
        ));
    }
    let old = match change {
        Change::Part { .. } if place.outside => place.text()?,
        _ => old.filter(|_| now != place::State::Missing),
    };
    let after = change.after(&place.short, old.as_deref())?;
    place.write(&after)?;
    Ok(format!("{} is written: {} bytes.", place.short, after.len()))
}
