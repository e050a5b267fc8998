//! Scenarios in which the model server or the program is not as it should be.

use crate::{bench::Bench, programs::Lack};
use nox_api::{domain::rows::ItemBody, dto::Snapshot};
use nox_domain::transcript::AgentFault;
use nox_test_support::model::{Fault, Reply};
use std::time::{Duration, Instant};

/// A key that is not taken fails the turn at once, however often the program would try again.
pub(crate) async fn bad_key(bench: Bench) {
    let refused = Reply { again: true, any: true, ..Reply::status(401, "invalid x-api-key") };
    let mut scene = bench.begin([refused]).await;
    let begun = Instant::now();
    let (fault, message) = scene.failed().await;
    assert_eq!(fault, AgentFault::BadKey, "{message}");
    assert!(message.contains("API keys"), "it does not say what to do: {message}");
    assert!(begun.elapsed() < Duration::from_secs(20), "it took {:?}", begun.elapsed());
    // A person has stored a good one.
    scene.server.set(nox_test_support::model::Script::of([Reply::text("Now it works.")]));
    scene.prompt("Again.").await;
    scene.until_said("Now it works.").await;
    scene.close().await;
}

/// A rate limit is told with its time, and the work goes on by itself.
pub(crate) async fn rate_limit(bench: Bench) {
    let fault = Fault::Status { code: 429, message: "slow down".into(), retry_after_seconds: Some(2) };
    let mut scene = bench.begin([Reply::default().with(fault), Reply::text("At last.")]).await;
    if scene.has(Lack::Waiting) {
        let is_note = |body: &ItemBody| matches!(body, ItemBody::Note { code, .. } if code == "rate_limited");
        let note = scene.until_item("the note", is_note).await;
        let ItemBody::Note { text, .. } = note.body else { unreachable!("it is a note") };
        assert!(text.contains("asks again in"), "{text}");
    }
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.said().await, ["At last."]);
    scene.close().await;
}

/// A model server that does not answer is named, with what to look at.
pub(crate) async fn server_gone(bench: Bench) {
    let program = bench.program;
    let mut scene = bench
        .begin_with([], |agent, places| {
            // The discard service: nobody listens there.
            (program.settings)(agent, places, "http://127.0.0.1:9");
        })
        .await;
    if !scene.has(Lack::GivesUp) {
        let session = scene.session.clone();
        let is_over = |all: &Snapshot| {
            let view = all.sessions.iter().find(|view| view.row.id == session)?;
            view.row.state.awaits_prompt().then_some(())
        };
        scene.world.until_within(Duration::from_secs(100), "the last try", is_over).await;
    }
    let (fault, message) = scene.failed().await;
    assert_eq!(fault, AgentFault::Unreachable, "{message}");
    assert!(message.contains("address"), "it does not say what to do: {message}");
    let notes = scene.notes().await;
    assert!(!scene.has(Lack::Waiting) || notes.contains(&"unreachable".to_owned()), "{notes:?}");
    scene.close().await;
}

/// A program that is not there is named, with how to get it.
pub(crate) async fn not_installed(bench: Bench) {
    let begin = bench.begin_with([], |agent, places| {
        agent.program.command = Some(places.folder.join("nowhere").display().to_string());
    });
    let mut scene = begin.await;
    let (fault, message) = scene.failed().await;
    assert_eq!(fault, AgentFault::NotInstalled, "{message}");
    assert!(message.contains("nstall it") && message.contains("nowhere"), "{message}");
    scene.close().await;
}
