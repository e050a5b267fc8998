//! Salvage: reads what is left of a damaged database, without SQLite and without changing it.
//!
//! The engine calls it for a database that was set aside, and brings whole streams back from it. A first pass over all
//! pages finds the records of our tables by their shape; a second one reads events in the order of the log, each once,
//! then the newest version of each row. Events of pages that were freed are found too, if their bytes still stand: they
//! were written once, and facts do not change. What the result means is left to the engine: a body may have bits that
//! changed, since only the audit trail and the archive have hashes.

mod pages;

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    ops::ControlFlow,
    path::Path,
};

use self::pages::{Cell, Head, Pages, Value};
use crate::{
    error::{DiskHint, Error},
    history::Gap,
    model::{MAX_SEQ, StoredEvent, StoredRow},
    page::{ArchivePage, MAX_LINES_BYTES},
};

/// Lost ranges that are named; beyond it they are only counted.
const NAMED_RANGES: usize = 1000;

/// Unpacked pages of the archive that are kept: streams of one moment are read by turns.
const UNPACKED: usize = 8;

/// How many times the size of the files the archive may unpack to. Deflate reaches a thousand; lines of JSON ten.
const UNPACKED_FACTOR: u64 = 200;

/// Something that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedItem {
    /// An event; they come in the order of the log, each once.
    Event(StoredEvent),
    /// The newest version of a row that is not deleted; they come after the events, in no order.
    Row(StoredRow),
}

/// What could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Events that were handed out.
    pub events_read: u64,
    /// Rows that were handed out.
    pub rows_read: u64,
    /// Ranges of `stream_seq` that are missing between the beginning and the last event of a stream that was found.
    /// What was pruned on purpose does not count.
    pub ranges_lost: u64,
    /// The first thousand of them.
    pub lost: Vec<Gap>,
    /// Records of ours that could not be read as a whole.
    pub records_lost: u64,
    /// Pages of the archive whose content is spoiled.
    pub archive_pages_lost: u64,
    /// Frames of the WAL that are spoiled in front of a good commit.
    pub wal_frames_lost: u64,
    /// Pages that the disk did not give.
    pub pages_unreadable: u64,
}

/// Where an event lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Log(Cell),
    /// The record of a page of the archive.
    Archive(Cell),
}

#[derive(Default)]
struct Found {
    /// By `seq`, more than one for the same if copies are there.
    events: Vec<(i64, Place)>,
    /// Hash of kind and id, `seq`, place.
    rows: Vec<(u64, i64, Cell)>,
    /// By stream: spans that were pruned.
    pruned: HashMap<String, Vec<(i64, i64)>>,
}

/// Reads what can be read of the database at `path` and the WAL beside it, hands everything to `sink`, which may stop
/// it, and says what was found. Blocks for as long as the file takes to be read about twice; memory is 24 bytes for
/// each event and row. Never panics, ends for any content.
///
/// # Errors
/// [`Error::Disk`] when the file cannot be opened. Damage is no error here.
pub fn salvage(path: &Path, mut sink: impl FnMut(SavedItem) -> ControlFlow<()>) -> Result<Salvaged, Error> {
    let mut pages = Pages::open(path).map_err(|error| Error::Disk {
        hint: if error.kind() == std::io::ErrorKind::PermissionDenied {
            DiskHint::ReadOnly
        } else {
            DiskHint::Failing
        },
        detail: format!("{}: {error}", path.display()),
    })?;
    let mut result = Salvaged::default();
    let mut unpacked = Unpacked::new(&pages);
    let mut found = look(&mut pages, &mut unpacked, &mut result);
    found.events.sort_unstable();
    found.rows.sort_unstable_by_key(|(key, seq, cell)| (*key, std::cmp::Reverse(*seq), *cell));
    if hand_out_events(&mut pages, &mut unpacked, &found, &mut result, &mut sink).is_continue() {
        let _ = hand_out_rows(&mut pages, &found.rows, &mut result, &mut sink);
    }
    result.wal_frames_lost = pages.wal_frames_lost;
    result.pages_unreadable = pages.pages_unreadable;
    Ok(result)
}

/// The first pass: finds the records of our tables.
fn look(pages: &mut Pages, unpacked: &mut Unpacked, result: &mut Salvaged) -> Found {
    let mut found = Found::default();
    for number in pages.numbers() {
        for cell in pages.cells(number) {
            let Some(head) = pages.head(cell) else { continue };
            if is_event(&head) {
                if (1..=MAX_SEQ).contains(&head.rowid) {
                    found.events.push((head.rowid, Place::Log(cell)));
                }
            } else if is_row(&head) {
                // The body is not needed to know which row it is, but reading the whole finds spoiled ones early.
                match pages.values(cell, &head).and_then(row) {
                    Some(row) => found.rows.push((key_of(&row), row.seq, cell)),
                    None => result.records_lost += 1,
                }
            } else if is_archive(&head) {
                match pages.values(cell, &head).and_then(archive_page) {
                    Some(page) if page.body.is_none() => {
                        let spans = found.pruned.entry(page.stream).or_default();
                        spans.push((page.first_stream_seq, page.last_stream_seq));
                    }
                    Some(page) => match unpacked.read(&page) {
                        Some(events) => {
                            found.events.extend(events.iter().map(|event| (event.seq, Place::Archive(cell))))
                        }
                        None => result.archive_pages_lost += 1,
                    },
                    None => result.archive_pages_lost += 1,
                }
            }
        }
    }
    found
}

fn hand_out_events(
    pages: &mut Pages,
    unpacked: &mut Unpacked,
    found: &Found,
    result: &mut Salvaged,
    sink: &mut impl FnMut(SavedItem) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut heads: BTreeMap<String, i64> = BTreeMap::new();
    for copies in found.events.chunk_by(|a, b| a.0 == b.0) {
        let seq = copies[0].0;
        let event = copies.iter().find_map(|(_, place)| match place {
            Place::Log(cell) => {
                let head = pages.head(*cell)?;
                pages.values(*cell, &head).and_then(|values| event(seq, values))
            }
            Place::Archive(cell) => unpacked.event(pages, *cell, seq),
        });
        let Some(event) = event else {
            result.records_lost += 1;
            continue;
        };
        let before = heads.get(&event.stream).copied().unwrap_or(0);
        if event.stream_seq <= before {
            // A commit that was taken back may have left a copy with a number that was given again.
            result.records_lost += 1;
            continue;
        }
        note_hole(found, result, &event, before);
        heads.insert(event.stream.clone(), event.stream_seq);
        result.events_read += 1;
        sink(SavedItem::Event(event))?;
    }
    ControlFlow::Continue(())
}

/// Notes the numbers between an event and the one before it in its stream, unless they were pruned.
fn note_hole(found: &Found, result: &mut Salvaged, event: &StoredEvent, before: i64) {
    let (first, last) = (before + 1, event.stream_seq - 1);
    let spans = found.pruned.get(&event.stream);
    let mut known = first;
    for (from, to) in spans.into_iter().flatten() {
        if (*from..=*to).contains(&known) {
            known = to.saturating_add(1);
        }
    }
    if first > last || known > last {
        return;
    }
    result.ranges_lost += 1;
    if result.lost.len() < NAMED_RANGES {
        result.lost.push(Gap {
            stream: event.stream.clone(),
            first_stream_seq: first,
            last_stream_seq: last,
        });
    }
}

fn hand_out_rows(
    pages: &mut Pages,
    rows: &[(u64, i64, Cell)],
    result: &mut Salvaged,
    sink: &mut impl FnMut(SavedItem) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for copies in rows.chunk_by(|a, b| a.0 == b.0) {
        let newest = copies.iter().find_map(|(_, _, cell)| {
            let head = pages.head(*cell)?;
            pages.values(*cell, &head).and_then(row)
        });
        match newest {
            Some(row) if row.deleted => {}
            Some(row) => {
                result.rows_read += 1;
                sink(SavedItem::Row(row))?;
            }
            None => result.records_lost += 1,
        }
    }
    ControlFlow::Continue(())
}

/// Pages of the archive, unpacked; a budget keeps spoiled ones from unpacking without end.
struct Unpacked {
    budget: u64,
    kept: Vec<(Cell, Vec<StoredEvent>)>,
    next: usize,
}

impl Unpacked {
    fn new(pages: &Pages) -> Self {
        Self { budget: pages.size_bytes() * UNPACKED_FACTOR, kept: Vec::new(), next: 0 }
    }

    fn read(&mut self, page: &ArchivePage) -> Option<Vec<StoredEvent>> {
        let bytes = u64::try_from(page.bytes).ok().filter(|bytes| *bytes <= MAX_LINES_BYTES as u64)?;
        self.budget = self.budget.checked_sub(bytes)?;
        page.read().ok()
    }

    fn event(&mut self, pages: &mut Pages, cell: Cell, seq: i64) -> Option<StoredEvent> {
        if !self.kept.iter().any(|(kept, _)| *kept == cell) {
            let head = pages.head(cell)?;
            let page = pages.values(cell, &head).and_then(archive_page)?;
            let events = self.read(&page)?;
            if self.kept.len() < UNPACKED {
                self.kept.push((cell, events));
            } else {
                self.next = (self.next + 1) % UNPACKED;
                *self.kept.get_mut(self.next)? = (cell, events);
            }
        }
        let (_, events) = self.kept.iter().find(|(kept, _)| *kept == cell)?;
        let at = events.binary_search_by_key(&seq, |event| event.seq).ok()?;
        events.get(at).cloned()
    }
}

fn is_int(kind: u64) -> bool {
    matches!(kind, 1..=6 | 8 | 9)
}

fn is_text(kind: u64) -> bool {
    kind >= 13 && kind % 2 == 1
}

/// seq (kept as the row's number), stream, stream_seq, kind, version, at, actor, command?, cause?, prev_hash?, body.
fn is_event(head: &Head) -> bool {
    let [0, stream, stream_seq, kind, version, at, actor, command, cause, prev_hash, body] = *head.types
    else {
        return false;
    };
    [stream, kind, actor, body].into_iter().all(is_text)
        && [stream_seq, version, at].into_iter().all(is_int)
        && [command, prev_hash].into_iter().all(|kind| kind == 0 || is_text(kind))
        && (cause == 0 || is_int(cause))
}

/// kind, id, parent?, ord, seq, deleted, body.
fn is_row(head: &Head) -> bool {
    let [kind, id, parent, ord, seq, deleted, body] = *head.types else { return false };
    [kind, id, ord, body].into_iter().all(is_text)
        && (parent == 0 || is_text(parent))
        && is_int(seq)
        && is_int(deleted)
}

/// stream, first_stream_seq, last_stream_seq, first_seq, last_seq, events, bytes, sha256, body?.
fn is_archive(head: &Head) -> bool {
    let [stream, a, b, c, d, e, f, sha256, body] = *head.types else { return false };
    is_text(stream)
        && [a, b, c, d, e, f].into_iter().all(is_int)
        && is_text(sha256)
        && (body == 0 || (body >= 12 && body % 2 == 0))
}

fn event(seq: i64, values: Vec<Value>) -> Option<StoredEvent> {
    let values: [Value; 11] = values.try_into().ok()?;
    let [
        Value::Null,
        Value::Text(stream),
        Value::Int(stream_seq),
        Value::Text(kind),
        Value::Int(version),
        Value::Int(at),
        Value::Text(actor),
        command,
        cause,
        prev_hash,
        Value::Text(body),
    ] = values
    else {
        return None;
    };
    if stream.is_empty() || !(1..=MAX_SEQ).contains(&stream_seq) {
        return None;
    }
    Some(StoredEvent {
        seq,
        stream,
        stream_seq,
        kind,
        version: u16::try_from(version).ok()?,
        at,
        actor,
        command: optional_text(command)?,
        cause: match cause {
            Value::Null => None,
            Value::Int(cause) => Some(cause),
            _ => return None,
        },
        prev_hash: optional_text(prev_hash)?,
        body,
    })
}

fn row(values: Vec<Value>) -> Option<StoredRow> {
    let values: [Value; 7] = values.try_into().ok()?;
    let [
        Value::Text(kind),
        Value::Text(id),
        parent,
        Value::Text(ord),
        Value::Int(seq),
        Value::Int(deleted @ 0..=1),
        Value::Text(body),
    ] = values
    else {
        return None;
    };
    Some(StoredRow { kind, id, parent: optional_text(parent)?, ord, seq, deleted: deleted == 1, body })
}

fn archive_page(values: Vec<Value>) -> Option<ArchivePage> {
    let values: [Value; 9] = values.try_into().ok()?;
    let [
        Value::Text(stream),
        Value::Int(first_stream_seq),
        Value::Int(last_stream_seq),
        Value::Int(first_seq),
        Value::Int(last_seq),
        Value::Int(events),
        Value::Int(bytes),
        Value::Text(sha256),
        body,
    ] = values
    else {
        return None;
    };
    let body = match body {
        Value::Null => None,
        Value::Blob(body) => Some(body),
        _ => return None,
    };
    Some(ArchivePage {
        stream,
        first_stream_seq,
        last_stream_seq,
        first_seq,
        last_seq,
        events,
        bytes,
        sha256,
        body,
    })
}

/// `None` for what is neither text nor nothing.
fn optional_text(value: Value) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::Text(text) => Some(Some(text)),
        _ => None,
    }
}

fn key_of(row: &StoredRow) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&row.kind, &row.id).hash(&mut hasher);
    hasher.finish()
}
