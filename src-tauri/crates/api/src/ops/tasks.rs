//! Operations on tasks.

use crate::{Api, ApiError, dto::*};
use nox_domain::{
    ids::TaskId,
    rank,
    task::{Change, Task, TaskPatch, TaskStatus},
};
use nox_engine::{
    Error, StartTask as Start,
    clock::{self, SystemIds},
    drops::{Dropped, first_rank, split_text},
    files::Want,
    ledger::Cause,
};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The longest title.
const TITLE_CHARS: usize = 300;

impl Api {
    /// Makes a task, above all others of its column.
    pub async fn create_task(&self, caller: &Caller, input: CreateTask) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            let (title, body) = match input.title.trim() {
                "" => split_text(&input.body),
                title => (title.to_owned(), input.body.clone()),
            };
            check_title(&title)?;
            if !matches!(input.status, TaskStatus::Backlog | TaskStatus::Todo) {
                return Err(bad(
                    "status",
                    "a new task is in the backlog or to be done",
                    "Choose one of the two; then start it.",
                ));
            }
            self.check_names(input.agent.as_ref(), input.project.as_ref())?;
            let rank = first_rank(self.inner.mirror().0.tasks.values().map(|row| row.rank.clone()));
            let task = Task {
                id: TaskId::fresh(&mut SystemIds),
                title,
                body,
                status: input.status,
                priority: input.priority,
                agent: input.agent.clone(),
                project: input.project.clone(),
                deadline: input.deadline.clone().filter(|day| !day.trim().is_empty()),
                depends_on: input.depends_on.clone(),
                tags: input.tags.clone(),
                attachments: input.attachments.clone(),
                rank,
                created_at: clock::now(),
            };
            let result = json!({ "task": task.id });
            self.engine().files().want(Want::CreateTasks { tasks: vec![task] }, cause, result).await?;
            Ok(())
        })
        .await
    }

    /// Changes a task.
    pub async fn change_task(&self, caller: &Caller, input: ChangeTask) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            if let Some(title) = &input.patch.title {
                check_title(title)?;
            }
            let set = |change: &Option<Change<_>>| change.clone().and_then(Change::into_option);
            self.check_names(
                set(&input.patch.agent).as_ref(),
                input.patch.project.clone().and_then(Change::into_option).as_ref(),
            )?;
            if let Some(depends_on) = &input.patch.depends_on {
                self.check_circle(&input.task, depends_on)?;
            }
            let want = Want::PatchTask { task: input.task, patch: input.patch, base: input.base };
            self.engine().files().want(want, cause, serde_json::Value::Null).await?;
            Ok(())
        })
        .await
    }

    /// Puts a card somewhere: into Working starts it, out of Working stops it.
    pub async fn move_task(&self, caller: &Caller, input: MoveTask) -> Result<Recorded, ApiError> {
        let recorded = self
            .once(caller, async |cause| {
                let quiet = Cause { actor: cause.actor, command: None };
                let rank = self.rank_between(&input)?;
                let live = self.engine().live_session(&input.task).await?;
                let status = match input.to {
                    Target::Working if live.is_some() => None,
                    Target::Working => {
                        if let Some(rank) = rank {
                            let patch = TaskPatch { rank: Some(rank), ..TaskPatch::default() };
                            self.patch(&input.task, patch, quiet).await?;
                        }
                        let start = Start {
                            task: input.task.clone(),
                            agent: input.agent.clone(),
                            folder: None,
                            pre_allowed: Default::default(),
                            talks: caller.face == Face::Cli,
                            fork: None,
                            asked_from: caller.processes.clone(),
                        };
                        self.engine().start_task(start, cause).await?;
                        return Ok(());
                    }
                    Target::Backlog => Some(TaskStatus::Backlog),
                    Target::Todo => Some(TaskStatus::Todo),
                    Target::Review => Some(TaskStatus::Review),
                    Target::Done => Some(TaskStatus::Done),
                    Target::Cancelled => Some(TaskStatus::Cancelled),
                };
                let patch = TaskPatch { status, rank, ..TaskPatch::default() };
                self.patch(&input.task, patch, cause).await
            })
            .await?;
        if input.to != Target::Working {
            self.stop_work(&input.task, caller).await?;
        }
        Ok(recorded)
    }

    /// Stops what works on a task since before this command. The file's status is decided already, so the end of the
    /// session does not change it. A repeated command comes here as well: the first may have failed between the two.
    async fn stop_work(&self, task: &TaskId, caller: &Caller) -> Result<(), Error> {
        let live = self.engine().live_session(task).await?;
        let Some(live) = live.filter(|live| live.opened_at <= caller.command.made_at()) else {
            return Ok(());
        };
        let stop = nox_domain::session::SessionCommand::Stop;
        let quiet = Cause { actor: caller.actor(), command: None };
        match self.engine().sessions().command(&live.id, stop, quiet).await {
            Ok(_) | Err(Error::Rejected(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes a task; undo brings it back.
    pub async fn delete_task(&self, caller: &Caller, input: OneTask) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            if self.engine().live_session(&input.task).await?.is_some() {
                return Err(Error::Conflict {
                    message: "this task is being worked on".into(),
                    hint: "Stop its session first, then delete it.".into(),
                });
            }
            let want = Want::DeleteTasks { tasks: vec![input.task] };
            self.engine().files().want(want, cause, serde_json::Value::Null).await?;
            Ok(())
        })
        .await
    }

    /// Opens a session for a task.
    pub async fn start_task(&self, caller: &Caller, input: StartTask) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            let folder = input.folder.as_ref().map(PathBuf::from);
            if let Some(folder) = folder.as_ref()
                && !(folder.is_absolute()
                    && tokio::fs::metadata(folder).await.is_ok_and(|about| about.is_dir()))
            {
                let message = format!("{} is no folder", folder.display());
                return Err(bad("folder", &message, "Name a folder that is there, with its whole path."));
            }
            let start = Start {
                task: input.task,
                agent: input.agent,
                folder,
                pre_allowed: input.pre_allowed,
                talks: caller.face == Face::Cli,
                fork: None,
                asked_from: caller.processes.clone(),
            };
            self.engine().start_task(start, cause).await?;
            Ok(())
        })
        .await
    }

    /// Makes tasks of what was dropped; dropped on Working, they start.
    pub async fn drop_things(&self, caller: &Caller, input: DropThings) -> Result<Recorded, ApiError> {
        let mut status = TaskStatus::Todo;
        let mut starts = false;
        match input.to {
            None | Some(Target::Todo) => {}
            Some(Target::Backlog) => status = TaskStatus::Backlog,
            Some(Target::Working) => starts = true,
            Some(_) => {
                return Err(
                    bad("to", "new tasks begin in Backlog, To do or Working", "Drop it there.").into()
                );
            }
        }
        let recorded = self
            .once(caller, async |cause| {
                self.check_names(input.agent.as_ref(), None)?;
                for path in &input.paths {
                    if !Path::new(path).is_absolute() {
                        return Err(bad(
                            "paths",
                            &format!("{path} is no whole path"),
                            "Drop it from a file manager.",
                        ));
                    }
                }
                let dropped = Dropped {
                    paths: input.paths.iter().map(PathBuf::from).collect(),
                    text: input.text.clone(),
                    status,
                    agent: input.agent.clone(),
                    attachments: input.attachments.clone(),
                };
                self.engine().drop_things(dropped, cause).await?;
                Ok(())
            })
            .await?;
        if starts {
            for task in &recorded.tasks {
                // A repeated drop finds them started already, maybe over.
                if !self.engine().sessions_of(task, 1).await?.is_empty() {
                    continue;
                }
                let start = Start {
                    task: task.clone(),
                    agent: None,
                    folder: None,
                    pre_allowed: Default::default(),
                    talks: caller.face == Face::Cli,
                    fork: None,
                    asked_from: caller.processes.clone(),
                };
                let cause = Cause { actor: nox_domain::event::Actor::User, command: None };
                self.engine().start_task(start, cause).await?;
            }
        }
        Ok(recorded)
    }

    async fn patch(&self, task: &TaskId, patch: TaskPatch, cause: Cause) -> Result<(), Error> {
        let want = Want::PatchTask { task: task.clone(), patch, base: None };
        self.engine().files().want(want, cause, serde_json::Value::Null).await?;
        Ok(())
    }

    fn rank_between(&self, input: &MoveTask) -> Result<Option<String>, Error> {
        if input.after.is_none() && input.before.is_none() {
            return Ok(None);
        }
        let mirror = self.inner.mirror();
        let rank = |task: &Option<TaskId>| match task {
            Some(task) => match mirror.0.tasks.get(task) {
                Some(row) => Ok(Some(row.rank.clone())),
                None => Err(Error::NotFound { what: "task", id: task.to_string() }),
            },
            None => Ok(None),
        };
        let (above, below) = (rank(&input.after)?, rank(&input.before)?);
        Ok(Some(rank::between(above.as_deref(), below.as_deref())))
    }

    fn check_names(
        &self,
        agent: Option<&nox_domain::ids::AgentId>,
        project: Option<&nox_domain::ids::ProjectId>,
    ) -> Result<(), Error> {
        if let Some(agent) = agent.filter(|agent| !self.engine().files().known().agents.contains_key(agent)) {
            return Err(bad(
                "agent",
                &format!("there is no agent {agent}"),
                "Choose one of the list in Agents.",
            ));
        }
        if let Some(project) = project.filter(|project| self.engine().local().project(project).is_none()) {
            let message = format!("there is no project {project}");
            return Err(bad("project", &message, "Add its folder first."));
        }
        Ok(())
    }

    fn check_circle(&self, task: &TaskId, depends_on: &[TaskId]) -> Result<(), Error> {
        let mirror = self.inner.mirror();
        let mut seen = std::collections::HashSet::new();
        let mut open: Vec<TaskId> = depends_on.to_vec();
        while let Some(next) = open.pop() {
            if next == *task {
                return Err(bad(
                    "depends_on",
                    "the tasks would wait for each other for ever",
                    "Take one of the dependencies away.",
                ));
            }
            if seen.insert(next.clone()) {
                open.extend(mirror.0.tasks.get(&next).into_iter().flat_map(|row| row.depends_on.clone()));
            }
        }
        Ok(())
    }
}

fn check_title(title: &str) -> Result<(), Error> {
    if title.trim().is_empty() {
        return Err(bad("title", "a task needs a title", "Write what is to be done in one line."));
    }
    if title.chars().count() > TITLE_CHARS || title.contains('\n') {
        return Err(bad(
            "title",
            "the title is too long",
            "Keep it to one line; the rest belongs into the text.",
        ));
    }
    Ok(())
}

pub(super) fn bad(field: &'static str, message: &str, hint: &str) -> Error {
    Error::BadInput { field: field.into(), message: message.to_owned(), hint: hint.to_owned() }
}
