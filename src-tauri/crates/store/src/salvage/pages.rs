//! The pages of a damaged database and the records on them, read without SQLite.
//!
//! Only leaves of tables are looked at, wherever they lie: the tree above them, the schema and the free list may be
//! gone. A page comes from the newest good commit in the WAL, else from the file. Every length is checked against the
//! page, every chain of overflow pages against its payload and against a budget for the whole work, so that no content
//! can make it panic, run for ever or take memory without bound. The format is that of
//! <https://www.sqlite.org/fileformat2.html>.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use crate::wal::{self, PAGE_BYTES};

/// Pages that are kept in memory: events of one moment lie on few.
const CACHED: usize = 64;

/// The largest record that is believed: a batch, with room to spare.
const MAX_PAYLOAD: usize = 64 * 1024 * 1024;

/// A page of a table's leaf type begins with it.
const TABLE_LEAF: u8 = 0x0d;

/// The two files, read only.
pub(super) struct Pages {
    /// None when only the WAL is left.
    file: Option<File>,
    file_pages: u32,
    wal: Option<File>,
    in_wal: HashMap<u32, u64>,
    cache: Vec<Option<(u32, Box<[u8; PAGE_BYTES]>)>>,
    /// Bytes of records that may still be put together. Sound content needs less than the files have.
    budget: u64,
    size_bytes: u64,
    pub(super) wal_frames_lost: u64,
    pub(super) pages_unreadable: u64,
}

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) page: u32,
    pub(super) offset: u16,
}

/// A value of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
    /// A text that is not UTF-8, or a number of a kind that no table of ours has.
    Foreign,
}

/// The beginning of a record: enough to tell its table.
pub(super) struct Head {
    pub(super) rowid: i64,
    /// SQLite's serial types of the columns.
    pub(super) types: Vec<u64>,
    payload_bytes: usize,
    /// Where the payload begins on its page, and how much of it is there.
    starts_at: usize,
    local_bytes: usize,
    header_bytes: usize,
}

impl Pages {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let wal_path = wal::path_of(path);
        let file = match File::open(path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound && wal_path.exists() => None,
            Err(error) => return Err(error),
        };
        let bytes = file.as_ref().map_or(Ok(0), |file| file.metadata().map(|file| file.len()))?;
        let (wal, found, wal_bytes) = match File::open(&wal_path) {
            Ok(wal) => {
                let bytes = wal.metadata()?.len();
                // A WAL that cannot be read is as good as none.
                let found = wal::read(wal.try_clone()?).unwrap_or_default();
                (Some(wal), found, bytes)
            }
            Err(_) => (None, wal::Wal::default(), 0),
        };
        let lost = found.broken_frames + u64::from(found.is_header_broken);
        Ok(Self {
            file,
            file_pages: u32::try_from(bytes.div_ceil(PAGE_BYTES as u64)).unwrap_or(u32::MAX),
            wal,
            in_wal: found.pages,
            cache: vec![None; CACHED],
            budget: 4 * (bytes + wal_bytes) + (1 << 20),
            size_bytes: bytes + wal_bytes,
            wal_frames_lost: lost,
            pages_unreadable: 0,
        })
    }

    /// Of both files.
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Numbers of all pages, those that are only in the WAL last.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        let mut beyond: Vec<u32> =
            self.in_wal.keys().copied().filter(|number| *number > self.file_pages).collect();
        beyond.sort_unstable();
        (1..=self.file_pages).chain(beyond)
    }

    /// A page; `None` when it is not there or the disk does not give it.
    fn page(&mut self, number: u32) -> Option<&[u8; PAGE_BYTES]> {
        let slot = number as usize % CACHED;
        let is_cached = self.cache.get(slot)?.as_ref().is_some_and(|(cached, _)| *cached == number);
        if !is_cached {
            let image = match self.fetch(number) {
                Ok(image) => image?,
                Err(_) => {
                    self.pages_unreadable += 1;
                    return None;
                }
            };
            *self.cache.get_mut(slot)? = Some((number, image));
        }
        self.cache.get(slot)?.as_ref().map(|(_, image)| &**image)
    }

    fn fetch(&mut self, number: u32) -> io::Result<Option<Box<[u8; PAGE_BYTES]>>> {
        let mut image = Box::new([0; PAGE_BYTES]);
        if let (Some(wal), Some(offset)) = (&mut self.wal, self.in_wal.get(&number)) {
            wal.seek(SeekFrom::Start(*offset))?;
            wal.read_exact(&mut *image)?;
            return Ok(Some(image));
        }
        let Some(file) = self.file.as_mut().filter(|_| (1..=self.file_pages).contains(&number)) else {
            return Ok(None);
        };
        file.seek(SeekFrom::Start(u64::from(number - 1) * PAGE_BYTES as u64))?;
        // The last page of a file that was cut off is short; the rest counts as zeros.
        let mut have = 0;
        while have < PAGE_BYTES {
            match file.read(&mut image[have..])? {
                0 => break,
                more => have += more,
            }
        }
        Ok(Some(image))
    }

    /// The records of a page that is a leaf of some table.
    pub(super) fn cells(&mut self, number: u32) -> Vec<Cell> {
        let Some(page) = self.page(number) else { return Vec::new() };
        let start = if number == 1 { 100 } else { 0 };
        if page[start] != TABLE_LEAF {
            return Vec::new();
        }
        let pointers = start + 8;
        // A cell has at least four bytes, a pointer two.
        let count = short(page, start + 3).min((PAGE_BYTES - pointers) / 6);
        let mut cells: Vec<Cell> = (0..count)
            .map(|at| short(page, pointers + 2 * at))
            .filter(|offset| (pointers + 2 * count..PAGE_BYTES - 3).contains(offset))
            .map(|offset| Cell { page: number, offset: offset as u16 })
            .collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    /// The beginning of a record.
    pub(super) fn head(&mut self, cell: Cell) -> Option<Head> {
        let page = self.page(cell.page)?;
        let mut at = usize::from(cell.offset);
        let payload_bytes = usize::try_from(varint(page, &mut at)?).ok()?;
        let rowid = varint(page, &mut at)? as i64;
        let local_bytes = local(payload_bytes);
        if payload_bytes > MAX_PAYLOAD || at + local_bytes > PAGE_BYTES {
            return None;
        }
        let starts_at = at;
        let header_bytes = usize::try_from(varint(page, &mut at)?).ok()?;
        let end = starts_at.checked_add(header_bytes).filter(|_| header_bytes <= local_bytes)?;
        let mut types = Vec::new();
        while at < end {
            types.push(varint(page, &mut at)?);
        }
        (at == end).then_some(Head { rowid, types, payload_bytes, starts_at, local_bytes, header_bytes })
    }

    /// All values of a record.
    pub(super) fn values(&mut self, cell: Cell, head: &Head) -> Option<Vec<Value>> {
        let payload = self.payload(cell, head)?;
        let mut at = head.header_bytes;
        let mut values = Vec::with_capacity(head.types.len());
        for kind in &head.types {
            let bytes = payload.get(at..at.checked_add(size_of_type(*kind)?)?)?;
            at += bytes.len();
            values.push(value(*kind, bytes));
        }
        (at == payload.len()).then_some(values)
    }

    fn payload(&mut self, cell: Cell, head: &Head) -> Option<Vec<u8>> {
        self.budget = self.budget.checked_sub(head.payload_bytes as u64)?;
        let page = self.page(cell.page)?;
        let mut payload = page.get(head.starts_at..head.starts_at + head.local_bytes)?.to_vec();
        if head.local_bytes == head.payload_bytes {
            return Some(payload);
        }
        let mut next = long(page, head.starts_at + head.local_bytes)?;
        while payload.len() < head.payload_bytes {
            let page = self.page(next)?;
            let here = (head.payload_bytes - payload.len()).min(PAGE_BYTES - 4);
            payload.extend_from_slice(&page[4..4 + here]);
            next = long(page, 0)?;
        }
        // A chain that goes on belongs to another record.
        (next == 0).then_some(payload)
    }
}

/// How much of a payload stands on the leaf itself.
fn local(payload_bytes: usize) -> usize {
    const MOST: usize = PAGE_BYTES - 35;
    const LEAST: usize = (PAGE_BYTES - 12) * 32 / 255 - 23;
    if payload_bytes <= MOST {
        return payload_bytes;
    }
    let local = LEAST + (payload_bytes - LEAST) % (PAGE_BYTES - 4);
    if local <= MOST { local } else { LEAST }
}

fn size_of_type(kind: u64) -> Option<usize> {
    Some(match kind {
        0 | 8 | 9 => 0,
        1..=4 => kind as usize,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        longer => usize::try_from((longer - 12) / 2).ok()?,
    })
}

fn value(kind: u64, bytes: &[u8]) -> Value {
    match kind {
        0 => Value::Null,
        8 | 9 => Value::Int(kind as i64 - 8),
        1..=6 => {
            let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
            Value::Int(bytes.iter().fold(sign, |number, byte| (number << 8) | i64::from(*byte)))
        }
        text if text >= 13 && text % 2 == 1 => match std::str::from_utf8(bytes) {
            // JSON has no NUL: these are the zeros of a page that was lost.
            Ok(text) if !text.contains('\0') => Value::Text(text.to_owned()),
            _ => Value::Foreign,
        },
        blob if blob >= 12 => Value::Blob(bytes.to_vec()),
        _ => Value::Foreign,
    }
}

/// SQLite's number of one to nine bytes.
fn varint(page: &[u8; PAGE_BYTES], at: &mut usize) -> Option<u64> {
    let mut number = 0_u64;
    for place in 0..9 {
        let byte = *page.get(*at)?;
        *at += 1;
        if place == 8 {
            return Some((number << 8) | u64::from(byte));
        }
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

fn short(page: &[u8; PAGE_BYTES], at: usize) -> usize {
    page.get(at..at + 2).map_or(0, |bytes| usize::from(bytes[0]) << 8 | usize::from(bytes[1]))
}

fn long(page: &[u8; PAGE_BYTES], at: usize) -> Option<u32> {
    page.get(at..at + 4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}
