//! Panics go into the log before the usual hook prints them.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::panic::PanicHookInfo;

/// How much of a backtrace is kept, in bytes.
const MAX_BACKTRACE_BYTES: usize = 4 * 1024;

thread_local! {
    /// A panic inside the log itself must not be logged again, without end.
    static LOGGING: Cell<bool> = const { Cell::new(false) };
}

/// Puts the log before the hook that is there.
pub(super) fn install() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !LOGGING.replace(true) {
            log(info);
            LOGGING.set(false);
        }
        before(info);
    }));
}

pub(super) fn log(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("a value that is no text");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let backtrace = short(&Backtrace::force_capture().to_string());
    tracing::error!(
        target: "nox::panic",
        location,
        thread = thread.name().unwrap_or("unnamed"),
        backtrace,
        "panic: {message}"
    );
}

/// The frames from the panic's place on: what stands before them is the machinery of panicking, and this file.
fn short(full: &str) -> String {
    let frames = full.rfind("core::panicking::").or_else(|| full.rfind("rust_panic")).unwrap_or(0);
    let from = full[..frames].rfind('\n').map_or(0, |newline| newline + 1);
    let end = full.floor_char_boundary(full.len().min(from + MAX_BACKTRACE_BYTES));
    full[from..end].trim_end().to_owned()
}
