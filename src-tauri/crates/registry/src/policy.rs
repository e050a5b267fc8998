//! `policy.toml`: the defaults and the rules.
//!
//! A policy that does not parse opens nothing: the caller keeps the last good one, and when it has none,
//! [`ask_everything`]. A rule with a key that Nox does not know is refused, since a condition that is overlooked would
//! make the rule wider than it was meant.

use crate::{
    POLICY_PATH, SCHEMA,
    problem::{Source, quoted},
    toml_text::{Fields, Read, parse},
};
use nox_domain::{
    ids::AgentId,
    policy::{Effect, Matcher, Policy, Rule},
    tool::ToolKind,
};
use std::collections::BTreeMap;
use toml_edit::{Array, Item, Table};

const KEYS: &[&str] = &["schema", "defaults", "rule"];
const RULE_KEYS: &[&str] = &["id", "effect", "kind", "prefix", "exact", "any", "agent", "note"];

/// The policy for the time when the file says nothing usable and there is no last good one: every call is asked.
pub fn ask_everything() -> Policy {
    Policy { defaults: BTreeMap::new(), rules: Vec::new() }
}

/// Reads `policy.toml`.
pub fn parse_policy(text: &str) -> Read<Policy> {
    let source = Source { path: POLICY_PATH, text };
    let document = parse(source)?;
    let root = Fields { source, table: document.as_table(), prefix: "" };
    if root.schema()? > SCHEMA {
        return Err(root.fault(
            "schema",
            "newer_schema",
            "A newer version of Nox wrote this policy; this version could misread it.",
            "Start that version.",
        ));
    }
    if let Some(problem) = root.unknown(KEYS).next() {
        return Err(problem);
    }
    let defaults = read_defaults(&root)?;
    let mut rules: Vec<Rule> = Vec::new();
    for table in rule_tables(&root)? {
        let fields = Fields { source, table, prefix: "rule." };
        let rule = read_rule(&fields)?;
        if rules.iter().any(|other| other.id == rule.id) {
            return Err(fields.fault(
                "id",
                "rule_twice",
                format!("There is another rule {}.", quoted(&rule.id)),
                "Give each rule an id of its own.",
            ));
        }
        rules.push(rule);
    }
    Ok(Policy { defaults, rules })
}

fn rule_tables<'a>(root: &Fields<'a>) -> Read<Vec<&'a dyn toml_edit::TableLike>> {
    match root.table.get("rule") {
        None => Ok(Vec::new()),
        Some(Item::ArrayOfTables(tables)) => Ok(tables.iter().map(|table| table as _).collect()),
        Some(_) => Err(root.fault(
            "rule",
            "wrong_type",
            "Rules are tables.",
            "Begin each rule with a line [[rule]].",
        )),
    }
}

fn read_defaults(root: &Fields<'_>) -> Read<BTreeMap<ToolKind, Effect>> {
    let Some(table) = root.table("defaults")? else { return Ok(BTreeMap::new()) };
    let fields = Fields { source: root.source, table, prefix: "defaults." };
    let mut defaults = BTreeMap::new();
    for (key, _) in table.iter() {
        let Some(kind) = ToolKind::read(key) else {
            return Err(root.source.problem(
                fields.key_span(key),
                Some(&fields.name_of(key)),
                "unknown_kind",
                format!("There is no kind of tool call {}.", quoted(key)),
                format!("Known: {}.", kinds()),
            ));
        };
        if let Some(effect) = read_effect(&fields, key)? {
            defaults.insert(kind, effect);
        }
    }
    Ok(defaults)
}

fn kinds() -> String {
    ToolKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

fn read_effect(fields: &Fields<'_>, key: &str) -> Read<Option<Effect>> {
    let Some(word) = fields.text(key)? else { return Ok(None) };
    Effect::read(word).map(Some).ok_or_else(|| {
        let message = format!("{} is neither allow, ask nor deny.", quoted(word));
        fields.fault(key, "unknown_effect", message, format!("Write {key} = \"allow\", \"ask\" or \"deny\"."))
    })
}

fn read_rule(fields: &Fields<'_>) -> Read<Rule> {
    if let Some(mut problem) = fields.unknown(RULE_KEYS).next() {
        problem.message = format!("A rule has no {}.", quoted(problem.field.as_deref().unwrap_or_default()));
        return Err(problem);
    }
    let missing = |key: &str, example: &str| {
        let span = fields.table.iter().find_map(|(key, _)| fields.key_span(key));
        let name = fields.name_of(key);
        let message = format!("This rule has no {key}.");
        fields.source.problem(
            span,
            Some(&name),
            "missing_key",
            message,
            format!("Write {example} below [[rule]]."),
        )
    };
    let id = fields.text("id")?.map(str::trim).filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| missing("id", "id = \"my-rule\""))?.to_owned();
    let effect = read_effect(fields, "effect")?.ok_or_else(|| missing("effect", "effect = \"ask\""))?;
    let kind = fields.text("kind")?.ok_or_else(|| missing("kind", "kind = \"execute\""))?;
    let kind = ToolKind::read(kind).ok_or_else(|| {
        let message = format!("There is no kind of tool call {}.", quoted(kind));
        fields.fault("kind", "unknown_kind", message, format!("Known: {}.", kinds()))
    })?;
    let agent = match fields.text("agent")? {
        None => None,
        Some(agent) => Some(AgentId::parse(agent).map_err(|_| {
            let message = format!("{} cannot be the id of an agent.", quoted(agent));
            fields.fault("agent", "bad_agent_id", message, "Write the name of the agent's folder.")
        })?),
    };
    let note = fields.text("note")?.unwrap_or_default().to_owned();
    Ok(Rule { id, effect, kind, matcher: read_matcher(fields, missing)?, agent, note })
}

fn read_matcher(
    fields: &Fields<'_>,
    missing: impl Fn(&str, &str) -> Box<nox_domain::rows::FileProblem>,
) -> Read<Matcher> {
    let example = "prefix = [\"git\", \"status\"], exact = \"<hash>\" or any = true";
    let named: Vec<&str> =
        ["prefix", "exact", "any"].into_iter().filter(|key| fields.table.get(key).is_some()).collect();
    match named[..] {
        [] => Err(missing("prefix, exact or any", example)),
        ["prefix"] => {
            let words = fields.texts("prefix")?.unwrap_or_default();
            if words.is_empty() || words[0].is_empty() {
                let message = "A prefix needs at least the program's name.";
                return Err(fields.fault(
                    "prefix",
                    "empty_prefix",
                    message,
                    "Write prefix = [\"git\", \"status\"].",
                ));
            }
            Ok(Matcher::Prefix(words))
        }
        ["exact"] => {
            let hash = fields.text("exact")?.unwrap_or_default();
            if hash.len() != 64 || !hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                let message = "This is no hash: 64 figures of 0-9 and a-f.";
                let hint = "Remove the rule and answer “Always allow” again; Nox then writes it.";
                return Err(fields.fault("exact", "bad_hash", message, hint));
            }
            Ok(Matcher::Exact(hash.to_owned()))
        }
        ["any"] => match fields.switch("any")? {
            Some(true) => Ok(Matcher::Any),
            _ => Err(fields.fault(
                "any",
                "any_false",
                "A rule with any = false matches nothing.",
                "Remove the rule.",
            )),
        },
        [_, second, ..] => Err(fields.fault(
            second,
            "two_matchers",
            format!("One rule has both {} and {second}.", named[0]),
            "Make two rules of it.",
        )),
        [_] => Err(missing("prefix, exact or any", example)),
    }
}

/// A whole policy as a new file.
pub fn policy_text(policy: &Policy) -> String {
    let mut text = format!(
        "# What agents may do. The strictest matching rule wins; defaults apply when no rule matches;\n\
         # a kind that is not named is asked. Effects: allow, ask, deny.\n\
         schema = {SCHEMA}\n\n[defaults]\n"
    );
    for (kind, effect) in &policy.defaults {
        text.push_str(&format!("{} = \"{}\"\n", kind.as_str(), effect.as_str()));
    }
    for rule in &policy.rules {
        text.push_str(&rule_text(rule, "\n"));
    }
    text
}

/// A rule as lines, with a blank line in front.
fn rule_text(rule: &Rule, eol: &str) -> String {
    let mut table = Table::new();
    table.insert("id", rule.id.as_str().into());
    table.insert("effect", rule.effect.as_str().into());
    table.insert("kind", rule.kind.as_str().into());
    match &rule.matcher {
        Matcher::Prefix(words) => table.insert("prefix", Item::Value(words.iter().collect::<Array>().into())),
        Matcher::Exact(hash) => table.insert("exact", hash.as_str().into()),
        Matcher::Any => table.insert("any", true.into()),
    };
    if let Some(agent) = &rule.agent {
        table.insert("agent", agent.as_str().into());
    }
    if !rule.note.is_empty() {
        table.insert("note", rule.note.as_str().into());
    }
    // Line breaks inside values stay as they are: only the ends of lines follow the file.
    table.iter_mut().for_each(|(_, item)| one_line(item));
    format!("\n[[rule]]\n{table}").replace('\n', eol)
}

/// Writes a text value in one line, with escapes.
fn one_line(item: &mut Item) {
    let line = |text: &str| {
        let mut quoted = String::from("\"");
        for c in text.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                '\n' => quoted.push_str("\\n"),
                '\t' => quoted.push_str("\\t"),
                '\r' => quoted.push_str("\\r"),
                c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", c as u32)),
                c => quoted.push(c),
            }
        }
        quoted.push('"');
        quoted.parse::<toml_edit::Value>().ok()
    };
    if let Some(value) = item.as_str().and_then(line) {
        *item = Item::Value(value);
    }
    if let Some(array) = item.as_array_mut() {
        let values: Vec<_> = array.iter().filter_map(|value| value.as_str().and_then(line)).collect();
        *array = values.into_iter().collect();
    }
}

/// The file with one more rule at its end; every byte before it stays.
///
/// Fails when the file does not parse, or would not with the new rule (an id that is there already).
pub fn append_rule(text: &str, rule: &Rule) -> Read<String> {
    parse_policy(text)?;
    let eol = if text.find('\n').is_some_and(|at| text[..at].ends_with('\r')) { "\r\n" } else { "\n" };
    let open = if text.is_empty() || text.ends_with('\n') { "" } else { eol };
    let new = format!("{text}{open}{}", rule_text(rule, eol));
    parse_policy(&new).map(|_| new)
}

/// The file without a rule; a rule that is not there is no error. Only its own lines go, and one blank line above.
pub fn remove_rule(text: &str, id: &str) -> Read<String> {
    let policy = parse_policy(text)?;
    let document = parse(Source { path: POLICY_PATH, text })?;
    let tables = document.as_table().get("rule").and_then(Item::as_array_of_tables);
    let index = policy.rules.iter().position(|rule| rule.id == id);
    let Some(table) = index.and_then(|index| tables?.get(index)) else { return Ok(text.to_owned()) };
    let ends = table.iter().filter_map(|(_, item)| item.span()).map(|span| span.end);
    let (Some(header), Some(last)) = (table.span().map(|span| span.start), ends.max()) else {
        return Ok(text.to_owned());
    };
    let mut start = text[..header].rfind('\n').map_or(0, |newline| newline + 1);
    let above = text[..start].strip_suffix('\n').map(|above| above.strip_suffix('\r').unwrap_or(above));
    if let Some(above) = above.filter(|above| above.is_empty() || above.ends_with('\n')) {
        start = above.len();
    }
    let end = text[last..].find('\n').map_or(text.len(), |newline| last + newline + 1);
    let new = format!("{}{}", &text[..start], &text[end..]);
    parse_policy(&new).map(|_| new)
}
