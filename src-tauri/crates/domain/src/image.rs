//! Images that people and agents show each other: told by their content, bounded, and known by its hash.
//!
//! Only the head is looked at; nothing here decodes one. What cannot be measured, and what would be too large once it is
//! decoded, is no image. SVG is none: it is a program.

use crate::{Size, terminal::harmless, tool::sha256_hex};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// The largest image: in base64 it stays within the five megabytes that model servers take.
pub const MAX_IMAGE_BYTES: usize = 3_500_000;
/// The most points of an image: decoded it takes four bytes for each.
pub const MAX_IMAGE_POINTS: u64 = 25_000_000;
/// The most images that one prompt carries; a model is shown no more at once.
pub const MAX_PROMPT_IMAGES: usize = 10;
/// The most bytes of images that one prompt carries: in base64 they fit into what model servers take at once, with room for the
/// conversation, and into the one line in which a program tells them back.
pub const MAX_PROMPT_BYTES: u64 = 11_000_000;
/// The most images that one item of a conversation shows.
pub const MAX_ITEM_IMAGES: usize = 10;
/// The most images that the agent of one session shows, and their bytes: more are not kept.
pub const MAX_SESSION_IMAGES: u32 = 200;
/// See [`MAX_SESSION_IMAGES`].
pub const MAX_SESSION_IMAGE_BYTES: u64 = 200_000_000;
/// Letters of a name.
const NAME_CHARS: usize = 120;
/// What is said of something that is none.
const NO_IMAGE: &str = "it is no image of a kind that can be shown: PNG, JPEG, GIF or WebP";

/// The kinds that model servers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ImageKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
}

impl ImageKind {
    /// What a file is that begins like this, whatever its name says.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    /// As it is told to servers.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Gif => "GIF",
            Self::Webp => "WebP",
        }
    }
}

/// An image: what there is to know without its bytes. What is read from files and programs is held to the same rules as what is
/// measured here: another hash, or a side of nothing, is no image, and a name becomes one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
pub struct Image {
    /// SHA-256 of its bytes: 64 hexadecimal figures.
    #[serde(deserialize_with = "read_sha256")]
    #[specta(type = String)]
    pub sha256: String,
    /// Its kind.
    pub kind: ImageKind,
    /// Its size.
    pub size_bytes: Size,
    /// In points.
    #[serde(deserialize_with = "read_side")]
    #[specta(type = u32)]
    pub width: u32,
    /// In points.
    #[serde(deserialize_with = "read_side")]
    #[specta(type = u32)]
    pub height: u32,
    /// What it is to people: one line, where it is from. Never a path to open.
    #[serde(deserialize_with = "read_name")]
    #[specta(type = String)]
    pub name: String,
}

fn read_sha256<'a, D: Deserializer<'a>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    is_sha256(&text).then_some(text).ok_or_else(|| D::Error::custom("an image is named by a SHA-256"))
}

fn read_side<'a, D: Deserializer<'a>>(from: D) -> Result<u32, D::Error> {
    let points = u32::deserialize(from)?;
    let is_side = points > 0 && u64::from(points) <= MAX_IMAGE_POINTS;
    is_side.then_some(points).ok_or_else(|| D::Error::custom("no image has such a side"))
}

fn read_name<'a, D: Deserializer<'a>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from).map(|name| named(&name))
}

impl Image {
    /// The image of these bytes.
    ///
    /// # Errors
    /// It is none, or too large; in words for people and models.
    pub fn of(name: &str, bytes: &[u8]) -> Result<Self, String> {
        let kind = ImageKind::of(bytes).ok_or(NO_IMAGE)?;
        if bytes.len() > MAX_IMAGE_BYTES {
            return Err(too_large().to_owned());
        }
        let measured = imagesize::blob_size(bytes).map_err(|_| "it is an image whose size cannot be told")?;
        let side = |points: usize| u32::try_from(points).ok().filter(|points| *points > 0);
        let (Some(width), Some(height)) = (side(measured.width), side(measured.height)) else {
            return Err("it is an image without a size".to_owned());
        };
        if u64::from(width) * u64::from(height) > MAX_IMAGE_POINTS {
            return Err(format!(
                "it is an image of {width} × {height} points; the most that can be shown is 25 million"
            ));
        }
        let size_bytes = Size(bytes.len() as u64);
        Ok(Self { sha256: sha256_hex(bytes), kind, size_bytes, width, height, name: named(name) })
    }

    /// The same in words, in one line.
    pub fn line(&self) -> String {
        line(&self.name, self.kind, self.size_bytes.0)
    }
}

/// An image in words, in one line.
pub fn line(name: &str, kind: ImageKind, bytes: u64) -> String {
    let size = match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    };
    format!("[image: {name}, {}, {size}]", kind.word())
}

/// What is said of an image that is too large.
pub fn too_large() -> &'static str {
    "it is an image of more than 3.5 MB, which is the most that can be shown"
}

/// Whether this can be the hash of something: nothing else is ever looked for in a folder.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether these may go with one prompt.
pub fn fit_one_prompt(images: &[Image]) -> bool {
    let bytes = images.iter().fold(0_u64, |sum, image| sum.saturating_add(image.size_bytes.0));
    images.len() <= MAX_PROMPT_IMAGES && bytes <= MAX_PROMPT_BYTES
}

/// One line that can do nothing, whoever chose it.
fn named(name: &str) -> String {
    // Colours are for output.
    let shown = harmless(name.as_bytes()).replace('\u{1b}', "");
    let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "image".to_owned();
    }
    match line.char_indices().nth(NAME_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The head of a PNG of this size.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0]);
        bytes
    }

    #[test]
    fn an_image_is_told_and_measured_by_its_content() {
        let gif = b"GIF89a\x03\0\x02\0\0\0\0;".to_vec();
        let jpeg =
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08\0\x02\0\x03\x03"
                .to_vec();
        let webp = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x02\0\0\x01\0\0".to_vec();
        let all = [
            (png(3, 2), ImageKind::Png, "image/png"),
            (gif, ImageKind::Gif, "image/gif"),
            (jpeg, ImageKind::Jpeg, "image/jpeg"),
            (webp, ImageKind::Webp, "image/webp"),
        ];
        for (bytes, kind, media_type) in all {
            let image = Image::of("a.txt", &bytes).unwrap();
            assert_eq!((image.kind, image.kind.media_type()), (kind, media_type));
            assert_eq!((image.width, image.height), (3, 2), "{kind:?}");
            assert_eq!((image.size_bytes, image.name.as_str()), (Size(bytes.len() as u64), "a.txt"));
            assert!(is_sha256(&image.sha256) && image.sha256 == sha256_hex(&bytes));
            let again: Image = serde_json::from_str(&serde_json::to_string(&image).unwrap()).unwrap();
            assert_eq!(again, image);
        }
    }

    #[test]
    fn what_is_read_is_held_to_the_rules() {
        let image = serde_json::to_value(Image::of("a.png", &png(3, 2)).unwrap()).unwrap();
        let read = |field: &str, value: serde_json::Value| {
            let mut image = image.clone();
            image[field] = value;
            serde_json::from_value::<Image>(image)
        };
        for hash in ["", "../../etc/passwd", &"A".repeat(64), &"a".repeat(65)] {
            assert!(read("sha256", hash.into()).is_err(), "{hash}");
        }
        for (side, points) in [("width", 0), ("height", 0), ("width", u32::MAX)] {
            assert!(read(side, points.into()).is_err(), "{side} {points}");
        }
        let long = "a\u{1b}[2J\n".repeat(1_000);
        let once = read("name", long.into()).unwrap();
        assert!(once.name.chars().count() <= NAME_CHARS + 1 && !once.name.contains(['\n', '\u{1b}']));
        assert_eq!(read("name", once.name.clone().into()).unwrap(), once, "what is one line stays");
    }

    #[test]
    fn what_is_none_or_too_large_is_refused() {
        let none: [&[u8]; 6] =
            [b"", b"GIF", b"<svg xmlns='x'/>", b"RIFF\0\0\0\0WAVE", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n"];
        for bytes in none {
            assert!(Image::of("x", bytes).is_err(), "{bytes:?}");
        }
        let mut large = png(10, 10);
        large.resize(MAX_IMAGE_BYTES, 0);
        assert!(Image::of("x", &large).is_ok());
        large.push(0);
        assert!(Image::of("x", &large).unwrap_err().contains("3.5 MB"));
        assert!(Image::of("x", &png(5_000, 5_000)).is_ok());
        for (width, height) in [(5_000, 5_001), (u32::MAX, u32::MAX), (0, 3), (3, 0)] {
            assert!(Image::of("x", &png(width, height)).is_err(), "{width} × {height}");
        }
    }

    #[test]
    fn a_name_is_one_short_line_that_can_do_nothing() {
        let image = |name: &str| Image::of(name, &png(1, 1)).unwrap().name;
        assert_eq!(image("a \n\r\t b.png"), "a b.png");
        assert_eq!(image(" \n"), "image");
        assert_eq!(image("\u{1b}]0;title\u{7}a\u{1b}[31mred\u{1b}[0m"), "a[31mred[0m");
        assert!(!image("a\u{202e}gnp.exe\0").contains(['\u{202e}', '\0']));
        assert_eq!(image(&"ä".repeat(500)).chars().count(), NAME_CHARS + 1);
        assert!(!is_sha256("../../etc/passwd") && !is_sha256(&"A".repeat(64)) && !is_sha256(&"é".repeat(32)));
    }
}
