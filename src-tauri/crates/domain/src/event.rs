//! The stored facts. What is in here is on disk for ever: fields are added, never renamed; old versions are upcast.

pub use crate::actor::Actor;
pub use crate::ends::{Closed, Problem, RunEnd, TurnEnd, UnknownChoice};
pub use crate::opened::{ForkOf, PreAllowed, SessionOpened};
pub use crate::transcript::Dial;
use crate::{
    At, Size,
    answers::Answers,
    ids::{AgentId, ItemId, ProjectId, RequestId, RunId, SessionId, TaskId, TurnId},
    image::Image,
    life::{HeldBack, LimitHit, PauseWhy, Stall},
    tool::{CallEnd, DecidedBy, Decision, OutputDigest, PermissionRequest, ToolCall},
    transcript::{Offers, PlanStep},
};
use serde::{Deserialize, Serialize};

/// A process tree, named so that a reused pid is not taken for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
pub struct ProcessRef {
    /// Which start of the system the pids belong to: `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// The shim that holds the tree.
    pub shim_pid: u32,
    /// Field 22 of the shim's `/proc/<pid>/stat`: clock ticks since the system's start.
    pub shim_started_ticks: Size,
    /// The program that the tree was started for.
    pub pid: u32,
    /// The program's start, in the same ticks.
    pub started_ticks: Size,
}

/// What a file of the registry is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "subject", rename_all = "snake_case")]
pub enum Subject {
    /// A task's file.
    Task {
        /// The task.
        task: TaskId,
    },
    /// A file of an agent.
    Agent {
        /// The agent.
        agent: AgentId,
    },
    /// `policy.toml`.
    Policy,
    /// Another file.
    Other,
}

/// Codes of notes that hold for a whole session: each is told once in it, however many runs find it so. `images_by_model` says that a
/// program may keep images from its model.
pub const NOTED_ONCE: [&str; 1] = ["images_by_model"];

/// A stored fact. The variants of one stream are decided by one owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A session begins.
    SessionOpened(Box<SessionOpened>),
    /// The agent is asked something.
    TurnQueued {
        /// The turn.
        turn: TurnId,
        /// The item that shows the text.
        item: ItemId,
        /// What is asked.
        text: String,
        /// What is shown with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
    /// A prompt that waits for its turn was written anew. Its images stay.
    PromptChanged {
        /// The turn.
        turn: TurnId,
        /// What is asked now.
        text: String,
    },
    /// A person said something into the turn that runs.
    Steered {
        /// The item that shows it.
        item: ItemId,
        /// Markdown.
        text: String,
    },
    /// What was said into the turn is settled: the program has taken it in, or has given it back.
    SteerSettled {
        /// The item that shows it.
        item: ItemId,
        /// Whether it was given back, and is asked as a prompt. An earlier Nox did not say so: then the next fact tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        given_back: Option<bool>,
    },
    /// What the program offers, as it is now.
    OffersTold {
        /// All of it.
        offers: Box<Offers>,
    },
    /// A person changed how the program works, for this run and those to come.
    Switched {
        /// The item that shows it.
        item: ItemId,
        /// What was changed.
        dial: Dial,
        /// To what: the program's name for it.
        to: String,
        /// Its name for people.
        name: String,
        /// The face: `window`, `cli`.
        via: String,
    },
    /// The run has answered a change that it was told, by doing it or by refusing it.
    SwitchSettled {
        /// What was to be changed.
        dial: Dial,
    },
    /// Too much was asked of the model server: the turn is asked again then.
    TurnLimited {
        /// The turn.
        turn: TurnId,
        /// The item that shows it.
        item: ItemId,
        /// When it is asked again.
        until: At,
        /// What was said about it.
        problem: Problem,
    },
    /// The wait for the model server's limit is over, by its time or by a person.
    LimitOver,
    /// A run is about to start: the intent, before the effect.
    RunStarting {
        /// The run.
        run: RunId,
        /// Signals carry it; those of an old one are dropped.
        generation: u32,
        /// 1 for the first run of the session.
        attempt: u32,
    },
    /// The connection stands.
    RunLive {
        /// The run.
        run: RunId,
    },
    /// One process tree carries the whole run.
    RunCarried {
        /// The run.
        run: RunId,
        /// The shim that holds it.
        process: ProcessRef,
    },
    /// The turn has begun.
    TurnStarted {
        /// The turn.
        turn: TurnId,
    },
    /// The agent said something.
    Said {
        /// The item.
        item: ItemId,
        /// Markdown.
        text: String,
    },
    /// The agent begins to say or to think something; its bytes go into the spool as they come.
    TextBegun {
        /// The item, which the whole text gets as well.
        item: ItemId,
        /// A thought, and no message.
        thought: bool,
    },
    /// The agent thought something.
    Thought {
        /// The item.
        item: ItemId,
        /// Markdown.
        text: String,
    },
    /// The agent's plan for this turn, as it is now.
    Planned {
        /// The item, the same for the whole turn.
        item: ItemId,
        /// In order.
        steps: Vec<PlanStep>,
    },
    /// The agent shows an image: within a call that is open, or by itself.
    ImageTold {
        /// The call's item; else one of its own, which further images share that come right after it.
        item: ItemId,
        /// What there is to know of it; its bytes lie in the documents.
        image: Image,
    },
    /// Nox or the driver notes something; a code and text for people.
    Noted {
        /// The item.
        item: ItemId,
        /// A stable code.
        code: String,
        /// In words.
        text: String,
    },
    /// The agent wants to do something.
    ToolCallProposed {
        /// The item.
        item: ItemId,
        /// In full.
        call: Box<ToolCall>,
    },
    /// A person is asked.
    PermissionRequested {
        /// In full.
        request: Box<PermissionRequest>,
    },
    /// It was decided. Part of the audit trail.
    PermissionDecided {
        /// The tool call.
        item: ItemId,
        /// The request, if a person had been asked.
        request: Option<RequestId>,
        /// What.
        decision: Decision,
        /// By whom.
        by: DecidedBy,
        /// In the person's words.
        reason: Option<String>,
        /// [`ToolCall::binding_hash`] that the decision is bound to.
        hash: String,
        /// What was answered to its questions.
        #[serde(default, skip_serializing_if = "Answers::is_empty")]
        answers: Answers,
    },
    /// A request that no answer can reach any more.
    PermissionWithdrawn {
        /// The request.
        request: RequestId,
        /// Its tool call.
        item: ItemId,
        /// `changed`, `stopped`, `deleted`.
        why: String,
    },
    /// A run asked again for what was decided before it began. It is told at once, or after a pause.
    AskedAgain {
        /// The tool call.
        item: ItemId,
    },
    /// The tool call has begun.
    ToolCallStarted {
        /// The item.
        item: ItemId,
        /// The shim that holds its process tree.
        process: Option<ProcessRef>,
    },
    /// The tool call is over.
    ToolCallEnded {
        /// The item.
        item: ItemId,
        /// How.
        end: CallEnd,
        /// What it wrote.
        output: Option<Box<OutputDigest>>,
    },
    /// How far the turn is.
    Progressed {
        /// Steps done.
        done: u32,
        /// All steps.
        of: u32,
    },
    /// A person decided about an unknown outcome. Part of the audit trail.
    UnknownResolved {
        /// The tool call.
        item: ItemId,
        /// What.
        choice: UnknownChoice,
    },
    /// What a model used; costs in millionths of a US dollar.
    UsageReported {
        /// The model's name.
        model: String,
        /// Tokens in.
        input_tokens: Size,
        /// Tokens in that came from a cache or went into one.
        #[serde(default)]
        cached_tokens: Size,
        /// Tokens out.
        output_tokens: Size,
        /// Millionths of a US dollar; 0 says nothing by itself.
        cost_micro_usd: Size,
        /// It is known to cost nothing. Without it 0 stands for a cost that nobody told.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        costs_nothing: bool,
    },
    /// Somebody wants it to end.
    StopAsked,
    /// Somebody wants the turn to end, and the session to stand by.
    InterruptAsked,
    /// It pauses at the next safe point: nothing that is allowed begins, no turn begins.
    PauseAsked {
        /// Why.
        why: PauseWhy,
    },
    /// It goes on.
    SessionResumed,
    /// Its idle run is being closed.
    HibernateAsked,
    /// It is ready to start, and this keeps it back.
    HeldBack {
        /// What.
        by: HeldBack,
    },
    /// The run ended unexpectedly and is started again.
    RestartPlanned {
        /// The item that shows it.
        item: ItemId,
        /// Which restart of the window it is, from 1.
        number: u32,
        /// When.
        at: At,
        /// What was seen of the end.
        problem: Option<Problem>,
    },
    /// The run ended unexpectedly, too often or against its rules: a person says whether it goes on.
    GaveUp {
        /// What was seen of the end.
        problem: Option<Problem>,
    },
    /// Nothing was heard of the run for some time.
    StallNoticed {
        /// How it is.
        stall: Stall,
    },
    /// A person waits on, although nothing was heard.
    WaitedOn,
    /// Something was heard of the run again, after its silence was noticed.
    HeardAgain,
    /// A person wants the run to be started again.
    RestartAsked,
    /// The run came to a limit.
    LimitReached {
        /// The item that shows it.
        item: ItemId,
        /// Which, and how far.
        hit: LimitHit,
    },
    /// The program's own name for the session, by which a later run finds it again.
    ForeignNamed {
        /// Its name.
        name: String,
    },
    /// A limit did not let a session begin.
    StartRefused {
        /// The task that was to be started.
        task: TaskId,
        /// The agent whose limit it is.
        agent: AgentId,
        /// The session from whose run it was asked for; none when a person asked.
        asked_by: Option<SessionId>,
        /// Which limit, and how far.
        hit: LimitHit,
        /// When the limit alone would let it begin; none when it never does.
        again_at: Option<At>,
    },
    /// It was read from an export. It can be read, and not gone on with.
    SessionImported,
    /// The run is over.
    RunEnded {
        /// The run.
        run: RunId,
        /// How.
        how: RunEnd,
    },
    /// The turn is over.
    TurnEnded {
        /// The turn.
        turn: TurnId,
        /// How.
        end: TurnEnd,
        /// Why not well.
        problem: Option<Problem>,
    },
    /// The session is over.
    SessionClosed {
        /// How.
        how: Closed,
    },
    /// The session goes on after all.
    SessionReopened,
    /// Hidden; can be restored.
    SessionDeleted,
    /// Shown again.
    SessionRestored,

    /// Nox changes a file of the registry. Content is in the event, so the change survives until it is on disk.
    FileChanged {
        /// Relative to the registry, `/` between parts.
        path: String,
        /// What it is about.
        subject: Subject,
        /// SHA-256 of the content that the change was made from; none for a new file.
        base: Option<String>,
        /// The new content; none deletes the file.
        content: Option<String>,
    },
    /// The change is on disk.
    FileWritten {
        /// Relative to the registry.
        path: String,
        /// SHA-256 of what is there now; none when it is gone.
        hash: Option<String>,
    },
    /// A file was changed by hand and understood.
    FileSeen {
        /// Relative to the registry.
        path: String,
        /// What it is about.
        subject: Subject,
        /// SHA-256; none when it is gone.
        hash: Option<String>,
    },
    /// A file was changed by hand and is not understood; the last good state is kept.
    FileBroken {
        /// Relative to the registry.
        path: String,
        /// Where, from 1.
        line: u32,
        /// What is wrong.
        message: String,
    },
    /// A registry's commit was made.
    Committed {
        /// The commit's id.
        commit: String,
        /// The paths in it.
        paths: Vec<String>,
    },

    /// The user granted a folder.
    ProjectGranted {
        /// Its short name.
        project: ProjectId,
        /// Absolute.
        path: String,
    },
    /// A key was stored in the keychain, or deleted from it. Never the key. Part of the audit trail.
    KeyChanged {
        /// The key's name.
        name: String,
        /// Whether it is there now.
        present: bool,
    },
    /// A setting was changed.
    SettingChanged {
        /// The setting.
        name: String,
        /// As text.
        value: String,
    },
    /// Too many runs of an agent failed in a row: it starts nothing until the time is over, then one run is tried.
    BreakerOpened {
        /// The agent.
        agent: AgentId,
        /// Failures in a row.
        faults: u32,
        /// When one run is tried.
        until: At,
    },
    /// The agent works again.
    BreakerClosed {
        /// The agent.
        agent: AgentId,
    },
    /// Old events of a closed session were archived or pruned.
    LogCompacted {
        /// The session.
        session: SessionId,
        /// How many events.
        events: u32,
        /// Whether their text is gone.
        pruned: bool,
    },
    /// The engine began, and this is what it found.
    EngineStarted {
        /// Its version.
        version: String,
        /// Sessions whose run had no end.
        lost_runs: u32,
        /// Processes of an earlier engine that were still there and were ended.
        swept: u32,
        /// When.
        at: At,
    },
}

impl Event {
    /// The stored type, equal to the JSON's `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SessionOpened(_) => "session_opened",
            Self::TurnQueued { .. } => "turn_queued",
            Self::PromptChanged { .. } => "prompt_changed",
            Self::Steered { .. } => "steered",
            Self::SteerSettled { .. } => "steer_settled",
            Self::SwitchSettled { .. } => "switch_settled",
            Self::OffersTold { .. } => "offers_told",
            Self::Switched { .. } => "switched",
            Self::TurnLimited { .. } => "turn_limited",
            Self::LimitOver => "limit_over",
            Self::RunStarting { .. } => "run_starting",
            Self::RunLive { .. } => "run_live",
            Self::TurnStarted { .. } => "turn_started",
            Self::Said { .. } => "said",
            Self::TextBegun { .. } => "text_begun",
            Self::Thought { .. } => "thought",
            Self::Planned { .. } => "planned",
            Self::RunCarried { .. } => "run_carried",
            Self::InterruptAsked => "interrupt_asked",
            Self::ImageTold { .. } => "image_told",
            Self::Noted { .. } => "noted",
            Self::ToolCallProposed { .. } => "tool_call_proposed",
            Self::PermissionRequested { .. } => "permission_requested",
            Self::PermissionDecided { .. } => "permission_decided",
            Self::PermissionWithdrawn { .. } => "permission_withdrawn",
            Self::AskedAgain { .. } => "asked_again",
            Self::ToolCallStarted { .. } => "tool_call_started",
            Self::ToolCallEnded { .. } => "tool_call_ended",
            Self::Progressed { .. } => "progressed",
            Self::UnknownResolved { .. } => "unknown_resolved",
            Self::UsageReported { .. } => "usage_reported",
            Self::StopAsked => "stop_asked",
            Self::PauseAsked { .. } => "pause_asked",
            Self::SessionResumed => "session_resumed",
            Self::HibernateAsked => "hibernate_asked",
            Self::HeldBack { .. } => "held_back",
            Self::RestartPlanned { .. } => "restart_planned",
            Self::GaveUp { .. } => "gave_up",
            Self::StallNoticed { .. } => "stall_noticed",
            Self::WaitedOn => "waited_on",
            Self::HeardAgain => "heard_again",
            Self::RestartAsked => "restart_asked",
            Self::LimitReached { .. } => "limit_reached",
            Self::StartRefused { .. } => "start_refused",
            Self::ForeignNamed { .. } => "foreign_named",
            Self::SessionImported => "session_imported",
            Self::RunEnded { .. } => "run_ended",
            Self::TurnEnded { .. } => "turn_ended",
            Self::SessionClosed { .. } => "session_closed",
            Self::SessionReopened => "session_reopened",
            Self::SessionDeleted => "session_deleted",
            Self::SessionRestored => "session_restored",
            Self::FileChanged { .. } => "file_changed",
            Self::FileWritten { .. } => "file_written",
            Self::FileSeen { .. } => "file_seen",
            Self::FileBroken { .. } => "file_broken",
            Self::Committed { .. } => "committed",
            Self::ProjectGranted { .. } => "project_granted",
            Self::KeyChanged { .. } => "key_changed",
            Self::SettingChanged { .. } => "setting_changed",
            Self::BreakerOpened { .. } => "breaker_opened",
            Self::BreakerClosed { .. } => "breaker_closed",
            Self::LogCompacted { .. } => "log_compacted",
            Self::EngineStarted { .. } => "engine_started",
        }
    }

    /// Whether it belongs to the audit trail, whose entries are chained by hash.
    pub fn is_audit(&self) -> bool {
        matches!(
            self,
            Self::PermissionRequested { .. }
                | Self::PermissionDecided { .. }
                | Self::PermissionWithdrawn { .. }
                | Self::UnknownResolved { .. }
                | Self::ProjectGranted { .. }
                | Self::KeyChanged { .. }
        ) || matches!(self, Self::FileChanged { subject: Subject::Policy, .. })
    }

    /// The version that is written now; every type is still in its first.
    pub const VERSION: u16 = 1;
}
