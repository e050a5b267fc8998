//! The table of legal moves: what may happen to a session, a run, a turn and a tool call, and where that leads.
//!
//! `decide` and `hear` are held to it by the model tests, which also fail for a row that no history reaches. The import
//! of an exported session asks [`check_history`]: a history that was never possible is refused.

use super::{RunPhase, Session, TurnPhase};
use crate::{
    At,
    event::{Closed, Event, RunEnd, TurnEnd},
    ids::{ItemId, RunId, TurnId},
    tool::CallStatus,
};
use std::fmt;

/// What moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Machine {
    /// `open`, `paused`, `stopping`, `finished`, `failed`, `stopped`; `deleted` hides one that is over.
    Session,
    /// `none`, `starting`, `live`, then how it ended: `exit`, `killed`, `lost`, `hibernated`.
    Run,
    /// `none`, `queued`, `running`, then how it ended: `end`, `cancelled`, `failed`, `lost`.
    Turn,
    /// `none`, `proposed`, `waiting`, `allowed`, `running`, then how it ended.
    Call,
}

/// One move. `on` is [`Event::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Move {
    /// What moves.
    pub of: Machine,
    /// The phase before.
    pub from: &'static str,
    /// The fact.
    pub on: &'static str,
    /// The phase after.
    pub to: &'static str,
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Move { of, from, on, to } = self;
        write!(f, "{of:?}: {from} → {to} by {on}")
    }
}

/// A history that cannot have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalMove {
    /// The first fact opens no session.
    #[error("fact 1 opens no session")]
    NoBeginning,
    /// A fact leads where it cannot lead.
    #[error("fact {at} is not possible there: {moved}")]
    At {
        /// Its place in the history, from 1.
        at: usize,
        /// What it would move.
        moved: Move,
    },
}

/// Rows of the table: from each of some phases, by each of some facts, to a phase; none for the phase as it was.
struct Rows {
    of: Machine,
    from: &'static [&'static str],
    on: &'static [&'static str],
    to: Option<&'static str>,
}

const fn rows(
    of: Machine,
    from: &'static [&'static str],
    on: &'static [&'static str],
    to: Option<&'static str>,
) -> Rows {
    Rows { of, from, on, to }
}

use Machine::{Call, Run, Session as Life, Turn};

const TABLE: &[Rows] = &[
    // A session. Its rows are what may happen at all while it is open, paused, being stopped or over.
    rows(
        Life,
        &["open"],
        &[
            "run_starting",
            "stall_noticed",
            "steered",
            "session_reopened", // A person lets it go on after its run was lost, or does not wait for its restart.
            "held_back",
        ],
        None,
    ),
    rows(
        Life,
        &["open", "paused"],
        &[
            "turn_queued",
            "tool_call_proposed",
            "permission_requested",
            "permission_decided", // In a pause, what is allowed is not told before it ends.
            "asked_again",
            "unknown_resolved",
            "hibernate_asked",
            "restart_planned", // In a pause, it begins when that ends.
            "gave_up",
            "restart_asked",
            "waited_on",
            "heard_again",
            "interrupt_asked",
            "prompt_changed",
            "switched",
            "turn_limited",
            "limit_over", // In a pause, the turn is asked again when that ends.
        ],
        None,
    ),
    rows(
        Life,
        &["open", "paused", "stopping"],
        &[
            "said",
            "text_begun",
            "thought",
            "planned",
            "usage_reported",
            "run_carried",
            "image_told",
            "noted",
            "progressed",
            "foreign_named",
            "offers_told",
            "steer_settled",
            "switch_settled",
            "tool_call_started", // In a pause, only one that was told before.
            "limit_reached",
            "run_live",
            "turn_started", // Its run was started with this turn, and begins it by itself.
            "tool_call_ended",
            "permission_withdrawn",
            "turn_ended",
            "run_ended",
            "session_restored", // Showing what is not hidden changes nothing.
        ],
        None,
    ),
    rows(Life, &["open"], &["pause_asked"], Some("paused")),
    rows(Life, &["paused"], &["session_resumed"], Some("open")),
    rows(Life, &["open", "paused"], &["stop_asked"], Some("stopping")),
    // One that only stood by has done its work, whoever stops it.
    rows(Life, &["open", "paused", "stopping"], &["session_closed"], Some("finished")),
    rows(Life, &["open", "paused", "stopping"], &["session_closed"], Some("stopped")),
    rows(Life, &["open", "paused", "stopping"], &["session_closed"], Some("failed")),
    rows(Life, &["finished", "failed", "stopped"], &["session_reopened"], Some("open")),
    rows(Life, &["finished", "failed", "stopped", "deleted"], &["session_deleted"], Some("deleted")),
    rows(Life, &["finished", "failed", "stopped"], &["session_restored"], None),
    rows(Life, &["deleted"], &["session_restored"], Some("finished")),
    rows(Life, &["deleted"], &["session_restored"], Some("failed")),
    rows(Life, &["deleted"], &["session_restored"], Some("stopped")),
    // An import ends what was open, and the session is only read from then on.
    rows(Life, &["finished", "failed", "stopped"], &["session_imported"], None),
    // A run. There is one at a time.
    rows(Run, &["none", "exit", "killed", "lost", "hibernated"], &["run_starting"], Some("starting")),
    rows(Run, &["starting"], &["run_live"], Some("live")),
    rows(Run, &["live"], &["run_carried"], None),
    rows(Run, &["starting", "live"], &["run_ended"], Some("exit")),
    rows(Run, &["starting", "live"], &["run_ended"], Some("killed")),
    rows(Run, &["starting", "live"], &["run_ended"], Some("lost")),
    // One that only stood by is as good as closed on purpose: the next prompt wakes it.
    rows(Run, &["starting", "live"], &["run_ended"], Some("hibernated")),
    // A turn. One that failed before it began could not be started.
    rows(Turn, &["none"], &["turn_queued"], Some("queued")),
    rows(Turn, &["queued"], &["turn_started"], Some("running")),
    rows(Turn, &["queued", "running"], &["turn_ended"], Some("cancelled")),
    rows(Turn, &["queued", "running"], &["turn_ended"], Some("failed")),
    rows(Turn, &["running"], &["turn_ended"], Some("end")),
    // Too much was asked of the model server: it goes back to where it waited, and is asked again.
    rows(Turn, &["running"], &["turn_limited"], Some("queued")),
    rows(Turn, &["queued"], &["prompt_changed"], None),
    // Nobody carries the session on: it was imported, or what came after is lost.
    rows(Turn, &["queued", "running"], &["turn_ended"], Some("lost")),
    // A prompt that waited behind another is forgotten when it is taken back.
    rows(Turn, &["queued"], &["turn_ended"], Some("none")),
    // A tool call. Nothing runs that was not allowed before.
    rows(Call, &["none"], &["tool_call_proposed"], Some("proposed")),
    rows(Call, &["proposed"], &["permission_requested"], Some("waiting")),
    rows(Call, &["proposed", "waiting"], &["permission_decided"], Some("allowed")),
    rows(Call, &["allowed"], &["asked_again"], None),
    // Nobody needs the answer any more, or the one that was given reached nobody. Its end follows.
    rows(Call, &["waiting", "allowed"], &["permission_withdrawn"], Some("proposed")),
    rows(Call, &["allowed"], &["tool_call_started"], Some("running")),
    rows(Call, &["proposed", "allowed", "running"], &["tool_call_ended"], Some("cancelled")),
    rows(Call, &["allowed"], &["tool_call_ended"], Some("denied")),
    // Some drivers tell only the end of a call. One that could not be started has failed without having run.
    rows(Call, &["allowed", "running"], &["tool_call_ended"], Some("succeeded")),
    rows(Call, &["allowed", "running"], &["tool_call_ended"], Some("failed")),
    // It was allowed and may have begun, and nobody saw its end.
    rows(Call, &["allowed", "running"], &["tool_call_ended"], Some("unknown")),
    // Again is a new call, so the old one is over.
    rows(Call, &["unknown"], &["unknown_resolved"], Some("cancelled")),
    rows(Call, &["unknown"], &["unknown_resolved"], Some("skipped")),
];

/// Every legal move.
pub fn legal_moves() -> impl Iterator<Item = Move> {
    TABLE.iter().flat_map(|rows| {
        rows.from.iter().flat_map(move |from| {
            rows.on.iter().map(move |on| Move { of: rows.of, from, on, to: rows.to.unwrap_or(from) })
        })
    })
}

fn is_legal(moved: Move) -> bool {
    TABLE.iter().any(|rows| {
        rows.of == moved.of
            && rows.from.contains(&moved.from)
            && rows.on.contains(&moved.on)
            && rows.to.unwrap_or(moved.from) == moved.to
    })
}

/// What a fact is about besides the session.
enum Subject<'a> {
    Nothing,
    Run(&'a RunId),
    Turn(&'a TurnId),
    Call(&'a ItemId),
}

fn subject(event: &Event) -> Subject<'_> {
    match event {
        Event::RunStarting { run, .. }
        | Event::RunLive { run }
        | Event::RunCarried { run, .. }
        | Event::RunEnded { run, .. } => Subject::Run(run),
        Event::TurnQueued { turn, .. }
        | Event::PromptChanged { turn, .. }
        | Event::TurnStarted { turn }
        | Event::TurnLimited { turn, .. }
        | Event::TurnEnded { turn, .. } => Subject::Turn(turn),
        Event::PermissionRequested { request } => Subject::Call(&request.item),
        Event::ToolCallProposed { item, .. }
        | Event::PermissionDecided { item, .. }
        | Event::PermissionWithdrawn { item, .. }
        | Event::AskedAgain { item }
        | Event::ToolCallStarted { item, .. }
        | Event::ToolCallEnded { item, .. }
        | Event::UnknownResolved { item, .. } => Subject::Call(item),
        _ => Subject::Nothing,
    }
}

impl Session {
    /// The phases that a fact can move: the session's, and that of the run, turn or call that it is about.
    fn phases(&self, event: &Event) -> [(Machine, &'static str); 2] {
        let about = match subject(event) {
            Subject::Nothing => (Life, self.life_phase()),
            // A fact about an earlier run is about none.
            Subject::Run(id) => {
                let run = self.run.as_ref();
                let fits = matches!(event, Event::RunStarting { .. });
                (Run, run.filter(|run| fits || run.id == *id).map_or("none", |run| run_phase(run.phase)))
            }
            Subject::Turn(id) => {
                let turn = self.turn.iter().chain(&self.next).find(|turn| turn.id == *id);
                (Turn, turn.map_or("none", |turn| turn_phase(turn.phase)))
            }
            Subject::Call(item) => {
                let call = self.calls.iter().rev().find(|call| call.item == *item);
                (Call, call.map_or("none", |call| call_phase(call.status)))
            }
        };
        [(Life, self.life_phase()), about]
    }

    fn life_phase(&self) -> &'static str {
        match self.closed {
            _ if self.deleted => "deleted",
            Some(Closed::Finished) => "finished",
            Some(Closed::Failed) => "failed",
            Some(Closed::Stopped) => "stopped",
            None if self.stopping => "stopping",
            None if self.paused.is_some() => "paused",
            None => "open",
        }
    }
}

fn run_phase(phase: RunPhase) -> &'static str {
    match phase {
        RunPhase::Starting => "starting",
        RunPhase::Live => "live",
        RunPhase::Ended(RunEnd::Exit) => "exit",
        RunPhase::Ended(RunEnd::Killed) => "killed",
        RunPhase::Ended(RunEnd::Lost) => "lost",
        RunPhase::Ended(RunEnd::Hibernated) => "hibernated",
    }
}

fn turn_phase(phase: TurnPhase) -> &'static str {
    match phase {
        TurnPhase::Queued => "queued",
        TurnPhase::Running => "running",
        TurnPhase::Ended(TurnEnd::End) => "end",
        TurnPhase::Ended(TurnEnd::Cancelled) => "cancelled",
        TurnPhase::Ended(TurnEnd::Failed) => "failed",
        TurnPhase::Ended(TurnEnd::Lost) => "lost",
    }
}

fn call_phase(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Proposed => "proposed",
        CallStatus::Waiting => "waiting",
        CallStatus::Allowed => "allowed",
        CallStatus::Running => "running",
        CallStatus::Succeeded => "succeeded",
        CallStatus::Failed => "failed",
        CallStatus::Denied => "denied",
        CallStatus::Cancelled => "cancelled",
        CallStatus::Unknown => "unknown",
        CallStatus::Skipped => "skipped",
    }
}

/// What a fact moves between two states, whether it may or not.
pub fn moves(before: &Session, event: &Event, after: &Session) -> Vec<Move> {
    between(before.phases(event), event, after)
}

fn between(before: [(Machine, &'static str); 2], event: &Event, after: &Session) -> Vec<Move> {
    let pairs = before.into_iter().zip(after.phases(event));
    let mut moves: Vec<Move> =
        pairs.map(|((of, from), (_, to))| Move { of, from, on: event.kind(), to }).collect();
    moves.dedup();
    moves
}

/// The first thing that this fact may not move; none when it is legal.
pub fn illegal(before: &Session, event: &Event, after: &Session) -> Option<Move> {
    moves(before, event, after).into_iter().find(|moved| !is_legal(*moved))
}

/// Replays a history fact by fact, and refuses the first that is not possible where it stands.
#[derive(Debug, Default)]
pub struct Checker {
    session: Option<Session>,
    taken: usize,
}

impl Checker {
    /// Takes the next fact; after an error it is of no further use.
    pub fn take(&mut self, event: &Event, at: At) -> Result<(), IllegalMove> {
        self.taken += 1;
        let Some(session) = &mut self.session else {
            self.session = Some(Session::begin(event, at).ok_or(IllegalMove::NoBeginning)?);
            return Ok(());
        };
        let before = session.phases(event);
        let generation = session.generation();
        session.apply(event, at);
        let bad = between(before, event, session).into_iter().find(|moved| !is_legal(*moved));
        // A generation that was there before would let signals of an old run count.
        let repeats = matches!(event, Event::RunStarting { .. }) && session.generation() <= generation;
        let repeated = Move { of: Run, from: before[1].1, on: event.kind(), to: "the same generation" };
        if let Some(moved) = bad.or(repeats.then_some(repeated)) {
            return Err(IllegalMove::At { at: self.taken, moved });
        }
        session.settle();
        Ok(())
    }

    /// The state after what was taken.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }
}

/// Replays a whole history and refuses the first fact that is not possible where it stands.
pub fn check_history<'a>(history: impl IntoIterator<Item = (&'a Event, At)>) -> Result<(), IllegalMove> {
    let mut checker = Checker::default();
    history.into_iter().try_for_each(|(event, at)| checker.take(event, at))?;
    checker.session.map(|_| ()).ok_or(IllegalMove::NoBeginning)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::session::{
        Signal,
        tests::{Play, call},
    };

    fn history() -> Vec<(Event, At)> {
        let mut play = Play::live(crate::event::PreAllowed::All);
        play.hear(Signal::Proposed(call(1, "make")));
        play.hear(Signal::CallStarted { key: "block:1".into(), process: None });
        play.log
    }

    fn check(history: &[(Event, At)]) -> Result<(), IllegalMove> {
        check_history(history.iter().map(|(event, at)| (event, *at)))
    }

    #[test]
    fn a_history_that_was_never_possible_is_refused() {
        let good = history();
        assert_eq!(check(&good), Ok(()));
        assert_eq!(check(&[]), Err(IllegalMove::NoBeginning));
        assert_eq!(check(&good[1..]), Err(IllegalMove::NoBeginning));
        let decided = good.iter().position(|(event, _)| event.kind() == "permission_decided").unwrap();
        let mut unasked = good.clone();
        unasked.remove(decided);
        let moved = Move { of: Machine::Call, from: "proposed", on: "tool_call_started", to: "running" };
        assert_eq!(check(&unasked), Err(IllegalMove::At { at: decided + 1, moved }), "it ran undecided");
        let mut closed = good.clone();
        closed.insert(3, (Event::SessionClosed { how: Closed::Finished }, At(9)));
        assert!(matches!(check(&closed), Err(IllegalMove::At { at: 5, .. })), "a closed session ran on");
        let mut twice = good;
        let starting = twice.iter().position(|(event, _)| event.kind() == "run_starting").unwrap();
        twice.push(twice[starting].clone());
        let refused = check(&twice).unwrap_err().to_string();
        assert!(refused.ends_with("Run: live → starting by run_starting"), "{refused}");
    }
}
