//! Where rows stand in the store: their kinds, ids, parents and order.

/// Where a row stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowKey {
    /// One of [`kind`].
    pub kind: &'static str,
    /// Unique within the kind.
    pub id: String,
    /// What it belongs to.
    pub parent: Option<String>,
    /// What it is sorted by within its parent.
    pub ord: String,
}

/// The kinds of rows, by their stored names.
pub mod kind {
    /// [`crate::rows::TaskRow`].
    pub const TASK: &str = "task";
    /// [`crate::rows::SessionRow`].
    pub const SESSION: &str = "session";
    /// [`crate::rows::Item`].
    pub const ITEM: &str = "item";
    /// [`crate::rows::RequestRow`].
    pub const REQUEST: &str = "request";
    /// [`crate::rows::AgentRow`].
    pub const AGENT: &str = "agent";
    /// [`crate::rows::ProjectRow`].
    pub const PROJECT: &str = "project";
    /// [`crate::rows::FileProblem`].
    pub const PROBLEM: &str = "problem";
    /// [`crate::rows::RefusalRow`], by the task's id.
    pub const REFUSAL: &str = "refusal";
    /// [`crate::rows::ControlsRow`], by the session's id.
    pub const CONTROLS: &str = "controls";
    /// The engine's own state of a session, from which its actor starts.
    pub const SESSION_STATE: &str = "session_state";
    /// The engine's own index of registry files.
    pub const FILE: &str = "file";
}
