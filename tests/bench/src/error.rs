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
    /// The contract refused.
    #[error("the engine: {0}")]
    Api(#[from] nox_api::ApiError),
    /// An engine in another process refused or could not be asked.
    #[error("the engine: {0}")]
    Control(#[from] nox_api::control::Error),
    /// An engine in another process does not answer.
    #[error("{0}")]
    NoEngine(String),
    /// What a measurement waited for did not come.
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
