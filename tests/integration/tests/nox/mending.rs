//! What is damaged: rows are made anew from events, damage in the database is told, and what can be saved comes back.

use crate::{
    log::{assert_rows_fit, busy, import, long_export},
    sh,
};
use nox_api::{
    domain::{
        At,
        agent::Runtime,
        event::{Closed, PreAllowed},
        ids::SessionId,
        life::LogPolicy,
        rows::{SessionRow, SessionState},
        tool::Decision,
        transcript::Lines,
    },
    dto::*,
};
use nox_store::{Batch, RowWrite};
use nox_test_support::{LONG, World, caller, poll};
use serde_json::Value;
use std::path::{Path, PathBuf};

#[tokio::test(flavor = "multi_thread")]
async fn damaged_rows_are_found_and_made_anew() {
    let (mut world, sessions) = busy().await;
    let items = world.items(&sessions[0]).await;
    let garbage = |kind: &str, id: &str, parent: Option<&SessionId>| RowWrite::Put {
        kind: kind.into(),
        id: id.into(),
        parent: parent.map(ToString::to_string),
        ord: "x".into(),
        body: "{}".into(),
    };
    let rows = vec![
        garbage("session", sessions[0].as_str(), None),
        garbage("session_state", sessions[0].as_str(), None),
        garbage("item", items[0].id.as_str(), Some(&sessions[0])),
        garbage("item", "itm_nothing", Some(&sessions[1])),
        RowWrite::Delete { kind: "session".into(), id: sessions[1].to_string() },
    ];
    let store = world.api().engine().ledger().store().clone();
    store.commit(Batch { rows, ..Batch::default() }).await.unwrap();
    drop(store);
    let found = world.api().engine().check_rows().await.unwrap();
    assert_eq!(found.differences, 4, "the state is made anew as it is read: {:?}", found.named);
    world.close().await;
    let home = nox_api::Home::at(&world.home()).unwrap();
    let lock = poll("the lock", async || home.lock().unwrap()).await;
    let report = nox_api::rebuild(&home, &lock).await.unwrap();
    assert_eq!((report.sessions.0, report.rows_mended.0), (4, 5), "{report:?}");
    let report = nox_api::rebuild(&home, &lock).await.unwrap();
    assert_eq!((report.sessions.0, report.rows_mended.0), (4, 0), "{report:?}");
    drop(lock);
    world.reopen().await;
    assert_eq!(world.items(&sessions[0]).await, items);
    assert_eq!(world.snapshot().await.sessions.len(), 4);
    assert_rows_fit(&world).await;
}

fn database(world: &World) -> PathBuf {
    world.home().join("nox.db")
}

/// Takes the database and all that were set aside away.
fn forget_databases(world: &World) {
    for entry in std::fs::read_dir(world.home()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("nox.db") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}

/// Overwrites a page of the database with zeros.
fn spoil_page(path: &Path, page: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[page * 4096..(page + 1) * 4096].fill(0);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoiled_page_is_met_by_the_start_or_told_with_a_banner() {
    let (mut world, _) = busy().await;
    assert!(world.api().engine().check_log().await);
    assert!(world.snapshot().await.problems.is_empty());
    world.close().await;
    let good = std::fs::read(database(&world)).unwrap();
    let pages = good.len() / 4096;
    // A start does not meet every page: what it meets is set aside, what it does not is told.
    let mut told = 0;
    for page in (pages.saturating_sub(8)..pages).rev() {
        spoil_page(&database(&world), page);
        world.reopen().await;
        if world.api().engine().beginning().set_aside.is_none() {
            assert!(!world.api().engine().check_log().await, "page {page}");
            let hint = world
                .until("the banner", |all| {
                    let problem = all.problems.iter().find(|problem| problem.path == "nox.db")?;
                    (problem.code == "database_damaged").then(|| problem.hint.clone())
                })
                .await;
            assert!(hint.contains("--rebuild"), "{hint}");
            told += 1;
        } else {
            // The start has met it: what is left comes back.
            world
                .until("the banner of what was saved", |all| {
                    let problem = all.problems.iter().find(|problem| problem.path == "nox.db")?;
                    (problem.code == "database_salvaged").then_some(())
                })
                .await;
        }
        world.close().await;
        forget_databases(&world);
        std::fs::write(database(&world), &good).unwrap();
    }
    assert!(told > 0, "opening met every page");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_come_back_from_a_damaged_database() {
    let (mut world, sessions) = busy().await;
    let mut before = Vec::new();
    for session in &sessions {
        before.push(world.items(session).await);
    }
    world.close().await;
    let kept = std::fs::read(database(&world)).unwrap();
    // Without its head it is no database for SQLite.
    let mut damaged = kept.clone();
    damaged[..100].fill(0);
    std::fs::write(database(&world), &damaged).unwrap();
    world.reopen().await;
    let message = world
        .until("the banner", |all| {
            let problem = all.problems.iter().find(|problem| problem.path == "nox.db")?;
            (problem.code == "database_salvaged").then(|| problem.message.clone())
        })
        .await;
    assert!(message.contains("4 sessions came back whole"), "{message}");
    let recovery = world.api().recovery(Nothing {}).await.unwrap();
    let file = recovery.database.unwrap();
    assert!(!file.under_way && !recovery.clean);
    assert_eq!((file.sessions_saved, file.sessions_damaged), (4, 0));
    assert_eq!(std::fs::read(&file.aside).unwrap(), damaged, "what was set aside is as it was");
    for (session, before) in sessions.iter().zip(&before).take(3) {
        assert_eq!(world.items(session).await, *before);
    }
    // The one that was open is closed, says so, and asks nothing.
    let all = world.snapshot().await;
    let view = all.sessions.iter().find(|view| view.row.id == sessions[3]).unwrap();
    assert!(matches!(view.row.state, SessionState::Closed { how: Closed::Failed, .. }), "{view:?}");
    assert_rows_fit(&world).await;
    world.api().engine().ledger().store().check().await.unwrap();
    // It can be continued; and the next start finds nothing to do and takes the banner away.
    world.reopen().await;
    world.until("no banner", |all| all.problems.iter().all(|one| one.path != "nox.db").then_some(())).await;
    assert_eq!(world.snapshot().await.sessions.len(), 4);
    world.api().continue_session(&caller(), OneSession { session: sessions[3].clone() }).await.unwrap();
    let row = world.until_asked(&sessions[3]).await;
    world.answer(&row.request.id, Decision::AllowOnce).await.unwrap();
    assert_eq!(world.until_over(&sessions[3]).await.how, Closed::Finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_in_a_session_leaves_the_beginning_and_says_so() {
    let mut world = World::open().await;
    let path = world.desk().join("long.jsonl");
    let session = long_export(&path, 400);
    import(&world, &path).await.unwrap();
    let whole = world.run(&sh("echo whole")).await.session;
    world.close().await;
    let mut bytes = std::fs::read(database(&world)).unwrap();
    bytes[..100].fill(0);
    // An event in the middle cannot be read any more.
    let mark = b"\"text\":\"200 words";
    let places: Vec<usize> =
        (0..bytes.len() - mark.len()).filter(|at| bytes[*at..].starts_with(mark)).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place..place + mark.len()].fill(0xff);
    }
    std::fs::write(database(&world), &bytes).unwrap();
    world.reopen().await;
    world
        .until("the banner", |all| {
            let problem = all.problems.iter().find(|problem| problem.path == "nox.db")?;
            (problem.code == "database_salvaged").then_some(())
        })
        .await;
    let saved = world.api().engine().saved();
    assert_eq!((saved[0].sessions_saved, saved[0].sessions_damaged), (1, 1), "{saved:?}");
    let items = world.items(&session).await;
    assert_eq!(items.len(), 201, "0 to 199, and the note");
    assert!(format!("{:?}", items[200].body).contains("cut_off"));
    let row = world.api().engine().session(&session).await.unwrap();
    assert!(matches!(row.state, SessionState::Closed { how: Closed::Failed, .. }), "{row:?}");
    assert_eq!(world.items(&whole).await.len(), 2);
    assert_rows_fit(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_never_keeps_the_engine_from_starting() {
    use nox_test_support::mutate::{Lots, mutate_bytes};
    let (mut world, sessions) = busy().await;
    world.close().await;
    let good = std::fs::read(database(&world)).unwrap();
    let seed = std::env::var("NOX_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut lots = Lots::new(seed);
    for number in 0..6 {
        let mut bytes = good.clone();
        bytes[..100].fill(0);
        let how = mutate_bytes(&mut bytes, 0, &mut lots);
        forget_databases(&world);
        std::fs::write(database(&world), &bytes).unwrap();
        let begun = std::time::Instant::now();
        world.reopen().await;
        assert!(begun.elapsed() < LONG / 4, "seed {seed}, {number}: {how}");
        world
            .until("the end of the salvage", |all| {
                let problem = all.problems.iter().find(|problem| problem.path == "nox.db")?;
                (problem.code == "database_salvaged").then_some(())
            })
            .await;
        let saved = world.api().engine().saved();
        let found = saved[0].sessions_saved + saved[0].sessions_damaged;
        assert!(found as usize <= sessions.len(), "seed {seed}, {number}: {how}: {saved:?}");
        assert_eq!(world.api().engine().check_rows().await.unwrap().named, Vec::<String>::new());
        world.close().await;
    }
}

/// What an earlier version stored of a session: without a form, with 0 for a cost that nobody told, without lines.
async fn store_as_before(world: &World, session: &SessionId) {
    let store = world.api().engine().ledger().store().clone();
    let mut rows = vec![RowWrite::Delete { kind: "log".into(), id: "form".into() }];
    for kind in ["session", "session_state"] {
        let row = store.row(kind, session.as_str()).await.unwrap().unwrap();
        let mut body: Value = serde_json::from_str(&row.body).unwrap();
        let fields = body.as_object_mut().unwrap();
        fields.remove("form");
        fields.remove("lines");
        let fields = match kind {
            "session" => body.as_object_mut().unwrap(),
            _ => {
                body["session"]["talk"].as_object_mut().unwrap().remove("lines");
                body["session"]["talk"]["usage"]["cost_micro_usd"] = 0.into();
                body["session"].as_object_mut().unwrap()
            }
        };
        fields.insert("cost_micro_usd".into(), 0.into());
        if kind == "session" {
            body["usage"]["cost_micro_usd"] = 0.into();
        }
        let (id, parent, ord) = (row.id, row.parent, row.ord);
        rows.push(RowWrite::Put { kind: kind.into(), id, parent, ord, body: body.to_string() });
    }
    store.commit(Batch { rows, ..Batch::default() }).await.unwrap();
}

/// An agent that plays: it edits a file and tells tokens and no cost. Its session is over afterwards.
async fn played(world: &mut World, name: &str) -> SessionId {
    let agent = CreateAgent { name: name.into(), runtime: Runtime::Recorded, ..CreateAgent::default() };
    let agent = world.api().create_agent(&caller(), agent).await.unwrap().agent;
    let body = r#"A talk.

```recorded
{"call":{"title":"Edit","text":"a.txt","kind":"edit","diff":[{"path":"a.txt","text":"","added":3,"removed":1,"cut":false}]}}
{"used":{"model":"m","input_tokens":7,"output_tokens":2,"cost_micro_usd":null}}
{"say":"done"}
```
"#;
    let task = CreateTask { title: "Talk".into(), body: body.into(), agent, ..CreateTask::default() };
    let task = world.create(task).await.unwrap().task.unwrap();
    let session = world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap();
    world.until_state("its end", &session, |state| matches!(state, SessionState::Idle { .. })).await;
    world.api().stop_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    world.until_state("its close", &session, SessionState::is_closed).await;
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_version_stored_is_brought_to_the_rules_of_now() {
    let mut world = World::open().await;
    let session = played(&mut world, "First").await;
    let pruned = played(&mut world, "Second").await;
    let row = async |world: &World, session: &SessionId| world.api().engine().session(session).await.unwrap();
    let (before, lines) = (row(&world, &session).await, Lines { added: 3, removed: 1 });
    assert_eq!((before.cost_micro_usd, before.lines), (None, Some(lines)));
    store_as_before(&world, &session).await;
    let found = world.api().engine().check_rows().await.unwrap();
    assert_eq!(
        found.named.len(),
        1,
        "the state is made anew as it is read, the row is not: {:?}",
        found.named
    );
    world.reopen().await;
    let now =
        poll("the row", async || Some(row(&world, &session).await).filter(|row| row.lines.is_some())).await;
    assert_eq!(now, before);
    assert_rows_fit(&world).await;

    // Of a session whose events were pruned nothing else is left.
    let prune = ChangeSettings { log_policy: Some(LogPolicy::Prune), ..ChangeSettings::default() };
    world.api().change_settings(&caller(), prune).await.unwrap();
    let soon = At(nox_engine::clock::now().0 + 60_000);
    assert_eq!(world.api().engine().compact(soon).await.unwrap().sessions, 2);
    store_as_before(&world, &pruned).await;
    world.reopen().await;
    let is_none = |row: &SessionRow| row.cost_micro_usd.is_none();
    let now = poll("the row", async || Some(row(&world, &pruned).await).filter(is_none)).await;
    assert_eq!(now.usage.unwrap(), before.usage.unwrap(), "tokens stay");
    let further = PromptSession { session: pruned.clone(), text: "Go on.".into(), images: vec![] };
    world.api().prompt_session(&caller(), further).await.unwrap();
    world.until_state("its run", &pruned, |state| matches!(state, SessionState::Idle { .. })).await;
    assert_eq!(row(&world, &pruned).await.cost_micro_usd, None, "its state is brought up as well");
}
