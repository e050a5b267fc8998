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
    if !extra.contains(&"TERM") {
        picked.push(("TERM".into(), "dumb".into()));
    }
    picked.sort();
    picked
}

fn is_allowed(name: &OsStr, extra: &[&str]) -> bool {
    name.to_str()
        .is_some_and(|name| ALLOWED.contains(&name) || name.starts_with("LC_") || extra.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_names_pass() {
        let ours = [
            ("PATH", "/bin"),
            ("LC_TIME", "C"),
            ("OPENAI_API_KEY", "canary"),
            ("LD_PRELOAD", "canary"),
            ("TERM", "xterm"),
            ("MY_FLAG", "1"),
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
