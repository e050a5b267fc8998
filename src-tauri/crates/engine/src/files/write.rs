//! Changes by Nox: planned and recorded as facts. Then they are acknowledged, and written by [`super::disk`].

use super::{
    OldFile, Want,
    owner::{Owner, Plan},
    read::{MAX_FILE_BYTES, Place, agent_paths, agent_row, place_of, subject_of, task_row},
};
use crate::{
    Error, clock,
    ledger::{Cause, Change, gone, json, put},
};
use nox_domain::{
    agent::{Agent, AgentPatch},
    event::Event,
    ids::{AgentId, TaskId},
    policy::Matcher,
    rows::{FileProblem, Row, kind},
    task::TaskPatch,
};
use nox_registry::{POLICY_PATH, content_hash};
use nox_store::NewOutbox;
use nox_tasks::{EditError, TaskFile};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The outbox's kind of a file that is to be written.
pub(super) const FILE_WRITE: &str = "file";

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Edit {
    pub(super) path: String,
    pub(super) task: Option<TaskId>,
    /// The content's hash that the change was made from; none for a new file.
    pub(super) base: Option<String>,
    /// That content, so that a change by hand can be merged even if it was never committed.
    pub(super) base_text: Option<String>,
    /// The new content; none removes the file.
    pub(super) content: Option<String>,
}

impl Owner {
    /// What a want comes down to, on the files as they are now.
    pub(super) fn plan(&self, want: &Want) -> Result<Plan, Error> {
        match want {
            Want::CreateTasks { tasks } => {
                let edits = tasks
                    .iter()
                    .map(|task| {
                        let path = nox_tasks::path_of(&task.id, &task.title, task.created_at);
                        let content = Some(TaskFile::create(task));
                        let path = path.to_string_lossy().replace('\\', "/");
                        Edit { path, task: Some(task.id.clone()), base: None, base_text: None, content }
                    })
                    .collect();
                let ids = tasks.iter().map(|task| task.id.clone()).collect();
                let message = match tasks.as_slice() {
                    [one] => format!("New task: {}", one.title),
                    many => format!("{} new tasks", many.len()),
                };
                Ok(Plan { edits, inverse: Some(Want::DeleteTasks { tasks: ids }), message })
            }
            Want::PatchTask { task, patch, base } => self.plan_patch(task, patch, base.as_deref()),
            Want::DeleteTasks { tasks } => {
                let paths = tasks
                    .iter()
                    .map(|task| Ok((self.task(task)?.path.clone(), Some(task.clone()))))
                    .collect();
                self.plan_delete(paths, "Delete a task")
            }
            Want::CreateAgent { agent } => {
                if self.agents.contains_key(&agent.id) || self.is_there(&agent_paths(&agent.id)[0])? {
                    return Err(Error::bad_input(
                        "name",
                        format!("there is an agent {} already", agent.id),
                        "Choose another name.",
                    ));
                }
                self.plan_new_agent(agent)
            }
            Want::PatchAgent { agent, patch, base } => {
                self.check_agent_base(agent, base.as_deref())?;
                self.plan_agent(agent, patch)
            }
            Want::PutAgentBack { agent, patch, made, prompt } => {
                let [_, path] = agent_paths(agent);
                let now = self.newest_text(&path)?.map(|text| content_hash(text.as_bytes()));
                if prompt.is_some() && *prompt != now {
                    return Err(Error::Conflict {
                        message: format!("{path} was changed since"),
                        hint: "Nothing was taken back. Change the prompt in the agent's page instead.".into(),
                    });
                }
                let mut old = patch.clone();
                let prompt = old.prompt.take();
                let now = self.agent_now(agent)?;
                let back = old.put_back(made, &now.said_of(&old)).map_err(|what| Error::Conflict {
                    message: format!("{what} of the agent {} was changed since", now.name),
                    hint: "Nothing was taken back. Change it in the agent's page instead.".into(),
                })?;
                self.plan_agent(agent, &AgentPatch { prompt, ..back })
            }
            Want::DeleteAgent { agent } => {
                let mut paths = Vec::new();
                for path in agent_paths(agent) {
                    if self.is_there(&path)? {
                        paths.push(Ok((path, None)));
                    }
                }
                if paths.is_empty() {
                    return Err(Error::not_found("agent", agent));
                }
                self.plan_delete(paths, &format!("Delete the agent {agent}"))
            }
            Want::AddRule { rule } => {
                let old = self.newest_text(POLICY_PATH)?;
                let new = nox_registry::append_rule(old.as_deref().unwrap_or_default(), rule)
                    .map_err(|problem| in_file(&problem))?;
                Ok(Plan {
                    edits: vec![edit(POLICY_PATH.into(), old.as_deref(), Some(new))],
                    inverse: Some(Want::DeleteRule { rule: rule.id.clone() }),
                    message: format!("New rule: {}", rule_in_words(&rule.matcher)),
                })
            }
            Want::DeleteRule { rule } => {
                let known = self.shared.policy.load();
                let old_rule = known.rules.iter().find(|known| known.id == *rule).cloned();
                let old_rule = old_rule.ok_or_else(|| Error::not_found("rule", rule))?;
                let old = self.newest_text(POLICY_PATH)?.unwrap_or_default();
                let new = nox_registry::remove_rule(&old, rule).map_err(|problem| in_file(&problem))?;
                Ok(Plan {
                    edits: vec![edit(POLICY_PATH.into(), Some(&old), Some(new))],
                    inverse: Some(Want::AddRule { rule: old_rule }),
                    message: format!("Delete the rule {rule}"),
                })
            }
            Want::Restore { files } => {
                let mut edits = Vec::new();
                for file in files {
                    if self.is_there(&file.path)? {
                        return Err(Error::Conflict {
                            message: format!("{} is there again", file.path),
                            hint: "Nothing was restored. Rename the new file and try again.".into(),
                        });
                    }
                    let task = match place_of(&file.path) {
                        Place::Task => {
                            TaskFile::parse(&file.path, &file.content).ok().and_then(|f| f.id().cloned())
                        }
                        _ => None,
                    };
                    let content = Some(file.content.clone());
                    edits.push(Edit { path: file.path.clone(), task, base: None, base_text: None, content });
                }
                let tasks: Vec<TaskId> = edits.iter().filter_map(|edit| edit.task.clone()).collect();
                let agent = files.iter().find_map(|file| match place_of(&file.path) {
                    Place::Agent(agent) => Some(agent),
                    _ => None,
                });
                let inverse = match agent {
                    Some(agent) => Want::DeleteAgent { agent },
                    None => Want::DeleteTasks { tasks },
                };
                Ok(Plan { edits, inverse: Some(inverse), message: "Restore what was deleted".into() })
            }
        }
    }

    fn is_there(&self, path: &str) -> Result<bool, Error> {
        Ok(self.newest_text(path)?.is_some())
    }

    fn plan_patch(&self, task: &TaskId, patch: &TaskPatch, base: Option<&str>) -> Result<Plan, Error> {
        let row = self.task(task)?;
        let text = self.newest_text(&row.path)?.ok_or_else(|| Error::not_found("task", task))?;
        let file = TaskFile::parse(&row.path, &text).map_err(|problem| in_file(&problem))?;
        let as_file = file.task_as(task.clone());
        let mut new = file.edit(patch).map_err(|error| of_edit(&row.path, error))?.render().to_owned();
        let hash = content_hash(text.as_bytes());
        if let Some(base) = base.filter(|base| patch.body.is_some() && *base != hash) {
            // Somebody wrote the file since this body was begun: both are kept, and where they meet, the hand wins.
            let old = self.base_text(&row.path, base)?.unwrap_or_default();
            let ours = TaskFile::parse(&row.path, &old)
                .ok()
                .and_then(|file| file.edit(patch).ok())
                .map_or_else(|| new.clone(), |file| file.render().to_owned());
            let merged =
                nox_tasks::merge(&row.path, &old, &ours, &text).map_err(|problem| in_file(&problem))?;
            if !merged.conflicts.is_empty() {
                return Err(Error::Conflict {
                    message: format!("{} was changed meanwhile in the same place", row.path),
                    hint: "Nothing was written and your text is kept here. Look at the file's new text, then save again.".into(),
                });
            }
            new = merged.text;
        }
        let new_hash = content_hash(new.as_bytes());
        let mut edits = Vec::new();
        if new != text {
            edits.push(Edit {
                path: row.path.clone(),
                task: Some(task.clone()),
                base: Some(hash),
                base_text: Some(text),
                content: Some(new),
            });
        }
        // An old body that comes back is merged with what a hand writes from now on.
        let base = patch.body.is_some().then_some(new_hash);
        let inverse = Want::PatchTask { task: task.clone(), patch: as_file.inverse(patch), base };
        Ok(Plan { edits, inverse: Some(inverse), message: format!("Change a task: {}", row.title) })
    }

    /// A change that was made from another version would take back what somebody else has changed since.
    fn check_agent_base(&self, agent: &AgentId, base: Option<&str>) -> Result<(), Error> {
        let Some(base) = base else { return Ok(()) };
        let now = self.agent_after(agent, &[], clock::now())?;
        let now = now.ok_or_else(|| Error::not_found("agent", agent))?;
        if now.version == base {
            return Ok(());
        }
        Err(Error::Stale {
            message: format!("the agent {} was changed meanwhile", now.agent.name),
            hint: "Nothing was written. Look at it as it is now, then change it again.".into(),
        })
    }

    fn agent_now(&self, agent: &AgentId) -> Result<Agent, Error> {
        let row = self.agent_after(agent, &[], clock::now())?;
        row.map(|row| row.agent).ok_or_else(|| Error::not_found("agent", agent))
    }

    fn plan_agent(&self, agent: &AgentId, patch: &AgentPatch) -> Result<Plan, Error> {
        let [toml_path, prompt_path] = agent_paths(agent);
        let toml = self.newest_text(&toml_path)?.ok_or_else(|| Error::not_found("agent", agent))?;
        let new = nox_registry::edit_agent(agent, &toml, patch).map_err(|problem| {
            // What is wrong with the file as it is, nobody has just written in a form.
            let was_wrong =
                nox_registry::parse_agent(agent, &toml, "").is_err_and(|before| before == problem);
            if was_wrong || problem.code == "newer_schema" { in_file(&problem) } else { in_form(&problem) }
        })?;
        let mut edits = Vec::new();
        if new != toml {
            edits.push(edit(toml_path, Some(&toml), Some(new)));
        }
        if let Some(prompt) = &patch.prompt {
            let old = self.newest_text(&prompt_path)?;
            if old.as_deref() != Some(prompt) {
                edits.push(edit(prompt_path, old.as_deref(), Some(prompt.clone())));
            }
        }
        let prompt = patch.prompt.as_ref().map(|prompt| content_hash(prompt.as_bytes()));
        let old = self.agent_now(agent)?.said_of(patch);
        let new = self.agent_after(agent, &edits, clock::now())?;
        let made = new.map(|row| row.agent.said_of(patch)).unwrap_or_default();
        let made = Box::new(AgentPatch { prompt: None, ..made });
        let inverse = Want::PutAgentBack { agent: agent.clone(), patch: old, made, prompt };
        Ok(Plan { edits, inverse: Some(inverse), message: format!("Change the agent {agent}") })
    }

    fn plan_delete(
        &self,
        paths: Vec<Result<(String, Option<TaskId>), Error>>,
        message: &str,
    ) -> Result<Plan, Error> {
        let mut edits = Vec::new();
        let mut old = Vec::new();
        for path in paths {
            let (path, task) = path?;
            let content = self.newest_text(&path)?;
            let base = content.as_ref().map(|text| content_hash(text.as_bytes()));
            if let Some(content) = content {
                old.push(OldFile { path: path.clone(), content });
            }
            edits.push(Edit { path, task, base, base_text: None, content: None });
        }
        Ok(Plan { edits, inverse: Some(Want::Restore { files: old }), message: message.to_owned() })
    }

    fn plan_new_agent(&self, agent: &Agent) -> Result<Plan, Error> {
        let (toml, prompt) = nox_registry::create_agent(agent).map_err(|problem| in_form(&problem))?;
        let [toml_path, prompt_path] = agent_paths(&agent.id);
        Ok(Plan {
            edits: vec![edit(toml_path, None, Some(toml)), edit(prompt_path, None, Some(prompt))],
            inverse: Some(Want::DeleteAgent { agent: agent.id.clone() }),
            message: format!("New agent: {}", agent.name),
        })
    }

    /// Writes the facts of these edits; when this returns they are in the log and will be on disk. Answers the place in
    /// the log and the edits with the numbers under which the outbox holds them.
    pub(super) async fn record(
        &mut self,
        edits: Vec<Edit>,
        cause: &Cause,
        receipt: Option<(serde_json::Value, Option<Want>)>,
    ) -> Result<(i64, Vec<(i64, Edit)>), Error> {
        self.record_settling(edits, cause, receipt, Vec::new()).await
    }

    /// As [`Owner::record`]; the same commit says that these entries of the outbox are done.
    pub(super) async fn record_settling(
        &mut self,
        edits: Vec<Edit>,
        cause: &Cause,
        receipt: Option<(serde_json::Value, Option<Want>)>,
        outbox_done: Vec<i64>,
    ) -> Result<(i64, Vec<(i64, Edit)>), Error> {
        check_size(&edits)?;
        let at = clock::now();
        let mut change = Change {
            receipt: receipt
                .map(|(result, inverse)| (result, inverse.map(|want| serde_json::json!({ "files": want })))),
            outbox_done,
            ..Change::default()
        };
        let mut agents: Vec<AgentId> = Vec::new();
        let mut tasks = Vec::new();
        let mut policy = None;
        for edit in &edits {
            let subject = subject_of(&edit.path, edit.task.as_ref());
            change.events.push((
                "registry".to_owned(),
                Event::FileChanged {
                    path: edit.path.clone(),
                    subject,
                    base: edit.base.clone(),
                    content: edit.content.clone(),
                },
            ));
            change.outbox.push(NewOutbox { kind: FILE_WRITE.to_owned(), body: json(edit) });
            match (place_of(&edit.path), &edit.task, &edit.content) {
                (Place::Task, Some(task), Some(content)) => {
                    let file = TaskFile::parse(&edit.path, content).map_err(|problem| in_file(&problem))?;
                    let row = task_row(&file, task.clone(), content_hash(content.as_bytes()), at);
                    change.rows.push(put(&Row::Task(row.clone())));
                    tasks.push((task.clone(), Some(row)));
                }
                (Place::Task, Some(task), None) => {
                    change.rows.extend([gone(kind::TASK, task), gone(kind::REFUSAL, task)]);
                    tasks.push((task.clone(), None));
                }
                (Place::Agent(agent), _, _) => agents.push(agent),
                (Place::Policy, _, Some(content)) => {
                    policy = Some(nox_registry::parse_policy(content).map_err(|problem| in_file(&problem))?);
                }
                _ => {}
            }
        }
        agents.dedup();
        let mut agent_rows = Vec::new();
        for agent in agents {
            let row = self.agent_after(&agent, &edits, at)?;
            change.rows.push(match &row {
                Some(row) => put(&Row::Agent(Box::new(row.clone()))),
                None => gone(kind::AGENT, &agent),
            });
            agent_rows.push((agent, row));
        }
        let committed = self.shared.ledger.commit(cause, at, change).await?;
        for edit in &edits {
            if let (Some(_), Some(content)) = (&edit.task, &edit.content) {
                self.remember(content_hash(content.as_bytes()), content);
            }
            self.unwritten.insert(edit.path.clone(), edit.content.clone());
        }
        for (task, row) in tasks {
            match row {
                Some(row) => self.tasks.insert(task, row),
                None => self.tasks.remove(&task),
            };
        }
        for (agent, row) in agent_rows {
            match row {
                Some(row) => self.agents.insert(agent, row),
                None => self.agents.remove(&agent),
            };
        }
        if let Some(policy) = policy {
            self.shared.policy.store(Arc::new(policy));
        }
        self.publish();
        Ok((committed.last_seq, committed.outbox_ids.into_iter().zip(edits).collect()))
    }

    /// What an agent will be when these edits are written.
    fn agent_after(
        &self,
        agent: &AgentId,
        edits: &[Edit],
        at: nox_domain::At,
    ) -> Result<Option<nox_domain::rows::AgentRow>, Error> {
        let [toml, prompt] =
            agent_paths(agent).map(|path| match edits.iter().find(|edit| edit.path == path) {
                Some(edit) => Ok(edit.content.clone()),
                None => self.newest_text(&path),
            });
        let Some(toml) = toml? else { return Ok(None) };
        let parsed = nox_registry::parse_agent(agent, &toml, &prompt?.unwrap_or_default())
            .map_err(|problem| in_file(&problem))?;
        Ok(Some(agent_row(parsed.agent, &toml, at)))
    }
}

/// A file that could not be read again is not written.
fn check_size(edits: &[Edit]) -> Result<(), Error> {
    let size = |edit: &Edit| edit.content.as_ref().map_or(0, |text| text.len() as u64);
    match edits.iter().find(|edit| size(edit) > MAX_FILE_BYTES) {
        Some(edit) => Err(Error::bad_input(
            "body",
            format!("{} would have {} bytes; {MAX_FILE_BYTES} are allowed", edit.path, size(edit)),
            "Move long texts into files of a project and name them in the task.",
        )),
        None => Ok(()),
    }
}

fn edit(path: String, old: Option<&str>, content: Option<String>) -> Edit {
    let base = old.map(|text| content_hash(text.as_bytes()));
    Edit { path, task: None, base, base_text: old.map(str::to_owned), content }
}

fn rule_in_words(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Prefix(words) => words.join(" "),
        Matcher::Exact(_) => "one exact text".into(),
        Matcher::Any => "everything of a kind".into(),
    }
}

fn of_edit(path: &str, error: EditError) -> Error {
    match error {
        EditError::BadValue(problem) => {
            Error::BadInput { field: "patch".into(), message: problem.message, hint: problem.hint }
        }
        EditError::ReadOnly { .. } => Error::Conflict {
            message: format!("{path} was written by a newer Nox and is shown read-only"),
            hint: "Change it with that version, or in an editor.".into(),
        },
    }
}

/// What somebody wants an agent to be is not what its file may say.
pub(crate) fn in_form(problem: &FileProblem) -> Error {
    let field = problem.field.clone().unwrap_or_else(|| "agent".into());
    Error::bad_input(field, problem.message.clone(), problem.hint.clone())
}

/// A file that would have to be changed has an error of its own.
pub(super) fn in_file(problem: &FileProblem) -> Error {
    Error::Conflict {
        message: format!("{}, line {}: {}", problem.path, problem.line, problem.message),
        hint: problem.hint.clone(),
    }
}
