//! What a session is, fixed when it is opened.

use crate::{
    ids::{AgentId, ProjectId, SessionId, TaskId},
    image::Image,
    life::LifeRules,
};
use serde::{Deserialize, Serialize};

/// What `--allow` of the command line grants beforehand. Rules that deny still deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PreAllowed {
    /// Nothing: a person is asked.
    #[default]
    Nothing,
    /// The first request of the session.
    First,
    /// Every request of the session.
    All,
}

/// What a session is, fixed when it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct SessionOpened {
    /// Its id.
    pub session: SessionId,
    /// The task that it works on.
    pub task: Option<TaskId>,
    /// The agent.
    pub agent: AgentId,
    /// The agent's name then.
    pub agent_name: String,
    /// SHA-256 of the agent's files then, so that a run tells which version it used.
    pub agent_version: String,
    /// What carries it.
    pub runtime: crate::agent::Runtime,
    /// The project, if one was granted.
    pub project: Option<ProjectId>,
    /// Where it works. Absolute.
    pub folder: String,
    /// One line.
    pub title: String,
    /// What the agent is asked to do: the task's text then.
    pub text: String,
    /// What is shown with it: the images among what came with the task then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Whether finished work goes to Review.
    pub review: bool,
    /// What was granted beforehand.
    pub pre_allowed: PreAllowed,
    /// What the runs get besides the allow-listed environment.
    pub environment: std::collections::BTreeMap<String, String>,
    /// Seconds for a tool call that says nothing itself.
    pub max_call_seconds: Option<u32>,
    /// What the agent is told about itself, before any prompt: its `prompt.md` then.
    #[serde(default)]
    pub instructions: String,
    /// The program that carries it.
    #[serde(default)]
    pub program: crate::agent::Program,
    /// MCP servers that it may use.
    #[serde(default)]
    pub services: std::collections::BTreeMap<String, crate::agent::Service>,
    /// Live runs that this agent may have; none for no limit of its own.
    #[serde(default)]
    pub max_concurrent: Option<u32>,
    /// What its runs may use.
    #[serde(default)]
    pub limits: crate::agent::Limits,
    /// How it lives.
    #[serde(default)]
    pub life: LifeRules,
    /// The session that it goes on from a copy of, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<ForkOf>,
    /// The session whose run asked for it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SessionId>,
    /// How many sessions stand above it.
    #[serde(default)]
    pub depth: u32,
    /// Reserved: the git worktree that it works in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<String>,
    /// Reserved: the schedule that opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
}

/// The session that another one goes on from a copy of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ForkOf {
    /// The session.
    pub session: SessionId,
    /// Its title then.
    pub title: String,
    /// The program's own name for it.
    pub foreign: String,
}
