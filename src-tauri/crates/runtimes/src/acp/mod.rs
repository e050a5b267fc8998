//! Any program that speaks the Agent Client Protocol, as a child.
//!
//! One process for each run, which lives between turns; one that leaves an interrupted tool running is followed by another.
//! [`conversation`] knows what is said, [`quirks`] what is particular to each known program, [`launch`] how it is started;
//! [`crate::child`] carries both. Programs are put into the mode in which they ask before each call; one that does something
//! without an answer that allows it is ended.

mod call;
mod calls;
mod conversation;
mod faults;
mod forms;
mod homes;
mod launch;
mod offers;
mod opening;
mod plugins;
pub(crate) mod quirks;
mod steers;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_asked;
#[cfg(test)]
mod tests_programs;
#[cfg(test)]
mod tests_watched;
mod usage;

use crate::{
    AgentConnection, Error, Start,
    child::{Carrier, Connection, Over, environment},
    prices::Prices,
};
use conversation::Conversation;
use nox_domain::{agent::PromptPlacement, event::Problem, ids::ItemId, transcript::AgentFault};
use opening::Opening;
use plugins::Plugins;
use quirks::{NOT_CARRIED, PLAIN, Preset};
use std::{collections::BTreeMap, ffi::OsStr, path::Path};
use uuid::Uuid;

/// Starts a run.
///
/// # Errors
/// The folder is not there, the settings name no program or one that would not ask, or another run carries the same
/// conversation. A program that is not there is told by signals.
pub fn connect(start: Start) -> Result<impl AgentConnection, Error> {
    if !start.folder.is_dir() {
        return Err(Error::NoFolder { folder: start.folder.display().to_string() });
    }
    let preset = preset_of(&start)?;
    if let Some(said) = plugins(&start, preset).forbid(preset.named.title) {
        return Err(Error::Agent { fault: AgentFault::Settings, message: said });
    }
    let signals = start.signals.clone();
    let (connection, inbox) = Connection::new();
    let scope = scope(&start, preset);
    let resume = start.resume.clone().filter(|_| !start.fork);
    let mut carrier = Carrier::new(start, &preset.named, inbox, scope);
    if let Some(name) = resume {
        carrier.hold(&name).ok_or_else(|| carrier.elsewhere())?;
    }
    signals.carry("acp", run(carrier, preset));
    Ok(connection)
}

/// The known program that the settings name, as far as they fit together.
fn preset_of(start: &Start) -> Result<&'static Preset, Error> {
    let program = &start.program;
    let wrong = |message: String| Err(Error::Agent { fault: AgentFault::Settings, message });
    let preset = match program.preset.as_deref() {
        Some(name) => match Preset::of(name) {
            Some(preset) => preset,
            None => {
                if let Some((_, why)) = NOT_CARRIED.iter().find(|(known, _)| *known == name) {
                    return wrong((*why).to_owned());
                }
                let known = Preset::names();
                return wrong(format!(
                    "Nox knows no program \"{name}\". preset in [program] of agent.toml is one of {known}."
                ));
            }
        },
        None => &PLAIN,
    };
    let title = preset.named.title;
    if preset.command.is_empty() && program.command.is_none() {
        let known = Preset::names();
        return wrong(format!(
            "Nothing says which program it is: name a preset ({known}) or a command in [program] of agent.toml."
        ));
    }
    if let Some(mode) = program.mode.as_deref().filter(|mode| !preset.asks_in(mode)) {
        let modes = preset.asking.join(", ");
        return wrong(format!(
            "{title} does not ask before each call in the mode \"{mode}\". Choose one of {modes}."
        ));
    }
    let provider = program.provider.as_deref();
    let is_known = |name: &str| preset.access.iter().any(|access| access.provider == name);
    if let Some(name) = provider.filter(|name| !is_known(name)) {
        let known: Vec<&str> = preset.access.iter().map(|access| access.provider).collect();
        return wrong(format!(
            "Nox cannot tell {title} to use the provider \"{name}\". It knows {}.",
            known.join(", ")
        ));
    }
    if preset.access.is_empty() && (start.key.is_some() || program.address.is_some()) {
        return wrong(format!(
            "Nox does not know where {title} reads its key and its address: name a preset, or pass variables on with pass_environment."
        ));
    }
    if program.prompt_placement == Some(PromptPlacement::Append) && !preset.takes_instructions {
        return wrong(format!(
            "{title} has no place for an agent's prompt. Write prompt_placement = \"first_prompt\", or remove the line."
        ));
    }
    Ok(preset)
}

/// What the agent is told in front of its first prompt: then the program itself is told nothing.
fn first_words(start: &mut Start, preset: &Preset) -> Option<String> {
    let is_first = start.program.prompt_placement == Some(PromptPlacement::FirstPrompt);
    if preset.takes_instructions && !is_first {
        return None;
    }
    Some(std::mem::take(&mut start.instructions).trim().to_owned()).filter(|text| !text.is_empty())
}

/// What stands before names of conversations: programs count them, each in the home that it has.
fn scope(start: &Start, preset: &Preset) -> String {
    let command = start.program.command.as_deref().unwrap_or(preset.command);
    let home = start.environment.get("HOME").cloned().unwrap_or_default();
    format!("{}|{command}|{home}|", preset.name)
}

/// Plugins that the program would find.
fn plugins(start: &Start, preset: &Preset) -> Plugins {
    let environment: BTreeMap<_, _> =
        environment(start, preset.environment, Vec::new()).into_iter().collect();
    let home = ["HOME", "USERPROFILE"].into_iter().find_map(|name| environment.get(OsStr::new(name)));
    Plugins::of(preset, &start.folder, home.map(Path::new), !start.services.is_empty())
}

async fn run(mut carrier: Carrier, preset: &'static Preset) {
    let instructions = first_words(&mut carrier.start, preset);
    let launch = match launch::launch(&carrier.start, preset) {
        Ok(launch) => launch,
        Err(error) => {
            let message = error.to_string();
            let problem = match error.kind() {
                // The system does not say this: it was found that what the settings bring would not ask.
                std::io::ErrorKind::Other => {
                    Problem::Agent { fault: AgentFault::Settings, message, until: None }
                }
                _ => Problem::NotStarted { message },
            };
            carrier.end(Over::Refused(problem)).await;
            return;
        }
    };
    let Some(first) = carrier.first().await else { return carrier.end(Over::Stopped).await };
    let start = &carrier.start;
    let mut opening = Opening {
        preset,
        folder: start.folder.clone(),
        plugins: plugins(start, preset),
        resume: start.resume.clone(),
        fork: start.fork,
        services: launch::services(start, preset),
        meta: launch.meta.clone(),
        instructions,
        heard: start.heard,
        mode: start.program.mode.clone().or_else(|| preset.mode.map(str::to_owned)),
        model: start.program.model.clone().filter(|_| !launch.told_model),
        prompt: first.known,
        prompt_if_lost: first.lost,
        asks: start.program.model.clone(),
        images_by_model: preset.images_by_model.then(|| Prices::read(start.prices.as_deref()).0),
    };
    let mut spent = if start.resume.is_some() { start.spent_micro_usd } else { 0 };
    loop {
        let mut talk = Conversation::new(opening, spent, || ItemId::from_uuid(Uuid::now_v7()));
        let first = talk.first();
        match carrier.process(&launch.spec, &mut talk, first, None).await {
            Over::Anew => (opening, spent) = talk.anew(),
            over => return carrier.end(over).await,
        }
    }
}
