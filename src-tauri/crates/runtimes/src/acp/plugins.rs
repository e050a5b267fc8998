//! What lies in a folder and a program follows without asking anybody: it is not started beside that.
//!
//! goose 1.34 runs the hooks of each folder below `.agents/plugins` of the project and of the user's home, with its keys in
//! their environment, and no setting that was found keeps it from that. It looks for them when it opens a conversation: what
//! comes later counts from the next one on. OpenCode 1.18 loads the modules of `.opencode/plugin` and `.opencode/plugins`, and what
//! `opencode.json` names, from the project and each folder above it, although it was told to load none of a project: a part of it
//! that comes from its next version does not look at that. Gemini CLI 0.61 starts MCP servers only where it trusts the folder,
//! and then takes variables and settings from there, which stand over the user's; Qwen Code 0.24 does the same. It is looked for
//! before that, and before each prompt.

use super::{faults::short, quirks::Preset};
use jsonc_parser::parse_to_serde_value;
use serde_json::Value;
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// What a program follows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Follows {
    /// Plugins: each folder in this one, of the project and of the user.
    PluginsIn(&'static str),
    /// Modules in these folders of the project and of each folder above it, and what settings there name under these keys.
    ModulesAbove {
        /// With modules in them.
        folders: &'static [&'static str],
        /// Files of settings.
        settings: &'static [&'static str],
        /// Their keys.
        keys: &'static [&'static str],
    },
    /// A file of the project, when the agent has MCP servers.
    BesideServices(&'static str),
    /// The same, and also in each folder above the project; what lies in the user's home is the user's.
    AboveServices(&'static str),
}

/// Where all that may lie in a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Plugins {
    folders: Vec<PathBuf>,
    modules: Vec<PathBuf>,
    settings: Vec<(PathBuf, &'static [&'static str])>,
    files: Vec<PathBuf>,
}

impl Plugins {
    /// Of a program that works in `folder`, for a user with this home.
    pub(super) fn of(preset: &Preset, folder: &Path, home: Option<&Path>, has_services: bool) -> Self {
        let mut plugins = Self::default();
        // A folder may be reached by a link: some programs go up the way that they were told, others the real one.
        let real = real(folder);
        let above = || folder.ancestors().chain(real.ancestors().filter(|above| !folder.starts_with(above)));
        let is_home = |folder: &Path| home.is_some_and(|home| self::real(home) == self::real(folder));
        for follows in preset.follows {
            match follows {
                Follows::PluginsIn(name) => {
                    let roots = [Some(folder), home].into_iter().flatten();
                    plugins.folders.extend(roots.map(|root| root.join(name)));
                }
                Follows::ModulesAbove { folders, settings, keys } => {
                    for above in above() {
                        plugins.modules.extend(folders.iter().map(|name| above.join(name)));
                        plugins.settings.extend(settings.iter().map(|name| (above.join(name), *keys)));
                    }
                }
                Follows::BesideServices(name) if has_services => plugins.files.push(folder.join(name)),
                Follows::AboveServices(name) if has_services => {
                    let above = above().filter(|above| !is_home(above));
                    plugins.files.extend(above.map(|above| above.join(name)));
                }
                Follows::BesideServices(_) | Follows::AboveServices(_) => {}
            }
        }
        plugins
    }

    /// Why the program is not let go on, when there is a reason: in words that say what to do.
    pub(super) fn forbid(&self, title: &str) -> Option<String> {
        let plugin = self.folders.iter().find_map(|folder| first_in(folder, Path::is_dir));
        let plugin = plugin.or_else(|| self.modules.iter().find_map(|folder| first_in(folder, is_module)));
        let named = || self.settings.iter().find(|(file, keys)| names_any(file, keys));
        if let Some(plugin) = plugin.or_else(|| Some(named()?.0.clone())) {
            let plugin = short(&plugin.display().to_string());
            return Some(format!(
                "{title} would run the plugin {plugin} without asking. Move it to another place, or choose another program for this agent."
            ));
        }
        let file = self.files.iter().find(|file| file.symlink_metadata().is_ok())?;
        let file = short(&file.display().to_string());
        Some(format!(
            "{title} would do what {file} says without asking, since its agent has MCP servers. Move the file to another place, take the MCP servers away, or choose another program for this agent."
        ))
    }
}

/// Where a folder really is, as far as that can be seen.
fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

/// The first of such entries in a folder, by its name.
fn first_in(folder: &Path, like: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| like(path)).min()
}

fn is_module(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "js" || kind == "ts")
}

/// Whether settings name something under one of these keys. Nobody knows that of ones that are there and cannot be read.
fn names_any(file: &Path, keys: &[&str]) -> bool {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return error.kind() != ErrorKind::NotFound && error.kind() != ErrorKind::NotADirectory,
    };
    match parse_to_serde_value::<Value>(&text, &Default::default()) {
        Ok(settings) => keys.iter().any(|key| match &settings[*key] {
            Value::Null => false,
            Value::Array(named) => !named.is_empty(),
            _ => true,
        }),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::acp::quirks::{GEMINI, GOOSE, OPENCODE, PLAIN, QWEN};

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
        let said = |has_services| Plugins::of(&QWEN, &folder, Some(&home), has_services).forbid("x");
        assert_eq!(said(true), None);
        std::fs::write(home.join("work/.env"), "").unwrap();
        assert!(said(true).unwrap().contains("work/.env") && said(false).is_none(), "{:?}", said(true));
    }

    #[cfg(unix)]
    #[test]
    fn what_lies_above_the_real_folder_is_in_the_way_and_a_home_behind_a_link_is_the_users() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        std::fs::create_dir_all(at("data/team/repo")).unwrap();
        std::fs::create_dir_all(at("data/team/.gemini")).unwrap();
        std::fs::write(at("data/team/.gemini/.env"), "").unwrap();
        std::os::unix::fs::symlink(at("data/team/repo"), at("work")).unwrap();
        std::os::unix::fs::symlink(at("data/team"), at("home")).unwrap();
        let said = |home: &str| Plugins::of(&GEMINI, &at("work"), Some(&at(home)), true).forbid("x");
        assert!(said("elsewhere").unwrap().contains("team/.gemini/.env"), "{:?}", said("elsewhere"));
        assert_eq!(said("home"), None);
    }

    #[test]
    fn modules_and_what_settings_name_are_in_the_way_in_the_project_and_above_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("project/part");
        std::fs::create_dir_all(&folder).unwrap();
        let said = || Plugins::of(&OPENCODE, &folder, None, false).forbid("x");
        let harmless = folder.join(".opencode/plugins");
        std::fs::create_dir_all(&harmless).unwrap();
        std::fs::write(harmless.join("README.md"), "None yet.").unwrap();
        let settings = root.path().join("project/opencode.jsonc");
        std::fs::write(&settings, "{ // a word\n \"model\": \"a/b\", \"plugin\": [], }").unwrap();
        assert_eq!(said(), None);
        for text in [r#"{ "plugin": ["their-code"] }"#, r#"{ "plugins": { "x": 1 } }"#, "{ odd"] {
            std::fs::write(&settings, text).unwrap();
            assert!(said().unwrap().contains("project/opencode.jsonc"), "{text}: {:?}", said());
        }
        std::fs::remove_file(settings).unwrap();
        for name in ["project/.opencode/plugin/theirs.ts", "project/part/.opencode/plugins/theirs.js"] {
            let module = root.path().join(name);
            std::fs::create_dir_all(module.parent().unwrap()).unwrap();
            std::fs::write(&module, "").unwrap();
            assert!(said().unwrap().contains(name), "{:?}", said());
            std::fs::remove_file(module).unwrap();
        }
        assert_eq!(said(), None);
    }
}
