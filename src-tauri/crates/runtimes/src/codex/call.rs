//! Calls of Codex as Nox shows and binds them: kind, text, places, diff.

use crate::calls::{cut, first_line, hash, is_outside, plain, short};
use nox_domain::{
    tool::{Choice, Question, ToolCall, ToolKind},
    transcript::{FileDiff, Location},
};
use serde_json::{Value, json};
use std::path::Path;

/// Of the diffs of one edit so much is shown.
const MAX_DIFF_BYTES: usize = 32 * 1024;
/// Files of one edit that are shown.
const MAX_FILES: usize = 50;
/// Questions of one call, and options of one question, that are shown.
const MAX_QUESTIONS: usize = 10;

/// A call, and the name of what it would do.
pub(super) struct Wanted {
    /// The same for the same effect.
    pub(super) name: String,
    pub(super) call: ToolCall,
}

fn wanted(what: &str, input: &Value, call: ToolCall) -> Wanted {
    Wanted { name: format!("{what}:{}", &hash(input)[..16]), call }
}

fn base(kind: ToolKind, folder: &Path) -> ToolCall {
    ToolCall {
        kind,
        folder: folder.display().to_string(),
        sandbox: "none".into(),
        continue_on_failure: true,
        ..ToolCall::default()
    }
}

/// A command. `params` is the question for it.
pub(super) fn command(params: &Value, folder: &Path) -> Wanted {
    let cwd = params["cwd"].as_str().map_or(folder, Path::new);
    let whole = params["command"].as_str().unwrap_or_default();
    let (shell, text) = script(whole).unwrap_or_else(|| (String::new(), whole.to_owned()));
    let mut call = base(ToolKind::Execute, cwd);
    call.outside = is_outside(cwd, folder);
    call.title = first_line(&text);
    call.text = text;
    call.shell = shell;
    // What it asks for besides the command makes it another one.
    let more = ["additionalPermissions", "networkApprovalContext"].map(|name| params[name].clone());
    if more.iter().any(|value| !value.is_null())
        || params["kind"].as_str().is_some_and(|kind| kind != "command")
    {
        call.input_hash = hash(&json!({ "kind": params["kind"], "more": more }));
    }
    wanted("command", &json!([whole, cwd.display().to_string(), call.input_hash]), call)
}

/// The program and the text of `/bin/bash -lc TEXT`.
fn script(command: &str) -> Option<(String, String)> {
    let words = shlex::split(command)?;
    let [program, flag, text] = &words[..] else { return None };
    let shell = Path::new(program).file_name()?.to_str()?;
    let runs_text = ["bash", "sh", "zsh"].contains(&shell) && ["-c", "-lc"].contains(&flag.as_str());
    runs_text.then(|| (shell.to_owned(), text.clone()))
}

/// An edit. `item` is what was said to begin; `params` is the question for it.
pub(super) fn edit(item: &Value, params: &Value, folder: &Path) -> Wanted {
    let changes = item["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut call = base(ToolKind::Edit, folder);
    let mut lines = Vec::new();
    let mut left = MAX_DIFF_BYTES;
    for change in changes {
        let path = folder.join(change["path"].as_str().unwrap_or_default());
        let moved = change["kind"]["move_path"].as_str().map(|to| folder.join(to));
        call.outside |= is_outside(&path, folder);
        call.outside |= moved.as_ref().is_some_and(|to| is_outside(to, folder));
        lines.push(match &moved {
            Some(to) => format!("{} → {}", path.display(), to.display()),
            None => path.display().to_string(),
        });
        if call.diff.len() < MAX_FILES {
            let diff = diff(&path, change, left);
            left -= diff.text.len();
            call.locations.push(Location { path: path.display().to_string(), line: None });
            call.diff.push(diff);
        }
    }
    let deletes = |change: &Value| change["kind"]["type"] == "delete";
    if !changes.is_empty() && changes.iter().all(deletes) {
        call.kind = ToolKind::Delete;
    }
    let verb = if call.kind == ToolKind::Delete { "Delete" } else { "Edit" };
    call.title = match &lines[..] {
        [] => format!("{verb} files"),
        [one] => format!("{verb} {}", short(one, folder)),
        [one, ..] => format!("{verb} {} and {} more", short(one, folder), lines.len() - 1),
    };
    // More than these files is never granted, but a person may know that it was asked for.
    if let Some(root) = params["grantRoot"].as_str() {
        lines.push(format!("and whatever is beneath {root}"));
        call.outside = true;
    }
    call.title = first_line(&call.title);
    call.text = cut(&lines.join("\n"), 16 * 1024).to_owned();
    let input = json!([changes, params["grantRoot"]]);
    call.input_hash = hash(&input);
    wanted("edit", &input, call)
}

/// What becomes of one file. A new one comes with all that is in it, others as hunks.
fn diff(path: &Path, change: &Value, bytes: usize) -> FileDiff {
    let said = change["diff"].as_str().unwrap_or_default();
    let sign = match change["kind"]["type"].as_str() {
        Some("add") => Some('+'),
        Some("delete") => Some('-'),
        _ => None,
    };
    let (mut added, mut removed) = (0, 0);
    let text = match sign {
        Some(sign) => {
            let count = said.lines().count();
            let (old, new) = if sign == '+' { ((0, 0), (1, count)) } else { ((1, count), (0, 0)) };
            *(if sign == '+' { &mut added } else { &mut removed }) = count;
            let head = format!("@@ -{},{} +{},{} @@\n", old.0, old.1, new.0, new.1);
            said.lines().fold(head, |mut text, line| {
                if text.len() <= bytes {
                    text.push(sign);
                    text.push_str(line);
                    text.push('\n');
                }
                text
            })
        }
        None => {
            added = said.lines().filter(|line| line.starts_with('+')).count();
            removed = said.lines().filter(|line| line.starts_with('-')).count();
            said.to_owned()
        }
    };
    let kept = cut(&text, bytes);
    FileDiff {
        path: path.display().to_string(),
        added: added as u32,
        removed: removed as u32,
        cut: kept.len() < text.len(),
        text: kept.to_owned(),
    }
}

/// A tool of a service.
pub(super) fn service(server: &str, tool: &str, arguments: &Value, folder: &Path) -> Wanted {
    let mut call = base(ToolKind::Other, folder);
    call.title = first_line(&format!("{server}: {tool}"));
    call.text = plain(arguments);
    let input = json!([server, tool, arguments]);
    call.input_hash = hash(&input);
    wanted("service", &input, call)
}

/// Questions for a person.
pub(super) fn questions(asked: &Value, folder: &Path) -> Wanted {
    let text = |value: &Value, bytes: usize| cut(value.as_str().unwrap_or_default(), bytes).to_owned();
    let all = asked.as_array().map(Vec::as_slice).unwrap_or_default();
    let questions = all.iter().take(MAX_QUESTIONS).map(|question| {
        let options = question["options"].as_array().map(Vec::as_slice).unwrap_or_default();
        let options = options.iter().take(MAX_QUESTIONS).map(|option| Choice {
            label: text(&option["label"], 500),
            description: text(&option["description"], 2_000),
        });
        let options: Vec<_> = options.collect();
        Question {
            id: text(&question["id"], 200),
            header: text(&question["header"], 200),
            text: text(&question["question"], 4_000),
            free: options.is_empty() || question["isOther"] == true,
            options,
            many: false,
            ..Question::default()
        }
    });
    let mut call = base(ToolKind::Other, folder);
    call.questions = questions.collect();
    let lines: Vec<_> = call.questions.iter().map(|question| question.text.as_str()).collect();
    call.text = lines.join("\n");
    call.title = first_line(call.questions.first().map_or("A question", |question| &question.text));
    call.input_hash = hash(asked);
    wanted("question", asked, call)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_command_is_the_text_that_its_shell_reads() {
        let folder = tempfile::tempdir().unwrap();
        let of = |command: &str| {
            let params = json!({ "command": command, "cwd": folder.path(), "kind": "command" });
            super::command(&params, folder.path()).call
        };
        let make = of("/bin/bash -lc 'echo one >> made.txt; cat made.txt'");
        assert_eq!((make.text.as_str(), make.shell.as_str()), ("echo one >> made.txt; cat made.txt", "bash"));
        assert_eq!((make.outside, make.input_hash.as_str()), (false, ""));
        assert_eq!(of(r#"/bin/sh -c 'it'"'"'s'"#).text, "it's");
        for odd in ["/bin/bash -lc 'open", "python3 -c 'x'", "bash -lc a b"] {
            assert_eq!((of(odd).text.as_str(), of(odd).shell.as_str()), (odd, ""), "shown as it is");
        }
        let params = json!({ "command": "ls", "cwd": "/etc" });
        assert!(super::command(&params, folder.path()).call.outside);
        let more =
            json!({ "command": "ls", "cwd": folder.path(), "additionalPermissions": { "network": true } });
        assert_ne!(
            super::command(&more, folder.path()).call.binding_hash(),
            of("ls").binding_hash(),
            "more rights are another question"
        );
    }

    #[test]
    fn an_edit_shows_each_file_and_binds_all_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let hunk = "@@ -1,2 +1,2 @@\n alpha\n-beta\n+gamma\n";
        let update =
            json!({ "path": at("a.txt"), "kind": { "type": "update", "move_path": null }, "diff": hunk });
        let add = json!({ "path": at("new.txt"), "kind": { "type": "add" }, "diff": "one\ntwo\n" });
        let of = |changes: &[Value]| edit(&json!({ "changes": changes }), &Value::Null, folder.path()).call;
        let both = of(&[update.clone(), add.clone()]);
        assert_eq!(
            (both.kind, both.title.as_str(), both.outside),
            (ToolKind::Edit, "Edit a.txt and 1 more", false)
        );
        assert_eq!((both.diff[0].added, both.diff[0].removed, both.diff[0].text.as_str()), (1, 1, hunk));
        assert_eq!(both.diff[1].text, "@@ -0,0 +1,2 @@\n+one\n+two\n");
        assert_ne!(both.binding_hash(), of(std::slice::from_ref(&update)).binding_hash());
        let moved =
            json!({ "path": at("a.txt"), "kind": { "type": "update", "move_path": "/etc/a" }, "diff": hunk });
        assert!(of(&[moved]).outside, "where it goes counts too");
        let delete = json!({ "path": at("a.txt"), "kind": { "type": "delete" }, "diff": "alpha\n" });
        assert_eq!(of(&[delete]).kind, ToolKind::Delete);
        let root = edit(&json!({ "changes": [add] }), &json!({ "grantRoot": "/etc" }), folder.path()).call;
        assert!(root.outside && root.text.contains("/etc"));
    }

    #[test]
    fn a_large_edit_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let long = "line\n".repeat(20_000);
        let one = json!({ "path": "a", "kind": { "type": "add" }, "diff": long });
        let changes = vec![one; 100];
        let call = edit(&json!({ "changes": changes }), &Value::Null, folder.path()).call;
        let bytes: usize = call.diff.iter().map(|diff| diff.text.len()).sum();
        assert!(bytes <= MAX_DIFF_BYTES && call.diff.len() == MAX_FILES, "{bytes}");
        assert!(call.diff[0].cut && call.diff[0].added == 20_000);
    }
}
