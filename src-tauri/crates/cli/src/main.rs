//! `nox`: runs a task, lists tasks and agents, finds, makes and tries agents, exports and imports sessions, looks whether all is well.
//!
//! A face as the window is: with the home's lock free it opens the engine in this process, else it is a client of the
//! engine that holds it (see `door`). It derives no status and decides nothing; words and answers are its own.
//!
//! Standard output carries what was asked for: the output of programs, tables, JSON lines. Everything that Nox itself
//! says goes to standard error. A reader of standard output that goes away is no error.

mod agents;
mod args;
mod changes;
mod door;
mod failure;
mod follow;
mod list;
mod log;
mod out;
mod prompt;
mod report;
mod run;
mod source;

use args::{AgentVerb, Args, Verb};
use clap::Parser;
use failure::Failure;
use nox_api::Home;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version go to standard output and are no error.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { failure::USAGE } else { 0 });
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::system("cannot start", &error).tell(),
    };
    let code = runtime.block_on(act(args));
    // A thread may still wait for the terminal; nothing that matters does.
    runtime.shutdown_background();
    code
}

async fn act(args: Args) -> ExitCode {
    let root = match home(args.home.as_deref()) {
        Ok(root) => root,
        Err(failure) => return failure.tell(),
    };
    match args.verb {
        Verb::Run(run) => run::run(&root, run).await,
        Verb::ListTasks(list) => told(list::tasks(&root, list.json).await),
        Verb::ListAgents(list) => told(list::agents(&root, list.json).await),
        Verb::Agent(AgentVerb::Discover(list)) => told(agents::discover(&root, list.json).await),
        Verb::Agent(AgentVerb::Add(add)) => told(agents::add(&root, *add).await),
        Verb::Agent(AgentVerb::Set(set)) => told(changes::set(&root, *set).await),
        Verb::Agent(AgentVerb::Undo(undo)) => told(changes::undo(&root, undo).await),
        Verb::Agent(AgentVerb::Test(test)) => agents::test(&root, test).await,
        Verb::Doctor(doctor) if doctor.rebuild => told(log::rebuild(&root, doctor.json).await),
        Verb::Doctor(doctor) => list::doctor(&root, doctor.json).await,
        Verb::Export(export) => told(log::export(&root, export).await),
        Verb::Import(import) => told(log::import(&root, import).await),
    }
}

fn told(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

fn home(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let root = named.map(Path::to_owned).or_else(Home::default_root).ok_or_else(|| {
        Failure::usage("there is no home folder", "Name one with --home DIR or with NOX_HOME.")
    })?;
    std::path::absolute(&root).map_err(|error| Failure::system("the home folder cannot be named", &error))
}
