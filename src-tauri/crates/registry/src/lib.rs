//! The registry: a folder with agents, policy and tasks, in a git repository of its own.
//!
//! The engine's owner of files is the only caller; it decides what is written when, and calls this crate for
//! - formats: [`parse_agent`], [`edit_agent`], [`create_agent`], [`parse_policy`], [`append_rule`], [`remove_rule`];
//! - files: [`Registry::write`], [`Registry::read`], [`Registry::remove`], [`Registry::scan`];
//! - history: [`Registry::commit_paths`], [`Registry::base_text`], [`Registry::history`], [`Registry::file_at`].
//!
//! Invariants:
//! - No path leads out of the folder: neither `..` nor a symbolic link is followed, for reading or for writing.
//! - A file is either the old one or the new one after a crash, never a part.
//! - Only the named paths enter a commit; what a person staged stays staged. The repository of the folder itself is
//!   opened, never one above it. Global git configuration and hooks have no effect and are never written.
//! - Comments, order and unknown keys of a TOML file stay when Nox changes a value.
//! - A file that does not parse is a [`FileProblem`](nox_domain::rows::FileProblem); the caller keeps the last good
//!   state. Values that look like secrets are masked in what a problem shows.
//!
//! Task files are read by `nox-tasks`; watching and ordering belong to the engine.

mod agent;
mod files;
mod git;
mod open;
mod policy;
mod problem;
mod scan;
mod secret;
mod toml_text;

pub use agent::{ParsedAgent, create_agent, edit_agent, parse_agent};
pub use files::{Expected, content_hash};
pub use git::{CommitId, Version};
pub use open::{Error, Registry};
pub use policy::{append_rule, ask_everything, parse_policy, policy_text, remove_rule};
pub use scan::{FileStat, is_left_out};
pub use secret::looks_like_secret;

/// The version of `agent.toml` and `policy.toml` that this build writes.
pub const SCHEMA: u32 = 1;

/// The policy's path in the registry.
pub const POLICY_PATH: &str = "policy.toml";
