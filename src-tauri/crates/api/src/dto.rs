//! What goes in and out of the operations. Nouns and rows come from `domain`; only what is not one of those is here.

use nox_domain::{
    At, Size,
    agent::{AgentPatch, Limits, Runtime},
    event::{Closed, PreAllowed, UnknownChoice},
    ids::{AgentId, CommandId, ItemId, ProjectId, RequestId, SessionId, TaskId},
    policy::{Matcher, Policy},
    rows::{AgentRow, FileProblem, Item, ProjectRow, RequestRow, SessionRow},
    task::{Attachment, Priority, TaskPatch, TaskStatus},
    tool::{Decision, RuleScope},
    words::{Card, Status},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who calls: the face, and the command's id for everything that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The same id twice is answered from its receipt.
    pub command: CommandId,
    /// The face.
    pub face: Face,
}

/// A way into Nox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Face {
    /// The app's window.
    Window,
    /// The tray's menu.
    Tray,
    /// A button of a notification.
    Notification,
    /// The command line.
    Cli,
}

impl Face {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Tray => "tray",
            Self::Notification => "notification",
            Self::Cli => "cli",
        }
    }
}

/// An operation without input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
pub struct Nothing {}

/// It is on disk, which is not the same as finished.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
pub struct Recorded {
    /// Its place in the log.
    pub seq: Size,
    /// Whether `undo` can take it back.
    pub undo: bool,
    /// A task that was made or started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// More than one task that was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskId>,
    /// A session that was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// An agent that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// A project that was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// A rule that was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

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
    /// Names and values for its runs. Never secrets.
    pub environment: BTreeMap<String, String>,
    /// What it may use.
    pub limits: Limits,
}

/// A change of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ChangeAgent {
    /// The agent.
    pub agent: AgentId,
    /// What changes.
    pub patch: AgentPatch,
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

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Settings {
    /// The look.
    pub theme: Theme,
    /// Runs at the same time.
    pub max_live_runs: u32,
    /// Native notifications.
    pub notifications: bool,
    /// The first page was read.
    pub welcomed: bool,
    /// How much is logged.
    pub log_level: String,
}

/// A command that is to be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Undo {
    /// The command.
    pub command: CommandId,
}

/// A session with what people see of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct SessionView {
    /// The session.
    pub row: SessionRow,
    /// What it says.
    pub status: Status,
}

/// Everything that a window needs to begin: what it then hears about are changes to this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct Snapshot {
    /// Changes up to here are in it.
    pub cursor: Cursor,
    /// All tasks.
    pub cards: Vec<Card>,
    /// Open sessions, and the newest 200 of the others.
    pub sessions: Vec<SessionView>,
    /// Open requests, and the newest 100 of the others.
    pub requests: Vec<RequestRow>,
    /// All agents.
    pub agents: Vec<AgentRow>,
    /// All projects.
    pub projects: Vec<ProjectRow>,
    /// All broken files.
    pub problems: Vec<FileProblem>,
    /// The settings.
    pub settings: Settings,
    /// About the engine.
    pub engine: EngineInfo,
}

/// A position in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Cursor {
    /// Of the database; another one means a full resync.
    pub epoch: String,
    /// The last event.
    pub seq: Size,
}

/// About the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct EngineInfo {
    /// Its version.
    pub version: String,
    /// The home folder.
    pub home: String,
    /// When it began.
    pub started_at: At,
    /// Sessions whose run an earlier engine lost.
    pub lost_runs: u32,
    /// Processes of an earlier engine that were ended.
    pub swept: u32,
    /// What runs are inside of: `none` until there is a sandbox.
    pub sandbox: String,
    /// The agent that takes tasks without one.
    pub default_agent: Option<AgentId>,
}

/// A task with its body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct TaskDetail {
    /// The card.
    pub card: Card,
    /// Markdown.
    pub body: String,
    /// Its sessions, newest first.
    pub sessions: Vec<SessionView>,
    /// What the runbook runtime would run.
    pub blocks: Vec<BlockView>,
    /// Why it would refuse to run.
    pub block_problem: Option<BlockProblem>,
    /// Where its file is, absolute.
    pub file: String,
}

/// One block of a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct BlockView {
    /// Its place, from 1.
    pub index: u32,
    /// Its name or first line.
    pub title: String,
    /// `sh` or `bash`.
    pub shell: String,
    /// Its text.
    pub text: String,
    /// The line of its fence in the body, from 1.
    pub line: u32,
}

/// A fence that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct BlockProblem {
    /// The line in the body, from 1.
    pub line: u32,
    /// What is wrong and what to do.
    pub message: String,
}

/// A text that may be a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct CheckRunbook {
    /// Markdown.
    pub body: String,
}

/// What a text would run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RunbookCheck {
    /// Its blocks.
    pub blocks: Vec<BlockView>,
    /// Why it would refuse to run.
    pub problem: Option<BlockProblem>,
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

/// A page of a conversation, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ItemsPage {
    /// The items.
    pub items: Vec<Item>,
    /// Whether there are earlier ones.
    pub more: bool,
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

/// Which of the two pipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of output, harmless to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct OutputPiece {
    /// Where its bytes begin in the spool.
    pub offset: Size,
    /// How many bytes of the spool it stands for; the text may be longer or shorter.
    pub bytes: u32,
    /// Which pipe.
    pub stream: OutputStream,
    /// The text; colours as SGR sequences, nothing else that acts.
    pub text: String,
}

/// A page of output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct OutputPage {
    /// In order.
    pub pieces: Vec<OutputPiece>,
    /// Where the next page begins.
    pub next: Size,
    /// Whether the item is over and this was the last page.
    pub complete: bool,
    /// Whether bytes before the first piece were left out.
    pub clipped: bool,
}

/// The policy and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PolicyView {
    /// The rules that hold.
    pub policy: Policy,
    /// Its file, absolute.
    pub file: String,
    /// Why a newer text of the file does not hold.
    pub problem: Option<FileProblem>,
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

/// What a rule would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RulePreview {
    /// The rule.
    pub rule: RuleDraft,
    /// Whether it would match the request at hand.
    pub matches_request: bool,
    /// Past requests that it would have matched; refused ones first, then newest first; at most 50.
    pub matched: Vec<RequestRow>,
    /// How many it would have matched.
    pub matched_count: u32,
    /// What is special about it; a code.
    pub note: Option<String>,
}

/// The keychain and the names of the keys in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct KeysView {
    /// What holds the keys, in words.
    pub keychain: String,
    /// Whether it can be used.
    pub available: bool,
    /// Why not, and what to do.
    pub problem: Option<String>,
    /// The keys' names.
    pub keys: Vec<KeyView>,
}

/// One key, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct KeyView {
    /// Its name.
    pub name: String,
    /// When it was stored.
    pub stored_at: At,
}

/// Whether a key is there and can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct KeyTest {
    /// Whether it is.
    pub readable: bool,
    /// Why not, and what to do.
    pub problem: Option<String>,
}

/// What is here, what is missing, and how to get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct DoctorReport {
    /// In order of importance.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Check {
    /// A stable code.
    pub code: String,
    /// What was looked at.
    pub name: String,
    /// How it is.
    pub state: CheckState,
    /// What was found.
    pub found: String,
    /// What to do.
    pub hint: Option<String>,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Good.
    Good,
    /// Works, but.
    Warning,
    /// Does not work.
    Bad,
}

/// A change that a window hears about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", content = "row", rename_all = "snake_case")]
pub enum Changed {
    /// A card.
    Card(Box<Card>),
    /// A session.
    Session(Box<SessionView>),
    /// An item; only of sessions that the window watches.
    Item(Box<Item>),
    /// A request.
    Request(Box<RequestRow>),
    /// An agent.
    Agent(Box<AgentRow>),
    /// A project.
    Project(ProjectRow),
    /// A broken file.
    Problem(FileProblem),
    /// The settings.
    Settings(Settings),
    /// A row that is gone.
    Gone(Gone),
}

/// A row that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Gone {
    /// `card`, `session`, `request`, `agent`, `project`, `problem`.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// What is sent to a window or a client that subscribed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "push", rename_all = "snake_case")]
pub enum Push {
    /// Rows changed, all by one commit.
    Changed {
        /// The commit's place in the log.
        seq: Size,
        /// The command that caused it.
        command: Option<CommandId>,
        /// The rows.
        rows: Vec<Changed>,
    },
    /// New output of an item; only of sessions that are watched.
    Output {
        /// The session.
        session: SessionId,
        /// The item.
        item: ItemId,
        /// What came.
        pieces: Vec<OutputPiece>,
    },
    /// Some changes were left out because the client was too slow: ask for the snapshot again.
    Gap,
    /// Something happened that people are told about.
    Told(Told),
    /// A place should be shown.
    Open {
        /// Which.
        place: Place,
    },
    /// Somebody wants to quit while runs are live.
    QuitAsked {
        /// How many.
        live: u32,
    },
}

/// Something that people are told about, by a notification or a live region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Told {
    /// The session.
    pub session: SessionId,
    /// Its task.
    pub task: Option<TaskId>,
    /// The agent's name.
    pub agent_name: String,
    /// The session's title.
    pub title: String,
    /// What happened.
    pub what: ToldWhat,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum ToldWhat {
    /// A person is asked.
    Asked {
        /// The request.
        request: RequestId,
        /// What would run.
        text: String,
        /// Whether "allow once" may be offered outside the window.
        quick: bool,
    },
    /// A request needs no answer any more.
    Settled {
        /// The request.
        request: RequestId,
    },
    /// A session is over.
    Closed {
        /// How.
        how: Closed,
        /// Blocks done, of all.
        done: Option<u32>,
        /// All blocks.
        of: Option<u32>,
        /// Why not well, in words.
        problem: Option<String>,
        /// Whether it goes to Review.
        review: bool,
    },
}

/// A place of the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum Place {
    /// The board.
    Board,
    /// The form for a new task, over the board.
    NewTask,
    /// A session.
    Session {
        /// Which.
        session: SessionId,
    },
    /// The inbox.
    Approvals,
    /// The settings.
    Settings,
}

/// Rows of one kind, for lists without a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct TaskList {
    /// The cards, in the board's order.
    pub tasks: Vec<Card>,
}

/// The agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct AgentList {
    /// By name.
    pub agents: Vec<AgentRow>,
}
