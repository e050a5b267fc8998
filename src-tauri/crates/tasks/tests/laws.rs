//! Laws that hold for any bytes: nothing panics, bytes are kept, an edit does what it says and no more, merges agree.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use nox_domain::{
    At, Size,
    ids::{AgentId, ProjectId, TaskId},
    task::{Attachment, Change, Priority, Task, TaskPatch, TaskStatus},
};
use nox_tasks::{TaskFile, merge, normal_body, normal_title};
use proptest::{collection::vec, option, prelude::*, sample::select};
use uuid::Uuid;

const NAME: &str = "tasks/2026-11/file.md";

/// Pieces that files are made of, whole and broken.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "---",
            "\n",
            "\r\n",
            "\r",
            " ",
            "  ",
            "\t",
            ":",
            ": ",
            "#",
            "# ",
            "- ",
            "[",
            "]",
            ",",
            "\"",
            "'",
            "\\",
            "```",
            "\u{feff}",
            "schema: 1\n",
            "id: tsk_01j00000000e00000000000000\n",
            "title: x\n",
            "tags: [a, b]\n",
            "tags:\n",
            "  - one\n",
            "- two\n",
            "status: done\n",
            "deadline: 2026-11-30\n",
            "own: |\n",
            "agent: ~\n",
            "# Heading\n",
            "---\n",
            "---\r\n",
            "~",
            "日本",
            "\u{2028}",
            "\0",
            "\u{85}",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,12}",
        "\\PC{0,6}",
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(piece(), 0..24).prop_map(|pieces| pieces.concat()),
        vec(piece(), 0..24).prop_map(|pieces| format!("---\n{}", pieces.concat())),
        (front_line_set(), vec(piece(), 0..16))
            .prop_map(|(front, body)| format!("---\n{front}---\n{}", body.concat())),
    ]
}

fn front_line_set() -> impl Strategy<Value = String> {
    let line = select(vec![
        "# note\n",
        "\n",
        "own: 1\n",
        "own2:\n   deep: [\n",
        "status: todo # s\n",
        "priority:   high\n",
        "tags: [x, 'y z']\n",
        "depends_on:\n  - tsk_01j00000000e00000000000000 # d\n",
        "attachments:\n- path:/a b\n# in between\n- https://e.org\n",
        "rank: V\n",
        "agent: a\n",
        "project: ~\n",
        "deadline: 2026-01-02\n",
        "title: \"T\\n\"\n",
        "created: 2026-01-01\n",
    ]);
    vec(line, 0..10).prop_map(|lines| {
        let mut seen = std::collections::BTreeSet::new();
        lines.into_iter().filter(|line| seen.insert(line.split(':').next().unwrap())).collect()
    })
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", "\\PC{1,10}", vec(piece(), 1..4).prop_map(|p| p.concat())]
}

fn filled() -> impl Strategy<Value = String> {
    words().prop_filter("not empty", |text| !text.is_empty())
}

fn patch() -> impl Strategy<Value = TaskPatch> {
    let id = any::<u64>().prop_map(|n| TaskId::from_uuid(Uuid::from_u128(n.into())));
    let attachment = prop_oneof![
        filled().prop_map(|name| Attachment::Document { name, sha256: "0a".repeat(32), size_bytes: Size(3) }),
        filled().prop_map(|path| Attachment::Path { path }),
        filled().prop_map(|url| Attachment::Link { url }),
    ];
    let change = |name: &'static str| {
        prop_oneof![
            Just(Change::Clear),
            "[a-z]{1,5}".prop_map(move |text| Change::Set(format!("{name}-{text}")))
        ]
    };
    let agent = change("a").prop_map(|c| match c {
        Change::Set(text) => Change::Set(AgentId::parse(&text).unwrap()),
        Change::Clear => Change::Clear,
    });
    let project = change("p").prop_map(|c| match c {
        Change::Set(text) => Change::Set(ProjectId::parse(&text).unwrap()),
        Change::Clear => Change::Clear,
    });
    let deadline = prop_oneof![Just(Change::Clear), Just(Change::Set("2027-02-28".to_owned()))];
    let status = select(vec![TaskStatus::Done, TaskStatus::Todo, TaskStatus::InProgress]);
    let priority = select(vec![Priority::Low, Priority::Critical]);
    (
        (option::of(words()), option::of(vec(words(), 0..4).prop_map(|l| l.join("\n"))), option::of(status)),
        (option::of(priority), option::of(agent), option::of(project), option::of(deadline)),
        (
            option::of(vec(id, 0..3)),
            option::of(vec(words(), 0..3)),
            option::of(vec(attachment, 0..3)),
            option::of("[0-9A-Za-z]{1,3}"),
        ),
    )
        .prop_map(
            |(
                (title, body, status),
                (priority, agent, project, deadline),
                (depends_on, tags, attachments, rank),
            )| {
                TaskPatch {
                    title,
                    body,
                    status,
                    priority,
                    agent,
                    project,
                    deadline,
                    depends_on,
                    tags,
                    attachments,
                    rank,
                }
            },
        )
}

fn normal(patch: &TaskPatch) -> TaskPatch {
    TaskPatch {
        title: patch.title.as_deref().map(normal_title).filter(|title| !title.is_empty()),
        body: patch.body.as_deref().map(normal_body),
        ..patch.clone()
    }
}

/// The lines of the front matter of keys that are not named.
fn lines_of_others<'a>(text: &'a str, named: &[&str]) -> Vec<&'a str> {
    let mut keep = true;
    let mut lines = Vec::new();
    for line in text.lines().skip(1).take_while(|line| *line != "---") {
        let continues = line.is_empty() || line.starts_with([' ', '-', '#']);
        if !continues {
            keep = !named.contains(&line.split(':').next().unwrap_or_default());
        }
        if keep && !line.starts_with('#') && !line.is_empty() {
            lines.push(line);
        }
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(file) = TaskFile::parse_bytes(NAME, &bytes) {
            prop_assert_eq!(file.render().as_bytes(), &bytes[..]);
        }
    }

    #[test]
    fn what_is_read_is_rendered_and_problems_point_into_the_file(text in any_text()) {
        match TaskFile::parse(NAME, &text) {
            Ok(file) => prop_assert_eq!(file.render(), &text),
            Err(found) => {
                prop_assert!(found.line >= 1 && found.line as usize <= text.lines().count().max(1));
                prop_assert!(!found.message.is_empty() && !found.hint.is_empty() && !found.excerpt.is_empty());
            }
        }
    }

    #[test]
    fn a_new_file_keeps_what_it_says(text in any_text()) {
        let id = TaskId::from_uuid(Uuid::from_u128(5));
        if let Ok(file) = TaskFile::parse(NAME, &text) {
            let with = file.with_id(&id).unwrap();
            prop_assert_eq!(with.task().unwrap(), file.task_as(id));
        }
    }

    #[test]
    fn an_edit_does_what_the_patch_says(text in any_text(), patch in patch()) {
        let id = TaskId::from_uuid(Uuid::from_u128(5));
        if let Ok(file) = TaskFile::parse(NAME, &text) {
            let edited = file.edit(&patch).unwrap();
            prop_assert_eq!(edited.task_as(id.clone()), file.task_as(id).patched(&normal(&patch)), "{:?}", edited.render());
            let again = edited.edit(&patch).unwrap();
            prop_assert_eq!(again.render(), edited.render());
        }
    }

    #[test]
    fn an_edit_leaves_the_lines_of_other_keys(front in front_line_set(), patch in patch()) {
        let text = format!("---\n{front}---\n\n# T\n\nbody\n");
        let patch = TaskPatch { body: None, ..patch };
        let edited = TaskFile::parse(NAME, &text).unwrap().edit(&patch).unwrap();
        let named = ["status", "priority", "agent", "project", "deadline", "depends_on", "tags", "attachments", "rank", "title"];
        prop_assert_eq!(lines_of_others(edited.render(), &named), lines_of_others(&text, &named));
        prop_assert!(edited.render().ends_with("\n\nbody\n"));
        for comment in front.lines().filter(|line| line.starts_with("# note")) {
            prop_assert!(edited.render().contains(comment));
        }
    }

    #[test]
    fn a_created_file_says_the_task(patch in patch(), created in -60_000_000_000_000i64..200_000_000_000_000) {
        let empty = Task {
            id: TaskId::from_uuid(Uuid::from_u128(9)), title: "T".into(), body: String::new(),
            status: TaskStatus::Todo, priority: Priority::Medium, agent: None, project: None, deadline: None,
            depends_on: vec![], tags: vec![], attachments: vec![], rank: String::new(), created_at: At(created),
        };
        let task = empty.patched(&normal(&patch));
        prop_assert_eq!(TaskFile::parse(NAME, &TaskFile::create(&task)).unwrap().task().unwrap(), task);
    }

    #[test]
    fn a_merge_with_one_idle_side_is_the_other(text in any_text(), patch in patch()) {
        if let Ok(file) = TaskFile::parse(NAME, &text) {
            let edited = file.edit(&patch).unwrap();
            let merged = merge(NAME, &text, edited.render(), &text).unwrap();
            prop_assert_eq!((merged.text.as_str(), merged.conflicts.len()), (edited.render(), 0));
            let merged = merge(NAME, &text, &text, edited.render()).unwrap();
            prop_assert_eq!((merged.text.as_str(), merged.conflicts.len()), (edited.render(), 0));
        }
    }

    #[test]
    fn a_merge_keeps_the_hand_and_reports_the_rest(text in any_text(), ours in patch(), theirs in patch()) {
        if let Ok(file) = TaskFile::parse(NAME, &text) {
            let (a, b) = (file.edit(&ours).unwrap(), file.edit(&theirs).unwrap());
            let merged = merge(NAME, &text, a.render(), b.render()).unwrap();
            let id = TaskId::from_uuid(Uuid::from_u128(5));
            let said = TaskFile::parse(NAME, &merged.text).unwrap().task_as(id.clone());
            let (mine, hand, was) = (a.task_as(id.clone()), b.task_as(id.clone()), file.task_as(id));
            if hand.status != was.status { prop_assert_eq!(said.status, hand.status); }
            else { prop_assert_eq!(said.status, mine.status); }
            if hand.tags != was.tags { prop_assert_eq!(&said.tags, &hand.tags); }
            else { prop_assert_eq!(&said.tags, &mine.tags); }
            if hand.tags != was.tags && mine.tags != was.tags && hand.tags != mine.tags {
                prop_assert!(merged.conflicts.iter().any(|c| c.field == "tags"));
            }
            // Lines that only a hand wrote are still there.
            for line in hand.body.lines().filter(|line| line.len() > 4 && !was.body.contains(line)) {
                prop_assert!(merged.text.contains(line) , "{line:?}");
            }
        }
    }
}
