//! How runs, turns and sessions end, and why not well.

use crate::{At, life::LimitHit, transcript::AgentFault};
use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// By itself.
    Exit,
    /// Nox ended it.
    Killed,
    /// Nobody saw: the engine ended first.
    Lost,
    /// Nox closed it while it was idle; it comes back when it is needed.
    Hibernated,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum TurnEnd {
    /// The agent was through.
    End,
    /// Stopped by a person, or refused by one.
    Cancelled,
    /// The agent or its program failed.
    Failed,
    /// Nobody saw.
    Lost,
}

/// How a session was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// The work is done.
    Finished,
    /// It failed.
    Failed,
    /// A person stopped it.
    Stopped,
}

/// Why a turn did not end well; a code and its parts, for the faces' texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Problem {
    /// A program ended with this code.
    ExitCode {
        /// The code.
        exit_code: i32,
        /// The call's title.
        title: String,
    },
    /// A program was ended by this signal.
    Signal {
        /// The signal's number.
        signal: i32,
        /// The call's title.
        title: String,
    },
    /// Its time was over.
    TimedOut {
        /// Seconds that it had.
        seconds: u32,
        /// The call's title.
        title: String,
    },
    /// A rule or a person said no.
    Denied {
        /// The call's title.
        title: String,
        /// The person's reason.
        reason: Option<String>,
    },
    /// The text that it should run has an error.
    BadText {
        /// The line in the task's text, from 1.
        line: u32,
        /// What is wrong and what to do.
        message: String,
    },
    /// The program could not be started.
    NotStarted {
        /// What the system said and what to do.
        message: String,
    },
    /// The connection ended before the turn did.
    ConnectionEnded {
        /// What was seen last.
        message: String,
    },
    /// A run came to a limit and was ended.
    Limit {
        /// Which, and how far.
        hit: LimitHit,
    },
    /// Something is wrong with the program that carries the agent, or with what that talks to.
    Agent {
        /// What.
        fault: AgentFault,
        /// What was said, and what to do.
        message: String,
        /// When it may go again, if that is known.
        until: Option<At>,
    },
    /// A person chose to stop after an unknown outcome.
    Stopped,
}

impl Problem {
    /// Whether the program of the agent, or what it talks to, broke down or had to be ended. A failure of its work is none, nor is a
    /// start that its settings do not allow.
    pub fn is_breakdown(&self) -> bool {
        match self {
            Self::NotStarted { .. } | Self::ConnectionEnded { .. } | Self::Limit { .. } => true,
            Self::Agent { fault, .. } => fault.is_breakdown(),
            Self::ExitCode { .. }
            | Self::Signal { .. }
            | Self::TimedOut { .. }
            | Self::Denied { .. }
            | Self::BadText { .. }
            | Self::Stopped => false,
        }
    }
}

/// What a person chose after an unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum UnknownChoice {
    /// Run it again.
    Again,
    /// Go on without it.
    Skip,
    /// Stop the session.
    Stop,
}
