//! Import: a session from its JSON lines, as something that can be read and not gone on with.
//!
//! Everything is checked and copied first. Then facts and rows are written a transaction at a time; the session's own
//! row, its requests and the receipt come last, so that nobody sees a part. What does not fit into one transaction is
//! announced in the outbox before its first one: after a crash the next start goes on where the stream ends. Ids are kept
//! when nothing here has them; else the session and everything in it get others, made from the old ones, so that going on
//! gives the same. Decisions are the session's history: they were made in another home, so they are no part of the audit
//! trail here.

use super::{
    IMPORT, STREAMS,
    export::blocking,
    fold::{Cut, Fold, closing, may_be_seen_early},
    stage::{Stage, commit},
    valid::{self, Lines, Valid},
};
use crate::{
    Engine, Error,
    clock::{self, SystemIds},
    ledger::{Cause, Change, Ledger, json, put, read_json},
    sessions::stored::state_row,
};
use nox_domain::{
    event::{Actor, Event},
    ids::{CommandId, ItemId, RequestId, RunId, SessionId, TaskId, TurnId},
    rows::{Row, kind},
    session::SessionCommand,
};
use nox_store::{Batch, NewOutbox, NewReceipt, RowWrite};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};
use tokio::runtime::Handle;
use uuid::Uuid;

/// What an import made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The session.
    pub session: SessionId,
    /// Whether it is the id that the file names.
    pub id_kept: bool,
    /// Its place in the log.
    pub seq: i64,
}

/// An import that is under way, as the outbox keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Intent {
    /// The checked copy, in the folder of imports.
    file: String,
    session: SessionId,
    id_kept: bool,
    /// The task, when it is here.
    task: Option<TaskId>,
    actor: Actor,
    command: Option<CommandId>,
}

impl Engine {
    /// Imports a session; resolves when it is on disk and seen.
    ///
    /// # Errors
    /// [`Error::BadInput`] names the line and says what to do; nothing was written.
    pub async fn import_session(&self, path: &Path, cause: Cause) -> Result<Imported, Error> {
        let _one = self.jobs().one_import().await;
        if let Some(command) = &cause.command
            && let Some(done) = self.ledger().receipt(command).await?
        {
            // The same command came twice, and the first one is through meanwhile.
            return Err(nox_store::Error::AlreadyDone(Box::new(done)).into());
        }
        let folder = folder(self.home().root());
        let session = SessionId::fresh(&mut SystemIds);
        let copy = folder.join(format!("{session}.jsonl"));
        let (from, to) = (path.to_owned(), copy.clone());
        let checked = blocking(move || {
            std::fs::create_dir_all(&folder).map_err(|source| Error::home(&folder, source))?;
            valid::check(&from, &to)
        });
        let imported = match checked.await {
            Ok(valid) => self.import_copy(&copy, valid, session, &cause).await,
            Err(error) => Err(error),
        };
        // With the engine closing it goes on at the next start, which takes away what is not needed.
        if !matches!(imported, Err(Error::Store(nox_store::Error::Closed) | Error::Closing)) {
            let _ = blocking(move || Ok(std::fs::remove_file(copy))).await;
        }
        imported
    }

    async fn import_copy(
        &self,
        copy: &Path,
        valid: Valid,
        fresh: SessionId,
        cause: &Cause,
    ) -> Result<Imported, Error> {
        let ledger = self.ledger().clone();
        let id_kept = is_free(&ledger, &valid).await?;
        let task = match &valid.task {
            Some(task) if ledger.store().row(kind::TASK, task.as_str()).await?.is_some() => {
                Some(task.clone())
            }
            _ => None,
        };
        let intent = Intent {
            file: copy.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            session: if id_kept { valid.header.session } else { fresh },
            id_kept,
            task,
            actor: cause.actor,
            command: cause.command.clone(),
        };
        carry_out(&ledger, copy, intent, None).await
    }
}

fn folder(root: &Path) -> PathBuf {
    root.join("imports")
}

/// Whether nothing here has one of the ids of the file.
async fn is_free(ledger: &Ledger, valid: &Valid) -> Result<bool, Error> {
    let (stream, id) = (format!("{STREAMS}{}", valid.header.session), valid.header.session.to_string());
    let taken = move |reader: &nox_store::Reader<'_>| {
        Ok(reader.stream_head(&stream)? > 0 || reader.row(kind::SESSION, &id)?.is_some())
    };
    if ledger.store().read(taken).await? {
        return Ok(false);
    }
    for (kind, ids) in [(kind::ITEM, &valid.items), (kind::REQUEST, &valid.requests)] {
        for some in ids.chunks(500) {
            let some = some.to_vec();
            let taken = move |reader: &nox_store::Reader<'_>| {
                for id in &some {
                    if reader.row(kind, id)?.is_some() {
                        return Ok(true);
                    }
                }
                Ok(false)
            };
            if ledger.store().read(taken).await? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Goes on with imports that an earlier engine began, and takes away copies that nobody needs. No import may begin
/// meanwhile: the caller holds the lock of imports.
pub(super) async fn resume(ledger: &Ledger, root: &Path) -> Result<(), Error> {
    let folder = folder(root);
    for effect in ledger.store().outbox_pending().await? {
        if effect.kind != IMPORT {
            continue;
        }
        let done = match read_json::<Intent>("outbox entry", &effect.body) {
            // It failed, which could not be noted on a failing disk, and was tried again with success.
            Ok(intent) if is_complete(ledger, &intent.session).await? => settle(ledger, effect.id).await,
            Ok(intent) => {
                let copy = folder.join(&intent.file);
                tracing::info!(session = %intent.session, "an import that was cut off goes on");
                carry_out(ledger, &copy, intent, Some(effect.id)).await.map(drop)
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => {}
            Err(Error::Store(error)) => return Err(error.into()),
            Err(error) => {
                // Its copy cannot be read: nothing of it is seen, and nothing more can be done.
                tracing::error!(%error, "an import that was cut off is given up");
                settle(ledger, effect.id).await?;
            }
        }
    }
    let pending = ledger.store().outbox_pending().await?;
    let named: HashSet<String> = pending
        .iter()
        .filter(|effect| effect.kind == IMPORT)
        .filter_map(|effect| Some(read_json::<Intent>("outbox entry", &effect.body).ok()?.file))
        .collect();
    blocking(move || {
        remove_all_but(&folder, &named);
        Ok(())
    })
    .await
}

/// Whether all of a session is there: its row comes last.
async fn is_complete(ledger: &Ledger, session: &SessionId) -> Result<bool, Error> {
    Ok(ledger.store().row(kind::SESSION, session.as_str()).await?.is_some())
}

async fn settle(ledger: &Ledger, effect: i64) -> Result<(), Error> {
    commit(ledger, Batch { outbox_done: vec![effect], ..Batch::default() }).await.map(drop)
}

/// Takes away every copy that no import goes on with, and then the folder, if it is empty.
fn remove_all_but(folder: &Path, named: &HashSet<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_str().is_some_and(|name| named.contains(name)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let _ = std::fs::remove_dir(folder);
}

/// Writes what a checked copy holds, behind what is there already.
async fn carry_out(
    ledger: &Ledger,
    copy: &Path,
    intent: Intent,
    effect: Option<i64>,
) -> Result<Imported, Error> {
    let (ledger, copy, handle) = (ledger.clone(), copy.to_owned(), Handle::current());
    blocking(move || {
        let work = Work {
            ledger: &ledger,
            handle: &handle,
            intent: &intent,
            announced: effect,
            held: Held::default(),
        };
        work.run(&copy)
    })
    .await
}

struct Work<'a> {
    ledger: &'a Ledger,
    handle: &'a Handle,
    intent: &'a Intent,
    announced: Option<i64>,
    held: Held,
}

/// Rows of requests, which are written last: each is read for itself, so it would be seen before its session is.
#[derive(Default)]
struct Held {
    rows: BTreeMap<String, RowWrite>,
    bytes: usize,
}

/// As much fits into the last transaction beside everything else. Answered requests beyond it are written earlier.
const HELD_BYTES: usize = 16 * 1024 * 1024;

impl Held {
    /// Takes the rows that a fact made; answers those that may be written now.
    fn sort(&mut self, rows: Vec<Row>) -> Vec<Row> {
        let mut now = Vec::new();
        for row in rows.into_iter().filter(may_be_seen_early) {
            if let Row::Request(request) = &row {
                let (id, held) = (request.request.id.to_string(), put(&row));
                self.bytes -= self.rows.remove(&id).as_ref().map_or(0, size);
                if self.bytes + size(&held) <= HELD_BYTES {
                    self.bytes += size(&held);
                    self.rows.insert(id, held);
                    continue;
                }
            }
            now.push(row);
        }
        now
    }
}

fn size(row: &RowWrite) -> usize {
    match row {
        RowWrite::Put { body, .. } => body.len(),
        RowWrite::Delete { .. } => 0,
    }
}

impl Work<'_> {
    fn run(mut self, copy: &Path) -> Result<Imported, Error> {
        let written = self.run_to_the_end(copy);
        if let (Err(error), Some(effect)) = (&written, self.announced) {
            // A person hears that it failed: it must not appear later all the same. With the engine closing it stays.
            tracing::warn!(%error, "an import is given up");
            let _ = self.handle.block_on(self.give_up(effect));
        }
        written
    }

    /// What is written already is marked as imported, so that nothing can ever go on with it.
    async fn give_up(&self, effect: i64) -> Result<(), Error> {
        let stream = format!("{STREAMS}{}", self.intent.session);
        let name = stream.clone();
        let begun = self.ledger.store().read(move |reader| reader.stream_head(&name)).await? > 0;
        let events = if begun { vec![(stream, Event::SessionImported)] } else { vec![] };
        let change = Change { events, outbox_done: vec![effect], ..Change::default() };
        self.ledger.commit(&Cause::nox(), clock::now(), change).await?;
        Ok(())
    }

    fn run_to_the_end(&mut self, copy: &Path) -> Result<Imported, Error> {
        let session = &self.intent.session;
        let stream = format!("{STREAMS}{session}");
        let read = self.ledger.store().read(move |reader| reader.stream_head(&stream));
        let there = self.handle.block_on(read)?;
        let mut lines = Lines::open(copy)?;
        lines.header()?;
        let mut fold = Fold::default();
        let mut stage = Stage::foreign(session, there);
        while let Some((fact, _)) = lines.fact(fold.stream_seq + 1)? {
            let event = self.adapt(fact.event)?;
            let rows = fold.take(&event, fact.line.at).ok_or_else(broken)?;
            let rows = self.held.sort(rows);
            if fold.stream_seq <= there {
                continue;
            }
            stage.event(&event, fact.line.at, fact.line.actor, fact.line.command);
            stage.rows(&rows);
            if stage.is_full() {
                self.announce()?;
                self.handle.block_on(stage.write(self.ledger))?;
            }
        }
        self.close(&mut fold, &mut stage)?;
        let committed = self.handle.block_on(stage.write(self.ledger))?.ok_or_else(broken)?;
        Ok(Imported { session: session.clone(), id_kept: self.intent.id_kept, seq: committed.last_seq })
    }

    /// The last transaction: the session is closed and marked, and seen.
    fn close(&mut self, fold: &mut Fold, stage: &mut Stage) -> Result<(), Error> {
        let session = fold.session.as_ref().ok_or_else(broken)?;
        let now = clock::now();
        let mut last: Vec<_> = closing(session, &Cut::Imported, &mut SystemIds)
            .into_iter()
            .map(|event| (event, fold.at))
            .collect();
        if session.deleted {
            last.push((Event::SessionRestored, fold.at));
        }
        last.push((Event::SessionImported, now));
        let command = self.intent.command.as_ref().map(ToString::to_string);
        for (event, at) in last {
            let rows = fold.take(&event, at).ok_or_else(broken)?;
            stage.event(&event, at, Actor::Nox, command.clone());
            stage.rows(&self.held.sort(rows));
        }
        std::mem::take(&mut self.held.rows).into_values().for_each(|row| stage.row(row));
        let session = fold.session.as_ref().ok_or_else(broken)?;
        stage.rows([&Row::Session(session.row())]);
        stage.row(state_row(session, stage.stream_seq()));
        let inverse = serde_json::json!({ "session": session.id(), "command": SessionCommand::Delete });
        stage.batch.receipt = command.clone().map(|command| NewReceipt {
            command,
            at: now.0,
            result: serde_json::json!({ "session": session.id() }).to_string(),
            inverse: Some(inverse.to_string()),
        });
        stage.batch.command = command;
        stage.batch.outbox_done.extend(self.announced);
        Ok(())
    }

    /// Tells the next start that this is under way.
    fn announce(&mut self) -> Result<(), Error> {
        if self.announced.is_some() {
            return Ok(());
        }
        let effect = NewOutbox { kind: IMPORT.to_owned(), body: json(self.intent) };
        let batch = Batch { outbox: vec![effect], ..Batch::default() };
        let committed = self.handle.block_on(commit(self.ledger, batch))?;
        self.announced = committed.outbox_ids.first().copied();
        Ok(())
    }

    /// The fact with the ids that it gets here.
    fn adapt(&self, mut event: Event) -> Result<Event, Error> {
        if let Event::SessionOpened(opened) = &mut event {
            opened.session = self.intent.session.clone();
            opened.task = opened.task.take().filter(|task| self.intent.task.as_ref() == Some(task));
        }
        if self.intent.id_kept {
            return Ok(event);
        }
        let mut value = serde_json::to_value(&event).map_err(|error| corrupt(&error))?;
        self.rename(&mut value);
        serde_json::from_value(value).map_err(|error| corrupt(&error))
    }

    /// Gives other ids to what is in the session.
    fn rename(&self, value: &mut serde_json::Value) {
        let Some(fields) = value.as_object_mut() else { return };
        for (name, value) in fields {
            match (name.as_str(), &mut *value) {
                ("item" | "id" | "request" | "run" | "turn", serde_json::Value::String(id)) => {
                    if let Some(other) = self.other(id) {
                        *id = other;
                    }
                }
                (_, serde_json::Value::Object(_)) => self.rename(value),
                _ => {}
            }
        }
    }

    /// The id that stands for another one in this session; of the same time, so that the order stays.
    fn other(&self, id: &str) -> Option<String> {
        let uuid = |made_at: nox_domain::At| {
            let hash = Sha256::digest(format!("{}/{id}", self.intent.session).as_bytes());
            let mut random = [0; 10];
            random.copy_from_slice(&hash[..10]);
            uuid::Builder::from_unix_timestamp_millis(made_at.0.unsigned_abs(), &random).into_uuid()
        };
        macro_rules! of {
            ($kind:ident) => {
                if let Ok(old) = $kind::parse(id) {
                    let new: Uuid = uuid(old.made_at());
                    return Some($kind::from_uuid(new).to_string());
                }
            };
        }
        of!(ItemId);
        of!(RequestId);
        of!(RunId);
        of!(TurnId);
        None
    }
}

fn broken() -> Error {
    Error::Corrupt { what: "import", detail: "its copy is not what was checked".into() }
}

fn corrupt(error: &serde_json::Error) -> Error {
    Error::Corrupt { what: "import", detail: error.to_string() }
}
