//! The whole engine through its contract, with real SQLite, git, files and child processes.
//!
//! One binary, so that it links once. Each test has a World of its own. `nox-shim` must have been built.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on ends here, and tables of what was tried are printed"
)]

mod agents;
mod board;
mod claims;
mod crash;
mod decisions;
mod drops;
mod feed;
mod hand;
mod images;
mod journey;
mod life;
mod limits;
mod live;
mod llm;
mod log;
mod mending;
mod queue;
mod restart;
mod runbook;
mod secrets;
mod stopping;
mod undo;

/// A block of a runbook.
fn sh(text: &str) -> String {
    format!("```sh\n{text}\n```\n")
}
