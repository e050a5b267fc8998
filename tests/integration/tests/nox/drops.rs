//! What is dropped on the board.

use base64::{Engine, prelude::BASE64_STANDARD};
use nox_api::{
    ErrorCode,
    domain::{
        event::Closed,
        rows::RequestState,
        task::Attachment,
        tool::{Decision, sha256_hex},
        words::Column,
    },
    dto::{AddImage, DropThings, Image, OneTask, Target, Undo},
};
use nox_test_support::{World, caller, picture, poll};
use std::fs;

fn paths(all: &[&std::path::Path]) -> DropThings {
    DropThings { paths: all.iter().map(|path| path.display().to_string()).collect(), ..DropThings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_markdown_file_becomes_a_runbook_and_runs_when_it_is_dropped_on_working() {
    let mut world = World::open().await;
    let file = world.desk().join("check.md");
    fs::write(&file, "# Check the disk\n\nLook.\n\n```sh\necho dropped\n```\n").unwrap();
    let who = caller();
    let drop = DropThings { to: Some(Target::Working), ..paths(&[&file]) };
    let recorded = world.api().drop_things(&who, drop.clone()).await.unwrap();
    let task = recorded.task.clone().unwrap();
    let row = world
        .until("a request", |all| {
            all.requests
                .iter()
                .find(|row| row.task.as_ref() == Some(&task) && row.state == RequestState::Open)
                .cloned()
        })
        .await;
    world.answer(&row.request.id, Decision::AllowOnce).await.unwrap();
    let ran = world.until_over(&row.session).await;
    assert_eq!((ran.how, ran.output().as_str()), (Closed::Finished, "dropped\n"));
    let card = world.card(&task).await;
    assert_eq!((card.task.title.as_str(), card.task.blocks), ("Check the disk", 1));
    // The same drop once more is the same drop, even though the file is gone by now.
    fs::remove_file(&file).unwrap();
    let again = world.api().drop_things(&who, drop).await.unwrap();
    assert_eq!(again.task, recorded.task);
    assert_eq!(world.snapshot().await.cards.len(), 1);
    assert_eq!(world.snapshot().await.sessions.len(), 1, "the repeated drop started it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_with_a_dropped_file_is_recorded_with_its_task() {
    let mut world = World::open().await;
    let file = world.desk().join("look.md");
    fs::write(&file, "# Look\n\nWhat is it?\n").unwrap();
    let base64 = BASE64_STANDARD.encode(picture(20, 1));
    let input = AddImage::Bytes { name: "a.png".into(), base64 };
    let Image { name, sha256, size_bytes, .. } = world.api().add_image(input).await.unwrap();
    let attachments = vec![Attachment::Document { name, sha256, size_bytes }];
    let who = caller();
    let drop = DropThings { attachments: attachments.clone(), ..paths(&[&file]) };
    let recorded = world.api().drop_things(&who, drop).await.unwrap();
    let task = recorded.task.unwrap();
    // What is seen first of it is whole: nothing came behind its making.
    let card = world.until_card("the card", &task, |_| true).await;
    assert_eq!(card.task.attachments, attachments);
    let written = world.home().join("registry").join(&card.task.path);
    let names_it = async || fs::read_to_string(&written).ok().filter(|text| text.contains("a.png"));
    poll("its file", names_it).await;
    world.api().undo(&caller(), Undo { command: who.command, of: None }).await.unwrap();
    poll("its end", async || (!written.exists()).then_some(())).await;
    assert!(world.snapshot().await.cards.is_empty(), "one undo takes all of it back");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_copied_large_ones_and_folders_are_named() {
    let mut world = World::open().await;
    let [small, large, folder] = ["notes.pdf", "film.bin", "things"].map(|name| world.desk().join(name));
    fs::write(&small, b"%PDF small").unwrap();
    fs::File::create(&large).unwrap().set_len(10 * 1024 * 1024 + 1).unwrap();
    fs::create_dir(&folder).unwrap();
    let drop = DropThings { to: Some(Target::Backlog), ..paths(&[&small, &large, &folder]) };
    let task = world.api().drop_things(&caller(), drop).await.unwrap().task.unwrap();
    let card = world.until_card("the card", &task, |_| true).await;
    assert_eq!((card.column, card.task.title.as_str()), (Column::Backlog, "notes.pdf and 2 more"));
    let sha256 = sha256_hex(b"%PDF small");
    let [
        Attachment::Document { sha256: found, .. },
        Attachment::Path { path: film },
        Attachment::Path { path: things },
    ] = card.task.attachments.as_slice()
    else {
        panic!("{:?}", card.task.attachments)
    };
    assert_eq!((found, film, things), (&sha256, &large.display().to_string(), &folder.display().to_string()));
    assert_eq!(fs::read(world.home().join("documents").join(&sha256)).unwrap(), b"%PDF small");
    let before = card.task.attachments;
    world.reopen().await;
    assert_eq!(world.card(&task).await.task.attachments, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_alone_becomes_the_project_and_text_and_links_become_tasks() {
    let mut world = World::open().await;
    let folder = world.desk().join("My App");
    fs::create_dir(&folder).unwrap();
    let task = world.api().drop_things(&caller(), paths(&[&folder])).await.unwrap().task.unwrap();
    let card = world.until_card("the card", &task, |_| true).await;
    assert_eq!(card.task.project.as_ref().map(|id| id.as_str()), Some("my-app"));
    assert_eq!(world.snapshot().await.projects.len(), 1);

    let text = DropThings { text: Some("Buy milk\nand bread".into()), ..DropThings::default() };
    let task = world.api().drop_things(&caller(), text).await.unwrap().task.unwrap();
    assert_eq!(world.until_card("the card", &task, |_| true).await.task.title, "Buy milk");
    assert_eq!(world.api().read_task(OneTask { task }).await.unwrap().body, "and bread");

    let link = DropThings { text: Some("https://example.org/a/".into()), ..DropThings::default() };
    let task = world.api().drop_things(&caller(), link).await.unwrap().task.unwrap();
    let card = world.until_card("the card", &task, |_| true).await;
    assert_eq!(card.task.title, "example.org/a");
    assert_eq!(card.task.attachments, [Attachment::Link { url: "https://example.org/a/".into() }]);

    let gone = world.desk().join("gone.txt");
    for (drop, field) in [
        (paths(&[&gone]), "paths"),
        (DropThings { paths: vec!["relative.md".into()], ..DropThings::default() }, "paths"),
        (DropThings::default(), "paths"),
        (DropThings { to: Some(Target::Done), text: Some("x".into()), ..DropThings::default() }, "to"),
    ] {
        let error = world.api().drop_things(&caller(), drop).await.unwrap_err();
        assert_eq!((error.code, error.field.as_deref()), (ErrorCode::BadInput, Some(field)));
    }
    assert_eq!(world.snapshot().await.cards.len(), 3);
}
