//! `nox list-agents`, `nox list-tasks`, `nox doctor`.

use super::support::World;

#[test]
fn an_empty_home_is_told_on_standard_error() {
    let world = World::new();
    for verb in ["list-tasks", "list-agents"] {
        let ended = world.nox(&[verb]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""));
        assert!(ended.err.starts_with("There are no "), "{}", ended.err);
    }
}

#[test]
fn tables_are_aligned_and_json_has_a_row_a_line() {
    let world = World::new();
    world.nox(&["run", "A first task"]);
    world.nox(&["run", "Another \u{1b}[31mone"]);
    let table = world.nox(&["list-tasks"]).out;
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 3, "{table}");
    let column = rows[0].find("TITLE").unwrap();
    assert!(rows[1][column..].starts_with("Another ‹001B›[31mone"), "{table}");
    assert!(rows[2][column..].starts_with("A first task"), "{table}");
    assert_eq!(world.nox(&["list-tasks", "--json"]).lines().len(), 2);

    let agents = world.nox(&["list-agents", "--json"]).lines();
    assert_eq!(agents[0]["agent"]["id"], "runbook");
    assert!(world.nox(&["list-agents"]).out.contains("runbook  Runbook  runbook  enabled"));
}

#[test]
fn the_home_can_be_named_before_and_behind_the_verb() {
    let world = World::new();
    let other = world.folder.path().join("other");
    let named = other.to_str().unwrap();
    world.nox(&["run", "Elsewhere", "--home", named]);
    assert!(world.nox(&["--home", named, "list-tasks"]).out.contains("Elsewhere"));
    assert!(!world.home().exists());
}

#[test]
fn the_doctor_says_what_is_bad_and_ends_with_1() {
    let world = World::new();
    let well = world.nox(&["doctor"]);
    assert_eq!(well.code, Some(0), "{well:?}");
    assert!(
        well.out.contains("✓ good     Database") && well.out.contains("! warning  Sandbox"),
        "{}",
        well.out
    );
    assert!(world.nox(&["doctor", "--json"]).lines().iter().any(|check| check["code"] == "database"));

    let mut command = world.command(&["doctor"]);
    command.env("NOX_SHIM", "/nowhere/nox-shim");
    let ill = super::support::Running::start(command).end();
    assert_eq!(ill.code, Some(1), "{ill:?}");
    assert!(ill.out.contains("✗ bad      Engine") && ill.out.contains("/nowhere"), "{}", ill.out);
}

#[test]
fn a_session_leaves_and_comes_back_as_a_file() {
    let world = World::new();
    world.file("task.md", "```sh\necho hello\n```\n");
    let ran = world.nox(&["run", "task.md", "--allow", "all", "--json"]);
    let session = ran.result()["session_id"].as_str().unwrap().to_owned();
    let shown = world.nox(&["export", &session, "--out", "-"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let lines = shown.lines();
    assert_eq!(
        (&lines[0]["format"], &lines[0]["session"]),
        (&"nox-session".into(), &session.as_str().into())
    );
    let talk = world.nox(&["export", &session, "--format", "markdown", "--out", "-"]);
    assert!(talk.out.contains("## Tool call") && talk.out.contains("hello"), "{talk:?}");
    assert_eq!(world.nox(&["export", &session]).code, Some(0));
    let file = format!("{session}.jsonl");
    assert_eq!(std::fs::read_to_string(world.work().join(&file)).unwrap().lines().count(), lines.len());
    let again = world.nox(&["export", &session]);
    assert!(again.code == Some(1) && again.err.contains("is there already"), "{again:?}");
    let imported = world.nox(&["import", &file]);
    assert!(imported.code == Some(0) && imported.out.starts_with("ses_"), "{imported:?}");
    world.file("bad.jsonl", "{}\n");
    let refused = world.nox(&["import", "bad.jsonl"]);
    assert!(refused.code == Some(2) && refused.err.contains("line 1"), "{refused:?}");
    let mended = world.nox(&["doctor", "--rebuild"]);
    assert!(
        mended.code == Some(0) && mended.out.contains("2 sessions looked at, 0 rows mended"),
        "{mended:?}"
    );
}
