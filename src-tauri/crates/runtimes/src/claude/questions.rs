//! Questions of Claude Code to its user: its tool `AskUserQuestion`, whose input takes the answers as well.
//!
//! Answers are given by the question's text: the program knows no other name for it. What its model writes into their
//! place by itself is never sent on.

use nox_domain::{
    answers::Answers,
    terminal::harmless,
    tool::{Choice, Question},
};
use serde_json::{Map, Value};

/// The tool.
const TOOL: &str = "AskUserQuestion";
/// Questions of one call, and options of one question, that are shown.
const MOST_QUESTIONS: usize = 16;
const MOST_OPTIONS: usize = 64;
/// Of each text so many letters are shown.
const LETTERS: usize = 2_000;

/// What a call asks; nothing for another tool, or when that cannot be read.
pub(super) fn of(tool: &str, input: &Value) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    let asked = input["questions"].as_array().filter(|_| tool == TOOL);
    for asked in asked.into_iter().flatten() {
        let Some(id) = asked["question"].as_str().filter(|text| !text.trim().is_empty()) else { continue };
        if questions.len() >= MOST_QUESTIONS || questions.iter().any(|known| known.id == id) {
            continue;
        }
        let options = asked["options"].as_array().into_iter().flatten().filter_map(|option| {
            let label = shown(&option["label"]);
            let description = shown(&option["description"]);
            (!label.is_empty()).then_some(Choice { label, description })
        });
        questions.push(Question {
            id: id.to_owned(),
            header: shown(&asked["header"]),
            text: shown(&asked["question"]),
            options: options.take(MOST_OPTIONS).collect(),
            many: asked["multiSelect"] == true,
            // The program takes other words as well, as its own window does.
            free: true,
        });
    }
    questions
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

fn shown(value: &Value) -> String {
    let text: String = value.as_str().unwrap_or_default().chars().take(LETTERS).collect();
    harmless(text.as_bytes()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input() -> Value {
        json!({ "questions": [
            { "question": "Which colour?", "header": "Colour", "multiSelect": false,
              "options": [{ "label": "red", "description": "warm" }, { "label": "" }, { "label": "blue" }] },
            { "question": "Which colour?", "options": [] },
            { "question": "Which parts?", "multiSelect": true, "options": [{ "label": "a" }, { "label": "b" }] },
            { "question": 7 },
        ], "answers": { "Which colour?": "what the model would like" } })
    }

    #[test]
    fn questions_are_read_once_each_and_from_their_tool_only() {
        let asked = of("AskUserQuestion", &input());
        let seen: Vec<_> =
            asked.iter().map(|each| (each.id.as_str(), each.options.len(), each.many)).collect();
        assert_eq!(seen, [("Which colour?", 2, false), ("Which parts?", 2, true)]);
        assert_eq!(asked[0].options[0].description, "warm");
        assert!(
            of("Bash", &input()).is_empty() && of("AskUserQuestion", &json!({ "questions": 3 })).is_empty()
        );
    }

    #[test]
    fn only_what_a_person_answered_is_sent_on() {
        let mut answers = Answers::new();
        answers.insert("Which parts?".into(), vec!["a".into(), "b".into()]);
        let sent = answered("AskUserQuestion", input(), &answers);
        assert_eq!(sent["answers"], json!({ "Which parts?": "a, b" }));
        assert_eq!(answered("Bash", json!({ "command": "ls" }), &answers), json!({ "command": "ls" }));
    }
}
