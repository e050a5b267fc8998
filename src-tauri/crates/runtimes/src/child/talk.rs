//! What a conversation with a child is to the task that carries it: frames and wishes in, acts out, no process.

use super::{Asked, Images, Shown};
use crate::Answer;
use nox_domain::{event::Problem, ids::ItemId, session::Signal, tool::CallEnd};
use serde_json::Value;

/// What has to be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// Tell the engine.
    Tell(Signal),
    /// Write a line to the program.
    Send(Value),
    /// Append to the output of a text or of a call that has begun.
    Append(ItemId, String),
    /// A text is through.
    TextEnds(ItemId),
    /// A call is over: keep the rest of its output, then tell its end.
    CallEnds { key: String, item: ItemId, out: String, err: String, end: CallEnd },
    /// The agent shows an image, in the call with this key or by itself: keep it, then tell it.
    Shows(Option<String>, Shown),
    /// The conversation stands.
    Ready,
    /// The program's own name for the conversation: it is held from here on, and told.
    Named(String),
    /// The conversation that should be gone on with is not there.
    NotThere,
    /// The program is ended in order, and another process goes on with the conversation: what is asked meanwhile is asked there.
    Anew,
    /// The program does not keep to what was agreed: it is ended at once.
    Refuse(Problem),
}

/// A conversation. Total: nothing that is heard makes it panic.
pub(crate) trait Talk: Send {
    /// Takes a line of the program in.
    fn hear(&mut self, line: &str, out: &mut Vec<Act>);

    /// Takes a line in that the program wrote beside its frames, for its user.
    fn aside(&mut self, _line: &str, _out: &mut Vec<Act>) {}

    /// Asks something.
    fn prompt(&mut self, asked: &Asked, out: &mut Vec<Act>);

    /// Tells what became of a call.
    fn answer(&mut self, answer: &Answer, out: &mut Vec<Act>);

    /// Ends the turn that runs, if there is one.
    fn interrupt(&mut self, out: &mut Vec<Act>);

    /// Whether the turn that runs should have ended already.
    fn is_interrupted(&self) -> bool;

    /// The program is gone: what was being written is through as it is.
    fn over(&mut self, out: &mut Vec<Act>);

    /// Its turn is ended in its place, as failed: what was said into it and not taken in is to be asked next.
    fn gives_back(&mut self, _out: &mut Vec<Act>) {}

    /// How many bytes it keeps of what the program said and nobody has answered yet.
    fn held_bytes(&self) -> usize {
        0
    }

    /// Says something into the turn that runs.
    fn steer(&mut self, _text: &str, _out: &mut Vec<Act>) {}

    /// Changes how freely the program works.
    fn set_mode(&mut self, _mode: &str, _out: &mut Vec<Act>) {}

    /// Changes the model that is asked.
    fn set_model(&mut self, _model: &str, _out: &mut Vec<Act>) {}
}

/// What a call, or the agent itself, shows.
pub(crate) fn shows(key: Option<&str>, images: Images) -> impl Iterator<Item = Act> {
    images.found().into_iter().map(move |shown| Act::Shows(key.map(str::to_owned), shown))
}

/// A note for people: a stable code, and words.
pub(crate) fn note(code: &str, text: impl Into<String>) -> Act {
    Act::Tell(Signal::Noted(code.to_owned(), text.into()))
}

/// The end of a call that wrote nothing, or of which nothing is known.
pub(crate) fn call_ended(key: String, end: CallEnd) -> Act {
    Act::Tell(Signal::CallEnded { key, end, output: None })
}

/// The end of a call that failed without a reason of its own.
pub(crate) fn call_failed(exit_code: Option<i32>) -> CallEnd {
    CallEnd::Failed { exit_code, signal: None, timed_out: false, problem: None }
}
