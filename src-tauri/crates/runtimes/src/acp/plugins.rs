//! Plugins whose commands a program runs without asking anybody: it is not started beside them.
//!
//! goose 1.34 runs the hooks of each folder below `.agents/plugins` of the project and of the user's home, with its keys in
//! their environment, and no setting that was found keeps it from that. It looks for them when it opens a conversation: what
//! comes later counts from the next one on. It is looked for before that, and before each prompt.

use super::{faults::short, quirks::Preset};
use std::path::{Path, PathBuf};

/// Where the plugins of a run may lie.
#[derive(Debug, Clone, Default)]
pub(super) struct Plugins {
    folders: Vec<PathBuf>,
}

impl Plugins {
    /// Of a program that works in `folder`, for a user with this home.
    pub(super) fn of(preset: &Preset, folder: &Path, home: Option<&Path>) -> Self {
        let roots = || [Some(folder), home].into_iter().flatten();
        let folders = preset.plugins.iter().flat_map(|name| roots().map(move |root| root.join(name)));
        Self { folders: folders.collect() }
    }

    /// Why the program is not let go on, when there is one: in words that say what to do.
    pub(super) fn forbid(&self, title: &str) -> Option<String> {
        let plugin = self.folders.iter().find_map(|folder| first_in(folder))?;
        let plugin = short(&plugin.display().to_string());
        Some(format!(
            "{title} would run commands of the plugin {plugin} without asking. Move it to another place, or choose another program for this agent."
        ))
    }
}

/// The first folder in a folder, by its name.
fn first_in(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).min()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::acp::quirks::{GOOSE, PLAIN};

    #[test]
    fn a_plugin_of_the_project_or_of_the_user_is_named_with_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let (folder, home) = (root.path().join("work"), root.path().join("home"));
        std::fs::create_dir_all(folder.join(".agents/plugins")).unwrap();
        std::fs::write(folder.join(".agents/plugins/README.md"), "None yet.").unwrap();
        let plugins = Plugins::of(&GOOSE, &folder, Some(&home));
        assert_eq!(plugins.forbid("goose"), None);
        std::fs::create_dir_all(home.join(".agents/plugins/mine")).unwrap();
        let said = plugins.forbid("goose").unwrap();
        assert!(said.contains("home/.agents/plugins/mine") && said.contains("Move it"), "{said}");
        std::fs::create_dir_all(folder.join(".agents/plugins/theirs")).unwrap();
        assert!(plugins.forbid("goose").unwrap().contains("work/.agents/plugins/theirs"));
        assert_eq!(Plugins::of(&PLAIN, &folder, Some(&home)).forbid("x"), None);
    }
}
