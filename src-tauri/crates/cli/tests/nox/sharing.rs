//! A command line beside a running engine.

use super::support::{Ended, Running, World, caller, open_request, until};
use nox_api::{
    control,
    dto::{AnswerRequest, ChangeSettings, CreateAgent, CreateTask, OneTask, StartTask},
};
use nox_domain::{agent::Runtime, event::PreAllowed, ids::CommandId, tool::Decision};

async fn end(running: Running) -> Ended {
    tokio::task::spawn_blocking(move || running.end()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_the_app_the_card_appears_there_and_the_app_answers() {
    let world = World::new();
    let api = world.open().await;
    let control = control::serve(api.clone(), |_| {}).unwrap();
    let window = api.attach_window();
    let running = world.start(&["run", "```sh name=\"Seen in both\"\nseq 1 200000\n```", "--json"]);
    let title = until(&api, |snapshot| snapshot.cards.first().map(|card| card.task.title.clone())).await;
    assert_eq!(title, "Seen in both");
    let row = open_request(&api).await;
    let answer = AnswerRequest {
        request: row.request.id,
        decision: Decision::AllowOnce,
        reason: None,
        answers: Default::default(),
        rule: None,
    };
    api.answer_request(&caller(), answer).await.unwrap();
    let ended = end(running).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.result()["session_id"], row.session.as_str());
    let mut next = 0;
    for line in ended.lines().iter().filter(|line| line["type"] == "output") {
        for piece in line["pieces"].as_array().unwrap() {
            let offset: u64 =
                piece["offset"].as_u64().or_else(|| piece["offset"].as_str()?.parse().ok()).unwrap();
            assert_eq!(offset, next, "there is a hole");
            next += piece["bytes"].as_u64().unwrap();
        }
    }
    let expected: usize = (1..=200_000).map(|number: u32| number.to_string().len() + 1).sum();
    assert_eq!(next, expected as u64);

    // The window is closed while somebody waits for it.
    let running = world.start(&["run", "```sh\ntrue\n```"]);
    let mut running = tokio::task::spawn_blocking(move || {
        let mut running = running;
        running.says("waits for an answer in the app");
        running
    })
    .await
    .unwrap();
    assert!(running.child.try_wait().unwrap().is_none());
    drop(window);
    let ended = end(running).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    open_request(&api).await;

    let listed = end(world.start(&["list-tasks"])).await;
    assert!(listed.out.contains("Seen in both") && listed.out.contains("needs approval"), "{listed:?}");
    control.close().await;
    api.close().await;
}

#[test]
fn two_command_lines_share_one_engine_and_neither_is_cut_off() {
    let world = World::new();
    let wait = "```sh\necho begun >&2\nuntil [ -e go ]; do sleep 0.02; done\necho first\n```";
    let mut first = world.start(&["run", wait, "--allow", "all"]);
    first.says("begun\n");
    let later = "```sh\necho joined >&2\nuntil [ -e last ]; do sleep 0.02; done\necho second\n```";
    let mut second = world.start(&["run", later, "--allow", "all"]);
    second.says("joined\n");
    world.file("go", "");
    first.says("✓ finished");
    first.says("others work through this engine");
    world.file("last", "");
    let second = second.end();
    assert_eq!((second.code, second.out.as_str()), (Some(0), "second\n"), "{second:?}");
    let first = first.end();
    assert_eq!((first.code, first.out.as_str()), (Some(0), "first\n"), "{first:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_goes_away_is_told_and_not_waited_for() {
    let world = World::new();
    let api = world.open().await;
    let control = control::serve(api.clone(), |_| {}).unwrap();
    let window = api.attach_window();
    let running = world.start(&["run", "```sh\ntrue\n```", "--json"]);
    let running = tokio::task::spawn_blocking(move || {
        let mut running = running;
        running.says("waits for an answer in the app");
        running
    })
    .await
    .unwrap();
    control.close().await;
    let ended = end(running).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.result()["status"], "unknown");
    assert!(ended.err.contains("the engine has ended"), "{}", ended.err);
    drop(window);
    api.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_starts_nothing_and_a_run_lets_what_waited_finish() {
    let world = World::new();
    let api = world.open().await;
    // A run that waits for a person would lend its place; the start of a minute is not lent.
    let one = ChangeSettings { runs_per_minute: Some(1), ..ChangeSettings::default() };
    api.change_settings(&caller(), one).await.unwrap();
    let folder = world.work().canonicalize().unwrap().display().to_string();
    for (body, pre_allowed) in [("true", PreAllowed::Nothing), ("sleep 0.3; touch ran", PreAllowed::All)] {
        let body = format!("```sh\n{body}\n```");
        let create = CreateTask { title: body.replace(['\n', '`'], " "), body, ..CreateTask::default() };
        let task = api.create_task(&caller(), create).await.unwrap().task.unwrap();
        let start = StartTask { task, agent: None, folder: Some(folder.clone()), pre_allowed };
        api.start_task(&caller(), start).await.unwrap();
        // It has begun and waits for an answer; the next one waits for another minute.
        open_request(&api).await;
    }
    api.close().await;
    drop(api);
    let local = world.home().join("local.toml");
    let settings = std::fs::read_to_string(&local).unwrap();
    assert!(settings.contains("runs_per_minute = 1\n"), "{settings}");
    let one_place = settings.replace("runs_per_minute = 1\n", "max_live_runs = 1\n");
    std::fs::write(&local, one_place).unwrap();

    let listed = end(world.start(&["list-tasks"])).await;
    assert!(listed.out.contains("queued") && listed.out.contains("needs approval"), "{listed:?}");
    let listed = end(world.start(&["list-tasks"])).await;
    assert!(listed.out.contains("queued"), "{listed:?}");
    assert!(!world.work().join("ran").exists());

    let ended = end(world.start(&["run", "```sh\necho mine\n```", "--allow", "all"])).await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "mine\n"), "{ended:?}");
    assert!(world.work().join("ran").exists());
    let listed = end(world.start(&["list-tasks"])).await;
    assert!(!listed.out.contains("queued") && !listed.out.contains("unknown"), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_several_change_of_an_agent_at_once_all_stays() {
    let world = World::new();
    let api = world.open().await;
    let control = control::serve(api.clone(), |_| {}).unwrap();
    let input = CreateAgent { name: "Shared".into(), runtime: Runtime::Claude, ..CreateAgent::default() };
    api.create_agent(&caller(), input).await.unwrap();
    let lines: Vec<String> = (0..6).map(|number| format!("s{number}=mcp-{number}")).collect();
    let all: Vec<Running> =
        lines.iter().map(|line| world.start(&["agent", "set", "shared", "--service", line])).collect();
    let mut changes = Vec::new();
    for running in all {
        let ended = end(running).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        changes.push(ended.err.split_whitespace().last().unwrap().to_owned());
    }
    let names = async || {
        let snapshot = api.snapshot(nox_api::dto::Nothing {}).await.unwrap();
        snapshot.agents[0].agent.services.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["s0", "s1", "s2", "s3", "s4", "s5"]);
    // Taken back by the one who was at it: what the five others have said stays.
    let undo = || world.start(&["agent", "undo", &changes[2]]);
    assert_eq!(end(undo()).await.code, Some(0));
    assert_eq!(names().await, ["s0", "s1", "s3", "s4", "s5"]);

    // One that somebody else has made another of is theirs.
    let ended = end(world.start(&["agent", "set", "shared", "--service", "s4=other"])).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = end(world.start(&["agent", "undo", &changes[4]])).await;
    assert!(ended.code != Some(0) && ended.err.contains("services.s4"), "{ended:?}");
    assert_eq!(names().await, ["s0", "s1", "s3", "s4", "s5"]);
    control.close().await;
    api.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_done_to_agents_is_taken_back_by_their_command() {
    let world = World::new();
    let api = world.open().await;
    let control = control::serve(api.clone(), |_| {}).unwrap();
    let undo = |command: &CommandId| world.start(&["agent", "undo", command.as_str()]);
    let (made, deleted) = (caller(), caller());
    let create = CreateTask { title: "Stays".into(), ..CreateTask::default() };
    let task = api.create_task(&made, create).await.unwrap().task.unwrap();
    let ended = end(undo(&made.command)).await;
    assert!(ended.code == Some(2) && ended.err.contains("was no change of an agent"), "{ended:?}");
    assert_eq!(api.snapshot(nox_api::dto::Nothing {}).await.unwrap().cards.len(), 1);
    api.delete_task(&deleted, OneTask { task }).await.unwrap();
    let ended = end(undo(&deleted.command)).await;
    assert!(ended.code == Some(2) && ended.err.contains("was no change of an agent"), "{ended:?}");

    let made = caller();
    let input = CreateAgent { name: "Passing".into(), ..CreateAgent::default() };
    let agent = api.create_agent(&made, input).await.unwrap().agent.unwrap();
    let gone = caller();
    api.delete_agent(&gone, nox_api::dto::OneAgent { agent }).await.unwrap();
    let agents = async || api.snapshot(nox_api::dto::Nothing {}).await.unwrap().agents.len();
    assert_eq!(agents().await, 0);
    assert_eq!(end(undo(&gone.command)).await.code, Some(0));
    assert_eq!(agents().await, 1);
    assert_eq!(end(undo(&made.command)).await.code, Some(0));
    assert_eq!(agents().await, 0);
    control.close().await;
    api.close().await;
}
