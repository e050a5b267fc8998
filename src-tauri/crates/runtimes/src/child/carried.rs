//! One run for each conversation of a program.

use std::{
    collections::HashSet,
    sync::{LazyLock, Mutex, PoisonError},
};

/// Conversations that some run of this process carries. Two programs that go on with one both succeed, and one of the two
/// branches is lost without a word.
static CARRIED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Holds a conversation until it is dropped.
#[derive(Debug)]
pub(crate) struct Carried(String);

impl Carried {
    /// None when somebody holds it.
    pub(crate) fn take(name: &str) -> Option<Self> {
        let is_new = CARRIED.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        is_new.then(|| Self(name.to_owned()))
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        CARRIED.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}
