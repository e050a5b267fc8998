//! The registry's history: at most one commit per two seconds for tasks, one per command for agents and policy.

use super::owner::{Owner, RETRY};
use crate::ledger::{Cause, Change};
use nox_domain::event::Event;
use std::time::Duration;
use tokio::time::Instant;

/// How long tasks' changes are gathered.
const GATHER: Duration = Duration::from_secs(2);

impl Owner {
    /// Notes that these paths belong into the next commit.
    pub(super) async fn commit_soon(&mut self, paths: impl IntoIterator<Item = String>, message: String) {
        let mut at_once = false;
        for path in paths {
            at_once |= !path.starts_with("tasks/");
            self.uncommitted.insert(path);
        }
        if self.uncommitted.is_empty() {
            return;
        }
        self.messages.push(message);
        if at_once {
            self.commit_now().await;
        } else {
            self.commit_at.get_or_insert(Instant::now() + GATHER);
        }
    }

    /// Commits what an earlier engine wrote or took over and had no time to commit.
    pub(super) async fn commit_what_is_behind(&mut self) {
        let files = self.files.iter().map(|(path, known)| (path.as_str(), known.mtime_ns));
        let paths = match self.registry.behind(files) {
            Ok(paths) => paths,
            Err(error) => return tracing::warn!(%error, "the registry's history cannot be compared"),
        };
        let paths: Vec<String> = paths.into_iter().filter(|path| !self.problems.contains_key(path)).collect();
        if !paths.is_empty() {
            self.commit_soon(paths, "What was not committed yet".into()).await;
        }
    }

    /// Commits what is gathered. A repository that somebody else holds delays the commit, never a write.
    pub(super) async fn commit_now(&mut self) {
        self.commit_at = None;
        if self.uncommitted.is_empty() {
            return;
        }
        let message = match self.messages.as_slice() {
            [one] => one.clone(),
            [first, .., last] if first == last => first.clone(),
            many => format!(
                "{} changes\n\n{}",
                many.len(),
                many.iter().take(50).cloned().collect::<Vec<_>>().join("\n")
            ),
        };
        let paths: Vec<String> = self.uncommitted.iter().cloned().collect();
        let named: Vec<&str> = paths.iter().map(String::as_str).collect();
        match self.registry.commit_paths(&named, &message) {
            Ok(commit) => {
                self.uncommitted.clear();
                self.messages.clear();
                if let Some(commit) = commit {
                    let event = Event::Committed { commit: commit.as_str().to_owned(), paths };
                    let change = Change { events: vec![("registry".into(), event)], ..Change::default() };
                    if let Err(error) =
                        self.shared.ledger.commit(&Cause::nox(), crate::clock::now(), change).await
                    {
                        tracing::warn!(%error, "a commit of the registry could not be noted");
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the registry's commit has to wait");
                self.commit_at = Some(Instant::now() + RETRY);
            }
        }
    }
}
