//! The limits that the engine itself holds while a run works: time, output, growth of the folder, and staying near an
//! allowance of memory or processor for too long. Used by the actors of sessions; `nox-process` holds what one process
//! tree may have at once, and the scheduler what all runs may have together.
//!
//! - Only time in which the run works counts. While it waits for a person it has no timer here, and a run without such
//!   limits never has one.
//! - Measuring happens on other threads. What is not measured yet limits nothing.
//! - Each limit is told once when it is near, and once when the run is ended for it.

use crate::{sessions::Sessions, vitals::TreeUsage};
use nox_domain::{
    Size,
    agent::Limits,
    life::{LimitAction, LimitHit, LimitKind},
    session::Session,
    tool::CallStatus,
};
use std::{path::Path, time::Duration};
use tokio::time::Instant;

/// Bytes of a megabyte, as everywhere in limits.
const MB: u64 = 1024 * 1024;
/// From this part of an allowance on, in per cent, it is near.
const NEAR_PERCENT: u64 = 90;
/// Entries of a folder that are looked at; one with more is not measured.
const MAX_ENTRIES: usize = 50_000;

/// How often is looked, and how long is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rhythm {
    /// Between two looks at what was written as output.
    pub(crate) output: Duration,
    /// Between two measurements of processes.
    pub(crate) usage: Duration,
    /// Between two walks through the folder.
    pub(crate) disk: Duration,
    /// A run that stays near an allowance for so long is ended.
    pub(crate) runaway: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            output: Duration::from_secs(1),
            usage: Duration::from_secs(5),
            disk: Duration::from_secs(10),
            runaway: Duration::from_secs(5 * 60),
        }
    }
}

/// What is to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    /// Its processes.
    pub(crate) usage: bool,
    /// Its folder.
    pub(crate) disk: bool,
}

/// What was measured of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Of this generation.
    pub(crate) generation: u32,
    /// When, and what its processes hold and have used: bytes and milliseconds.
    pub(crate) usage: Option<(Instant, u64, u64)>,
    /// The size of its folder.
    pub(crate) disk: Option<Folder>,
}

/// The size of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folder {
    /// In bytes, as far as it could be read.
    Bytes(u64),
    /// It has more entries than are looked at.
    TooMany,
    /// It cannot be read.
    Unreadable,
}

/// What the engine watches of one run. All times come from outside.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    generation: u32,
    /// The time that it has worked, without the present stretch.
    worked: Duration,
    /// Since when it works.
    works_since: Option<Instant>,
    looked_at_output: Option<Instant>,
    measured: Option<Instant>,
    walked: Option<Instant>,
    /// The folder's size when the run began.
    folder_before: Option<u64>,
    /// It was said that the folder is not measured.
    blind: bool,
    /// It is being ended for a limit: nothing is to be looked at any more.
    over: bool,
    near: Vec<LimitKind>,
    memory_since: Option<Instant>,
    cpu_since: Option<Instant>,
    cpu_before: Option<(Instant, u64)>,
}

impl Watch {
    /// The state of its session is this now.
    pub(crate) fn note(&mut self, session: &Session, now: Instant) {
        if session.generation() != self.generation {
            *self = Self { generation: session.generation(), ..Self::default() };
        }
        let works = works(session);
        match self.works_since {
            None if works => {
                self.works_since = Some(now);
                // What was near before it waited says nothing about now.
                (self.memory_since, self.cpu_since, self.cpu_before) = (None, None, None);
                (self.looked_at_output, self.measured) = (Some(now), Some(now));
                self.walked.get_or_insert(now);
            }
            Some(since) if !works => {
                self.worked += now.saturating_duration_since(since);
                self.works_since = None;
            }
            _ => {}
        }
    }

    /// The size of the folder before the run of the generation that is about to begin.
    pub(crate) fn begins_with(&mut self, generation: u32, folder: Folder) -> Option<&'static str> {
        if self.generation != generation {
            *self = Self { generation, ..Self::default() };
        }
        self.take_folder(folder).err()
    }

    /// How long it has worked.
    fn worked(&self, now: Instant) -> Duration {
        self.worked + self.works_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// When to look again; none while it does not work, or nothing is to be held here.
    pub(crate) fn due(&self, limits: &Limits, rhythm: &Rhythm) -> Option<Instant> {
        let since = self.works_since.filter(|_| !self.over)?;
        let wall = limits.max_wall_seconds.map(|seconds| {
            let seconds = u64::from(seconds);
            let whole = Duration::from_secs(seconds);
            let near = whole.mul_f64(NEAR_PERCENT as f64 / 100.0);
            let next = if self.near.contains(&LimitKind::Wall) { whole } else { near };
            since + next.saturating_sub(self.worked)
        });
        let output = limits.max_output_mb.and(self.looked_at_output).map(|at| at + rhythm.output);
        let usage = limits.max_memory_mb.or(limits.max_cpu_percent).and(self.measured);
        let usage = usage.map(|at| at + rhythm.usage);
        let is_seen = limits.max_disk_mb.is_some() && !self.blind;
        let disk = self.walked.filter(|_| is_seen).map(|at| at + rhythm.disk);
        [wall, output, usage, disk].into_iter().flatten().min()
    }

    /// Looks at what needs no measuring, and says what is to be measured now. `written` are the bytes of output.
    pub(crate) fn look(
        &mut self,
        limits: &Limits,
        rhythm: &Rhythm,
        written: u64,
        now: Instant,
    ) -> (Vec<LimitHit>, Wanted) {
        let mut hits = Vec::new();
        if self.works_since.is_none() || self.over {
            return (hits, Wanted::default());
        }
        let is_due = |at: Option<Instant>, every: Duration| at.is_some_and(|at| at + every <= now);
        if let Some(seconds) = limits.max_wall_seconds {
            let worked_ms = self.worked(now).as_millis() as u64;
            hits.extend(self.held(LimitKind::Wall, worked_ms, u64::from(seconds), 1_000));
        }
        if let Some(mb) = limits.max_output_mb
            && is_due(self.looked_at_output, rhythm.output)
        {
            self.looked_at_output = Some(now);
            hits.extend(self.held(LimitKind::Output, written, mb.into(), MB));
        }
        let mut wanted = Wanted::default();
        if limits.max_memory_mb.or(limits.max_cpu_percent).is_some() && is_due(self.measured, rhythm.usage) {
            self.measured = Some(now);
            wanted.usage = true;
        }
        if limits.max_disk_mb.is_some() && !self.blind && is_due(self.walked, rhythm.disk) {
            self.walked = Some(now);
            wanted.disk = true;
        }
        (hits, wanted)
    }

    /// Takes a measurement in; an error says why the folder is not looked at any more.
    pub(crate) fn take(
        &mut self,
        measured: Measured,
        limits: &Limits,
        rhythm: &Rhythm,
    ) -> (Vec<LimitHit>, Option<&'static str>) {
        let mut hits = Vec::new();
        if measured.generation != self.generation || self.works_since.is_none() || self.over {
            return (hits, None);
        }
        if let Some((at, memory_bytes, cpu_ms)) = measured.usage {
            if let Some(mb) = limits.max_memory_mb {
                let mut since = self.memory_since.take();
                hits.extend(self.stays_near(
                    LimitKind::Memory,
                    memory_bytes / MB,
                    mb.into(),
                    &mut since,
                    at,
                    rhythm,
                ));
                self.memory_since = since;
            }
            let before = self.cpu_before.replace((at, cpu_ms));
            if let (Some(percent), Some((before_at, before_ms))) = (limits.max_cpu_percent, before) {
                let passed_ms = at.saturating_duration_since(before_at).as_millis() as u64;
                let used = cpu_ms.saturating_sub(before_ms) * 100 / passed_ms.max(1);
                let mut since = self.cpu_since.take();
                hits.extend(self.stays_near(LimitKind::Cpu, used, percent.into(), &mut since, at, rhythm));
                self.cpu_since = since;
            }
        }
        let grown = measured.disk.map(|folder| self.take_folder(folder));
        if let (Some(Ok(grown)), Some(mb)) = (&grown, limits.max_disk_mb) {
            hits.extend(self.held(LimitKind::Disk, *grown, mb.into(), MB));
        }
        (hits, grown.and_then(Result::err))
    }

    /// Takes the size of the folder in: how much it has grown, or once, why that is not known.
    fn take_folder(&mut self, folder: Folder) -> Result<u64, &'static str> {
        let why = match folder {
            Folder::Bytes(bytes) => return Ok(bytes.saturating_sub(*self.folder_before.get_or_insert(bytes))),
            Folder::TooMany => "it has more than 50,000 entries",
            Folder::Unreadable => "it cannot be read",
        };
        self.blind = true;
        Err(why)
    }

    /// A limit whose amount only grows; `unit` of what is measured are one of what is allowed.
    fn held(&mut self, limit: LimitKind, value: u64, allowed: u64, unit: u64) -> Option<LimitHit> {
        let hit = |action| LimitHit { limit, value: Size(value / unit), allowed: Size(allowed), action };
        if value >= allowed * unit {
            self.over = true;
            return Some(hit(LimitAction::Ended));
        }
        let is_news = value * 100 >= allowed * unit * NEAR_PERCENT && !self.near.contains(&limit);
        is_news.then(|| {
            self.near.push(limit);
            hit(LimitAction::Warned)
        })
    }

    /// An allowance that others hold: staying near it for too long ends the run.
    fn stays_near(
        &mut self,
        limit: LimitKind,
        value: u64,
        allowed: u64,
        since: &mut Option<Instant>,
        at: Instant,
        rhythm: &Rhythm,
    ) -> Option<LimitHit> {
        let hit = |action| LimitHit { limit, value: Size(value), allowed: Size(allowed), action };
        if value * 100 < allowed * NEAR_PERCENT {
            *since = None;
            return None;
        }
        if at.saturating_duration_since(*since.get_or_insert(at)) >= rhythm.runaway {
            self.over = true;
            return Some(hit(LimitAction::Ended));
        }
        let is_news = !self.near.contains(&limit);
        is_news.then(|| {
            self.near.push(limit);
            hit(LimitAction::Warned)
        })
    }
}

/// Whether a run does something that counts: a call runs, or the agent thinks. Not while it only waits for a person.
fn works(session: &Session) -> bool {
    session.works_unseen()
        || (session.has_live_run() && session.calls.iter().any(|call| call.status == CallStatus::Running))
}

/// What all trees of a run hold and have used: bytes and milliseconds.
pub(crate) fn sums(trees: &[TreeUsage]) -> (u64, u64) {
    trees.iter().fold((0, 0), |(bytes, ms), tree| (bytes + tree.memory_bytes, ms + tree.cpu_ms))
}

/// How much room everything below a folder takes on its disk; links are not followed, and other disks not entered.
/// Blocks the thread.
pub(crate) fn size_of(folder: &Path) -> Folder {
    use std::os::unix::fs::MetadataExt;
    let Ok(top) = std::fs::metadata(folder) else { return Folder::Unreadable };
    let (mut bytes, mut entries) = (0_u64, 0);
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        // What is removed meanwhile, or belongs to others, takes no room of this run.
        let Ok(inside) = std::fs::read_dir(&next) else {
            if next == folder {
                return Folder::Unreadable;
            }
            continue;
        };
        for entry in inside.flatten() {
            entries += 1;
            if entries > MAX_ENTRIES {
                return Folder::TooMany;
            }
            let Ok(about) = entry.metadata() else { continue };
            if about.dev() != top.dev() {
                continue;
            }
            if about.is_dir() {
                waiting.push(entry.path());
            } else {
                bytes += about.blocks() * 512;
            }
        }
    }
    Folder::Bytes(bytes)
}

/// Measures what all runs hold while there is a budget for it and processes of runs are there, and tells the scheduler.
/// Else it sleeps until that changes. Ends with the sessions.
pub(crate) async fn watch_memory(sessions: Sessions) {
    loop {
        let shared = sessions.shared();
        let changed = shared.vitals.changed();
        if sessions.is_closing() {
            return;
        }
        let runs = shared.vitals.count();
        let measured = match (shared.scheduler.memory_budget(), runs) {
            (Some(_), 1..) => shared.vitals.measure_all().await,
            _ => vec![],
        };
        let megabytes = |trees: &[TreeUsage]| u32::try_from(sums(trees).0.div_ceil(MB)).unwrap_or(u32::MAX);
        let measured = measured.into_iter().map(|run| (run.session, megabytes(&run.trees))).collect();
        let told = shared.scheduler.set_memory(&measured);
        sessions.tell(told).await;
        if shared.scheduler.memory_budget().is_some() && runs > 0 {
            tokio::time::sleep(shared.pace.load().rhythm.usage).await;
        } else {
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn working(now: Instant) -> Watch {
        Watch {
            works_since: Some(now),
            looked_at_output: Some(now),
            measured: Some(now),
            walked: Some(now),
            ..Watch::default()
        }
    }

    fn hit(limit: LimitKind, value: u64, allowed: u64, action: LimitAction) -> LimitHit {
        LimitHit { limit, value: Size(value), allowed: Size(allowed), action }
    }

    #[test]
    fn time_is_told_when_it_is_near_and_ends_the_run_when_it_is_over() {
        let (now, rhythm) = (Instant::now(), Rhythm::default());
        let limits = Limits { max_wall_seconds: Some(10), ..Limits::default() };
        let after = |ms| now + Duration::from_millis(ms);
        let mut watch = Watch { worked: Duration::from_secs(4), ..working(now) };
        assert_eq!(watch.due(&limits, &rhythm), Some(after(5_000)), "the time before a wait counts");
        assert_eq!(watch.look(&limits, &rhythm, 0, after(4_999)).0, []);
        let near = hit(LimitKind::Wall, 9, 10, LimitAction::Warned);
        assert_eq!(watch.look(&limits, &rhythm, 0, after(5_000)).0, [near]);
        assert_eq!(watch.due(&limits, &rhythm), Some(after(6_000)));
        assert_eq!(watch.look(&limits, &rhythm, 0, after(5_500)).0, [], "it is said once");
        let over = hit(LimitKind::Wall, 10, 10, LimitAction::Ended);
        assert_eq!(watch.look(&limits, &rhythm, 0, after(6_000)).0, [over]);
        assert_eq!(watch.due(&limits, &rhythm), None, "it ends, and is not looked at all the time meanwhile");
        let waiting = Watch { works_since: None, ..working(now) };
        assert_eq!(waiting.due(&limits, &rhythm), None, "who waits for a person has no timer");
    }

    #[test]
    fn a_run_without_limits_has_no_timer() {
        let (now, rhythm) = (Instant::now(), Rhythm::default());
        assert_eq!(working(now).due(&Limits::default(), &rhythm), None);
        let held_by_others = Limits { max_processes: Some(1), max_depth: Some(1), ..Limits::default() };
        assert_eq!(working(now).due(&held_by_others, &rhythm), None);
        let disk = Limits { max_disk_mb: Some(1), ..Limits::default() };
        assert_eq!(working(now).due(&disk, &rhythm), Some(now + rhythm.disk));
    }

    #[test]
    fn only_staying_near_an_allowance_ends_a_run() {
        let (now, rhythm) = (Instant::now(), Rhythm::default());
        let limits = Limits { max_memory_mb: Some(100), max_cpu_percent: Some(50), ..Limits::default() };
        let mut watch = working(now);
        let mut at = |seconds: u64, mb: u64, cpu_ms: u64| {
            let usage = Some((now + Duration::from_secs(seconds), mb * MB, cpu_ms));
            watch.take(Measured { generation: 0, usage, disk: None }, &limits, &rhythm).0
        };
        assert_eq!(at(0, 95, 0), [hit(LimitKind::Memory, 95, 100, LimitAction::Warned)]);
        assert_eq!(at(200, 95, 0), []);
        assert_eq!(at(299, 40, 0), [], "it came down, and begins anew");
        assert_eq!(at(300, 95, 0), []);
        assert_eq!(at(400, 95, 49_000), [hit(LimitKind::Cpu, 49, 50, LimitAction::Warned)]);
        assert_eq!(at(600, 95, 60_000), [hit(LimitKind::Memory, 95, 100, LimitAction::Ended)]);
    }

    #[test]
    fn a_folder_is_measured_without_links_and_its_growth_is_what_counts() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        std::fs::write(folder.path().join("deep/file"), vec![1; 3 * MB as usize]).unwrap();
        std::os::unix::fs::symlink("/usr", folder.path().join("link")).unwrap();
        let Folder::Bytes(bytes) = size_of(folder.path()) else { panic!("it can be read") };
        assert!((3 * MB..4 * MB).contains(&bytes), "{bytes}");
        assert_eq!(size_of(&folder.path().join("none")), Folder::Unreadable);

        let (now, rhythm) = (Instant::now(), Rhythm::default());
        let limits = Limits { max_disk_mb: Some(10), ..Limits::default() };
        let mut watch = working(now);
        let mut take =
            |disk| watch.take(Measured { generation: 0, usage: None, disk: Some(disk) }, &limits, &rhythm);
        assert_eq!(take(Folder::Bytes(50 * MB)), (vec![], None), "what was there is not its own");
        let near = hit(LimitKind::Disk, 9, 10, LimitAction::Warned);
        assert_eq!(take(Folder::Bytes(59 * MB)), (vec![near], None));
        let over = hit(LimitKind::Disk, 10, 10, LimitAction::Ended);
        assert_eq!(take(Folder::Bytes(60 * MB)), (vec![over], None));

        let mut watch = working(now);
        let many = Measured { generation: 0, usage: None, disk: Some(Folder::TooMany) };
        assert!(watch.take(many, &limits, &rhythm).1.is_some());
        assert_eq!(watch.due(&limits, &rhythm), None, "it is not walked through again in vain");
    }
}
