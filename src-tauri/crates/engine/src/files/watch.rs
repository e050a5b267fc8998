//! Hints that something in the registry changed. A hint may be wrong, late or doubled; the owner looks for itself.

use notify::{RecursiveMode, Watcher};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// More changed paths than this are looked at as "everything".
const MANY: usize = 500;

pub(super) struct Watch {
    shared: Arc<State>,
    /// Dropping it ends the watching.
    _watcher: Option<notify::RecommendedWatcher>,
}

struct State {
    root: PathBuf,
    hints: Mutex<Hints>,
    rung: Notify,
}

#[derive(Default)]
struct Hints {
    paths: BTreeSet<String>,
    everything: bool,
}

impl Watch {
    pub(super) fn start(root: &Path) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let shared = Arc::new(State { root: root.clone(), hints: Mutex::default(), rung: Notify::new() });
        let state = shared.clone();
        let watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| state.hear(event))
                .and_then(|mut watcher| {
                    // Not recursive at the top: the repository's own folder changes with every commit.
                    watcher.watch(&root, RecursiveMode::NonRecursive)?;
                    for folder in ["tasks", "agents"] {
                        let path = root.join(folder);
                        std::fs::create_dir_all(&path)?;
                        watcher.watch(&path, RecursiveMode::Recursive)?;
                    }
                    Ok(watcher)
                });
        let watcher = match watcher {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::error!(%error, "changes by hand are not noticed until the next start");
                None
            }
        };
        Self { shared, _watcher: watcher }
    }

    /// Resolves when there is something to look at.
    pub(super) async fn hinted(&self) {
        self.shared.rung.notified().await;
    }

    /// The paths to look at; none means everything.
    pub(super) fn take(&self) -> Option<BTreeSet<String>> {
        let hints = std::mem::take(&mut *self.shared.hints());
        (!hints.everything).then_some(hints.paths)
    }
}

impl State {
    fn hints(&self) -> std::sync::MutexGuard<'_, Hints> {
        self.hints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, event: notify::Result<notify::Event>) {
        let mut hints = self.hints();
        match event {
            Ok(event) if event.kind.is_access() => return,
            // A folder that came or went, or a queue that ran over, says nothing about the files inside.
            Ok(event) if event.need_rescan() => hints.everything = true,
            Ok(event) => {
                for path in &event.paths {
                    let Ok(inside) = path.strip_prefix(&self.root) else { continue };
                    let text = inside.to_string_lossy().replace('\\', "/");
                    // As the scan does: what Nox and editors write beside a file says nothing about it.
                    if text.is_empty() || text.split('/').any(nox_registry::is_left_out) {
                        continue;
                    }
                    if path.is_dir() || Path::new(&text).extension().is_none() {
                        hints.everything = true;
                    } else {
                        hints.paths.insert(text);
                    }
                }
            }
            Err(_) => hints.everything = true,
        }
        if hints.paths.len() > MANY {
            hints.everything = true;
        }
        if hints.everything {
            hints.paths.clear();
        }
        if hints.everything || !hints.paths.is_empty() {
            self.rung.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::{Event, EventKind, event::CreateKind};

    fn hints_of(names: &[&str]) -> Hints {
        let root = PathBuf::from("/registry");
        let state = State { root: root.clone(), hints: Mutex::default(), rung: Notify::new() };
        for name in names {
            state.hear(Ok(Event::new(EventKind::Create(CreateKind::File)).add_path(root.join(name))));
        }
        std::mem::take(&mut *state.hints())
    }

    #[test]
    fn what_is_written_beside_a_file_is_no_hint() {
        let beside =
            ["tasks/a/.nox-x7Yz", "tasks/4913", "tasks/.#task.md", "tasks/task.md~", ".git/HEAD", "#x#"];
        let hints = hints_of(&beside);
        assert!(!hints.everything && hints.paths.is_empty(), "{:?}", hints.paths);
        let hints = hints_of(&["tasks/task.md"]);
        assert!(!hints.everything && hints.paths.contains("tasks/task.md"));
        assert!(hints_of(&["tasks/folder"]).everything);
    }
}
