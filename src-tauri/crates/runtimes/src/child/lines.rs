//! Lines to a program, and the last ones that it said.

use nox_domain::terminal::harmless;
use nox_process::TreeStdin;
use serde_json::Value;
use std::collections::VecDeque;
use tokio::sync::mpsc;

/// Lines of standard error that are kept for people.
const LAST_LINES: usize = 12;

/// Writes frames, each in a line of its own, until nobody sends any more or the program has closed its end.
///
/// A task of its own: a program that does not read must not keep Nox from reading what it says.
pub(crate) async fn write_lines(mut stdin: TreeStdin, mut lines: mpsc::Receiver<Value>) {
    while let Some(frame) = lines.recv().await {
        if stdin.write(format!("{frame}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// What a program said last on standard error, harmless to show.
#[derive(Debug, Default)]
pub(crate) struct LastLines(VecDeque<String>);

impl LastLines {
    /// Keeps a line, unless nothing stands on it.
    pub(crate) fn push(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.0.len() == LAST_LINES {
            self.0.pop_front();
        }
        self.0.push_back(harmless(line.as_bytes()));
    }

    /// All of them.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}
