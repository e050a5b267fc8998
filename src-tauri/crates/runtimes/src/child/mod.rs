//! What drivers of agent programs share: the task that carries a child and its conversation, the lines between them, texts that
//! are being written, the child's environment and last words, and one run for each conversation. What is said in those lines is
//! each driver's own.

mod asked;
mod carried;
mod carrier;
mod connection;
mod environment;
mod keys;
mod lines;
mod pictures;
mod placed;
mod questions;
mod shown;
mod talk;
mod texts;
mod unknown;
mod weight;

pub(crate) use asked::{Before, DENIED_BY_PERSON, DENIED_BY_RULE, Meanwhile, asked, not_restored};
pub(crate) use carried::Carried;
pub(crate) use carrier::{Carrier, GRACE, Over};
pub(crate) use connection::{Connection, Told, Wishes};
pub(crate) use environment::{environment, service_variable, without_keys};
pub(crate) use keys::Keys;
pub(crate) use lines::{LastLines, write_lines};
pub(crate) use pictures::Asked;
pub(crate) use placed::{Placed, with_first_words};
pub(crate) use questions::{MOST_QUESTIONS, choices, questions, words};
pub(crate) use shown::{Images, Kept, Shown, decoded, words_of};
pub(crate) use talk::{Act, Talk, call_ended, call_failed, note, shows};
pub(crate) use texts::Texts;
pub(crate) use unknown::{RAW_BYTES, Unknown};
pub(crate) use weight::weight;

use nox_domain::{Size, event::ProcessRef};
use nox_process::{Exit, ProcessTree};

/// The process tree, as the log names it.
pub(crate) fn reference(tree: &ProcessTree) -> ProcessRef {
    let id = tree.id();
    ProcessRef {
        boot_id: id.boot_id.clone(),
        shim_pid: id.shim.pid,
        shim_started_ticks: Size(id.shim.started_at_ticks),
        pid: id.program.pid,
        started_ticks: Size(id.program.started_at_ticks),
    }
}

/// What was seen last of a program that ended by itself. `title` is its name for people.
pub(crate) fn last_words(title: &str, exit: Exit, lines: &LastLines) -> String {
    let how = match (exit.code, exit.signal) {
        (Some(code), _) => format!("{title} ended with exit code {code}"),
        (None, Some(signal)) => format!("{title} was ended by signal {signal}"),
        (None, None) => format!("{title} ended"),
    };
    let lines = lines.text();
    if lines.is_empty() { how } else { format!("{how}. Its last lines:\n{lines}") }
}
