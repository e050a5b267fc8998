//! Frames that a driver does not understand: kept as they came, and the first of them shown.

use super::{Act, note};
use crate::{calls::cut, faults::shown};

/// So many are shown for each run; then no more.
const SHOWN: u32 = 20;
/// Of such a frame, and of other words of a program, so much is shown.
pub(crate) const RAW_BYTES: usize = 2_000;

/// How many there were.
#[derive(Debug, Default)]
pub(crate) struct Unknown(u32);

impl Unknown {
    /// Another one. `title` is the program's name for people.
    pub(crate) fn heard(&mut self, title: &str, line: &str, out: &mut Vec<Act>) {
        self.0 = self.0.saturating_add(1);
        if self.0 <= SHOWN {
            let raw = shown(cut(line, RAW_BYTES));
            out.push(note(
                "unknown_frame",
                format!("{title} said something that Nox does not understand: {raw}"),
            ));
        }
    }
}
