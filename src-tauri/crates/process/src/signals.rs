//! Signals to a process that is known by number and start time.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::ProcessIdentity;

/// Sends a signal if that very process still runs; says whether it was sent.
///
/// On Linux the process is held by a descriptor while its start time is compared, so that its number cannot be given to
/// another one in between. Kernels before 5.3 and other systems leave a gap of microseconds.
pub(crate) fn send(process: ProcessIdentity, signal: Signal) -> bool {
    let Ok(pid) = i32::try_from(process.pid) else { return false };
    let held = hold(pid);
    if !process.is_alive() {
        return false;
    }
    match held {
        Some(held) => send_to(&held, signal),
        None => kill(Pid::from_raw(pid), signal).is_ok(),
    }
}

#[cfg(target_os = "linux")]
fn hold(pid: i32) -> Option<OwnedFd> {
    // SAFETY: pidfd_open takes two integers and gives a new descriptor or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = RawFd::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: the descriptor was just made and has no other owner. The kernel sets close-on-exec on it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(target_os = "linux")]
fn send_to(process: &OwnedFd, signal: Signal) -> bool {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open, and a null siginfo asks the kernel to fill in its own.
    unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal as libc::c_int, none, 0) == 0
    }
}

#[cfg(not(target_os = "linux"))]
fn hold(_pid: i32) -> Option<OwnedFd> {
    None
}

#[cfg(not(target_os = "linux"))]
fn send_to(_process: &OwnedFd, _signal: Signal) -> bool {
    false
}
