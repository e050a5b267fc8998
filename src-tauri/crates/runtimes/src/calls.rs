//! What drivers share that show the calls of a foreign program: what binds them, where they reach, what they change.
//!
//! Files are looked at only for what people see; nothing here has an effect.

use nox_domain::{tool::sha256_hex, transcript::FileDiff};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use std::{path::Path, time::Duration};

/// Of a diff so much is kept; the whole is in the file.
const MAX_DIFF_BYTES: usize = 32 * 1024;
/// After this time a diff is told coarser: what is very long and all different would take minutes.
const DIFF_LIMIT: Duration = Duration::from_millis(300);
/// Files above this size are not read for a diff.
pub(crate) const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024;
/// Of an input that no tool here explains, so much is shown.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// SHA-256 of an input, whatever the order of its keys.
pub(crate) fn hash(input: &Value) -> String {
    let mut text = String::new();
    write_sorted(input, &mut text);
    sha256_hex(text.as_bytes())
}

fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.iter().collect();
            pairs.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (key, value) in pairs {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write_sorted(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for value in values {
                write_sorted(value, text);
                text.push(',');
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

/// An input that no tool explains, as text.
pub(crate) fn plain(input: &Value) -> String {
    let text = serde_json::to_string_pretty(input).unwrap_or_default();
    cut(&text, MAX_TEXT_BYTES).to_owned()
}

/// What fits into a title.
pub(crate) fn first_line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().chars().take(200).collect()
}

/// A path as it is seen from the folder of the session.
pub(crate) fn short(path: &str, session: &Path) -> String {
    Path::new(path).strip_prefix(session).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
}

/// Whether a pattern for files begins elsewhere or climbs.
pub(crate) fn leads_away(pattern: &str) -> bool {
    pattern.starts_with(['/', '~']) || pattern.split('/').any(|part| part == "..")
}

/// Whether a path, with all links followed, is not beneath a folder. Of one that is not there, the nearest folder that is
/// counts; one that names its parent in what is not there is outside, since nobody knows where it leads.
pub(crate) fn is_outside(path: &Path, folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return true };
    let mut there = path;
    loop {
        if let Ok(found) = there.canonicalize() {
            let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
            let climbs = rest.components().any(|part| !matches!(part, std::path::Component::Normal(_)));
            // A link that leads nowhere would be followed by whoever writes.
            let dangles = there != path && std::fs::symlink_metadata(path).is_ok();
            return climbs || dangles || !found.starts_with(&folder);
        }
        match there.parent() {
            Some(parent) => there = parent,
            None => return true,
        }
    }
}

/// How tools call what is replaced and what takes its place.
const OLD_AND_NEW: &[(&str, &str)] =
    &[("old_string", "new_string"), ("oldString", "newString"), ("before", "after")];

/// What a tool would make of a file, as its input says: all of the content, one edit or several. None when the input says
/// neither.
pub(crate) fn change(path: &Path, input: &Value) -> Option<FileDiff> {
    let old = read(path);
    if let Some(content) = input["content"].as_str() {
        return Some(diff(path, &old.unwrap_or_default(), content));
    }
    let edits = input["edits"].as_array().cloned().unwrap_or_else(|| vec![input.clone()]);
    let mut text = old.clone()?;
    let (mut before, mut after) = (String::new(), String::new());
    for edit in &edits {
        let mut pairs = OLD_AND_NEW.iter().map(|(from, to)| edit[*from].as_str().zip(edit[*to].as_str()));
        let (from, to) = pairs.find_map(|pair| pair)?;
        let all = ["replace_all", "replaceAll"].iter().any(|name| edit[*name] == true);
        if !from.is_empty() && !text.contains(from) {
            // The file is not as the agent thinks: what it wants is shown by itself.
            before.push_str(from);
            after.push_str(to);
            continue;
        }
        text = match (from.is_empty(), all) {
            (true, _) => to.to_owned(),
            (false, true) => text.replace(from, to),
            (false, false) => text.replacen(from, to, 1),
        };
    }
    if !before.is_empty() {
        return Some(diff(path, &before, &after));
    }
    Some(diff(path, &old.unwrap_or_default(), &text))
}

/// A file as it is before a change: empty when it is not there, none when it is too long or no text.
pub(crate) fn read(path: &Path) -> Option<String> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() <= MAX_FILE_BYTES => std::fs::read_to_string(path).ok(),
        Ok(_) => None,
        Err(_) => Some(String::new()),
    }
}

/// What becomes of a file.
pub(crate) fn diff(path: &Path, old: &str, new: &str) -> FileDiff {
    let changes = TextDiff::configure().timeout(DIFF_LIMIT).diff_lines(old, new);
    let count = |tag| changes.iter_all_changes().filter(|change| change.tag() == tag).count() as u32;
    let text = changes.unified_diff().context_radius(3).to_string();
    let kept = cut(&text, MAX_DIFF_BYTES);
    FileDiff {
        path: path.display().to_string(),
        added: count(ChangeTag::Insert),
        removed: count(ChangeTag::Delete),
        cut: kept.len() < text.len(),
        text: kept.to_owned(),
    }
}

/// The beginning of a text, at most so many bytes, whole characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_long_file_that_is_all_different_is_compared_in_time() {
        let text = |step: usize| (0..200_000).map(|n| format!("{}\n", n * step % 7919)).collect::<String>();
        let begun = Instant::now();
        let diff = diff(Path::new("a"), &text(31), &text(37));
        assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
        assert!(diff.cut && diff.added > 0);
    }
}
