//! A session as Markdown that people read: what was asked, said, done and decided, and what programs wrote.
//!
//! Pure. Texts of agents and programs are foreign: messages are quoted, so that a heading in one is no heading of the
//! page; output and commands stand in fences longer than any in them; titles are escaped. What looks like a secret is
//! masked as in the logs, and what could act on a terminal is taken out.

use crate::{limit_in_words, problem_in_words};
use nox_domain::{
    At,
    event::{Closed, Dial},
    image::Image,
    rows::{Item, ItemBody, RequestRow, RequestState, SessionRow, SessionState},
    terminal::harmless,
    tool::{CallEnd, CallStatus, Decision, OutputDigest},
    transcript::StepStatus,
};
use nox_engine::logs::redact_text;
use std::fmt::Write;

/// What stands above the conversation. `pruned`: events of which the text is gone.
pub(crate) fn head(row: &SessionRow, pruned: u64, exported_at: At) -> String {
    let mut text = format!("# {}\n\n", inline(&row.title));
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "- {name}: {value}");
    };
    line("Session", row.id.to_string());
    if let Some(task) = &row.task {
        line("Task", task.to_string());
    }
    line("Agent", format!("{} ({})", inline(&row.agent_name), row.runtime.as_str()));
    line("Folder", code(&row.folder));
    line("Opened", time(row.opened_at));
    line("Exported", time(exported_at));
    if row.imported {
        line("Imported", "yes: it was read from an export".to_owned());
    }
    text.push('\n');
    if pruned > 0 {
        let _ = writeln!(
            text,
            "> {pruned} events of this session were pruned. What is below is what the conversation kept of them.\n"
        );
    }
    text
}

/// What stands below.
pub(crate) fn foot(row: &SessionRow) -> String {
    match &row.state {
        SessionState::Closed { how, problem } => {
            let how = match how {
                Closed::Finished => "Finished",
                Closed::Failed => "Failed",
                Closed::Stopped => "Stopped",
            };
            let when = row.closed_at.map(|at| format!(", {}", time(at))).unwrap_or_default();
            let why = problem.as_ref().map(|problem| format!(": {}", inline(&problem_in_words(problem))));
            format!("---\n\n{how}{when}{}\n", why.unwrap_or_default())
        }
        _ => "---\n\nThis session was not over when it was exported.\n".to_owned(),
    }
}

/// One entry of the conversation, with the request that it led to.
pub(crate) fn item(item: &Item, request: Option<&RequestRow>) -> String {
    let heading = |what: &str| format!("## {what}\n\n*{}*\n\n", time(item.at));
    match &item.body {
        ItemBody::Prompt { text, images } => heading("Prompt") + &quote(text) + &named(images),
        ItemBody::Steered { text } => heading("Said while it worked") + &quote(text),
        ItemBody::Switched { dial, name, via } => {
            let what = match dial {
                Dial::Mode => "Mode",
                Dial::Model => "Model",
            };
            heading(what) + &format!("{}, chosen by a person ({})\n\n", inline(name), inline(via))
        }
        ItemBody::RateLimit { until, problem } => {
            let why = inline(&problem_in_words(problem));
            heading("Limit of the model server")
                + &format!("{why} It is asked again at {}.\n\n", time(*until))
        }
        ItemBody::Message { text, images } => {
            let words = if text.is_empty() { String::new() } else { quote(text) };
            heading("Message") + &words + &named(images)
        }
        ItemBody::Thought { text } => heading("Thought") + &quote(text),
        ItemBody::Writing { thought } => {
            heading(if *thought { "Thought" } else { "Message" }) + "Being written.\n\n"
        }
        ItemBody::Plan { steps } => {
            let steps = steps.iter().map(|step| {
                let mark = if step.status == StepStatus::Completed { "x" } else { " " };
                format!("- [{mark}] {}\n", inline(&step.text))
            });
            heading("Plan") + &steps.collect::<String>() + "\n"
        }
        ItemBody::Note { code: name, text } => heading(&format!("Note: {}", inline(name))) + &quote(text),
        ItemBody::Restart { number, at, problem } => {
            let why = problem.as_ref().map(|problem| inline(&problem_in_words(problem)));
            let why = why.map(|why| format!(" after: {why}")).unwrap_or_default();
            heading("Restart") + &format!("Restart {number}, at {}{why}\n\n", time(*at))
        }
        ItemBody::Limit { hit } => heading("Limit") + &inline(&limit_in_words(hit)) + "\n\n",
        ItemBody::ToolCall { call, status, decision, reason, answers, end, output, images, .. } => {
            let what = if call.is_question() { "Question" } else { "Tool call" };
            let mut text = heading(&format!("{what}: {}", inline(&call.title)));
            text += &if call.prose { quote(&call.text) } else { fenced(&call.text, &call.shell) };
            for question in &call.questions {
                let given = answers.get(&question.id).map(|given| inline(&given.join(", ")));
                let given = given.unwrap_or_else(|| "no answer".to_owned());
                let _ = writeln!(text, "- {} {given}", inline(&question.text));
            }
            for diff in &call.diff {
                text += &fenced(&diff.text, "diff");
            }
            let _ = writeln!(text, "- Kind: {}", call.kind.as_str());
            let _ = writeln!(text, "- Folder: {}", code(&call.folder));
            let _ = writeln!(text, "- Decision: {}", decided(*decision, reason.as_deref(), request));
            let _ = writeln!(text, "- End: {}\n", ended(*status, end.as_ref()));
            if let Some(output) = output {
                text += &written(output);
            }
            text + &named(images)
        }
    }
}

/// Images are named: their files are not in an export.
fn named(images: &[Image]) -> String {
    let lines = images.iter().map(|image| format!("- Image: {}\n", inline(&image.line())));
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { lines + "\n" }
}

fn decided(decision: Option<Decision>, reason: Option<&str>, request: Option<&RequestRow>) -> String {
    let mut text = match decision {
        None => "none".to_owned(),
        Some(Decision::AllowOnce) => "allowed once".to_owned(),
        Some(Decision::AllowSession) => "allowed for this session".to_owned(),
        Some(Decision::AllowAlways) => "always allowed".to_owned(),
        Some(Decision::Deny) => "denied".to_owned(),
    };
    match request.map(|row| &row.state) {
        Some(RequestState::Answered { via, at, .. }) => {
            let _ = write!(text, ", by a person ({}), {}", inline(via), time(*at));
        }
        Some(RequestState::Withdrawn { why, .. }) => {
            let _ = write!(text, ", the request was withdrawn ({})", inline(why));
        }
        Some(RequestState::Open) => text += ", a person is asked",
        None if decision.is_some() => text += ", by the policy or beforehand",
        None => {}
    }
    if let Some(reason) = reason {
        let _ = write!(text, ": {}", inline(reason));
    }
    text
}

fn ended(status: CallStatus, end: Option<&CallEnd>) -> String {
    match end {
        Some(CallEnd::Succeeded) => "exit 0".to_owned(),
        Some(CallEnd::Failed { exit_code, signal, timed_out, problem }) => {
            let mut text = match (exit_code, signal) {
                (Some(exit), _) => format!("exit {exit}"),
                (None, Some(signal)) => format!("ended by signal {signal}"),
                (None, None) => "failed".to_owned(),
            };
            if *timed_out {
                text += ", its time was over";
            }
            if let Some(problem) = problem {
                let _ = write!(text, ": {}", inline(problem));
            }
            text
        }
        Some(CallEnd::Denied { .. }) => "it never ran".to_owned(),
        Some(CallEnd::Cancelled) => "stopped".to_owned(),
        Some(CallEnd::Unknown) => match status {
            CallStatus::Unknown => "outcome unknown: nobody saw its end".to_owned(),
            _ => "nobody saw its end; a person has chosen what follows".to_owned(),
        },
        Some(CallEnd::Skipped) => "skipped after an unknown outcome".to_owned(),
        None => "not over".to_owned(),
    }
}

fn written(output: &OutputDigest) -> String {
    let size = output.size_bytes.0;
    if size == 0 && output.head.is_empty() {
        return "No output.\n\n".to_owned();
    }
    let cut = if output.cut_off { ", cut off" } else { "" };
    let mut text = format!("Output, {size} bytes{cut}:\n\n") + &fenced(&output.head, "");
    if !output.tail.is_empty() {
        text += "… and its end:\n\n";
        text += &fenced(&output.tail, "");
    }
    text
}

/// Text in a fence that nothing in it closes.
fn fenced(text: &str, language: &str) -> String {
    let text = clean(text);
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(3.max(longest + 1));
    let language: String = language.chars().filter(char::is_ascii_alphanumeric).collect();
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}\n\n")
}

fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 16);
    for line in clean(text).lines() {
        quoted += if line.is_empty() { ">" } else { "> " };
        quoted += line;
        quoted.push('\n');
    }
    quoted.push('\n');
    quoted
}

/// Foreign text on one line, in which nothing is Markdown.
fn inline(text: &str) -> String {
    let mut out = String::new();
    for c in clean(text).split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Foreign text on one line as code.
fn code(text: &str) -> String {
    let text = clean(text).replace(['\n', '\r'], " ").replace('`', "'");
    format!("`{text}`")
}

/// Without secrets and without what acts on a terminal, colours too.
fn clean(text: &str) -> String {
    let masked = redact_text(text);
    let mut out = String::with_capacity(masked.len());
    let plain = harmless(masked.as_bytes()).replace("\r\n", "\n");
    let mut rest = plain.chars();
    while let Some(c) = rest.next() {
        match c {
            // All that `harmless` leaves are colours, which end with an m.
            '\u{1b}' => _ = rest.by_ref().find(|c| *c == 'm'),
            '\r' => out.push('\n'),
            c => out.push(c),
        }
    }
    // A colour within a secret hid it.
    redact_text(&out).into_owned()
}

fn time(at: At) -> String {
    nox_engine::clock::in_words(at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_in_a_fence_closes_it() {
        assert_eq!(fenced("a", "sh"), "```sh\na\n```\n\n");
        assert_eq!(fenced("```\n# x\n````\n", ""), "`````\n```\n# x\n````\n`````\n\n");
    }

    #[test]
    fn foreign_text_makes_no_structure() {
        assert_eq!(inline("# a\n**b** <c> [d](e)"), "\\# a \\*\\*b\\*\\* \\<c\\> \\[d\\](e)");
        assert_eq!(quote("# a\n\nb\r\n"), "> # a\n>\n> b\n\n");
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m\u{1b}]52;c;x\u{7}"), "red");
    }

    #[test]
    fn secrets_are_masked_also_when_a_colour_parts_them() {
        assert_eq!(clean("ghp_CANARY0123456789abcdef"), "[redacted]");
        assert_eq!(clean("ghp_CANARY01\u{1b}[1m23456789abcdef"), "[redacted]");
    }
}
