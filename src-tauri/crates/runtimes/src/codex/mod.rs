//! Codex as a child, over its app-server.
//!
//! One process for each run, which lives between turns. [`conversation`] knows what is said, [`items`] what is being done,
//! [`quirks`] what is particular to the program, [`launch`] and [`home`] how it is started; [`crate::child`] carries both.
//! Every command, edit and call of a service comes as a question, and one that was done without is the end of the program.

mod call;
mod conversation;
mod faults;
mod home;
mod items;
mod launch;
mod offers;
pub(crate) mod quirks;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_words;
mod usage;
mod wishes;

use crate::{
    AgentConnection, Error, Start,
    child::{Asked, Carrier, Connection, Over, Placed},
    prices::Prices,
};
use conversation::Conversation;
use nox_domain::{event::Problem, ids::ItemId, session::Signal};
use uuid::Uuid;
use wishes::Which;

/// Starts a run.
///
/// # Errors
/// The folder is not there, or another run carries the same conversation. A program that is not there is told by signals.
pub fn connect(start: Start) -> Result<Box<dyn AgentConnection>, Error> {
    if !start.folder.is_dir() {
        return Err(Error::NoFolder { folder: start.folder.display().to_string() });
    }
    let which = match &start.resume {
        Some(name) if start.fork => Which::Forked(name.clone()),
        Some(name) => Which::Resumed(name.clone()),
        None => Which::New,
    };
    let signals = start.signals.clone();
    let (connection, wishes) = Connection::new();
    let mut carrier = Carrier::new(start, &quirks::PROGRAM, wishes, "codex:");
    if let Which::Resumed(name) = &which {
        carrier.hold(name).ok_or_else(|| carrier.elsewhere())?;
    }
    signals.carry("codex", run(carrier, which));
    Ok(Box::new(connection))
}

async fn run(mut carrier: Carrier, which: Which) {
    let Some(first) = carrier.first().await else { return carrier.end(Over::Stopped).await };
    let mut over = process(&mut carrier, which, first.known).await;
    if matches!(over, Over::NotThere) {
        carrier.not_restored().await;
        over = process(&mut carrier, Which::New, first.lost).await;
    }
    carrier.end(over).await;
}

/// Runs one process to its end.
async fn process(carrier: &mut Carrier, which: Which, prompt: Option<Asked>) -> Over {
    let start = &carrier.start;
    let spec = match launch::launch(start) {
        Ok(spec) => spec,
        Err(error) => return Over::Refused(Problem::NotStarted { message: error.to_string() }),
    };
    let fresh = || ItemId::from_uuid(Uuid::now_v7());
    let placed = Placed::of(start, which == Which::New);
    let settings = launch::thread(start, &placed);
    let mode = start.program.mode.as_deref();
    let (prices, fault) = Prices::read(start.prices.as_deref());
    let costs = (prices, launch::paid(start));
    let mut talk = Conversation::new(&start.folder, which, settings, mode, costs, fresh);
    carrier.first_words = placed.first;
    if let Some(fault) = fault {
        carrier.tell(Signal::Noted("settings".into(), fault)).await;
    }
    carrier.process(&spec, &mut talk, Conversation::opening(), prompt).await
}
