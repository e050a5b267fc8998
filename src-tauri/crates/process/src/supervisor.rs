//! The task that follows a shim from its first report line until it is collected. Started by `tree`, once per tree; it
//! goes on when the [`crate::ProcessTree`] is dropped, so that the shim does not stay behind as a zombie.

use std::convert::Infallible;
use std::process::Child;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::limits::Group;
use crate::limits::watch::Watch;
use crate::output::{self, OutputStream};
use crate::report::Report;
use crate::sweep::sweep_lost;
use crate::{Exit, LimitKind, ProcessIdentity, TreeIdentity, procfs, signals};

/// A shim does what it is asked within milliseconds; later than this, something may hold it up.
pub(crate) const NUDGE_AFTER: Duration = Duration::from_millis(200);

/// What the task gives to the tree.
pub(crate) struct Supervised {
    /// The first line: `Started`, or why not. Dropped without a line when the shim ended first.
    pub(crate) started: oneshot::Receiver<Report>,
    /// The output of the tree.
    pub(crate) output: OutputStream,
    /// Set once, when nothing is left and all output was handed over.
    pub(crate) exit: watch::Receiver<Option<Exit>>,
}

/// What the task is given.
pub(crate) struct Held {
    pub(crate) child: Child,
    pub(crate) shim: ProcessIdentity,
    pub(crate) report: pipe::Receiver,
    pub(crate) stdout: pipe::Receiver,
    pub(crate) stderr: pipe::Receiver,
    /// Set when the tree shall end; a dropped sender says the same.
    pub(crate) ending: watch::Receiver<bool>,
    /// The control group that the program joins.
    pub(crate) group: Option<Group>,
    /// For limits that nothing else holds.
    pub(crate) watch: Option<Watch>,
    /// Whether the size of files is limited, which only the signal tells.
    pub(crate) has_file_limit: bool,
}

/// Starts the tasks for a shim that was just started.
pub(crate) fn supervise(held: Held) -> Supervised {
    let Held { child, shim, report, stdout, stderr, ending, group, watch, has_file_limit } = held;
    let (started_sender, started) = oneshot::channel();
    let (emptied, on_emptied) = oneshot::channel();
    let (exit_sender, exit) = watch::channel(None);
    let (output, pump) = output::stream(stdout, stderr, on_emptied);
    let pump = tokio::spawn(pump);
    tokio::spawn(async move {
        let met = Arc::new(OnceLock::new());
        let watching = async {
            match watch {
                Some(watch) => watch.run(Arc::clone(&met)).await,
                None => std::future::pending().await,
            }
        };
        let mut outcome = tokio::select! {
            exit = follow(report, shim, started_sender, child, group) => exit,
            never = nudge(shim, ending) => match never {},
            never = watching => match never {},
        };
        outcome.limit = met.get().copied().or(outcome.limit).or_else(|| file_limit(&outcome, has_file_limit));
        // The pump may have ended already, with the pipes.
        let _ = emptied.send(());
        finish(pump).await;
        exit_sender.send_replace(Some(outcome));
    });
    Supervised { started, output, exit }
}

/// Whether the program, or a shell's last command, was ended for writing a file that was too large.
fn file_limit(exit: &Exit, has_file_limit: bool) -> Option<LimitKind> {
    let is_it = exit.signal == Some(libc::SIGXFSZ) || exit.code == Some(128 + libc::SIGXFSZ);
    (has_file_limit && is_it).then_some(LimitKind::FileSize)
}

/// Wakes a shim that shall end its tree, again and again: the program, which belongs to the same user, may stop it at any
/// time. Does nothing before, so that a tree that just runs wakes nobody up.
async fn nudge(shim: ProcessIdentity, mut ending: watch::Receiver<bool>) -> Infallible {
    // An error is a tree that was dropped.
    let _ = ending.wait_for(|is_ending| *is_ending).await;
    loop {
        signals::send(shim, Signal::SIGCONT);
        tokio::time::sleep(NUDGE_AFTER).await;
    }
}

/// Reads the report to its end and collects the shim.
async fn follow(
    report: pipe::Receiver,
    shim: ProcessIdentity,
    started: oneshot::Sender<Report>,
    mut child: Child,
    group: Option<Group>,
) -> Exit {
    let mut lines = BufReader::new(report).lines();
    let mut started = Some(started);
    let mut program = None;
    let mut exit = Exit::UNKNOWN;
    let mut ended_well = false;
    // An unreadable report is treated like its end.
    while let Ok(Some(line)) = lines.next_line().await {
        let Some(entry) = Report::parse(&line) else {
            tracing::warn!(shim = shim.pid, line, "a line from the shim was not understood");
            continue;
        };
        match entry {
            Report::Started(_) | Report::ExecFailed(_) | Report::Failed { .. } => {
                if let Report::Started(identity) = &entry {
                    program = Some(*identity);
                } else {
                    ended_well = true;
                }
                if let Some(started) = started.take() {
                    // Nobody waits when the spawn was cancelled; then the lifeline is closed as well.
                    let _ = started.send(entry);
                }
            }
            Report::Exited(code) => exit.code = Some(code),
            Report::Signaled(signal) => exit.signal = Some(signal),
            Report::Limit(limit) => exit.limit = exit.limit.or(Some(limit)),
            Report::Forced => exit.forced = true,
            Report::Stuck(count) => {
                exit.left_behind = count;
                ended_well = true;
            }
            Report::Empty => ended_well = true,
        }
    }
    // A shim that was killed before it could name the program may have started it all the same.
    let program = program.unwrap_or(shim);
    let lost = (!ended_well).then(|| TreeIdentity { boot_id: procfs::boot_id(), shim, program });
    // The report has ended, so the shim is about to exit, or has been killed.
    let swept = spawn_blocking(move || {
        let collected = child.wait();
        // A shim that ended well has removed the group.
        (collected, lost.map(|tree| sweep_lost(tree, group)))
    });
    match swept.await {
        Ok((_, Some(swept))) => {
            tracing::warn!(shim = shim.pid, ?swept, "the shim was killed; its tree was swept");
            exit.forced = true;
            exit.left_behind = u32::try_from(swept.left.len()).unwrap_or(u32::MAX);
        }
        Ok((Err(error), None)) => tracing::warn!(shim = shim.pid, %error, "the shim could not be collected"),
        Ok((Ok(_), None)) => {}
        Err(error) => {
            tracing::warn!(shim = shim.pid, %error, "the runtime ended before the shim was collected")
        }
    }
    exit
}

/// Waits until the output was handed over.
async fn finish(pump: JoinHandle<()>) {
    if let Err(error) = pump.await {
        tracing::warn!(%error, "the task that reads a program's output did not end well");
    }
}
