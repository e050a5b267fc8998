//! What is done while calls of the system fail: one entry for each scenario.

use nox_api::{
    domain::{
        agent::{AgentPatch, Runtime},
        event::PreAllowed,
        ids::{AgentId, CommandId, RequestId, SessionId, TaskId},
        rows::{RequestState, SessionState},
        task::TaskPatch,
        tool::Decision,
    },
    dto::*,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// What earlier steps have told, kept beside the home for the process that goes on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) task: Option<TaskId>,
    pub(super) request: Option<RequestId>,
    pub(super) session: Option<SessionId>,
    /// The folder of the home; another one for each run.
    #[serde(skip)]
    pub(super) root: PathBuf,
    /// The last command that was acknowledged.
    pub(super) command: Option<CommandId>,
}

/// One step.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// A command: its operation, and its input from what is known.
    Do(&'static str, fn(&Known) -> Value),
    /// The session asks; its request is known from then on.
    UntilAsked,
    /// The task's file gets another title by hand, and its card shows that.
    EditByHand,
    /// The session is over. A person lets it go on where it waits for one, and skips what nobody saw the end of.
    Finish,
    /// The session is in such a state.
    Until(fn(&SessionState) -> bool),
    /// The session has said this.
    UntilSaid(&'static str),
    /// The session is written into a file of this name beside the home; how long it is becomes part of the picture.
    Export(&'static str),
    /// A file as an export writes it, of a session with so many messages, is put beside the home.
    PutExport(&'static str, usize),
    /// All sessions that are over are archived, and the database is written anew without its holes.
    Archive,
}

/// A scenario: what is prepared on a good disk, and what is done on a failing one.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) before: &'static [Step],
    pub(super) steps: &'static [Step],
    /// Whether the database is brought back to schema 1 before, so that it is migrated.
    pub(super) old: bool,
    /// The most points that are tried; where there are more, lots are drawn. None tries every one.
    pub(super) most: Option<u32>,
}

impl Scenario {
    const fn new(name: &'static str, before: &'static [Step], steps: &'static [Step]) -> Self {
        Self { name, before, steps, old: false, most: None }
    }
}

/// A title that nobody types.
pub(super) const BY_HAND: &str = "Written by hand";

const MAKE: Step = Step::Do("create_task", |_| make("A task", "Words."));
const MAKE_BLOCK: Step = Step::Do("create_task", |_| make("Asks", "```sh\necho asked\n```\n"));
const START: Step = Step::Do("start_task", |known| {
    value(&StartTask { task: task(known), agent: None, folder: None, pre_allowed: PreAllowed::Nothing })
});
const MAKE_AGENT: Step = Step::Do("create_agent", |_| {
    value(&CreateAgent { name: "Chaos".into(), description: "First".into(), ..CreateAgent::default() })
});
const ASKED: &[Step] = &[MAKE_BLOCK, START, Step::UntilAsked];
const DONE_AND_EXPORTED: &[Step] = &[
    MAKE_BLOCK,
    START,
    Step::UntilAsked,
    Step::Do("answer_request", |known| answer(known, Decision::AllowOnce)),
    Step::Finish,
    Step::Export("done.jsonl"),
];
const SLEEPS: Step = Step::Until(|state| matches!(state, SessionState::Hibernated { .. }));
const TALK: &str = "```recorded\n{\"say\":\"one\"}\n{\"end\":\"end\"}\n{\"say\":\"two\"}\n{\"end\":\"end\"}\n{\"say\":\"three\"}\n```\n";

/// Every scenario, the one of the quick form first.
pub(super) const ALL: &[Scenario] = &[
    Scenario::new(
        "task moved",
        &[MAKE],
        &[Step::Do("move_task", |known| {
            value(&MoveTask {
                task: task(known),
                to: Target::Backlog,
                after: None,
                before: None,
                agent: None,
            })
        })],
    ),
    Scenario::new("append", &[MAKE_BLOCK], &[START, Step::UntilAsked]),
    Scenario::new(
        "approval answered",
        ASKED,
        &[Step::Do("answer_request", |known| answer(known, Decision::AllowOnce)), Step::Finish],
    ),
    Scenario::new(
        "rule always",
        ASKED,
        &[Step::Do("answer_request", |known| answer(known, Decision::AllowAlways)), Step::Finish],
    ),
    Scenario::new("task created", &[], &[MAKE]),
    Scenario::new(
        "task deleted and brought back",
        &[MAKE],
        &[
            Step::Do("delete_task", |known| value(&OneTask { task: task(known) })),
            Step::Do("undo", |known| value(&Undo { command: command(known), of: None })),
        ],
    ),
    Scenario::new(
        "agent changed",
        &[MAKE_AGENT],
        &[Step::Do("change_agent", |_| {
            let patch = AgentPatch { description: Some("Second".into()), ..AgentPatch::default() };
            value(&ChangeAgent { agent: AgentId::from_name("chaos"), patch, base: None })
        })],
    ),
    Scenario::new("hand edit taken over", &[MAKE], &[Step::EditByHand]),
    Scenario { old: true, ..Scenario::new("migration from schema 1", ASKED, &[MAKE]) },
    Scenario::new(
        "task text changed",
        &[MAKE],
        &[Step::Do("change_task", |known| {
            let patch = TaskPatch { body: Some("Other words.".into()), ..TaskPatch::default() };
            value(&ChangeTask { task: task(known), patch, base: None })
        })],
    ),
    Scenario::new(
        "agent deleted and brought back",
        &[MAKE_AGENT],
        &[
            Step::Do("delete_agent", |_| value(&OneAgent { agent: AgentId::from_name("chaos") })),
            Step::Do("undo", |known| value(&Undo { command: command(known), of: None })),
        ],
    ),
    Scenario::new(
        "settings changed",
        &[],
        &[Step::Do("change_settings", |_| {
            value(&ChangeSettings { max_live_runs: Some(3), ..ChangeSettings::default() })
        })],
    ),
    Scenario::new(
        "session imported",
        DONE_AND_EXPORTED,
        &[Step::Do("import_session", |known| import(known, "done.jsonl")), Step::Export("again.jsonl")],
    ),
    // More than one transaction holds, so it is announced first and gone on with. Most of its calls are pages of these
    // transactions: lots are drawn.
    Scenario {
        most: Some(400),
        ..Scenario::new(
            "long session imported",
            &[Step::PutExport("long.jsonl", 1_100)],
            &[Step::Do("import_session", |known| import(known, "long.jsonl")), Step::Export("again.jsonl")],
        )
    },
    // Each run waits for two sleeps of a second.
    Scenario {
        most: Some(250),
        ..Scenario::new(
            "session sleeps and is woken",
            &[
                Step::Do("change_settings", |_| {
                    value(&ChangeSettings { hibernate_after_seconds: Some(1), ..ChangeSettings::default() })
                }),
                Step::Do("create_agent", |_| {
                    let runtime = Runtime::Recorded;
                    let review = Some(false);
                    value(&CreateAgent { name: "Player".into(), runtime, review, ..CreateAgent::default() })
                }),
                Step::Do("create_task", |_| {
                    let agent = Some(AgentId::from_name("player"));
                    let (title, body) = ("Talk".into(), TALK.into());
                    value(&CreateTask { title, body, agent, ..CreateTask::default() })
                }),
            ],
            &[
                START,
                SLEEPS,
                Step::Do("prompt_session", |known| {
                    value(&PromptSession { session: session(known), text: "More".into(), images: vec![] })
                }),
                Step::UntilSaid("two"),
                SLEEPS,
            ],
        )
    },
    Scenario::new("sessions archived", DONE_AND_EXPORTED, &[Step::Archive, Step::Export("again.jsonl")]),
];

/// The scenario of this name.
pub(super) fn find(name: &str) -> Option<&'static Scenario> {
    ALL.iter().find(|scenario| scenario.name == name)
}

/// What a home holds, without what differs from run to run: the same after a scenario, whatever failed in it.
pub(super) fn portrait(all: &Snapshot, policy: &PolicyView, bodies: &[String]) -> Vec<String> {
    let mut lines = bodies.to_vec();
    for card in &all.cards {
        lines.push(format!("task {} {:?} {:?}", card.task.title, card.task.status, card.task.agent));
    }
    lines.extend(all.agents.iter().map(|row| format!("agent {} {}", row.agent.name, row.agent.description)));
    for row in &all.requests {
        let state = match &row.state {
            RequestState::Answered { decision, .. } => format!("{decision:?}"),
            RequestState::Open => "open".to_owned(),
            RequestState::Withdrawn { .. } => "withdrawn".to_owned(),
        };
        lines.push(format!("request {} {state}", row.title));
    }
    lines.extend(all.sessions.iter().map(|view| format!("session {}", view.row.title)));
    lines.extend(all.problems.iter().map(|problem| format!("problem {} {}", problem.path, problem.message)));
    lines.push(format!("{} rules, {} live runs", policy.policy.rules.len(), all.settings.max_live_runs));
    lines.sort();
    lines
}

fn value(input: &impl Serialize) -> Value {
    serde_json::to_value(input).unwrap()
}

fn make(title: &str, body: &str) -> Value {
    value(&CreateTask { title: title.into(), body: body.into(), ..CreateTask::default() })
}

fn answer(known: &Known, decision: Decision) -> Value {
    let request = known.request.clone().expect("a request is known");
    value(&AnswerRequest { request, decision, reason: None, answers: Default::default(), rule: None })
}

fn task(known: &Known) -> TaskId {
    known.task.clone().expect("a task is known")
}

fn session(known: &Known) -> SessionId {
    known.session.clone().expect("a session is known")
}

fn import(known: &Known, name: &str) -> Value {
    value(&ImportSession { path: known.root.join(name).display().to_string() })
}

fn command(known: &Known) -> CommandId {
    known.command.clone().expect("a command is known")
}
