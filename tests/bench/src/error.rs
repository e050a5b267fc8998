//! Why a measurement could not be made.

/// What went wrong on the way.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The store refused or failed.
    #[error("the store: {0}")]
    Store(#[from] nox_store::Error),
    /// The engine refused or failed.
    #[error("the engine: {0}")]
    Engine(#[from] nox_engine::Error),
    /// What the generator waited for did not come.
    #[error("{0}")]
    Late(&'static str),
    /// The yardstick failed.
    #[error("raw SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A file or folder.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// JSON of our own.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A writer of the load ended in a panic.
    #[error("a writer ended early: {0}")]
    Writer(#[from] tokio::task::JoinError),
}
