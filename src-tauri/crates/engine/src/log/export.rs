//! Export: a session's whole history as JSON lines, and the page-wise reading and whole writing that other forms use.
//!
//! Events come back from the archive by themselves, and what was pruned is said where it was. Nothing but one page is in
//! memory. The file appears whole, readable by its owner alone, and nothing is overwritten that was not meant.

use super::{STREAMS, lines};
use crate::{Engine, Error, clock};
use nox_domain::{
    ids::SessionId,
    rows::{Item, RequestRow, SessionRow, kind},
};
use nox_store::{Piece, RowPage};
use std::{
    io::Write,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Numbers of a stream in one read: to show one archived event its whole page is unpacked, so it may not be few.
const EVENTS: u32 = 256;
/// Items in one read.
const ITEMS: u32 = 100;

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Events of the session.
    pub events: u64,
    /// Events that had been pruned.
    pub pruned: u64,
}

/// A file that appears when it is complete.
#[derive(Debug)]
pub struct Whole {
    file: NamedTempFile,
    path: PathBuf,
    overwrite: bool,
    bytes: u64,
}

impl Whole {
    /// Begins a file at an absolute path.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the file is there and may not be overwritten.
    pub async fn begin(path: &Path, overwrite: bool) -> Result<Self, Error> {
        if !path.is_absolute() || path.file_name().is_none() {
            return Err(Error::bad_input(
                "path",
                format!("“{}” is no absolute path of a file", path.display()),
                "Name the file with its whole path.",
            ));
        }
        let path = path.to_owned();
        blocking(move || {
            if !overwrite && path.symlink_metadata().is_ok() {
                return Err(there(&path));
            }
            let folder = path.parent().unwrap_or(Path::new("/"));
            let begin = || tempfile::Builder::new().prefix(".nox-export-").tempfile_in(folder);
            let file = begin().map_err(|source| Error::home(folder, source))?;
            Ok(Self { file, path, overwrite, bytes: 0 })
        })
        .await
    }

    /// Writes the next piece.
    pub async fn write(mut self, text: String) -> Result<Self, Error> {
        blocking(move || {
            self.bytes += text.len() as u64;
            let written = self.file.write_all(text.as_bytes());
            written.map_err(|source| Error::home(&self.path, source))?;
            Ok(self)
        })
        .await
    }

    /// Puts the file in its place; answers its size in bytes.
    pub async fn keep(self) -> Result<(PathBuf, u64), Error> {
        let Self { file, path, overwrite, bytes } = self;
        blocking(move || {
            let failed = |source| Error::home(&path, source);
            file.as_file().sync_all().map_err(failed)?;
            if overwrite {
                file.persist(&path).map_err(|error| failed(error.error))?;
            } else {
                file.persist_noclobber(&path).map_err(|error| match error.error.kind() {
                    std::io::ErrorKind::AlreadyExists => there(&path),
                    _ => failed(error.error),
                })?;
            }
            let folder = path.parent().unwrap_or(Path::new("/"));
            std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
            Ok((path, bytes))
        })
        .await
    }
}

fn there(path: &Path) -> Error {
    Error::Conflict {
        message: format!("{} is there already", path.display()),
        hint: "Choose another name, or say that it may be overwritten.".into(),
    }
}

/// Work with files, on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Closing)?
}

/// The items of a session in order, in pages, each with its request.
#[derive(Debug)]
pub struct ItemsOf {
    session: SessionId,
    page: RowPage,
}

impl ItemsOf {
    /// From the beginning.
    pub fn new(session: &SessionId) -> Self {
        Self { session: session.clone(), page: RowPage::first(ITEMS) }
    }

    /// The next page; empty at the end.
    pub async fn next(&mut self, engine: &Engine) -> Result<Vec<(Item, Option<RequestRow>)>, Error> {
        let (session, page) = (self.session.to_string(), self.page.clone());
        let read = engine.ledger().store().read(move |reader| {
            let rows = reader.rows(kind::ITEM, Some(&session), &page)?;
            let mut all = Vec::with_capacity(rows.len());
            for row in &rows {
                let item: Option<Item> = crate::reading::readable(row);
                let asked = item.as_ref().and_then(|item| match &item.body {
                    nox_domain::rows::ItemBody::ToolCall { request, .. } => request.clone(),
                    _ => None,
                });
                let request = match asked {
                    Some(id) => {
                        reader.row(kind::REQUEST, id.as_str())?.as_ref().and_then(crate::reading::readable)
                    }
                    None => None,
                };
                all.extend(item.map(|item| (item, request)));
            }
            Ok((rows.last().cloned(), all))
        });
        let (last, items) = read.await?;
        if let Some(last) = last {
            self.page = self.page.clone().following(&last);
        }
        Ok(items)
    }
}

impl Engine {
    /// The spans of a session's events that were pruned: their number, and how many events the session had.
    pub async fn pruned_of(&self, session: &SessionId) -> Result<(u64, u64), Error> {
        let (mut pruned, mut all, mut after) = (0, 0, 0);
        loop {
            let pieces = self.pieces(session, after, i64::MAX).await?;
            let Some(last) = pieces.last() else { return Ok((pruned, all)) };
            after = last.last_stream_seq();
            all = after.unsigned_abs();
            pruned += pieces.iter().map(gone).sum::<u64>();
        }
    }

    async fn pieces(&self, session: &SessionId, after: i64, head: i64) -> Result<Vec<Piece>, Error> {
        let stream = format!("{STREAMS}{session}");
        let left = u32::try_from(head.saturating_sub(after)).unwrap_or(u32::MAX);
        let read = move |reader: &nox_store::Reader<'_>| reader.history(&stream, after, left.min(EVENTS));
        Ok(self.ledger().store().read(read).await?)
    }

    /// Writes a session as JSON lines.
    ///
    /// # Errors
    /// As [`Whole::begin`], and [`Error::NotFound`].
    pub async fn export_lines(
        &self,
        session: &SessionId,
        path: &Path,
        overwrite: bool,
    ) -> Result<Exported, Error> {
        let row: SessionRow = self.session(session).await?;
        let mut file = Whole::begin(path, overwrite).await?;
        let stream = format!("{STREAMS}{session}");
        // What is added while it is written is left for the next export.
        let head = self.ledger().store().read(move |reader| reader.stream_head(&stream)).await?;
        file = file.write(lines::Header::of(&row, clock::now(), head).line()).await?;
        let (mut after, mut pruned, mut events) = (0, 0, 0);
        while after < head {
            let pieces = self.pieces(session, after, head).await?;
            let Some(last) = pieces.last() else { break };
            after = last.last_stream_seq();
            let mut text = String::new();
            for piece in &pieces {
                text += &lines::line(piece)?;
                pruned += gone(piece);
                events += u64::from(matches!(piece, Piece::Event(_)));
            }
            file = file.write(text).await?;
        }
        let (path, bytes) = file.keep().await?;
        Ok(Exported { path, bytes, events, pruned })
    }
}

fn gone(piece: &Piece) -> u64 {
    match piece {
        Piece::Event(_) => 0,
        Piece::Gap(gap) => (gap.last_stream_seq - gap.first_stream_seq + 1).unsigned_abs(),
    }
}
