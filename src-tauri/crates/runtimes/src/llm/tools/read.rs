//! Reads a file: whole, or so many lines from one on, each with its number. An image is shown as one.

use super::{Desk, Look, Outcome, Tool, Work, call, integer, number, object, place, string, text};
use crate::llm::image::Image;
use nox_domain::{
    image::{ImageKind, MAX_IMAGE_BYTES},
    tool::ToolKind,
};
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    sync::atomic::{AtomicBool, Ordering},
};

pub(super) const TOOL: Tool = Tool {
    name: "read",
    description: "Reads a text file. Lines come with their numbers. Of a long file the first 2000 lines come; say \
                  offset and limit for others. A PNG, JPEG, GIF or WebP file is shown as an image.",
    schema: || {
        let offset = integer("The first line, from 1");
        object(&[("path", string("The file")), ("offset", offset), ("limit", integer("How many lines"))], 1)
    },
    look,
};

/// Lines that come when nothing else is said.
const LINES: u64 = 2_000;
/// Bytes that come at most, and of one line.
const BYTES: usize = 256 * 1024;
const LINE_BYTES: u64 = 16 * 1024;

fn look(input: &Value, desk: &Desk) -> Result<Look, String> {
    let place = place::of(text(input, "path")?, desk)?;
    let first = number(input, "offset")?.unwrap_or(1).max(1);
    let count = number(input, "limit")?.unwrap_or(LINES).min(LINES * 10);
    let mut call = call(ToolKind::Read, format!("Read {}", place.short), input, desk);
    place.put_into(&mut call, (first > 1).then_some(first));
    let name = place.short.clone();
    let work = move |halt: &AtomicBool| match place.open() {
        Ok(file) => show(&name, file, first, count, halt),
        Err(text) => Outcome::failed(text),
    };
    Ok(Look { call, work: Work::Files(Box::new(work)) })
}

fn show(name: &str, file: File, first: u64, count: u64, halt: &AtomicBool) -> Outcome {
    let mut file = BufReader::new(file);
    // What it is is told by how it begins, whatever its name says.
    match file.fill_buf() {
        Ok(head) if ImageKind::of(head).is_some() => match image(name, file) {
            Ok(image) => Outcome { text: image.line(), failed: false, images: vec![image] },
            Err(text) => Outcome::failed(text),
        },
        _ => Outcome::of(read(file, first, count, halt)),
    }
}

fn image(name: &str, file: BufReader<File>) -> Result<Image, String> {
    let mut bytes = Vec::new();
    // A byte more than can be shown tells that it is too large.
    let read = file.take(MAX_IMAGE_BYTES as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("it cannot be read: {error}"))?;
    Image::of(name, &bytes)
}

fn read(mut file: impl BufRead, first: u64, count: u64, halt: &AtomicBool) -> Result<String, String> {
    let said = |error: std::io::Error| format!("it cannot be read: {error}");
    let (mut shown, mut number) = (String::new(), 0);
    let mut line = Vec::new();
    loop {
        if halt.load(Ordering::Relaxed) {
            return Err("it was ended".into());
        }
        line.clear();
        let read = file.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line).map_err(said)?;
        if read == 0 {
            break;
        }
        number += 1;
        if line.contains(&0) {
            return Err("it is no text".into());
        }
        let is_cut = read as u64 == LINE_BYTES && line.last() != Some(&b'\n');
        if is_cut {
            skip_line(&mut file, halt).map_err(said)?;
        }
        if number < first {
            continue;
        }
        if number >= first.saturating_add(count) || shown.len() > BYTES {
            shown.push_str(&format!("[more follows; read on with offset {number}]\n"));
            return Ok(shown);
        }
        let text = String::from_utf8_lossy(&line);
        let mark = if is_cut { " [the line is longer]" } else { "" };
        shown.push_str(&format!("{number}\t{}{mark}\n", text.trim_end_matches(['\n', '\r'])));
    }
    match (number, shown.is_empty()) {
        (0, _) => Ok("[the file is empty]".into()),
        (_, true) => Err(format!("it has only {number} lines")),
        (_, false) => Ok(shown),
    }
}

fn skip_line(file: &mut impl BufRead, halt: &AtomicBool) -> std::io::Result<()> {
    while !halt.load(Ordering::Relaxed) {
        let bytes = file.fill_buf()?;
        let (used, ends) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(place) => (place + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        file.consume(used);
        if ends {
            return Ok(());
        }
    }
    Ok(())
}
