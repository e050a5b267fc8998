//! World: a home of its own for one test, the engine on it, and the ways a test looks at both.
//!
//! Used by the integration tests, the chaos suite and the benchmarks. Everything is real: files, SQLite, git, child processes. A World
//! waits for pushes of the engine, never for time; its deadlines are safety nets. When it goes, it checks that the
//! user's own folders were left alone. It knows no face.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

mod canary;
mod dice;
mod files;
pub mod model;
pub mod mutate;
pub mod mutate_text;
mod picture;
pub mod processes;
mod sessions;
mod tally;
mod world;

pub use canary::Canary;
pub use dice::{Dice, seed_of_the_clock};
pub use picture::picture;
pub use sessions::{CallSeen, Ran};
pub use tally::{Promise, Tally};
pub use world::{LONG, World, caller, caller_with, poll};
