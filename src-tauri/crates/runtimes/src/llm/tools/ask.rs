//! Asks the person who the agent works for. The answers come with the permission; no rule gives them.

use super::{Desk, Look, Tool, Work, call, object, string, switch};
use nox_domain::tool::{Choice, Question, ToolKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const TOOL: Tool = Tool {
    name: "ask",
    description: "Asks the user one to four questions and waits for the answers. Use it when you cannot go on without \
                  a decision that is theirs.",
    schema: || {
        let option = object(&[("label", string("The answer")), ("description", string("What it means"))], 1);
        let fields = [
            ("question", string("The question")),
            ("header", string("A word or two")),
            ("options", json!({ "type": "array", "items": option, "description": "What can be chosen" })),
            ("many", json!({ "type": "boolean", "description": "Whether several can be chosen" })),
        ];
        let question = object(&fields, 1);
        object(
            &[("questions", json!({ "type": "array", "items": question, "minItems": 1, "maxItems": 4 }))],
            1,
        )
    },
    look,
};

/// Questions of one call, and choices of one question.
const QUESTIONS: usize = 4;
const CHOICES: usize = 12;

fn look(input: &Value, desk: &Desk) -> Result<Look, String> {
    let asked = input["questions"].as_array().filter(|asked| !asked.is_empty());
    let asked = asked.ok_or("questions has to be a list with at least one question")?;
    let mut questions = Vec::new();
    for (number, question) in asked.iter().take(QUESTIONS).enumerate() {
        let text = question["question"].as_str().or_else(|| question.as_str()).unwrap_or_default().trim();
        if text.is_empty() {
            return Err("a question is empty".into());
        }
        let options = question["options"].as_array().into_iter().flatten().take(CHOICES);
        let options = options.filter_map(|option| {
            let label = option["label"].as_str().or_else(|| option.as_str())?.trim();
            let description = option["description"].as_str().unwrap_or_default().to_owned();
            (!label.is_empty()).then(|| Choice { label: label.to_owned(), description })
        });
        questions.push(Question {
            id: format!("q{}", number + 1),
            header: question["header"].as_str().unwrap_or_default().to_owned(),
            text: text.to_owned(),
            options: options.collect(),
            many: switch(question, "many"),
            free: true,
            ..Question::default()
        });
    }
    let mut call = call(ToolKind::Other, questions[0].text.clone(), input, desk);
    call.text = questions.iter().map(|question| question.text.as_str()).collect::<Vec<_>>().join("\n");
    let asked = questions.iter().map(|question| (question.id.clone(), question.text.clone())).collect();
    call.questions = questions;
    Ok(Look { call, work: Work::Ask(asked) })
}

/// What the model is told of the answers.
pub(crate) fn answered(asked: &[(String, String)], answers: &BTreeMap<String, Vec<String>>) -> String {
    let lines = asked.iter().map(|(id, text)| match answers.get(id).filter(|answers| !answers.is_empty()) {
        Some(answers) => format!("{text}\nAnswer: {}", answers.join(", ")),
        None => format!("{text}\nAnswer: (none; decide yourself)"),
    });
    lines.collect::<Vec<_>>().join("\n\n")
}
