//! A loop of our own over a model server: for API keys and for models on this computer. Nothing has to be installed.
//!
//! `conversation` is pure: what a model says and what people wish for goes in, acts come out. `run` carries it: it asks
//! through `wire`, keeps each line with `keep` before anything follows from it, and does what is allowed with `tools` and
//! `services`. Between turns a run holds nothing but its file and its services, so sleeping costs nothing.
//!
//! Nothing happens before an answer that allows it, reading included. The key is in the header of requests and nowhere
//! else. What a model says is never trusted: a path that leads out of the folder is asked, a file that has changed since
//! its diff was shown is not written.

mod acts;
mod budget;
mod conversation;
mod faults;
mod fragments;
mod history;
mod image;
mod keep;
mod models;
mod providers;
mod retries;
mod run;
mod services;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_crash;
#[cfg(test)]
mod tests_images;
#[cfg(test)]
mod tests_run;
mod tools;
mod wire;
mod work;

use crate::{
    AgentConnection, Error, Start,
    child::{Carried, Connection},
};
use faults::Failure;
use nox_domain::{agent::PromptPlacement, event::Problem, transcript::AgentFault};
use run::Run;
use wire::Wire;

/// Whether a model takes images, as the table of models says and the user's own before it; none when they do not.
pub(crate) fn takes_images(start: &Start, model: &str) -> Option<bool> {
    crate::prices::Prices::read(start.prices.as_deref()).0.takes_images(model)
}

/// Starts a run.
///
/// # Errors
/// The folder is not there, the settings do not say enough, or another run carries the same conversation.
pub fn connect(start: Start) -> Result<Box<dyn AgentConnection>, Error> {
    if !start.folder.is_dir() {
        return Err(Error::NoFolder { folder: start.folder.display().to_string() });
    }
    if start.program.model.as_deref().is_none_or(|model| model.trim().is_empty()) {
        return Err(error_of(&Failure::of(
            AgentFault::Settings,
            "no model is named: model in [program] of agent.toml",
        )));
    }
    let wire = Wire::of(&start.program, start.key.clone()).map_err(|failure| error_of(&failure))?;
    let carried = match start.resume.as_ref().filter(|_| !start.fork) {
        Some(name) => {
            let elsewhere = || error_of(&Failure::of(AgentFault::Elsewhere, ""));
            Some(Carried::take(name).ok_or_else(elsewhere)?)
        }
        None => None,
    };
    let (connection, wishes) = Connection::new();
    let signals = start.signals.clone();
    signals.carry("llm", Run::new(start, wire, carried, wishes).run());
    Ok(Box::new(connection))
}

fn error_of(failure: &Failure) -> Error {
    match failure.problem() {
        Problem::Agent { fault, message, .. } => Error::Agent { fault, message },
        _ => Error::Agent { fault: failure.fault, message: failure.said.clone() },
    }
}

/// What the model is told before anything else.
fn system(start: &Start) -> String {
    let place = format!(
        "You work in the folder {} on {}. Paths that are not absolute count from there. Before a tool is used, a rule or \
         a person is asked; what is denied is not to be tried in another way.",
        start.folder.display(),
        std::env::consts::OS
    );
    match start.instructions.trim() {
        "" => place,
        instructions if start.program.prompt_placement == Some(PromptPlacement::Replace) => {
            instructions.to_owned()
        }
        instructions => format!("{instructions}\n\n{place}"),
    }
}
