//! What runs hold and use, and what a start found.

use nox_domain::{
    At, Size,
    agent::Limits,
    ids::{AgentId, SessionId, TaskId},
    words::Status,
};
use serde::{Deserialize, Serialize};

/// Every process that Nox owns, as it was measured just now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ProcessesView {
    /// When it was measured.
    pub at: At,
    /// Nox itself.
    pub engine: EngineUsage,
    /// What holds limits here.
    pub holding: HoldingView,
    /// One for each session whose run has processes, the oldest first.
    pub runs: Vec<RunView>,
}

/// What the engine's own process uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct EngineUsage {
    /// Its number.
    pub pid: u32,
    /// Proportional memory.
    pub memory_bytes: Size,
    /// Processor time since its start, in milliseconds.
    pub cpu_ms: Size,
    /// Its threads.
    pub threads: u32,
    /// Its open files, sockets and pipes.
    pub descriptors: u32,
    /// When it began.
    pub started_at: At,
}

/// What holds a limit on this system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// A control group of the second version.
    CgroupV2,
    /// A control group of the first version.
    CgroupV1,
    /// A limit of the process itself.
    Rlimit,
    /// Nox measures and acts.
    Watched,
    /// Nothing.
    Nothing,
}

/// What holds each limit on this system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct HoldingView {
    /// Memory.
    pub memory: Held,
    /// Processor.
    pub cpu: Held,
    /// The number of processes.
    pub processes: Held,
}

/// How memory was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum MemoryIs {
    /// Shared pages are parted among those who share them.
    Proportional,
    /// Only what is not a file; pages that a fork shares count for each who has them, so it may be too high.
    Private,
}

/// The processes of one session's run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RunView {
    /// The session.
    pub session: SessionId,
    /// Its task.
    pub task: Option<TaskId>,
    /// Its title.
    pub title: String,
    /// Its agent.
    pub agent: AgentId,
    /// The agent's name.
    pub agent_name: String,
    /// What it says.
    pub status: Status,
    /// Which run of the session it is, from 1.
    pub attempt: u32,
    /// When it was last heard of.
    pub last_event_at: At,
    /// Memory of all its processes.
    pub memory_bytes: Size,
    /// How that was measured.
    pub memory_is: MemoryIs,
    /// Processor time of all its processes, in milliseconds, those that ended included.
    pub cpu_ms: Size,
    /// What it may use.
    pub limits: Limits,
    /// Its processes.
    pub processes: Vec<ProcessView>,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ProcessView {
    /// Its number.
    pub pid: u32,
    /// The program's name, as the system knows it; nothing in it is trusted.
    pub name: String,
    /// Its memory.
    pub memory_bytes: Size,
    /// Its processor time, in milliseconds.
    pub cpu_ms: Size,
    /// When it began.
    pub started_at: At,
}

/// What the present start of the engine found of an earlier one that did not end in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RecoveryView {
    /// When the engine began.
    pub at: At,
    /// Whether everything was in order.
    pub clean: bool,
    /// Runs without an end.
    pub lost_runs: u32,
    /// Processes of the earlier engine that were still there and were ended.
    pub swept: u32,
    /// The database that was damaged and set aside.
    pub database: Option<DatabaseRecovery>,
    /// The sessions that were under way, and how they are now.
    pub sessions: Vec<RecoveredSession>,
}

/// A damaged database, and what was saved of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct DatabaseRecovery {
    /// Where it is kept, absolute.
    pub aside: String,
    /// Whether it is still being read.
    pub under_way: bool,
    /// Sessions that came back whole.
    pub sessions_saved: u32,
    /// Sessions of which only a beginning came back, or nothing.
    pub sessions_damaged: u32,
    /// Why the file could not be read; the next start tries again.
    pub problem: Option<String>,
}

/// A session that was under way when the engine ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RecoveredSession {
    /// The session.
    pub session: SessionId,
    /// Its task.
    pub task: Option<TaskId>,
    /// Its title.
    pub title: String,
    /// The agent's name.
    pub agent_name: String,
    /// The title of the tool call that was running.
    pub was_doing: Option<String>,
    /// Requests that were open, and still are.
    pub open_requests: u32,
    /// How it is now.
    pub status: Status,
}
