//! Scenarios with images: a person shows one to the agent, and a tool of the agent shows one to the person.

use crate::bench::{Bench, Scene};
use base64::{Engine, prelude::BASE64_STANDARD};
use nox_api::{
    domain::{
        agent::Service,
        image::ImageKind,
        rows::ItemBody,
        tool::{CallStatus, Decision},
    },
    dto::{AddImage, Image, PromptSession, ReadImage},
};
use nox_test_support::{caller, model::Reply, picture};
use serde_json::json;

impl Scene {
    async fn add(&self, name: &str, bytes: &[u8]) -> Image {
        let (name, base64) = (name.to_owned(), BASE64_STANDARD.encode(bytes));
        self.world.api().add_image(AddImage::Bytes { name, base64 }).await.unwrap()
    }

    async fn show(&self, text: &str, images: Vec<Image>) {
        let input = PromptSession { session: self.session.clone(), text: text.into(), images };
        self.world.api().prompt_session(&caller(), input).await.unwrap();
    }
}

/// The very bytes of a picture come to the model: with words, without any, and again with what is asked after it.
pub(crate) async fn image_in_a_prompt(bench: Bench) {
    let replies = ["Ready.", "Noise.", "More noise.", "As before."].map(Reply::text);
    let sees = bench.program.sees;
    let mut scene = bench
        .begin_with(replies, |agent, _| {
            agent.program.model = sees.map(str::to_owned).or(agent.program.model.take())
        })
        .await;
    assert_eq!(scene.idle().await, None);
    let (first, second) = (picture(120, 1), picture(60, 2));
    let has = |scene: &Scene, bytes: &[u8]| {
        scene.asked().last().unwrap().body.to_string().contains(&BASE64_STANDARD.encode(bytes))
    };
    let image = scene.add("noise.png", &first).await;
    scene.show("What is to be seen here?", vec![image.clone()]).await;
    scene.until_said("Noise.").await;
    assert_eq!(scene.idle().await, None);
    assert!(has(&scene, &first), "the picture did not come");
    let told = scene.asked().last().unwrap().body.to_string();
    assert!(told.contains("What is to be seen here?"), "the words did not come");
    let other = scene.add("other.png", &second).await;
    scene.show("", vec![other]).await;
    scene.until_said("More noise.").await;
    assert_eq!(scene.idle().await, None);
    assert!(has(&scene, &second), "the picture without words did not come");
    scene.prompt("And now?").await;
    scene.until_said("As before.").await;
    assert_eq!(scene.idle().await, None);
    assert!(has(&scene, &first) && has(&scene, &second), "the pictures are forgotten");
    let shows = |body: &ItemBody| matches!(body, ItemBody::Prompt { images, .. } if images == std::slice::from_ref(&image));
    assert!(scene.items().await.iter().any(|item| shows(&item.body)), "the conversation does not show it");
    assert_eq!(scene.notes().await, Vec::<String>::new());
    scene.close().await;
}

/// The image that a tool of a real MCP server gives is kept with its call, and its bytes are there for whoever looks at the
/// session, also after a new start of Nox.
pub(crate) async fn image_of_a_tool(bench: Bench) {
    let call = Reply::call(&(bench.program.mcp)("things", "get-tiny-image"), json!({}));
    let service = Service {
        command: Some(bench.server().display().to_string()),
        arguments: vec!["stdio".into()],
        ..Service::default()
    };
    let sees = bench.program.sees;
    let begin = bench.begin_with([call, Reply::text("A logo.")], |agent, _| {
        agent.program.model = sees.map(str::to_owned).or(agent.program.model.take());
        agent.services.insert("things".into(), service);
    });
    let mut scene = begin.await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.statuses().await, [CallStatus::Succeeded]);
    let shown = async |scene: &Scene| {
        let items = scene.items().await;
        let is_shown =
            |body: &ItemBody| matches!(body, ItemBody::ToolCall { images, .. } if !images.is_empty());
        items.into_iter().find(|item| is_shown(&item.body)).map(|item| (item.id, item.body.images().to_vec()))
    };
    let (item, images) = shown(&scene).await.expect("the call shows no image");
    let [image] = &images[..] else { panic!("{images:?}") };
    assert_eq!(image.kind, ImageKind::Png, "{image:?}");
    assert!(image.width > 0 && image.height > 0, "{image:?}");
    let said = scene.world.output(&session, &request.item).await;
    assert!(said.contains(&image.line()), "the output does not name it: {said}");
    scene.world.close().await;
    scene.world.reopen().await;
    assert_eq!(shown(&scene).await, Some((item.clone(), images.clone())));
    let read = ReadImage { session, item: Some(item), sha256: image.sha256.clone() };
    let bytes = scene.world.api().read_image(read).await.unwrap();
    let bytes = BASE64_STANDARD.decode(bytes.base64).unwrap();
    assert_eq!(Image::of(&image.name, &bytes).as_ref(), Ok(image));
    assert_eq!(scene.notes().await, Vec::<String>::new());
    scene.close().await;
}
