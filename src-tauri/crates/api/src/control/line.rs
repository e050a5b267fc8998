//! Reading bounded lines.

use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line, without its end.
    Whole(Vec<u8>),
    /// More bytes than allowed before an end of line.
    TooLong,
    /// The other side has closed; a line without an end is left out.
    Closed,
}

/// Reads the next line, holding at most `limit` bytes of it. Not to be cancelled in the middle.
pub(super) async fn next(from: &mut (impl AsyncBufRead + Unpin), limit: usize) -> io::Result<Line> {
    let mut line = Vec::new();
    loop {
        let ready = from.fill_buf().await?;
        if ready.is_empty() {
            return Ok(Line::Closed);
        }
        let end = ready.iter().position(|byte| *byte == b'\n');
        let part = &ready[..end.unwrap_or(ready.len())];
        if line.len() + part.len() > limit {
            return Ok(Line::TooLong);
        }
        line.extend_from_slice(part);
        let used = part.len() + usize::from(end.is_some());
        from.consume(used);
        if end.is_some() {
            return Ok(Line::Whole(line));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn lines_are_split_and_bounded() {
        let mut from = tokio::io::BufReader::with_capacity(3, &b"one\n\nfour\ntoolong\n"[..]);
        assert_eq!(next(&mut from, 4).await.unwrap(), Line::Whole(b"one".to_vec()));
        assert_eq!(next(&mut from, 4).await.unwrap(), Line::Whole(vec![]));
        assert_eq!(next(&mut from, 4).await.unwrap(), Line::Whole(b"four".to_vec()));
        assert_eq!(next(&mut from, 4).await.unwrap(), Line::TooLong);
        let mut cut = &b"half"[..];
        assert_eq!(next(&mut cut, 9).await.unwrap(), Line::Closed);
    }
}
