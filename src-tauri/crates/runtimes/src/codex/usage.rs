//! What was used, thread by thread: Codex counts over a whole conversation, over all of its runs.

use nox_domain::{Size, transcript::Usage};
use serde_json::Value;
use std::collections::HashMap;

/// Threads that are counted; those of sub-agents count too.
const MAX_THREADS: usize = 1_024;

/// What had been used when it was told last.
#[derive(Debug)]
pub(super) struct Counted {
    /// Whether nothing was used before this run.
    is_new: bool,
    totals: HashMap<String, Tokens>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tokens {
    input: u64,
    cached: u64,
    output: u64,
}

impl Tokens {
    fn of(said: &Value) -> Self {
        let count = |name: &str| said[name].as_u64().unwrap_or_default();
        let cached = count("cachedInputTokens");
        Self {
            input: count("inputTokens").saturating_sub(cached),
            cached: cached.saturating_add(count("cacheWriteInputTokens")),
            output: count("outputTokens"),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_sub(other.input),
            cached: self.cached.saturating_sub(other.cached),
            output: self.output.saturating_sub(other.output),
        }
    }
}

impl Counted {
    /// Before anything was told; `is_new` when it is about a new conversation.
    pub(super) fn of(is_new: bool) -> Self {
        Self { is_new, totals: HashMap::new() }
    }

    /// What was used since it was told last. `in_turn`: it is about the turn that runs, and not about what was before.
    ///
    /// What it costs is not told.
    pub(super) fn used(&mut self, params: &Value, in_turn: bool, model: &str) -> Option<Usage> {
        let thread = params["threadId"].as_str()?;
        let usage = &params["tokenUsage"];
        let total = Tokens::of(&usage["total"]);
        if self.totals.len() >= MAX_THREADS && !self.totals.contains_key(thread) {
            return None;
        }
        let used = match self.totals.insert(thread.to_owned(), total) {
            Some(before) => total.minus(before),
            // What a copy or a run before had used is in the total.
            None if in_turn && self.is_new => total,
            None if in_turn => Tokens::of(&usage["last"]),
            None => Tokens::default(),
        };
        (used != Tokens::default()).then(|| Usage {
            model: model.to_owned(),
            input_tokens: Size(used.input),
            cached_tokens: Size(used.cached),
            output_tokens: Size(used.output),
            cost_micro_usd: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(total: u64, last: u64) -> Value {
        let tokens =
            |input: u64| json!({ "inputTokens": input, "cachedInputTokens": input / 2, "outputTokens": 1 });
        json!({ "threadId": "t", "tokenUsage": { "total": tokens(total), "last": tokens(last) } })
    }

    fn read(counted: &mut Counted, total: u64, last: u64, in_turn: bool) -> Option<(u64, u64)> {
        let used = counted.used(&told(total, last), in_turn, "m")?;
        assert_eq!(used.cost_micro_usd, None, "it tells none");
        Some((used.input_tokens.0, used.cached_tokens.0))
    }

    #[test]
    fn what_was_used_before_is_not_counted_again() {
        let mut new = Counted::of(true);
        assert_eq!(read(&mut new, 100, 100, true), Some((50, 50)));
        assert_eq!(read(&mut new, 100, 100, true), None, "told again");
        assert_eq!(read(&mut new, 300, 200, true), Some((100, 100)));
        let mut resumed = Counted::of(false);
        assert_eq!(read(&mut resumed, 300, 200, false), None, "of the run before");
        assert_eq!(read(&mut resumed, 400, 100, true), Some((50, 50)));
        let mut copy = Counted::of(false);
        assert_eq!(
            read(&mut copy, 500, 200, true),
            Some((100, 100)),
            "the copy begins with all that was used"
        );
    }
}
