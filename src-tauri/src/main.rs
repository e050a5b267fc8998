//! The desktop program. Looks at the display before anything starts a thread, takes the home, then runs the shell.
//!
//! Exit status: 0 left in good order, or a Nox that was running came to the front, or has quit; 1 no display, no window or
//! no usable home, or it did not quit; 2 an argument it does not know.

use nox_api::Home;
use nox_desktop::{
    EngineLink, Options, Start, display,
    start::{self, Found, Refusal},
    usable::Startup,
};
use std::{process::ExitCode, sync::Arc, time::Instant};

const USAGE: &str = "Usage: nox-desktop [--hidden | --quit | --version]\n\n  --hidden   start in the tray\n  --quit     end the Nox that is running; sessions that work are stopped\n\nThe command line of Nox is `nox`.";

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what the person who starts it reads")]
fn main() -> ExitCode {
    let began = Instant::now();
    let mut start = Start::Shown;
    for argument in std::env::args_os().skip(1) {
        match argument.to_str() {
            Some("--hidden") => start = Start::Hidden,
            Some("--quit") => return quit(),
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
    let (home, lock, _log) = match start::take_home(Home::default_root()) {
        Ok(Found::Free { home, lock, log }) => (home, lock, log),
        Ok(Found::Running) => return ExitCode::SUCCESS,
        Err(refusal) => return refuse(refusal),
    };
    let options = Options { home: home.root().to_owned(), start };
    let link = EngineLink::open(home, lock, Arc::new(Startup::since(began)));
    match nox_desktop::run(options, link) {
        Ok(status) => u8::try_from(status).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Needs no display: what it ends may have another one.
#[allow(clippy::print_stderr, reason = "this is what the person who starts it reads")]
fn quit() -> ExitCode {
    match start::quit_running(Home::default_root()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            eprintln!("{refusal}");
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "this is what the person who starts it reads")]
fn refuse(refusal: Refusal) -> ExitCode {
    eprintln!("{refusal}");
    if let Err(error) = start::show_refusal(refusal) {
        eprintln!("{error}");
    }
    ExitCode::FAILURE
}
