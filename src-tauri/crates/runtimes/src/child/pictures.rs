//! What a program is asked: words, and the images that go with them, read from where they are kept.

use crate::ImageStore;
use base64::{Engine, prelude::BASE64_STANDARD};
use nox_domain::{
    image::Image,
    session::{Prompt, Signal},
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// How long it is waited for a disk that does not answer; what was not read by then counts as missing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something that is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Markdown. Empty when there are only images.
    pub(crate) text: String,
    /// What is shown with it.
    pub(crate) pictures: Vec<Picture>,
    /// What should have been, and is not there any more.
    missing: Vec<String>,
    /// What was said into the turn before and is heard with this.
    pub(crate) brings: Vec<String>,
}

/// An image with what is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) image: Image,
    /// Shared: the same may be asked in more than one way.
    pub(crate) base64: Arc<str>,
    /// Where it lies.
    path: PathBuf,
}

impl From<&str> for Asked {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }
}

#[cfg(test)]
impl Asked {
    /// Words with an image of these bytes, for tests.
    pub(crate) fn showing(text: &str, bytes: &[u8]) -> Self {
        let picture = Picture {
            image: tests::image("a.png"),
            base64: BASE64_STANDARD.encode(bytes).into(),
            path: "/documents/a".into(),
        };
        Self { pictures: vec![picture], ..Self::from(text) }
    }
}

impl Picture {
    /// All of it as one address.
    pub(crate) fn data_url(&self) -> String {
        format!("data:{};base64,{}", self.image.kind.media_type(), self.base64)
    }
}

impl Asked {
    /// Reads the images of a prompt.
    pub(crate) async fn of(prompt: Prompt, images: &dyn ImageStore) -> Self {
        let mut asked = Self::from(prompt.text.as_str());
        let until = tokio::time::Instant::now() + PATIENCE;
        for image in prompt.images {
            match tokio::time::timeout_at(until, images.read(&image)).await.ok().flatten() {
                Some(bytes) => asked.pictures.push(Picture {
                    base64: BASE64_STANDARD.encode(bytes).into(),
                    path: images.path(&image),
                    image,
                }),
                None => asked.missing.push(image.name),
            }
        }
        if !asked.missing.is_empty() {
            let names = asked.missing.join(", ");
            asked.end_with(&format!("[Images that should be here are not there any more: {names}]"));
        }
        asked
    }

    /// The same in other words, which bring what was said into the turn before.
    pub(crate) fn with_text(&self, text: String, brings: Vec<String>) -> Self {
        Self { text, brings, ..self.clone() }
    }

    /// Puts something in front of its words.
    pub(crate) fn begin_with(&mut self, words: &str) {
        self.text = if self.text.is_empty() { words.to_owned() } else { format!("{words}\n\n{}", self.text) };
    }

    fn end_with(&mut self, words: &str) {
        self.text = if self.text.is_empty() { words.to_owned() } else { format!("{}\n\n{words}", self.text) };
    }

    /// For a program that takes no images: it is told where they lie.
    pub(crate) fn named(&self) -> Self {
        let mut named = Self { pictures: vec![], ..self.clone() };
        let lines = self
            .pictures
            .iter()
            .map(|picture| format!("- {}: {}", picture.image.name, picture.path.display()));
        let lines: Vec<String> = lines.collect();
        if !lines.is_empty() {
            named.end_with(&format!(
                "These images go with this; they cannot be shown here. Each lies in a file:\n{}",
                lines.join("\n")
            ));
        }
        named
    }

    /// What people are told about images that are not there any more.
    pub(crate) fn note(&self) -> Option<Signal> {
        let names = self.missing.join(", ");
        let text = format!(
            "Images of this message are not there any more, so its agent was not shown them: {names}."
        );
        (!self.missing.is_empty()).then(|| Signal::Noted("images_missing".into(), text))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::testing;
    use async_trait::async_trait;
    use nox_domain::{Size, image::ImageKind};

    pub(in crate::child) fn image(name: &str) -> Image {
        Image {
            sha256: "0".repeat(64),
            kind: ImageKind::Png,
            size_bytes: Size(3),
            width: 1,
            height: 1,
            name: name.into(),
        }
    }

    /// Has one image; of one it never comes to an end.
    pub(in crate::child) struct Store;

    #[async_trait]
    impl ImageStore for Store {
        async fn keep(&self, name: &str, _: Vec<u8>) -> Result<Image, String> {
            Err(format!("{name} is not kept"))
        }

        async fn read(&self, image: &Image) -> Option<Vec<u8>> {
            if image.name == "slow.png" {
                std::future::pending::<()>().await;
            }
            (image.name == "there.png").then(|| b"abc".to_vec())
        }

        fn path(&self, image: &Image) -> PathBuf {
            format!("/documents/{}", image.name).into()
        }
    }

    fn prompt(text: &str, names: &[&str]) -> Prompt {
        let images = names.iter().map(|name| image(name)).collect();
        Prompt { images, ..testing::prompt(text) }
    }

    #[tokio::test(start_paused = true)]
    async fn images_are_read_and_those_that_are_not_there_are_told_to_the_agent_and_to_people() {
        let asked = Asked::of(prompt("look", &["there.png", "gone.png", "slow.png"]), &Store).await;
        let shown: Vec<_> =
            asked.pictures.iter().map(|shown| (shown.image.name.as_str(), &*shown.base64)).collect();
        assert_eq!(shown, [("there.png", "YWJj")]);
        assert_eq!(asked.pictures[0].data_url(), "data:image/png;base64,YWJj");
        assert!(
            asked.text.starts_with("look\n\n[") && asked.text.ends_with("gone.png, slow.png]"),
            "{asked:?}"
        );
        assert!(
            matches!(asked.note(), Some(Signal::Noted(code, text)) if code == "images_missing" && text.contains("gone.png, slow.png"))
        );
        assert_eq!(Asked::of(prompt("", &["there.png"]), &Store).await.note(), None);
    }

    #[tokio::test]
    async fn where_no_image_is_taken_it_is_said_where_they_lie() {
        let asked = Asked::of(prompt("", &["there.png"]), &Store).await;
        let named = asked.named();
        assert!(
            named.pictures.is_empty() && named.text.ends_with("\n- there.png: /documents/there.png"),
            "{named:?}"
        );
        assert_eq!(Asked::from("x").named(), Asked::from("x"));
    }
}
