//! What the tray says, as plain data: the worst state wins.

use crate::text;

/// The state that the icon shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrayStatus {
    /// Nothing runs.
    #[default]
    Idle,
    /// Agents work.
    Running,
    /// A person has to do something.
    NeedsYou,
    /// A session failed and nobody has looked yet.
    Failed,
}

impl TrayStatus {
    /// Failed before needs you before running before idle.
    pub fn worst(failed: u32, waiting: u32, running: u32) -> Self {
        match (failed, waiting, running) {
            (1.., _, _) => Self::Failed,
            (0, 1.., _) => Self::NeedsYou,
            (0, 0, 1..) => Self::Running,
            (0, 0, 0) => Self::Idle,
        }
    }
}

/// A session in the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraySession {
    /// Its id.
    pub session: String,
    /// `Agent: Task`.
    pub title: String,
    /// The word for its status.
    pub status: String,
}

/// Whether a request may be allowed without looking at it in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answerable {
    /// Its risk is medium or less.
    AllowOrDeny,
    /// It must be looked at before it is allowed.
    DenyOnly,
    /// It asks something, which is answered in the window; it can be skipped from anywhere.
    Question,
}

/// A permission request in the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrayRequest {
    /// Its id.
    pub request: String,
    /// The session that asks.
    pub session: String,
    /// `Agent: what would run`.
    pub title: String,
    /// What can be answered from the menu.
    pub answerable: Answerable,
}

/// All that the tray shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrayModel {
    /// The worst state; see [`TrayStatus::worst`].
    pub status: TrayStatus,
    /// Sessions that work.
    pub running: u32,
    /// Sessions that wait for a person.
    pub waiting: u32,
    /// Sessions that failed and were not looked at.
    pub failed: u32,
    /// Open requests, oldest first; the menu shows the first few.
    pub requests: Vec<TrayRequest>,
    /// The last sessions, newest first; the menu shows the first few.
    pub recent: Vec<TraySession>,
}

impl TrayModel {
    /// The first line of the menu: every count that is not zero.
    pub(crate) fn counts_line(&self) -> String {
        let parts: Vec<String> = [failed(self.failed), need_you(self.waiting), running(self.running)]
            .into_iter()
            .flatten()
            .collect();
        if parts.is_empty() { "Idle: nothing runs".into() } else { parts.join(" · ") }
    }

    /// The words beside the icon, where a desktop shows them; empty when idle.
    pub(crate) fn label(&self) -> String {
        match self.status {
            TrayStatus::Idle => None,
            TrayStatus::Running => running(self.running),
            TrayStatus::NeedsYou => need_you(self.waiting),
            TrayStatus::Failed => failed(self.failed),
        }
        .unwrap_or_default()
    }

    pub(crate) fn tooltip(&self) -> String {
        format!("Nox. {}", self.counts_line())
    }
}

fn failed(count: u32) -> Option<String> {
    (count > 0).then(|| format!("{count} failed"))
}

fn need_you(count: u32) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 needs you".into()),
        more => Some(format!("{more} need you")),
    }
}

fn running(count: u32) -> Option<String> {
    (count > 0).then(|| format!("{count} running"))
}

impl TraySession {
    pub(crate) fn label(&self) -> String {
        format!("{}   {}", text::menu_label(&self.title), text::menu_label(&self.status))
    }
}

impl TrayRequest {
    pub(crate) fn label(&self) -> String {
        text::menu_label(&self.title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_state_wins() {
        assert_eq!(TrayStatus::worst(0, 0, 0), TrayStatus::Idle);
        assert_eq!(TrayStatus::worst(0, 0, 2), TrayStatus::Running);
        assert_eq!(TrayStatus::worst(0, 1, 2), TrayStatus::NeedsYou);
        assert_eq!(TrayStatus::worst(1, 1, 2), TrayStatus::Failed);
    }

    #[test]
    fn counts_are_said_in_words() {
        let mut model = TrayModel::default();
        assert_eq!((model.counts_line().as_str(), model.label().as_str()), ("Idle: nothing runs", ""));
        model = TrayModel { status: TrayStatus::NeedsYou, running: 4, waiting: 1, ..model };
        assert_eq!(model.counts_line(), "1 needs you · 4 running");
        assert_eq!(model.label(), "1 needs you");
        model = TrayModel { status: TrayStatus::Failed, failed: 2, waiting: 3, ..model };
        assert_eq!(model.counts_line(), "2 failed · 3 need you · 4 running");
    }

    #[test]
    fn a_title_is_data() {
        let session =
            TraySession { session: "s".into(), title: "Docs: R&D\nnow".into(), status: "Running".into() };
        assert_eq!(session.label(), "Docs: R&&D now   Running");
    }
}
