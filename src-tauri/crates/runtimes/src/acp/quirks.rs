//! Everything that is particular to one ACP program, in one table: its command line, its environment, the mode in which it
//! asks, where it takes its key and its address from, and what it does badly.
//!
//! Measured with the versions of [`Preset::tested`]; `tests/contract` tries the real programs against this. What a program
//! needs beside that, files and JSON of its own, is made in [`super::homes`].

use super::{
    homes::{self, Dress},
    plugins::Follows,
    steers::Way,
};
use crate::faults::Named;
use nox_domain::tool::ToolKind::{self, Edit, Execute, Read, Search, Think};
use std::io;

/// What is known of one program.
pub(crate) struct Preset {
    /// Its name in `agent.toml`.
    pub(crate) name: &'static str,
    /// In the words that a person is told.
    pub(crate) named: Named,
    /// What is looked for on the `PATH`, and what it gets, when the agent says nothing else.
    pub(crate) command: &'static str,
    pub(super) arguments: &'static [&'static str],
    /// Versions begin with this where the contract suite has passed.
    pub(crate) tested: &'static str,
    /// It reports to nobody, does not change itself, and keeps to what is said here.
    pub(super) environment: &'static [(&'static str, &'static str)],
    /// How it is told which model server to ask, by the name of the provider; the first when none is named.
    pub(super) access: &'static [Access],
    /// All variables that may hold a key; a command that it runs gets none of them.
    pub(crate) key_variables: &'static [&'static str],
    /// The mode that it is put into.
    pub(super) mode: Option<&'static str>,
    /// Modes in which it asks before everything; empty when nobody knows.
    pub(super) asking: &'static [&'static str],
    /// Kinds of its tools that it does not tell itself.
    pub(super) kinds: &'static [(&'static str, ToolKind)],
    /// Tools that it never gets, and why.
    pub(super) never: &'static [(&'static str, &'static str)],
    /// Tools that only read and that it runs without asking.
    pub(super) unasked: &'static [&'static str],
    /// It says that a call is at work, and what it is given, before that is allowed, and sometimes only behind its question: the
    /// question waits for that.
    pub(super) begins_early: bool,
    /// What stands before the name of a mode when it tells of another one as if its agent had said it.
    pub(super) mode_text: Option<&'static str>,
    /// The tool that shows a plan, and what stands before the name of the plan's file in its title.
    pub(super) plan: Option<(&'static str, &'static str)>,
    /// How texts begin that are errors of the model server.
    pub(super) error_texts: &'static [&'static str],
    /// A command of its shell goes on when the turn is interrupted: the program is ended, and gone on with later.
    pub(super) leaves_tools: bool,
    /// What lies in the project or the user's home and is followed by it without asking.
    pub(super) follows: &'static [Follows],
    /// What stands before the names of services that did not start, on a line beside its frames.
    pub(super) services_failed: Option<&'static str>,
    /// Methods of its own that say nothing that Nox shows.
    pub(super) quiet: &'static [&'static str],
    /// Whether its agent is told what it is in a way of its own; else before the first prompt.
    pub(super) takes_instructions: bool,
    /// It lets its user fill in forms, when it is told that somebody can.
    pub(super) forms: bool,
    /// How it takes words into a turn that runs.
    pub(super) steers: Option<Way>,
    /// It takes a variable in the place of a service's key, and tells such keys to everybody who sees command lines otherwise.
    pub(super) expands: bool,
    /// It shows images only to models of which it knows that they see; to others it says in words that there was one.
    pub(super) images_by_model: bool,
    /// Makes what it needs besides.
    pub(super) dress: fn(&mut Dress<'_>) -> io::Result<()>,
}

/// How a program is told of a model server.
pub(super) struct Access {
    /// The provider's name in `agent.toml`.
    pub(super) provider: &'static str,
    /// Where it reads its key and the address from.
    pub(super) key: &'static str,
    pub(super) address: &'static str,
    /// What is put behind the address.
    pub(super) behind: &'static str,
    /// Where it reads the model from, when it does not take it in the conversation.
    pub(super) model: Option<&'static str>,
    /// What has to be said besides.
    pub(super) more: &'static [(&'static str, &'static str)],
}

impl Preset {
    /// The program of this name.
    pub(crate) fn of(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// All names, for people.
    pub(super) fn names() -> String {
        PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ")
    }

    /// Whether it asks before everything in this mode, as far as anybody knows.
    pub(super) fn asks_in(&self, mode: &str) -> bool {
        self.asking.is_empty() || self.asking.contains(&mode)
    }
}

/// A program that nobody here has measured: it is asked, watched and ended like the others, and trusted with nothing.
pub(super) const PLAIN: Preset = Preset {
    name: "",
    named: Named {
        title: "The agent's program",
        install: "Install it",
        sign_in: "Sign in with the program itself",
        shorten: "ask for less",
    },
    command: "",
    arguments: &[],
    tested: "",
    environment: &[],
    access: &[],
    key_variables: &[],
    mode: None,
    asking: &[],
    kinds: &[],
    never: &[],
    unasked: &[],
    begins_early: false,
    mode_text: None,
    plan: None,
    error_texts: &[],
    leaves_tools: false,
    follows: &[],
    services_failed: None,
    quiet: &[],
    takes_instructions: false,
    forms: false,
    steers: None,
    expands: false,
    images_by_model: false,
    dress: |_| Ok(()),
};

/// A sub-agent of goose runs in its mode `auto`: `delegate` let one make a file, and nobody was asked.
const SUB_AGENTS: &str = "what its sub-agents do is not asked";

/// Programs that are asked for and not carried, and why, with what to do.
///
/// codex-acp 2.6.0 gives each turn the policy `on-request` or `never` (the only others are of profiles, and `untrusted` ends its
/// app-server), and trusts each folder. In its strictest mode, `read-only`, it ran `cat /etc/hostname; env` and started the MCP
/// server that a project's `.codex/config.toml` named, and asked nobody.
pub(super) const NOT_CARRIED: &[(&str, &str)] = &[(
    "codex",
    "Nox does not start Codex over ACP: it runs commands that only read, and the MCP servers of a project, without asking. Choose the runtime codex, which asks before everything.",
)];

/// All of them.
pub(crate) const PRESETS: &[Preset] = &[GOOSE, OPENCODE, CLAUDE, GEMINI, QWEN];

/// goose 1.34, which its package calls 0.20. It tells no version in a conversation.
pub(crate) const GOOSE: Preset = Preset {
    name: "goose",
    named: Named {
        title: "goose",
        install: "Install it (npm install -g @aaif/goose)",
        sign_in: "Run goose configure in a terminal",
        shorten: "ask for less",
    },
    command: "goose",
    arguments: &["acp"],
    tested: "1.34.",
    environment: &[
        ("GOOSE_MODE", "approve"),
        ("GOOSE_TELEMETRY_OFF", "1"),
        ("GOOSE_TELEMETRY_ENABLED", "false"),
        // Each of these asks the model something on its own, and takes the titles of calls away.
        ("GOOSE_DISABLE_SESSION_NAMING", "true"),
        ("GOOSE_DISABLE_TOOL_CALL_SUMMARY", "true"),
    ],
    access: &[
        Access {
            provider: "openai",
            key: "OPENAI_API_KEY",
            address: "OPENAI_HOST",
            model: Some("GOOSE_MODEL"),
            more: &[("GOOSE_PROVIDER", "openai")],
            ..Access::NONE
        },
        Access {
            provider: "anthropic",
            key: "ANTHROPIC_API_KEY",
            address: "ANTHROPIC_HOST",
            model: Some("GOOSE_MODEL"),
            more: &[("GOOSE_PROVIDER", "anthropic")],
            ..Access::NONE
        },
        Access {
            provider: "openrouter",
            key: "OPENROUTER_API_KEY",
            address: "OPENROUTER_HOST",
            model: Some("GOOSE_MODEL"),
            more: &[("GOOSE_PROVIDER", "openrouter")],
            ..Access::NONE
        },
        Access {
            provider: "ollama",
            address: "OLLAMA_HOST",
            model: Some("GOOSE_MODEL"),
            more: &[("GOOSE_PROVIDER", "ollama")],
            ..Access::NONE
        },
    ],
    key_variables: &["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "GOOGLE_API_KEY"],
    mode: Some("approve"),
    asking: &["approve", "chat"],
    // It calls all of them "other".
    kinds: &[
        ("shell", Execute),
        ("edit", Edit),
        ("write", Edit),
        ("tree", Search),
        ("analyze", Search),
        ("load_skill", Read),
        ("todo__todo_write", Think),
    ],
    never: &[("delegate", SUB_AGENTS), ("extensionmanager__manage_extensions", SUB_AGENTS)],
    leaves_tools: true,
    follows: &[Follows::PluginsIn(".agents/plugins")],
    error_texts: &["Ran into this error:", "Network error:"],
    takes_instructions: true,
    dress: homes::goose,
    ..PLAIN
};

/// OpenCode 1.18. Agents of the user's own settings may allow what they like, so it gets one of Nox's, which asks, and settings
/// of its own; project settings are off, but for plugins, beside which it is not started.
pub(crate) const OPENCODE: Preset = Preset {
    name: "opencode",
    named: Named {
        title: "OpenCode",
        install: "Install it (npm install -g opencode-ai)",
        sign_in: "Run opencode auth login in a terminal",
        shorten: "ask for /compact",
    },
    command: "opencode",
    arguments: &["acp"],
    tested: "1.18.",
    environment: &[
        ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
        ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
        ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
        ("OPENCODE_DISABLE_PROJECT_CONFIG", "1"),
        ("OPENCODE_DISABLE_SHARE", "1"),
        // No plugins.
        ("OPENCODE_PURE", "1"),
        ("SHELL", "/bin/bash"),
    ],
    // The address goes into its settings.
    access: &[Access { provider: "openai", key: "OPENAI_API_KEY", ..Access::NONE }],
    key_variables: &["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "GEMINI_API_KEY"],
    mode: Some("nox"),
    asking: &["nox", "plan"],
    kinds: &[("todowrite", Think), ("todoread", Think), ("write", Edit)],
    // What a sub-agent asks is not passed on: its turn hung for a minute, and then for ever.
    never: &[("task", "what its sub-agents ask is not passed on")],
    begins_early: true,
    follows: &[Follows::ModulesAbove {
        folders: &[".opencode/plugin", ".opencode/plugins"],
        settings: &["opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc"],
        keys: &["plugin", "plugins"],
    }],
    takes_instructions: true,
    images_by_model: true,
    dress: homes::opencode,
    ..PLAIN
};

/// Claude Code behind claude-agent-acp 0.100.
pub(crate) const CLAUDE: Preset = Preset {
    name: "claude",
    named: Named {
        title: "Claude Code over ACP",
        install: "Install it (npm install -g @agentclientprotocol/claude-agent-acp)",
        sign_in: "Run claude in a terminal and sign in",
        shorten: "ask for /compact",
    },
    command: "claude-agent-acp",
    tested: "0.100.",
    environment: crate::claude::quirks::ENVIRONMENT,
    access: &[Access {
        provider: "anthropic",
        key: crate::claude::quirks::KEY_VARIABLE,
        address: crate::claude::quirks::ADDRESS_VARIABLE,
        ..Access::NONE
    }],
    key_variables: crate::claude::quirks::KEY_VARIABLES,
    mode: Some("default"),
    asking: &["default", "plan"],
    kinds: &[("TodoWrite", Think), ("ToolSearch", Search), ("Skill", Read)],
    unasked: &["TodoWrite", "ToolSearch"],
    // What follows is an error that says only that somebody has to sign in.
    error_texts: &["Invalid API key"],
    takes_instructions: true,
    forms: true,
    steers: Some(Way::Sent("_session/steering")),
    expands: true,
    dress: homes::claude,
    ..PLAIN
};

/// Gemini CLI 0.61. By itself it reads unasked in every mode, and runs commands that it knows as harmless; in its home stands
/// that it asks.
pub(crate) const GEMINI: Preset = Preset {
    name: "gemini",
    named: Named {
        title: "Gemini CLI",
        install: "Install it (npm install -g @google/gemini-cli)",
        sign_in: "Run gemini in a terminal and sign in",
        shorten: "ask for /compress",
    },
    command: "gemini",
    arguments: &["--acp"],
    tested: "0.61.",
    environment: &[("GEMINI_CLI_NO_RELAUNCH", "true"), ("GEMINI_TELEMETRY_ENABLED", "false")],
    access: &[Access {
        provider: "gemini",
        key: "GEMINI_API_KEY",
        address: "GOOGLE_GEMINI_BASE_URL",
        ..Access::NONE
    }],
    key_variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    mode: Some("default"),
    asking: &["default", "plan"],
    kinds: &[("write_todos", Think), ("update_topic", Think)],
    mode_text: Some("[MODE_UPDATE] "),
    plan: Some(("exit_plan_mode", "Requesting plan approval for: ")),
    follows: &[Follows::BesideServices(".gemini/settings.json"), Follows::AboveServices(".gemini/.env")],
    dress: homes::gemini,
    ..PLAIN
};

/// Qwen Code 0.24. It reads within its folder unasked in every mode.
pub(crate) const QWEN: Preset = Preset {
    name: "qwen",
    named: Named {
        title: "Qwen Code",
        install: "Install it (npm install -g @qwen-code/qwen-code)",
        sign_in: "Run qwen in a terminal and sign in",
        shorten: "ask for /compress",
    },
    command: "qwen",
    arguments: &["--acp", "--approval-mode", "default"],
    tested: "0.24.",
    environment: &[
        ("QWEN_TELEMETRY_ENABLED", "false"),
        ("QWEN_CODE_NO_RELAUNCH", "true"),
        // A conversation stands when each service has started or failed; by itself it answers before that, and its model is
        // offered no tool of one that takes its time. It waits 30 s for a program, 5 s for an address.
        ("QWEN_CODE_LEGACY_MCP_BLOCKING", "1"),
    ],
    services_failed: Some("MCP server(s) failed to start: "),
    access: &[Access {
        provider: "openai",
        key: "OPENAI_API_KEY",
        address: "OPENAI_BASE_URL",
        behind: "/v1",
        model: Some("OPENAI_MODEL"),
        ..Access::NONE
    }],
    key_variables: &["OPENAI_API_KEY", "DASHSCOPE_API_KEY"],
    mode: Some("default"),
    asking: &["default", "plan"],
    kinds: &[("todo_write", Think), ("get_goal", Think), ("tool_search", Search)],
    unasked: &[
        "read_file",
        "read_many_files",
        "list_directory",
        "glob",
        "grep_search",
        "todo_write",
        "get_goal",
        "tool_search",
    ],
    // A sub-agent goes on where nobody is asked.
    never: &[("agent", "what its sub-agents do is not watched")],
    follows: &[
        Follows::BesideServices(".mcp.json"),
        Follows::BesideServices(".qwen"),
        Follows::AboveServices(".env"),
        Follows::AboveServices(".qwen/.env"),
    ],
    quiet: &["qwen/notify/session/prompt-suggestion"],
    steers: Some(Way::Fetched("craft/drainMidTurnQueue")),
    images_by_model: true,
    dress: homes::qwen,
    ..PLAIN
};

impl Access {
    const NONE: Self = Self { provider: "", key: "", address: "", behind: "", model: None, more: &[] };
}
