//! Damages a text file of the registry by lots that can be drawn again: as a slip of the hand, a bad merge, or a disk
//! would. It stands beside [`mutate`](crate::mutate), which damages databases.

use crate::mutate::Lots;

/// Words that mean something in TOML, YAML or Markdown, and some that nobody expects.
const PIECES: &[&[u8]] = &[
    b"=",
    b"\"",
    b"'''",
    b"[[",
    b"]]",
    b"{",
    b"}",
    b"---\n",
    b"+++\n",
    b"```",
    b"#",
    b":",
    b"- ",
    b"\t",
    b"\r\n",
    b"\0",
    b"\xff\xfe",
    b"\xc3\x28",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x92\xa9",
    b"99999999999999999999",
    b"-1",
    b"nan",
    b"true",
    b"id = \"\"\n",
    b"schema = 99\n",
    b"[settings]\n",
    b"[[rule]]\n",
    b"<<<<<<< HEAD\n",
    b"../../etc/passwd",
];

/// Damages a text once, and says how.
pub fn mutate_text(text: &mut Vec<u8>, lots: &mut Lots) -> String {
    let mut lines: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let line = lots.below(lines.len());
    let other = lots.below(lines.len());
    let at = lots.below(text.len());
    let piece = PIECES[lots.below(PIECES.len())];
    let how = match lots.below(14) {
        0 if !lines.is_empty() => {
            lines.remove(line);
            format!("lacks line {}", line + 1)
        }
        1 if !lines.is_empty() => {
            let again = lines[line].clone();
            lines.insert(other, again);
            format!("has line {} twice", line + 1)
        }
        2 if !lines.is_empty() => {
            lines.swap(line, other);
            format!("has lines {} and {} swapped", line + 1, other + 1)
        }
        3 => {
            text.truncate(at);
            return format!("is cut off after {at} bytes");
        }
        4 => {
            text.clear();
            return "is empty".to_owned();
        }
        5 if !text.is_empty() => {
            text[at] = lots.draw() as u8;
            return format!("has another byte at {at}");
        }
        6 if !text.is_empty() => {
            text.remove(at);
            return format!("lacks the byte at {at}");
        }
        7 => {
            let many = 1 + lots.below(2000);
            text.splice(at..at, (0..many).map(|_| lots.draw() as u8));
            return format!("has {many} bytes of garbage at {at}");
        }
        8 => {
            text.splice(at..at, std::iter::repeat_n(b'x', 100_000));
            return format!("has a very long word at {at}");
        }
        9 => {
            text.splice(at..at, std::iter::repeat_n(b'[', 5_000));
            return format!("is nested deeply at {at}");
        }
        10 if !lines.is_empty() => {
            // What stands behind the first `=` or `:` becomes something else.
            let found = lines[line].iter().position(|byte| matches!(byte, b'=' | b':'));
            let from = found.map_or(0, |place| place + 1);
            lines[line].truncate(from);
            lines[line].extend_from_slice(piece);
            lines[line].push(b'\n');
            format!("has another value in line {}: {}", line + 1, piece.escape_ascii())
        }
        _ => {
            text.splice(at..at, piece.iter().copied());
            return format!("has {} at {at}", piece.escape_ascii());
        }
    };
    *text = lines.concat();
    how
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_damaged_without_a_panic_and_the_same_seed_does_the_same() {
        for text in ["", "a", "schema = 1\nname = \"x\"\n", "---\nid: 1\n---\n# T\n\nbody"] {
            for seed in 0..500 {
                let (mut one, mut two) = (text.as_bytes().to_vec(), text.as_bytes().to_vec());
                let how = mutate_text(&mut one, &mut Lots::new(seed));
                assert_eq!(mutate_text(&mut two, &mut Lots::new(seed)), how);
                assert_eq!(one, two, "{how}");
            }
        }
    }
}
