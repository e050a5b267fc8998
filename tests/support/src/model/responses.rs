//! OpenAI Responses, streamed and whole.

use super::{
    Shared, chat,
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
    if let Some(refused) = status(&reply, chat::error) {
        return refused;
    }
    let id = shared.call_id("resp_");
    let output: Vec<Value> = reply.parts.iter().map(|part| item(shared, part)).collect();
    let whole = |status: &str, output: &[Value]| {
        json!({ "id": id, "object": "response", "created_at": 0, "status": status, "model": model,
            "output": output, "parallel_tool_calls": true, "usage": {
                "input_tokens": reply.tokens.input, "input_tokens_details": { "cached_tokens": 0 },
                "output_tokens": reply.tokens.output, "output_tokens_details": { "reasoning_tokens": 0 },
                "total_tokens": reply.tokens.input + reply.tokens.output } })
    };
    if body["stream"] != true {
        return Json(whole("completed", &output)).into_response();
    }
    let mut number = 0;
    let mut event = |name: &'static str, mut data: Value, paced: bool| {
        data["type"] = name.into();
        data["sequence_number"] = number.into();
        number += 1;
        if paced { Piece::paced(name, &data) } else { Piece::of(name, &data) }
    };
    let mut said = vec![event("response.created", json!({ "response": whole("in_progress", &[]) }), false)];
    for (index, (part, done)) in reply.parts.iter().zip(&output).enumerate() {
        let mut begun = done.clone();
        let place = json!({ "item_id": done["id"], "output_index": index, "content_index": 0 });
        let with = |name: &str, value: &str| {
            let mut data = place.clone();
            data[name] = value.into();
            data
        };
        match part {
            Part::Text(text) => {
                begun["content"] = json!([]);
                said.push(event(
                    "response.output_item.added",
                    json!({ "output_index": index, "item": begun }),
                    false,
                ));
                for piece in pieces(text) {
                    said.push(event("response.output_text.delta", with("delta", piece), true));
                }
                said.push(event("response.output_text.done", with("text", text), false));
            }
            Part::Thought(text) => {
                begun["summary"] = json!([]);
                said.push(event(
                    "response.output_item.added",
                    json!({ "output_index": index, "item": begun }),
                    false,
                ));
                for piece in pieces(text) {
                    let mut data = with("delta", piece);
                    data["summary_index"] = 0.into();
                    said.push(event("response.reasoning_summary_text.delta", data, true));
                }
            }
            Part::Call { input: Value::String(input), .. } => {
                begun["input"] = "".into();
                said.push(event(
                    "response.output_item.added",
                    json!({ "output_index": index, "item": begun }),
                    false,
                ));
                for piece in pieces(input) {
                    said.push(event("response.custom_tool_call_input.delta", with("delta", piece), true));
                }
                said.push(event("response.custom_tool_call_input.done", with("input", input), false));
            }
            Part::Call { input, .. } => {
                begun["arguments"] = "".into();
                said.push(event(
                    "response.output_item.added",
                    json!({ "output_index": index, "item": begun }),
                    false,
                ));
                let input = input.to_string();
                for piece in pieces(&input) {
                    said.push(event("response.function_call_arguments.delta", with("delta", piece), true));
                }
                said.push(event("response.function_call_arguments.done", with("arguments", &input), false));
            }
        }
        said.push(event("response.output_item.done", json!({ "output_index": index, "item": done }), false));
    }
    let end = vec![event("response.completed", json!({ "response": whole("completed", &output) }), false)];
    stream(Framing::NamedEvents, &reply, said, end)
}

fn item(shared: &Shared, part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({ "id": shared.call_id("msg_"), "type": "message", "role": "assistant",
            "status": "completed",
            "content": [{ "type": "output_text", "text": text, "annotations": [] }] }),
        Part::Thought(text) => json!({ "id": shared.call_id("rs_"), "type": "reasoning",
            "summary": [{ "type": "summary_text", "text": text }] }),
        Part::Call { name, input: Value::String(input) } => json!({ "id": shared.call_id("ctc_"),
            "type": "custom_tool_call", "status": "completed", "call_id": shared.call_id("call_"), "name": name,
            "input": input }),
        Part::Call { name, input } => {
            let mut call = json!({ "id": shared.call_id("fc_"), "type": "function_call",
                "status": "completed", "call_id": shared.call_id("call_"), "name": name,
                "arguments": input.to_string() });
            // A tool of a group has its group beside its name.
            if let Some((group, name)) = name.split_once('/') {
                (call["namespace"], call["name"]) = (group.into(), name.into());
            }
            call
        }
    }
}
