//! Forms that a program lets its user fill in (`elicitation/create`): each field is a question to a person.
//!
//! A field `NAME_custom` beside a field `NAME` takes own words in place of what can be chosen there.

use crate::child::{MOST_QUESTIONS, choices, words};
use nox_domain::{
    answers::Answers,
    tool::{Choice, NumberWanted, Question},
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
    /// What can be chosen, and as what it is sent.
    options: Vec<(Choice, Value)>,
    /// Where own words go.
    custom: Option<String>,
    optional: bool,
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
        let required = params["requestedSchema"]["required"].as_array();
        let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|known| known == name));
        let (mut fields, mut questions) = (Vec::new(), Vec::new());
        for (name, schema) in &asked {
            let custom = format!("{name}{CUSTOM}");
            let custom = properties.contains_key(&custom).then_some(custom);
            let field = Field::of(name, schema, custom, !is_required(name))?;
            let named = [&schema["description"], &schema["title"]].map(words);
            let alone = (asked.len() == 1).then(|| words(&params["message"]));
            let text = alone.into_iter().chain(named).find(|text| !text.is_empty());
            questions.push(Question {
                id: (*name).clone(),
                header: words(&schema["title"]),
                text: text.unwrap_or_else(|| (*name).clone()),
                options: field.options.iter().map(|(choice, _)| choice.clone()).collect(),
                many: field.takes == Takes::Texts,
                free: field.custom.is_some() || field.options.is_empty(),
                optional: field.optional,
                number: field.number(schema),
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

    /// What is sent when it was filled in; none when the answers are not what it takes.
    pub(super) fn accepted(&self, answers: &Answers) -> Option<Value> {
        let mut content = Map::new();
        for field in &self.fields {
            let given = answers.get(&field.name).map(Vec::as_slice).unwrap_or_default();
            field.fill(given, &mut content)?;
        }
        Some(json!({ "action": "accept", "content": content }))
    }
}

impl Field {
    fn of(name: &str, schema: &Value, custom: Option<String>, optional: bool) -> Option<Self> {
        let takes = match schema["type"].as_str()? {
            "string" => Takes::Text,
            "array" => Takes::Texts,
            "number" | "integer" => Takes::Number,
            "boolean" => Takes::Boolean,
            _ => return None,
        };
        let yes_or_no = [json!({ "const": true, "title": "Yes" }), json!({ "const": false, "title": "No" })];
        let listed: Vec<&Value> = match takes {
            Takes::Boolean => yes_or_no.iter().collect(),
            _ => listed(schema).collect(),
        };
        let options = choices(listed.iter().map(|choice| {
            // Some stand there bare.
            let (label, value) = match choice.is_object() {
                true => (&choice["title"], &choice["const"]),
                false => (&Value::Null, *choice),
            };
            (*choice, label, value)
        }));
        // There is nothing to choose from.
        let is_open = takes == Takes::Texts && options.is_empty();
        (!is_open).then(|| Self { name: name.to_owned(), takes, options, custom, optional })
    }

    /// Which number it wants, where it takes no other words.
    fn number(&self, schema: &Value) -> Option<NumberWanted> {
        let bound = |name: &str| schema[name].as_number().map(ToString::to_string).unwrap_or_default();
        (self.takes == Takes::Number && self.custom.is_none()).then(|| NumberWanted {
            whole: schema["type"] == "integer",
            least: bound("minimum"),
            most: bound("maximum"),
        })
    }

    /// Puts in what was answered; none when it cannot take that.
    fn fill(&self, given: &[String], content: &mut Map<String, Value>) -> Option<()> {
        let chosen = |words: &String| self.options.iter().find(|(choice, _)| choice.label == *words);
        let mut values: Vec<Value> =
            given.iter().filter_map(chosen).map(|(_, value)| value.clone()).collect();
        let mut own: Vec<&str> =
            given.iter().filter(|words| chosen(words).is_none()).map(|words| words.trim()).collect();
        if let ([words], true) = (own.as_slice(), self.options.is_empty()) {
            let value = match self.takes {
                Takes::Number => number(words),
                Takes::Text if self.custom.is_none() => Some(json!(words)),
                _ => None,
            };
            if let Some(value) = value {
                values.push(value);
                own.clear();
            }
        }
        if values.is_empty() && own.is_empty() {
            return self.optional.then_some(());
        }
        match (&self.custom, own.is_empty()) {
            (_, true) => {}
            (Some(custom), false) => drop(content.insert(custom.clone(), own.join(", ").into())),
            // Nothing that a person wrote is left out.
            (None, false) => return None,
        }
        let value = match self.takes {
            Takes::Texts => Some(Value::Array(values)).filter(|values| *values != json!([])),
            _ => values.into_iter().next(),
        };
        content.extend(value.map(|value| (self.name.clone(), value)));
        Some(())
    }
}

/// A number as it is sent.
fn number(words: &str) -> Option<Value> {
    let whole = words.parse::<i64>().ok().map(Value::from);
    let broken = || words.parse::<f64>().ok().filter(|value| value.is_finite()).map(Value::from);
    whole.or_else(broken)
}

/// What can be chosen, however the schema lists it.
fn listed(schema: &Value) -> impl Iterator<Item = &Value> {
    let items = &schema["items"];
    let lists = [&schema["oneOf"], &schema["enum"], &items["anyOf"], &items["oneOf"], &items["enum"]];
    lists.into_iter().find_map(Value::as_array).into_iter().flatten()
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
            "often": { "type": "integer", "title": "How often?", "minimum": 1 },
            "place": { "type": "string", "oneOf": [
                { "const": "a", "title": "Here" }, { "const": "b", "title": "Here" }, { "const": "b" }] },
        });
        let schema = json!({ "type": "object", "properties": properties, "required": ["often"] });
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
            ("place", 2, false, false),
            ("sure", 2, false, false),
        ];
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, wanted);
        let of = |id: &str| questions.iter().find(|one| one.id == id).unwrap();
        let often = NumberWanted { whole: true, least: "1".into(), most: String::new() };
        assert_eq!((of("often").number.as_ref(), of("often").optional), (Some(&often), false));
        assert_eq!((of("sure").number.as_ref(), of("sure").optional), (None, true));
        let labels: Vec<&str> = of("place").options.iter().map(|choice| choice.label.as_str()).collect();
        assert_eq!(labels, ["Here", "Here (b)"]);
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
            form().0.accepted(&pairs.collect::<Answers>()).map(|sent| sent["content"].clone())
        };
        assert_eq!(
            given(&[
                ("question_0", &["green as grass"]),
                ("question_1", &["roof", "wall", "the door"]),
                ("often", &["1"])
            ]),
            Some(json!({ "question_0_custom": "green as grass", "question_1": ["roof", "wall"],
                "question_1_custom": "the door", "often": 1 }))
        );
        assert_eq!(
            given(&[
                ("question_0", &["red"]),
                ("sure", &["No"]),
                ("often", &[" 3 "]),
                ("place", &["Here (b)"])
            ]),
            Some(json!({ "question_0": "red", "sure": false, "often": 3, "place": "b" }))
        );
        assert_eq!(given(&[("often", &["2"])]), Some(json!({ "often": 2 })), "the others may stay empty");
        for wrong in [("often", "often"), ("sure", "perhaps"), ("place", "There")] {
            let (name, words) = wrong;
            assert_eq!(given(&[("often", &["2"]), (name, &[words])]), None, "{wrong:?}");
        }
        assert_eq!(given(&[]), None, "a number is wanted");
    }
}
