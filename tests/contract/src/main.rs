//! `nox-contract PROGRAM=PATH …`: real agent programs below a real engine, against the scripted model server.
//!
//! Started by `npm run test:contract`, which installs the programs and takes the network away. Each scenario has a home,
//! a folder and a model server of its own, talks to Nox through its contract as any face does, and ends with nothing
//! running. Prints a matrix of program and scenario, what failed, and `N passed, N failed`.
//!
//! `--record FOLDER` writes down what is said on each program's pipes, `--only NAME,…` chooses scenarios.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the tests: a scenario that cannot go on ends there, and its matrix is its output"
)]

mod bench;
mod faults;
mod lives;
mod turns;

use bench::{Bench, Program};
use nox_domain::agent::Runtime;
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    pin::Pin,
    process::ExitCode,
    time::{Duration, Instant},
};

/// A safety net for one scenario.
const LIMIT: Duration = Duration::from_secs(90);

type Scenario = fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! scenarios {
    ($($name:literal => $run:path,)*) => {
        &[$(($name, |bench| Box::pin($run(bench)))),*]
    };
}

/// The table. A scenario panics when it is not as it should be.
const SCENARIOS: &[(&str, Scenario)] = scenarios! {
    "reply" => turns::reply,
    "tool allowed" => turns::tool_allowed,
    "tool denied" => turns::tool_denied,
    "own rules ask too" => turns::own_rules_ask_too,
    "hooks decide nothing" => turns::hooks_decide_nothing,
    "edit with diff" => turns::edit_with_diff,
    "parallel calls" => turns::parallel_calls,
    "interrupt in a text" => turns::interrupt_in_a_text,
    "interrupt in a tool" => turns::interrupt_in_a_tool,
    "prompt while it works" => turns::prompt_while_it_works,
    "usage" => turns::usage,
    "kill -9 and resume" => lives::kill_and_resume,
    "restart and resume" => lives::restart_and_resume,
    "sleep and wake" => lives::sleep_and_wake,
    "resume says no" => lives::resume_says_no,
    "stop leaves nothing" => lives::stop_leaves_nothing,
    "bad key" => faults::bad_key,
    "rate limit" => faults::rate_limit,
    "server gone" => faults::server_gone,
    "not installed" => faults::not_installed,
};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut programs = Vec::new();
    let (mut only, mut record) = (None, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match (word.as_str(), word.split_once('=')) {
            ("--only", _) => only = words.next().cloned(),
            ("--record", _) => record = words.next().map(PathBuf::from),
            (_, Some(("claude", path))) => {
                programs.push(Program { name: "claude", runtime: Runtime::Claude, path: path.into() });
            }
            _ => {
                eprintln!("nox-contract does not know {word}");
                return ExitCode::from(2);
            }
        }
    }
    let chosen: Vec<_> = SCENARIOS
        .iter()
        .filter(|(name, _)| only.as_ref().is_none_or(|only| only.split(',').any(|wanted| wanted == *name)))
        .collect();
    if chosen.is_empty() || programs.is_empty() {
        eprintln!("there is nothing to run");
        return ExitCode::from(2);
    }
    let mut rows = Vec::new();
    for (name, scenario) in chosen {
        let results: Vec<_> =
            programs.iter().map(|program| attempt(name, *scenario, program, record.as_ref())).collect();
        rows.push((*name, results));
    }
    report(&programs, &rows)
}

/// How long it took, or what was wrong.
type Outcome = Result<Duration, String>;

fn attempt(name: &str, scenario: Scenario, program: &Program, record: Option<&PathBuf>) -> Outcome {
    let begun = Instant::now();
    let bench = Bench::of(program, name, record.cloned());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mark = bench.mark.clone();
    let run =
        AssertUnwindSafe(|| runtime.block_on(async { tokio::time::timeout(LIMIT, scenario(bench)).await }));
    let outcome = match catch_unwind(run) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(format!("it took longer than {} s", LIMIT.as_secs())),
        Err(panic) => Err(words_of(panic.as_ref())),
    };
    runtime.shutdown_timeout(Duration::from_secs(5));
    // Whatever was scripted: nothing may be left when its world is gone.
    let outcome = match (outcome, nox_test_support::processes::wait_gone(&mark, Duration::from_secs(10))) {
        (Ok(()), Err(left)) => Err(format!("left running: {left:?}")),
        (outcome, _) => outcome,
    };
    println!("  {} {}: {name} ({:.1} s)", mark_of(&outcome), program.name, begun.elapsed().as_secs_f64());
    outcome.map(|()| begun.elapsed())
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

fn mark_of<T>(outcome: &Result<T, String>) -> &'static str {
    if outcome.is_ok() { "ok    " } else { "FAILED" }
}

fn report(programs: &[Program], rows: &[(&str, Vec<Outcome>)]) -> ExitCode {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    print!("\n{:<width$}", "scenario");
    programs.iter().for_each(|program| print!("  {:>12}", program.name));
    println!();
    for (name, results) in rows {
        print!("{name:<width$}");
        for result in results {
            match result {
                Ok(took) => print!("  {:>12}", format!("pass {:.1} s", took.as_secs_f64())),
                Err(_) => print!("  {:>12}", "FAIL"),
            }
        }
        println!();
    }
    println!();
    for (name, results) in rows {
        for (program, result) in programs.iter().zip(results) {
            if let Err(why) = result {
                println!("FAILED {}: {name}\n  {}\n", program.name, why.replace('\n', "\n  "));
            }
        }
    }
    let results = || rows.iter().flat_map(|(_, results)| results);
    let failed = results().filter(|result| result.is_err()).count();
    println!("{} passed, {failed} failed", results().count() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
