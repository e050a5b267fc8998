//! What is said between Nox and the program, without any process: frames and wishes in, acts out.
//!
//! Total: no frame panics, and one that is not understood is kept and shown, and changes nothing else. Calls are told to
//! Nox under keys made from what they would do, so that a resumed conversation that wants the same again asks the same.

use super::{
    calls::{Calls, refuse, reply},
    faults,
    offers::Offered,
    quirks::{self, GATE, TITLE},
};
use crate::{
    Answer,
    calls::{cut, text},
    child::{Act, Asked, Talk, Texts, Unknown, note},
};
use nox_domain::{
    At, Size,
    event::{Dial, Problem, TurnEnd},
    ids::ItemId,
    session::Signal,
    transcript::{AgentFault, Usage},
};
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

/// The name of the request that the conversation opens with; those of others begin like this as well.
const OPENING: &str = "nox-initialize";
/// Before the names of wishes for a mode or a model.
const SWITCH_MODE: &str = "nox-switch-mode-";
const SWITCH_MODEL: &str = "nox-switch-model-";
/// What is said into one turn and not yet taken in.
const MAX_STEERS: usize = 256;

/// The state of one connection.
pub(super) struct Conversation {
    resumes: bool,
    ready: bool,
    named: Option<String>,
    /// The turn that runs: whether it was interrupted.
    turn: Option<Turn>,
    /// By their place in the message.
    texts: Texts<u64>,
    /// Messages of which the parts came as they were written.
    streamed: Option<String>,
    calls: Calls,
    offered: Offered,
    cost_micro_usd: u64,
    model: String,
    until: Option<At>,
    unknown: Unknown,
    requests: u32,
}

#[derive(Debug, Default)]
struct Turn {
    interrupted: bool,
    /// It is ended because of this, whatever its result says.
    fault: Option<Problem>,
    retried: bool,
    /// What was said into it and is not taken in yet, by its name: the program begins with it by itself when it is through.
    steers: Vec<(String, String)>,
    /// How it ended, but for what was said into it.
    ended: Option<(TurnEnd, Option<Problem>)>,
}

impl Turn {
    /// The turn is over in this way. What it has not taken in by then is asked next.
    fn ends(self, end: TurnEnd, problem: Option<Problem>, out: &mut Vec<Act>) {
        self.gives_back(out);
        out.push(Act::Tell(Signal::TurnEnded { end, problem }));
    }

    fn gives_back(self, out: &mut Vec<Act>) {
        out.extend(self.steers.into_iter().map(|(_, text)| Act::Tell(Signal::NotSteered(text))));
    }
}

impl Talk for Conversation {
    fn hear(&mut self, line: &str, out: &mut Vec<Act>) {
        if line.trim().is_empty() {
            return;
        }
        match serde_json::from_str::<Value>(line) {
            Ok(frame) if frame.is_object() => {
                self.frame(&frame, line, out);
                if self.calls.is_too_much() {
                    out.push(refuse("it has too many calls open"));
                }
            }
            _ => self.unknown(line, out),
        }
    }

    fn prompt(&mut self, asked: &Asked, out: &mut Vec<Act>) {
        self.turn = Some(Turn::default());
        self.calls.turn_begins();
        // Words come last: in these it looks for a command of its own.
        let pictures = asked.pictures.iter().map(|picture| {
            let media_type = picture.image.kind.media_type();
            let source = json!({ "type": "base64", "media_type": media_type, "data": &*picture.base64 });
            json!({ "type": "image", "source": source })
        });
        let words = (!asked.text.is_empty()).then(|| json!({ "type": "text", "text": asked.text }));
        let content: Vec<Value> = pictures.chain(words).collect();
        out.push(Act::Send(json!({ "type": "user", "message": { "role": "user", "content": content },
            "parent_tool_use_id": null, "session_id": "" })));
    }

    fn answer(&mut self, answer: &Answer, out: &mut Vec<Act>) {
        self.calls.answer(answer, out);
    }

    fn held_bytes(&self) -> usize {
        self.calls.held_bytes()
    }

    fn steer(&mut self, text: &str, out: &mut Vec<Act>) {
        let turn = self.turn.as_mut().filter(|turn| !turn.interrupted && turn.steers.len() < MAX_STEERS);
        let Some(turn) = turn else {
            out.push(Act::Tell(Signal::NotSteered(text.to_owned())));
            return;
        };
        // Names of messages are kept with the conversation: each is the only one.
        let name = Uuid::now_v7().to_string();
        out.push(Act::Send(
            json!({ "type": "user", "uuid": name, "parent_tool_use_id": null, "session_id": "",
            "message": { "role": "user", "content": [{ "type": "text", "text": text }] } }),
        ));
        turn.steers.push((name, text.to_owned()));
    }

    fn set_mode(&mut self, mode: &str, out: &mut Vec<Act>) {
        if !self.offered.has_mode(mode) {
            return out.push(Act::Tell(Signal::Switched(Dial::Mode)));
        }
        self.request(SWITCH_MODE, json!({ "subtype": "set_permission_mode", "mode": mode }), out);
    }

    fn set_model(&mut self, model: &str, out: &mut Vec<Act>) {
        self.request(SWITCH_MODEL, json!({ "subtype": "set_model", "model": model }), out);
    }

    fn interrupt(&mut self, out: &mut Vec<Act>) {
        // Once: a second one could meet the turn that comes next.
        let Some(turn) = self.turn.as_mut().filter(|turn| !turn.interrupted) else { return };
        turn.interrupted = true;
        // What was said into it would be begun with as soon as it is ended.
        for (name, _) in turn.steers.clone() {
            self.request(
                "nox-cancel-",
                json!({ "subtype": "cancel_async_message", "message_uuid": name }),
                out,
            );
        }
        self.request("nox-interrupt-", json!({ "subtype": "interrupt" }), out);
    }

    fn is_interrupted(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.interrupted)
    }

    fn over(&mut self, out: &mut Vec<Act>) {
        self.texts.end_all(out);
        if let Some(mut turn) = self.turn.take_if(|turn| turn.interrupted) {
            let problem = turn.fault.take();
            let end = if problem.is_some() { TurnEnd::Failed } else { TurnEnd::Cancelled };
            turn.ends(end, problem, out);
        }
    }

    fn gives_back(&mut self, out: &mut Vec<Act>) {
        self.turn.take().into_iter().for_each(|turn| turn.gives_back(out));
    }
}

impl Conversation {
    /// Before anything was said. `model` is the one that it is started with, if one is named; `spent` is what earlier runs have told: a resumed program counts on from there.
    pub(super) fn new(
        folder: &Path,
        resumes: bool,
        model: Option<&str>,
        spent: u64,
        fresh: impl FnMut() -> ItemId + Send + 'static,
    ) -> Self {
        Self {
            resumes,
            ready: false,
            named: None,
            turn: None,
            texts: Texts::new(fresh),
            streamed: None,
            calls: Calls::new(folder),
            offered: Offered::new(model),
            cost_micro_usd: spent,
            model: String::new(),
            until: None,
            unknown: Unknown::default(),
            requests: 0,
        }
    }

    /// The first thing that is said: every call is asked for.
    pub(super) fn opening(instructions: &str, replaces: bool) -> Value {
        let mut request = json!({
            "subtype": "initialize",
            "hooks": { "PreToolUse": [{ "hookCallbackIds": [GATE] }] },
        });
        if !instructions.trim().is_empty() {
            let name = if replaces { "systemPrompt" } else { "appendSystemPrompt" };
            request[name] = instructions.into();
        }
        json!({ "type": "control_request", "request_id": OPENING, "request": request })
    }

    fn request(&mut self, name: &str, request: Value, out: &mut Vec<Act>) {
        self.requests += 1;
        let id = format!("{name}{}", self.requests);
        out.push(Act::Send(json!({ "type": "control_request", "request_id": id, "request": request })));
    }

    fn frame(&mut self, frame: &Value, line: &str, out: &mut Vec<Act>) {
        let nested = frame["parent_tool_use_id"].is_string();
        match frame["type"].as_str().unwrap_or_default() {
            "system" => self.system(frame, line, out),
            "stream_event" if nested => {}
            "stream_event" => self.streamed(&frame["event"], out),
            "assistant" => self.assistant(frame, nested, out),
            "user" => self.user(frame, out),
            "control_request" => self.control(frame, line, out),
            "control_response" => self.response(frame, out),
            "control_cancel_request" => self.calls.taken_back(&text(&frame["request_id"]), out),
            "command_lifecycle" => self.steered(frame, out),
            "result" => self.result(frame, out),
            "rate_limit_event" => {
                let resets = &frame["rate_limit_info"]["resetsAt"];
                self.until = resets.as_i64().and_then(|seconds| seconds.checked_mul(1000)).map(At);
            }
            quiet if quirks::QUIET_TYPES.contains(&quiet) => {}
            _ => self.unknown(line, out),
        }
    }

    /// Kept as it came, and shown.
    fn unknown(&mut self, line: &str, out: &mut Vec<Act>) {
        self.unknown.heard(TITLE, line, out);
    }

    fn system(&mut self, frame: &Value, line: &str, out: &mut Vec<Act>) {
        match frame["subtype"].as_str().unwrap_or_default() {
            "init" => {
                self.model = text(&frame["model"]);
                self.offered.mode_is(&frame["permissionMode"]);
                self.offered.tell_changed(out);
                let name = frame["session_id"].as_str().filter(|name| self.named.as_deref() != Some(*name));
                if let Some(name) = name {
                    self.named = Some(name.to_owned());
                    out.push(Act::Named(name.to_owned()));
                }
            }
            "status" => {
                self.offered.mode_is(&frame["permissionMode"]);
                self.offered.tell_changed(out);
            }
            "commands_changed" => {
                self.offered.commands_are(&frame["commands"]);
                self.offered.tell_changed(out);
            }
            "api_retry" => self.retried(frame, out),
            "compact_boundary" => {
                let text =
                    "The conversation was too long: Claude Code goes on with a summary of what was before.";
                out.push(note("compacted", text.to_owned()));
            }
            "api_error" | "local_command_output" => {
                let said = [&frame["content"], &frame["message"]].into_iter().find_map(Value::as_str);
                out.extend(said.map(|said| note("said_by_program", faults::shown(said))));
            }
            quiet if quirks::QUIET_SUBTYPES.contains(&quiet) => {}
            _ => self.unknown(line, out),
        }
    }

    /// The model server refused, and the program tries again. A key that is not taken will not be taken later either.
    fn retried(&mut self, frame: &Value, out: &mut Vec<Act>) {
        let status = frame["error_status"].as_u64();
        let fault = match faults::fault_of(status, &text(&frame["error"])) {
            AgentFault::Refused if status.is_none() => AgentFault::Unreachable,
            fault => fault,
        };
        let Some(turn) = &mut self.turn else { return };
        if fault.is_permanent() {
            if turn.fault.is_none() {
                let said = status.map(|status| format!("status {status}")).unwrap_or_default();
                turn.fault = Some(faults::problem(fault, &said, None));
                self.interrupt(out);
            }
            return;
        }
        if std::mem::replace(&mut turn.retried, true) && fault != AgentFault::RateLimit {
            return;
        }
        let wait = frame["retry_delay_ms"].as_u64().unwrap_or_default().div_ceil(1000);
        let (code, why) = match fault {
            AgentFault::RateLimit => ("rate_limited", "Too much was asked of the model server"),
            AgentFault::Overloaded => ("overloaded", "The model server has too much to do"),
            _ => ("unreachable", "The model server does not answer"),
        };
        let tries = (frame["attempt"].as_u64().unwrap_or(1), frame["max_retries"].as_u64().unwrap_or(1));
        let text = format!("{why}. Claude Code asks again in {wait} s (try {} of {}).", tries.0, tries.1);
        out.push(note(code, text));
    }

    fn streamed(&mut self, event: &Value, out: &mut Vec<Act>) {
        let index = event["index"].as_u64().unwrap_or_default();
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => {
                self.texts.end_all(out);
                self.streamed = event["message"]["id"].as_str().map(str::to_owned);
            }
            "content_block_start" => {
                let thought = match event["content_block"]["type"].as_str() {
                    Some("text") => false,
                    Some("thinking") => true,
                    _ => return,
                };
                // A try that was cut off begins anew with the same places.
                self.texts.begin(index, thought, out);
            }
            "content_block_delta" => {
                let delta = &event["delta"];
                let more = delta["text"].as_str().or_else(|| delta["thinking"].as_str()).unwrap_or_default();
                self.texts.append(&index, more, out);
            }
            "content_block_stop" => self.texts.end(&index, out),
            _ => {}
        }
    }

    fn assistant(&mut self, frame: &Value, nested: bool, out: &mut Vec<Act>) {
        let message = &frame["message"];
        // What the program says in the place of a model is told again by its result.
        let is_own = message["model"] == "<synthetic>";
        let streamed = message["id"].as_str().is_some_and(|id| self.streamed.as_deref() == Some(id));
        for part in message["content"].as_array().into_iter().flatten() {
            match part["type"].as_str().unwrap_or_default() {
                "tool_use" => self.calls.wanted(&part["id"], &part["name"]),
                kind @ ("text" | "thinking") if !nested && !is_own && !streamed => {
                    self.texts.whole(&text(&part[kind]), kind == "thinking", out);
                }
                _ => {}
            }
        }
    }

    /// Results of calls come as if the user had said them.
    fn user(&mut self, frame: &Value, out: &mut Vec<Act>) {
        let interrupted = self.is_interrupted();
        for part in frame["message"]["content"].as_array().into_iter().flatten() {
            if part["type"] == "tool_result" {
                self.calls.result(part, frame, interrupted, out);
            }
        }
    }

    /// What becomes of something that was said into the turn.
    fn steered(&mut self, frame: &Value, out: &mut Vec<Act>) {
        let Some(turn) = self.turn.as_mut().filter(|_| frame["state"] != "queued") else { return };
        let named = turn.steers.iter().position(|(name, _)| frame["command_uuid"] == name.as_str());
        let Some(place) = named else { return };
        let (_, text) = turn.steers.remove(place);
        if frame["state"] == "started" {
            // Taken in, or begun with after all the rest.
            turn.ended = None;
            return out.push(Act::Tell(Signal::Steered(text)));
        }
        out.push(Act::Tell(Signal::NotSteered(text)));
        if let Some(mut turn) = self.turn.take_if(|turn| turn.steers.is_empty() && turn.ended.is_some())
            && let Some((end, problem)) = turn.ended.take()
        {
            turn.ends(end, problem, out);
        }
    }

    fn control(&mut self, frame: &Value, line: &str, out: &mut Vec<Act>) {
        let id = text(&frame["request_id"]);
        let request = &frame["request"];
        match request["subtype"].as_str().unwrap_or_default() {
            "hook_callback" => {
                let input = &request["input"];
                self.calls.stands(&input["tool_use_id"], &input["cwd"]);
                let decision = json!({ "hookSpecificOutput": { "hookEventName": "PreToolUse",
                    "permissionDecision": "ask" } });
                out.push(reply(&id, decision));
            }
            "can_use_tool" => self.calls.ask(id, request, line.len(), self.is_interrupted(), out),
            other => {
                let error = format!("Nox does not know {}", cut(other, 80));
                out.push(Act::Send(json!({ "type": "control_response", "response": { "subtype": "error",
                    "request_id": id, "error": error } })));
                self.unknown(line, out);
            }
        }
    }

    fn response(&mut self, frame: &Value, out: &mut Vec<Act>) {
        let response = &frame["response"];
        let id = response["request_id"].as_str().unwrap_or_default();
        for (name, dial) in [(SWITCH_MODE, Dial::Mode), (SWITCH_MODEL, Dial::Model)] {
            if id.starts_with(name) {
                return self.switched(dial, response, out);
            }
        }
        if id != OPENING || self.ready {
            return;
        }
        self.ready = true;
        // Without the hook nothing would be asked.
        if response["subtype"] == "error" || response["response"]["hooks_applied"] != true {
            out.push(refuse(&format!("it did not take the hook of Nox. {}", text(&response["error"]))));
            return;
        }
        let version = text(&response["response"]["claude_code_version"]);
        if !version.is_empty() && !version.starts_with(quirks::TESTED) {
            let text = format!(
                "Claude Code {} is outside of the versions that Nox was tested with ({}x).",
                faults::shown(&version),
                quirks::TESTED
            );
            out.push(note("untested_version", text));
        }
        // Of another version it is not known what becomes of what is said into a turn.
        self.offered.take(&response["response"], version.starts_with(quirks::TESTED));
        self.offered.tell_changed(out);
        out.push(Act::Ready);
    }

    /// What became of a wish for a mode or a model.
    fn switched(&mut self, dial: Dial, response: &Value, out: &mut Vec<Act>) {
        if response["subtype"] == "error" {
            let error = faults::shown(cut(response["error"].as_str().unwrap_or_default(), 600));
            out.push(note("not_switched", format!("{TITLE} stays as it is: {error}")));
        }
        self.offered.mode_is(&response["response"]["mode"]);
        self.offered.model_is(&response["response"]["model"]);
        self.offered.tell(out);
        out.push(Act::Tell(Signal::Switched(dial)));
    }

    fn result(&mut self, frame: &Value, out: &mut Vec<Act>) {
        let failed = frame["is_error"] == true;
        if !self.ready && failed && self.resumes {
            let errors = frame["errors"].to_string();
            if errors.contains(quirks::NO_CONVERSATION) {
                out.push(Act::NotThere);
                return;
            }
        }
        self.texts.end_all(out);
        out.extend(self.used(frame).map(|used| Act::Tell(Signal::Used(used))));
        self.calls.turn_ends(out);
        let Some(mut turn) = self.turn.take() else { return };
        for taken in frame["user_message_uuids"].as_array().into_iter().flatten() {
            let heard = turn.steers.extract_if(.., |(name, _)| taken == name.as_str());
            out.extend(heard.map(|(_, text)| Act::Tell(Signal::Steered(text))));
        }
        let aborted = frame["terminal_reason"].as_str().is_some_and(|why| why.starts_with("aborted"));
        let (end, problem) = match (&turn.fault, turn.interrupted || aborted, failed) {
            (Some(problem), _, _) => (TurnEnd::Failed, Some(problem.clone())),
            (None, true, _) => (TurnEnd::Cancelled, None),
            (None, false, true) => (TurnEnd::Failed, Some(faults::of_result(frame, self.until))),
            (None, false, false) => (TurnEnd::End, None),
        };
        if !turn.steers.is_empty() {
            turn.ended = Some((end, problem));
            self.turn = Some(turn);
            return;
        }
        turn.ends(end, problem, out);
    }

    /// What this turn used. The program counts its cost over the whole conversation, and from nothing after a crash.
    fn used(&mut self, frame: &Value) -> Option<Usage> {
        let usage = &frame["usage"];
        let tokens = |name: &str| usage[name].as_u64().unwrap_or_default();
        let total = frame["total_cost_usd"].as_f64().filter(|cost| cost.is_finite() && *cost >= 0.0);
        let is_told = total.is_some();
        let total = total.map_or(self.cost_micro_usd, |cost| (cost * 1e6).round() as u64);
        let cost = total.checked_sub(self.cost_micro_usd).unwrap_or(total);
        self.cost_micro_usd = total;
        let used = Usage {
            model: self.model.clone(),
            input_tokens: Size(tokens("input_tokens")),
            cached_tokens: Size(
                tokens("cache_read_input_tokens").saturating_add(tokens("cache_creation_input_tokens")),
            ),
            output_tokens: Size(tokens("output_tokens")),
            cost_micro_usd: is_told.then_some(Size(cost)),
        };
        let is_something = used.input_tokens.0 > 0 || used.output_tokens.0 > 0 || cost > 0;
        is_something.then_some(used)
    }
}
