//! The home: one folder with everything that Nox keeps, and the lock that makes one engine its owner.

use crate::Error;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// The folders and files of one home.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home at this folder; makes what is missing, readable by the user alone.
    pub fn at(root: &Path) -> Result<Self, Error> {
        let root = std::path::absolute(root).map_err(|source| Error::home(root, source))?;
        let home = Self { root };
        for folder in
            ["", "registry", "spool", "conversations", "documents", "worktrees", "scratch", "logs", "run"]
        {
            let path = home.root.join(folder);
            make_private(&path).map_err(|source| Error::home(&path, source))?;
        }
        Ok(home)
    }

    /// The folder that `NOX_HOME` names, else the platform's data folder.
    pub fn default_root() -> Option<PathBuf> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        set("NOX_HOME").or_else(|| {
            if cfg!(target_os = "macos") {
                set("HOME").map(|home| home.join("Library/Application Support/Nox"))
            } else if cfg!(windows) {
                set("LOCALAPPDATA").map(|data| data.join("Nox"))
            } else {
                set("XDG_DATA_HOME")
                    .filter(|path| path.is_absolute())
                    .or_else(|| set("HOME").map(|home| home.join(".local/share")))
                    .map(|data| data.join("nox"))
            }
        })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// The registry's folder.
    pub fn registry(&self) -> PathBuf {
        self.root.join("registry")
    }
    /// The database.
    pub fn database(&self) -> PathBuf {
        self.root.join("nox.db")
    }
    /// Output of items.
    pub fn spool(&self) -> PathBuf {
        self.root.join("spool")
    }
    /// What models were told and said, of agents that a loop of our own carries.
    pub fn conversations(&self) -> PathBuf {
        self.root.join("conversations")
    }
    /// The user's own prices of models.
    pub fn prices(&self) -> PathBuf {
        self.root.join("prices.toml")
    }
    /// Files named by the hash of their content.
    pub fn documents(&self) -> PathBuf {
        self.root.join("documents")
    }
    /// Working folders of tasks without a project.
    pub fn scratch(&self) -> PathBuf {
        self.root.join("scratch")
    }
    /// What differs between machines.
    pub fn local(&self) -> PathBuf {
        self.root.join("local.toml")
    }
    /// The lock, the control socket.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }
    /// Files that go with the runs of agents.
    pub fn runs(&self) -> PathBuf {
        self.run().join("agents")
    }
    /// The logs.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Takes away what runs of an earlier engine left that was killed. For the home's engine only, when nothing of them lives.
    /// What an agent left there that cannot be taken away is moved aside: it keeps nobody from starting.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(crate) fn sweep_runs(&self) -> io::Result<()> {
        let runs = self.runs();
        match fs::remove_dir_all(&runs) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%error, folder = %runs.display(), "what runs left is not taken away");
                let aside = self.run().join(format!("agents-{}", uuid::Uuid::now_v7().simple()));
                fs::rename(&runs, aside)?;
            }
        }
        make_private(&runs)
    }

    /// The home's own name, made at its first start and kept: under it keys lie in the keychain.
    pub fn id(&self) -> Result<String, Error> {
        let path = self.root.join("home.id");
        match fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::home(&path, source)),
        }
        let id = uuid::Uuid::now_v7().simple().to_string();
        fs::write(&path, format!("{id}\n")).map_err(|source| Error::home(&path, source))?;
        Ok(id)
    }

    /// Takes the home for this process; none if another engine has it. The system gives it back at any death.
    pub fn lock(&self) -> Result<Option<HomeLock>, Error> {
        let path = self.run().join("engine.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| Error::home(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(HomeLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(Error::home(&path, source)),
        }
    }
}

/// Whoever holds it is the home's engine.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

fn make_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
