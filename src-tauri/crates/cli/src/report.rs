//! What `nox run` shows: for people, or one JSON object per line.

use crate::{failure::Failure, follow::Seen, out};
use nox_api::{
    domain::tool::{CallEnd, ToolCall},
    dto::{Changed, OutputPiece, OutputStream, Push, Told},
    problem_in_words,
};
use nox_domain::{
    Size,
    event::Closed,
    ids::{CommandId, ItemId, SessionId, TaskId},
    rows::{Item, ItemBody, Progress, SessionRow, SessionState},
    transcript::StepStatus,
};
use serde::Serialize;
use std::io::IsTerminal;

/// How `nox run` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Finished,
    Failed,
    Stopped,
    NeedsApproval,
    /// The end of the session was not seen from here.
    Unknown,
    /// It never began.
    Error,
}

impl Status {
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Finished => 0,
            Self::Failed | Self::Stopped | Self::Unknown | Self::Error => crate::failure::FAILED,
            Self::NeedsApproval => crate::failure::NEEDS_APPROVAL,
        }
    }

    /// Of a session that is over, or whose agent has done what was asked and waits for more.
    pub(crate) fn of(row: &SessionRow) -> Option<Self> {
        match &row.state {
            SessionState::Idle { problem } | SessionState::Hibernated { problem } => {
                Some(if problem.is_some() { Self::Failed } else { Self::Finished })
            }
            SessionState::Closed { how: Closed::Finished, .. } => Some(Self::Finished),
            SessionState::Closed { how: Closed::Failed, .. } => Some(Self::Failed),
            SessionState::Closed { how: Closed::Stopped, .. } => Some(Self::Stopped),
            _ => None,
        }
    }
}

/// Shows what is seen.
pub(crate) enum Report {
    People(People),
    Json,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        if json {
            return Self::Json;
        }
        Self::People(People { at_line_start: true, colours_open: false, progress: None })
    }

    /// Shows one thing.
    pub(crate) fn show(&mut self, seen: &Seen, session: &SessionId) {
        match (self, seen) {
            (Self::People(people), seen) => people.show(seen),
            (Self::Json, Seen::Push(Push::Changed { seq, command, rows })) => {
                Line::Changed { seq, command, rows }.print();
            }
            (Self::Json, Seen::Push(Push::Told(told))) => Line::Told(told).print(),
            (Self::Json, Seen::Output { item, pieces, .. }) => Line::Output { session, item, pieces }.print(),
            (Self::Json, Seen::Push(_) | Seen::Began(_) | Seen::Ended(_)) => {}
        }
    }

    /// Knows the session's row, for numbers of blocks.
    pub(crate) fn know(&mut self, row: Option<&SessionRow>) {
        if let (Self::People(people), Some(row)) = (self, row) {
            people.progress = row.progress.or(people.progress);
        }
    }

    /// Says something of Nox itself.
    pub(crate) fn say(&mut self, text: &str) {
        if let Self::People(people) = self {
            people.fresh_line();
        }
        out::say(text);
    }

    /// Shows the end.
    pub(crate) fn result(
        &mut self,
        status: Status,
        session: &SessionId,
        task: &TaskId,
        row: Option<&SessionRow>,
    ) {
        match self {
            Self::Json => Line::Result {
                status,
                session_id: Some(session),
                task_id: Some(task),
                exit_code: status.exit_code(),
                message: None,
                hint: None,
            }
            .print(),
            Self::People(people) => {
                people.fresh_line();
                if let Some(text) = ending(status, row) {
                    out::say(&text);
                }
            }
        }
    }
}

fn ending(status: Status, row: Option<&SessionRow>) -> Option<String> {
    let problem = row.and_then(|row| match &row.state {
        SessionState::Closed { problem, .. }
        | SessionState::Idle { problem }
        | SessionState::Hibernated { problem } => problem.as_ref().map(problem_in_words),
        _ => None,
    });
    let why = |word: &str| match &problem {
        Some(problem) if problem != word => format!("{word}: {problem}"),
        _ => word.to_owned(),
    };
    match status {
        Status::Finished => Some("✓ finished".into()),
        Status::Failed => Some(format!("✗ {}", why("failed"))),
        Status::Stopped => Some(format!("✗ {}", why("stopped"))),
        // They were explained when they came.
        Status::NeedsApproval | Status::Unknown | Status::Error => None,
    }
}

/// A line of the JSON form; its kind stands first.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Changed {
        seq: &'a Size,
        command: &'a Option<CommandId>,
        rows: &'a [Changed],
    },
    Output {
        session: &'a SessionId,
        item: &'a ItemId,
        pieces: &'a [OutputPiece],
    },
    Told(&'a Told),
    Result {
        status: Status,
        session_id: Option<&'a SessionId>,
        task_id: Option<&'a TaskId>,
        exit_code: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'a str>,
    },
}

impl Line<'_> {
    fn print(&self) {
        // Nothing in it can fail to become JSON.
        if let Ok(line) = serde_json::to_string(self) {
            out::print(&format!("{line}\n"));
        }
    }
}

/// The last line of a run that never began.
pub(crate) fn error_line(failure: &Failure, task: Option<&TaskId>) {
    Line::Result {
        status: Status::Error,
        session_id: None,
        task_id: task,
        exit_code: failure.exit_code,
        message: Some(&failure.message),
        hint: failure.hint.as_deref(),
    }
    .print();
}

/// The form for people.
pub(crate) struct People {
    at_line_start: bool,
    colours_open: bool,
    progress: Option<Progress>,
}

impl People {
    fn show(&mut self, seen: &Seen) {
        match seen {
            Seen::Began(item) => self.began(item),
            Seen::Output { pieces, clipped, .. } => self.output(pieces, *clipped),
            Seen::Ended(item) => self.ended(item),
            Seen::Push(_) => {}
        }
    }

    fn began(&mut self, item: &Item) {
        match &item.body {
            ItemBody::ToolCall { call, .. } => {
                self.fresh_line();
                out::say(&format!("▸ {}{}", self.number(call), out::one_line(&call.title)));
            }
            ItemBody::Message { text, images } => {
                self.fresh_line();
                if !text.is_empty() {
                    out::print(&format!("{}\n", out::visible(text)));
                }
                for image in images {
                    out::print(&format!("{}\n", out::visible(&image.line())));
                }
            }
            ItemBody::Note { text, .. } => {
                self.fresh_line();
                out::say(&format!("! {text}"));
            }
            ItemBody::Restart { number, problem, .. } => {
                self.fresh_line();
                let why = problem.as_ref().map(|problem| format!(": {}", nox_api::problem_in_words(problem)));
                out::say(&format!(
                    "! the run is started again, for the {number}. time{}",
                    out::one_line(&why.unwrap_or_default())
                ));
            }
            ItemBody::Limit { hit } => {
                self.fresh_line();
                out::say(&format!("! {}", nox_api::limit_in_words(hit)));
            }
            ItemBody::Plan { steps } => {
                self.fresh_line();
                for step in steps {
                    let mark = match step.status {
                        StepStatus::Pending => "○",
                        StepStatus::InProgress => "▸",
                        StepStatus::Completed => "✓",
                    };
                    out::say(&format!("{mark} {}", out::one_line(&step.text)));
                }
            }
            ItemBody::Switched { name, .. } => {
                self.fresh_line();
                out::say(&format!("· from here on: {}", out::one_line(name)));
            }
            ItemBody::RateLimit { until, problem } => {
                self.fresh_line();
                let rest = (until.0 - item.at.0).max(0) / 1000;
                let why = out::one_line(&problem_in_words(problem));
                out::say(&format!("! {why} It is asked again in {rest} s."));
            }
            // A text is shown when it is whole, and what an agent thinks is not.
            ItemBody::Prompt { .. }
            | ItemBody::Steered { .. }
            | ItemBody::Thought { .. }
            | ItemBody::Writing { .. } => {}
        }
    }

    /// A runbook's calls are numbered by their key.
    fn number(&self, call: &ToolCall) -> String {
        let index = call.key.strip_prefix("block:").and_then(|index| index.parse::<u32>().ok());
        match (index, self.progress) {
            (Some(index), Some(progress)) => format!("{index}/{} ", progress.of),
            (Some(index), None) => format!("{index} "),
            (None, _) => String::new(),
        }
    }

    fn output(&mut self, pieces: &[OutputPiece], clipped: bool) {
        if clipped {
            self.fresh_line();
            out::say("! output was left out here: there was too much to keep");
        }
        for piece in pieces.iter().filter(|piece| !piece.text.is_empty()) {
            match piece.stream {
                OutputStream::Stdout => out::print(&piece.text),
                OutputStream::Stderr => out::print_error(&piece.text),
            }
            self.at_line_start = piece.text.ends_with('\n');
            self.colours_open |= piece.text.contains('\u{1b}');
        }
    }

    fn ended(&mut self, item: &Item) {
        let ItemBody::ToolCall { call, started_at, ended_at, end: Some(end), .. } = &item.body else {
            return;
        };
        self.fresh_line();
        let took = match (started_at, ended_at) {
            (Some(from), Some(to)) => format!(" ({:.1} s)", (to.0 - from.0).max(0) as f64 / 1000.0),
            _ => String::new(),
        };
        let text = match end {
            CallEnd::Succeeded => format!("✓ done{took}"),
            CallEnd::Failed { problem: Some(problem), .. } => format!("✗ not started: {problem}"),
            CallEnd::Failed { timed_out: true, .. } => {
                let limit = call.timeout_seconds.map(|seconds| format!(" after {seconds} s"));
                format!("✗ ended: not ready{}", limit.unwrap_or_default())
            }
            CallEnd::Failed { signal: Some(signal), .. } => format!("✗ ended by signal {signal}{took}"),
            CallEnd::Failed { exit_code: Some(code), .. } => format!("✗ exit {code}{took}"),
            CallEnd::Failed { .. } => format!("✗ failed{took}"),
            CallEnd::Denied { reason: Some(reason) } => format!("✗ denied: {}", out::one_line(reason)),
            CallEnd::Denied { reason: None } => "✗ denied".into(),
            CallEnd::Cancelled => "✗ stopped".into(),
            CallEnd::Unknown => "? its end was not seen".into(),
            CallEnd::Skipped => "- skipped".into(),
        };
        out::say(&text);
    }

    /// What Nox says begins on a line of its own, in its own colour; standard output is left as the programs wrote it.
    fn fresh_line(&mut self) {
        if std::mem::take(&mut self.colours_open) && std::io::stderr().is_terminal() {
            out::print_error("\u{1b}[0m");
        }
        if !std::mem::replace(&mut self.at_line_start, true) {
            out::print_error("\n");
        }
    }
}
