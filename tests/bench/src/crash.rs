//! Back after a crash: an engine with live runs is killed, a new one is started on the same home, and the time counts
//! until the contract shows each session as what it has become.
//!
//! Half of the runs are inside a step whose process lives under a shim: nobody saw its end, so a person has to choose.
//! The other half are inside a turn without a step: they go on by themselves, in a run of their own.

use crate::{
    error::Error,
    nox::{Nox, Work, prepare, states},
};
use nox_api::domain::{ids::SessionId, rows::SessionState};
use serde::Serialize;
use std::{path::Path, time::Instant};

/// What all rounds gave, in milliseconds from the start of the program.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Returns {
    /// After a crash, until all sessions are shown as what they have become.
    crashed_ms: Vec<f64>,
    /// After a good end with nothing open, until the first snapshot.
    ended_ms: Vec<f64>,
}

/// Each round has a home of its own below `folder`.
pub(crate) async fn measure(
    program: &Path,
    folder: &Path,
    runs: usize,
    rounds: usize,
) -> Result<Returns, Error> {
    std::fs::create_dir_all(folder)?;
    let mut all = Returns::default();
    for _ in 0..rounds {
        let place = tempfile::tempdir_in(folder)?;
        let home = place.path();
        prepare(home).await?;
        let begun = Instant::now();
        let nox = Nox::start(program, home)?;
        let hand = nox.hand().await?;
        hand.snapshot().await?;
        all.ended_ms.push(begun.elapsed().as_secs_f64() * 1000.0);
        nox.settled(&hand).await?;
        let in_turns = hand.begin(runs / 2, Work::InTurn).await?;
        let in_steps = hand.begin(runs - runs / 2, Work::InStep).await?;
        drop(hand);
        nox.kill().await?;

        let begun = Instant::now();
        let nox = Nox::start(program, home)?;
        let hand = nox.hand().await?;
        hand.until("the sessions to come back", |all| is_back(all, &in_turns, &in_steps)).await?;
        all.crashed_ms.push(begun.elapsed().as_secs_f64() * 1000.0);
        nox.kill().await?;
    }
    Ok(all)
}

fn is_back(all: &nox_api::dto::Snapshot, in_turns: &[SessionId], in_steps: &[SessionId]) -> bool {
    let goes_on = |(state, run): &(&SessionState, u32)| {
        *run == 2 && matches!(state, SessionState::Running { doing: None })
    };
    let asks = |(state, _): &(&SessionState, u32)| matches!(state, SessionState::NeedsChoice { .. });
    states(all, in_turns).filter(goes_on).count() == in_turns.len()
        && states(all, in_steps).filter(asks).count() == in_steps.len()
}
