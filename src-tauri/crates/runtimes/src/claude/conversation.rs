//! What is said between Nox and the program, without any process: frames and wishes in, acts out.
//!
//! Total: no frame panics, and one that is not understood is kept and shown, and changes nothing else. Calls are told to
//! Nox under keys made from what they would do, so that a resumed conversation that wants the same again asks the same.

use super::{
    call::{self, Place},
    faults, questions,
    quirks::{self, GATE},
};
use crate::{
    Answer,
    calls::{cut, hash},
    child::{Act, DENIED_BY_PERSON, DENIED_BY_RULE, Talk, Texts, call_ended, call_failed, note},
};
use nox_domain::{
    At, Size,
    event::{Problem, TurnEnd},
    ids::ItemId,
    session::Signal,
    tool::CallEnd,
    transcript::{AgentFault, Usage},
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

/// Frames that are not understood and shown, for each run; then no more.
const UNKNOWN_SHOWN: u32 = 20;
/// Calls of one turn; a program with more of them is ended.
const MAX_OPEN: usize = 4_096;
/// Of such a frame so much is shown.
const RAW_BYTES: usize = 2_000;

/// A call that Nox was asked about.
#[derive(Debug)]
struct Asked {
    request: String,
    tool_use: String,
    tool: String,
    input: Value,
}

/// A call that runs.
#[derive(Debug)]
struct Running {
    key: String,
    item: ItemId,
    tool: String,
}

/// The state of one connection.
pub(super) struct Conversation {
    folder: PathBuf,
    resumes: bool,
    ready: bool,
    named: Option<String>,
    /// The turn that runs: whether it was interrupted.
    turn: Option<Turn>,
    /// By their place in the message.
    texts: Texts<u64>,
    /// Messages of which the parts came as they were written.
    streamed: Option<String>,
    asked: HashMap<String, Asked>,
    running: HashMap<String, Running>,
    /// Tools by the program's name for the call, of this turn, and whether Nox was asked.
    tools: HashMap<String, (String, bool)>,
    /// Questions that the program took back, by its name for the call: that must be because the call does not happen.
    withdrawn: HashSet<String>,
    /// Where the program stood when it wanted a call.
    folders: HashMap<String, PathBuf>,
    cost_micro_usd: u64,
    model: String,
    until: Option<At>,
    unknown: u32,
    requests: u32,
}

#[derive(Debug, Default)]
struct Turn {
    interrupted: bool,
    /// It is ended because of this, whatever its result says.
    fault: Option<Problem>,
    retried: bool,
}

impl Talk for Conversation {
    fn hear(&mut self, line: &str, out: &mut Vec<Act>) {
        if line.trim().is_empty() {
            return;
        }
        match serde_json::from_str::<Value>(line) {
            Ok(frame) if frame.is_object() => {
                self.frame(&frame, line, out);
                let open = [self.asked.len(), self.running.len(), self.tools.len(), self.folders.len()];
                if open.into_iter().chain([self.withdrawn.len()]).any(|open| open > MAX_OPEN) {
                    out.push(refuse("it has too many calls open"));
                }
            }
            _ => self.unknown(line, out),
        }
    }

    fn prompt(&mut self, text: &str, out: &mut Vec<Act>) {
        self.turn = Some(Turn::default());
        let content = json!([{ "type": "text", "text": text }]);
        out.push(Act::Send(json!({ "type": "user", "message": { "role": "user", "content": content },
            "parent_tool_use_id": null, "session_id": "" })));
    }

    fn answer(&mut self, answer: &Answer, out: &mut Vec<Act>) {
        let Some(asked) = self.asked.remove(&answer.key) else { return };
        let key = answer.key.clone();
        let response = if answer.allowed {
            out.extend(call::plan_of(&asked.tool, &asked.input).map(|plan| Act::Tell(Signal::Planned(plan))));
            out.push(Act::Tell(Signal::CallStarted { key: key.clone(), process: None }));
            let input = questions::answered(&asked.tool, asked.input, &answer.answers);
            let running = Running { key, item: answer.item.clone(), tool: asked.tool };
            if let Some(other) = self.running.insert(asked.tool_use, running) {
                out.push(call_ended(other.key, CallEnd::Cancelled));
            }
            json!({ "behavior": "allow", "updatedInput": input })
        } else {
            let default = if answer.by_person { DENIED_BY_PERSON } else { DENIED_BY_RULE };
            let message = answer.reason.clone().unwrap_or_else(|| default.to_owned());
            out.push(call_ended(key, CallEnd::Denied { reason: answer.reason.clone() }));
            json!({ "behavior": "deny", "message": message })
        };
        out.push(reply(&asked.request, response));
    }

    fn interrupt(&mut self, out: &mut Vec<Act>) {
        let Some(turn) = &mut self.turn else { return };
        turn.interrupted = true;
        self.requests += 1;
        let id = format!("nox-interrupt-{}", self.requests);
        out.push(Act::Send(json!({ "type": "control_request", "request_id": id,
            "request": { "subtype": "interrupt" } })));
    }

    fn is_interrupted(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.interrupted)
    }

    fn over(&mut self, out: &mut Vec<Act>) {
        self.texts.end_all(out);
        if let Some(turn) = self.turn.take_if(|turn| turn.interrupted) {
            let end = if turn.fault.is_some() { TurnEnd::Failed } else { TurnEnd::Cancelled };
            out.push(Act::Tell(Signal::TurnEnded { end, problem: turn.fault }));
        }
    }
}

impl Conversation {
    /// Before anything was said. `spent` is what earlier runs have told: a resumed program counts on from there.
    pub(super) fn new(
        folder: &Path,
        resumes: bool,
        spent: u64,
        fresh: impl FnMut() -> ItemId + Send + 'static,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            resumes,
            ready: false,
            named: None,
            turn: None,
            texts: Texts::new(fresh),
            streamed: None,
            asked: HashMap::new(),
            running: HashMap::new(),
            tools: HashMap::new(),
            withdrawn: HashSet::new(),
            folders: HashMap::new(),
            cost_micro_usd: spent,
            model: String::new(),
            until: None,
            unknown: 0,
            requests: 0,
        }
    }

    /// The first thing that is said: every call is asked for.
    pub(super) fn opening(instructions: &str) -> Value {
        let mut request = json!({
            "subtype": "initialize",
            "hooks": { "PreToolUse": [{ "hookCallbackIds": [GATE] }] },
        });
        if !instructions.trim().is_empty() {
            request["appendSystemPrompt"] = instructions.into();
        }
        json!({ "type": "control_request", "request_id": "nox-initialize", "request": request })
    }

    fn frame(&mut self, frame: &Value, line: &str, out: &mut Vec<Act>) {
        let nested = frame["parent_tool_use_id"].is_string();
        match frame["type"].as_str().unwrap_or_default() {
            "system" => self.system(frame, line, out),
            "stream_event" if nested => {}
            "stream_event" => self.streamed(&frame["event"], out),
            "assistant" => self.assistant(frame, nested, out),
            "user" => self.user(frame, out),
            "control_request" => self.control(frame, out),
            "control_response" => self.response(frame, out),
            "control_cancel_request" => self.cancelled(frame, out),
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
        self.unknown += 1;
        if self.unknown <= UNKNOWN_SHOWN {
            let raw = faults::shown(cut(line, RAW_BYTES));
            let text = format!("Claude Code said something that Nox does not understand: {raw}");
            out.push(note("unknown_frame", text));
        }
    }

    fn system(&mut self, frame: &Value, line: &str, out: &mut Vec<Act>) {
        match frame["subtype"].as_str().unwrap_or_default() {
            "init" => {
                self.model = text(&frame["model"]);
                let name = frame["session_id"].as_str().filter(|name| self.named.as_deref() != Some(*name));
                if let Some(name) = name {
                    self.named = Some(name.to_owned());
                    out.push(Act::Named(name.to_owned()));
                }
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
                "tool_use" => {
                    let (id, tool) = (text(&part["id"]), text(&part["name"]));
                    self.tools.entry(id).or_insert((tool, false));
                }
                kind @ ("text" | "thinking") if !nested && !is_own && !streamed => {
                    self.texts.whole(&text(&part[kind]), kind == "thinking", out);
                }
                _ => {}
            }
        }
    }

    /// Results of calls come as if the user had said them.
    fn user(&mut self, frame: &Value, out: &mut Vec<Act>) {
        for part in frame["message"]["content"].as_array().into_iter().flatten() {
            if part["type"] != "tool_result" {
                continue;
            }
            let id = text(&part["tool_use_id"]);
            let failed = part["is_error"] == true;
            let said = content(&part["content"]);
            if let Some(running) = self.running.remove(&id) {
                self.call_ends(running, &said, failed, &frame["tool_use_result"], out);
            } else if self.withdrawn.contains(&id) && !failed {
                out.push(refuse("it ran a call whose question it had taken back"));
            } else if let Some((tool, false)) = self.tools.get(&id) {
                let said = said.replace("<tool_use_error>", "").replace("</tool_use_error>", "");
                let said = faults::shown(cut(&said, RAW_BYTES));
                // It was refused before anybody was asked; or, which should never be, it ran unasked.
                out.push(match failed {
                    true => note(
                        "refused_by_program",
                        format!("Claude Code did not let its agent use {tool}: {said}"),
                    ),
                    false => refuse(&format!("it used {tool} without asking")),
                });
            }
        }
    }

    fn call_ends(&self, running: Running, said: &str, failed: bool, whole: &Value, out: &mut Vec<Act>) {
        let Running { key, item, tool } = running;
        let interrupted = self.turn.as_ref().is_some_and(|turn| turn.interrupted);
        let (exit_code, said) = match said.strip_prefix("Exit code ").filter(|_| failed && tool == "Bash") {
            Some(rest) => {
                let (code, rest) = rest.split_once('\n').unwrap_or((rest, ""));
                (code.trim().parse().ok(), rest)
            }
            None => (None, said),
        };
        let end = match failed {
            false => CallEnd::Succeeded,
            true if interrupted => CallEnd::Cancelled,
            true => call_failed(exit_code),
        };
        let pipe = |name: &str| whole[name].as_str().map(str::to_owned);
        let (text, err) = match (pipe("stdout"), pipe("stderr")) {
            (Some(stdout), stderr) if !failed => (stdout, stderr.unwrap_or_default()),
            _ => (said.to_owned(), String::new()),
        };
        out.push(Act::CallEnds { key, item, out: text, err, end });
    }

    fn control(&mut self, frame: &Value, out: &mut Vec<Act>) {
        let id = text(&frame["request_id"]);
        let request = &frame["request"];
        match request["subtype"].as_str().unwrap_or_default() {
            "hook_callback" => {
                let input = &request["input"];
                if let (Some(tool_use), Some(cwd)) = (input["tool_use_id"].as_str(), input["cwd"].as_str()) {
                    self.folders.insert(tool_use.to_owned(), PathBuf::from(cwd));
                }
                let decision = json!({ "hookSpecificOutput": { "hookEventName": "PreToolUse",
                    "permissionDecision": "ask" } });
                out.push(reply(&id, decision));
            }
            "can_use_tool" => self.ask(id, request, out),
            other => {
                let error = format!("Nox does not know {}", cut(other, 80));
                out.push(Act::Send(json!({ "type": "control_response", "response": { "subtype": "error",
                    "request_id": id, "error": error } })));
                self.unknown(&frame.to_string(), out);
            }
        }
    }

    fn ask(&mut self, request: String, wish: &Value, out: &mut Vec<Act>) {
        let (tool, tool_use) = (text(&wish["tool_name"]), text(&wish["tool_use_id"]));
        let input = wish["input"].clone();
        self.tools.insert(tool_use.clone(), (tool.clone(), true));
        let cwd = self.folders.remove(&tool_use).unwrap_or_else(|| self.folder.clone());
        let mut call = call::of(&tool, &input, &Place { session: &self.folder, cwd: &cwd });
        let name = format!("{tool}:{}", &hash(&input)[..16]);
        // The same at the same time is a call of its own.
        let is_free = |key: &String| {
            !self.asked.contains_key(key) && self.running.values().all(|running| running.key != *key)
        };
        let numbered = (1u32..).map(|n| if n == 1 { name.clone() } else { format!("{name}#{n}") });
        let key = numbered.into_iter().find(is_free).unwrap_or(name.clone());
        call.key.clone_from(&key);
        self.asked.insert(key, Asked { request, tool_use, tool, input });
        out.push(Act::Tell(Signal::Proposed(Box::new(call))));
    }

    fn response(&mut self, frame: &Value, out: &mut Vec<Act>) {
        let response = &frame["response"];
        if response["request_id"] != "nox-initialize" || self.ready {
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
        out.push(Act::Ready);
    }

    /// The program does not wait for an answer any more.
    fn cancelled(&mut self, frame: &Value, out: &mut Vec<Act>) {
        let request = text(&frame["request_id"]);
        let key = self.asked.iter().find(|(_, asked)| asked.request == request).map(|(key, _)| key.clone());
        if let Some(key) = key {
            if let Some(asked) = self.asked.remove(&key) {
                self.withdrawn.insert(asked.tool_use);
            }
            out.push(call_ended(key, CallEnd::Cancelled));
        }
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
        self.tools.clear();
        self.withdrawn.clear();
        self.folders.clear();
        // Nobody will tell any more what became of a call that was allowed and has no result.
        let open: Vec<Running> = self.running.drain().map(|(_, running)| running).collect();
        for running in open {
            out.push(call_ended(running.key, CallEnd::Unknown));
        }
        for (key, _) in self.asked.drain() {
            out.push(call_ended(key, CallEnd::Cancelled));
        }
        let Some(turn) = self.turn.take() else { return };
        let aborted = frame["terminal_reason"].as_str().is_some_and(|why| why.starts_with("aborted"));
        let (end, problem) = match (turn.fault, turn.interrupted || aborted, failed) {
            (Some(problem), _, _) => (TurnEnd::Failed, Some(problem)),
            (None, true, _) => (TurnEnd::Cancelled, None),
            (None, false, true) => (TurnEnd::Failed, Some(faults::of_result(frame, self.until))),
            (None, false, false) => (TurnEnd::End, None),
        };
        out.push(Act::Tell(Signal::TurnEnded { end, problem }));
    }

    /// What this turn used. The program counts its cost over the whole conversation, and from nothing after a crash.
    fn used(&mut self, frame: &Value) -> Option<Usage> {
        let usage = &frame["usage"];
        let tokens = |name: &str| usage[name].as_u64().unwrap_or_default();
        let total = frame["total_cost_usd"].as_f64().filter(|cost| cost.is_finite() && *cost >= 0.0);
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
            cost_micro_usd: Size(cost),
        };
        let is_something = used.input_tokens.0 > 0 || used.output_tokens.0 > 0 || cost > 0;
        is_something.then_some(used)
    }
}

fn reply(request: &str, response: Value) -> Act {
    Act::Send(json!({ "type": "control_response",
        "response": { "subtype": "success", "request_id": request, "response": response } }))
}

fn refuse(said: &str) -> Act {
    Act::Refuse(faults::problem(AgentFault::Protocol, said, None))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a tool gave back, as text.
fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let parts = parts.iter().map(|part| match part["type"].as_str() {
                Some("text") => text(&part["text"]),
                Some(other) => format!("[{other}]"),
                None => String::new(),
            });
            parts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}
