//! Questions of Claude Code to its user: its tool `AskUserQuestion`, whose input takes the answers as well.
//!
//! Answers are given by the question's text: the program knows no other name for it. What its model writes into their
//! place by itself is never sent on.

use crate::child::questions;
use nox_domain::{answers::Answers, tool::Question};
use serde_json::{Map, Value};

/// The tool.
const TOOL: &str = "AskUserQuestion";

/// What a call asks; nothing for another tool, or when that cannot be read.
pub(super) fn of(tool: &str, input: &Value) -> Vec<Question> {
    if tool == TOOL { questions(&input["questions"]) } else { Vec::new() }
}

/// The input with what a person answered in it; as it came for a call that asks nothing.
pub(super) fn answered(tool: &str, mut input: Value, answers: &Answers) -> Value {
    if tool == TOOL
        && let Some(input) = input.as_object_mut()
    {
        let given: Map<String, Value> =
            answers.iter().map(|(question, given)| (question.clone(), given.join(", ").into())).collect();
        input.insert("answers".to_owned(), Value::Object(given));
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn questions_are_read_from_their_tool_only() {
        let input = json!({ "questions": [{ "question": "Which colour?", "options": [] }] });
        assert_eq!(of("AskUserQuestion", &input).len(), 1);
        assert!(of("Bash", &input).is_empty());
    }

    #[test]
    fn only_what_a_person_answered_is_sent_on() {
        let mut answers = Answers::new();
        answers.insert("Which parts?".into(), vec!["a".into(), "b".into()]);
        let input = json!({ "answers": { "Which colour?": "what the model would like" } });
        let sent = answered("AskUserQuestion", input, &answers);
        assert_eq!(sent["answers"], json!({ "Which parts?": "a, b" }));
        assert_eq!(answered("Bash", json!({ "command": "ls" }), &answers), json!({ "command": "ls" }));
    }
}
