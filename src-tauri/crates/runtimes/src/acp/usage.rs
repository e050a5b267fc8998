//! What a turn used. It stands in the answer to the prompt, in its `_meta`, or comes with the last piece of each text; the
//! cost comes in updates, counted over the whole conversation.

use nox_domain::{Size, transcript::Usage};
use serde_json::Value;

/// What was told of the turn that runs.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// Added up from the pieces of texts.
    pieces: Option<Usage>,
    model: String,
    /// Whether anything was said of its cost since the engine was told last.
    is_cost_told: bool,
    /// Of the whole conversation, as it was told last, and as far as it is told to the engine.
    cost_micro_usd: u64,
    told_micro_usd: u64,
}

impl Used {
    /// `spent`: what earlier runs of the conversation have told.
    pub(super) fn new(spent: u64) -> Self {
        Self { cost_micro_usd: spent, told_micro_usd: spent, ..Self::default() }
    }

    /// What all turns have cost, as far as it is told.
    pub(super) fn told(&self) -> u64 {
        self.told_micro_usd
    }

    /// An update of what stands in the context, with the cost so far.
    pub(super) fn update(&mut self, update: &Value) {
        let cost = &update["cost"];
        let amount = cost["amount"].as_f64().filter(|amount| amount.is_finite() && *amount >= 0.0);
        if let Some(amount) = amount.filter(|_| cost["currency"].as_str().is_none_or(|name| name == "USD")) {
            self.cost_micro_usd = (amount * 1e6).round() as u64;
            self.is_cost_told = true;
        }
        if let Some(model) = update["_meta"]["_claude/model"].as_str() {
            self.model = model.to_owned();
        }
    }

    /// What comes with a piece of a text.
    pub(super) fn piece(&mut self, meta: &Value) {
        if let Some(used) = tokens(&meta["usage"]) {
            self.pieces = Some(self.pieces.take().map_or_else(|| used.clone(), |before| before.plus(&used)));
        }
    }

    /// Whether anything was told of the turn that ends with this answer.
    pub(super) fn is_told(&self, result: &Value) -> bool {
        self.pieces.is_some() || tokens(&result["usage"]).is_some() || !result["_meta"]["quota"].is_null()
    }

    /// The turn is over: what it used. `model` is the one that is chosen.
    pub(super) fn take(&mut self, result: &Value, model: Option<&str>) -> Option<Usage> {
        let quota = &result["_meta"]["quota"];
        let pieces = self.pieces.take();
        let used = tokens(&result["usage"]).or_else(|| tokens(&quota["token_count"])).or(pieces);
        let cost = self.cost_micro_usd.checked_sub(self.told_micro_usd).unwrap_or(self.cost_micro_usd);
        self.told_micro_usd = self.cost_micro_usd;
        let mut used = used.or((cost > 0).then(Usage::default))?;
        used.cost_micro_usd = std::mem::take(&mut self.is_cost_told).then_some(Size(cost));
        let named = quota["model_usage"][0]["model"].as_str();
        let own = Some(self.model.as_str()).filter(|name| !name.is_empty());
        used.model = super::faults::short(named.or(own).or(model).unwrap_or_default());
        let is_something = used.input_tokens.0 > 0 || used.output_tokens.0 > 0 || cost > 0;
        is_something.then_some(used)
    }
}

/// Tokens, however they are spelt.
fn tokens(value: &Value) -> Option<Usage> {
    let count = |names: &[&str]| names.iter().find_map(|name| value[*name].as_u64());
    let (input, output) =
        (count(&["inputTokens", "input_tokens"]), count(&["outputTokens", "output_tokens"]));
    if input.is_none() && output.is_none() {
        return None;
    }
    let cached = count(&["cachedReadTokens"]).unwrap_or_default();
    let cached = cached.saturating_add(count(&["cachedWriteTokens"]).unwrap_or_default());
    Some(Usage {
        input_tokens: Size(input.unwrap_or_default()),
        cached_tokens: Size(cached),
        output_tokens: Size(output.unwrap_or_default()),
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cost_is_told_only_when_the_program_told_one() {
        let mut used = Used::new(5);
        let ends = json!({ "usage": { "inputTokens": 1, "outputTokens": 2 } });
        assert_eq!(used.take(&ends, None).and_then(|used| used.cost_micro_usd), None);
        let costs = |amount: f64| json!({ "cost": { "amount": amount, "currency": "USD" } });
        used.update(&costs(0.000_005));
        assert_eq!(used.take(&ends, None).and_then(|used| used.cost_micro_usd), Some(Size(0)));
        used.update(&costs(0.000_012));
        assert_eq!(used.take(&ends, None).and_then(|used| used.cost_micro_usd), Some(Size(7)));
    }
}
