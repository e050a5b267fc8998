//! Foreign text in native places. Titles, commands and names come from agents and files; menus and notifications read
//! some of their characters as orders.

use nox_domain::terminal::harmless;

/// Longest text of a menu entry, in characters.
const MENU_CHARACTERS: usize = 56;

/// The text without anything that acts: no escape sequence, invisible characters made visible; lines stay.
pub(crate) fn plain(text: &str) -> String {
    without_colours(&harmless(text.as_bytes())).replace("\r\n", "\n").replace('\r', "\n")
}

/// The text as one line of at most `characters`, cut with an ellipsis.
pub(crate) fn one_line(text: &str, characters: usize) -> String {
    let words: Vec<String> = plain(text).split_whitespace().map(str::to_owned).collect();
    let line = words.join(" ");
    if line.chars().count() <= characters {
        return line;
    }
    let mut cut: String = line.chars().take(characters.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// The text as a menu entry: one short line in which `&` is no mark of a key.
pub(crate) fn menu_label(text: &str) -> String {
    one_line(text, MENU_CHARACTERS).replace('&', "&&")
}

/// The text for a place that reads a small HTML, such as the body of a freedesktop notification.
pub(crate) fn escape_markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

/// Drops `ESC [ … m`, the only sequences that [`harmless`] keeps.
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        out.push_str(before);
        rest = after.split_once('m').map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_in_a_line() {
        assert_eq!(one_line("a\n\u{1b}[31mred\u{1b}[0m \u{1b}]8;;x\u{7}b", 40), "a red b");
        assert_eq!(one_line("rm\u{202e}x", 40), "rm⟨U+202E⟩x");
        assert_eq!(plain("one\r\ntwo\rthree"), "one\ntwo\nthree");
    }

    #[test]
    fn long_lines_are_cut_at_characters() {
        assert_eq!(one_line("äöü ß", 5), "äöü ß");
        assert_eq!(one_line("äöü ßx", 5), "äöü…");
    }

    #[test]
    fn marks_are_text() {
        assert_eq!(menu_label("R&D"), "R&&D");
        assert_eq!(escape_markup("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
    }
}
