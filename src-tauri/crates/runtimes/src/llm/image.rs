//! Images that a model is shown: told by their content, bounded, and named for people.

use crate::child::Asked;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The largest image: in base64 it stays within the five megabytes that model servers take.
pub(super) const MAX_IMAGE_BYTES: usize = 3_500_000;
/// Images that one call may give, and that a model is shown at once: the newest ones.
pub(super) const MAX_IMAGES: usize = 10;
/// Bytes of base64 that a model is shown at once.
pub(super) const MAX_SHOWN_BYTES: usize = 20 * 1024 * 1024;
/// What an image costs in a request, as bytes of text: some 1,700 tokens.
pub(super) const COST_BYTES: usize = 6_000;

/// The kinds that model servers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Png,
    Jpeg,
    Gif,
    Webp,
}

impl Kind {
    /// What a file is that begins like this, whatever its name says.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    /// As it is told to servers.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Gif => "GIF",
            Self::Webp => "WebP",
        }
    }
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Image {
    pub(super) kind: Kind,
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
        let kind =
            Kind::of(bytes).ok_or("it is no image of a kind that can be shown: PNG, JPEG, GIF or WebP")?;
        if bytes.len() > MAX_IMAGE_BYTES {
            return Err(TOO_LARGE.to_owned());
        }
        let content = Content::Data(BASE64_STANDARD.encode(bytes).into());
        Ok(Self { kind, name: name.to_owned(), content }.named())
    }

    /// The same of what is in base64 already.
    ///
    /// # Errors
    /// As of [`Image::of`].
    pub(super) fn of_base64(name: &str, data: &str) -> Result<Self, String> {
        if data.len() / 4 * 3 > MAX_IMAGE_BYTES + 3 {
            return Err(TOO_LARGE.to_owned());
        }
        let bytes = BASE64_STANDARD.decode(data).map_err(|_| "it is no image".to_owned())?;
        Self::of(name, &bytes)
    }

    /// The images that a prompt shows.
    pub(super) fn all_of(asked: &Asked) -> Vec<Self> {
        let images = asked.pictures.iter().map(|shown| Self::of_base64(&shown.image.name, &shown.base64));
        images.filter_map(Result::ok).collect()
    }

    fn named(mut self) -> Self {
        self.name = nox_domain::terminal::harmless(self.name.as_bytes());
        self
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
        format!("[image: {}, {}, {}]", self.name, self.kind.word(), size(self.bytes()))
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

const TOO_LARGE: &str = "it is an image of more than 3.5 MB, which is the most that can be shown";

fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_image_is_told_by_its_content_and_bounded() {
        let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 120_000]].concat();
        let mut image = Image::of("a.txt", &png).unwrap();
        assert_eq!((image.kind, image.line().as_str()), (Kind::Png, "[image: a.txt, PNG, 121 KB]"));
        assert_eq!(Image::of_base64("a.txt", &image.base64().unwrap()), Ok(image.clone()));
        let again =
            |image: &Image| serde_json::from_str::<Image>(&serde_json::to_string(image).unwrap()).unwrap();
        assert_eq!(again(&image), image);
        let line = image.line();
        image.forget();
        assert_eq!((again(&image), image.line(), image.base64()), (image.clone(), line, None));
        for (head, kind) in [
            (&b"\xff\xd8\xff\xe0"[..], Kind::Jpeg),
            (b"GIF89a", Kind::Gif),
            (b"RIFF\0\0\0\0WEBPVP8 ", Kind::Webp),
        ] {
            assert_eq!(Kind::of(head), Some(kind));
        }
        for none in [&b""[..], b"GIF", b"<svg/>", b"RIFF\0\0\0\0WAVE", b"%PDF-1.7"] {
            assert!(Image::of("x", none).is_err() && Kind::of(none).is_none());
        }
        let large = [&png[..8], &vec![0; MAX_IMAGE_BYTES]].concat();
        assert!(Image::of("x", &large).unwrap_err().contains("3.5 MB"));
        assert!(Image::of_base64("x", &"A".repeat(MAX_IMAGE_BYTES * 2)).unwrap_err().contains("3.5 MB"));
        assert!(Image::of_base64("x", "no base64").is_err());
    }
}
