//! From bytes to rows: what a file of the registry means.

use nox_domain::{
    At,
    agent::Agent,
    event::Subject,
    ids::{AgentId, TaskId},
    rows::{AgentRow, FileProblem, TaskRow},
    task::Task,
    tool::sha256_hex,
};
use nox_registry::POLICY_PATH;
use nox_tasks::TaskFile;
use serde::{Deserialize, Serialize};

/// The largest file of the registry that is read.
pub(super) const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// What the owner remembers of a file, so that it is opened again only when it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Indexed {
    pub(super) mtime_ns: i64,
    pub(super) size_bytes: u64,
    pub(super) inode: u64,
    /// SHA-256 of the content.
    pub(super) hash: String,
    /// The task that it is the file of.
    pub(super) task: Option<TaskId>,
}

/// What kind of file a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Task,
    Agent(AgentId),
    Policy,
    Other,
}

pub(super) fn place_of(path: &str) -> Place {
    if path == POLICY_PATH {
        return Place::Policy;
    }
    if path.starts_with("tasks/") && path.ends_with(".md") {
        return Place::Task;
    }
    let mut parts = path.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("agents"), Some(id), Some("agent.toml" | "prompt.md"), None) => {
            AgentId::parse(id).map_or(Place::Other, Place::Agent)
        }
        _ => Place::Other,
    }
}

pub(super) fn agent_paths(id: &AgentId) -> [String; 2] {
    [format!("agents/{id}/agent.toml"), format!("agents/{id}/prompt.md")]
}

pub(super) fn subject_of(path: &str, task: Option<&TaskId>) -> Subject {
    match (place_of(path), task) {
        (Place::Task, Some(task)) => Subject::Task { task: task.clone() },
        (Place::Agent(agent), _) => Subject::Agent { agent },
        (Place::Policy, _) => Subject::Policy,
        _ => Subject::Other,
    }
}

pub(super) fn task_row(file: &TaskFile, id: TaskId, hash: String, changed_at: At) -> TaskRow {
    let Task {
        title,
        body,
        status,
        priority,
        agent,
        project,
        deadline,
        depends_on,
        tags,
        attachments,
        rank,
        created_at,
        id,
    } = file.task_as(id);
    TaskRow {
        id,
        path: file.path().to_owned(),
        title,
        status,
        priority,
        agent,
        project,
        deadline,
        depends_on,
        tags,
        attachments,
        rank,
        created_at,
        changed_at,
        blocks: nox_runtimes::runbook::parse(&body).map_or(0, |blocks| blocks.len() as u32),
        hash,
        read_only: file.read_only(),
    }
}

pub(super) fn agent_row(agent: Agent, toml: &str, changed_at: At) -> AgentRow {
    let version = sha256_hex(format!("{}\0{}\0{}", toml.len(), toml, agent.prompt).as_bytes());
    AgentRow { agent, version, changed_at }
}

/// A problem that is about the whole file.
pub(super) fn whole_file(path: &str, code: &str, message: String, hint: &str) -> FileProblem {
    FileProblem {
        path: path.to_owned(),
        line: 1,
        column: None,
        field: None,
        code: code.to_owned(),
        message,
        hint: hint.to_owned(),
        excerpt: Vec::new(),
    }
}
