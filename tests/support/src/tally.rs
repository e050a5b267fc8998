//! Counts how often each promise was tried and broken, and which seed breaks it again.

use std::collections::BTreeMap;

/// What came of the tries, by promise.
#[derive(Debug, Clone, Default)]
pub struct Tally(BTreeMap<String, Promise>);

/// What came of the tries of one promise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promise {
    /// How often it was looked at.
    pub tries: u64,
    /// How often it was broken.
    pub failures: u64,
    /// The seed of the first failure.
    pub seed: Option<u64>,
    /// What was wrong then.
    pub wrong: String,
}

impl Tally {
    /// A try; what was wrong first is remembered with its seed, and the test goes on.
    pub fn check(&mut self, seed: u64, promise: &str, kept: bool, wrong: impl FnOnce() -> String) {
        let entry = self.entry(promise);
        entry.tries += 1;
        if !kept {
            entry.failures += 1;
            if entry.seed.is_none() {
                entry.seed = Some(seed);
                entry.wrong = wrong();
            }
        }
    }

    /// Takes in what another one counted.
    pub fn add(&mut self, promise: &str, other: &Promise) {
        let entry = self.entry(promise);
        entry.tries += other.tries;
        entry.failures += other.failures;
        if entry.seed.is_none() {
            entry.seed = other.seed;
            entry.wrong.clone_from(&other.wrong);
        }
    }

    /// Takes in everything that another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (name, promise) in &other.0 {
            self.add(name, promise);
        }
    }

    /// The promises by name.
    pub fn promises(&self) -> impl Iterator<Item = (&str, &Promise)> {
        self.0.iter().map(|(name, promise)| (name.as_str(), promise))
    }

    /// Ends a test with the table if a promise was broken.
    ///
    /// # Panics
    /// When one was.
    pub fn close(self) {
        let line = |(name, promise): (&String, &Promise)| {
            let Promise { tries, failures, seed, wrong } = promise;
            format!("{name}: {failures} of {tries}: NOX_TEST_SEED={}: {wrong}", seed.unwrap_or_default())
        };
        let broken: Vec<String> =
            self.0.iter().filter(|(_, promise)| promise.failures > 0).map(line).collect();
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }

    fn entry(&mut self, promise: &str) -> &mut Promise {
        self.0.entry(promise.to_owned()).or_default()
    }
}
