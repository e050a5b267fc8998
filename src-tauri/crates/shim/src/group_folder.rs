//! The folder of one control group: its files are written, it is removed. Standard library alone: the engine's side of
//! process trees includes this file too, so that both do it alike.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// The kernel lets go of an ended process a moment after it was collected; this many looks, one millisecond apart.
const REMOVE_TRIES: u32 = 100;

/// Removes the folder of a group whose members have ended; says whether nothing is left of it. One that has members is
/// left alone after these looks, and whatever else is wrong stays wrong: the sweep of a later engine looks again.
pub(crate) fn remove(folder: &Path) -> bool {
    for _ in 0..REMOVE_TRIES {
        match fs::remove_dir(folder) {
            Ok(()) => return true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return true,
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => sleep(Duration::from_millis(1)),
            Err(_) => return false,
        }
    }
    false
}

/// Writes a file of a group. Such a file cannot be made, only written; `fs::write` would try to make it.
pub(crate) fn write(file: &Path, value: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(file)?.write_all(value.as_bytes())
}
