//! The one place where states become the words, signs and columns that people see. Faces never derive a status.

use crate::{
    At,
    event::{Closed, Problem},
    ids::{AgentId, ItemId, RequestId, SessionId},
    life::{HeldBack, LimitHit, PauseWhy},
    rows::{Progress, RefusalRow, SessionRow, SessionState, TaskRow},
    task::TaskStatus,
};
use serde::{Deserialize, Serialize};

/// A column of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// Not soon.
    Backlog,
    /// To be done.
    Todo,
    /// Somebody works on it.
    Working,
    /// A person has to do something. Derived, so no drop target.
    NeedsYou,
    /// To be looked at.
    Review,
    /// Done or cancelled.
    Done,
}

/// The sign beside a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Nothing happens.
    Idle,
    /// Waits for its turn.
    Queued,
    /// Works.
    Running,
    /// A person has to do something.
    NeedsYou,
    /// To be looked at.
    Review,
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Waits for other tasks.
    Blocked,
    /// Stopped on purpose.
    Paused,
    /// Its end was not seen.
    Unknown,
}

/// What a status says; a code and its parts, for the faces' texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Words {
    /// Not soon.
    Backlog,
    /// To be done.
    Todo,
    /// Waits for this many tasks.
    Blocked {
        /// How many.
        open: u32,
    },
    /// A limit did not let it begin.
    NotStarted {
        /// Which, and how far.
        hit: LimitHit,
        /// The agent whose limit it is.
        agent: AgentId,
        /// Its name.
        agent_name: String,
        /// When the limit alone would let it begin; none when it never does.
        again_at: Option<At>,
    },
    /// Somebody works on it by hand: no session of Nox.
    ByHand,
    /// Waits for a free place.
    Queued {
        /// What keeps it back, when something is known to.
        held_back: Option<HeldBack>,
    },
    /// Is being started.
    Starting,
    /// Works.
    Running {
        /// On what.
        doing: Option<String>,
    },
    /// A person is asked.
    Approval {
        /// The oldest open request.
        request: RequestId,
        /// What would run.
        text: String,
        /// How many are open.
        open: u32,
        /// Whether the oldest one asks something, rather than wanting to run something.
        question: bool,
    },
    /// A person must choose what happens after an unknown outcome.
    UnknownOutcome {
        /// The tool call.
        item: ItemId,
        /// Its title.
        title: String,
    },
    /// The run was lost; it can go on.
    Lost {
        /// What was seen of its end.
        problem: Option<Problem>,
    },
    /// Nothing was heard for a long time.
    Stalled {
        /// Since when.
        since: At,
        /// On what it works.
        doing: Option<String>,
        /// Whether its processes computed since.
        computes: bool,
    },
    /// Too much was asked of the model server: it goes on by itself then.
    RateLimited {
        /// When.
        until: At,
    },
    /// Is started again after an unexpected end.
    Restarting {
        /// When.
        at: At,
        /// Which restart it is, from 1.
        number: u32,
    },
    /// Paused, or pausing.
    SessionPaused {
        /// Why.
        why: PauseWhy,
        /// What still runs.
        finishing: Option<String>,
    },
    /// Stands by for the next prompt.
    Idle,
    /// Was closed while idle; the next prompt wakes it.
    Hibernated,
    /// Is being ended.
    Stopping,
    /// Was stopped.
    Stopped {
        /// Why, when it was a refusal.
        problem: Option<Problem>,
    },
    /// Failed.
    Failed {
        /// Why.
        problem: Option<Problem>,
    },
    /// To be looked at.
    Review,
    /// Done.
    Done,
    /// Will not be done.
    Cancelled,
}

/// A status as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Status {
    /// Its sign.
    pub sign: Sign,
    /// Its words.
    pub words: Words,
    /// Since when: the last event.
    pub at: At,
}

/// A card of the board: a task's file and its newest session, joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Card {
    /// The task's file.
    pub task: TaskRow,
    /// Where it stands.
    pub column: Column,
    /// What it says.
    pub status: Status,
    /// Its newest session.
    pub session: Option<SessionId>,
    /// Whether something of that session is under way or waits for a person.
    pub live: bool,
    /// Steps done.
    pub progress: Option<Progress>,
    /// Tasks that it still waits for.
    pub open_dependencies: u32,
    /// Millionths of a US dollar; none when nothing was reported.
    pub cost_micro_usd: Option<crate::Size>,
    /// Lines that edits of its newest session changed; none when none did, or nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<crate::transcript::Lines>,
}

/// What people see of a session.
pub fn session_status(row: &SessionRow) -> Status {
    let (sign, words) = match &row.state {
        SessionState::Queued { held_back } => (Sign::Queued, Words::Queued { held_back: *held_back }),
        SessionState::Starting => (Sign::Running, Words::Starting),
        SessionState::Running { doing } => (Sign::Running, Words::Running { doing: doing.clone() }),
        SessionState::NeedsApproval { request, text, open, question } => (
            Sign::NeedsYou,
            Words::Approval {
                request: request.clone(),
                text: text.clone(),
                open: *open,
                question: *question,
            },
        ),
        SessionState::RateLimited { until, .. } => (Sign::Queued, Words::RateLimited { until: *until }),
        SessionState::NeedsChoice { item, title } => {
            (Sign::Unknown, Words::UnknownOutcome { item: item.clone(), title: title.clone() })
        }
        SessionState::Lost { problem } => (Sign::Unknown, Words::Lost { problem: problem.clone() }),
        SessionState::Stalled { since, doing, computes } => {
            (Sign::NeedsYou, Words::Stalled { since: *since, doing: doing.clone(), computes: *computes })
        }
        SessionState::Restarting { at, number } => {
            (Sign::Queued, Words::Restarting { at: *at, number: *number })
        }
        SessionState::Paused { why, finishing } => {
            (Sign::Paused, Words::SessionPaused { why: *why, finishing: finishing.clone() })
        }
        SessionState::Idle { problem: None } => (Sign::Idle, Words::Idle),
        SessionState::Hibernated { problem: None } => (Sign::Idle, Words::Hibernated),
        SessionState::Idle { problem } | SessionState::Hibernated { problem } => {
            (Sign::Failed, Words::Failed { problem: problem.clone() })
        }
        SessionState::Stopping => (Sign::Paused, Words::Stopping),
        SessionState::Closed { how: Closed::Finished, .. } => (Sign::Done, Words::Done),
        SessionState::Closed { how: Closed::Failed, problem } => {
            (Sign::Failed, Words::Failed { problem: problem.clone() })
        }
        SessionState::Closed { how: Closed::Stopped, problem } => {
            (Sign::Paused, Words::Stopped { problem: problem.clone() })
        }
    };
    Status { sign, words, at: row.last_event_at }
}

/// The card of a task with its newest session, if it has one, and the newest start of it that was refused.
pub fn card(
    task: &TaskRow,
    session: Option<&SessionRow>,
    refusal: Option<&RefusalRow>,
    open_dependencies: u32,
) -> Card {
    let session = session.filter(|row| !row.deleted);
    let live = session.is_some_and(is_live);
    let (column, mut status) = standing(task, session, open_dependencies);
    if let Some(refused) = refusal.filter(|refusal| still_says(refusal, task, session)) {
        status = refused_status(refused);
    }
    Card {
        task: task.clone(),
        column,
        status,
        session: session.map(|row| row.id.clone()),
        live,
        progress: session.filter(|_| live || matches!(column, Column::NeedsYou)).and_then(|row| row.progress),
        open_dependencies,
        cost_micro_usd: session.and_then(|row| row.cost_micro_usd),
        lines: session.and_then(|row| row.lines),
    }
}

/// Whether a refusal is the newest that is to be said: nothing was begun or changed since.
fn still_says(refusal: &RefusalRow, task: &TaskRow, session: Option<&SessionRow>) -> bool {
    matches!(task.status, TaskStatus::Backlog | TaskStatus::Todo | TaskStatus::Failed)
        && task.changed_at <= refusal.at
        && session.is_none_or(|row| row.state.is_closed() && row.last_event_at <= refusal.at)
}

fn refused_status(refusal: &RefusalRow) -> Status {
    let words = Words::NotStarted {
        hit: refusal.hit,
        agent: refusal.agent.clone(),
        agent_name: refusal.agent_name.clone(),
        again_at: refusal.again_at,
    };
    Status { sign: Sign::Blocked, words, at: refusal.at }
}

/// The column of [`card`], for counting many without making their cards.
pub fn column(task: &TaskRow, session: Option<&SessionRow>) -> Column {
    standing(task, session.filter(|row| !row.deleted), 0).0
}

fn is_live(row: &SessionRow) -> bool {
    !row.state.is_closed() && !row.state.awaits_prompt()
}

fn standing(task: &TaskRow, session: Option<&SessionRow>, open: u32) -> (Column, Status) {
    match session {
        Some(row) if is_live(row) => {
            let column = if row.state.needs_person() { Column::NeedsYou } else { Column::Working };
            (column, session_status(row))
        }
        _ => settled(task, session, open),
    }
}

/// Without a live session, the file decides; the last session only explains.
fn settled(task: &TaskRow, session: Option<&SessionRow>, open: u32) -> (Column, Status) {
    let at = session.map_or(task.changed_at, |row| row.last_event_at.max(task.changed_at));
    let status = |sign, words| Status { sign, words, at };
    match task.status {
        TaskStatus::Failed => {
            let problem = session.and_then(|row| match &row.state {
                SessionState::Closed { problem, .. }
                | SessionState::Idle { problem }
                | SessionState::Hibernated { problem } => problem.clone(),
                _ => None,
            });
            (Column::NeedsYou, status(Sign::Failed, Words::Failed { problem }))
        }
        TaskStatus::Review => (Column::Review, status(Sign::Review, Words::Review)),
        TaskStatus::Done => (Column::Done, status(Sign::Done, Words::Done)),
        TaskStatus::Cancelled => (Column::Done, status(Sign::Paused, Words::Cancelled)),
        // The engine records the end of a session before the file says so; until then the session is right.
        TaskStatus::InProgress => match session.map(|row| &row.state) {
            Some(
                SessionState::Closed { how: Closed::Finished, .. }
                | SessionState::Idle { problem: None }
                | SessionState::Hibernated { problem: None },
            ) => {
                if session.is_some_and(|row| row.review) {
                    (Column::Review, status(Sign::Review, Words::Review))
                } else {
                    (Column::Done, status(Sign::Done, Words::Done))
                }
            }
            Some(
                SessionState::Closed { how: Closed::Failed, problem }
                | SessionState::Idle { problem }
                | SessionState::Hibernated { problem },
            ) => (Column::NeedsYou, status(Sign::Failed, Words::Failed { problem: problem.clone() })),
            Some(SessionState::Closed { how: Closed::Stopped, problem }) => {
                (Column::Todo, status(Sign::Paused, Words::Stopped { problem: problem.clone() }))
            }
            _ => (Column::Working, status(Sign::Idle, Words::ByHand)),
        },
        TaskStatus::Backlog | TaskStatus::Todo if open > 0 => {
            let column = if task.status == TaskStatus::Todo { Column::Todo } else { Column::Backlog };
            (column, status(Sign::Blocked, Words::Blocked { open }))
        }
        TaskStatus::Backlog => (Column::Backlog, status(Sign::Idle, Words::Backlog)),
        TaskStatus::Todo => match session.map(|row| &row.state) {
            Some(SessionState::Closed { how: Closed::Stopped, problem }) => {
                (Column::Todo, status(Sign::Paused, Words::Stopped { problem: problem.clone() }))
            }
            _ => (Column::Todo, status(Sign::Idle, Words::Todo)),
        },
    }
}

/// The file's status after a session was closed.
pub fn status_after(how: Closed, review: bool) -> TaskStatus {
    match (how, review) {
        (Closed::Finished, true) => TaskStatus::Review,
        (Closed::Finished, false) => TaskStatus::Done,
        (Closed::Failed, _) => TaskStatus::Failed,
        (Closed::Stopped, _) => TaskStatus::Todo,
    }
}
