//! One session: its state, what may happen to it, and what follows.
//!
//! - [`decide`](Session::decide) answers a command with facts and effects, or a [`Rejection`].
//! - [`hear`](Session::hear) does the same for a driver's signal; a signal of an old generation gives nothing.
//! - [`apply`](Session::apply) takes one fact in. Folding the facts of a log gives the state again.
//! - [`rows`](Session::rows) says what people read after some facts.
//!
//! Effects are returned beside the facts and run only after those are on disk. An effect that a crash swallowed is
//! found again from the state by [`recover`](Session::recover).

mod apply;
mod decide;
mod dials;
mod hear;
mod images;
mod life;
mod limited;
mod messages;
pub mod moves;
mod project;
mod queue;
mod steer;
mod talk;

pub use dials::{Dials, Knob};
pub use images::{Shown, ShownPlace};
pub use limited::Limited;
pub use messages::{Effect, Prompt, Rejection, SessionCommand, Signal, Step, Words};
pub use queue::{MAX_MESSAGE_BYTES, MAX_WAITING_BYTES, MAX_WAITING_PROMPTS};
pub use steer::{MAX_SAID_BYTES, Unsettled};
pub use talk::{PlanPlace, Talk, Writing};

use crate::{
    At, Size,
    answers::Answers,
    event::{Closed, Event, Problem, ProcessRef, RunEnd, SessionOpened, TurnEnd},
    ids::{ItemId, RunId, TurnId},
    image::Image,
    life::{HeldBack, LimitHit, LimitKind, PauseWhy, Stall, StallStep},
    rows::Progress,
    tool::{CallEnd, CallStatus, DecidedBy, Decision, OutputDigest, PermissionRequest, ToolCall},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The state of one session. It is stored as JSON: a field that is added later needs a default, or what an earlier Nox
/// stored cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// What it is.
    pub opened: SessionOpened,
    /// Whether and how it is over.
    pub closed: Option<Closed>,
    /// Why it did not end well.
    pub problem: Option<Problem>,
    /// Hidden.
    #[serde(default)]
    pub deleted: bool,
    /// The newest turn.
    pub turn: Option<Turn>,
    /// The newest run.
    pub run: Option<Run>,
    /// Prompts that wait for their turn, in order.
    #[serde(default)]
    pub next: Vec<Turn>,
    /// The tool calls that are not over, in order. One that is over stays only until [`settle`](Session::settle).
    #[serde(default)]
    pub calls: Vec<Call>,
    /// Keys of calls that are done, when a later run goes on after them.
    #[serde(default)]
    pub done: BTreeSet<String>,
    /// Binding hashes that a person allowed for this session, or once more after an unknown outcome.
    #[serde(default)]
    pub granted: Vec<Grant>,
    /// Whether the first request was already answered beforehand.
    #[serde(default)]
    pub pre_allowance_used: bool,
    /// Somebody wants it to end.
    #[serde(default)]
    pub stopping: bool,
    /// Its run ended too often or against its rules; a person says whether it goes on.
    #[serde(default)]
    pub gave_up: bool,
    /// A person said that it goes on after its run was lost; used up by the next run.
    #[serde(default)]
    pub resume_wanted: bool,
    /// Paused, and why.
    #[serde(default)]
    pub paused: Option<PauseWhy>,
    /// Its idle run is being closed.
    #[serde(default)]
    pub hibernating: bool,
    /// A person wants the run to be started again.
    #[serde(default)]
    pub restarting: bool,
    /// What keeps it from starting.
    #[serde(default)]
    pub held_back: Option<HeldBack>,
    /// When its run is started again, and which restart that is.
    #[serde(default)]
    pub restart: Option<PlannedRestart>,
    /// When runs of the last minutes ended unexpectedly.
    #[serde(default)]
    pub faults: Vec<At>,
    /// The run is silent.
    #[serde(default)]
    pub stall: Option<Stall>,
    /// The limit for which the run was ended.
    #[serde(default)]
    pub limit: Option<LimitHit>,
    /// Its turn met the model server's limit, and waits or has waited for its end.
    #[serde(default)]
    pub limited: Option<Limited>,
    /// The limits that kept it from beginning other sessions in this turn; each is told once.
    #[serde(default)]
    pub refused: Vec<LimitKind>,
    /// The program's own name for it.
    #[serde(default)]
    pub foreign: Option<String>,
    /// Its agent has said or done something, or was through with a turn: what stands in front of a first prompt was heard. A state
    /// of an earlier Nox counts as one of an agent that has.
    #[serde(default = "was_heard")]
    pub heard: bool,
    /// It was read from an export.
    #[serde(default)]
    pub imported: bool,
    /// Steps done.
    pub progress: Option<Progress>,
    /// The next item's place.
    pub next_ord: u32,
    /// What was reported as used.
    pub cost_micro_usd: Option<Size>,
    /// What the agent is saying, its plan, what it used.
    #[serde(default)]
    pub talk: Talk,
    /// When it was opened.
    pub opened_at: At,
    /// When it was last heard of.
    pub last_event_at: At,
    /// When it was closed.
    pub closed_at: Option<At>,
}

/// From a prompt to its stop reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// How far it is.
    pub phase: TurnPhase,
    /// What is asked.
    pub text: String,
    /// What is shown with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// The item that will show it; none in a state of an earlier Nox, which showed it at once.
    #[serde(default)]
    pub item: Option<ItemId>,
    /// The item's place, once it is shown: when its turn has come.
    #[serde(default)]
    pub ord: Option<u32>,
}

/// How far a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnPhase {
    /// Waits for a run.
    Queued,
    /// A run works on it.
    Running,
    /// Over.
    Ended(TurnEnd),
}

/// One incarnation of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its signals carry it.
    pub generation: u32,
    /// 1 for the first.
    pub attempt: u32,
    /// How far it is.
    pub phase: RunPhase,
    /// The turn that it was started with; one that is queued later has to be told to it.
    #[serde(default)]
    pub asked: Option<TurnId>,
    /// The process tree that carries all of it, if one does.
    #[serde(default)]
    pub process: Option<ProcessRef>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunPhase {
    /// The intent is stored; the connection does not stand yet.
    Starting,
    /// The connection stands.
    Live,
    /// Over.
    Ended(RunEnd),
}

/// A restart that is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRestart {
    /// When.
    pub at: At,
    /// Which of the window, from 1.
    pub number: u32,
}

/// One tool call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The item that shows it.
    pub item: ItemId,
    /// The turn that it belongs to.
    pub turn: Option<TurnId>,
    /// The item's place.
    pub ord: u32,
    /// In full.
    pub call: ToolCall,
    /// How far it is.
    pub status: CallStatus,
    /// The open or answered request.
    pub request: Option<PermissionRequest>,
    /// What was decided.
    pub decision: Option<Decision>,
    /// The reason given.
    pub reason: Option<String>,
    /// What was answered to its questions.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub answers: Answers,
    /// By whom.
    pub by: Option<DecidedBy>,
    /// It was decided, and no driver was told: none is there, or the session is paused. So it cannot have begun.
    #[serde(default)]
    pub held: bool,
    /// The run that asked for it last, by its generation; none in a state of an earlier Nox, which had only one.
    #[serde(default)]
    pub asked_in: Option<u32>,
    /// The shim that holds its process tree.
    pub process: Option<ProcessRef>,
    /// When it was proposed.
    pub at: At,
    /// When it began.
    pub started_at: Option<At>,
    /// When it ended.
    pub ended_at: Option<At>,
    /// How it ended.
    pub end: Option<CallEnd>,
    /// What it wrote. A call that is over is forgotten, and this with it; one whose end nobody saw keeps it until a person
    /// has chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputDigest>,
    /// What it shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
}

/// A permission that outlives one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// [`ToolCall::binding_hash`].
    pub hash: String,
    /// Whether it is used up by the next call with this hash.
    pub once: bool,
}

fn was_heard() -> bool {
    true
}

/// The time and the ids of one decision.
pub struct Now<'a> {
    /// Now.
    pub at: At,
    /// Where fresh ids come from.
    pub ids: &'a mut dyn crate::Fresh,
}

impl Session {
    /// The state after the first fact of the log, if that is a session's first.
    pub fn begin(first: &Event, at: At) -> Option<Self> {
        let Event::SessionOpened(opened) = first else { return None };
        Some(Self {
            opened: (**opened).clone(),
            closed: None,
            problem: None,
            deleted: false,
            turn: None,
            next: Vec::new(),
            run: None,
            calls: Vec::new(),
            done: BTreeSet::new(),
            granted: Vec::new(),
            pre_allowance_used: false,
            stopping: false,
            gave_up: false,
            resume_wanted: false,
            paused: None,
            hibernating: false,
            restarting: false,
            held_back: None,
            restart: None,
            faults: Vec::new(),
            stall: None,
            limited: None,
            refused: vec![],
            limit: None,
            foreign: None,
            heard: false,
            imported: false,
            progress: None,
            next_ord: 0,
            cost_micro_usd: None,
            talk: Talk::default(),
            opened_at: at,
            last_event_at: at,
            closed_at: None,
        })
    }

    /// The state after a whole history; none if it does not begin with a session's first fact.
    pub fn replay<'a>(history: impl IntoIterator<Item = (&'a Event, At)>) -> Option<Self> {
        let mut history = history.into_iter();
        let (first, at) = history.next()?;
        let mut session = Self::begin(first, at)?;
        for (event, at) in history {
            session.apply(event, at);
        }
        session.settle();
        Some(session)
    }

    /// Forgets calls that are over, once their rows are written: the state of a session stays as small as what is open
    /// in it, however long it is. What a later run has to know of them stays.
    pub fn settle(&mut self) {
        if !self.opened.runtime.takes_prompts() {
            let done = self.calls.iter().filter(|call| call.is_done());
            self.done.extend(done.map(|call| call.call.key.clone()));
        }
        self.calls.retain(|call| !call.status.is_over());
        self.talk.writing.retain(|open| !open.through);
    }

    /// Whether a run exists that has no end yet.
    pub fn has_live_run(&self) -> bool {
        self.run.as_ref().is_some_and(|run| !matches!(run.phase, RunPhase::Ended(_)))
    }

    /// The generation whose signals count.
    pub fn generation(&self) -> u32 {
        self.run.as_ref().map_or(0, |run| run.generation)
    }

    /// The oldest open requests first.
    pub fn open_requests(&self) -> impl Iterator<Item = &PermissionRequest> {
        self.calls
            .iter()
            .filter(|call| call.status == CallStatus::Waiting)
            .filter_map(|call| call.request.as_ref())
    }

    /// The processes that may still be there: those of the run, and of calls that have no end.
    pub fn processes(&self) -> impl Iterator<Item = ProcessRef> {
        let run = self.run.as_ref().filter(|_| self.has_live_run()).and_then(|run| run.process.clone());
        let open = self.calls.iter().filter(|call| call.ended_at.is_none());
        run.into_iter().chain(open.filter_map(|call| call.process.clone()))
    }

    fn open_turn(&self) -> Option<&Turn> {
        self.turn.as_ref().filter(|turn| !matches!(turn.phase, TurnPhase::Ended(_)))
    }

    /// Whether the present run has been asked nothing that is not over.
    fn stands_by(&self) -> bool {
        self.open_turn().is_none_or(|turn| {
            turn.phase == TurnPhase::Queued
                && self.run.as_ref().is_none_or(|run| run.asked.as_ref() != Some(&turn.id))
        })
    }

    /// Whether its run is being ended for a reason that does not end the session: what comes now waits for the next one.
    fn is_ending(&self) -> bool {
        self.hibernating || self.restarting || self.limit.is_some()
    }

    fn has_unknown(&self) -> bool {
        self.calls.iter().any(|call| call.status == CallStatus::Unknown)
    }

    fn has_open_request(&self) -> bool {
        self.open_requests().next().is_some()
    }

    /// Whether a person is asked because nothing was heard of it.
    fn is_stalled(&self) -> bool {
        self.stall.is_some_and(|stall| stall.step == StallStep::Asked)
            && self.has_live_run()
            && !self.stopping
    }

    /// Keys of calls that are done: a resumed run does not propose them again.
    pub fn done_keys(&self) -> Vec<String> {
        let mut keys = self.done.clone();
        keys.extend(self.calls.iter().filter(|call| call.is_done()).map(|call| call.call.key.clone()));
        keys.into_iter().collect()
    }
}

impl Call {
    /// Whether the run of this generation was told what was decided.
    fn was_told(&self, generation: u32) -> bool {
        self.status == CallStatus::Allowed && !self.held && self.is_asked_in(generation)
    }

    fn is_asked_in(&self, generation: u32) -> bool {
        self.asked_in.is_none_or(|run| run == generation)
    }

    /// Whether the run of this generation was told that it may run, and nobody saw its end.
    fn may_have_begun(&self, generation: u32) -> bool {
        let allowed = self.decision.is_some_and(Decision::allows);
        self.status == CallStatus::Running || (allowed && self.was_told(generation))
    }

    /// Whether it waits for something before it can begin: a person, or a driver that asks again.
    fn waits(&self, generation: u32) -> bool {
        match self.status {
            CallStatus::Waiting | CallStatus::Proposed => true,
            CallStatus::Allowed => !self.was_told(generation),
            _ => false,
        }
    }

    /// Whether a run that goes on later leaves it out.
    fn is_done(&self) -> bool {
        match self.status {
            CallStatus::Succeeded | CallStatus::Skipped => true,
            CallStatus::Failed | CallStatus::Denied => self.call.continue_on_failure,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_dials;
#[cfg(test)]
mod tests_edges;
#[cfg(test)]
mod tests_images;
#[cfg(test)]
mod tests_life;
#[cfg(test)]
mod tests_live;
#[cfg(test)]
mod tests_steer;
