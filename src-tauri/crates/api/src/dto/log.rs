//! Export and import of sessions, and what is done to the log as a whole.

use nox_domain::{At, Size, ids::SessionId};
use serde::{Deserialize, Serialize};

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Every event with its envelope, one JSON object for each line; can be imported. Nothing is masked in it.
    #[default]
    Jsonl,
    /// The conversation for people, as Markdown; what looks like a secret is masked.
    Markdown,
}

/// Writes a session into a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ExportSession {
    /// The session.
    pub session: SessionId,
    /// In which form.
    pub format: ExportFormat,
    /// The file, absolute. Its folder has to be there.
    pub path: String,
    /// Whether a file that is there may be replaced.
    #[serde(default)]
    pub overwrite: bool,
}

/// An export that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Exported {
    /// The file.
    pub path: String,
    /// Its size.
    pub bytes: Size,
    /// Events that the session has, without those that were pruned.
    pub events: Size,
    /// Events that were pruned before: their text is not in the export.
    pub pruned: Size,
}

/// Reads a session from an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ImportSession {
    /// The file in JSON lines, absolute.
    pub path: String,
}

/// What `nox doctor --rebuild` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RebuildReport {
    /// Sessions whose rows are those of their events now.
    pub sessions: Size,
    /// Rows that were not as they should be.
    pub rows_mended: Size,
    /// Sessions of which events were pruned, so that their rows were left as they are.
    pub pruned: Size,
    /// Sessions that cannot be read, with why.
    pub unreadable: Vec<String>,
    /// What was saved from damaged databases, in words.
    pub saved: Vec<String>,
}

/// How large the log is, and what compaction does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct LogView {
    /// The database on disk, in bytes.
    pub bytes: Size,
    /// Of that, empty: what is written next goes there.
    pub free_bytes: Size,
    /// Events that are packed.
    pub archived_events: Size,
    /// What they take, in bytes.
    pub archived_bytes: Size,
    /// Events that were dropped.
    pub pruned_events: Size,
    /// The newest compaction since the start that was asked for or did something.
    pub compaction: Option<CompactionView>,
}

/// How far a compaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum CompactionStep {
    /// It begins as soon as the log is not being checked.
    Waiting,
    /// Events are packed or dropped.
    Packing,
    /// The file is made smaller.
    Shrinking,
    /// It is over.
    Done,
}

/// A compaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct CompactionView {
    /// How far it is.
    pub step: CompactionStep,
    /// When it was asked for or began.
    pub begun_at: At,
    /// Sessions that it packed or dropped so far.
    pub sessions: Size,
    /// Their events.
    pub events: Size,
    /// By how many bytes the file became smaller; none when it was left as it is.
    pub freed_bytes: Option<Size>,
    /// Why it ended early.
    pub problem: Option<String>,
}
