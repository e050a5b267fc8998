//! The command line of the shim, read into [`Options`]. Used by `main` only.

use std::ffi::{CString, OsString};
use std::fmt;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

/// The grace of a stop that names none.
const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// What the shim was asked to hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The read end of the pipe that lives as long as the engine.
    pub(crate) lifeline: RawFd,
    /// The write end of the pipe for report lines.
    pub(crate) report: RawFd,
    /// Time between SIGTERM and SIGKILL for a stop that names none.
    pub(crate) grace: Duration,
    /// Folders of control groups that the program joins before it is executed, and that are removed when it is over.
    pub(crate) groups: Vec<PathBuf>,
    /// The largest file that a process may write, in bytes.
    pub(crate) file_bytes: Option<u64>,
    /// How many processes and threads the user may have for this tree to start another.
    pub(crate) user_processes: Option<u64>,
    /// The program and its arguments, never empty.
    pub(crate) command: Vec<CString>,
}

/// Why a command line was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// An option that the shim does not have.
    Unknown(OsString),
    /// An option without a value, or with one that is no number in range.
    BadValue(&'static str),
    /// A part that must be there.
    Missing(&'static str),
    /// A NUL byte cannot be passed to a program.
    Nul,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unknown(option) => write!(f, "unknown option {}", option.display()),
            Problem::BadValue(option) => write!(f, "{option} needs a whole number"),
            Problem::Missing(part) => write!(f, "{part} is missing"),
            Problem::Nul => write!(f, "an argument contains a NUL byte"),
        }
    }
}

/// Reads the arguments after the program name.
pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Options, Problem> {
    let (mut lifeline, mut report, mut grace) = (None, None, DEFAULT_GRACE);
    let (mut groups, mut file_bytes, mut user_processes) = (Vec::new(), None, None);
    loop {
        let Some(option) = args.next() else { return Err(Problem::Missing("-- program")) };
        match option.to_str() {
            Some("--lifeline") => lifeline = Some(descriptor("--lifeline", args.next())?),
            Some("--report") => report = Some(descriptor("--report", args.next())?),
            Some("--grace-ms") => grace = Duration::from_millis(number("--grace-ms", args.next())?),
            Some("--group") => groups.push(args.next().ok_or(Problem::Missing("--group"))?.into()),
            Some("--file-bytes") => file_bytes = Some(number("--file-bytes", args.next())?),
            Some("--user-processes") => user_processes = Some(number("--user-processes", args.next())?),
            Some("--") => break,
            _ => return Err(Problem::Unknown(option)),
        }
    }
    let command: Vec<CString> = args
        .map(|argument| CString::new(argument.into_vec()).map_err(|_| Problem::Nul))
        .collect::<Result<_, _>>()?;
    if command.is_empty() {
        return Err(Problem::Missing("-- program"));
    }
    Ok(Options {
        lifeline: lifeline.ok_or(Problem::Missing("--lifeline"))?,
        report: report.ok_or(Problem::Missing("--report"))?,
        grace,
        groups,
        file_bytes,
        user_processes,
        command,
    })
}

/// A whole number.
fn number(option: &'static str, value: Option<OsString>) -> Result<u64, Problem> {
    value.and_then(|value| value.to_str()?.parse().ok()).ok_or(Problem::BadValue(option))
}

/// A descriptor above the standard streams, which belong to the program.
fn descriptor(option: &'static str, value: Option<OsString>) -> Result<RawFd, Problem> {
    let number = value.and_then(|value| value.to_str()?.parse().ok());
    number.filter(|number| *number > 2).ok_or(Problem::BadValue(option))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn read(words: &[&str]) -> Result<Options, Problem> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn reads_all_parts_and_leaves_the_programs_own_options_alone() {
        let options =
            read(&["--lifeline", "7", "--report", "8", "--grace-ms", "250", "--", "sh", "--report", "x"])
                .unwrap();
        assert_eq!((options.lifeline, options.report), (7, 8));
        assert_eq!(options.grace, Duration::from_millis(250));
        assert_eq!((options.groups, options.file_bytes, options.user_processes), (vec![], None, None));
        let words: Vec<_> = options.command.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(words, ["sh", "--report", "x"]);
    }

    #[test]
    fn reads_groups_and_limits() {
        let words =
            "--lifeline 7 --report 8 --group /a --group /b --file-bytes 4096 --user-processes 900 -- sh";
        let options = read(&words.split(' ').collect::<Vec<_>>()).unwrap();
        assert_eq!(options.groups, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!((options.file_bytes, options.user_processes), (Some(4096), Some(900)));
        assert_eq!(read(&["--file-bytes", "much"]), Err(Problem::BadValue("--file-bytes")));
    }

    #[test]
    fn refuses_what_it_cannot_hold() {
        assert_eq!(read(&["--lifeline", "7", "--", "sh"]), Err(Problem::Missing("--report")));
        assert_eq!(
            read(&["--lifeline", "1", "--report", "8", "--", "sh"]),
            Err(Problem::BadValue("--lifeline"))
        );
        assert_eq!(read(&["--lifeline", "7", "--report", "8", "--"]), Err(Problem::Missing("-- program")));
        assert_eq!(read(&["--lifeline", "7", "--report", "8"]), Err(Problem::Missing("-- program")));
        assert_eq!(read(&["--verbose"]), Err(Problem::Unknown("--verbose".into())));
    }
}
