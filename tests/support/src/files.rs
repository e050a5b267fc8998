//! Files of the registry, as a person edits them by hand.

use crate::World;
use nox_api::domain::{ids::TaskId, rows::FileProblem, words::Card};
use std::{fs, path::PathBuf};

impl World {
    /// A path of the registry.
    pub fn registry(&self, path: &str) -> PathBuf {
        self.home().join("registry").join(path)
    }

    /// Writes a file of the registry by hand: in place, as simple editors do.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.registry(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file of the registry.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.registry(path)).unwrap()
    }

    /// A task's card as it is now.
    pub async fn card(&self, task: &TaskId) -> Card {
        let cards = self.snapshot().await.cards;
        cards.into_iter().find(|card| card.task.id == *task).unwrap_or_else(|| panic!("{task} has no card"))
    }

    /// The text of a task's file.
    pub async fn task_text(&self, task: &TaskId) -> String {
        self.read(&self.card(task).await.task.path)
    }

    /// Waits until a task's card is as wanted.
    pub async fn until_card(&mut self, what: &str, task: &TaskId, like: impl Fn(&Card) -> bool) -> Card {
        self.until(what, |all| {
            all.cards.iter().find(|card| card.task.id == *task).filter(|card| like(card)).cloned()
        })
        .await
    }

    /// Waits until a file has a problem.
    pub async fn until_problem(&mut self, path: &str) -> FileProblem {
        let what = format!("a problem of {path}");
        self.until(&what, |all| all.problems.iter().find(|problem| problem.path == path).cloned()).await
    }

    /// Waits until no file has a problem.
    pub async fn until_no_problem(&mut self) {
        self.until("no problem", |all| all.problems.is_empty().then_some(())).await;
    }

    /// Waits until a task's file has a text in it. The engine writes after it has answered.
    pub async fn until_file(&self, task: &TaskId, wanted: &str) -> String {
        let path = self.registry(&self.card(task).await.task.path);
        let deadline = tokio::time::Instant::now() + crate::LONG;
        loop {
            let text = fs::read_to_string(&path).unwrap_or_default();
            if text.contains(wanted) {
                return text;
            }
            assert!(tokio::time::Instant::now() < deadline, "never in the file: {wanted}\n{text}");
            // Writing a file has no push of its own; this only spaces the looks.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}
