//! Files that the person chose in a dialog of the desktop. The page may have a session written or read only there: whatever
//! gets into the page, it cannot name a file by itself.
//!
//! Each choice counts once and for one purpose.

use nox_api::{ApiError, ErrorCode, dto::ExportFormat};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tauri::{Manager, WebviewWindow, Wry};
use tauri_plugin_dialog::{DialogExt, FileDialogBuilder};
use tokio::sync::oneshot;

/// Letters of a suggested name.
const NAME_LETTERS: usize = 60;

/// What a file was chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// To be written.
    Export,
    /// To be read.
    Import,
}

/// The choices that were not used yet.
#[derive(Debug, Default)]
pub struct Chosen(Mutex<HashSet<(Purpose, PathBuf)>>);

impl Chosen {
    fn note(&self, purpose: Purpose, path: PathBuf) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((purpose, path));
    }

    /// Uses a choice up.
    ///
    /// # Errors
    /// The person did not choose this file.
    pub(crate) fn take(&self, purpose: Purpose, path: &str) -> Result<(), ApiError> {
        let known = (purpose, PathBuf::from(path));
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&known) {
            return Ok(());
        }
        tracing::warn!(?purpose, path, "the page named a file that nobody chose");
        let error = ApiError::new(ErrorCode::BadInput, "this file was not chosen in a dialog").field("path");
        Err(error.hint("Choose it once more."))
    }
}

/// Asks where an export is to be written; none when the person thought better of it.
pub(crate) async fn where_to_export(
    window: WebviewWindow,
    title: &str,
    format: ExportFormat,
) -> Result<Option<String>, ApiError> {
    let (kind, ending) = match format {
        ExportFormat::Jsonl => ("JSON lines", "jsonl"),
        ExportFormat::Markdown => ("Markdown", "md"),
    };
    let dialog = dialog(&window)
        .set_title("Export session")
        .set_file_name(format!("{}.{ending}", name_of(title)))
        .add_filter(kind, &[ending]);
    let (reply, answer) = oneshot::channel();
    dialog.save_file(move |file| drop(reply.send(file)));
    chosen(&window, Purpose::Export, answer.await.ok().flatten())
}

/// Asks which export is to be read; none when the person thought better of it.
pub(crate) async fn what_to_import(window: WebviewWindow) -> Result<Option<String>, ApiError> {
    let dialog = dialog(&window)
        .set_title("Import session")
        .add_filter("Exported session (JSON lines)", &["jsonl"])
        .add_filter("All files", &["*"]);
    let (reply, answer) = oneshot::channel();
    dialog.pick_file(move |file| drop(reply.send(file)));
    chosen(&window, Purpose::Import, answer.await.ok().flatten())
}

fn dialog(window: &WebviewWindow) -> FileDialogBuilder<Wry> {
    let dialog = window.dialog().file().set_parent(window);
    let paths = window.path();
    match paths.document_dir().or_else(|_| paths.home_dir()) {
        Ok(folder) if folder.is_dir() => dialog.set_directory(folder),
        _ => dialog,
    }
}

fn chosen(
    window: &WebviewWindow,
    purpose: Purpose,
    file: Option<tauri_plugin_dialog::FilePath>,
) -> Result<Option<String>, ApiError> {
    let Some(file) = file else { return Ok(None) };
    let bad = || {
        ApiError::new(ErrorCode::BadInput, "this file has a name that cannot be used")
            .hint("Choose another one.")
    };
    let path = file.into_path().map_err(|_| bad())?;
    let text = path.to_str().ok_or_else(bad)?.to_owned();
    window.state::<Chosen>().note(purpose, path);
    Ok(Some(text))
}

/// A file name of a session's title: nothing in it leads into another folder or hides the file.
fn name_of(title: &str) -> String {
    let plain = |letter: char| match letter {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '-',
        letter if letter.is_control() => ' ',
        letter => letter,
    };
    let name: String = title.chars().map(plain).take(NAME_LETTERS).collect();
    let name = name.trim().trim_start_matches('.').trim_end_matches('.').trim();
    if name.is_empty() || Path::new(name).file_name().is_none() {
        "session".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_counts_once_for_what_it_was_chosen_for_and_no_other_counts() {
        let chosen = Chosen::default();
        chosen.note(Purpose::Export, PathBuf::from("/home/you/a.jsonl"));
        assert!(chosen.take(Purpose::Export, "/home/you/.bashrc").is_err());
        assert!(chosen.take(Purpose::Import, "/home/you/a.jsonl").is_err());
        chosen.take(Purpose::Export, "/home/you/a.jsonl").unwrap();
        assert!(chosen.take(Purpose::Export, "/home/you/a.jsonl").is_err());
    }

    #[test]
    fn a_title_makes_a_name_that_stays_in_its_folder() {
        for (title, name) in [
            ("Fix the build", "Fix the build"),
            ("../../etc/passwd", "-..-etc-passwd"),
            (".hidden", "hidden"),
            (" ... ", "session"),
            ("a\nb", "a b"),
        ] {
            assert_eq!(name_of(title), name);
        }
        assert_eq!(name_of(&"x".repeat(500)).len(), NAME_LETTERS);
    }
}
