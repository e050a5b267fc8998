//! The process whose calls of the system fail: an engine, and a person who does a scenario's steps in it and tries again
//! when the disk refused. What was acknowledged is said line by line. A process that is started after it sends the same
//! commands again, with their ids, and goes on from there.

use super::scenarios::{BY_HAND, Known, Scenario, Step, find, portrait};
use crate::engine::{end_of_input, new_command, open, say};
use nox_api::{
    Api,
    domain::{
        At,
        event::{Event, UnknownChoice},
        ids::{CommandId, ItemId, SessionId},
        rows::{ItemBody, RequestState, SessionState},
    },
    dto::{
        Caller, ExportFormat, ExportSession, Face, Nothing, OneSession, OneTask, ReadItems, Recorded,
        ResolveUnknown, SessionView, Snapshot,
    },
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant, SystemTime},
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
    /// What steps have seen, for the picture of the end.
    seen: Vec<String>,
}

async fn act(scenario: &Scenario, root: &Path, prepare: bool) -> Result<(), String> {
    let known = Known { root: root.to_owned(), ..read_or_default(&known_in(root)) };
    let again = read_or_default(&asked_in(root));
    let mut person = Person { api: open(root).await?, root: root.to_owned(), known, again, seen: Vec::new() };
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
        let mut bodies = self.seen.clone();
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
                pause(begun, || "the session never asked".to_owned()).await?;
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
                    pause(begun, || "the edit by hand was never taken over".to_owned()).await?;
                }
            }
            Step::Until(like) => loop {
                let view = self.view().await?;
                if view.as_ref().is_some_and(|view| like(&view.row.state)) {
                    return Ok(());
                }
                let state = view.map(|view| view.row.state);
                pause(begun, || format!("the session is still {state:?}")).await?;
            },
            Step::Finish => loop {
                let state = self.view().await?.map(|view| view.row.state);
                match &state {
                    Some(state) if state.is_closed() => return Ok(()),
                    Some(state) => self.decide(state).await,
                    None => {}
                }
                pause(begun, || format!("the session is still {state:?}")).await?;
            },
            Step::UntilSaid(wanted) => loop {
                if self.said().await?.iter().any(|text| text == wanted) {
                    return Ok(());
                }
                pause(begun, || format!("the session never said {wanted}")).await?;
            },
            Step::Export(name) => self.export(name, begun).await,
            Step::PutExport(name, messages) => {
                fs::write(self.root.join(name), export_of(*messages)).map_err(|error| error.to_string())
            }
            Step::Archive => self.archive(begun).await,
        }
    }

    fn session(&self) -> Result<SessionId, String> {
        self.known.session.clone().ok_or_else(|| "no session".to_owned())
    }

    async fn view(&self) -> Result<Option<SessionView>, String> {
        let session = self.session()?;
        Ok(self.snapshot().await?.sessions.into_iter().find(|view| view.row.id == session))
    }

    /// Lets a session go on that waits for a person; what is refused is tried with the next look.
    async fn decide(&self, state: &SessionState) {
        let Ok(session) = self.session() else { return };
        let (operation, input) = match state {
            SessionState::NeedsChoice { item, .. } => {
                let (item, choice) = (item.clone(), UnknownChoice::Skip);
                ("resolve_unknown", serde_json::json!(ResolveUnknown { session, item, choice }))
            }
            SessionState::Lost { .. } => ("continue_session", serde_json::json!(OneSession { session })),
            _ => return,
        };
        let caller = Caller { command: new_command(), face: Face::Window, processes: vec![] };
        let _ = self.api.call(operation, &caller, input).await;
    }

    async fn said(&self) -> Result<Vec<String>, String> {
        let input = ReadItems { session: self.session()?, before: None, limit: 50 };
        let page = self.api.read_items(input).await.map_err(|error| error.to_string())?;
        let texts = page.items.into_iter().filter_map(|item| match item.body {
            ItemBody::Message { text, .. } => Some(text),
            _ => None,
        });
        Ok(texts.collect())
    }

    /// Writes the session into a file until the disk takes it, and looks at what is there then.
    async fn export(&mut self, name: &str, begun: Instant) -> Result<(), String> {
        let path = self.root.join(name);
        let input = ExportSession {
            session: self.session()?,
            format: ExportFormat::Jsonl,
            path: path.display().to_string(),
            overwrite: true,
        };
        while let Err(error) = self.api.export_session(input.clone()).await {
            pause(begun, || format!("it is not exported: {error}")).await?;
        }
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let is_whole = text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok());
        self.seen.push(format!("{name}: {} lines, whole: {is_whole}", text.lines().count()));
        Ok(())
    }

    /// Archives every session that is over, until nothing is left to do.
    async fn archive(&mut self, begun: Instant) -> Result<(), String> {
        let engine = self.api.engine();
        loop {
            let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis() as i64;
            match engine.compact(At(now + 60_000)).await {
                Ok(done) if done.sessions == 0 => break,
                Ok(_) => {}
                Err(error) => pause(begun, || format!("nothing is archived: {error}")).await?,
            }
        }
        while let Err(error) = engine.ledger().store().vacuum().await {
            pause(begun, || format!("it is not written anew: {error}")).await?;
        }
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let sql = "SELECT count(*) FROM events WHERE stream = ?1 AND prev_hash IS NULL";
        let stream = format!("session/{}", self.session()?);
        let left: i64 = rusqlite::Connection::open_with_flags(self.root.join("home/nox.db"), flags)
            .and_then(|db| db.query_row(sql, [stream], |row| row.get(0)))
            .map_err(|error| error.to_string())?;
        self.seen.push(format!("{left} events outside of the audit trail are not archived"));
        Ok(())
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
                    let done: Recorded =
                        serde_json::from_str(answer.get()).map_err(|error| error.to_string())?;
                    say(&format!("done {command} {}", done.seq.0));
                    let known = &mut self.known;
                    known.task = done.task.or(known.task.take());
                    known.session = done.session.or(known.session.take());
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

/// Waits a little before the next look or try; after too long it is given up.
async fn pause(begun: Instant, why: impl FnOnce() -> String) -> Result<(), String> {
    if begun.elapsed() > LIMIT {
        return Err(why());
    }
    tokio::time::sleep(AGAIN).await;
    Ok(())
}

/// What an export of a session with so many messages holds.
fn export_of(messages: usize) -> String {
    let session = SessionId::from_uuid(uuid::Uuid::now_v7());
    let opened = serde_json::json!({
        "type": "session_opened", "session": session, "task": null, "agent": "runbook", "agent_name": "Runbook",
        "agent_version": "x", "runtime": "runbook", "project": null, "folder": "/tmp", "title": "Long", "text": "t",
        "review": false, "pre_allowed": "all", "environment": {}, "max_call_seconds": null,
    });
    let said = (0..messages).map(|number| {
        let item = ItemId::from_uuid(uuid::Uuid::now_v7());
        serde_json::to_value(Event::Said { item, text: format!("Message {number}") }).unwrap_or_default()
    });
    let events: Vec<Value> = std::iter::once(opened).chain(said).collect();
    let header = serde_json::json!({
        "format": "nox-session", "version": 1, "exported_at": 1, "session": session, "last_stream_seq": events.len(),
    });
    let lines = events.iter().enumerate().map(|(number, body)| {
        let at = 1_700_000_000_000_u64 + number as u64;
        serde_json::json!({
            "stream_seq": number + 1, "at": at, "kind": body["type"], "version": 1, "actor": "agent", "command": null,
            "body": body,
        })
    });
    std::iter::once(header).chain(lines).map(|line| format!("{line}\n")).collect()
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
