//! A home of its own for Codex, beside what belongs to the user.
//!
//! In the user's home, rules could let commands run unasked, settings could start servers, and hooks could answer in place of
//! Nox; none of these can be switched off one by one (0.169). So Codex gets `nox` below it as its home: the sign-in and the
//! user's instructions are links to the user's own, conversations stay there, and settings are given with each start.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
};

/// What is the user's own there too. Codex writes the sign-in through the link.
const LINKED: &[&str] = &["auth.json", "AGENTS.md", "AGENTS.override.md"];

/// What it would read settings, hooks and rules from.
const EMPTY: &[&str] = &["config.toml", "hooks.json", "rules", "requirements.toml", "managed_config.toml"];

/// The user's home of Codex, by the environment that a run would have.
pub(super) fn of_user(environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    let value = |name: &str| {
        let pair = environment.iter().find(|(known, _)| known == name);
        pair.map(|(_, value)| value).filter(|value| !value.is_empty())
    };
    let home = || value("HOME").or_else(|| value("USERPROFILE")).map(|home| Path::new(home).join(".codex"));
    value(super::quirks::HOME_VARIABLE).map(PathBuf::from).or_else(home)
}

/// Makes the home of runs below the user's, ready for a start.
///
/// # Errors
/// It cannot be written.
pub(super) fn prepare(of_user: &Path) -> io::Result<PathBuf> {
    let home = of_user.join("nox");
    std::fs::create_dir_all(&home)?;
    for name in EMPTY {
        let path = home.join(name);
        let gone = match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => std::fs::remove_dir_all(&path),
            Ok(_) => std::fs::remove_file(&path),
            Err(_) => continue,
        };
        // Another start may have been faster.
        gone.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    }
    for name in LINKED {
        link(&of_user.join(name), &home, name)?;
    }
    Ok(home)
}

/// A link with this name to a file, or none when there is no file.
fn link(file: &Path, home: &Path, name: &str) -> io::Result<()> {
    let link = home.join(name);
    if !file.exists() {
        return match std::fs::symlink_metadata(&link) {
            Ok(_) => std::fs::remove_file(&link),
            Err(_) => Ok(()),
        };
    }
    if is_same(&link, file) {
        return Ok(());
    }
    // Made beside it and moved there: a program that starts at this moment finds the old one or the new one.
    let mut made: OsString = OsStr::new(".").into();
    made.push(uuid::Uuid::now_v7().to_string());
    let made = home.join(made);
    #[cfg(unix)]
    std::os::unix::fs::symlink(file, &made)?;
    // A link to a file needs a right there that few people have.
    #[cfg(not(unix))]
    std::fs::hard_link(file, &made)?;
    std::fs::rename(&made, &link)
}

#[cfg(unix)]
fn is_same(link: &Path, file: &Path) -> bool {
    std::fs::read_link(link).is_ok_and(|target| target == file)
}

#[cfg(not(unix))]
fn is_same(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pair(name: &str, value: &str) -> (OsString, OsString) {
        (name.into(), value.into())
    }

    #[test]
    fn the_home_of_the_user_is_where_codex_looks_for_it() {
        let both = [pair("CODEX_HOME", "/elsewhere"), pair("HOME", "/home/a")];
        assert_eq!(of_user(&both), Some("/elsewhere".into()));
        assert_eq!(of_user(&both[1..]), Some("/home/a/.codex".into()));
        assert_eq!(of_user(&[pair("CODEX_HOME", "")]), None);
    }

    #[test]
    #[cfg(unix)]
    fn the_sign_in_is_the_users_and_settings_rules_and_hooks_are_nobodys() {
        let user = tempfile::tempdir().unwrap();
        let user = user.path();
        std::fs::write(user.join("auth.json"), "old").unwrap();
        std::fs::write(user.join("config.toml"), "approval_policy = \"never\"").unwrap();
        std::fs::create_dir_all(user.join("nox/rules")).unwrap();
        std::fs::write(user.join("nox/rules/default.rules"), "x").unwrap();
        std::fs::write(user.join("nox/config.toml"), "x").unwrap();
        let home = prepare(user).unwrap();
        let names = || {
            let mut names: Vec<_> =
                std::fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(), ["auth.json"]);
        // What is written there is the user's.
        std::fs::write(home.join("auth.json"), "new").unwrap();
        assert_eq!(std::fs::read_to_string(user.join("auth.json")).unwrap(), "new");
        prepare(user).unwrap();
        assert_eq!(names(), ["auth.json"]);
        std::fs::remove_file(user.join("auth.json")).unwrap();
        std::fs::write(user.join("AGENTS.md"), "Be brief.").unwrap();
        prepare(user).unwrap();
        assert_eq!(names(), ["AGENTS.md"]);
    }
}
