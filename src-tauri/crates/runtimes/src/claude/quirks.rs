//! Everything that is particular to Claude Code, in one place: its arguments, its environment, its tools, its words.
//!
//! Measured with the version of [`TESTED`]; `tests/contract` tries the real program against this.

use nox_domain::tool::ToolKind;
use serde_json::Value;

/// The program, for people.
pub(crate) const TITLE: &str = "Claude Code";

/// What is looked for on the `PATH` when the agent names no command.
pub(crate) const COMMAND: &str = "claude";

/// Versions begin with this where the contract suite has passed.
pub(crate) const TESTED: &str = "2.1.";

/// A conversation over standard input and output, one JSON in each line, with what it says as it comes.
///
/// Without `--permission-prompt-tool stdio` a question becomes a denial. MCP servers come from Nox alone (`--mcp-config` with a file): those of the
/// user's own settings would be started without a word from the policy. Settings of the project are not read: a folder that
/// somebody else wrote could name hooks, a shell command for the key or another model server. Hooks of the user's settings
/// could answer in place of Nox, and a skill's text could run commands, so both are off; the hook of Nox still asks.
pub(super) const ARGUMENTS: &[&str] = &[
    "-p",
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
    "--verbose",
    "--include-partial-messages",
    "--permission-prompt-tool",
    "stdio",
    "--strict-mcp-config",
    "--setting-sources",
    "user",
    "--settings",
    "{\"disableAllHooks\":true,\"disableSkillShellExecution\":true}",
];

/// What it gets besides the short list of names: it reports to nobody and does not change itself. Background tasks would
/// go on after their turn, where nobody watches them.
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[
    ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_TELEMETRY", "1"),
];

/// Where it reads its key from.
pub(crate) const KEY_VARIABLE: &str = "ANTHROPIC_API_KEY";

/// All variables that may hold a key; a command that it runs gets none of them.
pub(crate) const KEY_VARIABLES: &[&str] = &[KEY_VARIABLE, "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/// Where it reads the address of its model server from.
pub(crate) const ADDRESS_VARIABLE: &str = "ANTHROPIC_BASE_URL";

/// A shell file that it reads before each command: there the key goes, so that commands do not inherit it.
pub(crate) const SHELL_FILE_VARIABLE: &str = "CLAUDE_ENV_FILE";

/// The name of the hook that it asks before each tool. The answer is always "ask": so every call comes as a question that
/// may wait as long as it takes, also one that it or the user's own settings would allow.
pub(super) const GATE: &str = "nox-gate";

/// What it says on a resume of a conversation that it does not have (any more).
pub(super) const NO_CONVERSATION: &str = "No conversation found";

/// What a sub-agent may be given and still only think: a worktree of its own, for one, is made before anything is asked.
const OF_A_SUB_AGENT: &[&str] = &["description", "prompt", "subagent_type", "model"];

/// Kinds of tools, by name and input. All others are [`ToolKind::Other`].
pub(super) fn kind_of(tool: &str, input: &Value) -> ToolKind {
    let has_only = |names: &[&str]| {
        input.as_object().is_some_and(|input| input.keys().all(|name| names.contains(&name.as_str())))
    };
    match tool {
        "Bash" => ToolKind::Execute,
        "Read" | "NotebookRead" | "LS" | "BashOutput" | "TaskOutput" => ToolKind::Read,
        "Grep" | "Glob" | "ToolSearch" => ToolKind::Search,
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" => ToolKind::Edit,
        "WebFetch" | "WebSearch" => ToolKind::Fetch,
        "TodoWrite" => ToolKind::Think,
        // Whatever a sub-agent does is asked by itself.
        "Agent" | "Task" if has_only(OF_A_SUB_AGENT) => ToolKind::Think,
        _ => ToolKind::Other,
    }
}

/// How the words begin that a command's failure is told with: by them one that ran is known from one that did not.
pub(super) const FAILED: &str = "Exit code ";

/// Modes that are offered: id, name, what it means. In all others it asks before each call just as well, so they would change
/// nothing here.
pub(super) const MODES: &[(&str, &str, &str)] = &[
    ("default", "Work", "Does what is asked; each call is put before you."),
    ("plan", "Plan", "Looks and makes a plan, and changes nothing before you accept it."),
];

/// The tool that tells the plan.
pub(super) const PLAN_TOOL: &str = "TodoWrite";

/// Frames of the type `system` that say nothing that Nox shows.
pub(super) const QUIET_SUBTYPES: &[&str] = &[
    "status",
    "thinking_tokens",
    "task_started",
    "task_updated",
    "task_progress",
    "task_notification",
    "background_tasks_changed",
    "hook_started",
    "hook_progress",
    "hook_response",
    "session_state_changed",
    "files_persisted",
    "ui_invalidate",
];

/// Frames of other types that say nothing that Nox shows.
pub(super) const QUIET_TYPES: &[&str] =
    &["keep_alive", "tool_progress", "tool_use_summary", "prompt_suggestion", "auth_status"];
