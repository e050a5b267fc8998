//! The main window: made once, hidden and shown, never navigated away.
//!
//! Invariants: the page in it is the embedded one; a link never replaces it and never opens a second window; closing it
//! goes through [`crate::quit`]. Its size and place are remembered by the window-state plugin.

use crate::{
    Error, Result, Shell,
    given::{self, Given},
    outlook::Gaze,
    quit,
    shell::{Outgoing, ShellEvent, tell},
    text,
};
use std::path::Path;
use tauri::{
    AppHandle, DragDropEvent, Manager, Theme, Url, WebviewWindow, WebviewWindowBuilder, WindowEvent,
    webview::{NewWindowResponse, PageLoadEvent},
    window::Color,
};

/// The label of the window, in the configuration too.
pub const MAIN: &str = "main";

/// The page's own background, so that nothing flashes before its first frame.
const LIGHT: Color = Color(244, 244, 245, 255);
const DARK: Color = Color(20, 20, 23, 255);

/// Whether the window is seen at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// In front.
    Shown,
    /// In the tray, for a start at login.
    Hidden,
}

/// Makes the window. `data_folder` keeps what the web view stores.
///
/// # Errors
/// When the window system refuses.
pub(crate) fn create(app: &AppHandle, data_folder: &Path, start: Start) -> Result<WebviewWindow> {
    let config =
        app.config().app.windows.iter().find(|window| window.label == MAIN).ok_or(Error::NoWindow)?;
    let asked = app.clone();
    let asked_too = app.clone();
    let window = WebviewWindowBuilder::from_config(app, config)?
        .data_directory(data_folder.to_owned())
        .on_navigation(move |url| {
            let stays = is_own_page(url);
            if !stays {
                ask_link(&asked, url);
            }
            stays
        })
        .on_new_window(move |url, _| {
            ask_link(&asked_too, &url);
            NewWindowResponse::Deny
        })
        .on_page_load(|window, load| {
            if load.event() == PageLoadEvent::Started {
                window.state::<Outgoing>().deaf();
            }
        })
        .build()?;
    given::look_at_drags(&window)?;
    let dark = matches!(window.theme(), Ok(Theme::Dark));
    window.set_background_color(Some(if dark { DARK } else { LIGHT }))?;
    let closing = app.clone();
    window.on_window_event(move |event| match event {
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            quit::window_closed(&closing);
        }
        WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => closing.state::<Given>().dropped(paths),
        WindowEvent::Focused(true) => closing.state::<Shell>().looks(Gaze::Here),
        WindowEvent::Focused(false) => closing.state::<Shell>().looks(Gaze::Elsewhere),
        _ => {}
    });
    if start == Start::Shown {
        window.show()?;
        window.set_focus()?;
    }
    Ok(window)
}

/// Brings the window to the front, from wherever it is.
pub fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(MAIN) else {
        tracing::error!("there is no window to show");
        return;
    };
    for (what, done) in
        [("unminimize", window.unminimize()), ("show", window.show()), ("focus", window.set_focus())]
    {
        if let Err(error) = done {
            tracing::warn!(%error, what, "the window did not come to the front");
        }
    }
}

/// Hides the window; agents work on.
pub fn hide(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN)
        && let Err(error) = window.hide()
    {
        tracing::warn!(%error, "the window could not be hidden");
    }
}

/// Sets light or dark for the native parts and the page's `prefers-color-scheme`; `None` follows the system.
pub fn set_theme(app: &AppHandle, theme: Option<Theme>) {
    app.set_theme(theme);
}

/// Whether the address is the embedded page: `tauri://localhost`, on Windows `http://tauri.localhost`.
fn is_own_page(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        "http" | "https" => cfg!(windows) && url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

fn ask_link(app: &AppHandle, url: &Url) {
    tracing::info!(scheme = url.scheme(), "a link was clicked");
    tell(app, ShellEvent::AskLink { url: text::plain(url.as_str()) });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_embedded_page_may_be_shown() {
        let own = |address: &str| is_own_page(&address.parse().unwrap());
        assert!(own("tauri://localhost/#/board"));
        for foreign in [
            "tauri://evil.example/",
            "tauri://localhost.evil.example/",
            "https://example.org/",
            "http://localhost/",
            "file:///etc/passwd",
            "data:text/html,x",
            "javascript:alert(1)",
            "about:blank",
            "blob:tauri://localhost/1",
        ] {
            assert!(!own(foreign), "{foreign}");
        }
    }
}
