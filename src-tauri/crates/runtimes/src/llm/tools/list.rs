//! Lists a folder, one level or all below it, without what the project's ignore files leave out.

use super::{Desk, Look, Outcome, Tool, Work, boolean, call, object, place, string, switch};
use ignore::WalkBuilder;
use nox_domain::tool::ToolKind;
use serde_json::Value;
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

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
    let work = move |halt: &AtomicBool| Outcome::of(place.again().and_then(|path| list(&path, deep, halt)));
    Ok(Look { call, work: Work::Files(Box::new(work)) })
}

/// A walk that stays in the folder: links are named and not followed.
pub(super) fn walk(folder: &Path) -> WalkBuilder {
    let mut walk = WalkBuilder::new(folder);
    walk.hidden(false).follow_links(false).require_git(false).parents(false);
    walk.filter_entry(|entry| entry.file_name() != ".git");
    walk.sort_by_file_name(std::cmp::Ord::cmp);
    walk
}

fn list(folder: &Path, deep: bool, halt: &AtomicBool) -> Result<String, String> {
    if !folder.is_dir() {
        return Err("it is no folder".into());
    }
    let mut lines = Vec::new();
    for entry in walk(folder).max_depth((!deep).then_some(1)).build() {
        if halt.load(Ordering::Relaxed) {
            return Err("it was ended".into());
        }
        let Ok(entry) = entry else { continue };
        if entry.depth() == 0 {
            continue;
        }
        if lines.len() == ENTRIES {
            lines.push(format!("[there is more than {ENTRIES}; list a folder below]"));
            break;
        }
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path()).display().to_string();
        lines.push(match entry.file_type() {
            Some(kind) if kind.is_dir() => format!("{path}/"),
            Some(kind) if kind.is_symlink() => match std::fs::read_link(entry.path()) {
                Ok(to) => format!("{path} -> {}", to.display()),
                Err(_) => path,
            },
            _ => path,
        });
    }
    Ok(if lines.is_empty() { "[the folder is empty]".into() } else { lines.join("\n") })
}
