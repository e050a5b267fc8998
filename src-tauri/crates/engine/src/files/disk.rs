//! Recorded changes reach the disk, and meet what a hand did there meanwhile.
//!
//! Both changes are kept where that is possible. Where it is not, the hand wins, and a problem of the file says what was
//! left out; a change is never dropped without a word. A file that is broken is not written to: its changes wait.

use super::{
    owner::{Owner, RETRY},
    read::{Indexed, Place, place_of, whole_file},
    write::Edit,
};
use crate::{
    Error, clock,
    ledger::{Cause, Change, gone, json, put},
};
use nox_domain::{
    agent::AgentPatch,
    event::Event,
    ids::{AgentId, TaskId},
    rows::{FileProblem, Row, kind},
};
use nox_registry::{
    Expected, POLICY_PATH, append_rule, content_hash, parse_agent, parse_policy, remove_rule,
};
use nox_store::RowWrite;
use std::{collections::BTreeSet, sync::Arc};
use tokio::time::Instant;

/// The code of a problem that says what was left out of a file. It hinders nothing.
pub(super) const NOT_WRITTEN: &str = "not_written";

/// What became of one change.
enum Put {
    /// The file is like this now.
    Done(Option<String>),
    /// A hand was in it as well; what could not be kept of the change, in words.
    Merged(Option<String>, Option<String>),
    /// The file is broken; the change waits until it is mended.
    Waits(FileProblem),
}

impl Owner {
    /// Writes recorded edits to the disk and notes that they are there; what cannot be written is tried again.
    pub(super) async fn write_out(&mut self, edits: Vec<(i64, Edit)>, message: String) {
        let mut done = Change::default();
        let mut paths = Vec::new();
        let mut again = BTreeSet::new();
        let mut left_out = Vec::new();
        for (outbox, edit) in edits {
            if self.stuck.contains(&edit.path) {
                continue;
            }
            let (hash, is_merged) = match self.write_one(&edit) {
                Ok(Put::Done(hash)) => (hash, false),
                Ok(Put::Merged(hash, lost)) => {
                    left_out.extend(lost.map(|lost| not_written(&edit.path, &lost)));
                    (hash, true)
                }
                Ok(Put::Waits(problem)) => {
                    if self.waiting.insert(edit.path.clone()) {
                        tracing::warn!(path = %edit.path, line = problem.line, "a change waits until its file is mended");
                    }
                    again.insert(edit.path.clone());
                    self.stuck.insert(edit.path);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, path = %edit.path, "a file of the registry cannot be written; trying again");
                    self.stuck.insert(edit.path);
                    self.retry_at = Some(Instant::now() + RETRY);
                    continue;
                }
            };
            self.waiting.remove(&edit.path);
            if self.unwritten.get(&edit.path) == Some(&edit.content) {
                self.unwritten.remove(&edit.path);
            }
            done.outbox_done.push(outbox);
            done.events.push((
                "registry".to_owned(),
                Event::FileWritten { path: edit.path.clone(), hash: hash.clone() },
            ));
            paths.push(edit.path.clone());
            // A file without a task of its own is one that was brought back as broken as it was.
            let is_unknown = edit.task.is_none() && place_of(&edit.path) == Place::Task && hash.is_some();
            if is_merged || is_unknown {
                // It is read like any change by hand.
                again.insert(edit.path);
                continue;
            }
            if edit.path == POLICY_PATH
                && let Some(Ok(policy)) = edit.content.as_deref().map(parse_policy)
            {
                self.shared.policy.store(Arc::new(policy));
            }
            done.rows.push(self.index(&edit.path, hash, edit.task.clone()));
            if self.problems.remove(&edit.path).is_some() {
                done.rows.push(gone(kind::PROBLEM, &edit.path));
            }
        }
        if !done.events.is_empty() {
            if let Err(error) = self.shared.ledger.commit(&Cause::nox(), clock::now(), done).await {
                // The outbox still holds them: at the next try the files are found to be written. Later changes of the same
                // files wait until then: noted before these, they would be undone by them.
                tracing::warn!(%error, "written files could not be noted");
                self.stuck.extend(paths.iter().cloned());
                self.retry_at = Some(Instant::now() + RETRY);
            }
            self.publish();
        }
        self.commit_soon(paths, message).await;
        if !again.is_empty() {
            Box::pin(self.look_at(again)).await;
        }
        self.tell_left_out(left_out).await;
    }

    /// Tells people what was not written; a later change of the file takes the notice away.
    async fn tell_left_out(&mut self, problems: Vec<FileProblem>) {
        let mut change = Change::default();
        for problem in problems {
            // A file that is broken has something more urgent to say.
            if self.problems.contains_key(&problem.path) {
                continue;
            }
            change.rows.push(put(&Row::Problem(problem.clone())));
            self.problems.insert(problem.path.clone(), problem);
        }
        if change.rows.is_empty() {
            return;
        }
        if let Err(error) = self.shared.ledger.commit(&Cause::nox(), clock::now(), change).await {
            tracing::error!(%error, "what was left out of a file cannot be told");
        }
        self.publish();
    }

    /// Puts one file on disk. If somebody changed it meanwhile, both changes are kept, and the hand wins where they meet.
    fn write_one(&self, edit: &Edit) -> Result<Put, Error> {
        let now = self.text_of(&edit.path)?;
        let now_hash = now.as_ref().map(|text| content_hash(text.as_bytes()));
        let new_hash = edit.content.as_ref().map(|text| content_hash(text.as_bytes()));
        if now_hash == new_hash {
            return Ok(Put::Done(new_hash));
        }
        if now_hash == edit.base {
            return match &edit.content {
                Some(content) => {
                    let expected = edit.base.clone().map_or(Expected::Absent, Expected::Hash);
                    self.registry.write(&edit.path, content.as_bytes(), &expected)?;
                    Ok(Put::Done(new_hash))
                }
                None => {
                    self.registry.remove(&edit.path)?;
                    Ok(Put::Done(None))
                }
            };
        }
        let old = edit.base_text.as_deref().unwrap_or_default();
        let place = place_of(&edit.path);
        let ours = match (&edit.content, &now, &place) {
            (Some(ours), Some(_), _) | (Some(ours), None, Place::Policy) => ours,
            (Some(_), None, _) => return Ok(Put::Merged(None, Some("it was deleted by hand".into()))),
            (None, _, _) => {
                return Ok(Put::Merged(now_hash, Some("it was changed by hand and is not deleted".into())));
            }
        };
        let theirs = now.unwrap_or_default();
        let merged = match place {
            Place::Task => nox_tasks::merge(&edit.path, old, ours, &theirs).map(|merged| {
                let fields: Vec<String> =
                    merged.conflicts.into_iter().map(|conflict| conflict.field).collect();
                (
                    merged.text,
                    (!fields.is_empty()).then(|| format!("changed by hand as well: {}", fields.join(", "))),
                )
            }),
            Place::Policy => merge_policy(old, ours, &theirs),
            Place::Agent(agent) if edit.path.ends_with(".toml") => merge_agent(&agent, old, ours, &theirs),
            _ => Ok((theirs.clone(), Some("its text was changed by hand".into()))),
        };
        let (text, lost) = match merged {
            Ok(merged) => merged,
            Err(problem) if is_broken(&edit.path, &theirs) => return Ok(Put::Waits(*problem)),
            Err(problem) => return Ok(Put::Merged(now_hash, Some(problem.message))),
        };
        let hash = content_hash(text.as_bytes());
        if text != theirs {
            let expected = now_hash.map_or(Expected::Absent, Expected::Hash);
            self.registry.write(&edit.path, text.as_bytes(), &expected)?;
        }
        Ok(Put::Merged(Some(hash), lost))
    }

    /// Remembers what a file looks like now, so that it is not read again; answers the row of the index.
    pub(super) fn index(&mut self, path: &str, hash: Option<String>, task: Option<TaskId>) -> RowWrite {
        let Some(hash) = hash else {
            self.files.remove(path);
            return gone(kind::FILE, path);
        };
        // A hand may have been here since the content was read: then nothing of the file is known but the old hash.
        let stat = self.registry.stat(path).ok().flatten();
        let stat = stat.filter(|_| self.text_hash(path).as_ref() == Some(&hash));
        let indexed = Indexed {
            mtime_ns: stat.as_ref().map_or(0, |stat| stat.mtime_ns),
            size_bytes: stat.as_ref().map_or(0, |stat| stat.size_bytes),
            inode: stat.as_ref().map_or(0, |stat| stat.inode),
            hash,
            task,
        };
        let body = json(&indexed);
        self.files.insert(path.to_owned(), indexed);
        RowWrite::Put {
            kind: kind::FILE.to_owned(),
            id: path.to_owned(),
            parent: None,
            ord: path.to_owned(),
            body,
        }
    }

    fn text_hash(&self, path: &str) -> Option<String> {
        let bytes = self.registry.read(path, super::read::MAX_FILE_BYTES).ok().flatten()?;
        Some(content_hash(&bytes))
    }
}

fn is_broken(path: &str, text: &str) -> bool {
    match place_of(path) {
        Place::Task => nox_tasks::TaskFile::parse(path, text).is_err(),
        Place::Policy => parse_policy(text).is_err(),
        Place::Agent(agent) => parse_agent(&agent, text, "").is_err(),
        Place::Other => false,
    }
}

/// The merged text, and what was left out of it.
type Merged = Result<(String, Option<String>), Box<FileProblem>>;

/// The rules that Nox added are added and those that it took away are taken away, in the file as it is now.
fn merge_policy(old: &str, ours: &str, theirs: &str) -> Merged {
    let (before, after, now) = (parse_policy(old)?, parse_policy(ours)?, parse_policy(theirs)?);
    let mut text = theirs.to_owned();
    let mut lost = None;
    for rule in after.rules.iter().filter(|rule| !before.rules.contains(rule)) {
        match now.rules.iter().find(|known| known.id == rule.id) {
            Some(known) if known == rule => {}
            Some(_) => lost = Some(format!("there is another rule {} already", rule.id)),
            None => text = append_rule(&text, rule)?,
        }
    }
    for rule in before.rules.iter().filter(|rule| !after.rules.iter().any(|kept| kept.id == rule.id)) {
        match now.rules.iter().find(|known| known.id == rule.id) {
            Some(known) if known == rule => text = remove_rule(&text, &rule.id)?,
            Some(_) => lost = Some(format!("the rule {} was changed by hand and is not deleted", rule.id)),
            None => {}
        }
    }
    Ok((text, lost))
}

/// What Nox changed is changed in the file as it is now; where a hand changed the same, the hand's stays.
fn merge_agent(id: &AgentId, old: &str, ours: &str, theirs: &str) -> Merged {
    let now = parse_agent(id, theirs, "")?.agent;
    let (Ok(before), after) = (parse_agent(id, old, ""), parse_agent(id, ours, "")?.agent) else {
        return Ok((theirs.to_owned(), Some("somebody made it by hand meanwhile".into())));
    };
    let before = before.agent;
    let mut patch = AgentPatch::default();
    let mut both = Vec::new();
    macro_rules! field {
        ($($name:ident),+) => {$(
            if after.$name != before.$name && after.$name != now.$name {
                if now.$name == before.$name {
                    patch.$name = Some(after.$name.clone());
                } else {
                    both.push(stringify!($name));
                }
            }
        )+};
    }
    field!(name, description, enabled, review, capabilities, environment, limits, life);
    let text = nox_registry::edit_agent(id, theirs, &patch)?;
    Ok((text, (!both.is_empty()).then(|| format!("changed by hand as well: {}", both.join(", ")))))
}

fn not_written(path: &str, lost: &str) -> FileProblem {
    whole_file(
        path,
        NOT_WRITTEN,
        format!("A change by Nox is not in this file: {lost}."),
        "The file is as it was left by hand. Make the change again if it is still wanted.",
    )
}
