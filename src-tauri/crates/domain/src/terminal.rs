//! Makes what programs print harmless to show: colours stay, everything else that could act on a terminal does not.
//!
//! Kept: text, newlines, tabs, SGR sequences (`ESC [ … m`). A carriage return that is not part of a line end stays as
//! `\r`, for progress bars. Dropped: every other escape sequence, among them OSC 8 (links) and OSC 52 (clipboard).
//! Made visible: other control characters as their picture (`␀`), bidirectional and zero-width characters as `⟨U+202E⟩`.
//! Invalid UTF-8 becomes `U+FFFD`. The filter keeps its state between pieces, so a sequence or a letter may be cut
//! anywhere.

/// Longer sequences are given up, so that a hostile one cannot hold back output for ever.
const MAX_SEQUENCE: usize = 64;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    /// `ESC [` and what came after it.
    Control(Vec<u8>),
    /// OSC, DCS, APC, PM, SOS: to be dropped up to BEL or ST; the number of bytes so far.
    Dropping {
        seen: usize,
        escape: bool,
    },
}

/// The filter of one stream of bytes.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    state: State,
    /// An unfinished UTF-8 sequence.
    pending: Vec<u8>,
}

/// How many bytes a string sequence may have before it is taken for text that lost its end.
const MAX_STRING: usize = 64 * 1024;

impl Filter {
    /// Filters the next piece.
    pub fn feed(&mut self, bytes: &[u8]) -> String {
        let mut out = String::with_capacity(bytes.len());
        let joined;
        let bytes = if self.pending.is_empty() {
            bytes
        } else {
            let mut all = std::mem::take(&mut self.pending);
            all.extend_from_slice(bytes);
            joined = all;
            &joined[..]
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.text(text, &mut out);
                    break;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    self.text(std::str::from_utf8(good).unwrap_or_default(), &mut out);
                    match error.error_len() {
                        Some(length) => {
                            self.letter(char::REPLACEMENT_CHARACTER, &mut out);
                            rest = &bad[length..];
                        }
                        None => {
                            self.pending = bad.to_vec();
                            break;
                        }
                    }
                }
            }
        }
        out
    }

    /// The end of the stream: what was held back as an unfinished letter.
    pub fn finish(&mut self) -> String {
        self.state = State::Text;
        if std::mem::take(&mut self.pending).is_empty() {
            String::new()
        } else {
            char::REPLACEMENT_CHARACTER.to_string()
        }
    }

    fn text(&mut self, text: &str, out: &mut String) {
        for letter in text.chars() {
            self.letter(letter, out);
        }
    }

    fn letter(&mut self, letter: char, out: &mut String) {
        match &mut self.state {
            State::Text => show(letter, &mut self.state, out),
            State::Escape => match letter {
                '[' => self.state = State::Control(Vec::new()),
                ']' | 'P' | '_' | '^' | 'X' => self.state = State::Dropping { seen: 0, escape: false },
                // Two-character sequences and charset switches: `ESC (` takes one more character, shown as it is.
                '\x1b' => {}
                _ => self.state = State::Text,
            },
            State::Control(seen) => match letter {
                '@'..='~' => {
                    if letter == 'm' && seen.iter().all(|b| b.is_ascii_digit() || *b == b';' || *b == b':') {
                        out.push_str("\x1b[");
                        out.push_str(std::str::from_utf8(seen).unwrap_or_default());
                        out.push('m');
                    }
                    self.state = State::Text;
                }
                ' '..='?' if seen.len() < MAX_SEQUENCE => seen.push(letter as u8),
                '\x1b' => self.state = State::Escape,
                _ => {
                    self.state = State::Text;
                    show(letter, &mut self.state, out);
                }
            },
            State::Dropping { seen, escape } => {
                *seen += 1;
                match letter {
                    '\x07' | '\u{9c}' => self.state = State::Text,
                    '\\' if *escape => self.state = State::Text,
                    '\x1b' => *escape = true,
                    _ if *seen > MAX_STRING => self.state = State::Text,
                    _ => *escape = false,
                }
            }
        }
    }
}

fn show(letter: char, state: &mut State, out: &mut String) {
    match letter {
        '\x1b' => *state = State::Escape,
        '\u{9b}' => *state = State::Control(Vec::new()),
        '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
            *state = State::Dropping { seen: 0, escape: false };
        }
        '\n' | '\t' | '\r' => out.push(letter),
        '\0'..='\x1f' => out.push(char::from_u32(0x2400 + letter as u32).unwrap_or('\u{fffd}')),
        '\x7f' => out.push('\u{2421}'),
        '\u{80}'..='\u{9f}' => {}
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}'
        | '\u{61c}' => {
            out.push_str(&format!("⟨U+{:04X}⟩", letter as u32));
        }
        letter => out.push(letter),
    }
}

/// Filters a whole text at once.
pub fn harmless(bytes: &[u8]) -> String {
    let mut filter = Filter::default();
    let mut text = filter.feed(bytes);
    text.push_str(&filter.finish());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_stay_and_everything_that_acts_goes() {
        assert_eq!(harmless(b"\x1b[1;31mred\x1b[0m"), "\x1b[1;31mred\x1b[0m");
        assert_eq!(harmless(b"a\x1b]52;c;ZXZpbA==\x07b"), "ab");
        assert_eq!(harmless(b"a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b"), "alinkb");
        assert_eq!(harmless(b"a\x1b[2J\x1b[1;1Hb\x1b[?1049hc"), "abc");
        assert_eq!(harmless(b"a\0b\x08"), "a\u{2400}b\u{2408}");
        assert_eq!(harmless("a\u{202e}b\u{200b}".as_bytes()), "a⟨U+202E⟩b⟨U+200B⟩");
        assert_eq!(harmless(b"\xff\xfea\xc3"), "\u{fffd}\u{fffd}a\u{fffd}");
        assert_eq!(harmless("\u{9b}2Jx".as_bytes()), "x");
        assert_eq!(harmless(b"10%\r20%\r\n"), "10%\r20%\r\n");
    }

    #[test]
    fn a_string_sequence_without_an_end_does_not_swallow_everything() {
        let mut bytes = b"\x1b]0;".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', MAX_STRING + 10));
        assert!(!harmless(&bytes).is_empty());
    }

    proptest! {
        #[test]
        fn pieces_give_the_same_as_the_whole(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..200) {
            let cut = cut.min(bytes.len());
            let mut filter = Filter::default();
            let mut pieces = filter.feed(&bytes[..cut]);
            pieces.push_str(&filter.feed(&bytes[cut..]));
            pieces.push_str(&filter.finish());
            prop_assert_eq!(pieces, harmless(&bytes));
        }

        #[test]
        fn nothing_that_acts_remains(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let shown = harmless(&bytes);
            let mut rest = shown.as_str();
            while let Some(at) = rest.find('\x1b') {
                let tail = &rest[at + 1..];
                let end = tail.find('m');
                prop_assert!(tail.starts_with('[') && end.is_some());
                let inner = &tail[1..end.unwrap_or(1)];
                prop_assert!(inner.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':'));
                rest = &tail[1..];
            }
            prop_assert!(!shown.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r' | '\x1b')));
        }
    }
}
