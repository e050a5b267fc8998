//! What goes wrong between Nox and a model server, as people can act on it.
//!
//! A status first; words of the server only where it gives no status. What a server says is shown without the key, whoever
//! put it there, and with nothing in it that acts.

use nox_domain::{At, event::Problem, transcript::AgentFault};
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Of what a server says so much is shown.
const SAID_CHARS: usize = 400;

/// A request that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) fault: AgentFault,
    /// In the server's words.
    pub(super) said: String,
    /// When the server wants to be asked again.
    pub(super) again_in: Option<Duration>,
    /// The request showed images.
    pub(super) showed_images: bool,
}

impl Failure {
    /// One that nobody said anything about.
    pub(super) fn of(fault: AgentFault, said: &str) -> Self {
        Self { fault, said: said.to_owned(), again_in: None, showed_images: false }
    }

    /// As people are told.
    pub(super) fn problem_text(&self) -> String {
        match self.problem() {
            Problem::Agent { message, .. } => message,
            _ => self.said.clone(),
        }
    }

    /// For the end of a turn.
    pub(super) fn problem(&self) -> Problem {
        let said = nox_domain::terminal::harmless(self.said.as_bytes());
        let said: String = said.trim().trim_end_matches('.').chars().take(SAID_CHARS).collect();
        let (what, todo) = words(self.fault);
        let message = match said.is_empty() {
            true => format!("{what}. {todo}"),
            false => format!("{what}: {said}. {todo}"),
        };
        let until = self.again_in.filter(|_| self.fault == AgentFault::RateLimit).map(from_now);
        Problem::Agent { fault: self.fault, message, until }
    }
}

fn from_now(wait: Duration) -> At {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    At(i64::try_from((now + wait).as_millis()).unwrap_or(i64::MAX))
}

/// What an error of a request means.
pub(super) fn of_error(error: &genai::Error, key: Option<&SecretString>) -> Failure {
    let mut failure = read(error);
    failure.said = without_keys(&failure.said, key);
    failure
}

fn read(error: &genai::Error) -> Failure {
    use genai::Error;
    match error {
        Error::HttpError { status, body, headers, .. } => of_status(status.as_u16(), body, headers),
        Error::WebStream { error: inner, .. } => match inner.downcast_ref::<Error>() {
            Some(inner) => read(inner),
            None => of_transport(inner.downcast_ref::<reqwest::Error>()),
        },
        Error::WebModelCall { webc_error, .. } | Error::WebAdapterCall { webc_error, .. } => {
            use genai::webc::Error as Web;
            match webc_error {
                Web::ResponseFailedStatus { status, body, headers } => {
                    of_status(status.as_u16(), body, headers)
                }
                Web::Reqwest(inner) => of_transport(Some(inner)),
                Web::ResponseFailedNotJson { .. } | Web::ResponseFailedInvalidJson { .. } => {
                    Failure::of(AgentFault::Protocol, "its answer is no JSON")
                }
                Web::JsonValueExt(_) => Failure::of(AgentFault::Protocol, "a part of its answer is missing"),
            }
        }
        Error::ChatResponse { body, .. } => of_event(body),
        Error::StreamParse { .. } | Error::SerdeJson(_) => {
            Failure::of(AgentFault::Protocol, "a part of its answer is no JSON")
        }
        Error::JsonValueExt(_) | Error::InvalidJsonResponseElement { .. } => {
            Failure::of(AgentFault::Protocol, "a part of its answer is missing")
        }
        Error::MessageContentTypeNotSupported { cause, .. } => Failure::of(AgentFault::Refused, cause),
        // The others are about a request that could not be made; some of them would show all of it.
        _ => Failure::of(AgentFault::Refused, "the request cannot be made with these settings"),
    }
}

/// No answer, or one that broke off.
fn of_transport(error: Option<&reqwest::Error>) -> Failure {
    let said = match error {
        Some(error) if error.is_timeout() => "it took too long",
        Some(error) if error.is_connect() => "nobody answers at its address",
        Some(error) if error.is_builder() => {
            return Failure::of(AgentFault::Refused, "its address cannot be read");
        }
        Some(error) if error.is_redirect() => "it leads to another address",
        _ => "its answer broke off",
    };
    Failure::of(AgentFault::Unreachable, said)
}

fn of_status(status: u16, body: &str, headers: &HeaderMap) -> Failure {
    let said = match serde_json::from_str::<Value>(body) {
        Ok(body) => message_of(&body).unwrap_or_default(),
        Err(_) => body.lines().next().unwrap_or_default().to_owned(),
    };
    let says = |words: &[&str]| words.iter().any(|word| body.to_lowercase().contains(word));
    let fault = match status {
        401 | 403 => AgentFault::BadKey,
        // There is no money left: that does not change by waiting.
        429 if says(&["insufficient_quota", "exceeded your current quota", "billing"]) => AgentFault::Refused,
        429 => AgentFault::RateLimit,
        503 | 529 => AgentFault::Overloaded,
        413 => AgentFault::ContextFull,
        400 | 422 | 500 if says(TOO_LONG) => AgentFault::ContextFull,
        408 | 409 | 425 | 500.. => AgentFault::Unreachable,
        300..400 => return Failure::of(AgentFault::Refused, "it leads to another address"),
        _ => AgentFault::Refused,
    };
    let said = if said.trim().is_empty() { format!("status {status}") } else { said };
    Failure { again_in: retry_after(headers), ..Failure::of(fault, &said) }
}

/// How servers say that a conversation is too long.
const TOO_LONG: &[&str] = &[
    "prompt is too long",
    "context_length_exceeded",
    "maximum context length",
    "context window",
    "context size",
    "exceeds the context",
    "too many tokens",
];

/// An error that comes inside of an answer.
fn of_event(body: &Value) -> Failure {
    let said = message_of(body).unwrap_or_else(|| body.to_string());
    let kind = body["error"]["type"].as_str().or_else(|| body["type"].as_str()).unwrap_or_default();
    let all = format!("{kind} {said}").to_lowercase();
    let fault = match () {
        () if all.contains("overloaded") => AgentFault::Overloaded,
        () if all.contains("rate_limit") || all.contains("rate limit") => AgentFault::RateLimit,
        () if TOO_LONG.iter().any(|word| all.contains(word)) => AgentFault::ContextFull,
        () if all.contains("invalid_request") || all.contains("not_found") => AgentFault::Refused,
        () => AgentFault::Unreachable,
    };
    Failure::of(fault, &said)
}

/// The words in an error's JSON, in the forms that the wires know.
fn message_of(body: &Value) -> Option<String> {
    [&body["error"]["message"], &body["message"], &body["error"], &body["detail"]]
        .into_iter()
        .find_map(Value::as_str)
        .map(str::to_owned)
}

/// How long a server wants to be left alone: seconds, milliseconds or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let text = text("retry-after")?;
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis();
    Some(Duration::from_millis(u64::try_from(i128::from(at) - i128::try_from(now).ok()?).unwrap_or(0)))
}

/// Some servers repeat the key in what they say, whole or in part.
fn without_keys(said: &str, key: Option<&SecretString>) -> String {
    let key = key.map(|key| key.expose_secret().trim()).filter(|key| key.len() >= 4);
    let said = key.map_or_else(|| said.to_owned(), |key| said.replace(key, "(the key)"));
    let words = said.split_inclusive(char::is_whitespace).map(|word| match word.contains("sk-") {
        true => format!("(a key){}", &word[word.trim_end().len()..]),
        false => word.to_owned(),
    });
    words.collect()
}

fn words(fault: AgentFault) -> (&'static str, &'static str) {
    match fault {
        AgentFault::NotSignedIn => (
            "The model server wants a key",
            "Store it in Settings → API keys and choose it as Key of its agent.",
        ),
        AgentFault::BadKey => {
            ("The model server does not take the key", "Store a good one in Settings → API keys.")
        }
        AgentFault::RateLimit => ("Too much was asked of the model server", "Wait, then ask again."),
        AgentFault::Overloaded => ("The model server has too much to do", "Ask again later."),
        AgentFault::ContextFull => (
            "The conversation is longer than the model can read",
            "Begin a new session, or set context_tokens in [program] of agent.toml to what the model can read.",
        ),
        AgentFault::Unreachable => (
            "The model server does not answer",
            "Look whether it runs, whether the network is on, and whether the address is right.",
        ),
        AgentFault::Protocol => (
            "What the model server says is not understood",
            "Look whether provider and address in [program] of agent.toml fit each other.",
        ),
        AgentFault::Elsewhere => {
            ("Another session carries this conversation on", "Stop that one first, or start a new session.")
        }
        AgentFault::Settings => (
            "The settings of the agent are not enough",
            "Mend them in Agents, or in [program] of agent.toml.",
        ),
        AgentFault::Refused | AgentFault::NotInstalled | AgentFault::Crashed => (
            "The model server refused what was asked",
            "Look at the model's name and the other settings in [program] of agent.toml, then ask anew.",
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn status(status: u16, body: &str) -> AgentFault {
        of_status(status, body, &HeaderMap::new()).fault
    }

    #[test]
    fn codes_come_before_words() {
        let cases = [
            (401, "no luck", AgentFault::BadKey),
            (403, "{}", AgentFault::BadKey),
            (429, "slow down", AgentFault::RateLimit),
            (429, r#"{"error":{"code":"insufficient_quota"}}"#, AgentFault::Refused),
            (529, "", AgentFault::Overloaded),
            (400, r#"{"error":{"message":"prompt is too long: 9 > 8"}}"#, AgentFault::ContextFull),
            (400, "no luck", AgentFault::Refused),
            (404, r#"{"error":"model \"x\" not found"}"#, AgentFault::Refused),
            (502, "<html>", AgentFault::Unreachable),
        ];
        for (code, body, fault) in cases {
            assert_eq!(status(code, body), fault, "{code} {body}");
        }
    }

    #[test]
    fn the_words_of_all_wires_are_found() {
        for body in [r#"{"error":{"message":"no"}}"#, r#"{"error":"no"}"#, r#"{"message":"no"}"#] {
            assert_eq!(of_status(400, body, &HeaderMap::new()).said, "no");
        }
    }

    #[test]
    fn a_time_to_wait_is_read_in_every_form() {
        let read = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(read("retry-after", "2"), Some(Duration::from_secs(2)));
        assert_eq!(read("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        assert_eq!(read("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert!(read("retry-after", "Fri, 31 Dec 2100 23:59:59 GMT").unwrap() > Duration::from_secs(3600));
        assert_eq!(read("retry-after", "-1"), None);
        assert_eq!(read("retry-after", "soon"), None);
    }

    #[test]
    fn a_key_is_never_repeated() {
        let key = SecretString::from("very-secret".to_owned());
        let said = "Incorrect API key very-secret, or sk-ab***yz perhaps\u{1b}[2J";
        let shown = without_keys(said, Some(&key));
        assert!(!shown.contains("very-secret") && !shown.contains("sk-"), "{shown}");
        let Problem::Agent { message, .. } = Failure::of(AgentFault::BadKey, &shown).problem() else {
            unreachable!("it is the agent's")
        };
        assert!(!message.contains('\u{1b}') && message.contains("API keys"), "{message}");
    }

    #[test]
    fn an_error_inside_of_an_answer_is_read() {
        let body = serde_json::json!({ "type": "error",
            "error": { "type": "overloaded_error", "message": "Overloaded" } });
        assert_eq!(of_event(&body).fault, AgentFault::Overloaded);
    }
}
