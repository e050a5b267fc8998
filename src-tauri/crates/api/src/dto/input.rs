//! What goes into the operations.

use super::Image;
use nox_domain::{
    Size,
    agent::{AgentPatch, Limits, Program, Runtime, Service},
    answers::Answers,
    event::{PreAllowed, UnknownChoice},
    ids::{AgentId, CommandId, ItemId, ProjectId, RequestId, SessionId, TaskId, TurnId},
    life::{Life, LifeRules, LogPolicy},
    policy::Matcher,
    task::{Attachment, Priority, TaskPatch, TaskStatus},
    tool::{Decision, RuleScope},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A column that a card may be put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Not soon.
    Backlog,
    /// To be done.
    Todo,
    /// Starts it.
    Working,
    /// To be looked at.
    Review,
    /// Done.
    Done,
    /// Will not be done.
    Cancelled,
}

/// A new task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct CreateTask {
    /// One line; empty takes the body's first heading or line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Where it begins: `backlog` or `todo`.
    pub status: TaskStatus,
    /// How urgent.
    pub priority: Priority,
    /// Who does it.
    pub agent: Option<AgentId>,
    /// Where.
    pub project: Option<ProjectId>,
    /// A calendar day.
    pub deadline: Option<String>,
    /// Tasks that must be settled first.
    pub depends_on: Vec<TaskId>,
    /// Free words.
    pub tags: Vec<String>,
    /// What comes with it.
    pub attachments: Vec<Attachment>,
}

/// A change of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ChangeTask {
    /// The task.
    pub task: TaskId,
    /// What changes.
    pub patch: TaskPatch,
    /// The task's hash that a changed body was made from; a newer file is merged, never overwritten.
    #[serde(default)]
    pub base: Option<String>,
}

/// A card that is put somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct MoveTask {
    /// The task.
    pub task: TaskId,
    /// The column; into Working starts it, out of Working stops it.
    pub to: Target,
    /// The card above, if any.
    #[serde(default)]
    pub after: Option<TaskId>,
    /// The card below, if any.
    #[serde(default)]
    pub before: Option<TaskId>,
    /// The agent, when the task has none.
    #[serde(default)]
    pub agent: Option<AgentId>,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct OneTask {
    /// The task.
    pub task: TaskId,
}

/// A task that is to be worked on now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct StartTask {
    /// The task.
    pub task: TaskId,
    /// Another agent than the task's.
    #[serde(default)]
    pub agent: Option<AgentId>,
    /// A folder for this run only, absolute; granted by naming it.
    #[serde(default)]
    pub folder: Option<String>,
    /// What is granted beforehand.
    #[serde(default)]
    pub pre_allowed: PreAllowed,
}

/// What was dropped from the desktop.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct DropThings {
    /// Files and folders, absolute.
    pub paths: Vec<String>,
    /// Text or a link.
    pub text: Option<String>,
    /// The column; none is To do. Working starts what was made.
    pub to: Option<Target>,
    /// The agent it was dropped on.
    pub agent: Option<AgentId>,
    /// What else comes with each task that is made, as images that were added.
    pub attachments: Vec<Attachment>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct OneSession {
    /// The session.
    pub session: SessionId,
}

/// An answer to a permission request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct AnswerRequest {
    /// The request.
    pub request: RequestId,
    /// What.
    pub decision: Decision,
    /// In the person's words; sent to the agent with a refusal.
    #[serde(default)]
    pub reason: Option<String>,
    /// What is answered to its questions, by their ids.
    #[serde(default)]
    pub answers: Answers,
    /// With "always": the rule, else the narrowest one is written.
    #[serde(default)]
    pub rule: Option<RuleDraft>,
}

/// A rule that a person is about to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RuleDraft {
    /// Which calls.
    pub matcher: Matcher,
    /// For whom.
    pub scope: RuleScope,
}

/// A choice after an unknown outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ResolveUnknown {
    /// The session.
    pub session: SessionId,
    /// The tool call's item.
    pub item: ItemId,
    /// What.
    pub choice: UnknownChoice,
}

/// A new agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct CreateAgent {
    /// What people call it; its id is made from it.
    pub name: String,
    /// One line about what it is for.
    pub description: String,
    /// What carries it.
    pub runtime: Runtime,
    /// Markdown.
    pub prompt: String,
    /// Whether finished work is reviewed; none takes the runtime's default.
    pub review: Option<bool>,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// Where its sessions work when their task names no project; empty for a folder of the task's own.
    pub folder: String,
    /// Names of folders in `skills/` of the registry that its model is told of.
    pub skills: Vec<String>,
    /// Names and values for its runs. Never secrets.
    pub environment: BTreeMap<String, String>,
    /// The program that carries it.
    pub program: Program,
    /// MCP servers that it may use.
    pub services: BTreeMap<String, Service>,
    /// What it may use.
    pub limits: Limits,
    /// How its sessions live.
    pub life: Life,
}

/// A change of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ChangeAgent {
    /// The agent.
    pub agent: AgentId,
    /// What changes.
    pub patch: AgentPatch,
    /// The version of the agent that the change was made from; an agent that is another by now is not changed.
    #[serde(default)]
    pub base: Option<String>,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct OneAgent {
    /// The agent.
    pub agent: AgentId,
}

/// One rule of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct OneRule {
    /// Its id in `policy.toml`.
    pub rule: String,
}

/// A folder that the user grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct GrantProject {
    /// Absolute.
    pub path: String,
}

/// One project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct OneProject {
    /// The project.
    pub project: ProjectId,
}

/// A key for the keychain. Its `Debug` shows the name only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PutKey {
    /// `a-z`, `0-9`, `-`.
    pub name: String,
    /// The key. It goes to the keychain and nowhere else.
    pub value: String,
}

impl std::fmt::Debug for PutKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PutKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct OneKey {
    /// Its name.
    pub name: String,
}

/// A change of the settings; what is none stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct ChangeSettings {
    /// Light, dark, or as the system is.
    pub theme: Option<Theme>,
    /// Runs at the same time.
    pub max_live_runs: Option<u32>,
    /// Native notifications.
    pub notifications: Option<bool>,
    /// The first page was read.
    pub welcomed: Option<bool>,
    /// How much is logged: `error`, `warn`, `info`, `debug`.
    pub log_level: Option<String>,
    /// Megabytes that all live runs together may hold; 0 for no limit.
    pub memory_budget_mb: Option<u32>,
    /// Runs that may be started in a minute; 0 for no limit.
    pub runs_per_minute: Option<u32>,
    /// Seconds after which an idle run is closed; 0 never.
    pub hibernate_after_seconds: Option<u32>,
    /// How sessions live when their agent does not say.
    pub life: Option<LifeRules>,
    /// What becomes of the events of sessions that are over.
    pub log_policy: Option<LogPolicy>,
    /// Days after which that happens, 1 to 3650.
    pub log_after_days: Option<u32>,
}

/// A session and a further prompt for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PromptSession {
    /// The session.
    pub session: SessionId,
    /// Markdown. May be empty when there are images.
    pub text: String,
    /// Images that were added before; at most 10, and 11 MB of them.
    #[serde(default)]
    pub images: Vec<Image>,
}

/// A session, and what is said into the turn that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct SteerSession {
    /// The session.
    pub session: SessionId,
    /// Markdown.
    pub text: String,
}

/// An image that is to go with a prompt or a task: PNG, JPEG, GIF or WebP, of at most 3.5 MB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum AddImage {
    /// Its bytes.
    Bytes {
        /// What it is called.
        name: String,
        /// In base64.
        base64: String,
    },
    /// A file of this computer.
    File {
        /// Absolute.
        path: String,
    },
}

/// A prompt that waits for its turn, and what it should say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ChangePrompt {
    /// The session.
    pub session: SessionId,
    /// The prompt's turn.
    pub turn: TurnId,
    /// Markdown.
    pub text: String,
}

/// A prompt that waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct WithdrawPrompt {
    /// The session.
    pub session: SessionId,
    /// The prompt's turn.
    pub turn: TurnId,
}

/// How freely a session's program should work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct SetSessionMode {
    /// The session.
    pub session: SessionId,
    /// The program's name for it.
    pub mode: String,
}

/// Which model a session's program should ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct SetSessionModel {
    /// The session.
    pub session: SessionId,
    /// The program's name for it.
    pub model: String,
}

/// A session that is gone on with in a copy, and what is asked there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ForkSession {
    /// The session; it stays as it is.
    pub session: SessionId,
    /// Markdown.
    pub text: String,
}

/// The look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system is.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// A command that is to be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Undo {
    /// The command.
    pub command: CommandId,
    /// What it may be a change of; of anything, if this is not said.
    #[serde(default)]
    pub of: Option<UndoOf>,
}

/// What a face takes back that shows only that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum UndoOf {
    /// Changes of agents.
    Agents,
}

/// A text that may be a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct CheckRunbook {
    /// Markdown.
    pub body: String,
}

/// Some of all cards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ReadCards {
    /// Only cards behind this one in the order of ids; none begins at the first.
    #[serde(default)]
    pub after: Option<TaskId>,
    /// At most this many; at most 1,000.
    pub limit: u32,
}

/// A part of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ReadItems {
    /// The session.
    pub session: SessionId,
    /// Only items before this place; none begins at the end.
    #[serde(default)]
    pub before: Option<u32>,
    /// At most this many; at most 500.
    pub limit: u32,
}

/// A part of an item's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ReadOutput {
    /// The session.
    pub session: SessionId,
    /// The item.
    pub item: ItemId,
    /// From this byte of the spool; none reads the last 256 KiB.
    #[serde(default)]
    pub from: Option<Size>,
}

/// An image that a session shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ReadImage {
    /// The session.
    pub session: SessionId,
    /// The item that shows it; none when a prompt shows it that waits for its turn, or when it was added just now.
    #[serde(default)]
    pub item: Option<ItemId>,
    /// Which.
    pub sha256: String,
}

/// A rule that is looked at before it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PreviewRule {
    /// The request that it would answer.
    pub request: RequestId,
    /// The rule; none for the narrowest.
    #[serde(default)]
    pub rule: Option<RuleDraft>,
}
