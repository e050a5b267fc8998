//! Gemini's generateContent, streamed and whole.

use super::{
    Shared,
    script::{Part, Reply, pieces},
    send::{Framing, Piece, status, stream},
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// Answers a request.
pub(super) fn answer(_: &Shared, reply: Reply, model: &str, streams: bool) -> Response {
    if let Some(refused) = status(&reply, error) {
        return refused;
    }
    let usage = json!({ "promptTokenCount": reply.tokens.input, "candidatesTokenCount": reply.tokens.output,
        "totalTokenCount": reply.tokens.input + reply.tokens.output });
    let whole = |parts: Value, stop: Option<&str>| {
        let mut candidate = json!({ "index": 0, "content": { "role": "model", "parts": parts } });
        if let Some(stop) = stop {
            candidate["finishReason"] = stop.into();
        }
        json!({ "candidates": [candidate], "modelVersion": model, "usageMetadata": usage })
    };
    if !streams {
        let parts: Vec<Value> = reply.parts.iter().map(|part| content(part, None)).collect();
        return Json(whole(parts.into(), Some("STOP"))).into_response();
    }
    let mut said = Vec::new();
    for part in &reply.parts {
        match part {
            Part::Text(text) => said.extend(
                pieces(text).map(|piece| Piece::paced("", &whole(json!([content(part, Some(piece))]), None))),
            ),
            // What it tells of its thoughts comes thought by thought.
            Part::Thought(_) | Part::Call { .. } => {
                said.push(Piece::paced("", &whole(json!([content(part, None)]), None)))
            }
        }
    }
    let end = vec![Piece::of("", &whole(json!([{ "text": "" }]), Some("STOP")))];
    stream(Framing::Events, &reply, said, end)
}

fn content(part: &Part, piece: Option<&str>) -> Value {
    match part {
        Part::Text(text) => json!({ "text": piece.unwrap_or(text) }),
        Part::Thought(text) => json!({ "text": piece.unwrap_or(text), "thought": true }),
        Part::Call { name, input } => json!({ "functionCall": { "name": name, "args": input } }),
    }
}

fn error(code: u16, message: &str) -> Value {
    let status = match code {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        429 => "RESOURCE_EXHAUSTED",
        _ => "UNAVAILABLE",
    };
    json!({ "error": { "code": code, "message": message, "status": status } })
}
