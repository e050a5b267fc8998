//! Recognises values that are probably keys or passwords, so that none of them ends in a file, a commit or a message.

/// Beginnings that providers give to their keys.
const PREFIXES: &[&str] = &[
    "sk-",
    "sk_live_",
    "rk_live_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "npm_",
    "hf_",
    "gsk_",
    "pypi-",
    "dop_v1_",
    "-----BEGIN",
    "eyJ",
];

/// Shortest rest behind a prefix that is taken for a key.
const SHORTEST_KEY: usize = 12;

/// Whether a value looks like a secret, by its name or by itself. A warning light, no proof in either direction.
pub fn looks_like_secret(name: &str, value: &str) -> bool {
    is_key(value.trim()) || (names_a_secret(name) && could_be_secret(value.trim()))
}

fn is_key(value: &str) -> bool {
    PREFIXES.iter().any(|prefix| value.strip_prefix(prefix).is_some_and(|rest| rest.len() >= SHORTEST_KEY))
}

fn names_a_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let parts: Vec<&str> =
        upper.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    // `SSH_KEY_PATH` and `TOKEN_URL` say where something is, not what it is.
    if matches!(parts.last(), Some(&("PATH" | "FILE" | "DIR" | "URL" | "ID" | "NAME" | "COMMAND" | "HELPER")))
    {
        return false;
    }
    let word = |part: &&str| {
        matches!(
            *part,
            "TOKEN"
                | "SECRET"
                | "PASSWORD"
                | "PASSWD"
                | "PASSPHRASE"
                | "APIKEY"
                | "CREDENTIAL"
                | "CREDENTIALS"
                | "PAT"
        )
    };
    let pair = |pair: &[&str]| {
        matches!(pair, ["API" | "ACCESS" | "PRIVATE" | "SIGNING" | "ENCRYPTION" | "AUTH", "KEY"])
    };
    parts.iter().any(word) || parts.windows(2).any(pair)
}

fn could_be_secret(value: &str) -> bool {
    let is_number = value.parse::<f64>().is_ok() && value.len() < 8;
    let is_place = value.starts_with(['/', '~', '.', '$']);
    value.len() >= 4 && !is_number && !is_place && !matches!(value, "true" | "false" | "none" | "null")
}

/// A line of a file with everything masked that looks like a secret.
pub(crate) fn masked(line: &str) -> String {
    if let Some((name, value)) = line.split_once('=') {
        let bare = value.trim().trim_matches(['"', '\'']);
        if looks_like_secret(name.trim(), bare) {
            return format!("{name}= ••••");
        }
    }
    let mut shown = String::with_capacity(line.len());
    let is_separator = |c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '=' | '[' | ']' | '{' | '}' | ':' | '/')
    };
    for word in line.split_inclusive(is_separator) {
        let bare = word.trim_end_matches(is_separator);
        if is_key(bare) {
            shown.push_str("••••");
            shown.push_str(&word[bare.len()..]);
        } else {
            shown.push_str(word);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{looks_like_secret, masked};

    #[test]
    fn keys_are_seen_and_settings_are_not() {
        for (name, value) in [
            ("ANTHROPIC_API_KEY", "abcd1234"),
            ("GH_TOKEN", "x1y2z3"),
            ("DB_PASSWORD", "hunter2"),
            ("ANYTHING", "ghp_0123456789abcdef"),
            ("aws_secret_access_key", "wJalr"),
        ] {
            assert!(looks_like_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("MAX_TOKENS", "4000"),
            ("TOKENIZERS_PARALLELISM", "false"),
            ("TOKEN", "100"),
            ("SSH_KEY_PATH", "/home/me/.ssh/id"),
            ("PASSWORD_FILE", "secret.txt"),
            ("EDITOR", "vim"),
            ("KEYBOARD", "de-latin1"),
        ] {
            assert!(!looks_like_secret(name, value), "{name}");
        }
    }

    #[test]
    fn what_is_shown_of_a_file_has_no_keys() {
        assert_eq!(masked("API_KEY = \"abcd1234\" # mine"), "API_KEY = ••••");
        assert_eq!(masked("x = [\"ghp_0123456789abcdef\", 1]"), "x = [\"••••\", 1]");
        assert_eq!(masked("name = \"Builder\""), "name = \"Builder\"");
    }
}
