//! Asks on the terminal for an answer to a permission request.
//!
//! What an agent asks itself is answered question by question, with numbers or words.
//!
//! The question goes to standard error. Lines are read by a thread of its own, which is started with the first question
//! and may outlive it: what was typed before a question is shown never answers it.

use crate::{door::Door, failure::Failure, out};
use nox_api::dto::{AnswerRequest, PreviewRule, Recorded, RulePreview};
use nox_domain::{
    answers::Answers,
    ids::RequestId,
    policy::Matcher,
    rows::RequestRow,
    tool::{Decision, Question, Risk, RuleScope},
};
use std::io::{BufRead, IsTerminal};
use tokio::sync::mpsc;

/// What a line means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Decide(Decision, Option<String>),
    NotUnderstood,
}

/// Reads a line as an answer.
pub(crate) fn read(line: &str) -> Reply {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = Some(rest.trim()).filter(|rest| !rest.is_empty());
    match (word.to_ascii_lowercase().as_str(), rest) {
        ("a" | "allow", None) => Reply::Decide(Decision::AllowOnce, None),
        ("s" | "session", None) => Reply::Decide(Decision::AllowSession, None),
        ("w" | "always", None) => Reply::Decide(Decision::AllowAlways, None),
        ("d" | "deny", reason) => Reply::Decide(Decision::Deny, reason.map(str::to_owned)),
        _ => Reply::NotUnderstood,
    }
}

/// The person at the terminal, if one is there.
pub(crate) struct Prompt {
    is_there: bool,
    asked: Option<RequestId>,
    /// What the agent asks, and what was answered so far.
    questions: Vec<Question>,
    answers: Answers,
    lines: Option<mpsc::UnboundedReceiver<String>>,
}

impl Prompt {
    pub(crate) fn new() -> Self {
        Self {
            is_there: std::io::stdin().is_terminal(),
            asked: None,
            questions: vec![],
            answers: Answers::new(),
            lines: None,
        }
    }

    /// Whether somebody can answer here.
    pub(crate) fn is_there(&self) -> bool {
        self.is_there
    }

    /// The request that is being asked about.
    pub(crate) fn asked(&self) -> Option<&RequestId> {
        self.asked.as_ref()
    }

    /// Shows a request and waits for lines from now on.
    pub(crate) async fn ask(&mut self, door: &Door, row: &RequestRow) {
        self.asked = Some(row.request.id.clone());
        self.questions.clone_from(&row.request.call.questions);
        self.answers.clear();
        if let Some(first) = self.questions.first() {
            out::say(&format!("\n? {} asks you. “skip” and a reason refuses to answer.", row.agent_name));
            out::say(&one_question(first));
            self.forget_what_was_typed();
            return out::print_error("answer: ");
        }
        let preview = PreviewRule { request: row.request.id.clone(), rule: None };
        let preview = door.call::<RulePreview>("preview_rule", &preview).await.ok();
        out::say(&question(row, preview.as_ref()));
        self.forget_what_was_typed();
        out::print_error("answer: ");
    }

    /// What a line means for what is asked now; none while a further question is asked.
    pub(crate) fn take(&mut self, line: &str) -> Option<Reply> {
        let Some(question) = self.questions.get(self.answers.len()) else { return Some(read(line)) };
        let line = line.trim();
        if let Some(reason) =
            line.strip_prefix("skip").filter(|rest| rest.is_empty() || rest.starts_with(' '))
        {
            let reason = Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty());
            return Some(Reply::Decide(Decision::Deny, reason));
        }
        let Some(given) = read_answer(question, line) else {
            out::print_error(&format!("{}: ", hint_of(question)));
            return None;
        };
        self.answers.insert(question.id.clone(), given);
        match self.questions.get(self.answers.len()) {
            Some(next) => {
                out::say(&one_question(next));
                out::print_error("answer: ");
                None
            }
            None => Some(Reply::Decide(Decision::AllowOnce, None)),
        }
    }

    /// What was answered to the questions, when the answer allows.
    pub(crate) fn answers(&mut self, decision: Decision) -> Answers {
        if decision.allows() { std::mem::take(&mut self.answers) } else { Answers::new() }
    }

    /// The question needs no answer any more.
    pub(crate) fn withdraw(&mut self) {
        self.asked = None;
    }

    /// The next line; none when nobody is there any more. Waits for ever while nothing is asked.
    pub(crate) async fn line(&mut self) -> Option<String> {
        match (&self.asked, &mut self.lines) {
            (Some(_), Some(lines)) => {
                let line = lines.recv().await;
                self.is_there = line.is_some();
                line
            }
            _ => std::future::pending().await,
        }
    }

    fn forget_what_was_typed(&mut self) {
        #[cfg(unix)]
        let _ = nix::sys::termios::tcflush(std::io::stdin(), nix::sys::termios::FlushArg::TCIFLUSH);
        match &mut self.lines {
            Some(lines) => while lines.try_recv().is_ok() {},
            None => self.lines = Some(read_lines()),
        }
    }
}

fn read_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Sends an answer.
pub(crate) async fn answer(
    door: &Door,
    request: &RequestId,
    decision: Decision,
    reason: Option<String>,
    answers: Answers,
) -> Result<(), Failure> {
    let answer = AnswerRequest { request: request.clone(), decision, reason, answers, rule: None };
    door.call::<Recorded>("answer_request", &answer).await.map(drop)
}

/// The question in full: exact command, folder, risk, and what each letter does.
fn question(row: &RequestRow, preview: Option<&RulePreview>) -> String {
    let call = &row.request.call;
    let mut text = format!("\n? {} asks to run with {}:\n\n", row.agent_name, name_of_shell(&call.shell));
    for line in out::visible(call.text.trim_end()).lines() {
        text.push_str(&format!("    {line}\n"));
    }
    let risk = match row.request.risk {
        Risk::Low => "low: it looks only".to_owned(),
        Risk::Medium => format!("medium: it may change something here ({})", row.request.risk_reason),
        Risk::High => {
            format!("HIGH: cannot be taken back, or leaves this computer ({})", row.request.risk_reason)
        }
    };
    text.push_str(&format!("\n  folder   {}\n  risk     {risk}\n", call.folder));
    if call.sandbox == "none" {
        text.push_str("  sandbox  none: it runs with your rights\n");
    }
    text.push_str("\n  a  allow once\n  s  allow for this session\n");
    let rule = preview.map_or_else(|| "writes a rule".to_owned(), rule_in_words);
    text.push_str(&format!("  w  allow always: {rule}\n  d  deny (d and a reason, if you like)\n"));
    text
}

/// One question of an agent, with numbers for what can be chosen.
fn one_question(question: &Question) -> String {
    let mut text = format!("\n  {}\n", out::one_line(&question.text));
    for (number, option) in (1..).zip(&question.options) {
        let more =
            if option.description.is_empty() { String::new() } else { format!(": {}", option.description) };
        text.push_str(&format!("  {number}  {}\n", out::one_line(&format!("{}{more}", option.label))));
    }
    let empty = if question.optional { "; it may stay empty" } else { "" };
    text.push_str(&format!("  ({}{empty})", hint_of(question)));
    text
}

fn hint_of(question: &Question) -> &'static str {
    match (question.options.is_empty(), question.many, question.free) {
        (true, ..) => "write your answer, then Enter",
        (false, false, false) => "write a number, then Enter",
        (false, true, false) => "write numbers with commas between, then Enter",
        (false, false, true) => "write a number or your own words, then Enter",
        (false, true, true) => "write numbers with commas between, or your own words, then Enter",
    }
}

/// Reads a line as the answer to a question; none when it is none.
fn read_answer(question: &Question, line: &str) -> Option<Vec<String>> {
    let chosen = |word: &str| {
        let number = word.trim().parse::<usize>().ok()?.checked_sub(1)?;
        question.options.get(number).map(|option| option.label.clone())
    };
    let numbers: Option<Vec<String>> = line.split(',').map(chosen).collect();
    let given = match numbers {
        Some(numbers) => numbers,
        None if line.is_empty() && question.optional => return Some(vec![]),
        None if question.number.as_ref().is_some_and(|number| !number.is(line)) => return None,
        None if line.is_empty() || !(question.free || question.options.is_empty()) => return None,
        None => vec![line.to_owned()],
    };
    (question.many || given.len() == 1).then_some(given)
}

fn name_of_shell(shell: &str) -> &str {
    if shell.is_empty() { "its tools" } else { shell }
}

fn rule_in_words(preview: &RulePreview) -> String {
    let what = match &preview.rule.matcher {
        Matcher::Prefix(words) => format!("commands that begin with “{}”", words.join(" ")),
        Matcher::Exact(_) => "exactly this text".to_owned(),
        Matcher::Any => "everything of this kind".to_owned(),
    };
    match &preview.rule.scope {
        RuleScope::Agent { agent } => format!("{what}, for the agent {agent}"),
        RuleScope::Everyone => format!("{what}, for all agents"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_with_numbers_or_words() {
        use nox_domain::tool::{Choice, NumberWanted};
        let option = |label: &str| Choice { label: label.into(), ..Choice::default() };
        let mut question = Question { options: vec![option("red"), option("blue")], ..Question::default() };
        assert_eq!(read_answer(&question, "2"), Some(vec!["blue".into()]));
        for wrong in ["", "3", "0", "red please", "1,2"] {
            assert_eq!(read_answer(&question, wrong), None, "{wrong}");
        }
        question.many = true;
        assert_eq!(read_answer(&question, "1, 2"), Some(vec!["red".into(), "blue".into()]));
        question.free = true;
        assert_eq!(read_answer(&question, "green"), Some(vec!["green".into()]));
        (question.optional, question.number) =
            (true, Some(NumberWanted { whole: true, ..Default::default() }));
        assert_eq!(read_answer(&question, ""), Some(vec![]));
        assert_eq!(read_answer(&question, "green"), None);
        assert_eq!(read_answer(&question, "-7"), Some(vec!["-7".into()]));
    }

    #[test]
    fn letters_and_words_are_answers_and_nothing_else() {
        assert_eq!(read("a"), Reply::Decide(Decision::AllowOnce, None));
        assert_eq!(read(" S "), Reply::Decide(Decision::AllowSession, None));
        assert_eq!(read("w"), Reply::Decide(Decision::AllowAlways, None));
        assert_eq!(read("d"), Reply::Decide(Decision::Deny, None));
        assert_eq!(read("d not now"), Reply::Decide(Decision::Deny, Some("not now".into())));
        for wrong in ["", "y", "a lot", "ad", "w!"] {
            assert_eq!(read(wrong), Reply::NotUnderstood, "{wrong}");
        }
    }
}
