//! What is done while calls of the system fail: one entry for each scenario.

use nox_api::{
    domain::{
        agent::AgentPatch,
        event::PreAllowed,
        ids::{AgentId, CommandId, RequestId, TaskId},
        rows::RequestState,
        task::TaskPatch,
        tool::Decision,
    },
    dto::*,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What earlier steps have told, kept beside the home for the process that goes on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) task: Option<TaskId>,
    pub(super) request: Option<RequestId>,
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
}

/// A scenario: what is prepared on a good disk, and what is done on a failing one.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) before: &'static [Step],
    pub(super) steps: &'static [Step],
    /// Whether the database is brought back to schema 1 before, so that it is migrated.
    pub(super) old: bool,
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

/// Every scenario, the one of the quick form first.
pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "task moved",
        before: &[MAKE],
        steps: &[Step::Do("move_task", |known| {
            value(&MoveTask {
                task: task(known),
                to: Target::Backlog,
                after: None,
                before: None,
                agent: None,
            })
        })],
        old: false,
    },
    Scenario { name: "append", before: &[MAKE_BLOCK], steps: &[START, Step::UntilAsked], old: false },
    Scenario {
        name: "approval answered",
        before: ASKED,
        steps: &[Step::Do("answer_request", |known| answer(known, Decision::AllowOnce))],
        old: false,
    },
    Scenario {
        name: "rule always",
        before: ASKED,
        steps: &[Step::Do("answer_request", |known| answer(known, Decision::AllowAlways))],
        old: false,
    },
    Scenario { name: "task created", before: &[], steps: &[MAKE], old: false },
    Scenario {
        name: "task deleted and brought back",
        before: &[MAKE],
        steps: &[
            Step::Do("delete_task", |known| value(&OneTask { task: task(known) })),
            Step::Do("undo", |known| value(&Undo { command: command(known) })),
        ],
        old: false,
    },
    Scenario {
        name: "agent changed",
        before: &[MAKE_AGENT],
        steps: &[Step::Do("change_agent", |_| {
            let patch = AgentPatch { description: Some("Second".into()), ..AgentPatch::default() };
            value(&ChangeAgent { agent: AgentId::from_name("chaos"), patch })
        })],
        old: false,
    },
    Scenario { name: "hand edit taken over", before: &[MAKE], steps: &[Step::EditByHand], old: false },
    Scenario { name: "migration from schema 1", before: ASKED, steps: &[MAKE], old: true },
    Scenario {
        name: "task text changed",
        before: &[MAKE],
        steps: &[Step::Do("change_task", |known| {
            let patch = TaskPatch { body: Some("Other words.".into()), ..TaskPatch::default() };
            value(&ChangeTask { task: task(known), patch, base: None })
        })],
        old: false,
    },
    Scenario {
        name: "agent deleted and brought back",
        before: &[MAKE_AGENT],
        steps: &[
            Step::Do("delete_agent", |_| value(&OneAgent { agent: AgentId::from_name("chaos") })),
            Step::Do("undo", |known| value(&Undo { command: command(known) })),
        ],
        old: false,
    },
    Scenario {
        name: "settings changed",
        before: &[],
        steps: &[Step::Do("change_settings", |_| {
            value(&ChangeSettings { max_live_runs: Some(3), ..ChangeSettings::default() })
        })],
        old: false,
    },
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
    value(&AnswerRequest { request, decision, reason: None, rule: None })
}

fn task(known: &Known) -> TaskId {
    known.task.clone().expect("a task is known")
}

fn command(known: &Known) -> CommandId {
    known.command.clone().expect("a command is known")
}
