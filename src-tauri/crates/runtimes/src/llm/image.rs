//! Images that a model is shown: told by their content, bounded, and named for people.

use crate::child::{Asked, Shown, decoded};
use base64::{Engine, prelude::BASE64_STANDARD};
use nox_domain::image::{self, ImageKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Images that one call may give, and that a model is shown at once: the newest ones.
pub(super) const MAX_IMAGES: usize = 10;
/// Bytes of base64 that a model is shown at once.
pub(super) const MAX_SHOWN_BYTES: usize = 20 * 1024 * 1024;
/// What an image costs in a request, as bytes of text: some 1,700 tokens.
pub(super) const COST_BYTES: usize = 6_000;

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Image {
    pub(super) kind: ImageKind,
    /// What it is to people: where it is from.
    pub(super) name: String,
    #[serde(flatten)]
    content: Content,
}

/// What is held of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    /// All of it, in base64.
    Data(Base64),
    /// Nothing but how many bytes it had.
    Bytes(usize),
}

/// Shared: a conversation is copied for each request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
struct Base64(Arc<str>);

impl From<String> for Base64 {
    fn from(data: String) -> Self {
        Self(data.into())
    }
}

impl From<Base64> for String {
    fn from(data: Base64) -> Self {
        (*data.0).to_owned()
    }
}

impl Image {
    /// An image of these bytes.
    ///
    /// # Errors
    /// It is none, or too large; in words for the model.
    pub(super) fn of(name: &str, bytes: &[u8]) -> Result<Self, String> {
        let told = image::Image::of(name, bytes)?;
        let content = Content::Data(BASE64_STANDARD.encode(bytes).into());
        Ok(Self { kind: told.kind, name: told.name, content })
    }

    /// The same of what is in base64 already.
    ///
    /// # Errors
    /// As of [`Image::of`].
    pub(super) fn of_base64(name: &str, data: &str) -> Result<Self, String> {
        let (told, _) = decoded(name, data)?;
        Ok(Self { kind: told.kind, name: told.name, content: Content::Data(data.to_owned().into()) })
    }

    /// What people are shown of it; none when nothing is held of it.
    pub(super) fn shown(&self) -> Option<Shown> {
        let (told, bytes) = decoded(&self.name, &self.base64()?).ok()?;
        Some(Shown { name: told.name, bytes })
    }

    /// The images that a prompt shows.
    pub(super) fn all_of(asked: &Asked) -> Vec<Self> {
        let images = asked.pictures.iter().map(|shown| Self::of_base64(&shown.image.name, &shown.base64));
        images.filter_map(Result::ok).collect()
    }

    /// What is to be seen; none when it is named and nothing else is held of it.
    pub(super) fn base64(&self) -> Option<Arc<str>> {
        match &self.content {
            Content::Data(data) => Some(data.0.clone()),
            Content::Bytes(_) => None,
        }
    }

    /// Holds nothing but its name from here on.
    pub(super) fn forget(&mut self) {
        self.content = Content::Bytes(self.bytes());
    }

    fn bytes(&self) -> usize {
        match &self.content {
            Content::Data(Base64(data)) => {
                data.len() / 4 * 3 - data.bytes().rev().take_while(|byte| *byte == b'=').count()
            }
            Content::Bytes(bytes) => *bytes,
        }
    }

    /// One line for people and models: what is to be seen here.
    pub(super) fn line(&self) -> String {
        image::line(&self.name, self.kind, self.bytes() as u64)
    }
}

/// Of images, the newest first, only as many stay as a model is shown at once.
pub(super) fn forget_older<'a>(newest_first: impl Iterator<Item = &'a mut Image>) {
    let (mut images, mut room) = (MAX_IMAGES, MAX_SHOWN_BYTES);
    for image in newest_first {
        let rest = image.base64().and_then(|data| room.checked_sub(data.len()));
        match rest.filter(|_| images > 0) {
            Some(rest) => (images, room) = (images - 1, rest),
            None => {
                // Whatever is older than one that has no place has none as well.
                images = 0;
                image.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nox_domain::image::MAX_IMAGE_BYTES;

    #[test]
    fn an_image_is_told_by_its_content_and_bounded() {
        let png = [crate::testing::picture(1), vec![0; 120_000]].concat();
        let mut image = Image::of("a.txt", &png).unwrap();
        assert_eq!(image.shown().map(|shown| shown.bytes), Some(png.clone()));
        assert_eq!((image.kind, image.line().as_str()), (ImageKind::Png, "[image: a.txt, PNG, 121 KB]"));
        assert_eq!(Image::of_base64("a.txt", &image.base64().unwrap()), Ok(image.clone()));
        let again =
            |image: &Image| serde_json::from_str::<Image>(&serde_json::to_string(image).unwrap()).unwrap();
        assert_eq!(again(&image), image);
        let line = image.line();
        image.forget();
        assert_eq!((again(&image), image.line(), image.base64()), (image.clone(), line, None));
        assert_eq!(image.shown(), None, "nothing is held of it");
        let large = [png, vec![0; MAX_IMAGE_BYTES]].concat();
        assert!(Image::of("x", &large).unwrap_err().contains("3.5 MB"));
        assert!(Image::of_base64("x", &"A".repeat(MAX_IMAGE_BYTES * 2)).unwrap_err().contains("3.5 MB"));
        assert!(Image::of_base64("x", "no base64").is_err());
    }
}
