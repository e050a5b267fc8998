//! Task files: Markdown with front matter, read strictly and changed byte for byte.
//!
//! The engine's owner of files calls this crate; it does the watching, writing and ordering. Nothing here touches a
//! file, a clock or a lock.
//!
//! A task file is
//!
//! ```text
//! ---
//! schema: 1
//! id: tsk_01k…
//! status: todo
//! tags: [billing, urgent]
//! ---
//!
//! # The title
//!
//! What is to be done.
//! ```
//!
//! Invariants:
//! - What was parsed is rendered with the same bytes: order, comments, unknown keys, blank lines, CRLF, a byte order
//!   mark and a missing last newline are kept. An edit changes the lines of the fields that it names, and no other.
//! - No input makes it panic; what it does not understand is a [`FileProblem`](nox_domain::rows::FileProblem) that
//!   names line and field and says what to do.
//! - A file without front matter, or without an `id`, is a *new* task: the caller gives it one with
//!   [`TaskFile::with_id`].
//!
//! The front matter is a small part of YAML on purpose: scalars, lists, quotes and comments. Anchors, aliases, tags and
//! nested maps have no use in a task and have hurt others.

mod body;
mod edit;
mod fields;
mod file;
mod front;
mod graph;
mod merge;
mod notation;
mod problem;

pub use body::{normal_body, normal_title};
pub use edit::EditError;
pub use file::{SCHEMA, TaskFile};
pub use graph::{OpenDependency, open_dependencies, would_cycle};
pub use merge::{Conflict, Merge, merge};
pub use notation::{attachment_text, path_of, read_attachment};
