//! What is damaged: rows are made anew from events, damage in the database is told, and what can be saved comes back.

use crate::{
    log::{assert_rows_fit, busy, import, long_export},
    sh,
};
use nox_api::{
    domain::{event::Closed, ids::SessionId, rows::SessionState, tool::Decision},
    dto::*,
};
use nox_store::{Batch, RowWrite};
use nox_test_support::{LONG, World, caller, poll};
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
    assert_eq!((report.sessions.0, report.rows_mended.0), (4, 4), "{report:?}");
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
