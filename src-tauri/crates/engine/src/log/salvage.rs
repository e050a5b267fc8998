//! Salvage: sessions come back from databases that were damaged and set aside.
//!
//! Files that were set aside are found by their names; one that is through has a row, so that a salvage that was cut off
//! begins again and goes on behind what is there. Events are taken stream by stream as far as they are whole from the
//! first on; ids are kept. A session is seen when its last fact is in. One that was open is closed as failed, and so is
//! one with a hole behind its prefix: nobody knows what came after, so nothing of it may be done again by itself.

use super::{
    DATABASE, STREAMS,
    damage::problem,
    fold::{Cut, Fold, closing, may_be_seen_early},
    jobs::Stop,
    session_of,
    stage::{Stage, commit},
};
use crate::{
    Error,
    clock::{self, SystemIds},
    ledger::{Ledger, json, read_json},
    sessions::stored::state_row,
};
use nox_domain::{
    At,
    event::{Actor, Event},
    ids::SessionId,
    rows::{Row, kind},
};
use nox_store::{Batch, CausedBy, NewEvent, Piece, Reader, RowWrite, SavedItem, StoredEvent};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use tokio::sync::mpsc;

/// The kind of the row of a file that is through.
const KIND: &str = "salvaged";
/// Bytes of bodies that are written together.
const BYTES: usize = 2 * 1024 * 1024;
/// Pieces that wait between the reading and the writing.
const WAITING: usize = 2;

/// What was saved from a damaged database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The file that was set aside.
    pub file: PathBuf,
    /// Whether it is still being read.
    pub under_way: bool,
    /// Sessions that came back whole.
    pub sessions_saved: u32,
    /// Sessions of which only a beginning came back, or nothing.
    pub sessions_damaged: u32,
    /// Why the file could not be read.
    pub failed: Option<String>,
}

/// What is known of a stream while the file is read.
#[derive(Debug, Default)]
struct Stream {
    /// The place of the newest event here.
    head: i64,
    /// A session of this id is here already.
    is_here: bool,
    /// An event was missing or could not be read.
    is_damaged: bool,
}

/// Saves what can be read of all files that were set aside and are not through. `tell` hears of each as it goes.
///
/// # Errors
/// Those of the store; the rest waits for the next start. [`Error::Closing`].
pub(super) async fn all(
    ledger: &Ledger,
    root: &Path,
    stop: &Stop,
    tell: &(dyn Fn(&Saved) + Sync),
) -> Result<Vec<Saved>, Error> {
    let mut done = Vec::new();
    for file in files(root) {
        let name = name_of(&file);
        if ledger.store().row(KIND, &name).await?.is_some() {
            continue;
        }
        let mut saved = Saved {
            file: file.clone(),
            under_way: true,
            sessions_saved: 0,
            sessions_damaged: 0,
            failed: None,
        };
        tell(&saved);
        let through = through(ledger, name, stop, &mut saved, tell).await;
        saved.under_way = false;
        if let Err(error) = &through {
            saved.failed.get_or_insert_with(|| error.to_string());
        }
        tell(&saved);
        through?;
        tracing::warn!(?saved, "a damaged database was read");
        done.push(saved);
    }
    Ok(done)
}

/// Saves what can be read of one file, and writes what came of that.
async fn through(
    ledger: &Ledger,
    name: String,
    stop: &Stop,
    saved: &mut Saved,
    tell: &(dyn Fn(&Saved) + Sync),
) -> Result<(), Error> {
    let message =
        format!("the database was damaged and set aside as {name}; what can be read of it is being saved");
    let banner = problem("database_salvaging", message, "Sessions appear when they are complete.");
    commit(ledger, Batch { rows: vec![banner], ..Batch::default() }).await?;
    let file = saved.file.clone();
    let read = one(ledger, &file, stop, saved).await;
    saved.under_way = false;
    if let Err(Error::Home { source, .. }) = &read {
        saved.failed = Some(source.to_string());
    } else {
        read?;
    }
    let mut batch = Batch { rows: vec![banner_of(saved)], ..Batch::default() };
    if saved.failed.is_none() {
        batch.rows.push(RowWrite::Put {
            kind: KIND.to_owned(),
            id: name,
            parent: None,
            ord: String::new(),
            body: json(saved),
        });
    }
    // The sessions are here. Whoever sees the banner and asks for more must not hear that it is still going on.
    tell(saved);
    commit(ledger, batch).await?;
    Ok(())
}

fn banner_of(saved: &Saved) -> RowWrite {
    let name = name_of(&saved.file);
    let begin = format!("the database was damaged and set aside as {name}");
    if let Some(why) = &saved.failed {
        let hint = "Make the file readable and start Nox again: it tries once more.";
        return problem("database_unreadable", format!("{begin}; it cannot be read: {why}"), hint);
    }
    let (whole, part) = (saved.sessions_saved, saved.sessions_damaged);
    let sessions = |count: u32| if count == 1 { "session".to_owned() } else { "sessions".to_owned() };
    let mut message = format!("{begin}; {whole} {} came back whole", sessions(whole));
    if part > 0 {
        message += &format!(", {part} {} in part or not at all", sessions(part));
    }
    let hint = "Look at the sessions that were open: they were closed, and can be continued. Tasks, agents and rules \
                come from the registry. Keep the file until nothing is missed.";
    problem("database_salvaged", message, hint)
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Databases that were set aside, the newest first.
fn files(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let mut found: Vec<(u64, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let time = name.strip_prefix(DATABASE)?.strip_prefix(".damaged-")?.parse().ok()?;
            Some((time, entry.path()))
        })
        .collect();
    found.sort_unstable_by_key(|(time, _)| std::cmp::Reverse(*time));
    found.into_iter().map(|(_, path)| path).collect()
}

async fn one(ledger: &Ledger, file: &Path, stop: &Stop, saved: &mut Saved) -> Result<(), Error> {
    let (sender, mut pieces) = mpsc::channel::<Vec<StoredEvent>>(WAITING);
    let (path, end) = (file.to_owned(), stop.clone());
    let reading = tokio::task::spawn_blocking(move || read(&path, &sender, &end));
    let mut streams: BTreeMap<SessionId, Stream> = BTreeMap::new();
    while let Some(piece) = pieces.recv().await {
        take(ledger, piece, &mut streams).await?;
    }
    reading.await.map_err(|_| Error::Closing)?.map_err(|error| {
        let text = std::io::Error::other(error.to_string());
        Error::home(file, text)
    })?;
    if *stop.borrow() {
        return Err(Error::Closing);
    }
    for (id, stream) in streams.into_iter().filter(|(_, stream)| !stream.is_here) {
        let whole = stream.head > 0 && finish(ledger, &id, stream.is_damaged).await?;
        *(if whole { &mut saved.sessions_saved } else { &mut saved.sessions_damaged }) += 1;
    }
    Ok(())
}

/// Reads the file and sends the events of sessions on, in the order of the log.
fn read(file: &Path, sender: &mpsc::Sender<Vec<StoredEvent>>, stop: &Stop) -> Result<(), nox_store::Error> {
    let (mut piece, mut bytes) = (Vec::new(), 0);
    let mut is_over = false;
    nox_store::salvage(file, |item| {
        let SavedItem::Event(event) = item else { return ControlFlow::Break(()) };
        if event.stream.starts_with(STREAMS) {
            bytes += event.body.len();
            piece.push(event);
        }
        if bytes >= BYTES || piece.len() >= 1_000 {
            bytes = 0;
            is_over = *stop.borrow() || sender.blocking_send(std::mem::take(&mut piece)).is_err();
        }
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if !is_over && !piece.is_empty() {
        let _ = sender.blocking_send(piece);
    }
    Ok(())
}

/// Writes what of some events continues its stream.
async fn take(
    ledger: &Ledger,
    piece: Vec<StoredEvent>,
    streams: &mut BTreeMap<SessionId, Stream>,
) -> Result<(), Error> {
    let mut batch = Batch::default();
    for stored in piece {
        let Some(id) = session_of(&stored.stream) else { continue };
        if !streams.contains_key(&id) {
            streams.insert(id.clone(), begin(ledger, &id).await?);
        }
        let Some(stream) = streams.get_mut(&id) else { continue };
        if stream.is_here || stream.is_damaged || stored.stream_seq <= stream.head {
            continue;
        }
        match read_json::<Event>("event", &stored.body) {
            Ok(event) if stored.stream_seq == stream.head + 1 && fits(&event, stream.head, &id) => {
                stream.head += 1;
                batch.events.push(NewEvent {
                    audit: stored.prev_hash.is_some(),
                    stream: stored.stream,
                    kind: stored.kind,
                    version: stored.version,
                    at: stored.at,
                    actor: stored.actor,
                    command: CausedBy::Other(stored.command),
                    cause: None,
                    body: stored.body,
                });
            }
            _ => stream.is_damaged = true,
        }
    }
    if !batch.events.is_empty() {
        commit(ledger, batch).await?;
    }
    Ok(())
}

/// Whether an event can stand at the beginning of its stream, or not.
fn fits(event: &Event, head: i64, id: &SessionId) -> bool {
    match event {
        Event::SessionOpened(opened) => head == 0 && opened.session == *id,
        _ => head > 0,
    }
}

/// How a stream stands here before.
async fn begin(ledger: &Ledger, id: &SessionId) -> Result<Stream, Error> {
    let (name, stream) = (id.to_string(), format!("{STREAMS}{id}"));
    let read = move |reader: &Reader<'_>| {
        Ok((reader.stream_head(&stream)?, reader.row(kind::SESSION_STATE, &name)?.is_some()))
    };
    let (head, is_here) = ledger.store().read(read).await?;
    Ok(Stream { head, is_here, is_damaged: false })
}

/// Makes the rows of a session whose events are in, and shows it. Answers whether it is whole.
async fn finish(ledger: &Ledger, id: &SessionId, is_damaged: bool) -> Result<bool, Error> {
    let name = format!("{STREAMS}{id}");
    let asked = name.clone();
    let head = ledger.store().read(move |reader| reader.stream_head(&asked)).await?;
    let (mut fold, mut stage) = (Fold::default(), Stage::new(id, head));
    while fold.stream_seq < head {
        let (stream, after) = (name.clone(), fold.stream_seq);
        let pieces = ledger.store().read(move |reader| reader.history(&stream, after, 500)).await?;
        if pieces.is_empty() {
            break;
        }
        for piece in pieces {
            let Piece::Event(stored) = piece else { return Ok(false) };
            // One that cannot be read ends its session, not the saving of the others.
            let Ok(event) = read_json::<Event>("event", &stored.body) else { return Ok(false) };
            let Some(rows) = fold.take(&event, At(stored.at)) else { return Ok(false) };
            stage.rows(rows.iter().filter(|row| may_be_seen_early(row)));
            if stage.is_full() {
                stage.write(ledger).await?;
            }
        }
    }
    let Some(session) = &fold.session else { return Ok(false) };
    if is_damaged || session.closed.is_none() {
        let at = clock::now();
        for event in closing(session, &Cut::Damaged, &mut SystemIds) {
            let Some(rows) = fold.take(&event, at) else { return Ok(false) };
            stage.event(&event, at, Actor::Nox, None);
            stage.rows(rows.iter().filter(|row| may_be_seen_early(row)));
        }
    }
    let Some(session) = &fold.session else { return Ok(false) };
    stage.rows([&Row::Session(session.row())]);
    stage.row(state_row(session, stage.stream_seq()));
    stage.write(ledger).await?;
    Ok(!is_damaged)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nox_store::Store;
    use std::sync::Mutex;

    #[tokio::test]
    async fn a_salvage_that_ends_early_is_not_under_way_any_more() {
        let home = tempfile::tempdir().unwrap();
        let aside = home.path().join(format!("{DATABASE}.damaged-1"));
        Store::open(&aside, Default::default()).unwrap().close();
        let ledger = Ledger::new(Store::open(&home.path().join(DATABASE), Default::default()).unwrap());
        let (stop, told) = (tokio::sync::watch::Sender::new(true).subscribe(), Mutex::new(Vec::new()));
        let tell = |saved: &Saved| told.lock().unwrap().push((saved.under_way, saved.failed.is_some()));
        assert!(matches!(all(&ledger, home.path(), &stop, &tell).await, Err(Error::Closing)));
        assert_eq!(*told.lock().unwrap(), [(true, false), (false, true)]);
    }
}
