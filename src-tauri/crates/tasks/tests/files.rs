//! Task files as people write them: what is read, what is refused and with which words, what an edit leaves alone.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use nox_domain::{
    At, Size,
    ids::{AgentId, TaskId},
    rows::FileProblem,
    task::{Attachment, Change, Priority, Task, TaskPatch, TaskStatus},
};
use nox_tasks::{EditError, TaskFile, open_dependencies, path_of, would_cycle};
use uuid::Uuid;

fn id(n: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n))
}

fn problem(text: &str) -> FileProblem {
    *TaskFile::parse("tasks/2026-11/a.md", text).expect_err(text)
}

fn read(text: &str) -> TaskFile {
    TaskFile::parse("tasks/2026-11/my file.md", text).unwrap()
}

#[test]
fn a_day_that_does_not_exist_is_named_with_its_line_and_a_better_one() {
    let found = problem(
        "---\nschema: 1\nid: \npriority: high\ndeadline: 2026-11-31\ndepends_on: []\n---\n\n# Limit\n",
    );
    assert_eq!((found.line, found.column, found.field.as_deref()), (5, Some(11), Some("deadline")));
    assert_eq!(found.code, "bad_date");
    assert_eq!(found.message, "November has 30 days.");
    assert_eq!(found.hint, "Write a date such as 2026-11-30.");
    let numbers: Vec<_> = found.excerpt.iter().map(|line| (line.number, line.text.as_str())).collect();
    assert_eq!(numbers, [(4, "priority: high"), (5, "deadline: 2026-11-31"), (6, "depends_on: []")]);
    assert_eq!(problem("---\ndeadline: 2027-02-29\n---\n").message, "February 2027 has 28 days.");
    assert_eq!(problem("---\ndeadline: 2027-13-01\n---\n").message, "There is no month 13.");
    assert_eq!(problem("---\ndeadline: tomorrow\n---\n").code, "bad_date");
    assert!(TaskFile::parse("a.md", "---\ndeadline: 2028-02-29\n---\n").is_ok());
}

#[test]
fn every_fault_names_its_line_and_field() {
    for (text, line, field, code) in [
        ("---\nstatus: todo\n", 1, None, "front_matter_open"),
        ("---\nhello\n---\n", 2, None, "not_a_key"),
        ("---\nstatus: maybe\n---\n", 2, Some("status"), "unknown_status"),
        ("---\n\n# c\npriority: ugh\n---\n", 4, Some("priority"), "unknown_priority"),
        ("---\nid: 0142\n---\n", 2, Some("id"), "bad_task_id"),
        ("---\ndepends_on: [0139]\n---\n", 2, Some("depends_on"), "bad_task_id"),
        ("---\ndepends_on:\n  - 0139\n---\n", 3, Some("depends_on"), "bad_task_id"),
        ("---\nagent: ../x\n---\n", 2, Some("agent"), "bad_agent_id"),
        ("---\nproject: A B\n---\n", 2, Some("project"), "bad_project_id"),
        ("---\ntags: [a\n---\n", 2, Some("tags"), "list_open"),
        ("---\ntags: [[a]]\n---\n", 2, Some("tags"), "list_in_list"),
        ("---\nstatus: [todo]\n---\n", 2, Some("status"), "list_not_wanted"),
        ("---\ntitle: \"x\n---\n", 2, Some("title"), "quote_open"),
        ("---\ntitle: 'x' y\n---\n", 2, Some("title"), "text_behind_value"),
        ("---\ntitle: \"\\q\"\n---\n", 2, Some("title"), "unknown_escape"),
        ("---\nstatus: *all\n---\n", 2, Some("status"), "needs_quotes"),
        ("---\nstatus: todo\n  done\n---\n", 3, Some("status"), "unexpected_indent"),
        ("---\nstatus: todo\nstatus: done\n---\n", 3, Some("status"), "key_twice"),
        ("---\nattachments: [x]\n---\n", 2, Some("attachments"), "bad_attachment"),
        ("---\nrank: a b\n---\n", 2, Some("rank"), "bad_rank"),
        ("---\ncreated: noon\n---\n", 2, Some("created"), "bad_time"),
        ("---\nschema: one\n---\n", 2, Some("schema"), "bad_schema"),
    ] {
        let found = problem(text);
        assert_eq!(
            (found.line, found.field.as_deref(), found.code.as_str()),
            (line, field, code),
            "{text:?}"
        );
        assert!(!found.message.is_empty() && !found.hint.is_empty(), "{text:?}");
    }
    let found = *TaskFile::parse_bytes("a.md", b"one\ntwo\n\xff").unwrap_err();
    assert_eq!((found.line, found.code.as_str()), (3, "not_utf8"));
}

#[test]
fn what_people_write_by_hand_is_read() {
    let text = format!(
        "\u{feff}---\r\nid: {}   # mine\r\nstatus: In-Progress\r\npriority: HIGH\r\ntags: a, 'b, c' \r\nx-color: {{ any: [thing\r\n   goes\r\ndepends_on:\r\n  # first\r\n  - {}\r\n---\r\n\r\n# A  title\r\n\r\nText\r\nmore",
        id(1),
        id(2)
    );
    let text = text.replace("a, 'b, c' ", "[a, 'b, c']");
    let file = read(&text);
    assert_eq!(file.render(), text);
    let task = file.task().unwrap();
    assert_eq!(task.id, id(1));
    assert_eq!((task.status, task.priority), (TaskStatus::InProgress, Priority::High));
    assert_eq!(task.tags, ["a", "b, c"]);
    assert_eq!(task.depends_on, [id(2)]);
    assert_eq!((task.title.as_str(), task.body.as_str()), ("A title", "Text\nmore"));
    assert_eq!(task.created_at, id(1).made_at());
}

#[test]
fn the_title_is_found_in_the_documented_order() {
    let title = |text: &str| read(text).title();
    assert_eq!(title("---\ntitle: Key\n---\n\n# Heading\ntext"), "Heading");
    assert_eq!(title("---\ntitle: Key\n---\ntext\n# Heading\n"), "Key");
    assert_eq!(title("text\n```sh\n# no heading\n```\n# Heading\n"), "Heading");
    assert_eq!(title("text"), "my file");
    assert_eq!(title(""), "my file");
    assert_eq!(title("# \n## Second"), "my file");
    assert_eq!(title("---\n\nA rule of Markdown, no front matter."), "my file");
    assert_eq!(read("text\n# Heading\nx").body(), "text\n# Heading\nx");
}

#[test]
fn a_new_file_gets_an_id_and_keeps_its_bytes() {
    for text in [
        "# Do it\r\n\r\n```sh\r\ntrue\r\n```",
        "",
        "\u{feff}text",
        "---\nstatus: done\n# note\n---\nx",
        "---\nrule",
    ] {
        let file = read(text);
        assert_eq!(file.task(), None);
        let with = file.with_id(&id(7)).unwrap();
        assert_eq!(with.id(), Some(&id(7)));
        assert_eq!((with.title(), with.body()), (file.title(), file.body()), "{text:?}");
        let tail = text.trim_start_matches('\u{feff}').trim_start_matches("---\n");
        assert!(with.render().ends_with(tail.trim_start_matches("status: done\n")), "{:?}", with.render());
        assert_eq!(with.render().starts_with('\u{feff}'), text.starts_with('\u{feff}'));
    }
}

#[test]
fn an_edit_changes_the_lines_of_its_fields_only() {
    let text = "---\n# my file\nschema: 1\nweird:   [  kept\n\nstatus:   todo   # why\ntags:\n    - a   # one\n    - b\nrank: V\n---\n\n#   Title\nbody\n\n\n";
    let patch = TaskPatch {
        status: Some(TaskStatus::Done),
        priority: Some(Priority::Critical),
        tags: Some(vec!["a".into(), "x: y".into()]),
        agent: Some(Change::Set(AgentId::parse("builder").unwrap())),
        ..TaskPatch::default()
    };
    let edited = read(text).edit(&patch).unwrap();
    assert_eq!(
        edited.render(),
        "---\n# my file\nschema: 1\nweird:   [  kept\n\nstatus:   done   # why\npriority: critical\nagent: builder\ntags:\n    - a\n    - \"x: y\"\nrank: V\n---\n\n#   Title\nbody\n\n\n"
    );
    let back = TaskPatch {
        tags: Some(vec![]),
        agent: Some(Change::Clear),
        title: Some("  New\n name ".into()),
        ..TaskPatch::default()
    };
    assert_eq!(
        edited.edit(&back).unwrap().render(),
        "---\n# my file\nschema: 1\nweird:   [  kept\n\nstatus:   done   # why\npriority: critical\nrank: V\n---\n\n#   New name\nbody\n\n\n"
    );
    let same = TaskPatch { status: Some(TaskStatus::Todo), title: Some(" ".into()), ..TaskPatch::default() };
    assert_eq!(read(text).edit(&same).unwrap().render(), text);
}

#[test]
fn a_value_that_cannot_stand_in_the_file_is_refused() {
    let patch = TaskPatch { deadline: Some(Change::Set("2026-11-31".into())), ..TaskPatch::default() };
    let Err(EditError::BadValue(found)) = read("# x").edit(&patch) else { panic!("accepted") };
    assert_eq!(found.field.as_deref(), Some("deadline"));
}

#[test]
fn a_newer_schema_is_shown_and_never_changed() {
    let file = read("---\nschema: 9\nstatus: half_done\npriority: high\n---\n# T\n");
    assert!(file.read_only());
    assert_eq!(file.task_as(id(1)).priority, Priority::High);
    let patch = TaskPatch { status: Some(TaskStatus::Done), ..TaskPatch::default() };
    assert_eq!(file.edit(&patch), Err(EditError::ReadOnly { schema: 9 }));
    assert!(file.with_id(&id(1)).is_err());
}

#[test]
fn a_body_keeps_its_place_and_cannot_take_the_title() {
    let body = |text: &str, body: &str| {
        let patch = TaskPatch { body: Some(body.into()), ..TaskPatch::default() };
        read(text).edit(&patch).unwrap()
    };
    assert_eq!(body("---\nrank: a\n---\n# T", "x").render(), "---\nrank: a\n---\n# T\n\nx\n");
    assert_eq!(
        body("---\nrank: a\n---\n# T\r\n\r\nold\r\n", "x\ny").render(),
        "---\nrank: a\n---\n# T\r\n\r\nx\ny\r\n"
    );
    assert_eq!(
        body("---\r\nrank: a\r\n---\r\n# T\r\n\r\nold", "x\ny").render(),
        "---\r\nrank: a\r\n---\r\n# T\r\n\r\nx\r\ny"
    );
    let file = body("old", "# Other\ntext");
    assert_eq!((file.title().as_str(), file.body().as_str()), ("my file", "# Other\ntext"));
    let file = body("old\n# Later\n", "text");
    assert_eq!((file.title().as_str(), file.body().as_str()), ("Later", "text"));
}

#[test]
fn a_created_file_says_the_task() {
    let task = Task {
        id: id(3),
        title: "Move invoices".into(),
        body: "## Steps\n\n```sh\necho\n```".into(),
        status: TaskStatus::Review,
        priority: Priority::Low,
        agent: Some(AgentId::parse("runbook").unwrap()),
        project: None,
        deadline: Some("2026-12-24".into()),
        depends_on: vec![id(1), id(2)],
        tags: vec!["a, b".into(), "true".into(), "-".into(), "# x".into()],
        attachments: vec![
            Attachment::Document { name: "a: b.pdf".into(), sha256: "a".repeat(64), size_bytes: Size(12) },
            Attachment::Path { path: "/home/me/a #1".into() },
            Attachment::Link { url: "https://example.org/#x".into() },
        ],
        rank: "Vz".into(),
        created_at: At(1_795_000_000_123),
    };
    let text = TaskFile::create(&task);
    assert_eq!(read(&text).task().unwrap(), task);
    assert_eq!(
        path_of(&task.id, "  Zürich: Move invoices!! ", task.created_at).to_str().unwrap(),
        format!("tasks/2026-11/{}-z-rich-move-invoices.md", task.id)
    );
    assert_eq!(path_of(&task.id, "日本", At(0)).to_str().unwrap(), format!("tasks/1970-01/{}.md", task.id));
}

#[test]
fn dependencies_are_open_until_settled_and_circles_are_seen() {
    let mut task = read("# a").task_as(id(1));
    task.depends_on = vec![id(2), id(3), id(4)];
    let status = |asked: &TaskId| {
        [(id(2), TaskStatus::Done), (id(3), TaskStatus::Review)]
            .into_iter()
            .find(|(id, _)| id == asked)
            .map(|(_, s)| s)
    };
    let open: Vec<_> = open_dependencies(&task, status).into_iter().map(|d| (d.id, d.status)).collect();
    assert_eq!(open, [(id(3), Some(TaskStatus::Review)), (id(4), None)]);

    // 1 → 2 → 3, and a circle 5 → 6 → 5 that hands have written.
    let edges = [vec![], vec![id(2)], vec![id(3)], vec![], vec![], vec![id(6)], vec![id(5)]];
    let of = |asked: &TaskId| {
        (0..edges.len()).find(|n| id(*n as u128) == *asked).map_or(&[][..], |n| &edges[n][..])
    };
    assert_eq!(would_cycle(of, &id(3), &id(1)), Some(vec![id(1), id(2), id(3)]));
    assert_eq!(would_cycle(of, &id(1), &id(3)), None);
    assert_eq!(would_cycle(of, &id(1), &id(1)), Some(vec![id(1)]));
    assert_eq!(would_cycle(of, &id(1), &id(5)), None);
}
