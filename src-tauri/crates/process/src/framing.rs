//! Cuts a stream of bytes into lines without ever holding more than one line's limit.
//!
//! Used for protocols of one message per line and for showing output. It knows only the newline: text may be anything,
//! also NUL bytes and broken UTF-8, and what a line means is for others.

use std::borrow::Cow;
use std::io::BufRead;

/// One line, without its newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The line, or the first bytes of one that was too long. A carriage return stays.
    pub bytes: Vec<u8>,
    /// How many bytes of the line were thrown away after `bytes`; 0 for a whole line.
    pub dropped_bytes: u64,
    /// What the line ended with.
    pub end: LineEnd,
}

/// What a line ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// A newline.
    Newline,
    /// The end of the stream.
    EndOfStream,
}

impl Line {
    /// Whether bytes were thrown away.
    pub fn is_cut(&self) -> bool {
        self.dropped_bytes > 0
    }

    /// The line as text; what is not UTF-8 becomes U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// Turns chunks of any size into lines.
#[derive(Debug)]
pub struct LineFramer {
    max_line_bytes: usize,
    head: Vec<u8>,
    dropped_bytes: u64,
}

impl LineFramer {
    /// A framer that keeps at most this many bytes of a line.
    pub fn new(max_line_bytes: usize) -> LineFramer {
        LineFramer { max_line_bytes, head: Vec::new(), dropped_bytes: 0 }
    }

    /// Takes the next bytes and gives the lines that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let before = rest;
            // Reading from a slice cannot fail, and this search is the fast one of the standard library.
            let length = rest.skip_until(b'\n').unwrap_or(before.len());
            match before[..length].strip_suffix(b"\n") {
                Some(part) => {
                    self.keep(part);
                    lines.push(self.complete(LineEnd::Newline));
                }
                None => self.keep(&before[..length]),
            }
        }
        lines
    }

    /// Ends the stream and gives the line that had no newline, if there is one.
    pub fn finish(mut self) -> Option<Line> {
        let is_pending = !self.head.is_empty() || self.dropped_bytes > 0;
        is_pending.then(|| self.complete(LineEnd::EndOfStream))
    }

    fn keep(&mut self, part: &[u8]) {
        let kept = part.len().min(self.max_line_bytes - self.head.len());
        self.head.extend_from_slice(&part[..kept]);
        self.dropped_bytes += (part.len() - kept) as u64;
    }

    fn complete(&mut self, end: LineEnd) -> Line {
        Line {
            bytes: std::mem::take(&mut self.head),
            dropped_bytes: std::mem::take(&mut self.dropped_bytes),
            end,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    /// What the framer should give, worked out from the whole text at once.
    fn expected(text: &[u8], max: usize) -> Vec<Line> {
        let mut parts: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let last = parts.pop().unwrap();
        let line = |part: &[u8], end| Line {
            bytes: part[..part.len().min(max)].to_vec(),
            dropped_bytes: part.len().saturating_sub(max) as u64,
            end,
        };
        let mut lines: Vec<Line> = parts.into_iter().map(|part| line(part, LineEnd::Newline)).collect();
        if !last.is_empty() {
            lines.push(line(last, LineEnd::EndOfStream));
        }
        lines
    }

    fn framed<'a>(chunks: impl Iterator<Item = &'a [u8]>, max: usize) -> Vec<Line> {
        let mut framer = LineFramer::new(max);
        let mut lines: Vec<Line> = chunks.flat_map(|chunk| framer.push(chunk)).collect();
        lines.extend(framer.finish());
        lines
    }

    proptest! {
        #[test]
        fn the_cuts_between_chunks_do_not_matter(
            // Mostly newlines and few others, so that short texts have many lines.
            text in prop::collection::vec(prop_oneof![Just(b'\n'), Just(0), Just(0xff), Just(b'\r'), any::<u8>()], 0..300),
            cuts in prop::collection::vec(0_usize..300, 0..20),
            max in 0_usize..12,
        ) {
            let mut places: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            places.extend([0, text.len()]);
            places.sort_unstable();
            let chunks = places.windows(2).map(|pair| &text[pair[0]..pair[1]]);
            prop_assert_eq!(framed(chunks, max), expected(&text, max));
        }
    }

    #[test]
    fn a_line_of_100_mb_keeps_its_head_and_says_what_is_missing() {
        let chunk = vec![b'x'; 64 * 1024];
        let mut framer = LineFramer::new(4096);
        for _ in 0..1600 {
            assert!(framer.push(&chunk).is_empty());
            assert!(framer.head.capacity() <= 8192, "memory must not grow with the line");
        }
        let lines = framer.push(b"end\nnext\n");
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].bytes.len(), lines[0].dropped_bytes), (4096, 1600 * 65536 + 3 - 4096));
        assert!(lines[0].is_cut());
        assert_eq!((lines[1].text().as_ref(), lines[1].is_cut()), ("next", false));
    }

    #[test]
    fn strange_bytes_stay_as_they_are() {
        let mut framer = LineFramer::new(100);
        let lines = framer.push(b"a\0b\xff\r\n");
        assert_eq!(lines[0].bytes, b"a\0b\xff\r");
        assert_eq!(lines[0].text(), "a\0b\u{fffd}\r");
        assert_eq!(framer.finish(), None);
    }
}
