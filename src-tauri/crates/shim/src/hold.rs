//! Holds the tree from its start until nothing is left of it. Called by `main` only.
//!
//! One loop waits for the lifeline, for signals and for the deadline of the ladder. While the program just runs there is
//! no deadline, and so no wake-up.

use std::collections::HashSet;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use libc::pid_t;

use crate::args::Options;
use crate::descendants;
use crate::group::Groups;
use crate::sys::{self, Confinement, Reaped, StartError};

/// Time for what the program left behind, or what the engine left behind when it died, to end by itself. Long enough
/// for git to remove its lock files, short enough for nobody to wait.
const LEFTOVER_GRACE: Duration = Duration::from_millis(200);

/// No grace is longer; a number beyond it is a mistake.
const LONGEST_GRACE: Duration = Duration::from_secs(3600);

/// After this long under SIGKILL the rest cannot be ended: it belongs to another user or hangs in the kernel.
const STUCK_AFTER: Duration = Duration::from_secs(5);

/// Rounds of SIGKILL without a pause, for processes that keep forking.
const TIGHT_ROUNDS: u32 = 64;

/// How many times SIGTERM or SIGSTOP goes round for processes that were born meanwhile.
const TERM_ROUNDS: u32 = 8;

/// Where the tree stands.
#[derive(Clone, Copy)]
enum Phase {
    /// The program runs and nobody wants it to end.
    Running,
    /// SIGTERM was sent; SIGKILL follows at the deadline.
    Asked { deadline: Instant },
    /// SIGKILL is sent again and again until nothing is left.
    Killing { since: Instant, pause: Duration },
}

/// Starts the program, holds its tree, and returns when it is empty.
pub(crate) fn run(options: &Options) -> ExitCode {
    sys::close_all_but(options.lifeline, options.report);
    let Ok(report) = sys::adopt(options.report) else { return ExitCode::from(2) };
    let mut report = Report(File::from(report));
    let groups = Groups::new(&options.groups);
    match Tree::start(options, &mut report) {
        Ok(tree) => tree.hold(&groups, &mut report),
        Err((step, error)) => {
            groups.remove();
            let errno = error.raw_os_error().unwrap_or(0);
            report.line(&format!("{step} {errno}"));
            ExitCode::FAILURE
        }
    }
}

/// The tree and what is known about it.
struct Tree {
    program: pid_t,
    parent: pid_t,
    grace: Duration,
    lifeline: Option<File>,
    /// The start of a command whose line has not ended yet.
    half_command: Vec<u8>,
    signals: PipeReader,
    phase: Phase,
    program_ended: bool,
    is_frozen: bool,
    killed: HashSet<pid_t>,
}

impl Tree {
    /// Sets the shim up and starts the program. An error names the step for the report.
    fn start(options: &Options, report: &mut Report) -> Result<Tree, (&'static str, io::Error)> {
        let lifeline = sys::adopt(options.lifeline).map_err(|error| ("failed lifeline", error))?;
        sys::read_without_blocking(lifeline.as_fd()).map_err(|error| ("failed lifeline", error))?;
        sys::leave_session();
        let signals = sys::signals_as_bytes().map_err(|error| ("failed signals", error))?;
        #[cfg(target_os = "linux")]
        {
            sys::become_subreaper().map_err(|error| ("failed subreaper", error))?;
            sys::ask_for_parent_death_signal().map_err(|error| ("failed parent-death-signal", error))?;
        }
        let parent = sys::parent();
        let own = pid_t::try_from(std::process::id()).unwrap_or_default();
        // Children inherit the mark, so that a sweep finds them even when this process was killed.
        sys::set_environment("NOX_TREE", &format!("{own}-{}", descendants::start_ticks(own)));
        let confinement = confinement(options).map_err(|error| ("failed control-group", error))?;
        let program = match sys::start(&options.command, &confinement) {
            Ok(pid) => pid,
            Err(StartError::Join(errno)) => {
                return Err(("failed control-group", io::Error::from_raw_os_error(errno)));
            }
            Err(StartError::Fork(error)) => return Err(("failed fork", error)),
            Err(StartError::Exec(errno)) => return Err(("exec-failed", io::Error::from_raw_os_error(errno))),
        };
        let tree = Tree {
            program,
            parent,
            grace: options.grace,
            lifeline: Some(File::from(lifeline)),
            half_command: Vec::new(),
            signals,
            phase: Phase::Running,
            program_ended: false,
            is_frozen: false,
            killed: HashSet::new(),
        };
        report.line(&format!("started {program} {}", descendants::start_ticks(program)));
        // Without /dev/null the streams stay open until the tree has ended, which is the only loss.
        let _ = sys::let_go_of_streams();
        Ok(tree)
    }

    /// The loop: collect, climb the ladder, wait.
    fn hold(mut self, groups: &Groups, report: &mut Report) -> ExitCode {
        let left = loop {
            if self.collect(report) {
                break 0;
            }
            if self.program_ended {
                self.ask(groups, LEFTOVER_GRACE);
            }
            let timeout = match self.climb(groups, report) {
                Climb::Wait(timeout) => timeout,
                Climb::Empty => break 0,
                Climb::Stuck(left) => break left,
            };
            sys::wait_for(self.lifeline.as_ref().map(AsFd::as_fd), self.signals.as_fd(), timeout);
            self.read_signals(groups);
            self.read_commands(groups);
        };
        for (limit, count) in groups.limits_met() {
            report.line(&format!("limit {limit} {count}"));
        }
        if left == 0 {
            groups.remove();
        }
        // A process that had ended when SIGKILL came counts too: nobody can tell the two apart.
        let forced = self.killed.len();
        if forced > 0 {
            report.line(&format!("forced {forced}"));
        }
        report.line(&if left > 0 { format!("stuck {left}") } else { "empty".to_owned() });
        ExitCode::SUCCESS
    }

    /// Collects every ended child; true when no descendant is left.
    fn collect(&mut self, report: &mut Report) -> bool {
        loop {
            match sys::reap() {
                Reaped::Ended(pid, status) if pid == self.program => {
                    self.program_ended = true;
                    report.line(&match sys::exit_of(status) {
                        Ok(code) => format!("exited {code}"),
                        Err(signal) => format!("signaled {signal}"),
                    });
                }
                Reaped::Ended(..) => {}
                Reaped::AllRun => return false,
                Reaped::NoChild => return !descendants::group_is_left(self.program),
            }
        }
    }

    /// Lets nothing of the tree run. A tree that shall end is not frozen any more.
    fn freeze(&mut self, groups: &Groups) {
        if self.is_frozen || !matches!(self.phase, Phase::Running) {
            return;
        }
        self.is_frozen = true;
        if !groups.freeze(true) {
            let mut seen = HashSet::new();
            for _ in 0..TERM_ROUNDS {
                if descendants::signal_all(self.program, libc::SIGSTOP, &mut seen).reached == 0 {
                    break;
                }
            }
        }
    }

    /// Lets a frozen tree run on. Without a group this also wakes what had stopped itself.
    fn thaw(&mut self, groups: &Groups) {
        if std::mem::take(&mut self.is_frozen) && !groups.freeze(false) {
            descendants::signal_all(self.program, libc::SIGCONT, &mut HashSet::new());
        }
    }

    /// Begins the ladder. A ladder that is under way keeps the earlier deadline.
    fn ask(&mut self, groups: &Groups, grace: Duration) {
        let deadline = Instant::now() + grace.min(LONGEST_GRACE);
        // A frozen process cannot follow a wish.
        self.thaw(groups);
        match self.phase {
            Phase::Running => {
                self.phase = Phase::Asked { deadline };
                let mut seen = HashSet::new();
                for _ in 0..TERM_ROUNDS {
                    if descendants::signal_all(self.program, libc::SIGTERM, &mut seen).reached == 0 {
                        break;
                    }
                }
                // A stopped process sees SIGTERM only once it runs again.
                descendants::signal_all(self.program, libc::SIGCONT, &mut HashSet::new());
            }
            Phase::Asked { deadline: earlier } => {
                self.phase = Phase::Asked { deadline: earlier.min(deadline) }
            }
            Phase::Killing { .. } => {}
        }
    }

    /// Goes over to SIGKILL.
    fn kill(&mut self) {
        if !matches!(self.phase, Phase::Killing { .. }) {
            self.phase = Phase::Killing { since: Instant::now(), pause: Duration::from_millis(1) };
        }
    }

    /// Does what the phase asks for now, and says how long to wait for news.
    fn climb(&mut self, groups: &Groups, report: &mut Report) -> Climb {
        if let Phase::Asked { deadline } = self.phase {
            let rest = deadline.saturating_duration_since(Instant::now());
            if !rest.is_zero() {
                // Only a subreaper is told about every end; elsewhere the group has to be looked at.
                let look = if cfg!(target_os = "linux") { rest } else { rest.min(Duration::from_millis(20)) };
                return Climb::Wait(Some(look));
            }
            self.kill();
        }
        let Phase::Killing { since, pause } = self.phase else { return Climb::Wait(None) };
        let mut found = 0;
        for _ in 0..TIGHT_ROUNDS {
            let round = descendants::signal_all(self.program, libc::SIGKILL, &mut self.killed);
            found = round.found;
            // Collecting between the rounds keeps the list short that the next one reads.
            if self.collect(report) {
                return Climb::Empty;
            }
            if round.reached == 0 {
                break;
            }
            // What is faster at forking than this loop at reading, the kernel ends at once.
            groups.kill();
        }
        if since.elapsed() >= STUCK_AFTER {
            return if found == 0 { Climb::Empty } else { Climb::Stuck(found) };
        }
        self.phase = Phase::Killing { since, pause: (pause * 2).min(Duration::from_millis(50)) };
        Climb::Wait(Some(pause))
    }

    /// Acts on signals that came. SIGCHLD only had to wake the loop.
    fn read_signals(&mut self, groups: &Groups) {
        let mut bytes = [0; 64];
        while let Ok(count @ 1..) = self.signals.read(&mut bytes) {
            if bytes[..count].iter().all(|signal| i32::from(*signal) == libc::SIGCHLD) {
                continue;
            }
            // Nobody waits for a tree whose engine is gone.
            let grace = if sys::parent() == self.parent { self.grace } else { LEFTOVER_GRACE };
            self.ask(groups, grace);
        }
    }

    /// Acts on what came over the lifeline; its end means that the engine is gone.
    fn read_commands(&mut self, groups: &Groups) {
        let mut bytes = [0; 64];
        while let Some(lifeline) = self.lifeline.as_mut() {
            match lifeline.read(&mut bytes) {
                Ok(0) => {
                    self.lifeline = None;
                    self.ask(groups, LEFTOVER_GRACE);
                }
                Ok(count) => self.obey(groups, &bytes[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // A lifeline that cannot be read holds nothing.
                Err(_) => {
                    self.lifeline = None;
                    self.ask(groups, LEFTOVER_GRACE);
                }
            }
        }
    }

    /// Follows the commands whose line is complete.
    fn obey(&mut self, groups: &Groups, bytes: &[u8]) {
        for byte in bytes {
            if *byte != b'\n' {
                // No command is this long; the rest of such a line is noise.
                if self.half_command.len() < 32 {
                    self.half_command.push(*byte);
                }
                continue;
            }
            let line = std::mem::take(&mut self.half_command);
            match std::str::from_utf8(&line).ok().and_then(|text| text.split_at_checked(1)) {
                Some(("k", "")) => self.kill(),
                Some(("s", "")) => self.freeze(groups),
                Some(("c", "")) => self.thaw(groups),
                Some(("t", grace)) => {
                    let grace = grace.trim().parse().map_or(self.grace, Duration::from_millis);
                    self.ask(groups, grace);
                }
                _ => {}
            }
        }
    }
}

/// What the program does to itself before it is executed.
fn confinement(options: &Options) -> io::Result<Confinement> {
    let group_files = options.groups.iter().map(|folder| {
        let file = folder.join("cgroup.procs").into_os_string();
        CString::new(file.as_bytes()).map_err(io::Error::from)
    });
    Ok(Confinement {
        group_files: group_files.collect::<io::Result<_>>()?,
        file_bytes: options.file_bytes,
        user_processes: options.user_processes,
    })
}

/// What a step on the ladder came to.
enum Climb {
    /// Wait for news, at most this long.
    Wait(Option<Duration>),
    /// Nothing is left.
    Empty,
    /// So many processes cannot be ended.
    Stuck(u32),
}

/// The pipe for report lines.
struct Report(File);

impl Report {
    /// Writes a line at once. When the engine is gone nobody reads it, and that is no reason to stop.
    fn line(&mut self, text: &str) {
        let _ = self.0.write_all(format!("{text}\n").as_bytes());
    }
}
