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
/// Edits of one call that are tried on the file; more are shown by themselves.
const MAX_EDITS: usize = 64;
/// Of an input that no tool here explains, so much is shown.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// A text, empty when it is none.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

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
    let shown = cut(&text, MAX_TEXT_BYTES);
    match text.len() - shown.len() {
        0 => text,
        more => format!("{shown}\n… {more} bytes more, which are not shown"),
    }
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

/// One text in the place of another.
struct Edit<'a> {
    from: &'a str,
    to: &'a str,
    all: bool,
}

impl<'a> Edit<'a> {
    fn of(input: &'a Value) -> Option<Self> {
        let mut pairs = OLD_AND_NEW.iter().map(|(from, to)| input[*from].as_str().zip(input[*to].as_str()));
        let (from, to) = pairs.find_map(|pair| pair)?;
        let all = ["replace_all", "replaceAll"].iter().any(|name| input[*name] == true);
        Some(Self { from, to, all })
    }

    /// What it makes of a text; none when the text is not as it says, or would become too long: a few bytes that are replaced by
    /// many, everywhere, would fill the memory before anybody is asked.
    fn of_text(&self, text: &str) -> Option<String> {
        if self.from.is_empty() {
            return Some(self.to.to_owned());
        }
        let places = text.matches(self.from).take(if self.all { usize::MAX } else { 1 }).count();
        let length = text.len() - places * self.from.len();
        let length = places.checked_mul(self.to.len())?.checked_add(length)?;
        if places == 0 || length as u64 > MAX_FILE_BYTES {
            return None;
        }
        Some(text.replacen(self.from, self.to, places))
    }
}

/// What a tool would make of a file, as its input says: all of the content, one edit or several. Where that cannot be told, the
/// edits are shown by themselves. None when the input says neither.
pub(crate) fn change(path: &Path, input: &Value) -> Option<FileDiff> {
    let old = read(path);
    if let Some(content) = input["content"].as_str() {
        return Some(diff(path, &old.unwrap_or_default(), content));
    }
    let edits = input["edits"].as_array().map_or(std::slice::from_ref(input), Vec::as_slice);
    let edits = edits.iter().map(Edit::of).collect::<Option<Vec<_>>>()?;
    let made = old
        .as_ref()
        .filter(|_| edits.len() <= MAX_EDITS)
        .and_then(|old| edits.iter().try_fold(old.clone(), |text, edit| edit.of_text(&text)));
    match (old, made) {
        (Some(old), Some(new)) => Some(diff(path, &old, &new)),
        _ => {
            let all = |text: fn(&Edit<'_>) -> String| edits.iter().map(text).collect::<Vec<_>>().join("\n");
            Some(diff(path, &all(|edit| edit.from.to_owned()), &all(|edit| edit.to.to_owned())))
        }
    }
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
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;
    use std::time::Instant;

    #[test]
    fn a_long_file_that_is_all_different_is_compared_in_time() {
        let text = |step: usize| (0..200_000).map(|n| format!("{}\n", n * step % 7919)).collect::<String>();
        let begun = Instant::now();
        let diff = diff(Path::new("a"), &text(31), &text(37));
        assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
        assert!(diff.cut && diff.added > 0);
    }

    #[test]
    fn an_edit_that_would_fill_the_memory_is_shown_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "a".repeat(2_000_000)).unwrap();
        let much = "b".repeat(16 * 1024);
        let begun = Instant::now();
        let one = json!({ "old_string": "a", "new_string": much, "replace_all": true });
        let diff = change(&path, &one).unwrap();
        assert!(diff.text.contains("-a\n") && (diff.added, diff.removed) == (1, 1), "{}", diff.text);
        let many = vec![json!({ "old_string": "a", "new_string": "aa" }); 20_000];
        let diff = change(&path, &json!({ "edits": many })).unwrap();
        assert_eq!((diff.added, diff.removed, diff.cut), (20_000, 20_000, true));
        assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    }

    #[test]
    fn edits_follow_each_other_and_those_that_do_not_fit_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "one\none\ntwo\n").unwrap();
        let edit =
            |from: &str, to: &str, all| json!({ "oldString": from, "newString": to, "replaceAll": all });
        let fits =
            change(&path, &json!({ "edits": [edit("one", "1", true), edit("1", "3", false)] })).unwrap();
        assert!(fits.text.contains("-one\n-one\n+3\n+1\n two\n"), "{}", fits.text);
        let not =
            change(&path, &json!({ "edits": [edit("one", "1", true), edit("four", "4", false)] })).unwrap();
        assert!(not.text.contains("-four") && not.text.contains("+4"), "{}", not.text);
        assert!(not.text.contains("-one") && !not.text.contains("two"), "{}", not.text);
        assert_eq!(change(&path, &json!({ "edits": [{ "old_string": 7 }] })), None);
    }
}
