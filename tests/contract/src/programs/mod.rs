//! The programs that the suite tries: one row each, in a file of its own, with all that a scenario has to know of it.
//!
//! A program that comes anew gets a file with its [`Program`] and a line in [`ALL`]; no scenario names one.

mod claude;
mod claude_acp;
mod codex;
mod gemini;
mod goose;
mod llm;
mod opencode;
mod qwen;

use nox_api::{domain::agent::Runtime, dto::CreateAgent};
use nox_test_support::model::{Part, Reply};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// All rows, in the order of the matrix.
pub(crate) const ALL: &[&Program] = &[
    &claude::PROGRAM,
    &codex::PROGRAM,
    &goose::PROGRAM,
    &llm::ANTHROPIC,
    &llm::OPENAI,
    &llm::RESPONSES,
    &llm::OLLAMA,
    &opencode::PROGRAM,
    &claude_acp::PROGRAM,
    &gemini::PROGRAM,
    &qwen::PROGRAM,
];

/// What a model asks of a tool: its name and its input.
pub(crate) type Call = (&'static str, Value);

/// The call that runs a command.
pub(crate) type Wants = fn(&str) -> Call;

/// A real program, as the scenarios need to know it.
pub(crate) struct Program {
    /// Its name in the matrix, and on the command line of the suite.
    pub(crate) name: &'static str,
    /// What carries it.
    pub(crate) runtime: Runtime,
    /// Where it reads its key from. The script that starts us puts a key there.
    pub(crate) key_variable: &'static str,
    /// Gives the agent what it needs besides its path and its key: above all where the model server is.
    pub(crate) settings: fn(&mut CreateAgent, &Places, &str),
    /// A call of its shell: the tool's name and what it is given.
    pub(crate) shell: Wants,
    /// Reading a file; none when it has no tool for that.
    pub(crate) read: Option<fn(&Path) -> Call>,
    /// Putting one text in the place of another.
    pub(crate) edit: fn(&Path, &str, &str) -> Call,
    /// What it calls a tool of an MCP server: by the names of both.
    pub(crate) mcp: fn(&str, &str) -> String,
    /// Words of its command line that no other process of a scenario has.
    pub(crate) command_line: &'static str,
    /// Writes settings of the user, as the program has them, that allow everything.
    pub(crate) allow_everything: fn(&Places),
    /// It goes on with the very call that waited when it was ended, and does not ask its model anew.
    pub(crate) keeps_calls: bool,
    /// Writes settings of the folder and of the user that would start something, which makes a file of [`UNASKED`], or answer
    /// in place of Nox; none when it has no such settings.
    pub(crate) strangers: fn(&Places),
    /// What of them it would follow whatever it is told, so that it is not started beside it: in the order in which it is named.
    pub(crate) never_beside: &'static [Obstacle],
    /// The model runs a script of the program's own kind, which runs a command; with the model that is offered that.
    pub(crate) script: Option<(&'static str, Wants)>,
    /// The model asks a person "Which colour?" and "Which parts?", the latter with roof and wall to choose from.
    pub(crate) ask: Option<fn() -> Call>,
    /// A model that takes images, where it shows them only to those of which it knows that.
    pub(crate) sees: Option<&'static str>,
    /// How its model shows a plan.
    pub(crate) plan: Option<Plan>,
    /// Loses all conversations.
    pub(crate) forget: fn(&Path),
    /// What it does not do within scenarios that hold otherwise.
    pub(crate) lacks: &'static [(Lack, &'static str)],
    /// Scenarios that it does not offer, with the evidence.
    pub(crate) not_offered: &'static [(&'static str, &'static str)],
}

/// What a program is not started beside.
pub(crate) struct Obstacle {
    /// Words by which it is named.
    pub(crate) named: fn(&Places) -> String,
    /// Takes it away.
    pub(crate) remove: fn(&Places),
}

/// How a model shows a plan.
pub(crate) struct Plan {
    /// The mode in which one is made.
    pub(crate) mode: &'static str,
    /// What the model calls, one after the other, to show this one, by what it was told first: there may be the file that it has
    /// to be written into.
    pub(crate) calls: fn(&str, &str) -> Vec<Call>,
    /// Its agent goes on planning by itself when a person is against it.
    pub(crate) goes_on: bool,
}

/// What settings of others would make in the folder of a scenario.
pub(crate) const UNASKED: &[&str] =
    &["project-start", "user-start", "project-service", "user-service", "key-helper"];

/// Something that a program does not do; a scenario leaves out that part, and the suite prints the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Its agent is not told why a call was denied.
    Reason,
    /// It waits for its model server without saying so.
    Waiting,
    /// It tries for more than a minute to reach its model server before it gives up.
    GivesUp,
    /// It does not tell what a turn cost.
    Cost,
    /// Of a turn it tells what its last request used.
    Sums,
    /// Its tool for reading takes nothing outside of its folder.
    ReadsOutside,
    /// Its model server is shown no key.
    Key,
    /// Its agent does not go on after a denial.
    GoesOn,
    /// A denial is one of what waits beside it, too.
    Beside,
    /// What is said into its turn comes behind what its model is asked already.
    AtOnce,
    /// Its agent may write in no other mode that asks.
    Writes,
    /// It has no place for what its agent is told about itself but the first prompt.
    OwnWords,
    /// It tells a text in bursts.
    Pieces,
    /// It does not tell what a command wrote.
    Output,
    /// No process stands behind it.
    Process,
}

impl Lack {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Reason => "does not tell its agent why a call was denied",
            Self::Waiting => "does not say that it waits for the model server",
            Self::GivesUp => "tries for more than a minute to reach its model server",
            Self::Cost => "does not tell the cost of a turn",
            Self::Sums => "tells of a turn what its last request used",
            Self::ReadsOutside => "reads what is outside of its folder by commands only",
            Self::Key => "shows its model server no key",
            Self::GoesOn => "ends the turn after a denial",
            Self::Beside => "takes a denial for one of what waits beside it too",
            Self::AtOnce => "tells its model what is said into its turn behind what it is asked already",
            Self::Writes => "lets its agent write in no other mode that asks",
            Self::OwnWords => "takes what its agent is told about itself in the first prompt only",
            Self::Pieces => "tells a text in bursts",
            Self::Output => "does not tell what a command wrote",
            Self::Process => "is no program",
        }
    }
}

/// A row with the place where the program is installed.
#[derive(Clone, Copy)]
pub(crate) struct Installed<'a> {
    pub(crate) row: &'static Program,
    pub(crate) path: &'a Path,
}

/// Folders of a scenario.
pub(crate) struct Places {
    /// The program's own home.
    pub(crate) own: PathBuf,
    /// Where the agent works.
    pub(crate) folder: PathBuf,
}

impl Places {
    /// The home of Nox.
    pub(crate) fn home(&self) -> PathBuf {
        self.own.with_file_name("home")
    }

    /// A command that makes a file of [`UNASKED`].
    fn touch(&self, name: &str) -> String {
        let (program, file) = self.touch_words(name);
        format!("{program} {file}")
    }

    /// The same as a program and its argument.
    fn touch_words(&self, name: &str) -> (&'static str, String) {
        assert!(UNASKED.contains(&name), "{name} is not looked for");
        ("touch", self.folder.join(name).display().to_string())
    }
}

impl Program {
    pub(crate) fn has(&self, lack: Lack) -> bool {
        !self.lacks.iter().any(|(known, _)| *known == lack)
    }

    /// Why it does not offer a scenario.
    pub(crate) fn lacks_scenario(&self, name: &str) -> Option<&'static str> {
        // What cannot be spoken to hears nothing before a kill either.
        let is_it = |known: &str| known == name || known == "steer" && name == "steer and kill -9";
        self.not_offered.iter().find(|(known, _)| is_it(known)).map(|(_, evidence)| *evidence)
    }

    /// The model wants a command.
    pub(crate) fn wants_shell(&self, command: &str) -> Reply {
        of((self.shell)(command))
    }

    /// The same as one part of several.
    pub(crate) fn shell_part(&self, command: &str) -> Part {
        let (name, input) = (self.shell)(command);
        Part::Call { name: name.into(), input }
    }

    /// The model wants to see a file.
    pub(crate) fn wants_read(&self, path: &Path) -> Option<Reply> {
        self.read.map(|read| of(read(path)))
    }

    /// The model wants one text in the place of another.
    pub(crate) fn wants_edit(&self, path: &Path, old: &str, new: &str) -> Reply {
        of((self.edit)(path, old, new))
    }
}

fn of((name, input): Call) -> Reply {
    Reply::call(name, input)
}
