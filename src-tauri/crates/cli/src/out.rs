//! Writing to the terminal, and making text that nobody vouches for safe to look at.

use std::io::{self, Write};

/// Writes to standard output. Nobody reading it any more is no error; what cannot be written is lost.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes to standard error, as it is.
pub(crate) fn print_error(text: &str) {
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says something on a line of its own. What could act on a terminal is shown instead.
pub(crate) fn say(text: &str) {
    print_error(&format!("{}\n", visible(text)));
}

/// Text in which nothing acts on the terminal or hides: such characters are shown by their number. Lines stay.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push(c),
            '\t' => shown.push_str("    "),
            c if c.is_control() || is_deceptive(c) => shown.push_str(&format!("‹{:04X}›", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

/// [`visible`] on one line.
pub(crate) fn one_line(text: &str) -> String {
    visible(&text.replace('\n', " "))
}

/// Characters without a shape, and those that turn the direction of what follows.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_or_hides_is_shown() {
        assert_eq!(visible("a\tb\nc"), "a    b\nc");
        assert_eq!(visible("rm\u{1b}[2Kls\r"), "rm‹001B›[2Kls‹000D›");
        assert_eq!(visible("\u{202e}txt.exe\u{200b}\u{9b}"), "‹202E›txt.exe‹200B›‹009B›");
        assert_eq!(visible("größer 日本"), "größer 日本");
        assert_eq!(one_line("a\nb"), "a b");
    }
}
