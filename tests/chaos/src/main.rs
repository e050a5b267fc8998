//! `nox-chaos`: the command of the suite, and the engine in a process of its own that it kills.

use std::process::ExitCode;

fn main() -> ExitCode {
    nox_chaos::run(&std::env::args().skip(1).collect::<Vec<_>>())
}
