//! What is said between Nox and Codex, without any process: frames and wishes in, acts out.
//!
//! Total: no frame panics, and one that is not understood is kept and shown, and changes nothing else. Frames are JSON-RPC
//! without its version. What sub-agents say stays with them; what they want to do is asked like everything else.

use super::{
    faults,
    items::{Items, refusal, reply},
    launch, offers,
    quirks::{self, APPROVAL, MODES, NO_CONVERSATION, TESTED, TITLE},
    usage::{Costs, Counted, Paid},
    wishes::{self, Turn, Which, Wish, input},
};
use crate::{
    Answer,
    calls::{cut, text},
    child::{Act, Asked, RAW_BYTES, Talk, Texts, Unknown, note},
    faults::shown,
    prices::Prices,
};
use nox_domain::{
    At,
    event::{Dial, Problem, TurnEnd},
    ids::ItemId,
    session::Signal,
    transcript::{AgentFault, Offer},
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

/// Requests of ours that have no answer yet, threads of sub-agents, words for a turn that has no name yet.
const MAX_WAITING: usize = 256;

/// The state of one connection.
pub(super) struct Conversation {
    which: Which,
    /// How a thread is started.
    settings: Map<String, Value>,
    requests: i64,
    waiting: BTreeMap<i64, Wish>,
    /// Services that have not started and not failed yet. A turn that begins before waits for them for a second only, and
    /// its model is offered none of their tools (0.169.0).
    starting: BTreeSet<String>,
    thread: String,
    named: bool,
    turn: Option<Turn>,
    /// Turns of sub-agents, by their threads.
    others: HashMap<String, String>,
    /// By the program's name for them.
    texts: Texts<String>,
    items: Items,
    counted: Counted,
    costs: Costs,
    model: String,
    mode: String,
    models: Vec<Offer>,
    /// Nobody is signed in, and that is needed.
    signed_out: bool,
    until: Option<At>,
    unknown: Unknown,
}

impl Talk for Conversation {
    fn prompt(&mut self, asked: &Asked, out: &mut Vec<Act>) {
        self.items.clear();
        self.turn = Some(Turn { model: self.model.clone(), ..Turn::default() });
        let mut params = json!({ "threadId": self.thread, "input": input(asked) });
        if !self.model.is_empty() {
            params["model"] = self.model.as_str().into();
            let settings = json!({ "model": self.model, "reasoning_effort": null,
                "developer_instructions": null });
            params["collaborationMode"] = json!({ "mode": self.mode, "settings": settings });
        }
        self.request(Wish::Turn, "turn/start", params, out);
    }

    fn answer(&mut self, answer: &Answer, out: &mut Vec<Act>) {
        let mut acts = Vec::new();
        let Some(answered) = self.items.answer(answer, &mut acts) else { return };
        // Said first, so that it stands beside the refusal when the model is asked.
        if let Some(told) = answered.told.filter(|_| answered.thread == self.thread) {
            self.say(&told, Wish::Quiet, out);
        }
        out.append(&mut acts);
    }

    fn steer(&mut self, text: &str, out: &mut Vec<Act>) {
        self.say(text, Wish::Steer(text.to_owned()), out);
    }

    fn interrupt(&mut self, out: &mut Vec<Act>) {
        let thread = self.thread.clone();
        let Some(turn) = &mut self.turn else { return };
        turn.interrupted = true;
        if let Some(id) = turn.id.clone() {
            self.end_turn(&thread, &id, out);
        }
    }

    fn set_model(&mut self, model: &str, out: &mut Vec<Act>) {
        self.model = model.to_owned();
        self.offer(out);
        out.push(Act::Tell(Signal::Switched(Dial::Model)));
    }

    fn set_mode(&mut self, mode: &str, out: &mut Vec<Act>) {
        if MODES.iter().any(|(id, ..)| *id == mode) {
            self.mode = mode.to_owned();
        }
        self.offer(out);
        out.push(Act::Tell(Signal::Switched(Dial::Mode)));
    }

    fn hear(&mut self, line: &str, out: &mut Vec<Act>) {
        if line.trim().is_empty() {
            return;
        }
        let frame = match serde_json::from_str::<Value>(line) {
            Ok(frame) if frame.is_object() => frame,
            _ => return self.unknown.heard(TITLE, line, out),
        };
        match (frame["method"].as_str(), frame.get("id")) {
            (Some(method), Some(id)) => self.asked(method, id, &frame["params"], line, out),
            (Some(method), None) => self.told(method, &frame["params"], line, out),
            (None, Some(id)) => self.response(id.as_i64(), &frame, line, out),
            (None, None) => self.unknown.heard(TITLE, line, out),
        }
        if self.items.is_too_much() || self.waiting.len().max(self.others.len()) > MAX_WAITING {
            out.push(refuse("it has too much open"));
        }
    }

    fn is_interrupted(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.interrupted || turn.ended.is_some())
    }

    fn held_bytes(&self) -> usize {
        self.items.held_bytes()
    }

    fn over(&mut self, out: &mut Vec<Act>) {
        self.texts.end_all(out);
        let over = self.turn.take_if(|turn| turn.interrupted || turn.ended.is_some());
        let Some(mut turn) = over else { return };
        let cancelled = if turn.fault.is_some() { TurnEnd::Failed } else { TurnEnd::Cancelled };
        let (end, problem) = turn.ended.take().unwrap_or((cancelled, turn.fault.take()));
        self.ends(turn, end, problem, out);
    }

    fn gives_back(&mut self, out: &mut Vec<Act>) {
        let settled = self.turn.take().map(|turn| turn.settled(false, self.waiting.values_mut()));
        out.extend(settled.into_iter().flatten().map(Act::Tell));
    }
}

impl Conversation {
    /// Before anything was said. `settings` say how its thread is started.
    pub(super) fn new(
        folder: &Path,
        which: Which,
        settings: Map<String, Value>,
        mode: Option<&str>,
        (prices, paid): (Prices, Option<Paid>),
        fresh: impl FnMut() -> ItemId + Send + 'static,
    ) -> Self {
        let known = MODES.iter().find(|(id, ..)| Some(*id) == mode);
        Self {
            counted: Counted::of(which == Which::New),
            costs: Costs::new(prices, paid),
            which,
            starting: launch::service_names(&settings),
            settings,
            requests: 0,
            // The opening is said by whoever carries us.
            waiting: BTreeMap::from([(0, Wish::Initialize)]),
            thread: String::new(),
            named: false,
            turn: None,
            others: HashMap::new(),
            texts: Texts::new(fresh),
            items: Items::new(folder),
            model: String::new(),
            mode: known.unwrap_or(&MODES[0]).0.to_owned(),
            models: Vec::new(),
            signed_out: false,
            until: None,
            unknown: Unknown::default(),
        }
    }

    /// The first thing that is said.
    pub(super) fn opening() -> Value {
        let client = json!({ "name": "nox", "title": "Nox", "version": env!("CARGO_PKG_VERSION") });
        let capabilities = json!({ "experimentalApi": true, "requestAttestation": false });
        json!({ "id": 0, "method": "initialize",
            "params": { "clientInfo": client, "capabilities": capabilities } })
    }

    fn request(&mut self, wish: Wish, method: &str, params: Value, out: &mut Vec<Act>) {
        self.requests += 1;
        self.waiting.insert(self.requests, wish);
        out.push(Act::Send(json!({ "id": self.requests, "method": method, "params": params })));
    }

    /// Says something into the turn that runs.
    fn say(&mut self, text: &str, wish: Wish, out: &mut Vec<Act>) {
        let late = |wish| match wish {
            Wish::Steer(text) => Some(Act::Tell(Signal::NotSteered(text))),
            _ => None,
        };
        let has_place = |turn: &&mut Turn| turn.steers.len() + turn.taken.len() < MAX_WAITING;
        let Some(turn) = self.turn.as_mut().filter(has_place) else { return out.extend(late(wish)) };
        let Some(id) = turn.id.clone() else { return turn.steers.push_back(text.to_owned()) };
        let params = json!({ "threadId": self.thread, "input": input(&text.into()), "expectedTurnId": id });
        self.request(wish, "turn/steer", params, out);
    }

    fn end_turn(&mut self, thread: &str, turn: &str, out: &mut Vec<Act>) {
        let params = json!({ "threadId": thread, "turnId": turn });
        self.request(Wish::Quiet, "turn/interrupt", params, out);
    }

    fn offer(&self, out: &mut Vec<Act>) {
        let offers = offers::all(&self.mode, &self.model, &self.models);
        out.push(Act::Tell(Signal::Offers(Box::new(offers))));
    }

    /// An answer to a request of ours.
    fn response(&mut self, id: Option<i64>, frame: &Value, line: &str, out: &mut Vec<Act>) {
        let Some(wish) = id.and_then(|id| self.waiting.remove(&id)) else {
            return self.unknown.heard(TITLE, line, out);
        };
        let result = &frame["result"];
        let error = frame["error"]["message"].as_str().map(str::to_owned);
        let error = error.or_else(|| (!result.is_object()).then(|| "it answered nothing".to_owned()));
        match (wish, error) {
            (Wish::Initialize, Some(error)) => out.push(refuse(&error)),
            (Wish::Initialize, None) => self.begin(result, out),
            (Wish::Account, None) => {
                self.signed_out = result["requiresOpenaiAuth"] == true && result["account"].is_null();
                self.costs.signed_in(&result["account"]);
            }
            (Wish::Thread, Some(error)) => self.not_begun(&error, out),
            (Wish::Thread, None) => self.begun(result, out),
            (Wish::Models, None) => {
                self.models = offers::models(&result["data"]);
                self.offer(out);
            }
            (Wish::Turn, Some(error)) => {
                let problem = faults::problem(crate::faults::fault_of(None, &error), &error, None);
                if let Some(turn) = self.turn.take() {
                    self.ends(turn, TurnEnd::Failed, Some(problem), out);
                }
            }
            (Wish::Turn, None) => self.turn_named(&text(&result["turn"]["id"]), out),
            (Wish::Steer(text), Some(error)) => {
                let error = shown(cut(&error, RAW_BYTES));
                let said = format!("{TITLE} did not take this into its turn, so it is asked next: {error}");
                out.push(note("not_steered", said));
                out.push(Act::Tell(Signal::NotSteered(text)));
            }
            (Wish::Left(thread), _) => self.left(thread, &result["data"], out),
            (Wish::Steer(text), None) => match &mut self.turn {
                Some(turn) => turn.taken.push(text),
                None => out.push(Act::Tell(Signal::Steered(text))),
            },
            (Wish::Account | Wish::Models, Some(_)) | (Wish::Quiet, _) => {}
        }
    }

    fn begin(&mut self, result: &Value, out: &mut Vec<Act>) {
        let agent = text(&result["userAgent"]);
        let version = agent.split_once('/').map(|(_, rest)| rest.split(' ').next().unwrap_or_default());
        if let Some(version) = version.filter(|version| !version.starts_with(TESTED)) {
            let text = format!(
                "{TITLE} {} is outside of the versions that Nox was tested with ({TESTED}x).",
                shown(cut(version, 80))
            );
            out.push(note("untested_version", text));
        }
        out.push(Act::Send(json!({ "method": "initialized" })));
        self.request(Wish::Account, "account/read", json!({}), out);
        let mut params = self.settings.clone();
        let method = match &self.which {
            Which::New => "thread/start",
            Which::Resumed(name) | Which::Forked(name) => {
                params.insert("threadId".into(), name.as_str().into());
                params.insert("excludeTurns".into(), true.into());
                if matches!(self.which, Which::Resumed(_)) { "thread/resume" } else { "thread/fork" }
            }
        };
        self.request(Wish::Thread, method, params.into(), out);
    }

    fn not_begun(&mut self, error: &str, out: &mut Vec<Act>) {
        let is_gone = NO_CONVERSATION.iter().any(|words| error.contains(words));
        out.push(match is_gone && self.which != Which::New {
            true => Act::NotThere,
            false => Act::Refuse(faults::problem(crate::faults::fault_of(None, error), error, None)),
        });
    }

    fn begun(&mut self, result: &Value, out: &mut Vec<Act>) {
        self.thread = text(&result["thread"]["id"]);
        if self.thread.is_empty() || !asks(result) {
            out.push(refuse("it does not ask before everything"));
            return;
        }
        self.model = text(&result["model"]);
        self.offer(out);
        if self.starting.is_empty() {
            out.push(Act::Ready);
        }
        self.request(Wish::Models, "model/list", json!({}), out);
    }

    /// The turn has a name: now it can be spoken to.
    fn turn_named(&mut self, id: &str, out: &mut Vec<Act>) {
        let thread = self.thread.clone();
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.id.is_none() && !id.is_empty()) else {
            return;
        };
        turn.id = Some(id.to_owned());
        let steers = std::mem::take(&mut turn.steers);
        if turn.interrupted {
            self.end_turn(&thread, id, out);
        }
        steers.iter().for_each(|text| self.say(text, Wish::Steer(text.clone()), out));
        // Before its first turn nothing of a conversation is kept.
        if !std::mem::replace(&mut self.named, true) {
            out.push(Act::Named(thread));
        }
    }

    /// The program asks something.
    fn asked(&mut self, method: &str, id: &Value, params: &Value, line: &str, out: &mut Vec<Act>) {
        // What it still asks when its turn is being ended was on its way already: nobody is bothered with it.
        if let Some(refused) = refusal(method).filter(|_| self.is_interrupted()) {
            return out.push(reply(id, refused));
        }
        match method {
            "item/commandExecution/requestApproval" => self.items.ask_command(id, params, out),
            "item/fileChange/requestApproval" => self.items.ask_edit(id, params, out),
            "item/tool/requestUserInput" => self.items.ask_person(id, params, out),
            "mcpServer/elicitation/request" if params["_meta"]["codex_approval_kind"] == "mcp_tool_call" => {
                self.items.ask_service(id, params, out);
            }
            "mcpServer/elicitation/request" => {
                let server = shown(cut(params["serverName"].as_str().unwrap_or_default(), 200));
                let said = shown(cut(params["message"].as_str().unwrap_or_default(), RAW_BYTES));
                out.push(reply(id, json!({ "action": "decline", "content": null, "_meta": null })));
                out.push(note("not_asked", format!("{server} asked something that Nox cannot show: {said}")));
            }
            "item/permissions/requestApproval" => {
                out.push(reply(id, json!({ "permissions": {}, "scope": "turn" })));
                let text = "The agent asked for more rights. Nox gives none: each call is asked by itself.";
                out.push(note("no_rights", text));
            }
            other => {
                let message = format!("Nox does not know {}", cut(other, 80));
                let error = json!({ "code": -32601, "message": message });
                out.push(Act::Send(json!({ "id": id, "error": error })));
                self.unknown.heard(TITLE, line, out);
            }
        }
    }

    /// The program tells something.
    fn told(&mut self, method: &str, params: &Value, line: &str, out: &mut Vec<Act>) {
        let is_own = params["threadId"] == self.thread.as_str();
        let id = || text(&params["itemId"]);
        match method {
            "turn/started" if is_own => self.turn_named(&text(&params["turn"]["id"]), out),
            "turn/started" => {
                self.others.insert(text(&params["threadId"]), text(&params["turn"]["id"]));
            }
            "turn/completed" if is_own => self.turn_over(&params["turn"], out),
            "turn/completed" => {
                self.others.remove(&text(&params["threadId"]));
                self.finish(out);
            }
            "item/started" => {
                let begun = self.items.started(&params["item"], &text(&params["threadId"]));
                out.extend(begun.err().map(|said| refuse(&said)));
            }
            "item/completed" => self.completed(&params["item"], is_own, line, out),
            "item/agentMessage/delta" | "item/reasoning/textDelta" | "item/reasoning/summaryTextDelta" => {
                if is_own {
                    let thought = method != "item/agentMessage/delta";
                    self.wrote(id(), thought, params["delta"].as_str().unwrap_or_default(), out);
                }
            }
            "item/commandExecution/outputDelta" => {
                let delta = params["delta"].as_str().unwrap_or_default();
                let known = self.items.output(&id(), delta, out);
                out.extend(known.err().map(|said| refuse(&said)));
            }
            // Typing into a program that runs is not asked: it is switched off.
            "item/commandExecution/terminalInteraction" => {
                if params["stdin"].as_str().is_some_and(|typed| !typed.is_empty()) {
                    out.push(refuse("it typed into a program without asking"));
                }
            }
            "turn/plan/updated" if is_own => {
                out.push(Act::Tell(Signal::Planned(offers::plan(&params["plan"]))))
            }
            "turn/plan/updated" => {}
            "serverRequest/resolved" => self.items.resolved(&params["requestId"], out),
            "thread/tokenUsage/updated" => {
                let in_turn =
                    self.turn.as_ref().is_some_and(|turn| params["turnId"].as_str() == turn.id.as_deref());
                if let Some(tokens) = self.counted.used(params, in_turn || !is_own) {
                    // Which model a sub-agent asks is not told.
                    let model = self.turn.as_ref().map_or(&self.model, |turn| &turn.model);
                    self.costs.tell(&tokens, if is_own { model } else { "" }, out);
                }
            }
            "thread/settings/updated" => {
                if !asks(&params["threadSettings"]) {
                    out.push(refuse("it does not ask before everything any more"));
                }
            }
            "account/rateLimits/updated" => self.until = faults::until(&params["rateLimits"]),
            "error" if is_own => self.failed(params, out),
            "error" => {}
            "warning" | "guardianWarning" => {
                let said = shown(cut(params["message"].as_str().unwrap_or_default(), RAW_BYTES));
                out.push(note("said_by_program", said));
            }
            "model/rerouted" => {
                let to = shown(cut(params["toModel"].as_str().unwrap_or_default(), 200));
                out.push(note("said_by_program", format!("{TITLE} asks another model: {to}.")));
            }
            "mcpServer/startupStatus/updated" => {
                self.service_told(params, out);
                if params["status"] == "failed" {
                    let [name, why] = ["name", "error"]
                        .map(|field| shown(cut(params[field].as_str().unwrap_or_default(), RAW_BYTES)));
                    out.push(note("service_failed", format!("The service {name} did not start: {why}")));
                }
            }
            quiet if quirks::QUIET.contains(&quiet) => {}
            _ => self.unknown.heard(TITLE, line, out),
        }
    }

    /// With the last of its services the conversation stands.
    fn service_told(&mut self, params: &Value, out: &mut Vec<Act>) {
        let name = params["name"].as_str().unwrap_or_default();
        let is_over = params["status"] != "starting" && self.starting.remove(name);
        if is_over && self.starting.is_empty() && !self.thread.is_empty() {
            out.push(Act::Ready);
        }
    }

    fn wrote(&mut self, item: String, thought: bool, more: &str, out: &mut Vec<Act>) {
        if !more.is_empty() {
            if !self.texts.has(&item) {
                self.texts.begin(item.clone(), thought, out);
            }
            self.texts.append(&item, more, out);
        }
    }

    fn completed(&mut self, item: &Value, is_own: bool, line: &str, out: &mut Vec<Act>) {
        let id = text(&item["id"]);
        match item["type"].as_str().unwrap_or_default() {
            "commandExecution" | "fileChange" | "mcpToolCall" => {
                let cut = self.is_interrupted();
                let known = self.items.completed(item, cut, out);
                out.extend(known.err().map(|said| refuse(&said)));
                self.finish(out);
            }
            "agentMessage" | "reasoning" if !is_own => {}
            "agentMessage" | "reasoning" if self.texts.has(&id) => self.texts.end(&id, out),
            "agentMessage" | "plan" => {
                let said = item["text"].as_str().filter(|said| is_own && !said.is_empty());
                said.into_iter().for_each(|said| self.texts.whole(said, false, out));
            }
            "reasoning" => {
                let parts = item["summary"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let thought = parts.collect::<Vec<_>>().join("\n\n");
                if !thought.is_empty() {
                    self.texts.whole(&thought, true, out);
                }
            }
            "contextCompaction" if is_own => {
                let text = format!(
                    "The conversation was too long: {TITLE} goes on with a summary of what was before."
                );
                out.push(note("compacted", text));
            }
            "contextCompaction" => {}
            "userMessage" if is_own => self.put_before_model(item, out),
            quiet if quirks::QUIET_ITEMS.contains(&quiet) => {}
            _ => self.unknown.heard(TITLE, line, out),
        }
    }

    /// Words that were said into the turn are part of the conversation from here on. It may be told before they are
    /// answered for.
    fn put_before_model(&mut self, item: &Value, out: &mut Vec<Act>) {
        let parts = item["content"].as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
        let said = parts.collect::<Vec<_>>().join("\n");
        let heard = wishes::heard(said.trim(), self.turn.as_mut(), self.waiting.values_mut());
        out.extend(heard.map(|text| Act::Tell(Signal::Steered(text))));
    }

    /// The model server refused. A key that is not taken will not be taken later either.
    fn failed(&mut self, params: &Value, out: &mut Vec<Act>) {
        let fault = faults::of_error(&params["error"], self.signed_out);
        let Some(turn) = self.turn.as_mut().filter(|_| params["willRetry"] == true) else { return };
        if fault.is_permanent() {
            if turn.fault.is_none() {
                turn.fault = Some(faults::of(&params["error"], self.signed_out, self.until));
                self.interrupt(out);
            }
            return;
        }
        if std::mem::replace(&mut turn.retried, true) {
            return;
        }
        let (code, why) = match fault {
            AgentFault::RateLimit => ("rate_limited", "Too much was asked of the model server"),
            AgentFault::Overloaded => ("overloaded", "The model server has too much to do"),
            _ => ("unreachable", "The model server does not answer"),
        };
        out.push(note(code, format!("{why}. {TITLE} asks again in a moment, five times at most.")));
    }

    fn turn_over(&mut self, said: &Value, out: &mut Vec<Act>) {
        self.texts.end_all(out);
        let Some(turn) = &mut self.turn else { return };
        let cut = turn.interrupted || said["status"] == "interrupted";
        let ended = match (turn.fault.take(), cut, said["status"].as_str()) {
            (Some(problem), ..) => (TurnEnd::Failed, Some(problem)),
            (None, true, _) => (TurnEnd::Cancelled, None),
            (None, false, Some("failed")) => {
                (TurnEnd::Failed, Some(faults::of(&said["error"], self.signed_out, self.until)))
            }
            (None, false, _) => (TurnEnd::End, None),
        };
        turn.ended = Some(ended);
        self.items.turn_over(cut, out);
        for thread in self.items.threads() {
            let params = json!({ "threadId": thread });
            self.request(Wish::Left(thread), "thread/backgroundTerminals/list", params, out);
        }
        let others: Vec<_> =
            self.others.iter().map(|(thread, turn)| (thread.clone(), turn.clone())).collect();
        others.iter().for_each(|(thread, turn)| self.end_turn(thread, turn, out));
        self.finish(out);
    }

    /// What goes on after its turn is watched by nobody, so it is ended. Of a command that was ended with its turn before it
    /// was well begun, nothing more is told.
    fn left(&mut self, thread: String, running: &Value, out: &mut Vec<Act>) {
        let cut = self.turn.as_ref().is_some_and(|turn| turn.interrupted);
        let running = running.as_array().map(Vec::as_slice).unwrap_or_default();
        let running: Vec<_> = running.iter().filter_map(|one| one["itemId"].as_str()).collect();
        self.items.gone(&thread, &running, cut, out);
        if !running.is_empty() {
            if !cut {
                let text = "A command was still running when its turn was over, so it was ended.";
                out.push(note("ended_with_turn", text));
            }
            self.request(Wish::Quiet, "thread/backgroundTerminals/clean", json!({ "threadId": thread }), out);
        }
        self.finish(out);
    }

    /// Tells the end of a turn that is over, when nothing of it runs any more.
    fn finish(&mut self, out: &mut Vec<Act>) {
        let is_through = self.others.is_empty() && self.items.threads().is_empty();
        let Some(mut turn) = self.turn.take_if(|turn| is_through && turn.ended.is_some()) else { return };
        if let Some((end, problem)) = turn.ended.take() {
            self.ends(turn, end, problem, out);
        }
    }

    /// The turn is over in this way. What was said into it and not put before its model is asked next.
    fn ends(&mut self, turn: Turn, end: TurnEnd, problem: Option<Problem>, out: &mut Vec<Act>) {
        // It ends no turn by itself before its model has heard all that it took, and still answers for the rest.
        let settled = turn.settled(end == TurnEnd::End, self.waiting.values_mut());
        out.extend(settled.into_iter().map(Act::Tell));
        out.push(Act::Tell(Signal::TurnEnded { end, problem }));
    }
}

/// Whether a thread asks before everything, and asks Nox.
fn asks(settings: &Value) -> bool {
    settings["approvalPolicy"] == APPROVAL && settings["approvalsReviewer"] == quirks::REVIEWER
}

fn refuse(said: &str) -> Act {
    Act::Refuse(faults::problem(AgentFault::Protocol, said, None))
}
