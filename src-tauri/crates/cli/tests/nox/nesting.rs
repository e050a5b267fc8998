//! `nox` inside a block of a runbook: a session that starts a session.

use super::support::{World, caller};
use nox_api::{
    control,
    dto::{CreateAgent, Nothing},
};
use nox_domain::{
    agent::Limits,
    event::SessionOpened,
    life::{LimitAction, LimitKind},
    rows::{Item, ItemBody},
    words::{Card, Words},
};

/// What all sessions of a home were opened with, the oldest first.
async fn opened(api: &nox_api::Api) -> Vec<SessionOpened> {
    let events = api.engine().ledger().store().events_after(0, 1_000).await.unwrap();
    let opened = events.iter().filter(|event| event.kind == "session_opened");
    opened.map(|event| serde_json::from_str(&event.body).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_started_inside_a_run_stands_below_it_and_not_too_deep() {
    let world = World::new();
    let api = world.open().await;
    let control = control::serve(api.clone(), |_| {}).unwrap();
    let mut environment: std::collections::BTreeMap<String, String> =
        [("NOX_HOME".to_owned(), world.home().display().to_string())].into();
    if let Ok(folder) = std::env::var("XDG_RUNTIME_DIR") {
        environment.insert("XDG_RUNTIME_DIR".into(), folder);
    }
    let limits = Limits { max_depth: Some(1), ..Limits::default() };
    let nester = CreateAgent { name: "Runbook".into(), environment, limits, ..CreateAgent::default() };
    api.create_agent(&caller(), nester).await.unwrap();

    let nox = env!("CARGO_BIN_EXE_nox");
    world.file("inner.md", "```sh\ntouch inner-ran\n```\n");
    // A process that leaves its group and its parent is still inside.
    let inner = format!("setsid sh -c '{nox} run inner.md --allow all 2> refused; echo $? > code'");
    world.file("middle.md", &format!("```sh\n{inner}\n```\n"));
    world.file("outer.md", &format!("```sh\n{nox} run middle.md --allow all\n```\n"));
    let running = world.start(&["run", "outer.md", "--allow", "all"]);
    let ended = tokio::task::spawn_blocking(move || running.end()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let sessions = opened(&api).await;
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    let (outer, middle) = (&sessions[0], &sessions[1]);
    assert_eq!((&outer.parent, outer.depth), (&None, 0));
    assert_eq!((&middle.parent, middle.depth), (&Some(outer.session.clone()), 1));
    let refused = std::fs::read_to_string(world.work().join("refused")).unwrap();
    assert!(refused.contains("limit of depth") && refused.contains("in Agents"), "{refused}");
    assert_ne!(std::fs::read_to_string(world.work().join("code")).unwrap().trim(), "0");
    assert!(!world.work().join("inner-ran").exists());
    // It stands in the conversation of the session that asked, and on the card of what was not started.
    let items = api.engine().items(&middle.session, None, 100).await.unwrap();
    let told = |item: &&Item| {
        matches!(&item.body, ItemBody::Limit { hit }
            if (hit.limit, hit.action) == (LimitKind::Depth, LimitAction::Refused))
    };
    assert_eq!(items.iter().filter(told).count(), 1, "{items:?}");
    let cards = api.snapshot(Nothing {}).await.unwrap().cards;
    let refused = |card: &&Card| matches!(card.status.words, Words::NotStarted { again_at: None, .. });
    assert_eq!(cards.iter().filter(refused).count(), 1, "{cards:?}");
    control.close().await;
    api.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_allows_itself_nothing() {
    let world = World::new();
    let api = world.open().await;
    let control = control::serve(api.clone(), |_| {}).unwrap();
    let mut environment: std::collections::BTreeMap<String, String> =
        [("NOX_HOME".to_owned(), world.home().display().to_string())].into();
    if let Ok(folder) = std::env::var("XDG_RUNTIME_DIR") {
        environment.insert("XDG_RUNTIME_DIR".into(), folder);
    }
    let agent = CreateAgent { name: "Runbook".into(), environment, ..CreateAgent::default() };
    api.create_agent(&caller(), agent).await.unwrap();
    let nox = env!("CARGO_BIN_EXE_nox");
    world.file("inner.md", "```sh\ntouch inner-ran\n```\n");
    let export = format!("{nox} export ses_00000000000000000000000000 2> refused-too || true");
    let trial = format!("{nox} agent test Runbook 2> refused-trial || true");
    let blocks = format!("```sh\n{export}\n{trial}\n{nox} run inner.md --allow all 2> refused\n```\n");
    world.file("outer.md", &blocks);
    let running = world.start(&["run", "outer.md", "--allow", "once"]);
    let ended = tokio::task::spawn_blocking(move || running.end()).await.unwrap();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let refused = std::fs::read_to_string(world.work().join("refused")).unwrap();
    assert!(refused.contains("cannot allow another one anything"), "{refused}");
    let refused = std::fs::read_to_string(world.work().join("refused-too")).unwrap();
    assert!(refused.contains("cannot be asked for from inside a run"), "{refused}");
    let refused = std::fs::read_to_string(world.work().join("refused-trial")).unwrap();
    assert!(refused.contains("cannot be asked for from inside a run"), "{refused}");
    assert_eq!(opened(&api).await.len(), 1);
    assert!(!world.work().join("inner-ran").exists());
    control.close().await;
    api.close().await;
}
