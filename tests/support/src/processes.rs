//! Looking at processes from outside, by a mark in their environment or their arguments. Linux only, as `/proc` is.

use std::time::{Duration, Instant};

/// A text that no other process carries.
pub fn new_mark() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// The pids of processes, other than this one, that carry the mark in their environment or arguments.
pub fn marked(mark: &str) -> Vec<u32> {
    let own = std::process::id();
    let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != own)
        .filter(|pid| {
            ["environ", "cmdline"].iter().any(|file| {
                let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                bytes.windows(mark.len()).any(|part| part == mark.as_bytes())
            })
        })
        .collect()
}

/// Waits until no process carries the mark; answers how long that took, or who is left after the limit.
///
/// # Errors
/// The command lines of those that are still there.
pub fn wait_gone(mark: &str, limit: Duration) -> Result<Duration, Vec<String>> {
    let began = Instant::now();
    loop {
        let left = marked(mark);
        if left.is_empty() {
            return Ok(began.elapsed());
        }
        if began.elapsed() >= limit {
            return Err(left.iter().map(|pid| described(*pid)).collect());
        }
        // No event tells of a stranger's end; this only spaces the looks.
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn described(pid: u32) -> String {
    let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let words = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
    let stat = String::from_utf8_lossy(&read("stat")).into_owned();
    format!("{pid}: {words} ({})", stat.chars().take(60).collect::<String>())
}
