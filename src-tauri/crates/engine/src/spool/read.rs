//! Reading output back, by position.

use super::{Files, HEAD_BYTES, index::Index};
use nox_runtimes::Pipe;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

/// The most bytes of one page.
const PAGE_BYTES: u64 = 256 * 1024;

/// Bytes that came from one pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where they begin.
    pub offset: u64,
    /// Which pipe.
    pub pipe: Pipe,
    /// As they came; nothing in them is trusted.
    pub bytes: Vec<u8>,
}

/// A page of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In order.
    pub pieces: Vec<Piece>,
    /// Where the next page begins.
    pub next: u64,
    /// Whether there is nothing behind it now.
    pub at_end: bool,
    /// Whether bytes between the asked position and the first piece were dropped.
    pub clipped: bool,
}

fn length(path: &Path) -> io::Result<u64> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

pub(super) fn page(files: &Files, from: Option<u64>) -> io::Result<Page> {
    let index = Index::read(&files.index)?;
    let head = length(&files.out)?.min(HEAD_BYTES);
    // The kept parts, in order: begin, length, file.
    let mut parts = vec![(0, head, files.out.as_path())];
    let mut tails: Vec<_> = index
        .tails
        .iter()
        .zip(&files.tails)
        .filter_map(|(begin, path)| begin.map(|begin| (begin, path.as_path())))
        .collect();
    tails.sort_unstable();
    let newer = tails.get(1).map(|(begin, _)| *begin);
    for (begin, path) in tails {
        let length = length(path)?;
        // A tail file that is being begun anew has the old one's place in the index for a moment.
        let length = newer.filter(|newer| *newer > begin).map_or(length, |newer| length.min(newer - begin));
        parts.push((begin, length, path));
    }
    let end = parts.iter().map(|(begin, length, _)| begin + length).max().unwrap_or(0);
    let asked = from.unwrap_or_else(|| end.saturating_sub(PAGE_BYTES));
    let mut at = asked;
    let mut room = PAGE_BYTES;
    let mut pieces: Vec<Piece> = Vec::new();
    let mut clipped = from.is_none() && asked > 0;
    for (begin, length, path) in parts {
        if room == 0 || begin + length <= at {
            continue;
        }
        if at < begin {
            clipped = true;
            at = begin;
        }
        let wanted = (begin + length - at).min(room);
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(at - begin))?;
        let mut bytes = Vec::with_capacity(wanted as usize);
        file.take(wanted).read_to_end(&mut bytes)?;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (pipe, until) = index.pipe_at(at);
            let length = (until - at).min(rest.len() as u64) as usize;
            pieces.push(Piece { offset: at, pipe, bytes: rest[..length].to_vec() });
            at += length as u64;
            rest = &rest[length..];
        }
        room = room.saturating_sub(bytes.len() as u64);
    }
    Ok(Page { pieces, next: at, at_end: at >= end, clipped })
}
