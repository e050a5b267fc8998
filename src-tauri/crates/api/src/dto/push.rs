//! What is pushed to clients as it happens.

use super::{OutputPiece, SessionView, Settings};
use nox_domain::{
    Size,
    event::Closed,
    ids::{CommandId, ItemId, RequestId, SessionId, TaskId},
    rows::{AgentRow, ControlsRow, FileProblem, Item, ProjectRow, RequestRow},
    words::Card,
};
use serde::{Deserialize, Serialize};

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
    /// What can be done with a session while it runs; only of sessions that the window watches.
    Controls(Box<ControlsRow>),
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
        /// What would run, or what is asked.
        text: String,
        /// Whether it asks something, rather than wanting to run something.
        question: bool,
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
    /// A session does not go on by itself.
    Waits {
        /// Why, in words.
        why: String,
    },
    /// A limit does not let a session begin: this one, or one that it asked for.
    NotStarted {
        /// Which limit and what to do, in words.
        why: String,
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
