//! `nox agent discover`, `nox agent add`, `nox agent test`: what can carry an agent here, and trying one. What is said of an agent,
//! and changing it, is in [`changes`](crate::changes).

use crate::{
    args::{AddAgent, TestAgent},
    door::{Door, Purpose},
    failure::{FAILED, Failure},
    list::{lines, row, table},
    out,
};
use nox_api::dto::{
    AgentList, AgentTried, CreateAgent, Discover, Discovered, Nothing, OneTrial, Recorded, TrialStopped,
    TryAgent,
};
use nox_domain::{
    agent::{Program, Runtime},
    discovery::{AgentOffer, FoundProgram, SignIn},
    rows::AgentRow,
    transcript::{Offer, Offers},
};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path, process::ExitCode};

const MIB: f64 = 1024.0 * 1024.0;
/// Offers of one kind on a line.
const MOST_OFFERS: usize = 12;

pub(crate) async fn discover(root: &Path, json: bool) -> Result<(), Failure> {
    let door = Door::open(root, Purpose::Look).await?;
    let found: Result<Discovered, Failure> = door.call("discover", &Discover { again: true }).await;
    door.close().await;
    let found = found?;
    if json {
        #[derive(Serialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        enum Line<'a> {
            Program(&'a FoundProgram),
            Server(&'a nox_domain::discovery::FoundServer),
        }
        let programs = found.programs.iter().map(Line::Program);
        return lines(&programs.chain(found.servers.iter().map(Line::Server)).collect::<Vec<_>>());
    }
    let mut rows = vec![row(&["ID", "WHAT", "VERSION", "SIGNED IN", "WHERE"])];
    for program in found.programs.iter().filter(|program| program.path.is_some()) {
        let where_it_is = program.path.clone().unwrap_or_default();
        rows.push(vec![
            program.id.clone(),
            program.title.clone(),
            version(program),
            signed_in(program),
            where_it_is,
        ]);
    }
    for server in &found.servers {
        let models = match server.models.len() {
            1 => "1 model".to_owned(),
            count => format!("{count} models"),
        };
        rows.push(vec![server.id.clone(), server.title.clone(), models, "-".into(), server.address.clone()]);
    }
    if rows.len() > 1 {
        out::print(&table(&rows));
    }
    for server in found.servers.iter().filter(|server| !server.models.is_empty()) {
        out::print(&format!("{}: {}\n", server.id, out::one_line(&server.models.join(", "))));
    }
    for (title, text) in hints(&found) {
        out::say(&format!("{title}: {text}"));
    }
    let here = rows.len() - 1;
    out::say(match here {
        0 => "Nothing of these is here. Runbooks work without any of them.",
        _ => "Make an agent of one with nox agent add --from ID.",
    });
    Ok(())
}

fn version(program: &FoundProgram) -> String {
    match (&program.version, program.is_tested) {
        (Some(version), Some(false)) => format!("{version} (not tested)"),
        (Some(version), _) => version.clone(),
        (None, _) => "?".into(),
    }
}

fn signed_in(program: &FoundProgram) -> String {
    match &program.sign_in {
        SignIn::SignedIn => "yes".into(),
        SignIn::Variable { name } => name.clone(),
        SignIn::NotFound => "no sign-in found".into(),
        SignIn::Unknown => "not known".into(),
    }
}

/// What to mind and to do, of everything.
fn hints(found: &Discovered) -> Vec<(&str, &str)> {
    let of_programs = found.programs.iter().flat_map(|program| {
        [&program.warning, &program.next]
            .into_iter()
            .flatten()
            .map(|text| (program.title.as_str(), text.as_str()))
    });
    let of_servers =
        found.servers.iter().filter_map(|server| Some((server.title.as_str(), server.next.as_deref()?)));
    of_programs.chain(of_servers).collect()
}

pub(crate) async fn add(root: &Path, add: AddAgent) -> Result<(), Failure> {
    let door = Door::open(root, Purpose::Look).await?;
    let done = make(&door, add).await;
    door.close().await;
    if let Some(agent) = done?.agent {
        out::print(&format!("{agent}\n"));
    }
    Ok(())
}

async fn make(door: &Door, add: AddAgent) -> Result<Recorded, Failure> {
    let said = add.said;
    let mut offer = match (&add.from, add.runtime) {
        (Some(id), _) => offered(door, id).await?,
        (None, runtime) => {
            let runtime = runtime.unwrap_or_default();
            AgentOffer {
                name: title(runtime).into(),
                description: String::new(),
                runtime,
                program: Program::default(),
            }
        }
    };
    said.say_of(&mut offer.program);
    let of_model = said.model.clone().filter(|_| offer.runtime == Runtime::Llm);
    let input = CreateAgent {
        name: add.name.or(of_model).unwrap_or(offer.name),
        description: offer.description,
        runtime: offer.runtime,
        prompt: said.prompt()?.unwrap_or_default(),
        services: said.services(BTreeMap::new())?,
        folder: said.folder.unwrap_or_default(),
        skills: said.skills,
        program: offer.program,
        ..CreateAgent::default()
    };
    door.call("create_agent", &input).await
}

fn title(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Runbook => "Runbook",
        Runtime::Recorded => "Recorded",
        Runtime::Claude => "Claude Code",
        Runtime::Acp => "ACP",
        Runtime::Codex => "Codex",
        Runtime::Llm => "Model",
    }
}

/// What the look found under this word. A program that is not here can be meant all the same: it may come later.
async fn offered(door: &Door, id: &str) -> Result<AgentOffer, Failure> {
    let found: Discovered = door.call("discover", &Discover::default()).await?;
    let programs = found.programs.iter().map(|program| (&program.id, &program.agent));
    let servers = found.servers.iter().map(|server| (&server.id, &server.agent));
    let mut all = programs.chain(servers);
    match all.find(|(known, _)| *known == id) {
        Some((_, offer)) => Ok(offer.clone()),
        None => Err(Failure::usage(
            format!("there is nothing here that is called {id}"),
            "See what there is with nox agent discover.",
        )),
    }
}

pub(crate) async fn test(root: &Path, test: TestAgent) -> ExitCode {
    match tried(root, &test).await {
        Ok(tried) => {
            let shown = match test.json {
                true => lines(&[&tried]),
                false => {
                    out::print(&findings(&tried));
                    Ok(())
                }
            };
            if let Err(failure) = shown {
                return failure.tell();
            }
            if let Some(problem) = tried.problem.as_deref().filter(|_| !test.json) {
                out::say(&format!("✗ {problem}"));
            }
            ExitCode::from(if tried.is_good { 0 } else { FAILED })
        }
        Err(failure) => failure.tell(),
    }
}

async fn tried(root: &Path, test: &TestAgent) -> Result<AgentTried, Failure> {
    let door = Door::open(root, Purpose::Look).await?;
    let answer = ask(&door, test).await;
    door.close().await;
    answer
}

async fn ask(door: &Door, test: &TestAgent) -> Result<AgentTried, Failure> {
    let agent = named(door, &test.name).await?.agent.id;
    let trial = uuid::Uuid::now_v7().to_string();
    let input =
        TryAgent { trial: trial.clone(), agent: Some(agent), ask: test.ask.clone(), ..TryAgent::default() };
    let mut trying = std::pin::pin!(door.call("try_agent", &input));
    tokio::select! {
        answer = &mut trying => answer,
        _ = tokio::signal::ctrl_c() => {
            let _: TrialStopped = door.call("stop_trial", &OneTrial { trial }).await?;
            trying.await
        }
    }
}

/// The agent with this id, or else with this name.
pub(crate) async fn named(door: &Door, name: &str) -> Result<AgentRow, Failure> {
    let list: AgentList = door.call("list_agents", &Nothing {}).await?;
    let mut agents = list.agents;
    let by_id = agents.iter().position(|row| row.agent.id.as_str() == name);
    let by_name = || agents.iter().position(|row| row.agent.name.eq_ignore_ascii_case(name));
    match by_id.or_else(by_name) {
        Some(place) => Ok(agents.swap_remove(place)),
        None => Err(Failure::usage(
            format!("there is no agent {name}"),
            "See which there are with nox list-agents.",
        )),
    }
}

fn findings(answer: &AgentTried) -> String {
    let tried = &answer.tried;
    let mut text = String::new();
    let mut line =
        |what: &str, value: String| text.push_str(&format!("{what:<10} {}\n", out::one_line(&value)));
    if let Some(version) = &tried.version {
        line("version", version.clone());
    }
    if let Some(ms) = tried.ready_ms {
        line("ready", format!("after {ms} ms"));
    }
    if let Some(bytes) = tried.memory_bytes {
        line("memory", format!("{:.0} MB in {} processes", bytes.0 as f64 / MIB, tried.processes));
    }
    for (what, value) in tried.offers.iter().flat_map(offered_in_words) {
        line(what, value);
    }
    for note in &tried.notes {
        line("note", note.clone());
    }
    if tried.model_unasked {
        line("model", "was not asked".into());
    }
    if let Some(answer) = &tried.answer {
        line("answer", answer.clone());
    }
    if let Some(usage) = &tried.usage {
        let tokens = format!("{} tokens in, {} out", usage.input_tokens.0, usage.output_tokens.0);
        let cost = match usage.cost_micro_usd {
            None => "cost not told".to_owned(),
            Some(cost) if cost.0 == 0 => "no cost".to_owned(),
            Some(cost) => format!("{:.4} USD", cost.0 as f64 / 1e6),
        };
        line("used", format!("{tokens}, {cost}"));
    }
    text
}

fn offered_in_words(offers: &Offers) -> Vec<(&'static str, String)> {
    let all = |offers: &[Offer], now: Option<&String>| {
        let named: Vec<String> = offers
            .iter()
            .take(MOST_OFFERS)
            .map(
                |offer| if now == Some(&offer.id) { format!("{} (now)", offer.id) } else { offer.id.clone() },
            )
            .collect();
        let more = offers.len().saturating_sub(MOST_OFFERS);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        format!("{}{more}", named.join(", "))
    };
    [
        ("modes", &offers.modes, offers.mode.as_ref()),
        ("models", &offers.models, offers.model.as_ref()),
        ("commands", &offers.commands, None),
    ]
    .into_iter()
    .filter(|(_, offers, _)| !offers.is_empty())
    .map(|(what, offers, now)| (what, all(offers, now)))
    .collect()
}
