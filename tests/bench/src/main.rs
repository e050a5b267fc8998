//! `nox-bench`: the measurements that need no window, and the home that the others open.
//!
//! `bench.mjs` calls it, draws the table and judges; here is only measured. Results go to standard output as JSON.
//!
//! - `nox-bench appends FOLDER [ROUNDS]`: durable appends beside raw rusqlite. The databases lie in FOLDER, which must
//!   be on the disk that the figures are about.
//! - `nox-bench home FOLDER TASKS EVENTS`: makes a home with that much in it, through the engine's own code.
//! - `nox-bench lines RATE SECONDS RECORD`: prints numbered lines at a steady rate and writes to RECORD when each was
//!   written; a runbook block runs it.

mod appends;
mod error;
mod home;
mod lines;
mod load;
mod raw;
mod stats;
mod talk;

use crate::error::Error;
use std::{path::Path, process::ExitCode};

const USAGE: &str = "Usage: nox-bench appends FOLDER [ROUNDS]
       nox-bench home FOLDER TASKS EVENTS
       nox-bench lines RATE SECONDS RECORD";

/// Rounds when the caller names none: the fewest that a median is told of.
const ROUNDS: usize = 11;

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "what it measured is its output")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["appends", folder] => run_appends(folder, ROUNDS),
        ["appends", folder, rounds] => match rounds.parse() {
            Ok(rounds @ 1..) => run_appends(folder, rounds),
            _ => return usage(),
        },
        ["home", folder, tasks, events] => match (tasks.parse(), events.parse()) {
            (Ok(tasks), Ok(events)) => home::make(Path::new(folder), tasks, events).map(|()| String::new()),
            _ => return usage(),
        },
        ["lines", rate, seconds, record] => match (rate.parse(), seconds.parse()) {
            (Ok(rate @ 1..=1_000_000), Ok(seconds)) => {
                lines::print(rate, seconds, Path::new(record)).map(|()| String::new())
            }
            _ => return usage(),
        },
        _ => return usage(),
    };
    match done {
        Ok(text) if text.is_empty() => ExitCode::SUCCESS,
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("nox-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "this is what the person who starts it reads")]
fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn run_appends(folder: &str, rounds: usize) -> Result<String, Error> {
    Ok(serde_json::to_string(&appends::measure(Path::new(folder), rounds)?)?)
}
