//! Changes by hand: what is on disk is compared with the index, read, and taken over if it is understood.

use super::{
    owner::{Owner, RETRY},
    read::{MAX_FILE_BYTES, Place, agent_paths, agent_row, place_of, subject_of, task_row, whole_file},
    write::Edit,
};
use crate::{
    clock::{self, SystemIds},
    ledger::{Change, gone, put},
};
use nox_domain::{
    event::Event,
    ids::{AgentId, TaskId},
    rows::{FileProblem, Row, kind},
};
use nox_registry::{POLICY_PATH, content_hash};
use nox_tasks::TaskFile;
use std::{collections::BTreeSet, sync::Arc};
use tokio::time::Instant;

/// Files that are taken over in one transaction.
const AT_ONCE: usize = 200;
/// The code of a file with the id of another one.
const DUPLICATE: &str = "duplicate_id";
/// The codes of a file that could not be read at all.
const TOO_LARGE: &str = "too_large";
const UNREADABLE: &str = "unreadable";

impl Owner {
    /// Compares the whole folder with the index; only files that look changed are opened.
    pub(super) async fn look_everywhere(&mut self) {
        let found = match self.registry.scan() {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "the registry cannot be looked at");
                return;
            }
        };
        let mut changed = BTreeSet::new();
        let mut there = BTreeSet::new();
        for stat in found {
            let same = self.files.get(&stat.path).is_some_and(|known| {
                known.mtime_ns == stat.mtime_ns
                    && known.size_bytes == stat.size_bytes
                    && known.inode == stat.inode
            });
            if !same {
                changed.insert(stat.path.clone());
            }
            there.insert(stat.path);
        }
        let known = self.files.keys().chain(self.problems.keys());
        changed.extend(known.filter(|path| !there.contains(*path)).cloned());
        self.look_at(changed).await;
    }

    /// Looks at some paths.
    pub(super) async fn look_at(&mut self, paths: BTreeSet<String>) {
        let mut agents: BTreeSet<AgentId> = BTreeSet::new();
        let mut change = Change::default();
        let mut new_tasks = Vec::new();
        let mut committed = Vec::new();
        for path in paths {
            match place_of(&path) {
                Place::Task => self.look_at_task(&path, &mut change, &mut new_tasks, &mut committed),
                Place::Agent(agent) => {
                    agents.insert(agent);
                }
                Place::Policy => self.look_at_policy(&mut change, &mut committed),
                Place::Other => self.mended(&path, &mut change),
            }
            if change.rows.len() >= AT_ONCE {
                self.take_over(std::mem::take(&mut change)).await;
            }
        }
        for agent in agents {
            self.look_at_agent(&agent, &mut change, &mut committed);
        }
        self.take_over(change).await;
        self.publish();
        if std::mem::take(&mut self.task_went) {
            let copies = self.problems.values().filter(|problem| problem.code == DUPLICATE);
            let copies: BTreeSet<String> = copies.map(|problem| problem.path.clone()).collect();
            for copy in &copies {
                self.files.remove(copy);
            }
            Box::pin(self.look_at(copies)).await;
        }
        for chunk in new_tasks.chunks(AT_ONCE) {
            match self.record(chunk.to_vec(), &Self::hand(), None).await {
                Ok((_, edits)) => self.write_out(edits, "New task files".into()).await,
                Err(error) => tracing::warn!(%error, "new task files cannot be recorded"),
            }
        }
        if !committed.is_empty() {
            self.commit_soon(committed, "Changes by hand".into()).await;
        }
    }

    async fn take_over(&mut self, change: Change) {
        if change.rows.is_empty() && change.events.is_empty() {
            return;
        }
        let Err(error) = self.shared.ledger.commit(&Self::hand(), clock::now(), change).await else { return };
        tracing::error!(%error, "changes by hand cannot be recorded; they are looked at again");
        // What is remembered must not be ahead of what is recorded, or nobody would look at these files again.
        if let Err(error) = self.load_rows().await {
            tracing::error!(%error, "what is recorded cannot be read");
            self.files.clear();
        }
        self.look_again_at = Some(Instant::now() + RETRY);
    }

    /// A file's bytes and their hash; none if it is not there. What cannot be read is a problem of the file.
    fn bytes_of(&self, path: &str) -> Result<Option<(Vec<u8>, String)>, Box<FileProblem>> {
        match self.registry.read(path, MAX_FILE_BYTES) {
            Ok(bytes) => Ok(bytes.map(|bytes| {
                let hash = content_hash(&bytes);
                (bytes, hash)
            })),
            Err(error @ nox_registry::Error::TooLarge { .. }) => Err(Box::new(whole_file(
                path,
                TOO_LARGE,
                error.to_string(),
                "Move long texts into files of a project and name them in the task.",
            ))),
            Err(error) => Err(Box::new(whole_file(
                path,
                UNREADABLE,
                error.to_string(),
                "Make it a plain file that you can read.",
            ))),
        }
    }

    fn look_at_task(
        &mut self,
        path: &str,
        change: &mut Change,
        new_tasks: &mut Vec<Edit>,
        committed: &mut Vec<String>,
    ) {
        let known = self.files.get(path).cloned();
        let (bytes, hash) = match self.bytes_of(path) {
            Ok(Some(found)) => found,
            Ok(None) => {
                self.task_gone(path, change, committed);
                return;
            }
            Err(problem) => return self.broken(*problem, None, change),
        };
        if known.as_ref().is_some_and(|known| known.hash == hash) {
            let task = known.and_then(|known| known.task);
            change.rows.push(self.index(path, Some(hash), task));
            self.same_again(path, change);
            return;
        }
        let file = match TaskFile::parse_bytes(path, &bytes) {
            Ok(file) => file,
            Err(problem) => {
                return self.broken(*problem, Some((hash, known.and_then(|known| known.task))), change);
            }
        };
        let Some(id) = file.id().cloned().or_else(|| known.as_ref().and_then(|known| known.task.clone()))
        else {
            let id = TaskId::fresh(&mut SystemIds);
            match file.with_id(&id) {
                Ok(named) => new_tasks.push(Edit {
                    path: path.to_owned(),
                    task: Some(id),
                    base: Some(hash),
                    base_text: Some(file.render().to_owned()),
                    content: Some(named.render().to_owned()),
                }),
                Err(error) => {
                    let problem =
                        whole_file(path, "no_id", error.to_string(), "Write an id into the front matter.");
                    self.broken(problem, Some((hash, None)), change);
                }
            }
            return;
        };
        if let Some(other) =
            self.tasks.get(&id).filter(|row| row.path != path && self.is_still_there(&row.path))
        {
            let problem = FileProblem {
                field: Some("id".into()),
                ..whole_file(
                    path,
                    DUPLICATE,
                    format!("The task {id} is in {} already.", other.path),
                    "Take the id line away, and this file becomes a task of its own.",
                )
            };
            return self.broken(problem, Some((hash, None)), change);
        }
        self.remember(hash.clone(), file.render());
        let row = task_row(&file, id.clone(), hash.clone(), clock::now());
        change.events.push((
            "registry".into(),
            Event::FileSeen {
                path: path.to_owned(),
                subject: subject_of(path, Some(&id)),
                hash: Some(hash.clone()),
            },
        ));
        change.rows.push(put(&Row::Task(row.clone())));
        change.rows.push(self.index(path, Some(hash), Some(id.clone())));
        self.tasks.insert(id, row);
        self.mended(path, change);
        committed.push(path.to_owned());
    }

    fn is_still_there(&self, path: &str) -> bool {
        self.registry.read(path, MAX_FILE_BYTES).is_ok_and(|bytes| bytes.is_some())
    }

    fn task_gone(&mut self, path: &str, change: &mut Change, committed: &mut Vec<String>) {
        let Some(known) = self.files.get(path).cloned() else {
            self.mended(path, change);
            return;
        };
        change.rows.push(self.index(path, None, None));
        self.mended(path, change);
        change.events.push((
            "registry".into(),
            Event::FileSeen {
                path: path.to_owned(),
                subject: subject_of(path, known.task.as_ref()),
                hash: None,
            },
        ));
        // A file that was renamed by hand keeps its task: the other path is looked at as well.
        if let Some(task) = known.task.filter(|task| self.tasks.get(task).is_some_and(|row| row.path == path))
        {
            self.tasks.remove(&task);
            self.task_went = true;
            change.rows.extend([gone(kind::TASK, &task), gone(kind::REFUSAL, &task)]);
        }
        committed.push(path.to_owned());
    }

    fn look_at_policy(&mut self, change: &mut Change, committed: &mut Vec<String>) {
        let known = self.files.get(POLICY_PATH).map(|known| known.hash.clone());
        match self.bytes_of(POLICY_PATH) {
            Ok(Some((_, hash))) if known.as_ref() == Some(&hash) => {
                change.rows.push(self.index(POLICY_PATH, Some(hash), None));
                self.same_again(POLICY_PATH, change);
            }
            Ok(Some((bytes, hash))) => {
                let parsed = match String::from_utf8(bytes) {
                    Ok(text) => nox_registry::parse_policy(&text).map_err(|problem| *problem),
                    Err(_) => Err(whole_file(
                        POLICY_PATH,
                        "not_utf8",
                        "This file is not UTF-8 text.".into(),
                        "Save it as UTF-8.",
                    )),
                };
                match parsed {
                    Ok(policy) => {
                        self.shared.policy.store(Arc::new(policy));
                        self.seen(POLICY_PATH, hash, change);
                        committed.push(POLICY_PATH.into());
                    }
                    Err(problem) => self.broken(problem, Some((hash, None)), change),
                }
            }
            // Without the file everything is asked.
            Ok(None) => {
                self.shared.policy.store(Arc::new(super::cautious()));
                if known.is_some() {
                    change.rows.push(self.index(POLICY_PATH, None, None));
                    committed.push(POLICY_PATH.into());
                }
                self.mended(POLICY_PATH, change);
            }
            Err(problem) => self.broken(*problem, None, change),
        }
    }

    fn look_at_agent(&mut self, agent: &AgentId, change: &mut Change, committed: &mut Vec<String>) {
        let paths = agent_paths(agent);
        let mut found = Vec::new();
        for path in &paths {
            match self.bytes_of(path) {
                Ok(bytes) => found.push(bytes),
                Err(problem) => return self.broken(*problem, None, change),
            }
        }
        let same = paths.iter().zip(&found).all(|(path, bytes)| {
            self.files.get(path).map(|known| &known.hash) == bytes.as_ref().map(|(_, hash)| hash)
        });
        if same {
            for (path, bytes) in paths.iter().zip(found) {
                match bytes {
                    Some((_, hash)) => {
                        change.rows.push(self.index(path, Some(hash), None));
                        self.same_again(path, change);
                    }
                    None => self.mended(path, change),
                }
            }
            return;
        }
        let mut found = found.into_iter();
        let (toml, prompt) = (found.next().flatten(), found.next().flatten());
        let Some((toml, toml_hash)) = toml else {
            for path in &paths {
                if self.files.contains_key(path) {
                    change.rows.push(self.index(path, None, None));
                    committed.push(path.clone());
                }
                self.mended(path, change);
            }
            if self.agents.remove(agent).is_some() {
                change.rows.push(gone(kind::AGENT, agent));
                change.events.push((
                    "registry".into(),
                    Event::FileSeen {
                        path: paths[0].clone(),
                        subject: subject_of(&paths[0], None),
                        hash: None,
                    },
                ));
            }
            return;
        };
        let prompt_hash = prompt.as_ref().map(|(_, hash)| hash.clone());
        let prompt =
            prompt.map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let parsed = match String::from_utf8(toml) {
            Ok(toml) => {
                nox_registry::parse_agent(agent, &toml, &prompt).map(|parsed| (parsed, toml)).map_err(|p| *p)
            }
            Err(_) => Err(whole_file(
                &paths[0],
                "not_utf8",
                "This file is not UTF-8 text.".into(),
                "Save it as UTF-8.",
            )),
        };
        match parsed {
            Ok((parsed, toml)) => {
                let row = agent_row(parsed.agent, &toml, clock::now());
                change.rows.push(put(&Row::Agent(Box::new(row.clone()))));
                self.agents.insert(agent.clone(), row);
                self.seen(&paths[0], toml_hash, change);
                committed.push(paths[0].clone());
                if let Some(hash) = prompt_hash {
                    self.seen(&paths[1], hash, change);
                    committed.push(paths[1].clone());
                } else {
                    if self.files.contains_key(&paths[1]) {
                        change.rows.push(self.index(&paths[1], None, None));
                        committed.push(paths[1].clone());
                    }
                    self.mended(&paths[1], change);
                }
            }
            Err(problem) => {
                if let Some(hash) = prompt_hash {
                    change.rows.push(self.index(&paths[1], Some(hash), None));
                }
                self.broken(problem, Some((toml_hash, None)), change);
            }
        }
    }

    /// A file is understood.
    fn seen(&mut self, path: &str, hash: String, change: &mut Change) {
        change.events.push((
            "registry".into(),
            Event::FileSeen {
                path: path.to_owned(),
                subject: subject_of(path, None),
                hash: Some(hash.clone()),
            },
        ));
        change.rows.push(self.index(path, Some(hash), None));
        self.mended(path, change);
    }

    /// A file is not understood: the last good state stays, people are told, the file is not touched.
    fn broken(&mut self, problem: FileProblem, read: Option<(String, Option<TaskId>)>, change: &mut Change) {
        if let Some((hash, task)) = read {
            change.rows.push(self.index(&problem.path, Some(hash), task));
        }
        if self.problems.get(&problem.path) == Some(&problem) {
            return;
        }
        change.events.push((
            "registry".into(),
            Event::FileBroken {
                path: problem.path.clone(),
                line: problem.line,
                message: problem.message.clone(),
            },
        ));
        change.rows.push(put(&Row::Problem(problem.clone())));
        self.problems.insert(problem.path.clone(), problem);
    }

    /// A file is what it was when it was read last.
    fn same_again(&mut self, path: &str, change: &mut Change) {
        // What could not even be read was not indexed: it can be read now.
        if self.problems.get(path).is_some_and(|problem| matches!(&*problem.code, TOO_LARGE | UNREADABLE)) {
            self.mended(path, change);
        }
        self.try_what_waits(path);
    }

    fn try_what_waits(&mut self, path: &str) {
        if self.waiting.contains(path) && !self.problems.contains_key(path) {
            self.waiting.remove(path);
            self.retry_at = Some(Instant::now());
        }
    }

    fn mended(&mut self, path: &str, change: &mut Change) {
        if self.problems.remove(path).is_some() {
            change.rows.push(gone(kind::PROBLEM, path));
        }
        self.try_what_waits(path);
    }
}
