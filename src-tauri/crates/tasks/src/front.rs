//! The front matter as lines: which bytes belong to which key, and what the value says.
//!
//! Unknown keys are never read, only kept; known keys are read strictly. Lists stand either in brackets on the key's
//! line or as `- item` lines below it.

use crate::problem::Fault;
use std::ops::Range;

/// The keys that Nox reads, in the order in which it writes them.
pub(crate) const KEYS: &[&str] = &[
    "schema",
    "id",
    "title",
    "status",
    "priority",
    "agent",
    "project",
    "deadline",
    "depends_on",
    "tags",
    "attachments",
    "rank",
    "created",
];

/// The known keys that hold lists.
const LISTS: &[&str] = &["depends_on", "tags", "attachments"];

/// The byte order mark that some editors write.
pub(crate) const BOM: char = '\u{feff}';

/// Where the parts of a file are, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The line end that the file's first line has.
    pub(crate) eol: &'static str,
    /// After the byte order mark, if there is one.
    pub(crate) start: usize,
    /// The lines between the two `---`, none if the file has no front matter.
    pub(crate) front: Option<Range<usize>>,
    /// The keys, in the order of the file.
    pub(crate) entries: Vec<Entry>,
    /// Where the Markdown begins.
    pub(crate) body_start: usize,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Its lines with their line ends.
    pub(crate) span: Range<usize>,
    /// From 1.
    pub(crate) line: u32,
    /// The part that an edit replaces: the value on the key's line, without a comment behind it.
    pub(crate) value_span: Range<usize>,
    /// The `- item` lines, if there are any.
    pub(crate) items_span: Option<Range<usize>>,
    pub(crate) value: Value,
}

/// What a value says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Empty,
    Scalar(Text),
    List(Vec<Text>),
    /// The value of an unknown key, which is nobody's business.
    Unread,
}

/// A scalar and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) line: u32,
    /// In characters, from 1.
    pub(crate) column: u32,
    pub(crate) quoted: bool,
}

/// Two scalars are the same when they say the same; where they stand does not matter.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl Eq for Text {}

impl Layout {
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Finds the parts of a file and reads the known keys.
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        let start = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
        let eol = match text.find('\n') {
            Some(at) if text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        };
        let mut layout = Self { eol, start, front: None, entries: Vec::new(), body_start: start };
        let mut lines = Lines { text, at: start, number: 0 };
        let Some(first) = lines.next() else { return Ok(layout) };
        if first.content(text).trim_end() != "---" {
            return Ok(layout);
        }
        let open_end = first.end;
        let mut inner = Vec::new();
        let Some(close) = lines.find(|line| {
            let closes = line.content(text).trim_end() == "---";
            if !closes {
                inner.push(line.clone());
            }
            closes
        }) else {
            // A lone `---` may be a rule of Markdown; with a key below it, it was meant as front matter.
            return match inner.first() {
                Some(line) if split_key(line.content(text)).is_some() => Err(Fault::new(
                    1,
                    "front_matter_open",
                    "The front matter that begins here has no end.",
                    "Write a line with three hyphens, ---, below the last key.",
                )),
                _ => Ok(layout),
            };
        };
        layout.front = Some(open_end..close.start);
        layout.body_start = close.end;
        layout.entries = read_entries(text, &inner)?;
        Ok(layout)
    }
}

/// A line of a text: its bytes with and without the line end.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) start: usize,
    pub(crate) content_end: usize,
    pub(crate) end: usize,
    pub(crate) number: u32,
}

impl Line {
    pub(crate) fn content<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.content_end]
    }
}

/// Goes through the lines of a text; knows `\n` and `\r\n`.
pub(crate) struct Lines<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
    pub(crate) number: u32,
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return None;
        }
        let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let whole = &rest[..length];
        let content = whole.strip_suffix('\n').unwrap_or(whole);
        let content =
            if content.len() < whole.len() { content.strip_suffix('\r').unwrap_or(content) } else { content };
        self.number += 1;
        let line = Line {
            start: self.at,
            content_end: self.at + content.len(),
            end: self.at + length,
            number: self.number,
        };
        self.at = line.end;
        Some(line)
    }
}

/// The key and the byte behind its colon, if the line is `key:` or `key: …`.
fn split_key(line: &str) -> Option<(&str, usize)> {
    let colon = line.find(':')?;
    let key = &line[..colon];
    let fits = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let spaced = line[colon + 1..].is_empty() || line[colon + 1..].starts_with([' ', '\t']);
    (fits && spaced).then_some((key, colon + 1))
}

fn read_entries(text: &str, lines: &[Line]) -> Result<Vec<Entry>, Fault> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in lines {
        let content = line.content(text);
        let trimmed = content.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let is_item = trimmed == "-" || trimmed.starts_with("- ");
        if content.starts_with([' ', '\t']) || is_item {
            let Some(entry) = entries.last_mut() else {
                return Err(not_a_key(line, trimmed));
            };
            continue_entry(text, entry, line, is_item)?;
            continue;
        }
        let Some((key, after)) = split_key(content) else { return Err(not_a_key(line, trimmed)) };
        if KEYS.contains(&key)
            && let Some(first) = entries.iter().find(|entry| entry.key == key)
        {
            return Err(Fault::new(
                line.number,
                "key_twice",
                format!("`{key}` stands here a second time; line {} has it already.", first.line),
                "Keep one of the two lines.",
            )
            .of(key));
        }
        let mut entry = Entry {
            key: key.to_owned(),
            span: line.start..line.end,
            line: line.number,
            value_span: line.start + after..line.start + after,
            items_span: None,
            value: Value::Unread,
        };
        if KEYS.contains(&key) {
            let mut reader =
                Reader { line: content, at: after, number: line.number, is_list: LISTS.contains(&key) };
            let (value, span) = reader.value().map_err(|fault| fault.of(key))?;
            entry.value = value;
            entry.value_span = line.start + span.start..line.start + span.end;
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Adds an indented line or an item to the key above it.
fn continue_entry(text: &str, entry: &mut Entry, line: &Line, is_item: bool) -> Result<(), Fault> {
    let content = line.content(text);
    if entry.value == Value::Unread {
        entry.span.end = line.end;
        return Ok(());
    }
    let list_goes_on = match &entry.value {
        Value::Empty => entry.value_span.is_empty(),
        Value::List(_) => entry.items_span.is_some(),
        _ => false,
    };
    if !is_item || !list_goes_on || !LISTS.contains(&entry.key.as_str()) {
        let hint = if LISTS.contains(&entry.key.as_str()) {
            "Write the list as [one, two] on the key's line, or as lines with a hyphen and a space below an empty key."
        } else {
            "Write the value on the key's own line."
        };
        return Err(Fault::new(
            line.number,
            "unexpected_indent",
            format!("This line does not belong to the value of `{}`.", entry.key),
            hint,
        )
        .of(&entry.key));
    }
    let dash = content.find('-').map_or(0, |at| at + 1);
    let mut reader = Reader { line: content, at: dash, number: line.number, is_list: false };
    let (value, _) = reader.value().map_err(|fault| fault.of(&entry.key))?;
    let mut items = match std::mem::replace(&mut entry.value, Value::Empty) {
        Value::List(items) => items,
        _ => Vec::new(),
    };
    if let Value::Scalar(item) = value {
        items.push(item);
    }
    entry.value = Value::List(items);
    let start = entry.items_span.as_ref().map_or(line.start, |span| span.start);
    entry.items_span = Some(start..line.end);
    entry.span.end = line.end;
    Ok(())
}

fn not_a_key(line: &Line, trimmed: &str) -> Fault {
    let message = if split_key(trimmed).is_none() && trimmed.contains(':') {
        "A key is letters, figures, _ and -, then a colon and a space."
    } else {
        "This line of the front matter is no `key: value`."
    };
    Fault::new(
        line.number,
        "not_a_key",
        message,
        "Write `key: value`, begin the line with # for a comment, or move the text below the closing ---.",
    )
}

/// Reads the value behind a key or a hyphen.
struct Reader<'a> {
    line: &'a str,
    at: usize,
    number: u32,
    is_list: bool,
}

impl Reader<'_> {
    fn column(&self) -> u32 {
        u32::try_from(self.line[..self.at].chars().count() + 1).unwrap_or(u32::MAX)
    }

    fn fault(&self, code: &'static str, message: &str, hint: &str) -> Fault {
        Fault::new(self.number, code, message, hint).at(self.column())
    }

    fn rest(&self) -> &str {
        &self.line[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    /// The value and its bytes in the line.
    fn value(&mut self) -> Result<(Value, Range<usize>), Fault> {
        let after_key = self.at;
        self.skip_blanks();
        let start = self.at;
        let rest = self.rest();
        if rest.is_empty() || rest.starts_with('#') {
            return Ok((Value::Empty, after_key..after_key));
        }
        if rest.starts_with('[') {
            if !self.is_list {
                return Err(self.fault(
                    "list_not_wanted",
                    "One value belongs here, not a list.",
                    "Remove the brackets.",
                ));
            }
            let items = self.flow_list()?;
            let end = self.at;
            self.end_of_value()?;
            return Ok((Value::List(items), start..end));
        }
        let text = self.scalar(false)?;
        let end = self.at;
        self.end_of_value()?;
        if !text.quoted && matches!(text.text.as_str(), "~" | "null") {
            return Ok((Value::Empty, start..end));
        }
        if self.is_list {
            // `tags: a, b` is what people write in a hurry.
            let items = if text.quoted {
                vec![text]
            } else {
                let parts = text.text.split(',').map(str::trim).filter(|part| !part.is_empty());
                parts.map(|part| Text { text: part.to_owned(), ..text.clone() }).collect()
            };
            return Ok((Value::List(items), start..end));
        }
        Ok((Value::Scalar(text), start..end))
    }

    /// Nothing but blanks and a comment may follow.
    fn end_of_value(&mut self) -> Result<(), Fault> {
        let before = self.at;
        self.skip_blanks();
        let rest = self.rest();
        if rest.is_empty() || (rest.starts_with('#') && self.at > before) {
            return Ok(());
        }
        Err(self.fault(
            "text_behind_value",
            "There is text behind the end of the value.",
            "Put the whole value in quotes, or begin a comment with a space and #.",
        ))
    }

    fn scalar(&mut self, in_list: bool) -> Result<Text, Fault> {
        let (line, column) = (self.number, self.column());
        let (text, quoted) = match self.rest().chars().next() {
            Some('"') => (self.double_quoted()?, true),
            Some('\'') => (self.single_quoted()?, true),
            Some('&' | '*' | '!' | '|' | '>' | '%' | '@' | '`' | '{' | '}' | ']') => {
                return Err(self.fault(
                    "needs_quotes",
                    "A value that begins with this sign needs quotes.",
                    "Write it in quotes, as in \"…\".",
                ));
            }
            _ => (self.plain(in_list).to_owned(), false),
        };
        Ok(Text { text, line, column, quoted })
    }

    fn plain(&mut self, in_list: bool) -> &str {
        let start = self.at;
        let rest = &self.line[start..];
        let mut end = rest.len();
        let mut blank_before = true;
        for (at, c) in rest.char_indices() {
            if (c == '#' && blank_before) || (in_list && matches!(c, ',' | ']')) {
                end = at;
                break;
            }
            blank_before = matches!(c, ' ' | '\t');
        }
        let text = rest[..end].trim_end();
        self.at = start + text.len();
        &self.line[start..start + text.len()]
    }

    fn single_quoted(&mut self) -> Result<String, Fault> {
        let open = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let Some(end) = self.rest().find('\'') else {
                self.at = open;
                return Err(self.quote_open());
            };
            text.push_str(&self.rest()[..end]);
            self.at += end + 1;
            if self.rest().starts_with('\'') {
                text.push('\'');
                self.at += 1;
            } else {
                return Ok(text);
            }
        }
    }

    fn double_quoted(&mut self) -> Result<String, Fault> {
        let open = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let Some(c) = self.rest().chars().next() else {
                self.at = open;
                return Err(self.quote_open());
            };
            let before = self.at;
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(text),
                '\\' => match self.escape() {
                    Some(c) => text.push(c),
                    None => {
                        self.at = before;
                        return Err(self.fault(
                            "unknown_escape",
                            "This backslash begins nothing that is known.",
                            "Write \\\\ for a backslash, \\\" for a quote, \\n for a new line, or use single quotes.",
                        ));
                    }
                },
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        let figures = match c {
            'n' => return Some('\n'),
            't' => return Some('\t'),
            'r' => return Some('\r'),
            '0' => return Some('\0'),
            '"' | '\\' | '/' => return Some(c),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        let hex = self.rest().get(..figures)?;
        if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let c = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
        self.at += figures;
        Some(c)
    }

    fn quote_open(&self) -> Fault {
        self.fault("quote_open", "This quote has no end on its line.", "Close the quote on the same line.")
    }

    fn flow_list(&mut self) -> Result<Vec<Text>, Fault> {
        let open = self.at;
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_blanks();
            match self.rest().chars().next() {
                Some(']') => {
                    self.at += 1;
                    return Ok(items);
                }
                Some(',') => self.at += 1,
                None | Some('#') => {
                    self.at = open;
                    return Err(self.fault(
                        "list_open",
                        "This list has no end on its line.",
                        "Close it with ] on the same line, or write each item on a line of its own as `- item`.",
                    ));
                }
                Some('[') => {
                    return Err(self.fault(
                        "list_in_list",
                        "A list in a list has no meaning here.",
                        "Remove the inner brackets.",
                    ));
                }
                Some(_) => {
                    items.push(self.scalar(true)?);
                    self.skip_blanks();
                    if !self.rest().is_empty() && !self.rest().starts_with([',', ']', '#']) {
                        return Err(self.fault(
                            "text_behind_value",
                            "There is text behind the end of an item.",
                            "Separate items with commas, and put items with commas in quotes.",
                        ));
                    }
                }
            }
        }
    }
}

/// Whether a scalar is written as it is or in double quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind a key or a hyphen.
    Line,
    /// Between brackets.
    Brackets,
}

/// The text as a scalar, in quotes where a reader of YAML could take it for something else.
pub(crate) fn write_scalar(text: &str, place: Place) -> String {
    let special_start = text.starts_with([
        '&', '*', '!', '|', '>', '%', '@', '`', '{', '}', '[', ']', ',', '#', '"', '\'', '-', '?', ':', '=',
        '<',
    ]);
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "" | "~" | "null" | "true" | "false" | "yes" | "no" | "on" | "off"
    );
    let inside = text.contains(" #")
        || text.contains("\t#")
        || text.contains(": ")
        || text.ends_with(':')
        || text.chars().any(|c| c.is_control() || c == BOM)
        || (place == Place::Brackets && text.contains([',', '[', ']', '{', '}']))
        || text.trim() != text;
    if !(special_start || word || inside) {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() || c == BOM => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
