//! `nox-bench`: the measurements that need no window, and the home that the others open.
//!
//! `bench.mjs` calls it, draws the table and judges; here is only measured. Results go to standard output as JSON.
//!
//! FOLDER must be on the disk that the figures are about; NOX is the program that is measured.
//!
//! - `nox-bench appends FOLDER [ROUNDS]`: durable appends beside raw rusqlite.
//! - `nox-bench log DATABASE EVENTS` fills a log; `nox-bench events DATABASE EVENTS FOLDER FEW` measures what one more
//!   event costs in it, beside a log with few.
//! - `nox-bench sessions HOME LENGTH…` makes a home with sessions of these lengths and says which they are;
//!   `nox-bench opening NOX HOME ROUNDS SESSION…` opens them in turns.
//! - `nox-bench idle NOX FOLDER SESSIONS SECONDS`: what an engine without a window holds and does when nothing happens.
//! - `nox-bench crash NOX FOLDER RUNS ROUNDS`: how long it takes until an engine that was killed is back.
//! - `nox-bench agents NOX PROGRAM FOLDER ROUNDS SECONDS SESSIONS MB`: what Nox adds to Claude Code, beside the same program
//!   driven directly; then so many sessions within that memory.
//! - `nox-bench home FOLDER TASKS EVENTS`: makes a home with that much in it, through the engine's own code.
//! - `nox-bench form` says of which form the sessions of such a home are: one of another form would be brought up while it is
//!   measured.
//! - `nox-bench lines RATE SECONDS RECORD`: prints numbered lines at a steady rate and writes to RECORD when each was
//!   written; a runbook block runs it.

mod agents;
mod appends;
mod crash;
mod direct;
mod error;
mod events;
mod home;
mod idle;
mod lines;
mod load;
mod nox;
mod opening;
mod raw;
mod stats;
mod talk;
mod watched;

use crate::error::Error;
use nox_api::domain::ids::SessionId;
use serde::Serialize;
use std::{path::Path, process::ExitCode};

const USAGE: &str = "Usage: nox-bench appends FOLDER [ROUNDS]
       nox-bench log DATABASE EVENTS
       nox-bench events DATABASE EVENTS FOLDER FEW
       nox-bench sessions HOME LENGTH…
       nox-bench opening NOX HOME ROUNDS SESSION…
       nox-bench idle NOX FOLDER SESSIONS SECONDS
       nox-bench crash NOX FOLDER RUNS ROUNDS
       nox-bench agents NOX PROGRAM FOLDER ROUNDS SECONDS SESSIONS MB
       nox-bench home FOLDER TASKS EVENTS
       nox-bench form
       nox-bench lines RATE SECONDS RECORD";

/// Rounds when the caller names none: the fewest that a median is told of.
const ROUNDS: usize = 11;

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "what it measured is its output")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
        Some(Ok(text)) if text.is_empty() => ExitCode::SUCCESS,
        Some(Ok(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Some(Err(error)) => {
            eprintln!("nox-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the words say and answers its output; none when they are not understood.
fn run(words: &[&str]) -> Option<Result<String, Error>> {
    let silent = |done: Result<(), Error>| done.map(|()| String::new());
    Some(match *words {
        ["appends", folder] => told(appends::measure(Path::new(folder), ROUNDS)),
        ["appends", folder, rounds] => told(appends::measure(Path::new(folder), count(rounds)?)),
        ["log", database, events] => silent(events::fill(Path::new(database), count(events)?)),
        ["events", database, events, folder, few] => told(events::measure(
            Path::new(database),
            count(events)?,
            Path::new(folder),
            count(few)?,
            events::COMMITS,
        )),
        ["sessions", home, ref lengths @ ..] if !lengths.is_empty() => {
            let lengths: Option<Vec<usize>> = lengths.iter().map(|length| count(length)).collect();
            told(home::make_sessions(Path::new(home), &lengths?))
        }
        ["opening", nox, home, rounds, ref sessions @ ..] if !sessions.is_empty() => {
            let sessions: Option<Vec<SessionId>> =
                sessions.iter().map(|session| SessionId::parse(session).ok()).collect();
            wait(opening::measure(Path::new(nox), Path::new(home), &sessions?, count(rounds)?))
        }
        ["idle", nox, folder, sessions, seconds] => {
            let seconds = count(seconds)? as u64;
            wait(idle::measure(Path::new(nox), Path::new(folder), count(sessions)?, seconds))
        }
        ["crash", nox, folder, runs, rounds] => {
            wait(crash::measure(Path::new(nox), Path::new(folder), count(runs)?, count(rounds)?))
        }
        ["agents", nox, program, folder, rounds, seconds, sessions, budget_mb] => {
            let asked = agents::Asked {
                rounds: count(rounds)?,
                seconds: count(seconds)? as u64,
                sessions: count(sessions)?,
                budget_mb: budget_mb.parse().ok()?,
            };
            wait(agents::measure(Path::new(nox), Path::new(program), Path::new(folder), asked))
        }
        ["home", folder, tasks, events] => {
            silent(home::make(Path::new(folder), count(tasks)?, events.parse().ok()?))
        }
        ["form"] => Ok(nox_engine::SESSION_FORM.to_string()),
        ["lines", rate, seconds, record] => {
            let rate = count(rate).filter(|rate| *rate <= 1_000_000)?;
            silent(lines::print(rate as u64, seconds.parse().ok()?, Path::new(record)))
        }
        _ => return None,
    })
}

/// A number that is not 0.
fn count(word: &str) -> Option<usize> {
    word.parse().ok().filter(|count| *count > 0)
}

fn told<T: Serialize>(measured: Result<T, Error>) -> Result<String, Error> {
    Ok(serde_json::to_string(&measured?)?)
}

/// Measures with an engine in another process.
fn wait<T: Serialize>(measuring: impl Future<Output = Result<T, Error>>) -> Result<String, Error> {
    told(tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measuring))
}
