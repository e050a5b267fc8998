//! Damages a database, its WAL, or a folder entry where it should be, by lots that can be drawn again.
//!
//! Used by the store's own tests and by the long runs. It knows nothing of what the bytes mean beyond SQLite's page of
//! 4 KiB and the frames of a WAL, and uses the standard library alone, so that a crate below can include this file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

const PAGE_BYTES: usize = 4096;

/// Draws lots: the same seed gives the same damage to the same bytes.
#[derive(Debug, Clone)]
pub struct Lots(u64);

impl Lots {
    /// Lots of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.draw() % (bound.max(1) as u64)).unwrap_or(0)
    }
}

/// Damages the database at `path` or the WAL beside it once, and says how.
///
/// # Errors
/// Those of the files themselves.
pub fn mutate_database(path: &Path, lots: &mut Lots) -> io::Result<String> {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let wal = PathBuf::from(wal);
    let wal_bytes = fs::metadata(&wal).map_or(0, |file| file.len());
    let is_wal = wal_bytes > 0 && lots.below(3) == 0;
    let (target, name) = if is_wal { (wal.as_path(), "WAL") } else { (path, "database") };
    // Most of the damage is in the bytes; what stands in the place of a file is tried now and then.
    let how = match lots.below(20) {
        0 => {
            fs::write(target, b"")?;
            "is empty".to_owned()
        }
        1 => {
            fs::write(target, "#!/bin/sh\n# A file of another program.\n".repeat(1 + lots.below(400)))?;
            "is a file of another program".to_owned()
        }
        2 => {
            fs::remove_file(target)?;
            fs::create_dir(target)?;
            "is a folder".to_owned()
        }
        3 => {
            fs::remove_file(target)?;
            "is gone".to_owned()
        }
        4 => {
            make_unreadable(target)?;
            "cannot be read".to_owned()
        }
        _ => {
            let mut bytes = fs::read(target)?;
            let how = mutate_bytes(&mut bytes, if is_wal { 32 } else { 0 }, lots);
            fs::write(target, bytes)?;
            how
        }
    };
    Ok(format!("the {name} {how}"))
}

/// Damages bytes that consist of pages after a head of `head_bytes`, and says how.
pub fn mutate_bytes(bytes: &mut Vec<u8>, head_bytes: usize, lots: &mut Lots) -> String {
    let stride = if head_bytes == 0 { PAGE_BYTES } else { PAGE_BYTES + 24 };
    let pages = bytes.len().saturating_sub(head_bytes) / stride;
    let page = lots.below(pages);
    let begin = (head_bytes + page * stride).min(bytes.len());
    let end = (begin + stride).min(bytes.len());
    match lots.below(9) {
        0 | 1 => {
            let count = 1 + lots.below(8);
            for _ in 0..count {
                flip(bytes, 0, usize::MAX, lots);
            }
            format!("has {count} flipped bits")
        }
        2 => {
            flip(bytes, 0, 100, lots);
            "has a flipped bit in its head".to_owned()
        }
        3 => {
            flip(bytes, begin, 32, lots);
            format!("has a flipped bit in the head of page {page}")
        }
        4 => {
            bytes.truncate(lots.below(bytes.len()));
            format!("is cut off after {} bytes", bytes.len())
        }
        5 => {
            bytes[begin..end].fill(0);
            format!("has zeros for page {page}")
        }
        6 => {
            for byte in &mut bytes[begin..end] {
                *byte = lots.draw() as u8;
            }
            format!("has garbage for page {page}")
        }
        7 => {
            let other = lots.below(pages);
            for at in 0..stride {
                let (a, b) = (head_bytes + page * stride + at, head_bytes + other * stride + at);
                if a < bytes.len() && b < bytes.len() {
                    bytes.swap(a, b);
                }
            }
            format!("has pages {page} and {other} swapped")
        }
        _ => {
            let more = 1 + lots.below(3 * PAGE_BYTES);
            bytes.extend((0..more).map(|_| lots.draw() as u8));
            format!("has {more} bytes of garbage at its end")
        }
    }
}

/// Flips one bit of the `length` bytes from `begin` on.
fn flip(bytes: &mut [u8], begin: usize, length: usize, lots: &mut Lots) {
    let end = begin.saturating_add(length).min(bytes.len());
    let at = begin + lots.below(end.saturating_sub(begin));
    let bit = 1 << lots.below(8);
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= bit;
    }
}

#[cfg(unix)]
fn make_unreadable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o000))
}

#[cfg(not(unix))]
fn make_unreadable(path: &Path) -> io::Result<()> {
    let mut rights = fs::metadata(path)?.permissions();
    rights.set_readonly(true);
    fs::set_permissions(path, rights)
}
