//! Claude Code as a child, over its stream of JSON lines.
//!
//! One process for each run, which lives between turns. [`conversation`] knows what is said, [`calls`] what is being done,
//! [`quirks`] what is particular to the program, [`launch`] how it is started; [`crate::child`] carries both. Every call of a
//! tool comes as a question, whatever the program's own settings allow, and nothing runs before it is answered.

mod call;
mod calls;
mod conversation;
mod faults;
mod launch;
mod memory;
mod offers;
mod questions;
pub(crate) mod quirks;
#[cfg(test)]
mod tests;

use crate::{
    AgentConnection, Error, Start,
    child::{Asked, Carrier, Connection, Over, Placed},
};
use conversation::Conversation;
use launch::Which;
use nox_domain::{event::Problem, ids::ItemId};
use uuid::Uuid;

/// Starts a run.
///
/// # Errors
/// The folder is not there, or another run carries the same conversation. A program that is not there is told by signals.
pub fn connect(start: Start) -> Result<impl AgentConnection, Error> {
    if !start.folder.is_dir() {
        return Err(Error::NoFolder { folder: start.folder.display().to_string() });
    }
    let which = match &start.resume {
        Some(of) if start.fork => Which::Forked { of: of.clone(), name: Uuid::now_v7().to_string() },
        Some(name) => Which::Resumed(name.clone()),
        None => Which::New(Uuid::now_v7().to_string()),
    };
    let signals = start.signals.clone();
    let (connection, wishes) = Connection::new();
    let mut carrier = Carrier::new(start, &faults::PROGRAM, wishes, "");
    carrier.hold(which.name()).ok_or_else(|| carrier.elsewhere())?;
    signals.carry("claude", run(carrier, which));
    Ok(connection)
}

async fn run(mut carrier: Carrier, which: Which) {
    let Some(first) = carrier.first().await else { return carrier.end(Over::Stopped).await };
    let mut over = process(&mut carrier, &which, first.known).await;
    if matches!(over, Over::NotThere) {
        carrier.not_restored().await;
        let which = Which::New(Uuid::now_v7().to_string());
        let _ = carrier.hold(which.name());
        over = process(&mut carrier, &which, first.lost).await;
    }
    carrier.end(over).await;
}

/// Runs one process to its end.
async fn process(carrier: &mut Carrier, which: &Which, prompt: Option<Asked>) -> Over {
    let launch = match launch::launch(&carrier.start, which) {
        Ok(launch) => launch,
        Err(error) => return Over::Refused(Problem::NotStarted { message: error.to_string() }),
    };
    let is_resumed = !matches!(which, Which::New(_));
    let spent = if is_resumed { carrier.start.spent_micro_usd } else { 0 };
    let fresh = || ItemId::from_uuid(Uuid::now_v7());
    let start = &carrier.start;
    let model = start.program.model.as_deref();
    let mut talk = Conversation::new(&start.folder, is_resumed, model, spent, fresh);
    let placed = Placed::of(start, !is_resumed);
    let instructions = memory::with_words_of_project(&placed.system, &start.folder);
    let opening = Conversation::opening(&instructions, placed.replaces);
    carrier.first_words = placed.first;
    carrier.process(&launch.spec, &mut talk, opening, prompt).await
}
