//! Makes the problems that people read: where, what, what to do, and the lines around it.

use nox_domain::rows::{ExcerptLine, FileProblem};

/// Longest shown part of a line, in characters.
const SHOWN_CHARS: usize = 200;

/// What is wrong, before the file's name and the lines around it are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: u32,
    pub(crate) column: Option<u32>,
    pub(crate) field: Option<String>,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Fault {
    pub(crate) fn new(
        line: u32,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { line, column: None, field: None, code, message: message.into(), hint: hint.into() }
    }

    pub(crate) fn at(mut self, column: u32) -> Self {
        self.column = Some(column);
        self
    }

    pub(crate) fn of(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    pub(crate) fn into_problem(self, path: &str, text: &str) -> Box<FileProblem> {
        Box::new(FileProblem {
            path: path.to_owned(),
            line: self.line,
            column: self.column,
            field: self.field,
            code: self.code.to_owned(),
            message: self.message,
            hint: self.hint,
            excerpt: excerpt(text, self.line),
        })
    }
}

/// The line and its neighbours, without control characters and not endlessly long.
fn excerpt(text: &str, line: u32) -> Vec<ExcerptLine> {
    let first = line.saturating_sub(1).max(1);
    text.lines()
        .enumerate()
        .skip(first as usize - 1)
        .take((line + 2 - first) as usize)
        .map(|(index, text)| ExcerptLine {
            number: u32::try_from(index + 1).unwrap_or(u32::MAX),
            text: text
                .chars()
                .take(SHOWN_CHARS)
                .map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c })
                .collect(),
        })
        .collect()
}
