//! What the processes of runs hold and use, measured when somebody asks.
//!
//! Actors note the process trees of their runs here; nothing is measured as long as nobody looks. A process of a tree is
//! traced back to its session here too.

use nox_domain::{
    agent::Limits,
    event::{PreAllowed, ProcessRef},
    ids::{AgentId, SessionId},
    session::Session,
};
use nox_process::TreeIdentity;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

pub use nox_process::{
    Branch, Holding, MemoryMeasure, OwnUsage, ProcessIdentity, ProcessUsage, TreeUsage, holding,
};

/// The process trees of all runs.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    runs: Mutex<HashMap<SessionId, Trees>>,
    /// Rung when a run gets its first process or has none any more, and when something else may have changed what is
    /// to be watched.
    changed: Notify,
}

/// A session whose run asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asking {
    pub(crate) session: SessionId,
    pub(crate) agent: AgentId,
    pub(crate) agent_name: String,
    pub(crate) depth: u32,
    pub(crate) limits: Limits,
    pub(crate) pre_allowed: PreAllowed,
}

#[derive(Debug, Default)]
struct Trees {
    trees: Vec<ProcessRef>,
    agent: Option<AgentId>,
    agent_name: String,
    depth: u32,
    limits: Limits,
    pre_allowed: PreAllowed,
    /// Processor time in milliseconds when it was last asked whether they compute.
    cpu_ms: u64,
}

/// What one session's processes use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunUsage {
    /// The session.
    pub session: SessionId,
    /// What it may use.
    pub limits: Limits,
    /// Its trees.
    pub trees: Vec<TreeUsage>,
}

/// What everything uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// This process itself.
    pub own: Option<OwnUsage>,
    /// Runs that have processes.
    pub runs: Vec<RunUsage>,
}

impl Vitals {
    fn runs(&self) -> MutexGuard<'_, HashMap<SessionId, Trees>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trees of a session's run are these now.
    pub(crate) fn note(&self, session: &Session) {
        let trees: Vec<ProcessRef> =
            if session.has_live_run() { session.processes().collect() } else { vec![] };
        let mut runs = self.runs();
        let before = runs.len();
        if trees.is_empty() {
            runs.remove(session.id());
        } else {
            let opened = &session.opened;
            let run = runs.entry(session.id().clone()).or_default();
            (run.trees, run.limits) = (trees, opened.limits);
            if before < runs.len()
                && let Some(run) = runs.get_mut(session.id())
            {
                run.agent = Some(opened.agent.clone());
                (run.agent_name, run.depth) = (opened.agent_name.clone(), opened.depth);
                run.pre_allowed = opened.pre_allowed;
            }
        }
        let is_changed = before != runs.len();
        drop(runs);
        if is_changed {
            self.ring();
        }
    }

    /// Something may have changed for whoever waits for that.
    pub(crate) fn ring(&self) {
        self.changed.notify_one();
    }

    /// Resolves at the next ring, or at once if there was one since the last time.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Runs that have processes.
    pub(crate) fn count(&self) -> usize {
        self.runs().len()
    }

    /// The session whose run a shim belongs to.
    pub(crate) fn session_of(&self, shim: &ProcessIdentity) -> Option<Asking> {
        let is_it = |tree: &ProcessRef| identity(tree).shim == *shim;
        let runs = self.runs();
        let (session, run) = runs.iter().find(|(_, run)| run.trees.iter().any(is_it))?;
        Some(Asking {
            session: session.clone(),
            agent: run.agent.clone()?,
            agent_name: run.agent_name.clone(),
            depth: run.depth,
            limits: run.limits,
            pre_allowed: run.pre_allowed,
        })
    }

    /// Measures the trees of every run.
    pub(crate) async fn measure_all(&self) -> Vec<RunUsage> {
        let all: Vec<(SessionId, Limits, Vec<ProcessRef>)> = self
            .runs()
            .iter()
            .map(|(session, run)| (session.clone(), run.limits, run.trees.clone()))
            .collect();
        let work = move || {
            all.into_iter()
                .map(|(session, limits, trees)| RunUsage { session, limits, trees: measure(&trees) })
                .collect::<Vec<_>>()
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_default()
    }

    /// Measures the trees of one run.
    pub(crate) async fn measure(&self, session: &SessionId) -> Vec<TreeUsage> {
        let trees = self.runs().get(session).map(|run| run.trees.clone()).unwrap_or_default();
        tokio::task::spawn_blocking(move || measure(&trees)).await.unwrap_or_default()
    }

    /// Whether the processes of a session's run have computed since the last time that this was asked.
    pub(crate) async fn computes(&self, session: &SessionId) -> bool {
        let cpu_ms = self.measure(session).await.iter().map(|tree| tree.cpu_ms).sum();
        let mut runs = self.runs();
        let Some(run) = runs.get_mut(session) else { return false };
        let before = std::mem::replace(&mut run.cpu_ms, cpu_ms);
        cpu_ms > before
    }
}

/// What these trees use now. It blocks.
pub(crate) fn measure(trees: &[ProcessRef]) -> Vec<TreeUsage> {
    trees.iter().filter_map(|tree| nox_process::tree_usage(&identity(tree))).collect()
}

/// A stored tree, as the system knows it.
pub(crate) fn identity(process: &ProcessRef) -> TreeIdentity {
    TreeIdentity {
        boot_id: process.boot_id.clone(),
        shim: ProcessIdentity { pid: process.shim_pid, started_at_ticks: process.shim_started_ticks.0 },
        program: ProcessIdentity { pid: process.pid, started_at_ticks: process.started_ticks.0 },
    }
}

/// What this process itself uses.
pub(crate) async fn own() -> Option<OwnUsage> {
    tokio::task::spawn_blocking(nox_process::own_usage).await.ok().flatten()
}
