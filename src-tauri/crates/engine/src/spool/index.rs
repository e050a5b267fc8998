//! The index of an item's output: which bytes came from which pipe, and where the tail files begin.
//!
//! One short line a change: `o 0` (standard output from byte 0), `e 512`, `t 50331648 0` (tail file 0 begins there). A
//! torn last line, as a crash may leave it, is not read.

use nox_runtimes::Pipe;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Writes the index as output comes.
pub(super) struct IndexWriter {
    file: File,
    last: Option<Pipe>,
}

impl IndexWriter {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::create(path)?, last: None })
    }

    pub(super) fn pipe(&mut self, offset: u64, pipe: Pipe) -> io::Result<()> {
        if self.last != Some(pipe) {
            let letter = if pipe == Pipe::Out { 'o' } else { 'e' };
            self.file.write_all(format!("{letter} {offset}\n").as_bytes())?;
            self.last = Some(pipe);
        }
        Ok(())
    }

    pub(super) fn tail(&mut self, offset: u64, slot: usize) -> io::Result<()> {
        self.file.write_all(format!("t {offset} {slot}\n").as_bytes())
    }
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
