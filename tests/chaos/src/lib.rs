//! The chaos suite: what Nox promises, tried under kills, failing disks, damaged files, floods and crowds.
//!
//! `npm run chaos` runs the quick form, which is a step of `npm test`; `npm run chaos -- --long` the long one, in
//! portions that a state file remembers. Each part is a function from a [`Context`](plan::Context) to a tally; the
//! suite prints one table of them: promise, tries, failures, the seed that repeats a failure, and the time. Engines that
//! die are this program, started once more, and are spoken to over the control socket, as any client does.
//!
//! The parts check what was acknowledged and what anybody can read through the contract, never how it is made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the tests: a part that cannot go on ends there, and its table is its output"
)]

mod args;
mod background;
mod book;
mod emit;
mod engine;
mod examine;
mod hand;
mod measure;
mod parts;
mod plan;
mod state;
mod table;

use crate::{args::Wanted, plan::Portion, state::State};
use nox_test_support::Tally;
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// How long one call of the long form may take, to the end of its last portion.
const LONG_CALL: Duration = Duration::from_secs(9 * 60);

/// Runs what the command line says; the exit code is 1 when a promise was broken.
pub fn run(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["engine", root] => return engine::serve(root.as_ref()),
        ["background", part, seed, out] => return background::work(part, seed, out.as_ref()),
        ["scenario", name, root] => return parts::syscalls::run_child(name, root.as_ref(), false),
        ["prepare", name, root] => return parts::syscalls::run_child(name, root.as_ref(), true),
        ["damage", template, seed, tries, root] => {
            return parts::mutations::run_child(template.as_ref(), seed, tries, root.as_ref());
        }
        ["emit", kind, amount] => return emit::run(kind, amount),
        _ => {}
    }
    match args::read(&words) {
        Ok(wanted) => suite(&wanted),
        Err(message) => {
            eprintln!("{message}\n{}", args::USAGE);
            ExitCode::from(2)
        }
    }
}

fn suite(wanted: &Wanted) -> ExitCode {
    let begun = Instant::now();
    let mut state = State::open(wanted);
    let portions = plan::portions(wanted);
    println!("{} form, seed {}", wanted.form.word(), state.seed);
    let mut left = Vec::new();
    for portion in &portions {
        let fits = begun.elapsed() + portion.expected() <= LONG_CALL;
        if state.has(portion) {
            println!("  done before: {}", portion.name);
        } else if !left.is_empty() {
            left.push(portion);
        } else if !wanted.form.is_long() || fits {
            perform(portion, &mut state);
        } else if portion.expected() <= LONG_CALL
            || !background::go_on(portion, &mut state, begun + LONG_CALL)
        {
            left.push(portion);
        }
    }
    let is_good = table::print(&state);
    println!("{:.0} s in this call", begun.elapsed().as_secs_f64());
    if let Some(next) = left.first() {
        println!("{} portions are left, next {}: run the same command again.", left.len(), next.name);
    } else if wanted.form.is_long() {
        println!("All portions are done; --fresh begins anew.");
    }
    table::close(&state);
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one portion to its end and notes what came of it.
fn perform(portion: &Portion, state: &mut State) {
    let begun = Instant::now();
    let tally = perform_in(portion, state.seed);
    state.note(portion, &tally, begun.elapsed());
}

/// Runs one portion to its end, whatever happens in it.
fn perform_in(portion: &Portion, seed: u64) -> Tally {
    let begun = Instant::now();
    let homes = tempfile::Builder::new().prefix("nox-chaos-").tempdir().unwrap();
    let context = portion.context(seed, homes.path());
    println!("  begins: {} ({} tries from seed {})", portion.name, context.tries, context.seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (part, seed) = (portion.part.run, context.seed);
    let outcome = runtime.block_on(async { tokio::spawn(part(context)).await });
    runtime.shutdown_timeout(Duration::from_secs(5));
    println!("  ends:   {} after {:.1} s", portion.name, begun.elapsed().as_secs_f64());
    outcome.unwrap_or_else(|error| {
        let mut tally = Tally::default();
        tally.check(seed, "the part runs to its end", false, || error.to_string());
        tally
    })
}
