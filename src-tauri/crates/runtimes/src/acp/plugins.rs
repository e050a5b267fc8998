//! What lies in a folder and a program follows without asking anybody: it is not started beside that.
//!
//! goose 1.34 runs the hooks of each folder below `.agents/plugins` of the project and of the user's home, with its keys in
//! their environment, and no setting that was found keeps it from that. It looks for them when it opens a conversation: what
//! comes later counts from the next one on. Gemini CLI 0.61 starts MCP servers only where it trusts the folder, and then takes
//! variables and settings from there, which stand over the user's. It is looked for before that, and before each prompt.

use super::{faults::short, quirks::Preset};
use std::path::{Path, PathBuf};

/// What a program follows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Follows {
    /// Plugins: each folder in this one, of the project and of the user.
    PluginsIn(&'static str),
    /// A file of the project, when the agent has MCP servers.
    BesideServices(&'static str),
    /// The same, and also in each folder above the project; what lies in the user's home is the user's.
    AboveServices(&'static str),
}

/// Where all that may lie in a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Plugins {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Plugins {
    /// Of a program that works in `folder`, for a user with this home.
    pub(super) fn of(preset: &Preset, folder: &Path, home: Option<&Path>, has_services: bool) -> Self {
        let mut plugins = Self::default();
        for follows in preset.follows {
            match follows {
                Follows::PluginsIn(name) => {
                    let roots = [Some(folder), home].into_iter().flatten();
                    plugins.folders.extend(roots.map(|root| root.join(name)));
                }
                Follows::BesideServices(name) if has_services => plugins.files.push(folder.join(name)),
                Follows::AboveServices(name) if has_services => {
                    let above = folder.ancestors().filter(|above| Some(*above) != home);
                    plugins.files.extend(above.map(|above| above.join(name)));
                }
                Follows::BesideServices(_) | Follows::AboveServices(_) => {}
            }
        }
        plugins
    }

    /// Why the program is not let go on, when there is a reason: in words that say what to do.
    pub(super) fn forbid(&self, title: &str) -> Option<String> {
        if let Some(plugin) = self.folders.iter().find_map(|folder| first_in(folder)) {
            let plugin = short(&plugin.display().to_string());
            return Some(format!(
                "{title} would run commands of the plugin {plugin} without asking. Move it to another place, or choose another program for this agent."
            ));
        }
        let file = self.files.iter().find(|file| file.symlink_metadata().is_ok())?;
        let file = short(&file.display().to_string());
        Some(format!(
            "{title} would do what {file} says without asking, since its agent has MCP servers. Move the file to another place, take the MCP servers away, or choose another program for this agent."
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
    use crate::acp::quirks::{GEMINI, GOOSE, PLAIN};

    #[test]
    fn a_plugin_of_the_project_or_of_the_user_is_named_with_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let (folder, home) = (root.path().join("work"), root.path().join("home"));
        std::fs::create_dir_all(folder.join(".agents/plugins")).unwrap();
        std::fs::write(folder.join(".agents/plugins/README.md"), "None yet.").unwrap();
        let plugins = Plugins::of(&GOOSE, &folder, Some(&home), false);
        assert_eq!(plugins.forbid("goose"), None);
        std::fs::create_dir_all(home.join(".agents/plugins/mine")).unwrap();
        let said = plugins.forbid("goose").unwrap();
        assert!(said.contains("home/.agents/plugins/mine") && said.contains("Move it"), "{said}");
        std::fs::create_dir_all(folder.join(".agents/plugins/theirs")).unwrap();
        assert!(plugins.forbid("goose").unwrap().contains("work/.agents/plugins/theirs"));
        assert_eq!(Plugins::of(&PLAIN, &folder, Some(&home), true).forbid("x"), None);
    }

    #[test]
    fn a_file_that_is_followed_only_beside_mcp_servers_is_in_the_way_only_there() {
        let root = tempfile::tempdir().unwrap();
        let (folder, home) = (root.path().join("home/work/here"), root.path().join("home"));
        std::fs::create_dir_all(folder.join(".gemini")).unwrap();
        std::fs::create_dir_all(home.join(".gemini")).unwrap();
        std::fs::create_dir_all(home.join("work/.gemini")).unwrap();
        // The user's own.
        std::fs::write(home.join(".gemini/.env"), "").unwrap();
        std::fs::write(home.join(".gemini/settings.json"), "").unwrap();
        let said = |has_services| Plugins::of(&GEMINI, &folder, Some(&home), has_services).forbid("x");
        assert_eq!(said(true), None);
        std::fs::write(home.join("work/.gemini/.env"), "").unwrap();
        assert!(said(true).unwrap().contains("work/.gemini/.env"), "{:?}", said(true));
        std::fs::write(folder.join(".gemini/settings.json"), "").unwrap();
        let named = said(true).unwrap();
        assert!(named.contains("here/.gemini/settings.json") && named.contains("Move the file"), "{named}");
        assert_eq!(said(false), None);
    }
}
