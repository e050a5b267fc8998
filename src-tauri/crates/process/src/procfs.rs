//! What `/proc` says about processes. Used by `identity`, `sweep`, `usage` and `limits`.
//!
//! On systems without `/proc` every question is answered with "nothing", so callers must not read that as "gone" where
//! it matters; `identity` then makes no identity at all.

/// The fields of `/proc/PID/stat` that are used here, named as in proc(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    /// `Z` and `X` are processes that have ended and were not collected yet.
    pub(crate) state: u8,
    /// User and system time, in clock ticks.
    pub(crate) cpu_ticks: u64,
    /// The same of all children that have ended and were collected, and of theirs.
    pub(crate) children_cpu_ticks: u64,
    pub(crate) threads: u64,
    /// Start time, in clock ticks since boot.
    pub(crate) started_at_ticks: u64,
}

impl Stat {
    /// Whether the process still runs or could run.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.state, b'Z' | b'X')
    }
}

/// One process; none when it is gone.
pub(crate) fn stat(pid: u32) -> Option<Stat> {
    parse_stat(pid, &std::fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// One process with its name, which is at most 15 bytes and chosen by the process itself; none when it is gone.
pub(crate) fn stat_and_name(pid: u32) -> Option<(Stat, String)> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = parse_stat(pid, &text)?;
    let from = text.iter().position(|byte| *byte == b'(')? + 1;
    let to = text.iter().rposition(|byte| *byte == b')')?;
    Some((stat, String::from_utf8_lossy(text.get(from..to)?).into_owned()))
}

/// All processes below one, found by walking down: cheaper than a look at everything, and without the root itself.
pub(crate) fn descendants(root: u32) -> Vec<u32> {
    let mut waiting = children_of(root);
    let mut found = Vec::new();
    while let Some(pid) = waiting.pop() {
        if pid != root && !found.contains(&pid) {
            found.push(pid);
            waiting.extend(children_of(pid));
        }
    }
    found
}

/// The children of one process; none when it is gone.
fn children_of(pid: u32) -> Vec<u32> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut children = Vec::new();
    for task in tasks.flatten() {
        match std::fs::read_to_string(task.path().join("children")) {
            Ok(list) => {
                children.extend(list.split_ascii_whitespace().filter_map(|child| child.parse::<u32>().ok()))
            }
            // A kernel without the option CONFIG_PROC_CHILDREN; else a thread that has just ended.
            Err(_) if !std::path::Path::new("/proc/thread-self/children").exists() => {
                return all().into_iter().filter(|stat| stat.parent == pid).map(|stat| stat.pid).collect();
            }
            Err(_) => {}
        }
    }
    children
}

/// Threads of all processes of a user.
#[cfg(target_os = "linux")]
pub(crate) fn threads_of_user(user: u32) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let is_theirs =
        |pid: u32| std::fs::metadata(format!("/proc/{pid}")).is_ok_and(|found| found.uid() == user);
    all().iter().filter(|stat| is_theirs(stat.pid)).map(|stat| stat.threads).sum()
}

/// Every process that could be read.
pub(crate) fn all() -> Vec<Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(stat).collect()
}

/// The processes with one of `roots` among their ancestors, and the roots themselves, out of a list of all.
pub(crate) fn with_descendants(all: &[Stat], roots: &[u32]) -> Vec<Stat> {
    let mut waiting = roots.to_vec();
    let mut found: Vec<Stat> = Vec::new();
    while let Some(pid) = waiting.pop() {
        if found.iter().any(|stat| stat.pid == pid) {
            continue;
        }
        found.extend(all.iter().filter(|stat| stat.pid == pid));
        waiting.extend(all.iter().filter(|stat| stat.parent == pid && stat.pid != pid).map(|stat| stat.pid));
    }
    found
}

/// Whether the environment that a process was started with holds exactly this entry.
pub(crate) fn has_environment_entry(pid: u32, entry: &str) -> bool {
    let Ok(environment) = std::fs::read(format!("/proc/{pid}/environ")) else { return false };
    environment.split(|byte| *byte == 0).any(|found| found == entry.as_bytes())
}

/// An identifier of this boot of the system; empty where there is none.
pub(crate) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// The name in field 2 may hold anything, also spaces and brackets, so fields count from the last bracket.
fn parse_stat(pid: u32, text: &[u8]) -> Option<Stat> {
    let after_name = text.iter().rposition(|byte| *byte == b')')? + 1;
    let rest = std::str::from_utf8(text.get(after_name..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // The first field after the name is field 3.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        pid,
        parent: u32::try_from(number(4)?).ok()?,
        state: *fields.first()?.as_bytes().first()?,
        cpu_ticks: number(14)? + number(15)?,
        children_cpu_ticks: number(16)? + number(17)?,
        threads: number(20)?,
        started_at_ticks: number(22)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_process_name_does_not_shift_the_fields() {
        let text = b"42 (a) Z 1 (b) S 7 42 42 0 -1 4194560 1 2 3 4 50 6 7 8 20 0 1 0 98765 1024 33 18446744073709551615";
        let expected = Stat {
            pid: 42,
            parent: 7,
            state: b'S',
            cpu_ticks: 56,
            children_cpu_ticks: 15,
            threads: 1,
            started_at_ticks: 98765,
        };
        assert_eq!(parse_stat(42, text), Some(expected));
        assert_eq!(parse_stat(42, b"42 (cut) S 1"), None);
        assert_eq!(parse_stat(42, b""), None);
    }

    #[test]
    fn descendants_are_found_without_looping() {
        let stat = |pid, parent| Stat {
            pid,
            parent,
            state: b'S',
            cpu_ticks: 0,
            children_cpu_ticks: 0,
            threads: 1,
            started_at_ticks: 0,
        };
        let all = [stat(1, 0), stat(2, 1), stat(3, 2), stat(4, 1), stat(0, 0)];
        let mut pids: Vec<u32> = with_descendants(&all, &[2]).iter().map(|stat| stat.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [2, 3]);
        assert_eq!(with_descendants(&all, &[0]).len(), 5);
        assert!(with_descendants(&all, &[99]).is_empty());
    }
}
