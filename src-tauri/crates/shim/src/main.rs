//! `nox-shim`: holds one process tree and ends it.
//!
//! Started by `nox-process`, once per tree:
//!
//! ```text
//! nox-shim --lifeline FD --report FD [--grace-ms N] [--group FOLDER]… [--file-bytes N] [--user-processes N]
//!          -- program arguments…
//! ```
//!
//! The program gets the shim's standard streams, environment and working directory, and nothing else. Before it is
//! executed it joins the control groups whose folders are named, and gets its limits; the shim stays outside of both, and
//! removes the folders when the tree is empty.
//!
//! The lifeline is a pipe whose other end only the engine holds. Its end means that the engine is gone, and the tree is
//! ended. Before that the engine may send lines: `t` or `t MILLISECONDS` asks for the ladder (SIGTERM, a grace period,
//! SIGKILL), `k` for SIGKILL at once, `s` to freeze the tree and `c` to let it run on.
//!
//! The report is a pipe on which the shim writes lines, in this order:
//!
//! - `started PID TICKS` (the start time as in `/proc/PID/stat`), or `exec-failed ERRNO`, or `failed STEP ERRNO`;
//! - `exited CODE` or `signaled SIGNAL` for the program itself;
//! - `limit memory COUNT` or `limit processes COUNT` when the groups say that a limit was met that many times;
//! - `forced COUNT` when that many processes did not end before SIGKILL;
//! - `stuck COUNT` when that many could not be ended at all, else `empty`: no descendant is left.
//!
//! Invariants: the shim is a subreaper, so every orphan below it becomes its own child and "no child left" means "no
//! descendant left". It never wakes up while the tree just runs. It does not outlive its tree, and its tree does not
//! outlive it: the program also carries a parent-death signal. What a process asks another daemon to start (a service
//! of the session bus, a container) is no descendant and not its business.

#[cfg(unix)]
mod args;
#[cfg(unix)]
mod descendants;
#[cfg(unix)]
mod group;
#[cfg(unix)]
mod group_folder;
#[cfg(unix)]
mod hold;
#[cfg(unix)]
mod sys;

use std::io::Write;
use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    match args::parse(std::env::args_os().skip(1)) {
        Ok(options) => hold::run(&options),
        Err(problem) => complain(&format!("nox-shim: {problem}")),
    }
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    complain("nox-shim: process trees are not held on this platform yet; nothing was started")
}

/// Says on stderr why nothing was started; 2 is the exit code for bad usage.
fn complain(text: &str) -> ExitCode {
    // There is nobody left to tell when stderr itself is gone.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(2)
}
