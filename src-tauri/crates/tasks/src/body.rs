//! The Markdown below the front matter: where its title stands and where its text begins.
//!
//! The title is the first line with text, if that is a heading `# …`; else the key `title`; else the first heading of
//! that kind outside code blocks; else the file's name. Only a title of the first kind is no part of the body.

use crate::front::Lines;
use std::ops::Range;

/// Where the parts of the Markdown are, in bytes of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Markdown {
    /// The text of a heading that the Markdown begins with.
    pub(crate) heading: Option<Range<usize>>,
    /// The text of a heading further down.
    pub(crate) later_heading: Option<Range<usize>>,
    /// The body, without blank lines in front and blanks at its end; empty at the place where it would be written.
    pub(crate) body: Range<usize>,
}

impl Markdown {
    pub(crate) fn read(text: &str, from: usize) -> Self {
        let mut heading = None;
        let mut body_start = None;
        // Where a body would be written: behind the heading, or at the very start.
        let mut empty_at = from;
        for line in (Lines { text, at: from, number: 0 }) {
            let content = line.content(text);
            if content.trim().is_empty() {
                continue;
            }
            if heading.is_none()
                && let Some(inner) = heading_text(content)
            {
                heading = Some(line.start + inner.start..line.start + inner.end);
                empty_at = line.end;
                continue;
            }
            body_start = Some(line.start);
            break;
        }
        let body = match body_start {
            Some(start) => start..start + text[start..].trim_end().len(),
            None => empty_at..empty_at,
        };
        let later_heading = if heading.is_none() { first_heading(text, from) } else { None };
        Self { heading, later_heading, body }
    }
}

/// The text of a line `# …`, in bytes of the line; none if it is no such heading or says nothing.
fn heading_text(line: &str) -> Option<Range<usize>> {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let rest = line[indent..].strip_prefix('#')?;
    if indent > 3 || !rest.starts_with([' ', '\t']) || normal_title(rest).is_empty() {
        return None;
    }
    let start = line.len() - rest.trim_start().len();
    Some(start..line.trim_end().len())
}

/// Finds the first heading outside fenced code blocks.
fn first_heading(text: &str, from: usize) -> Option<Range<usize>> {
    let mut fence: Option<(char, usize)> = None;
    for line in (Lines { text, at: from, number: 0 }) {
        let content = line.content(text);
        let trimmed = content.trim_start_matches(' ');
        let mark = trimmed.chars().next().filter(|c| matches!(c, '`' | '~'));
        let run = mark.map_or(0, |mark| trimmed.chars().take_while(|c| *c == mark).count());
        match (fence, mark) {
            (None, Some(mark)) if run >= 3 => fence = Some((mark, run)),
            (Some((open, length)), Some(mark))
                if mark == open && run >= length && trimmed[run..].trim().is_empty() =>
            {
                fence = None;
            }
            (None, _) => {
                if let Some(inner) = heading_text(content) {
                    return Some(line.start + inner.start..line.start + inner.end);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether the Markdown begins with a heading that would be read as the title.
pub(crate) fn begins_with_heading(body: &str) -> bool {
    body.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| heading_text(line).is_some())
}

/// The title as a file can hold it: one line, single blanks between words.
pub fn normal_title(title: &str) -> String {
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The body as a file can hold it: `\n` as line end, no blank lines in front, nothing blank at its end.
///
/// A patch should be normalised with this before it becomes an event, so that the file says later what the event said.
pub fn normal_body(body: &str) -> String {
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let start =
        body.split_inclusive('\n').take_while(|line| line.trim().is_empty()).map(str::len).sum::<usize>();
    body[start..].trim_end().to_owned()
}
