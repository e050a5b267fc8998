//! What was used, thread by thread: Codex counts over a whole conversation, over all of its runs. And what that cost.

use crate::{
    child::Act,
    prices::{self, Prices, Tokens},
};
use nox_domain::session::Signal;
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

/// How the model server is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paid {
    /// It is on this computer, and wants no key.
    Nothing,
    /// By a key: for each token.
    ByKey,
    /// By a sign-in, or nobody knows.
    Otherwise,
}

/// What a thread has used, of each kind. The tokens in hold those that came from a cache or went into one.
fn tokens(said: &Value) -> Tokens {
    let count = |name: &str| said[name].as_u64().unwrap_or_default();
    let (cache_read, cache_write) = (count("cachedInputTokens"), count("cacheWriteInputTokens"));
    Tokens {
        input: count("inputTokens").saturating_sub(cache_read).saturating_sub(cache_write),
        cache_read,
        cache_write,
        output: count("outputTokens"),
    }
}

fn since(now: &Tokens, before: &Tokens) -> Tokens {
    Tokens {
        input: now.input.saturating_sub(before.input),
        cache_read: now.cache_read.saturating_sub(before.cache_read),
        cache_write: now.cache_write.saturating_sub(before.cache_write),
        output: now.output.saturating_sub(before.output),
    }
}

impl Counted {
    /// Before anything was told; `is_new` when it is about a new conversation.
    pub(super) fn of(is_new: bool) -> Self {
        Self { is_new, totals: HashMap::new() }
    }

    /// What was used since it was told last. `in_turn`: it is about the turn that runs, and not about what was before.
    pub(super) fn used(&mut self, params: &Value, in_turn: bool) -> Option<Tokens> {
        let thread = params["threadId"].as_str()?;
        let usage = &params["tokenUsage"];
        let total = tokens(&usage["total"]);
        if self.totals.len() >= MAX_THREADS && !self.totals.contains_key(thread) {
            return None;
        }
        let used = match self.totals.insert(thread.to_owned(), total) {
            Some(before) => since(&total, &before),
            // What a copy or a run before had used is in the total.
            None if in_turn && self.is_new => total,
            None if in_turn => tokens(&usage["last"]),
            None => Tokens::default(),
        };
        (used != Tokens::default()).then_some(used)
    }
}

/// Prices, and whether they hold here.
pub(super) struct Costs {
    prices: Prices,
    /// None as long as only its sign-in could say.
    paid: Option<Paid>,
    is_missing_told: bool,
}

impl Costs {
    pub(super) fn new(prices: Prices, paid: Option<Paid>) -> Self {
        Self { prices, paid, is_missing_told: false }
    }

    /// Its own sign-in: a key, or a person's.
    pub(super) fn signed_in(&mut self, account: &Value) {
        if self.paid.is_none() && account["type"] == "apiKey" {
            self.paid = Some(Paid::ByKey);
        }
    }

    /// Tokens with what they cost. Codex tells no price: it comes from the table where a key pays. A model that is not known
    /// costs nobody knows what, which is noted once.
    pub(super) fn tell(&mut self, tokens: &Tokens, model: &str, out: &mut Vec<Act>) {
        let mut used = self.prices.usage(model, tokens, self.paid == Some(Paid::Nothing));
        match self.paid {
            None | Some(Paid::Otherwise) => used.cost_micro_usd = None,
            Some(Paid::ByKey)
                if used.cost_micro_usd.is_none()
                    && !model.is_empty()
                    && !std::mem::replace(&mut self.is_missing_told, true) =>
            {
                out.push(Act::Tell(Signal::Noted(prices::MISSING.into(), prices::missing(model))));
            }
            _ => {}
        }
        out.push(Act::Tell(Signal::Used(used)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn told(total: u64, last: u64) -> Value {
        let tokens =
            |input: u64| json!({ "inputTokens": input, "cachedInputTokens": input / 2, "outputTokens": 1 });
        json!({ "threadId": "t", "tokenUsage": { "total": tokens(total), "last": tokens(last) } })
    }

    fn read(counted: &mut Counted, total: u64, last: u64, in_turn: bool) -> Option<(u64, u64)> {
        let used = counted.used(&told(total, last), in_turn)?;
        Some((used.input, used.cache_read))
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

    fn costs(paid: Paid, model: &str, said: &Value) -> (Option<u64>, usize) {
        let mut costs = Costs::new(Prices::read(None).0, Some(paid));
        let mut out = Vec::new();
        for _ in 0..2 {
            costs.tell(&tokens(said), model, &mut out);
        }
        let used = out.iter().rev().find_map(|act| match act {
            Act::Tell(Signal::Used(used)) => Some(used),
            _ => None,
        });
        let used = used.unwrap();
        assert_eq!((used.input_tokens.0, used.cached_tokens.0, used.output_tokens.0), (1_000, 6_000, 100));
        (used.cost_micro_usd.map(|cost| cost.0), out.len() - 2)
    }

    #[test]
    fn a_key_pays_by_the_table_and_what_comes_from_a_cache_at_its_price() {
        let said = json!({ "inputTokens": 7_000, "cachedInputTokens": 4_000, "cacheWriteInputTokens": 2_000,
            "outputTokens": 100 });
        // 1,000 and 2,000 at 1.25, 4,000 at 0.125, 100 at 10 dollars for a million.
        assert_eq!(costs(Paid::ByKey, "gpt-5", &said), (Some(1_250 + 2_500 + 500 + 1_000), 0));
        assert_eq!(costs(Paid::ByKey, "gpt-99", &said), (None, 1), "said once");
        assert_eq!(costs(Paid::Otherwise, "gpt-5", &said), (None, 0), "a sign-in pays in another way");
        for (kind, wanted) in [("chatgpt", None), ("apiKey", Some(Paid::ByKey))] {
            let mut own = Costs::new(Prices::read(None).0, None);
            own.signed_in(&json!({ "type": kind }));
            assert_eq!(own.paid, wanted, "{kind}");
        }
        assert_eq!(costs(Paid::Nothing, "qwen", &said), (Some(0), 0));
    }
}
