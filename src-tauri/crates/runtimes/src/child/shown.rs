//! Images in what a program tells: taken out of its content, bounded, named in words, and kept.
//!
//! All drivers read the same shapes: content of MCP, of ACP and of Anthropic's messages. What a program says of an image (its
//! kind, its name, how large it is) is not believed: it is told by its bytes.

use crate::ImageStore;
use base64::{Engine, prelude::BASE64_STANDARD};
use nox_domain::{
    image::{
        Image, MAX_IMAGE_BYTES, MAX_ITEM_IMAGES, MAX_SESSION_IMAGE_BYTES, MAX_SESSION_IMAGES, too_large,
    },
    session::Signal,
};
use serde_json::Value;

/// An image that an agent shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// What it is to people.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The images of one call, or of one message.
#[derive(Debug, Default)]
pub(crate) struct Images {
    found: Vec<Shown>,
    seen: usize,
}

impl Images {
    /// Content in words; its images are taken in, and named there. `name` is what they are to people, where nothing better
    /// is known.
    pub(crate) fn words_of(&mut self, content: &Value, name: &str) -> String {
        match content["type"].as_str().unwrap_or_default() {
            "image" => {
                let data = content["data"].as_str().or_else(|| content["source"]["data"].as_str());
                let name = content["uri"].as_str().map_or(name, end_of);
                data.map_or_else(|| words_of(content), |data| self.take(name, data))
            }
            "resource" => {
                let resource = &content["resource"];
                let is_image = resource["mimeType"].as_str().is_some_and(|kind| kind.starts_with("image/"));
                match resource["blob"].as_str().filter(|_| is_image) {
                    Some(data) => self.take(resource["uri"].as_str().map_or(name, end_of), data),
                    None => words_of(content),
                }
            }
            _ => words_of(content),
        }
    }

    /// Takes an image in that is in base64; answers how it is named in words.
    fn take(&mut self, name: &str, data: &str) -> String {
        self.seen += 1;
        if self.found.len() >= MAX_ITEM_IMAGES || self.seen > 2 * MAX_ITEM_IMAGES {
            return format!("[an image more; {MAX_ITEM_IMAGES} are shown at once]");
        }
        match decoded(name, data) {
            Ok((image, bytes)) => {
                let line = image.line();
                if self.found.iter().all(|known| known.bytes != bytes) {
                    self.found.push(Shown { name: image.name, bytes });
                }
                line
            }
            Err(why) => format!("[an image that cannot be shown: {why}]"),
        }
    }

    /// What was taken in.
    pub(crate) fn found(self) -> Vec<Shown> {
        self.found
    }
}

/// An image that is in base64, and its bytes.
///
/// # Errors
/// It is none, or too large; in words.
pub(crate) fn decoded(name: &str, data: &str) -> Result<(Image, Vec<u8>), String> {
    // Before it is read: what is decoded takes three bytes for four letters.
    if data.len() / 4 * 3 > MAX_IMAGE_BYTES + 3 {
        return Err(too_large().to_owned());
    }
    let bytes = BASE64_STANDARD.decode(data).map_err(|_| "it is no image".to_owned())?;
    Ok((Image::of(name, &bytes)?, bytes))
}

/// Content in words: an image is named, not looked at.
pub(crate) fn words_of(content: &Value) -> String {
    match content["type"].as_str().unwrap_or_default() {
        "text" => content["text"].as_str().unwrap_or_default().to_owned(),
        "resource" => content["resource"]["text"].as_str().unwrap_or("[resource]").to_owned(),
        "resource_link" => {
            let part = |name: &str| content[name].as_str().unwrap_or_default();
            format!("[{}]({})", part("name"), part("uri"))
        }
        "" => String::new(),
        other => format!("[{other}]"),
    }
}

/// The last part of an address: what people call it.
fn end_of(address: &str) -> &str {
    address.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or_default()
}

/// What a session keeps of images: no more than it shows, run after run, so that no agent fills the disk.
#[derive(Debug)]
pub(crate) struct Kept {
    images: u32,
    bytes: u64,
    failed: bool,
}

impl Kept {
    /// Behind what earlier runs have shown.
    pub(crate) fn behind((images, bytes): (u32, u64)) -> Self {
        Self { images, bytes, failed: false }
    }

    /// Keeps an image; answers what people are told. `key` is the call that it came from.
    pub(crate) async fn keep(
        &mut self,
        store: &dyn ImageStore,
        key: Option<String>,
        shown: Shown,
    ) -> Option<Signal> {
        if self.images >= MAX_SESSION_IMAGES || self.bytes >= MAX_SESSION_IMAGE_BYTES {
            return None;
        }
        self.images += 1;
        self.bytes += shown.bytes.len() as u64;
        match store.keep(&shown.name, shown.bytes).await {
            Ok(image) => Some(Signal::ImageTold { key, image }),
            // Once: the same is wrong with all of them.
            Err(why) => (!std::mem::replace(&mut self.failed, true)).then(|| {
                let text = format!("The agent showed an image that is not shown here: {why}.");
                Signal::Noted("image_not_kept".into(), text)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{self, picture};
    use serde_json::json;

    #[test]
    fn images_are_taken_out_of_each_kind_of_content_and_named() {
        let data = |width| BASE64_STANDARD.encode(picture(width));
        let mut images = Images::default();
        let mut words = |content: Value| images.words_of(&content, "tool");
        assert_eq!(words(json!({ "type": "text", "text": "Look:" })), "Look:");
        let mcp = json!({ "type": "image", "data": data(1), "mimeType": "image/svg+xml" });
        assert_eq!(words(mcp.clone()), "[image: tool, PNG, 33 bytes]");
        assert_eq!(words(mcp), "[image: tool, PNG, 33 bytes]", "told twice");
        let source = json!({ "type": "base64", "media_type": "image/png", "data": data(2) });
        words(json!({ "type": "image", "source": source }));
        let blob = json!({ "uri": "file:///a/b.png", "mimeType": "image/png", "blob": data(3) });
        assert_eq!(words(json!({ "type": "resource", "resource": blob })), "[image: b.png, PNG, 33 bytes]");
        let other = json!({ "uri": "a", "mimeType": "application/zip", "blob": data(4) });
        assert_eq!(words(json!({ "type": "resource", "resource": other })), "[resource]");
        assert_eq!(words(json!({ "type": "resource_link", "name": "n", "uri": "u" })), "[n](u)");
        assert_eq!(words(json!({ "type": "image", "url": "https://example.org/a.png" })), "[image]");
        let names: Vec<_> = images.found().into_iter().map(|shown| shown.name).collect();
        assert_eq!(names, ["tool", "tool", "b.png"]);
    }

    #[test]
    fn what_is_no_image_is_said_and_more_than_ten_are_not_looked_at() {
        let mut images = Images::default();
        let mut words = |data: &str| images.words_of(&json!({ "type": "image", "data": data }), "x");
        for none in ["", "%%", "PHN2Zy8+", &"A".repeat(MAX_IMAGE_BYTES * 2)] {
            assert!(words(none).starts_with("[an image that cannot be shown: "), "{}", words(none));
        }
        for width in 1..=20 {
            words(&BASE64_STANDARD.encode(picture(width)));
        }
        assert!(words("AAAA").starts_with("[an image more"));
        assert_eq!(images.found().len(), MAX_ITEM_IMAGES);
    }

    #[tokio::test]
    async fn no_agent_fills_the_disk_and_a_disk_that_takes_nothing_is_said_once() {
        let (start, _) = testing::start();
        let store = start.images.as_ref();
        let shown = |bytes| Shown { name: "a".into(), bytes };
        let mut kept = Kept::behind((0, 0));
        let mut told = 0;
        for _ in 0..MAX_SESSION_IMAGES + 5 {
            told += u32::from(kept.keep(store, None, shown(picture(1))).await.is_some());
        }
        assert_eq!(told, MAX_SESSION_IMAGES);
        for full in [(MAX_SESSION_IMAGES, 0), (0, MAX_SESSION_IMAGE_BYTES)] {
            let mut later = Kept::behind(full);
            assert_eq!(
                later.keep(store, None, shown(picture(2))).await,
                None,
                "an earlier run took all the room"
            );
        }
        let mut kept = Kept::behind((0, 0));
        let first = kept.keep(store, None, shown(b"none".to_vec())).await;
        assert!(matches!(first, Some(Signal::Noted(code, _)) if code == "image_not_kept"));
        assert_eq!(kept.keep(store, None, shown(b"none".to_vec())).await, None);
    }
}
