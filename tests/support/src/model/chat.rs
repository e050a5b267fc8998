//! OpenAI chat completions, streamed and whole.

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
pub(super) fn answer(shared: &Shared, reply: Reply, model: &str, body: &Value) -> Response {
    if let Some(refused) = status(&reply, error) {
        return refused;
    }
    let stop = if reply.has_calls() { "tool_calls" } else { "stop" };
    let usage = json!({ "prompt_tokens": reply.tokens.input, "completion_tokens": reply.tokens.output,
        "total_tokens": reply.tokens.input + reply.tokens.output });
    let id = shared.call_id("chatcmpl-");
    let calls = calls(shared, &reply);
    if body["stream"] != true {
        let mut message = json!({ "role": "assistant", "content": reply.words() });
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        let choice = json!({ "index": 0, "message": message, "finish_reason": stop });
        return Json(json!({ "id": id, "object": "chat.completion", "created": 0, "model": model,
            "choices": [choice], "usage": usage }))
        .into_response();
    }
    let chunk = |delta: Value, stop: Option<&str>| {
        json!({ "id": id, "object": "chat.completion.chunk", "created": 0, "model": model,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": stop }] })
    };
    let mut said = vec![Piece::of("", &chunk(json!({ "role": "assistant", "content": "" }), None))];
    for part in &reply.parts {
        let (field, text) = match part {
            Part::Text(text) => ("content", text),
            Part::Thought(text) => ("reasoning_content", text),
            Part::Call { .. } => continue,
        };
        said.extend(pieces(text).map(|text| Piece::paced("", &chunk(json!({ field: text }), None))));
    }
    for (index, mut call) in calls.into_iter().enumerate() {
        call["index"] = index.into();
        said.push(Piece::paced("", &chunk(json!({ "tool_calls": [call] }), None)));
    }
    let counted = json!({ "id": id, "object": "chat.completion.chunk", "created": 0, "model": model,
        "choices": [], "usage": usage });
    let end =
        vec![Piece::of("", &chunk(json!({}), Some(stop))), Piece::of("", &counted), Piece::raw("[DONE]")];
    stream(Framing::Events, &reply, said, end)
}

/// An error as both OpenAI wires write it.
pub(super) fn error(code: u16, message: &str) -> Value {
    let kind = match code {
        401 => "invalid_api_key",
        429 => "rate_limit_exceeded",
        _ => "invalid_request_error",
    };
    json!({ "error": { "message": message, "type": kind, "code": kind } })
}

fn calls(shared: &Shared, reply: &Reply) -> Vec<Value> {
    let wanted = reply.parts.iter().filter_map(|part| match part {
        Part::Call { name, input } => Some((name, input)),
        _ => None,
    });
    wanted
        .map(|(name, input)| {
            json!({ "id": shared.call_id("call_"), "type": "function",
                "function": { "name": name, "arguments": input.to_string() } })
        })
        .collect()
}
