//! Files that the person handed to the window: dropped on it, or copied in another program and pasted. The page may have only
//! these read for a message or a task: whatever gets into the page, it cannot name a file by itself. What is written or read
//! through a dialog is in [`chosen`](crate::chosen).
//!
//! What was handed over counts until much else was: a page that was told no may ask again.

use nox_api::{ApiError, ErrorCode};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tauri::{AppHandle, Manager};

/// So many paths are known, the newest behind.
const MOST: usize = 1024;

/// What was handed over last.
#[derive(Debug, Default)]
pub struct Given(Mutex<VecDeque<PathBuf>>);

impl Given {
    /// The person handed these over.
    pub(crate) fn note(&self, paths: &[PathBuf]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|path| !paths.contains(path));
        known.extend(paths.iter().rev().take(MOST).rev().cloned());
        let too_many = known.len().saturating_sub(MOST);
        known.drain(..too_many);
    }

    /// # Errors
    /// The person did not hand this file over.
    pub(crate) fn check(&self, path: &str) -> Result<(), ApiError> {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|known| known == Path::new(path))
        {
            return Ok(());
        }
        tracing::warn!(path, "the page named a file that nobody handed over");
        let error = ApiError::new(ErrorCode::BadInput, "this file was not dropped or pasted").field("path");
        Err(error.hint("Drop it on the window once more."))
    }
}

/// What another program has copied by its address, for the moment when the person pastes: the paths of files here, anything
/// else as it is called; none where the clipboard holds something else. Elsewhere than on Linux the web view gives the page
/// what is pasted, as files.
pub(crate) async fn copied(app: &AppHandle) -> Vec<String> {
    let addresses = in_clipboard(app).await;
    let (paths, names) = read(&addresses);
    app.state::<Given>().note(&paths);
    names
}

#[cfg(not(target_os = "linux"))]
async fn in_clipboard(_: &AppHandle) -> Vec<String> {
    Vec::new()
}

#[cfg(target_os = "linux")]
async fn in_clipboard(app: &AppHandle) -> Vec<String> {
    /// Another program answers, or does not.
    const LIMIT: std::time::Duration = std::time::Duration::from_secs(2);

    let (reply, answer) = tokio::sync::oneshot::channel();
    let asking = app.run_on_main_thread(move || {
        gtk::Clipboard::get(&gtk::gdk::SELECTION_CLIPBOARD).request_uris(move |_, addresses| {
            drop(reply.send(addresses.iter().map(ToString::to_string).collect::<Vec<String>>()));
        });
    });
    if let Err(error) = asking {
        tracing::warn!(%error, "the clipboard was not looked at");
    }
    tokio::time::timeout(LIMIT, answer).await.ok().and_then(Result::ok).unwrap_or_default()
}

/// The files among these addresses, and what all of them are called.
#[cfg(target_os = "linux")]
fn read(addresses: &[String]) -> (Vec<PathBuf>, Vec<String>) {
    let mut paths = Vec::new();
    let name = |address: &String| match glib::filename_from_uri(address) {
        Ok((path, None)) if path.to_str().is_some() => {
            let name = path.to_string_lossy().into_owned();
            paths.push(path);
            name
        }
        _ => address.clone(),
    };
    let names = addresses.iter().filter(|address| !address.is_empty()).take(MOST).map(name).collect();
    (paths, names)
}

#[cfg(not(target_os = "linux"))]
fn read(_: &[String]) -> (Vec<PathBuf>, Vec<String>) {
    Default::default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_was_handed_over_may_be_named_and_only_the_last_of_it() {
        let given = Given::default();
        given.note(&["/home/you/a.png".into(), "/home/you/b.png".into()]);
        given.check("/home/you/a.png").unwrap();
        given.check("/home/you/a.png").unwrap();
        for other in ["/home/you/.ssh/id_ed25519", "/home/you", "a.png", ""] {
            assert_eq!(given.check(other).unwrap_err().code, ErrorCode::BadInput, "{other}");
        }
        let many: Vec<PathBuf> = (0..MOST).map(|number| format!("/{number}").into()).collect();
        given.note(&many[1..]);
        assert!(given.check("/home/you/a.png").is_err() && given.check("/home/you/b.png").is_ok());
        given.note(&many);
        assert!(given.check("/home/you/b.png").is_err());
        assert!(given.check("/0").is_ok() && given.check("/1023").is_ok());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_files_of_this_computer_are_read_from_addresses() {
        let addresses =
            ["file:///home/you/a%20b.png", "https://example.org/c.png", "", "file://elsewhere/d", "e"];
        let (paths, names) = read(&addresses.map(str::to_owned));
        assert_eq!(paths, [PathBuf::from("/home/you/a b.png")]);
        assert_eq!(names, ["/home/you/a b.png", "https://example.org/c.png", "file://elsewhere/d", "e"]);
    }
}
