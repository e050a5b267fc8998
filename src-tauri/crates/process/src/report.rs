//! The lines that the shim reports, read into one closed set. The shim's own header says what they mean.

use std::io;

use crate::{LimitKind, ProcessIdentity};

/// One line from the shim.
#[derive(Debug)]
pub(crate) enum Report {
    /// The program runs.
    Started(ProcessIdentity),
    /// The program could not be executed.
    ExecFailed(io::Error),
    /// The shim could not set itself up.
    Failed { step: String, source: io::Error },
    /// The program ended with this code.
    Exited(i32),
    /// The program was ended by this signal.
    Signaled(i32),
    /// A group met this limit.
    Limit(LimitKind),
    /// So many processes did not end before SIGKILL.
    Forced,
    /// So many processes could not be ended.
    Stuck(u32),
    /// Nothing is left.
    Empty,
}

impl Report {
    /// Reads a line; none when it is not one that this version knows.
    pub(crate) fn parse(line: &str) -> Option<Report> {
        let mut words = line.split_ascii_whitespace();
        let (kind, first, second) = (words.next()?, words.next(), words.next());
        Some(match kind {
            "started" => Report::Started(ProcessIdentity {
                pid: first?.parse().ok()?,
                started_at_ticks: second?.parse().ok()?,
            }),
            "exec-failed" => Report::ExecFailed(errno(first?)?),
            "failed" => Report::Failed { step: first?.to_owned(), source: errno(second?)? },
            "exited" => Report::Exited(first?.parse().ok()?),
            "signaled" => Report::Signaled(first?.parse().ok()?),
            "limit" => Report::Limit(match first? {
                "memory" => LimitKind::Memory,
                "processes" => LimitKind::Processes,
                _ => return None,
            }),
            "forced" => Report::Forced,
            "stuck" => Report::Stuck(first?.parse().ok()?),
            "empty" => Report::Empty,
            _ => return None,
        })
    }
}

fn errno(word: &str) -> Option<io::Error> {
    word.parse().ok().map(io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_strangers_passed_over() {
        let started = Report::parse("started 12 3456");
        assert!(
            matches!(started, Some(Report::Started(ProcessIdentity { pid: 12, started_at_ticks: 3456 }))),
            "{started:?}"
        );
        assert!(matches!(Report::parse("exited 3"), Some(Report::Exited(3))));
        assert!(matches!(Report::parse("stuck 2"), Some(Report::Stuck(2))));
        assert!(matches!(Report::parse("limit memory 3"), Some(Report::Limit(LimitKind::Memory))));
        assert!(matches!(
            Report::parse("exec-failed 2"),
            Some(Report::ExecFailed(error)) if error.kind() == io::ErrorKind::NotFound
        ));
        for strange in ["", "started", "started x y", "exited", "hello 1", "limit love 1"] {
            assert!(Report::parse(strange).is_none(), "{strange}");
        }
    }
}
