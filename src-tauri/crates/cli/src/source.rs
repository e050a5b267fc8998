//! What `nox run` is given: a Markdown file or a text. It is looked at before anything is made.

use crate::{args::Run, door::Door, failure::Failure};
use nox_api::dto::{
    AddImage, AgentList, CheckRunbook, CreateAgent, CreateTask, DropThings, Image, Nothing, PolicyView,
    Recorded, RunbookCheck,
};
use nox_domain::{
    agent::Runtime,
    ids::{AgentId, TaskId},
    image::MAX_PROMPT_IMAGES,
    rows::AgentRow,
    task::Attachment,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The largest Markdown file that becomes a task's text.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A file or a text.
pub(crate) enum Source {
    File { path: PathBuf, text: String },
    Text(String),
}

impl Source {
    /// Reads what was named. A name that ends as Markdown files do is a file.
    pub(crate) fn read(what: &str) -> Result<Self, Failure> {
        let path = Path::new(what);
        let is_markdown = !what.contains('\n')
            && path
                .extension()
                .is_some_and(|end| end.eq_ignore_ascii_case("md") || end.eq_ignore_ascii_case("markdown"));
        if !is_markdown {
            if path.exists() {
                let hint = "Put its commands into a Markdown file, in a block that begins with ```sh.";
                return Err(Failure::usage(format!("{what} is no Markdown file"), hint));
            }
            if what.trim().is_empty() {
                return Err(Failure::usage("the task is empty", "Name a Markdown file, or write the task."));
            }
            return Ok(Self::Text(what.trim().to_owned()));
        }
        let cannot = |why: String, hint: &str| Failure::usage(format!("{what} {why}"), hint);
        let about = fs::metadata(path).map_err(|error| {
            cannot(format!("cannot be read: {error}"), "Look at the file's name and rights.")
        })?;
        if !about.is_file() || about.len() > MAX_FILE_BYTES {
            return Err(cannot("is no file of at most 1 MiB".into(), "Split it into several."));
        }
        let bytes = fs::read(path)
            .map_err(|error| cannot(format!("cannot be read: {error}"), "Look at the file's rights."))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| cannot("is not UTF-8 text".into(), "Save it as UTF-8, then run it again."))?;
        let path = std::path::absolute(path)
            .map_err(|error| cannot(format!("cannot be found: {error}"), "Name its whole path."))?;
        Ok(Self::File { path, text })
    }

    fn text(&self) -> &str {
        match self {
            Self::File { text, .. } | Self::Text(text) => text,
        }
    }

    /// Finds who does it, and refuses a text that the agent's runtime would refuse.
    pub(crate) async fn check(&self, door: &Door, run: &Run) -> Result<(AgentId, RunbookCheck), Failure> {
        let agent = agent(door, run.agent.as_deref()).await?;
        if !run.images.is_empty() && !agent.agent.runtime.takes_prompts() {
            let message = format!("the agent {} is shown no images", agent.agent.id);
            return Err(Failure::usage(message, "Name another agent, or run it without --image."));
        }
        if run.images.len() > MAX_PROMPT_IMAGES {
            let message = format!("a task begins with at most {MAX_PROMPT_IMAGES} images");
            return Err(Failure::usage(message, "Leave some out."));
        }
        if run.allow.is_some() {
            check_policy(door).await?;
        }
        let check: RunbookCheck =
            door.call("check_runbook", &CheckRunbook { body: self.text().to_owned() }).await?;
        if let Some(problem) = check.problem.as_ref().filter(|_| agent.agent.runtime == Runtime::Runbook) {
            let place = match self {
                Self::File { .. } => format!("{}, line {}", run.what, problem.line),
                Self::Text(_) => format!("line {}", problem.line),
            };
            return Err(Failure::usage(format!("{place}: {}", problem.message), "Nothing was run."));
        }
        Ok((agent.agent.id, check))
    }

    /// Makes the task: a file as if it were dropped on the board.
    pub(crate) async fn make(
        &self,
        door: &Door,
        agent: &AgentId,
        check: &RunbookCheck,
        images: Vec<Attachment>,
    ) -> Result<TaskId, Failure> {
        let recorded: Recorded = match self {
            Self::File { path, .. } => {
                let Some(path) = path.to_str() else {
                    return Err(Failure::usage("the file's name is not UTF-8", "Give it another name."));
                };
                let drop = DropThings {
                    paths: vec![path.to_owned()],
                    agent: Some(agent.clone()),
                    attachments: images,
                    ..DropThings::default()
                };
                door.call("drop_things", &drop).await?
            }
            Self::Text(text) => {
                let begins_with_block = text.starts_with("```") || text.starts_with("~~~");
                // The first line becomes the title, which must not take a fence away from its block.
                let title = check.blocks.first().filter(|_| begins_with_block).map(|block| &block.title);
                let create = CreateTask {
                    title: title.cloned().unwrap_or_default(),
                    body: text.clone(),
                    agent: Some(agent.clone()),
                    attachments: images,
                    ..CreateTask::default()
                };
                door.call("create_task", &create).await?
            }
        };
        recorded.task.ok_or_else(|| Failure::system("the task was not made", &"the engine named none"))
    }
}

/// Images that go with the task, kept by the engine.
pub(crate) async fn images(door: &Door, files: &[PathBuf]) -> Result<Vec<Attachment>, Failure> {
    let mut images = Vec::new();
    for file in files {
        let whole = std::path::absolute(file).ok();
        let Some(path) = whole.as_deref().and_then(Path::to_str).map(str::to_owned) else {
            let message = format!("the image {} has a name that cannot be used", file.display());
            return Err(Failure::usage(message, "Give it another name."));
        };
        let Image { name, sha256, size_bytes, .. } = door.call("add_image", &AddImage::File { path }).await?;
        images.push(Attachment::Document { name, sha256, size_bytes });
    }
    Ok(images)
}

/// Without a good policy its rules that deny may be unknown, so nothing is allowed beforehand.
async fn check_policy(door: &Door) -> Result<(), Failure> {
    let policy: PolicyView = door.call("read_policy", &Nothing {}).await?;
    match policy.problem {
        None => Ok(()),
        Some(problem) => Err(Failure::usage(
            format!("{}, line {}: {}", policy.file, problem.line, problem.message),
            format!("{} Until then --allow cannot be used: rules that deny might be missed.", problem.hint),
        )),
    }
}

/// The agent with this id, else the one that takes tasks without an agent. A home without agents gets the runbook's.
async fn agent(door: &Door, wanted: Option<&str>) -> Result<AgentRow, Failure> {
    let mut agents = door.call::<AgentList>("list_agents", &Nothing {}).await?.agents;
    if agents.is_empty() && wanted.is_none_or(|wanted| wanted == RUNBOOK) {
        let create = CreateAgent {
            name: "Runbook".into(),
            description: "Runs the sh and bash blocks of a task, one by one, and asks before each.".into(),
            runtime: Runtime::Runbook,
            capabilities: vec!["shell".into()],
            ..CreateAgent::default()
        };
        door.call::<Recorded>("create_agent", &create).await?;
        agents = door.call::<AgentList>("list_agents", &Nothing {}).await?.agents;
    }
    let found = match wanted {
        Some(wanted) => {
            let found = agents.iter().find(|row| row.agent.id.as_str() == wanted);
            let hint = "Look at nox list-agents.";
            let found = found.ok_or_else(|| Failure::usage(format!("there is no agent {wanted}"), hint))?;
            if !found.agent.enabled {
                let message = format!("the agent {wanted} is disabled");
                return Err(Failure::usage(message, "Enable it in the app, or name another one."));
            }
            found
        }
        None => {
            let enabled: Vec<&AgentRow> = agents.iter().filter(|row| row.agent.enabled).collect();
            let default = enabled.iter().find(|row| row.agent.id.as_str() == RUNBOOK).copied();
            match (default, enabled.as_slice()) {
                (Some(found), _) => found,
                (None, [found]) => *found,
                _ => {
                    let hint = "Name one with --agent ID; nox list-agents shows them.";
                    return Err(Failure::usage("it is not clear which agent does it", hint));
                }
            }
        }
    };
    Ok(found.clone())
}

/// The id of the agent that needs nothing installed.
const RUNBOOK: &str = "runbook";

/// The folder to work in.
pub(crate) fn folder(named: Option<&Path>) -> Result<String, Failure> {
    let folder = match named {
        Some(folder) => folder.to_owned(),
        None => std::env::current_dir()
            .map_err(|error| Failure::system("this folder cannot be worked in", &error))?,
    };
    let cannot = |why: &str| {
        Failure::usage(format!("the folder {} {why}", folder.display()), "Name a folder with --project DIR.")
    };
    let whole = fs::canonicalize(&folder).map_err(|error| cannot(&format!("cannot be used: {error}")))?;
    if !whole.is_dir() {
        return Err(cannot("is none"));
    }
    whole.to_str().map(str::to_owned).ok_or_else(|| cannot("has a name that is not UTF-8"))
}
