//! Databases of earlier schemas, with data in them: each is brought to the newest one and loses nothing.
//!
//! `tests/fixtures/schema-N.sql` is what a store of schema N held, as SQL. A new migration needs the fixture of the
//! schema before it, so each is written as soon as its schema exists: run the test of all fixtures once with
//! `NOX_WRITE_FIXTURE=1`.

use std::{
    fmt::Write,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use nox_store::{AuditTrail, Batch, Error, NewOutbox, Options, Store};
use rusqlite::{Connection, types::Value};

use crate::support::{Home, audited, batch, delete, event, put, receipt};

const KILLS: u64 = 25;
const HOME_VARIABLE: &str = "NOX_STORE_MIGRATION_TEST";

/// Tables and columns that every schema has.
const CONTENT: [&str; 5] = [
    "SELECT seq, stream, stream_seq, kind, version, at, actor, command, cause, prev_hash, body FROM events ORDER BY seq",
    "SELECT kind, id, parent, ord, seq, deleted, body FROM rows ORDER BY kind, id",
    "SELECT command, seq, at, result, inverse FROM receipts ORDER BY command",
    "SELECT id, seq, kind, body FROM outbox ORDER BY id",
    "SELECT name, value FROM meta ORDER BY name",
];

fn fixture(schema: i64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/schema-{schema}.sql"))
}

fn newest_schema() -> i64 {
    let home = Home::new();
    home.open().close();
    home.raw().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

fn content(db: &Connection) -> Vec<Vec<Vec<Value>>> {
    CONTENT.iter().map(|sql| rows(db, sql)).collect()
}

fn rows(db: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut query = db.prepare(sql).unwrap();
    let columns = query.column_count();
    query
        .query_map([], |row| (0..columns).map(|column| row.get(column)).collect())
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap()
}

/// What a store of some age holds: sessions, the audit trail, tombstones, answers, promises.
async fn live(store: &Store) {
    for n in 0..40 {
        let stream = format!("session/ses_{}", n % 5);
        let command = format!("cmd_{n:03}");
        let text =
            if n == 20 { "x".repeat(6000) } else { "the tests pass, 'quoted' and ünïcödé".to_owned() };
        let work = Batch {
            command: Some(command.clone()),
            receipt: Some(receipt(&command)),
            outbox: if n % 10 == 0 {
                vec![NewOutbox { kind: "write".to_owned(), body: format!("{{\"n\":{n}}}") }]
            } else {
                vec![]
            },
            ..batch(
                vec![event(&stream, &text), audited("decisions", &format!("{{\"n\":{n}}}"))],
                vec![
                    put("item", &format!("itm_{n:03}"), Some(&stream), &format!("{n:010}"), &text),
                    put("session", &stream, None, "a", &format!("{{\"items\":{n}}}")),
                ],
            )
        };
        store.commit(work).await.unwrap();
    }
    let gone = (0..5).map(|n| delete("item", &format!("itm_{n:03}"))).collect();
    store.commit(batch(vec![], gone)).await.unwrap();
    store.commit(Batch { outbox_done: vec![1], ..Batch::default() }).await.unwrap();
}

fn dump(db: &Connection) -> String {
    let mut sql = String::new();
    for pragma in ["application_id", "user_version"] {
        let number: i64 = db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).unwrap();
        writeln!(sql, "PRAGMA {pragma} = {number};").unwrap();
    }
    let schema =
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'index', rowid";
    for entry in rows(db, schema) {
        let [Value::Text(kind), Value::Text(name), Value::Text(text)] = &entry[..] else {
            panic!("{entry:?}")
        };
        if name != "sqlite_sequence" {
            writeln!(sql, "{text};").unwrap();
        }
        if kind == "table" {
            let names = rows(db, &format!("SELECT name FROM pragma_table_info('{name}')"));
            let quoted: Vec<String> = names
                .iter()
                .map(|column| match &column[..] {
                    [Value::Text(column)] => format!("quote({column})"),
                    other => panic!("{other:?}"),
                })
                .collect();
            for values in rows(db, &format!("SELECT {} FROM {name}", quoted.join("||','||"))) {
                let [Value::Text(values)] = &values[..] else { panic!("{values:?}") };
                writeln!(sql, "INSERT INTO {name} VALUES({values});").unwrap();
            }
        }
    }
    sql
}

fn load(schema: i64) -> Home {
    let home = Home::new();
    let sql = std::fs::read_to_string(fixture(schema)).unwrap();
    let db = home.raw();
    db.execute_batch(&format!("PRAGMA journal_mode = WAL; BEGIN; {sql} COMMIT;")).unwrap();
    home
}

#[tokio::test]
async fn every_schema_has_a_fixture_and_the_newest_one_is_what_is_made_today() {
    let newest = newest_schema();
    if std::env::var_os("NOX_WRITE_FIXTURE").is_some() {
        let home = Home::new();
        let store = home.open();
        live(&store).await;
        store.close();
        std::fs::write(fixture(newest), dump(&home.raw())).unwrap();
    }
    for schema in 1..=newest {
        let advice = format!(
            "schema {schema} has no fixture: on the commit before the next migration, run this test with \
             NOX_WRITE_FIXTURE=1 and commit {}",
            fixture(schema).display()
        );
        assert!(fixture(schema).exists(), "{advice}");
        let found: i64 = load_raw(schema).query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(found, schema);
    }
    let (made, kept) = (Home::new(), load(newest));
    made.open().close();
    let schema = "SELECT name, sql FROM sqlite_schema ORDER BY name";
    assert_eq!(
        rows(&made.raw(), schema),
        rows(&kept.raw(), schema),
        "the fixture is of another schema {newest}"
    );
}

fn load_raw(schema: i64) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(&std::fs::read_to_string(fixture(schema)).unwrap()).unwrap();
    db
}

#[tokio::test]
async fn every_earlier_schema_is_brought_here_with_all_its_data() {
    for schema in 1..=newest_schema() {
        let home = load(schema);
        let before = content(&home.raw());
        assert!(
            before.iter().all(|table| !table.is_empty()),
            "the fixture of schema {schema} has an empty table"
        );
        let store = home.open();
        assert_eq!(content(&home.raw()), before, "schema {schema}");
        let trail = store.verify_audit().await.unwrap();
        assert!(matches!(trail, AuditTrail::Whole { entries: 40, .. }), "schema {schema}: {trail:?}");
        store.check().await.unwrap();
        assert_eq!(store.count_rows("item", None).await.unwrap(), 35);
        assert_eq!(store.rows_changed_after(80, 100).await.unwrap().rows.len(), 5, "tombstones are replayed");
        let repeated = Batch { receipt: Some(receipt("cmd_007")), ..batch(vec![event("s", "")], vec![]) };
        assert!(matches!(store.commit(repeated).await, Err(Error::AlreadyDone(_))));
        assert_eq!(store.outbox_pending().await.unwrap().len(), 3);
        let head = store.head().await.seq;
        let done = store.commit(batch(vec![audited("decisions", "later")], vec![])).await.unwrap();
        assert_eq!(done.first_seq, head + 1);
        let stream = store.events_of("decisions", 0, 100).await.unwrap();
        assert_eq!(stream.last().unwrap().stream_seq, 41);
        assert!(matches!(store.verify_audit().await.unwrap(), AuditTrail::Whole { entries: 41, .. }));
    }
}

/// Opens an old database and is killed meanwhile. Does nothing when it is run as a test.
#[test]
fn child_that_migrates_until_it_is_killed() {
    let Some(path) = std::env::var_os(HOME_VARIABLE) else { return };
    println!("opening");
    Store::open(Path::new(&path), Options::default()).unwrap().close();
    println!("opened");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the test starts itself again, as the process to be killed")]
fn a_kill_in_the_middle_of_a_migration_leaves_before_or_after() {
    let newest = newest_schema();
    let mut longest = Duration::from_millis(20);
    let (mut before, mut after) = (0, 0);
    for kill in 0..KILLS {
        let home = load(1);
        let expected = content(&home.raw());
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "migrations::child_that_migrates_until_it_is_killed", "--nocapture"])
            .env(HOME_VARIABLE, home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.ends_with("opening")));
        let begun = Instant::now();
        if kill == 0 {
            // The first one lives, and says how long the others have.
            assert!(lines.any(|line| line.ends_with("opened")));
            longest = begun.elapsed();
        } else {
            // The kills are spread evenly over that time.
            let until = longest * u32::try_from(kill).unwrap() / u32::try_from(KILLS).unwrap();
            while begun.elapsed() < until {
                std::hint::spin_loop();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let db = home.raw();
        let schema: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        let is_made: bool = db
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'archive'", [], |row| row.get(0))
            .unwrap();
        assert!(schema == 1 || schema == newest, "schema {schema}");
        assert_eq!(is_made, schema == newest);
        *(if schema == 1 { &mut before } else { &mut after }) += 1;
        assert_eq!(content(&db), expected);
        drop(db);
        home.open().close();
        assert_eq!(content(&home.raw()), expected);
    }
    println!("killed before the migration {before} times, after it {after} times");
}
