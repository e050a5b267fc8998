//! Scenarios about what stands beside the program: MCP servers, and its key.

use crate::bench::Bench;
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
        command: Some(bench.server().display().to_string()),
        arguments: vec!["stdio".into()],
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

/// A command that the program runs does not have the key.
pub(crate) async fn key_stays(bench: Bench) {
    let command = format!("echo \"<${{{}:-nothing}}>\"", bench.program.key_variable);
    let mut scene = bench.begin_wanting(&command, "Done.").await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    assert_eq!(scene.idle().await, None);
    let told = scene.asked().last().unwrap().body.to_string();
    assert!(told.contains("<nothing>") && !told.contains("<test-key>"), "a command has the key: {told}");
    scene.close().await;
}
