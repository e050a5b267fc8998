//! Files that the person handed to the window: dropped on it, or copied in another program and pasted. The page may have only
//! these read for a message or a task: whatever gets into the page, it cannot name a file by itself. What is written or read
//! through a dialog is in [`chosen`](crate::chosen).
//!
//! So what the page itself has copied or drags is nobody's hand-over, and the clipboard is looked at only while the person
//! looks at the window. What is left: a program that takes the clipboard over hands on as its own what the page had
//! copied, and a page may ask for copied files before anybody pastes them.
//!
//! What was handed over counts until much else was: a page that was told no may ask again.

#[cfg(target_os = "linux")]
use crate::window::MAIN;
use nox_api::{ApiError, ErrorCode};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tauri::{AppHandle, Manager, WebviewWindow};

/// So many paths are known, the newest behind; and so many are taken at once, all or none.
const MOST: usize = 1024;

#[derive(Debug, Default)]
struct Known {
    paths: VecDeque<PathBuf>,
    /// What was handed over last were so many that none was taken.
    too_many: Option<usize>,
}

/// What was handed over last.
#[derive(Debug, Default)]
pub struct Given {
    known: Mutex<Known>,
    /// What was last dragged over the window began in the page.
    from_page: AtomicBool,
}

impl Given {
    /// These were dropped on the window.
    pub(crate) fn dropped(&self, paths: &[PathBuf]) {
        if self.from_page.load(Ordering::Relaxed) {
            tracing::warn!("the page dropped files on itself");
        } else {
            self.note(paths);
        }
    }

    /// The person handed these over.
    fn note(&self, paths: &[PathBuf]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.too_many = (paths.len() > MOST).then_some(paths.len());
        if known.too_many.is_some() {
            return;
        }
        known.paths.retain(|path| !paths.contains(path));
        known.paths.extend(paths.iter().cloned());
        let too_many = known.paths.len().saturating_sub(MOST);
        known.paths.drain(..too_many);
    }

    /// # Errors
    /// The person did not hand this file over, or too many at once.
    pub(crate) fn check(&self, path: &str) -> Result<(), ApiError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.paths.iter().any(|known| known == Path::new(path)) {
            return Ok(());
        }
        let (message, hint) = match known.too_many {
            Some(count) => (
                format!("these are {count} files and folders, and at most {MOST} are taken at once"),
                "Drop a part of them, or the folder that they are in.",
            ),
            None => {
                tracing::warn!(path, "the page named a file that nobody handed over");
                ("this file was not dropped or pasted".into(), "Drop it on the window once more.")
            }
        };
        Err(ApiError::new(ErrorCode::BadInput, message).field("path").hint(hint))
    }
}

/// Looks where the drags over this window begin.
#[cfg(target_os = "linux")]
pub(crate) fn look_at_drags(window: &WebviewWindow) -> tauri::Result<()> {
    use gtk::prelude::{DragContextExtManual, WidgetExt};

    /// What WebKit calls a list of addresses among all that may be dragged. Only of such a list does a drop name files.
    const ADDRESSES: u32 = 2;

    let app = window.app_handle().clone();
    window.with_webview(move |webview| {
        webview.inner().connect_drag_data_received(move |_, drag, _, _, _, what, _| {
            if what == ADDRESSES {
                let from_page = drag.drag_get_source_widget().is_some();
                app.state::<Given>().from_page.store(from_page, Ordering::Relaxed);
            }
        });
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn look_at_drags(_: &WebviewWindow) -> tauri::Result<()> {
    Ok(())
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
    let asked = app.clone();
    let asking = app.run_on_main_thread(move || {
        if !may_be_pasted(&asked) {
            return;
        }
        gtk::Clipboard::get(&gtk::gdk::SELECTION_CLIPBOARD).request_uris(move |_, addresses| {
            drop(reply.send(addresses.iter().map(ToString::to_string).collect::<Vec<String>>()));
        });
    });
    if let Err(error) = asking {
        tracing::warn!(%error, "the clipboard was not looked at");
    }
    tokio::time::timeout(LIMIT, answer).await.ok().and_then(Result::ok).unwrap_or_default()
}

/// Whether it is another program's, and the person looks at the window. On the main thread.
#[cfg(target_os = "linux")]
fn may_be_pasted(app: &AppHandle) -> bool {
    let seen = app.get_webview_window(MAIN).is_some_and(|window| window.is_focused().unwrap_or(false));
    let ours = gtk::gdk::selection_owner_get(&gtk::gdk::SELECTION_CLIPBOARD).is_some();
    if ours || !seen {
        tracing::warn!(ours, seen, "the page asked for copied files, and may not have them");
    }
    seen && !ours
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

    #[test]
    fn more_than_are_taken_at_once_are_refused_with_the_bound() {
        let given = Given::default();
        given.note(&["/home/you/a.png".into()]);
        let many: Vec<PathBuf> = (0..=MOST).map(|number| format!("/{number}").into()).collect();
        given.note(&many);
        for path in ["/0", "/1024"] {
            let error = given.check(path).unwrap_err();
            assert_eq!(error.message, "these are 1025 files and folders, and at most 1024 are taken at once");
        }
        given.check("/home/you/a.png").unwrap();
        given.note(&many[1..]);
        assert!(given.check("/1024").is_ok());
        assert_eq!(given.check("/0").unwrap_err().message, "this file was not dropped or pasted");
    }

    #[test]
    fn what_the_page_drags_is_not_handed_over() {
        let given = Given::default();
        given.from_page.store(true, Ordering::Relaxed);
        given.dropped(&["/home/you/a.png".into()]);
        assert!(given.check("/home/you/a.png").is_err());
        given.from_page.store(false, Ordering::Relaxed);
        given.dropped(&["/home/you/a.png".into()]);
        given.check("/home/you/a.png").unwrap();
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
