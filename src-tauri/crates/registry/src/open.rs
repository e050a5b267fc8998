//! Opens the registry's folder: its repository, its first files, and the errors of everything in here.

use crate::{git::Author, policy::policy_text};
use git2::{Repository, RepositoryInitOptions};
use nox_domain::policy::Policy;
use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

/// What can go wrong with the registry's files and history.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path leads out of the registry, or is no plain relative path.
    #[error("{path} is no path inside the registry")]
    Outside {
        /// As it was given.
        path: String,
    },
    /// A symbolic link stands on the way. Nox follows none in the registry.
    #[error("{path} is a symbolic link; replace it by a real file or folder")]
    Link {
        /// The link, relative to the registry.
        path: String,
    },
    /// A folder, a pipe or a device stands where a file belongs.
    #[error("{path} is no file")]
    NotAFile {
        /// Relative to the registry.
        path: String,
    },
    /// The file is larger than it may be.
    #[error("{path} has {size_bytes} bytes; {max_bytes} are allowed")]
    TooLarge {
        /// Relative to the registry.
        path: String,
        /// Its size.
        size_bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The file is not what the caller expected: somebody changed it meanwhile. It was not written.
    #[error("{path} was changed meanwhile")]
    Changed {
        /// Relative to the registry.
        path: String,
    },
    /// The operating system refused.
    #[error("{doing} {path}: {source}")]
    Io {
        /// What was tried, as in "write".
        doing: &'static str,
        /// The path.
        path: String,
        /// Why it failed.
        source: io::Error,
    },
    /// Another program holds the repository's lock. The files are written; commit again later.
    #[error("another program uses the registry's git repository; the commit has to wait")]
    Locked,
    /// The repository's folder is not a repository of its own.
    #[error("{path} is a link to another repository; the registry needs one of its own")]
    NotOwn {
        /// The `.git` that is no folder.
        path: String,
    },
    /// libgit2 refused.
    #[error("git could not {doing}: {}", source.message())]
    Git {
        /// What was tried, as in "read the last commit".
        doing: &'static str,
        /// Why it failed.
        source: git2::Error,
    },
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.as_ref().display().to_string(), source }
    }

    pub(crate) fn git(doing: &'static str) -> impl FnOnce(git2::Error) -> Self {
        move |source| match source.code() {
            git2::ErrorCode::Locked => Self::Locked,
            _ => Self::Git { doing, source },
        }
    }
}

/// The registry's folder and its repository. One owner; not shared between threads.
pub struct Registry {
    pub(crate) root: PathBuf,
    pub(crate) repository: Repository,
    pub(crate) author: Author,
    /// Paths that are committed but not yet in the index, because its lock was held.
    pub(crate) stale_index: BTreeSet<String>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("root", &self.root).finish_non_exhaustive()
    }
}

const README: &str = "\
# The registry of Nox

This folder is yours. Nox reads it, writes into it, and keeps its history in the git repository here.

- `agents/<id>/agent.toml` and `prompt.md`: one folder per agent. The folder's name is the agent's id for ever.
- `tasks/<year>-<month>/<id>-<title>.md`: one Markdown file per task. A new file without an `id` becomes a new task.
- `policy.toml`: what agents may do unasked, what is asked, what never runs.

Edit with any editor while Nox runs: your change is read a moment later, and it wins over a change by Nox. Lines and
keys that Nox does not know stay as they are. A file with an error is not touched; Nox shows file and line and goes on
with the last version that it understood.

Keys and passwords do not belong here: store them in Settings → API keys.
";

const IGNORED: &str =
    "# Left by editors, and by Nox when it was ended while writing.\n*~\n.*.sw?\n.#*\n\\#*#\n.nox-*\n";

impl Registry {
    /// Opens the registry, made if it is not there: the folder, its own repository, and its first files.
    ///
    /// The repository is `.git` in this very folder, whatever stands above. Its configuration is the local one alone:
    /// libgit2 looks at the user's global one while opening (a mistake in that file is an error that names it), but
    /// nothing in it has an effect, and it is never written.
    pub fn open(root: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(root).map_err(Error::io("make", root))?;
        let root = root.canonicalize().map_err(Error::io("open", root))?;
        let git_folder = root.join(".git");
        match std::fs::symlink_metadata(&git_folder) {
            Ok(found) if !found.is_dir() => {
                return Err(Error::NotOwn { path: git_folder.display().to_string() });
            }
            Ok(_) if git_folder.join("HEAD").exists() => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("open", &git_folder)(error));
            }
            _ => init(&root)?,
        }
        // Opened without a working tree: nothing here needs one, and a `core.worktree` cannot lead elsewhere.
        let repository =
            Repository::open_bare(&git_folder).map_err(Error::git("open the registry's repository"))?;
        let config =
            git2::Config::open(&git_folder.join("config")).map_err(Error::git("read its configuration"))?;
        repository.set_config(&config).map_err(Error::git("read its configuration"))?;
        let author = Author::of(&config);
        let mut registry = Self { root, repository, author, stale_index: BTreeSet::new() };
        registry.write_first_files()?;
        Ok(registry)
    }

    /// The folder. Absolute, without links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn write_first_files(&mut self) -> Result<(), Error> {
        let policy = policy_text(&Policy::default());
        let mut made = Vec::new();
        for (path, text) in
            [("README.md", README), (".gitignore", IGNORED), (crate::POLICY_PATH, policy.as_str())]
        {
            // A file of the history that is gone was removed by a person; policy.toml is needed all the same.
            let known = path != crate::POLICY_PATH && self.head()?.is_some();
            if !known && std::fs::symlink_metadata(self.root.join(path)).is_err() {
                self.write(path, text.as_bytes(), &crate::Expected::Absent)?;
                made.push(path);
            }
        }
        for folder in ["agents", "tasks"] {
            let path = self.root.join(folder);
            match std::fs::create_dir(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(Error::io("make", path)(error));
                }
                _ => {}
            }
        }
        match self.commit_paths(&made, "Begin the registry") {
            // Whoever holds the lock will let go; the next commit of these paths takes them in.
            Err(Error::Locked) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn init(root: &Path) -> Result<(), Error> {
    let mut options = RepositoryInitOptions::new();
    // No template: the user's could bring hooks and configuration.
    options.external_template(false).initial_head("main").mkdir(true);
    Repository::init_opts(root, &options).map(drop).map_err(Error::git("make the registry's repository"))
}
