//! Finds the blocks of a runbook: fenced code blocks whose language is `sh` or `bash`, in order.
//!
//! Options stand in the fence behind the language: `name="Check the disk"`, `cwd=sub/folder`, `timeout=30s`, `continue`.
//! Everything else in a fence is an error, so that a slip of the pen is found before anything runs.

use crate::Error;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its place, from 1.
    pub index: u32,
    /// The line of its fence in the text, from 1.
    pub line: u32,
    /// `sh` or `bash`.
    pub shell: &'static str,
    /// What the shell reads.
    pub text: String,
    /// `name=`, else the first line that is no comment.
    pub title: String,
    /// `cwd=`, as written.
    pub cwd: Option<String>,
    /// `timeout=`, in seconds.
    pub timeout_seconds: Option<u32>,
    /// `continue`: a failure does not stop the run.
    pub continue_on_failure: bool,
}

impl Block {
    /// Whether it does nothing but change the folder, which the next block does not notice.
    pub fn is_lone_cd(&self) -> bool {
        let mut lines =
            self.text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let first = lines.next().unwrap_or_default();
        (first == "cd" || first.starts_with("cd "))
            && lines.next().is_none()
            && !first.contains(['&', ';', '|'])
    }
}

/// The longest title, in characters.
const TITLE_CHARS: usize = 80;

/// All blocks of a Markdown text. A text without any is no error here.
///
/// # Errors
/// [`Error::BadText`] names the line of the fence and the option.
pub fn parse(markdown: &str) -> Result<Vec<Block>, Error> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (event, range) in Parser::new(markdown).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let line = 1 + markdown[..range.start].bytes().filter(|byte| *byte == b'\n').count() as u32;
                open = fence(&info, line)?;
            }
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.text.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some(mut block) = open.take() {
                    block.index = blocks.len() as u32 + 1;
                    if block.title.is_empty() {
                        block.title = first_line(&block.text);
                    }
                    blocks.push(block);
                }
            }
            _ => {}
        }
    }
    Ok(blocks)
}

fn first_line(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .unwrap_or("(nothing to run)");
    let mut title: String = line.chars().take(TITLE_CHARS).collect();
    if title.len() < line.len() {
        title.push('…');
    }
    title
}

fn fence(info: &str, line: u32) -> Result<Option<Block>, Error> {
    let info = info.trim();
    let (language, options) = info.split_once(char::is_whitespace).unwrap_or((info, ""));
    let shell = match language {
        "sh" => "sh",
        "bash" => "bash",
        _ => return Ok(None),
    };
    let mut block = Block {
        index: 0,
        line,
        shell,
        text: String::new(),
        title: String::new(),
        cwd: None,
        timeout_seconds: None,
        continue_on_failure: false,
    };
    for (name, value) in words(options, line)? {
        let bad = |message: String| Err(Error::BadText { line, message });
        match (name.as_str(), value) {
            ("name", Some(value)) if !value.trim().is_empty() => block.title = first_line(&value),
            ("cwd", Some(value)) if !value.is_empty() => block.cwd = Some(value),
            ("timeout", Some(value)) => match seconds(&value) {
                Some(seconds) => block.timeout_seconds = Some(seconds),
                None => {
                    return bad(format!(
                        "the option timeout={value} is no time. Write seconds, or a number with s, m or h, such as timeout=30s."
                    ));
                }
            },
            ("continue", None) => block.continue_on_failure = true,
            ("continue", Some(_)) => return bad("the option continue takes no value. Write it alone.".into()),
            ("name" | "cwd", Some(_)) => {
                return bad(format!("the option {name}= is empty. Give it a value, or take it away."));
            }
            ("name" | "cwd" | "timeout", None) => {
                return bad(format!("the option {name} needs a value: {name}=…"));
            }
            (other, _) => {
                return bad(format!(
                    "there is no option {other}. The options are name=, cwd=, timeout= and continue."
                ));
            }
        }
    }
    Ok(Some(block))
}

/// Splits `name=value name="two words" flag`. Quotes may be single or double and stand around the whole value.
fn words(options: &str, line: u32) -> Result<Vec<(String, Option<String>)>, Error> {
    let mut out = Vec::new();
    let mut rest = options.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let Some(value) = rest.strip_prefix('=') else {
            out.push((name, None));
            rest = rest.trim_start();
            continue;
        };
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => value[1..].split_once(quote).ok_or_else(|| Error::BadText {
                line,
                message: format!(
                    "the option {name}= opens a quote that is not closed. Add the closing {quote}."
                ),
            })?,
            None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        out.push((name, Some(value.to_owned())));
        rest = after.trim_start();
    }
    Ok(out)
}

fn seconds(value: &str) -> Option<u32> {
    let (number, unit) = match value.char_indices().last()? {
        (at, 's') => (&value[..at], 1),
        (at, 'm') => (&value[..at], 60),
        (at, 'h') => (&value[..at], 3600),
        _ => (value, 1),
    };
    number.parse::<u32>().ok()?.checked_mul(unit).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blocks_come_in_order_with_their_options() {
        let text = "# Title\n\n```sh name=\"Look around\" timeout=2m\nls\n```\n\ntext\n\n~~~bash cwd=sub continue\n# why\n\ngit status\n~~~\n\n```python\nprint(1)\n```\n\n    indented code\n";
        let blocks = parse(text).unwrap();
        assert_eq!(blocks.len(), 2);
        assert_eq!(
            (
                blocks[0].index,
                blocks[0].line,
                blocks[0].shell,
                blocks[0].title.as_str(),
                blocks[0].timeout_seconds
            ),
            (1, 3, "sh", "Look around", Some(120))
        );
        assert_eq!(blocks[0].text, "ls\n");
        assert_eq!((blocks[1].line, blocks[1].shell, blocks[1].title.as_str()), (9, "bash", "git status"));
        assert_eq!(blocks[1].cwd.as_deref(), Some("sub"));
        assert!(blocks[1].continue_on_failure);
    }

    #[test]
    fn a_bad_option_names_line_and_option() {
        for (fence, word) in [
            ("sh timout=3", "timout"),
            ("sh timeout=soon", "soon"),
            ("sh timeout", "timeout"),
            ("sh timeout=0", "timeout"),
            ("sh continue=yes", "continue"),
            ("sh name=\"open", "name"),
            ("bash cwd=", "cwd"),
        ] {
            let Err(Error::BadText { line, message }) = parse(&format!("a\n\n```{fence}\nls\n```\n")) else {
                unreachable!("{fence} was taken")
            };
            assert_eq!(line, 3);
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn a_lone_cd_is_found() {
        let lone = |text: &str| parse(&format!("```sh\n{text}\n```\n")).unwrap()[0].is_lone_cd();
        assert!(lone("# go\ncd /tmp"));
        assert!(!lone("cd /tmp && ls"));
        assert!(!lone("cd /tmp\nls"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s)([`~ a-z=\"'\\n]|```sh |\\PC){0,80}") {
            let _ = parse(&text);
        }
    }
}
