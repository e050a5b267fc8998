//! Changes to a task file: the lines of the named fields change, every other byte stays.

use crate::{
    body::{begins_with_heading, normal_body, normal_title},
    file::{SCHEMA, TaskFile, write_items, write_list},
    front::{Entry, KEYS, Place, write_scalar},
    notation::attachment_text,
};
use nox_domain::{
    ids::TaskId,
    rows::FileProblem,
    task::{Change, TaskPatch},
};
use std::{fmt::Display, ops::Range};

/// Why a file was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// A newer version of Nox wrote the file.
    #[error("a newer version wrote this file (schema {schema}); it is shown read-only")]
    ReadOnly {
        /// What the file states.
        schema: u32,
    },
    /// The new value cannot stand in the file: a day that does not exist, for example.
    #[error("{}", .0.message)]
    BadValue(Box<FileProblem>),
}

/// The new value of a key.
enum NewValue {
    Gone,
    Scalar(String),
    List(Vec<String>),
}

impl NewValue {
    fn change<T: Display>(change: &Change<T>) -> Self {
        match change {
            Change::Set(value) => Self::Scalar(value.to_string()),
            Change::Clear => Self::Gone,
        }
    }

    fn list(items: Vec<String>) -> Self {
        if items.is_empty() { Self::Gone } else { Self::List(items) }
    }
}

impl TaskFile {
    /// The file after a patch. Fields that have the wanted value already are not touched.
    ///
    /// A title that is empty or blank is ignored; title and body are taken as [`normal_title`] and [`normal_body`]
    /// give them.
    pub fn edit(&self, patch: &TaskPatch) -> Result<Self, EditError> {
        if self.read_only() {
            return Err(EditError::ReadOnly { schema: self.schema() });
        }
        let known = patch_without_news(self, patch);
        if known == TaskPatch::default() {
            return Ok(self.clone());
        }
        let framed = self.with_front_matter()?;
        let mut splices = Splices::default();
        let mut keys = keys_of(&known);
        framed.plan_title_and_body(&known, &mut keys, &mut splices);
        framed.plan_keys(&keys, &mut splices);
        framed.reparse(splices.apply(framed.render()))
    }

    /// The file of a new task, with its id in the front matter.
    pub fn with_id(&self, id: &TaskId) -> Result<Self, EditError> {
        if self.read_only() {
            return Err(EditError::ReadOnly { schema: self.schema() });
        }
        let framed = self.with_front_matter()?;
        let mut splices = Splices::default();
        framed.plan_keys(&[("id", NewValue::Scalar(id.to_string()))], &mut splices);
        framed.reparse(splices.apply(framed.render()))
    }

    fn reparse(&self, text: String) -> Result<Self, EditError> {
        Self::parse(self.path(), &text).map_err(EditError::BadValue)
    }

    /// The same file, with front matter if it had none.
    fn with_front_matter(&self) -> Result<Self, EditError> {
        if self.layout.front.is_some() {
            return Ok(self.clone());
        }
        let eol = self.layout.eol;
        let (mark, rest) = self.render().split_at(self.layout.start);
        let blank = if rest.is_empty() || rest.starts_with(['\n', '\r']) { "" } else { eol };
        self.reparse(format!("{mark}---{eol}schema: {SCHEMA}{eol}---{eol}{blank}{rest}"))
    }

    fn plan_title_and_body(
        &self,
        patch: &TaskPatch,
        keys: &mut Vec<(&'static str, NewValue)>,
        splices: &mut Splices,
    ) {
        let eol = self.layout.eol;
        let mut title_key = None;
        if let Some(title) = &patch.title {
            match &self.markdown.heading {
                Some(span) => {
                    splices.replace(span.clone(), title.clone());
                    title_key = self.title_key().map(|_| title.clone());
                }
                None => title_key = Some(title.clone()),
            }
        }
        if let Some(body) = &patch.body {
            let text = self.render();
            let span = self.markdown.body.clone();
            let before = &text[..span.start];
            let mut new = String::new();
            if !body.is_empty() && span.is_empty() {
                if !before.ends_with('\n') {
                    new.push_str(eol);
                }
                new.push_str(eol);
            }
            if self.markdown.heading.is_none() {
                let title = patch.title.clone().unwrap_or_else(|| self.title());
                if begins_with_heading(body) {
                    // Without a heading of its own, the body's first one would become the title.
                    new.push_str(&format!("# {title}{eol}{eol}"));
                } else {
                    // A title that came from the body or from the file's name must not change with the body.
                    title_key = Some(title);
                }
            }
            new.push_str(&body.replace('\n', eol));
            let rest_is_open = !text[span.end..].contains('\n');
            if span.is_empty() && rest_is_open && !body.is_empty() {
                new.push_str(eol);
            }
            splices.replace(span, new);
        }
        if let Some(title) = title_key {
            let at = keys.partition_point(|(key, _)| position(key) < position("title"));
            keys.insert(at, ("title", NewValue::Scalar(title)));
        }
    }

    /// Plans the changes of keys; `keys` are in the order of [`KEYS`].
    fn plan_keys(&self, keys: &[(&'static str, NewValue)], splices: &mut Splices) {
        for (key, value) in keys {
            match (self.layout.entry(key), value) {
                (Some(entry), NewValue::Gone) => splices.replace(entry.span.clone(), String::new()),
                (None, NewValue::Gone) => {}
                (Some(entry), value) => self.plan_value(entry, value, splices),
                (None, NewValue::Scalar(text)) => {
                    let line = format!("{key}: {}{}", write_scalar(text, Place::Line), self.layout.eol);
                    splices.insert(self.place_of(key), line);
                }
                (None, NewValue::List(items)) => {
                    let eol = self.layout.eol;
                    let line = if *key == "attachments" {
                        format!("{key}:{eol}{}", write_items(items.iter().cloned(), "  ", eol))
                    } else {
                        format!("{key}: {}{eol}", write_list(items.iter().map(String::as_str)))
                    };
                    splices.insert(self.place_of(key), line);
                }
            }
        }
    }

    fn plan_value(&self, entry: &Entry, value: &NewValue, splices: &mut Splices) {
        if let (Some(span), NewValue::List(items)) = (&entry.items_span, value) {
            let old = &self.render()[span.clone()];
            let indent = &old[..old.len() - old.trim_start_matches([' ', '\t']).len()];
            splices.replace(span.clone(), write_items(items.iter().cloned(), indent, self.layout.eol));
            return;
        }
        if let Some(span) = &entry.items_span {
            splices.replace(span.clone(), String::new());
        }
        let text = match value {
            NewValue::Gone => String::new(),
            NewValue::Scalar(text) => write_scalar(text, Place::Line),
            NewValue::List(items) => write_list(items.iter().map(String::as_str)),
        };
        let blank = if entry.value_span.is_empty() { " " } else { "" };
        splices.replace(entry.value_span.clone(), format!("{blank}{text}"));
    }

    /// Where a key that is not there yet goes: behind the nearest one that Nox would write before it.
    fn place_of(&self, key: &str) -> usize {
        let front = self.layout.front.clone().unwrap_or(self.layout.start..self.layout.start);
        let wanted = position(key);
        let before = self.layout.entries.iter().filter(|entry| position(&entry.key) < wanted);
        before.max_by_key(|entry| position(&entry.key)).map_or(front.start, |entry| entry.span.end)
    }
}

/// A key's place in the order of [`KEYS`]; unknown keys come last.
fn position(key: &str) -> usize {
    KEYS.iter().position(|known| *known == key).unwrap_or(KEYS.len())
}

/// The patch in the form that a file can hold, without what the file says already.
fn patch_without_news(file: &TaskFile, patch: &TaskPatch) -> TaskPatch {
    let mut patch = patch.clone();
    let now = &file.fields;
    let is_news = |title: &String| !title.is_empty() && *title != file.title();
    patch.title = patch.title.map(|title| normal_title(&title)).filter(is_news);
    patch.body = patch.body.map(|body| normal_body(&body)).filter(|body| *body != file.body());
    patch.status = patch.status.filter(|status| *status != now.status);
    patch.priority = patch.priority.filter(|priority| *priority != now.priority);
    patch.agent = patch.agent.filter(|agent| *agent != Change::to(&now.agent));
    patch.project = patch.project.filter(|project| *project != Change::to(&now.project));
    patch.deadline = patch.deadline.filter(|deadline| *deadline != Change::to(&now.deadline));
    patch.depends_on = patch.depends_on.filter(|list| *list != now.depends_on);
    patch.tags = patch.tags.filter(|list| *list != now.tags);
    patch.attachments = patch.attachments.filter(|list| *list != now.attachments);
    patch.rank = patch.rank.filter(|rank| *rank != now.rank);
    patch
}

/// The keys that a patch names, in the order of [`KEYS`].
fn keys_of(patch: &TaskPatch) -> Vec<(&'static str, NewValue)> {
    let ids = |list: &Vec<TaskId>| NewValue::list(list.iter().map(TaskId::to_string).collect());
    let attachments = |list: &Vec<_>| NewValue::list(list.iter().map(attachment_text).collect());
    let rank = |rank: &String| if rank.is_empty() { NewValue::Gone } else { NewValue::Scalar(rank.clone()) };
    let all = [
        ("status", patch.status.map(|status| NewValue::Scalar(status.as_str().to_owned()))),
        ("priority", patch.priority.map(|priority| NewValue::Scalar(priority.as_str().to_owned()))),
        ("agent", patch.agent.as_ref().map(NewValue::change)),
        ("project", patch.project.as_ref().map(NewValue::change)),
        ("deadline", patch.deadline.as_ref().map(NewValue::change)),
        ("depends_on", patch.depends_on.as_ref().map(ids)),
        ("tags", patch.tags.as_ref().map(|list| NewValue::list(list.clone()))),
        ("attachments", patch.attachments.as_ref().map(attachments)),
        ("rank", patch.rank.as_ref().map(rank)),
    ];
    all.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))).collect()
}

/// Replacements of ranges of one text that do not overlap.
#[derive(Default)]
pub(crate) struct Splices(Vec<(Range<usize>, String)>);

impl Splices {
    pub(crate) fn replace(&mut self, span: Range<usize>, text: String) {
        self.0.push((span, text));
    }

    pub(crate) fn insert(&mut self, at: usize, text: String) {
        self.replace(at..at, text);
    }

    /// The text after all replacements. Insertions at one place keep their order and come before a replacement there.
    pub(crate) fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(span, _)| (span.start, span.end));
        let mut result = String::with_capacity(text.len() + 64);
        let mut at = 0;
        for (span, new) in &self.0 {
            result.push_str(&text[at..span.start]);
            result.push_str(new);
            at = span.end;
        }
        result.push_str(&text[at..]);
        result
    }
}
