//! The index of an item's output: which bytes came from which pipe, and where the tail files begin.
//!
//! One short line a change: `o 0` (standard output from byte 0), `e 512`, `t 50331648 0` (tail file 0 begins there). A
//! torn last line, as a crash may leave it, is not read.
//!
//! The index is bounded: lines about the dropped middle go when a tail file begins anew, and a program that changes its
//! pipe more often than [`MAX_CHANGES`] within one part loses the later changes of that part, never a byte.

use nox_runtimes::Pipe;
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Changes of pipes that are kept of the head, and of each tail file.
const MAX_CHANGES: u32 = 65_536;

/// Writes the index as output comes.
pub(super) struct IndexWriter {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines: a failed write may have left a part behind them.
    length: u64,
    /// Bytes of the lines about the head.
    head_length: u64,
    /// The lines about the newest tail file, and which one that is.
    newest: Option<(usize, String)>,
    last: Option<Pipe>,
    changes: u32,
}

impl IndexWriter {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: File::create(path)?,
            length: 0,
            head_length: 0,
            newest: None,
            last: None,
            changes: 0,
        })
    }

    pub(super) fn pipe(&mut self, offset: u64, pipe: Pipe) -> io::Result<()> {
        if self.last == Some(pipe) || self.changes >= MAX_CHANGES {
            return Ok(());
        }
        let line = line_of(offset, pipe);
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(line.as_bytes())?;
        self.length += line.len() as u64;
        match &mut self.newest {
            Some((_, lines)) => lines.push_str(&line),
            None => self.head_length = self.length,
        }
        self.last = Some(pipe);
        self.changes += 1;
        Ok(())
    }

    /// A tail file begins anew with bytes of this pipe: what stands about its old content goes.
    pub(super) fn tail(&mut self, offset: u64, slot: usize, pipe: Pipe) -> io::Result<()> {
        let mut text = vec![0; self.head_length as usize];
        let mut old = File::open(&self.path)?;
        old.read_exact(&mut text)?;
        if let Some((other, lines)) = &self.newest
            && *other != slot
        {
            text.extend_from_slice(lines.as_bytes());
        }
        let lines = format!("t {offset} {slot}\n{}", line_of(offset, pipe));
        text.extend_from_slice(lines.as_bytes());
        // A reader sees the old index or the new one.
        let beside = self.path.with_extension("idx-new");
        let mut file = File::create(&beside)?;
        file.write_all(&text)?;
        fs::rename(&beside, &self.path)?;
        self.file = file;
        self.length = text.len() as u64;
        self.newest = Some((slot, lines));
        self.last = Some(pipe);
        self.changes = 0;
        Ok(())
    }
}

fn line_of(offset: u64, pipe: Pipe) -> String {
    let letter = if pipe == Pipe::Out { 'o' } else { 'e' };
    format!("{letter} {offset}\n")
}

/// What the index says.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// From which byte which pipe.
    pub(super) pipes: Vec<(u64, Pipe)>,
    /// The beginnings of the two tail files, if they are there.
    pub(super) tails: [Option<u64>; 2],
}

impl Index {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let mut index = Self::default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let mut words = line.split(' ');
            let (kind, offset) = (words.next(), words.next().and_then(|word| word.parse::<u64>().ok()));
            match (kind, offset) {
                (Some("o"), Some(offset)) => index.pipes.push((offset, Pipe::Out)),
                (Some("e"), Some(offset)) => index.pipes.push((offset, Pipe::Err)),
                (Some("t"), Some(offset)) => {
                    let slot =
                        words.next().and_then(|word| word.parse::<usize>().ok()).filter(|slot| *slot < 2);
                    if let Some(slot) = slot {
                        index.tails[slot] = Some(offset);
                    }
                }
                _ => {}
            }
        }
        Ok(index)
    }

    /// The pipe of the byte at `offset`, and where the next change of pipes is.
    pub(super) fn pipe_at(&self, offset: u64) -> (Pipe, u64) {
        let after = self.pipes.partition_point(|(from, _)| *from <= offset);
        let pipe = after.checked_sub(1).map_or(Pipe::Out, |at| self.pipes[at].1);
        (pipe, self.pipes.get(after).map_or(u64::MAX, |(from, _)| *from))
    }
}
