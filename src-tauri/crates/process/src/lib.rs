//! Process trees: the only crate that may spawn.
//!
//! The runtimes call it for agents and their tools; the engine calls [`sweep`] at its start. What it promises:
//!
//! - Every program runs under a `nox-shim` of its own. When the [`ProcessTree`] is dropped or this process dies, also by
//!   SIGKILL, everything the program started is ended, whatever session or group it moved to.
//! - A program gets the environment, the folder and the three streams that its [`SpawnSpec`] names, and nothing else.
//! - Output is bounded on its way: a consumer that stops reading stops the program, not the memory.
//! - A tree keeps the [`TreeLimits`] of its spec by the strongest means that is here; [`holding`] says which.
//! - [`ProcessTree::wait`] resolves when nothing is left and all output was handed over, not before.
//!
//! It knows nothing of agents, sessions or policy, keeps no state on disk, and writes no text for people but errors.
//!
//! # Who holds which end
//!
//! | pipe | the shim holds | this process holds | its end means |
//! |------|----------------|--------------------|---------------|
//! | lifeline | the read end | the write end, in [`ProcessTree`], closed for all other children | the engine is gone, or has let go |
//! | report | the write end, never the program | the read end, in the supervising task | the shim is gone |
//! | stdout, stderr | nothing once the program runs | the read ends, in the pump task | all of the tree has closed them |
//! | stdin | nothing once the program runs | the write end, in [`TreeStdin`] | no more input |

#[cfg(not(unix))]
compile_error!("nox-process holds process trees on Unix only; see docs/PLATFORMS.md");

mod capture;
mod environment;
mod error;
pub mod framing;
mod heap;
mod identity;
mod limits;
mod output;
mod procfs;
mod report;
mod shim_path;
mod signals;
mod spawner;
mod supervisor;
mod sweep;
mod tree;
mod usage;

pub use capture::{CaptureLimits, Captured, Ending, capture};
pub use environment::allowed_environment;
pub use error::{Error, Result};
pub use heap::give_back_memory;
pub use identity::{ProcessIdentity, TreeIdentity, name_of};
pub use limits::{Branch, Holding, LimitKind, TreeLimits, holding};
pub use output::{OutputChunk, OutputStream, StreamName};
pub use shim_path::ShimPath;
pub use sweep::{SweepReport, sweep};
pub use tree::{Brake, Exit, ProcessTree, SpawnSpec, Stdin, TreeStdin};
pub use usage::{MemoryMeasure, OwnUsage, ProcessUsage, TreeUsage, own_usage, tree_usage};
