//! What can go wrong between Nox and the desktop it runs on.

/// An error of the desktop shell.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The window system, the web view or a menu refused.
    #[error("the window could not be set up: {0}")]
    Window(#[from] tauri::Error),
    /// There is no main window (any more).
    #[error("Nox has no window")]
    NoWindow,
    /// A link that Nox does not hand to other programs.
    #[error("“{link}” is no web or mail address, so it is not opened")]
    RefusedLink {
        /// The link, made harmless to show.
        link: String,
    },
    /// The program for a link, file or folder could not be started.
    #[error("“{what}” could not be opened: {reason}")]
    NotOpened {
        /// What was to be opened, made harmless to show.
        what: String,
        /// What the system said.
        reason: String,
    },
}

/// A result of the desktop shell.
pub type Result<T, E = Error> = std::result::Result<T, E>;
