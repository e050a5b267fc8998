//! Links and folders that leave the app. The page asks the person first and shows the whole target; this is the last gate.

use crate::{Error, Result, text};
use std::path::Path;
use tauri::{AppHandle, Url};
use tauri_plugin_opener::OpenerExt;

/// What other programs may be asked to open. Everything else (files, scripts, programs' own schemes) is refused: a click
/// on an agent's text must not start a program with a chosen argument.
const SCHEMES: &[&str] = &["https", "http", "mailto"];

/// Opens a web or mail address in the program that the system has for it.
///
/// # Errors
/// [`Error::RefusedLink`] for any other address, [`Error::NotOpened`] when the system has no program for it.
pub fn open_link(app: &AppHandle, link: &str) -> Result<()> {
    let url = checked(link)?;
    tracing::info!(scheme = url.scheme(), host = url.host_str(), "opens a link");
    app.opener()
        .open_url(url.as_str(), None::<&str>)
        .map_err(|error| Error::NotOpened { what: text::one_line(link, 200), reason: error.to_string() })
}

/// Shows a folder of Nox's own (logs, data) in the system's file manager. Only the shell's own code names the path.
///
/// # Errors
/// [`Error::NotOpened`] when the system has no file manager.
pub fn open_folder(app: &AppHandle, folder: &Path) -> Result<()> {
    app.opener().open_path(folder.to_string_lossy(), None::<&str>).map_err(|error| Error::NotOpened {
        what: text::one_line(&folder.to_string_lossy(), 200),
        reason: error.to_string(),
    })
}

fn checked(link: &str) -> Result<Url> {
    let refused = || Error::RefusedLink { link: text::one_line(link, 200) };
    let url: Url = link.parse().map_err(|_| refused())?;
    let addressed = url.scheme() == "mailto" || url.host_str().is_some_and(|host| !host.is_empty());
    if SCHEMES.contains(&url.scheme()) && addressed { Ok(url) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
