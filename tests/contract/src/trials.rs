//! A trial of an agent: its program stands, answers a question and is gone.

use crate::{bench::Bench, programs::Lack};
use nox_api::{domain::event::Problem, dto::TryAgent};
use nox_domain::transcript::AgentFault;
use nox_test_support::{
    model::{Reply, Script, Tokens},
    processes,
};

/// It stands, says its version and what it weighs, answers what it is asked, and leaves nothing. No session comes of it.
pub(crate) async fn test_this_agent(bench: Bench) {
    let mut scene = bench.begin([Reply::text("Hello.")]).await;
    assert_eq!(scene.idle().await, None);
    // What the session itself has begun may end meanwhile; nothing may come to it.
    let before = processes::marked(&scene.mark);
    let mark = scene.mark.clone();
    let left =
        || processes::marked(&mark).into_iter().filter(|pid| !before.contains(pid)).collect::<Vec<_>>();
    let trial = TryAgent {
        trial: "contract".into(),
        agent: Some(scene.row().await.agent),
        ask: Some("Do you hear me?".into()),
        ..TryAgent::default()
    };
    let tokens = Tokens { input: 700, output: 30 };
    scene.server.set(Script::of([Reply { tokens, ..Reply::text("I hear you.") }]));
    let seen = scene.world.api().try_agent(trial.clone()).await.unwrap();
    assert!(seen.is_good && seen.problem.is_none(), "{seen:?}");
    let tried = seen.tried;
    assert_eq!(tried.answer.as_deref(), Some("I hear you."));
    let usage = tried.usage.expect("what the answer used");
    assert_eq!((usage.input_tokens.0, usage.output_tokens.0), (700, 30));
    let has_program = scene.has(Lack::Process);
    assert_eq!((tried.version.is_some(), tried.processes > 0), (has_program, has_program));
    assert!(
        !has_program || tried.memory_bytes.is_some_and(|bytes| bytes.0 > 1_000_000),
        "{:?}",
        tried.memory_bytes
    );
    assert_eq!(left(), [0u32; 0], "the trial left something");

    // What does not work is said as a run would say it.
    let refused = Reply { again: true, any: true, ..Reply::status(401, "invalid x-api-key") };
    scene.server.set(Script::of([refused]));
    let seen = scene.world.api().try_agent(trial).await.unwrap();
    let is_key = |problem: &Problem| matches!(problem, Problem::Agent { fault: AgentFault::BadKey, .. });
    assert!(!seen.is_good && seen.tried.problem.as_ref().is_some_and(is_key), "{seen:?}");
    assert_eq!(left(), [0u32; 0], "the trial that failed left something");
    assert_eq!(scene.world.snapshot().await.sessions.len(), 1, "a trial is no session");
    scene.close().await;
}
