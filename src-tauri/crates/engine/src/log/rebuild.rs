//! Rows of sessions, made anew from their events, or compared with them.
//!
//! Rows are written beside the events that change them, so they never have to be made anew, unless the database was
//! damaged or a rule of how they are made has changed. A session of which events were pruned keeps its rows: nothing else
//! has what they say.

use super::{STREAMS, fold::Fold, jobs::never, session_of, stage::Stage};
use crate::{
    Engine, Error,
    home::{Home, HomeLock},
    ledger::{Ledger, gone, put, read_json},
    sessions::{Stored, stored::state_row},
};
use nox_domain::{
    At,
    event::Event,
    ids::SessionId,
    rows::{SessionRow, kind},
    session::Session,
};
use nox_store::{Piece, Reader, RowPage, RowWrite};
use std::collections::{HashMap, HashSet};

/// Events in one read.
const EVENTS: u32 = 500;
/// Streams in one read.
const STREAMS_AT_ONCE: u32 = 200;
/// Differences that are named.
const NAMED: usize = 20;
/// How often a session that changes while it is looked at is looked at again.
const TRIES: u32 = 5;

/// What was made anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// Sessions whose rows are those of their events now.
    pub sessions: u64,
    /// Rows that were not as they should be.
    pub rows_mended: u64,
    /// Sessions of which events were pruned, so that their rows were left as they are.
    pub pruned: u64,
    /// Sessions whose events cannot be read, with why.
    pub unreadable: Vec<String>,
    /// The damaged database that was set aside first, and what was saved of it.
    pub saved: Vec<super::Saved>,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowsChecked {
    /// Sessions that were compared.
    pub sessions: u64,
    /// Rows that were compared.
    pub rows: u64,
    /// Rows that differ.
    pub differences: u64,
    /// The first of them.
    pub named: Vec<String>,
}

/// A row as it should be.
struct Wanted {
    parent: Option<String>,
    ord: String,
    body: String,
}

/// What the events of a session say.
enum Told {
    Rows { session: Box<Session>, head: i64, rows: HashMap<(String, String), Wanted> },
    Pruned,
    None,
}

/// Reads all streams of sessions, in order.
pub(super) async fn sessions(ledger: &Ledger) -> Result<Vec<SessionId>, Error> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let from = after.clone();
        let read = move |reader: &Reader<'_>| reader.streams(STREAMS, &from, STREAMS_AT_ONCE);
        let page = ledger.store().read(read).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after.clone_from(last);
        all.extend(page.iter().filter_map(|stream| session_of(stream)));
    }
}

/// Folds the events of a session; memory is that of its rows.
async fn told(ledger: &Ledger, id: &SessionId) -> Result<Told, Error> {
    let mut fold = Fold::default();
    let mut rows: HashMap<(String, String), Wanted> = HashMap::new();
    loop {
        let (stream, after) = (format!("{STREAMS}{id}"), fold.stream_seq);
        let read = move |reader: &Reader<'_>| reader.history(&stream, after, EVENTS);
        let pieces = ledger.store().read(read).await?;
        if pieces.is_empty() {
            break;
        }
        for piece in pieces {
            let Piece::Event(stored) = piece else { return Ok(Told::Pruned) };
            let event: Event = read_json("event", &stored.body)?;
            let changed = fold
                .take(&event, At(stored.at))
                .ok_or_else(|| Error::Corrupt { what: "session", detail: "it has no beginning".into() })?;
            for row in &changed {
                if let RowWrite::Put { kind, id, parent, ord, body } = put(row) {
                    rows.insert((kind, id), Wanted { parent, ord, body });
                }
            }
        }
    }
    Ok(match fold.session {
        Some(session) => Told::Rows { session: Box::new(session), head: fold.stream_seq, rows },
        None => Told::None,
    })
}

/// Compares the rows of a session with what its events say; answers the writes that would mend them, and names.
async fn compare(
    ledger: &Ledger,
    id: &SessionId,
    rows: &HashMap<(String, String), Wanted>,
) -> Result<Vec<RowWrite>, Error> {
    let mut mends = Vec::new();
    let mut seen: HashSet<(String, String)> = HashSet::new();
    let mut look = |stored: &[nox_store::StoredRow]| {
        for row in stored {
            let key = (row.kind.clone(), row.id.clone());
            match rows.get(&key) {
                Some(wanted) => {
                    let same =
                        wanted.parent == row.parent && wanted.ord == row.ord && wanted.body == row.body;
                    if !same {
                        mends.push(wanted.put(&key));
                    }
                    seen.insert(key);
                }
                None => mends.push(gone(&row.kind, &row.id)),
            }
        }
    };
    let name = id.to_string();
    let session = ledger.store().read(move |reader| reader.row(kind::SESSION, &name)).await?;
    look(&session.into_iter().collect::<Vec<_>>());
    for kind in [kind::ITEM, kind::REQUEST, kind::CONTROLS] {
        let mut page = RowPage::first(EVENTS);
        loop {
            let (name, asked) = (id.to_string(), page.clone());
            let stored = ledger.store().read(move |reader| reader.rows(kind, Some(&name), &asked)).await?;
            let Some(last) = stored.last() else { break };
            page = page.following(last);
            look(&stored);
        }
    }
    let missing: Vec<_> = rows.iter().filter(|(key, _)| !seen.contains(*key)).collect();
    mends.extend(missing.into_iter().map(|(key, wanted)| wanted.put(key)));
    Ok(mends)
}

impl Wanted {
    fn put(&self, (kind, id): &(String, String)) -> RowWrite {
        RowWrite::Put {
            kind: kind.clone(),
            id: id.clone(),
            parent: self.parent.clone(),
            ord: self.ord.clone(),
            body: self.body.clone(),
        }
    }
}

/// A state without calls that are over: they are kept only as long as their rows are not written. Whether an agent has heard
/// something an earlier Nox did not keep, so it is not compared.
fn comparable(session: &Session) -> Session {
    let mut session = session.clone();
    session.settle();
    session.heard = true;
    session
}

/// Makes the rows of one session anew. Answers how many were wrong; none when its events were pruned or are gone.
pub(super) async fn rebuild_session(ledger: &Ledger, id: &SessionId) -> Result<Option<u64>, Error> {
    let Told::Rows { session, head, rows } = told(ledger, id).await? else { return Ok(None) };
    let mends = compare(ledger, id, &rows).await?;
    let stored = Stored::read(ledger, id).await.ok().flatten();
    // One without a place could not be read, or is of an earlier form.
    let is_stored = |stored: &Stored| stored.snapshot_seq > 0;
    let fits =
        stored.filter(is_stored).is_some_and(|stored| comparable(&stored.session) == comparable(&session));
    let wrong = mends.len() as u64 + u64::from(!fits);
    if wrong == 0 {
        return Ok(Some(0));
    }
    let mut stage = Stage::new(id, head);
    for mend in mends {
        stage.row(mend);
        if stage.is_full() {
            stage.write(ledger).await?;
        }
    }
    if !fits {
        stage.row(state_row(&session, head));
    }
    stage.write(ledger).await?;
    Ok(Some(wrong))
}

/// Makes the rows of all sessions anew.
async fn rebuild_all(ledger: &Ledger) -> Result<Rebuilt, Error> {
    let mut done = Rebuilt::default();
    for id in sessions(ledger).await? {
        match rebuild_session(ledger, &id).await {
            Ok(Some(wrong)) => {
                done.sessions += 1;
                done.rows_mended += wrong;
            }
            Ok(None) => done.pruned += 1,
            Err(Error::Store(error @ (nox_store::Error::Disk { .. } | nox_store::Error::Closed))) => {
                return Err(error.into());
            }
            Err(error) => done.unreadable.push(format!("{id}: {error}")),
        }
    }
    Ok(done)
}

/// Mends a home whose engine is closed: a damaged database is set aside and what can be read of it is saved, then the
/// rows of all sessions are made anew.
///
/// # Errors
/// Those of the store. [`Error::Closing`] when it is closed meanwhile.
pub async fn rebuild(home: &Home, _lock: &HomeLock) -> Result<Rebuilt, Error> {
    let at = crate::clock::now();
    let (store, _) = crate::beginning::open_store(home, at)?;
    let store = match store.check().await {
        Err(nox_store::Error::Damaged { detail, .. }) => {
            tokio::task::spawn_blocking(move || store.close()).await.map_err(|_| Error::Closing)?;
            crate::beginning::set_aside(home, at, &detail)?
        }
        checked => {
            checked?;
            store
        }
    };
    let ledger = Ledger::new(store.clone());
    super::import::resume(&ledger, home.root()).await?;
    let saved = super::salvage::all(&ledger, home.root(), &never(), &|_| {}).await?;
    let mut done = rebuild_all(&ledger).await?;
    done.saved = saved;
    tokio::task::spawn_blocking(move || store.close()).await.map_err(|_| Error::Closing)?;
    Ok(done)
}

impl Engine {
    /// Compares all rows of sessions with what their events say, without writing. Sessions of which events were pruned
    /// are left out. Takes as long as the log is.
    ///
    /// # Errors
    /// Those of a read, and [`Error::Corrupt`].
    pub async fn check_rows(&self) -> Result<RowsChecked, Error> {
        let ledger = self.ledger();
        let mut done = RowsChecked::default();
        for id in sessions(ledger).await? {
            let mut tries = 0;
            loop {
                tries += 1;
                let Told::Rows { session, head, rows } = told(ledger, &id).await? else { break };
                let mends = compare(ledger, &id, &rows).await?;
                let stored = Stored::read(ledger, &id).await?;
                let found = stored.as_ref().map_or(0, |stored| stored.stream_seq);
                if found != head && tries < TRIES {
                    // It goes on meanwhile.
                    continue;
                }
                done.sessions += 1;
                done.rows += rows.len() as u64 + 1;
                let state = stored.map(|stored| comparable(&stored.session));
                if state != Some(comparable(&session)) {
                    done.note(format!("the state of {id}"));
                }
                for mend in &mends {
                    let (RowWrite::Put { kind, id, .. } | RowWrite::Delete { kind, id }) = mend;
                    done.note(format!("{kind} {id}"));
                }
                break;
            }
        }
        Ok(done)
    }
}

impl RowsChecked {
    fn note(&mut self, what: String) {
        self.differences += 1;
        if self.named.len() < NAMED {
            self.named.push(what);
        }
    }
}

/// Makes rows anew that are missing or cannot be read: those of sessions and of their states. Looks at no others.
pub(super) async fn mend(ledger: &Ledger) -> Result<u64, Error> {
    let mut mended = 0;
    for id in sessions(ledger).await? {
        let name = id.to_string();
        let read = move |reader: &Reader<'_>| {
            Ok((reader.row(kind::SESSION, &name)?, reader.row(kind::SESSION_STATE, &name)?))
        };
        let (session, state) = ledger.store().read(read).await?;
        // A stream without a state is an import or a salvage that is under way.
        let Some(state) = state else { continue };
        let reads = session.is_some_and(|row| read_json::<SessionRow>("row", &row.body).is_ok())
            && crate::sessions::stored::is_readable(&state.body);
        if reads {
            continue;
        }
        tracing::warn!(session = %id, "rows of a session are made anew from its events");
        match rebuild_session(ledger, &id).await {
            Ok(wrong) => mended += wrong.unwrap_or(0),
            // Somebody works on it: its rows are written with its next facts.
            Err(Error::Store(nox_store::Error::Conflict { .. })) => {}
            Err(error) => tracing::error!(%error, session = %id, "its rows cannot be made anew"),
        }
    }
    Ok(mended)
}
