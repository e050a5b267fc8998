//! How much a model is shown: results are cut in the middle, and what is oldest of a long conversation is left out.

use super::history::History;
use super::{
    history::{Entry, Line, Part},
    image::Image,
};

/// Bytes of one result that a model sees.
pub(super) const RESULT_BYTES: usize = 32 * 1024;
/// Above this part of what the model reads, old entries are left out, until half is free again.
const FULL_PERCENT: u64 = 80;
const KEPT_PERCENT: u64 = 45;
/// What is left out is told in so many lines at most.
const TOLD_LINES: usize = 40;

/// A text of at most about so many bytes: the beginning, the end, and how much is missing between.
pub(super) fn cut_middle(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(bytes * 2 / 3);
    let tail = text.ceil_char_boundary(text.len() - bytes / 3);
    let left_out = tail - head;
    format!("{}\n[… {left_out} bytes are left out here …]\n{}", &text[..head], &text[tail..])
}

/// What is left out, as a line to be kept and as words for people.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Compaction {
    pub(super) line: Line,
    pub(super) note: String,
}

/// What has to be left out before a model that reads so many tokens is asked, with so many bytes of what is the same in each
/// request. `always`: although it seems to fit, since
/// the model server said that it does not.
pub(super) fn compaction(
    history: &History,
    fixed: u64,
    context_tokens: u64,
    always: bool,
) -> Option<Compaction> {
    let tokens = history.tokens(fixed);
    if !always && tokens <= context_tokens * FULL_PERCENT / 100 {
        return None;
    }
    let entries = history.entries();
    let all = (history.bytes() + fixed).max(1);
    let rate = tokens as f64 / all as f64;
    let wanted = if always { tokens.min(context_tokens) / 2 } else { context_tokens * KEPT_PERCENT / 100 };
    let mut kept = (entries.first()?.bytes() + fixed) as f64 * rate;
    let mut begin = entries.len();
    for (place, entry) in entries.iter().enumerate().skip(1).rev() {
        kept += entry.bytes() as f64 * rate;
        if kept > wanted as f64 && begin < entries.len() {
            break;
        }
        // Results belong to the answer before them.
        if !matches!(entry, Entry::Results(_)) {
            begin = place;
        }
        if kept > wanted as f64 {
            break;
        }
    }
    let dropped = entries.get(1..begin).filter(|dropped| !dropped.is_empty())?;
    // One mark in the place of another is no gain.
    if dropped.len() == 1 && matches!(&dropped[0], Entry::Asked(text, ..) if text.starts_with(MARK)) {
        return None;
    }
    let bytes: u64 = dropped.iter().map(Entry::bytes).sum();
    let spared = (bytes as f64 * rate) as u64;
    let (mut prompts, mut answers, mut calls) = (0, 0, 0);
    for entry in dropped {
        match entry {
            Entry::Asked(..) => prompts += 1,
            Entry::Answered(parts) => {
                answers += 1;
                calls += parts.iter().filter(|part| matches!(part, Part::Call { .. })).count();
            }
            Entry::Results(_) => {}
        }
    }
    let what = format!("{prompts} prompts, {answers} answers and {calls} tool calls with their results");
    let text = format!("{MARK} {what}. Of what was said and done:\n{}", told(dropped));
    let note = format!(
        "The conversation was too long for the model. From here on it does not see {what} any more, about {spared} \
         tokens from the middle; the first prompt and what is newest stay. Nothing is lost here."
    );
    Some(Compaction { line: Line::LeftOut { entries: dropped.len(), text }, note })
}

const MARK: &str = "[Nox left out an older part of this conversation, since it is too long for the model:";

fn told(dropped: &[Entry]) -> String {
    let line = |text: &str| -> String {
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        line.chars().take(160).collect()
    };
    let mut lines = Vec::new();
    for entry in dropped {
        match entry {
            Entry::Asked(text, ..) if text.starts_with(MARK) => {
                lines.extend(text.lines().skip(1).filter(|line| line.starts_with("- ")).map(str::to_owned));
            }
            Entry::Asked(text, images) => {
                let images: Vec<String> = images.iter().map(Image::line).collect();
                lines.push(format!("- asked: {}", line(&format!("{text} {}", images.join(" ")))));
            }
            Entry::Answered(parts) => {
                for part in parts {
                    match part {
                        Part::Text { text } if !text.trim().is_empty() => {
                            lines.push(format!("- you said: {}", line(text)));
                        }
                        Part::Call { name, input, .. } => {
                            lines.push(format!("- you used {name} {}", line(&input.to_string())));
                        }
                        _ => {}
                    }
                }
            }
            Entry::Results(_) => {}
        }
    }
    let more = lines.len().saturating_sub(TOLD_LINES);
    let mut text = lines.split_off(more).join("\n");
    if more > 0 {
        text = format!("({more} older lines are left out)\n{text}");
    }
    text + "\nRead files again if you need what was in them.]"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::llm::history::Fate;
    use proptest::prelude::*;
    use serde_json::json;

    fn long(turns: usize) -> History {
        let mut history = History::default();
        history.apply(&Line::Asked { text: "the task".into(), turn: None, images: vec![] });
        for turn in 1..=turns {
            let input = json!({ "path": format!("file-{turn}") });
            let call = Part::Call { id: format!("c{turn}"), name: "read".into(), input };
            history.apply(&Line::Answered { parts: vec![call], input_tokens: 0, cut: false });
            let text = "x".repeat(3_500);
            history.apply(&Line::Result {
                key: format!("call:{turn}"),
                fate: Fate::Succeeded,
                text,
                images: vec![],
            });
        }
        history
    }

    #[test]
    fn what_fits_stays() {
        assert_eq!(compaction(&long(5), 0, 100_000, false), None);
        // Tools and what the model is told before anything else take their part.
        assert!(compaction(&long(5), 350_000, 100_000, false).is_some());
    }

    #[test]
    fn the_oldest_goes_and_is_named_and_pairs_stay_together() {
        let mut history = long(20);
        let before = history.tokens(0);
        let compaction = compaction(&history, 0, 15_000, false).unwrap();
        assert!(compaction.note.contains("tool calls"), "{}", compaction.note);
        history.apply(&compaction.line);
        assert!(history.tokens(0) < 15_000 * 6 / 10 && before > 15_000, "{}", history.tokens(0));
        assert_eq!(history.entries()[0], Entry::Asked("the task".into(), vec![]));
        let Entry::Asked(mark, ..) = &history.entries()[1] else { unreachable!("the mark") };
        assert!(mark.contains("file-1"), "{mark}");
        assert!(matches!(history.entries()[2], Entry::Answered(_)), "no result without its call");
        // Again, later: the mark itself is dropped, its lines are not.
        for turn in 21..=40 {
            let call = Part::Call { id: "c".into(), name: "read".into(), input: json!({}) };
            history.apply(&Line::Answered { parts: vec![call], input_tokens: 0, cut: false });
            let text = "x".repeat(3_500);
            history.apply(&Line::Result {
                key: format!("call:{turn}"),
                fate: Fate::Succeeded,
                text,
                images: vec![],
            });
        }
        let Line::LeftOut { text, .. } = super::compaction(&history, 0, 15_000, false).unwrap().line else {
            unreachable!("a line of that kind")
        };
        assert!(text.contains("read {}"), "{text}");
        assert!(text.lines().count() < TOLD_LINES + 4);
    }

    #[test]
    fn a_server_that_says_no_is_believed() {
        assert!(compaction(&long(5), 0, 100_000, true).is_some());
        assert_eq!(compaction(&long(0), 0, 10, true), None, "there is nothing to leave out");
    }

    proptest! {
        #[test]
        fn a_cut_text_is_short_and_says_so(text in "\\PC{0,300}", bytes in 0usize..200) {
            let cut = cut_middle(&text, bytes);
            prop_assert!(cut.len() <= bytes + 60 || cut == text && text.len() <= bytes);
            prop_assert_eq!(cut == text, text.len() <= bytes);
        }
    }
}
