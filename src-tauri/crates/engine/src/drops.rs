//! What is dropped on the board becomes tasks.
//!
//! Each Markdown file becomes a task of its own, with the file's text as its body. Other files become one task together:
//! up to 10 MB they are copied into the documents, larger ones and folders are named by their path. A folder that is
//! dropped alone becomes the project. Text becomes a body, a web address an attachment.

use crate::{Engine, Error, clock, documents::Documents, files::Want, ledger::Cause};
use nox_domain::{
    Size,
    ids::{AgentId, ProjectId, TaskId},
    rank,
    task::{Attachment, Priority, Task, TaskStatus},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Larger files stay where they are.
pub(crate) const COPY_BYTES: u64 = 10 * 1024 * 1024;
/// Larger Markdown is attached: a task's file has to hold it beside its own lines.
const TEXT_BYTES: u64 = 960 * 1024;
/// The longest title, in characters.
const TITLE_CHARS: usize = 120;

/// What was dropped, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Files and folders. Absolute.
    pub paths: Vec<PathBuf>,
    /// Text or a web address.
    pub text: Option<String>,
    /// The status of what is made.
    pub status: TaskStatus,
    /// The agent it was dropped on.
    pub agent: Option<AgentId>,
    /// What else comes with each task that is made.
    pub attachments: Vec<Attachment>,
}

impl Engine {
    /// Makes tasks of what was dropped; answers them in the order of the drop.
    pub async fn drop_things(&self, dropped: Dropped, cause: Cause) -> Result<(i64, Vec<TaskId>), Error> {
        let paths = dropped.paths.clone();
        let documents = self.documents().clone();
        // Files may be large, or lie on a network that answers late.
        let read = tokio::task::spawn_blocking(move || Read::all(&paths, &documents));
        let Read { texts, others } = read.await.map_err(|_| Error::Closing)??;
        let new = |title: String, body: String, attachments: Vec<Attachment>| {
            new_task(&dropped, title, body, attachments)
        };
        let mut tasks: Vec<Task> = texts.into_iter().map(|(title, body)| new(title, body, vec![])).collect();
        let mut project = None;
        if let [Other { path, is_folder: true, .. }] = others.as_slice()
            && dropped.paths.len() == 1
        {
            let cause = Cause { actor: cause.actor, command: None };
            let (_, row) = self.grant_project(path, cause).await?;
            tasks.push(new(format!("Work in {}", name_of(path)), String::new(), vec![]));
            project = Some(row.id);
        } else if !others.is_empty() {
            let title = match others.as_slice() {
                [one] => name_of(&one.path),
                [first, rest @ ..] => format!("{} and {} more", name_of(&first.path), rest.len()),
                [] => String::new(),
            };
            let attachments = others.into_iter().map(|other| other.attachment).collect();
            tasks.push(new(title, String::new(), attachments));
        }
        if let Some(text) = dropped.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            tasks.push(if is_link(text) {
                let title = text.split("://").nth(1).unwrap_or(text).trim_end_matches('/');
                new(cut(title), String::new(), vec![Attachment::Link { url: text.to_owned() }])
            } else {
                let (title, body) = split_text(text);
                new(title, body, vec![])
            });
        }
        if tasks.is_empty() {
            return Err(Error::bad_input(
                "paths",
                "nothing was dropped",
                "Drop files, a folder, text or a link.",
            ));
        }
        place(&mut tasks, self.files().known().first_rank.clone(), project.as_ref());
        let ids: Vec<TaskId> = tasks.iter().map(|task| task.id.clone()).collect();
        let result = serde_json::json!({ "task": ids.first(), "tasks": ids });
        let recorded = self.files().want(Want::CreateTasks { tasks }, cause, result).await?;
        Ok((recorded.seq, ids))
    }
}

/// What dropped files come down to.
#[derive(Default)]
struct Read {
    /// Titles and bodies of Markdown files.
    texts: Vec<(String, String)>,
    others: Vec<Other>,
}

struct Other {
    path: PathBuf,
    is_folder: bool,
    attachment: Attachment,
}

impl Read {
    fn all(paths: &[PathBuf], documents: &Documents) -> Result<Self, Error> {
        let mut read = Self::default();
        let mut others = Vec::new();
        for path in paths {
            let about = fs::metadata(path).map_err(|error| {
                Error::bad_input(
                    "paths",
                    format!("{} cannot be read: {error}", path.display()),
                    "Nothing was made. Drop it again when it is there.",
                )
            })?;
            if about.is_file() && is_markdown(path) && about.len() <= TEXT_BYTES {
                let text = fs::read(path).map_err(|source| Error::home(path, source))?;
                let text = String::from_utf8(text).map_err(|_| {
                    Error::bad_input(
                        "paths",
                        format!("{} is not UTF-8 text", path.display()),
                        "Save it as UTF-8, then drop it again.",
                    )
                })?;
                read.texts.push(title_of(&text, path));
            } else {
                others.push((path, about));
            }
        }
        for (path, about) in others {
            let attachment = attach(path, &about, documents)?;
            read.others.push(Other { path: path.clone(), is_folder: about.is_dir(), attachment });
        }
        Ok(read)
    }
}

fn attach(path: &Path, about: &fs::Metadata, documents: &Documents) -> Result<Attachment, Error> {
    if !about.is_file() || about.len() > COPY_BYTES {
        return Ok(Attachment::Path { path: path.display().to_string() });
    }
    let bytes = fs::read(path).map_err(|source| Error::home(path, source))?;
    let sha256 = documents.keep(&bytes).map_err(|source| Error::home(path, source))?;
    Ok(Attachment::Document { name: name_of(path), sha256, size_bytes: Size(bytes.len() as u64) })
}

fn new_task(dropped: &Dropped, title: String, body: String, mut attachments: Vec<Attachment>) -> Task {
    attachments.extend_from_slice(&dropped.attachments);
    Task {
        id: TaskId::fresh(&mut clock::SystemIds),
        title,
        body,
        status: dropped.status,
        priority: Priority::default(),
        agent: dropped.agent.clone(),
        project: None,
        deadline: None,
        depends_on: vec![],
        tags: vec![],
        attachments,
        rank: String::new(),
        created_at: clock::now(),
    }
}

/// New tasks stand above all others, in the order of the drop.
fn place(tasks: &mut [Task], first: Option<String>, project: Option<&ProjectId>) {
    let mut below = first;
    for task in tasks.iter_mut().rev() {
        task.rank = rank::between(None, below.as_deref());
        below = Some(task.rank.clone());
        task.project = project.cloned();
    }
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("md") || end.eq_ignore_ascii_case("markdown"))
}

fn is_link(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn cut(title: &str) -> String {
    let short: String = title.chars().take(TITLE_CHARS).collect();
    if short.len() < title.len() { format!("{short}…") } else { short }
}

/// A Markdown file's title is its first heading, else its name; front matter that is not ours is left out.
fn title_of(text: &str, path: &Path) -> (String, String) {
    let file = as_task(path, text);
    match file {
        Some((title, body)) => (title, body),
        None => (
            path.file_stem().map_or_else(|| name_of(path), |stem| stem.to_string_lossy().into_owned()),
            text.to_owned(),
        ),
    }
}

fn as_task(path: &Path, text: &str) -> Option<(String, String)> {
    let file = nox_tasks::TaskFile::parse(&name_of(path), text).ok()?;
    Some((file.title(), file.body()))
}

/// The first line is the title; if it is all there is, there is no body.
pub fn split_text(text: &str) -> (String, String) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let title = first.trim().trim_start_matches('#').trim();
    if title.chars().count() > TITLE_CHARS {
        return (cut(title), text.to_owned());
    }
    (title.to_owned(), rest.trim().to_owned())
}

/// The rank above all of these.
pub fn first_rank(all: impl Iterator<Item = String>) -> String {
    rank::between(None, all.min().as_deref())
}
