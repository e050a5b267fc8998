//! The tools on real files: what they show, what binds them, and what they do.
#![allow(clippy::unwrap_used)]

use super::*;
use nox_domain::agent::CliTool;
use std::{fs, path::Path};
use tempfile::TempDir;

fn desk(folder: &Path) -> Desk {
    Desk {
        folder: folder.to_owned(),
        shell: "bash",
        environment: BTreeMap::from([("LANG".into(), "C".into())]),
        max_call_seconds: Some(60),
    }
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("a.txt"), "one\ntwo\nthree\n").unwrap();
    fs::write(folder.path().join("src/main.rs"), "fn main() {\n    run();\n}\n").unwrap();
    folder
}

fn look_at(folder: &Path, name: &str, input: Value) -> Result<Look, String> {
    look(name, &input, &desk(folder), &Program::default())
}

/// Looks, and does what was looked at.
fn does(folder: &Path, name: &str, input: Value) -> Outcome {
    match look_at(folder, name, input).map(|look| look.work) {
        Ok(work) => done(work),
        Err(text) => Outcome::failed(text),
    }
}

fn done(work: Work) -> Outcome {
    let Work::Files(work) = work else { unreachable!("{work:?}") };
    work(&AtomicBool::new(false))
}

#[test]
fn a_file_is_read_with_its_numbers_and_in_parts() {
    let folder = folder();
    let whole = does(folder.path(), "read", json!({ "path": "a.txt" }));
    assert_eq!(whole, Outcome::of(Ok("1\tone\n2\ttwo\n3\tthree\n".into())));
    let part = does(folder.path(), "read", json!({ "path": "a.txt", "offset": "2", "limit": 1 }));
    assert_eq!(part.text, "2\ttwo\n[more follows; read on with offset 3]\n");
    for (path, says) in [("nothing", "cannot be read"), ("src", "no file"), ("", "empty")] {
        let outcome = does(folder.path(), "read", json!({ "path": path }));
        assert!(outcome.failed && outcome.text.contains(says), "{outcome:?}");
    }
    fs::write(folder.path().join("b.bin"), [b'a', 0, b'b']).unwrap();
    assert!(does(folder.path(), "read", json!({ "path": "b.bin" })).text.contains("no text"));
    fs::write(folder.path().join("long.txt"), format!("{}\nend\n", "x".repeat(1 << 20))).unwrap();
    let long = does(folder.path(), "read", json!({ "path": "long.txt" }));
    assert!(long.text.len() < 20_000 && long.text.ends_with("2\tend\n"), "{}", long.text.len());
}

#[test]
fn what_is_written_is_what_was_shown_or_nothing() {
    let folder = folder();
    let path = folder.path().join("a.txt");
    let Look { call, work } =
        look_at(folder.path(), "write", json!({ "path": "a.txt", "content": "new\n" })).unwrap();
    assert_eq!((call.kind, call.title.as_str(), call.outside), (ToolKind::Edit, "Write a.txt", false));
    assert_eq!((call.diff[0].added, call.diff[0].removed), (1, 3));
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n", "looking changes nothing");
    assert!(!done(work).failed);
    assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");

    let Look { work, .. } =
        look_at(folder.path(), "write", json!({ "path": "a.txt", "content": "newer\n" })).unwrap();
    fs::write(&path, "by hand\n").unwrap();
    let outcome = done(work);
    assert!(outcome.failed && outcome.text.contains("has changed"), "{outcome:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "by hand\n");

    let Look { work, .. } =
        look_at(folder.path(), "write", json!({ "path": "x/y/new.txt", "content": "" })).unwrap();
    fs::create_dir_all(folder.path().join("x/y")).unwrap();
    fs::write(folder.path().join("x/y/new.txt"), "somebody else's").unwrap();
    assert!(done(work).failed, "a file that has come meanwhile stays");
}

#[test]
fn another_content_before_is_another_question() {
    let folder = folder();
    let hash = || {
        let input = json!({ "path": "a.txt", "old": "two", "new": "2" });
        look_at(folder.path(), "edit", input).unwrap().call.binding_hash()
    };
    let before = hash();
    assert_eq!(before, hash());
    fs::write(folder.path().join("a.txt"), "two\n").unwrap();
    assert_ne!(before, hash());
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_mode_and_a_link_its_place() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder();
    let script = folder.path().join("run.sh");
    fs::write(&script, "old").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    symlink("run.sh", folder.path().join("link")).unwrap();
    let outcome = does(folder.path(), "write", json!({ "path": "link", "content": "new" }));
    assert!(!outcome.failed, "{outcome:?}");
    assert_eq!(fs::read_to_string(&script).unwrap(), "new");
    assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o777, 0o755);
    assert!(folder.path().join("link").is_symlink());
}

#[test]
fn an_image_is_shown_as_what_it_is_whatever_its_name_says() {
    let folder = folder();
    fs::write(folder.path().join("a.md"), crate::testing::picture(1)).unwrap();
    let outcome = does(folder.path(), "read", json!({ "path": "a.md" }));
    assert_eq!((outcome.text.as_str(), outcome.images.len()), ("[image: a.md, PNG, 33 bytes]", 1));
    fs::write(folder.path().join("b.png"), "only words").unwrap();
    let outcome = does(folder.path(), "read", json!({ "path": "b.png" }));
    assert_eq!((outcome.text.as_str(), outcome.images.len()), ("1\tonly words\n", 0));
    let large = fs::File::create(folder.path().join("c.gif")).unwrap();
    std::io::Write::write_all(&mut &large, b"GIF89a").unwrap();
    large.set_len(1 << 40).unwrap();
    let outcome = does(folder.path(), "read", json!({ "path": "c.gif" }));
    assert!(outcome.failed && outcome.text.contains("3.5 MB"), "{}", outcome.text);
}

#[test]
fn an_edit_wants_its_place_exactly_once() {
    let folder = folder();
    fs::write(folder.path().join("b.txt"), "x\nx\n").unwrap();
    let edit = |old: &str, all: bool| json!({ "path": "b.txt", "old": old, "new": "y", "all": all });
    for (old, says) in [("z", "does not stand"), ("x", "2 times"), ("", "empty")] {
        let outcome = does(folder.path(), "edit", edit(old, false));
        assert!(outcome.failed && outcome.text.contains(says), "{outcome:?}");
    }
    assert!(!does(folder.path(), "edit", edit("x", true)).failed);
    assert_eq!(fs::read_to_string(folder.path().join("b.txt")).unwrap(), "y\ny\n");
}

#[cfg(unix)]
#[test]
fn what_leads_out_is_outside_and_what_begins_to_lead_out_is_refused() {
    use std::os::unix::fs::symlink;
    let (folder, elsewhere) = (folder(), folder());
    symlink(elsewhere.path(), folder.path().join("out")).unwrap();
    let secret = elsewhere.path().join("a.txt").display().to_string();
    for path in ["out/a.txt", "../x", "/etc/hostname", "~/x", secret.as_str()] {
        for (tool, input) in [
            ("read", json!({ "path": path })),
            ("list", json!({ "path": path })),
            ("search", json!({ "path": path, "pattern": "x" })),
            ("write", json!({ "path": path, "content": "x" })),
        ] {
            let Look { call, .. } = look_at(folder.path(), tool, input).unwrap();
            assert!(call.outside, "{tool} {path}");
            // What would be written is shown; what is there now is not.
            let shown = call.diff.iter().map(|diff| diff.text.as_str()).collect::<String>();
            assert_eq!(shown.contains("+x"), tool == "write", "{tool} {path}: {shown}");
            assert!(!shown.contains("one"), "{tool} {path}: {shown}");
        }
    }
    let Look { call, work } =
        look_at(folder.path(), "write", json!({ "path": "src/x.txt", "content": "x" })).unwrap();
    assert!(!call.outside);
    fs::remove_dir_all(folder.path().join("src")).unwrap();
    symlink(elsewhere.path(), folder.path().join("src")).unwrap();
    let outcome = done(work);
    assert!(outcome.failed && outcome.text.contains("elsewhere"), "{outcome:?}");
    assert!(!elsewhere.path().join("x.txt").exists());
}

#[cfg(unix)]
#[test]
fn what_lies_outside_is_opened_by_nobody_before_it_is_allowed() {
    let (folder, elsewhere) = (folder(), folder());
    let secret = elsewhere.path().join("a.txt");
    let edit = |old: &str| json!({ "path": secret, "old": old, "new": "2" });
    // Whether the text stands there is told only by what was allowed.
    let Look { call, work } = look_at(folder.path(), "edit", edit("two")).unwrap();
    assert!(call.outside && call.diff[0].text.contains("+2"), "{call:?}");
    let wrong = look_at(folder.path(), "edit", edit("zzz")).unwrap();
    assert!(done(wrong.work).text.contains("does not stand"));
    assert!(!done(work).failed);
    assert_eq!(fs::read_to_string(&secret).unwrap(), "one\n2\nthree\n");
    // What never ends is not read.
    for path in ["/dev/zero", "/dev/stdin", "/proc/self/environ"] {
        let Look { call, work } =
            look_at(folder.path(), "write", json!({ "path": path, "content": "x" })).unwrap();
        assert!(call.outside && call.title.contains("without seeing"), "{call:?}");
        assert!(done(work).failed, "{path}");
    }
    // A change behind the question is seen there, too.
    let Look { work, .. } =
        look_at(folder.path(), "write", json!({ "path": secret, "content": "x" })).unwrap();
    fs::write(&secret, "by hand, and longer than before\n").unwrap();
    assert!(done(work).text.contains("has changed"));
}

#[cfg(unix)]
#[test]
fn what_is_no_file_keeps_nobody_waiting() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for (tool, input) in [
        ("write", json!({ "path": "pipe", "content": "x" })),
        ("edit", json!({ "path": "pipe", "old": "a", "new": "b" })),
        ("read", json!({ "path": "pipe" })),
        ("write", json!({ "path": "src", "content": "x" })),
        ("search", json!({ "path": "pipe", "pattern": "x" })),
    ] {
        let outcome = does(folder.path(), tool, input);
        assert!(outcome.failed && outcome.text.contains("no file"), "{tool}: {outcome:?}");
    }
    assert!(does(folder.path(), "list", json!({ "path": "pipe" })).text.contains("no folder"));
    // Beside others it is passed by.
    fs::write(folder.path().join("z.txt"), "needle").unwrap();
    let found = does(folder.path(), "search", json!({ "pattern": "needle" }));
    assert_eq!((found.text.as_str(), found.failed), ("z.txt:1: needle", false));
}

#[test]
fn a_change_that_would_grow_without_measure_is_refused() {
    let folder = folder();
    fs::write(folder.path().join("b.txt"), "x".repeat(1 << 20)).unwrap();
    let input = json!({ "path": "b.txt", "old": "x", "new": "y".repeat(1 << 20), "all": true });
    let outcome = does(folder.path(), "edit", input);
    assert!(outcome.failed && outcome.text.contains("too large"), "{}", outcome.text.len());
    let huge = fs::File::create(folder.path().join("huge")).unwrap();
    huge.set_len(1 << 40).unwrap();
    for (tool, input) in [
        ("write", json!({ "path": "huge", "content": "x" })),
        ("search", json!({ "path": "huge", "pattern": "x" })),
    ] {
        assert!(does(folder.path(), tool, input).text.contains("too large"), "{tool}");
    }
}

#[cfg(unix)]
#[test]
fn a_parent_that_becomes_a_link_while_it_is_written_leads_nowhere() {
    use std::{
        os::unix::fs::symlink,
        sync::atomic::{AtomicBool, Ordering},
    };
    let (folder, elsewhere) = (folder(), folder());
    let (inside, out, aside) =
        (folder.path().join("d"), folder.path().join("out"), folder.path().join("aside"));
    fs::create_dir(&inside).unwrap();
    symlink(elsewhere.path(), &out).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let _ = fs::rename(&inside, &aside);
                let _ = fs::rename(&out, &inside);
                let _ = fs::rename(&inside, &out);
                let _ = fs::rename(&aside, &inside);
            }
        });
        for _ in 0..300 {
            if let Ok(look) = look_at(folder.path(), "write", json!({ "path": "d/x.txt", "content": "x" }))
                && !look.call.outside
            {
                done(look.work);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(!elsewhere.path().join("x.txt").exists());
}

#[test]
fn work_with_files_ends_when_it_is_told_to() {
    let folder = folder();
    fs::File::create(folder.path().join("huge")).unwrap().set_len(1 << 40).unwrap();
    for (tool, input) in
        [("read", json!({ "path": "huge" })), ("search", json!({ "path": "a.txt", "pattern": "o" }))]
    {
        let Work::Files(work) = look_at(folder.path(), tool, input).unwrap().work else {
            unreachable!("work with files")
        };
        let outcome = work(&AtomicBool::new(true));
        assert!(outcome.failed && outcome.text.contains("ended"), "{tool}: {outcome:?}");
    }
}

#[test]
fn a_folder_is_listed_and_searched_without_what_is_ignored() {
    let folder = folder();
    fs::write(folder.path().join(".gitignore"), "target\n").unwrap();
    fs::create_dir_all(folder.path().join("target")).unwrap();
    fs::write(folder.path().join("target/run.rs"), "run()").unwrap();
    let list = does(folder.path(), "list", json!({}));
    assert_eq!(list.text, ".gitignore\na.txt\nsrc/");
    let deep = does(folder.path(), "list", json!({ "deep": true }));
    assert_eq!(deep.text, ".gitignore\na.txt\nsrc/\nsrc/main.rs");
    let found = does(folder.path(), "search", json!({ "pattern": "run\\(" }));
    assert_eq!(found.text, "src/main.rs:2:     run();");
    let files = does(folder.path(), "search", json!({ "pattern": "", "glob": "*.rs" }));
    assert_eq!(files.text, "src/main.rs");
    assert_eq!(does(folder.path(), "search", json!({ "pattern": "zzz" })).text, "[nothing is found]");
    assert!(does(folder.path(), "search", json!({ "pattern": "(" })).failed);
}

#[test]
fn a_command_is_its_text_and_has_a_time() {
    let folder = folder();
    let shell = |input: Value| look_at(folder.path(), "shell", input).unwrap().call;
    let make = shell(json!({ "command": "make all", "description": "Build it", "timeout": 500 }));
    assert_eq!(
        (make.text.as_str(), make.title.as_str(), make.shell.as_str()),
        ("make all", "Build it", "bash")
    );
    assert_eq!((make.timeout_seconds, make.input_hash.as_str()), (Some(60), ""));
    assert_eq!(make.environment, ["LANG"]);
    assert!(!shell(json!({ "command": "make all", "sudo": true })).input_hash.is_empty());
    assert!(look_at(folder.path(), "shell", json!({ "command": " " })).is_err());
}

#[test]
fn a_declared_program_gets_its_arguments_without_a_shell() {
    let folder = folder();
    let command = CliTool { name: "notes".into(), command: "grep -n".into(), readme: "Finds notes.".into() };
    let program = Program { commands: vec![command], tools: Some(vec!["read".into()]), ..Program::default() };
    let names: Vec<String> = offered(&program).into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["read", "notes"]);
    let shadowed = CliTool { name: "read".into(), command: "cat".into(), readme: String::new() };
    let told = |program: &Program| left_out(program).collect::<Vec<_>>();
    assert_eq!(told(&program), Vec::<String>::new());
    let odd = Program {
        commands: vec![shadowed],
        tools: Some(vec!["read".into(), "fly".into()]),
        ..Program::default()
    };
    assert!(told(&odd)[0].contains("fly") && told(&odd)[1].contains("read"), "{:?}", told(&odd));
    let input = json!({ "arguments": ["two; rm -rf /", "a.txt"] });
    let Look { call, work } = look("notes", &input, &desk(folder.path()), &program).unwrap();
    assert_eq!((call.kind, call.text.as_str()), (ToolKind::Execute, "grep -n 'two; rm -rf /' a.txt"));
    let Work::Program { program: name, args, .. } = work else { unreachable!("a program") };
    assert_eq!((name.to_str(), args.len()), (Some("grep"), 3));
    assert!(
        look("shell", &json!({ "command": "ls" }), &desk(folder.path()), &program).is_err(),
        "it is not chosen"
    );
    assert!(look("notes", &json!({ "arguments": [{}] }), &desk(folder.path()), &program).is_err());
}

#[test]
fn only_addresses_of_the_web_are_fetched() {
    let folder = folder();
    for url in ["file:///etc/passwd", "ftp://x", "no", "http://"] {
        assert!(look_at(folder.path(), "fetch", json!({ "url": url })).is_err(), "{url}");
    }
    let call = look_at(folder.path(), "fetch", json!({ "url": "https://example.com/a" })).unwrap().call;
    assert_eq!((call.kind, call.text.as_str()), (ToolKind::Fetch, "https://example.com/a"));
}

#[test]
fn a_person_is_asked_in_words() {
    let folder = folder();
    let input =
        json!({ "questions": [{ "question": "Which?", "options": [{ "label": "A" }, "B"] }, "Why?"] });
    let Look { call, work } = look_at(folder.path(), "ask", input).unwrap();
    assert_eq!(call.questions.len(), 2);
    assert_eq!(call.questions[0].options.iter().map(|o| o.label.as_str()).collect::<Vec<_>>(), ["A", "B"]);
    let Work::Ask(asked) = work else { unreachable!("questions") };
    let answers = BTreeMap::from([("q1".to_owned(), vec!["A".to_owned()])]);
    assert_eq!(answered(&asked, &answers), "Which?\nAnswer: A\n\nWhy?\nAnswer: (none; decide yourself)");
    assert!(look_at(folder.path(), "ask", json!({ "questions": [] })).is_err());
}

#[test]
fn a_plan_is_told_whole() {
    let folder = folder();
    let input = json!({ "todos": [{ "content": "a", "status": "completed" }, { "content": "b" }] });
    let Work::Plan(plan) = look_at(folder.path(), "todo", input).unwrap().work else {
        unreachable!("a plan")
    };
    assert_eq!(plan.len(), 2);
}

#[test]
fn whatever_a_model_gives_a_tool_it_answers() {
    let folder = folder();
    let odd = [
        json!(null),
        json!("x"),
        json!([]),
        json!({}),
        json!({ "path": 7 }),
        json!({ "path": "a\u{0}b" }),
        json!({ "path": {}, "content": [], "command": 1, "url": 2, "questions": {}, "todos": "x", "old": 1 }),
    ];
    for tool in TOOLS {
        for input in &odd {
            if let Ok(look) = look_at(folder.path(), tool.name, input.clone()) {
                assert!(matches!(tool.name, "list"), "{} takes {input}: {:?}", tool.name, look.call);
            }
        }
        assert_eq!((tool.schema)()["type"], "object");
    }
    assert!(look_at(folder.path(), "no_such_tool", json!({})).is_err());
}
