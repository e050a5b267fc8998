//! Anthropic Messages, streamed and whole.

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
    let stop = if reply.has_calls() { "tool_use" } else { "end_turn" };
    let usage = json!({ "input_tokens": reply.tokens.input, "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0, "output_tokens": reply.tokens.output });
    let id = shared.call_id("msg_");
    if body["stream"] != true {
        let content: Vec<Value> = reply.parts.iter().map(|part| block(shared, part)).collect();
        return Json(json!({ "id": id, "type": "message", "role": "assistant", "model": model,
            "content": content, "stop_reason": stop, "stop_sequence": null, "usage": usage }))
        .into_response();
    }
    let begun = json!({ "id": id, "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": { "input_tokens": reply.tokens.input, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0, "output_tokens": 1 } });
    let mut said = vec![Piece::of("message_start", &json!({ "type": "message_start", "message": begun }))];
    for (index, part) in reply.parts.iter().enumerate() {
        said.extend(streamed(shared, index, part));
    }
    let end = vec![
        Piece::of(
            "message_delta",
            &json!({ "type": "message_delta", "delta": { "stop_reason": stop, "stop_sequence": null },
                "usage": usage }),
        ),
        Piece::of("message_stop", &json!({ "type": "message_stop" })),
    ];
    stream(Framing::NamedEvents, &reply, said, end)
}

fn error(code: u16, message: &str) -> Value {
    let kind = match code {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({ "type": "error", "error": { "type": kind, "message": message } })
}

fn block(shared: &Shared, part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({ "type": "text", "text": text }),
        Part::Thought(text) => json!({ "type": "thinking", "thinking": text, "signature": "scripted" }),
        Part::Call { name, input } => {
            json!({ "type": "tool_use", "id": shared.call_id("toolu_"), "name": name, "input": input })
        }
    }
}

fn streamed(shared: &Shared, index: usize, part: &Part) -> Vec<Piece> {
    let start = |content: Value| {
        let event = json!({ "type": "content_block_start", "index": index, "content_block": content });
        Piece::of("content_block_start", &event)
    };
    let delta = |delta: Value| {
        let event = json!({ "type": "content_block_delta", "index": index, "delta": delta });
        Piece::paced("content_block_delta", &event)
    };
    let mut events = Vec::new();
    match part {
        Part::Text(text) => {
            events.push(start(json!({ "type": "text", "text": "" })));
            events.extend(pieces(text).map(|text| delta(json!({ "type": "text_delta", "text": text }))));
        }
        Part::Thought(text) => {
            events.push(start(json!({ "type": "thinking", "thinking": "", "signature": "" })));
            let thought = |text| delta(json!({ "type": "thinking_delta", "thinking": text }));
            events.extend(pieces(text).map(thought));
            events.push(delta(json!({ "type": "signature_delta", "signature": "scripted" })));
        }
        Part::Call { name, input } => {
            let id = shared.call_id("toolu_");
            events.push(start(json!({ "type": "tool_use", "id": id, "name": name, "input": {} })));
            let input = input.to_string();
            events.extend(
                pieces(&input).map(|part| delta(json!({ "type": "input_json_delta", "partial_json": part }))),
            );
        }
    }
    let stop = json!({ "type": "content_block_stop", "index": index });
    events.push(Piece::of("content_block_stop", &stop));
    events
}
