//! Ollama's own chat, streamed as JSON lines and whole.

use super::{
    MODELS, Shared,
    script::{Part, Reply, pieces},
    send::{Framing, Piece, status, stream},
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// The models that are there.
pub(super) async fn tags() -> Json<Value> {
    let models = MODELS.map(|id| format!("{id}:latest"));
    let models = models.map(|name| json!({ "name": name, "model": name, "size": 1 }));
    Json(json!({ "models": models }))
}

/// What a model is able to: one that is named so sees.
pub(super) async fn show(Json(body): Json<Value>) -> Json<Value> {
    let name = body["model"].as_str().unwrap_or_default();
    let sees = name.contains("vision").then_some("vision");
    let able = ["completion", "tools"].into_iter().chain(sees).collect::<Vec<_>>();
    Json(json!({ "capabilities": able, "details": {} }))
}

/// Answers a request. It streams unless the request says that it should not.
pub(super) fn answer(_: &Shared, reply: Reply, model: &str, body: &Value) -> Response {
    if let Some(refused) = status(&reply, |_, message| json!({ "error": message })) {
        return refused;
    }
    let line = |message: Value| json!({ "model": model, "created_at": "2026-01-01T00:00:00Z", "message": message, "done": false });
    let calls: Vec<Value> = reply
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Call { name, input } => Some(json!({ "function": { "name": name, "arguments": input } })),
            _ => None,
        })
        .collect();
    let over = |mut last: Value| {
        last["done"] = true.into();
        last["done_reason"] = "stop".into();
        last["prompt_eval_count"] = reply.tokens.input.into();
        last["eval_count"] = reply.tokens.output.into();
        last["total_duration"] = 1.into();
        last
    };
    if body["stream"] == false {
        let mut message = json!({ "role": "assistant", "content": reply.words() });
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        return Json(over(line(message))).into_response();
    }
    let mut said = Vec::new();
    for part in &reply.parts {
        let (field, text) = match part {
            Part::Text(text) => ("content", text),
            Part::Thought(text) => ("thinking", text),
            Part::Call { .. } => continue,
        };
        for piece in pieces(text) {
            let mut message = json!({ "role": "assistant", "content": "" });
            message[field] = piece.into();
            said.push(Piece::paced("", &line(message)));
        }
    }
    if !calls.is_empty() {
        let message = json!({ "role": "assistant", "content": "", "tool_calls": calls });
        said.push(Piece::paced("", &line(message)));
    }
    let end = vec![Piece::of("", &over(line(json!({ "role": "assistant", "content": "" }))))];
    stream(Framing::Lines, &reply, said, end)
}
