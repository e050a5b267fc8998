//! Claude Code behind its adapter, over ACP.

use super::{Lack, Plan, Program, claude};
use nox_api::domain::agent::Runtime;

pub(super) const PROGRAM: Program = Program {
    name: "claude-acp",
    runtime: Runtime::Acp,
    settings: |agent, places, address| {
        agent.program.preset = Some("claude".into());
        (claude::PROGRAM.settings)(agent, places, address);
    },
    command_line: "claude-agent-acp",
    sees: None,
    plan: match claude::PROGRAM.plan {
        Some(plan) => Some(Plan { goes_on: false, ..plan }),
        None => None,
    },
    lacks: &[
        (Lack::Reason, "The protocol's answer to a permission request has no place for words."),
        (
            Lack::AtOnce,
            "It answers that the words are injected; its model is asked with them when it has answered the call before.",
        ),
        (Lack::Waiting, "It tries again by itself; on its pipes nothing is said meanwhile."),
    ],
    ..claude::PROGRAM
};
