//! Answers to the questions of a call: what a person may answer, and what not.
//!
//! Held by the session before an answer is recorded, so that no face can send the agent what it did not ask for.

use crate::tool::{NumberWanted, Question};
use std::collections::BTreeMap;

/// Answers by the ids of their questions: what was chosen, or words of one's own.
pub type Answers = BTreeMap<String, Vec<String>>;

/// Letters of an answer in free words at most.
pub const MAX_ANSWER_LETTERS: usize = 4_000;

/// Whether these answers fit the questions; if not, what is wrong, in words.
///
/// # Errors
/// A question without an answer, an answer that cannot be chosen, several where one is wanted, an answer to nothing.
pub fn check(questions: &[Question], answers: &Answers) -> Result<(), String> {
    if let Some(id) = answers.keys().find(|id| questions.iter().all(|question| question.id != **id)) {
        return Err(format!("nothing was asked under the name “{id}”"));
    }
    for question in questions {
        let given = answers.get(&question.id).map(Vec::as_slice).unwrap_or_default();
        let name = if question.header.is_empty() { &question.text } else { &question.header };
        match given {
            [] if question.optional => {}
            [] => return Err(format!("“{name}” has no answer")),
            [_, _, ..] if !question.many => return Err(format!("“{name}” takes one answer")),
            given => given.iter().try_for_each(|answer| check_one(question, name, answer))?,
        }
    }
    Ok(())
}

fn check_one(question: &Question, name: &str, answer: &str) -> Result<(), String> {
    if question.options.iter().any(|option| option.label == answer) {
        return Ok(());
    }
    if !question.free && !question.options.is_empty() {
        return Err(format!("“{answer}” is no answer to “{name}”"));
    }
    if answer.trim().is_empty() {
        return Err(format!("“{name}” has no answer"));
    }
    if answer.chars().count() > MAX_ANSWER_LETTERS {
        return Err(format!("the answer to “{name}” has more than {MAX_ANSWER_LETTERS} letters"));
    }
    match &question.number {
        Some(number) if !number.is(answer) => Err(format!("“{name}” takes {}", number.in_words())),
        _ => Ok(()),
    }
}

impl NumberWanted {
    /// Whether these words are such a number.
    pub fn is(&self, words: &str) -> bool {
        let words = words.trim();
        let is_kind = !self.whole || words.parse::<i64>().is_ok();
        let bound = |bound: &str| bound.parse::<f64>().ok();
        words.parse::<f64>().is_ok_and(|value| {
            let is_within = bound(&self.least).is_none_or(|least| value >= least)
                && bound(&self.most).is_none_or(|most| value <= most);
            value.is_finite() && is_kind && is_within
        })
    }

    /// Which numbers these are.
    fn in_words(&self) -> String {
        let kind = if self.whole { "a whole number" } else { "a number" };
        match (self.least.as_str(), self.most.as_str()) {
            ("", "") => kind.to_owned(),
            (least, "") => format!("{kind} from {least}"),
            ("", most) => format!("{kind} up to {most}"),
            (least, most) => format!("{kind} from {least} to {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tool::Choice;

    fn question(id: &str, options: &[&str], many: bool, free: bool) -> Question {
        let option = |label: &&str| Choice { label: (*label).into(), ..Choice::default() };
        let options = options.iter().map(option).collect();
        Question { id: id.into(), text: format!("{id}?"), options, many, free, ..Question::default() }
    }

    fn answers(of: &[(&str, &[&str])]) -> Answers {
        let words = |given: &[&str]| given.iter().map(|word| (*word).to_owned()).collect();
        of.iter().map(|(id, given)| ((*id).to_owned(), words(given))).collect()
    }

    #[test]
    fn every_question_is_answered_with_what_it_takes() {
        let asked = [
            question("colour", &["red", "blue"], false, false),
            question("tools", &["a", "b"], true, true),
            question("why", &[], false, false),
        ];
        let good = answers(&[("colour", &["red"]), ("tools", &["a", "mine"]), ("why", &["because"])]);
        assert_eq!(check(&asked, &good), Ok(()));
        let wrong: &[(&str, &[&str], &str)] = &[
            ("colour", &["green"], "no answer to"),
            ("colour", &["red", "blue"], "takes one answer"),
            ("colour", &[], "has no answer"),
            ("tools", &["  "], "has no answer"),
            ("why", &[""], "has no answer"),
            ("other", &["x"], "nothing was asked"),
        ];
        for (id, given, words) in wrong {
            let mut bad = good.clone();
            bad.extend(answers(&[(id, given)]));
            let told = check(&asked, &bad).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
        let mut long = good.clone();
        long.insert("why".into(), vec!["x".repeat(MAX_ANSWER_LETTERS + 1)]);
        assert!(check(&asked, &long).is_err());
        assert!(check(&asked, &Answers::new()).is_err());
    }

    #[test]
    fn what_may_stay_empty_and_numbers_are_told_apart_from_words() {
        let number = |whole, least: &str, most: &str| {
            let number = NumberWanted { whole, least: least.into(), most: most.into() };
            Question { number: Some(number), ..question("often", &[], false, true) }
        };
        let said = |question: Question, words: &str| check(&[question], &answers(&[("often", &[words])]));
        for good in ["3", " 1 ", "5"] {
            assert_eq!(said(number(true, "1", "5"), good), Ok(()), "{good}");
        }
        for bad in ["3.5", "0", "6", "often", "1e1", ""] {
            assert!(said(number(true, "1", "5"), bad).is_err(), "{bad}");
        }
        let words = said(number(true, "1", "5"), "often").unwrap_err();
        assert_eq!(words, "“often?” takes a whole number from 1 to 5");
        assert_eq!(said(number(false, "0.5", ""), "0.75"), Ok(()));
        for bad in ["0.25", "inf", "NaN"] {
            assert!(said(number(false, "0.5", ""), bad).is_err(), "{bad}");
        }
        let optional = Question { optional: true, ..number(true, "", "") };
        assert_eq!(check(std::slice::from_ref(&optional), &Answers::new()), Ok(()));
        assert!(said(optional, "many").is_err());
    }
}
