//! What can go wrong with a process tree, each with what to do about it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// The result of an operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a process tree could not be started or talked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no shim where one should be.
    #[error(
        "nox-shim was not found (looked at {}). Reinstall Nox; in a checkout, run cargo build -p nox-shim first",
        .looked_at.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    ShimMissing {
        /// The places, in the order they were tried.
        looked_at: Vec<PathBuf>,
    },

    /// The shim itself did not start.
    #[error("could not start {}: {source}", .path.display())]
    ShimNotStarted {
        /// The shim.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The shim could not set itself up, and has started nothing.
    #[error("nox-shim could not hold the process tree ({step}): {source}")]
    ShimFailed {
        /// The step that failed, as the shim names it.
        step: String,
        /// What the system said.
        source: io::Error,
    },

    /// The shim ended before it said whether the program runs.
    #[error("nox-shim ended before the program was started; try again, and look for it in the system's log")]
    ShimEnded,

    /// The folder to run in is not there, or is no folder.
    #[error("cannot run in {}: {source}", .path.display())]
    WorkingDirectory {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The program is not there or may not be executed.
    #[error("cannot run {}: {source}", .program.display())]
    Program {
        /// The program as it was asked for.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },

    /// Input was written to a program that takes none, or does not take any more.
    #[error("the program takes no input (any more): {source}")]
    Input {
        /// What the system said.
        source: io::Error,
    },

    /// A pipe could not be made or prepared; most often there are too many open files.
    #[error("could not make a pipe: {source}")]
    Pipe {
        /// What the system said.
        source: io::Error,
    },
}
