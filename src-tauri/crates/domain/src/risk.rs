//! How dangerous a tool call looks: a help for the eye. It never allows anything.

use crate::tool::{Risk, ToolCall};

/// Programs whose effects leave the machine or cannot be taken back.
const HIGH: &[&str] = &[
    "rm",
    "dd",
    "mkfs",
    "shred",
    "sudo",
    "su",
    "doas",
    "shutdown",
    "reboot",
    "kill",
    "pkill",
    "killall",
    "chown",
    "chmod",
    "ssh",
    "scp",
    "rsync",
    "ftp",
    "mail",
    "sendmail",
    "crontab",
    "systemctl",
    "mount",
    "umount",
    "fdisk",
    "iptables",
    "eval",
    "exec",
];
/// Programs that only look.
const LOW: &[&str] = &[
    "ls", "cat", "head", "tail", "wc", "echo", "printf", "pwd", "date", "df", "du", "free", "uptime",
    "uname", "id", "whoami", "hostname", "grep", "rg", "stat", "file", "which", "true", "false", "sleep",
    "seq", "ps", "cal", "nproc", "sort", "uniq", "diff", "cd", "test",
];

/// How dangerous a text looks, with the word that made it so. A help for the eye: it never allows anything.
pub fn risk_of(call: &ToolCall) -> (Risk, String) {
    let mut risk = (Risk::Low, String::new());
    let mut raise = |to: Risk, word: &str| {
        if to > risk.0 {
            risk = (to, word.to_owned());
        }
    };
    let separators = |c: char| matches!(c, ';' | '&' | '|' | '(' | ')' | '{' | '}' | '\n' | '`');
    for part in call.text.split(separators) {
        let mut words =
            part.split_whitespace().map(|word| word.trim_matches(['"', '\'', '$'])).skip_while(|word| {
                word.contains('=')
                    || matches!(
                        *word,
                        "then" | "do" | "else" | "if" | "while" | "!" | "time" | "nohup" | "env"
                    )
            });
        let Some(program) = words.next().filter(|word| !word.is_empty() && !word.starts_with('#')) else {
            continue;
        };
        let name = program.rsplit('/').next().unwrap_or(program);
        let second = words.next().unwrap_or_default();
        if HIGH.contains(&name) || matches!((name, second), ("git", "push") | ("npm" | "cargo", "publish")) {
            raise(Risk::High, name);
        } else if !LOW.contains(&name) {
            raise(Risk::Medium, name);
        }
    }
    if call.text.contains('>') {
        raise(Risk::Medium, ">");
    }
    risk
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::ToolKind;

    fn call(text: &str) -> ToolCall {
        ToolCall {
            key: "block:1".into(),
            kind: ToolKind::Execute,
            title: text.into(),
            text: text.into(),
            shell: "sh".into(),
            folder: "/p".into(),
            outside: false,
            environment: vec![],
            environment_hash: String::new(),
            sandbox: "none".into(),
            timeout_seconds: None,
            continue_on_failure: false,
            ..ToolCall::default()
        }
    }

    #[test]
    fn risk_names_the_word() {
        assert_eq!(risk_of(&call("df -h")).0, Risk::Low);
        assert_eq!(risk_of(&call("make")), (Risk::Medium, "make".into()));
        assert_eq!(risk_of(&call("cd x && /bin/rm -r y")), (Risk::High, "rm".into()));
        assert_eq!(risk_of(&call("git push")), (Risk::High, "git".into()));
        assert_eq!(risk_of(&call("echo x > y")), (Risk::Medium, ">".into()));
    }
}
