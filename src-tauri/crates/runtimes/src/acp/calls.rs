//! All calls of a conversation: told bit by bit, asked, answered, watched.
//!
//! A call that a program is known to run without asking, and that only reads within the folder, is put before the policy all
//! the same; whatever else happens without an answer that allows it ends the program.

use super::{
    call::Told,
    faults::{self, noted},
    forms::Form,
    quirks::Preset,
};
use crate::{
    Answer,
    child::{Act, Images, Keys, call_ended, shows, weight},
};
use nox_domain::{
    event::Problem,
    ids::ItemId,
    session::Signal,
    tool::{CallEnd, ToolCall, ToolKind},
    transcript::AgentFault,
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

/// Calls of one turn that are watched; with more the program is ended.
const WATCHED: usize = 5_000;

/// Begins the names of forms that belong to no call. No program can name a call so: such calls are not taken in.
const FORM: &str = "\u{1}form ";

/// The tool of Claude Code whose call is a form.
const ASKS_BY_FORM: &str = "AskUserQuestion";

/// How far a call is.
#[derive(Debug)]
enum Step {
    /// The program has told of it.
    Seen,
    /// The program asked, and has not told yet what the call is given: with its request and its options.
    Early { request: Value, options: Value },
    /// Nox was asked: under this key, by this request, which offers these options.
    Asked { key: String, request: Value, options: Value },
    /// A person is asked to fill in a form.
    Filling { key: String, request: Value, form: Form },
    /// It runs without having been asked; the policy is asked all the same. With how it ended meanwhile.
    Unasked { key: String, ended: Option<bool> },
    /// It was allowed.
    Running { key: String, item: ItemId },
    /// It is over, or was not allowed.
    Over { allowed: bool },
}

#[derive(Debug)]
struct Call {
    told: Told,
    step: Step,
    /// The program has told of it, and not only asked.
    is_call: bool,
}

/// All calls.
pub(super) struct Calls {
    preset: &'static Preset,
    folder: PathBuf,
    calls: HashMap<String, Call>,
    keys: Keys,
    /// Ids of the turn before: what comes late of them says nothing.
    before: HashSet<String>,
    noted_unasked: bool,
}

impl Calls {
    pub(super) fn new(preset: &'static Preset, folder: &Path) -> Self {
        Self {
            preset,
            folder: folder.to_owned(),
            calls: HashMap::new(),
            keys: Keys::default(),
            before: HashSet::new(),
            noted_unasked: false,
        }
    }

    /// How much is kept of what was told.
    pub(super) fn held_bytes(&self) -> usize {
        let calls = self.calls.iter().map(|(id, call)| id.len() + call.told.bytes() + call.step.bytes());
        calls.sum::<usize>() + self.before.iter().map(String::len).sum::<usize>()
    }

    /// Something is asked: answers to what was before are all here.
    pub(super) fn turn_begins(&mut self) {
        self.keys.clear();
    }

    /// Takes in what is told of a call. `interrupted`: somebody ended the turn.
    pub(super) fn told(&mut self, update: &Value, interrupted: bool, out: &mut Vec<Act>) {
        let Some(id) = update["toolCallId"].as_str() else { return };
        if self.before.contains(id) {
            return;
        }
        if id.starts_with(FORM) {
            out.push(self.refuse("a call has a name that is Nox's own"));
            return;
        }
        if self.is_full(id) {
            out.push(self.refuse("more calls in one turn than Nox can watch"));
            return;
        }
        let call = self.calls.entry(id.to_owned()).or_insert_with(Call::seen);
        call.is_call = true;
        match call.step {
            Step::Over { allowed: true } => return,
            // What was not allowed is watched and not kept.
            Step::Over { allowed: false } => {}
            _ => call.told.take(update),
        }
        let ended = match update["status"].as_str() {
            Some("completed") => Some(false),
            Some("failed") => Some(true),
            _ => None,
        };
        match (&mut call.step, ended) {
            (Step::Seen, None) => self.watch(id, out),
            (Step::Early { .. }, None) => self.propose(id, out),
            (Step::Seen, Some(failed)) => self.ran_unasked(id, failed, out),
            (Step::Unasked { ended, .. }, Some(failed)) => *ended = Some(failed),
            (Step::Running { .. }, Some(failed)) => self.ends(id, failed, interrupted, out),
            // The program tells of a refusal as of a failure.
            (Step::Over { .. }, Some(true)) => {}
            (Step::Over { .. }, Some(false)) => out.push(self.refuse("it did what was not allowed")),
            (Step::Asked { .. } | Step::Early { .. } | Step::Filling { .. }, Some(true)) => {
                self.take_back(id, out);
            }
            (Step::Asked { .. } | Step::Early { .. } | Step::Filling { .. }, Some(false)) => {
                out.push(self.refuse("it did not wait for an answer"))
            }
            (_, None) => {}
        }
    }

    /// The program asks for a call.
    pub(super) fn ask(&mut self, request: Value, params: &Value, out: &mut Vec<Act>) {
        let wish = &params["toolCall"];
        let id = wish["toolCallId"].as_str().unwrap_or_default();
        if id.is_empty() || id.starts_with(FORM) || self.is_full(id) {
            out.push(cancelled(&request));
            return;
        }
        // The same call asked again waits for one answer only.
        if self.calls.get(id).is_some_and(|call| call.step.is_open()) {
            self.take_back(id, out);
        }
        let call = self.calls.entry(id.to_owned()).or_insert_with(Call::seen);
        // It asks a second time within one call: what was asked before is through, however it went. OpenCode asks for a place
        // outside and then for what it does there, and does nothing before its last question.
        let was_question = self.preset.begins_early;
        if let Step::Running { key, .. } | Step::Unasked { key, .. } =
            std::mem::replace(&mut call.step, Step::Seen)
        {
            let end = if was_question { CallEnd::Succeeded } else { CallEnd::Unknown };
            out.push(call_ended(key, end));
        }
        call.told.take(wish);
        call.told.reads_input();
        let tool = call.told.tool(id);
        let never = self.preset.never.iter().find(|(known, _)| *known == tool).map(|(_, why)| *why);
        // An answer for always would leave the next call of this kind to the program.
        let can_allow = chosen(&params["options"], ALLOWED).is_some();
        if let Some(why) = never.or((!can_allow).then_some("it can only be allowed for always")) {
            call.step = Step::Over { allowed: false };
            out.push(answered(&request, &params["options"], false));
            out.push(noted("refused_by_nox", format!("Nox did not let the agent use {tool}: {why}.")));
            return;
        }
        call.step = Step::Early { request, options: params["options"].clone() };
        self.propose(id, out);
    }

    /// Puts a question before the policy, as soon as it is known what the call is given. One that stands for itself is not told
    /// of any more: OpenCode asks so whether its agent may do the same thing a third time.
    fn propose(&mut self, id: &str, out: &mut Vec<Act>) {
        let is_known =
            |call: &Call| call.told.has_begun() || !self.preset.begins_early || call.stands_alone(id);
        if !self.calls.get(id).is_some_and(is_known) {
            return;
        }
        let told = ToolCall { key: self.key(id), ..self.shown(id) };
        let Some(call) = self.calls.get_mut(id) else { return };
        if let Step::Early { request, options } = std::mem::replace(&mut call.step, Step::Seen) {
            call.step = Step::Asked { key: told.key.clone(), request, options };
            out.push(Act::Tell(Signal::Proposed(Box::new(told))));
        }
    }

    /// The program lets a person fill in a form, as a rule as a part of a call.
    pub(super) fn ask_form(&mut self, request: Value, params: &Value, out: &mut Vec<Act>) {
        let own = format!("{FORM}{request}");
        let named = params["toolCallId"].as_str().filter(|id| self.is_by_form(id));
        let id = named.unwrap_or(&own);
        let Some((form, questions)) = Form::of(params).filter(|_| !self.is_full(id)) else {
            out.push(form_ended(&request, "decline"));
            let said = faults::short(params["message"].as_str().unwrap_or_default());
            let title = self.preset.named.title;
            out.push(noted("not_asked", format!("{title} asked something that Nox cannot show: {said}")));
            return;
        };
        if self.calls.get(id).is_some_and(|call| call.step.is_open()) {
            self.take_back(id, out);
        }
        let call = self.calls.entry(id.to_owned()).or_insert_with(Call::seen);
        if let Step::Running { key, .. } | Step::Unasked { key, .. } =
            std::mem::replace(&mut call.step, Step::Seen)
        {
            out.push(call_ended(key, CallEnd::Unknown));
        }
        if id == own {
            call.told.take(
                &json!({ "title": params["message"], "rawInput": { "form": params["requestedSchema"] } }),
            );
        }
        let told = ToolCall { key: self.key(id), kind: ToolKind::Other, questions, ..self.shown(id) };
        if let Some(call) = self.calls.get_mut(id) {
            call.step = Step::Filling { key: told.key.clone(), request, form };
        }
        out.push(Act::Tell(Signal::Proposed(Box::new(told))));
    }

    /// The program does not wait for the answer to a request any more.
    pub(super) fn taken_back(&mut self, request: &Value, out: &mut Vec<Act>) {
        let is_it = |step: &Step| match step {
            Step::Asked { request: asked, .. }
            | Step::Early { request: asked, .. }
            | Step::Filling { request: asked, .. } => asked == request,
            _ => false,
        };
        for id in self.open(is_it) {
            self.take_back(&id, out);
        }
    }

    /// Tells what became of a call.
    pub(super) fn answer(&mut self, answer: &Answer, out: &mut Vec<Act>) {
        let is_it = |step: &Step| match step {
            Step::Asked { key, .. } | Step::Filling { key, .. } | Step::Unasked { key, .. } => {
                *key == answer.key
            }
            _ => false,
        };
        let Some((id, call)) = self.calls.iter_mut().find(|(_, call)| is_it(&call.step)) else { return };
        let id = id.clone();
        let key = answer.key.clone();
        let next = match answer.allowed {
            true => Step::Running { key: key.clone(), item: answer.item.clone() },
            false => Step::Over { allowed: false },
        };
        let step = std::mem::replace(&mut call.step, next);
        if answer.allowed {
            if matches!(step, Step::Asked { .. }) {
                call.told.begins();
            }
            out.push(Act::Tell(Signal::CallStarted { key, process: None }));
        } else {
            self.keys.free(&key);
            let end = CallEnd::Denied { reason: answer.reason.clone() };
            out.push(call_ended(key, end));
        }
        match step {
            Step::Asked { request, options, .. } => {
                let mut act = answered(&request, &options, answer.allowed);
                let given = call.told.answers(&id, &answer.answers).filter(|_| answer.allowed);
                if let (Act::Send(frame), Some(given)) = (&mut act, given) {
                    frame["result"]["answers"] = given;
                }
                out.push(act);
            }
            Step::Filling { request, form, .. } => {
                out.push(match answer.allowed {
                    true => match form.accepted(&answer.answers) {
                        Some(filled) => replied(&request, filled),
                        None => form_ended(&request, "cancel"),
                    },
                    // The call is over with that; a form that is only declined would count as filled in with nothing.
                    false => form_ended(&request, "cancel"),
                });
                self.filled(&id, out);
            }
            Step::Unasked { ended: Some(failed), .. } if answer.allowed => {
                self.ends(&id, failed, false, out);
            }
            Step::Unasked { .. } if !answer.allowed => {
                out.push(self.refuse("it reads files without asking, which a rule here denies"));
            }
            _ => {}
        }
    }

    /// Whether a form may be a part of this call: of one that only asks, and that was not denied. An answer to a form allows
    /// nothing else.
    fn is_by_form(&self, id: &str) -> bool {
        self.calls
            .get(id)
            .is_some_and(|call| call.told.tool(id) == ASKS_BY_FORM && !matches!(call.step, Step::Over { .. }))
    }

    /// A form that stands for itself is a call that is over with its answer.
    fn filled(&mut self, id: &str, out: &mut Vec<Act>) {
        let Some(call) = self.calls.get_mut(id).filter(|_| id.starts_with(FORM)) else { return };
        if let Step::Running { key, .. } = std::mem::replace(&mut call.step, Step::Over { allowed: true }) {
            self.keys.free(&key);
            out.push(call_ended(key, CallEnd::Succeeded));
        }
    }

    /// Whether the policy has not yet said what it thinks of a call that ran unasked.
    pub(super) fn has_unanswered(&self) -> bool {
        self.calls.values().any(|call| matches!(call.step, Step::Unasked { .. }))
    }

    /// Somebody ended the turn: nobody waits for answers any more.
    pub(super) fn interrupt(&mut self, out: &mut Vec<Act>) {
        for id in self.open(Step::is_open) {
            self.take_back(&id, out);
        }
    }

    /// The turn is over: nobody will tell any more what became of calls that are still open. Answers whether one of them was
    /// allowed.
    pub(super) fn turn_ends(&mut self, interrupted: bool, out: &mut Vec<Act>) -> bool {
        self.interrupt(out);
        let left_running = self.calls.values().any(|call| matches!(call.step, Step::Running { .. }));
        for id in self.open(|step| matches!(step, Step::Running { .. } | Step::Unasked { .. })) {
            let Some(call) = self.calls.get_mut(&id) else { continue };
            let step = std::mem::replace(&mut call.step, Step::Over { allowed: true });
            if let Step::Running { key, .. } | Step::Unasked { key, .. } = step {
                // Nothing is told of what was only a question.
                let was_question = self.preset.begins_early && !call.is_call;
                let end = match (interrupted, was_question) {
                    (true, _) => CallEnd::Cancelled,
                    (false, true) => CallEnd::Succeeded,
                    (false, false) => CallEnd::Unknown,
                };
                out.push(call_ended(key, end));
            }
        }
        self.before = self.calls.drain().map(|(id, _)| id).collect();
        left_running
    }

    fn is_full(&self, id: &str) -> bool {
        self.calls.len() >= WATCHED && !self.calls.contains_key(id)
    }

    /// Ids of calls that are at some step, in an order that does not change.
    fn open(&self, like: impl Fn(&Step) -> bool) -> Vec<String> {
        let open = self.calls.iter().filter(|(_, call)| like(&call.step));
        let mut open: Vec<String> = open.map(|(id, _)| id.clone()).collect();
        open.sort_unstable();
        open
    }

    /// The call as Nox is asked about it, still without a key.
    fn shown(&self, id: &str) -> ToolCall {
        let Some(call) = self.calls.get(id) else { return ToolCall::default() };
        call.told.call(id, self.preset, &self.folder)
    }

    /// A key for a call that Nox is asked about.
    fn key(&mut self, id: &str) -> String {
        let name = self.calls.get(id).map(|call| call.told.name(id)).unwrap_or_default();
        self.keys.take(&name)
    }

    /// A call that the program may run without asking is put before the policy as soon as it is known what it reads.
    fn watch(&mut self, id: &str, out: &mut Vec<Act>) {
        let Some(call) = self.calls.get(id) else { return };
        if !self.preset.unasked.contains(&call.told.tool(id).as_str()) {
            return;
        }
        let told = self.shown(id);
        if told.locations.is_empty() && told.kind == ToolKind::Read {
            return;
        }
        self.put_before(id, told, None, out);
    }

    fn put_before(&mut self, id: &str, told: ToolCall, ended: Option<bool>, out: &mut Vec<Act>) {
        if told.outside {
            let said = format!("it did \"{}\" without asking, outside of its folder", told.title);
            out.push(self.refuse(&said));
            return;
        }
        if !std::mem::replace(&mut self.noted_unasked, true) {
            let text = format!(
                "{} reads within its folder without asking; a rule that denies such a call ends it.",
                self.preset.named.title
            );
            out.push(noted("reads_unasked", text));
        }
        let told = ToolCall { key: self.key(id), ..told };
        if let Some(call) = self.calls.get_mut(id) {
            call.step = Step::Unasked { key: told.key.clone(), ended };
        }
        out.push(Act::Tell(Signal::Proposed(Box::new(told))));
    }

    /// It is over, and nobody was asked.
    fn ran_unasked(&mut self, id: &str, failed: bool, out: &mut Vec<Act>) {
        let told = self.shown(id);
        let Some(call) = self.calls.get_mut(id) else { return };
        let tool = call.told.tool(id);
        let reads =
            matches!(told.kind, ToolKind::Read | ToolKind::Search | ToolKind::Think | ToolKind::Other);
        if failed && call.told.has_run(self.preset) && !reads {
            out.push(self.refuse(&format!("it used {tool} without asking: {}", told.title)));
        } else if failed {
            // The program refused it by itself.
            call.step = Step::Over { allowed: true };
            let (_, said, _) = call.told.end(true, false, &mut Images::default());
            let said = faults::short(&said);
            let title = self.preset.named.title;
            out.push(noted(
                "refused_by_program",
                format!("{title} did not let its agent use {tool}: {said}"),
            ));
        } else if reads && self.preset.unasked.contains(&tool.as_str()) {
            self.put_before(id, told, Some(false), out);
        } else {
            out.push(self.refuse(&format!("it used {tool} without asking: {}", told.title)));
        }
    }

    fn ends(&mut self, id: &str, failed: bool, interrupted: bool, out: &mut Vec<Act>) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let told = std::mem::take(&mut call.told);
        if let Step::Running { key, item } = std::mem::replace(&mut call.step, Step::Over { allowed: true }) {
            let mut images = Images::default();
            let (end, stdout, stderr) = told.end(failed, interrupted, &mut images);
            self.keys.free(&key);
            out.extend(shows(Some(&key), images));
            out.push(Act::CallEnds { key, item, out: stdout, err: stderr, end });
        }
    }

    /// A question that is not answered any more.
    fn take_back(&mut self, id: &str, out: &mut Vec<Act>) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let step = std::mem::replace(&mut call.step, Step::Over { allowed: false });
        let (key, reply) = match step {
            Step::Asked { key, request, .. } => (Some(key), cancelled(&request)),
            Step::Early { request, .. } => (None, cancelled(&request)),
            Step::Filling { key, request, .. } => (Some(key), form_ended(&request, "cancel")),
            _ => return,
        };
        out.push(reply);
        out.extend(key.map(|key| call_ended(key, CallEnd::Cancelled)));
    }

    fn refuse(&self, said: &str) -> Act {
        Act::Refuse(self.problem(said))
    }

    fn problem(&self, said: &str) -> Problem {
        crate::faults::problem(&self.preset.named, AgentFault::Protocol, said, None)
    }
}

impl Step {
    /// Whether the program waits for an answer.
    fn is_open(&self) -> bool {
        matches!(self, Self::Asked { .. } | Self::Early { .. } | Self::Filling { .. })
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Asked { request, options, .. } | Self::Early { request, options } => {
                weight(request) + weight(options)
            }
            Self::Filling { request, form, .. } => weight(request) + form.bytes(),
            Self::Seen | Self::Unasked { .. } | Self::Running { .. } | Self::Over { .. } => 0,
        }
    }
}

impl Call {
    /// Whether it is a question that belongs to no call: told of never, by the name of a question of OpenCode or with all that
    /// it is about.
    fn stands_alone(&self, id: &str) -> bool {
        !self.is_call && (id.starts_with("per_") || self.told.has_input())
    }

    fn seen() -> Self {
        Self { told: Told::default(), step: Step::Seen, is_call: false }
    }
}

const ALLOWED: &[&str] = &["allow_once"];
const DENIED: &[&str] = &["reject_once", "reject_always"];

/// The option of one of these kinds.
fn chosen<'a>(options: &'a Value, kinds: &[&str]) -> Option<&'a Value> {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    kinds.iter().find_map(|kind| options.iter().find(|option| option["kind"] == *kind))
}

/// The answer to a question: once, never for always.
fn answered(request: &Value, options: &Value, allowed: bool) -> Act {
    match chosen(options, if allowed { ALLOWED } else { DENIED }) {
        Some(option) => {
            let outcome = json!({ "outcome": "selected", "optionId": option["optionId"] });
            Act::Send(json!({ "jsonrpc": "2.0", "id": request, "result": { "outcome": outcome } }))
        }
        None => cancelled(request),
    }
}

fn cancelled(request: &Value) -> Act {
    replied(request, json!({ "outcome": { "outcome": "cancelled" } }))
}

/// The end of a form that was not filled in.
pub(super) fn form_ended(request: &Value, action: &str) -> Act {
    replied(request, json!({ "action": action }))
}

fn replied(request: &Value, result: Value) -> Act {
    Act::Send(json!({ "jsonrpc": "2.0", "id": request, "result": result }))
}
