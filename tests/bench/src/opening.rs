//! Opening a session: what the window asks for when a person opens one, of a long and a short session in turns.
//!
//! Each opening has an engine of its own that has not touched the session before: neither its actor nor a page of it is
//! in memory, only the system's cache of files is warm.

use crate::{
    error::Error,
    nox::{Nox, prepare},
};
use nox_api::{
    control,
    domain::ids::SessionId,
    dto::{ItemsPage, OneSession, ReadItems},
};
use serde::Serialize;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Items that the window asks for, see `PAGE` in `ui/src/sync/conversation.ts`.
const PAGE: u32 = 200;
/// After the engine has begun, until nothing of that is left to do.
const QUIET: Duration = Duration::from_millis(500);

/// What one session gave.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Openings {
    /// Milliseconds from the question to the last page of the conversation.
    open_ms: Vec<f64>,
    /// Milliseconds of the first command on it, which wakes its actor; it is refused, so nothing is written.
    wake_ms: Vec<f64>,
}

/// Opens each of the sessions once in every round.
pub(crate) async fn measure(
    program: &Path,
    home: &Path,
    sessions: &[SessionId],
    rounds: usize,
) -> Result<Vec<Openings>, Error> {
    prepare(home).await?;
    let mut all: Vec<Openings> = sessions.iter().map(|_| Openings::default()).collect();
    // The first round fills the system's cache and is not counted.
    for round in 0..=rounds {
        for turn in 0..sessions.len() {
            // Each begins a round as often as the others.
            let which = (turn + round) % sessions.len();
            let (Some(session), Some(openings)) = (sessions.get(which), all.get_mut(which)) else { continue };
            let (open_ms, wake_ms) = one(program, home, session).await?;
            if round > 0 {
                openings.open_ms.push(open_ms);
                openings.wake_ms.push(wake_ms);
            }
        }
    }
    Ok(all)
}

async fn one(program: &Path, home: &Path, session: &SessionId) -> Result<(f64, f64), Error> {
    let nox = Nox::start(program, home)?;
    let hand = nox.hand().await?;
    nox.settled(&hand).await?;
    let _ear = hand.wire().subscribe().await?;
    tokio::time::sleep(QUIET).await;

    let begun = Instant::now();
    hand.wire().watch(session, true).await?;
    let read = ReadItems { session: session.clone(), before: None, limit: PAGE };
    let page: ItemsPage = hand.query("read_items", &read).await?;
    let open_ms = begun.elapsed().as_secs_f64() * 1000.0;
    if page.items.len() != PAGE as usize || !page.more {
        return Err(Error::Late("the session is shorter than a page"));
    }

    let begun = Instant::now();
    let refused = hand.command("stop_session", &OneSession { session: session.clone() }).await;
    let wake_ms = begun.elapsed().as_secs_f64() * 1000.0;
    match refused {
        Err(Error::Control(control::Error::Api(_))) => {}
        Err(error) => return Err(error),
        Ok(_) => return Err(Error::Late("a session that is over was stopped")),
    }
    nox.end(hand).await?;
    Ok((open_ms, wake_ms))
}
