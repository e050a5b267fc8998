//! How long a start takes: to the window, to the open engine, to the first snapshot, to the board that can be used. The
//! figures are milliseconds since the beginning of `main`; they go to the log, and the last one to a file for the
//! benchmark that asked for it.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

/// Names a file that gets one line, `NOX_READY <ms>`, when the board can be used.
pub const READY_FILE_VARIABLE: &str = "NOX_BENCH_READY";

/// The clock of one start. Each figure is taken once; a reloaded page changes nothing.
#[derive(Debug)]
pub struct Startup {
    began: Instant,
    ready_file: Option<PathBuf>,
    snapshot: AtomicBool,
    usable: AtomicBool,
}

impl Startup {
    /// A start that began at this instant.
    pub fn since(began: Instant) -> Self {
        let ready_file =
            std::env::var_os(READY_FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        Self { began, ready_file, snapshot: AtomicBool::new(false), usable: AtomicBool::new(false) }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn window_is_made(&self) {
        tracing::info!(startup.window_ms = self.elapsed_ms(), "the window is made");
    }

    pub(crate) fn engine_is_open(&self) {
        tracing::info!(startup.engine_ms = self.elapsed_ms(), "the engine is open");
    }

    /// The page was given this answer.
    pub(crate) fn answered(&self, operation: &str) {
        if operation == "first_look" && !self.snapshot.swap(true, Ordering::Relaxed) {
            tracing::info!(startup.first_snapshot_ms = self.elapsed_ms(), "the page has its first look");
        }
    }

    pub(crate) fn page_is_usable(&self) {
        if self.usable.swap(true, Ordering::Relaxed) {
            return;
        }
        let usable_ms = self.elapsed_ms();
        tracing::info!(startup.usable_ms = usable_ms, "the board can be used");
        if let Some(file) = &self.ready_file
            && let Err(error) = std::fs::write(file, format!("NOX_READY {usable_ms}\n"))
        {
            tracing::warn!(%error, "the benchmark's file cannot be written");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_file_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ready");
        let startup = Startup { ready_file: Some(file.clone()), ..Startup::since(Instant::now()) };
        startup.page_is_usable();
        let text = std::fs::read_to_string(&file).unwrap();
        let figure = text.strip_prefix("NOX_READY ").and_then(|rest| rest.strip_suffix('\n')).unwrap();
        assert!(figure.parse::<u64>().unwrap() < 60_000, "{text}");
        std::fs::remove_file(&file).unwrap();
        startup.page_is_usable();
        assert!(!file.exists());
    }
}
