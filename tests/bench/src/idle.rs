//! What an engine without a window holds and does when nothing happens: alone, with sessions that stand by, and with
//! runs whose processes wait.

use crate::{
    error::Error,
    nox::{Nox, Work, prepare},
    watched::{Pace, children, memory_bytes},
};
use serde::Serialize;
use std::{path::Path, time::Duration};

/// Until what was done before is over: threads that are not needed any more end after ten seconds.
const SETTLE: Duration = Duration::from_secs(15);

/// An engine that does nothing.
#[derive(Debug, Serialize)]
pub(crate) struct Quiet {
    /// Sessions that stand by, with the one that keeps the engine there.
    sessions: usize,
    /// Proportional memory of the engine alone.
    bytes: u64,
    /// What it did meanwhile.
    pace: Pace,
}

/// An engine with runs that wait in a step.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
    runs: usize,
    /// Proportional memory of the engine alone.
    bytes: u64,
    /// That of all shims.
    shim_bytes: u64,
    shims: usize,
    /// That of the programs below them.
    program_bytes: u64,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Idle {
    alone: Quiet,
    standing_by: Quiet,
    in_steps: Held,
}

/// Measures in two homes of their own below `folder`; `seconds` is how long it is watched each time.
pub(crate) async fn measure(
    program: &Path,
    folder: &Path,
    sessions: usize,
    seconds: u64,
) -> Result<Idle, Error> {
    std::fs::create_dir_all(folder)?;
    let span = Duration::from_secs(seconds);
    let place = tempfile::tempdir_in(folder)?;
    prepare(place.path()).await?;
    let nox = Nox::start(program, place.path())?;
    nox.settled(&nox.hand().await?).await?;
    let alone = quiet(&nox, 1, span).await?;
    nox.hand().await?.begin(sessions, Work::StandsBy).await?;
    let standing_by = quiet(&nox, sessions + 1, span).await?;
    nox.kill().await?;

    let place = tempfile::tempdir_in(folder)?;
    prepare(place.path()).await?;
    let nox = Nox::start(program, place.path())?;
    nox.hand().await?.begin(sessions, Work::InStep).await?;
    tokio::time::sleep(SETTLE).await;
    let (mut shim_bytes, mut program_bytes) = (0, 0);
    let shims = children(nox.pid());
    for shim in &shims {
        shim_bytes += memory_bytes(*shim)?;
        for program in children(*shim) {
            program_bytes += memory_bytes(program)?;
        }
    }
    let bytes = memory_bytes(nox.pid())?;
    nox.kill().await?;
    let in_steps = Held { runs: sessions, bytes, shim_bytes, shims: shims.len(), program_bytes };
    Ok(Idle { alone, standing_by, in_steps })
}

async fn quiet(nox: &Nox, sessions: usize, span: Duration) -> Result<Quiet, Error> {
    tokio::time::sleep(SETTLE).await;
    let bytes = memory_bytes(nox.pid())?;
    let before = Pace::of(nox.pid())?;
    tokio::time::sleep(span).await;
    let pace = Pace::of(nox.pid())?.since(before);
    Ok(Quiet { sessions, bytes, pace })
}
