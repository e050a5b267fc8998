//! The desktop program. Looks at the display before anything starts a thread, then runs the shell.
//!
//! Exit status: 0 left in good order, 1 no display or no window, 2 an argument it does not know.

use nox_desktop::{Answer, Engine, Options, Start, display};
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// Stands where the engine will be connected: the window opens and nothing runs.
struct Detached;

#[async_trait::async_trait]
impl Engine for Detached {
    fn live_runs(&self) -> u32 {
        0
    }

    async fn answer(&self, request: &str, answer: Answer) {
        tracing::warn!(request, ?answer, "there is no engine to answer to");
    }

    async fn shut_down(&self) {}
}

const USAGE: &str = "Usage: nox-desktop [--hidden] [--version]\n\n  --hidden   start in the tray\n\nThe command line of Nox is `nox`.";

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what the person who starts it reads")]
fn main() -> ExitCode {
    let mut start = Start::Shown;
    for argument in std::env::args_os().skip(1) {
        match argument.to_str() {
            Some("--hidden") => start = Start::Hidden,
            Some("--version") => {
                println!("Nox {}", env!("CARGO_PKG_VERSION"));
                return ExitCode::SUCCESS;
            }
            Some("--help") => {
                println!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            _ => {
                eprintln!("nox-desktop does not know “{}”.\n\n{USAGE}", argument.to_string_lossy());
                return ExitCode::from(2);
            }
        }
    }
    match display::look() {
        Ok(display) => display::prepare(display),
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    }
    let Some(home) = std::env::var_os("NOX_HOME").map(PathBuf::from) else {
        eprintln!("NOX_HOME is not set.");
        return ExitCode::FAILURE;
    };
    match nox_desktop::run(Options { home, start }, Arc::new(Detached), |_| ()) {
        Ok(status) => u8::try_from(status).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
