//! The order of cards, and the text of a task that two change at once.

use crate::sh;
use nox_api::{
    ErrorCode,
    domain::{ids::TaskId, task::TaskPatch},
    dto::{ChangeTask, MoveTask, OneTask, Target},
};
use nox_test_support::{World, caller};

async fn order(world: &World) -> Vec<String> {
    world.snapshot().await.cards.into_iter().map(|card| card.task.title).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_keep_the_order_they_were_put_into() {
    let mut world = World::open().await;
    let mut ids: Vec<TaskId> = Vec::new();
    for title in ["a", "b", "c", "d", "e"] {
        ids.push(world.task(title, "").await);
        let count = ids.len();
        // A new card stands above the others, so the next one has to know of it.
        world.until("the card", |all| (all.cards.len() == count).then_some(())).await;
    }
    assert_eq!(order(&world).await, ["e", "d", "c", "b", "a"]);
    // Put below d and above c; then at the very top; then at the very end.
    for (card, after, before, expected) in [
        (0, Some(3), Some(2), ["e", "d", "a", "c", "b"]),
        (1, None, Some(4), ["b", "e", "d", "a", "c"]),
        (4, Some(2), None, ["b", "d", "a", "c", "e"]),
    ] {
        let at = |index: Option<usize>| index.map(|index| ids[index].clone());
        let drag = MoveTask {
            task: ids[card].clone(),
            to: Target::Todo,
            after: at(after),
            before: at(before),
            agent: None,
        };
        let seq = world.api().move_task(&caller(), drag).await.unwrap().seq;
        world.until("the move", |all| (all.cursor.seq >= seq).then_some(())).await;
        assert_eq!(order(&world).await, expected);
    }
    let expected = order(&world).await;
    world.reopen().await;
    assert_eq!(order(&world).await, expected);
    // Only what moved was written: the others' files have the rank that they began with.
    let text = world.task_text(&ids[3]).await;
    assert!(text.contains("# d"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_changed_by_hand_meanwhile_is_merged_and_a_meeting_is_refused() {
    let world = World::open().await;
    let body = format!("First line.\n\n{}\nLast line.", sh("echo middle"));
    let task = world.task("Merge", &body).await;
    world.until_file(&task, "Last line.").await;
    let base = world.card(&task).await.task.hash;
    let path = world.card(&task).await.task.path;
    world.write(&path, &world.read(&path).replace("First line.", "First line, by hand."));
    // Not waited for: the file on the disk counts, whether it was noticed or not.
    let patch =
        TaskPatch { body: Some(body.replace("Last line.", "Last line, by Nox.")), ..TaskPatch::default() };
    world
        .api()
        .change_task(&caller(), ChangeTask { task: task.clone(), patch, base: Some(base.clone()) })
        .await
        .unwrap();
    let text = world.until_file(&task, "Last line, by Nox.").await;
    assert!(text.contains("First line, by hand."), "{text}");
    let detail = world.api().read_task(OneTask { task: task.clone() }).await.unwrap();
    assert!(detail.body.starts_with("First line, by hand.") && detail.body.ends_with("Last line, by Nox."));
    // From the same old base, in a place that has changed since: refused, nothing lost.
    let patch =
        TaskPatch { body: Some(body.replace("First line.", "First line, again.")), ..TaskPatch::default() };
    let error = world
        .api()
        .change_task(&caller(), ChangeTask { task: task.clone(), patch, base: Some(base) })
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.hint.is_some());
    assert_eq!(world.task_text(&task).await, text);
}
