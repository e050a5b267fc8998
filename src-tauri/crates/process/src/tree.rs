//! A program and everything it starts, from its start to the end of the last process.

use std::ffi::OsString;
use std::io::{self, PipeWriter, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::limits::watch::Watch;
use crate::limits::{Group, Holding, LimitKind, TreeLimits};
use crate::output::OutputStream;
use crate::report::Report;
use crate::spawner::{self, ShimEnds};
use crate::supervisor::{Held, NUDGE_AFTER, Supervised, supervise};
use crate::{
    Error, ProcessIdentity, Result, ShimPath, TreeIdentity, TreeUsage, procfs, signals, tree_usage, usage,
};

/// How often a silent shim is nudged: ten seconds in all, enough for a machine under heavy load.
const NUDGES: u32 = 50;

/// What to run, and with what. Nothing of this process is passed on but what is named here.
#[derive(Debug, Clone)]
pub struct SpawnSpec {
    /// A path, or a name that is looked for on the `PATH` in `env`. A relative path counts from `cwd`.
    pub program: OsString,
    /// The arguments after the program's name.
    pub args: Vec<OsString>,
    /// The folder to run in.
    pub cwd: PathBuf,
    /// The whole environment; see [`crate::allowed_environment`]. The shim adds `NOX_TREE`, which marks the tree.
    pub env: Vec<(OsString, OsString)>,
    /// Where the program reads from.
    pub stdin: Stdin,
    /// The time between SIGTERM and SIGKILL when the shim itself is asked to end, by the user or the system.
    pub grace: Duration,
    /// What the tree may use at most.
    pub limits: TreeLimits,
}

/// Where a program reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdin {
    /// From `/dev/null`: every read is at the end.
    Closed,
    /// From what [`ProcessTree::write`] or [`TreeStdin`] writes.
    Piped,
}

/// How a tree ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// The exit code of the program, if it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended the program, if one did. Neither is known when somebody killed the shim first.
    pub signal: Option<i32>,
    /// Whether some process of the tree did not end before SIGKILL.
    pub forced: bool,
    /// Processes that could not be ended: they belong to another user, or hang in the kernel.
    pub left_behind: u32,
    /// A limit that the tree met, if one is known: memory before processes before the size of files. A control group
    /// tells it also when the program went on all the same; [`LimitKind::FileSize`] is known when it ended the program.
    pub limit: Option<LimitKind>,
}

impl Exit {
    /// Whether the program ended by itself with code 0.
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }

    pub(crate) const UNKNOWN: Exit =
        Exit { code: None, signal: None, forced: false, left_behind: 0, limit: None };
}

/// A running program with everything it starts. Dropping it ends all of that, after at most a fraction of a second.
#[derive(Debug)]
pub struct ProcessTree {
    identity: TreeIdentity,
    /// Only a watch that is about to end the tree holds it too, for a moment.
    lifeline: Arc<Lifeline>,
    stdin: Option<TreeStdin>,
    output: Option<OutputStream>,
    exit: watch::Receiver<Option<Exit>>,
    holding: Holding,
    /// The highest processor time that was told.
    cpu_ms: AtomicU64,
}

/// The pipe that the tree lives as long as, and the word to the supervisor that it shall end; dropping both says the same.
#[derive(Debug)]
pub(crate) struct Lifeline {
    pipe: PipeWriter,
    ending: watch::Sender<bool>,
}

impl Lifeline {
    /// Tells the shim to end the tree.
    pub(crate) fn end(&self, command: &str) {
        self.tell(command);
        self.ending.send_replace(true);
    }

    /// A shim that is gone cannot be told anything, and needs not: its end is on the way through the report.
    fn tell(&self, command: &str) {
        let _ = (&self.pipe).write_all(command.as_bytes());
    }
}

impl ProcessTree {
    /// Starts the program under a shim of its own, and returns once it runs. Needs a tokio runtime with IO.
    ///
    /// # Errors
    /// [`Error::WorkingDirectory`] and [`Error::Program`] name what is wrong with the spec; the others say that the
    /// system is short of something. After an error nothing runs.
    pub async fn spawn(spec: &SpawnSpec, shim: &ShimPath) -> Result<ProcessTree> {
        check_folder(spec)?;
        let (ours, theirs) = make_pipes(spec.stdin).map_err(|source| Error::Pipe { source })?;
        let (group, holding) = Group::make(&spec.limits);
        let child = match spawner::start_shim(shim.path(), spec, (group.as_ref(), &holding), theirs).await {
            Ok(child) => child,
            Err(source) => {
                group.as_ref().map(Group::remove);
                return Err(Error::ShimNotStarted { path: shim.path().to_owned(), source });
            }
        };
        // Nobody collects the child before the supervisor does, so its number is still its own.
        let pid = child.id();
        let shim = ProcessIdentity::of(pid).unwrap_or(ProcessIdentity { pid, started_at_ticks: 0 });
        let (ending, on_ending) = watch::channel(false);
        let lifeline = Arc::new(Lifeline { pipe: ours.lifeline, ending });
        let watch = Watch::over(&spec.limits, &holding, shim, group.clone(), Arc::downgrade(&lifeline));
        let Supervised { started, output, exit } = supervise(Held {
            child,
            shim,
            report: ours.report,
            stdout: ours.stdout,
            stderr: ours.stderr,
            ending: on_ending,
            group,
            watch,
            has_file_limit: spec.limits.file_bytes.is_some(),
        });
        let program = match first_report(started, shim).await {
            Some(Report::Started(program)) => program,
            Some(Report::ExecFailed(source)) => {
                return Err(Error::Program { program: spec.program.clone(), source });
            }
            Some(Report::Failed { step, source }) => return Err(Error::ShimFailed { step, source }),
            Some(_) | None => return Err(Error::ShimEnded),
        };
        let identity = TreeIdentity { boot_id: procfs::boot_id(), shim, program };
        let stdin = ours.stdin.map(TreeStdin);
        let cpu_ms = AtomicU64::new(0);
        Ok(ProcessTree { identity, lifeline, stdin, output: Some(output), exit, holding, cpu_ms })
    }

    /// The names of the shim and the program, to be stored for [`crate::sweep`].
    pub fn id(&self) -> &TreeIdentity {
        &self.identity
    }

    /// Hands over the output, once. Whoever takes it must read it to its end or drop it; [`ProcessTree::wait`] waits for
    /// that.
    pub fn take_output(&mut self) -> Option<OutputStream> {
        self.output.take()
    }

    /// Hands over the input, once, for a writer of its own.
    pub fn take_stdin(&mut self) -> Option<TreeStdin> {
        self.stdin.take()
    }

    /// Writes to the program's input; waits while the program does not read.
    ///
    /// # Errors
    /// [`Error::Input`] when there is no input (any more), or the program has closed it.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.stdin {
            Some(stdin) => stdin.write(bytes).await,
            None => Err(Error::Input { source: io::ErrorKind::BrokenPipe.into() }),
        }
    }

    /// Asks everything in the tree to end: SIGTERM, and SIGKILL for what is left after the grace. Returns at once;
    /// [`ProcessTree::wait`] tells when it is done. A second call can only make the grace shorter.
    pub fn stop(&self, grace: Duration) {
        self.lifeline.end(&format!("t {}\n", spawner::millis(grace)));
    }

    /// Ends everything in the tree with SIGKILL. Returns at once.
    pub fn kill(&self) {
        self.lifeline.end("k\n");
    }

    /// Lets nothing of the tree run until [`ProcessTree::thaw`]: by its control group where there is one of version 2, else
    /// by SIGSTOP, which a child born at that moment may miss. Returns at once. A frozen tree can be stopped and killed.
    pub fn freeze(&self) {
        self.lifeline.tell("s\n");
    }

    /// Lets a frozen tree run on. Without a control group, this also wakes a process that had stopped itself.
    pub fn thaw(&self) {
        self.lifeline.tell("c\n");
    }

    /// A handle that freezes and thaws the tree, for whoever makes it wait. It does not hold the tree.
    pub fn brake(&self) -> Brake {
        Brake { shim: self.identity.shim, lifeline: Arc::downgrade(&self.lifeline) }
    }

    /// What the tree costs; none when nothing of it is left. Blocks the thread for some 30 µs per process, see
    /// [`tree_usage`], which measures a tree without this handle.
    pub fn usage(&self) -> Option<TreeUsage> {
        let mut usage = tree_usage(&self.identity)?;
        usage.cpu_ms = usage.cpu_ms.max(self.cpu_ms.fetch_max(usage.cpu_ms, Ordering::Relaxed));
        Some(usage)
    }

    /// What holds the limits of this very tree: that of [`crate::holding`], or weaker when a group could not be made.
    pub fn holding(&self) -> Holding {
        self.holding
    }

    /// Waits until no process of the tree is left and all output was handed over. May be called again and is safe to
    /// cancel. Output that nobody took is thrown away.
    pub async fn wait(&mut self) -> Exit {
        self.output = None;
        // The sender is dropped early only when the runtime itself shuts down.
        self.exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or(Exit::UNKNOWN)
    }
}

/// Freezes and thaws one tree, beside its [`ProcessTree`].
#[derive(Debug, Clone)]
pub struct Brake {
    shim: ProcessIdentity,
    lifeline: Weak<Lifeline>,
}

impl Brake {
    /// As [`ProcessTree::freeze`]; nothing once the tree was dropped.
    pub fn freeze(&self) {
        if let Some(lifeline) = self.lifeline.upgrade() {
            lifeline.tell("s\n");
        }
    }

    /// As [`ProcessTree::thaw`]; nothing once the tree was dropped.
    pub fn thaw(&self) {
        if let Some(lifeline) = self.lifeline.upgrade() {
            lifeline.tell("c\n");
        }
    }

    /// User and system time of the tree, in milliseconds; cheaper than [`ProcessTree::usage`], and it can fall when
    /// nobody collected a process. None once the tree was dropped. Blocks the thread for some 10 µs per process.
    pub fn cpu_ms(&self) -> Option<u64> {
        self.lifeline.upgrade()?;
        usage::cpu_ms_below(self.shim)
    }
}

/// The input of a program. Dropping it tells the program that there is no more.
#[derive(Debug)]
pub struct TreeStdin(pipe::Sender);

impl TreeStdin {
    /// Writes all of the bytes; waits while the program does not read.
    ///
    /// # Errors
    /// [`Error::Input`] when the program has closed its input or ended.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).await.map_err(|source| Error::Input { source })
    }
}

/// The shim is started in the folder, so its start would blame the shim for a folder that is not there.
fn check_folder(spec: &SpawnSpec) -> Result<()> {
    let source = match std::fs::metadata(&spec.cwd) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => io::ErrorKind::NotADirectory.into(),
        Err(error) => error,
    };
    Err(Error::WorkingDirectory { path: spec.cwd.clone(), source })
}

/// Waits for the shim to say that the program runs, or why not; none when it says nothing.
///
/// A program can stop its shim before the shim has said so, hence the nudges. A shim that is alive and silent for all of
/// the time is ended, and what it started is swept.
async fn first_report(mut started: oneshot::Receiver<Report>, shim: ProcessIdentity) -> Option<Report> {
    for _ in 0..NUDGES {
        match timeout(NUDGE_AFTER, &mut started).await {
            Ok(report) => return report.ok(),
            Err(_) => signals::send(shim, Signal::SIGCONT),
        };
    }
    signals::send(shim, Signal::SIGKILL);
    None
}

/// The ends of the pipes that stay here. All are closed on exec, so no other child holds them.
struct OurEnds {
    lifeline: PipeWriter,
    report: pipe::Receiver,
    stdin: Option<pipe::Sender>,
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
}

fn make_pipes(stdin: Stdin) -> io::Result<(OurEnds, ShimEnds)> {
    let (their_lifeline, lifeline) = io::pipe()?;
    // A shim that was stopped does not read; a command must not wait for it.
    fcntl(&lifeline, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let (report, their_report) = readable()?;
    let (stdout, their_stdout) = readable()?;
    let (stderr, their_stderr) = readable()?;
    let (stdin, their_stdin) = match stdin {
        Stdin::Closed => (None, None),
        Stdin::Piped => {
            let (reader, writer) = io::pipe()?;
            (Some(pipe::Sender::from_owned_fd(writer.into())?), Some(reader.into()))
        }
    };
    let ours = OurEnds { lifeline, report, stdin, stdout, stderr };
    let theirs = ShimEnds {
        stdin: their_stdin,
        stdout: their_stdout,
        stderr: their_stderr,
        lifeline: their_lifeline.into(),
        report: their_report,
    };
    Ok((ours, theirs))
}

/// A pipe that is read here. Only our end does not block: that flag belongs to an end, and a program expects to wait.
fn readable() -> io::Result<(pipe::Receiver, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((pipe::Receiver::from_owned_fd(reader.into())?, writer.into()))
}
