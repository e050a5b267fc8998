//! What a client knows: what it asked for, what was acknowledged, and what must therefore be there.
//!
//! A command goes in before it is sent, and its answer when it comes. One without an answer is sent again with the same
//! id to the next engine: if it had been recorded, its receipt answers. After that everything in here is exact.

use nox_api::{
    domain::{
        ids::{CommandId, ItemId, RequestId, SessionId, TaskId},
        tool::Decision,
    },
    dto::Recorded,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a command is about, so that its answer is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    Made { slot: usize },
    Titled { slot: usize, number: u32 },
    Deleted { slot: usize },
    Restored { slot: usize },
    Described { number: u32 },
    Started { slot: usize },
    Answered { request: RequestId, decision: Decision },
    Other,
}

/// A command, and its answer if one came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) id: CommandId,
    pub(crate) operation: &'static str,
    pub(crate) input: Value,
    pub(crate) about: About,
    pub(crate) answer: Option<Recorded>,
}

/// A task of the client and what it knows of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot {
    pub(crate) task: Option<TaskId>,
    /// The number in its title, once it was changed.
    pub(crate) title: Option<u32>,
    pub(crate) deleted: bool,
    pub(crate) session: Option<SessionId>,
    /// The request that was seen open.
    pub(crate) request: Option<RequestId>,
    /// Output that was read: its item and how many bytes.
    pub(crate) output: Option<(ItemId, u64)>,
}

/// Everything that one client knows about one home.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) slots: Vec<Slot>,
    pub(crate) description: Option<u32>,
    pub(crate) answered: BTreeMap<RequestId, Decision>,
    commands: Vec<Asked>,
}

impl Book {
    /// A place for one more task.
    pub(crate) fn slot(&mut self) -> usize {
        self.slots.push(Slot::default());
        self.slots.len() - 1
    }

    /// A command that is about to be sent.
    pub(crate) fn ask(&mut self, id: CommandId, operation: &'static str, input: Value, about: About) {
        self.commands.push(Asked { id, operation, input, about, answer: None });
    }

    /// It was acknowledged.
    pub(crate) fn acknowledge(&mut self, id: &CommandId, answer: Recorded) {
        let Some(asked) = self.commands.iter_mut().find(|asked| asked.id == *id) else { return };
        asked.answer = Some(answer.clone());
        let about = asked.about.clone();
        match about {
            About::Made { slot } => self.slots[slot].task = answer.task,
            About::Titled { slot, number } => self.slots[slot].title = Some(number),
            About::Deleted { slot } => self.slots[slot].deleted = true,
            About::Restored { slot } => self.slots[slot].deleted = false,
            About::Described { number } => self.description = Some(number),
            About::Started { slot } => self.slots[slot].session = answer.session,
            About::Answered { request, decision } => {
                self.answered.insert(request, decision);
            }
            About::Other => {}
        }
    }

    /// The engine said no: nothing was changed.
    pub(crate) fn refuse(&mut self, id: &CommandId) {
        self.commands.retain(|asked| asked.id != *id);
    }

    /// Commands whose answer never came, oldest first.
    pub(crate) fn open(&self) -> Vec<Asked> {
        self.commands.iter().filter(|asked| asked.answer.is_none()).cloned().collect()
    }

    /// Commands that were acknowledged, oldest first.
    pub(crate) fn done(&self) -> impl DoubleEndedIterator<Item = (&Asked, &Recorded)> {
        self.commands.iter().filter_map(|asked| Some((asked, asked.answer.as_ref()?)))
    }

    /// How much there was to lose, in words.
    pub(crate) fn summary(&self) -> String {
        let sessions = self.slots.iter().filter(|slot| slot.session.is_some()).count();
        let (done, answered) = (self.done().count(), self.answered.len());
        format!("{done} commands, {sessions} sessions, {answered} answers")
    }
}
