//! Three-way merge: both sides' work survives, hands win, and what loses is reported.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use nox_tasks::merge;

fn file(front: &str, body: &str) -> String {
    format!("---\nschema: 1\n{front}---\n\n{body}")
}

#[test]
fn changes_of_different_keys_and_lines_both_stay() {
    let base = file("status: todo\ntags: [a]\n", "# T\n\none\ntwo\nthree\n");
    let ours = file("status: done\npriority: high\ntags: [a]\n", "# T\n\none\ntwo\nthree\nfour\n");
    let theirs =
        file("# hello\nstatus: todo # mine\ntags:\n  - a\n  - b\n", "# New\n\nzero\none\ntwo\nthree\n");
    let merged = merge("a.md", &base, &ours, &theirs).unwrap();
    assert_eq!(
        merged.text,
        file(
            "# hello\nstatus: done\npriority: high\ntags:\n  - a\n  - b\n",
            "# New\n\nzero\none\ntwo\nthree\nfour\n"
        )
    );
    assert_eq!(merged.conflicts, []);
}

#[test]
fn on_the_same_key_or_line_hands_win_and_the_loss_is_told() {
    let base = file("status: todo\n", "# T\n\none\ntwo\n");
    let ours = file("status: done\n", "# O\n\none\nours\n");
    let theirs = file("status: failed\n", "# H\n\none\ntheirs\n");
    let merged = merge("a.md", &base, &ours, &theirs).unwrap();
    assert_eq!(merged.text, theirs);
    let told: Vec<_> =
        merged.conflicts.iter().map(|c| (c.field.as_str(), c.ours.trim(), c.theirs.trim())).collect();
    assert_eq!(
        told,
        [("status", "status: done", "status: failed"), ("title", "O", "H"), ("body", "ours", "theirs")]
    );
}

#[test]
fn keys_go_and_unknown_keys_come() {
    let base = file("agent: a\nmine: 1\n", "# T\n");
    let ours = file("mine: 1\n", "# T\n");
    let theirs = file("agent: a # x\nmine: 2\nmore: 3\n", "# T\n");
    let merged = merge("a.md", &base, &ours, &theirs).unwrap();
    assert_eq!((merged.text, merged.conflicts.len()), (file("mine: 2\nmore: 3\n", "# T\n"), 0));
    let ours = file("agent: a\nmine: 1\nnew: yes\n", "# T\n");
    let merged = merge("a.md", &base, &ours, &theirs).unwrap();
    assert_eq!(merged.text, file("agent: a # x\nmine: 2\nnew: yes\nmore: 3\n", "# T\n"));
}

#[test]
fn removed_front_matter_comes_back_with_what_nox_changed() {
    let base = file("status: todo\n", "# T\n");
    let ours = file("status: todo\nrank: V\n", "# T\n");
    let merged = merge("a.md", &base, &ours, "# T\n\nmore\n").unwrap();
    assert_eq!(merged.text, "---\nrank: V\n---\n# T\n\nmore\n");
}

#[test]
fn a_broken_side_is_refused_and_an_unknown_base_loses_nothing() {
    let good = file("status: todo\n", "# T\n");
    let ours = file("status: done\n", "# T\n");
    assert_eq!(merge("a.md", &good, &ours, "---\nstatus: ???\n---\n").unwrap_err().line, 2);
    let merged = merge("a.md", "", &ours, &file("status: todo\n", "# T\n\nx\n")).unwrap();
    assert!(merged.text.contains("status: todo"));
    assert!(merged.conflicts.iter().any(|c| c.field == "status" && c.ours.contains("done")));
}

#[test]
fn line_ends_are_those_of_the_hand() {
    let base = "---\nstatus: todo\n---\n# T\n\na\nb\nc\n";
    let ours = "---\nstatus: done\n---\n# T\n\na\nb\nc\nd\n";
    let theirs = "---\r\nstatus: todo\r\n---\r\n# T\r\n\r\nx\r\na\r\nb\r\nc\r\n";
    let merged = merge("a.md", base, ours, theirs).unwrap();
    assert_eq!(merged.text, "---\r\nstatus: done\r\n---\r\n# T\r\n\r\nx\r\na\r\nb\r\nc\r\nd\r\n");
}
