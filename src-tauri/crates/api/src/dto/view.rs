//! What comes out of the operations.

use super::{RuleDraft, Theme};
use nox_domain::{
    At, Size,
    ids::{AgentId, TaskId},
    image::ImageKind,
    life::{LifeRules, LogPolicy},
    policy::Policy,
    rows::{AgentRow, FileProblem, Item, ProjectRow, RequestRow, SessionRow},
    words::{Card, Column, Status},
};
use serde::{Deserialize, Serialize};

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
    /// Megabytes that all live runs together may hold; 0 for no limit.
    pub memory_budget_mb: u32,
    /// Runs that may be started in a minute; 0 for no limit.
    pub runs_per_minute: u32,
    /// Seconds after which an idle run is closed; 0 never.
    pub hibernate_after_seconds: u32,
    /// How sessions live when their agent does not say.
    pub life: LifeRules,
    /// What becomes of the events of sessions that are over.
    pub log_policy: LogPolicy,
    /// Days after which that happens.
    pub log_after_days: u32,
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

/// What a window begins with: all that is in sight and how much there is; the rest is read by `read_cards`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct FirstLook {
    /// As `snapshot` answers it, with the first cards of each column only.
    pub snapshot: Snapshot,
    /// How many cards each column has.
    pub columns: Vec<ColumnCount>,
    /// Whether the snapshot has all cards.
    pub is_whole: bool,
}

/// How many cards a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ColumnCount {
    /// The column.
    pub column: Column,
    /// Its cards.
    pub count: u32,
    /// Those of them that are cancelled, which a board may leave out.
    pub cancelled: u32,
}

/// Some of all cards, in the order of their tasks' ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct CardsPage {
    /// They are as new as the moment when they were asked for.
    pub cards: Vec<Card>,
    /// What to ask for next; none when these were the last.
    pub next: Option<TaskId>,
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

/// What a text would run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RunbookCheck {
    /// Its blocks.
    pub blocks: Vec<BlockView>,
    /// Why it would refuse to run.
    pub problem: Option<BlockProblem>,
}

/// A page of a conversation, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ItemsPage {
    /// The items.
    pub items: Vec<Item>,
    /// Whether there are earlier ones.
    pub more: bool,
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

/// All of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ImageBytes {
    /// Its kind.
    pub kind: ImageKind,
    /// Its bytes.
    pub base64: String,
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
