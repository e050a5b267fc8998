//! What the tray and the notifications need to know, kept from the engine's pushes: which sessions work, wait or failed
//! unseen, and which requests are open. Pure: pushes in, effects out. `follow` feeds it and does the effects.

use crate::{
    notify::{About, Notice, Urgency},
    tray::{Answerable, TrayModel, TrayRequest, TraySession, TrayStatus},
};
use nox_api::dto::{Changed, Push, SessionView, Settings, Snapshot, Theme, Told, ToldWhat};
use nox_domain::{
    At,
    event::Closed,
    ids::{RequestId, SessionId},
    rows::{RequestRow, RequestState, SessionRow, SessionState},
    tool::Risk,
    words::{Status, Words},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Sessions that the tray lists.
const RECENT: usize = 5;
/// Sessions that are over and remembered, so that the list stays full when one is deleted.
const REMEMBERED: usize = 50;

/// What is to be done in the desktop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Show a notification.
    Notify(Notice),
    /// Take one away.
    Withdraw(String),
    /// Draw the native parts so.
    Theme(Theme),
}

/// Whether somebody looks at the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gaze {
    /// The window has the focus.
    Here,
    /// It has not.
    Elsewhere,
}

/// One session as the tray sees it.
#[derive(Debug, Clone)]
struct Seen {
    title: String,
    word: &'static str,
    standing: Standing,
    opened_at: At,
}

/// What a session adds to the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Works,
    Waits,
    Over,
}

/// The picture of what runs.
#[derive(Debug)]
pub(crate) struct Outlook {
    /// Changes up to here are in it.
    seq: u64,
    filled: bool,
    sessions: HashMap<SessionId, Seen>,
    requests: BTreeMap<RequestId, (At, TrayRequest)>,
    failed_unseen: HashSet<SessionId>,
    notifications: bool,
    theme: Theme,
    gaze: Gaze,
}

impl Outlook {
    /// Knows nothing yet.
    pub(crate) fn new(gaze: Gaze) -> Self {
        Self {
            seq: 0,
            filled: false,
            sessions: HashMap::new(),
            requests: BTreeMap::new(),
            failed_unseen: HashSet::new(),
            notifications: true,
            theme: Theme::System,
            gaze,
        }
    }

    /// Begins with a snapshot, or begins again after a gap: then what was missed is told now.
    pub(crate) fn fill(&mut self, snapshot: Snapshot) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.seq = snapshot.cursor.seq.0;
        effects.extend(self.settings(&snapshot.settings));
        let asked_before: HashSet<RequestId> = self.requests.keys().cloned().collect();
        let live_before: HashSet<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, seen)| seen.standing != Standing::Over)
            .map(|(id, _)| id.clone())
            .collect();
        self.requests.clear();
        self.sessions.clear();
        for row in &snapshot.requests {
            self.request(row);
            let is_new = row.state == RequestState::Open && !asked_before.contains(&row.request.id);
            if self.filled && is_new {
                effects.extend(self.told(&asked(row)));
            }
        }
        let gone = asked_before.iter().filter(|id| !self.requests.contains_key(*id));
        effects.extend(gone.map(|id| Effect::Withdraw(id.to_string())));
        for view in &snapshot.sessions {
            self.session(view);
            if live_before.contains(&view.row.id) {
                effects.extend(closed(&view.row).and_then(|told| self.told(&told)));
            }
        }
        self.failed_unseen.retain(|id| self.sessions.contains_key(id));
        self.filled = true;
        effects
    }

    /// Takes a push in. A gap is the caller's: it fills anew.
    pub(crate) fn take(&mut self, push: Push) -> Vec<Effect> {
        match push {
            Push::Changed { seq, rows, .. } if seq.0 > self.seq => {
                self.seq = seq.0;
                rows.iter().filter_map(|row| self.changed(row)).collect()
            }
            Push::Told(told) => self.told(&told).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Somebody looks at the window, or no longer does. What failed before was seen.
    pub(crate) fn looks(&mut self, gaze: Gaze) {
        self.gaze = gaze;
        if gaze == Gaze::Here {
            self.failed_unseen.clear();
        }
    }

    /// What the tray says now.
    pub(crate) fn tray(&self) -> TrayModel {
        let count = |standing| self.sessions.values().filter(|seen| seen.standing == standing).count() as u32;
        let (running, waiting) = (count(Standing::Works), count(Standing::Waits));
        let failed = self.failed_unseen.len() as u32;
        let mut requests: Vec<&(At, TrayRequest)> = self.requests.values().collect();
        requests.sort_by_key(|(asked_at, _)| *asked_at);
        TrayModel {
            status: TrayStatus::worst(failed, waiting, running),
            running,
            waiting,
            failed,
            requests: requests.into_iter().map(|(_, request)| request.clone()).collect(),
            recent: self.newest(|_| true).take(RECENT).map(|(id, seen)| entry(id, seen)).collect(),
        }
    }

    fn newest(&self, wanted: impl Fn(&Seen) -> bool) -> impl Iterator<Item = (&SessionId, &Seen)> {
        let mut all: Vec<_> = self.sessions.iter().filter(|(_, seen)| wanted(seen)).collect();
        all.sort_by(|a, b| (b.1.opened_at, b.0).cmp(&(a.1.opened_at, a.0)));
        all.into_iter()
    }

    fn changed(&mut self, row: &Changed) -> Option<Effect> {
        match row {
            Changed::Session(view) => {
                self.session(view);
                self.forget_old();
                None
            }
            Changed::Request(row) => {
                self.request(row);
                None
            }
            Changed::Settings(settings) => self.settings(settings),
            Changed::Gone(gone) => {
                self.sessions.retain(|id, _| id.as_str() != gone.id);
                self.failed_unseen.retain(|id| id.as_str() != gone.id);
                self.requests.retain(|id, _| id.as_str() != gone.id);
                None
            }
            Changed::Card(_)
            | Changed::Item(_)
            | Changed::Controls(_)
            | Changed::Agent(_)
            | Changed::Project(_)
            | Changed::Problem(_) => None,
        }
    }

    fn session(&mut self, view: &SessionView) {
        let row = &view.row;
        if row.deleted {
            self.sessions.remove(&row.id);
            self.failed_unseen.remove(&row.id);
            return;
        }
        if !matches!(row.state, SessionState::Closed { how: Closed::Failed, .. }) {
            self.failed_unseen.remove(&row.id);
        }
        let standing = match &row.state {
            state if state.is_closed() => Standing::Over,
            state if state.needs_person() => Standing::Waits,
            _ => Standing::Works,
        };
        let seen = Seen {
            title: title(&row.agent_name, &row.title),
            word: word(&view.status),
            standing,
            opened_at: row.opened_at,
        };
        self.sessions.insert(row.id.clone(), seen);
    }

    fn forget_old(&mut self) {
        if self.sessions.len() <= 2 * REMEMBERED {
            return;
        }
        let over = |seen: &Seen| seen.standing == Standing::Over;
        let old: Vec<SessionId> = self.newest(over).skip(REMEMBERED).map(|(id, _)| id.clone()).collect();
        for id in old {
            self.sessions.remove(&id);
        }
    }

    fn request(&mut self, row: &RequestRow) {
        let id = &row.request.id;
        if row.state != RequestState::Open {
            self.requests.remove(id);
            return;
        }
        let request = TrayRequest {
            request: id.to_string(),
            session: row.session.to_string(),
            title: title(&row.agent_name, row.request.call.gist()),
            answerable: answerable(is_quick(row), row.request.call.is_question()),
        };
        self.requests.insert(id.clone(), (row.request.asked_at, request));
    }

    fn settings(&mut self, settings: &Settings) -> Option<Effect> {
        self.notifications = settings.notifications;
        let before = std::mem::replace(&mut self.theme, settings.theme);
        (before != settings.theme).then_some(Effect::Theme(settings.theme))
    }

    fn told(&mut self, told: &Told) -> Option<Effect> {
        if let ToldWhat::Closed { how: Closed::Failed, .. } = &told.what
            && self.gaze == Gaze::Elsewhere
        {
            self.failed_unseen.insert(told.session.clone());
        }
        if let ToldWhat::Settled { request } = &told.what {
            return Some(Effect::Withdraw(request.to_string()));
        }
        notice(told).filter(|_| self.notifications).map(Effect::Notify)
    }
}

fn title(agent_name: &str, what: &str) -> String {
    format!("{agent_name}: {}", what.trim())
}

fn entry(id: &SessionId, seen: &Seen) -> TraySession {
    TraySession { session: id.to_string(), title: seen.title.clone(), status: seen.word.to_owned() }
}

/// Only what is not dangerous may be allowed without being looked at.
fn is_quick(row: &RequestRow) -> bool {
    row.request.risk < Risk::High && !row.request.call.is_question()
}

fn answerable(quick: bool, question: bool) -> Answerable {
    match (question, quick) {
        (true, _) => Answerable::Question,
        (false, true) => Answerable::AllowOrDeny,
        (false, false) => Answerable::DenyOnly,
    }
}

/// The word for a status in the tray's menu; the page has its own, longer ones.
fn word(status: &Status) -> &'static str {
    match &status.words {
        Words::Queued { .. } => "Queued",
        Words::Restarting { .. } => "Restarting",
        Words::SessionPaused { .. } => "Paused",
        Words::Stalled { .. } => "Silent",
        Words::Idle => "Idle",
        Words::Hibernated => "Asleep",
        Words::Starting => "Starting",
        Words::Running { .. } => "Running",
        Words::Approval { question: true, .. } => "Asks you",
        Words::Approval { .. } => "Needs approval",
        Words::RateLimited { .. } => "Waits for its limit",
        Words::UnknownOutcome { .. } => "Outcome unknown",
        Words::Lost { .. } => "Lost",
        Words::Stopping => "Stopping",
        Words::Stopped { .. } => "Stopped",
        Words::Failed { .. } => "Failed",
        Words::Review => "Review",
        Words::Done => "Done",
        Words::Cancelled => "Cancelled",
        Words::Backlog | Words::Todo | Words::Blocked { .. } | Words::NotStarted { .. } | Words::ByHand => {
            "Not started"
        }
    }
}

/// What is told about a request that was found open after a gap.
fn asked(row: &RequestRow) -> Told {
    Told {
        session: row.session.clone(),
        task: row.task.clone(),
        agent_name: row.agent_name.clone(),
        title: row.title.clone(),
        what: ToldWhat::Asked {
            request: row.request.id.clone(),
            text: row.request.call.gist().to_owned(),
            question: row.request.call.is_question(),
            quick: is_quick(row),
        },
    }
}

/// What is told about a session that was found closed after a gap.
fn closed(row: &SessionRow) -> Option<Told> {
    let SessionState::Closed { how, .. } = &row.state else { return None };
    let what = ToldWhat::Closed {
        how: *how,
        done: row.progress.map(|progress| progress.done),
        of: row.progress.map(|progress| progress.of),
        problem: None,
        review: row.review,
    };
    Some(Told {
        session: row.id.clone(),
        task: row.task.clone(),
        agent_name: row.agent_name.clone(),
        title: row.title.clone(),
        what,
    })
}

/// The notification for what is told, if it is worth one.
fn notice(told: &Told) -> Option<Notice> {
    let session = told.session.to_string();
    let (key, body, urgency, about) = match &told.what {
        ToldWhat::Asked { request, text, question, quick } => (
            request.to_string(),
            format!("{}: {text}", if *question { "asks you" } else { "needs approval" }),
            Urgency::Normal,
            About::Request { request: request.to_string(), answerable: answerable(*quick, *question) },
        ),
        ToldWhat::Closed { how: Closed::Finished, done, of, .. } => {
            let blocks = |of: &u32| if *of == 1 { "block" } else { "blocks" };
            let body = match (done, of) {
                (Some(done), Some(of)) => format!("finished: {done} of {of} {}", blocks(of)),
                _ => "finished".into(),
            };
            (session.clone(), body, Urgency::Low, About::Session)
        }
        ToldWhat::Closed { how: Closed::Failed, problem, .. } => {
            let body = problem.as_ref().map_or("failed".into(), |problem| format!("failed: {problem}"));
            (session.clone(), body, Urgency::Normal, About::Session)
        }
        ToldWhat::Waits { why } => {
            (session.clone(), format!("needs you: {why}"), Urgency::Normal, About::Session)
        }
        // Somebody stopped it, or answered: they know.
        ToldWhat::Closed { how: Closed::Stopped, .. }
        | ToldWhat::Settled { .. }
        | ToldWhat::NotStarted { .. } => return None,
    };
    Some(Notice { key, title: title(&told.agent_name, &told.title), body, urgency, about, session })
}

#[cfg(test)]
mod tests;
