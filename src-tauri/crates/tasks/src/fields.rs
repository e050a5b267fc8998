//! What the known keys say, or which of them says something that cannot be.

use crate::{
    front::{Layout, Text, Value},
    notation::{check_day, read_attachment, read_time},
    problem::Fault,
};
use nox_domain::{
    At,
    ids::{AgentId, ProjectId, TaskId},
    task::{Attachment, Priority, TaskStatus},
};

/// The front matter as values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Fields {
    pub(crate) schema: u32,
    pub(crate) id: Option<TaskId>,
    pub(crate) title: Option<String>,
    pub(crate) status: TaskStatus,
    pub(crate) priority: Priority,
    pub(crate) agent: Option<AgentId>,
    pub(crate) project: Option<ProjectId>,
    pub(crate) deadline: Option<String>,
    pub(crate) depends_on: Vec<TaskId>,
    pub(crate) tags: Vec<String>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) rank: String,
    pub(crate) created_at: Option<At>,
}

/// What to do with a value that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// It is a fault of the file.
    Fault,
    /// A newer version may have written it: take the value of a task that does not say.
    Skip,
}

/// Reads one key: nothing, a value, or a fault at its place.
struct Field<'a> {
    layout: &'a Layout,
    unknown: Unknown,
}

impl Field<'_> {
    fn scalar(&self, key: &str) -> Option<&Text> {
        match &self.layout.entry(key)?.value {
            Value::Scalar(text) if !text.text.is_empty() => Some(text),
            _ => None,
        }
    }

    fn list(&self, key: &str) -> &[Text] {
        match self.layout.entry(key).map(|entry| &entry.value) {
            Some(Value::List(items)) => items,
            Some(Value::Scalar(one)) => std::slice::from_ref(one),
            _ => &[],
        }
    }

    fn one<T>(&self, key: &str, read: impl Fn(&str) -> Result<T, Bad>) -> Result<Option<T>, Fault> {
        let Some(text) = self.scalar(key) else { return Ok(None) };
        self.judge(key, text, read(&text.text))
    }

    fn many<T>(&self, key: &str, read: impl Fn(&str) -> Result<T, Bad>) -> Result<Vec<T>, Fault> {
        let items = self.list(key).iter();
        items.filter_map(|text| self.judge(key, text, read(&text.text)).transpose()).collect()
    }

    fn judge<T>(&self, key: &str, text: &Text, read: Result<T, Bad>) -> Result<Option<T>, Fault> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(_) if self.unknown == Unknown::Skip => Ok(None),
            Err(bad) => Err(Fault::new(text.line, bad.code, bad.message, bad.hint).at(text.column).of(key)),
        }
    }
}

struct Bad {
    code: &'static str,
    message: String,
    hint: String,
}

fn bad(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Bad {
    Bad { code, message: message.into(), hint: hint.into() }
}

/// The text in quotation marks, not endlessly long.
fn quoted(text: &str) -> String {
    format!("“{}”", text.chars().take(40).collect::<String>())
}

fn task_id(text: &str, hint: &str) -> Result<TaskId, Bad> {
    TaskId::parse(text).map_err(|_| bad("bad_task_id", format!("{} is no task id.", quoted(text)), hint))
}

impl Fields {
    /// Reads the keys; of a file with a newer schema only what is understood.
    pub(crate) fn read(layout: &Layout, newest_schema: u32) -> Result<Self, Fault> {
        let strict = Field { layout, unknown: Unknown::Fault };
        let schema = strict.one("schema", |text| {
            text.parse::<u32>().ok().filter(|schema| *schema > 0).ok_or_else(|| {
                bad(
                    "bad_schema",
                    format!("{} is no version.", quoted(text)),
                    format!("Write schema: {newest_schema}"),
                )
            })
        })?;
        let schema = schema.unwrap_or(newest_schema);
        let unknown = if schema > newest_schema { Unknown::Skip } else { Unknown::Fault };
        let field = Field { layout, unknown };
        Ok(Self {
            schema,
            id: field.one("id", |text| {
                task_id(text, "Put the old id back, or remove this line: the file then becomes a new task with a new id.")
            })?,
            title: field.scalar("title").map(|text| crate::normal_title(&text.text)).filter(|title| !title.is_empty()),
            status: field
                .one("status", |text| {
                    TaskStatus::read(text).ok_or_else(|| {
                        bad(
                            "unknown_status",
                            format!("There is no status {}.", quoted(text)),
                            "Write backlog, todo, in_progress, review, done, cancelled or failed.",
                        )
                    })
                })?
                .unwrap_or_default(),
            priority: field
                .one("priority", |text| {
                    Priority::read(text).ok_or_else(|| {
                        bad(
                            "unknown_priority",
                            format!("There is no priority {}.", quoted(text)),
                            "Write low, medium, high or critical.",
                        )
                    })
                })?
                .unwrap_or_default(),
            agent: field.one("agent", |text| {
                AgentId::parse(text).map_err(|_| {
                    bad(
                        "bad_agent_id",
                        format!("{} cannot be the id of an agent.", quoted(text)),
                        "Write the name of the agent's folder: small letters, figures and hyphens.",
                    )
                })
            })?,
            project: field.one("project", |text| {
                ProjectId::parse(text).map_err(|_| {
                    bad(
                        "bad_project_id",
                        format!("{} cannot be the id of a project.", quoted(text)),
                        "Write the project's short name: small letters, figures and hyphens.",
                    )
                })
            })?,
            deadline: field.one("deadline", |text| {
                check_day(text).map(|()| text.to_owned()).map_err(|day| bad("bad_date", day.message, day.hint))
            })?,
            depends_on: field.many("depends_on", |text| {
                task_id(text, "Write the id of the other task; it stands in its front matter and begins with tsk_.")
            })?,
            tags: field.many("tags", |text| Ok(text.to_owned()))?,
            attachments: field.many("attachments", |text| {
                read_attachment(text).ok_or_else(|| {
                    bad(
                        "bad_attachment",
                        format!("{} is no attachment.", quoted(text)),
                        "Write path:/the/file, link:https://the.address, or drop the file on the card.",
                    )
                })
            })?,
            rank: field
                .one("rank", |text| {
                    if text.bytes().all(|b| b.is_ascii_alphanumeric()) {
                        return Ok(text.to_owned());
                    }
                    Err(bad("bad_rank", "A rank is letters and figures only.", "Remove this line: the card goes to the end of its column."))
                })?
                .unwrap_or_default(),
            created_at: field.one("created", |text| {
                read_time(text).ok_or_else(|| {
                    bad(
                        "bad_time",
                        format!("{} is no point in time.", quoted(text)),
                        "Write it as in 2026-11-21T02:11:00Z, or remove the line.",
                    )
                })
            })?,
        })
    }
}
