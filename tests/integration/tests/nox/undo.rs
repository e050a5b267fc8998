//! Taking commands back, each through its receipt.

use crate::sh;
use nox_api::{
    ErrorCode,
    domain::{
        agent::AgentPatch,
        event::Closed,
        ids::{CommandId, TaskId},
        rows::AgentRow,
        task::{Change, Priority, TaskPatch},
        tool::Decision,
        words::Column,
    },
    dto::*,
};
use nox_test_support::{World, caller, caller_with};

async fn undo(world: &World, command: &CommandId) -> CommandId {
    let who = caller();
    world.api().undo(&who, Undo { command: command.clone(), of: None }).await.unwrap();
    who.command
}

fn agent_of(all: &Snapshot, id: &str) -> Option<AgentRow> {
    all.agents.iter().find(|row| row.agent.id.as_str() == id).cloned()
}

fn no_card(task: &TaskId) -> impl FnMut(&Snapshot) -> Option<()> {
    move |all| all.cards.iter().all(|card| card.task.id != *task).then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_made_changed_moved_and_deleted_come_back() {
    let mut world = World::open().await;
    let made = caller();
    let input = CreateTask {
        title: "Mine".into(),
        body: sh("echo 1"),
        tags: vec!["a".into()],
        ..CreateTask::default()
    };
    let task = world.api().create_task(&made, input).await.unwrap().task.unwrap();
    world.until_file(&task, "# Mine").await;
    // Lines that a person wrote survive every step.
    let path = world.card(&task).await.task.path;
    let by_hand = world.read(&path).replace("priority:", "colour: green # mine\npriority:");
    world.write(&path, &by_hand);
    world
        .until("the hand edit", |all| {
            let card = all.cards.iter().find(|card| card.task.id == task)?;
            (card.task.hash == nox_api::domain::tool::sha256_hex(by_hand.as_bytes())).then_some(())
        })
        .await;

    let changed = caller();
    let patch = TaskPatch {
        title: Some("Yours".into()),
        priority: Some(Priority::High),
        deadline: Some(Change::Set("2030-01-31".into())),
        tags: Some(vec![]),
        ..TaskPatch::default()
    };
    let recorded = world
        .api()
        .change_task(&changed, ChangeTask { task: task.clone(), patch, base: None })
        .await
        .unwrap();
    assert!(recorded.undo);
    let card = world.until_card("changed", &task, |card| card.task.title == "Yours").await;
    assert_eq!((card.task.priority, card.task.deadline.as_deref()), (Priority::High, Some("2030-01-31")));
    let back = undo(&world, &changed.command).await;
    let card = world.until_card("as before", &task, |card| card.task.title == "Mine").await;
    assert_eq!(
        (card.task.priority, card.task.deadline, card.task.tags),
        (Priority::Medium, None, vec!["a".to_owned()])
    );
    let text = world.until_file(&task, "# Mine").await;
    assert!(text.contains("colour: green # mine\n"), "{text}");
    // The undo has an undo of its own: that is redo.
    undo(&world, &back).await;
    world.until_card("changed again", &task, |card| card.task.title == "Yours").await;

    let moved = caller();
    let drag = MoveTask { task: task.clone(), to: Target::Done, after: None, before: None, agent: None };
    world.api().move_task(&moved, drag).await.unwrap();
    world.until_card("done", &task, |card| card.column == Column::Done).await;
    undo(&world, &moved.command).await;
    world.until_card("to do again", &task, |card| card.column == Column::Todo).await;

    let text = world.until_file(&task, "status: todo").await;
    let deleted = caller();
    world.api().delete_task(&deleted, OneTask { task: task.clone() }).await.unwrap();
    world.until("the card to go", no_card(&task)).await;
    undo(&world, &deleted.command).await;
    world.until_card("back", &task, |card| card.task.title == "Yours").await;
    assert_eq!(world.until_file(&task, "# Yours").await, text, "not byte for byte");
    undo(&world, &made.command).await;
    world.until("the card to go", no_card(&task)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_made_changed_and_deleted_come_back() {
    let mut world = World::open().await;
    let made = caller();
    let input =
        CreateAgent { name: "Night watch".into(), prompt: "Look out.\n".into(), ..CreateAgent::default() };
    let agent = world.api().create_agent(&made, input.clone()).await.unwrap().agent.unwrap();
    assert_eq!(agent.as_str(), "night-watch");
    let twice = world.api().create_agent(&caller(), input).await.unwrap_err();
    assert_eq!((twice.code, twice.field.as_deref()), (ErrorCode::BadInput, Some("name")));
    let changed = caller();
    let patch = AgentPatch {
        prompt: Some("Look in.\n".into()),
        review: Some(true),
        enabled: Some(false),
        ..AgentPatch::default()
    };
    world
        .api()
        .change_agent(&changed, ChangeAgent { agent: agent.clone(), patch, base: None })
        .await
        .unwrap();
    world.until("changed", |all| agent_of(all, "night-watch").filter(|row| row.agent.review)).await;
    undo(&world, &changed.command).await;
    let row =
        world.until("as before", |all| agent_of(all, "night-watch").filter(|row| !row.agent.review)).await;
    assert_eq!((row.agent.prompt.as_str(), row.agent.enabled), ("Look out.\n", true));
    let deleted = caller();
    world.api().delete_agent(&deleted, OneAgent { agent: agent.clone() }).await.unwrap();
    world.until("gone", |all| agent_of(all, "night-watch").is_none().then_some(())).await;
    undo(&world, &deleted.command).await;
    let back = world.until("back", |all| agent_of(all, "night-watch")).await;
    assert_eq!((back.agent, back.version), (row.agent, row.version));
    undo(&world, &made.command).await;
    world.until("gone again", |all| agent_of(all, "night-watch").is_none().then_some(())).await;
    world.reopen().await;
    assert!(agent_of(&world.snapshot().await, "night-watch").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_projects_and_settings_come_back() {
    let mut world = World::open().await;
    let task = world.task("Rule", &sh("echo rule")).await;
    let session = world.start(&task).await;
    let row = world.until_asked(&session).await;
    world.answer(&row.request.id, Decision::AllowAlways).await.unwrap();
    assert_eq!(world.until_over(&session).await.how, Closed::Finished);
    let rules = world.api().read_policy(Nothing {}).await.unwrap().policy.rules;
    let [rule] = rules.as_slice() else { panic!("{rules:?}") };
    let deleted = caller();
    world.api().delete_rule(&deleted, OneRule { rule: rule.id.clone() }).await.unwrap();
    assert!(world.api().read_policy(Nothing {}).await.unwrap().policy.rules.is_empty());
    undo(&world, &deleted.command).await;
    assert_eq!(world.api().read_policy(Nothing {}).await.unwrap().policy.rules, rules);

    let granted = caller();
    let path = world.desk().canonicalize().unwrap().display().to_string();
    let project = world
        .api()
        .grant_project(&granted, GrantProject { path: path.clone() })
        .await
        .unwrap()
        .project
        .unwrap();
    world.until("the project", |all| all.projects.iter().any(|row| row.id == project).then_some(())).await;
    undo(&world, &granted.command).await;
    world.until("no project", |all| all.projects.is_empty().then_some(())).await;
    let project = world
        .api()
        .grant_project(&caller(), GrantProject { path: path.clone() })
        .await
        .unwrap()
        .project
        .unwrap();
    let forgotten = caller();
    world.api().forget_project(&forgotten, OneProject { project }).await.unwrap();
    undo(&world, &forgotten.command).await;
    world
        .until("the project again", |all| all.projects.iter().any(|row| row.path == path).then_some(()))
        .await;

    let settings = caller();
    let change =
        ChangeSettings { theme: Some(Theme::Dark), max_live_runs: Some(3), ..ChangeSettings::default() };
    world.api().change_settings(&settings, change).await.unwrap();
    world
        .until("dark", |all| {
            (all.settings.theme == Theme::Dark && all.settings.max_live_runs == 3).then_some(())
        })
        .await;
    undo(&world, &settings.command).await;
    world
        .until("as before", |all| {
            (all.settings.theme == Theme::System && all.settings.max_live_runs == 8).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_hidden_and_shown_and_what_ran_cannot_be_taken_back() {
    let mut world = World::open().await;
    let ran = world.run(&sh("true")).await;
    let hidden = caller();
    world.api().delete_session(&hidden, OneSession { session: ran.session.clone() }).await.unwrap();
    world.until("hidden", |all| all.sessions.is_empty().then_some(())).await;
    undo(&world, &hidden.command).await;
    world.until("shown", |all| (all.sessions.len() == 1).then_some(())).await;
    let task = world.task("Ask", &sh("true")).await;
    let session = world.start(&task).await;
    let row = world.until_asked(&session).await;
    let answered = caller_with(CommandId::from_uuid(uuid::Uuid::now_v7()));
    let input = AnswerRequest {
        request: row.request.id,
        decision: Decision::AllowOnce,
        reason: None,
        answers: Default::default(),
        rule: None,
    };
    let recorded = world.api().answer_request(&answered, input).await.unwrap();
    assert!(!recorded.undo);
    let error = world.api().undo(&caller(), Undo { command: answered.command, of: None }).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    let error = world.api().undo(&caller(), Undo { command: caller().command, of: None }).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
}
