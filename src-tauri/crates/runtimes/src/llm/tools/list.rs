//! Lists a folder, one level or all below it, without what the project's ignore files leave out.

use super::{
    Desk, Look, Outcome, Tool, Work, boolean, call, object, place, string, switch,
    walk::{Kind, Walk},
};
use cap_std::fs::Dir;
use nox_domain::tool::ToolKind;
use serde_json::Value;
use std::sync::atomic::AtomicBool;

pub(super) const TOOL: Tool = Tool {
    name: "list",
    description: "Lists what is in a folder; deep = true lists all below it. What .gitignore names is left out.",
    schema: || {
        let path = string("The folder; the session's when it is left out");
        object(&[("path", path), ("deep", boolean("All below it"))], 0)
    },
    look,
};

/// Entries that come at most.
const ENTRIES: usize = 2_000;

fn look(input: &Value, desk: &Desk) -> Result<Look, String> {
    let place = place::of(input["path"].as_str().unwrap_or("."), desk)?;
    let deep = switch(input, "deep");
    let mut call = call(ToolKind::Read, format!("List {}", place.short), input, desk);
    place.put_into(&mut call, None);
    let work =
        move |halt: &AtomicBool| Outcome::of(place.folder().and_then(|folder| list(&folder, deep, halt)));
    Ok(Look { call, work: Work::Files(Box::new(work)) })
}

fn list(folder: &Dir, deep: bool, halt: &AtomicBool) -> Result<String, String> {
    let mut lines = Vec::new();
    Walk { deep, only: None, halt }.through(folder, &mut |found| {
        if lines.len() == ENTRIES {
            lines.push(format!("[there is more than {ENTRIES}; list a folder below]"));
            return false;
        }
        let path = found.path.display();
        lines.push(match found.kind {
            Kind::Folder => format!("{path}/"),
            Kind::Link => match found.target() {
                Ok(to) => format!("{path} -> {}", to.display()),
                Err(_) => path.to_string(),
            },
            Kind::File | Kind::Other => path.to_string(),
        });
        true
    })?;
    Ok(if lines.is_empty() { "[the folder is empty]".into() } else { lines.join("\n") })
}
