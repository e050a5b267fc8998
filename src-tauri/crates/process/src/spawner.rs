//! The one place of Nox that starts a process, on a thread that lives as long as this process.
//!
//! The thread matters: a parent-death signal comes when the *thread* that started a child ends, and the threads of an
//! async runtime come and go.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::SpawnSpec;
use crate::limits::{Group, Holding, user_processes};

/// The ends of the pipes that go to the shim. They are closed here as soon as it has them.
#[derive(Debug)]
pub(crate) struct ShimEnds {
    /// None is `/dev/null`.
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
    pub(crate) lifeline: OwnedFd,
    pub(crate) report: OwnedFd,
}

/// A shim to start, and where to put it.
struct Order {
    command: Command,
    /// Kept open until the shim has its copies.
    ends: [OwnedFd; 2],
    /// The groups that were made for it.
    group: Option<Group>,
    reply: oneshot::Sender<io::Result<Child>>,
}

/// The way to the thread, which is started at the first use and never ends.
static SPAWNER: LazyLock<io::Result<mpsc::Sender<Order>>> = LazyLock::new(|| {
    let (orders, incoming) = mpsc::channel::<Order>();
    thread::Builder::new().name("nox-spawn".to_owned()).spawn(move || {
        for Order { mut command, ends, group, reply } in incoming {
            let child = command.spawn();
            if child.is_err() {
                group.as_ref().map(Group::remove);
            }
            // The command holds our copies of the program's streams: with them open, no pipe would ever end.
            drop((command, ends));
            // Nobody waits any more: then the lifeline is closed too, and the shim ends by itself. The standard library
            // does not collect a child that is dropped, so it is done here.
            if let Err(Ok(mut child)) = reply.send(child) {
                let _ = child.wait();
                // It removes its groups itself, unless it was ended before it knew of them.
                group.as_ref().map(Group::remove);
            }
        }
    })?;
    Ok(orders)
});

/// Starts a shim for the program, which joins the group.
pub(crate) async fn start_shim(
    shim: &Path,
    spec: &SpawnSpec,
    (group, holding): (Option<&Group>, &Holding),
    ends: ShimEnds,
) -> io::Result<Child> {
    let orders = SPAWNER.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
    let mut options: Vec<OsString> = vec!["--grace-ms".into(), millis(spec.grace).to_string().into()];
    for folder in group.into_iter().flat_map(Group::folders) {
        options.extend(["--group".into(), folder.into()]);
    }
    if let Some(bytes) = spec.limits.file_bytes {
        options.extend(["--file-bytes".into(), bytes.to_string().into()]);
    }
    if let Some(processes) = user_processes(&spec.limits, holding) {
        options.extend(["--user-processes".into(), processes.to_string().into()]);
    }
    let mut command = shim_command(shim, &options, spec, &ends);
    command.stdin(ends.stdin.map_or_else(Stdio::null, Stdio::from)).stdout(ends.stdout).stderr(ends.stderr);
    let (reply, answer) = oneshot::channel();
    let order = Order { command, ends: [ends.lifeline, ends.report], group: group.cloned(), reply };
    orders.send(order).map_err(|_| io::Error::other("the spawning thread has ended"))?;
    answer.await.map_err(|_| io::Error::other("the spawning thread has ended"))?
}

/// The command line of the shim. The program's environment is the shim's, which passes it on.
#[allow(clippy::disallowed_methods, reason = "this is the one place that may start a process")]
fn shim_command(shim: &Path, options: &[OsString], spec: &SpawnSpec, ends: &ShimEnds) -> Command {
    let (lifeline, report) = (ends.lifeline.as_raw_fd(), ends.report.as_raw_fd());
    let mut command = Command::new(shim);
    command
        .args(["--lifeline", &lifeline.to_string(), "--report", &report.to_string()])
        .args(options)
        .arg("--")
        .arg(&spec.program)
        .args(&spec.args)
        .current_dir(&spec.cwd)
        .env_clear()
        .envs(spec.env.iter().map(|(name, value)| (name, value)));
    // Both ends are closed on exec for every other child. Clearing that flag here, after the fork, opens them to this
    // shim alone.
    let hand_over = move || {
        for fd in [lifeline, report] {
            // SAFETY: fcntl is allowed between fork and exec; the order keeps both descriptors open until then.
            if unsafe { libc::fcntl(fd, libc::F_SETFD, 0) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: the closure allocates nothing, takes no lock and makes only calls that are allowed between fork and exec.
    unsafe { command.pre_exec(hand_over) };
    command
}

/// Whole milliseconds; a time beyond what fits is as long as forever.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
