//! What the system says about an engine's process: memory, descriptors, threads, zombies.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Proportional memory in bytes; see `Pss` in proc(5).
pub(crate) fn memory_bytes(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// What grows when something is forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
    /// Children that ended and were not collected.
    pub(crate) zombies: u64,
}

impl Counts {
    pub(crate) fn of(pid: u32) -> Self {
        let entries = |folder: String| fs::read_dir(folder).into_iter().flatten().count() as u64;
        let stats = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
            entry.file_name().to_str()?.parse::<u32>().ok()?;
            fs::read_to_string(entry.path().join("stat")).ok()
        });
        let is_zombie = |stat: &String| {
            let mut fields = stat[stat.rfind(')').map_or(0, |end| end + 1)..].split_whitespace();
            fields.next() == Some("Z") && fields.next() == Some(&pid.to_string())
        };
        Self {
            descriptors: entries(format!("/proc/{pid}/fd")),
            threads: entries(format!("/proc/{pid}/task")),
            zombies: stats.filter(is_zombie).count() as u64,
        }
    }
}

/// Watches the memory of a process from a thread of its own, until it is dropped.
pub(crate) struct MemoryWatch {
    highest: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl MemoryWatch {
    pub(crate) fn on(pid: u32) -> Self {
        let watch = Self { highest: Arc::default(), over: Arc::default() };
        let (highest, over) = (watch.highest.clone(), watch.over.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                highest.fetch_max(memory_bytes(pid), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        watch
    }

    /// The most since it began.
    pub(crate) fn highest_bytes(&self) -> u64 {
        self.highest.load(Ordering::Relaxed)
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
