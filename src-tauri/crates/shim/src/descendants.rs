//! Signals for everything below the shim. Called by `hold` only.
//!
//! On Linux descendants are found through `/proc`, whatever session or group they moved to; as the shim is a subreaper,
//! none of them can get out from below it. A list of processes that fork while it is read may be incomplete, so the
//! caller repeats until no child is left. Elsewhere there is no subreaper, and the program's process group has to do.

use std::collections::HashSet;
#[cfg(target_os = "linux")]
use std::path::Path;
#[cfg(target_os = "linux")]
use std::sync::OnceLock;

use libc::{c_int, pid_t};

use crate::sys::{self, Sent};

/// What one round over the descendants found.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// Processes that the signal was sent to for the first time.
    pub(crate) reached: u32,
    /// Processes that are there, reached or not.
    pub(crate) found: u32,
}

/// Sends a signal to every descendant, a parent always before its children; `seen` collects who got it, and nobody in it
/// gets the same signal again but SIGKILL.
///
/// A process that got SIGKILL cannot fork any more, so the list of its children, read after, is final.
#[cfg(target_os = "linux")]
pub(crate) fn signal_all(_program: pid_t, signal: c_int, seen: &mut HashSet<pid_t>) -> Round {
    let mut round = Round::default();
    let mut visited = HashSet::new();
    let own = pid_t::try_from(std::process::id()).unwrap_or_default();
    let mut waiting = children_of(own);
    while let Some(pid) = waiting.pop() {
        if pid == own || !visited.insert(pid) {
            continue;
        }
        round.found += 1;
        // A program may run its clean-up once for every SIGTERM. SIGKILL does nothing twice, and is sent again because
        // the number may belong to a new process by now.
        let is_due = signal == libc::SIGKILL || !seen.contains(&pid);
        if is_due
            && let Sent::Delivered = sys::send(pid, signal)
            && seen.insert(pid)
        {
            round.reached += 1;
        }
        waiting.extend(children_of(pid));
    }
    round
}

/// The children of one process; none when it is gone.
#[cfg(target_os = "linux")]
fn children_of(pid: pid_t) -> Vec<pid_t> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut children = Vec::new();
    for task in tasks.flatten() {
        match std::fs::read_to_string(task.path().join("children")) {
            Ok(list) => {
                children.extend(list.split_ascii_whitespace().filter_map(|child| child.parse::<pid_t>().ok()))
            }
            // The file is missing for a thread that has just ended, or for all on a kernel without the option.
            Err(_) if !kernel_lists_children() => return scan_for_children_of(pid),
            Err(_) => {}
        }
    }
    children
}

/// Whether the kernel has the option CONFIG_PROC_CHILDREN.
#[cfg(target_os = "linux")]
fn kernel_lists_children() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| Path::new("/proc/thread-self/children").exists())
}

/// The same from the parent that every process names: slower, and needs no kernel option.
#[cfg(target_os = "linux")]
fn scan_for_children_of(pid: pid_t) -> Vec<pid_t> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let processes = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<pid_t>().ok());
    processes.filter(|process| stat_field(*process, 4) == Some(pid.into())).collect()
}

/// A numeric field of `/proc/PID/stat`, counted from 1 as proc(5) does; from field 4 on.
#[cfg(target_os = "linux")]
fn stat_field(pid: pid_t, field: usize) -> Option<i64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat_field(&stat, field)
}

/// The name in field 2 may hold anything, also spaces and brackets, so fields count from the last bracket.
#[cfg(target_os = "linux")]
fn parse_stat_field(stat: &[u8], field: usize) -> Option<i64> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let rest = std::str::from_utf8(&stat[after_name..]).ok()?;
    rest.split_ascii_whitespace().nth(field.checked_sub(3)?)?.parse().ok()
}

/// When a process started, in clock ticks since boot; 0 where the system does not say.
#[cfg(target_os = "linux")]
pub(crate) fn start_ticks(pid: pid_t) -> i64 {
    stat_field(pid, 22).unwrap_or(0)
}

/// When a process started, in clock ticks since boot; 0 where the system does not say.
#[cfg(not(target_os = "linux"))]
pub(crate) fn start_ticks(_pid: pid_t) -> i64 {
    0
}

/// Sends a signal to the process group of the program, again only for SIGKILL.
#[cfg(not(target_os = "linux"))]
pub(crate) fn signal_all(program: pid_t, signal: c_int, seen: &mut HashSet<pid_t>) -> Round {
    if signal != libc::SIGKILL && seen.contains(&program) {
        return Round { reached: 0, found: u32::from(group_is_left(program)) };
    }
    match sys::send(-program, signal) {
        Sent::Delivered => Round { reached: u32::from(seen.insert(program)), found: 1 },
        Sent::Refused => Round::default(),
    }
}

/// Whether anything is left once the program itself is collected; a subreaper knows it from its children alone.
#[cfg(target_os = "linux")]
pub(crate) fn group_is_left(_program: pid_t) -> bool {
    false
}

/// Whether the program's process group still has a member.
#[cfg(not(target_os = "linux"))]
pub(crate) fn group_is_left(program: pid_t) -> bool {
    matches!(sys::send(-program, 0), Sent::Delivered)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_process_name_does_not_shift_the_fields() {
        let stat = b"42 (a) R 1 (b) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 0";
        assert_eq!(parse_stat_field(stat, 4), Some(7));
        assert_eq!(parse_stat_field(stat, 22), Some(98765));
        assert_eq!(parse_stat_field(b"42 (cut", 4), None);
    }

    #[test]
    fn knows_when_this_process_started() {
        let own = pid_t::try_from(std::process::id()).unwrap_or_default();
        assert!(start_ticks(own) > 0);
    }
}
