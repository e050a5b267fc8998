//! The log: one JSON object per line in `logs/nox.<date>.jsonl` of the home.
//!
//! The desktop program and the command line call [`init`] once, first thing, and hold the [`LogGuard`] until they end.
//! Everybody else only uses `tracing`. The engine tells [`set_level`] what the settings say. Invariants:
//!
//! - Every line is one JSON object with `at` (UTC, ms), `time` (the same for people), `level`, `target` and `message`. The
//!   fields of the spans around an event stand in its line, so `command`, `session` and `run` set on a span (level info
//!   or higher) tell which work a line belongs to, at every log level; an event's own field wins over a span's.
//! - No secret reaches the disk: text goes through [`redact`] value by value, and the finished line once more.
//! - Files are readable by their owner only, are at most 16 MiB, and the last 14 are kept.
//! - Writing happens on a thread of its own and never holds up the engine; lines beyond its queue are counted and dropped.
//!
//! The event log of sessions is something else: it is the store's, and holds facts. This one is for finding faults.

mod file;
mod layer;
mod panics;
pub mod redact;

pub use redact::redact_text;

use file::RollingFile;
use layer::LineLayer;
use redact::RedactingWriter;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// The environment variable that overrides the level: a level, or directives such as `nox_store=trace,info`.
pub const LEVEL_VARIABLE: &str = "NOX_LOG";

/// Lines that may wait for the disk; more are dropped and counted.
const WAITING_LINES: usize = 8192;

/// How much is logged, and where else.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// The level of Nox's own parts until the settings are read; other crates are logged from `warn` on. [`LEVEL_VARIABLE`]
    /// comes before it.
    pub level: LevelFilter,
    /// Whether each line is also written to standard error, in a form for people.
    pub stderr: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { level: LevelFilter::INFO, stderr: false }
    }
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The folder or the file of the log cannot be written.
    #[error(
        "cannot write the log in {folder}: {source}; check that the folder belongs to you and the disk is not full"
    )]
    File {
        /// The log's folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The level in [`LEVEL_VARIABLE`] is no level.
    #[error(
        "{LEVEL_VARIABLE}=“{text}” is no log level ({source}); use off, error, warn, info, debug, trace or directives \
             such as nox_store=trace,info"
    )]
    Level {
        /// What was given.
        text: String,
        /// Why it was not understood.
        source: tracing_subscriber::filter::ParseError,
    },
    /// [`init`] was called a second time, or something else in the process has taken the log.
    #[error("the log of this process is already set up")]
    AlreadySetUp,
}

/// Keeps the log's thread; dropping it writes out what is queued.
#[must_use = "dropping the guard ends the log"]
pub struct LogGuard {
    folder: PathBuf,
    dropped: ErrorCounter,
    _thread: WorkerGuard,
}

impl LogGuard {
    /// The folder the log is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many lines were dropped because they came faster than they could be written.
    pub fn dropped_lines(&self) -> usize {
        self.dropped.dropped_lines()
    }
}

impl std::fmt::Debug for LogGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogGuard").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Begins the log of this process in `logs` of the home, and logs panics from now on.
pub fn init(home: &Path, options: LogOptions) -> Result<LogGuard, LogError> {
    let Opened { layer, guard, level } = open(home, &options, std::env::var(LEVEL_VARIABLE).ok())?;
    Registry::default().with(layer).try_init().map_err(|_| LogError::AlreadySetUp)?;
    // Set only here, behind the one success that a process can have.
    let _ = LEVEL.set(level);
    panics::install();
    Ok(guard)
}

/// How the level of this process's log is changed; none before [`init`].
static LEVEL: OnceLock<Dial> = OnceLock::new();

/// Logs this much from now on. Nothing happens without [`init`], or when [`LEVEL_VARIABLE`] says how much.
pub fn set_level(level: LevelFilter) {
    if let Some(known) = LEVEL.get() {
        known.set(level);
    }
}

/// The level of a log that is open.
struct Dial {
    /// None when the variable says how much is logged.
    filter: Option<reload::Handle<EnvFilter, Registry>>,
    now: Mutex<LevelFilter>,
}

impl Dial {
    fn set(&self, level: LevelFilter) {
        let Some(filter) = &self.filter else { return };
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == level {
            return;
        }
        match EnvFilter::try_new(own_parts(level)).map(|next| filter.reload(next)) {
            Ok(Ok(())) => *now = level,
            Ok(Err(error)) => tracing::warn!(%error, "the level of the log cannot be changed"),
            Err(error) => tracing::warn!(%error, "the level of the log cannot be changed"),
        }
    }
}

struct Opened {
    layer: BoxedLayer,
    guard: LogGuard,
    level: Dial,
}

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

fn open(home: &Path, options: &LogOptions, variable: Option<String>) -> Result<Opened, LogError> {
    let variable = variable.filter(|text| !text.trim().is_empty());
    let is_fixed = variable.is_some();
    let (filter, handle) = reload::Layer::new(filter(options.level, variable)?);
    let folder = home.join("logs");
    let file =
        RollingFile::open(&folder).map_err(|source| LogError::File { folder: folder.clone(), source })?;
    let (writer, thread): (NonBlocking, WorkerGuard) = NonBlockingBuilder::default()
        // Room for every line is taken at once; the default would take 4 MB.
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("nox-log")
        .finish(RedactingWriter::new(file));
    let guard = LogGuard { folder, dropped: writer.error_counter(), _thread: thread };
    // The ids stand on spans of level info; an error must carry them even when nothing but errors is logged.
    let spans =
        filter_fn(|what| what.is_span() && what.target().starts_with("nox") && *what.level() <= Level::INFO);
    let filter = spans.with_max_level_hint(LevelFilter::INFO).or(filter);
    let layer = LineLayer::new(writer, options.stderr).with_filter(filter).boxed();
    let level = Dial { filter: (!is_fixed).then_some(handle), now: Mutex::new(options.level) };
    Ok(Opened { layer, guard, level })
}

fn filter(level: LevelFilter, variable: Option<String>) -> Result<EnvFilter, LogError> {
    let text = match variable {
        Some(text) => match text.trim().parse::<LevelFilter>() {
            Ok(level) => own_parts(level),
            Err(_) => text,
        },
        None => own_parts(level),
    };
    EnvFilter::try_new(&text).map_err(|source| LogError::Level { text, source })
}

/// Directives are prefixes of a target, and every crate of Nox begins with “nox”. `genai` writes down what model servers
/// say, and some of them repeat keys.
fn own_parts(level: LevelFilter) -> String {
    let others = level.min(LevelFilter::WARN);
    format!("{others},genai=off,nox={level}")
}

#[cfg(test)]
mod tests;
