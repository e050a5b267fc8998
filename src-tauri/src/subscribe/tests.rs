//! The account of a window, and the pump with a real engine's subscribers.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use nox_api::Home;
use std::sync::mpsc;

const QUICK: Pace = Pace { joins_for: Duration::from_millis(5), patience: Duration::from_millis(50) };

/// A real engine, for its real subscribers.
async fn engine(folder: &std::path::Path) -> Api {
    let home = Home::at(folder).unwrap();
    let lock = home.lock().unwrap().unwrap();
    Api::open(home, lock).await.unwrap()
}

fn quit_asked(live: u32) -> Push {
    Push::QuitAsked { live }
}

/// Pushes of this many bytes as JSON, or a few more.
fn big(size_bytes: usize) -> Push {
    let piece = nox_api::dto::OutputPiece {
        offset: Default::default(),
        bytes: 0,
        stream: nox_api::dto::OutputStream::Stdout,
        text: "x".repeat(size_bytes),
    };
    let source = &mut uuid::Uuid::now_v7;
    Push::Output {
        session: SessionId::fresh(source),
        item: nox_domain::ids::ItemId::fresh(source),
        pieces: vec![piece],
    }
}

/// Reads batches until these many pushes came.
fn read(batches: &mpsc::Receiver<Batch>, count: usize) -> Vec<Batch> {
    let mut all: Vec<Batch> = Vec::new();
    while all.iter().map(|batch| batch.pushes.len()).sum::<usize>() < count {
        all.push(batches.recv_timeout(Duration::from_secs(10)).expect("a batch"));
    }
    all
}

fn start(api: &Api) -> (Arc<Line>, mpsc::Receiver<Batch>) {
    let line = Line::new(api.subscribe());
    let (sender, batches) = mpsc::channel();
    tokio::spawn(pump(line.clone(), QUICK, move |batch| sender.send(batch).is_ok()));
    (line, batches)
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_come_once_in_order_and_joined() {
    let folder = tempfile::tempdir().unwrap();
    let api = engine(folder.path()).await;
    let (line, batches) = start(&api);
    for live in 0..900 {
        line.ear.push(quit_asked(live));
    }
    let all = read(&batches, 900);
    let numbers: Vec<u32> = all.iter().map(|batch| batch.number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u32).collect::<Vec<_>>());
    assert!(all.len() < 100, "{} batches are hardly joined", all.len());
    assert!(all.iter().all(|batch| batch.pushes.len() <= BATCH_PUSHES));
    let text = serde_json::to_string(&all[0]).unwrap();
    assert!(text.starts_with(r#"{"number":1,"pushes":[{"push":"quit_asked","live":0}"#), "{text}");
    let heard: Vec<Push> = all
        .iter()
        .flat_map(|batch| &batch.pushes)
        .map(|push| serde_json::from_str(push.get()).unwrap())
        .collect();
    assert_eq!(heard, (0..900).map(quit_asked).collect::<Vec<_>>());
    api.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_hangs_costs_one_bound_and_hears_a_gap_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let api = engine(folder.path()).await;
    let (line, batches) = start(&api);
    let mut sent = 0;
    while line.flow().has_room() {
        line.ear.push(big(BATCH_BYTES));
        sent += 1;
        read(&batches, 1);
    }
    assert!(line.flow().in_flight_bytes < IN_FLIGHT_BYTES + 2 * BATCH_BYTES);
    // Nothing goes any more; after its patience the pump gives up what waits.
    line.ear.push(quit_asked(1));
    assert!(batches.recv_timeout(QUICK.patience * 4).is_err());
    line.acknowledge(sent);
    let back = read(&batches, 1);
    assert_eq!((back[0].number, back[0].pushes[0].get()), (sent + 1, r#"{"push":"gap"}"#));
    line.acknowledge(sent + 1);
    line.ear.push(quit_asked(2));
    assert_eq!(read(&batches, 1)[0].pushes[0].get(), r#"{"push":"quit_asked","live":2}"#);
    api.close().await;
}

#[test]
fn only_what_is_on_its_way_can_be_acknowledged() {
    let mut flow = Flow::default();
    assert_eq!((flow.send(IN_FLIGHT_BYTES / 2), flow.send(IN_FLIGHT_BYTES)), (1, 2));
    assert!(!flow.has_room());
    flow.acknowledge(99);
    assert!(!flow.has_room());
    flow.acknowledge(2);
    assert_eq!(flow.in_flight_bytes, 0);
    assert_eq!(flow.send(1), 3);
    flow.acknowledge(2);
    assert_eq!(flow.in_flight_bytes, 1);
}

#[test]
fn one_huge_batch_is_not_stuck_for_ever() {
    let mut flow = Flow::default();
    flow.send(3 * IN_FLIGHT_BYTES);
    assert!(!flow.has_room());
    flow.acknowledge(1);
    assert!(flow.has_room());
}
