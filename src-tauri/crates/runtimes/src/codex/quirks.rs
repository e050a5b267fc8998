//! Everything that is particular to Codex, in one place: its settings, its environment, its words.
//!
//! Measured with the version of [`TESTED`]; `tests/contract` tries the real program against this.

use crate::faults::Named;
use nox_domain::transcript::AgentFault;

/// Its name for people.
pub(crate) const TITLE: &str = "Codex";

/// The program, in the words that a person is told.
pub(super) const PROGRAM: Named = Named {
    title: TITLE,
    install: "Install it (npm install -g @openai/codex)",
    sign_in: "Run codex login in a terminal",
    shorten: "ask it to sum up first",
};

/// What is looked for on the `PATH` when the agent names no command.
pub(crate) const COMMAND: &str = "codex";

/// Versions begin with this where the contract suite has passed.
pub(crate) const TESTED: &str = "0.169.";

/// What makes it ask before everything. `untrusted` is refused in its settings since 0.166, but a thread may still be started
/// with it: then each command and each edit is a question, also one that only looks. `on-request` asks only when the model
/// asks for more rights.
pub(super) const APPROVAL: &str = "untrusted";

/// What is allowed runs at once and as it is. In a narrower sandbox Codex runs an allowed command inside of it first, and
/// again outside when it looks as if the sandbox had stopped it: not once, and not when it ends well all the same.
pub(super) const SANDBOX: &str = "danger-full-access";

/// Who answers its questions: not a model.
pub(super) const REVIEWER: &str = "user";

/// Settings that are stronger than any file. What could run, start, write or answer without a question of its own is off:
/// hooks, plugins, apps, goals that begin turns by themselves, tools of the model server, looking at pictures anywhere, and
/// typing into a program that runs, which is not asked (0.169). It reports to nobody and keeps no key.
pub(super) const SETTINGS: &[&str] = &[
    "features.hooks=false",
    "features.plugins=false",
    "features.apps=false",
    "features.goals=false",
    "features.multi_agent=false",
    "features.memories=false",
    "features.image_generation=false",
    "features.tool_suggest=false",
    "features.view_image=false",
    "features.shell_snapshot=false",
    "features.unified_exec_tty=false",
    "features.unbounded_connection_retries=false",
    "features.default_mode_request_user_input=true",
    "suppress_unstable_features_warning=true",
    "web_search=\"disabled\"",
    "notify=[]",
    "analytics.enabled=false",
    "feedback.enabled=false",
    "check_for_update_on_startup=false",
    "cli_auth_credentials_store=\"file\"",
];

/// Where it reads its key from.
pub(super) const KEY_VARIABLE: &str = "OPENAI_API_KEY";

/// All variables that may hold a key, as patterns; a command that it runs gets none of them.
pub(super) const KEY_VARIABLES: &[&str] =
    &[KEY_VARIABLE, "CODEX_API_KEY", "CODEX_ACCESS_TOKEN", "NOX_SERVICE_KEY_*"];

/// Where its home is named.
pub(super) const HOME_VARIABLE: &str = "CODEX_HOME";

/// What it says on a resume of a conversation that it does not have (any more).
pub(super) const NO_CONVERSATION: &[&str] = &["no rollout found", "thread not found"];

/// Ways of working that it offers, with words for people.
pub(super) const MODES: &[(&str, &str, &str)] = &[
    ("default", "Default", "Works on what is asked."),
    ("plan", "Plan", "Makes a plan and asks, before it works."),
];

/// Tools of Codex itself that list what services offer. They are not asked, and change nothing (0.169).
pub(super) const LISTS: &[&str] = &["list_mcp_resources", "list_mcp_resource_templates"];

/// Its tool that reads from a service. It is not asked, and a service may do anything when it is read from (0.169).
pub(super) const READS: &str = "read_mcp_resource";

/// What it names as the service when it lists those of all.
pub(super) const ITSELF: &str = "codex";

/// What it tells of itself that says nothing that Nox shows.
pub(super) const QUIET: &[&str] = &[
    "account/updated",
    "app/list/updated",
    "configWarning",
    "deprecationNotice",
    "hook/completed",
    "hook/started",
    "item/fileChange/outputDelta",
    "item/fileChange/patchUpdated",
    "item/mcpToolCall/progress",
    "item/plan/delta",
    "item/reasoning/summaryPartAdded",
    "mcpServer/oauthLogin/completed",
    "model/safetyBuffering/updated",
    "model/verification",
    "modelProvider/authRecoveryCompleted",
    "modelProvider/authRecoveryStarted",
    "project/changed",
    "rawResponse/completed",
    "rawResponseItem/completed",
    "remoteControl/status/changed",
    "skills/changed",
    "thread/archived",
    "thread/attachment/updated",
    "thread/closed",
    "thread/compacted",
    "thread/environment/connected",
    "thread/environment/disconnected",
    "thread/goal/cleared",
    "thread/goal/updated",
    "thread/name/updated",
    "thread/project/updated",
    "thread/queue/changed",
    "thread/readState/changed",
    "thread/section/changed",
    "thread/started",
    "thread/status/changed",
    "turn/diff/updated",
    "turn/moderationMetadata",
];

/// Items that say nothing that Nox shows: what was asked, and what a sub-agent does is asked by itself.
pub(super) const QUIET_ITEMS: &[&str] = &[
    "collabAgentToolCall",
    "enteredReviewMode",
    "exitedReviewMode",
    "functionCallOutput",
    "hookPrompt",
    "sleep",
    "subAgentActivity",
    "userMessage",
];

/// What one of its words for an error means; none when it depends on more.
pub(super) fn fault_of(word: &str) -> Option<AgentFault> {
    match word {
        "contextWindowExceeded" => Some(AgentFault::ContextFull),
        "usageLimitExceeded" | "rateLimitExceeded" | "sessionBudgetExceeded" => Some(AgentFault::RateLimit),
        "serverOverloaded" | "flexUnavailable" | "policyCapacityUnavailable" => Some(AgentFault::Overloaded),
        "internalServerError" => Some(AgentFault::Unreachable),
        "unauthorized" => Some(AgentFault::BadKey),
        "badRequest"
        | "modelNotFound"
        | "cyberPolicy"
        | "misalignmentPolicyViolation"
        | "tooManyDenials"
        | "inferenceHookDenied" => Some(AgentFault::Refused),
        _ => None,
    }
}
