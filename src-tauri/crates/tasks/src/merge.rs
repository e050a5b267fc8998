//! Three-way merge of a task file: what Nox wanted to write, and what a person wrote meanwhile.
//!
//! Key by key in the front matter, line by line in the Markdown. Where both changed the same thing, the person's
//! version stays and Nox's is reported, so that nothing is lost silently.

use crate::{
    edit::Splices,
    file::TaskFile,
    front::{Entry, KEYS, Lines, Value},
};
use nox_domain::rows::FileProblem;
use similar::{Algorithm, DiffOp};
use std::collections::BTreeSet;

/// Something that both sides changed; the merged text has `theirs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The key; `title` or `body` for the Markdown.
    pub field: String,
    /// What Nox wanted; empty where it wanted nothing.
    pub ours: String,
    /// What stays.
    pub theirs: String,
}

/// The outcome of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The merged file.
    pub text: String,
    /// What was left out of it, in the order of the file.
    pub conflicts: Vec<Conflict>,
}

/// Merges a change by Nox (`ours`) into a file that was changed by hand (`theirs`); `base` is what both began with.
///
/// An unknown base may be given as an empty text: then what both have and differs is a conflict. Fails when one of the
/// three is no task file; a file that a person broke is not written to.
pub fn merge(path: &str, base: &str, ours: &str, theirs: &str) -> Result<Merge, Box<FileProblem>> {
    if base == ours || ours == theirs {
        return Ok(Merge { text: theirs.to_owned(), conflicts: Vec::new() });
    }
    let base = TaskFile::parse(path, base)?;
    let ours = TaskFile::parse(path, ours)?;
    let theirs = TaskFile::parse(path, theirs)?;
    if base.render() == theirs.render() {
        return Ok(Merge { text: ours.render().to_owned(), conflicts: Vec::new() });
    }
    let mut conflicts = Vec::new();
    let mut splices = Splices::default();
    let mut loose = String::new();
    merge_keys(&base, &ours, &theirs, &mut splices, &mut loose, &mut conflicts);
    merge_markdown(&base, &ours, &theirs, &mut splices, &mut conflicts);
    let mut text = splices.apply(theirs.render());
    if !loose.is_empty() {
        let (mark, rest) = text.split_at(theirs.layout.start);
        let eol = theirs.layout.eol;
        text = format!("{mark}---{eol}{loose}---{eol}{rest}");
    }
    match TaskFile::parse(path, &text) {
        Ok(_) => Ok(Merge { text, conflicts }),
        // Values that are right one by one are right together; should that ever fail, the person's file stays whole.
        Err(_) => {
            let whole = Conflict {
                field: "file".to_owned(),
                ours: ours.render().to_owned(),
                theirs: theirs.render().to_owned(),
            };
            Ok(Merge { text: theirs.render().to_owned(), conflicts: vec![whole] })
        }
    }
}

/// Plans the changes of keys on the text of `theirs`; `loose` gets the keys if that has no front matter to put them.
fn merge_keys(
    base: &TaskFile,
    ours: &TaskFile,
    theirs: &TaskFile,
    splices: &mut Splices,
    loose: &mut String,
    conflicts: &mut Vec<Conflict>,
) {
    let keys =
        |file: &TaskFile| file.layout.entries.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>();
    let mut seen = BTreeSet::new();
    let in_order = [keys(theirs), keys(ours), keys(base)].concat();
    for key in in_order.iter().filter(|key| seen.insert(key.as_str())) {
        let says = |file: &TaskFile| all_of(file, key);
        let (was, want, is) = (says(base), says(ours), says(theirs));
        if want == was || want == is {
            continue;
        }
        if is != was {
            conflicts.push(Conflict { field: key.clone(), ours: raw(ours, key), theirs: raw(theirs, key) });
            continue;
        }
        let new = raw(ours, key).replace("\r\n", "\n").replace('\n', theirs.layout.eol);
        let mut entries = theirs.layout.entries.iter().filter(|entry| entry.key == *key);
        match (entries.next(), &theirs.layout.front) {
            (Some(first), _) => {
                splices.replace(first.span.clone(), new);
                entries.for_each(|entry| splices.replace(entry.span.clone(), String::new()));
            }
            (None, Some(front)) => splices.insert(place_after(theirs, ours, key).unwrap_or(front.end), new),
            (None, None) => loose.push_str(&new),
        }
    }
}

/// What a key says, comparable over files: its value if it is known, else its bytes.
fn all_of(file: &TaskFile, key: &str) -> Vec<Said> {
    let entries = file.layout.entries.iter().filter(|entry| entry.key == key);
    entries
        .map(|entry| match &entry.value {
            Value::Unread => Said::Bytes(bytes_of(file, entry).replace("\r\n", "\n")),
            value if KEYS.contains(&key) => Said::Value(value.clone()),
            _ => Said::Bytes(bytes_of(file, entry).to_owned()),
        })
        .collect()
}

#[derive(PartialEq)]
enum Said {
    Value(Value),
    Bytes(String),
}

fn bytes_of<'a>(file: &'a TaskFile, entry: &Entry) -> &'a str {
    &file.render()[entry.span.clone()]
}

fn raw(file: &TaskFile, key: &str) -> String {
    file.layout.entries.iter().filter(|entry| entry.key == key).map(|entry| bytes_of(file, entry)).collect()
}

/// Behind the key that stands before this one in `ours`, if `theirs` has it too.
fn place_after(theirs: &TaskFile, ours: &TaskFile, key: &str) -> Option<usize> {
    let at = ours.layout.entries.iter().position(|entry| entry.key == key)?;
    let before = ours.layout.entries[..at].iter().rev();
    before.filter_map(|entry| theirs.layout.entry(&entry.key)).map(|entry| entry.span.end).next()
}

fn merge_markdown(
    base: &TaskFile,
    ours: &TaskFile,
    theirs: &TaskFile,
    splices: &mut Splices,
    conflicts: &mut Vec<Conflict>,
) {
    let heading = |file: &TaskFile| file.markdown.heading.clone();
    // With a heading on all three sides the title is a field of its own, so that its change and one of the line below
    // do not meet.
    if let (Some(_), Some(_), Some(span)) = (heading(base), heading(ours), heading(theirs)) {
        let (was, want, is) = (base.title(), ours.title(), theirs.title());
        if want != was && want != is {
            if is == was {
                splices.replace(span, want);
            } else {
                conflicts.push(Conflict { field: "title".to_owned(), ours: want, theirs: is });
            }
        }
        let (was, want, is) = (base.body(), ours.body(), theirs.body());
        if want == was || want == is {
            return;
        }
        let merged = merge_lines(&was, &want, &is, conflicts);
        if merged == is {
            return;
        }
        let mut new = merged.trim_end().replace('\n', theirs.layout.eol);
        let span = theirs.markdown.body.clone();
        if span.is_empty() && !new.is_empty() {
            let eol = theirs.layout.eol;
            let open = if theirs.render()[..span.start].ends_with('\n') { "" } else { eol };
            new = format!("{open}{eol}{new}{eol}");
        }
        splices.replace(span, new);
        return;
    }
    let all = |file: &TaskFile| file.render()[file.layout.body_start..].replace("\r\n", "\n");
    let (was, want, is) = (all(base), all(ours), all(theirs));
    if want == was || want == is {
        return;
    }
    let merged = merge_lines(&was, &want, &is, conflicts);
    if merged != is {
        let span = theirs.layout.body_start..theirs.render().len();
        splices.replace(span, merged.replace('\n', theirs.layout.eol));
    }
}

/// Merges texts with `\n` as line end, line by line.
fn merge_lines(base: &str, ours: &str, theirs: &str, conflicts: &mut Vec<Conflict>) -> String {
    let lines = |text: &str| -> Vec<String> {
        Lines { text, at: 0, number: 0 }.map(|line| line.content(text).to_owned()).collect()
    };
    let ends_open = !theirs.ends_with('\n');
    let (base, ours, theirs) = (lines(base), lines(ours), lines(theirs));
    let (in_ours, in_theirs) = (matches(&base, &ours), matches(&base, &theirs));
    let mut merged: Vec<&str> = Vec::new();
    let (mut b, mut o, mut t) = (0, 0, 0);
    loop {
        // The next line that all three still have.
        let stable = (b..base.len()).find_map(|at| Some((at, in_ours[at]?, in_theirs[at]?)));
        let (next_b, next_o, next_t) = stable.unwrap_or((base.len(), ours.len(), theirs.len()));
        let (was, want, is) = (&base[b..next_b], &ours[o..next_o], &theirs[t..next_t]);
        let taken = if is == was { want } else { is };
        if want != was && is != was && want != is {
            let text = |lines: &[String]| lines.join("\n");
            conflicts.push(Conflict { field: "body".to_owned(), ours: text(want), theirs: text(is) });
        }
        merged.extend(taken.iter().map(String::as_str));
        let Some((at_b, at_o, at_t)) = stable else { break };
        merged.push(&theirs[at_t]);
        (b, o, t) = (at_b + 1, at_o + 1, at_t + 1);
    }
    let mut text = merged.join("\n");
    if !ends_open && !text.is_empty() {
        text.push('\n');
    }
    text
}

/// For every line of `base` the line of `other` that it became, where it stayed the same.
fn matches(base: &[String], other: &[String]) -> Vec<Option<usize>> {
    let mut found = vec![None; base.len()];
    for op in similar::capture_diff_slices(Algorithm::Histogram, base, other) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            for step in 0..len {
                found[old_index + step] = Some(new_index + step);
            }
        }
    }
    found
}
