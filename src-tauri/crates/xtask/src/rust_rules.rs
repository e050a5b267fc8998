//! Rules over source text of any language here, most of them over Rust: spawning, headers, length, unfinished work.

use crate::tree::{FileTree, Finding, SourceFile};

/// Longest source file, in lines. Half as much is the aim; this is where two files were forgotten.
const MAX_LINES: usize = 600;
/// Hand-written source of every language.
const SOURCES: &[&str] = &[".rs", ".ts", ".tsx", ".css", ".mjs", ".js"];
/// Generated and committed; nobody reads or edits it by hand.
const GENERATED: &str = "ui/src/bindings/";

/// Names of the spawning types. A line that has one spawns or prepares to.
const SPAWNING: &[&str] = &["process::Command", "process::Stdio", "posix_spawn", "tokio_command"];

/// Spawning outside `nox-process`. Tools of the repository and tests are exempt: they start no agent.
pub(crate) fn spawn_ban(tree: &FileTree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.below("", &[".rs"]).filter(|file| !may_spawn(&file.path)) {
        for (line, text) in product_lines(file) {
            let grouped = text.contains("process::{") && text.contains("Command");
            if grouped || SPAWNING.iter().any(|name| text.contains(name)) {
                let advice =
                    "only nox-process may spawn, so that no process tree escapes its shim; ask it to";
                found.push(Finding::new(&file.path, line, advice));
            }
        }
    }
    found
}

fn may_spawn(path: &str) -> bool {
    path.starts_with("src-tauri/crates/process/")
        || path.starts_with("src-tauri/crates/xtask/")
        // What is opened for the person is theirs: it has to outlive Nox.
        || path == "src-tauri/src/opening.rs"
        || path.starts_with("tests/")
        || path.contains("/tests/")
}

/// Lines of the product: no comments, and nothing from the file's test module on.
fn product_lines(file: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<(usize, &str)> = file.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| pair[0].1.trim() == "#[cfg(test)]" && pair[1].1.trim_start().starts_with("mod "))
        .unwrap_or(lines.len());
    lines.into_iter().take(tests).filter(|(_, text)| !text.trim_start().starts_with("//"))
}

/// Rust files that do not begin with a `//!` header.
pub(crate) fn headers(tree: &FileTree) -> Vec<Finding> {
    tree.below("", &[".rs"])
        .filter(|file| !file.text.lines().find(|line| !line.trim().is_empty()).is_some_and(is_header))
        .map(|file| {
            let advice =
                "begin with `//!`: what it is, who calls it, its invariants, what it leaves to others";
            Finding::new(&file.path, 1, advice)
        })
        .collect()
}

fn is_header(line: &str) -> bool {
    line.strip_prefix("//!").is_some_and(|words| words.trim().len() > 10)
}

/// Source files that grew too long.
pub(crate) fn length(tree: &FileTree) -> Vec<Finding> {
    hand_written(tree)
        .filter_map(|file| {
            let lines = file.text.lines().count();
            let advice = format!(
                "{lines} lines, at most {MAX_LINES}: it has two reasons to change, so make it two files"
            );
            (lines > MAX_LINES).then(|| Finding::new(&file.path, MAX_LINES + 1, advice))
        })
        .collect()
}

/// Marks of unfinished work.
pub(crate) fn unfinished(tree: &FileTree) -> Vec<Finding> {
    // Put together here, so that this file does not find itself.
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!("), concat!("unimple", "mented!(")];
    let mut found = Vec::new();
    for file in hand_written(tree) {
        for (line, text) in file.lines() {
            for mark in marks.iter().filter(|mark| has_word(text, mark)) {
                let advice = format!("`{mark}`: finish it, or write down in docs what is missing and why");
                found.push(Finding::new(&file.path, line, advice));
            }
        }
    }
    found
}

fn hand_written(tree: &FileTree) -> impl Iterator<Item = &SourceFile> {
    tree.below("", SOURCES).filter(|file| !file.path.starts_with(GENERATED))
}

/// Whether `text` has `word` with no letter, digit or underscore touching it.
fn has_word(text: &str, word: &str) -> bool {
    let touches = |neighbour: Option<char>| neighbour.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        let ends_open = word.ends_with('(');
        !touches(text[..at].chars().next_back())
            && (ends_open || !touches(text[at + word.len()..].chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(found: &[Finding]) -> Vec<(&str, usize)> {
        found.iter().map(|finding| (finding.path.as_str(), finding.line)).collect()
    }

    #[test]
    fn spawning_outside_process_is_found_in_every_spelling() {
        let broken = FileTree::of(&[
            ("src-tauri/crates/engine/src/a.rs", "//! a\nuse std::process::Command;\n"),
            ("src-tauri/crates/engine/src/b.rs", "//! b\nfn f() { tokio::process::Command::new(\"sh\"); }\n"),
            ("src-tauri/crates/cli/src/c.rs", "//! c\nuse std::process::{Command, ExitCode};\n"),
        ]);
        assert_eq!(
            lines(&spawn_ban(&broken)),
            [
                ("src-tauri/crates/engine/src/a.rs", 2),
                ("src-tauri/crates/engine/src/b.rs", 2),
                ("src-tauri/crates/cli/src/c.rs", 2)
            ]
        );
    }

    #[test]
    fn spawning_in_process_in_tests_and_in_words_passes() {
        let good = FileTree::of(&[
            ("src-tauri/crates/process/src/spawn.rs", "use std::process::Command;\n"),
            ("src-tauri/crates/shim/tests/tree.rs", "use std::process::Command;\n"),
            (
                "src-tauri/crates/engine/src/a.rs",
                "// std::process::Command is not for us.\nuse nox_domain::Command;\n",
            ),
            (
                "src-tauri/crates/engine/src/b.rs",
                "#[cfg(test)]\nmod tests {\n use std::process::Command;\n}\n",
            ),
            ("src-tauri/crates/cli/src/main.rs", "use std::process::ExitCode;\n"),
        ]);
        assert_eq!(spawn_ban(&good), []);
    }

    #[test]
    fn a_file_without_a_header_is_found() {
        let tree = FileTree::of(&[
            ("a.rs", "//! Holds the cursor of one subscriber.\n\nuse x;\n"),
            ("b.rs", "use x;\n"),
            ("c.rs", "//! c\n"),
            ("d.rs", ""),
        ]);
        assert_eq!(lines(&headers(&tree)), [("b.rs", 1), ("c.rs", 1), ("d.rs", 1)]);
    }

    #[test]
    fn a_file_of_601_lines_is_too_long_and_one_of_600_is_not() {
        let (fits, too_long) = ("x\n".repeat(600), "x\n".repeat(601));
        let tree =
            FileTree::of(&[("a.rs", &fits), ("b.tsx", &too_long), ("ui/src/bindings/c.ts", &too_long)]);
        assert_eq!(lines(&length(&tree)), [("b.tsx", 601)]);
    }

    #[test]
    fn unfinished_work_is_found_and_the_status_word_is_not() {
        let broken = concat!("//! x\n// TO", "DO: later\nfn f() { to", "do!() }\n");
        let tree = FileTree::of(&[
            ("a.rs", broken),
            ("b.ts", "export const column = \"todo\";\nconst MASTODON = 1;\n"),
            ("c.md", concat!("TO", "DO in prose is not source\n")),
        ]);
        assert_eq!(lines(&unfinished(&tree)), [("a.rs", 2), ("a.rs", 3)]);
    }
}
