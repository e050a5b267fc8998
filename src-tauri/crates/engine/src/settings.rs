//! `local.toml`: what differs between machines and is no part of the registry. Settings, granted projects, names of keys.
//!
//! Unknown keys and comments stay, and every change is made in the file as it is now. A file that is broken by hand is
//! left alone; what was read last holds, or the defaults, and every change is refused with the line, so that nothing is
//! lost.

use crate::{Error, home::Home};
use nox_domain::{
    At,
    ids::ProjectId,
    life::{LifeRules, LogPolicy},
    rows::{FileProblem, ProjectRow},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use toml_edit::{DocumentMut, Item, Table, value};
use tracing::level_filters::LevelFilter;

/// The look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system is.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Values {
    /// The look.
    pub theme: Theme,
    /// Runs at the same time.
    pub max_live_runs: u32,
    /// Native notifications.
    pub notifications: bool,
    /// The first page was read.
    pub welcomed: bool,
    /// `error`, `warn`, `info`, `debug`.
    pub log_level: String,
    /// Megabytes that all live runs together may hold before idle ones are closed and new ones wait; 0 for no limit.
    pub memory_budget_mb: u32,
    /// Runs that may be started in a minute; 0 for no limit.
    pub runs_per_minute: u32,
    /// Seconds after which an idle run is closed; 0 never.
    pub hibernate_after_seconds: u32,
    /// How sessions live when their agent does not say.
    pub life: LifeRules,
    /// What becomes of the events of sessions that are over.
    pub log_policy: LogPolicy,
    /// Days after which that happens.
    pub log_after_days: u32,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            max_live_runs: 8,
            notifications: true,
            welcomed: false,
            log_level: "info".into(),
            memory_budget_mb: 0,
            runs_per_minute: 120,
            hibernate_after_seconds: 900,
            life: LifeRules::default(),
            log_policy: LogPolicy::default(),
            log_after_days: 30,
        }
    }
}

impl Values {
    /// The level of the log; the usual one when a hand wrote a word that is none.
    pub fn log_level(&self) -> LevelFilter {
        self.log_level.parse().unwrap_or(LevelFilter::INFO)
    }
}

/// A change of the settings; what is none stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Patch {
    /// The look.
    pub theme: Option<Theme>,
    /// Runs at the same time, 1 to 200.
    pub max_live_runs: Option<u32>,
    /// Native notifications.
    pub notifications: Option<bool>,
    /// The first page was read.
    pub welcomed: Option<bool>,
    /// How much is logged.
    pub log_level: Option<String>,
    /// Megabytes for all live runs together; 0 for no limit.
    pub memory_budget_mb: Option<u32>,
    /// Runs in a minute; 0 for no limit.
    pub runs_per_minute: Option<u32>,
    /// Seconds after which an idle run is closed; 0 never.
    pub hibernate_after_seconds: Option<u32>,
    /// How sessions live when their agent does not say.
    pub life: Option<LifeRules>,
    /// What becomes of old events.
    pub log_policy: Option<LogPolicy>,
    /// Days after which that happens, 1 to 3650.
    pub log_after_days: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    settings: Values,
    projects: BTreeMap<ProjectId, PathBuf>,
    keys: BTreeMap<String, At>,
}

/// The home's `local.toml`.
#[derive(Debug)]
pub struct Local {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    text: String,
    file: File,
    problem: Option<FileProblem>,
}

impl Local {
    /// Reads it; a missing file means the defaults.
    pub fn open(home: &Home) -> Result<Self, Error> {
        let path = home.local();
        let text = read(&path)?;
        let (file, problem) = match parse(&text) {
            Ok(file) => (file, None),
            Err(error) => (File::default(), Some(problem_of(&text, &error))),
        };
        Ok(Self { path, state: Mutex::new(State { text, file, problem }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings.
    pub fn values(&self) -> Values {
        self.state().file.settings.clone()
    }

    /// Why the file does not hold.
    pub fn problem(&self) -> Option<FileProblem> {
        self.state().problem.clone()
    }

    /// The granted projects.
    pub fn projects(&self) -> Vec<ProjectRow> {
        // The disk, which may be a slow one, is asked without the lock.
        let projects = self.state().file.projects.clone();
        let row = |(id, path): (&ProjectId, &PathBuf)| ProjectRow {
            id: id.clone(),
            path: path.display().to_string(),
            present: path.is_dir(),
        };
        projects.iter().map(row).collect()
    }

    /// A project's folder.
    pub fn project(&self, id: &ProjectId) -> Option<PathBuf> {
        self.state().file.projects.get(id).cloned()
    }

    /// The names of the keys that were put into the keychain, with when.
    pub fn keys(&self) -> Vec<(String, At)> {
        self.state().file.keys.iter().map(|(name, at)| (name.clone(), *at)).collect()
    }

    /// Changes settings; answers the patch that takes it back.
    pub fn change(&self, patch: &Patch) -> Result<Patch, Error> {
        if let Some(runs) = patch.max_live_runs.filter(|runs| !(1..=200).contains(runs)) {
            return Err(Error::bad_input(
                "max_live_runs",
                format!("{runs} runs at the same time is not possible"),
                "Choose 1 to 200.",
            ));
        }
        const LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];
        if let Some(level) = patch.log_level.as_ref().filter(|level| !LEVELS.contains(&level.as_str())) {
            return Err(Error::bad_input(
                "log_level",
                format!("“{level}” is no level"),
                "Choose error, warn, info or debug.",
            ));
        }
        if let Some(days) = patch.log_after_days.filter(|days| !(1..=3650).contains(days)) {
            return Err(Error::bad_input(
                "log_after_days",
                format!("{days} days are not possible"),
                "Choose 1 to 3650.",
            ));
        }
        self.refresh()?;
        let before = self.values();
        self.edit(|document| {
            let table = section(document, "settings");
            if let Some(theme) = patch.theme {
                let word = match theme {
                    Theme::System => "system",
                    Theme::Light => "light",
                    Theme::Dark => "dark",
                };
                table["theme"] = value(word);
            }
            if let Some(runs) = patch.max_live_runs {
                table["max_live_runs"] = value(i64::from(runs));
            }
            if let Some(on) = patch.notifications {
                table["notifications"] = value(on);
            }
            if let Some(on) = patch.welcomed {
                table["welcomed"] = value(on);
            }
            if let Some(level) = &patch.log_level {
                table["log_level"] = value(level);
            }
            let numbers = [
                ("memory_budget_mb", patch.memory_budget_mb),
                ("runs_per_minute", patch.runs_per_minute),
                ("hibernate_after_seconds", patch.hibernate_after_seconds),
                ("log_after_days", patch.log_after_days),
            ];
            for (key, number) in numbers {
                if let Some(number) = number {
                    table[key] = value(i64::from(number));
                }
            }
            if let Some(policy) = patch.log_policy {
                table["log_policy"] = value(policy.as_str());
            }
            if let Some(life) = patch.life {
                let table = section_of(table, "life");
                table["on_disconnect"] = value(life.on_disconnect.as_str());
                table["on_crash"] = value(life.on_crash.as_str());
                table["restart"] = value(life.restart.as_str());
                table["stall_after_seconds"] = value(i64::from(life.stall_after_seconds));
                table["wait_for_limit"] = value(life.wait_for_limit);
            }
        })?;
        Ok(Patch {
            theme: patch.theme.map(|_| before.theme),
            max_live_runs: patch.max_live_runs.map(|_| before.max_live_runs),
            notifications: patch.notifications.map(|_| before.notifications),
            welcomed: patch.welcomed.map(|_| before.welcomed),
            log_level: patch.log_level.as_ref().map(|_| before.log_level),
            memory_budget_mb: patch.memory_budget_mb.map(|_| before.memory_budget_mb),
            runs_per_minute: patch.runs_per_minute.map(|_| before.runs_per_minute),
            hibernate_after_seconds: patch.hibernate_after_seconds.map(|_| before.hibernate_after_seconds),
            life: patch.life.map(|_| before.life),
            log_policy: patch.log_policy.map(|_| before.log_policy),
            log_after_days: patch.log_after_days.map(|_| before.log_after_days),
        })
    }

    /// Grants a folder under a short name of its own; a folder that is granted already keeps its name.
    pub fn grant(&self, path: &Path) -> Result<ProjectRow, Error> {
        let path = path.canonicalize().ok().filter(|path| path.is_dir()).ok_or_else(|| {
            Error::bad_input(
                "path",
                format!("{} is no folder", path.display()),
                "Choose a folder that is there.",
            )
        })?;
        self.refresh()?;
        let known =
            self.state().file.projects.iter().find(|(_, known)| **known == path).map(|(id, _)| id.clone());
        let id = match known {
            Some(id) => id,
            None => {
                let name = path
                    .file_name()
                    .map_or_else(|| "project".into(), |name| name.to_string_lossy().into_owned());
                let id = self.free_id(&name);
                self.edit(|document| {
                    section(document, "projects")[id.as_str()] = value(path.display().to_string());
                })?;
                id
            }
        };
        Ok(ProjectRow { id, path: path.display().to_string(), present: true })
    }

    /// Grants a folder under the name that it had before, whether it is there now or not.
    ///
    /// A name that stands for another folder by now is a conflict: a task that names it means that one.
    pub fn grant_as(&self, id: &ProjectId, path: &Path) -> Result<ProjectRow, Error> {
        self.refresh()?;
        match self.project(id) {
            Some(known) if known == path => {}
            Some(known) => {
                return Err(Error::Conflict {
                    message: format!("the project {id} is {} by now", known.display()),
                    hint: format!("Add {} as a new project instead.", path.display()),
                });
            }
            None => self.edit(|document| {
                section(document, "projects")[id.as_str()] = value(path.display().to_string());
            })?,
        }
        Ok(ProjectRow { id: id.clone(), path: path.display().to_string(), present: path.is_dir() })
    }

    fn free_id(&self, name: &str) -> ProjectId {
        let state = self.state();
        let wanted = ProjectId::from_name(name);
        let mut id = wanted.clone();
        let mut number = 2;
        while state.file.projects.contains_key(&id) {
            let short: String = wanted.as_str().chars().take(50).collect();
            id = ProjectId::from_name(&format!("{short}-{number}"));
            number += 1;
        }
        id
    }

    /// Takes a grant back; answers the folder that it was for.
    pub fn forget(&self, id: &ProjectId) -> Result<PathBuf, Error> {
        self.refresh()?;
        let path = self.project(id).ok_or_else(|| Error::not_found("project", id))?;
        self.edit(|document| {
            remove(section(document, "projects"), id.as_str());
        })?;
        Ok(path)
    }

    /// Remembers or forgets a key's name. Never its value.
    pub fn name_key(&self, name: &str, at: Option<At>) -> Result<(), Error> {
        self.edit(|document| {
            let table = section(document, "keys");
            match at {
                Some(at) => table[name] = value(at.0),
                None => remove(table, name),
            }
        })
    }

    /// Reads the file again: a person may have edited it since.
    fn refresh(&self) -> Result<(), Error> {
        self.state().refresh(&self.path)
    }

    fn edit(&self, change: impl FnOnce(&mut DocumentMut)) -> Result<(), Error> {
        let mut state = self.state();
        state.refresh(&self.path)?;
        let corrupt =
            |error: &dyn std::fmt::Display| Error::Corrupt { what: "local.toml", detail: error.to_string() };
        let mut document: DocumentMut =
            state.text.parse().map_err(|error: toml_edit::TomlError| corrupt(&error))?;
        if !document.contains_key("schema") {
            document["schema"] = value(1);
        }
        change(&mut document);
        let text = document.to_string();
        let file = parse(&text).map_err(|error| corrupt(&error))?;
        write_whole(&self.path, text.as_bytes()).map_err(|source| Error::home(&self.path, source))?;
        state.text = text;
        state.file = file;
        Ok(())
    }
}

impl State {
    fn refresh(&mut self, path: &Path) -> Result<(), Error> {
        let text = read(path)?;
        if text != self.text || self.problem.is_some() {
            match parse(&text) {
                Ok(file) => (self.file, self.problem) = (file, None),
                Err(error) => self.problem = Some(problem_of(&text, &error)),
            }
            self.text = text;
        }
        match &self.problem {
            None => Ok(()),
            Some(problem) => Err(Error::Conflict {
                message: format!("local.toml has an error in line {}: {}", problem.line, problem.message),
                hint: "Mend the file, then try again; until then settings cannot be changed.".into(),
            }),
        }
    }
}

fn read(path: &Path) -> Result<String, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(Error::home(path, source)),
    }
}

/// A table of the document. A table that a person wrote in one line becomes one of lines, with what is in it.
fn section<'a>(document: &'a mut DocumentMut, name: &str) -> &'a mut Item {
    as_lines(document.entry(name).or_insert_with(toml_edit::table))
}

/// A table within one of the document.
fn section_of<'a>(table: &'a mut Item, name: &str) -> &'a mut Item {
    let item = &mut table[name];
    if item.is_none() {
        *item = toml_edit::table();
    }
    as_lines(item)
}

fn as_lines(item: &mut Item) -> &mut Item {
    if !item.is_table() {
        let table = std::mem::take(item).into_table();
        *item = Item::Table(table.unwrap_or_else(|_| Table::new()));
    }
    item
}

fn remove(table: &mut Item, key: &str) {
    if let Some(table) = table.as_table_mut() {
        table.remove(key);
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(folder)?.sync_all()
}

/// All of the file has to be good: what is not understood here is written again with the rest.
fn parse(text: &str) -> Result<File, toml::de::Error> {
    toml::from_str::<toml::Table>(text)?;
    toml::from_str(text)
}

fn problem_of(text: &str, error: &toml::de::Error) -> FileProblem {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let before = text.get(..at).unwrap_or_default();
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count() as u32;
    let column = before.rsplit('\n').next().map(|part| part.chars().count() as u32 + 1);
    FileProblem {
        path: "local.toml".into(),
        line,
        column,
        field: None,
        code: "bad_toml".into(),
        message: error.message().to_owned(),
        hint: "Mend this line and start Nox again. Until then the defaults hold.".into(),
        excerpt: text
            .lines()
            .enumerate()
            .skip((line as usize).saturating_sub(2))
            .take(3)
            .map(|(number, text)| nox_domain::rows::ExcerptLine {
                number: number as u32 + 1,
                text: text.to_owned(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        (folder, home)
    }

    #[test]
    fn changes_are_kept_and_comments_stay() {
        let (_folder, home) = home();
        fs::write(home.local(), "# mine\n[settings]\ntheme = \"dark\" # at night\nother = 1\n").unwrap();
        let local = Local::open(&home).unwrap();
        assert_eq!(local.values().theme, Theme::Dark);
        let back = local.change(&Patch { max_live_runs: Some(3), ..Patch::default() }).unwrap();
        assert_eq!(back.max_live_runs, Some(8));
        let text = fs::read_to_string(home.local()).unwrap();
        assert!(
            text.contains("# mine") && text.contains("# at night") && text.contains("other = 1"),
            "{text}"
        );
        assert_eq!(Local::open(&home).unwrap().values().max_live_runs, 3);
        assert!(local.change(&Patch { max_live_runs: Some(0), ..Patch::default() }).is_err());
    }

    #[test]
    fn a_broken_file_is_named_and_not_touched() {
        let (_folder, home) = home();
        let broken = "[settings]\ntheme = dark\n";
        fs::write(home.local(), broken).unwrap();
        let local = Local::open(&home).unwrap();
        assert_eq!(local.problem().unwrap().line, 2);
        assert!(local.change(&Patch { welcomed: Some(true), ..Patch::default() }).is_err());
        assert_eq!(fs::read_to_string(home.local()).unwrap(), broken);
        // So is a value that is not asked for, and that no number holds.
        fs::write(home.local(), "schema = 99999999999999999999\n").unwrap();
        assert_eq!(Local::open(&home).unwrap().problem().unwrap().line, 1);
    }

    #[test]
    fn folders_get_short_names_once() {
        let (folder, home) = home();
        for name in ["a/My App", "b/My App"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let local = Local::open(&home).unwrap();
        let first = local.grant(&folder.path().join("a/My App")).unwrap();
        let second = local.grant(&folder.path().join("b/My App")).unwrap();
        assert_eq!((first.id.as_str(), second.id.as_str()), ("my-app", "my-app-2"));
        assert_eq!(local.grant(&folder.path().join("a/My App")).unwrap().id, first.id);
        local.forget(&first.id).unwrap();
        assert!(local.project(&first.id).is_none());
        assert!(local.grant(&folder.path().join("nowhere")).is_err());
    }

    #[test]
    fn edits_by_hand_since_the_start_stay() {
        let (_folder, home) = home();
        let local = Local::open(&home).unwrap();
        local.change(&Patch { welcomed: Some(true), ..Patch::default() }).unwrap();
        let text = fs::read_to_string(home.local()).unwrap();
        fs::write(home.local(), format!("# by hand\n{text}theme = \"dark\"\n")).unwrap();
        let back =
            local.change(&Patch { theme: Some(Theme::Light), max_live_runs: Some(2), ..Patch::default() });
        assert_eq!(back.unwrap().theme, Some(Theme::Dark));
        assert!(fs::read_to_string(home.local()).unwrap().starts_with("# by hand\n"));
        // Broken meanwhile: nothing is written, what held goes on to hold, and mending it is enough.
        let good = fs::read_to_string(home.local()).unwrap();
        fs::write(home.local(), format!("{good}\nbroken = [\n")).unwrap();
        let error = local.change(&Patch { max_live_runs: Some(3), ..Patch::default() }).unwrap_err();
        assert!(error.to_string().contains("line"), "{error}");
        assert_eq!((local.values().max_live_runs, local.problem().is_some()), (2, true));
        assert!(fs::read_to_string(home.local()).unwrap().ends_with("broken = [\n"));
        fs::write(home.local(), &good).unwrap();
        local.change(&Patch { max_live_runs: Some(3), ..Patch::default() }).unwrap();
        assert!(local.problem().is_none());
    }

    #[test]
    fn a_table_in_one_line_keeps_what_is_in_it() {
        let (folder, home) = home();
        fs::write(home.local(), "projects = { a = \"/x\" }\nsettings = { theme = \"dark\" }\n").unwrap();
        let local = Local::open(&home).unwrap();
        fs::create_dir(folder.path().join("new")).unwrap();
        local.grant(&folder.path().join("new")).unwrap();
        local.change(&Patch { welcomed: Some(true), ..Patch::default() }).unwrap();
        let again = Local::open(&home).unwrap();
        assert_eq!(again.project(&ProjectId::from_name("a")), Some("/x".into()));
        assert_eq!((again.projects().len(), again.values().theme), (2, Theme::Dark));
    }

    #[test]
    fn a_name_never_comes_back_as_another_folder() {
        let (folder, home) = home();
        for name in ["a/app", "b/app"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let local = Local::open(&home).unwrap();
        let first = local.grant(&folder.path().join("a/app")).unwrap();
        let path = local.forget(&first.id).unwrap();
        assert_eq!(local.grant_as(&first.id, &path).unwrap(), first);
        assert_eq!(local.project(&first.id), Some(path.clone()));
        local.forget(&first.id).unwrap();
        let second = local.grant(&folder.path().join("b/app")).unwrap();
        assert_eq!(second.id, first.id);
        assert!(matches!(local.grant_as(&first.id, &path), Err(Error::Conflict { .. })));
        assert_eq!(local.project(&first.id), Some(PathBuf::from(&second.path)));
    }
}
