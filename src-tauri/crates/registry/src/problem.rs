//! Makes the problems that people read, from a place in a text.

use crate::secret::masked;
use nox_domain::rows::{ExcerptLine, FileProblem};
use std::ops::Range;

/// Longest shown part of a line, in characters.
const SHOWN_CHARS: usize = 200;

/// Line and column, both from 1, of a byte in a text.
fn place(text: &str, at: usize) -> (u32, u32) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    // A fault at the very end belongs to the last line that has something on it.
    let before = if at == text.len() { text.trim_end() } else { &text[..at] };
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let number = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
    (number(before.matches('\n').count()), number(before[line_start..].chars().count()))
}

/// A text whose faults are being reported.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// A problem at a place of the text; without a place it is in the first line.
    pub(crate) fn problem(
        &self,
        span: Option<Range<usize>>,
        field: Option<&str>,
        code: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Box<FileProblem> {
        let (line, column) = match &span {
            Some(span) => {
                let (line, column) = place(self.text, span.start);
                (line, Some(column))
            }
            None => (1, None),
        };
        Box::new(FileProblem {
            path: self.path.to_owned(),
            line,
            column,
            field: field.map(str::to_owned),
            code: code.to_owned(),
            message: message.into(),
            hint: hint.into(),
            excerpt: self.excerpt(line),
        })
    }

    fn excerpt(&self, line: u32) -> Vec<ExcerptLine> {
        let first = line.saturating_sub(1).max(1);
        let numbered =
            self.text.lines().zip(1u32..).skip(first as usize - 1).take((line + 2 - first) as usize);
        let clean = |c: char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
        numbered
            .map(|(text, number)| ExcerptLine {
                number,
                text: masked(text).chars().take(SHOWN_CHARS).map(clean).collect(),
            })
            .collect()
    }
}

/// Some text in quotation marks, not endlessly long.
pub(crate) fn quoted(text: &str) -> String {
    format!("“{}”", text.chars().take(40).collect::<String>())
}
