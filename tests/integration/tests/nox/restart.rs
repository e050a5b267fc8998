//! Closing and opening again: everything is there, and what was open is open.

use crate::sh;
use nox_api::{
    domain::{
        event::{Closed, UnknownChoice},
        rows::SessionState,
        tool::{CallStatus, Decision},
    },
    dto::{OneSession, ResolveUnknown, Snapshot},
};
use nox_domain::event::PreAllowed;
use nox_test_support::{World, caller};

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_and_cards_are_equal() {
    let mut world = World::open().await;
    let done = world.run(&sh("echo kept")).await;
    let failed = world.run(&sh("echo bad; exit 3")).await;
    let asked = world.task("Asks", &sh("echo later")).await;
    let session = world.start(&asked).await;
    world.until_asked(&session).await;
    world.task("Never started", "Words.").await;
    world.until_file(&done.task, "status: done").await;
    world.until_file(&failed.task, "status: failed").await;
    world.until_file(&asked, "status: in_progress").await;
    let before = world.snapshot().await;
    world.reopen().await;
    // The session that asked has a lost run more, so its time of the last event is a newer one.
    let timeless = |mut all: Snapshot| {
        for card in &mut all.cards {
            card.status.at = nox_domain::At(0);
        }
        (all.cards, all.requests, all.agents, all.problems, all.settings)
    };
    let after = world
        .until("the lost run", |all| {
            let view = all.sessions.iter().find(|view| view.row.id == session)?;
            (view.row.last_event_at > before.sessions.iter().find(|v| v.row.id == session)?.row.last_event_at)
                .then(|| all.clone())
        })
        .await;
    assert_eq!((after.cursor.epoch.as_str(), after.engine.lost_runs), (before.cursor.epoch.as_str(), 1));
    assert!(after.cursor.seq > before.cursor.seq);
    assert_eq!(timeless(after), timeless(before));
    assert_eq!(world.calls(&done.session).await, done.calls);
    assert_eq!(world.calls(&failed.session).await, failed.calls);
    let row = world.until_asked(&session).await;
    world.answer(&row.request.id, Decision::AllowOnce).await.unwrap();
    let ran = world.until_over(&session).await;
    assert_eq!((ran.how, ran.output().as_str(), ran.calls.len()), (Closed::Finished, "later\n", 1));
    assert!(ran.calls[0].asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_nobody_saw_waits_for_a_person_and_goes_on_as_chosen() {
    let mut world = World::open().await;
    for choice in [UnknownChoice::Again, UnknownChoice::Skip, UnknownChoice::Stop] {
        let gate = world.desk().join(format!("gate-{choice:?}"));
        let body = format!(
            "{}{}",
            sh(&format!("echo begun\nuntil test -e '{}'; do sleep 0.02; done", gate.display())),
            sh("echo next")
        );
        let task = world.task("Unseen", &body).await;
        let session = world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap();
        let call = world.until_running(&session).await;
        world.until_output(&session, &call.item, "begun").await;
        world.reopen().await;
        let state = world
            .until_state("a choice", &session, |state| matches!(state, SessionState::NeedsChoice { .. }))
            .await;
        let SessionState::NeedsChoice { item, .. } = state else { unreachable!() };
        let calls = world.calls(&session).await;
        assert_eq!(
            (calls.len(), calls[0].status, calls[0].output.as_str()),
            (1, CallStatus::Unknown, "begun\n")
        );
        std::fs::write(&gate, "").unwrap();
        world
            .api()
            .resolve_unknown(&caller(), ResolveUnknown { session: session.clone(), item, choice })
            .await
            .unwrap();
        let ran = world.until_over(&session).await;
        let seen: Vec<_> = ran.calls.iter().map(|call| call.status).collect();
        match choice {
            UnknownChoice::Again => {
                assert_eq!((ran.how, ran.output().as_str()), (Closed::Finished, "begun\nbegun\nnext\n"));
            }
            UnknownChoice::Skip => {
                assert_eq!(
                    (ran.how, seen),
                    (Closed::Finished, vec![CallStatus::Skipped, CallStatus::Succeeded])
                );
            }
            UnknownChoice::Stop => {
                assert_eq!((ran.how, seen), (Closed::Stopped, vec![CallStatus::Cancelled]))
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn continue_goes_on_behind_what_is_done() {
    let mut world = World::open().await;
    let gate = world.desk().join("gate");
    let body = format!("{}{}", sh("echo first"), sh(&format!("test -e '{}'\necho second", gate.display())));
    let ran = world.run(&body).await;
    assert_eq!((ran.how, ran.calls.len()), (Closed::Failed, 2));
    std::fs::write(&gate, "").unwrap();
    world.reopen().await;
    world.api().continue_session(&caller(), OneSession { session: ran.session.clone() }).await.unwrap();
    world
        .until("the second run", |all| all.sessions.iter().find(|view| view.row.attempt == 2).map(|_| ()))
        .await;
    let ran = world.until_over(&ran.session).await;
    assert_eq!((ran.how, ran.output().as_str()), (Closed::Finished, "first\nsecond\n"));
    world.until_file(&ran.task, "status: done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_sleeps_takes_many_commands_at_once() {
    let mut world = World::open().await;
    let ran = world.run(&sh("true")).await;
    for _ in 0..20 {
        let calls = (0..8).map(|number| {
            let (api, session) = (world.api().clone(), ran.session.clone());
            tokio::spawn(async move {
                let input = OneSession { session };
                match number % 2 {
                    0 => api.delete_session(&caller(), input).await,
                    _ => api.restore_session(&caller(), input).await,
                }
            })
        });
        let mut places = std::collections::BTreeSet::new();
        for call in calls.collect::<Vec<_>>() {
            places.insert(call.await.unwrap().expect("a command was lost").seq);
        }
        assert_eq!(places.len(), 8, "two commands have one place in the log");
    }
}
