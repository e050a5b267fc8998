//! A task: one Markdown file of work, as people decide about it. What Nox finds out lives in [`crate::rows`].

use crate::{
    At,
    ids::{AgentId, ProjectId, TaskId},
};
use serde::{Deserialize, Serialize};

/// What people decide about a task's progress. "Blocked" is derived from open dependencies, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Not to be done soon.
    Backlog,
    /// To be done.
    #[default]
    Todo,
    /// Somebody works on it.
    InProgress,
    /// Done by an agent, to be looked at by a person.
    Review,
    /// Done.
    Done,
    /// Will not be done.
    Cancelled,
    /// Tried and failed.
    Failed,
}

impl TaskStatus {
    /// Reads every spelling that the systems before Nox wrote: `Todo`, `in-progress`, `InProgress`, `canceled` ….
    pub fn read(text: &str) -> Option<Self> {
        let plain: String =
            text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        Some(match plain.as_str() {
            "backlog" => Self::Backlog,
            "todo" | "open" | "pending" | "blocked" => Self::Todo,
            "inprogress" | "working" | "running" | "started" => Self::InProgress,
            "review" | "inreview" => Self::Review,
            "done" | "completed" | "complete" | "finished" => Self::Done,
            "cancelled" | "canceled" => Self::Cancelled,
            "failed" | "error" => Self::Failed,
            _ => return None,
        })
    }

    /// The spelling that Nox writes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::Todo => "todo",
            Self::InProgress => "in_progress",
            Self::Review => "review",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether a task that waits for this one may go on.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// How urgent a task is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, specta::Type,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// When there is time.
    Low,
    /// As usual.
    #[default]
    Medium,
    /// Before others.
    High,
    /// Before everything.
    Critical,
}

impl Priority {
    /// Reads any case.
    pub fn read(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "low" => Self::Low,
            "medium" | "normal" => Self::Medium,
            "high" => Self::High,
            "critical" | "urgent" => Self::Critical,
            _ => return None,
        })
    }

    /// The spelling that Nox writes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Something that was dropped with a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Attachment {
    /// A copy in the documents folder, by the SHA-256 of its content.
    Document {
        /// The name that it had.
        name: String,
        /// 64 hexadecimal figures.
        sha256: String,
        /// Its size.
        size_bytes: crate::Size,
    },
    /// A file or folder that stays where it is.
    Path {
        /// Absolute.
        path: String,
    },
    /// A web address.
    Link {
        /// As it was dropped.
        url: String,
    },
}

/// A task as its file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Task {
    /// For ever.
    pub id: TaskId,
    /// One line.
    pub title: String,
    /// Markdown; what the agent is asked to do.
    pub body: String,
    /// What people decided.
    pub status: TaskStatus,
    /// How urgent.
    pub priority: Priority,
    /// Who does it; none means the default agent, or a question.
    pub agent: Option<AgentId>,
    /// Where it is done; none means a scratch folder of its own.
    pub project: Option<ProjectId>,
    /// A calendar day, `2026-11-30`.
    pub deadline: Option<String>,
    /// Tasks that must be settled first.
    pub depends_on: Vec<TaskId>,
    /// Free words.
    pub tags: Vec<String>,
    /// What was dropped with it.
    pub attachments: Vec<Attachment>,
    /// Its place in a column; see [`crate::rank`].
    pub rank: String,
    /// When it was made.
    pub created_at: At,
}

/// A change to a task; what is `None` stays as it is. Fields that can be emptied are wrapped twice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct TaskPatch {
    /// A new title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A new body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// A new status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatus>,
    /// A new priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Another agent; [`Change::Clear`] for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Change<AgentId>>,
    /// Another project; [`Change::Clear`] for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Change<ProjectId>>,
    /// Another deadline; [`Change::Clear`] for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Change<String>>,
    /// All dependencies, anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Vec<TaskId>>,
    /// All tags, anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// All attachments, anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Vec<Attachment>>,
    /// A new place in the column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<String>,
}

/// A new value for a field that may also be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Change<T> {
    /// This value from now on.
    Set(T),
    /// Nothing from now on.
    Clear,
}

impl<T: Clone> Change<T> {
    /// The field after the change.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Clear => None,
        }
    }

    /// The change that leads to this value.
    pub fn to(value: &Option<T>) -> Self {
        value.clone().map_or(Self::Clear, Self::Set)
    }
}

impl Task {
    /// The task after a patch.
    pub fn patched(&self, patch: &TaskPatch) -> Self {
        let mut next = self.clone();
        if let Some(v) = &patch.title {
            next.title = v.clone();
        }
        if let Some(v) = &patch.body {
            next.body = v.clone();
        }
        if let Some(v) = patch.status {
            next.status = v;
        }
        if let Some(v) = patch.priority {
            next.priority = v;
        }
        if let Some(v) = &patch.agent {
            next.agent = v.clone().into_option();
        }
        if let Some(v) = &patch.project {
            next.project = v.clone().into_option();
        }
        if let Some(v) = &patch.deadline {
            next.deadline = v.clone().into_option();
        }
        if let Some(v) = &patch.depends_on {
            next.depends_on = v.clone();
        }
        if let Some(v) = &patch.tags {
            next.tags = v.clone();
        }
        if let Some(v) = &patch.attachments {
            next.attachments = v.clone();
        }
        if let Some(v) = &patch.rank {
            next.rank = v.clone();
        }
        next
    }

    /// The patch that takes `patch` back: it names the same fields with the values they have now.
    pub fn inverse(&self, patch: &TaskPatch) -> TaskPatch {
        TaskPatch {
            title: patch.title.as_ref().map(|_| self.title.clone()),
            body: patch.body.as_ref().map(|_| self.body.clone()),
            status: patch.status.map(|_| self.status),
            priority: patch.priority.map(|_| self.priority),
            agent: patch.agent.as_ref().map(|_| Change::to(&self.agent)),
            project: patch.project.as_ref().map(|_| Change::to(&self.project)),
            deadline: patch.deadline.as_ref().map(|_| Change::to(&self.deadline)),
            depends_on: patch.depends_on.as_ref().map(|_| self.depends_on.clone()),
            tags: patch.tags.as_ref().map(|_| self.tags.clone()),
            attachments: patch.attachments.as_ref().map(|_| self.attachments.clone()),
            rank: patch.rank.as_ref().map(|_| self.rank.clone()),
        }
    }
}
