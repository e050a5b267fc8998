//! What goes in and out of the operations. Nouns and rows come from `domain`; only what is not one of those is here.

mod discovery;
mod input;
mod log;
mod push;
mod view;
mod vitals;

pub use discovery::*;
pub use input::*;
pub use log::*;
/// An image that was added.
pub use nox_domain::image::Image;
/// What can be done with a session while it runs.
pub use nox_domain::rows::ControlsRow;
pub use push::*;
pub use view::*;
pub use vitals::*;

use nox_domain::{
    Size,
    ids::{AgentId, CommandId, ProjectId, SessionId, TaskId},
};
use serde::{Deserialize, Serialize};

/// Who calls: the face, and the command's id for everything that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The same id twice is answered from its receipt.
    pub command: CommandId,
    /// The face.
    pub face: Face,
    /// The process that calls and those above it, the nearest first; empty for a face of this process. What a run of a
    /// session starts through the control socket is known by it.
    pub processes: Vec<nox_engine::vitals::ProcessIdentity>,
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
