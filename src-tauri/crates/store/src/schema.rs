//! Opens connections with the settings that durability rests on, and brings a database to the newest schema.
//!
//! Called by the writer and the readers. Migrations go forward only; each is one transaction with its version
//! number, so a crash leaves the schema before or after it, never between.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use crate::{error::Error, wal};

/// The migrations; number n brings `user_version` from n to n + 1.
const MIGRATIONS: &[&str] =
    &[include_str!("../migrations/0001_log_and_rows.sql"), include_str!("../migrations/0002_archive.sql")];

/// "Nox1": tells a database of Nox from any other SQLite file.
const APPLICATION_ID: i64 = 0x4e6f_7831;

/// The first SQLite without the WAL-reset race that corrupted databases.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long the writer waits for a program that holds the database, for example a backup.
const WRITER_PATIENCE: Duration = Duration::from_secs(5);

/// How long a reader waits; in WAL mode it only ever does while the database is opened or recovered.
const READER_PATIENCE: Duration = Duration::from_millis(50);

/// A WAL that grew under a long read is cut back to this many bytes afterwards.
const WAL_KEPT_BYTES: u32 = 64 * 1024 * 1024;

/// The most that the writer and each reader keep of the file in memory; the system keeps the rest.
const WRITER_CACHE_KIB: u32 = 8192;
const READER_CACHE_KIB: u32 = 1024;

/// Opens the write connection, makes the file if there is none, and migrates it. `max_bytes` caps its size.
pub(crate) fn open_writer(path: &Path, max_bytes: Option<u64>) -> Result<Connection, Error> {
    let failed = |error: rusqlite::Error| Error::from_sqlite(&error, path);
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::OldSqlite { found: rusqlite::version().to_owned() });
    }
    wal::refuse_damaged(path)?;
    create_private(path)?;
    let mut db = connect_writer(path, max_bytes)?;
    migrate(&mut db, path)?;
    // Only now: the WAL of a database that is refused stays as it is.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(failed)?;
    Ok(db)
}

/// Opens the write connection once more after a failure of the disk: the same database, which must be there still.
pub(crate) fn reopen_writer(path: &Path, max_bytes: Option<u64>, wanted: &str) -> Result<Connection, Error> {
    let db = connect_writer(path, max_bytes)?;
    if user_version(&db, path)? != MIGRATIONS.len() as i64 || epoch(&db, path)? != wanted {
        let detail = "another database has taken its place".to_owned();
        return Err(Error::Damaged { path: path.to_path_buf(), detail });
    }
    let failed = |error: rusqlite::Error| Error::from_sqlite(&error, path);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(failed)?;
    // Frames of a commit that failed may stand in the WAL: without them nobody takes them for a commit.
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)?;
    Ok(db)
}

/// Connects with the settings that durability rests on, each read back. Makes and changes no content.
fn connect_writer(path: &Path, max_bytes: Option<u64>) -> Result<Connection, Error> {
    let failed = |error: rusqlite::Error| Error::from_sqlite(&error, path);
    let db = Connection::open_with_flags(path, flags()).map_err(failed)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    db.busy_timeout(WRITER_PATIENCE).map_err(failed)?;
    db.set_prepared_statement_cache_capacity(64);
    // Before anything is set: a newer or foreign file must not be touched, not even its journal mode.
    check_owner(&db, path)?;

    set(&db, path, "journal_mode", "WAL", "wal")?;
    set(&db, path, "synchronous", "FULL", "2")?;
    set(&db, path, "foreign_keys", "ON", "1")?;
    // fullfsync: on macOS a plain fsync leaves the bytes in the drive's cache.
    db.execute_batch(&format!(
        "PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -{WRITER_CACHE_KIB};"
    ))
    .map_err(failed)?;
    // These two answer with a row.
    db.query_row(&format!("PRAGMA journal_size_limit = {WAL_KEPT_BYTES}"), [], |_| Ok(())).map_err(failed)?;
    if let Some(bytes) = max_bytes {
        let page_bytes: u32 = db.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(failed)?;
        let pages = bytes.div_ceil(u64::from(page_bytes.max(1)));
        db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(failed)?;
    }
    Ok(db)
}

/// Opens a connection that cannot write and never checkpoints.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let failed = |error: rusqlite::Error| Error::from_sqlite(&error, path);
    let db = Connection::open_with_flags(path, flags()).map_err(failed)?;
    db.busy_timeout(READER_PATIENCE).map_err(failed)?;
    db.set_prepared_statement_cache_capacity(32);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    db.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(())).map_err(failed)?;
    db.execute_batch(&format!("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{READER_CACHE_KIB};"))
        .map_err(failed)?;
    set(&db, path, "query_only", "ON", "1")?;
    Ok(db)
}

/// The random name of this database's life.
pub(crate) fn epoch(db: &Connection, path: &Path) -> Result<String, Error> {
    db.query_row("SELECT value FROM meta WHERE name = 'epoch'", [], |row| row.get(0))
        .map_err(|error| Error::from_sqlite(&error, path))
}

/// Moves a damaged database out of the way: the file, its WAL and its index, each with `.suffix` appended.
///
/// The store must be closed. The caller chooses the suffix, usually a time, and learns the new path. A name that
/// is taken is never overwritten.
///
/// # Errors
/// [`Error::Sqlite`] when a file cannot be renamed, the name is taken, or none of the files is there.
pub fn set_aside(path: &Path, suffix: &str) -> Result<PathBuf, Error> {
    let with = |tail: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(tail);
        PathBuf::from(name)
    };
    let target = with(&format!(".{suffix}"));
    let mut is_moved = false;
    // The WAL goes with its database under the name that SQLite expects, so that the pair can still be opened. The
    // database goes first: SQLite discards a WAL without one, while a database without its WAL would look whole.
    for tail in ["", "-wal", "-shm"] {
        let (from, mut to) = (with(tail), target.clone().into_os_string());
        to.push(tail);
        if Path::new(&to).exists() {
            return Err(Error::Sqlite {
                code: 0,
                detail: format!("{} exists already", Path::new(&to).display()),
            });
        }
        match std::fs::rename(&from, &to) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Ok(()) => is_moved = true,
            Err(error) => {
                let detail = format!("{} cannot be renamed: {error}", from.display());
                return Err(Error::Sqlite { code: 0, detail });
            }
        }
    }
    if !is_moved {
        let detail = format!("{} is not there", path.display());
        return Err(Error::Sqlite { code: 0, detail });
    }
    Ok(target)
}

fn flags() -> OpenFlags {
    // Each connection is used by one thread at a time, so SQLite's own mutexes are not needed.
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Makes an empty file that only its owner can read; SQLite gives the WAL the same mode.
fn create_private(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| Error::Disk {
        hint: crate::error::DiskHint::ReadOnly,
        detail: format!("{}: {error}", path.display()),
    })
}

/// Refuses a file that another program or a newer Nox owns.
fn check_owner(db: &Connection, path: &Path) -> Result<(), Error> {
    let failed = |error: rusqlite::Error| Error::from_sqlite(&error, path);
    let owner: i64 = db.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(failed)?;
    let found = user_version(db, path)?;
    let tables: i64 =
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if owner != APPLICATION_ID && (owner != 0 || found != 0 || tables != 0) {
        let detail = "it is a database of another program".to_owned();
        return Err(Error::Damaged { path: path.to_path_buf(), detail });
    }
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(Error::Newer { found, known });
    }
    if owner == APPLICATION_ID { check_schema(db, path, found) } else { Ok(()) }
}

fn migrate(db: &mut Connection, path: &Path) -> Result<(), Error> {
    let failed = |error: rusqlite::Error| Error::from_sqlite(&error, path);
    let mut version = user_version(db, path)?;
    while let Some(sql) = usize::try_from(version).ok().and_then(|at| MIGRATIONS.get(at)) {
        let step = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        step.execute_batch(sql).map_err(|error| match failed(error) {
            // The schema was looked at before, so it is not as its version says.
            Error::Sqlite { detail, .. } => Error::Damaged { path: path.to_path_buf(), detail },
            other => other,
        })?;
        if version == 0 {
            step.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
            step.execute("INSERT INTO meta (name, value) VALUES ('epoch', ?1)", [random_epoch()?])
                .map_err(failed)?;
        }
        version += 1;
        step.pragma_update(None, "user_version", version).map_err(failed)?;
        step.commit().map_err(failed)?;
        tracing::info!(version, "database schema migrated");
    }
    Ok(())
}

/// Refuses a database whose tables are not what the migrations up to its version make. What is there beyond them does
/// no harm.
fn check_schema(db: &Connection, path: &Path, version: i64) -> Result<(), Error> {
    let failed = |error: rusqlite::Error| Error::from_sqlite(&error, path);
    let damaged = |detail: String| Err(Error::Damaged { path: path.to_path_buf(), detail });
    let Some(made_by) = usize::try_from(version).ok().filter(|version| *version > 0) else {
        return damaged(format!("it says that it has schema {version}"));
    };
    let fresh = Connection::open_in_memory().map_err(failed)?;
    for sql in MIGRATIONS.iter().take(made_by) {
        fresh.execute_batch(sql).map_err(failed)?;
    }
    let found = schema_of(db).map_err(failed)?;
    match schema_of(&fresh).map_err(failed)?.into_iter().find(|entry| !found.contains(entry)) {
        Some((name, _)) => damaged(format!("its {name} is missing or not as it should be")),
        None => Ok(()),
    }
}

fn schema_of(db: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    let mut query = db.prepare("SELECT name, sql FROM sqlite_schema")?;
    query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn user_version(db: &Connection, path: &Path) -> Result<i64, Error> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| Error::from_sqlite(&error, path))
}

fn random_epoch() -> Result<String, Error> {
    let number = getrandom::u64().map_err(|error| Error::Sqlite { code: 0, detail: error.to_string() })?;
    Ok(format!("{number:016x}"))
}

/// Sets a PRAGMA and reads it back: SQLite ignores what it does not know or cannot do.
fn set(
    db: &Connection,
    path: &Path,
    pragma: &'static str,
    value: &'static str,
    wanted: &'static str,
) -> Result<(), Error> {
    let failed = |error: rusqlite::Error| Error::from_sqlite(&error, path);
    db.pragma_update(None, pragma, value).map_err(failed)?;
    let found: rusqlite::types::Value =
        db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).map_err(failed)?;
    let found = match found {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    };
    if found == wanted { Ok(()) } else { Err(Error::Setting { pragma, wanted, found }) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_settings_that_durability_rests_on_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nox.db");
        let db = open_writer(&path, None).unwrap();
        let text = |pragma: &str| -> String {
            db.query_row(&format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}"), [], |row| row.get(0))
                .unwrap()
        };
        assert_eq!(
            ["journal_mode", "synchronous", "foreign_keys", "user_version"].map(text),
            ["wal", "2", "1", &MIGRATIONS.len().to_string()]
        );
        assert!(rusqlite::version_number() >= OLDEST_SQLITE);
        let reader = open_reader(&path).unwrap();
        assert!(reader.execute("DELETE FROM events", []).is_err(), "a reader could write");
    }

    #[test]
    fn a_setting_that_does_not_take_is_an_error() {
        // A database in memory has no WAL, as one on a network disk has none.
        let db = Connection::open_in_memory().unwrap();
        let refused = set(&db, Path::new("nox.db"), "journal_mode", "WAL", "wal").unwrap_err();
        let found = "memory".to_owned();
        assert_eq!(refused, Error::Setting { pragma: "journal_mode", wanted: "wal", found });
    }

    #[test]
    fn what_is_opened_again_must_be_the_same_database() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("nox.db"), folder.path().join("other.db"));
        let first = open_writer(&path, None).unwrap();
        let name = epoch(&first, &path).unwrap();
        drop(open_writer(&other, None).unwrap());
        reopen_writer(&path, None, &name).unwrap();
        assert!(matches!(reopen_writer(&other, None, &name), Err(Error::Damaged { .. })));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(reopen_writer(&path, None, &name), Err(Error::Disk { .. })));
        assert!(!path.exists(), "a database that is gone was made anew");
    }
}
