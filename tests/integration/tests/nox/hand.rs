//! Files that a person writes, breaks, mends, copies and deletes while the engine runs, and while it does not.

use crate::sh;
use nox_api::{
    ErrorCode,
    domain::{
        event::PreAllowed,
        policy::Effect,
        task::{TaskPatch, TaskStatus},
        tool::{Decision, ToolKind},
        words::Column,
    },
    dto::{ChangeTask, CreateAgent, Nothing},
};
use nox_test_support::{World, caller, poll};
use std::{
    fs,
    time::{Duration, Instant},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_edit_reaches_the_card_within_a_second() {
    let mut world = World::open().await;
    let task = world.task("Old title", "Words.").await;
    world.until_file(&task, "# Old title").await;
    let path = world.card(&task).await.task.path;
    let began = Instant::now();
    world.write(
        &path,
        &world
            .read(&path)
            .replace("# Old title", "# New title")
            .replace("status: todo", "status: In-Progress # started it"),
    );
    let card = world.until_card("the new title", &task, |card| card.task.title == "New title").await;
    let took = began.elapsed();
    assert!(took < Duration::from_millis(1000), "{took:?}");
    assert_eq!((card.task.status, card.column), (TaskStatus::InProgress, Column::Working));
    // A change by Nox keeps the person's own spelling of everything it does not change.
    let patch = TaskPatch { title: Some("Newer title".into()), ..TaskPatch::default() };
    world.api().change_task(&caller(), ChangeTask { task: task.clone(), patch, base: None }).await.unwrap();
    let text = world.until_file(&task, "# Newer title").await;
    assert!(text.contains("status: In-Progress # started it"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_without_an_id_becomes_a_card_and_gets_one() {
    let mut world = World::open().await;
    world.write("tasks/ideas/later.md", "# By hand\n\nMy own words.\n");
    let card = world
        .until("the card", |all| all.cards.iter().find(|card| card.task.title == "By hand").cloned())
        .await;
    let text = world.until_file(&card.task.id, card.task.id.as_str()).await;
    assert!(text.ends_with("# By hand\n\nMy own words.\n"), "{text}");
    // With front matter of its own, in a folder that is there already.
    world.write("tasks/ideas/other.md", "---\nstatus: backlog\ncolour: red # mine\n---\n\n# Other\n");
    let other = world
        .until("the card", |all| all.cards.iter().find(|card| card.task.title == "Other").cloned())
        .await;
    assert_eq!(other.column, Column::Backlog);
    let text = world.until_file(&other.task.id, other.task.id.as_str()).await;
    assert!(text.contains("colour: red # mine\n"), "{text}");
    world.reopen().await;
    let titles: Vec<_> = world.snapshot().await.cards.into_iter().map(|card| card.task.title).collect();
    assert_eq!(titles.len(), 2, "{titles:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_task_names_its_line_keeps_the_card_and_is_not_touched() {
    let mut world = World::open().await;
    let task = world.task("Whole", &sh("true")).await;
    let good = world.until_file(&task, "# Whole").await;
    let path = world.card(&task).await.task.path;
    let broken = good.replace("status: todo", "status: sometime");
    world.write(&path, &broken);
    let problem = world.until_problem(&path).await;
    assert_eq!((problem.line, problem.field.as_deref()), (4, Some("status")), "{problem:?}");
    assert!(!problem.hint.is_empty() && problem.message.contains("sometime"), "{problem:?}");
    let card = world.card(&task).await;
    assert_eq!((card.task.title.as_str(), card.task.status), ("Whole", TaskStatus::Todo));
    let patch = TaskPatch { title: Some("Changed".into()), ..TaskPatch::default() };
    let error = world
        .api()
        .change_task(&caller(), ChangeTask { task: task.clone(), patch, base: None })
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("line 4"), "{error:?}");
    assert_eq!(world.start_with(&task, PreAllowed::All).await.unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(world.read(&path), broken);
    world.reopen().await;
    assert_eq!(world.until_problem(&path).await, problem);
    assert_eq!(world.card(&task).await.task.title, "Whole");
    assert_eq!(world.read(&path), broken);
    world.write(&path, &good);
    world.until_no_problem().await;
    let session = world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap();
    world.until_over(&session).await;
    // A file that was never good has no card, and goes away with the file.
    world.write("tasks/bad.md", "---\npriority: [1\n---\n");
    world.until_problem("tasks/bad.md").await;
    assert_eq!(world.snapshot().await.cards.len(), 1);
    fs::remove_file(world.registry("tasks/bad.md")).unwrap();
    world.until_no_problem().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_task_is_named_and_becomes_the_task_when_the_first_goes() {
    let mut world = World::open().await;
    let task = world.task("One", "").await;
    let text = world.until_file(&task, "# One").await;
    world.write("tasks/copy.md", &text.replace("# One", "# Two"));
    let problem = world.until_problem("tasks/copy.md").await;
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("duplicate_id", Some("id")));
    let card = world.card(&task).await;
    assert_eq!((card.task.title.as_str(), world.snapshot().await.cards.len()), ("One", 1));
    fs::remove_file(world.registry(&card.task.path)).unwrap();
    world.until_card("the copy takes over", &task, |card| card.task.path == "tasks/copy.md").await;
    world.until_no_problem().await;
    // Renamed by hand: the same task at another place.
    fs::rename(world.registry("tasks/copy.md"), world.registry("tasks/moved.md")).unwrap();
    let card = world.until_card("the new place", &task, |card| card.task.path == "tasks/moved.md").await;
    assert_eq!(card.task.title, "Two");
    // Two that were there before the engine looked: one is the task, the other is named.
    world.close().await;
    fs::copy(world.registry("tasks/moved.md"), world.registry("tasks/again.md")).unwrap();
    world.reopen().await;
    world.until_problem("tasks/again.md").await;
    assert_eq!(world.card(&task).await.task.path, "tasks/moved.md");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_agent_keeps_its_last_good_state() {
    let mut world = World::open().await;
    let input = CreateAgent { name: "Runbook".into(), prompt: "Mine.\n".into(), ..CreateAgent::default() };
    world.api().create_agent(&caller(), input).await.unwrap();
    let path = "agents/runbook/agent.toml";
    let good = poll("the agent's file", async || {
        fs::read_to_string(world.registry(path)).ok().filter(|text| !text.is_empty())
    })
    .await;
    let broken = format!("{good}\nenabled = perhaps\n");
    world.write(path, &broken);
    let problem = world.until_problem(path).await;
    let line = 1 + broken.lines().position(|line| line == "enabled = perhaps").unwrap();
    assert_eq!(problem.line as usize, line, "{problem:?}");
    let agents = world.snapshot().await.agents;
    assert_eq!(
        (agents.len(), agents[0].agent.prompt.as_str(), agents[0].agent.enabled),
        (1, "Mine.\n", true)
    );
    assert_eq!(world.run(&sh("echo still")).await.output(), "still\n");
    world.reopen().await;
    assert_eq!(world.snapshot().await.agents, agents);
    assert_eq!(world.snapshot().await.problems, [problem]);
    assert_eq!(world.read(path), broken);
    world.write(path, &good);
    world.until_no_problem().await;
    // An agent that somebody adds by hand, and one that somebody deletes.
    world.write("agents/by-hand/agent.toml", "schema = 1\nname = \"By hand\"\nruntime = \"runbook\"\n");
    world
        .until("the new agent", |all| {
            all.agents.iter().find(|row| row.agent.id.as_str() == "by-hand").cloned()
        })
        .await;
    fs::remove_dir_all(world.registry("agents/by-hand")).unwrap();
    world.until("its end", |all| (all.agents.len() == 1).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_policy_keeps_the_last_good_one_and_a_fresh_start_asks_everything() {
    let mut world = World::open().await;
    let good = "schema = 1\n\n[defaults]\nexecute = \"allow\"\n";
    world.write("policy.toml", good);
    poll("the policy", async || {
        let view = world.api().read_policy(Nothing {}).await.unwrap();
        (view.policy.defaults.get(&ToolKind::Execute) == Some(&Effect::Allow)).then_some(())
    })
    .await;
    let broken = format!("{good}read = maybe\n");
    world.write("policy.toml", &broken);
    let problem = world.until_problem("policy.toml").await;
    assert_eq!(problem.line, 5);
    // Said by a query as well, a moment later.
    poll("the problem", async || world.api().read_policy(Nothing {}).await.unwrap().problem).await;
    let task = world.task("Allowed", &sh("true")).await;
    let session = world.start(&task).await;
    assert!(!world.until_over(&session).await.calls[0].asked, "the last good policy was lost");
    world.write("policy.toml", good);
    world.until_no_problem().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_was_never_good_lets_everything_be_asked() {
    let mut world = World::closed();
    let broken = "schema = 1\n\n[defaults]\nexecute = \"allow\"\nread = maybe\n";
    world.write("policy.toml", broken);
    world.reopen().await;
    assert_eq!(world.until_problem("policy.toml").await.line, 5);
    let task = world.task("Asked", &sh("true")).await;
    let session = world.start(&task).await;
    let row = world.until_asked(&session).await;
    // "Always" has nowhere to be written; nothing happens and the request stays open.
    let error = world.answer(&row.request.id, Decision::AllowAlways).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert_eq!(world.read("policy.toml"), broken);
    world.until_asked(&session).await;
    world.write("policy.toml", &broken.replace("read = maybe\n", ""));
    world.until_no_problem().await;
    world.answer(&row.request.id, Decision::AllowOnce).await.unwrap();
    world.until_over(&session).await;
    assert!(!run_by_default(&mut world).await, "the mended policy does not hold");
}

async fn run_by_default(world: &mut World) -> bool {
    let task = world.task("By default", &sh("true")).await;
    let session = world.start(&task).await;
    world.until_over(&session).await.calls[0].asked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_files_at_once_become_cards_and_go_again() {
    let mut world = World::open().await;
    for number in 0..1_000 {
        world.write(&format!("tasks/many/{number:04}.md"), &format!("# Task {number:04}\n\nText.\n"));
    }
    world.until("a thousand cards", |all| (all.cards.len() == 1_000).then_some(())).await;
    assert!(world.snapshot().await.problems.is_empty());
    world.reopen().await;
    let cards = world.snapshot().await.cards;
    assert_eq!(cards.len(), 1_000);
    let ids: std::collections::BTreeSet<_> = cards.iter().map(|card| card.task.id.clone()).collect();
    assert_eq!(ids.len(), 1_000);
    for card in &cards[..10] {
        assert!(world.read(&card.task.path).contains(card.task.id.as_str()));
    }
    fs::remove_dir_all(world.registry("tasks/many")).unwrap();
    world.until("no cards", |all| all.cards.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_nobody_watched_is_found_at_the_next_start() {
    let mut world = World::open().await;
    let [kept, gone] = [world.task("Kept", "").await, world.task("Gone", "").await];
    let path = world.card(&gone).await.task.path;
    world.until_file(&kept, "# Kept").await;
    world.until_file(&gone, "# Gone").await;
    let kept_path = world.card(&kept).await.task.path;
    world.close().await;
    fs::remove_file(world.registry(&path)).unwrap();
    world.write(&kept_path, &world.read(&kept_path).replace("# Kept", "# Renamed"));
    world.write("tasks/new.md", "# New\n");
    world.reopen().await;
    let titles = world
        .until("the new state", |all| {
            let mut titles: Vec<_> = all.cards.iter().map(|card| card.task.title.clone()).collect();
            titles.sort();
            (titles == ["New", "Renamed"]).then_some(titles)
        })
        .await;
    assert_eq!(titles.len(), 2);
    assert_eq!(world.card(&kept).await.task.title, "Renamed");
}
