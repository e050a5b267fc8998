//! Reads a WAL without SQLite: whether commits that were durable are spoiled in it, and which pages it has.
//!
//! SQLite stops at the first frame that is not in order and forgets what follows, since it cannot tell a torn end from
//! damage. We can: commits are flushed one after the other, so a frame that is broken with a whole commit behind it and
//! still another frame behind that was durable once. Such a WAL is refused at start, before SQLite writes over it, and
//! salvage reads its good frames. The format is that of <https://www.sqlite.org/fileformat2.html#walformat>.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use crate::error::Error;

/// The page size of all databases that Nox makes; SQLite's own choice.
pub(crate) const PAGE_BYTES: usize = 4096;
const HEADER_BYTES: usize = 32;
const FRAME_BYTES: usize = 24 + PAGE_BYTES;

/// What a WAL has.
#[derive(Debug, Default)]
pub(crate) struct Wal {
    /// Where in the file the newest committed image of a page begins.
    pub(crate) pages: HashMap<u32, u64>,
    /// Frames in front of the last commit that are not in order.
    pub(crate) broken_frames: u64,
    /// The head of the file is not that of a WAL.
    pub(crate) is_header_broken: bool,
    /// A commit that had been durable is not whole any more.
    pub(crate) is_damaged: bool,
}

/// The file beside a database.
pub(crate) fn path_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// Refuses a database whose WAL has lost durable commits: SQLite would take the rest for all there is.
pub(crate) fn refuse_damaged(database: &Path) -> Result<(), Error> {
    let path = path_of(database);
    let bytes_of = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    if bytes_of(database) == 0 && bytes_of(&path) > 0 {
        // SQLite would throw the WAL away.
        let detail = format!("it is empty, but {} is not", path.display());
        return Err(Error::Damaged { path: database.to_path_buf(), detail });
    }
    let found = match File::open(&path).and_then(read) {
        Ok(found) => found,
        // SQLite says better what is wrong with a file that cannot be read.
        Err(_) => return Ok(()),
    };
    if found.is_header_broken || found.is_damaged {
        let detail = format!("commits in {} are spoiled", path.display());
        return Err(Error::Damaged { path: database.to_path_buf(), detail });
    }
    Ok(())
}

/// Reads a WAL from its beginning to its end.
pub(crate) fn read(file: File) -> io::Result<Wal> {
    let mut found = Wal::default();
    let mut input = BufReader::with_capacity(256 * 1024, file);
    let mut header = [0; HEADER_BYTES];
    let has_header = fill(&mut input, &mut header)?;
    if !has_header || header.iter().all(|byte| *byte == 0) {
        // No frame can have been durable: the head is flushed before the first one.
        return Ok(found);
    }
    let magic = word(&header, 0);
    let is_big_endian = magic == 0x377f_0683;
    let sum = checksum((0, 0), &header[..24], is_big_endian);
    if magic & !1 != 0x377f_0682
        || word(&header, 8) as usize != PAGE_BYTES
        || sum != (word(&header, 24), word(&header, 28))
    {
        found.is_header_broken = true;
        return Ok(found);
    }
    let salt = &header[16..24];
    let mut before = sum;
    let mut frame = vec![0; FRAME_BYTES];
    let mut offset = HEADER_BYTES as u64;
    let (mut open, mut broken) = (Vec::new(), 0);
    // Whether a frame that was broken stands before a commit that is whole.
    let mut is_commit_behind_break = false;
    while fill(&mut input, &mut frame)? {
        let said = (word(&frame, 16), word(&frame, 20));
        let sum = checksum(checksum(before, &frame[..8], is_big_endian), &frame[24..], is_big_endian);
        // The next frame's sum goes on from what this one says, so one spoiled page does not spoil the rest.
        before = said;
        let page_image = offset + 24;
        offset += FRAME_BYTES as u64;
        if sum != said || &frame[8..16] != salt || word(&frame, 0) == 0 {
            broken += 1;
            continue;
        }
        found.is_damaged |= is_commit_behind_break;
        open.push((word(&frame, 0), page_image));
        if word(&frame, 4) != 0 {
            is_commit_behind_break |= broken > 0;
            found.broken_frames += std::mem::take(&mut broken);
            found.pages.extend(open.drain(..));
        }
    }
    Ok(found)
}

/// SQLite's sum over pairs of words.
fn checksum((mut a, mut b): (u32, u32), bytes: &[u8], is_big_endian: bool) -> (u32, u32) {
    let number = |bytes: &[u8]| {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    for pair in bytes.chunks_exact(8) {
        a = a.wrapping_add(number(&pair[..4])).wrapping_add(b);
        b = b.wrapping_add(number(&pair[4..])).wrapping_add(a);
    }
    (a, b)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Reads a whole piece; `false` at an end that comes before.
fn fill(input: &mut impl Read, piece: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(piece) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
