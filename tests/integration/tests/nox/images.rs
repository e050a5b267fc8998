//! Images that a person shows an agent: with a prompt, with a task, through the queue, an undo and a kill.

use crate::{
    crash::child::{Engine as Killed, Role, say},
    llm::{address_file, begin_at, has_part},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use nox_api::{
    ErrorCode,
    domain::{
        agent::{Program, Runtime},
        event::PreAllowed,
        ids::{ItemId, SessionId},
        rows::{ItemBody, SessionState, WaitingPrompt},
        task::Attachment,
        tool::sha256_hex,
    },
    dto::{
        AddImage, ChangePrompt, CreateAgent, CreateTask, DropThings, ExportFormat, ExportSession, Image,
        ImportSession, OneSession, OneTask, PromptSession, ReadImage, StartTask, SteerSession, Undo,
        WithdrawPrompt,
    },
};
use nox_test_support::{
    World, caller,
    model::{ModelServer, Reply, Script},
    picture, poll,
};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

async fn add(world: &World, name: &str, bytes: &[u8]) -> Image {
    let input = AddImage::Bytes { name: name.into(), base64: BASE64_STANDARD.encode(bytes) };
    world.api().add_image(input).await.unwrap()
}

async fn show(world: &World, session: &SessionId, text: &str, images: Vec<Image>) {
    let input = PromptSession { session: session.clone(), text: text.into(), images };
    world.api().prompt_session(&caller(), input).await.unwrap();
}

async fn waiting(world: &World, session: &SessionId) -> Vec<WaitingPrompt> {
    world.api().read_controls(OneSession { session: session.clone() }).await.unwrap().waiting
}

async fn until_said(world: &World, session: &SessionId, words: &str) {
    let is_said = |body: &ItemBody| matches!(body, ItemBody::Message { text, .. } if text == words);
    let look = async || world.items(session).await.iter().any(|item| is_said(&item.body)).then_some(());
    poll(words, look).await;
}

async fn notes(world: &World, session: &SessionId) -> Vec<String> {
    let notes = world.items(session).await.into_iter().filter_map(|item| match item.body {
        ItemBody::Note { code, .. } => Some(code),
        _ => None,
    });
    notes.collect()
}

/// How a wire has an image.
fn form(provider: &str, bytes: &[u8]) -> Value {
    let data = BASE64_STANDARD.encode(bytes);
    let url = format!("data:image/png;base64,{data}");
    match provider {
        "anthropic" => json!({ "type": "base64", "media_type": "image/png", "data": data }),
        "openai_responses" => json!({ "type": "input_image", "image_url": url }),
        "ollama" => json!({ "images": [data] }),
        _ => json!({ "image_url": { "url": url } }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wire_shows_the_images_of_a_task_and_of_a_prompt_also_where_nobody_knows_whether_they_are_taken()
 {
    let (first, second) = (picture(30, 1), picture(30, 2));
    for provider in ["anthropic", "openai", "openai_responses", "ollama", "compatible"] {
        let mut world = World::open().await;
        let server = ModelServer::start(Script::of(["One.", "Two."].map(Reply::text))).await.unwrap();
        let image = add(&world, "first.png", &first).await;
        let agent = CreateAgent {
            name: "Loop".into(),
            runtime: Runtime::Llm,
            program: Program {
                provider: Some(provider.into()),
                // Of the others nobody says anything: it is tried.
                model: Some(if provider == "ollama" { "scripted-vision" } else { "scripted" }.into()),
                address: Some(server.address()),
                ..Program::default()
            },
            ..CreateAgent::default()
        };
        let agent = world.api().create_agent(&caller(), agent).await.unwrap().agent;
        let attached =
            Attachment::Document { name: image.name, sha256: image.sha256, size_bytes: image.size_bytes };
        let task = CreateTask {
            title: "Look".into(),
            body: "What is it?".into(),
            agent,
            attachments: vec![attached],
            ..CreateTask::default()
        };
        let task = world.create(task).await.unwrap().task.unwrap();
        let session = world.start_with(&task, PreAllowed::Nothing).await.unwrap().session.unwrap();
        world.until_state("the end of the turn", &session, SessionState::awaits_prompt).await;
        let body = server.asked().pop().unwrap().body;
        assert!(has_part(&body, &form(provider, &first)), "{provider}: the task's image did not come");
        assert!(body.to_string().contains("What is it?"), "{provider}");
        let other = add(&world, "second.png", &second).await;
        show(&world, &session, "", vec![other]).await;
        until_said(&world, &session, "Two.").await;
        let body = server.asked().pop().unwrap().body;
        assert!(has_part(&body, &form(provider, &second)), "{provider}: an image without words did not come");
        assert!(has_part(&body, &form(provider, &first)), "{provider}: the first one is forgotten");
        let about = notes(&world, &session).await.into_iter().find(|code| code.starts_with("images_"));
        assert_eq!(about, None, "{provider}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_takes_no_images_is_not_shown_any_and_nothing_is_lost() {
    let mut world = World::open().await;
    let server = ModelServer::start(Script::of(["One.", "Two."].map(Reply::text))).await.unwrap();
    let (session, _) =
        begin_at(&world, "ollama", &server.address(), |agent| agent.program.model = Some("blind".into()))
            .await;
    world.until_state("the end of the turn", &session, SessionState::awaits_prompt).await;
    let takes = async || {
        let row = world.api().read_controls(OneSession { session: session.clone() }).await.unwrap();
        row.offers.images
    };
    poll("what the server says", async || takes().await.filter(|takes| !takes)).await;
    let image = add(&world, "a.png", &picture(20, 3)).await;
    let input = PromptSession { session: session.clone(), text: "Look.".into(), images: vec![image.clone()] };
    let error = world.api().prompt_session(&caller(), input).await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::Conflict, "its program takes no images"));
    assert!(error.hint.is_some_and(|hint| hint.contains("without them")));
    // One that sleeps has said nothing for its next run: it is asked, told what cannot be shown, and a person is told as well.
    world.close().await;
    world.reopen().await;
    show(&world, &session, "Look.", vec![image]).await;
    until_said(&world, &session, "Two.").await;
    let body = server.asked().pop().unwrap().body.to_string();
    assert!(body.contains("[image: a.png") && body.contains("you take no images"), "{body}");
    assert!(notes(&world, &session).await.contains(&"images_unseen".to_owned()));
}

/// The side of the engine that is killed: it works, and a prompt with an image waits.
pub(crate) async fn waits_until_it_is_killed(world: &mut World) {
    let address = std::fs::read_to_string(address_file(world)).unwrap();
    world.reopen().await;
    let (session, _) = begin_at(world, "anthropic", &address, |_| {}).await;
    let writes = |body: &ItemBody| matches!(body, ItemBody::Writing { .. });
    let look = async || world.items(&session).await.iter().any(|item| writes(&item.body)).then_some(());
    poll("the first words", look).await;
    let image = add(world, "kept.png", &picture(40, 4)).await;
    show(world, &session, "", vec![image]).await;
    assert_eq!(waiting(world, &session).await.len(), 1);
    say("one waits");
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_a_prompt_that_waited_is_asked_with_its_image() {
    let slow = Reply::text(&"word ".repeat(2_000)).slow(50);
    let replies = [slow, Reply::text("Done."), Reply::text("Noise.")];
    let server = ModelServer::start(Script::of(replies)).await.unwrap();
    let mut world = World::closed();
    std::fs::write(address_file(&world), server.address()).unwrap();
    let mut engine = Killed::start(Role::Show, &world);
    engine.wait_for("one waits");
    engine.kill(Duration::ZERO);

    world.reopen().await;
    let session = world.snapshot().await.sessions[0].row.id.clone();
    until_said(&world, &session, "Noise.").await;
    let body = server.asked().pop().unwrap().body;
    assert!(has_part(&body, &form("anthropic", &picture(40, 4))), "the image was lost with the engine");
    let shown = world.items(&session).await.into_iter().find_map(|item| match item.body {
        ItemBody::Prompt { images, .. } if !images.is_empty() => Some(images),
        _ => None,
    });
    assert_eq!(shown.unwrap()[0].name, "kept.png");
    assert!(!notes(&world, &session).await.contains(&"images_missing".to_owned()));
}

/// A session that plays a recording and works until it is spoken to.
async fn working(world: &mut World) -> SessionId {
    playing(world, "{\"say\":\"begun\"}\n{\"listen\":null}").await
}

/// A session that plays these lines, of which the first says "begun".
async fn playing(world: &mut World, lines: &str) -> SessionId {
    let agent = CreateAgent { name: "Player".into(), runtime: Runtime::Recorded, ..CreateAgent::default() };
    let agent = world.api().create_agent(&caller(), agent).await.unwrap().agent;
    let body = format!("A talk.\n\n```recorded\n{lines}\n```\n");
    let task = CreateTask { title: "Talk".into(), body, agent, ..CreateTask::default() };
    let task = world.create(task).await.unwrap().task.unwrap();
    let session = world.start_with(&task, PreAllowed::Nothing).await.unwrap().session.unwrap();
    until_said(world, &session, "begun").await;
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_keeps_its_images_when_it_is_changed_or_taken_back_and_wanted_again() {
    let mut world = World::open().await;
    let session = working(&mut world).await;
    let image = add(&world, "a.png", &picture(20, 5)).await;
    show(&world, &session, "", vec![image.clone()]).await;
    let turn = waiting(&world, &session).await[0].turn.clone();
    let change =
        |text: &str| ChangePrompt { session: session.clone(), turn: turn.clone(), text: text.into() };
    let changed = caller();
    world.api().change_prompt(&changed, change("look")).await.unwrap();
    world.api().undo(&caller(), Undo { command: changed.command, of: None }).await.unwrap();
    let one = waiting(&world, &session).await.remove(0);
    assert_eq!((one.text.as_str(), &one.images[..]), ("", std::slice::from_ref(&image)));
    world.api().change_prompt(&caller(), change("look here")).await.unwrap();
    let taken = caller();
    world
        .api()
        .withdraw_prompt(&taken, WithdrawPrompt { session: session.clone(), turn: turn.clone() })
        .await
        .unwrap();
    assert!(waiting(&world, &session).await.is_empty());
    world.api().undo(&caller(), Undo { command: taken.command, of: None }).await.unwrap();
    let again = waiting(&world, &session).await.remove(0);
    assert_eq!((again.text.as_str(), &again.images[..]), ("look here", &[image][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_taken_back_waits_again_also_where_its_program_takes_no_images_any_more() {
    let mut world = World::open().await;
    let lines = r#"{"say":"begun"}
{"offer":{"steers":true}}
{"listen":null}
{"offer":{"steers":true,"images":false}}
{"say":"blind"}
{"listen":null}"#;
    let session = playing(&mut world, lines).await;
    let image = add(&world, "a.png", &picture(20, 7)).await;
    show(&world, &session, "look", vec![image.clone()]).await;
    let turn = waiting(&world, &session).await[0].turn.clone();
    let taken = caller();
    world.api().withdraw_prompt(&taken, WithdrawPrompt { session: session.clone(), turn }).await.unwrap();
    let steer = SteerSession { session: session.clone(), text: "go on".into() };
    world.api().steer_session(&caller(), steer).await.unwrap();
    until_said(&world, &session, "blind").await;
    let asked = PromptSession { session: session.clone(), text: "look".into(), images: vec![image.clone()] };
    let error = world.api().prompt_session(&caller(), asked).await.unwrap_err();
    assert_eq!(error.message, "its program takes no images", "who asks anew is told");
    world.api().undo(&caller(), Undo { command: taken.command, of: None }).await.unwrap();
    let again = waiting(&world, &session).await.remove(0);
    assert_eq!((again.text.as_str(), &again.images[..]), ("look", &[image][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_images_are_added_and_only_what_was_added_goes_with_a_prompt() {
    let mut world = World::open().await;
    let file = |name: &str, bytes: &[u8]| {
        let path = world.desk().join(name);
        std::fs::write(&path, bytes).unwrap();
        AddImage::File { path: path.display().to_string() }
    };
    let png = picture(20, 6);
    let added = world.api().add_image(file("dot.png", &png)).await.unwrap();
    assert_eq!((added.name.as_str(), added.width, added.sha256.clone()), ("dot.png", 20, sha256_hex(&png)));
    let large = [&png[..], &vec![0; 3_500_000]].concat();
    let refused = [
        (file("notes.png", b"only words"), "no image of a kind that can be shown"),
        (file("large.png", &large), "more than 3.5 MB"),
        (AddImage::File { path: "dot.png".into() }, "no whole path"),
        (AddImage::File { path: world.desk().display().to_string() }, "no file"),
        (AddImage::File { path: world.desk().join("gone.png").display().to_string() }, "cannot be read"),
        (AddImage::Bytes { name: "x".into(), base64: "no base64!".into() }, "base64"),
        (AddImage::Bytes { name: "x".into(), base64: BASE64_STANDARD.encode("<svg/>") }, "no image"),
    ];
    for (input, why) in refused {
        let error = world.api().add_image(input).await.unwrap_err();
        assert!(error.code == ErrorCode::BadInput && error.message.contains(why), "{why}: {error:?}");
        assert!(error.hint.is_some(), "{error:?}");
    }
    // A document that is none is not shown as one, and what it is, is read from its bytes.
    let secret = world.desk().join("secret.txt");
    std::fs::write(&secret, "do not show").unwrap();
    let paths = vec![secret.display().to_string()];
    let dropped = DropThings { paths, ..DropThings::default() };
    world.api().drop_things(&caller(), dropped).await.unwrap();
    let session = working(&mut world).await;
    for (sha256, why) in
        [(sha256_hex(b"do not show"), "a text"), ("../home.id".into(), "a path"), ("0".repeat(64), "nothing")]
    {
        let images = vec![Image { sha256, ..added.clone() }];
        let input = PromptSession { session: session.clone(), text: "x".into(), images };
        let error = world.api().prompt_session(&caller(), input).await.unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            (ErrorCode::BadInput, "the image dot.png is not there any more"),
            "{why}"
        );
    }
    let lies = Image { width: 9, height: 9, size_bytes: nox_domain::Size(1), ..added.clone() };
    show(&world, &session, "x", vec![lies]).await;
    assert_eq!(waiting(&world, &session).await[0].images, std::slice::from_ref(&added));
    let input = PromptSession { session, text: "x".into(), images: vec![added; 11] };
    let error = world.api().prompt_session(&caller(), input).await.unwrap_err();
    assert!(error.code == ErrorCode::Conflict && error.message.contains("at most 10 images"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_the_first_prompt_is_named_with_its_place() {
    let mut world = World::open().await;
    let large = [picture(20, 7), vec![0; 3_500_000]].concat();
    let paths: Vec<PathBuf> =
        [("large.png", &large[..]), ("small.png", &picture(20, 8)), ("notes.txt", b"words")]
            .into_iter()
            .map(|(name, bytes)| {
                let path = world.desk().join(name);
                std::fs::write(&path, bytes).unwrap();
                path
            })
            .collect();
    let server = ModelServer::start(Script::of([Reply::text("One.")])).await.unwrap();
    let agent = CreateAgent {
        name: "Loop".into(),
        runtime: Runtime::Llm,
        program: Program {
            provider: Some("anthropic".into()),
            model: Some("claude-sonnet-4-5".into()),
            address: Some(server.address()),
            ..Program::default()
        },
        ..CreateAgent::default()
    };
    let agent = world.api().create_agent(&caller(), agent).await.unwrap().agent;
    let paths = paths.iter().map(|path| path.display().to_string()).collect();
    let dropped = DropThings { paths, agent, ..DropThings::default() };
    let task = world.api().drop_things(&caller(), dropped).await.unwrap().task.unwrap();
    let start = StartTask { task: task.clone(), agent: None, folder: None, pre_allowed: PreAllowed::Nothing };
    let session = world.api().start_task(&caller(), start).await.unwrap().session.unwrap();
    world.until_state("the end of the turn", &session, SessionState::awaits_prompt).await;
    let body = server.asked().pop().unwrap().body;
    assert!(has_part(&body, &form("anthropic", &picture(20, 8))));
    let place = world.home().join("documents").join(sha256_hex(&large));
    let told = body.to_string();
    assert!(
        told.contains(&format!("- large.png: {}", place.display())) && !told.contains("notes.txt"),
        "{told}"
    );
    let detail = world.api().read_task(OneTask { task }).await.unwrap();
    assert!(!detail.body.contains("large.png"), "its file stays as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_an_agent_reads_is_shown_with_its_call_and_to_nobody_who_asks_for_another() {
    let mut world = World::open().await;
    let bytes = picture(20, 3);
    let folder = world.root().join("work");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.png"), &bytes).unwrap();
    let read = Reply::call("read", json!({ "path": "a.png" }));
    let server = ModelServer::start(Script::of([read, Reply::text("Noise.")])).await.unwrap();
    let (session, _) = begin_at(&world, "anthropic", &server.address(), |_| {}).await;
    world.until_state("the end of the turn", &session, SessionState::awaits_prompt).await;
    let items = world.items(&session).await;
    let item = items.iter().find(|item| matches!(item.body, ItemBody::ToolCall { .. })).unwrap();
    let [image] = item.body.images() else { panic!("{item:?}") };
    assert_eq!(image, &Image::of("a.png", &bytes).unwrap());
    let ask = async |world: &World, session: &SessionId, item: &ItemId, sha256: &str| {
        let input = ReadImage { session: session.clone(), item: Some(item.clone()), sha256: sha256.into() };
        world.api().read_image(input).await.map(|found| found.base64).map_err(|error| error.code)
    };
    let all = BASE64_STANDARD.encode(&bytes);
    assert_eq!(ask(&world, &session, &item.id, &image.sha256).await, Ok(all.clone()));
    // Other files lie there as well: no session names them.
    let other = add(&world, "other.png", &picture(20, 4)).await;
    // Whoever added one may look at it; after a restart nobody knows who that was.
    let look = async |world: &World| {
        let input = ReadImage { session: session.clone(), item: None, sha256: other.sha256.clone() };
        world.api().read_image(input).await.map(|found| found.base64).map_err(|error| error.code)
    };
    assert_eq!(look(&world).await, Ok(BASE64_STANDARD.encode(picture(20, 4))));
    let elsewhere = items.iter().find(|other| other.id != item.id).unwrap();
    for (item, sha256) in [
        (&item.id, other.sha256.as_str()),
        (&item.id, "../../home.id"),
        (&item.id, ""),
        (&elsewhere.id, image.sha256.as_str()),
    ] {
        assert_eq!(ask(&world, &session, item, sha256).await, Err(ErrorCode::NotFound), "{sha256:?}");
    }
    // An export names it; whoever imports that has the conversation, and not the file of another home.
    let exported = world.root().join("out.jsonl");
    let input = ExportSession {
        session: session.clone(),
        path: exported.display().to_string(),
        format: ExportFormat::Jsonl,
        overwrite: false,
    };
    world.api().export_session(input).await.unwrap();
    let file = world.home().join("documents").join(&image.sha256);
    std::fs::write(&file, picture(20, 5)).unwrap();
    assert_eq!(
        ask(&world, &session, &item.id, &image.sha256).await,
        Err(ErrorCode::NotFound),
        "another file"
    );
    std::fs::remove_file(&file).unwrap();
    assert_eq!(ask(&world, &session, &item.id, &image.sha256).await, Err(ErrorCode::NotFound));
    let mut new = World::open().await;
    let input = ImportSession { path: exported.display().to_string() };
    let imported = new.api().import_session(&caller(), input).await.unwrap().session.unwrap();
    let items = new.items(&imported).await;
    let images: Vec<_> = items.iter().flat_map(|item| item.body.images()).collect();
    assert_eq!(images, [image]);
    new.close().await;
    world.reopen().await;
    assert_eq!(look(&world).await, Err(ErrorCode::NotFound));
    world.close().await;
}
