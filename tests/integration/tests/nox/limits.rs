//! Limits of agents: one that goes too far ends alone, and one that starts too many sessions is told so.

use crate::sh;
use nox_api::{
    ErrorCode,
    domain::{
        agent::Limits,
        event::{Closed, PreAllowed, Problem},
        ids::{AgentId, SessionId, TaskId},
        life::{LimitAction, LimitKind},
        words::{Card, Words},
    },
    dto::{CreateAgent, CreateTask, MoveTask, Nothing, OneTask, Target},
};
use nox_test_support::{World, caller};

async fn agent(world: &World, name: &str, limits: Limits) -> AgentId {
    let input = CreateAgent { name: name.into(), limits, ..CreateAgent::default() };
    world.api().create_agent(&caller(), input).await.unwrap().agent.unwrap()
}

fn to(task: &TaskId, to: Target) -> MoveTask {
    MoveTask { task: task.clone(), to, after: None, before: None, agent: None }
}

/// Refused starts in the log.
async fn refusals(world: &World) -> usize {
    let events = world.api().engine().ledger().store().events_after(0, 1_000).await.unwrap();
    events.iter().filter(|event| event.kind == "start_refused").count()
}

async fn begin(world: &World, agent: &AgentId, body: &str) -> SessionId {
    let (title, agent) = ("T".into(), Some(agent.clone()));
    let task = world.create(CreateTask { title, body: sh(body), agent, ..CreateTask::default() }).await;
    let task = task.unwrap().task.unwrap();
    world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_too_far_ends_alone() {
    let mut world = World::open().await;
    let gate = world.desk().join("gate");
    let healthy = agent(&world, "Healthy", Limits::default()).await;
    let mut others = Vec::new();
    for _ in 0..2 {
        let body = format!("until test -e '{}'; do sleep 0.02; done; echo untouched", gate.display());
        let session = begin(&world, &healthy, &body).await;
        world.until_running(&session).await;
        others.push(session);
    }
    let limits = Limits::default();
    let culprits = [
        (
            Limits { max_processes: Some(20), ..limits },
            "for n in $(seq 64); do sleep 60 & done; wait",
            LimitKind::Processes,
        ),
        (
            Limits { max_memory_mb: Some(100), ..limits },
            "head -c 600000000 /dev/zero | tail -n 1",
            LimitKind::Memory,
        ),
        (Limits { max_output_mb: Some(2), ..limits }, "yes", LimitKind::Output),
    ];
    for (limits, body, kind) in culprits {
        let culprit = agent(&world, &format!("{kind:?}"), limits).await;
        let session = begin(&world, &culprit, body).await;
        let ran = world.until_over(&session).await;
        let Some(Problem::Limit { hit }) = &ran.problem else { panic!("{kind:?}: {ran:?}") };
        assert_eq!((ran.how, hit.limit), (Closed::Failed, kind), "{ran:?}");
    }
    std::fs::write(&gate, "").unwrap();
    for session in others {
        let ran = world.until_over(&session).await;
        assert_eq!((ran.how, ran.output().as_str()), (Closed::Finished, "untouched\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_starts_no_more_sessions_in_an_hour_than_it_may() {
    let mut world = World::open().await;
    let limits = Limits { max_spawn_rate: Some(2), ..Limits::default() };
    let often = agent(&world, "Often", limits).await;
    let free = agent(&world, "Free", Limits::default()).await;
    for _ in 0..2 {
        let session = begin(&world, &often, "true").await;
        world.until_over(&session).await;
    }
    let input =
        CreateTask { title: "Third".into(), body: sh("true"), agent: Some(often), ..CreateTask::default() };
    let third = world.create(input).await.unwrap().task.unwrap();
    let error = world.start_with(&third, PreAllowed::All).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    for words in ["sessions in an hour", "2 sessions of the agent Often", "60 min"] {
        assert!(error.message.contains(words), "{error:?}");
    }
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("in Agents")), "{error:?}");
    // It stands in the log and on the card, also when the card was moved to be started.
    let refused = |card: &Card| match &card.status.words {
        Words::NotStarted { hit, again_at: Some(again_at), .. } => {
            assert_eq!((hit.limit, hit.action), (LimitKind::SpawnRate, LimitAction::Refused));
            (59 * 60_000..=60 * 60_000).contains(&(again_at.0 - card.status.at.0))
        }
        _ => false,
    };
    world.until_card("a card that says so", &third, refused).await;
    assert_eq!(refusals(&world).await, 1);
    world.api().move_task(&caller(), to(&third, Target::Working)).await.unwrap_err();
    assert_eq!(refusals(&world).await, 1, "asking again at once is answered, and fills no log");
    // Others are not held up, and what is counted outlives the engine.
    let session = begin(&world, &free, "true").await;
    world.until_over(&session).await;
    world.reopen().await;
    let again = world.start_with(&third, PreAllowed::All).await.unwrap_err();
    assert!(again.message.contains("sessions in an hour"), "{again:?}");
    assert!(refused(&world.card(&third).await));
    world.api().move_task(&caller(), to(&third, Target::Backlog)).await.unwrap();
    world
        .until_card("a card that says where it was put", &third, |card| card.status.words == Words::Backlog)
        .await;
    // With its task goes what is kept of the refusal.
    assert_eq!(world.api().engine().refusals().await.unwrap().len(), 1);
    world.api().delete_task(&caller(), OneTask { task: third }).await.unwrap();
    assert_eq!(world.api().engine().refusals().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_holds_limits_here() {
    let world = World::open().await;
    let report = world.api().doctor(Nothing {}).await.unwrap();
    let check = report.checks.iter().find(|check| check.code == "limits").unwrap();
    assert!(
        check.found.starts_with("memory: held") || check.found.starts_with("memory: watched"),
        "{check:?}"
    );
}
