//! What goes into a session and comes out of it: commands, signals, effects, and why a command is not taken.

use super::{
    Turn,
    queue::{MAX_MESSAGE_BYTES, MAX_WAITING_BYTES, MAX_WAITING_PROMPTS},
};
use crate::{
    At,
    answers::Answers,
    event::{Closed, Dial, Event, Problem, ProcessRef, RunEnd, TurnEnd, UnknownChoice},
    ids::{ItemId, RequestId, RunId, TurnId},
    image::{Image, MAX_PROMPT_BYTES, MAX_PROMPT_IMAGES},
    life::{LimitHit, PauseWhy},
    rows::Progress,
    tool::{CallEnd, Decision, OutputDigest, ToolCall},
    transcript::{Offers, PlanStep, Usage},
};
use serde::{Deserialize, Serialize};

/// What somebody wants of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "want", rename_all = "snake_case")]
pub enum SessionCommand {
    /// End it.
    Stop,
    /// Answer an open request.
    Answer {
        /// The request.
        request: RequestId,
        /// What.
        decision: Decision,
        /// In the person's words.
        reason: Option<String>,
        /// What is answered to its questions; empty when it has none, or is refused.
        #[serde(default)]
        answers: Answers,
        /// The face: `window`, `notification`, `tray`, `cli`.
        via: String,
    },
    /// Choose after an unknown outcome.
    Resolve {
        /// The tool call.
        item: ItemId,
        /// What.
        choice: UnknownChoice,
    },
    /// Go on after a pause, a failure, a stop or a lost run; what is done stays done. One that waits for the model server's
    /// limit goes on now; one whose turn failed and that stands by is asked the same again.
    Continue,
    /// Ask the agent something further. While it works, the prompt waits for its turn.
    Prompt {
        /// Markdown. May be empty when there are images.
        text: String,
        /// What is shown with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
    /// Say something into the turn that runs. Where that cannot be, the text waits for its turn as a prompt.
    Steer {
        /// Markdown.
        text: String,
    },
    /// Write a prompt that waits for its turn anew. Its images stay.
    ChangePrompt {
        /// Its turn.
        turn: TurnId,
        /// Markdown.
        text: String,
    },
    /// Take a prompt that waits for its turn back.
    WithdrawPrompt {
        /// Its turn.
        turn: TurnId,
    },
    /// Let a prompt that was taken back wait again, behind the others. It was taken once: whether its program takes images is not
    /// asked anew.
    PutBackPrompt {
        /// Markdown. May be empty when there are images.
        text: String,
        /// What is shown with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
    /// Change how the program works, now and in later runs.
    Switch {
        /// What.
        dial: Dial,
        /// To what: the program's name for it.
        to: String,
        /// The face: `window`, `cli`.
        via: String,
    },
    /// End the turn that runs, and stand by. One that waits for the model server's limit ends as failed.
    Interrupt,
    /// Go no further than the next safe point.
    Pause {
        /// Why.
        why: PauseWhy,
    },
    /// Wait on for a run of which nothing was heard.
    Wait,
    /// End the run of which nothing was heard, and start it again; what it was doing is done again.
    Restart,
    /// Hide it.
    Delete,
    /// Show it again.
    Restore,
}

/// What a driver reports. Each comes with the generation of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// The connection stands.
    Live,
    /// The agent says something.
    Said(String),
    /// One process tree carries the whole run.
    Carried(ProcessRef),
    /// The agent begins to say or to think something. The driver made the item, under which it writes the bytes.
    Writing {
        /// The item.
        item: ItemId,
        /// A thought, and no message.
        thought: bool,
    },
    /// A text that had begun is through.
    Wrote {
        /// The item.
        item: ItemId,
        /// All of it.
        text: String,
    },
    /// The agent's plan, as it is now.
    Planned(Vec<PlanStep>),
    /// What was used since it was told last.
    Used(Usage),
    /// What was said into a turn was taken in by the program: it goes on with the conversation.
    Steered(String),
    /// What should have been said into a turn reached nobody: it was over, or the program did not take it.
    NotSteered(String),
    /// What the program offers, all of it anew.
    Offers(Box<Offers>),
    /// A wish for another mode or model has its answer; what it has told of it before is how it is.
    Switched(Dial),
    /// The agent shows an image; its bytes are kept already.
    ImageTold {
        /// The call that it came from; none when the agent shows it by itself.
        key: Option<String>,
        /// What there is to know of it.
        image: Image,
    },
    /// The driver notes something: a stable code, and words.
    Noted(String, String),
    /// The agent wants to do something and waits for the answer.
    Proposed(Box<ToolCall>),
    /// A call, by its key, has begun.
    CallStarted {
        /// The call.
        key: String,
        /// The shim that holds it.
        process: Option<ProcessRef>,
    },
    /// A call, by its key, is over.
    CallEnded {
        /// The call.
        key: String,
        /// How.
        end: CallEnd,
        /// What it wrote.
        output: Option<Box<OutputDigest>>,
    },
    /// Steps done, of all.
    Progress(Progress),
    /// The turn is over.
    TurnEnded {
        /// How.
        end: TurnEnd,
        /// Why not well.
        problem: Option<Problem>,
    },
    /// The program's own name for the session, by which a later run finds it again.
    Named(String),
    /// The run came to a limit.
    Limit(LimitHit),
    /// The connection is over; nothing of it lives any more.
    RunEnded {
        /// How.
        how: RunEnd,
        /// What was seen last, for people.
        detail: Option<String>,
    },
}

/// What a connection is asked. A run that begins after another was cut off tells by the turn whether this one was asked
/// already: its words may have been asked before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The turn.
    pub turn: TurnId,
    /// Markdown. May be empty when there are images.
    pub text: String,
    /// What is shown with it.
    pub images: Vec<Image>,
}

impl From<&Turn> for Prompt {
    fn from(turn: &Turn) -> Self {
        Self { turn: turn.id.clone(), text: turn.text.clone(), images: turn.images.clone() }
    }
}

/// Something that was said into a turn whose run was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Markdown.
    pub text: String,
    /// The program had taken it in. One that was killed may have lost it all the same: programs write down late what they heard.
    pub heard: bool,
}

/// What has to be done after the facts are on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the scheduler for a place.
    WantPlace,
    /// Give the place back, or the wish for one.
    GivePlaceBack,
    /// Start a connection for this generation.
    StartRun {
        /// The run.
        run: RunId,
        /// Signals carry it.
        generation: u32,
        /// Keys of calls that are done and are not proposed again.
        done: Vec<String>,
        /// The program's own name for the session, when an earlier run had told it.
        resume: Option<String>,
        /// What is asked first; none when the run only has to stand by.
        prompt: Option<Prompt>,
        /// An earlier run was asked the same and did not come to its end.
        again: bool,
        /// What was said into the turn since it began, oldest first.
        words: Vec<Words>,
        /// Older words than those are not told any more: they were too many.
        left_out: bool,
        /// It goes on from a copy of `resume`.
        fork: bool,
        /// The agent was asked something before, in this session or in the one that it is a copy of, and has heard it.
        heard: bool,
    },
    /// End the turn that runs.
    Interrupt,
    /// Ask the standing connection something further.
    Prompt(Prompt),
    /// Say something into the turn that runs.
    Steer {
        /// Markdown.
        text: String,
    },
    /// Tell the standing connection to work in another way.
    Switch {
        /// What.
        dial: Dial,
        /// To what: the program's name for it.
        to: String,
    },
    /// Wake the session at this time: [`Session::restart_due`].
    RestartAt(At),
    /// Tell the driver about a proposed call.
    Deliver {
        /// The call.
        key: String,
        /// The item, under which its output is kept.
        item: ItemId,
        /// Whether it may run.
        allowed: bool,
        /// What the agent is told with a refusal.
        reason: Option<String>,
        /// Whether a person refused, rather than a rule.
        by_person: bool,
        /// What was answered to its questions.
        answers: Answers,
    },
    /// End the connection and everything it started.
    StopRun,
    /// The work that was asked for is over: the task's file should say so.
    Settled(Closed),
    /// A person should be told that something waits.
    Asked(RequestId),
}

/// Facts, and what follows when they are on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// Facts, in order.
    pub events: Vec<Event>,
    /// Effects, in order.
    pub effects: Vec<Effect>,
}

/// Why a command was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The request was answered or withdrawn before.
    #[error("this request is no longer open")]
    RequestNotOpen,
    /// There is no such request or tool call here.
    #[error("there is no such request or tool call in this session")]
    NotHere,
    /// It is over, and the command needs it to be open.
    #[error("this session is over")]
    Over,
    /// It still runs, and the command needs it to be over.
    #[error("this session still runs; stop it first")]
    StillRuns,
    /// It is already being ended.
    #[error("this session is already being stopped")]
    AlreadyStopping,
    /// Nothing is left to go on with.
    #[error("this session is finished; there is nothing to continue")]
    Finished,
    /// It was deleted.
    #[error("this session was deleted")]
    Hidden,
    /// It only shows what an export held.
    #[error("this session was imported; it can be read, and not gone on with")]
    Imported,
    /// Its runtime runs a text once.
    #[error("this session takes no further prompts: its runtime carries out the text of its task")]
    TakesNoPrompts,
    /// There is nothing to ask.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// Its program said that it takes none.
    #[error("its program takes no images")]
    TakesNoImages,
    /// More than a prompt may carry.
    #[error("a message carries at most {} images, and {} MB of them", MAX_PROMPT_IMAGES, MAX_PROMPT_BYTES / 1_000_000)]
    TooManyImages,
    /// No turn runs.
    #[error("nothing runs in this session that could be interrupted")]
    NothingToInterrupt,
    /// No such prompt waits: its turn began, or it was taken back.
    #[error("this message does not wait any more: it was sent, or taken back")]
    NotWaiting,
    /// The program does not offer that.
    #[error("its program does not offer {0:?}")]
    NotOffered(String),
    /// The answers do not fit the questions.
    #[error("{0}")]
    BadAnswers(String),
    /// A question is answered each time that it is asked.
    #[error("a question is answered once: it cannot be allowed for the session or always")]
    OnlyOnce,
    /// So much waits already.
    #[error("as many messages wait for their turn as Nox keeps: {}, or {} MB of text", MAX_WAITING_PROMPTS, MAX_WAITING_BYTES / 1_000_000)]
    TooManyPrompts,
    /// Longer than a message may be.
    #[error("this message has {} KB of text; Nox takes {} KB at once", bytes.div_ceil(1_000), MAX_MESSAGE_BYTES / 1_000)]
    TooLong {
        /// What it has.
        bytes: usize,
    },
    /// It is paused already.
    #[error("this session is paused already")]
    AlreadyPaused,
    /// Nobody has been waiting for it in vain.
    #[error("this session is not silent")]
    NotStalled,
}
