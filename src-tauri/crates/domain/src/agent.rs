//! An agent: a named definition that runs carry out. Its truth is `agents/<id>/agent.toml` and `prompt.md`.

use crate::{ids::AgentId, life::Life};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The kind of program that carries an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Runtime {
    /// Runs the fenced shell blocks of a task, one by one. Needs nothing installed.
    #[default]
    Runbook,
    /// Plays a recorded conversation from the task's text, turn by turn. For demonstrations and tests.
    Recorded,
    /// Claude Code as a child, over its stream of JSON lines.
    Claude,
    /// Any program that speaks the Agent Client Protocol.
    Acp,
    /// Codex, over its app-server.
    Codex,
    /// A loop of our own over a model server, for keys and for local models. Needs nothing installed.
    Llm,
}

impl Runtime {
    /// Every runtime of this version.
    pub const ALL: &[Self] =
        &[Self::Runbook, Self::Recorded, Self::Claude, Self::Acp, Self::Codex, Self::Llm];

    /// The word in `agent.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runbook => "runbook",
            Self::Recorded => "recorded",
            Self::Claude => "claude",
            Self::Acp => "acp",
            Self::Codex => "codex",
            Self::Llm => "llm",
        }
    }

    /// Whether a good end should be looked at by a person first, when the agent does not say.
    pub fn reviews_by_default(self) -> bool {
        self != Self::Runbook
    }

    /// Whether a session takes further prompts after its first turn. One that does not is over with that turn, and a new
    /// run of it goes on after the calls that are done.
    pub fn takes_prompts(self) -> bool {
        self != Self::Runbook
    }

    /// Whether a model stands behind it, so that [`Program`] and [`Service`] say something.
    pub fn has_program(self) -> bool {
        match self {
            Self::Runbook | Self::Recorded => false,
            Self::Claude | Self::Acp | Self::Codex | Self::Llm => true,
        }
    }
}

/// Where a program puts what its agent is told about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PromptPlacement {
    /// Behind what the program tells its model by itself.
    Append,
    /// In place of that.
    Replace,
    /// In front of the first prompt.
    FirstPrompt,
}

impl PromptPlacement {
    /// Every placement.
    pub const ALL: &[Self] = &[Self::Append, Self::Replace, Self::FirstPrompt];

    /// The word in `agent.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::FirstPrompt => "first_prompt",
        }
    }
}

/// The program that carries an agent, or for `llm` the model. Empty means what the program does by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Program {
    /// Which known program it is, for `acp`: it brings the command line and what is particular to it.
    pub preset: Option<String>,
    /// Which kind of model server it talks to, for `llm` and for programs of `acp` that know several.
    pub provider: Option<String>,
    /// A path, or a name that is looked for on the `PATH`; none for the runtime's usual name.
    pub command: Option<String>,
    /// What the command gets, for `acp`; empty for what the preset says.
    pub arguments: Vec<String>,
    /// The model, by the program's name for it.
    pub model: Option<String>,
    /// How freely it works, by the program's name for it. Nox asks before each call in all of them.
    pub mode: Option<String>,
    /// How hard it thinks, by the program's name for it.
    pub effort: Option<String>,
    /// Where the agent's prompt goes; none for behind the program's own, or where it has no place for that, in front of the
    /// first prompt.
    pub prompt_placement: Option<PromptPlacement>,
    /// Where its model server is, when that is not the usual one.
    pub address: Option<String>,
    /// The name of its key in the keychain; none when it is signed in by itself.
    pub key: Option<String>,
    /// Names of variables that it gets from the environment of Nox, besides the short list that every program gets.
    pub pass_environment: Vec<String>,
    /// The tools that `llm` offers to its model; none for all of them.
    pub tools: Option<Vec<String>>,
    /// Programs that `llm` offers to its model as tools.
    pub commands: Vec<CliTool>,
    /// Requests to the model in one turn of `llm`.
    pub max_iterations: Option<u32>,
    /// Tokens of conversation that `llm` keeps; what is older is dropped, and that is said.
    pub context_tokens: Option<u32>,
}

/// A program on this computer that is offered to a model as a tool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct CliTool {
    /// What the model calls it.
    pub name: String,
    /// What is run; what the model says comes behind it.
    pub command: String,
    /// What the model is told about it.
    pub readme: String,
}

/// An MCP server that an agent may use: a command that is started for it, or an address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Service {
    /// What is started; it speaks over its standard input and output.
    pub command: Option<String>,
    /// What the command gets.
    pub arguments: Vec<String>,
    /// Names and values that the command gets besides the allow-listed environment. Never secrets.
    pub environment: BTreeMap<String, String>,
    /// Where it is, when it runs by itself: streamable HTTP.
    pub address: Option<String>,
    /// The name of its key in the keychain, sent to `address` as a bearer token.
    pub key: Option<String>,
}

/// What an agent may use. Empty means no limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Limits {
    /// Runs of this agent at the same time.
    pub max_concurrent_tasks: Option<u32>,
    /// Seconds that one tool call may take when it says nothing itself.
    pub max_call_seconds: Option<u32>,
    /// Megabytes of memory that one run may hold, all its processes together.
    pub max_memory_mb: Option<u32>,
    /// Per cent of one core that one run may use; 200 are two cores.
    pub max_cpu_percent: Option<u32>,
    /// Processes that one run may have at the same time.
    pub max_processes: Option<u32>,
    /// Sessions of this agent that may be started in an hour.
    pub max_spawn_rate: Option<u32>,
    /// How deep sessions that were started by sessions may stand; 0 lets this agent start none.
    pub max_depth: Option<u32>,
    /// Seconds that one run may take, without the time that it waits for a person.
    pub max_wall_seconds: Option<u32>,
    /// Megabytes that one run may print.
    pub max_output_mb: Option<u32>,
    /// Megabytes that one run may add to its folder.
    pub max_disk_mb: Option<u32>,
}

/// An agent as its folder says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Agent {
    /// The name of its folder, for ever.
    pub id: AgentId,
    /// What people call it.
    pub name: String,
    /// One line about what it is for.
    pub description: String,
    /// What carries it.
    pub runtime: Runtime,
    /// Markdown; from `prompt.md`.
    pub prompt: String,
    /// A disabled agent starts nothing.
    pub enabled: bool,
    /// Whether finished work goes to Review before Done.
    pub review: bool,
    /// What it can do, in free words.
    pub capabilities: Vec<String>,
    /// Where its sessions work when neither their task nor whoever starts it names a folder: a whole path, or one that
    /// begins with `~/`. Empty for a folder of the task's own.
    #[serde(default)]
    pub folder: String,
    /// Names of folders in `skills/` of the registry: its model is told of them, and reads one when it needs it.
    #[serde(default)]
    pub skills: Vec<String>,
    /// Names and values that its runs get besides the allow-listed environment. Never secrets.
    pub environment: BTreeMap<String, String>,
    /// The program that carries it.
    #[serde(default)]
    pub program: Program,
    /// MCP servers that it may use, by their names.
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
    /// What it may use.
    pub limits: Limits,
    /// How its sessions live.
    #[serde(default)]
    pub life: Life,
}

/// A change to an agent; what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct AgentPatch {
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One line about what it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Whether it may start runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether finished work is reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<bool>,
    /// All capabilities, anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    /// Where its sessions work; empty for a folder of the task's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// All skills, anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skills: Option<Vec<String>>,
    /// The whole environment, anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<BTreeMap<String, String>>,
    /// All that is said of its program, anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<Program>,
    /// All services, anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<BTreeMap<String, Service>>,
    /// All limits, anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// All rules of its sessions' life, anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub life: Option<Life>,
}

impl Agent {
    /// The agent after a patch.
    pub fn patched(&self, patch: &AgentPatch) -> Self {
        let mut next = self.clone();
        if let Some(v) = &patch.name {
            next.name = v.clone();
        }
        if let Some(v) = &patch.description {
            next.description = v.clone();
        }
        if let Some(v) = &patch.prompt {
            next.prompt = v.clone();
        }
        if let Some(v) = patch.enabled {
            next.enabled = v;
        }
        if let Some(v) = patch.review {
            next.review = v;
        }
        if let Some(v) = &patch.capabilities {
            next.capabilities = v.clone();
        }
        if let Some(v) = &patch.folder {
            next.folder = v.clone();
        }
        if let Some(v) = &patch.skills {
            next.skills = v.clone();
        }
        if let Some(v) = &patch.environment {
            next.environment = v.clone();
        }
        if let Some(v) = &patch.program {
            next.program = v.clone();
        }
        if let Some(v) = &patch.services {
            next.services = v.clone();
        }
        if let Some(v) = patch.limits {
            next.limits = v;
        }
        if let Some(v) = patch.life {
            next.life = v;
        }
        next
    }

    /// What the agent says of all that a patch names.
    pub fn said_of(&self, patch: &AgentPatch) -> AgentPatch {
        AgentPatch {
            name: patch.name.as_ref().map(|_| self.name.clone()),
            description: patch.description.as_ref().map(|_| self.description.clone()),
            prompt: patch.prompt.as_ref().map(|_| self.prompt.clone()),
            enabled: patch.enabled.map(|_| self.enabled),
            review: patch.review.map(|_| self.review),
            capabilities: patch.capabilities.as_ref().map(|_| self.capabilities.clone()),
            folder: patch.folder.as_ref().map(|_| self.folder.clone()),
            skills: patch.skills.as_ref().map(|_| self.skills.clone()),
            environment: patch.environment.as_ref().map(|_| self.environment.clone()),
            program: patch.program.as_ref().map(|_| self.program.clone()),
            services: patch.services.as_ref().map(|_| self.services.clone()),
            limits: patch.limits.map(|_| self.limits),
            life: patch.life.map(|_| self.life),
        }
    }
}

impl AgentPatch {
    /// What takes a change back: `self` is how it was before, `made` what the change made of it, and `now` how it is, all three of
    /// the same fields. What has members is put back member by member, so what somebody else has changed beside it stays.
    ///
    /// # Errors
    /// The name of what the change made and somebody else has changed since.
    pub fn put_back(&self, made: &Self, now: &Self) -> Result<Self, String> {
        let (old, made, now) = (fields(self)?, fields(made)?, fields(now)?);
        let mut back = Map::new();
        for (name, old) in &old {
            let (made, now) = (made.get(name), now.get(name));
            let value = match (old, made, now) {
                (Value::Object(old), Some(Value::Object(made)), Some(Value::Object(now))) => {
                    Some(Value::Object(members_back(name, old, made, now)?))
                }
                _ => one_back(Some(old), made, now).ok_or(name.as_str())?.cloned(),
            };
            if let Some(value) = value.filter(|value| Some(value) != now) {
                back.insert(name.clone(), value);
            }
        }
        serde_json::from_value(Value::Object(back)).map_err(|error| error.to_string())
    }
}

fn fields(patch: &AgentPatch) -> Result<Map<String, Value>, String> {
    serde_json::to_value(patch).and_then(serde_json::from_value).map_err(|error| error.to_string())
}

fn members_back(
    field: &str,
    old: &Map<String, Value>,
    made: &Map<String, Value>,
    now: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let mut back = now.clone();
    for name in old.keys().chain(made.keys()) {
        let one = one_back(old.get(name), made.get(name), now.get(name));
        match one.ok_or_else(|| format!("{field}.{name}"))? {
            Some(value) => back.insert(name.clone(), value.clone()),
            None => back.remove(name),
        };
    }
    Ok(back)
}

/// What one thing is after the change is taken back; none when somebody else has made another thing of it.
fn one_back<'a>(
    old: Option<&'a Value>,
    made: Option<&Value>,
    now: Option<&'a Value>,
) -> Option<Option<&'a Value>> {
    match () {
        () if old == made || old == now => Some(now),
        () if made == now => Some(old),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn agent(description: &str, model: Option<&str>, services: &[(&str, &str)]) -> AgentPatch {
        let service = |(name, command): &(&str, &str)| {
            let command = Some((*command).to_owned());
            ((*name).to_owned(), Service { command, ..Service::default() })
        };
        AgentPatch {
            description: Some(description.to_owned()),
            program: Some(Program { model: model.map(str::to_owned), ..Program::default() }),
            services: Some(services.iter().map(service).collect()),
            ..AgentPatch::default()
        }
    }

    #[test]
    fn a_change_that_is_taken_back_leaves_what_others_changed_beside_it() {
        let old = agent("Old", None, &[("kept", "a"), ("gone", "b"), ("other", "c")]);
        let made = agent("Old", Some("m"), &[("kept", "a"), ("other", "d"), ("new", "e")]);
        assert_eq!(old.put_back(&made, &made).unwrap(), AgentPatch { description: None, ..old.clone() });
        assert_eq!(old.put_back(&made, &old).unwrap(), AgentPatch::default(), "it is as it was");

        let mut now = agent("Theirs", Some("m"), &[("other", "d"), ("new", "e"), ("theirs", "f")]);
        now.program.as_mut().unwrap().mode = Some("plan".into());
        let mut expected = agent("", None, &[("gone", "b"), ("other", "c"), ("theirs", "f")]);
        expected.program.as_mut().unwrap().mode = Some("plan".into());
        expected.description = None;
        assert_eq!(old.put_back(&made, &now).unwrap(), expected);
    }

    #[test]
    fn what_two_have_changed_is_named_and_not_put_back() {
        let old = agent("Old", None, &[("one", "a")]);
        let made = agent("New", Some("m"), &[("one", "b")]);
        for (now, what) in [
            (agent("Theirs", Some("m"), &[("one", "b")]), "description"),
            (agent("New", Some("theirs"), &[("one", "b")]), "program.model"),
            (agent("New", Some("m"), &[("one", "theirs")]), "services.one"),
            (agent("New", Some("m"), &[]), "services.one"),
        ] {
            assert_eq!(old.put_back(&made, &now).unwrap_err(), what);
        }
        let unknown = AgentPatch::default();
        assert_eq!(old.put_back(&unknown, &made).unwrap_err(), "description");
    }
}
