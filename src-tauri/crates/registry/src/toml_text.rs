//! TOML with places: reads values with words for people, and changes values without touching the rest.

use crate::{
    SCHEMA,
    problem::{Source, quoted},
};
use nox_domain::rows::FileProblem;
use std::ops::Range;
use toml_edit::{Document, DocumentMut, Item, TableLike, Value};

/// The outcome of reading something from a file.
pub(crate) type Read<T> = Result<T, Box<FileProblem>>;

/// Parses a file; the error has the place that the parser found.
pub(crate) fn parse<'a>(source: Source<'a>) -> Read<Document<&'a str>> {
    Document::parse(source.text).map_err(|error| {
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        source.problem(
            error.span(),
            None,
            "bad_toml",
            format!("This is no TOML: {message}."),
            "Correct the line; text values stand in double quotes, as in name = \"Builder\".",
        )
    })
}

/// A table of a file and its name, for messages.
pub(crate) struct Fields<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) table: &'a dyn TableLike,
    /// `limits.` for a table in the root table.
    pub(crate) prefix: &'a str,
}

impl<'a> Fields<'a> {
    pub(crate) fn name_of(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(crate) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.table.get_key_value(key).and_then(|(key, _)| key.span())
    }

    /// A problem with the value of a key.
    pub(crate) fn fault(
        &self,
        key: &str,
        code: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Box<FileProblem> {
        let span = self.table.get(key).and_then(Item::span).or_else(|| self.key_span(key));
        self.source.problem(span, Some(&self.name_of(key)), code, message, hint)
    }

    fn wrong_type(&self, key: &str, item: &Item, wanted: &str, example: &str) -> Box<FileProblem> {
        let message = format!("`{}` must be {wanted}, not {}.", self.name_of(key), kind_of(item));
        self.fault(key, "wrong_type", message, format!("Write {example}."))
    }

    pub(crate) fn text(&self, key: &str) -> Read<Option<&'a str>> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        let example = format!("{key} = \"…\"");
        item.as_str().map(Some).ok_or_else(|| self.wrong_type(key, item, "text in quotes", &example))
    }

    pub(crate) fn switch(&self, key: &str) -> Read<Option<bool>> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        let example = format!("{key} = true or {key} = false");
        item.as_bool().map(Some).ok_or_else(|| self.wrong_type(key, item, "true or false", &example))
    }

    pub(crate) fn count(&self, key: &str) -> Read<Option<u32>> {
        self.count_from(1, key)
    }

    /// A number that may be no smaller than `least`.
    pub(crate) fn count_from(&self, least: u32, key: &str) -> Read<Option<u32>> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        let example = format!("{key} = 4");
        let Some(number) = item.as_integer() else {
            return Err(self.wrong_type(key, item, "a whole number", &example));
        };
        match u32::try_from(number) {
            Ok(number) if number >= least => Ok(Some(number)),
            _ => Err(self.fault(
                key,
                "out_of_range",
                format!("`{}` must be between {least} and {}.", self.name_of(key), u32::MAX),
                format!("Write {example}, or remove the line for no limit."),
            )),
        }
    }

    pub(crate) fn texts(&self, key: &str) -> Read<Option<Vec<String>>> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        let example = format!("{key} = [\"one\", \"two\"]");
        let Some(array) = item.as_array() else {
            return Err(self.wrong_type(key, item, "a list of texts", &example));
        };
        let texts = array.iter().map(|value| {
            value.as_str().map(str::to_owned).ok_or_else(|| {
                let message = format!("Each item of `{}` must be text in quotes.", self.name_of(key));
                self.source.problem(
                    value.span(),
                    Some(&self.name_of(key)),
                    "wrong_type",
                    message,
                    format!("Write {example}."),
                )
            })
        });
        texts.collect::<Read<_>>().map(Some)
    }

    /// A table in this one.
    pub(crate) fn table(&self, key: &str) -> Read<Option<&'a dyn TableLike>> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        let example = format!("[{key}] on a line of its own, and the keys below");
        item.as_table_like().map(Some).ok_or_else(|| self.wrong_type(key, item, "a table", &example))
    }

    /// The version that the file states; this build's if it states none.
    pub(crate) fn schema(&self) -> Read<u32> {
        Ok(self.count("schema")?.unwrap_or(SCHEMA))
    }

    /// The keys that nobody reads: kept, and worth a word, since one may be misspelt.
    pub(crate) fn unknown<'k>(&'k self, known: &'k [&str]) -> impl Iterator<Item = Box<FileProblem>> + 'k {
        self.table.iter().filter(|(key, _)| !known.contains(key)).map(|(key, _)| {
            self.source.problem(
                self.key_span(key),
                Some(&self.name_of(key)),
                "unknown_key",
                format!("Nox does not know {}; it is kept and has no effect.", quoted(&self.name_of(key))),
                format!("Known here: {}.", known.join(", ")),
            )
        })
    }
}

fn kind_of(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Table(_) | Item::Value(Value::InlineTable(_)) => "a table",
        Item::ArrayOfTables(_) => "a list of tables",
        Item::Value(Value::String(_)) => "text",
        Item::Value(Value::Integer(_)) => "a whole number",
        Item::Value(Value::Float(_)) => "a number with a point",
        Item::Value(Value::Boolean(_)) => "true or false",
        Item::Value(Value::Datetime(_)) => "a date",
        Item::Value(Value::Array(_)) => "a list",
    }
}

/// Puts a value where the old one was, with the blanks and the comment around it.
pub(crate) fn put(table: &mut dyn TableLike, key: &str, value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// Changes a parsed file and writes it with the line ends, the byte order mark and the open end that it had.
pub(crate) fn edit(source: Source<'_>, change: impl FnOnce(&mut DocumentMut)) -> Read<String> {
    let mut document = parse(source)?.into_mut();
    let text = source.text;
    change(&mut document);
    let mut new = document.to_string();
    let bare = text.strip_prefix('\u{feff}');
    let lines = text.matches('\n').count();
    if lines > 0 && text.matches("\r\n").count() == lines {
        new = new.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if bare.is_some() && !new.starts_with('\u{feff}') {
        new.insert(0, '\u{feff}');
    }
    Ok(new)
}
