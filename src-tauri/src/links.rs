//! Links and folders that leave the app. The page asks the person first and shows the whole target; this is the last gate.

use crate::{Error, Result, opening, text};
use std::path::{Path, PathBuf};
use tauri::{AppHandle, Url};
use tauri_plugin_opener::OpenerExt;

/// What other programs may be asked to open. Everything else (files, scripts, programs' own schemes) is refused: a click
/// on an agent's text must not start a program with a chosen argument.
const SCHEMES: &[&str] = &["https", "http", "mailto"];

/// Opens a web or mail address in the program that the system has for it.
///
/// # Errors
/// [`Error::RefusedLink`] for any other address, [`Error::NotOpened`] when the system has no program for it.
pub fn open_link(link: &str) -> Result<()> {
    let url = checked(link)?;
    tracing::info!(scheme = url.scheme(), host = url.host_str(), "opens a link");
    opening::open(url.as_str())
        .map_err(|error| Error::NotOpened { what: text::one_line(link, 200), reason: error.to_string() })
}

/// Endings of files that are read, never run, by the program the system has for them.
const READABLE: &[&str] = &["md", "toml", "json", "jsonl", "txt", "log"];

/// Opens a folder in the system's file manager, or a text file of the home in the program that the system has for it.
/// Anything else is only shown in its folder: opening may mean running, and the path comes from the page.
///
/// # Errors
/// [`Error::NotOpened`] when it is not there, or the system has no program for it.
pub fn open_path(app: &AppHandle, home: &Path, path: &Path) -> Result<()> {
    match way(home, path).map_err(|error| not_opened(path, &error))? {
        Way::Open(path) => opening::open(&path.to_string_lossy()).map_err(|error| not_opened(&path, &error)),
        Way::Reveal(path) => reveal(app, &path),
    }
}

/// Shows a file or folder in the system's file manager.
///
/// # Errors
/// [`Error::NotOpened`] when it is not there, or the system has no file manager.
pub fn reveal_path(app: &AppHandle, path: &Path) -> Result<()> {
    let path = path.canonicalize().map_err(|error| not_opened(path, &error))?;
    reveal(app, &path)
}

fn reveal(app: &AppHandle, path: &Path) -> Result<()> {
    app.opener().reveal_item_in_dir(path).map_err(|error| not_opened(path, &error))
}

fn not_opened(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::NotOpened { what: text::one_line(&path.to_string_lossy(), 200), reason: reason.to_string() }
}

/// What is done with a path; it is the real one, without links.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    Open(PathBuf),
    Reveal(PathBuf),
}

fn way(home: &Path, path: &Path) -> std::io::Result<Way> {
    let path = path.canonicalize()?;
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let opens = if path.is_dir() {
        // On macOS a folder with an ending may be a program.
        ending.is_none() || !cfg!(target_os = "macos")
    } else {
        path.starts_with(home.canonicalize()?)
            && ending.is_some_and(|ending| READABLE.contains(&ending.as_str()))
    };
    Ok(if opens { Way::Open(path) } else { Way::Reveal(path) })
}

fn checked(link: &str) -> Result<Url> {
    let refused = || Error::RefusedLink { link: text::one_line(link, 200) };
    let url: Url = link.parse().map_err(|_| refused())?;
    let addressed = url.scheme() == "mailto" || url.host_str().is_some_and(|host| !host.is_empty());
    if SCHEMES.contains(&url.scheme()) && addressed { Ok(url) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_folders_and_texts_of_the_home_are_opened() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (home, other) = (root.join("home"), root.join("other"));
        for folder in [&home, &other] {
            std::fs::create_dir(folder).unwrap();
            for name in ["a.md", "b.desktop", "c"] {
                std::fs::write(folder.join(name), "x").unwrap();
            }
        }
        let way = |path: PathBuf| way(&home, &path);
        assert_eq!(way(home.join("a.md")).unwrap(), Way::Open(home.join("a.md")));
        assert_eq!(way(other.clone()).unwrap(), Way::Open(other.clone()));
        for only_shown in [home.join("b.desktop"), home.join("c"), other.join("a.md")] {
            assert_eq!(way(only_shown.clone()).unwrap(), Way::Reveal(only_shown));
        }
        assert!(way(home.join("gone.md")).is_err());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(other.join("b.desktop"), home.join("link.md")).unwrap();
            assert_eq!(way(home.join("link.md")).unwrap(), Way::Reveal(other.join("b.desktop")));
        }
    }

    #[test]
    fn only_web_and_mail_leave() {
        for good in ["https://example.org/a?b#c", "http://localhost:8080/", "mailto:a@example.org"] {
            assert!(checked(good).is_ok(), "{good}");
        }
        for bad in [
            "file:///etc/passwd",
            "/etc/passwd",
            "example.org",
            "javascript:alert(1)",
            "vscode://file/x",
            "smb://host/share",
            "--help",
            "",
            "https:",
        ] {
            assert!(matches!(checked(bad), Err(Error::RefusedLink { .. })), "{bad}");
        }
    }
}
