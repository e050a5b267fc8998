//! Texts and thoughts that a program is writing: items from their first word on, with bounds.

use super::Act;
use nox_domain::{ids::ItemId, session::Signal};

/// Texts that are open at once; one more ends the oldest.
const MAX_OPEN: usize = 64;
/// Of one text so much goes into the conversation. All of it goes into its output.
const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// What stands in the place of the rest.
const CUT: &str = "\n\n[The rest of this text is longer than a conversation keeps.]";

struct Open<K> {
    key: K,
    item: ItemId,
    text: String,
    cut: bool,
}

/// Texts that are open, by the program's name for each.
pub(crate) struct Texts<K> {
    open: Vec<Open<K>>,
    fresh: Box<dyn FnMut() -> ItemId + Send>,
}

impl<K: PartialEq> Texts<K> {
    /// None is open. `fresh` makes names of items.
    pub(crate) fn new(fresh: impl FnMut() -> ItemId + Send + 'static) -> Self {
        Self { open: Vec::new(), fresh: Box::new(fresh) }
    }

    /// A text, or a thought, begins. One of the same name ends first: it was cut off.
    pub(crate) fn begin(&mut self, key: K, thought: bool, out: &mut Vec<Act>) {
        self.end(&key, out);
        if self.open.len() == MAX_OPEN {
            let oldest = self.open.remove(0);
            close(oldest, out);
        }
        let item = (self.fresh)();
        out.push(Act::Tell(Signal::Writing { item: item.clone(), thought }));
        self.open.push(Open { key, item, text: String::new(), cut: false });
    }

    /// More of it; nothing when it is not open.
    pub(crate) fn append(&mut self, key: &K, more: &str, out: &mut Vec<Act>) {
        let Some(open) = self.open.iter_mut().find(|open| open.key == *key).filter(|_| !more.is_empty())
        else {
            return;
        };
        if !open.cut {
            let kept = crate::calls::cut(more, MAX_TEXT_BYTES - open.text.len());
            open.text.push_str(kept);
            if kept.len() < more.len() {
                open.cut = true;
                open.text.push_str(CUT);
            }
        }
        out.push(Act::Append(open.item.clone(), more.to_owned()));
    }

    /// Whether it is open.
    pub(crate) fn has(&self, key: &K) -> bool {
        self.open.iter().any(|open| open.key == *key)
    }

    /// What is kept of it so far; none when it is not open.
    pub(crate) fn text(&self, key: &K) -> Option<&str> {
        self.open.iter().find(|open| open.key == *key).map(|open| open.text.as_str())
    }

    /// It is through.
    pub(crate) fn end(&mut self, key: &K, out: &mut Vec<Act>) {
        if let Some(place) = self.open.iter().position(|open| open.key == *key) {
            close(self.open.remove(place), out);
        }
    }

    /// All are through, as they are.
    pub(crate) fn end_all(&mut self, out: &mut Vec<Act>) {
        self.open.drain(..).for_each(|open| close(open, out));
    }

    /// A text that comes as one piece.
    pub(crate) fn whole(&mut self, text: &str, thought: bool, out: &mut Vec<Act>) {
        let item = (self.fresh)();
        out.push(Act::Tell(Signal::Writing { item: item.clone(), thought }));
        let kept = crate::calls::cut(text, MAX_TEXT_BYTES);
        let text = if kept.len() < text.len() { format!("{kept}{CUT}") } else { text.to_owned() };
        out.push(Act::Tell(Signal::Wrote { item, text }));
    }
}

fn close<K>(open: Open<K>, out: &mut Vec<Act>) {
    out.push(Act::TextEnds(open.item.clone()));
    out.push(Act::Tell(Signal::Wrote { item: open.item, text: open.text }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn texts() -> Texts<u32> {
        let mut next = 0;
        Texts::new(move || {
            next += 1;
            ItemId::from_uuid(Uuid::from_u128(next))
        })
    }

    #[test]
    fn a_text_without_end_is_kept_up_to_its_bound_and_says_so() {
        let (mut texts, mut out) = (texts(), Vec::new());
        texts.begin(1, false, &mut out);
        for _ in 0..3 {
            texts.append(&1, &"é".repeat(MAX_TEXT_BYTES / 4 + 1), &mut out);
        }
        texts.end_all(&mut out);
        let Some(Act::Tell(Signal::Wrote { text, .. })) = out.last() else { unreachable!("{}", out.len()) };
        assert!(text.len() <= MAX_TEXT_BYTES + CUT.len() && text.ends_with(CUT), "{}", text.len());
        assert_eq!(
            out.iter().filter(|act| matches!(act, Act::Append(..))).count(),
            3,
            "its output has all of it"
        );
    }

    #[test]
    fn texts_that_never_end_are_ended_when_there_are_too_many() {
        let (mut texts, mut out) = (texts(), Vec::new());
        (0..1_000).for_each(|key| texts.begin(key, true, &mut out));
        assert_eq!(texts.open.len(), MAX_OPEN);
        let ended = out.iter().filter(|act| matches!(act, Act::Tell(Signal::Wrote { .. }))).count();
        assert_eq!(ended, 1_000 - MAX_OPEN);
    }
}
