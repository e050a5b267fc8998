//! Asking a program for its version. It is started once, under a shim with a time limit, in a folder of its own that is its
//! home as well: it sees nothing of the user's, and what it writes is gone afterwards.

use super::places::Surroundings;
use nox_domain::terminal::harmless;
use nox_process::{CaptureLimits, Captured, Ending, ShimPath, SpawnSpec, Stdin, TreeLimits, capture};
use regex::Regex;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};
use tokio::task::spawn_blocking;

/// What is kept of what it says.
const MOST_BYTES: usize = 4 * 1024;
/// It has nothing to tidy up.
const GRACE: Duration = Duration::from_millis(200);
/// A version is short; what is longer is something else.
const MOST_LETTERS: usize = 40;

#[allow(clippy::expect_used, reason = "a fixed pattern")]
static VERSION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b\d{1,6}\.\d{1,6}[0-9A-Za-z.+-]*").expect("the pattern is right"));

/// What a program said of its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// This.
    Version(String),
    /// Nothing that could be one.
    Nothing {
        /// For people.
        why: String,
    },
}

impl Said {
    pub(super) fn version(&self) -> Option<&str> {
        match self {
            Self::Version(version) => Some(version),
            Self::Nothing { .. } => None,
        }
    }
}

/// Asks.
pub(super) async fn ask(
    program: &Path,
    quiet: &[(&str, &str)],
    around: &Surroundings,
    shim: &ShimPath,
) -> Said {
    let made = spawn_blocking(|| tempfile::Builder::new().prefix("nox-version-").tempdir()).await;
    let scratch = match made.map_err(std::io::Error::other).flatten() {
        Ok(scratch) => scratch,
        Err(error) => return Said::Nothing { why: format!("no folder for it: {error}") },
    };
    let spec = SpawnSpec {
        program: program.into(),
        args: vec!["--version".into()],
        cwd: scratch.path().to_owned(),
        env: environment(program, scratch.path(), quiet, around),
        stdin: Stdin::Closed,
        grace: GRACE,
        limits: TreeLimits::default(),
    };
    let limits = CaptureLimits { max_bytes: MOST_BYTES, timeout: around.limit };
    let said = match capture(&spec, shim, limits).await {
        Ok(captured) if captured.ending == Ending::TimedOut => {
            Said::Nothing { why: format!("it had not answered after {} s", around.limit.as_secs()) }
        }
        Ok(captured) => read(&captured),
        Err(error) => Said::Nothing { why: error.to_string() },
    };
    let _ = spawn_blocking(move || drop(scratch)).await;
    said
}

/// The short environment, with this home. The folder of the program comes first in the `PATH`: there may be the node that
/// it was installed for.
fn environment(
    program: &Path,
    home: &Path,
    quiet: &[(&str, &str)],
    around: &Surroundings,
) -> Vec<(OsString, OsString)> {
    let folders = program.parent().map(PathBuf::from).into_iter().chain(around.path.iter().cloned());
    let path = std::env::join_paths(folders).unwrap_or_default();
    let mut environment: Vec<(OsString, OsString)> =
        around.environment.iter().filter(|(name, _)| name != "HOME" && name != "PATH").cloned().collect();
    environment.extend([("HOME".into(), home.into()), ("PATH".into(), path)]);
    environment.extend(quiet.iter().map(|(name, value)| (name.into(), value.into())));
    environment
}

fn read(captured: &Captured) -> Said {
    let (out, err) = (harmless(&captured.stdout), harmless(&captured.stderr));
    if captured.exit.code == Some(0)
        && let Some(version) = [&out, &err].into_iter().find_map(|text| VERSION.find(text))
        && version.as_str().len() <= MOST_LETTERS
    {
        return Said::Version(version.as_str().to_owned());
    }
    let last = [&err, &out].into_iter().find_map(|text| text.lines().rfind(|line| !line.trim().is_empty()));
    let why = match (last, captured.exit.code) {
        (Some(line), _) => line.trim().chars().take(200).collect(),
        (None, Some(code)) => format!("it ended with exit code {code}"),
        (None, None) => "it was ended".to_owned(),
    };
    Said::Nothing { why }
}
