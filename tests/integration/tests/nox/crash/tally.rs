//! Counts how often each promise was tried and broken, and prints a line for each.

use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Tally(BTreeMap<&'static str, Promise>);

#[derive(Default)]
struct Promise {
    tries: u32,
    failures: u32,
    first: String,
}

impl Tally {
    /// A try; what was wrong is remembered, and the test goes on.
    pub(super) fn check(&mut self, promise: &'static str, kept: bool, wrong: impl FnOnce() -> String) {
        let entry = self.0.entry(promise).or_default();
        entry.tries += 1;
        if !kept {
            entry.failures += 1;
            if entry.first.is_empty() {
                entry.first = wrong();
            }
        }
    }

    /// Prints the table and ends the test if a promise was broken.
    pub(super) fn close(self, seed: u64) {
        println!("{:<58} {:>6} {:>9}  seed {seed}", "promise", "tries", "failures");
        for (name, promise) in &self.0 {
            println!("{name:<58} {:>6} {:>9}", promise.tries, promise.failures);
        }
        let broken: Vec<String> = self
            .0
            .iter()
            .filter(|(_, promise)| promise.failures > 0)
            .map(|(name, promise)| {
                format!("{name}: {} of {}: {}", promise.failures, promise.tries, promise.first)
            })
            .collect();
        assert!(broken.is_empty(), "NOX_TEST_SEED={seed}\n{}", broken.join("\n"));
    }
}
