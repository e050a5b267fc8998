//! Looks at a database as a kill left it: nothing torn, nothing missing, rows that the events give again.

use nox_api::domain::{
    At,
    event::Event,
    rows::{SessionRow, kind},
    session::Session,
};
use nox_store::{AuditTrail, Options, RowPage, Store};
use nox_test_support::Tally;
use rusqlite::Connection;
use std::{fs, path::Path};

/// Sessions whose rows are made anew: the newest, since older ones were looked at before.
const SESSIONS: u32 = 40;
const PAGE: u32 = 1_000;

/// An acknowledged command: its id and its place in the log.
pub(crate) type Acknowledged = (String, i64);

/// Copies the database of a home whose engine is dead and looks at the copy, so that the original stays as it is.
pub(crate) async fn dead_home(root: &Path, said: &[Acknowledged], seed: u64, tally: &mut Tally) {
    let from = root.join("home");
    let copy = root.join("examined");
    let _ = fs::remove_dir_all(&copy);
    fs::create_dir_all(&copy).unwrap();
    for name in ["nox.db", "nox.db-wal"] {
        let _ = fs::copy(from.join(name), copy.join(name));
    }
    let path = copy.join("nox.db");
    if path.is_file() {
        database(&path, said, seed, tally).await;
    } else {
        tally.check(seed, LOST, said.is_empty(), || "there is no database".to_owned());
    }
}

const LOST: &str = "an acknowledged command is in the log, once";
const TORN: &str = "no torn state: numbers without holes, audit trail whole";
const REBUILT: &str = "rows equal what their events give";

async fn database(path: &Path, said: &[Acknowledged], seed: u64, tally: &mut Tally) {
    let store = match Store::open(path, Options::default()) {
        Ok(store) => store,
        Err(error) => return tally.check(seed, TORN, false, || error.to_string()),
    };
    let whole = match store.check().await {
        Ok(()) => store.verify_audit().await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    tally.check(seed, TORN, matches!(whole, Ok(AuditTrail::Whole { .. })), || format!("{whole:?}"));
    rebuilt(&store, seed, tally).await;
    tokio::task::spawn_blocking(move || store.close()).await.unwrap();

    let db = Connection::open(path).unwrap();
    let holes = holes(&db);
    tally.check(seed, TORN, holes.is_empty(), || format!("holes in {holes:?}"));
    let mut receipt = db.prepare("SELECT seq FROM receipts WHERE command = ?1").unwrap();
    for (command, seq) in said {
        let found: Option<i64> = receipt.query_row([command], |row| row.get(0)).ok();
        tally.check(seed, LOST, found == Some(*seq), || format!("{command}: {found:?}, acknowledged {seq}"));
    }
}

/// Streams whose numbers do not follow each other, and commands that opened a session twice; in one that was imported, or
/// is being imported, commands are those of its first home. The numbers of the whole log
/// have holes on purpose: a change of rows alone takes one as well. What was archived is left to the store's own tests.
fn holes(db: &Connection) -> Vec<String> {
    let sql = "SELECT stream FROM events WHERE stream NOT IN (SELECT stream FROM archive) GROUP BY stream
             HAVING count(*) <> max(stream_seq) - min(stream_seq) + 1
         UNION ALL SELECT command FROM events WHERE command IS NOT NULL AND kind = 'session_opened'
                 AND stream NOT IN (SELECT stream FROM events WHERE kind = 'session_imported')
                 AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.kind = 'import'
                     AND instr(outbox.body, substr(stream, length('session/') + 1)))
             GROUP BY command HAVING count(*) > 1";
    let mut query = db.prepare(sql).unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Replays the newest sessions and compares.
async fn rebuilt(store: &Store, seed: u64, tally: &mut Tally) {
    let rows = store.rows(kind::SESSION, None, RowPage::newest(SESSIONS)).await.unwrap();
    for row in rows.iter().filter(|row| !row.deleted) {
        let kept: SessionRow = serde_json::from_str(&row.body).unwrap();
        let mut history: Vec<(Event, At)> = Vec::new();
        let mut after = 0;
        let stream = format!("session/{}", row.id);
        loop {
            let page = store.events_of(&stream, after, PAGE).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.stream_seq;
            let facts = page.iter().map(|event| (serde_json::from_str(&event.body).unwrap(), At(event.at)));
            history.extend(facts);
        }
        let made =
            Session::replay(history.iter().map(|(event, at)| (event, *at))).map(|session| session.row());
        tally.check(seed, REBUILT, made.as_ref() == Some(&kept), || {
            format!("{}: stored {kept:?}, from the events {made:?}", row.id)
        });
        let items = store.count_rows(kind::ITEM, Some(&row.id)).await.unwrap();
        tally.check(seed, REBUILT, items == u64::from(kept.items), || {
            format!("{}: {items} items are stored, {} are counted", row.id, kept.items)
        });
    }
}
