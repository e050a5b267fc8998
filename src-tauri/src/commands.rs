//! The commands of the page. Two lists make one surface: the operations of the contract, generated from the catalogue of
//! `nox-api` (they take only the state), and the few below that need the window.

use crate::{
    Shell, dropped, links, quit,
    shell::{Outgoing, ShellEvent},
    text,
    tray::TrayHost,
    window,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tauri::{AppHandle, Manager, Wry, ipc::Invoke};

/// What the desktop around Nox offers, for Settings and Help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, specta::Type)]
pub struct DesktopStatus {
    /// Whether the tray icon is seen; without it, closing the window quits.
    pub tray: TrayHost,
    /// Why notifications are not seen, in the system's words; none when they are, as far as known.
    pub notifications_problem: Option<String>,
}

/// Light, dark, or what the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// Follows the system.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The page listens to shell events from now on. Returns those it missed; call it after listening, on every load.
#[tauri::command]
#[specta::specta]
pub fn page_listens(app: AppHandle) -> Vec<ShellEvent> {
    app.state::<Outgoing>().listens()
}

/// The question whether to quit stands in the page.
#[tauri::command]
#[specta::specta]
pub fn quit_question_shown(app: AppHandle) {
    quit::question_shown(&app);
}

/// The person answered the question whether to quit.
#[tauri::command]
#[specta::specta]
pub fn answer_quit(app: AppHandle, leaves: bool) {
    quit::answered(&app, leaves);
}

/// Quits; asks first when runs are live.
#[tauri::command]
#[specta::specta]
pub fn quit_app(app: AppHandle) {
    quit::requested(&app);
}

/// Opens a web or mail address outside. The page has asked the person before.
///
/// # Errors
/// A sentence: the link is refused, or the system has no program for it.
#[tauri::command]
#[specta::specta]
pub fn open_link(app: AppHandle, link: String) -> Result<(), String> {
    links::open_link(&app, &link).map_err(|error| text::plain(&error.to_string()))
}

/// What the paths are that were dropped on the window.
#[tauri::command]
#[specta::specta]
pub async fn look_at_dropped(paths: Vec<PathBuf>) -> Vec<dropped::DroppedPath> {
    tauri::async_runtime::spawn_blocking(move || dropped::look_at(paths)).await.unwrap_or_default()
}

/// Sets light or dark for the native parts of the window.
#[tauri::command]
#[specta::specta]
pub fn set_theme(app: AppHandle, theme: ThemeChoice) {
    window::set_theme(
        &app,
        match theme {
            ThemeChoice::System => None,
            ThemeChoice::Light => Some(tauri::Theme::Light),
            ThemeChoice::Dark => Some(tauri::Theme::Dark),
        },
    );
}

/// What the desktop around Nox offers.
#[tauri::command]
#[specta::specta]
pub fn desktop_status(app: AppHandle) -> DesktopStatus {
    let shell = app.state::<Shell>();
    DesktopStatus { tray: shell.tray_host(), notifications_problem: shell.notifications_problem() }
}

/// The whole surface, for the window and for the generated TypeScript.
pub fn surface() -> tauri_specta::Builder<Wry> {
    tauri_specta::Builder::<Wry>::new()
        .commands(tauri_specta::collect_commands![
            page_listens,
            quit_question_shown,
            answer_quit,
            quit_app,
            open_link,
            look_at_dropped,
            set_theme,
            desktop_status,
        ])
        .events(tauri_specta::collect_events![ShellEvent])
}

/// What Tauri calls for each message of the page.
pub(crate) type Handler = Box<dyn Fn(Invoke<Wry>) -> bool + Send + Sync>;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_surface_becomes_typescript() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shell.ts");
        surface().export(specta_typescript::Typescript::default(), &file).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        for name in [
            "pageListens",
            "answerQuit",
            "lookAtDropped",
            "desktopStatus",
            "shellEvent",
            "ask_link",
            "size_bytes",
        ] {
            assert!(text.contains(name), "{name} is missing in\n{text}");
        }
    }
}
