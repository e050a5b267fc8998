//! `xtask tidy`: runs every rule over the repository and prints `file:line: rule: what to do`.

use std::path::Path;
use std::process::{Command, ExitCode};

use serde_json::Value;

use crate::tree::{FileTree, Finding};
use crate::{floors, lock_rules, rust_rules, ui_rules, words};

/// A rule over the text of the repository.
type TextRule = fn(&FileTree) -> Vec<Finding>;

/// The rules over text, by the name a finding carries.
const TEXT_RULES: &[(&str, TextRule)] = &[
    ("spawn-ban", rust_rules::spawn_ban),
    ("header", rust_rules::headers),
    ("length", rust_rules::length),
    ("unfinished", rust_rules::unfinished),
    ("bridge", ui_rules::bridge),
    ("features", ui_rules::features),
    ("barrels", ui_rules::barrels),
    ("colours", ui_rules::colours),
    ("words", words::words),
    ("lock", lock_rules::addresses),
];

/// Runs all rules and says what they found.
pub(crate) fn run(root: &Path) -> ExitCode {
    let (tree, metadata) = match (FileTree::read(root), cargo_metadata(root)) {
        (Ok(tree), Ok(metadata)) => (tree, metadata),
        (Err(error), _) => return failed(&format!("cannot read the repository: {error}")),
        (_, Err(reason)) => return failed(&reason),
    };
    let mut found: Vec<(&str, Finding)> = Vec::new();
    for (name, rule) in TEXT_RULES {
        found.extend(rule(&tree).into_iter().map(|finding| (*name, finding)));
    }
    found.extend(floors::floors(&metadata).into_iter().map(|finding| ("floors", finding)));
    found.extend(floors::tauri_ban(&metadata).into_iter().map(|finding| ("tauri-ban", finding)));

    for (name, Finding { path, line, message }) in &found {
        println!("{path}:{line}: {name}: {message}");
    }
    println!("tidy: {} rules, {} files, {} findings", TEXT_RULES.len() + 2, tree.len(), found.len());
    ExitCode::from(u8::from(!found.is_empty()))
}

fn failed(reason: &str) -> ExitCode {
    eprintln!("tidy: {reason}");
    ExitCode::from(2)
}

/// What cargo says about the members of the workspace and their own dependencies.
#[allow(clippy::disallowed_methods, reason = "a developer's tool that asks cargo; it starts no agent")]
fn cargo_metadata(root: &Path) -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run `cargo metadata`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("`cargo metadata` is not JSON: {error}"))
}
