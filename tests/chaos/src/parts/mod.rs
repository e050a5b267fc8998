//! The parts of the suite, one for each group of promises.

mod cycles;
mod flood;
mod kills;
mod many;
mod stalled;

use crate::plan::Part;

/// All parts, in the order in which they run.
pub(crate) const ALL: &[Part] = &[
    Part { name: "kills", quick: 100, long: 1_000, portion: 200, try_ms: 900, run: kills::run },
    Part { name: "flood", quick: 1, long: 1, portion: 1, try_ms: 420_000, run: flood::run },
    Part { name: "many", quick: 1, long: 1, portion: 1, try_ms: 720_000, run: many::run },
    Part { name: "cycles", quick: 50, long: 1_000, portion: 1_000, try_ms: 400, run: cycles::run },
];
