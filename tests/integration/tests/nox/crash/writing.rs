//! Kills during a burst of changes to task files: between the fact in the log and the write on the disk, and elsewhere.

use super::child::{Engine, Role, say};
use nox_api::{
    domain::{ids::TaskId, task::TaskPatch},
    dto::ChangeTask,
};
use nox_test_support::{Dice, Tally, World, caller};
use std::{collections::BTreeMap, time::Duration};

const ROUNDS: u32 = 25;

/// The engine's side: changes three tasks in turn until it is killed.
pub(super) async fn engine(world: &mut World) {
    world.reopen().await;
    let mut tasks: Vec<TaskId> = world.snapshot().await.cards.into_iter().map(|card| card.task.id).collect();
    while tasks.len() < 3 {
        tasks.push(world.task("Title 0", "Words that stay.").await);
    }
    tasks.sort();
    let begin = world.snapshot().await.cards.iter().filter_map(|card| number_in(&card.task.title)).max();
    say("open");
    for number in begin.unwrap_or(0) + 1.. {
        let task = &tasks[number as usize % tasks.len()];
        let patch = TaskPatch { title: Some(format!("Title {number}")), ..TaskPatch::default() };
        let input = ChangeTask { task: task.clone(), patch, base: None };
        let seq = world.api().change_task(&caller(), input).await.unwrap().seq;
        say(&format!("title {task} {number} {}", seq.0));
    }
}

fn number_in(title: &str) -> Option<u32> {
    title.trim().strip_prefix("Title ")?.parse().ok()
}

/// The number of the title that a task file has.
fn title_in(file: &str) -> Option<u32> {
    file.lines().find_map(|line| line.strip_prefix("# ")).and_then(number_in)
}

/// The text of a task's file, found by its id.
fn file_of(world: &World, task: &TaskId) -> String {
    let months =
        std::fs::read_dir(world.registry("tasks")).unwrap().flatten().filter(|entry| entry.path().is_dir());
    let files = months.flat_map(|month| std::fs::read_dir(month.path()).unwrap().flatten());
    let mut paths = files.map(|entry| entry.path());
    let path = paths.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(task.as_str()));
    path.map(|path| std::fs::read_to_string(path).unwrap()).unwrap_or_default()
}

/// How many effects an engine left undone.
async fn pending(world: &World) -> usize {
    let path = world.home().join("nox.db");
    let store = nox_store::Store::open(&path, nox_store::Options::default()).unwrap();
    let pending = store.outbox_pending().await.unwrap().len();
    tokio::task::spawn_blocking(move || store.close()).await.unwrap();
    pending
}

#[tokio::test(flavor = "multi_thread")]
async fn files_catch_up_with_the_log_after_kills_in_a_burst_of_changes() {
    let (mut dice, seed) = Dice::from_environment();
    let mut tally = Tally::default();
    let mut world = World::closed();
    let mut caught = 0;
    for _ in 0..ROUNDS {
        let mut engine = Engine::start(Role::Write, &world);
        engine.wait_for("title");
        let lines = engine.kill(Duration::from_millis(dice.below(80)));
        let mut titles: BTreeMap<TaskId, (u32, u64)> = BTreeMap::new();
        for line in lines.iter().filter_map(|line| line.strip_prefix("title ")) {
            let words: Vec<&str> = line.split(' ').collect();
            let task = TaskId::parse(words[0]).unwrap();
            titles.insert(task, (words[1].parse().unwrap(), words[2].parse().unwrap()));
        }
        caught += usize::from(pending(&world).await > 0);
        world.reopen().await;
        let all = world.snapshot().await;
        for (task, (number, seq)) in &titles {
            tally.check(seed, "no acknowledged event is lost", all.cursor.seq.0 >= *seq, || format!("{seq}"));
            let card = all.cards.iter().find(|card| card.task.id == *task);
            let title = card.and_then(|card| number_in(&card.task.title));
            tally.check(seed, "an acknowledged change is there", title >= Some(*number), || {
                format!("{title:?} < {number}")
            });
        }
        tally.check(seed, "no file is broken", all.problems.is_empty(), || format!("{:?}", all.problems));
        world.close().await;
        for card in &all.cards {
            let file = file_of(&world, &card.task.id);
            let (found, wanted) = (title_in(&file), number_in(&card.task.title));
            tally.check(seed, "the file says what the log says", found == wanted, || {
                format!("{found:?} {wanted:?}: {file}")
            });
            tally.check(seed, "the rest of the file stays", file.contains("Words that stay."), || {
                file.clone()
            });
        }
    }
    println!("{ROUNDS} kills, {caught} of them with an effect left undone");
    tally.check(seed, "a kill fell between the log and the disk", caught > 0, || "none did".into());
    tally.close();
}
