//! What models cost, how much they read and whether they take images: the built-in table, and the user's own before it.
//!
//! For the drivers that know which model was asked and how it is paid for: `llm`, and `codex` where a key pays.

use nox_domain::{Size, transcript::Usage};
use serde::Deserialize;
use std::path::Path;

const BUILT_IN: &str = include_str!("prices.toml");

/// One entry, in US dollars for a million tokens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    name: String,
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    /// Tokens that it reads at once.
    context: Option<u32>,
    /// It takes images.
    images: Option<bool>,
    /// The user wrote it.
    #[serde(skip)]
    is_own: bool,
    /// Whose it is: it can be chosen there while the server's list is not known.
    provider: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "date")]
    _date: Option<String>,
    #[serde(default)]
    model: Vec<Price>,
}

/// All prices that are known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prices(Vec<Price>);

/// The code of the note that a price is missing.
pub(crate) const MISSING: &str = "no_price";

/// What people are told, once, of a model that has none.
pub(crate) fn missing(model: &str) -> String {
    format!(
        "No price is known for the model {model}, so its cost is not counted. Write it into prices.toml in the home of Nox."
    )
}

/// Tokens of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tokens {
    /// Read, without those from or for a cache.
    pub(crate) input: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
    pub(crate) output: u64,
}

impl Tokens {
    /// All that the model read.
    pub(crate) fn read(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }
}

impl Prices {
    /// The built-in table behind the user's own. A file that cannot be read is named, and the built-in table holds.
    pub(crate) fn read(own: Option<&Path>) -> (Self, Option<String>) {
        let built_in = parse(BUILT_IN).unwrap_or_default();
        let Some(path) = own.filter(|path| path.exists()) else { return (Self(built_in), None) };
        let own = std::fs::read_to_string(path).map_err(|error| error.to_string());
        match own.and_then(|text| parse(&text)) {
            Ok(mut own) => {
                own.iter_mut().for_each(|price| price.is_own = true);
                own.extend(built_in);
                (Self(own), None)
            }
            Err(error) => {
                let text = format!("{} cannot be read, so the built-in prices hold: {error}", path.display());
                (Self(built_in), Some(text))
            }
        }
    }

    fn of(&self, model: &str) -> Option<&Price> {
        let model = plain(model);
        let mut best: Option<(&Price, usize)> = None;
        for price in &self.0 {
            let name = plain(&price.name);
            if model.starts_with(&name) && best.is_none_or(|(_, length)| name.len() > length) {
                best = Some((price, name.len()));
            }
        }
        best.map(|(price, _)| price)
    }

    /// What a request cost, in millionths of a US dollar; none when no price is known.
    pub(crate) fn cost(&self, model: &str, tokens: &Tokens) -> Option<Size> {
        let price = self.of(model)?;
        // A later model is not sold at the price of the one whose name its own begins with.
        let rest = plain(model).split_off(plain(&price.name).len());
        if !price.is_own && !is_same_model(&rest) {
            return None;
        }
        // A dollar for a million tokens is a millionth of a dollar for a token.
        let cost = tokens.input as f64 * price.input
            + tokens.output as f64 * price.output
            + tokens.cache_read as f64 * price.cache_read.unwrap_or(price.input)
            + tokens.cache_write as f64 * price.cache_write.unwrap_or(price.input);
        Some(Size(cost.max(0.0).round() as u64))
    }

    /// Whether a model takes images, if that is known.
    pub(crate) fn takes_images(&self, model: &str) -> Option<bool> {
        self.of(model)?.images
    }

    /// Models of a provider.
    pub(crate) fn models_of(&self, provider: &str) -> impl Iterator<Item = &str> {
        // Both of its wires have the same.
        let provider = provider.strip_suffix("_responses").unwrap_or(provider);
        let of_provider = move |price: &&Price| price.provider.as_deref() == Some(provider);
        self.0.iter().filter(of_provider).map(|price| price.name.as_str())
    }

    /// A request as it is told: a model on this computer costs nothing, and what has no price costs nobody knows what.
    pub(crate) fn usage(&self, model: &str, tokens: &Tokens, is_local: bool) -> Usage {
        Usage {
            model: model.to_owned(),
            input_tokens: Size(tokens.input),
            cached_tokens: Size(tokens.cache_read.saturating_add(tokens.cache_write)),
            output_tokens: Size(tokens.output),
            cost_micro_usd: if is_local { Some(Size(0)) } else { self.cost(model, tokens) },
        }
    }

    /// Tokens that a model reads at once, if that is known.
    pub(crate) fn context(&self, model: &str) -> Option<u32> {
        self.of(model)?.context
    }
}

/// A name as it is compared: a router names the maker in front, and some write a stroke for a dot.
fn plain(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_lowercase().replace('.', "-")
}

/// Whether what follows a model's name is its date, and no name of another.
fn is_same_model(rest: &str) -> bool {
    let figures = rest.chars().filter(char::is_ascii_digit).count();
    let is_date =
        figures >= 4 && rest.starts_with('-') && rest.chars().all(|c| c == '-' || c.is_ascii_digit());
    rest.is_empty() || rest == "-latest" || is_date
}

fn parse(text: &str) -> Result<Vec<Price>, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let odd = |price: &&Price| {
        let all = [Some(price.input), Some(price.output), price.cache_read, price.cache_write];
        price.name.trim().is_empty() || all.into_iter().flatten().any(|cost| !cost.is_finite() || cost < 0.0)
    };
    match table.model.iter().find(odd) {
        Some(price) => Err(format!("the model {:?} needs a name and prices of 0 or more", price.name)),
        None => Ok(table.model),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn built_in() -> Prices {
        Prices::read(None).0
    }

    #[test]
    fn what_costs_nothing_is_told_apart_from_what_nobody_knows_the_price_of() {
        let prices = built_in();
        let tokens = Tokens { input: 7, output: 3, ..Tokens::default() };
        let cost = |model: &str, is_local: bool| prices.usage(model, &tokens, is_local).cost_micro_usd;
        assert_eq!(cost("qwen3:8b", true), Some(Size(0)));
        assert_eq!(cost("gpt-4o", true), Some(Size(0)));
        assert!(cost("gpt-4o", false).is_some_and(|cost| cost.0 > 0));
        assert_eq!(cost("a model that nobody sells", false), None);
    }

    #[test]
    fn the_built_in_table_is_right_in_form_and_the_longest_name_counts() {
        assert!(parse(BUILT_IN).unwrap().len() > 10);
        let tokens = Tokens { input: 1_000_000, output: 1_000_000, ..Tokens::default() };
        assert_eq!(built_in().cost("gpt-5-mini-2025-08-07", &tokens), Some(Size(2_250_000)));
        assert_eq!(built_in().cost("gpt-5.1", &tokens), Some(Size(11_250_000)));
        assert_eq!(built_in().cost("anthropic/claude-opus-4.5", &tokens), Some(Size(30_000_000)));
        assert_eq!(built_in().cost("somebody-else", &tokens), None);
        assert_eq!(built_in().cost("gpt-5-latest", &tokens), Some(Size(11_250_000)));
        for later in ["gpt-5.9", "gpt-5-ultra", "claude-opus-4-9", "gpt-5-4"] {
            assert_eq!(built_in().cost(later, &tokens), None, "{later} is another model");
        }
        assert_eq!(built_in().context("gpt-5.9"), Some(400_000), "it reads no less");
        assert_eq!(built_in().context("gpt-4o"), Some(128_000));
        assert_eq!(built_in().takes_images("anthropic/claude-sonnet-4.5"), Some(true));
        assert_eq!(built_in().takes_images("somebody-else"), None);
        let models: Vec<_> = built_in().models_of("openai_responses").map(str::to_owned).collect();
        assert!(models.contains(&"gpt-5".to_owned()) && models.iter().all(|name| !name.contains("claude")));
    }

    #[test]
    fn a_cache_has_its_own_prices() {
        let tokens = Tokens { input: 1000, cache_read: 1000, cache_write: 1000, output: 0 };
        assert_eq!(built_in().cost("claude-sonnet-4-5", &tokens), Some(Size(3_000 + 300 + 3_750)));
        assert_eq!(built_in().cost("gpt-4o", &tokens), Some(Size(2_500 + 1_250 + 2_500)));
    }

    #[test]
    fn the_users_prices_come_first_and_a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.toml");
        std::fs::write(&path, "[[model]]\nname = \"gpt-4o\"\ninput = 1\noutput = 2\n").unwrap();
        let (prices, fault) = Prices::read(Some(&path));
        assert_eq!(fault, None);
        let tokens = Tokens { input: 10, output: 10, ..Tokens::default() };
        assert_eq!(prices.cost("gpt-4o", &tokens), Some(Size(30)));
        assert_eq!(prices.cost("gpt-4o-of-ours", &tokens), Some(Size(30)), "the user's names stand for more");
        for broken in ["[[model]]\nname = 1", "[[model]]\nname = \"x\"\ninput = -1\noutput = 2\n"] {
            std::fs::write(&path, broken).unwrap();
            let (prices, fault) = Prices::read(Some(&path));
            assert_eq!(prices, built_in());
            assert!(fault.unwrap().contains("prices.toml"));
        }
    }
}
