//! The agent's plan: told whole, whenever it changes.

use super::{Desk, Look, Tool, Work, call, object, string};
use nox_domain::{
    tool::ToolKind,
    transcript::{PlanStep, StepStatus},
};
use serde_json::{Value, json};

pub(super) const TOOL: Tool = Tool {
    name: "todo",
    description: "Tells your plan, all of it, whenever it changes. Use it for work of several steps.",
    schema: || {
        let status = json!({ "type": "string", "enum": ["pending", "in_progress", "completed"] });
        let step = object(&[("content", string("The step")), ("status", status)], 2);
        object(&[("todos", json!({ "type": "array", "items": step }))], 1)
    },
    look,
};

/// Steps of a plan.
const STEPS: usize = 100;

fn look(input: &Value, desk: &Desk) -> Result<Look, String> {
    let steps = input["todos"].as_array().ok_or("todos has to be a list of steps")?;
    if steps.len() > STEPS {
        return Err(format!("a plan has at most {STEPS} steps"));
    }
    let mut plan = Vec::new();
    for step in steps {
        let text = step["content"].as_str().map(str::trim).filter(|text| !text.is_empty());
        plan.push(PlanStep {
            text: text.ok_or("a step has no content")?.to_owned(),
            status: match step["status"].as_str() {
                Some("completed") => StepStatus::Completed,
                Some("in_progress") => StepStatus::InProgress,
                _ => StepStatus::Pending,
            },
        });
    }
    let call = call(ToolKind::Think, "Plan".into(), input, desk);
    Ok(Look { call, work: Work::Plan(plan) })
}
