//! The system calls of the shim behind safe functions. The only file here with unsafe code.
//!
//! Invariant that many SAFETY sentences lean on: the shim has one thread, from its start to its end.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::fs::OpenOptions;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use libc::{c_int, pid_t};

/// The write end of the pipe that signal handlers wake the loop with; -1 before it exists.
static WAKE: AtomicI32 = AtomicI32::new(-1);

/// What asking for one ended child gave.
pub(crate) enum Reaped {
    /// A child has ended with this raw wait status.
    Ended(pid_t, c_int),
    /// There are children, and all of them run.
    AllRun,
    /// There is no child, and so for a subreaper no descendant either.
    NoChild,
}

/// Why a program did not start.
pub(crate) enum StartError {
    /// Nothing was made: no pipe or no process.
    Fork(io::Error),
    /// The process could not join a control group; the errno says why. It ended before the program was executed.
    Join(c_int),
    /// The program could not be executed; the errno says why.
    Exec(c_int),
}

/// What the new process does to itself before the program is executed.
pub(crate) struct Confinement {
    /// The files of control groups that it writes itself into.
    pub(crate) group_files: Vec<CString>,
    /// The largest file that a process may write, in bytes.
    pub(crate) file_bytes: Option<u64>,
    /// How many processes and threads the user may have for this tree to start another.
    pub(crate) user_processes: Option<u64>,
}

/// No program of ours needs more open files, and some walk through all numbers.
const MOST_DESCRIPTORS: u64 = 65_536;

/// When the system runs out of memory it shall end a program of a tree, not the engine or the desktop.
#[cfg(target_os = "linux")]
const OOM_SCORE: &[u8] = b"500";

/// How a signal to one process went.
pub(crate) enum Sent {
    /// It was delivered.
    Delivered,
    /// It could not be: gone, or owned by another user.
    Refused,
}

/// Takes over a descriptor that the command line named, and keeps it from the program.
pub(crate) fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_SETFD only looks up a number in the descriptor table; a wrong one gives EBADF.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: the descriptor is open, as the call above showed, and nothing else in this process owns it: it came
    // from the parent, and `main` adopts each number once.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes this process the new parent of every orphan below it.
#[cfg(target_os = "linux")]
pub(crate) fn become_subreaper() -> io::Result<()> {
    // SAFETY: prctl with these integers touches no memory of ours.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }).map(drop)
}

/// Asks for SIGCONT when the thread that started this process ends.
///
/// The end of the lifeline says the same, but a program can stop its shim, and a stopped one sees nothing else.
#[cfg(target_os = "linux")]
pub(crate) fn ask_for_parent_death_signal() -> io::Result<()> {
    // SAFETY: prctl with these integers touches no memory of ours.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGCONT, 0, 0, 0) }).map(drop)
}

/// Leaves the session of the engine, so that no terminal can signal this process.
pub(crate) fn leave_session() {
    // SAFETY: setsid takes nothing. It fails only for the leader of a group, which has then left already.
    unsafe { libc::setsid() };
}

/// The process that is the parent now.
pub(crate) fn parent() -> pid_t {
    // SAFETY: getppid takes nothing and cannot fail.
    unsafe { libc::getppid() }
}

/// Turns SIGCHLD and the signals that ask for an end into bytes on the pipe that is returned.
pub(crate) fn signals_as_bytes() -> io::Result<PipeReader> {
    let (reader, writer) = io::pipe()?;
    for end in [reader.as_raw_fd(), writer.as_raw_fd()] {
        // SAFETY: F_SETFL on a descriptor that is open here. A full pipe must not block a handler.
        check(unsafe { libc::fcntl(end, libc::F_SETFL, libc::O_NONBLOCK) })?;
    }
    // The write end stays open as long as the process: a handler may use it at any time.
    WAKE.store(writer.into_raw_fd(), Ordering::SeqCst);
    let handler: extern "C" fn(c_int) = wake;
    for signal in [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT] {
        // SAFETY: an all-zero sigaction is a valid one, and the handler calls only `write`, which is allowed in a
        // handler, on a descriptor that is never closed.
        let done = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART | libc::SA_NOCLDSTOP;
            libc::sigaction(signal, &action, std::ptr::null_mut())
        };
        check(done)?;
    }
    unblock_all();
    Ok(reader)
}

/// The handler: one byte with the signal's number. A full pipe already holds enough to wake the loop.
extern "C" fn wake(signal: c_int) {
    let byte = [signal as u8];
    // SAFETY: `write` may be called in a handler, the buffer lives on this stack, and errno, which it may change, is
    // put back for the code that was interrupted.
    unsafe {
        let errno = errno_place();
        let before = *errno;
        libc::write(WAKE.load(Ordering::SeqCst), byte.as_ptr().cast(), 1);
        *errno = before;
    }
}

#[cfg(target_os = "linux")]
fn errno_place() -> *mut c_int {
    // SAFETY: gives the address of this thread's errno, valid as long as the thread.
    unsafe { libc::__errno_location() }
}

#[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
fn errno_place() -> *mut c_int {
    // SAFETY: gives the address of this thread's errno, valid as long as the thread.
    unsafe { libc::__error() }
}

/// Lets every signal through; the engine may have started us with some blocked.
fn unblock_all() {
    // SAFETY: the set is filled by sigemptyset before it is read, and both calls only use memory on this stack.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
}

/// Closes every descriptor above the standard streams but two.
pub(crate) fn close_all_but(one: RawFd, other: RawFd) {
    let (low, high) = (one.min(other), one.max(other));
    close_range(3, low - 1);
    close_range(low + 1, high - 1);
    close_range(high + 1, c_int::MAX);
}

fn close_range(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the shim calls this before it owns anything above the standard streams but the two that the caller
        // left out, so no owner is robbed.
        if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
            return;
        }
    }
    for fd in first..=last.min(highest_descriptor()) {
        // SAFETY: as above; a number that is not open gives EBADF.
        unsafe { libc::close(fd) };
    }
}

/// The highest descriptor worth looking at where `close_range` is missing.
fn highest_descriptor() -> RawFd {
    // SAFETY: sysconf takes a constant and touches no memory of ours.
    let open_max = unsafe { libc::sysconf(libc::_SC_OPEN_MAX) };
    RawFd::try_from(open_max).unwrap_or(RawFd::MAX).clamp(256, 65_536)
}

/// Sets a variable of the environment that the program will get.
#[allow(
    clippy::disallowed_methods,
    reason = "one thread, and the value is for the child that is started next"
)]
pub(crate) fn set_environment(name: &str, value: &str) {
    // SAFETY: this process has one thread, so nobody reads the environment meanwhile.
    unsafe { std::env::set_var(name, value) };
}

/// Starts the program in a session of its own, with the standard streams and no other descriptor.
pub(crate) fn start(command: &[CString], confinement: &Confinement) -> Result<pid_t, StartError> {
    let mut pointers: Vec<*const libc::c_char> = command.iter().map(|word| word.as_ptr()).collect();
    pointers.push(std::ptr::null());
    // Closes at a successful exec: an end without bytes is the good news.
    let (mut failure, failed) = io::pipe().map_err(StartError::Fork)?;

    // SAFETY: this process has one thread, so the child finds every lock free and its memory whole.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(StartError::Fork(io::Error::last_os_error()));
    }
    if pid == 0 {
        become_program(&pointers, confinement, failed.as_raw_fd());
    }
    drop(failed);
    let mut failure_bytes = [0; 5];
    match failure.read_exact(&mut failure_bytes) {
        Ok(()) => {
            let [step, errno @ ..] = failure_bytes;
            let errno = c_int::from_ne_bytes(errno);
            Err(if step == b'j' { StartError::Join(errno) } else { StartError::Exec(errno) })
        }
        Err(_) => Ok(pid),
    }
}

/// The child's way from fork to exec. Allocates nothing and never returns.
fn become_program(command: &[*const libc::c_char], confinement: &Confinement, failed: RawFd) -> ! {
    // SAFETY: only system calls on integers and on memory that the fork copied: `command` is a list of C strings that
    // ends with null. `_exit` runs no code of the parent's copy.
    unsafe {
        // First, so that what follows is on the tree's account. A program without its limits is not started.
        for file in &confinement.group_files {
            if !write_once(file, b"0") {
                give_up(failed, b'j');
            }
        }
        libc::setsid();
        // When the shim itself is killed, at least the program goes with it at once.
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        // Handlers end with exec, but ignored signals stay ignored: Rust ignores SIGPIPE, `nohup` ignores SIGHUP.
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        unblock_all();
        hide_descriptors();
        #[cfg(target_os = "linux")]
        write_once(c"/proc/self/oom_score_adj", OOM_SCORE);
        limit_resources(confinement);
        libc::execvp(command[0], command.as_ptr());
        give_up(failed, b'x')
    }
}

/// Tells the step that failed and its errno, and ends the child. Allocates nothing.
fn give_up(failed: RawFd, step: u8) -> ! {
    // SAFETY: `errno` is this thread's, the bytes live on this stack, and `_exit` runs no code of the parent's copy.
    unsafe {
        let [a, b, c, d] = (*errno_place()).to_ne_bytes();
        let bytes = [step, a, b, c, d];
        libc::write(failed, bytes.as_ptr().cast(), bytes.len());
        libc::_exit(127)
    }
}

/// Writes bytes into a file of the kernel; says whether it took them all. Allocates nothing.
fn write_once(file: &CStr, bytes: &[u8]) -> bool {
    // SAFETY: the name ends with a null, the bytes and their length belong together, and the descriptor is closed by
    // exec if not here. Closing may not spoil the errno of a failed write, so it is left to exec or the end.
    unsafe {
        let fd = libc::open(file.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        fd >= 0 && libc::write(fd, bytes.as_ptr().cast(), bytes.len()) == bytes.len() as libc::ssize_t
    }
}

/// Sets the limits that the system keeps for each process, for the program and all that it starts.
fn limit_resources(confinement: &Confinement) {
    // A memory dump could hold keys.
    at_most(libc::RLIMIT_CORE, 0);
    at_most(libc::RLIMIT_NOFILE, MOST_DESCRIPTORS);
    if let Some(bytes) = confinement.file_bytes {
        at_most(libc::RLIMIT_FSIZE, bytes);
    }
    if let Some(processes) = confinement.user_processes {
        at_most(libc::RLIMIT_NPROC, processes);
    }
}

/// The type of a resource's name differs between C libraries.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
type Resource = libc::__rlimit_resource_t;
/// The type of a resource's name differs between C libraries.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
type Resource = c_int;

/// Lowers a limit for good; one that is lower already stays. Lowering cannot fail.
fn at_most(resource: Resource, value: u64) {
    // SAFETY: both calls only use the structure on this stack.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(resource, &mut limit) == 0 {
            limit.rlim_max = limit.rlim_max.min(value);
            limit.rlim_cur = limit.rlim_cur.min(limit.rlim_max);
            libc::setrlimit(resource, &limit);
        }
    }
}

/// Lets exec close everything above the standard streams.
fn hide_descriptors() {
    #[cfg(target_os = "linux")]
    {
        let flag = libc::CLOSE_RANGE_CLOEXEC as c_int;
        // SAFETY: only sets a flag on descriptors of this process; kernels before 5.11 answer with an error.
        if unsafe { libc::syscall(libc::SYS_close_range, 3, c_int::MAX, flag) } == 0 {
            return;
        }
    }
    for fd in 3..=highest_descriptor() {
        // SAFETY: only sets a flag; a number that is not open gives EBADF.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// Gives up the standard streams and the working directory: the program alone shall hold them.
pub(crate) fn let_go_of_streams() -> io::Result<()> {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    for stream in 0..=2 {
        // SAFETY: replaces a standard stream by an open descriptor; nothing in this process has buffered output on it.
        check(unsafe { libc::dup2(null.as_raw_fd(), stream) })?;
    }
    std::env::set_current_dir("/")
}

/// Collects one ended child, if there is one.
pub(crate) fn reap() -> Reaped {
    #[cfg(target_os = "linux")]
    let flags = libc::WNOHANG | libc::__WALL;
    #[cfg(not(target_os = "linux"))]
    let flags = libc::WNOHANG;
    let mut status = 0;
    // SAFETY: writes one integer that lives on this stack.
    match unsafe { libc::waitpid(-1, &mut status, flags) } {
        0 => Reaped::AllRun,
        pid if pid > 0 => Reaped::Ended(pid, status),
        // With WNOHANG there is no EINTR, so the only error left is ECHILD.
        _ => Reaped::NoChild,
    }
}

/// Sends a signal to one process, or to a group when the number is negative.
pub(crate) fn send(pid: pid_t, signal: c_int) -> Sent {
    // SAFETY: kill takes two integers.
    if unsafe { libc::kill(pid, signal) } == 0 { Sent::Delivered } else { Sent::Refused }
}

/// Waits until one of the descriptors has something to read or has ended, a signal came, or the time is over.
pub(crate) fn wait_for(lifeline: Option<BorrowedFd<'_>>, signals: BorrowedFd<'_>, timeout: Option<Duration>) {
    // poll skips entries with a negative number.
    let watched = [lifeline.map_or(-1, |fd| fd.as_raw_fd()), signals.as_raw_fd()];
    let mut entries = watched.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    // Rounded up, so that a deadline is never missed by a hair and then polled for in a tight loop.
    let timeout =
        timeout.map_or(-1, |time| c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX).saturating_add(1));
    // SAFETY: the list lives on this stack and its length is the one given. An interruption is a wake-up like any other.
    unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, timeout) };
}

/// Keeps reads from blocking; each end of a pipe has this flag for itself.
pub(crate) fn read_without_blocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: F_SETFL on a descriptor that the caller shows to be open.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }).map(drop)
}

/// The exit code, or else the signal, in a raw wait status.
pub(crate) fn exit_of(status: c_int) -> Result<c_int, c_int> {
    if libc::WIFEXITED(status) { Ok(libc::WEXITSTATUS(status)) } else { Err(libc::WTERMSIG(status)) }
}

fn check(answer: c_int) -> io::Result<c_int> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}
