//! Control groups of one tree, in every hierarchy that is of use. Used through `limits`.
//!
//! A group is named `nox-NAMESPACE-PID-TICKS-NUMBER` after the engine that made it: the namespace that its process
//! number counts in, the number, and when it started. Groups do not outlive the boot, so this is unique.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use super::group_folder::{remove, write};
use super::places::{self, Places};
use super::{Branch, Holding, TreeLimits};
use crate::{ProcessIdentity, procfs};

/// The period that processor time is shared out in, in microseconds; the kernel's default.
const CPU_PERIOD_US: u64 = 100_000;

/// Processes that a user may start beside a tree before the loose limit meets them.
const USER_SLACK: u64 = 256;

/// The places, found at the first use.
static PLACES: LazyLock<Places> = LazyLock::new(|| {
    if std::env::var_os("NOX_CGROUPS").is_some_and(|value| value == "off") {
        return Places::default();
    }
    let places = Places::find(&next_name());
    tracing::info!(?places, "looked for control groups");
    places
});

/// What holds limits here.
pub(super) fn holding() -> Holding {
    let branch = |controller: &str, otherwise| match () {
        () if PLACES.in_unified.contains(&controller) => Branch::CgroupV2,
        () if PLACES.version_1(controller).is_some() => Branch::CgroupV1,
        () => otherwise,
    };
    let by_user = if geteuid().is_root() { Branch::Watched } else { Branch::Rlimit };
    Holding {
        memory: branch("memory", Branch::Watched),
        cpu: branch("cpu", Branch::Watched),
        processes: branch("pids", by_user),
        tree: match () {
            () if PLACES.unified.is_some() => Branch::CgroupV2,
            () if PLACES.version_1("pids").is_some() => Branch::CgroupV1,
            () => Branch::None,
        },
    }
}

/// The control groups of one tree: a folder in each hierarchy that holds something of it, the one of version 2 first.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    folders: Vec<PathBuf>,
}

impl Group {
    /// Makes the groups for a tree with these limits, and answers what holds each limit for this very tree.
    ///
    /// What cannot be made is left out, is logged, and counts as watched.
    pub(crate) fn make(limits: &TreeLimits) -> (Option<Group>, Holding) {
        let name = next_name();
        let (mut folders, mut holding) = (Vec::new(), holding());
        let mut put = |place: &Path, settings: Vec<(&str, String)>| {
            let folder = place.join(&name);
            match set_up(&folder, &settings) {
                Ok(()) => {
                    folders.push(folder);
                    true
                }
                Err(error) => {
                    tracing::warn!(folder = %folder.display(), %error, "a control group could not be made");
                    false
                }
            }
        };
        if let Some(place) = &PLACES.unified {
            let mut settings = Vec::new();
            for controller in &PLACES.in_unified {
                settings.extend(settings_2(controller, limits));
            }
            if !put(place, settings) {
                let lost = |branch| if branch == Branch::CgroupV2 { Branch::Watched } else { branch };
                holding = Holding {
                    memory: lost(holding.memory),
                    cpu: lost(holding.cpu),
                    processes: lost(holding.processes),
                    tree: Branch::None,
                };
            }
        }
        for (controller, place) in &PLACES.by_controller {
            let settings = settings_1(controller, limits);
            // The members of a group with processes are known without walking, also when nothing is limited.
            let is_list = *controller == "pids" && PLACES.unified.is_none();
            if (!settings.is_empty() || is_list) && !put(place, settings) {
                match *controller {
                    "memory" => holding.memory = Branch::Watched,
                    "cpu" => holding.cpu = Branch::Watched,
                    _ => holding.processes = Branch::Watched,
                }
            }
        }
        ((!folders.is_empty()).then_some(Group { folders }), holding)
    }

    /// The group of version 2 that a process of a tree is in, for whoever has no handle of the tree.
    pub(crate) fn of(pid: u32) -> Option<Group> {
        let folder = places::unified_group_of(pid)?;
        engine_of(folder.file_name()?.to_str()?)?;
        Some(Group { folders: vec![folder] })
    }

    /// The folders, for the shim.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(PathBuf::as_path)
    }

    /// The processes that are in the group.
    pub(crate) fn members(&self) -> Vec<u32> {
        let mut members: Vec<u32> = self.folders.iter().flat_map(|folder| members_of(folder)).collect();
        members.sort_unstable();
        members.dedup();
        members
    }

    /// Sends SIGKILL to all members, also frozen ones.
    pub(crate) fn kill(&self) {
        for folder in &self.folders {
            if write(&folder.join("cgroup.kill"), "1").is_ok() {
                continue;
            }
            for pid in members_of(folder) {
                // The number comes from a list of this moment; version 1 has no way to name a member but this.
                if let Ok(pid @ 1..) = i32::try_from(pid) {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                }
            }
        }
    }

    /// Removes the folders; says whether nothing is left of them.
    pub(crate) fn remove(&self) -> bool {
        self.folders.iter().filter(|folder| !remove(folder)).count() == 0
    }

    /// Processor time of all that was ever in the group, in milliseconds.
    pub(crate) fn cpu_ms(&self) -> Option<u64> {
        let text = fs::read_to_string(self.folders.first()?.join("cpu.stat")).ok()?;
        let microseconds =
            text.lines().find_map(|line| line.strip_prefix("usage_usec ")?.trim().parse::<u64>().ok());
        Some(microseconds? / 1000)
    }
}

/// The groups of engines that do not run any more.
pub(crate) fn leftovers() -> Vec<Group> {
    let mut found: Vec<(String, Vec<PathBuf>)> = Vec::new();
    for place in PLACES.all() {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if engine_of(&name).is_none_or(|engine| engine.is_alive()) {
                continue;
            }
            match found.iter_mut().find(|(known, _)| *known == name) {
                Some((_, folders)) => folders.push(entry.path()),
                None => found.push((name, vec![entry.path()])),
            }
        }
    }
    found.into_iter().map(|(_, folders)| Group { folders }).collect()
}

/// How many processes and threads the user may have for a tree to start another one, where no group counts: what the
/// user has now, what the tree may have, and some for whatever else the user starts meanwhile. Root has no such limit.
pub(crate) fn user_processes(limits: &TreeLimits, holding: &Holding) -> Option<u64> {
    let processes = limits.processes.filter(|_| holding.processes == Branch::Rlimit)?;
    Some(procfs::threads_of_user(geteuid().as_raw()) + u64::from(processes) + USER_SLACK)
}

/// The files of version 2 that set the limits of a controller.
fn settings_2(controller: &str, limits: &TreeLimits) -> Vec<(&'static str, String)> {
    match (controller, limits.memory_bytes, limits.cpu_percent, limits.processes) {
        // A tree of which the kernel ended one process is broken; the rest goes with it.
        ("memory", Some(bytes), ..) => {
            vec![("memory.max", bytes.to_string()), ("memory.oom.group", "1".to_owned())]
        }
        ("cpu", _, Some(percent), _) => {
            vec![("cpu.max", format!("{} {CPU_PERIOD_US}", cpu_quota_us(percent)))]
        }
        ("pids", .., Some(processes)) => vec![("pids.max", processes.to_string())],
        _ => Vec::new(),
    }
}

/// The files of version 1 that set the limits of a controller.
fn settings_1(controller: &str, limits: &TreeLimits) -> Vec<(&'static str, String)> {
    match (controller, limits.memory_bytes, limits.cpu_percent, limits.processes) {
        ("memory", Some(bytes), ..) => vec![("memory.limit_in_bytes", bytes.to_string())],
        ("cpu", _, Some(percent), _) => vec![
            ("cpu.cfs_period_us", CPU_PERIOD_US.to_string()),
            ("cpu.cfs_quota_us", cpu_quota_us(percent).to_string()),
        ],
        ("pids", .., Some(processes)) => vec![("pids.max", processes.to_string())],
        _ => Vec::new(),
    }
}

/// Processor time for each period; the kernel takes no less than a millisecond.
fn cpu_quota_us(percent: u32) -> u64 {
    (u64::from(percent) * CPU_PERIOD_US / 100).max(1000)
}

/// Makes one group with its limits, or nothing.
fn set_up(folder: &Path, settings: &[(&str, String)]) -> io::Result<()> {
    fs::create_dir(folder)?;
    let limited = settings.iter().try_for_each(|(file, value)| write(&folder.join(file), value));
    if limited.is_err() {
        remove(folder);
        return limited;
    }
    // Swap would let a tree slowly grow past its limit. Not every kernel counts it.
    for (file, value) in settings {
        let _ = match *file {
            "memory.max" => write(&folder.join("memory.swap.max"), "0"),
            "memory.limit_in_bytes" => write(&folder.join("memory.memsw.limit_in_bytes"), value),
            _ => Ok(()),
        };
    }
    Ok(())
}

fn members_of(folder: &Path) -> Vec<u32> {
    let list = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    // A process of another namespace is listed as 0.
    list.lines().filter_map(|pid| pid.parse().ok()).filter(|pid| *pid != 0).collect()
}

/// A name for the next group of this engine.
fn next_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let pid = std::process::id();
    let ticks = ProcessIdentity::of(pid).map_or(0, |own| own.started_at_ticks);
    format!("nox-{}-{pid}-{ticks}-{}", pid_namespace(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The engine that a group's name tells; none for a stranger's, and for one whose numbers mean nothing here.
fn engine_of(name: &str) -> Option<ProcessIdentity> {
    let mut numbers = name.strip_prefix("nox-")?.split('-').map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    let (namespace, pid, started_at_ticks, _number) = (next()?, next()?, next()?, next()?);
    (namespace == pid_namespace() && numbers.next().is_none())
        .then(|| Some(ProcessIdentity { pid: u32::try_from(pid).ok()?, started_at_ticks }))?
}

/// The namespace that process numbers count in; 0 on a kernel without.
fn pid_namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_tells_its_engine_and_a_strangers_none() {
        let own = ProcessIdentity::of(std::process::id()).unwrap();
        assert_eq!(engine_of(&next_name()), Some(own));
        assert_ne!(next_name(), next_name());
        for strange in ["nox-1-2-3-4", "nox-self", "user.slice", &format!("{}-5", next_name())] {
            assert_eq!(engine_of(strange), None, "{strange}");
        }
    }

    #[test]
    fn limits_become_the_files_of_each_version() {
        let limits = TreeLimits {
            memory_bytes: Some(1 << 20),
            cpu_percent: Some(50),
            processes: Some(64),
            file_bytes: Some(1),
        };
        let text = |settings: Vec<(&str, String)>| -> Vec<String> {
            settings.iter().map(|(file, value)| format!("{file}={value}")).collect()
        };
        assert_eq!(text(settings_2("memory", &limits)), ["memory.max=1048576", "memory.oom.group=1"]);
        assert_eq!(text(settings_2("cpu", &limits)), ["cpu.max=50000 100000"]);
        assert_eq!(text(settings_1("cpu", &limits)), ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000"]);
        assert_eq!(text(settings_1("pids", &limits)), ["pids.max=64"]);
        assert_eq!(text(settings_1("memory", &limits)), ["memory.limit_in_bytes=1048576"]);
        for controller in ["memory", "cpu", "pids"] {
            assert!(settings_1(controller, &TreeLimits::default()).is_empty());
            assert!(settings_2(controller, &TreeLimits::default()).is_empty());
        }
    }
}
