//! Tool calls of Claude Code as Nox shows and binds them: kind, text, places, diff. Files are read only for the diff.

use super::{
    questions,
    quirks::{PLAN_TOOL, kind_of},
};
use crate::calls::{change, first_line, hash, is_outside, leads_away, plain, short};
use nox_domain::{
    tool::{ToolCall, ToolKind},
    transcript::{Location, PlanStep, StepStatus},
};
use serde_json::Value;
use std::path::Path;

/// Where a call would happen.
pub(super) struct Place<'a> {
    /// The session's folder.
    pub(super) session: &'a Path,
    /// Where the program stands now.
    pub(super) cwd: &'a Path,
}

/// What the program wants to do.
pub(super) fn of(tool: &str, input: &Value, place: &Place<'_>) -> ToolCall {
    let kind = kind_of(tool, input);
    let text_of = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
    let named = ["file_path", "notebook_path", "path"].iter().find_map(|name| input[*name].as_str());
    // What the program may read in another way than it stands there counts as outside.
    let is_odd = named.is_some_and(|path| path.starts_with('~') || path.trim() != path)
        || kind == ToolKind::Search && ["pattern", "glob"].iter().any(|name| leads_away(&text_of(name)));
    let path = named.map(|path| place.cwd.join(path));
    let mut call = ToolCall {
        kind,
        folder: place.cwd.display().to_string(),
        sandbox: "none".into(),
        continue_on_failure: true,
        outside: is_odd || is_outside(place.cwd, place.session),
        ..ToolCall::default()
    };
    match kind {
        ToolKind::Execute => {
            call.text = text_of("command");
            call.shell = "bash".into();
            let milliseconds = input["timeout"].as_u64();
            call.timeout_seconds =
                milliseconds.map(|ms| u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX));
            call.title = Some(text_of("description"))
                .filter(|title| !title.is_empty())
                .unwrap_or_else(|| first_line(&call.text));
            // A command with a flag of its own is another command.
            let more = input.as_object().is_some_and(|input| {
                input.keys().any(|key| !matches!(key.as_str(), "command" | "description" | "timeout"))
            });
            if more {
                call.input_hash = hash(input);
            }
        }
        ToolKind::Read | ToolKind::Edit => {
            let full = path.as_ref().map(|path| path.display().to_string());
            call.text = full.clone().unwrap_or_else(|| plain(input));
            let path = full.map(|path| short(&path, place.session));
            call.title = format!("{tool} {}", path.unwrap_or_default());
            call.input_hash = hash(input);
        }
        ToolKind::Search => {
            let what = ["pattern", "query"].iter().find_map(|name| input[*name].as_str()).unwrap_or_default();
            call.text = plain(input);
            call.title = format!("{tool} {what}");
            call.input_hash = hash(input);
        }
        ToolKind::Fetch => {
            let what = ["url", "query"].iter().find_map(|name| input[*name].as_str());
            call.text = what.map_or_else(|| plain(input), str::to_owned);
            call.title = format!("{tool} {}", call.text);
            call.input_hash = hash(input);
        }
        _ => {
            call.text = spoken(tool, input).unwrap_or_else(|| plain(input));
            call.prose = tool == "ExitPlanMode" && input["plan"].is_string();
            call.questions = questions::of(tool, input);
            call.title = match input["description"].as_str() {
                Some(description) => format!("{tool}: {description}"),
                None => call.questions.first().map_or_else(|| tool.to_owned(), |first| first.text.clone()),
            };
            call.input_hash = hash(input);
        }
    }
    if let Some(path) = path {
        call.outside |= is_outside(&path, place.session);
        let line = input["offset"].as_u64().and_then(|line| u32::try_from(line).ok());
        call.locations.push(Location { path: path.display().to_string(), line });
        // What lies outside is not read before somebody has allowed it.
        if kind == ToolKind::Edit && !call.outside {
            call.diff.extend(change(&path, input));
        }
    }
    call.title = first_line(&call.title);
    call
}

/// A plan, if the tool tells one.
pub(super) fn plan_of(tool: &str, input: &Value) -> Option<Vec<PlanStep>> {
    let steps = input["todos"].as_array().filter(|_| tool == PLAN_TOOL)?;
    let steps = steps.iter().map(|step| PlanStep {
        text: step["content"].as_str().unwrap_or_default().to_owned(),
        status: match step["status"].as_str() {
            Some("completed") => StepStatus::Completed,
            Some("in_progress") => StepStatus::InProgress,
            _ => StepStatus::Pending,
        },
    });
    Some(steps.collect())
}

/// Questions and plans in the words that people read.
fn spoken(tool: &str, input: &Value) -> Option<String> {
    match tool {
        "ExitPlanMode" => input["plan"].as_str().map(str::to_owned),
        "AskUserQuestion" => {
            let mut text = String::new();
            for question in input["questions"].as_array()? {
                text.push_str(question["question"].as_str().unwrap_or_default());
                text.push('\n');
                for option in question["options"].as_array().into_iter().flatten() {
                    text.push_str(&format!("- {}\n", option["label"].as_str().unwrap_or_default()));
                }
            }
            Some(text)
        }
        "Agent" | "Task" => input["prompt"].as_str().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn call(tool: &str, input: &Value, folder: &Path) -> ToolCall {
        of(tool, input, &Place { session: folder, cwd: folder })
    }

    #[test]
    fn an_edit_shows_what_becomes_of_the_file_and_binds_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "one\ntwo\nthree\n").unwrap();
        let input = |new| json!({ "file_path": "a.txt", "old_string": "two", "new_string": new });
        let edit = call("Edit", &input("2"), folder.path());
        assert_eq!((edit.kind, edit.title.as_str(), edit.outside), (ToolKind::Edit, "Edit a.txt", false));
        let diff = &edit.diff[0];
        assert_eq!((diff.added, diff.removed, diff.cut), (1, 1, false));
        assert!(diff.text.contains("-two\n+2\n three"), "{}", diff.text);
        let other = call("Edit", &input("3"), folder.path());
        assert_eq!(edit.text, other.text);
        assert_ne!(edit.binding_hash(), other.binding_hash(), "another change is another question");
    }

    #[test]
    fn a_new_file_is_all_added_and_a_long_diff_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let content = "line\n".repeat(20_000);
        let write = call("Write", &json!({ "file_path": "new.txt", "content": content }), folder.path());
        let diff = &write.diff[0];
        assert_eq!((diff.added, diff.removed, diff.cut), (20_000, 0, true));
        assert!(diff.text.len() <= 32 * 1024);
    }

    #[test]
    fn what_leaves_the_folder_is_outside() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        let read = |path: &str| call("Read", &json!({ "file_path": path }), folder.path()).outside;
        assert!(!read("in/new.txt") && !read("in"));
        assert!(read("/etc/hostname") && read("../x") && read("nowhere/../../x"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("link")).unwrap();
            std::os::unix::fs::symlink(elsewhere.path().join("gone"), folder.path().join("dangling"))
                .unwrap();
            assert!(read("link/secret") && read("dangling"));
        }
        let shell =
            of("Bash", &json!({ "command": "ls" }), &Place { session: folder.path(), cwd: elsewhere.path() });
        assert!(shell.outside);
    }

    #[test]
    fn a_command_is_its_text_unless_it_has_flags() {
        let folder = tempfile::tempdir().unwrap();
        let plain = json!({ "command": "make", "description": "Build it", "timeout": 90_500 });
        let make = call("Bash", &plain, folder.path());
        assert_eq!(
            (make.text.as_str(), make.title.as_str(), make.shell.as_str()),
            ("make", "Build it", "bash")
        );
        assert_eq!((make.timeout_seconds, make.input_hash.as_str()), (Some(91), ""));
        let flags = json!({ "command": "make", "run_in_background": true });
        assert_ne!(call("Bash", &flags, folder.path()).binding_hash(), make.binding_hash());
    }

    #[test]
    fn a_sub_agent_with_more_than_words_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let plain = json!({ "description": "x", "prompt": "y", "subagent_type": "Explore" });
        assert_eq!(call("Agent", &plain, folder.path()).kind, ToolKind::Think);
        let mut tree = plain.clone();
        tree["isolation"] = "worktree".into();
        assert_eq!(call("Agent", &tree, folder.path()).kind, ToolKind::Other, "it makes a worktree");
        assert_eq!(call("Task", &json!("x"), folder.path()).kind, ToolKind::Other);
    }

    #[test]
    fn a_plan_is_read_from_its_tool_only() {
        let input = json!({ "todos": [{ "content": "a", "status": "completed" }, { "content": "b" }] });
        let plan = plan_of("TodoWrite", &input).unwrap();
        assert_eq!((plan[0].status, plan[1].status), (StepStatus::Completed, StepStatus::Pending));
        assert_eq!(plan_of("Bash", &input), None);
    }
}
