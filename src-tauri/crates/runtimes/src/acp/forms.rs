//! Forms that a program lets its user fill in (`elicitation/create`): each field is a question to a person.
//!
//! A field `NAME_custom` beside a field `NAME` takes own words in place of what can be chosen there.

use crate::child::{MOST_OPTIONS, MOST_QUESTIONS, words};
use nox_domain::{
    answers::Answers,
    tool::{Choice, Question},
};
use serde_json::{Map, Value, json};

/// Behind the name of a field that takes own words for another one.
const CUSTOM: &str = "_custom";

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Text,
    Texts,
    Number,
    Boolean,
}

#[derive(Debug)]
struct Field {
    name: String,
    takes: Takes,
    /// What can be chosen: in words, and as it is sent.
    options: Vec<(String, Value)>,
    /// Where own words go.
    custom: Option<String>,
}

/// A form that is open.
#[derive(Debug)]
pub(super) struct Form {
    fields: Vec<Field>,
    bytes: usize,
}

impl Form {
    /// What a request asks, field by field; none when a person cannot be asked that.
    pub(super) fn of(params: &Value) -> Option<(Self, Vec<Question>)> {
        let properties = params["requestedSchema"]["properties"].as_object()?;
        if params["mode"].as_str().is_some_and(|mode| mode != "form") || properties.len() > 2 * MOST_QUESTIONS
        {
            return None;
        }
        let is_custom = |name: &str| name.strip_suffix(CUSTOM).is_some_and(|of| properties.contains_key(of));
        let asked: Vec<_> = properties.iter().filter(|(name, _)| !is_custom(name)).collect();
        let (mut fields, mut questions) = (Vec::new(), Vec::new());
        for (name, schema) in &asked {
            let custom = format!("{name}{CUSTOM}");
            let custom = properties.contains_key(&custom).then_some(custom);
            let field = Field::of(name, schema, custom)?;
            let named = [&schema["description"], &schema["title"]].map(words);
            let alone = (asked.len() == 1).then(|| words(&params["message"]));
            let text = alone.into_iter().chain(named).find(|text| !text.is_empty());
            let options = field.options.iter().zip(described(schema));
            questions.push(Question {
                id: (*name).clone(),
                header: words(&schema["title"]),
                text: text.unwrap_or_else(|| (*name).clone()),
                options: options
                    .map(|((label, _), description)| Choice { label: label.clone(), description })
                    .collect(),
                many: field.takes == Takes::Texts,
                free: field.custom.is_some() || field.options.is_empty(),
            });
            fields.push(field);
        }
        let bytes = crate::child::weight(&params["requestedSchema"]);
        (!fields.is_empty()).then_some((Self { fields, bytes }, questions))
    }

    /// How much is kept of it.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is sent when it was filled in.
    pub(super) fn accepted(&self, answers: &Answers) -> Value {
        let mut content = Map::new();
        for field in &self.fields {
            let given = answers.get(&field.name).map(Vec::as_slice).unwrap_or_default();
            let chosen = |words: &String| field.options.iter().find(|(label, _)| label == words);
            let values: Vec<Value> =
                given.iter().filter_map(chosen).map(|(_, value)| value.clone()).collect();
            let own: Vec<&str> =
                given.iter().filter(|words| chosen(words).is_none()).map(String::as_str).collect();
            let value = match (field.takes, values.first()) {
                (Takes::Texts, Some(_)) => Some(Value::Array(values)),
                (_, Some(value)) => Some(value.clone()),
                (Takes::Text, None) if field.custom.is_none() => own.first().map(|words| json!(words)),
                (Takes::Number, None) => {
                    own.first().and_then(|words| words.trim().parse().ok()).map(Value::Number)
                }
                _ => None,
            };
            content.extend(value.map(|value| (field.name.clone(), value)));
            if let Some(custom) = field.custom.as_ref().filter(|_| !own.is_empty()) {
                content.insert(custom.clone(), own.join(", ").into());
            }
        }
        json!({ "action": "accept", "content": content })
    }
}

impl Field {
    fn of(name: &str, schema: &Value, custom: Option<String>) -> Option<Self> {
        let takes = match schema["type"].as_str()? {
            "string" => Takes::Text,
            "array" => Takes::Texts,
            "number" | "integer" => Takes::Number,
            "boolean" => Takes::Boolean,
            _ => return None,
        };
        let mut options: Vec<(String, Value)> =
            choices(schema).filter_map(option).take(MOST_OPTIONS).collect();
        if takes == Takes::Boolean {
            options =
                [("Yes", true), ("No", false)].map(|(label, value)| (label.to_owned(), json!(value))).into();
        }
        // There is nothing to choose from.
        let is_open = takes == Takes::Texts && options.is_empty();
        (!is_open).then(|| Self { name: name.to_owned(), takes, options, custom })
    }
}

/// What can be chosen, however the schema lists it.
fn choices(schema: &Value) -> impl Iterator<Item = &Value> {
    let items = &schema["items"];
    let lists = [&schema["oneOf"], &schema["enum"], &items["anyOf"], &items["oneOf"], &items["enum"]];
    lists.into_iter().find_map(Value::as_array).into_iter().flatten()
}

/// In words, and as it is sent.
fn option(choice: &Value) -> Option<(String, Value)> {
    let value = choice.as_str().or(choice["const"].as_str())?;
    let label =
        [words(&choice["title"]), words(&json!(value))].into_iter().find(|label| !label.is_empty())?;
    Some((label, value.into()))
}

/// What is said of each choice.
fn described(schema: &Value) -> impl Iterator<Item = String> {
    let said = choices(schema).filter(|choice| option(choice).is_some());
    said.map(|choice| words(&choice["description"])).chain(std::iter::repeat(String::new()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn form() -> (Form, Vec<Question>) {
        let option = |label: &str| json!({ "const": label, "title": label, "description": "A choice." });
        let own = json!({ "type": "string", "title": "Other" });
        let properties = json!({
            "question_0": { "type": "string", "title": "Colour", "description": "Which colour?",
                "oneOf": [option("red"), option("blue")] },
            "question_0_custom": own,
            "question_1": { "type": "array", "title": "Parts", "description": "Which parts?",
                "items": { "anyOf": [option("roof"), option("wall")] } },
            "question_1_custom": own,
            "sure": { "type": "boolean" },
            "often": { "type": "integer", "title": "How often?" },
        });
        let schema = json!({ "type": "object", "properties": properties });
        Form::of(&json!({ "mode": "form", "message": "Please answer.", "requestedSchema": schema })).unwrap()
    }

    #[test]
    fn each_field_is_a_question_with_what_can_be_chosen() {
        let (_, questions) = form();
        let seen: Vec<_> =
            questions.iter().map(|one| (one.text.as_str(), one.options.len(), one.many, one.free)).collect();
        let wanted = [
            ("How often?", 0, false, true),
            ("Which colour?", 2, false, true),
            ("Which parts?", 2, true, true),
            ("sure", 2, false, false),
        ];
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, wanted);
        for odd in [
            json!({}),
            json!({ "mode": "url", "url": "x" }),
            json!({ "requestedSchema": { "properties": {} } }),
        ] {
            assert!(Form::of(&odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn what_was_chosen_and_own_words_go_where_the_form_wants_them() {
        let given = |pairs: &[(&str, &[&str])]| {
            let pairs = pairs.iter().map(|(name, words)| {
                ((*name).to_owned(), words.iter().map(|word| (*word).to_owned()).collect())
            });
            form().0.accepted(&pairs.collect::<Answers>())["content"].clone()
        };
        assert_eq!(
            given(&[("question_0", &["green as grass"]), ("question_1", &["roof", "wall", "the door"])]),
            json!({ "question_0_custom": "green as grass", "question_1": ["roof", "wall"],
                "question_1_custom": "the door" })
        );
        assert_eq!(
            given(&[("question_0", &["red"]), ("sure", &["No"]), ("often", &[" 3 "])]),
            json!({ "question_0": "red", "sure": false, "often": 3 })
        );
        assert_eq!(given(&[("often", &["often"])]), json!({}));
    }
}
