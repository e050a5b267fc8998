//! Native notifications: an agent finished, failed, or asks.
//!
//! The wiring to the engine says what happened as a [`Notice`]; the platform shows it and reports what the person chose.
//! A notice has a key: showing the same key again replaces the notification, and withdrawing it takes it away, so that a
//! request that was answered elsewhere asks nowhere. All text is data: it is made harmless here, not by the caller.

#[cfg(target_os = "linux")]
mod freedesktop;
#[cfg(not(target_os = "linux"))]
mod plugin;

use crate::{
    shell::{self, Answer},
    text,
    tray::Answerable,
};
use nox_api::dto::Face;
use std::sync::Arc;
use tauri::AppHandle;

#[cfg(target_os = "linux")]
pub(crate) use freedesktop::Freedesktop as Native;
#[cfg(not(target_os = "linux"))]
pub(crate) use plugin::Plugin as Native;

/// How much a notification insists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Something went well.
    Low,
    /// Something waits or failed.
    Normal,
    /// Breaks through “do not disturb”; for nothing that can wait.
    Critical,
}

/// What a notification is about, and so which buttons it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A session finished or failed: a click opens it.
    Session,
    /// A permission request, which stays until it is answered.
    Request {
        /// Its id.
        request: String,
        /// What can be answered without looking.
        answerable: Answerable,
    },
}

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it replaces and is withdrawn by: a request's or session's id.
    pub key: String,
    /// `Agent: Task`.
    pub title: String,
    /// What happened: `finished: 4 files, +120 −8`, `needs approval: git push`.
    pub body: String,
    /// How much it insists.
    pub urgency: Urgency,
    /// What it is about.
    pub about: About,
    /// Where a click leads.
    pub session: String,
}

/// What a person did with a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Clicked it, or `Open`.
    Open,
    /// `Allow once`.
    AllowOnce,
    /// `Deny`.
    Deny,
}

impl Choice {
    /// The key of the action on the wire. `default` is freedesktop's word for a click on the body.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Open => "default",
            Self::AllowOnce => "allow_once",
            Self::Deny => "deny",
        }
    }

    /// The choice of a key; `open` is the button, `tap` the plugin's word for a click.
    pub(crate) fn of(key: &str) -> Option<Self> {
        match key {
            "default" | "open" | "tap" => Some(Self::Open),
            "allow_once" => Some(Self::AllowOnce),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }
}

/// Called with what was chosen, on any thread.
pub type OnChoice = Arc<dyn Fn(&Notice, Choice) + Send + Sync>;

/// Shows notifications. Calls return at once; failures are logged and reported by [`Notifier::problem`].
#[async_trait::async_trait]
pub trait Notifier: Send + Sync + 'static {
    /// Shows a notice, in place of an earlier one with the same key.
    fn show(&self, notice: Notice);
    /// Takes the notice with this key away, if it is still there.
    fn withdraw(&self, key: &str);
    /// Why notifications are not seen, when that is known. Looks for whatever shows them, some seconds at most.
    async fn problem(&self) -> Option<String>;
}

impl Notice {
    /// The buttons besides the click on the body, as (key, words).
    pub(crate) fn buttons(&self) -> Vec<(&'static str, &'static str)> {
        match &self.about {
            About::Session => vec![("open", "Open")],
            About::Request { answerable: Answerable::AllowOrDeny, .. } => {
                vec![("allow_once", "Allow once"), ("deny", "Deny"), ("open", "Open")]
            }
            About::Request { answerable: Answerable::DenyOnly, .. } => {
                vec![("open", "Review"), ("deny", "Deny")]
            }
            About::Request { answerable: Answerable::Question, .. } => {
                vec![("open", "Answer"), ("deny", "Skip")]
            }
        }
    }

    /// The same with text that is safe to hand out: one line of title, a short body.
    pub(crate) fn harmless(self) -> Self {
        let title = text::one_line(&self.title, 120);
        let lines: Vec<String> =
            text::plain(&self.body).lines().take(6).map(|line| text::one_line(line, 200)).collect();
        Self { title, body: lines.join("\n"), ..self }
    }
}

/// Does what was chosen.
pub(crate) fn act(app: &AppHandle, notice: &Notice, choice: Choice) {
    tracing::info!(key = notice.key, ?choice, "chosen in a notification");
    match (choice, &notice.about) {
        (Choice::AllowOnce, About::Request { request, answerable: Answerable::AllowOrDeny }) => {
            shell::answer(app, Face::Notification, request, Answer::AllowOnce);
        }
        (Choice::Deny, About::Request { request, .. }) => {
            shell::answer(app, Face::Notification, request, Answer::Deny);
        }
        _ => shell::open_session(app, &notice.session),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn request(answerable: Answerable) -> Notice {
        Notice {
            key: "req_1".into(),
            title: "Release: Publish".into(),
            body: "needs approval: git push".into(),
            urgency: Urgency::Normal,
            about: About::Request { request: "req_1".into(), answerable },
            session: "ses_1".into(),
        }
    }

    #[test]
    fn what_must_be_looked_at_cannot_be_allowed_from_here() {
        let keys =
            |answerable| -> Vec<&str> { request(answerable).buttons().iter().map(|each| each.0).collect() };
        assert_eq!(keys(Answerable::AllowOrDeny), ["allow_once", "deny", "open"]);
        assert_eq!(keys(Answerable::DenyOnly), ["open", "deny"]);
        assert_eq!(
            keys(Answerable::Question),
            ["open", "deny"],
            "no answer is given without the question in sight"
        );
    }

    #[test]
    fn keys_go_there_and_back() {
        for choice in [Choice::Open, Choice::AllowOnce, Choice::Deny] {
            assert_eq!(Choice::of(choice.key()), Some(choice));
        }
        assert_eq!(Choice::of("format_disk"), None);
    }

    #[test]
    fn hostile_text_is_made_short_and_plain() {
        let notice = Notice {
            title: "a\nb\u{202e}".into(),
            body: "x\u{1b}[2J\n".repeat(100),
            ..request(Answerable::DenyOnly)
        };
        let notice = notice.harmless();
        assert_eq!(notice.title, "a b⟨U+202E⟩");
        assert_eq!(notice.body, ["x"; 6].join("\n"));
    }
}
