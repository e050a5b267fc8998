//! The parts of the suite, one for each group of promises.

mod culprits;
mod cycles;
mod flood;
mod kills;
mod many;
mod model;
pub(crate) mod mutations;
mod stalled;
pub(crate) mod syscalls;

use crate::plan::Part;
use std::{fs, path::Path};

/// All parts, in the order in which they run.
pub(crate) const ALL: &[Part] = &[
    Part { name: "kills", quick: 100, long: 1_000, portion: 200, try_ms: 900, run: kills::run },
    Part {
        name: "syscalls",
        quick: 600,
        long: syscalls::SCENARIOS,
        portion: 1,
        try_ms: 260_000,
        run: syscalls::run,
    },
    Part { name: "mutations", quick: 300, long: 10_000, portion: 2_000, try_ms: 150, run: mutations::run },
    Part { name: "flood", quick: 1, long: 1, portion: 1, try_ms: 420_000, run: flood::run },
    Part { name: "many", quick: 1, long: 1, portion: 1, try_ms: 720_000, run: many::run },
    Part { name: "cycles", quick: 50, long: 1_000, portion: 1_000, try_ms: 500, run: cycles::run },
    Part { name: "model", quick: 0, long: 100_000, portion: 100_000, try_ms: 3, run: model::run },
    Part { name: "culprits", quick: 1, long: 1, portion: 1, try_ms: 90_000, run: culprits::run },
];

/// Copies a folder with everything in it; sockets are left out.
fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_all(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
