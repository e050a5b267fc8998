//! Tools of this repository: `xtask tidy` checks the rules that no compiler knows, `xtask bindings` renews or checks
//! the generated TypeScript of the contract.
//!
//! Called by `npm test`, `npm run tidy` and `npm run bindings`. It only reads the repository, except that `bindings`
//! writes into `ui/src/bindings`. Exit status: 0 in order, 1 findings, 2 the tool could not do its work.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod bindings;
mod floors;
mod lock_rules;
mod rust_rules;
mod tidy;
mod tree;
mod ui_rules;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: xtask tidy | xtask bindings [--check]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = repository_root();
    match words.as_slice() {
        ["tidy"] => tidy::run(&root),
        ["bindings"] => bindings::run(&root, bindings::Mode::Write),
        ["bindings", "--check"] => bindings::run(&root, bindings::Mode::Check),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The top folder of the repository: where cargo says that this crate is, else where it was compiled.
fn repository_root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.ancestors().nth(3).unwrap_or(&here).to_path_buf()
}
