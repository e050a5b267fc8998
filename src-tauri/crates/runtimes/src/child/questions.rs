//! Questions of programs to their user, as several of them give them to a tool of theirs: `{ question, header, multiSelect,
//! options: [{ label, description }] }`.

use nox_domain::{
    terminal::harmless,
    tool::{Choice, Question},
};
use serde_json::Value;

/// Questions of one call, and options of one question, that are shown.
pub(crate) const MOST_QUESTIONS: usize = 16;
/// See [`MOST_QUESTIONS`].
const MOST_OPTIONS: usize = 64;
/// Of each text so many letters are shown.
const LETTERS: usize = 2_000;

/// What is asked; the text of a question is its name. What cannot be read, or is asked twice, is left out.
pub(crate) fn questions(asked: &Value) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    for asked in asked.as_array().into_iter().flatten() {
        let Some(id) = asked["question"].as_str().filter(|text| !text.trim().is_empty()) else { continue };
        if questions.len() >= MOST_QUESTIONS || questions.iter().any(|known| known.id == id) {
            continue;
        }
        let options = asked["options"].as_array().into_iter().flatten();
        let options = choices(options.map(|option| (option, &option["label"], &option["label"])));
        questions.push(Question {
            id: id.to_owned(),
            header: words(&asked["header"]),
            text: words(&asked["question"]),
            options: options.into_iter().map(|(choice, _)| choice).collect(),
            many: asked["multiSelect"] == true,
            // These programs take other words as well, as their own windows do.
            free: true,
            ..Question::default()
        });
    }
    questions
}

/// What can be chosen, each with what is sent for it: from what was told of it, where its label stands and what it is sent as.
/// One that has no label has what it is sent as. None stands there twice, and labels that are the same are told apart by what
/// is sent.
pub(crate) fn choices<'a>(
    told: impl Iterator<Item = (&'a Value, &'a Value, &'a Value)>,
) -> Vec<(Choice, Value)> {
    let mut choices: Vec<(Choice, Value)> = Vec::new();
    for (told, label, value) in told {
        let sent = value.as_number().map_or_else(|| words(value), ToString::to_string);
        let mut label = Some(words(label)).filter(|label| !label.is_empty()).unwrap_or_else(|| sent.clone());
        if choices.len() >= MOST_OPTIONS
            || label.is_empty()
            || choices.iter().any(|(_, known)| known == value)
        {
            continue;
        }
        if choices.iter().any(|(known, _)| known.label == label) {
            label = format!("{label} ({sent})");
        }
        if choices.iter().any(|(known, _)| known.label == label) {
            label = format!("{label} {}", choices.len() + 1);
        }
        choices.push((Choice { label, description: words(&told["description"]) }, value.clone()));
    }
    choices
}

/// A text of a question, harmless and not too long.
pub(crate) fn words(value: &Value) -> String {
    let text: String = value.as_str().unwrap_or_default().chars().take(LETTERS).collect();
    harmless(text.as_bytes()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn questions_are_read_once_each() {
        let asked = questions(&json!([
            { "question": "Which colour?", "header": "Colour", "multiSelect": false,
              "options": [{ "label": "red", "description": "warm" }, { "label": "" }, { "label": "blue" }, { "label": "red" }] },
            { "question": "Which colour?", "options": [] },
            { "question": "Which parts?", "multiSelect": true, "options": [{ "label": "a" }, { "label": "b" }] },
            { "question": 7 },
        ]));
        let seen: Vec<_> =
            asked.iter().map(|each| (each.id.as_str(), each.options.len(), each.many)).collect();
        assert_eq!(seen, [("Which colour?", 2, false), ("Which parts?", 2, true)]);
        assert_eq!(asked[0].options[0].description, "warm");
        assert!(questions(&json!(3)).is_empty());
    }
}
