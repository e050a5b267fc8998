//! Names of calls: what would do the same has the same name in every run, and a number when it is there twice.

use std::collections::{BTreeSet, HashMap};

/// The numbers of one name.
#[derive(Debug, Default)]
struct Numbers {
    /// So many were taken.
    taken: u32,
    /// Of these, those that may be taken again.
    free: BTreeSet<u32>,
}

/// The names that are taken in this turn.
#[derive(Debug, Default)]
pub(crate) struct Keys(HashMap<String, Numbers>);

impl Keys {
    /// A key for a call of this name that no other call has.
    ///
    /// It is taken until it is given [`free`](Self::free) or a new turn begins: the answer to a question that a program took back
    /// may be on its way, and must not meet a later call.
    pub(crate) fn take(&mut self, name: &str) -> String {
        let numbers = self.0.entry(name.to_owned()).or_default();
        let number = numbers.free.pop_first().unwrap_or_else(|| {
            numbers.taken = numbers.taken.saturating_add(1);
            numbers.taken
        });
        if number == 1 { name.to_owned() } else { format!("{name}#{number}") }
    }

    /// The call was answered and is over: a later one may have its key.
    pub(crate) fn free(&mut self, key: &str) {
        let numbered = key.rsplit_once('#').and_then(|(name, number)| Some((name, number.parse().ok()?)));
        let (name, number) = numbered.unwrap_or((key, 1));
        if let Some(numbers) = self.0.get_mut(name).filter(|numbers| number <= numbers.taken) {
            numbers.free.insert(number);
        }
    }

    /// A new turn: no answer is on its way any more.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_until_its_call_was_answered_or_the_turn_is_over() {
        let mut keys = Keys::default();
        assert_eq!([keys.take("a:1"), keys.take("a:1"), keys.take("b:1")], ["a:1", "a:1#2", "b:1"]);
        keys.free("a:1");
        assert_eq!([keys.take("a:1"), keys.take("a:1")], ["a:1", "a:1#3"]);
        keys.free("a:1#2");
        assert_eq!(keys.take("a:1"), "a:1#2");
        keys.clear();
        assert_eq!(keys.take("a:1"), "a:1");
    }

    #[test]
    fn the_same_very_often_is_named_in_time() {
        let (mut keys, begun) = (Keys::default(), std::time::Instant::now());
        (0..4_096).for_each(|_| drop(keys.take("a:1")));
        assert!(begun.elapsed().as_secs() < 5, "it took {:?}", begun.elapsed());
    }
}
