//! The policy: which tool calls run unasked, which are asked, which never run. Pure.
//!
//! The strictest matching rule wins; the default of the kind applies only when no rule matches. A prefix rule matches
//! one *simple* command only: anything that a shell could read as more than one command, or as something else than
//! its words, is matched by its exact hash or not at all. What is not understood is asked, never allowed.

use crate::{
    ids::AgentId,
    tool::{ToolCall, ToolKind},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a rule says. The order is the strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Runs unasked.
    Allow,
    /// A person is asked.
    Ask,
    /// Never runs.
    Deny,
}

impl Effect {
    /// The word in `policy.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }

    /// Reads a word of `policy.toml`.
    pub fn read(text: &str) -> Option<Self> {
        [Self::Allow, Self::Ask, Self::Deny].into_iter().find(|effect| effect.as_str() == text)
    }
}

/// What a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Matcher {
    /// A simple command that begins with these words, compared letter by letter.
    Prefix(Vec<String>),
    /// Exactly this text, by [`ToolCall::text_hash`].
    Exact(String),
    /// Every call of the rule's kind.
    Any,
}

/// One rule of `policy.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Rule {
    /// Its name in the file, unique.
    pub id: String,
    /// What it says.
    pub effect: Effect,
    /// Which kind of tool call it is about.
    pub kind: ToolKind,
    /// Which calls of that kind.
    pub matcher: Matcher,
    /// Only for this agent; none means all.
    pub agent: Option<AgentId>,
    /// Why it is there, in the words of the person who wrote it.
    pub note: String,
}

/// The whole policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Policy {
    /// What happens when no rule matches. A kind that is not named is asked.
    pub defaults: BTreeMap<ToolKind, Effect>,
    /// The rules, in the order of the file, which has no meaning.
    pub rules: Vec<Rule>,
}

impl Default for Policy {
    /// Thinking, reading and searching run unasked; everything else is asked.
    fn default() -> Self {
        let defaults = ToolKind::ALL
            .iter()
            .map(|kind| {
                let harmless = matches!(kind, ToolKind::Read | ToolKind::Search | ToolKind::Think);
                (*kind, if harmless { Effect::Allow } else { Effect::Ask })
            })
            .collect();
        Self { defaults, rules: Vec::new() }
    }
}

/// Why a call was allowed, asked or denied; a code and its parts, for the faces' texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Why {
    /// A rule matched.
    Rule {
        /// Its id.
        rule: String,
    },
    /// No rule matched, so the default of the kind applies.
    NoRule,
    /// It asks something, and only a person can answer that.
    Question,
    /// The text is more than one simple command, and there are rules that could not be held against it.
    NotSimple,
    /// It starts another program, and there are rules that could not be held against that one.
    Indirect,
    /// It would run outside of the session's folder, where rules allow nothing.
    OutsideFolder,
    /// A person answered "for this session" before.
    Session,
    /// A person chose to run it again after its end was not seen.
    Again,
    /// The command line said so beforehand.
    Flag,
}

/// What the policy says about one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What happens.
    pub effect: Effect,
    /// Why.
    pub why: Why,
}

impl Policy {
    /// Judges one call of an agent.
    pub fn judge(&self, agent: &AgentId, call: &ToolCall) -> Judgement {
        let words = simple_command(&call.text);
        let hash = call.text_hash();
        let concerned = || {
            self.rules
                .iter()
                .filter(|rule| rule.kind == call.kind && rule.agent.as_ref().is_none_or(|only| only == agent))
        };
        let strictest = concerned()
            .filter(|rule| match &rule.matcher {
                Matcher::Prefix(prefix) => words.as_ref().is_some_and(|words| begins_with(words, prefix)),
                Matcher::Exact(exact) => *exact == hash,
                Matcher::Any => true,
            })
            .max_by_key(|rule| rule.effect);
        let (effect, why) = match strictest {
            Some(rule) => (rule.effect, Why::Rule { rule: rule.id.clone() }),
            None => (self.defaults.get(&call.kind).copied().unwrap_or(Effect::Ask), Why::NoRule),
        };
        if effect != Effect::Allow {
            return Judgement { effect, why };
        }
        let ask = |why| Judgement { effect: Effect::Ask, why };
        // What a person allowed, they allowed for the folder of the work: `./build.sh` is another program elsewhere.
        if call.outside {
            return ask(Why::OutsideFolder);
        }
        let is_strict =
            |rule: &&Rule| matches!(rule.matcher, Matcher::Prefix(_)) && rule.effect > Effect::Allow;
        // Only a person's word on exactly this text outweighs the doubts that follow.
        if concerned().any(|rule| matches!(&rule.matcher, Matcher::Exact(exact) if *exact == hash)) {
            return Judgement { effect, why };
        }
        let Some(words) = words else {
            // A stricter prefix rule cannot be held against a text that is not one simple command.
            return match concerned().any(|rule| is_strict(&rule)) {
                true => ask(Why::NotSimple),
                false => Judgement { effect, why },
            };
        };
        // Nor against a program that starts another one, or that goes by another path, unless a rule names that too.
        let is_named = concerned().any(|rule| {
            matches!(&rule.matcher, Matcher::Prefix(prefix) if rule.effect == Effect::Allow
                && (prefix.len() > 1 || words.len() == 1) && begins_with(&words, prefix))
        });
        let dodges = |rule: &Rule| match &rule.matcher {
            Matcher::Prefix(prefix) => prefix.first().is_some_and(|ruled| {
                starts_others(&words[0]) || (*ruled != words[0] && base_name(ruled) == base_name(&words[0]))
            }),
            _ => false,
        };
        if !is_named && concerned().filter(is_strict).any(dodges) {
            return ask(Why::Indirect);
        }
        Judgement { effect, why }
    }

    /// The matcher that "always" would write for this call: its first words if it is simple, else its exact text.
    ///
    /// The whole simple command is the prefix: a person can shorten it, Nox never widens it.
    pub fn always_matcher(call: &ToolCall) -> Matcher {
        match simple_command(&call.text) {
            Some(words) => Matcher::Prefix(words),
            None => Matcher::Exact(call.text_hash()),
        }
    }
}

/// Programs that run what their words or their input name: shells, interpreters, wrappers.
const STARTERS: &[&str] = &[
    "sh",
    "bash",
    "dash",
    "ash",
    "zsh",
    "ksh",
    "mksh",
    "fish",
    "csh",
    "tcsh",
    "busybox",
    "toybox",
    "env",
    "command",
    "builtin",
    "exec",
    "eval",
    ".",
    "source",
    "trap",
    "coproc",
    "compgen",
    "complete",
    "mapfile",
    "readarray",
    "enable",
    "bind",
    "function",
    "time",
    "timeout",
    "nice",
    "ionice",
    "nohup",
    "setsid",
    "stdbuf",
    "taskset",
    "chrt",
    "sudo",
    "doas",
    "su",
    "runuser",
    "pkexec",
    "chroot",
    "unshare",
    "nsenter",
    "setpriv",
    "capsh",
    "systemd-run",
    "start-stop-daemon",
    "fakeroot",
    "proot",
    "bwrap",
    "firejail",
    "xargs",
    "parallel",
    "find",
    "fd",
    "watch",
    "flock",
    "script",
    "strace",
    "ltrace",
    "gdb",
    "valgrind",
    "expect",
    "ssh",
    "screen",
    "tmux",
    "at",
    "batch",
    "awk",
    "gawk",
    "mawk",
    "perl",
    "ruby",
    "node",
    "deno",
    "bun",
    "php",
    "lua",
    "tclsh",
    "npx",
    "uvx",
    "make",
];

/// Whether a program starts others; versions count as well, as in `python3.12`.
fn starts_others(program: &str) -> bool {
    let name = base_name(program);
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    name == "."
        || plain == "python"
        || plain == "pypy"
        || STARTERS.contains(&name)
        || STARTERS.contains(&plain)
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn begins_with(words: &[String], prefix: &[String]) -> bool {
    !prefix.is_empty() && words.len() >= prefix.len() && words.iter().zip(prefix).all(|(a, b)| a == b)
}

/// The words of one simple command, or nothing if a shell could see anything else in the text.
///
/// Refused: newlines, `; & | < > $ ( )`, backticks, assignments in front, comments, globs, braces, a leading tilde,
/// history marks, control characters, open quotes. Quotes and backslashes are resolved as `sh` does.
pub fn simple_command(text: &str) -> Option<Vec<String>> {
    let line = text.strip_suffix('\n').unwrap_or(text).trim_matches([' ', '\t']);
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '\'' => break,
                        c if c.is_control() => return None,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '$' | '`' | '!' => return None,
                        '\\' => match letters.next()? {
                            c @ ('"' | '\\') => word.push(c),
                            '$' | '`' | '!' => return None,
                            c if c.is_control() => return None,
                            c => word.extend(['\\', c]),
                        },
                        c if c.is_control() => return None,
                        c => word.push(c),
                    }
                }
            }
            '\\' => match letters.next()? {
                c if c.is_control() => return None,
                c => word.get_or_insert_default().push(c),
            },
            ';' | '&' | '|' | '<' | '>' | '$' | '(' | ')' | '`' | '*' | '?' | '[' | ']' | '{' | '}' | '!'
            | '#' | '~' => return None,
            c if c.is_control() => return None,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let first = words.first()?;
    // `NAME=value program` runs the program in another environment; the words alone do not say which.
    if first.is_empty() || first.contains('=') {
        return None;
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

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

    fn rule(id: &str, effect: Effect, words: &[&str]) -> Rule {
        Rule {
            id: id.into(),
            effect,
            kind: ToolKind::Execute,
            matcher: Matcher::Prefix(words.iter().map(|w| (*w).to_owned()).collect()),
            agent: None,
            note: String::new(),
        }
    }

    fn judge(rules: Vec<Rule>, text: &str) -> Effect {
        let policy = Policy { rules, ..Policy::default() };
        policy.judge(&AgentId::parse("runbook").unwrap(), &call(text)).effect
    }

    #[test]
    fn an_allowed_prefix_cannot_carry_a_second_command() {
        let allow = || vec![rule("ls", Effect::Allow, &["ls"])];
        assert_eq!(judge(allow(), "ls -l /tmp\n"), Effect::Allow);
        for dodge in [
            "ls; rm -rf /",
            "ls && rm x",
            "ls | sh",
            "ls `rm x`",
            "ls $(rm x)",
            "ls > /etc/passwd",
            "ls\nrm x",
            "LS_COLORS=x ls",
            "lsof",
            "ls &",
            "ls <(rm x)",
            "\"ls;rm\" x",
            "ls $HOME",
            "ls *",
            "ls {a,b}",
            "ls 'open",
            "# ls",
            "ls \\\nrm",
            "ls ~",
            "ls\rrm x",
            "ls\0",
        ] {
            assert_eq!(judge(allow(), dodge), Effect::Ask, "{dodge:?}");
        }
    }

    #[test]
    fn the_strictest_rule_wins_and_doubt_asks() {
        let rules =
            || vec![rule("git", Effect::Allow, &["git"]), rule("push", Effect::Deny, &["git", "push"])];
        assert_eq!(judge(rules(), "git status"), Effect::Allow);
        assert_eq!(judge(rules(), "git push origin"), Effect::Deny);
        assert_eq!(judge(rules(), "g'i't \"push\""), Effect::Deny);
        assert_eq!(judge(rules(), "g\\it pu\\sh"), Effect::Deny);
        let mut open = Policy { rules: rules(), ..Policy::default() };
        open.defaults.insert(ToolKind::Execute, Effect::Allow);
        let agent = AgentId::parse("a").unwrap();
        assert_eq!(open.judge(&agent, &call("cd x && git push")).effect, Effect::Ask);
        open.rules.push(Rule { matcher: Matcher::Any, ..rule("any", Effect::Allow, &[]) });
        assert_eq!(open.judge(&agent, &call("cd x && git push")).effect, Effect::Ask);
        let exact = call("cd x && git push").text_hash();
        open.rules.push(Rule { matcher: Matcher::Exact(exact), ..rule("exact", Effect::Allow, &[]) });
        // The most recent of equally strict matches may be any of the two; the exact one has to be found.
        open.rules.retain(|r| r.id != "any");
        assert_eq!(open.judge(&agent, &call("cd x && git push")).effect, Effect::Allow);
        assert_eq!(open.judge(&agent, &call("cd x && git push ")).effect, Effect::Ask);
    }

    #[test]
    fn a_strict_rule_is_not_dodged_through_another_program() {
        let agent = AgentId::parse("a").unwrap();
        let any = Rule { matcher: Matcher::Any, ..rule("any", Effect::Allow, &[]) };
        let mut by_default = Policy { rules: vec![rule("rm", Effect::Deny, &["rm"])], ..Policy::default() };
        by_default.defaults.insert(ToolKind::Execute, Effect::Allow);
        let by_any = Policy {
            rules: vec![any, rule("rm", Effect::Ask, &["rm"]), rule("dd", Effect::Deny, &["/bin/dd"])],
            ..Policy::default()
        };
        for dodge in [
            "/bin/rm x",
            "../rm x",
            "env rm x",
            "/usr/bin/env rm x",
            "timeout 9 rm x",
            "sh -c 'rm x'",
            "bash script",
            "xargs rm",
            "coproc rm x",
            "compgen -C 'rm x'",
            "complete -C rm x",
            "mapfile -C rm -c 1 x",
            "readarray -C rm -c 1 x",
            "enable -f ./rm.so rm",
            "bind -x rm",
            "function ls",
            "sudo rm x",
            "nice rm x",
            "nohup rm x",
            "busybox rm x",
            "python3.12 -c x",
            "python -c x",
            "perl5.36 -e x",
            "find . -delete",
            "command rm x",
            ". ./rm",
        ] {
            for policy in [&by_default, &by_any] {
                let judged = policy.judge(&agent, &call(dodge));
                assert_eq!((judged.effect, judged.why), (Effect::Ask, Why::Indirect), "{dodge:?}");
            }
        }
        for harmless in ["ls -l", "/bin/ls", "grep rm x", "rmdir x", "echo sh"] {
            assert_eq!(by_default.judge(&agent, &call(harmless)).effect, Effect::Allow, "{harmless:?}");
        }
        assert_eq!(by_any.judge(&agent, &call("dd if=x")).why, Why::Indirect);
        // Without a rule that could be dodged there is no doubt; with a rule that names the program there is none either.
        assert_eq!(judge(vec![rule("env", Effect::Allow, &["env"])], "env rm x"), Effect::Allow);
        let strict = || rule("rm", Effect::Deny, &["rm"]);
        assert_eq!(judge(vec![strict(), rule("env", Effect::Allow, &["env"])], "env rm x"), Effect::Ask);
        let named = || rule("apt", Effect::Allow, &["sudo", "apt", "update"]);
        assert_eq!(judge(vec![strict(), named()], "sudo apt update"), Effect::Allow);
        assert_eq!(judge(vec![strict(), named()], "sudo rm x"), Effect::Ask);
        let exact = Matcher::Exact(call("sudo rm x").text_hash());
        let exact = Rule { matcher: exact, ..rule("exact", Effect::Allow, &[]) };
        assert_eq!(judge(vec![strict(), exact], "sudo rm x"), Effect::Allow);
    }

    #[test]
    fn outside_of_the_folder_no_rule_allows() {
        let agent = AgentId::parse("a").unwrap();
        let elsewhere = ToolCall { outside: true, ..call("./build.sh") };
        let exact = Rule { matcher: Matcher::Exact(elsewhere.text_hash()), ..rule("e", Effect::Allow, &[]) };
        let rules = vec![
            rule("build", Effect::Allow, &["./build.sh"]),
            exact,
            Rule { matcher: Matcher::Any, ..rule("any", Effect::Allow, &[]) },
        ];
        let mut policy = Policy { rules, ..Policy::default() };
        policy.defaults.insert(ToolKind::Execute, Effect::Allow);
        assert_eq!(policy.judge(&agent, &call("./build.sh")).effect, Effect::Allow);
        let judged = policy.judge(&agent, &elsewhere);
        assert_eq!((judged.effect, judged.why), (Effect::Ask, Why::OutsideFolder));
        policy.rules.push(rule("never", Effect::Deny, &["./build.sh"]));
        assert_eq!(policy.judge(&agent, &elsewhere).effect, Effect::Deny);
    }

    #[test]
    fn rules_of_another_agent_do_not_count() {
        let mut only = rule("ls", Effect::Allow, &["ls"]);
        only.agent = Some(AgentId::parse("other").unwrap());
        assert_eq!(judge(vec![only], "ls"), Effect::Ask);
    }

    #[test]
    fn always_writes_a_prefix_for_simple_commands_and_a_hash_for_others() {
        assert_eq!(
            Policy::always_matcher(&call("restic check")),
            Matcher::Prefix(vec!["restic".into(), "check".into()])
        );
        assert!(matches!(Policy::always_matcher(&call("a | b")), Matcher::Exact(_)));
    }

    const MARKS: &str = ";&|<>$()`\n*?[]{}#~!";

    proptest! {
        #[test]
        fn a_simple_command_has_none_of_the_shells_marks_outside_quotes(text in "[ -~\\n\\t]{0,40}") {
            if simple_command(&text).is_some() {
                let mut quote = None;
                let mut escaped = false;
                for c in text.trim().chars() {
                    if escaped { escaped = false; continue; }
                    match (quote, c) {
                        (None, '\\') | (Some('"'), '\\') => escaped = true,
                        (None, '\'' | '"') => quote = Some(c),
                        (Some(open), c) if open == c => quote = None,
                        (None, c) => prop_assert!(!MARKS.contains(c), "{c:?} is a mark of the shell"),
                        (Some(_), _) => {}
                    }
                }
                prop_assert!(quote.is_none());
            }
        }
    }
}
