//! The environment that programs get: a short list of names, never all of ours.

use std::ffi::{OsStr, OsString};

/// Names that say who and where the user is and how to write text. No key or token has such a name.
const ALLOWED: [&str; 8] = ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"];

/// Picks what a program may see from the environment of this process.
///
/// That is `PATH`, `HOME`, `LANG`, `LC_*`, `TZ`, `TMPDIR`, `USER`, `LOGNAME`, `SHELL` and what `extra` names. `TERM` is
/// `dumb` unless `extra` names it: the output goes to pipes, and nobody answers the questions a program asks a terminal.
pub fn allowed_environment(extra: &[&str]) -> Vec<(OsString, OsString)> {
    pick(std::env::vars_os(), extra)
}

fn pick(variables: impl Iterator<Item = (OsString, OsString)>, extra: &[&str]) -> Vec<(OsString, OsString)> {
    let mut picked: Vec<_> = variables.filter(|(name, _)| is_allowed(name, extra)).collect();
    for (_, path) in picked.iter_mut().filter(|(name, _)| name == "PATH") {
        *path = absolute_only(path);
    }
    if !extra.contains(&"TERM") {
        picked.push(("TERM".into(), "dumb".into()));
    }
    picked.sort();
    picked
}

/// Without folders that depend on where a program stands: a project must not bring the programs that are started in it.
fn absolute_only(path: &OsStr) -> OsString {
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    // None of these had the sign in it that stands between them.
    std::env::join_paths(folders).unwrap_or_default()
}

fn is_allowed(name: &OsStr, extra: &[&str]) -> bool {
    name.to_str()
        .is_some_and(|name| ALLOWED.contains(&name) || name.starts_with("LC_") || extra.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_brings_no_programs() {
        let path = [("PATH".into(), ".:/bin::sub/bin:/usr/bin:".into())];
        let picked = pick(path.into_iter(), &["TERM"]);
        assert_eq!(picked, [("PATH".into(), "/bin:/usr/bin".into())]);
    }

    #[test]
    fn only_listed_names_pass() {
        let ours = [
            ("PATH", "/bin"),
            ("LC_TIME", "C"),
            ("OPENAI_API_KEY", "canary"),
            ("LD_PRELOAD", "canary"),
            ("TERM", "xterm"),
            ("MY_FLAG", "1"),
            // Two of those that the desktop program sets for its web view.
            ("JSC_thresholdForOptimizeSoon", "10000"),
            ("WEBKIT_DISABLE_DMABUF_RENDERER", "1"),
        ];
        let ours = || ours.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let names = |picked: Vec<(OsString, OsString)>| -> Vec<String> {
            picked
                .into_iter()
                .map(|(name, value)| format!("{}={}", name.display(), value.display()))
                .collect()
        };
        assert_eq!(names(pick(ours(), &[])), ["LC_TIME=C", "PATH=/bin", "TERM=dumb"]);
        assert_eq!(names(pick(ours(), &["MY_FLAG"])), ["LC_TIME=C", "MY_FLAG=1", "PATH=/bin", "TERM=dumb"]);
        assert_eq!(names(pick(ours(), &["TERM"])), ["LC_TIME=C", "PATH=/bin", "TERM=xterm"]);
    }
}
