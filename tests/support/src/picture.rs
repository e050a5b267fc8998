//! Pictures for tests: real PNG files that nothing can make smaller, each another one.

use crate::Dice;
use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::Write;

/// A picture of noise, as wide and as high as this: three bytes for each point.
pub fn picture(side: u32, seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..side {
        // Each row begins with how it is filtered: not at all.
        let row: Vec<u8> = std::iter::once(0).chain((0..side * 3).map(|_| dice.below(256) as u8)).collect();
        rows.write_all(&row).unwrap();
    }
    let size = side.to_be_bytes();
    // Eight bits for each of three colours, and the usual ways of everything else.
    let head = [&size[..], &size, &[8, 2, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in [(b"IHDR", head), (b"IDAT", rows.finish().unwrap()), (b"IEND", vec![])] {
        let named = [&name[..], &content].concat();
        let mut crc = Crc::new();
        crc.update(&named);
        png.extend((content.len() as u32).to_be_bytes());
        png.extend(&named);
        png.extend(crc.sum().to_be_bytes());
    }
    png
}
