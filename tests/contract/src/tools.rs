//! Scenarios about what stands beside the program: MCP servers, and its key.

use crate::{bench::Bench, door::Door, programs::Lack};
use nox_api::domain::{
    agent::Service,
    tool::{CallStatus, Decision},
};
use nox_api::dto::Snapshot;
use nox_test_support::model::Reply;
use serde_json::json;

/// A tool of a real MCP server is asked like any other, happens once, and its answer comes back.
pub(crate) async fn mcp_tool(bench: Bench) {
    let tool = (bench.program.mcp)("things", "echo");
    let call = Reply::call(&tool, json!({ "message": "Hello, server." }));
    let environment = Reply::call(&(bench.program.mcp)("things", "get-env"), json!({}));
    let service = Service {
        // It takes its time to start, as those do that are fetched first.
        command: Some("sh".into()),
        arguments: vec!["-c".into(), format!("sleep 8; exec '{}' stdio", bench.server().display())],
        ..Service::default()
    };
    let begin = bench.begin_with([call, environment, Reply::text("Done.")], |agent, _| {
        agent.services.insert("things".into(), service);
    });
    let mut scene = begin.await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    assert!(request.call.text.contains("Hello, server."), "{}", request.call.text);
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    let next = |all: &Snapshot| {
        let mut others = all.requests.iter().filter(|row| row.request.id != request.id);
        others.next().map(|row| row.request.id.clone())
    };
    let second = scene.world.until("the second request", next).await;
    scene.world.answer(&second, Decision::AllowOnce).await.unwrap();
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.statuses().await, [CallStatus::Succeeded, CallStatus::Succeeded]);
    let told = scene.asked().last().unwrap().body.to_string();
    assert!(told.contains("PATH") && !told.contains("test-key"), "the server has the key: {told}");
    assert!(told.contains("Echo: Hello, server."), "the model did not get the answer: {told}");
    assert!(scene.world.output(&session, &request.item).await.contains("Echo: Hello, server."));
    scene.close().await;
}

/// Keys of the keychain reach who they are for, the model server and the service, and nobody else: no command of the agent,
/// no command line, no file of Nox.
pub(crate) async fn key_stays(bench: Bench) {
    const KEYS: [(&str, &str); 2] =
        [("contract", "sk-contract-canary-of-the-model"), ("service", "sk-contract-canary-of-the-service")];
    let door = Door::open(&bench.server()).await;
    let echo = Reply::call(&(bench.program.mcp)("there", "echo"), json!({ "message": "Hello, address." }));
    let replies = [bench.program.wants_shell("env"), echo, Reply::text("Done.")];
    let address = door.address();
    let begin = bench.with_keys(&KEYS).begin_with(replies, |agent, _| {
        let [(model, _), (service, _)] = KEYS.map(|(name, value)| (Some(name.to_owned()), value));
        agent.program.pass_environment.clear();
        agent.program.key = model;
        let service = Service { address: Some(address), key: service, ..Service::default() };
        agent.services.insert("there".into(), service);
    });
    let mut scene = begin.await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    for pid in nox_test_support::processes::marked(&scene.mark) {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        assert!(!KEYS.iter().any(|(_, value)| words.contains(value)), "a key is in a command line: {words}");
    }
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    let next = |all: &Snapshot| {
        let mut others = all.requests.iter().filter(|row| row.request.id != request.id);
        others.next().map(|row| row.request.id.clone())
    };
    let second = scene.world.until("the call of the service", next).await;
    scene.world.answer(&second, Decision::AllowOnce).await.unwrap();
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.statuses().await, [CallStatus::Succeeded, CallStatus::Succeeded]);
    let asked = scene.asked();
    let key = if scene.has(Lack::Key) { KEYS[0].1 } else { "" };
    assert_eq!(asked[0].key, key, "the model server");
    let bearer = format!("authorization: bearer {}", KEYS[1].1);
    assert!(door.heard().to_lowercase().contains(&bearer), "the service has no key: {}", door.heard());
    let told = asked.last().unwrap().body.to_string();
    assert!(told.contains("PATH=") && told.contains("Echo: Hello, address."), "{told}");
    for (name, value) in KEYS {
        assert!(!told.contains(value), "a command has the key {name}: {told}");
        assert_eq!(scene.world.file_with(value.as_bytes()), None, "{name}");
    }
    assert!(!told.contains("test-key"), "a command has a key of the environment: {told}");
    scene.close().await;
}
