//! What Codex offers and plans, as Nox shows it.

use super::quirks::MODES;
use crate::{calls::cut, faults::shown};
use nox_domain::transcript::{Offer, Offers, PlanStep, StepStatus};
use serde_json::Value;

/// Steps of a plan, and models, that are shown.
const MAX_SHOWN: usize = 200;
/// Of a text so much is shown.
const MAX_TEXT_BYTES: usize = 2_000;

/// All that it offers.
pub(super) fn all(mode: &str, model: &str, models: &[Offer]) -> Offers {
    let offer = |(id, name, description): &(&str, &str, &str)| Offer {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
        description: (*description).to_owned(),
    };
    Offers {
        modes: MODES.iter().map(offer).collect(),
        mode: Some(mode.to_owned()),
        models: models.to_vec(),
        model: Some(model.to_owned()).filter(|model| !model.is_empty()),
        commands: Vec::new(),
        steers: true,
        forks: true,
        images: Some(true),
    }
}

/// The models that it lists.
pub(super) fn models(listed: &Value) -> Vec<Offer> {
    let models = listed.as_array().map(Vec::as_slice).unwrap_or_default();
    let visible = models.iter().filter(|model| model["hidden"] != true).take(MAX_SHOWN);
    let offer = |model: &Value| {
        let id = model["model"].as_str().or(model["id"].as_str())?.to_owned();
        Some(Offer { id, name: text(&model["displayName"]), description: text(&model["description"]) })
    };
    visible.filter_map(offer).collect()
}

/// Its plan.
pub(super) fn plan(steps: &Value) -> Vec<PlanStep> {
    let steps = steps.as_array().map(Vec::as_slice).unwrap_or_default().iter().take(MAX_SHOWN);
    let step = |step: &Value| PlanStep {
        text: text(&step["step"]),
        status: match step["status"].as_str() {
            Some("completed") => StepStatus::Completed,
            Some("inProgress") => StepStatus::InProgress,
            _ => StepStatus::Pending,
        },
    };
    steps.map(step).collect()
}

fn text(value: &Value) -> String {
    shown(cut(value.as_str().unwrap_or_default(), MAX_TEXT_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn models_and_plans_are_what_is_listed() {
        let listed =
            json!([{ "model": "a", "displayName": "A" }, { "model": "b", "hidden": true }, { "id": "c" }, 7]);
        let ids: Vec<_> = models(&listed).into_iter().map(|model| model.id).collect();
        assert_eq!(ids, ["a", "c"]);
        let steps = plan(
            &json!([{ "step": "one", "status": "completed" }, { "step": "two", "status": "inProgress" }, 7]),
        );
        let statuses: Vec<_> = steps.iter().map(|step| step.status).collect();
        assert_eq!(statuses, [StepStatus::Completed, StepStatus::InProgress, StepStatus::Pending]);
        assert!(plan(&Value::Null).is_empty() && models(&json!("x")).is_empty());
    }
}
