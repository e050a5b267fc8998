//! The command line's grammar and its help.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use nox_domain::{
    agent::{PromptPlacement, Runtime},
    event::PreAllowed,
};
use std::path::PathBuf;

/// Runs AI agents and runbooks on this computer, and asks before anything runs.
#[derive(Debug, Parser)]
#[command(name = "nox", version, about, arg_required_else_help = true)]
pub(crate) struct Args {
    /// The home folder, instead of NOX_HOME or the usual one.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Makes a task, runs it and shows what it does until its end.
    #[command(after_long_help = RUN_HELP)]
    Run(Run),
    /// Lists the agents.
    ListAgents(List),
    /// Finds what can carry an agent on this computer, makes agents of it, and tries them.
    #[command(subcommand, alias = "agents")]
    Agent(AgentVerb),
    /// Lists the tasks, in the board's order.
    ListTasks(List),
    /// Says what is here, what is missing and how to get it. Exit status 1 when something does not work.
    Doctor(Doctor),
    /// Writes a session into a file: every event as JSON lines, or the conversation as Markdown.
    ///
    /// JSON lines hold everything as it is; in Markdown what looks like a secret is masked. What programs wrote is in
    /// neither but for its first and last 4 KiB.
    Export(Export),
    /// Reads a session from an export in JSON lines. It can be read, and not gone on with.
    Import(Import),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentVerb {
    /// Lists the programs and model servers that can carry an agent here, and what to do for those that cannot yet.
    Discover(List),
    /// Makes an agent: of what was found, as --from names it, or with what you say.
    #[command(after_long_help = ADD_HELP)]
    Add(Box<AddAgent>),
    /// Changes an agent: only what you name. Sessions that are under way go on as they began.
    #[command(after_long_help = SET_HELP)]
    Set(Box<SetAgent>),
    /// Takes a change of an agent back.
    Undo(UndoAgent),
    /// Starts an agent as a run would, says what it can do and what that costs, and ends it. Exit status 1 when it does
    /// not stand. No model is asked, unless --ask says so.
    Test(TestAgent),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AddAgent {
    /// Its name; without one that of what carries it.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A program or model server that `nox agent discover` lists, by its id.
    #[arg(long, value_name = "ID", conflicts_with = "runtime", required_unless_present = "runtime")]
    pub(crate) from: Option<String>,
    /// What carries it.
    #[arg(long, value_name = "RUNTIME", value_parser = runtime)]
    pub(crate) runtime: Option<Runtime>,
    #[command(flatten)]
    pub(crate) said: AgentOptions,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SetAgent {
    /// The agent, by its id or name.
    #[arg(value_name = "NAME")]
    pub(crate) agent: String,
    /// What people call it from now on. Its id stays.
    #[arg(long = "name", value_name = "TEXT")]
    pub(crate) new_name: Option<String>,
    /// Takes away what was set; may be given more than once.
    #[arg(long, value_name = "WHAT")]
    pub(crate) clear: Vec<Clear>,
    /// Takes one MCP server away; may be given more than once.
    #[arg(long, value_name = "NAME")]
    pub(crate) without_service: Vec<String>,
    #[command(flatten)]
    pub(crate) said: AgentOptions,
}

/// What can be taken away of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clear {
    Model,
    Preset,
    Provider,
    Command,
    Arguments,
    Address,
    Key,
    Mode,
    Effort,
    Folder,
    Prompt,
    PromptPlacement,
    Skills,
    Services,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct UndoAgent {
    /// The change, as nox agent set told it.
    #[arg(value_name = "CHANGE")]
    pub(crate) change: String,
}

/// What can be said of an agent when it is made and later.
#[derive(Debug, Clone, Default, PartialEq, ClapArgs)]
pub(crate) struct AgentOptions {
    /// The model, by its server's name for it.
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Which known program, for acp.
    #[arg(long, value_name = "PRESET")]
    pub(crate) preset: Option<String>,
    /// Which kind of model server, for llm.
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) provider: Option<String>,
    /// A program: its path, or its name on the PATH.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) command: Option<String>,
    /// What the program gets, for acp; may be given more than once.
    #[arg(long = "argument", value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
    /// Where the model server is.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<String>,
    /// The name of its key in the keychain.
    #[arg(long, value_name = "NAME")]
    pub(crate) key: Option<String>,
    /// How freely it works, by the program's name for it.
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<String>,
    /// How hard it thinks, by the program's name for it.
    #[arg(long, value_name = "EFFORT")]
    pub(crate) effort: Option<String>,
    /// Where its sessions work when their task names no project: a folder, or one below home that begins with ~/.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<String>,
    /// A file with its prompt, in Markdown; - for what is piped in.
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt: Option<PathBuf>,
    /// Where its prompt goes: append (behind the program's own words), replace (in their place) or first_prompt (in front of
    /// the first prompt). Not every program takes each.
    #[arg(long, value_name = "PLACE", value_parser = placement)]
    pub(crate) prompt_placement: Option<PromptPlacement>,
    /// A folder in skills/ of the registry that its model is told of; may be given more than once. What it reads of it may be
    /// asked, as it lies outside of the folder that it works in.
    #[arg(long = "skill", value_name = "NAME")]
    pub(crate) skills: Vec<String>,
    /// An MCP server over pipes that it may use, with its command line; may be given more than once.
    #[arg(long = "service", value_name = "NAME=COMMAND", value_parser = pair)]
    pub(crate) services: Vec<(String, String)>,
    /// The same over HTTP.
    #[arg(long = "service-address", value_name = "NAME=ADDRESS", value_parser = pair)]
    pub(crate) service_addresses: Vec<(String, String)>,
    /// A variable that a service over pipes gets; may be given more than once. Never a secret.
    #[arg(long = "service-environment", value_name = "NAME:VARIABLE=VALUE", value_parser = variable)]
    pub(crate) service_environment: Vec<(String, String, String)>,
}

fn placement(word: &str) -> Result<PromptPlacement, String> {
    let mut all = PromptPlacement::ALL.iter().copied();
    let known = || PromptPlacement::ALL.iter().map(|place| place.as_str()).collect::<Vec<_>>().join(", ");
    all.find(|place| place.as_str() == word).ok_or_else(|| format!("the places are {}", known()))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.trim().is_empty());
    let (name, value) = pair.ok_or("write a name, = and what it is")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn variable(text: &str) -> Result<(String, String, String), String> {
    let parts = text.split_once(':').and_then(|(service, rest)| Some((service, rest.split_once('=')?)));
    let parts = parts.filter(|(service, (name, _))| !service.is_empty() && !name.is_empty());
    let (service, (name, value)) = parts.ok_or("write the service, :, the variable, = and its value")?;
    Ok((service.to_owned(), name.to_owned(), value.to_owned()))
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TestAgent {
    /// The agent, by its id or name.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Also asks it this. That costs what its model costs.
    #[arg(long, value_name = "QUESTION")]
    pub(crate) ask: Option<String>,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

fn runtime(word: &str) -> Result<Runtime, String> {
    let known = || Runtime::ALL.iter().map(|runtime| runtime.as_str()).collect::<Vec<_>>().join(", ");
    Runtime::ALL
        .iter()
        .copied()
        .find(|runtime| runtime.as_str() == word)
        .ok_or_else(|| format!("the runtimes are {}", known()))
}

#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    /// One JSON object per line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Doctor {
    /// One JSON object per line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Mends what Nox keeps, with the app closed: sets a damaged database aside, saves what can be read of it, and makes
    /// what lists and conversations show anew from the log.
    #[arg(long)]
    pub(crate) rebuild: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Export {
    /// The session's id.
    #[arg(value_name = "SESSION")]
    pub(crate) session: String,
    /// The form.
    #[arg(long, value_name = "FORM", default_value = "jsonl")]
    pub(crate) format: Form,
    /// The file, or - for standard output. Without it a file named after the session, here.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replaces a file that is there.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Form {
    /// Every event, one JSON object per line.
    Jsonl,
    /// The conversation for people.
    Markdown,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Import {
    /// The file.
    #[arg(value_name = "FILE.jsonl")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Run {
    /// A Markdown file, or the task as text. Its sh and bash blocks are what a runbook runs.
    #[arg(value_name = "FILE.md|TEXT")]
    pub(crate) what: String,
    /// Who does it, by the agent's id; without it the default agent.
    #[arg(long, value_name = "ID")]
    pub(crate) agent: Option<String>,
    /// The folder to work in, instead of this one. Granted for this task only.
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Allows beforehand: the first request, or all of them. Rules that deny still deny.
    #[arg(long, value_name = "WHAT")]
    pub(crate) allow: Option<Allow>,
    /// An image that the agent is shown with the task: PNG, JPEG, GIF or WebP. May be given more than once.
    #[arg(long = "image", value_name = "FILE")]
    pub(crate) images: Vec<PathBuf>,
    /// One JSON object per line, the last one with the result.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Allow {
    /// The first request of the session.
    Once,
    /// Every request of the session.
    All,
}

impl Run {
    pub(crate) fn pre_allowed(&self) -> PreAllowed {
        match self.allow {
            None => PreAllowed::Nothing,
            Some(Allow::Once) => PreAllowed::First,
            Some(Allow::All) => PreAllowed::All,
        }
    }
}

const ADD_HELP: &str = "\
Examples:
  nox agent add --from claude
  nox agent add --from ollama --model qwen3:8b
  nox agent add Reviewer --runtime acp --preset opencode
  nox agent add Local --runtime llm --provider compatible --address http://127.0.0.1:1234/v1 --model qwen3-8b
  nox agent add Writer --from claude --folder ~/notes --prompt writer.md --skill release-notes \\
    --service 'files=mcp-files --root .' --service-environment files:LOG_LEVEL=warn";

const SET_HELP: &str = "\
What may be given more than once is said anew as a whole, but for services: each is changed by its name, and the others stay.
A service at another address loses the key that it had.

Examples:
  nox agent set Writer --model opus --mode plan
  nox agent set Writer --prompt writer.md --prompt-placement first_prompt
  nox agent set Writer --skill release-notes --service 'files=mcp-files --root .' --without-service web
  nox agent set Writer --clear folder --clear key
  nox agent set Writer --name Author

It tells how the change is taken back: nox agent undo CHANGE.";

const RUN_HELP: &str = "\
What the programs write to standard output and standard error goes to the same two here; all that Nox says itself goes
to standard error. With the app running, the task appears on its board, and either side can answer.

Approvals: on a terminal, answer with a letter and Enter.
  a  allow once    s  allow for this session    w  allow always (writes a rule)    d [reason]  deny
Ctrl+C stops the session; a second Ctrl+C leaves without waiting.

It ends when the agent has done what was asked. A session that takes further messages stays: the app goes on with it.

Exit status:
  0  finished
  1  failed, stopped or denied
  2  the command line or the task cannot be used; nothing was run
  3  an approval is needed and nobody can give it here; the request stays open

With --json each line of standard output is one object with a type:
  changed  rows that one commit changed: {\"seq\", \"command\", \"rows\": [{\"kind\", \"row\"}]}; kinds are card, session,
           item, request
  output   new output of an item: {\"session\", \"item\", \"pieces\": [{\"offset\", \"bytes\", \"stream\", \"text\"}]}, in order
           and without holes; offsets count the bytes as they were written
  told     what a person would be notified of: asked, settled, closed
  result   always the last: {\"status\", \"session_id\", \"task_id\", \"exit_code\"}; status is finished, failed, stopped,
           needs_approval, unknown (its end was not seen) or error (with \"message\" and \"hint\")";
