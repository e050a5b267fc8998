//! What is said between Nox and a program over ACP, without any process: frames and wishes in, acts out.
//!
//! Raw JSON, no types of the protocol: programs leave out, add and misspell, and one odd field must not lose its frame
//! (decision 0015). Total: no frame panics, and one that is not understood is kept and shown, and changes nothing else.

use super::{
    calls::{Calls, form_ended},
    faults::{self, noted},
    offers::Known,
    opening::{Opening, Stage},
    quirks::Preset,
    usage::Used,
};
use crate::{
    Answer,
    child::{Act, Asked, Images, Talk, Texts, Unknown, shows, words_of},
    faults as common,
};
use nox_domain::{
    event::{Dial, Problem, TurnEnd},
    ids::ItemId,
    session::Signal,
    transcript::{AgentFault, PlanStep, StepStatus},
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Steps of a plan; more are not shown.
const STEPS: usize = 200;

/// What a request of ours was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    Initialize,
    New,
    /// Goes on with a conversation, by one of the ways that there are.
    Restore,
    /// Looks whether a conversation that was not restored is there: with the error, and the page of the list.
    Look {
        error: Value,
        page: u32,
    },
    Mode(String),
    Model(String),
    /// A mode or a model that a person wishes for.
    Wish(Dial, String),
    Prompt,
    /// Words into the turn that runs.
    Steer(String),
}

#[derive(Debug, Default)]
struct Turn {
    interrupted: bool,
    /// What looks like an error that is told as text.
    held: Option<String>,
}

/// The state of one connection.
pub(super) struct Conversation {
    pub(super) preset: &'static Preset,
    pub(super) opening: Opening,
    pub(super) stage: Stage,
    pub(super) known: Known,
    /// Whether it lists its conversations.
    pub(super) lists: bool,
    pub(super) session: Option<String>,
    requests: u64,
    pub(super) waiting: HashMap<u64, Request>,
    calls: Calls,
    used: Used,
    turn: Option<Turn>,
    /// The end of a turn that waits until the policy has spoken about calls that ran unasked.
    ending: Option<(TurnEnd, Option<Problem>)>,
    texts: Texts<u64>,
    /// The text that is being written: its number, whether it is a thought, and the program's name for the message.
    writing: Option<(u64, bool, Value)>,
    written: u64,
    unknown: Unknown,
    /// Whether it takes words into its turn, and those that it did not ask for yet.
    pub(super) takes_words: bool,
    pub(super) words: Vec<String>,
    /// Those that it took in, until its turn is over.
    pub(super) injected: Vec<String>,
}

impl Conversation {
    /// Before anything was said. `spent` is what earlier runs have told.
    pub(super) fn new(opening: Opening, spent: u64, fresh: impl FnMut() -> ItemId + Send + 'static) -> Self {
        let preset = opening.preset;
        Self {
            preset,
            known: Known::new(preset),
            lists: false,
            calls: Calls::new(preset, &opening.folder),
            opening,
            stage: Stage::Initialize,
            session: None,
            requests: 0,
            waiting: HashMap::new(),
            used: Used::new(spent),
            turn: None,
            ending: None,
            texts: Texts::new(fresh),
            writing: None,
            written: 0,
            unknown: Unknown::default(),
            takes_words: false,
            words: Vec::new(),
            injected: Vec::new(),
        }
    }

    /// How another process goes on where this one stood, and what all of them have cost.
    pub(super) fn anew(self) -> (Opening, u64) {
        let Self { opening, session, known, used, .. } = self;
        let own = |words: Option<&str>| words.map(str::to_owned);
        let (mode, model) = (own(known.mode()), own(known.model()));
        (Opening { resume: session, fork: false, mode, model, prompt_if_lost: None, ..opening }, used.told())
    }

    /// The first thing that is said. Files and terminals stay with the program, where its own questions guard them.
    pub(super) fn first(&mut self) -> Value {
        let fs = json!({ "readTextFile": false, "writeTextFile": false });
        let mut capabilities = json!({ "fs": fs, "terminal": false });
        if self.preset.forms {
            capabilities["elicitation"] = json!({ "form": {} });
        }
        let params = json!({
            "protocolVersion": 1,
            "clientCapabilities": capabilities,
            "clientInfo": { "name": "nox", "title": "Nox", "version": env!("CARGO_PKG_VERSION") },
        });
        self.request(Request::Initialize, "initialize", params)
    }

    /// A request of ours, to be sent.
    pub(super) fn request(&mut self, what: Request, method: &str, params: Value) -> Value {
        self.requests += 1;
        self.waiting.insert(self.requests, what);
        json!({ "jsonrpc": "2.0", "id": self.requests, "method": method, "params": params })
    }

    /// The same in a conversation that stands.
    pub(super) fn ask(&mut self, what: Request, method: &str, mut params: Value, out: &mut Vec<Act>) {
        params["sessionId"] = self.session.as_deref().into();
        out.push(Act::Send(self.request(what, method, params)));
    }

    fn wish(&mut self, dial: Dial, to: &str, request: Option<(&str, Value)>, out: &mut Vec<Act>) {
        match request {
            Some((method, params)) => self.ask(Request::Wish(dial, to.to_owned()), method, params, out),
            // It has no such choice.
            None => out.push(Act::Tell(Signal::Switched(dial))),
        }
    }

    fn response(&mut self, frame: &Value, out: &mut Vec<Act>) {
        let Some(what) = frame["id"].as_u64().and_then(|id| self.waiting.remove(&id)) else { return };
        let answer = match frame.get("error").filter(|error| !error.is_null()) {
            Some(error) => Err(error),
            None => Ok(&frame["result"]),
        };
        match what {
            Request::Prompt => self.turn_answered(answer, out),
            Request::Steer(text) => self.said(text, answer, out),
            Request::Wish(dial, to) => {
                let what = match dial {
                    Dial::Mode => Request::Mode(to),
                    Dial::Model => {
                        if answer.is_ok() {
                            self.opening.asks = Some(to.clone());
                        }
                        Request::Model(to)
                    }
                };
                self.opened(what, answer, out);
                out.push(Act::Tell(Signal::Switched(dial)));
            }
            other => self.opened(other, answer, out),
        }
    }

    fn called(&mut self, method: &str, frame: &Value, line: &str, out: &mut Vec<Act>) {
        let (id, params) = (frame.get("id").filter(|id| !id.is_null()), &frame["params"]);
        match (method, id) {
            ("session/request_permission", Some(id)) if self.is_at_work() => {
                self.end_text(out);
                self.calls.ask(id.clone(), params, out);
            }
            ("elicitation/create", Some(id)) if self.is_at_work() => {
                self.end_text(out);
                self.calls.ask_form(id.clone(), params, out);
            }
            ("elicitation/create", Some(id)) => out.push(form_ended(id, "cancel")),
            ("$/cancel_request", None) => self.calls.taken_back(&params["requestId"], out),
            (own, Some(id)) if self.hands_out(own, id, out) => {}
            // Nobody has asked anything, or waits any more: there is nobody to whom an answer could be given.
            ("session/request_permission", Some(id)) => {
                let outcome = json!({ "outcome": { "outcome": "cancelled" } });
                out.push(Act::Send(json!({ "jsonrpc": "2.0", "id": id, "result": outcome })));
            }
            (_, Some(id)) => {
                let error = json!({ "code": -32601, "message": "Nox does not know this method" });
                out.push(Act::Send(json!({ "jsonrpc": "2.0", "id": id, "error": error })));
                if !self.preset.quiet.contains(&method) {
                    self.unknown(line, out);
                }
            }
            ("session/update", None) => self.update(params, line, out),
            // Qwen Code's own words for another mode.
            ("qwen/notify/session/mode-update", None) => {
                self.known.take(params);
                self.tell_offers(out);
                self.keep_asking(out);
            }
            (own, None) if own.starts_with('_') || self.preset.quiet.contains(&own) => {}
            (_, None) => self.unknown(line, out),
        }
    }

    fn update(&mut self, params: &Value, line: &str, out: &mut Vec<Act>) {
        let update = &params["update"];
        // Calls of sub-agents are watched like others; what those say is told by what they give back.
        let is_own = self.session.is_none() || params["sessionId"].as_str() == self.session.as_deref();
        // What was said before is told again while a conversation is restored.
        let is_replay = !matches!(self.stage, Stage::Ready { prompted: true });
        match update["sessionUpdate"].as_str().unwrap_or_default() {
            "tool_call" | "tool_call_update" if !is_replay => {
                if is_own && update["sessionUpdate"] == "tool_call" {
                    self.end_text(out);
                }
                self.calls.told(update, self.is_interrupted(), out);
            }
            "tool_call" | "tool_call_update" | "user_message_chunk" | "session_info_update" => {}
            "agent_message_chunk" | "agent_thought_chunk" | "plan" if is_replay || !is_own => {}
            "agent_message_chunk" => self.piece(update, false, out),
            "agent_thought_chunk" => self.piece(update, true, out),
            "plan" => {
                let steps = update["entries"].as_array().into_iter().flatten().take(STEPS).map(step);
                out.push(Act::Tell(Signal::Planned(steps.collect())));
            }
            "usage_update" if is_own => self.used.update(update),
            "usage_update" => {}
            "available_commands_update" | "current_mode_update" | "config_option_update" if is_own => {
                self.known.take(update);
                self.tell_offers(out);
                self.keep_asking(out);
            }
            "available_commands_update" | "current_mode_update" | "config_option_update" => {}
            _ => self.unknown(line, out),
        }
    }

    /// What is offered, once the conversation stands.
    pub(super) fn tell_offers(&mut self, out: &mut Vec<Act>) {
        if matches!(self.stage, Stage::Ready { .. }) {
            out.extend(self.known.changed().map(Act::Tell));
        }
    }

    /// A mode in which the program would not ask is left at once, however it came.
    pub(super) fn keep_asking(&mut self, out: &mut Vec<Act>) {
        let Some(mode) = self.known.mode().filter(|mode| !self.preset.asks_in(mode)) else { return };
        if !matches!(self.stage, Stage::Ready { .. }) {
            return;
        }
        let title = self.preset.named.title;
        let text =
            format!("{title} went into the mode \"{mode}\", in which it does not ask. Nox set it back.");
        out.push(noted("mode_set_back", text));
        let own = self.preset.mode.unwrap_or_default().to_owned();
        if let Some((method, params)) = self.known.wants_mode(&own) {
            self.ask(Request::Mode(own), method, params, out);
        }
    }

    fn piece(&mut self, update: &Value, thought: bool, out: &mut Vec<Act>) {
        self.used.piece(&update["_meta"]);
        if update["_meta"]["claudeCode"]["kind"] == "informational" {
            let said = faults::short(&words_of(&update["content"]));
            out.push(noted("said_by_program", said));
            return;
        }
        let mut images = Images::default();
        let mut more = images.words_of(&update["content"], "image");
        let images: Vec<Act> = shows(None, images).collect();
        if !images.is_empty() {
            // It stands between what was said before and what comes after it.
            self.end_text(out);
            out.extend(images);
            return;
        }
        if let Some(mode) = self.preset.mode_text.and_then(|before| more.strip_prefix(before)) {
            self.known.mode_is(&faults::short(mode.trim()));
            self.tell_offers(out);
            self.keep_asking(out);
            return;
        }
        // Gemini CLI puts a heading before each thought, also one without words.
        if let Some(rest) = more.strip_prefix("****\n").filter(|_| thought) {
            more = rest.to_owned();
        }
        if more.is_empty() {
            return;
        }
        if let Some(turn) = &mut self.turn {
            if let Some(held) = turn.held.take() {
                self.write(&held, false, &Value::Null, out);
            } else if !thought && self.preset.error_texts.iter().any(|begin| more.starts_with(begin)) {
                turn.held = Some(more);
                return;
            }
        }
        self.write(&more, thought, &update["messageId"], out);
    }

    fn write(&mut self, more: &str, thought: bool, message: &Value, out: &mut Vec<Act>) {
        let open = self.writing.as_ref().filter(|(_, kind, name)| *kind == thought && name == message);
        let number = match open.map(|(number, ..)| *number) {
            Some(number) => number,
            None => {
                self.end_text(out);
                self.written += 1;
                self.texts.begin(self.written, thought, out);
                self.writing = Some((self.written, thought, message.clone()));
                self.written
            }
        };
        self.texts.append(&number, more, out);
    }

    fn end_text(&mut self, out: &mut Vec<Act>) {
        self.writing = None;
        self.texts.end_all(out);
    }

    /// The prompt is answered: the turn is over.
    fn turn_answered(&mut self, answer: Result<&Value, &Value>, out: &mut Vec<Act>) {
        let Some(mut turn) = self.turn.take() else { return };
        let none = Value::Null;
        let result = answer.unwrap_or(&none);
        let is_told = self.used.is_told(result);
        let held = turn.held.take();
        // An agent may well say such words; a turn that failed brings no figures.
        if let Some(held) = held.as_ref().filter(|_| is_told || turn.interrupted) {
            self.write(held, false, &Value::Null, out);
        }
        self.end_text(out);
        let model = self.known.model().map(str::to_owned);
        out.extend(self.used.take(result, model.as_deref()).map(|used| Act::Tell(Signal::Used(used))));
        let stopped = result["stopReason"].as_str().unwrap_or_default();
        let failed = match (answer, held.filter(|_| !is_told)) {
            (Err(error), held) => Some(faults::of_error(self.preset, error, held.as_deref())),
            (Ok(_), Some(held)) => Some(faults::of_text(self.preset, &held)),
            (Ok(_), None) => self.stopped_badly(stopped),
        };
        let (end, problem) = match failed {
            _ if turn.interrupted || stopped == "cancelled" => (TurnEnd::Cancelled, None),
            Some(problem) => (TurnEnd::Failed, Some(problem)),
            None => (TurnEnd::End, None),
        };
        self.ending = Some((end, problem));
        if turn.interrupted || !self.calls.has_unanswered() {
            self.turn_ends(turn.interrupted, out);
        }
    }

    fn stopped_badly(&self, reason: &str) -> Option<Problem> {
        let (fault, said) = match reason {
            "max_tokens" => (AgentFault::ContextFull, "there was no room for more"),
            "max_turn_requests" => (AgentFault::Refused, "more requests than one turn may have"),
            "refusal" => (AgentFault::Refused, "the model does not want to"),
            _ => return None,
        };
        Some(common::problem(&self.preset.named, fault, said, None))
    }

    fn turn_ends(&mut self, interrupted: bool, out: &mut Vec<Act>) {
        let Some((end, problem)) = self.ending.take() else { return };
        self.settles_words(end == TurnEnd::End, out);
        let left_running = self.calls.turn_ends(interrupted || end == TurnEnd::Cancelled, out);
        out.push(Act::Tell(Signal::TurnEnded { end, problem }));
        if left_running && self.preset.leaves_tools {
            out.push(Act::Anew);
        }
    }

    /// Whether nobody knows that it shows images to the model that it asks now, and people were not told so yet.
    fn may_hide_images(&mut self) -> bool {
        let Opening { asks, images_by_model: Some(prices), .. } = &self.opening else { return false };
        let sees = |name: &str| prices.takes_images(name) == Some(true);
        let is_known_to_see =
            asks.as_deref().is_some_and(|model| sees(model) || sees(self.known.title_of(model)));
        !is_known_to_see && self.opening.images_by_model.take().is_some()
    }

    /// Kept as it came, and shown.
    fn unknown(&mut self, line: &str, out: &mut Vec<Act>) {
        self.unknown.heard(self.preset.named.title, line, out);
    }

    /// Whether the end of a turn was not told yet.
    pub(super) fn has_turn(&self) -> bool {
        self.turn.is_some() || self.ending.is_some()
    }

    /// Whether a turn runs that nobody has ended.
    pub(super) fn is_at_work(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| !turn.interrupted)
    }

    pub(super) fn refuse(&self, fault: AgentFault, said: &str) -> Act {
        Act::Refuse(common::problem(&self.preset.named, fault, said, None))
    }
}

impl Talk for Conversation {
    fn aside(&mut self, line: &str, out: &mut Vec<Act>) {
        self.tell_of_failed_services(line, out);
    }

    fn hear(&mut self, line: &str, out: &mut Vec<Act>) {
        if line.trim().is_empty() {
            return;
        }
        match serde_json::from_str::<Value>(line) {
            Ok(frame) if frame.is_object() => match frame["method"].as_str() {
                Some(method) => self.called(method, &frame, line, out),
                None if frame.get("result").is_some() || frame.get("error").is_some() => {
                    self.response(&frame, out);
                }
                None => self.unknown(line, out),
            },
            _ => self.unknown(line, out),
        }
    }

    fn prompt(&mut self, asked: &Asked, out: &mut Vec<Act>) {
        let Stage::Ready { prompted } = &mut self.stage else {
            self.opening.prompt = Some(asked.clone());
            return;
        };
        *prompted = true;
        if !self.may_go_on(out) {
            return;
        }
        self.turn = Some(Turn::default());
        self.calls.turn_begins();
        let mut asked = asked.clone();
        out.extend(asked.brings.drain(..).map(|text| Act::Tell(Signal::Steered(text))));
        if !asked.pictures.is_empty() && !self.known.takes_images() {
            let title = self.preset.named.title;
            let text = format!("{title} takes no images, so its agent was told where they lie.");
            out.push(noted("images_named", text));
            asked = asked.named();
        }
        if !asked.pictures.is_empty() && self.may_hide_images() {
            let title = self.preset.named.title;
            let text = format!(
                "{title} shows images only to models of which it knows that they see. When its agent says that there is none, \
                 choose another model, or write in your message where the image lies."
            );
            out.push(noted("images_by_model", text));
        }
        if let Some(instructions) = self.opening.instructions.take() {
            asked.begin_with(&instructions);
        }
        let pictures = asked.pictures.iter().map(|picture| {
            let media_type = picture.image.kind.media_type();
            json!({ "type": "image", "mimeType": media_type, "data": &*picture.base64 })
        });
        let words = (!asked.text.is_empty()).then(|| json!({ "type": "text", "text": asked.text }));
        let prompt: Value = pictures.chain(words).collect();
        self.ask(Request::Prompt, "session/prompt", json!({ "prompt": prompt }), out);
    }

    fn answer(&mut self, answer: &Answer, out: &mut Vec<Act>) {
        self.calls.answer(answer, out);
        if self.ending.is_some() && !self.calls.has_unanswered() {
            self.turn_ends(false, out);
        }
    }

    fn interrupt(&mut self, out: &mut Vec<Act>) {
        if self.ending.is_some() {
            self.turn_ends(true, out);
            return;
        }
        let Some(turn) = &mut self.turn else {
            // What waits for the conversation to stand is not asked.
            if self.opening.prompt.take().is_some() {
                out.push(Act::Tell(Signal::TurnEnded { end: TurnEnd::Cancelled, problem: None }));
            }
            return;
        };
        turn.interrupted = true;
        let params = json!({ "sessionId": self.session });
        out.push(Act::Send(json!({ "jsonrpc": "2.0", "method": "session/cancel", "params": params })));
        self.calls.interrupt(out);
    }

    fn is_interrupted(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.interrupted)
    }

    fn steer(&mut self, text: &str, out: &mut Vec<Act>) {
        self.say(text, out);
    }

    fn set_mode(&mut self, mode: &str, out: &mut Vec<Act>) {
        if !self.preset.asks_in(mode) {
            let title = self.preset.named.title;
            let text = format!("{title} does not ask in the mode \"{mode}\", so it stays as it is.");
            out.push(noted("mode_not_set", text));
            return out.push(Act::Tell(Signal::Switched(Dial::Mode)));
        }
        let request = self.known.wants_mode(mode);
        self.wish(Dial::Mode, mode, request, out);
    }

    fn set_model(&mut self, model: &str, out: &mut Vec<Act>) {
        let request = self.known.wants_model(model);
        self.wish(Dial::Model, model, request, out);
    }

    fn held_bytes(&self) -> usize {
        self.calls.held_bytes() + self.words_bytes()
    }

    fn over(&mut self, out: &mut Vec<Act>) {
        self.end_text(out);
        // What it was asked to change is answered by nobody any more.
        let open = self.waiting.extract_if(|_, what| matches!(what, Request::Wish(..)));
        out.extend(open.filter_map(|(_, what)| match what {
            Request::Wish(dial, _) => Some(Act::Tell(Signal::Switched(dial))),
            _ => None,
        }));
        if self.turn.take().is_some_and(|turn| turn.interrupted) {
            self.settles_words(false, out);
            out.push(Act::Tell(Signal::TurnEnded { end: TurnEnd::Cancelled, problem: None }));
        }
    }

    fn gives_back(&mut self, out: &mut Vec<Act>) {
        self.settles_words(false, out);
    }
}

fn step(entry: &Value) -> PlanStep {
    PlanStep {
        text: faults::short(entry["content"].as_str().unwrap_or_default()),
        status: match entry["status"].as_str() {
            Some("completed") => StepStatus::Completed,
            Some("in_progress") => StepStatus::InProgress,
            _ => StepStatus::Pending,
        },
    }
}
