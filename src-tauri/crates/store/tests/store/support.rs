//! A store in a temporary folder, and short ways to say what goes into it.

use std::{collections::BTreeMap, path::PathBuf};

use nox_store::{Batch, CausedBy, NewEvent, NewReceipt, Options, RowWrite, Store, StoredRow, Update};
use tempfile::TempDir;

pub(crate) struct Home {
    pub(crate) folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("nox.db")
    }

    pub(crate) fn open(&self) -> Store {
        self.open_with(Options::default())
    }

    pub(crate) fn open_with(&self, options: Options) -> Store {
        Store::open(&self.path(), options).unwrap()
    }

    /// A connection beside the store, to look at it or to spoil it.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

pub(crate) fn event(stream: &str, body: &str) -> NewEvent {
    NewEvent {
        stream: stream.to_owned(),
        kind: "noted".to_owned(),
        version: 1,
        at: 1_700_000_000_000,
        actor: "user".to_owned(),
        command: CausedBy::Batch,
        cause: None,
        audit: false,
        body: body.to_owned(),
    }
}

pub(crate) fn audited(stream: &str, body: &str) -> NewEvent {
    NewEvent { audit: true, ..event(stream, body) }
}

pub(crate) fn put(kind: &str, id: &str, parent: Option<&str>, ord: &str, body: &str) -> RowWrite {
    RowWrite::Put {
        kind: kind.to_owned(),
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        ord: ord.to_owned(),
        body: body.to_owned(),
    }
}

pub(crate) fn delete(kind: &str, id: &str) -> RowWrite {
    RowWrite::Delete { kind: kind.to_owned(), id: id.to_owned() }
}

pub(crate) fn receipt(command: &str) -> NewReceipt {
    NewReceipt {
        command: command.to_owned(),
        at: 1_700_000_000_000,
        result: format!("{{\"answer_to\":\"{command}\"}}"),
        inverse: None,
    }
}

pub(crate) fn batch(events: Vec<NewEvent>, rows: Vec<RowWrite>) -> Batch {
    Batch { events, rows, ..Batch::default() }
}

/// The read model as one who mirrors it keeps it: deleted rows are gone.
pub(crate) type Mirror = BTreeMap<(String, String), StoredRow>;

/// Applies a row as it is; panics when it would go back in time.
pub(crate) fn apply(mirror: &mut Mirror, row: &StoredRow) {
    let key = (row.kind.clone(), row.id.clone());
    if let Some(known) = mirror.get(&key) {
        assert!(known.seq <= row.seq, "{row:?} came after {known:?}");
    }
    if row.deleted {
        mirror.remove(&key);
    } else {
        mirror.insert(key, row.clone());
    }
}

pub(crate) fn apply_update(mirror: &mut Mirror, update: &Update) -> i64 {
    match update {
        Update::Replay { rows, through, .. } => {
            rows.iter().for_each(|row| apply(mirror, row));
            *through
        }
        Update::Commit(commit) => {
            commit.rows.iter().for_each(|row| apply(mirror, row));
            commit.last_seq
        }
    }
}

/// The read model as the database has it.
pub(crate) async fn full_read(store: &Store) -> Mirror {
    let page = store.rows_changed_after(0, u32::MAX).await.unwrap();
    assert!(!page.more);
    let mut mirror = Mirror::new();
    page.rows.iter().for_each(|row| apply(&mut mirror, row));
    mirror
}
