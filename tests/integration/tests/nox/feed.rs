//! What clients hear: output by offsets, gaps, and that a mirror fed by pushes equals the snapshot.

use crate::sh;
use nox_api::{
    domain::{
        Size,
        event::{Closed, PreAllowed},
    },
    dto::{Changed, Nothing, OneSession, Push, ReadOutput, Snapshot},
};
use nox_test_support::{LONG, World, caller};
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_lines_a_second_arrive_complete_by_offsets() {
    let mut world = World::open().await;
    let gate = world.desk().join("gate");
    let body = sh(&format!(
        "until test -e '{}'; do sleep 0.02; done\ni=0\nwhile [ $i -lt 40 ]; do seq -f 'line %06.0f of the stream' $((i * 100 + 1)) $((i * 100 + 100)); sleep 0.05; i=$((i + 1)); done",
        gate.display()
    ));
    let task = world.task("Stream", &body).await;
    let session = world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap();
    let ear = world.api().subscribe();
    ear.watch(&session, true);
    let call = world.until_running(&session).await;
    std::fs::write(&gate, "").unwrap();
    // Holes are filled from the spool, as a window does.
    let mut text = String::new();
    let mut at = 0;
    let mut pushed = 0u64;
    let over = loop {
        let push = tokio::time::timeout(LONG, ear.next()).await.expect("pushes").expect("an open engine");
        match push {
            Push::Output { item, pieces, .. } if item == call.item => {
                for piece in pieces {
                    if piece.offset.0 > at {
                        text.push_str(&fill(&world, &session, &call.item, at, piece.offset.0).await);
                        at = piece.offset.0;
                    }
                    if piece.offset.0 == at {
                        at += u64::from(piece.bytes);
                        pushed += u64::from(piece.bytes);
                        text.push_str(&piece.text);
                    }
                }
            }
            Push::Changed { rows, .. } => {
                let closed = rows.iter().any(|row| matches!(row, Changed::Session(view) if view.row.id == session && view.row.state.is_closed()));
                if closed {
                    break world.until_over(&session).await;
                }
            }
            _ => {}
        }
    };
    assert_eq!(over.how, Closed::Finished);
    let expected: String = (1..=4_000).map(|number| format!("line {number:06} of the stream\n")).collect();
    text.push_str(&fill(&world, &session, &call.item, at, expected.len() as u64).await);
    assert!(text == expected, "{} bytes of {}", text.len(), expected.len());
    assert!(pushed > expected.len() as u64 / 2, "only {pushed} bytes were pushed");
    assert_eq!(over.output(), expected);
}

async fn fill(
    world: &World,
    session: &nox_domain::ids::SessionId,
    item: &nox_domain::ids::ItemId,
    from: u64,
    to: u64,
) -> String {
    let mut text = String::new();
    let mut at = from;
    while at < to {
        let input = ReadOutput { session: session.clone(), item: item.clone(), from: Some(Size(at)) };
        let page = world.api().read_output(input).await.unwrap();
        assert!(!page.pieces.is_empty(), "the spool has no byte {at}");
        for piece in page.pieces {
            let rest = usize::try_from(to - at).unwrap();
            // The stream is plain ASCII: a byte of the spool is a byte of the text.
            let part = &piece.text[..rest.min(piece.text.len())];
            text.push_str(part);
            at += part.len() as u64;
        }
    }
    text
}

/// A window's mirror: rows by kind and id, nothing derived.
#[derive(Default, PartialEq, Debug)]
struct Window(BTreeMap<(&'static str, String), serde_json::Value>);

impl Window {
    fn of(all: &Snapshot) -> Self {
        let mut window = Self::default();
        all.cards.iter().for_each(|card| window.take(&Changed::Card(Box::new(card.clone()))));
        all.sessions.iter().for_each(|view| window.take(&Changed::Session(Box::new(view.clone()))));
        all.requests.iter().for_each(|row| window.take(&Changed::Request(Box::new(row.clone()))));
        all.agents.iter().for_each(|row| window.take(&Changed::Agent(Box::new(row.clone()))));
        all.projects.iter().for_each(|row| window.take(&Changed::Project(row.clone())));
        window
    }

    fn take(&mut self, change: &Changed) {
        let (kind, id, row) = match change {
            Changed::Card(card) => ("card", card.task.id.to_string(), serde_json::to_value(card)),
            Changed::Session(view) => ("session", view.row.id.to_string(), serde_json::to_value(view)),
            Changed::Request(row) => ("request", row.request.id.to_string(), serde_json::to_value(row)),
            Changed::Agent(row) => ("agent", row.agent.id.to_string(), serde_json::to_value(row)),
            Changed::Project(row) => ("project", row.id.to_string(), serde_json::to_value(row)),
            Changed::Gone(gone) => {
                self.0.retain(|(kind, id), _| *kind != gone.kind || *id != gone.id);
                return;
            }
            _ => return,
        };
        self.0.insert((kind, id), row.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_fed_by_pushes_equals_a_fresh_snapshot() {
    let mut world = World::open().await;
    let ear = world.api().subscribe();
    let first = world.snapshot().await;
    let mut window = Window::of(&first);
    let kept = world.run(&sh("echo one")).await;
    let gone = world.task("Goes", "").await;
    world.run(&sh("exit 1")).await;
    world.api().delete_task(&caller(), nox_api::dto::OneTask { task: gone }).await.unwrap();
    world.until_file(&kept.task, "status: done").await;
    let last = world
        .until("the end of it", |all| {
            let settled =
                all.cards.iter().all(|card| !card.live && card.task.status.as_str() != "in_progress");
            (settled && all.cards.len() == 2).then(|| all.clone())
        })
        .await;
    // Commits that change no row of a window send no push, so the mirror is compared, not the place in the log.
    let mut seen = first.cursor.seq;
    let wanted = Window::of(&last);
    while window != wanted {
        let push = tokio::time::timeout(LONG, ear.next()).await.expect("pushes").unwrap();
        let Push::Changed { seq, rows, .. } = push else { continue };
        assert!(seq >= seen, "out of order");
        seen = seq;
        rows.iter().for_each(|row| window.take(row));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_hears_a_gap_and_then_goes_on() {
    let mut world = World::open().await;
    let slow = world.api().subscribe();
    for number in 0..1_100 {
        world.api().tell(&Push::QuitAsked { live: number });
    }
    assert_eq!(slow.next().await, Some(Push::Gap), "a full queue did not become a gap");
    let mut window = Window::of(&world.snapshot().await);
    let task = world.task("After the gap", "").await;
    let last = world.until("the card", |all| (all.cards.len() == 1).then(|| all.clone())).await;
    while !window.0.contains_key(&("card", task.to_string())) {
        match tokio::time::timeout(LONG, slow.next()).await.expect("pushes").unwrap() {
            Push::Changed { rows, .. } => rows.iter().for_each(|row| window.take(row)),
            Push::Gap => panic!("a second gap"),
            _ => {}
        }
    }
    assert_eq!(window, Window::of(&last));
    slow.lose();
    assert_eq!(slow.next().await, Some(Push::Gap));
    world.close().await;
    while let Some(push) = tokio::time::timeout(LONG, slow.next()).await.expect("an end") {
        assert!(!matches!(push, Push::Gap));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_heard_by_those_who_watch_and_commands_by_all() {
    let mut world = World::open().await;
    let (watching, other) = (world.api().subscribe(), world.api().subscribe());
    let task = world.task("Watch", &sh("echo seen")).await;
    let who = caller();
    let input = nox_api::dto::StartTask { task, agent: None, folder: None, pre_allowed: PreAllowed::Nothing };
    let session = world.api().start_task(&who, input).await.unwrap().session.unwrap();
    watching.watch(&session, true);
    let row = world.until_asked(&session).await;
    world.answer(&row.request.id, nox_domain::tool::Decision::AllowOnce).await.unwrap();
    world.until_over(&session).await;
    let count = |ear: &nox_api::Subscriber| {
        let (mut items, mut mine) = (0, 0);
        while let Some(push) = ear.try_next() {
            if let Push::Changed { rows, command, .. } = push {
                items += rows.iter().filter(|row| matches!(row, Changed::Item(_))).count();
                mine += usize::from(command.as_ref() == Some(&who.command));
            }
        }
        (items, mine)
    };
    let (items, mine) = count(&watching);
    assert!(items >= 2 && mine == 1, "{items} {mine}");
    assert_eq!(count(&other), (0, 1));
    let error = world
        .api()
        .read_output(ReadOutput { session: row.session, item: row.request.item.clone(), from: None })
        .await;
    assert!(error.is_ok());
    let _ = world.api().doctor(Nothing {}).await.unwrap();
    let over = world.api().stop_session(&caller(), OneSession { session }).await.unwrap_err();
    assert_eq!(over.code, nox_api::ErrorCode::Conflict);
}
