//! What is said of an agent on the command line, when it is made and later: `nox agent set`, and taking that back.

use crate::{
    agents::named,
    args::{AgentOptions, Clear, SetAgent, UndoAgent},
    door::{Door, Purpose},
    failure::Failure,
    out,
};
use clap::ValueEnum;
use nox_api::{
    ErrorCode,
    dto::{ChangeAgent, Recorded, Undo, UndoOf},
};
use nox_domain::{
    agent::{Agent, AgentPatch, Program, Service},
    ids::CommandId,
    rows::AgentRow,
};
use std::{collections::BTreeMap, path::Path};

/// How often a change is made anew because somebody else was faster.
const TRIES: usize = 16;

pub(crate) async fn set(root: &Path, set: SetAgent) -> Result<(), Failure> {
    contradicts_itself(&set)?;
    // Read once: what is piped in is there only once.
    let prompt = set.said.prompt()?;
    let door = Door::open(root, Purpose::Look).await?;
    let command = CommandId::from_uuid(uuid::Uuid::now_v7());
    let done = change(&door, &set, prompt, command.clone()).await;
    door.close().await;
    if done?.undo {
        out::say(&format!("Take it back with nox agent undo {command}"));
    }
    Ok(())
}

pub(crate) async fn undo(root: &Path, undo: UndoAgent) -> Result<(), Failure> {
    let command = CommandId::parse(&undo.change).map_err(|_| {
        let hint = "Write it as nox agent set told it: it begins with cmd_.";
        Failure::usage(format!("{} is no change", undo.change), hint)
    })?;
    let door = Door::open(root, Purpose::Look).await?;
    let done: Result<Recorded, Failure> =
        door.call("undo", &Undo { command, of: Some(UndoOf::Agents) }).await;
    door.close().await;
    done.map(drop)
}

/// The change is made from the agent as it is. If that is another one when the change arrives, it is made anew from that.
async fn change(
    door: &Door,
    set: &SetAgent,
    prompt: Option<String>,
    command: CommandId,
) -> Result<Recorded, Failure> {
    let mut tries = 0;
    loop {
        let AgentRow { agent, version, .. } = named(door, &set.agent).await?;
        let patch = patch(set, prompt.clone(), &agent)?;
        if patch == AgentPatch::default() {
            let hint = "Name what changes, as nox agent set --help says.";
            return Err(Failure::usage("nothing is to be changed", hint));
        }
        let input = ChangeAgent { agent: agent.id, patch, base: Some(version) };
        tries += 1;
        match door.call_as(command.clone(), "change_agent", &input).await {
            Err(Failure { code: Some(ErrorCode::Stale), .. }) if tries < TRIES => {}
            done => return done,
        }
    }
}

/// What is set and taken away in one line is meant in neither way.
fn contradicts_itself(set: &SetAgent) -> Result<(), Failure> {
    let said = &set.said;
    for what in &set.clear {
        let (is_set, option) = match what {
            Clear::Model => (said.model.is_some(), "model"),
            Clear::Preset => (said.preset.is_some(), "preset"),
            Clear::Provider => (said.provider.is_some(), "provider"),
            Clear::Command => (said.command.is_some(), "command"),
            Clear::Arguments => (!said.arguments.is_empty(), "argument"),
            Clear::Address => (said.address.is_some(), "address"),
            Clear::Key => (said.key.is_some(), "key"),
            Clear::Mode => (said.mode.is_some(), "mode"),
            Clear::Effort => (said.effort.is_some(), "effort"),
            Clear::Folder => (said.folder.is_some(), "folder"),
            Clear::Prompt => (said.prompt.is_some(), "prompt"),
            Clear::PromptPlacement => (said.prompt_placement.is_some(), "prompt-placement"),
            Clear::Skills => (!said.skills.is_empty(), "skill"),
            // Others may come in the place of all that were there.
            Clear::Services => continue,
        };
        if is_set {
            let word = what.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
            return Err(Failure::usage(
                format!("--{option} sets what --clear {word} takes away"),
                "Nothing was changed. Leave one of them out.",
            ));
        }
    }
    Ok(())
}

/// What becomes of an agent, as far as it is another than now.
fn patch(set: &SetAgent, prompt: Option<String>, agent: &Agent) -> Result<AgentPatch, Failure> {
    let SetAgent { said, clear, .. } = set;
    let clears = |what: Clear| clear.contains(&what);
    let mut program = agent.program.clone();
    for what in clear {
        let text = match what {
            Clear::Model => &mut program.model,
            Clear::Preset => &mut program.preset,
            Clear::Provider => &mut program.provider,
            Clear::Command => &mut program.command,
            Clear::Address => &mut program.address,
            Clear::Key => &mut program.key,
            Clear::Mode => &mut program.mode,
            Clear::Effort => &mut program.effort,
            Clear::Arguments => {
                program.arguments.clear();
                continue;
            }
            Clear::PromptPlacement => {
                program.prompt_placement = None;
                continue;
            }
            Clear::Folder | Clear::Prompt | Clear::Skills | Clear::Services => continue,
        };
        *text = None;
    }
    said.say_of(&mut program);
    let mut services = agent.services.clone();
    if clears(Clear::Services) {
        services.clear();
    }
    for name in &set.without_service {
        if services.remove(name).is_none() && !clears(Clear::Services) {
            let message = format!("{} has no service {name}", agent.name);
            return Err(Failure::usage(message, "See what it has with nox list-agents --json."));
        }
    }
    let services = said.services(services)?;
    let emptied = |what: Clear| clears(what).then(String::new);
    let skills = match said.skills.is_empty() {
        true => clears(Clear::Skills).then(Vec::new),
        false => Some(said.skills.clone()),
    };
    Ok(AgentPatch {
        name: set.new_name.clone().filter(|name| *name != agent.name),
        prompt: prompt.or_else(|| emptied(Clear::Prompt)).filter(|prompt| *prompt != agent.prompt),
        folder: said
            .folder
            .clone()
            .or_else(|| emptied(Clear::Folder))
            .filter(|folder| *folder != agent.folder),
        skills: skills.filter(|skills| *skills != agent.skills),
        program: Some(program).filter(|program| *program != agent.program),
        services: Some(services).filter(|services| *services != agent.services),
        ..AgentPatch::default()
    })
}

impl AgentOptions {
    /// Says of a program what was named; the rest stays.
    pub(crate) fn say_of(&self, program: &mut Program) {
        let given = [
            (&mut program.model, &self.model),
            (&mut program.preset, &self.preset),
            (&mut program.provider, &self.provider),
            (&mut program.command, &self.command),
            (&mut program.address, &self.address),
            (&mut program.key, &self.key),
            (&mut program.mode, &self.mode),
            (&mut program.effort, &self.effort),
        ];
        for (field, value) in given {
            if value.is_some() {
                field.clone_from(value);
            }
        }
        if !self.arguments.is_empty() {
            program.arguments.clone_from(&self.arguments);
        }
        program.prompt_placement = self.prompt_placement.or(program.prompt_placement);
    }

    /// What is in the file of its prompt, if one was named.
    pub(crate) fn prompt(&self) -> Result<Option<String>, Failure> {
        let Some(file) = self.prompt.as_deref() else { return Ok(None) };
        let read = match file.as_os_str() == "-" {
            true => std::io::read_to_string(std::io::stdin()),
            false => std::fs::read_to_string(file),
        };
        read.map(Some).map_err(|error| {
            let text = format!("the prompt in {} cannot be read: {error}", file.display());
            Failure::usage(text, "Name a text file, or - for what is piped in.")
        })
    }

    /// These services with those that were named, each with its variables. One that was there keeps what is not named of it, but
    /// its key only where it is.
    pub(crate) fn services(
        &self,
        mut all: BTreeMap<String, Service>,
    ) -> Result<BTreeMap<String, Service>, Failure> {
        let mut named: Vec<&String> = Vec::new();
        let lines = self.services.iter().map(|(name, line)| (name, Some(line), None));
        let addresses = self.service_addresses.iter().map(|(name, address)| (name, None, Some(address)));
        for (name, line, address) in lines.chain(addresses) {
            if named.contains(&name) {
                return Err(Failure::usage(
                    format!("the service {name} is named twice"),
                    "Give each service a name of its own.",
                ));
            }
            named.push(name);
            let words = line.map_or_else(|| Ok(vec![]), |line| words(name, line))?;
            let service = all.entry(name.clone()).or_default();
            service.command = words.first().cloned();
            service.arguments = words.into_iter().skip(1).collect();
            if service.address.as_ref() != address {
                // Its key is for the place where it was.
                service.key = None;
            }
            service.address = address.cloned();
        }
        for (name, variable, value) in &self.service_environment {
            let service = all.get_mut(name).ok_or_else(|| {
                Failure::usage(
                    format!("there is no service {name} for the variable {variable}"),
                    format!("Name it as well: --service {name}=COMMAND."),
                )
            })?;
            service.environment.insert(variable.clone(), value.clone());
        }
        Ok(all)
    }
}

fn words(service: &str, line: &str) -> Result<Vec<String>, Failure> {
    shlex::split(line).filter(|words| !words.is_empty()).ok_or_else(|| {
        Failure::usage(
            format!("the command line of the service {service} cannot be read"),
            "Close every quotation mark.",
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_key_of_a_service_does_not_follow_it_to_another_address() {
        let here = "https://here.example/mcp".to_owned();
        let service =
            Service { address: Some(here.clone()), key: Some("of-here".into()), ..Service::default() };
        let of = |address: &str| {
            let said = AgentOptions {
                service_addresses: vec![("web".into(), address.into())],
                ..AgentOptions::default()
            };
            said.services(BTreeMap::from([("web".to_owned(), service.clone())])).unwrap()["web"].clone()
        };
        assert_eq!(of(&here), service);
        let elsewhere = of("https://elsewhere.example/mcp");
        assert_eq!(
            (elsewhere.address.as_deref(), elsewhere.key),
            (Some("https://elsewhere.example/mcp"), None)
        );
    }
}
