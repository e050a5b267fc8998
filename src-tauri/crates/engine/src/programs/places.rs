//! Where programs are installed, and what of the environment a look needs. Read from this process once for each look;
//! tests bring their own.

use super::servers::Port;
use std::{
    collections::BTreeSet,
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// Folders below the home where installers of such programs put them, when they are not on the `PATH` of a desktop.
const BELOW_HOME: &[&str] = &[
    ".local/bin",
    ".npm-global/bin",
    ".bun/bin",
    ".volta/bin",
    ".deno/bin",
    ".cargo/bin",
    ".local/share/pnpm",
    ".opencode/bin",
    ".claude/local",
];
/// The same, for everybody on this computer.
const FOR_ALL: &[&str] =
    &["/opt/homebrew/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin", "/snap/bin", "/usr/bin"];
/// Versions of node that each have programs of their own; only the newest few are looked at.
const MOST_NODES: usize = 5;
/// How long a program may take to say its version: some need seconds on a machine that does other things too.
const VERSION_LIMIT: Duration = Duration::from_secs(15);

/// Everything outside of Nox that a look depends on.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// The folders of the `PATH`.
    pub(super) path: Vec<PathBuf>,
    /// Further folders.
    pub(super) usual: Vec<PathBuf>,
    /// The user's home.
    pub(super) home: Option<PathBuf>,
    /// Names of variables that are set and not empty. No value is kept.
    pub(super) set: BTreeSet<String>,
    /// What a program gets that is asked for its version.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// How long a program may take to say its version.
    pub(super) limit: Duration,
    /// Where model servers may be.
    pub(super) servers: Vec<(Port, SocketAddr)>,
}

/// Where a program is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// Whether its name alone leads there.
    pub(super) by_name: bool,
}

impl Surroundings {
    /// Those of this process.
    pub(super) async fn here() -> Self {
        // Reads folders and a file of the user.
        tokio::task::spawn_blocking(Self::of_process).await.unwrap_or_default()
    }

    fn of_process() -> Self {
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let path = std::env::var_os("PATH").unwrap_or_default();
        let set = std::env::vars_os()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, _)| name.into_string().ok())
            .collect();
        let ollama = std::env::var("OLLAMA_HOST").ok();
        let prefix = std::env::var_os("NPM_CONFIG_PREFIX").map(PathBuf::from);
        Self {
            path: std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect(),
            usual: usual(home.as_deref(), prefix),
            home,
            set,
            environment: nox_process::allowed_environment(&[]),
            limit: VERSION_LIMIT,
            servers: Port::all(ollama.as_deref()),
        }
    }

    /// The program of this name, on the `PATH` or in a usual place.
    pub(super) fn find(&self, name: &str) -> Option<Place> {
        let in_folders = |folders: &[PathBuf]| {
            folders.iter().map(|folder| folder.join(name)).find(|path| is_program(path))
        };
        let by_name = in_folders(&self.path).map(|path| Place { path, by_name: true });
        by_name.or_else(|| in_folders(&self.usual).map(|path| Place { path, by_name: false }))
    }
}

/// The usual places, the user's own first.
fn usual(home: Option<&Path>, prefix: Option<PathBuf>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = prefix.into_iter().map(|prefix| prefix.join("bin")).collect();
    if let Some(home) = home {
        folders.extend(npm_prefix(home).map(|prefix| prefix.join("bin")));
        folders.extend(BELOW_HOME.iter().map(|folder| home.join(folder)));
        folders.extend(nodes(home));
    }
    folders.extend(FOR_ALL.iter().map(PathBuf::from));
    folders
}

/// Where npm puts programs, when the user chose another place.
fn npm_prefix(home: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(home.join(".npmrc")).ok()?;
    let value = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "prefix").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    let below_home = value.strip_prefix("~/").or_else(|| value.strip_prefix("${HOME}/"));
    let prefix = below_home.map_or_else(|| PathBuf::from(&value), |rest| home.join(rest));
    prefix.is_absolute().then_some(prefix)
}

/// The programs of each node that nvm has, the newest first.
fn nodes(home: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(home.join(".nvm/versions/node")) else { return vec![] };
    let mut nodes: Vec<(Vec<u32>, PathBuf)> = entries
        .flatten()
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let number =
                name.trim_start_matches('v').split('.').map(|part| part.parse().unwrap_or(0)).collect();
            (number, entry.path().join("bin"))
        })
        .collect();
    nodes.sort_by(|one, other| other.cmp(one));
    nodes.into_iter().take(MOST_NODES).map(|(_, folder)| folder).collect()
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_newest_node_comes_first_and_the_prefix_of_npm_is_read() {
        let home = tempfile::tempdir().unwrap();
        for version in ["v9.1.0", "v22.3.0", "v20.10.1"] {
            std::fs::create_dir_all(home.path().join(".nvm/versions/node").join(version)).unwrap();
        }
        std::fs::write(home.path().join(".npmrc"), "registry=x\nprefix = \"~/globals\"\n").unwrap();
        let folders = usual(Some(home.path()), None);
        assert_eq!(folders[0], home.path().join("globals/bin"));
        let nodes: Vec<_> =
            folders.iter().filter(|folder| folder.to_string_lossy().contains(".nvm")).collect();
        assert!(nodes[0].ends_with("v22.3.0/bin") && nodes[2].ends_with("v9.1.0/bin"), "{nodes:?}");
    }
}
