//! The owner of files on a real folder and store: crashes between log and disk, and hands in the same file.

#![allow(clippy::unwrap_used)]

use super::{OldFile, Want, disk::NOT_WRITTEN, owner::Owner, read::agent_paths, write::Edit};
use crate::{
    Error,
    ledger::{Cause, Change, Ledger, json, put},
    scheduler::Scheduler,
    sessions::{Shared, TASK_STATUS, TaskStatusWish},
    spool::Spool,
};
use arc_swap::ArcSwap;
use nox_domain::{
    At,
    agent::{Agent, AgentPatch, Program, Runtime},
    ids::{AgentId, TaskId},
    policy::{Effect, Matcher, Rule},
    rows::{Row, kind},
    task::{Task, TaskPatch, TaskStatus},
    tool::ToolKind,
};
use nox_process::ShimPath;
use nox_registry::{POLICY_PATH, Registry};
use nox_store::NewOutbox;
use std::{fs, path::Path, sync::Arc};

/// An owner whose loop does not run: the test is the loop, and can stop between any two steps.
async fn owner(home: &Path) -> Owner {
    let shim = home.join("shim");
    fs::write(&shim, "never started").unwrap();
    let shared = Shared {
        ledger: Ledger::new(nox_store::Store::open(&home.join("nox.db"), Default::default()).unwrap()),
        home: crate::home::Home::at(home).unwrap(),
        spool: Spool::at(home.join("spool")),
        documents: crate::documents::Documents::at(home.join("documents")),
        scheduler: Scheduler::new(crate::scheduler::Caps { live: 1, per_minute: 0, memory_mb: 0 }),
        policy: ArcSwap::from_pointee(super::cautious()),
        vitals: crate::vitals::Vitals::default(),
        pace: ArcSwap::from_pointee(crate::sessions::Pace {
            hibernate_after: None,
            rhythm: Default::default(),
        }),
        shim: ShimPath::at(&shim).unwrap(),
        keys: crate::keys::Keys::start(&crate::home::Home::at(home).unwrap()).unwrap(),
        outbox: Arc::default(),
    };
    let registry = Registry::open(&home.join("registry")).unwrap();
    Owner::load(registry, Arc::new(shared), Arc::default()).await.unwrap()
}

/// Ends an owner as a crash would: nothing more is written.
async fn crash(owner: Owner) {
    let store = owner.shared.ledger.store().clone();
    drop(owner);
    tokio::task::spawn_blocking(move || store.close()).await.unwrap();
}

/// Records a change and does not write it.
async fn record(owner: &mut Owner, want: Want) -> (Vec<(i64, Edit)>, Option<Want>) {
    let plan = owner.plan(&want).unwrap();
    (owner.record(plan.edits, &Cause::nox(), None).await.unwrap().1, plan.inverse)
}

async fn change(owner: &mut Owner, want: Want) -> Option<Want> {
    let (edits, inverse) = record(owner, want).await;
    owner.write_out(edits, "test".into()).await;
    inverse
}

fn rule(id: &str, words: &[&str]) -> Rule {
    Rule {
        id: id.into(),
        effect: Effect::Deny,
        kind: ToolKind::Execute,
        matcher: Matcher::Prefix(words.iter().map(|word| (*word).to_owned()).collect()),
        agent: None,
        note: String::new(),
    }
}

fn task(title: &str, body: &str) -> Task {
    Task {
        id: TaskId::fresh(&mut crate::clock::SystemIds),
        title: title.into(),
        body: body.into(),
        status: TaskStatus::Todo,
        priority: Default::default(),
        agent: None,
        project: None,
        deadline: None,
        depends_on: vec![],
        tags: vec![],
        attachments: vec![],
        rank: "a0".into(),
        created_at: At(1_700_000_000_000),
    }
}

async fn new_task(owner: &mut Owner, title: &str, body: &str) -> (TaskId, String) {
    let task = task(title, body);
    let id = task.id.clone();
    change(owner, Want::CreateTasks { tasks: vec![task] }).await;
    (id.clone(), owner.tasks[&id].path.clone())
}

fn rules(owner: &Owner) -> Vec<String> {
    owner.shared.policy.load().rules.iter().map(|rule| rule.id.clone()).collect()
}

fn read(owner: &Owner, path: &str) -> String {
    fs::read_to_string(owner.registry.root().join(path)).unwrap()
}

fn write(owner: &Owner, path: &str, text: &str) {
    fs::write(owner.registry.root().join(path), text).unwrap();
}

async fn pending(owner: &Owner) -> usize {
    owner.shared.ledger.store().outbox_pending().await.unwrap().len()
}

async fn retry(owner: &mut Owner) {
    assert!(owner.retry_at.take().is_some(), "nothing is tried again");
    owner.settle_outbox().await;
}

#[tokio::test]
async fn a_recorded_rule_holds_after_a_crash_before_it_was_written() {
    let home = tempfile::tempdir().unwrap();
    let mut first = owner(home.path()).await;
    first.look_everywhere().await;
    record(&mut first, Want::AddRule { rule: rule("rm", &["rm"]) }).await;
    crash(first).await;
    let mut second = owner(home.path()).await;
    assert_eq!(rules(&second), ["rm"]);
    second.settle_outbox().await;
    second.look_everywhere().await;
    assert_eq!(rules(&second), ["rm"]);
    assert!(read(&second, POLICY_PATH).contains("rm"));
    // Even if somebody set another one meanwhile: what is written is what holds.
    let (edits, _) = record(&mut second, Want::DeleteRule { rule: "rm".into() }).await;
    second.shared.policy.store(Arc::new(super::cautious()));
    second.write_out(edits, "test".into()).await;
    assert!(rules(&second).is_empty() && !second.shared.policy.load().defaults.is_empty());
}

#[tokio::test]
async fn a_task_that_was_brought_back_stays_when_its_deletion_could_not_be_noted() {
    let home = tempfile::tempdir().unwrap();
    let mut first = owner(home.path()).await;
    first.look_everywhere().await;
    let (id, path) = new_task(&mut first, "A task", "Words.").await;
    let text = read(&first, &path);
    // The disk takes the file's end and refuses the note of it.
    let db = rusqlite::Connection::open(home.path().join("nox.db")).unwrap();
    db.execute_batch(
        "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.kind = 'file_written'
         BEGIN SELECT RAISE(ABORT, 'no room'); END",
    )
    .unwrap();
    let back = change(&mut first, Want::DeleteTasks { tasks: vec![id.clone()] }).await.unwrap();
    assert!(!first.registry.root().join(&path).exists());
    db.execute_batch("DROP TRIGGER refuse").unwrap();
    change(&mut first, back).await;
    assert_eq!(first.read_task(&id).unwrap().1.trim(), "Words.", "what is recorded counts meanwhile");
    retry(&mut first).await;
    assert_eq!((read(&first, &path), pending(&first).await), (text.clone(), 0));
    crash(first).await;
    let mut second = owner(home.path()).await;
    second.settle_outbox().await;
    second.look_everywhere().await;
    assert_eq!(read(&second, &path), text);
    assert!(second.tasks.contains_key(&id));
}

#[tokio::test]
async fn a_broken_policy_keeps_the_newest_good_rules_over_a_start() {
    let home = tempfile::tempdir().unwrap();
    let mut first = owner(home.path()).await;
    change(&mut first, Want::AddRule { rule: rule("rm", &["rm"]) }).await;
    let text = read(&first, POLICY_PATH);
    write(&first, POLICY_PATH, &format!("{text}\nnot = [toml\n"));
    crash(first).await;
    assert_eq!(rules(&owner(home.path()).await), ["rm"]);
}

#[tokio::test]
async fn rules_by_nox_and_by_hand_are_both_kept() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    change(&mut owner, Want::AddRule { rule: rule("old", &["old"]) }).await;
    let (mut edits, _) = record(&mut owner, Want::AddRule { rule: rule("nox", &["nox"]) }).await;
    edits.extend(record(&mut owner, Want::DeleteRule { rule: "old".into() }).await.0);
    let hand = nox_registry::append_rule(&read(&owner, POLICY_PATH), &rule("hand", &["hand"])).unwrap();
    write(&owner, POLICY_PATH, &hand);
    owner.write_out(edits, "test".into()).await;
    assert_eq!(rules(&owner), ["hand", "nox"]);
    assert_eq!((pending(&owner).await, owner.problems.len()), (0, 0));
    // A rule that a hand changed is not taken away, and that is said.
    let (edits, _) = record(&mut owner, Want::DeleteRule { rule: "hand".into() }).await;
    write(&owner, POLICY_PATH, &read(&owner, POLICY_PATH).replace("\"hand\"]", "\"hand\", \"more\"]"));
    owner.write_out(edits, "test".into()).await;
    assert_eq!(rules(&owner), ["hand", "nox"]);
    assert_eq!(owner.problems[POLICY_PATH].code, NOT_WRITTEN);
    assert!(owner.known.load().problems.is_empty(), "it is told, and hinders nothing");
    // While it is broken the change waits, and is not lost.
    let (edits, _) = record(&mut owner, Want::AddRule { rule: rule("late", &["late"]) }).await;
    let good = read(&owner, POLICY_PATH);
    write(&owner, POLICY_PATH, &format!("{good}\nnot = [toml\n"));
    owner.write_out(edits, "test".into()).await;
    assert_eq!(pending(&owner).await, 1);
    write(&owner, POLICY_PATH, &format!("{good}\n# mended\n"));
    owner.look_everywhere().await;
    retry(&mut owner).await;
    assert_eq!((pending(&owner).await, rules(&owner)), (0, vec!["hand".into(), "nox".into(), "late".into()]));
    assert!(read(&owner, POLICY_PATH).contains("# mended"));
}

fn agent() -> Agent {
    Agent {
        id: AgentId::parse("runbook").unwrap(),
        name: "Runbook".into(),
        description: "Old".into(),
        runtime: Default::default(),
        prompt: "Be kind.\n".into(),
        enabled: true,
        review: false,
        capabilities: vec![],
        folder: String::new(),
        skills: vec![],
        environment: Default::default(),
        program: Default::default(),
        services: Default::default(),
        limits: Default::default(),
        life: Default::default(),
    }
}

#[tokio::test]
async fn an_agent_changed_by_nox_and_by_hand_keeps_both() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let id = agent().id;
    change(&mut owner, Want::CreateAgent { agent: Box::new(agent()) }).await;
    let path = "agents/runbook/agent.toml";
    let patch = AgentPatch { description: Some("New".into()), review: Some(true), ..AgentPatch::default() };
    let (edits, _) = record(&mut owner, Want::PatchAgent { agent: id.clone(), patch, base: None }).await;
    write(&owner, path, &read(&owner, path).replace("name = \"Runbook\"", "name = \"Mine\""));
    owner.write_out(edits, "test".into()).await;
    let merged = owner.agents[&id].agent.clone();
    assert_eq!((&*merged.name, &*merged.description, merged.review), ("Mine", "New", true));
    assert!(owner.problems.is_empty());
    let patch = AgentPatch { description: Some("Newer".into()), ..AgentPatch::default() };
    let (edits, _) = record(&mut owner, Want::PatchAgent { agent: id.clone(), patch, base: None }).await;
    write(&owner, path, &read(&owner, path).replace("\"New\"", "\"By hand\""));
    owner.write_out(edits, "test".into()).await;
    assert_eq!(owner.agents[&id].agent.description, "By hand");
    assert!(owner.problems[path].message.contains("description"), "{:?}", owner.problems);
    // Deleted by Nox and changed by hand: it stays, and that is said.
    let (edits, _) = record(&mut owner, Want::DeleteAgent { agent: id.clone() }).await;
    write(&owner, path, &read(&owner, path).replace("By hand", "Wanted"));
    owner.write_out(edits, "test".into()).await;
    assert_eq!(owner.agents[&id].agent.description, "Wanted");
    assert_eq!(owner.problems[path].code, NOT_WRITTEN);
    fs::remove_dir_all(owner.registry.root().join("agents/runbook")).unwrap();
    owner.look_everywhere().await;
    let error = owner.plan(&Want::DeleteAgent { agent: id }).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::NotFound { what: "agent", .. }), "{error}");
    assert!(owner.problems.is_empty());
}

#[tokio::test]
async fn an_agent_is_not_changed_from_a_version_that_is_over() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let id = agent().id;
    change(&mut owner, Want::CreateAgent { agent: Box::new(agent()) }).await;
    let want = |owner: &Owner, base: &str| {
        let patch = AgentPatch { review: Some(true), ..AgentPatch::default() };
        let want = Want::PatchAgent { agent: agent().id, patch, base: Some(base.to_owned()) };
        owner.plan(&want).map(|_| ())
    };
    let first = owner.agents[&id].version.clone();
    want(&owner, &first).unwrap();
    // A hand that Nox has not heard of yet counts too, and so does the prompt.
    write(&owner, "agents/runbook/prompt.md", "Be mine.\n");
    assert!(matches!(want(&owner, &first), Err(Error::Stale { .. })));
    owner.look_everywhere().await;
    let second = owner.agents[&id].version.clone();
    want(&owner, &second).unwrap();
    let patch = AgentPatch { name: Some("Other".into()), ..AgentPatch::default() };
    change(&mut owner, Want::PatchAgent { agent: id.clone(), patch, base: Some(second.clone()) }).await;
    assert!(matches!(want(&owner, &second), Err(Error::Stale { .. })));
    want(&owner, &owner.agents[&id].version.clone()).unwrap();
}

#[tokio::test]
async fn undoing_a_prompt_does_not_overwrite_what_a_hand_wrote_later() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let id = agent().id;
    change(&mut owner, Want::CreateAgent { agent: Box::new(agent()) }).await;
    let patch = AgentPatch { prompt: Some("Be quick.\n".into()), ..AgentPatch::default() };
    let back = change(&mut owner, Want::PatchAgent { agent: id.clone(), patch, base: None }).await.unwrap();
    let prompt = "agents/runbook/prompt.md";
    write(&owner, prompt, "Be mine.\n");
    owner.look_everywhere().await;
    assert!(matches!(owner.plan(&back).map(|_| ()), Err(Error::Conflict { .. })));
    write(&owner, prompt, "Be quick.\n");
    owner.look_everywhere().await;
    change(&mut owner, back).await;
    assert_eq!(read(&owner, prompt), "Be kind.\n");
}

#[tokio::test]
async fn undoing_one_setting_of_an_agent_keeps_what_was_set_beside_it() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let id = agent().id;
    let carried = Agent { runtime: Runtime::Claude, ..agent() };
    change(&mut owner, Want::CreateAgent { agent: Box::new(carried) }).await;
    let set = async |owner: &mut Owner, model: Option<&str>, mode: Option<&str>| {
        let (model, mode) = (model.map(str::to_owned), mode.map(str::to_owned));
        let program = Some(Program { model, mode, ..Program::default() });
        let patch = AgentPatch { program, ..AgentPatch::default() };
        change(owner, Want::PatchAgent { agent: agent().id, patch, base: None }).await.unwrap()
    };
    let is = |owner: &Owner| {
        let program = owner.agents[&id].agent.program.clone();
        (program.model, program.mode)
    };
    let model_back = set(&mut owner, Some("opus"), None).await;
    let mode_back = set(&mut owner, Some("opus"), Some("plan")).await;
    let model_again = change(&mut owner, model_back).await.unwrap();
    assert_eq!(is(&owner), (None, Some("plan".into())), "the mode was set by somebody else");
    // It is kept in the receipt as text, and what was taken back comes again.
    let model_again = serde_json::from_str(&serde_json::to_string(&model_again).unwrap()).unwrap();
    change(&mut owner, model_again).await;
    assert_eq!(is(&owner), (Some("opus".into()), Some("plan".into())));
    // Of a hand that Nox has not heard of yet, too.
    let path = "agents/runbook/agent.toml";
    write(&owner, path, &read(&owner, path).replace("\"plan\"", "\"default\""));
    let error = owner.plan(&mode_back).map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::Conflict { message, .. } if message.contains("program.mode")), "{error}");
    assert!(read(&owner, path).contains("\"default\""));
}

#[test]
fn what_restores_something_else_as_well_is_not_of_agents_alone() {
    let restores = |paths: &[&str]| {
        let files = paths.iter().map(|path| OldFile { path: (*path).into(), content: String::new() });
        Want::Restore { files: files.collect() }.is_of_agents()
    };
    let [toml, prompt] = agent_paths(&agent().id);
    assert!(restores(&[&toml, &prompt]));
    assert!(!restores(&[&toml, POLICY_PATH]));
    assert!(!restores(&[]));
}

#[tokio::test]
async fn a_change_of_a_broken_task_waits_until_it_is_mended() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let (id, path) = new_task(&mut owner, "One", "Words.").await;
    let good = read(&owner, &path);
    let patch = TaskPatch { title: Some("Two".into()), ..TaskPatch::default() };
    let (edits, _) = record(&mut owner, Want::PatchTask { task: id.clone(), patch, base: None }).await;
    // What is recorded is what is read, also before it is written.
    assert_eq!(owner.read_task(&id).unwrap().0.title, "Two");
    write(&owner, &path, &good.replace("status: todo", "status: sometime"));
    owner.write_out(edits, "test".into()).await;
    assert_eq!(pending(&owner).await, 1);
    assert!(owner.problems.contains_key(&path));
    write(&owner, &path, &good.replace("Words.", "Words by hand."));
    owner.look_everywhere().await;
    retry(&mut owner).await;
    let text = read(&owner, &path);
    assert!(text.contains("# Two") && text.contains("Words by hand."), "{text}");
    assert_eq!((owner.tasks[&id].title.as_str(), pending(&owner).await), ("Two", 0));
}

#[tokio::test]
async fn a_body_that_is_read_is_the_newest_one() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let (id, _) = new_task(&mut owner, "One", "Old words.").await;
    assert_eq!(owner.known.load().first_rank.as_deref(), Some("a0"));
    let patch = TaskPatch { body: Some("New words.".into()), ..TaskPatch::default() };
    record(&mut owner, Want::PatchTask { task: id.clone(), patch, base: None }).await;
    assert_eq!(owner.read_task(&id).unwrap().1.trim(), "New words.");
}

#[tokio::test]
async fn undoing_a_body_keeps_what_a_hand_wrote_later() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let (id, path) = new_task(&mut owner, "One", "first\n\nsecond\n\nthird\n").await;
    let patch = TaskPatch { body: Some("FIRST\n\nsecond\n\nthird\n".into()), ..TaskPatch::default() };
    let back = change(&mut owner, Want::PatchTask { task: id.clone(), patch, base: None }).await.unwrap();
    write(&owner, &path, &read(&owner, &path).replace("third", "third by hand"));
    owner.look_everywhere().await;
    change(&mut owner, back.clone()).await;
    let text = read(&owner, &path);
    assert!(text.contains("first\n\nsecond\n\nthird by hand"), "{text}");
    // Where both meet, nothing is overwritten.
    write(&owner, &path, &text.replace("first", "mine"));
    owner.look_everywhere().await;
    assert!(matches!(owner.plan(&back).map(|_| ()), Err(Error::Conflict { .. })));
}

#[tokio::test]
async fn what_could_not_be_recorded_is_looked_at_again() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let (id, path) = new_task(&mut owner, "One", "").await;
    write(&owner, &path, &read(&owner, &path).replace("# One", "# Two"));
    let store = owner.shared.ledger.store().clone();
    tokio::task::spawn_blocking(move || store.close()).await.unwrap();
    owner.look_everywhere().await;
    assert!(owner.look_again_at.is_some());
    assert!(!owner.files.contains_key(&path), "nobody would look at it again");
    let mut next = self::owner(home.path()).await;
    next.look_everywhere().await;
    assert_eq!(next.tasks[&id].title, "Two");
}

async fn wish(owner: &Owner, task: &TaskId, status: TaskStatus) {
    let body = json(&TaskStatusWish { task: task.clone(), status });
    let outbox = vec![NewOutbox { kind: TASK_STATUS.to_owned(), body }];
    let change = Change { outbox, ..Change::default() };
    owner.shared.ledger.commit(&Cause::nox(), crate::clock::now(), change).await.unwrap();
}

#[tokio::test]
async fn a_wish_for_a_status_waits_for_a_broken_file_and_yields_to_a_person() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let (id, path) = new_task(&mut owner, "One", "").await;
    // Begun and over before its start was settled.
    wish(&owner, &id, TaskStatus::InProgress).await;
    wish(&owner, &id, TaskStatus::Review).await;
    owner.settle_outbox().await;
    assert_eq!((owner.tasks[&id].status, pending(&owner).await), (TaskStatus::Review, 0));
    // Without an open session nothing is put to work.
    wish(&owner, &id, TaskStatus::InProgress).await;
    owner.settle_outbox().await;
    assert_eq!((owner.tasks[&id].status, pending(&owner).await), (TaskStatus::Review, 0));
    // Broken when the session ends: the wish waits.
    let at_work = read(&owner, &path).replace("status: review", "status: in-progress");
    write(&owner, &path, &at_work);
    owner.look_everywhere().await;
    write(&owner, &path, &at_work.replace("status: in-progress", "status: sometime"));
    wish(&owner, &id, TaskStatus::Done).await;
    owner.settle_outbox().await;
    owner.look_everywhere().await;
    assert_eq!((pending(&owner).await, owner.retry_at.is_some()), (1, false));
    write(&owner, &path, &format!("{at_work}mended\n"));
    owner.look_everywhere().await;
    retry(&mut owner).await;
    assert_eq!((owner.tasks[&id].status, pending(&owner).await), (TaskStatus::Done, 0));
    assert!(read(&owner, &path).contains("mended"));
}

#[tokio::test]
async fn problems_of_files_that_are_gone_go_with_them() {
    let home = tempfile::tempdir().unwrap();
    let mut first = owner(home.path()).await;
    change(&mut first, Want::CreateAgent { agent: Box::new(agent()) }).await;
    write(&first, "tasks/bad.md", "---\npriority: [1\n---\n");
    let prompt = "agents/runbook/prompt.md";
    write(&first, prompt, &"x".repeat(2 * 1024 * 1024));
    first.look_everywhere().await;
    assert_eq!(first.problems.len(), 2, "{:?}", first.problems);
    fs::remove_file(first.registry.root().join(prompt)).unwrap();
    first.look_everywhere().await;
    assert_eq!(first.problems.keys().collect::<Vec<_>>(), ["tasks/bad.md"]);
    fs::remove_file(first.registry.root().join("tasks/bad.md")).unwrap();
    crash(first).await;
    // As an earlier start may have left them: a problem without an indexed file, and one of the settings.
    let second = owner(home.path()).await;
    let left = |path: &str| put(&Row::Problem(super::read::whole_file(path, "x", "x".into(), "x")));
    let change = Change { rows: vec![left("tasks/never.md"), left("local.toml")], ..Change::default() };
    second.shared.ledger.commit(&Cause::nox(), At(1), change).await.unwrap();
    crash(second).await;
    let mut third = owner(home.path()).await;
    third.look_everywhere().await;
    assert!(third.problems.is_empty(), "{:?}", third.problems);
    let rows = third.stored(kind::PROBLEM).await.unwrap();
    assert_eq!(rows.iter().map(|row| &*row.id).collect::<Vec<_>>(), ["local.toml"]);
}

#[tokio::test]
async fn a_text_that_could_not_be_read_again_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let plan =
        owner.plan(&Want::CreateTasks { tasks: vec![task("Long", &"x".repeat(1024 * 1024))] }).unwrap();
    let error = owner.record(plan.edits, &Cause::nox(), None).await.unwrap_err();
    assert!(matches!(error, Error::BadInput { .. }) && error.field() == Some("body"), "{error}");
    assert!(owner.tasks.is_empty() && pending(&owner).await == 0);
}

#[tokio::test]
async fn a_broken_task_that_is_restored_is_named_again() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let (id, path) = new_task(&mut owner, "One", "").await;
    write(&owner, &path, &read(&owner, &path).replace("status: todo", "status: sometime"));
    owner.look_everywhere().await;
    let back = change(&mut owner, Want::DeleteTasks { tasks: vec![id] }).await.unwrap();
    assert!(owner.problems.is_empty() && owner.tasks.is_empty());
    change(&mut owner, back).await;
    assert_eq!(owner.problems[&path].field.as_deref(), Some("status"));
}

#[tokio::test]
async fn what_was_written_just_before_a_crash_is_committed_at_the_start() {
    let home = tempfile::tempdir().unwrap();
    let mut first = owner(home.path()).await;
    first.look_everywhere().await;
    let (_, gone) = new_task(&mut first, "Gone", "").await;
    first.commit_now().await;
    let (_, path) = new_task(&mut first, "One", "").await;
    fs::remove_file(first.registry.root().join(&gone)).unwrap();
    crash(first).await;
    let mut second = owner(home.path()).await;
    second.look_everywhere().await;
    second.uncommitted.clear();
    second.commit_what_is_behind().await;
    second.commit_now().await;
    let head = second.registry.head().unwrap().unwrap();
    assert!(second.registry.file_at(&head, &path).unwrap().is_some());
    assert!(second.registry.file_at(&head, &gone).unwrap().is_none());
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_indexed_is_opened_again() {
    let home = tempfile::tempdir().unwrap();
    let mut owner = owner(home.path()).await;
    let (id, path) = new_task(&mut owner, "One", "").await;
    let known = owner.files[&path].clone();
    // The hand was faster than the index, and its hint was lost.
    write(&owner, &path, &read(&owner, &path).replace("# One", "# Two"));
    owner.index(&path, Some(known.hash), known.task);
    owner.look_everywhere().await;
    assert_eq!(owner.tasks[&id].title, "Two");
}
