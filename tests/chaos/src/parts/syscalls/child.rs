//! The process whose calls of the system fail: an engine, and a person who does a scenario's steps in it and tries again
//! when the disk refused. What was acknowledged is said line by line. A process that is started after it sends the same
//! commands again, with their ids, and goes on from there.

use super::scenarios::{BY_HAND, Known, Scenario, Step, find, portrait};
use crate::engine::{end_of_input, new_command, open, say};
use nox_api::{
    Api,
    domain::{ids::CommandId, rows::RequestState},
    dto::{Caller, Face, Nothing, OneTask, Recorded, Snapshot},
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

/// How long a step may be refused. The faults are over long before.
const LIMIT: Duration = Duration::from_secs(15);
const AGAIN: Duration = Duration::from_millis(20);

/// A command that was sent: its id, its operation, its input.
pub(super) type Asked = (CommandId, String, Value);

/// `prepare` does the steps before, on a good disk; otherwise the steps themselves.
pub(crate) fn run(name: &str, root: &Path, prepare: bool) -> ExitCode {
    let Some(scenario) = find(name) else { return ExitCode::from(2) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let done = runtime.block_on(act(scenario, root, prepare));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&format!("failed {message}"));
            ExitCode::FAILURE
        }
    }
}

/// Where what is known is kept: beside the home, so that it is copied with it.
fn known_in(root: &Path) -> PathBuf {
    root.join("known.json")
}

fn asked_in(root: &Path) -> PathBuf {
    root.join("asked.json")
}

/// Tells the next process what was sent before.
pub(super) fn send_again(root: &Path, asked: &[Asked]) {
    fs::write(asked_in(root), serde_json::to_vec(asked).unwrap()).unwrap();
}

fn read_or_default<T: serde::de::DeserializeOwned + Default>(path: &Path) -> T {
    fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// The person: what they know, and what they sent before.
struct Person {
    api: Api,
    root: PathBuf,
    known: Known,
    again: VecDeque<Asked>,
}

async fn act(scenario: &Scenario, root: &Path, prepare: bool) -> Result<(), String> {
    let known = read_or_default(&known_in(root));
    let again = read_or_default(&asked_in(root));
    let mut person = Person { api: open(root).await?, root: root.to_owned(), known, again };
    say("open");
    for step in if prepare { scenario.before } else { scenario.steps } {
        person.perform(step).await?;
    }
    if prepare {
        let known = serde_json::to_vec(&person.known).unwrap_or_default();
        fs::write(known_in(root), known).map_err(|error| error.to_string())?;
    } else {
        // The same process works on, whatever has failed in it.
        let make = Step::Do("create_task", |_| serde_json::json!({ "title": "Afterwards" }));
        person.perform(&make).await?;
        say(&format!("portrait {}", serde_json::json!(person.portrait().await?)));
    }
    say("over");
    end_of_input().await;
    person.api.close().await;
    Ok(())
}

impl Person {
    async fn snapshot(&self) -> Result<Snapshot, String> {
        self.api.snapshot(Nothing {}).await.map_err(|error| error.to_string())
    }

    async fn portrait(&self) -> Result<Vec<String>, String> {
        self.api.looked().await.map_err(|error| error.to_string())?;
        let all = self.snapshot().await?;
        let policy = self.api.read_policy(Nothing {}).await.map_err(|error| error.to_string())?;
        let mut bodies = Vec::new();
        for card in &all.cards {
            let one = OneTask { task: card.task.id.clone() };
            let detail = self.api.read_task(one).await.map_err(|error| error.to_string())?;
            bodies.push(format!("text {}", detail.body.trim()));
        }
        Ok(portrait(&all, &policy, &bodies))
    }

    async fn perform(&mut self, step: &Step) -> Result<(), String> {
        let begun = Instant::now();
        match step {
            Step::Do(operation, input) => self.command(operation, *input, begun).await,
            Step::UntilAsked => loop {
                let open =
                    self.snapshot().await?.requests.into_iter().find(|row| row.state == RequestState::Open);
                if let Some(row) = open {
                    self.known.request = Some(row.request.id);
                    return Ok(());
                }
                if begun.elapsed() > LIMIT {
                    return Err("the session never asked".to_owned());
                }
                tokio::time::sleep(AGAIN).await;
            },
            Step::EditByHand => {
                let task = self.known.task.clone().ok_or("no task")?;
                let card = |all: Snapshot| all.cards.into_iter().find(|card| card.task.id == task);
                let path = card(self.snapshot().await?).ok_or("no card")?.task.path;
                edit(&self.root.join("home/registry").join(path), begun).await?;
                loop {
                    if card(self.snapshot().await?).is_some_and(|card| card.task.title == BY_HAND) {
                        return Ok(());
                    }
                    if begun.elapsed() > LIMIT {
                        return Err("the edit by hand was never taken over".to_owned());
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Sends a command until it is acknowledged.
    async fn command(
        &mut self,
        operation: &str,
        input: fn(&Known) -> Value,
        begun: Instant,
    ) -> Result<(), String> {
        let (command, _, input) = self
            .again
            .pop_front()
            .unwrap_or_else(|| (new_command(), operation.to_owned(), input(&self.known)));
        say(&format!("asked {command} {operation} {input}"));
        loop {
            let caller = Caller { command: command.clone(), face: Face::Window, processes: vec![] };
            match self.api.call(operation, &caller, input.clone()).await {
                Ok(answer) => {
                    let done: Recorded = serde_json::from_value(answer).map_err(|error| error.to_string())?;
                    say(&format!("done {command} {}", done.seq.0));
                    let known = &mut self.known;
                    known.task = done.task.or(known.task.take());
                    known.command = Some(command);
                    return Ok(());
                }
                Err(error) if begun.elapsed() > LIMIT => {
                    return Err(format!("{operation} is still refused: {error} ({:?})", error.hint));
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }
}

/// A person's editor: it tries until the disk takes the text.
async fn edit(path: &Path, begun: Instant) -> Result<(), String> {
    loop {
        let written = fs::read_to_string(path).and_then(|text| {
            let text = text.replace("# A task", &format!("# {BY_HAND}"));
            let fresh = path.with_extension("new");
            fs::write(&fresh, text)?;
            fs::rename(&fresh, path)
        });
        match written {
            Ok(()) => return Ok(()),
            Err(error) if begun.elapsed() > LIMIT => return Err(error.to_string()),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}
