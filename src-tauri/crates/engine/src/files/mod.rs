//! The one owner of the registry's folder: agents, policy, tasks, and their history.
//!
//! Everybody else asks through [`Files`] and reads its [`Known`] snapshot. A change by Nox is first a fact in the log,
//! with the path, the base and the new content; then it is acknowledged; then it is written and committed. A change by
//! hand is noticed, understood, and wins. The owner has a thread of its own, since files and git block.

mod commit;
mod disk;
mod look;
mod outbox;
mod owner;
mod read;
mod watch;
mod write;

use crate::{Error, ledger::Cause, sessions::Shared};
use arc_swap::ArcSwap;
use nox_domain::{
    agent::{Agent, AgentPatch},
    ids::{AgentId, TaskId},
    policy::{Policy, Rule},
    rows::{AgentRow, FileProblem, TaskRow},
    task::{Task, TaskPatch},
};
use nox_registry::Registry;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use tokio::sync::{mpsc, oneshot};
pub(crate) use write::in_form;

/// What the registry says now, for everybody to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// All agents that are understood.
    pub agents: BTreeMap<AgentId, AgentRow>,
    /// Files that are not understood. A notice about a change that was left out hinders nothing and is not in here.
    pub problems: BTreeMap<String, FileProblem>,
    /// The rank of the first card of all.
    pub first_rank: Option<String>,
    /// Whether everything has been looked at since the engine began.
    pub looked: bool,
}

impl Known {
    /// Who takes a task without an agent: the enabled agent `runbook`, else the only enabled one.
    pub fn default_agent(&self) -> Option<&AgentRow> {
        let enabled = || self.agents.values().filter(|row| row.agent.enabled);
        enabled().find(|row| row.agent.id.as_str() == "runbook").or_else(|| match enabled().count() {
            1 => enabled().next(),
            _ => None,
        })
    }
}

/// A recorded change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the log.
    pub seq: i64,
}

/// A file as it was, to bring it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldFile {
    /// Relative to the registry.
    pub path: String,
    /// What was in it.
    pub content: String,
}

/// What can be asked of the owner. Serialised, because the receipt keeps the command that takes another one back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "snake_case")]
pub enum Want {
    /// New tasks.
    CreateTasks {
        /// In full; their ids are fresh.
        tasks: Vec<Task>,
    },
    /// A change of a task.
    PatchTask {
        /// The task.
        task: TaskId,
        /// What changes.
        patch: TaskPatch,
        /// The file's hash that a changed body was made from.
        base: Option<String>,
    },
    /// Tasks go away; they can be brought back.
    DeleteTasks {
        /// The tasks.
        tasks: Vec<TaskId>,
    },
    /// A new agent.
    CreateAgent {
        /// In full.
        agent: Box<Agent>,
    },
    /// A change of an agent.
    PatchAgent {
        /// The agent.
        agent: AgentId,
        /// What changes.
        patch: AgentPatch,
        /// The version of the agent that the change was made from; another one is refused. None if it fits any.
        #[serde(default)]
        base: Option<String>,
    },
    /// A change of an agent is taken back; what was changed beside it since stays. It is refused when what it made is
    /// something else by now.
    PutAgentBack {
        /// The agent.
        agent: AgentId,
        /// How what was changed was before.
        patch: AgentPatch,
        /// What the change made of it, without the prompt. Empty in a receipt of an earlier Nox: nothing but the prompt is
        /// put back then.
        #[serde(default)]
        made: Box<AgentPatch>,
        /// The hash of the prompt that is taken back; none if the prompt stays.
        prompt: Option<String>,
    },
    /// An agent goes away; it can be brought back.
    DeleteAgent {
        /// The agent.
        agent: AgentId,
    },
    /// A new rule of the policy.
    AddRule {
        /// In full.
        rule: Rule,
    },
    /// A rule goes away; it can be brought back.
    DeleteRule {
        /// Its id.
        rule: String,
    },
    /// Files that were deleted come back.
    Restore {
        /// As they were.
        files: Vec<OldFile>,
    },
}

impl Want {
    /// Whether it makes, changes or removes an agent, and does nothing else.
    pub fn is_of_agents(&self) -> bool {
        match self {
            Self::CreateAgent { .. }
            | Self::PatchAgent { .. }
            | Self::PutAgentBack { .. }
            | Self::DeleteAgent { .. } => true,
            Self::Restore { files } => {
                let is_an_agents =
                    |file: &OldFile| matches!(read::place_of(&file.path), read::Place::Agent(_));
                !files.is_empty() && files.iter().all(is_an_agents)
            }
            Self::CreateTasks { .. }
            | Self::PatchTask { .. }
            | Self::DeleteTasks { .. }
            | Self::AddRule { .. }
            | Self::DeleteRule { .. } => false,
        }
    }
}

enum Mail {
    Want {
        want: Box<Want>,
        cause: Cause,
        result: serde_json::Value,
        reply: oneshot::Sender<Result<Recorded, Error>>,
    },
    ReadTask {
        task: TaskId,
        reply: oneshot::Sender<Result<(TaskRow, String), Error>>,
    },
    Looked {
        reply: oneshot::Sender<()>,
    },
    Close {
        reply: oneshot::Sender<()>,
    },
}

/// The way to the owner. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    mail: mpsc::Sender<Mail>,
    known: Arc<ArcSwap<Known>>,
    root: PathBuf,
}

impl Files {
    /// Starts the owner: what the log knows is known at once, what changed on disk is found soon after.
    pub(crate) async fn start(registry: Registry, shared: Arc<Shared>) -> Result<Self, Error> {
        let (sender, mail) = mpsc::channel(256);
        let known = Arc::new(ArcSwap::from_pointee(Known::default()));
        let root = registry.root().to_owned();
        let owner = owner::Owner::load(registry, shared, known.clone()).await?;
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name("nox-files".into())
            .spawn(move || runtime.block_on(owner.run(mail)))
            .map_err(|source| Error::home(&root, source))?;
        Ok(Self { mail: sender, known, root })
    }

    /// What the registry says now.
    pub fn known(&self) -> Arc<Known> {
        self.known.load_full()
    }

    /// The registry's folder.
    pub fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// Asks for a change; resolves when it is on disk in the log. `result` is stored as the command's answer.
    pub async fn want(&self, want: Want, cause: Cause, result: serde_json::Value) -> Result<Recorded, Error> {
        let (reply, answer) = oneshot::channel();
        let mail = Mail::Want { want: Box::new(want), cause, result, reply };
        self.mail.try_send(mail).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Store(nox_store::Error::Overloaded),
            mpsc::error::TrySendError::Closed(_) => Error::Closing,
        })?;
        answer.await.map_err(|_| Error::Closing)?
    }

    /// A task with its body, as the file says now.
    pub async fn read_task(&self, task: TaskId) -> Result<(TaskRow, String), Error> {
        let (reply, answer) = oneshot::channel();
        self.mail.send(Mail::ReadTask { task, reply }).await.map_err(|_| Error::Closing)?;
        answer.await.map_err(|_| Error::Closing)?
    }

    /// Resolves when everything was looked at once: what was changed by hand while no engine ran is known then.
    pub async fn looked(&self) -> Result<(), Error> {
        let (reply, looked) = oneshot::channel();
        self.mail.send(Mail::Looked { reply }).await.map_err(|_| Error::Closing)?;
        looked.await.map_err(|_| Error::Closing)
    }

    /// Writes and commits what is pending, then ends the owner.
    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.mail.send(Mail::Close { reply }).await.is_ok() {
            let _ = closed.await;
        }
    }
}

/// A policy for the time when no good one is known: everything is asked.
pub(crate) fn cautious() -> Policy {
    nox_registry::ask_everything()
}

#[cfg(test)]
mod tests;
