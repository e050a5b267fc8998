//! Sessions leave and come back as files, and old events are packed.

use crate::sh;
use nox_api::{
    ApiError, ErrorCode,
    domain::{
        At, Size,
        event::{Closed, Event},
        ids::{ItemId, SessionId},
        life::LogPolicy,
        tool::Decision,
    },
    dto::*,
};
use nox_test_support::{World, caller, poll};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A home with sessions that ended in several ways: asked and allowed for the session, failed, stopped, waiting.
pub(crate) async fn busy() -> (World, Vec<SessionId>) {
    let mut world = World::open().await;
    let mut sessions = Vec::new();
    sessions.push(world.run(&format!("{}{}", sh("echo one"), sh("echo two >&2"))).await.session);
    sessions.push(world.run(&sh("echo bad; exit 3")).await.session);
    let task = world.task("Asks", &format!("{}{}", sh("echo same"), sh("echo same"))).await;
    let session = world.start(&task).await;
    let row = world.until_asked(&session).await;
    world.answer(&row.request.id, Decision::AllowSession).await.unwrap();
    world.until_over(&session).await;
    sessions.push(session);
    let task = world.task("Waits", &sh("echo later")).await;
    let session = world.start(&task).await;
    world.until_asked(&session).await;
    sessions.push(session);
    (world, sessions)
}

pub(crate) async fn export(
    world: &World,
    session: &SessionId,
    format: ExportFormat,
    name: &str,
) -> Result<(Exported, PathBuf), ApiError> {
    let path = world.desk().join(name);
    let input = ExportSession {
        session: session.clone(),
        format,
        path: path.display().to_string(),
        overwrite: false,
    };
    Ok((world.api().export_session(input).await?, path))
}

pub(crate) async fn import(world: &World, path: &Path) -> Result<Recorded, ApiError> {
    let input = ImportSession { path: path.display().to_string() };
    world.api().import_session(&caller(), input).await
}

/// The lines of an export: header and events.
pub(crate) fn lines(path: &Path) -> (Value, Vec<Value>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    (lines.next().unwrap(), lines.collect())
}

/// Events without the task, which another home does not have.
pub(crate) fn taskless(mut events: Vec<Value>) -> Vec<Value> {
    events[0]["body"]["task"] = Value::Null;
    events
}

pub(crate) async fn assert_rows_fit(world: &World) {
    let checked = world.api().engine().check_rows().await.unwrap();
    assert_eq!((checked.differences, checked.named), (0, vec![]));
    assert!(checked.sessions > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_exported_and_imported_is_exported_as_it_was() {
    let (world, sessions) = busy().await;
    assert_rows_fit(&world).await;
    let mut other = World::open().await;
    for (number, session) in sessions.iter().enumerate() {
        let (done, path) =
            export(&world, session, ExportFormat::Jsonl, &format!("{number}.jsonl")).await.unwrap();
        let (header, events) = lines(&path);
        assert_eq!(header["session"], session.as_str());
        assert_eq!((done.events.0, done.pruned.0), (events.len() as u64, 0));
        let recorded = import(&other, &path).await.unwrap();
        assert_eq!(recorded.session.as_ref(), Some(session), "the id is free and kept");
        let (_, again) =
            export(&other, session, ExportFormat::Jsonl, &format!("{number}.jsonl")).await.unwrap();
        let (_, mut again) = lines(&again);
        let added: Vec<Value> = again.split_off(events.len());
        assert_eq!(again, taskless(events.clone()));
        assert_eq!(added.last().unwrap()["kind"], "session_imported");
        let was_open = events.iter().all(|event| event["kind"] != "session_closed");
        assert_eq!(added.len() > 1, was_open, "{added:?}");
        let items = |items: Vec<nox_domain::rows::Item>| serde_json::to_value(items).unwrap();
        if !was_open {
            assert_eq!(items(other.items(session).await), items(world.items(session).await));
        }
        // It stands there as over, asks nothing, and cannot be gone on with.
        let all = other.snapshot().await;
        let view = all.sessions.iter().find(|view| view.row.id == *session).unwrap();
        assert!(view.row.imported && view.row.state.is_closed() && view.row.task.is_none(), "{view:?}");
        assert!(all.requests.iter().all(|row| row.state != nox_domain::rows::RequestState::Open));
        let one = OneSession { session: session.clone() };
        let refused = other.api().continue_session(&caller(), one).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Conflict, "{refused:?}");
    }
    assert_rows_fit(&other).await;
    other.reopen().await;
    assert_eq!(other.snapshot().await.sessions.len(), sessions.len());
    assert_rows_fit(&other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_there_already_comes_in_beside_it_and_undo_hides_it() {
    let (world, sessions) = busy().await;
    let before = world.items(&sessions[2]).await;
    let (_, path) = export(&world, &sessions[2], ExportFormat::Jsonl, "one.jsonl").await.unwrap();
    let who = caller();
    let input = ImportSession { path: path.display().to_string() };
    let recorded = world.api().import_session(&who, input.clone()).await.unwrap();
    let copy = recorded.session.clone().unwrap();
    assert_ne!(copy, sessions[2]);
    assert!(recorded.undo);
    // The same command again is answered from its receipt.
    assert_eq!(world.api().import_session(&who, input).await.unwrap(), recorded);
    assert_eq!(world.items(&sessions[2]).await, before, "what was there is as it was");
    let bodies = |items: &[nox_domain::rows::Item]| {
        items.iter().map(|item| (item.ord, item.at, format!("{:?}", item.body).len())).collect::<Vec<_>>()
    };
    let copied = world.items(&copy).await;
    assert_eq!(bodies(&copied), bodies(&before));
    assert!(copied.iter().all(|item| before.iter().all(|other| other.id != item.id)));
    // The task is here: the link stays.
    let row = world.api().engine().session(&copy).await.unwrap();
    assert!(row.task.is_some() && row.imported);
    assert_rows_fit(&world).await;
    world.api().undo(&caller(), Undo { command: who.command, of: None }).await.unwrap();
    assert!(world.snapshot().await.sessions.iter().all(|view| view.row.id != copy));
    assert!(world.api().engine().session(&copy).await.unwrap().deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_imported_is_named_by_its_line_and_changes_nothing() {
    let (world, sessions) = busy().await;
    let (_, path) = export(&world, &sessions[0], ExportFormat::Jsonl, "good.jsonl").await.unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    let all: Vec<&str> = good.lines().collect();
    let join = |lines: &[&str]| lines.join("\n") + "\n";
    let swapped = {
        let mut lines = all.clone();
        lines.swap(3, 4);
        join(&lines)
    };
    let twice = {
        let opened = all[1].replacen("\"stream_seq\":1", "\"stream_seq\":2", 1);
        let mut lines = all.clone();
        lines[2] = &opened;
        join(&lines)
    };
    let other_kind = good.replacen("\"kind\":\"turn_queued\"", "\"kind\":\"said\"", 1);
    let foreign = {
        let line = r#"{"stream_seq":2,"at":1,"kind":"project_granted","version":1,"actor":"user","command":null,"body":{"type":"project_granted","project":"x","path":"/"}}"#;
        let mut lines = all.clone();
        lines[2] = line;
        join(&lines)
    };
    let pruned = {
        let line = r#"{"pruned":{"first_stream_seq":2,"last_stream_seq":9}}"#;
        let mut lines = all.clone();
        lines[2] = line;
        join(&lines)
    };
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "empty"),
        ("a picture", vec![0x89, b'P', b'N', b'G', b'\n', 0xff], "line 1"),
        ("another format", good.replacen("nox-session", "tar", 1).into_bytes(), "line 1"),
        ("newer", good.replacen("\"version\":1", "\"version\":2", 1).into_bytes(), "line 1"),
        ("cut in a line", good.as_bytes()[..good.len() - 9].to_vec(), &format!("line {}", all.len())),
        ("cut between lines", join(&all[..all.len() - 1]).into_bytes(), &format!("event {}", all.len() - 2)),
        ("more than it says", format!("{good}{}\n", all[3]).into_bytes(), &format!("line {}", all.len() + 1)),
        ("swapped", swapped.into_bytes(), "line 4"),
        ("opened twice", twice.into_bytes(), "line 3"),
        ("another kind", other_kind.into_bytes(), "line 3"),
        ("a fact of something else", foreign.into_bytes(), "line 3"),
        ("pruned", pruned.into_bytes(), "line 3"),
        (
            "a long line",
            [good.as_bytes(), &vec![b' '; 13 << 20]].concat(),
            &format!("line {}", all.len() + 1),
        ),
    ]
    .into_iter()
    .map(|(name, bytes, place)| (name, bytes, Box::leak(place.to_owned().into_boxed_str()) as &str))
    .collect();
    // What the sessions have left to write is written first, and what the registry's history has, at most two seconds after
    // the last file; it has no end that could be waited for.
    let mut before = world.api().engine().position().await;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
        match std::mem::replace(&mut before, world.api().engine().position().await) {
            earlier if earlier == before => break,
            _ => {}
        }
    }
    for (name, bytes, place) in cases {
        let file = world.desk().join("bad.jsonl");
        std::fs::write(&file, bytes).unwrap();
        let error = import(&world, &file).await.expect_err(name);
        assert_eq!(
            (error.code, error.field.as_deref()),
            (ErrorCode::BadInput, Some("path")),
            "{name}: {error:?}"
        );
        assert!(error.message.contains(place), "{name}: {} does not say {place}", error.message);
        assert!(error.hint.is_some(), "{name}");
    }
    assert!(import(&world, &world.desk()).await.is_err(), "a folder");
    assert!(import(&world, &world.desk().join("nowhere")).await.is_err());
    assert_eq!(world.api().engine().position().await, before, "nothing was written");
    assert_eq!(copies(&world), 0, "no copy stays");
}

/// Checked copies of files that are being imported; the folder may be gone with the last one.
fn copies(world: &World) -> usize {
    std::fs::read_dir(world.home().join("imports")).map_or(0, Iterator::count)
}

/// A long session as an export would have it, longer than one transaction.
pub(crate) fn long_export(path: &Path, count: usize) -> SessionId {
    let session = SessionId::from_uuid(uuid::Uuid::now_v7());
    let opened = serde_json::json!({
        "type": "session_opened", "session": session, "task": null, "agent": "runbook", "agent_name": "Runbook",
        "agent_version": "x", "runtime": "runbook", "project": null, "folder": "/tmp", "title": "Long", "text": "t",
        "review": false, "pre_allowed": "all", "environment": {}, "max_call_seconds": null,
    });
    let mut events = vec![opened];
    events.extend((0..count).map(|number| {
        let event = Event::Said {
            item: ItemId::from_uuid(uuid::Uuid::now_v7()),
            text: format!("{number} {}", "words ".repeat(20)),
        };
        serde_json::to_value(event).unwrap()
    }));
    let header = serde_json::json!({
        "format": "nox-session", "version": 1, "exported_at": 1, "session": session, "last_stream_seq": events.len(),
    });
    let mut text = format!("{header}\n");
    for (number, body) in events.iter().enumerate() {
        let line = serde_json::json!({
            "stream_seq": number + 1, "at": 1_700_000_000_000_u64 + number as u64, "kind": body["type"], "version": 1,
            "actor": "agent", "command": null, "body": body,
        });
        text += &format!("{line}\n");
    }
    std::fs::write(path, text).unwrap();
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_cut_off_shows_nothing_and_is_completed_at_the_next_start() {
    let mut world = World::open().await;
    let path = world.desk().join("long.jsonl");
    let session = long_export(&path, 12_000);
    let importing = begin_import(&world, &path, &session).await;
    let seen = world.snapshot().await.sessions.iter().any(|view| view.row.id == session);
    world.close().await;
    let cut_off = importing.await.unwrap().is_err();
    assert!(cut_off && !seen, "the import was through before the engine closed: make it longer");
    world.reopen().await;
    // Another one begins at once: neither is in the way of the other.
    let second = world.desk().join("second.jsonl");
    let other = long_export(&second, 10);
    assert_eq!(import(&world, &second).await.unwrap().session, Some(other));
    world
        .until("the import", |all| all.sessions.iter().find(|view| view.row.id == session).map(|_| ()))
        .await;
    assert_eq!(world.items(&session).await.len(), 12_000);
    assert_eq!(copies(&world), 0);
    assert_rows_fit(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_failed_and_was_done_again_is_left_alone_by_the_next_start() {
    let mut world = World::open().await;
    let path = world.desk().join("short.jsonl");
    let session = long_export(&path, 10);
    import(&world, &path).await.unwrap();
    // As a failing disk leaves it: the first try was announced, failed, and that could not be noted.
    let intent = serde_json::json!({
        "file": "gone.jsonl", "session": session, "id_kept": true, "task": null, "actor": "user", "command": null,
    });
    let outbox = vec![nox_store::NewOutbox { kind: "import".into(), body: intent.to_string() }];
    let store = world.api().engine().ledger().store().clone();
    store.commit(nox_store::Batch { outbox, ..Default::default() }).await.unwrap();
    let stream = format!("session/{session}");
    let before = store.events_of(&stream, 0, 100).await.unwrap();
    drop(store);
    world.reopen().await;
    let store = world.api().engine().ledger().store().clone();
    poll("the end of the announcement", async || {
        store.outbox_pending().await.is_ok_and(|pending| pending.is_empty()).then_some(())
    })
    .await;
    assert_eq!(store.events_of(&stream, 0, 100).await.unwrap(), before);
}

/// Begins an import of several transactions; resolves when the first one is there.
async fn begin_import(
    world: &World,
    path: &Path,
    session: &SessionId,
) -> tokio::task::JoinHandle<Result<Recorded, ApiError>> {
    let (api, input) = (world.api().clone(), ImportSession { path: path.display().to_string() });
    let importing = tokio::spawn(async move { api.import_session(&caller(), input).await });
    let stream = format!("session/{session}");
    let store = world.api().engine().ledger().store().clone();
    poll("the first transaction", async || {
        store.events_of(&stream, 0, 1).await.is_ok_and(|events| !events.is_empty()).then_some(())
    })
    .await;
    importing
}

/// Puts many messages in front of an export's last event.
fn lengthen(path: &Path, longer: &Path, count: usize) {
    let (mut header, mut events) = lines(path);
    let last = events.pop().unwrap();
    let at = last["at"].clone();
    events.extend((0..count).map(|number| {
        let item = ItemId::from_uuid(uuid::Uuid::now_v7());
        let body = serde_json::to_value(Event::Said { item, text: format!("{number}") }).unwrap();
        serde_json::json!({ "at": at, "kind": "said", "version": 1, "actor": "agent", "command": null, "body": body })
    }));
    events.push(last);
    for (event, number) in events.iter_mut().zip(1..) {
        event["stream_seq"] = Value::from(number);
    }
    header["last_stream_seq"] = Value::from(events.len());
    let text: String = std::iter::once(&header).chain(&events).map(|line| format!("{line}\n")).collect();
    std::fs::write(longer, text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_of_an_import_are_seen_with_it_and_are_not_those_of_this_home() {
    let (world, sessions) = busy().await;
    let (_, path) = export(&world, &sessions[2], ExportFormat::Jsonl, "asked.jsonl").await.unwrap();
    let longer = world.desk().join("longer.jsonl");
    lengthen(&path, &longer, 12_000);
    let mut other = World::open().await;
    let before = other.api().engine().ledger().store().verify_audit().await.unwrap();
    let importing = begin_import(&other, &longer, &sessions[2]).await;
    let seen = other.api().engine().newest_requests(10).await.unwrap();
    other.close().await;
    assert!(importing.await.unwrap().is_err() && seen.is_empty(), "{seen:?}");
    other.reopen().await;
    other
        .until("the import", |all| all.sessions.iter().find(|view| view.row.id == sessions[2]).map(|_| ()))
        .await;
    let requests = other.snapshot().await.requests;
    assert!(
        !requests.is_empty() && requests.iter().all(|row| row.state != nox_domain::rows::RequestState::Open)
    );
    assert_rows_fit(&other).await;
    let store = other.api().engine().ledger().store();
    assert_eq!(store.verify_audit().await.unwrap(), before, "nobody decided anything here");
    let history = store.events_of(&format!("session/{}", sessions[2]), 0, 100).await.unwrap();
    assert!(history.iter().any(|event| event.kind == "permission_decided"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_session_that_was_imported_is_as_old_as_its_import() {
    let world = World::open().await;
    let path = world.desk().join("old.jsonl");
    let session = long_export(&path, 20);
    import(&world, &path).await.unwrap();
    let engine = world.api().engine();
    let now = nox_engine::clock::now().0;
    assert_eq!(engine.compact(At(now - 60_000)).await.unwrap().sessions, 0);
    assert_eq!(engine.compact(At(now + 60_000)).await.unwrap().sessions, 1);
    // A copy of it that comes in later is younger again, wherever it was imported before.
    let (_, path) = export(&world, &session, ExportFormat::Jsonl, "again.jsonl").await.unwrap();
    let between = nox_engine::clock::now();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    import(&world, &path).await.unwrap();
    assert_eq!(engine.compact(between).await.unwrap().sessions, 0);
    assert_rows_fit(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn markdown_is_read_by_people_and_has_no_secret() {
    let mut world = World::open().await;
    let body = format!(
        "{}{}",
        sh("echo 'a ```fence'; echo token=ghp_CANARY0123456789abcdef"),
        sh("printf '# no heading\\n'; exit 4")
    );
    let session = world.run(&body).await.session;
    let (_, path) = export(&world, &session, ExportFormat::Markdown, "talk.md").await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for wanted in [
        "# A run\n",
        "## Prompt\n",
        "## Tool call: ",
        "- Decision: allowed once",
        "- End: exit 0",
        "- End: exit 4",
        "a ```fence",
        "[redacted]",
        "\nFailed",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in\n{text}");
    }
    assert!(!text.contains("CANARY"), "{text}");
    let again = export(&world, &session, ExportFormat::Markdown, "talk.md").await.unwrap_err();
    assert_eq!(again.code, ErrorCode::Conflict, "{again:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "it is as it was");
    let input = ExportSession {
        session: session.clone(),
        format: ExportFormat::Jsonl,
        path: path.display().to_string(),
        overwrite: true,
    };
    world.api().export_session(input.clone()).await.unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("{\"format\":\"nox-session\""));
    let relative = world.api().export_session(ExportSession { path: "x.md".into(), ..input.clone() }).await;
    assert_eq!(relative.unwrap_err().code, ErrorCode::BadInput);
    let policy = world.home().join("registry/policy.toml").display().to_string();
    let within = world.api().export_session(ExportSession { path: policy, ..input.clone() }).await;
    assert_eq!(within.unwrap_err().code, ErrorCode::BadInput, "nothing of Nox itself is replaced");
    let nowhere = ExportSession { path: world.desk().join("no/x.md").display().to_string(), ..input };
    assert!(world.api().export_session(nowhere).await.is_err());
    assert_eq!(std::fs::read_dir(world.desk()).unwrap().count(), 1, "nothing else was left");
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_sessions_are_read_exported_and_continued_as_before() {
    let mut world = World::open().await;
    let gate = world.desk().join("gate");
    let body = format!("{}{}", sh("echo first"), sh(&format!("test -e '{}'\necho second", gate.display())));
    let session = world.run(&body).await.session;
    let (_, before) = export(&world, &session, ExportFormat::Jsonl, "before.jsonl").await.unwrap();
    let items = world.items(&session).await;
    let soon = At(nox_engine::clock::now().0 + 60_000);
    let done = world.api().engine().compact(soon).await.unwrap();
    assert_eq!(done.sessions, 1);
    assert!(done.events > 5, "{done:?}");
    assert_eq!(world.api().engine().compact(soon).await.unwrap().sessions, 0, "nothing is left to do");
    // Asked for by a person, the file is made smaller as well.
    world.api().compact_log(&caller(), Nothing {}).await.unwrap();
    let log = poll("the end of the compaction", async || {
        let log = world.api().log(Nothing {}).await.unwrap();
        log.compaction.as_ref().is_some_and(|known| known.step == CompactionStep::Done).then_some(log)
    })
    .await;
    assert!(log.compaction.is_some_and(|done| done.freed_bytes.is_some() && done.problem.is_none()));
    assert_eq!((log.archived_events, log.pruned_events), (Size(done.events), Size(0)));
    assert!(log.archived_bytes.0 > 0 && log.free_bytes.0 < log.bytes.0);
    world.reopen().await;
    let (_, after) = export(&world, &session, ExportFormat::Jsonl, "after.jsonl").await.unwrap();
    assert_eq!(lines(&after).1, lines(&before).1);
    assert_eq!(world.items(&session).await, items);
    assert_rows_fit(&world).await;
    let log = world.api().engine().ledger().store().events_of("log", 0, 10).await.unwrap();
    assert_eq!(log.len(), 1);
    world.api().engine().ledger().store().check().await.unwrap();
    std::fs::write(&gate, "").unwrap();
    world.api().continue_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    world
        .until("the second run", |all| all.sessions.iter().find(|view| view.row.attempt == 2).map(|_| ()))
        .await;
    let ran = world.until_over(&session).await;
    assert_eq!((ran.how, ran.output().as_str()), (Closed::Finished, "first\nsecond\n"));
    assert_rows_fit(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_young_session_and_one_that_is_open_are_left_alone_and_keep_means_keep() {
    let (world, _) = busy().await;
    let engine = world.api().engine();
    let long_ago = At(nox_engine::clock::now().0 - 60_000);
    assert_eq!(engine.compact(long_ago).await.unwrap().sessions, 0);
    let soon = At(nox_engine::clock::now().0 + 60_000);
    let input = ChangeSettings { log_policy: Some(LogPolicy::Keep), ..ChangeSettings::default() };
    world.api().change_settings(&caller(), input).await.unwrap();
    assert_eq!(engine.compact(soon).await.unwrap().sessions, 0);
    let refused = world.api().compact_log(&caller(), Nothing {}).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    let input = ChangeSettings { log_policy: Some(LogPolicy::Archive), ..ChangeSettings::default() };
    world.api().change_settings(&caller(), input).await.unwrap();
    let before = world.api().log(Nothing {}).await.unwrap();
    assert_eq!((before.compaction, before.archived_events), (None, Size(0)));
    assert!(before.bytes.0 > 0, "{:?}", before.bytes);
    world.api().compact_log(&caller(), Nothing {}).await.unwrap();
    let done = poll("the end of the compaction", async || {
        let compaction = world.api().log(Nothing {}).await.unwrap().compaction?;
        (compaction.step == CompactionStep::Done).then_some(compaction)
    })
    .await;
    // None of them is over for a day, and one run that waits keeps the file from being written anew.
    assert_eq!((done.sessions, done.freed_bytes, done.problem), (Size(0), None, None));
    assert_eq!(engine.compact(soon).await.unwrap().sessions, 3, "the one that waits is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pruned_is_said_and_what_is_shown_stays() {
    let mut world = World::open().await;
    let session = world.run(&sh("echo kept; exit 1")).await.session;
    let items = world.items(&session).await;
    let input = ChangeSettings { log_policy: Some(LogPolicy::Prune), ..ChangeSettings::default() };
    world.api().change_settings(&caller(), input).await.unwrap();
    let soon = At(nox_engine::clock::now().0 + 60_000);
    assert_eq!(world.api().engine().compact(soon).await.unwrap().sessions, 1);
    world.reopen().await;
    assert_eq!(world.items(&session).await, items);
    let (done, path) = export(&world, &session, ExportFormat::Jsonl, "pruned.jsonl").await.unwrap();
    assert!(done.pruned.0 > 0 && done.events.0 > 0, "the audit trail stays: {done:?}");
    let refused = import(&world, &path).await.unwrap_err();
    assert!(refused.message.contains("were pruned"), "{refused:?}");
    let (_, talk) = export(&world, &session, ExportFormat::Markdown, "pruned.md").await.unwrap();
    let text = std::fs::read_to_string(talk).unwrap();
    assert!(text.contains("were pruned") && text.contains("kept"), "{text}");
    // It can still be gone on with.
    world.api().continue_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    world
        .until("the second run", |all| all.sessions.iter().find(|view| view.row.attempt == 2).map(|_| ()))
        .await;
    assert_eq!(world.until_over(&session).await.how, Closed::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_runs_is_not_deleted_and_a_deletion_comes_back() {
    let (world, sessions) = busy().await;
    let one = OneSession { session: sessions[3].clone() };
    let refused = world.api().delete_session(&caller(), one).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    let (who, one) = (caller(), OneSession { session: sessions[0].clone() });
    world.api().delete_session(&who, one).await.unwrap();
    world.api().undo(&caller(), Undo { command: who.command, of: None }).await.unwrap();
    assert!(world.snapshot().await.sessions.iter().any(|view| view.row.id == sessions[0]));
    assert_rows_fit(&world).await;
}
