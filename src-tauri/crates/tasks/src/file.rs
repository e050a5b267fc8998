//! A task file as it was read: its bytes, and the task that they say.

use crate::{
    body::{Markdown, normal_body, normal_title},
    fields::Fields,
    front::{Layout, Place, write_scalar},
    notation::{attachment_text, time_text},
    problem::Fault,
};
use nox_domain::{ids::TaskId, rows::FileProblem, task::Task};

/// The version of the front matter that this build writes. A file with a higher one is read-only.
pub const SCHEMA: u32 = 1;

/// A task file that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFile {
    path: String,
    text: String,
    pub(crate) layout: Layout,
    pub(crate) markdown: Markdown,
    pub(crate) fields: Fields,
}

impl TaskFile {
    /// Reads a file.
    ///
    /// `path` names the file in problems and gives a title to a file that has none; nothing is opened.
    pub fn parse(path: &str, text: &str) -> Result<Self, Box<FileProblem>> {
        let layout = Layout::read(text).map_err(|fault| fault.into_problem(path, text))?;
        let fields = Fields::read(&layout, SCHEMA).map_err(|fault| fault.into_problem(path, text))?;
        let markdown = Markdown::read(text, layout.body_start);
        Ok(Self { path: path.to_owned(), text: text.to_owned(), layout, markdown, fields })
    }

    /// Reads a file's bytes; text that is not UTF-8 is a problem with the line of the first wrong byte.
    pub fn parse_bytes(path: &str, bytes: &[u8]) -> Result<Self, Box<FileProblem>> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(path, text),
            Err(error) => {
                let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let line = u32::try_from(good.matches('\n').count() + 1).unwrap_or(u32::MAX);
                let fault = Fault::new(
                    line,
                    "not_utf8",
                    "This file is not UTF-8 text.",
                    "Save it as UTF-8 in your editor.",
                );
                Err(fault.into_problem(path, &String::from_utf8_lossy(bytes)))
            }
        }
    }

    /// Makes the file of a new task.
    pub fn create(task: &Task) -> String {
        let mut text = String::from("---\n");
        let mut line = |key: &str, value: &str| {
            text.push_str(key);
            text.push_str(": ");
            text.push_str(value);
            text.push('\n');
        };
        line("schema", &SCHEMA.to_string());
        line("id", task.id.as_str());
        line("status", task.status.as_str());
        line("priority", task.priority.as_str());
        if let Some(agent) = &task.agent {
            line("agent", agent.as_str());
        }
        if let Some(project) = &task.project {
            line("project", project.as_str());
        }
        if let Some(deadline) = &task.deadline {
            line("deadline", &write_scalar(deadline, Place::Line));
        }
        if !task.depends_on.is_empty() {
            line("depends_on", &write_list(task.depends_on.iter().map(TaskId::as_str)));
        }
        if !task.tags.is_empty() {
            line("tags", &write_list(task.tags.iter().map(String::as_str)));
        }
        if !task.attachments.is_empty() {
            text.push_str("attachments:\n");
            text.push_str(&write_items(task.attachments.iter().map(attachment_text), "  ", "\n"));
        }
        let mut line = |key: &str, value: &str| text.push_str(&format!("{key}: {value}\n"));
        if !task.rank.is_empty() {
            line("rank", &write_scalar(&task.rank, Place::Line));
        }
        if let Some(created) = time_text(task.created_at) {
            line("created", &created);
        }
        let title = normal_title(&task.title);
        let title = if title.is_empty() { "Untitled" } else { &title };
        text.push_str(&format!("---\n\n# {title}\n"));
        let body = normal_body(&task.body);
        if !body.is_empty() {
            text.push_str(&format!("\n{body}\n"));
        }
        text
    }

    /// The file's bytes: exactly those that were read.
    pub fn render(&self) -> &str {
        &self.text
    }

    /// The path that was given to [`TaskFile::parse`].
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The task's id; none means that the file is a new task.
    pub fn id(&self) -> Option<&TaskId> {
        self.fields.id.as_ref()
    }

    /// Whether a newer version wrote the file: it is shown, and never changed.
    pub fn read_only(&self) -> bool {
        self.fields.schema > SCHEMA
    }

    /// The version that the file states.
    pub fn schema(&self) -> u32 {
        self.fields.schema
    }

    /// The task, if the file has an id.
    pub fn task(&self) -> Option<Task> {
        self.id().map(|id| self.task_as(id.clone()))
    }

    /// The task under an id that the file need not have yet.
    pub fn task_as(&self, id: TaskId) -> Task {
        let fields = &self.fields;
        Task {
            created_at: fields.created_at.unwrap_or_else(|| id.made_at()),
            id,
            title: self.title(),
            body: self.body(),
            status: fields.status,
            priority: fields.priority,
            agent: fields.agent.clone(),
            project: fields.project.clone(),
            deadline: fields.deadline.clone(),
            depends_on: fields.depends_on.clone(),
            tags: fields.tags.clone(),
            attachments: fields.attachments.clone(),
            rank: fields.rank.clone(),
        }
    }

    /// The title: the heading that the Markdown begins with, else the key `title`, else a later heading, else the
    /// file's name.
    pub fn title(&self) -> String {
        let heading = |span: &std::ops::Range<usize>| normal_title(&self.text[span.clone()]);
        if let Some(span) = &self.markdown.heading {
            return heading(span);
        }
        if let Some(title) = &self.fields.title {
            return title.clone();
        }
        if let Some(span) = &self.markdown.later_heading {
            return heading(span);
        }
        let name = self.path.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = normal_title(name.strip_suffix(".md").unwrap_or(name));
        if name.is_empty() { "Untitled".to_owned() } else { name }
    }

    /// The Markdown without the heading that is the title, with `\n` as line end.
    pub fn body(&self) -> String {
        normal_body(&self.text[self.markdown.body.clone()])
    }

    /// The title that the front matter states.
    pub(crate) fn title_key(&self) -> Option<&str> {
        self.fields.title.as_deref()
    }
}

/// A list in brackets.
pub(crate) fn write_list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(|item| write_scalar(item, Place::Brackets)).collect::<Vec<_>>().join(", "))
}

/// A list as lines with hyphens.
pub(crate) fn write_items(items: impl Iterator<Item = String>, indent: &str, eol: &str) -> String {
    items.map(|item| format!("{indent}- {}{eol}", write_scalar(&item, Place::Line))).collect()
}
