//! What the board shows, kept in memory: tasks joined with their open or newest sessions. Fed by the log, read by snapshots.

use crate::dto::{Changed, ColumnCount, Gone, SessionView, Settings, Told, ToldWhat};
use nox_domain::{
    At,
    event::{Closed, Problem},
    ids::{SessionId, TaskId},
    life::{HeldBack, LimitAction, LimitHit, LimitKind},
    rows::{
        AgentRow, FileProblem, ProjectRow, RefusalRow, RequestRow, RequestState, Row, SessionRow,
        SessionState, TaskRow, kind,
    },
    task::TaskStatus,
    tool::Risk,
    words::{Card, Column, card, column, session_status},
};
use nox_engine::reading::RowChange;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything that a window begins with.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    pub(crate) tasks: HashMap<TaskId, TaskRow>,
    pub(crate) sessions: HashMap<SessionId, SessionRow>,
    /// The sessions of each task, oldest first.
    of_task: HashMap<TaskId, BTreeSet<(At, SessionId)>>,
    /// Who waits for a task.
    dependents: HashMap<TaskId, BTreeSet<TaskId>>,
    pub(crate) requests: BTreeMap<String, RequestRow>,
    pub(crate) agents: BTreeMap<String, AgentRow>,
    pub(crate) projects: BTreeMap<String, ProjectRow>,
    pub(crate) problems: BTreeMap<String, FileProblem>,
    /// The newest start of each task that was refused.
    refusals: HashMap<TaskId, RefusalRow>,
    pub(crate) settings: Option<Settings>,
}

/// Answered requests that stand in a snapshot.
pub(crate) const OLD_REQUESTS: usize = 100;
/// People are told again of a limit that refuses sessions of an agent when this time has gone by.
const TOLD_AGAIN_MS: i64 = 10 * 60 * 1000;

/// Whether people are told about what changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tell {
    Changes,
    Nothing,
}

/// What a change means for clients.
#[derive(Debug, Default)]
pub(crate) struct Translated {
    pub(crate) rows: Vec<Changed>,
    pub(crate) told: Vec<Told>,
}

impl Mirror {
    /// Fills it at the start, without telling anybody.
    pub(crate) fn fill(&mut self, rows: Vec<RowChange>) {
        let mut unseen = Translated::default();
        let mut cards = BTreeSet::new();
        for row in rows {
            if let RowChange::Put(row) = row {
                self.put(row, Tell::Nothing, &mut cards, &mut unseen);
            }
            unseen.rows.clear();
        }
    }

    /// Takes changes in and says what clients are told about them: what differs from before, even if it is caught up
    /// with after a gap.
    pub(crate) fn take(&mut self, changes: Vec<RowChange>) -> Translated {
        let mut out = Translated::default();
        let mut cards: BTreeSet<TaskId> = BTreeSet::new();
        for change in changes {
            match change {
                RowChange::Put(row) => self.put(row, Tell::Changes, &mut cards, &mut out),
                RowChange::Settings(values) => {
                    let settings = Settings::from(values);
                    self.settings = Some(settings.clone());
                    out.rows.push(Changed::Settings(settings));
                }
                RowChange::Gone { kind, id } => self.gone(&kind, id, &mut cards, &mut out),
            }
        }
        for task in cards {
            if let Some(card) = self.card(&task) {
                out.rows.push(Changed::Card(Box::new(card)));
            }
        }
        out
    }

    fn put(&mut self, row: Row, tell: Tell, cards: &mut BTreeSet<TaskId>, out: &mut Translated) {
        match row {
            Row::Task(row) => {
                let settled = |status: TaskStatus| status.is_settled();
                let before = self.tasks.get(&row.id);
                if before.map(|before| settled(before.status)) != Some(settled(row.status)) {
                    cards.extend(self.dependents.get(&row.id).into_iter().flatten().cloned());
                }
                for old in before.into_iter().flat_map(|before| before.depends_on.clone()) {
                    if let Some(waiting) = self.dependents.get_mut(&old) {
                        waiting.remove(&row.id);
                    }
                }
                for dependency in &row.depends_on {
                    self.dependents.entry(dependency.clone()).or_default().insert(row.id.clone());
                }
                cards.insert(row.id.clone());
                self.tasks.insert(row.id.clone(), row);
            }
            Row::Session(row) => {
                if tell == Tell::Changes
                    && let Some(told) = self.settled_now(&row)
                {
                    out.told.push(told);
                }
                let shown =
                    |mirror: &Self| row.task.as_ref().and_then(|task| mirror.shown_session(task)).cloned();
                let before = shown(self);
                out.rows.push(Changed::Session(Box::new(view(&row))));
                self.sessions.insert(row.id.clone(), row.clone());
                if let Some(task) = &row.task {
                    self.of_task.entry(task.clone()).or_default().insert((row.opened_at, row.id.clone()));
                    if before != shown(self) {
                        cards.insert(task.clone());
                    }
                }
            }
            Row::Item(item) => out.rows.push(Changed::Item(item)),
            Row::Controls(row) => out.rows.push(Changed::Controls(row)),
            Row::Request(row) => {
                let id = row.request.id.to_string();
                if tell == Tell::Changes {
                    out.told.extend(self.request_told(&id, &row));
                }
                self.requests.insert(id, (*row).clone());
                self.forget_answered();
                out.rows.push(Changed::Request(row));
            }
            Row::Agent(row) => {
                self.agents.insert(row.agent.id.to_string(), (*row).clone());
                out.rows.push(Changed::Agent(row));
            }
            Row::Project(row) => {
                self.projects.insert(row.id.to_string(), row.clone());
                out.rows.push(Changed::Project(row));
            }
            Row::Problem(row) => {
                self.problems.insert(row.path.clone(), row.clone());
                out.rows.push(Changed::Problem(row));
            }
            Row::Refusal(row) => {
                if tell == Tell::Changes && self.is_news(&row) {
                    out.told.extend(refused(&row));
                }
                cards.insert(row.task.clone());
                self.refusals.insert(row.task.clone(), *row);
            }
        }
    }

    fn gone(&mut self, kind: &str, id: String, cards: &mut BTreeSet<TaskId>, out: &mut Translated) {
        let name = match kind {
            kind::TASK => {
                if let Ok(task) = TaskId::parse(&id) {
                    self.tasks.remove(&task);
                    cards.extend(self.dependents.get(&task).into_iter().flatten().cloned());
                }
                "card"
            }
            kind::AGENT => {
                self.agents.remove(&id);
                "agent"
            }
            kind::PROJECT => {
                self.projects.remove(&id);
                "project"
            }
            kind::PROBLEM => {
                self.problems.remove(&id);
                "problem"
            }
            kind::REFUSAL => {
                if let Ok(task) = TaskId::parse(&id)
                    && self.refusals.remove(&task).is_some()
                {
                    cards.insert(task);
                }
                return;
            }
            _ => return,
        };
        out.rows.push(Changed::Gone(Gone { kind: name.to_owned(), id }));
    }

    /// Whether people have not just been told of the same limit of the same agent: one that starts much is told of once,
    /// and each card says it.
    fn is_news(&self, row: &RefusalRow) -> bool {
        let is_same = |other: &&RefusalRow| {
            other.asked_by.is_some() && other.agent == row.agent && other.hit.limit == row.hit.limit
        };
        let last = self.refusals.values().filter(is_same).map(|other| other.at.0).max();
        last.is_none_or(|last| !(row.at.0 - TOLD_AGAIN_MS..=row.at.0).contains(&last))
    }

    /// The session that a task's card shows: the one that is not over, or else the newest.
    fn shown_session(&self, task: &TaskId) -> Option<&SessionRow> {
        let mut newest_first =
            self.of_task.get(task)?.iter().rev().filter_map(|(_, id)| self.sessions.get(id));
        let newest = newest_first.clone().next();
        newest_first.find(|row| !row.state.is_closed()).or(newest)
    }

    /// Forgets the oldest answered requests when they are twice as many as a snapshot shows.
    fn forget_answered(&mut self) {
        if self.requests.len() <= 2 * OLD_REQUESTS {
            return;
        }
        let is_answered = |row: &&RequestRow| row.state != RequestState::Open;
        let mut answered: Vec<(At, String)> = self
            .requests
            .values()
            .filter(is_answered)
            .map(|row| (row.request.asked_at, row.request.id.to_string()))
            .collect();
        if answered.len() <= 2 * OLD_REQUESTS {
            return;
        }
        answered.sort_unstable();
        for (_, id) in &answered[..answered.len() - OLD_REQUESTS] {
            self.requests.remove(id);
        }
    }

    /// The card of a task.
    pub(crate) fn card(&self, task: &TaskId) -> Option<Card> {
        let row = self.tasks.get(task)?;
        let session = self.shown_session(task);
        // A task that is gone does not hold up others.
        let is_open = |id: &&TaskId| self.tasks.get(*id).is_some_and(|other| !other.status.is_settled());
        let open = row.depends_on.iter().filter(is_open).count() as u32;
        Some(card(row, session, self.refusals.get(task), open))
    }

    /// The first cards of each column, in the board's order, and how many each column has.
    pub(crate) fn first_cards(&self, most_of_each: usize) -> (Vec<Card>, Vec<ColumnCount>) {
        let mut tasks: Vec<&TaskRow> = self.tasks.values().collect();
        tasks.sort_unstable_by(|a, b| (&a.rank, &a.id).cmp(&(&b.rank, &b.id)));
        let mut counts: BTreeMap<Column, ColumnCount> = BTreeMap::new();
        let mut cards = Vec::new();
        for row in tasks {
            let column = column(row, self.shown_session(&row.id));
            let found = counts.entry(column).or_insert(ColumnCount { column, count: 0, cancelled: 0 });
            found.count += 1;
            found.cancelled += u32::from(row.status == TaskStatus::Cancelled);
            if found.count as usize <= most_of_each {
                cards.extend(self.card(&row.id));
            }
        }
        (cards, counts.into_values().collect())
    }

    /// Up to so many cards in the order of their tasks' ids, which no change of a card changes.
    pub(crate) fn cards_after(&self, after: Option<&TaskId>, most: usize) -> Vec<Card> {
        let mut ids: Vec<&TaskId> =
            self.tasks.keys().filter(|id| after.is_none_or(|after| *id > after)).collect();
        if ids.len() > most {
            ids.select_nth_unstable(most);
            ids.truncate(most);
        }
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.card(id)).collect()
    }

    /// All cards, in the board's order.
    pub(crate) fn cards(&self) -> Vec<Card> {
        let mut cards: Vec<Card> = self.tasks.keys().filter_map(|task| self.card(task)).collect();
        cards.sort_by(|a, b| (&a.task.rank, &a.task.id).cmp(&(&b.task.rank, &b.task.id)));
        cards
    }

    /// The work that was asked for is over, or a person has to look because nothing goes on.
    fn settled_now(&self, row: &SessionRow) -> Option<Told> {
        let known = self.sessions.get(&row.id);
        let (how, problem) = match &row.state {
            SessionState::Closed { how, problem } => (*how, problem),
            SessionState::Idle { problem } => {
                (if problem.is_some() { Closed::Failed } else { Closed::Finished }, problem)
            }
            SessionState::Lost { problem: Some(problem) } => {
                let is_news = known.is_none_or(|known| !matches!(known.state, SessionState::Lost { .. }));
                let why = problem_in_words(problem);
                return is_news.then(|| told(row, ToldWhat::Waits { why }));
            }
            SessionState::Queued { held_back: Some(by) } => {
                let was_told = known.is_some_and(|known| match &known.state {
                    SessionState::Queued { held_back: Some(before) } => same_reason(*before, *by),
                    _ => false,
                });
                let why = held_back_in_words(*by, &row.agent_name).filter(|_| !was_told)?;
                return Some(told(row, ToldWhat::NotStarted { why }));
            }
            SessionState::Stalled { .. } => {
                let is_news = known.is_none_or(|known| !matches!(known.state, SessionState::Stalled { .. }));
                let why = "nothing was heard of it for a long time".to_owned();
                return is_news.then(|| told(row, ToldWhat::Waits { why }));
            }
            _ => return None,
        };
        let is_news = match known {
            // One that stood by and is closed has been told already.
            Some(known) => !known.state.is_closed() && !known.state.awaits_prompt(),
            // Begun and ended between two looks: its end is the last that was heard of it.
            None => row.closed_at == Some(row.last_event_at),
        };
        if !is_news {
            return None;
        }
        let what = ToldWhat::Closed {
            how,
            done: row.progress.map(|progress| progress.done),
            of: row.progress.map(|progress| progress.of),
            problem: problem.as_ref().map(problem_in_words),
            review: row.review,
        };
        Some(told(row, what))
    }

    fn request_told(&self, id: &str, row: &RequestRow) -> Option<Told> {
        let was_open = self.requests.get(id).map(|known| known.state == RequestState::Open);
        let what = match (&row.state, was_open) {
            (RequestState::Open, None) => ToldWhat::Asked {
                request: row.request.id.clone(),
                text: row.request.call.gist().to_owned(),
                question: row.request.call.is_question(),
                quick: row.request.risk < Risk::High && !row.request.call.is_question(),
            },
            (RequestState::Answered { .. } | RequestState::Withdrawn { .. }, Some(true)) => {
                ToldWhat::Settled { request: row.request.id.clone() }
            }
            _ => return None,
        };
        Some(Told {
            session: row.session.clone(),
            task: row.task.clone(),
            agent_name: row.agent_name.clone(),
            title: row.title.clone(),
            what,
        })
    }
}

fn told(row: &SessionRow, what: ToldWhat) -> Told {
    Told {
        session: row.id.clone(),
        task: row.task.clone(),
        agent_name: row.agent_name.clone(),
        title: row.title.clone(),
        what,
    }
}

/// Who asked for it from inside a run is not at the window: people are told there. A person who asked has the answer.
fn refused(row: &RefusalRow) -> Option<Told> {
    Some(Told {
        session: row.asked_by.clone()?,
        task: Some(row.task.clone()),
        agent_name: row.agent_name.clone(),
        title: row.title.clone(),
        what: ToldWhat::NotStarted { why: limit_in_words(&row.hit) },
    })
}

/// What keeps a session from starting and will not pass by itself soon, in words. To wait for a place is usual.
fn held_back_in_words(by: HeldBack, agent: &str) -> Option<String> {
    match by {
        HeldBack::Places { .. } | HeldBack::AgentPlaces { .. } | HeldBack::Rate { .. } => None,
        HeldBack::Memory { used_mb, budget_mb } => Some(format!(
            "what runs uses {used_mb} MB of the {budget_mb} MB that all sessions may use. It starts when there is room; raise Memory of all in Settings to give it more"
        )),
        HeldBack::Breaker { faults, .. } => Some(format!(
            "{agent} failed {faults} times in a row and is left alone for a while. One run is tried then; look at why it fails"
        )),
    }
}

fn same_reason(before: HeldBack, now: HeldBack) -> bool {
    std::mem::discriminant(&before) == std::mem::discriminant(&now)
}

/// A session with what people see of it.
pub(crate) fn view(row: &SessionRow) -> SessionView {
    SessionView { status: session_status(row), row: row.clone() }
}

/// A limit in plain words.
pub fn limit_in_words(hit: &LimitHit) -> String {
    let (what, unit) = match hit.limit {
        LimitKind::Memory => ("memory", "MB"),
        LimitKind::Cpu => ("processor", "% of a core"),
        LimitKind::Processes => ("processes", "processes"),
        LimitKind::Wall => ("time", "s"),
        LimitKind::Output => ("output", "MB"),
        LimitKind::Disk => ("disk", "MB"),
        LimitKind::SpawnRate => ("sessions", "sessions in an hour"),
        LimitKind::Depth => ("depth", "levels of sessions"),
    };
    // As the form of the agent calls it.
    let field = match hit.limit {
        LimitKind::Memory => "Memory",
        LimitKind::Cpu => "Processor",
        LimitKind::Processes => "Processes",
        LimitKind::Wall => "Time",
        LimitKind::Output => "Output",
        LimitKind::Disk => "Disk",
        LimitKind::SpawnRate => "Sessions an hour",
        LimitKind::Depth => "Depth",
    };
    let (value, allowed) = (hit.value.0, hit.allowed.0);
    if hit.action == LimitAction::Refused {
        return match hit.limit {
            LimitKind::Depth => format!(
                "limit of depth: it would stand {value} levels of sessions deep, and {allowed} may be. Let the session that asks do the work itself, or raise “{field}” of its agent in Agents"
            ),
            _ => format!(
                "limit of {what}: {value} {unit} of {allowed}. Start it again later, or raise “{field}” of its agent in Agents"
            ),
        };
    }
    let how_far = match hit.action {
        LimitAction::Warned => format!("limit of {what} is near: {value} {unit} of {allowed}"),
        LimitAction::Throttled => format!("limit of {what} holds it back: {value} {unit} of {allowed}"),
        LimitAction::Refused => format!("limit of {what}"),
        LimitAction::Ended if value < allowed => {
            format!("limit of {what} was near for 5 minutes: {value} {unit} of {allowed}")
        }
        LimitAction::Ended => format!("limit of {what} reached: {value} {unit} of {allowed}"),
    };
    format!("{how_far}. Let it do less at once, or raise “{field}” of its agent in Agents")
}

/// A problem in plain words, for places that have no texts of their own: notifications and the command line.
pub fn problem_in_words(problem: &Problem) -> String {
    match problem {
        Problem::ExitCode { exit_code, title } => format!("{title}: exit {exit_code}"),
        Problem::Signal { signal, title } => format!("{title}: ended by signal {signal}"),
        Problem::TimedOut { seconds, title } => format!("{title}: not ready after {seconds} s"),
        Problem::Denied { title, reason: Some(reason) } => format!("{title}: denied, {reason}"),
        Problem::Denied { title, reason: None } => format!("{title}: denied"),
        Problem::BadText { line, message } => format!("line {line}: {message}"),
        Problem::NotStarted { message } => message.clone(),
        Problem::ConnectionEnded { message } if message.is_empty() => "the connection ended".into(),
        Problem::ConnectionEnded { message } => format!("the connection ended: {message}"),
        Problem::Limit { hit } => limit_in_words(hit),
        Problem::Agent { message, .. } => message.clone(),
        Problem::Stopped => "stopped".into(),
    }
}

#[cfg(test)]
mod tests;
