//! Tool calls: what an agent wants to do or did, and the permission that it needs.

use crate::{
    At, Size,
    ids::{AgentId, ItemId, RequestId},
    transcript::{FileDiff, Location},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a tool call does to the world.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, specta::Type,
)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    /// Reads files.
    Read,
    /// Changes files.
    Edit,
    /// Deletes files.
    Delete,
    /// Moves files.
    Move,
    /// Looks for something.
    Search,
    /// Runs a program.
    Execute,
    /// Thinks.
    Think,
    /// Fetches from a network.
    Fetch,
    /// None of these.
    #[default]
    Other,
}

impl ToolKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Read,
        Self::Edit,
        Self::Delete,
        Self::Move,
        Self::Search,
        Self::Execute,
        Self::Think,
        Self::Fetch,
        Self::Other,
    ];

    /// The word in `policy.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Move => "move",
            Self::Search => "search",
            Self::Execute => "execute",
            Self::Think => "think",
            Self::Fetch => "fetch",
            Self::Other => "other",
        }
    }

    /// Reads a word of `policy.toml`.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

/// What a driver proposes to do. Everything that can change the effect is in here, so it can be bound by a hash.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
pub struct ToolCall {
    /// The driver's own name of this call inside the session, stable over a resume: `block:3`.
    pub key: String,
    /// What it does.
    pub kind: ToolKind,
    /// One line for people: the block's name, or its first line.
    pub title: String,
    /// The exact text that would run.
    pub text: String,
    /// The program that would read the text: `sh`, `bash`; empty for others.
    pub shell: String,
    /// The folder it would run in. Absolute.
    pub folder: String,
    /// Whether that folder, with all links followed, is not beneath the session's: then no rule allows it.
    #[serde(default)]
    pub outside: bool,
    /// The names of the environment that it would get, sorted; values are hashed but never stored.
    pub environment: Vec<String>,
    /// SHA-256 over the environment's names and values, in hexadecimal figures.
    pub environment_hash: String,
    /// What it would run inside: `none` until there is a sandbox.
    pub sandbox: String,
    /// Seconds until it is ended; none means no limit.
    pub timeout_seconds: Option<u32>,
    /// Whether the session goes on when this call fails.
    pub continue_on_failure: bool,
    /// The places that it is about.
    #[serde(default)]
    pub locations: Vec<Location>,
    /// What it would change in files. A help for the eye: what is bound is `input_hash`.
    #[serde(default)]
    pub diff: Vec<FileDiff>,
    /// SHA-256 of all that the tool would be given, when `text` is not all of it; else empty.
    #[serde(default)]
    pub input_hash: String,
    /// Whether the text is Markdown for people to read, such as a plan, and nothing that would run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prose: bool,
    /// What it asks a person. Not empty: no rule answers it, and an answer that allows it brings the answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
}

/// Something that an agent asks a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Question {
    /// The driver's name for it, within its call.
    pub id: String,
    /// A word or two for people; may be empty.
    pub header: String,
    /// The question.
    pub text: String,
    /// What can be chosen; empty when it is answered in free words.
    pub options: Vec<Choice>,
    /// Whether several can be chosen.
    pub many: bool,
    /// Whether it can be answered in other words than the options.
    pub free: bool,
    /// Whether it may stay without an answer.
    pub optional: bool,
    /// Words of one's own have to be such a number; none when they are any words.
    pub number: Option<NumberWanted>,
}

/// A number that a [`Question`] wants. Its bounds are decimal numbers, as they were told; empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct NumberWanted {
    /// A whole one.
    pub whole: bool,
    /// The least one.
    pub least: String,
    /// The greatest one.
    pub most: String,
}

/// A possible answer to a [`Question`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Choice {
    /// The answer.
    pub label: String,
    /// What it means; may be empty.
    pub description: String,
}

/// Hashes fields with their lengths in front, so that no two lists of fields look alike.
fn hash_fields(fields: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for field in fields {
        hasher.update((field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    hex(&hasher.finalize())
}

/// Lower-case hexadecimal figures.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        const FIGURES: &[u8; 16] = b"0123456789abcdef";
        text.push(FIGURES[(byte >> 4) as usize] as char);
        text.push(FIGURES[(byte & 15) as usize] as char);
        text
    })
}

/// SHA-256 of some bytes, in hexadecimal figures.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

impl ToolCall {
    /// The hash that a permission is bound to: text, shell, folder, environment, sandbox profile.
    pub fn binding_hash(&self) -> String {
        let environment = self.environment.join("\n");
        let mut fields = vec![
            self.kind.as_str(),
            &self.shell,
            &self.text,
            &self.folder,
            &environment,
            &self.environment_hash,
            &self.sandbox,
        ];
        // Calls that are text and nothing else keep the hash that they always had.
        fields.extend(Some(self.input_hash.as_str()).filter(|hash| !hash.is_empty()));
        for question in &self.questions {
            let kind = match (question.many, question.free) {
                (false, false) => "one",
                (true, false) => "many",
                (false, true) => "one or free",
                (true, true) => "many or free",
            };
            fields.extend([question.id.as_str(), question.header.as_str(), question.text.as_str(), kind]);
            fields.extend(question.options.iter().flat_map(|option| [&*option.label, &*option.description]));
        }
        hash_fields(&fields)
    }

    /// Whether it asks a person something, rather than wanting to do something.
    pub fn is_question(&self) -> bool {
        !self.questions.is_empty()
    }

    /// What people are told that it wants, in one or more lines: its first question, or what would run.
    pub fn gist(&self) -> &str {
        self.questions.first().map_or(self.text.trim(), |question| question.text.trim())
    }

    /// The hash that an "always" rule for this exact text is bound to; the folder is not part of it.
    pub fn text_hash(&self) -> String {
        let mut fields = vec![self.kind.as_str(), self.shell.as_str(), self.text.as_str()];
        fields.extend(Some(self.input_hash.as_str()).filter(|hash| !hash.is_empty()));
        hash_fields(&fields)
    }
}

/// The hash over an environment that a [`ToolCall`] carries instead of the values.
pub fn environment_hash<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut sorted: Vec<(&str, &str)> = pairs.into_iter().collect();
    sorted.sort_unstable();
    let flat: Vec<&str> = sorted.into_iter().flat_map(|(name, value)| [name, value]).collect();
    hash_fields(&flat)
}

/// How far a tool call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// The agent wants it.
    Proposed,
    /// A person is asked.
    Waiting,
    /// Allowed, not yet heard of again.
    Allowed,
    /// Runs.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Not allowed; it never ran.
    Denied,
    /// Stopped.
    Cancelled,
    /// Its end was never seen; it is not repeated by Nox.
    Unknown,
    /// A person chose to go on without it.
    Skipped,
}

impl CallStatus {
    /// Whether nothing more will be heard of it.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Proposed | Self::Waiting | Self::Allowed | Self::Running | Self::Unknown)
    }
}

/// How a tool call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CallEnd {
    /// It reported success.
    Succeeded,
    /// It reported failure.
    Failed {
        /// The program's exit code, if it had one.
        exit_code: Option<i32>,
        /// The signal that ended it, if one did.
        signal: Option<i32>,
        /// Whether it was ended because its time was over.
        timed_out: bool,
        /// What could not be done, when the program never started.
        problem: Option<String>,
    },
    /// Not allowed.
    Denied {
        /// What was told to the agent.
        reason: Option<String>,
    },
    /// Stopped by a person or by an earlier failure.
    Cancelled,
    /// Its end was never seen.
    Unknown,
    /// A person chose to go on without it.
    Skipped,
}

impl CallEnd {
    /// The status that this end leads to.
    pub fn status(&self) -> CallStatus {
        match self {
            Self::Succeeded => CallStatus::Succeeded,
            Self::Failed { .. } => CallStatus::Failed,
            Self::Denied { .. } => CallStatus::Denied,
            Self::Cancelled => CallStatus::Cancelled,
            Self::Unknown => CallStatus::Unknown,
            Self::Skipped => CallStatus::Skipped,
        }
    }
}

/// What is kept of an item's output in the log; the bytes are in the spool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
pub struct OutputDigest {
    /// All bytes that the program wrote.
    pub size_bytes: Size,
    /// The bytes that the spool kept: less than `size_bytes` when the middle was dropped.
    pub kept_bytes: Size,
    /// Of all bytes that were written, in hexadecimal figures; empty when the end was not seen.
    pub sha256: String,
    /// The first 4 KiB, harmless to show.
    pub head: String,
    /// The last 4 KiB, harmless to show; empty when `head` holds everything.
    pub tail: String,
    /// Whether the end was never seen: the engine ended first.
    pub cut_off: bool,
}

/// How dangerous a tool call looks. A help for the eye, never a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Looks only.
    Low,
    /// Changes something here.
    Medium,
    /// Cannot be taken back, or leaves this machine.
    High,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PermissionRequest {
    /// Its id.
    pub id: RequestId,
    /// The tool call that asks.
    pub item: ItemId,
    /// What it would do, in full.
    pub call: ToolCall,
    /// [`ToolCall::binding_hash`] when it was asked.
    pub hash: String,
    /// How dangerous it looks.
    pub risk: Risk,
    /// Which words or programs made it look so; a code for the faces' texts.
    pub risk_reason: String,
    /// Why it was asked.
    pub why: crate::policy::Why,
    /// When it was asked.
    pub asked_at: At,
}

/// A person's or a rule's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// This time.
    AllowOnce,
    /// This exact call as long as this session lives.
    AllowSession,
    /// From now on; a rule was written.
    AllowAlways,
    /// Not.
    Deny,
}

impl Decision {
    /// Whether the call may run.
    pub fn allows(self) -> bool {
        self != Self::Deny
    }
}

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum DecidedBy {
    /// A person, through this face: `window`, `notification`, `tray`, `cli`.
    Person {
        /// The face.
        via: String,
    },
    /// A rule of the policy.
    Rule {
        /// Its id in `policy.toml`.
        rule: String,
    },
    /// The policy's default for this kind.
    Default,
    /// An earlier answer "for this session".
    Session,
    /// The command line's `--allow`.
    Flag,
}

/// For whom an "always" rule is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum RuleScope {
    /// This agent.
    Agent {
        /// The agent.
        agent: AgentId,
    },
    /// All agents.
    Everyone,
}
