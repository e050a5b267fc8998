//! Masks secrets in text: exact values that were registered, and what looks like a key, token or password.
//!
//! The log uses it for every line; whoever shows or stores foreign text (an error of a child, a diagnostics file) may use
//! [`redact_text`] too. It is a net and not a proof: a secret of unknown shape that nobody registered passes. So whoever
//! takes a secret out of the keychain registers it first.
//!
//! Text may be JSON inside JSON: rules accept escaped quotes and line breaks, and registered values are also looked for in
//! their escaped forms.

use nox_secrets::{ExposeSecret, SecretString};
use regex::{Captures, Regex};
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{LazyLock, PoisonError, RwLock};

/// What stands in a secret's place.
pub const MASK: &str = "[redacted]";

/// Shorter values are not masked by value: they would take common words out of the log.
pub const MIN_REGISTERED_BYTES: usize = 6;

/// A line of a registered value is looked for by itself from this length on.
const MIN_LINE_BYTES: usize = 12;

/// Every form of every registered value, the longest first, so that no value masks a part of a longer one.
static REGISTERED: RwLock<Vec<SecretString>> = RwLock::new(Vec::new());

/// Masks this value from now on wherever it appears, in this process, until it ends.
///
/// Values under [`MIN_REGISTERED_BYTES`] are left to the rules.
pub fn register(secret: &SecretString) {
    let value = secret.expose_secret().trim();
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    let lines = value.lines().map(str::trim).filter(|line| line.len() >= MIN_LINE_BYTES);
    for part in std::iter::once(value).chain(lines).filter(|part| part.len() >= MIN_REGISTERED_BYTES) {
        for form in forms(part) {
            if !registered.iter().any(|known| known.expose_secret() == form) {
                registered.push(SecretString::from(form));
            }
        }
    }
    registered.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
}

/// A value as it is, in JSON, in JSON within JSON, as Rust's `Debug` writes it, and in a URL.
fn forms(value: &str) -> Vec<String> {
    let once = in_json(value);
    let twice = in_json(&once);
    let in_url = value
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    vec![value.to_owned(), once, twice, value.escape_debug().to_string(), in_url]
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The names of fields whose value is always a secret. A plural such as `input_tokens` is a count and not among them.
const NAMES: &str = r"(?:api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|signing[_-]?key|secret|password|passwd|passphrase|pwd|token|credentials?|cookie)";

/// Rules whose whole match is the secret. Each follows the issuer's published format, loosely.
const WHOLE: [&str; 8] = [
    // A private key in PEM form; one that was cut off is masked to the end.
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    // Anthropic, OpenAI projects and OpenRouter: distinct enough to need no word boundary.
    r"sk-(?:ant|proj|or|svcacct)-[A-Za-z0-9_-]{6,}",
    // GitHub and GitLab.
    r"(?:gh[pousr]_|github_pat_|glpat-)[A-Za-z0-9_-]{16,}",
    // AWS key ids.
    r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    // Google, Slack, npm, Hugging Face, Stripe.
    r"AIza[0-9A-Za-z_-]{30,}|xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|npm_[A-Za-z0-9]{30,}",
    r"hf_[A-Za-z0-9]{20,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
    // JSON Web Tokens: two parts of base64url that begin with `{"`, and a signature.
    r"eyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?",
    r"age-secret-key-1[a-z0-9]{20,}|AGE-SECRET-KEY-1[A-Z0-9]{20,}",
];

/// Rules with the text before the secret in group 1 and the secret after it.
const AFTER: [&str; 5] = [
    // `sk-` begins many words in mid-word (“task-…”): it counts at a word's start, after an escape or after a colour.
    r"(\b|_|\\[nrtbf]|\\u[0-9a-fA-F]{4}|\[[0-9;]*m)sk-[A-Za-z0-9_-]{12,}",
    r"((?i:authorization)\\*[\x22']?\s*[:=]\s*\\*[\x22']?(?:[A-Za-z]+\s+)?)(?:\[redacted\]|[A-Za-z0-9+/=._~-]{4,})",
    r"((?i:\bbearer|\\[nrt]bearer)(?:\s|\\[nrt]|%20|\+)+)[A-Za-z0-9+/=._~-]{6,}",
    // The password of a URL.
    r"([A-Za-z][A-Za-z0-9+.-]*://[^/\s:@\x22'\\]*:)[^@/\s\x22'\\]+@",
    // A flag with its value as the next word.
    r"(--?[A-Za-z0-9-]*(?i:api-?key|access-key|secret|password|passphrase|token)\s+)[^\s\x22'\\-][^\s\x22'\\]*",
];

struct Rules {
    whole: Vec<Regex>,
    after: Vec<Regex>,
    named: Option<Regex>,
    name: Option<Regex>,
}

// The patterns are constants; a test compiles each, so none is missing here.
static RULES: LazyLock<Rules> = LazyLock::new(|| Rules {
    whole: WHOLE.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect(),
    after: AFTER.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect(),
    named: Regex::new(&named_pattern()).ok(),
    name: Regex::new(&format!("(?i)(?:^|[_.-]){NAMES}$|(?i)^authorization$")).ok(),
});

/// `name = value` in all its dresses: `api_key=…`, `"token": "…"`, `\"token\":\"…\"`, `token: Some("…")`, `password='…'`.
fn named_pattern() -> String {
    let quote = r"[\x22']";
    [
        format!(r"(?i)(?P<name>{NAMES}(?P<close>\\*{quote})?\s*(?:=>|[:=])\s*(?:\w+\(\s*)*)"),
        r"(?:(?P<open2>\\+\x22)(?P<in2>[^\x22]*?)(?P<shut2>\\+\x22)".to_owned(),
        r"|(?P<open1>\x22)(?P<in1>(?:[^\x22\\]|\\[\s\S])*)(?P<shut1>\x22?)".to_owned(),
        r"|(?P<open3>')(?P<in3>[^']*)(?P<shut3>'?)".to_owned(),
        r"|(?P<bare>[^\s\x22'\\,;&)}\]<>]+))".to_owned(),
    ]
    .concat()
}

/// Whether a field of this name holds a secret, so that its value is masked whatever it looks like.
pub(super) fn is_secret_name(name: &str) -> bool {
    RULES.name.as_ref().is_some_and(|rule| rule.is_match(name))
}

/// The text with every secret in it replaced by [`MASK`]; borrowed when there is none.
pub fn redact_text(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for form in REGISTERED.read().unwrap_or_else(PoisonError::into_inner).iter() {
        if text.contains(form.expose_secret()) {
            text = Cow::Owned(text.replace(form.expose_secret(), MASK));
        }
    }
    for rule in &RULES.whole {
        text = replaced(text, rule, |_| MASK.to_owned());
    }
    for rule in &RULES.after {
        text = replaced(text, rule, |found| {
            let at_sign = if found[0].ends_with('@') { "@" } else { "" };
            format!("{}{MASK}{at_sign}", &found[1])
        });
    }
    match &RULES.named {
        Some(rule) => replaced(text, rule, mask_named),
        None => text,
    }
}

fn mask_named(found: &Captures<'_>) -> String {
    let name = &found["name"];
    if let Some(bare) = found.name("bare") {
        let bare = bare.as_str();
        // JSON's own words and numbers are no secrets, and masking them would break the JSON around them.
        let is_json = found.name("close").is_some()
            && (matches!(bare, "true" | "false" | "null") || bare.parse::<f64>().is_ok());
        let is_masked = MASK.starts_with(bare);
        return if is_json || is_masked { found[0].to_owned() } else { format!("{name}{MASK}") };
    }
    for (open, inside, shut) in
        [("open1", "in1", "shut1"), ("open2", "in2", "shut2"), ("open3", "in3", "shut3")]
    {
        if let (Some(open), Some(inside), Some(shut)) =
            (found.name(open), found.name(inside), found.name(shut))
        {
            let mask = if inside.is_empty() { "" } else { MASK };
            return format!("{name}{}{mask}{}", open.as_str(), shut.as_str());
        }
    }
    format!("{name}{MASK}")
}

fn replaced<'a>(text: Cow<'a, str>, rule: &Regex, with: impl Fn(&Captures<'_>) -> String) -> Cow<'a, str> {
    match rule.replace_all(&text, with) {
        Cow::Borrowed(_) => text,
        Cow::Owned(new) if new == *text => text,
        Cow::Owned(new) => Cow::Owned(new),
    }
}

/// The last gate before the disk: masks each line once more, and never lets masking make it less than JSON.
pub(super) struct RedactingWriter<W> {
    inner: W,
}

impl<W: Write> RedactingWriter<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner }
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    /// Takes a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        match redact_text(&text) {
            Cow::Borrowed(text) => self.inner.write_all(text.as_bytes())?,
            Cow::Owned(masked)
                if serde_json::from_str::<serde::de::IgnoredAny>(&masked).is_ok()
                    && masked.ends_with('\n') =>
            {
                self.inner.write_all(masked.as_bytes())?;
            }
            Cow::Owned(_) => {
                let at = jiff::Timestamp::now().as_millisecond();
                let rest =
                    r#""level":"WARN","target":"nox::log","message":"a line was left out: it held a secret""#;
                self.inner.write_all(format!("{{\"at\":{at},{rest}}}\n").as_bytes())?;
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn every_rule_compiles() {
        assert_eq!(RULES.whole.len(), WHOLE.len());
        assert_eq!(RULES.after.len(), AFTER.len());
        assert!(RULES.named.is_some() && RULES.name.is_some());
    }

    #[test]
    fn what_looks_like_a_secret_is_masked_and_the_rest_stays() {
        for (text, wanted) in [
            ("key sk-ant-api03-CANARYcanary123 end", "key [redacted] end"),
            ("key sk-CANARYcanary1234 end", "key [redacted] end"),
            ("\u{1b}[31msk-CANARYcanary1234", "\u{1b}[31m[redacted]"),
            (r"a\nsk-CANARYcanary1234\n", r"a\n[redacted]\n"),
            ("ghp_CANARY0123456789abcdef", "[redacted]"),
            ("github_pat_11CANARY_0123456789abcdef", "[redacted]"),
            ("id AKIACANARY0123456789 ok", "id [redacted] ok"),
            ("Authorization: Bearer CANARY.abc-def", "Authorization: Bearer [redacted]"),
            ("Authorization: Basic Q0FOQVJZOng=", "Authorization: Basic [redacted]"),
            (r#"{"authorization":"Bearer CANARYxyz"}"#, r#"{"authorization":"Bearer [redacted]"}"#),
            (r"x\nbearer\tCANARYxyz", r"x\nbearer\t[redacted]"),
            ("api_key=CANARY&x=1", "api_key=[redacted]&x=1"),
            ("OPENAI_API_KEY=CANARY ./run", "OPENAI_API_KEY=[redacted] ./run"),
            (r#"{"token":"CANARY","n":1}"#, r#"{"token":"[redacted]","n":1}"#),
            (r#"{"token" : "CAN\"ARY","n":1}"#, r#"{"token" : "[redacted]","n":1}"#),
            (r#"{\"token\":\"CANARY\",\"n\":1}"#, r#"{\"token\":\"[redacted]\",\"n\":1}"#),
            (r#"{\\\"token\\\":\\\"CANARY\\\"}"#, r#"{\\\"token\\\":\\\"[redacted]\\\"}"#),
            (r#"Key { token: Some("CANARY") }"#, r#"Key { token: Some("[redacted]") }"#),
            ("password='CAN ARY' x", "password='[redacted]' x"),
            ("client_secret: CANARY, id: 2", "client_secret: [redacted], id: 2"),
            ("run --api-key CANARY now", "run --api-key [redacted] now"),
            ("jwt eyJhbGciOiJI.eyJDQU5BUlk.CANARYsig.", "jwt [redacted]."),
            ("https://user:CANARY@host/x", "https://user:[redacted]@host/x"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nCANARY\n-----END RSA PRIVATE KEY-----\nrest",
                "[redacted]\nrest",
            ),
            (r"-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n", r"[redacted]\n"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY and cut", "[redacted]"),
        ] {
            let masked = redact_text(text);
            assert_eq!(masked, wanted);
            assert_eq!(redact_text(&masked), wanted, "masking twice changes nothing more");
        }
    }

    #[test]
    fn ordinary_text_is_not_touched() {
        for text in [
            "task-runner-with-a-long-name finished",
            r"\task-runner-with-a-long-name",
            r#"{"input_tokens":1234,"output_tokens": 5,"token":null,"password":false}"#,
            "tokens: 12, the secretary said: no",
            "bearer of news",
            "https://example.org:8080/path?x=1 and user@example.org",
            "/home/me/desk-organiser-for-work.md",
            "the token was refused",
        ] {
            assert!(matches!(redact_text(text), Cow::Borrowed(_)), "{text} became {}", redact_text(text));
        }
    }

    #[test]
    fn a_registered_value_is_masked_in_every_form() {
        let value = "C4n\"ar\\y\n word+1";
        register(&SecretString::from(value.to_owned()));
        register(&SecretString::from("C4n\"ar".to_owned()));
        register(&SecretString::from("tiny".to_owned()));
        let once = serde_json::to_string(value).unwrap();
        let twice = serde_json::to_string(&once).unwrap();
        let url = "https://h/?q=C4n%22ar%5Cy%0A%20word%2B1&z".to_owned();
        for text in [value.to_owned(), once, twice, format!("{value:?}"), url] {
            let masked = redact_text(&text).into_owned();
            assert!(masked.contains(MASK) && !masked.contains("word") && !masked.contains("C4n"), "{masked}");
        }
        assert_eq!(redact_text("a tiny thing"), "a tiny thing");
    }

    #[test]
    fn a_long_line_of_a_registered_value_is_masked_alone() {
        register(&SecretString::from("begin-of-it-0001\nmiddle-of-it-0002\nend".to_owned()));
        assert_eq!(redact_text("line: middle-of-it-0002."), "line: [redacted].");
    }

    #[test]
    fn a_line_that_masking_would_break_is_left_out() {
        let mut out = Vec::new();
        RedactingWriter::new(&mut out)
            .write_all(b"{\"a\":\"-----BEGIN PRIVATE KEY-----\",\"b\":\"CANARY\"}\n")
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("CANARY"));
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "WARN");
    }
}
