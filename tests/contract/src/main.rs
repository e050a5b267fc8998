//! `nox-contract PROGRAM=PATH …`: real agent programs below a real engine, against the scripted model server.
//!
//! Started by `npm run test:contract`, which installs the programs and takes the network away. Each scenario has a home,
//! a folder and a model server of its own, talks to Nox through its contract as any face does, and ends with nothing
//! running. Prints a matrix of program and scenario, what failed, and `N passed, N failed`.
//!
//! `--record FOLDER` writes down what is said on each program's pipes, `--only NAME,…` chooses scenarios. What was not begun
//! after [`SUITE_LIMIT`] fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the tests: a scenario that cannot go on ends there, and its matrix is its output"
)]

mod bench;
mod door;
mod faults;
mod live;
mod lives;
mod others;
mod people;
mod placement;
mod programs;
mod report;
mod shown;
mod skills;
mod tools;
mod trials;
mod turns;

use bench::{Bench, Tools};
use others::Tries;
use programs::{ALL, Installed};
use report::Cell;
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    pin::Pin,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

/// A safety net for one scenario.
const LIMIT: Duration = Duration::from_secs(120);
/// Before the place of the MCP server that agents use.
const SERVER: &str = "mcp-everything=";
/// A safety net for all of them: what has run is reported then.
const SUITE_LIMIT: Duration = Duration::from_secs(12 * 60);

/// The last row: over all scenarios of a program.
const REACHES: &str = "reaches no other address";
const NOT_COUNTED: &str = "This machine gives no network of its own, where the tries could be counted.";

type Scenario = fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! scenarios {
    ($($name:literal => $run:path,)*) => {
        &[$(($name, |bench| Box::pin($run(bench)))),*]
    };
}

/// The table. A scenario panics when it is not as it should be.
const SCENARIOS: &[(&str, Scenario)] = scenarios! {
    "reply" => turns::reply,
    "prompt placement" => placement::prompt_placement,
    "skills" => skills::skills,
    "tool allowed" => turns::tool_allowed,
    "tool denied" => turns::tool_denied,
    "own rules ask too" => turns::own_rules_ask_too,
    "hooks decide nothing" => turns::hooks_decide_nothing,
    "calls within a script" => turns::calls_within_a_script,
    "edit with diff" => turns::edit_with_diff,
    "parallel calls" => turns::parallel_calls,
    "question answered" => people::question_answered,
    "plan judged" => people::plan_judged,
    "MCP tool" => tools::mcp_tool,
    "key stays" => tools::key_stays,
    "interrupt in a text" => turns::interrupt_in_a_text,
    "interrupt in a tool" => turns::interrupt_in_a_tool,
    "prompt behind interrupt" => turns::prompt_behind_interrupt,
    "prompt while it works" => turns::prompt_while_it_works,
    "usage" => turns::usage,
    "image of a tool" => shown::image_of_a_tool,
    "image in a prompt" => shown::image_in_a_prompt,
    "usage of several requests" => turns::usage_of_several_requests,
    "steer" => live::steer,
    "mode and model" => live::mode_and_model,
    "fork" => live::fork,
    "kill -9 and resume" => lives::kill_and_resume,
    "steer and kill -9" => lives::steer_and_kill,
    "restart and resume" => lives::restart_and_resume,
    "sleep and wake" => lives::sleep_and_wake,
    "resume says no" => lives::resume_says_no,
    "stop leaves nothing" => lives::stop_leaves_nothing,
    "test this agent" => trials::test_this_agent,
    "bad key" => faults::bad_key,
    "rate limit" => faults::rate_limit,
    "server gone" => faults::server_gone,
    "not installed" => faults::not_installed,
};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut paths = Vec::new();
    let (mut only, mut tools) = (None, Tools::default());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let program = word.split_once('=').and_then(|(name, path)| {
            let row = ALL.iter().find(|row| row.name == name)?;
            Some((*row, PathBuf::from(path)))
        });
        match (word.as_str(), program) {
            ("--only", _) => only = words.next().cloned(),
            ("--record", _) => tools.record = words.next().map(PathBuf::from),
            (server, None) if server.starts_with(SERVER) => {
                tools.server = server.get(SERVER.len()..).map(PathBuf::from)
            }
            (_, Some(program)) => paths.push(program),
            _ => {
                eprintln!("nox-contract does not know {word}");
                return ExitCode::from(2);
            }
        }
    }
    let is_wanted =
        |name: &str| only.as_ref().is_none_or(|only| only.split(',').any(|wanted| wanted.trim() == name));
    let chosen: Vec<_> = SCENARIOS.iter().filter(|(name, _)| is_wanted(name)).collect();
    let tools = Arc::new(tools);
    let programs: Vec<_> = paths.iter().map(|(row, path)| Installed { row, path }).collect();
    if chosen.is_empty() || programs.is_empty() {
        eprintln!("there is nothing to run");
        return ExitCode::from(2);
    }
    let begun = Instant::now();
    let is_counted = Tries::counted().is_some();
    // By program: how many tries to reach others there were, and in which scenarios.
    let mut tries: Vec<(u64, Vec<&str>)> = vec![Default::default(); programs.len()];
    let mut rows = Vec::new();
    for (name, scenario) in chosen {
        let cell = |program: &Installed<'_>| match program.row.lacks_scenario(name) {
            Some(evidence) => Cell::NotOffered(evidence),
            None if begun.elapsed() > SUITE_LIMIT => {
                Cell::Failed(format!("not begun: {} minutes were over", SUITE_LIMIT.as_secs() / 60))
            }
            None => attempt(name, *scenario, *program, &tools),
        };
        let mut cells = Vec::new();
        for (program, (count, scenarios)) in programs.iter().zip(&mut tries) {
            let before = Tries::begin();
            cells.push(cell(program));
            let more = before.since();
            if is_counted && more > 0 {
                *count += more;
                scenarios.push(*name);
            }
        }
        rows.push((*name, cells));
    }
    let reached = |(count, scenarios): &(u64, Vec<&str>)| match count {
        _ if !is_counted => Cell::NotOffered(NOT_COUNTED),
        0 => Cell::NoTries,
        tries => Cell::Failed(format!("{tries} tries, in: {}", scenarios.join(", "))),
    };
    rows.push((REACHES, tries.iter().map(reached).collect()));
    report::print(&programs, &rows)
}

fn attempt(name: &str, scenario: Scenario, program: Installed<'_>, tools: &Arc<Tools>) -> Cell {
    let begun = Instant::now();
    let bench = Bench::of(program, name, tools.clone());
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
    let cell = match (outcome, nox_test_support::processes::wait_gone(&mark, Duration::from_secs(10))) {
        (Ok(()), Ok(_)) => Cell::Passed(begun.elapsed()),
        (Ok(()), Err(left)) => Cell::Failed(format!("left running: {left:?}")),
        (Err(why), _) => Cell::Failed(why),
    };
    let word = if matches!(cell, Cell::Passed(_)) { "ok    " } else { "FAILED" };
    println!("  {word} {}: {name} ({:.1} s)", program.row.name, begun.elapsed().as_secs_f64());
    cell
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
