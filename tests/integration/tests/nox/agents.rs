//! What the settings of an agent do, and trying it.

use nox_api::{
    ErrorCode,
    domain::{agent::Program, agent::Runtime, event::PreAllowed},
    dto::{CreateAgent, CreateTask, TryAgent},
};
use nox_test_support::{World, caller, poll, processes};
use std::os::unix::fs::PermissionsExt;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_works_in_its_own_folder_when_its_task_names_no_project() {
    let mut world = World::open().await;
    let folder = world.root().join("notes");
    let agent = CreateAgent {
        name: "Writer".into(),
        runtime: Runtime::Runbook,
        folder: folder.display().to_string(),
        ..CreateAgent::default()
    };
    let agent = world.api().create_agent(&caller(), agent).await.unwrap().agent;
    let task =
        CreateTask { title: "Note".into(), body: crate::sh("pwd > here"), agent, ..CreateTask::default() };
    let task = world.create(task).await.unwrap().task.unwrap();
    let refused = world.start_with(&task, PreAllowed::All).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    assert!(refused.message.contains("notes"), "{refused:?}");

    std::fs::create_dir(&folder).unwrap();
    let session = world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap();
    world.until_state("its end", &session, |state| state.is_closed()).await;
    assert_eq!(world.api().engine().session(&session).await.unwrap().folder, folder.display().to_string());
    assert!(folder.join("here").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_closes_waits_for_its_trials_and_begins_no_more() {
    let mut world = World::open().await;
    let mark = processes::new_mark();
    let program = world.root().join("claude");
    // It says nothing, and takes its time when it is told to end.
    std::fs::write(&program, "#!/bin/sh\ntrap 'sleep 0.3; exit 0' TERM\nwhile :; do sleep 0.05; done\n")
        .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let trial = |name: &str| TryAgent {
        trial: name.into(),
        agent: None,
        runtime: Runtime::Claude,
        patch: nox_api::domain::agent::AgentPatch {
            program: Some(Program { command: Some(program.display().to_string()), ..Program::default() }),
            environment: Some([("NOX_TRIAL_MARK".to_owned(), mark.clone())].into()),
            ..Default::default()
        },
        ask: None,
    };
    let (api, one) = (world.api().clone(), trial("one"));
    let trying = tokio::spawn(async move { api.try_agent(one).await });
    poll("the program", async || (!processes::marked(&mark).is_empty()).then_some(())).await;
    let api = world.api().clone();
    world.close().await;
    assert_eq!(processes::marked(&mark), Vec::<u32>::new(), "nothing of it is left when closing is through");
    assert!(!trying.await.unwrap().unwrap().is_good);
    assert!(api.try_agent(trial("two")).await.is_err(), "it is closed");
}
