//! Read models: what lists, cards and conversations show. Rows are stored beside the events of their transaction and
//! sent to every face as they change; a face upserts them by kind and id and derives nothing.

pub use crate::controls::{ControlsRow, WaitingPrompt};
pub use crate::row_key::{RowKey, kind};
use crate::{
    At, Size,
    agent::{Agent, Runtime},
    answers::Answers,
    event::{Closed, Dial, Problem as TurnProblem},
    ids::{AgentId, ItemId, ProjectId, RequestId, SessionId, TaskId, TurnId},
    image::Image,
    life::{HeldBack, LimitHit, PauseWhy},
    task::{Attachment, Priority, TaskStatus},
    tool::{CallEnd, CallStatus, Decision, OutputDigest, PermissionRequest, ToolCall},
    transcript::{Lines, PlanStep, Usage},
};
use serde::{Deserialize, Serialize};

/// A task as its file says, without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct TaskRow {
    /// The task.
    pub id: TaskId,
    /// Its file, relative to the registry.
    pub path: String,
    /// One line.
    pub title: String,
    /// What people decided.
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
    /// What was dropped with it.
    pub attachments: Vec<Attachment>,
    /// Its place in a column.
    pub rank: String,
    /// When it was made.
    pub created_at: At,
    /// When its file last changed.
    pub changed_at: At,
    /// Blocks that the runbook runtime would run.
    pub blocks: u32,
    /// SHA-256 of the file; a command that changes the body names it.
    pub hash: String,
    /// Whether a newer Nox wrote it, so that this one only shows it.
    pub read_only: bool,
}

/// How far a session is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SessionState {
    /// Waits for a free place.
    Queued {
        /// What keeps it back, when something is known to.
        held_back: Option<HeldBack>,
    },
    /// Its run is being started.
    Starting,
    /// Works.
    Running {
        /// The title of the tool call that runs.
        doing: Option<String>,
    },
    /// A person is asked.
    NeedsApproval {
        /// The oldest open request.
        request: RequestId,
        /// What would run.
        text: String,
        /// How many requests are open.
        open: u32,
        /// Whether the oldest one asks something, rather than wanting to run something.
        #[serde(default)]
        question: bool,
    },
    /// A tool call's end was never seen; a person must choose.
    NeedsChoice {
        /// The tool call.
        item: ItemId,
        /// Its title.
        title: String,
    },
    /// The run was lost or ended between two tool calls; a person says whether it goes on.
    Lost {
        /// What was seen of the end.
        problem: Option<TurnProblem>,
    },
    /// Nothing was heard of the run for a long time; a person says whether it is waited for.
    Stalled {
        /// Since when.
        since: At,
        /// The title of the tool call that runs.
        doing: Option<String>,
        /// Whether its processes computed since.
        computes: bool,
    },
    /// The run ended unexpectedly and is started again.
    Restarting {
        /// When.
        at: At,
        /// Which restart of the window it is, from 1.
        number: u32,
    },
    /// Too much was asked of the model server: its turn is asked again then.
    RateLimited {
        /// When.
        until: At,
        /// What was said about it.
        problem: TurnProblem,
    },
    /// Paused, or pausing while a tool call is still running.
    Paused {
        /// Why.
        why: PauseWhy,
        /// The title of the tool call that is still running.
        finishing: Option<String>,
    },
    /// Its turn is over, its run stands by: the next prompt begins at once.
    Idle {
        /// Why the last turn did not end well.
        problem: Option<TurnProblem>,
    },
    /// Its turn is over, its run was closed: the next prompt wakes it.
    Hibernated {
        /// Why the last turn did not end well.
        problem: Option<TurnProblem>,
    },
    /// Is being ended.
    Stopping,
    /// Over.
    Closed {
        /// How.
        how: Closed,
        /// Why not well.
        problem: Option<TurnProblem>,
    },
}

impl SessionState {
    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// Whether a person has to do something before it goes on.
    pub fn needs_person(&self) -> bool {
        matches!(
            self,
            Self::NeedsApproval { .. } | Self::NeedsChoice { .. } | Self::Lost { .. } | Self::Stalled { .. }
        )
    }

    /// Whether it waits for the next prompt: nothing of it is under way.
    pub fn awaits_prompt(&self) -> bool {
        matches!(self, Self::Idle { .. } | Self::Hibernated { .. })
    }
}

/// Steps done, of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Progress {
    /// Done.
    pub done: u32,
    /// All.
    pub of: u32,
}

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct SessionRow {
    /// The session.
    pub id: SessionId,
    /// Its task.
    pub task: Option<TaskId>,
    /// Its agent.
    pub agent: AgentId,
    /// The agent's name when it was opened.
    pub agent_name: String,
    /// The agent's version when it was opened.
    pub agent_version: String,
    /// What carries it.
    pub runtime: Runtime,
    /// The project.
    pub project: Option<ProjectId>,
    /// Where it works.
    pub folder: String,
    /// One line.
    pub title: String,
    /// How far it is.
    pub state: SessionState,
    /// Whether its finished work goes to Review.
    pub review: bool,
    /// Steps done.
    pub progress: Option<Progress>,
    /// How many runs it had.
    pub attempt: u32,
    /// Whether it takes prompts.
    #[serde(default)]
    pub takes_prompts: bool,
    /// Prompts that wait for their turn.
    #[serde(default)]
    pub waiting_prompts: u32,
    /// Whether it was read from an export, so that it can only be read.
    #[serde(default)]
    pub imported: bool,
    /// Why it is paused, if it is; a request may be open meanwhile.
    #[serde(default)]
    pub paused: Option<PauseWhy>,
    /// Whether it pauses when the last client that was attached to it goes away.
    #[serde(default)]
    pub pauses_alone: bool,
    /// When it was opened.
    pub opened_at: At,
    /// When it was last heard of.
    pub last_event_at: At,
    /// When it was closed.
    pub closed_at: Option<At>,
    /// Items in its conversation.
    pub items: u32,
    /// Millionths of a US dollar; none when nothing was reported.
    pub cost_micro_usd: Option<Size>,
    /// What models used; none when nothing was reported.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// Lines that its edits changed; none when none did, or nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Lines>,
    /// Hidden; can be restored.
    pub deleted: bool,
    /// The session that it goes on from a copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork_of: Option<SessionId>,
    /// That session's title then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork_of_title: Option<String>,
}

/// One entry of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// Its session.
    pub session: SessionId,
    /// Its turn.
    pub turn: Option<TurnId>,
    /// Its place in the conversation, from 0.
    pub ord: u32,
    /// When it came.
    pub at: At,
    /// What it is.
    pub body: ItemBody,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ItemBody {
    /// What the agent was asked.
    Prompt {
        /// Markdown.
        text: String,
        /// What was shown with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
    /// What a person said into a turn that ran.
    Steered {
        /// Markdown.
        text: String,
    },
    /// A person changed how the program works.
    Switched {
        /// What.
        dial: Dial,
        /// To what, for people.
        name: String,
        /// The face: `window`, `cli`.
        via: String,
    },
    /// Too much was asked of the model server: the turn is asked again then.
    RateLimit {
        /// When.
        until: At,
        /// What was said about it.
        problem: TurnProblem,
    },
    /// What the agent said.
    Message {
        /// Markdown; empty when it shows images alone.
        text: String,
        /// What it shows.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
    /// What the agent thought.
    Thought {
        /// Markdown.
        text: String,
    },
    /// What the agent is saying or thinking now: its bytes are the item's output.
    Writing {
        /// A thought, and no message.
        thought: bool,
    },
    /// What the agent wants to do in this turn, as it is now.
    Plan {
        /// In order.
        steps: Vec<PlanStep>,
    },
    /// What Nox or the driver notes.
    Note {
        /// A stable code.
        code: String,
        /// In words.
        text: String,
    },
    /// Its run ended unexpectedly and is started again.
    Restart {
        /// Which restart of the window it is, from 1.
        number: u32,
        /// When it begins.
        at: At,
        /// What was seen of the end.
        problem: Option<TurnProblem>,
    },
    /// Its run came to a limit.
    Limit {
        /// Which, and how far.
        hit: LimitHit,
    },
    /// What the agent did or wants to do.
    ToolCall {
        /// In full.
        call: Box<ToolCall>,
        /// How far it is.
        status: CallStatus,
        /// Its request, if a person was asked.
        request: Option<RequestId>,
        /// What was decided.
        decision: Option<Decision>,
        /// The reason given with it.
        reason: Option<String>,
        /// What was answered to its questions.
        #[serde(default, skip_serializing_if = "Answers::is_empty")]
        answers: Answers,
        /// When it began.
        started_at: Option<At>,
        /// When it ended.
        ended_at: Option<At>,
        /// How it ended.
        end: Option<CallEnd>,
        /// What it wrote.
        output: Option<Box<OutputDigest>>,
        /// What it shows.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
}

impl ItemBody {
    /// The images that it shows.
    pub fn images(&self) -> &[Image] {
        match self {
            Self::Prompt { images, .. } | Self::Message { images, .. } | Self::ToolCall { images, .. } => {
                images
            }
            _ => &[],
        }
    }
}

/// How far a permission request is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RequestState {
    /// Waits for an answer.
    Open,
    /// Was answered.
    Answered {
        /// How.
        decision: Decision,
        /// Where: `window`, `notification`, `tray`, `cli`.
        via: String,
        /// In the person's words.
        reason: Option<String>,
        /// What was answered to its questions.
        #[serde(default, skip_serializing_if = "Answers::is_empty")]
        answers: Answers,
        /// When.
        at: At,
    },
    /// No answer can reach it any more.
    Withdrawn {
        /// `changed`, `stopped`, `deleted`.
        why: String,
        /// When.
        at: At,
    },
}

/// A permission request in the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RequestRow {
    /// In full.
    pub request: PermissionRequest,
    /// Its session.
    pub session: SessionId,
    /// The session's task.
    pub task: Option<TaskId>,
    /// Who asks.
    pub agent: AgentId,
    /// The asker's name.
    pub agent_name: String,
    /// The session's title.
    pub title: String,
    /// How far it is.
    pub state: RequestState,
}

/// An agent in a list, with its prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct AgentRow {
    /// As its folder says.
    pub agent: Agent,
    /// SHA-256 over its files.
    pub version: String,
    /// When its files last changed.
    pub changed_at: At,
}

/// A folder that the user has granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ProjectRow {
    /// Its short name.
    pub id: ProjectId,
    /// Absolute.
    pub path: String,
    /// Whether it is there now.
    pub present: bool,
}

/// A line of a file, shown with an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ExcerptLine {
    /// From 1.
    pub number: u32,
    /// Without its line end.
    pub text: String,
}

/// A file that is not understood; the last good state stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct FileProblem {
    /// Relative to the registry.
    pub path: String,
    /// Where, from 1.
    pub line: u32,
    /// Where in the line, from 1.
    pub column: Option<u32>,
    /// Which field.
    pub field: Option<String>,
    /// A stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The lines around it.
    pub excerpt: Vec<ExcerptLine>,
}

/// A start that a limit did not let begin; the newest one of its task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RefusalRow {
    /// The task that was to be started.
    pub task: TaskId,
    /// Its title then.
    pub title: String,
    /// The agent whose limit it is.
    pub agent: AgentId,
    /// The agent's name then.
    pub agent_name: String,
    /// The session from whose run it was asked for; none when a person asked.
    pub asked_by: Option<SessionId>,
    /// Which limit, and how far.
    pub hit: LimitHit,
    /// When the limit alone would let it begin; none when it never does.
    pub again_at: Option<At>,
    /// When it was refused.
    pub at: At,
}

/// A changed row, as it is stored and sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "row", rename_all = "snake_case")]
pub enum Row {
    /// A task's file.
    Task(TaskRow),
    /// A session.
    Session(SessionRow),
    /// An item of a session.
    Item(Box<Item>),
    /// A permission request.
    Request(Box<RequestRow>),
    /// An agent.
    Agent(Box<AgentRow>),
    /// A project.
    Project(ProjectRow),
    /// A broken file.
    Problem(FileProblem),
    /// A start that was refused.
    Refusal(Box<RefusalRow>),
    /// What can be done with a session while it runs.
    Controls(Box<ControlsRow>),
}

impl Row {
    /// Its kind, id, parent and sort key, as the store wants them.
    pub fn key(&self) -> RowKey {
        let (kind, id, parent, ord) = match self {
            Self::Task(row) => (kind::TASK, row.id.to_string(), None, row.rank.clone()),
            Self::Session(row) => (
                kind::SESSION,
                row.id.to_string(),
                row.task.as_ref().map(ToString::to_string),
                format!("{:016}", row.opened_at.0),
            ),
            Self::Item(row) => {
                (kind::ITEM, row.id.to_string(), Some(row.session.to_string()), format!("{:010}", row.ord))
            }
            Self::Request(row) => (
                kind::REQUEST,
                row.request.id.to_string(),
                Some(row.session.to_string()),
                format!("{:016}", row.request.asked_at.0),
            ),
            Self::Agent(row) => (kind::AGENT, row.agent.id.to_string(), None, row.agent.name.clone()),
            Self::Project(row) => (kind::PROJECT, row.id.to_string(), None, row.id.to_string()),
            Self::Problem(row) => (kind::PROBLEM, row.path.clone(), None, row.path.clone()),
            Self::Controls(row) => {
                let session = row.session.to_string();
                (kind::CONTROLS, session.clone(), Some(session), String::new())
            }
            Self::Refusal(row) => (kind::REFUSAL, row.task.to_string(), None, row.task.to_string()),
        };
        RowKey { kind, id, parent, ord }
    }
}
