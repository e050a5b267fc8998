//! The spool: the output of items, appended as it comes, without fsync; a digest goes into the log at the end.
//!
//! An item has `spool/<session>/<item>.out` (the bytes) and `<item>.idx` (which bytes came from which pipe). Above
//! [`HEAD_BYTES`] the middle is dropped: what comes then goes into two tail files that take turns, so that the head and
//! the last [`TAIL_BYTES`] at least are kept. Offsets are positions in everything that was written, so they stay true.
//!
//! Runtimes write through [`OutputStore`]; the faces read with [`Spool::read`] and hear [`Delta`]s as bytes arrive. A
//! delta is a hint: whoever misses one reads the spool.

mod index;
mod read;

use crate::Error;
use async_trait::async_trait;
use index::IndexWriter;
use nox_domain::{
    Size,
    ids::{ItemId, SessionId},
    terminal,
    tool::{OutputDigest, hex},
};
use nox_runtimes::{ItemOutput, OutputStore};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, broadcast},
    time::Instant,
};

pub use nox_runtimes::Pipe;
pub use read::{Page, Piece};

/// Bytes of an item that are kept from its beginning.
pub const HEAD_BYTES: u64 = 48 * 1024 * 1024;
/// Bytes of an item that are kept from its end, at least.
pub const TAIL_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes of the head and the tail that stand in the log.
const DIGEST_BYTES: usize = 4096;
/// Deltas that wait for a listener. Each holds up to a pipe's 64 KiB, so this is 16 MiB at most while output floods; a
/// listener that is further behind hears that it missed some, and the files have them.
const WAITING_DELTAS: usize = 256;
/// How often a full disk is tried again. The program waits meanwhile: its pipe is not read.
const RETRY: Duration = Duration::from_millis(500);

/// Bytes that have just been appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// The session.
    pub session: SessionId,
    /// The item.
    pub item: ItemId,
    /// Where the bytes begin.
    pub offset: u64,
    /// Which pipe.
    pub pipe: Pipe,
    /// The bytes as they came; nothing in them is trusted.
    pub bytes: Arc<[u8]>,
}

/// The spool of a home. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Spool {
    root: PathBuf,
    deltas: broadcast::Sender<Arc<Delta>>,
    written: Arc<Mutex<Signs>>,
}

/// Signs of life of runs, by session.
#[derive(Debug, Default)]
struct Signs {
    written: HashMap<SessionId, Written>,
    /// Rung once when the run writes something.
    waiting: HashMap<SessionId, Arc<Notify>>,
}

/// What the run of a session has written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    /// Last.
    pub(crate) at: Instant,
    /// In all.
    pub(crate) bytes: u64,
}

impl Spool {
    /// The spool in this folder.
    pub fn at(root: PathBuf) -> Self {
        let (deltas, _) = broadcast::channel(WAITING_DELTAS);
        Self { root, deltas, written: Arc::default() }
    }

    /// What the present run of a session has written; none when it was silent so far.
    pub(crate) fn written(&self, session: &SessionId) -> Option<Written> {
        self.signs().written.get(session).copied()
    }

    /// Rings once when the run of a session writes something.
    pub(crate) fn ring_when_written(&self, session: &SessionId, ring: Arc<Notify>) {
        self.signs().waiting.insert(session.clone(), ring);
    }

    fn signs(&self) -> MutexGuard<'_, Signs> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run of a session is over: the next one begins with nothing written.
    pub(crate) fn forget(&self, session: &SessionId) {
        let mut signs = self.signs();
        signs.written.remove(session);
        signs.waiting.remove(session);
    }

    /// Hears what is appended from now on.
    pub fn deltas(&self) -> broadcast::Receiver<Arc<Delta>> {
        self.deltas.subscribe()
    }

    /// Reads a page of an item's output, from a position or, without one, so that the page ends at the end.
    pub async fn read(&self, session: SessionId, item: ItemId, from: Option<u64>) -> Result<Page, Error> {
        let files = Files::of(&self.root, &session, &item);
        let path = files.out.clone();
        tokio::task::spawn_blocking(move || read::page(&files, from))
            .await
            .map_err(|_| Error::Closing)?
            .map_err(|source| Error::home(&path, source))
    }

    /// What is there of an item whose end nobody saw.
    pub fn cut_off(&self, session: &SessionId, item: &ItemId) -> Option<OutputDigest> {
        let files = Files::of(&self.root, session, item);
        let first = read::page(&files, Some(0)).ok()?;
        let last = read::page(&files, None).ok()?;
        let size = last.next;
        let head: Vec<u8> =
            first.pieces.iter().flat_map(|piece| piece.bytes.clone()).take(DIGEST_BYTES).collect();
        let tail: Vec<u8> = last.pieces.iter().flat_map(|piece| piece.bytes.clone()).collect();
        let tail = &tail[tail.len().saturating_sub(DIGEST_BYTES)..];
        (size > 0)
            .then(|| digest_of(size, size.min(HEAD_BYTES + TAIL_BYTES), String::new(), &head, tail, true))
    }
}

/// The files of one item.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    folder: PathBuf,
    out: PathBuf,
    index: PathBuf,
    tails: [PathBuf; 2],
}

impl Files {
    fn of(root: &Path, session: &SessionId, item: &ItemId) -> Self {
        let folder = root.join(session.as_str());
        let file = |end: &str| folder.join(format!("{item}.{end}"));
        Self { out: file("out"), index: file("idx"), tails: [file("t0"), file("t1")], folder }
    }
}

impl OutputStore for Spool {
    fn begin(&self, session: &SessionId, item: &ItemId) -> Box<dyn ItemOutput> {
        Box::new(Writer {
            files: Files::of(&self.root, session, item),
            session: session.clone(),
            item: item.clone(),
            deltas: self.deltas.clone(),
            written: self.written.clone(),
            open: None,
            size: 0,
            hasher: Sha256::new(),
            head: Vec::new(),
            tail: Vec::new(),
        })
    }
}

struct Open {
    out: File,
    index: IndexWriter,
    tail: Option<(usize, File, u64)>,
}

struct Writer {
    files: Files,
    session: SessionId,
    item: ItemId,
    deltas: broadcast::Sender<Arc<Delta>>,
    written: Arc<Mutex<Signs>>,
    open: Option<Open>,
    size: u64,
    hasher: Sha256,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Writer {
    fn append(&mut self, pipe: Pipe, bytes: &[u8]) -> io::Result<()> {
        if self.open.is_none() {
            fs::create_dir_all(&self.files.folder)?;
            let out = OpenOptions::new().create(true).write(true).truncate(true).open(&self.files.out)?;
            let index = IndexWriter::create(&self.files.index)?;
            self.open = Some(Open { out, index, tail: None });
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let head_room = HEAD_BYTES.saturating_sub(self.size).min(bytes.len() as u64) as usize;
        let (head, rest) = bytes.split_at(head_room);
        if !head.is_empty() {
            open.index.pipe(self.size, pipe)?;
            // A failed write may have left a part: the position says where this piece belongs.
            open.out.seek(io::SeekFrom::Start(self.size))?;
            open.out.write_all(head)?;
        }
        if !rest.is_empty() {
            let at = self.size + head.len() as u64;
            let next = match &open.tail {
                Some((_, _, used)) if used + rest.len() as u64 <= TAIL_BYTES => None,
                Some((slot, _, _)) => Some(1 - slot),
                None => Some(0),
            };
            if let Some(slot) = next {
                let file = OpenOptions::new()
                    .create(true)
                    .write(true)
                    .truncate(true)
                    .open(&self.files.tails[slot])?;
                open.index.tail(at, slot, pipe)?;
                open.tail = Some((slot, file, 0));
            }
            open.index.pipe(at, pipe)?;
            if let Some((_, file, used)) = &mut open.tail {
                file.seek(io::SeekFrom::Start(*used))?;
                file.write_all(rest)?;
                *used += rest.len() as u64;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl ItemOutput for Writer {
    async fn write(&mut self, pipe: Pipe, bytes: Vec<u8>) {
        let mut warned = false;
        while let Err(error) = self.append(pipe, &bytes) {
            if !warned {
                tracing::warn!(%error, session = %self.session, item = %self.item, "output cannot be kept; the program waits");
                warned = true;
            }
            tokio::time::sleep(RETRY).await;
        }
        {
            let mut signs = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            if let Some(ring) = signs.waiting.remove(&self.session) {
                ring.notify_one();
            }
            match signs.written.get_mut(&self.session) {
                Some(known) => (known.at, known.bytes) = (now, known.bytes + bytes.len() as u64),
                None => {
                    signs
                        .written
                        .insert(self.session.clone(), Written { at: now, bytes: bytes.len() as u64 });
                }
            }
        }
        self.hasher.update(&bytes);
        let room = DIGEST_BYTES.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(DIGEST_BYTES)..]);
        let surplus = self.tail.len().saturating_sub(DIGEST_BYTES);
        self.tail.drain(..surplus);
        let offset = self.size;
        self.size += bytes.len() as u64;
        // Nobody listening is no error.
        let _ = self.deltas.send(Arc::new(Delta {
            session: self.session.clone(),
            item: self.item.clone(),
            offset,
            pipe,
            bytes: bytes.into(),
        }));
    }

    async fn finish(mut self: Box<Self>) -> OutputDigest {
        let kept = match self.open.as_ref().and_then(|open| open.tail.as_ref()) {
            None => self.size,
            Some((_, _, used)) => {
                let older = (self.size - HEAD_BYTES).saturating_sub(*used).min(TAIL_BYTES);
                HEAD_BYTES + used + older
            }
        };
        let sha256 = hex(&std::mem::take(&mut self.hasher).finalize());
        digest_of(self.size, kept, sha256, &self.head, &self.tail, false)
    }
}

fn digest_of(size: u64, kept: u64, sha256: String, head: &[u8], tail: &[u8], cut_off: bool) -> OutputDigest {
    let beyond_head = size as usize > head.len();
    OutputDigest {
        size_bytes: Size(size),
        kept_bytes: Size(kept),
        sha256,
        head: terminal::harmless(head),
        tail: if beyond_head { terminal::harmless(tail) } else { String::new() },
        cut_off,
    }
}

#[cfg(test)]
mod tests;
