//! The registry's history: commits of named paths, and the versions of a file.
//!
//! A commit is made from the tree of HEAD and the files at the named paths; the index is not its source, so what a
//! person staged stays out of it. The index entries of those paths are renewed afterwards, so that `git status` does
//! not show them as changed. libgit2 runs no hooks. Nothing repacks the repository: libgit2 can write packs but cannot
//! remove the loose objects that are then spare.

use crate::{Registry, content_hash, open::Error};
use git2::{
    Commit, ErrorCode, FileMode, IndexEntry, IndexTime, Oid, Signature, Tree, build::TreeUpdateBuilder,
};
use nox_domain::At;
use std::{collections::BTreeSet, fs, path::Path, time::Duration};

/// A larger file does not enter the history.
const MAX_COMMITTED_BYTES: u64 = 16 * 1024 * 1024;
/// A lock older than this was left by a program that died; the commit no longer waits for it.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);
/// How many commits are looked at for a version of a file.
const MAX_LOOK_BACK: usize = 2_000;

/// A commit: 40 hexadecimal figures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(String);

impl CommitId {
    /// The id as git writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes up an id that was stored; whether there is such a commit is seen when it is used.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    fn of(id: Oid) -> Self {
        Self(id.to_string())
    }
}

impl std::fmt::Display for CommitId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The commit that brought it.
    pub commit: CommitId,
    /// When, by that commit.
    pub at: At,
    /// The commit's first line.
    pub message: String,
    /// Of its bytes; none for a removal.
    pub hash: Option<String>,
}

/// A file that was changed so long before the last commit may still have missed it.
const LATE_SECONDS: i64 = 5;

/// Whom commits name: the repository's own `user.name`, else Nox.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    name: String,
    email: String,
}

impl Author {
    pub(crate) fn of(config: &git2::Config) -> Self {
        let get = |key| config.get_string(key).ok().filter(|value| !value.trim().is_empty());
        let local = get("user.name").map(|name| Self { name, email: get("user.email").unwrap_or_default() });
        let mut author = local.unwrap_or_else(|| Self { name: "Nox".to_owned(), email: String::new() });
        if author.email.is_empty() {
            author.email = "nox@localhost".to_owned();
        }
        author
    }
}

impl Registry {
    /// Commits the files at these paths as they are now, removed ones too; none if nothing differs from HEAD.
    ///
    /// [`Error::Locked`] while another program holds a lock of the repository: try again later. The files themselves
    /// are not concerned.
    pub fn commit_paths(&mut self, paths: &[&str], message: &str) -> Result<Option<CommitId>, Error> {
        if paths.is_empty() {
            return Ok(None);
        }
        let index_is_free = self.index_is_free()?;
        let parent = self.head_commit()?;
        let baseline = match &parent {
            Some(commit) => commit.tree(),
            None => {
                let empty = self.repository.treebuilder(None).and_then(|builder| builder.write());
                empty.and_then(|id| self.repository.find_tree(id))
            }
        }
        .map_err(Error::git("read the last commit"))?;
        let mut update = TreeUpdateBuilder::new();
        let mut is_update = false;
        for path in paths.iter().collect::<BTreeSet<_>>() {
            let before = baseline.get_path(Path::new(path)).ok().map(|entry| entry.id());
            match self.read(path, MAX_COMMITTED_BYTES)? {
                Some(bytes) => {
                    let id = self.repository.blob(&bytes).map_err(Error::git("store a file"))?;
                    if before != Some(id) {
                        update.upsert(*path, id, FileMode::Blob);
                        is_update = true;
                    }
                }
                None if before.is_some() => {
                    update.remove(*path);
                    is_update = true;
                }
                None => {}
            }
        }
        if !is_update {
            return Ok(None);
        }
        let tree = update.create_updated(&self.repository, &baseline).map_err(Error::git("make a tree"))?;
        let tree = self.repository.find_tree(tree).map_err(Error::git("make a tree"))?;
        let id = self.commit_tree(&tree, parent.as_ref(), message)?;
        drop((tree, baseline, parent));
        self.stale_index.extend(paths.iter().map(|path| (*path).to_owned()));
        if index_is_free {
            self.renew_index(id);
        }
        Ok(Some(CommitId::of(id)))
    }

    fn commit_tree(&self, tree: &Tree<'_>, parent: Option<&Commit<'_>>, message: &str) -> Result<Oid, Error> {
        let who = Signature::now(&self.author.name, &self.author.email)
            .or_else(|_| Signature::now("Nox", "nox@localhost"))
            .map_err(Error::git("name the author"))?;
        let parents: Vec<&Commit<'_>> = parent.into_iter().collect();
        self.repository.commit(Some("HEAD"), &who, &who, message, tree, &parents).map_err(|error| match error
            .code()
        {
            // Somebody committed between reading HEAD and moving it: the next attempt starts from there.
            ErrorCode::Modified | ErrorCode::Locked => Error::Locked,
            _ => Error::Git { doing: "commit", source: error },
        })
    }

    /// Whether the index can be written; an error while a living program works on it.
    fn index_is_free(&self) -> Result<bool, Error> {
        match fs::metadata(self.repository.path().join("index.lock")) {
            Err(_) => Ok(true),
            Ok(lock) => {
                let age = lock.modified().ok().and_then(|made| made.elapsed().ok()).unwrap_or_default();
                if age < LOCK_PATIENCE { Err(Error::Locked) } else { Ok(false) }
            }
        }
    }

    /// Makes the index agree with a commit for the paths that were committed. A failure only delays it.
    fn renew_index(&mut self, commit: Oid) {
        let renewed = (|| {
            let tree = self.repository.find_commit(commit)?.tree()?;
            let mut index = self.repository.index()?;
            index.read(true)?;
            for path in &self.stale_index {
                match tree.get_path(Path::new(path)) {
                    Ok(entry) => index.add(&self.index_entry(path, entry.id()))?,
                    Err(_) => match index.remove(Path::new(path), 0) {
                        Err(error) if error.code() != ErrorCode::NotFound => return Err(error),
                        _ => {}
                    },
                }
            }
            index.write()
        })();
        match renewed {
            Ok(()) => self.stale_index.clear(),
            Err(error) => tracing::debug!(error = error.message(), "the registry's index is renewed later"),
        }
    }

    /// An entry without the file's times: git then compares the content once and fills them in.
    fn index_entry(&self, path: &str, id: Oid) -> IndexEntry {
        let zero = IndexTime::new(0, 0);
        let size = fs::symlink_metadata(self.root.join(path)).map_or(0, |about| about.len());
        IndexEntry {
            ctime: zero,
            mtime: zero,
            dev: 0,
            ino: 0,
            mode: FileMode::Blob.into(),
            uid: 0,
            gid: 0,
            file_size: u32::try_from(size).unwrap_or_default(),
            id,
            flags: 0,
            flags_extended: 0,
            path: path.as_bytes().to_vec(),
        }
    }

    /// The last commit; none before the first.
    pub fn head(&self) -> Result<Option<CommitId>, Error> {
        Ok(self.head_commit()?.map(|commit| CommitId::of(commit.id())))
    }

    fn head_commit(&self) -> Result<Option<Commit<'_>>, Error> {
        match self.repository.head().and_then(|head| head.peel_to_commit()) {
            Ok(commit) => Ok(Some(commit)),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => Ok(None),
            Err(error) => Err(Error::git("read the last commit")(error)),
        }
    }

    /// The paths that may differ from the last commit, of all files with when they were changed, in nanoseconds since
    /// 1970. No file is opened: it tells too many rather than too few.
    pub fn behind<'a>(&self, files: impl Iterator<Item = (&'a str, i64)>) -> Result<Vec<String>, Error> {
        let doing = "read the last commit";
        let head = self.head_commit()?;
        let mut committed = BTreeSet::new();
        let mut committed_ns = i64::MIN;
        if let Some(head) = &head {
            committed_ns = head.time().seconds().saturating_sub(LATE_SECONDS).saturating_mul(1_000_000_000);
            let tree = head.tree().map_err(Error::git(doing))?;
            tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
                if entry.kind() == Some(git2::ObjectType::Blob)
                    && let Ok(name) = entry.name()
                {
                    committed.insert(format!("{folder}{name}"));
                }
                git2::TreeWalkResult::Ok
            })
            .map_err(Error::git(doing))?;
        }
        let mut behind: Vec<String> = Vec::new();
        for (path, changed_ns) in files {
            if !committed.remove(path) || changed_ns >= committed_ns {
                behind.push(path.to_owned());
            }
        }
        let is_ours = |path: &String| {
            path == crate::POLICY_PATH || path.starts_with("tasks/") || path.starts_with("agents/")
        };
        behind.extend(
            committed
                .into_iter()
                .filter(|path| is_ours(path) && fs::symlink_metadata(self.root.join(path)).is_err()),
        );
        Ok(behind)
    }

    /// A file as a commit has it; none if it has no such file.
    pub fn file_at(&self, commit: &CommitId, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let doing = "read a version of a file";
        let id = Oid::from_str(commit.as_str()).map_err(Error::git(doing))?;
        let tree =
            self.repository.find_commit(id).and_then(|commit| commit.tree()).map_err(Error::git(doing))?;
        match blob_id(&tree, path) {
            Some(id) => {
                Ok(Some(self.repository.find_blob(id).map_err(Error::git(doing))?.content().to_vec()))
            }
            None => Ok(None),
        }
    }

    /// The version of a file with this content hash, looked for from HEAD backwards: the base of a three-way merge.
    ///
    /// None if it was never committed, or lies more than 2,000 commits back.
    pub fn base_text(&self, path: &str, hash: &str) -> Result<Option<Vec<u8>>, Error> {
        let mut found = None;
        self.walk(path, |_, blob| {
            let matches = blob.is_some_and(|bytes| content_hash(bytes) == hash);
            if matches {
                found = blob.map(<[u8]>::to_vec);
            }
            matches
        })?;
        Ok(found)
    }

    /// The versions of a file, newest first.
    pub fn history(&self, path: &str, limit: usize) -> Result<Vec<Version>, Error> {
        let mut versions: Vec<Version> = Vec::new();
        if limit == 0 {
            return Ok(versions);
        }
        self.walk(path, |commit, blob| {
            versions.push(Version {
                commit: CommitId::of(commit.id()),
                at: At(commit.time().seconds().saturating_mul(1000)),
                message: commit.summary().ok().flatten().unwrap_or_default().to_owned(),
                hash: blob.map(content_hash),
            });
            versions.len() >= limit
        })?;
        Ok(versions)
    }

    /// Visits each commit along the first parents that changed a path, with the content it left, until told to stop.
    fn walk(
        &self,
        path: &str,
        mut visit: impl FnMut(&Commit<'_>, Option<&[u8]>) -> bool,
    ) -> Result<(), Error> {
        let doing = "read the history";
        let mut at = self.head_commit()?;
        for _ in 0..MAX_LOOK_BACK {
            let Some(commit) = at else { return Ok(()) };
            let here = blob_id(&commit.tree().map_err(Error::git(doing))?, path);
            let parent = commit.parents().next();
            let before = match &parent {
                Some(parent) => blob_id(&parent.tree().map_err(Error::git(doing))?, path),
                None => None,
            };
            if here != before {
                let blob =
                    here.map(|id| self.repository.find_blob(id)).transpose().map_err(Error::git(doing))?;
                if visit(&commit, blob.as_ref().map(|blob| blob.content())) {
                    return Ok(());
                }
            }
            at = parent;
        }
        Ok(())
    }
}

fn blob_id(tree: &Tree<'_>, path: &str) -> Option<Oid> {
    let entry = tree.get_path(Path::new(path)).ok()?;
    (entry.kind() == Some(git2::ObjectType::Blob)).then(|| entry.id())
}
