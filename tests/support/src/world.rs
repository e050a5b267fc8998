//! The World itself: opening, closing and opening again, and waiting.

use crate::Canary;
use nox_api::{
    Api, Home, Subscriber,
    domain::ids::CommandId,
    dto::{Caller, Face, Nothing, Push, Snapshot},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

/// A safety net: nothing takes this long unless it hangs.
pub const LONG: Duration = Duration::from_secs(40);

/// A home of its own, and the engine on it.
pub struct World {
    root: PathBuf,
    /// Held so that the folder goes with the World; none when somebody else owns it.
    _temporary: Option<TempDir>,
    api: Option<Api>,
    ear: Option<Subscriber>,
    /// What was heard since the engine was opened, oldest first.
    pub heard: Vec<Push>,
    canary: Canary,
}

/// A caller with a fresh command id.
pub fn caller() -> Caller {
    caller_with(CommandId::from_uuid(uuid::Uuid::now_v7()))
}

/// A caller with this command id.
pub fn caller_with(command: CommandId) -> Caller {
    Caller { command, face: Face::Window, processes: vec![] }
}

/// Looks again and again at something that has no push of its own.
///
/// # Panics
/// When it does not come in time.
pub async fn poll<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + LONG;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "never came: {what}");
        // Only spaces the looks.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl World {
    /// A fresh home with an engine.
    pub async fn open() -> Self {
        let mut world = Self::closed();
        world.reopen().await;
        world
    }

    /// A fresh home without an engine, to be prepared by hand first.
    pub fn closed() -> Self {
        let folder = tempfile::Builder::new().prefix("nox-world-").tempdir().unwrap();
        let mut world = Self::at(folder.path());
        world._temporary = Some(folder);
        world
    }

    /// A home below this folder, which may be there already. Nothing is removed at the end.
    pub fn at(root: &Path) -> Self {
        let root = root.to_owned();
        std::fs::create_dir_all(root.join("desk")).unwrap();
        Self { root, _temporary: None, api: None, ear: None, heard: Vec::new(), canary: Canary::look() }
    }

    /// The folder that holds the home and the desk; see [`World::at`].
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Opens the engine, after closing the one that is there.
    pub async fn reopen(&mut self) {
        self.close().await;
        let api = open_api(&self.home()).await;
        self.ear = Some(api.subscribe());
        self.heard.clear();
        self.api = Some(api);
    }

    /// Closes the engine in order.
    pub async fn close(&mut self) {
        self.ear = None;
        if let Some(api) = self.api.take() {
            tokio::time::timeout(LONG, api.close()).await.expect("closing takes too long");
        }
    }

    /// The engine.
    pub fn api(&self) -> &Api {
        self.api.as_ref().expect("the engine is closed")
    }

    /// The world's own ear.
    pub fn ear(&self) -> &Subscriber {
        self.ear.as_ref().expect("the engine is closed")
    }

    /// The home's folder.
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// A folder outside the home, for things to be dropped and projects.
    pub fn desk(&self) -> PathBuf {
        self.root.join("desk")
    }

    /// Everything that a window begins with.
    pub async fn snapshot(&self) -> Snapshot {
        self.api().snapshot(Nothing {}).await.unwrap()
    }

    /// Waits, push by push, until the snapshot has what is looked for.
    ///
    /// # Panics
    /// When it does not come in time; the last snapshot's cards and sessions are shown.
    pub async fn until<T>(&mut self, what: &str, look: impl FnMut(&Snapshot) -> Option<T>) -> T {
        self.until_within(LONG, what, look).await
    }

    /// The same, for as long as is said.
    ///
    /// # Panics
    /// As [`Self::until`] does.
    pub async fn until_within<T>(
        &mut self,
        limit: Duration,
        what: &str,
        mut look: impl FnMut(&Snapshot) -> Option<T>,
    ) -> T {
        let ear = self.ear().clone();
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            while let Some(push) = ear.try_next() {
                self.heard.push(push);
            }
            let snapshot = self.snapshot().await;
            if let Some(found) = look(&snapshot) {
                return found;
            }
            match tokio::time::timeout_at(deadline, ear.next()).await {
                Ok(Some(push)) => self.heard.push(push),
                Ok(None) => panic!("the engine closed while waiting for: {what}"),
                Err(_) => panic!(
                    "never came: {what}\ncards: {:#?}\nsessions: {:#?}\nproblems: {:#?}",
                    snapshot.cards.iter().take(5).collect::<Vec<_>>(),
                    snapshot.sessions.iter().take(5).collect::<Vec<_>>(),
                    snapshot.problems
                ),
            }
        }
    }

    /// Waits, push by push, until something was heard.
    pub async fn until_heard<T>(&mut self, what: &str, mut look: impl FnMut(&Push) -> Option<T>) -> T {
        if let Some(found) = self.heard.iter().find_map(&mut look) {
            return found;
        }
        let ear = self.ear().clone();
        let deadline = tokio::time::Instant::now() + LONG;
        loop {
            match tokio::time::timeout_at(deadline, ear.next()).await {
                Ok(Some(push)) => {
                    let found = look(&push);
                    self.heard.push(push);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Ok(None) => panic!("the engine closed while waiting for: {what}"),
                Err(_) => panic!("never heard: {what}"),
            }
        }
    }

    /// Whether any file of the home has these bytes; names the first.
    pub fn file_with(&self, bytes: &[u8]) -> Option<PathBuf> {
        find(&self.home(), bytes)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.canary.assert_untouched();
        }
    }
}

/// Opens a home whose earlier engine may still be letting go of the lock.
async fn open_api(root: &Path) -> Api {
    let home = Home::at(root).unwrap();
    let deadline = tokio::time::Instant::now() + LONG;
    let lock = loop {
        if let Some(lock) = home.lock().unwrap() {
            break lock;
        }
        assert!(tokio::time::Instant::now() < deadline, "an earlier engine keeps the lock");
        // The lock has no event; this only spaces the tries.
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    tokio::time::timeout(LONG, Api::open(home, lock)).await.expect("opening takes too long").unwrap()
}

fn find(folder: &Path, bytes: &[u8]) -> Option<PathBuf> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        let kind = entry.file_type().ok()?;
        if kind.is_dir() {
            if let Some(found) = find(&path, bytes) {
                return Some(found);
            }
        } else if kind.is_file() {
            let text = std::fs::read(&path).unwrap_or_default();
            if text.windows(bytes.len()).any(|part| part == bytes) {
                return Some(path);
            }
        }
    }
    None
}
