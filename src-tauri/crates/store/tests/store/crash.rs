//! SIGKILL in the middle of writing: what was acknowledged is there, and nothing is there by halves.
//!
//! The test starts itself again as the process that writes.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Stdio},
};

use nox_store::{Batch, NewOutbox, Options, Store};

use crate::support::{Home, audited, batch, event, put, receipt};

const KILLS: u64 = 20;
const HOME_VARIABLE: &str = "NOX_STORE_CRASH_TEST";
const WRITERS: usize = 8;
const EVENTS_EACH: usize = 3;

/// Writes until it is killed and says what was acknowledged. Does nothing when it is run as a test.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(HOME_VARIABLE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // A short WAL, so that kills also fall into checkpoints.
        let store =
            Store::open(Path::new(&path), Options { checkpoint_pages: 40, ..Options::default() }).unwrap();
        let life = store.head().await.seq;
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| tokio::spawn(write(store.clone(), life, writer))).collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

async fn write(store: Store, life: i64, writer: usize) {
    for n in 0_u64.. {
        let command = format!("c-{life}-{writer}-{n}");
        let events = (0..EVENTS_EACH)
            .map(|part| match part {
                0 => audited(&format!("s{writer}"), &format!("{command}/{part}")),
                _ => event(&format!("s{writer}"), &format!("{command}/{part}")),
            })
            .collect();
        let rows = vec![
            put("own", &command, None, "", &command),
            put("shared", &format!("{}", n % 50), None, "", &"x".repeat(200)),
        ];
        let work = Batch {
            command: Some(command.clone()),
            receipt: Some(receipt(&command)),
            outbox: vec![NewOutbox { kind: "write".to_owned(), body: command.clone() }],
            ..batch(events, rows)
        };
        let done = store.commit(work).await.unwrap();
        // One write of a short line into a pipe is whole or not there.
        let line = format!("acknowledged {command} {}\n", done.last_seq);
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_sigkill() {
    let home = Home::new();
    let mut acknowledged: Vec<(String, i64)> = Vec::new();
    // A small generator is enough to spread the kills; the moment within a commit is left to the machine.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(std::process::id());
    for _ in 0..KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let until = usize::try_from(random >> 33).unwrap() % 250;
        let mut child = start(&home.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut heard = Vec::new();
        while heard.len() <= until {
            let line = lines.next().expect("the child ended by itself").unwrap();
            heard.extend(acknowledgement(&line));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died counts too.
        heard.extend(lines.map_while(Result::ok).filter_map(|line| acknowledgement(&line)));
        acknowledged.extend(heard);
        examine(&home, &acknowledged);
    }
}

fn acknowledgement(line: &str) -> Option<(String, i64)> {
    let mut words = line.strip_prefix("acknowledged ")?.split(' ');
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
}

#[allow(clippy::disallowed_methods, reason = "the test starts itself again, as the process to be killed")]
fn start(path: &Path) -> Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_writes_until_it_is_killed", "--nocapture"])
        .env(HOME_VARIABLE, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Opens the store as the next start would, and looks for anything missing or torn.
fn examine(home: &Home, acknowledged: &[(String, i64)]) {
    let store = home.open();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        store.check().await.unwrap();
        let trail = store.verify_audit().await.unwrap();
        assert!(matches!(trail, nox_store::AuditTrail::Whole { .. }), "{trail:?}");
    });
    store.close();

    let db = home.raw();
    let all = |sql: &str| -> Vec<(String, i64)> {
        let mut query = db.prepare(sql).unwrap();
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let receipts: HashSet<_> = all("SELECT command, seq FROM receipts").into_iter().collect();
    let lost: Vec<_> = acknowledged.iter().filter(|command| !receipts.contains(*command)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    // Each command is there with all its parts or not at all.
    let expected: HashSet<_> = receipts.iter().map(|(command, seq)| (command.clone(), *seq)).collect();
    let events: HashSet<_> = all("SELECT command, max(seq) FROM events GROUP BY command HAVING count(*) = 3")
        .into_iter()
        .collect();
    assert_eq!(events, expected);
    assert_eq!(
        all("SELECT id, seq FROM rows WHERE kind = 'own'").into_iter().collect::<HashSet<_>>(),
        expected
    );
    assert_eq!(all("SELECT body, seq FROM outbox").into_iter().collect::<HashSet<_>>(), expected);
    // No hole in the log or in a stream, and nothing twice.
    let holes = all("SELECT 'log', count(*) FROM events HAVING count(*) <> max(seq)
         UNION ALL SELECT stream, count(*) FROM events GROUP BY stream HAVING count(*) <> max(stream_seq)");
    assert_eq!(holes, []);
    let total: i64 = db.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(total as usize, receipts.len() * EVENTS_EACH);
}
