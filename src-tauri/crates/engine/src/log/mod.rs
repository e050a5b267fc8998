//! What becomes of the log: export and import of sessions, rows made anew, compaction, looks for damage, salvage.
//!
//! The store keeps events and knows nothing of them; the session actors write them. This part works on sessions as they
//! lie, for faces and by itself in the background ([`jobs`]). Invariants: a file of an export appears whole; an import
//! that is refused or cut off shows nothing, and one that was begun is completed at the next start; a session that is
//! compacted can be read, exported and continued as before; nothing here is on the way to the first paint.

mod compact;
mod conversations;
mod damage;
mod export;
mod fold;
mod forms;
mod import;
mod jobs;
mod lines;
mod rebuild;
mod salvage;
mod stage;
mod valid;

pub use compact::Compacted;
pub use export::{Exported, ItemsOf, Whole};
pub use import::Imported;
pub(crate) use jobs::Jobs;
pub use jobs::{Compaction, CompactionStep};
pub use rebuild::{Rebuilt, RowsChecked, rebuild};
pub use salvage::Saved;

/// The database's name in messages and in the rows of its problems.
pub(crate) const DATABASE: &str = "nox.db";
/// The outbox's kind of an import that has begun.
pub(crate) const IMPORT: &str = "import";

/// What stands in front of a session's id in the name of its stream.
const STREAMS: &str = "session/";

/// The session whose events a stream holds.
fn session_of(stream: &str) -> Option<nox_domain::ids::SessionId> {
    nox_domain::ids::SessionId::parse(stream.strip_prefix(STREAMS)?).ok()
}
