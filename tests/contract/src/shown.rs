//! Scenarios in which a person shows the agent something.

use crate::bench::{Bench, Scene};
use base64::{Engine, prelude::BASE64_STANDARD};
use nox_api::{
    domain::rows::ItemBody,
    dto::{AddImage, Image, PromptSession},
};
use nox_test_support::{caller, model::Reply, picture};

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
