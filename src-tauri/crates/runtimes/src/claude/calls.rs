//! All calls of a conversation: wanted, asked, answered, done. What happens without an answer that allows it ends the program.

use super::{
    call::{self, Place},
    faults, questions,
    quirks::FAILED,
};
use crate::{
    Answer,
    calls::{cut, hash},
    child::{
        Act, DENIED_BY_PERSON, DENIED_BY_RULE, Images, Keys, RAW_BYTES, call_ended, call_failed, note, shows,
    },
};
use nox_domain::{ids::ItemId, session::Signal, tool::CallEnd, transcript::AgentFault};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Calls of one turn; a program with more of them is ended.
const MAX_OPEN: usize = 4_096;
/// The longest name of a call, of a tool or of a folder.
const MAX_NAME_BYTES: usize = 4_096;
/// What the agent is told of a call that it wants when its turn has already been ended.
const TURN_ENDED: &str = "This turn was ended.";

/// How far a call is.
#[derive(Debug)]
enum Step {
    /// The model wants it.
    Wanted,
    /// Nox was asked, with so many bytes.
    Asked { key: String, request: String, input: Value, bytes: usize },
    /// It was allowed.
    Running { key: String, item: ItemId },
    /// It was denied, or its question was taken back: it does not happen.
    Refused,
    /// It is done.
    Over,
}

#[derive(Debug)]
struct Call {
    tool: String,
    /// Where the program stood when it wanted it.
    cwd: Option<PathBuf>,
    step: Step,
}

/// All calls, by the program's names for them.
pub(super) struct Calls {
    folder: PathBuf,
    calls: HashMap<String, Call>,
    keys: Keys,
    asked_bytes: usize,
}

impl Calls {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), calls: HashMap::new(), keys: Keys::default(), asked_bytes: 0 }
    }

    /// Whether there are more than any turn needs.
    pub(super) fn is_too_much(&self) -> bool {
        self.calls.len() > MAX_OPEN
    }

    /// How much is kept of what is asked.
    pub(super) fn held_bytes(&self) -> usize {
        self.asked_bytes
    }

    /// Something is asked: answers to what was before are all here.
    pub(super) fn turn_begins(&mut self) {
        self.keys.clear();
    }

    fn call(&mut self, id: &Value, tool: &Value) -> &mut Call {
        let tool = || cut(tool.as_str().unwrap_or_default(), MAX_NAME_BYTES).to_owned();
        let new = || Call { tool: tool(), cwd: None, step: Step::Wanted };
        let call = self.calls.entry(name(id)).or_insert_with(new);
        if call.tool.is_empty() {
            call.tool = tool();
        }
        call
    }

    /// The model wants a call.
    pub(super) fn wanted(&mut self, id: &Value, tool: &Value) {
        self.call(id, tool);
    }

    /// Where the program stands while it wants a call.
    pub(super) fn stands(&mut self, id: &Value, cwd: &Value) {
        if let Some(cwd) = cwd.as_str().filter(|cwd| cwd.len() <= MAX_NAME_BYTES) {
            self.call(id, &Value::Null).cwd = Some(PathBuf::from(cwd));
        }
    }

    /// The program asks for a call, with so many bytes. `interrupted`: somebody ended the turn, and nobody is asked any more.
    pub(super) fn ask(
        &mut self,
        request: String,
        wish: &Value,
        bytes: usize,
        interrupted: bool,
        out: &mut Vec<Act>,
    ) {
        let (tool, input) = (&wish["tool_name"], &wish["input"]);
        self.forget_question(&wish["tool_use_id"], out);
        let folder = self.folder.clone();
        let call = self.call(&wish["tool_use_id"], tool);
        if interrupted {
            call.step = Step::Refused;
            out.push(reply(
                &request,
                json!({ "behavior": "deny", "message": TURN_ENDED, "interrupt": true }),
            ));
            return;
        }
        let cwd = call.cwd.clone().unwrap_or_else(|| folder.clone());
        let tool = call.tool.clone();
        let mut shown = call::of(&tool, input, &Place { session: &folder, cwd: &cwd });
        let key = self.keys.take(&format!("{tool}:{}", &hash(input)[..16]));
        shown.key.clone_from(&key);
        self.asked_bytes += bytes;
        self.call(&wish["tool_use_id"], &Value::Null).step =
            Step::Asked { key, request, input: input.clone(), bytes };
        out.push(Act::Tell(Signal::Proposed(Box::new(shown))));
    }

    /// A call that is asked or runs under a name that comes anew is not heard of any more.
    fn forget_question(&mut self, id: &Value, out: &mut Vec<Act>) {
        let Some(call) = self.calls.get_mut(&name(id)) else { return };
        match std::mem::replace(&mut call.step, Step::Wanted) {
            Step::Asked { key, bytes, .. } => {
                self.asked_bytes -= bytes;
                out.push(call_ended(key, CallEnd::Cancelled));
            }
            Step::Running { key, .. } => out.push(call_ended(key, CallEnd::Unknown)),
            Step::Wanted | Step::Refused | Step::Over => {}
        }
    }

    /// Tells what became of a call.
    pub(super) fn answer(&mut self, answer: &Answer, out: &mut Vec<Act>) {
        let is_it = |call: &&mut Call| matches!(&call.step, Step::Asked { key, .. } if *key == answer.key);
        let Some(call) = self.calls.values_mut().find(is_it) else { return };
        let Step::Asked { key, request, input, bytes } = std::mem::replace(&mut call.step, Step::Refused)
        else {
            return;
        };
        self.asked_bytes -= bytes;
        let response = if answer.allowed {
            call.step = Step::Running { key: key.clone(), item: answer.item.clone() };
            out.extend(call::plan_of(&call.tool, &input).map(|plan| Act::Tell(Signal::Planned(plan))));
            out.push(Act::Tell(Signal::CallStarted { key, process: None }));
            json!({ "behavior": "allow", "updatedInput": questions::answered(&call.tool, input, &answer.answers) })
        } else {
            self.keys.free(&key);
            let default = if answer.by_person { DENIED_BY_PERSON } else { DENIED_BY_RULE };
            let message = answer.reason.clone().unwrap_or_else(|| default.to_owned());
            out.push(call_ended(key, CallEnd::Denied { reason: answer.reason.clone() }));
            json!({ "behavior": "deny", "message": message })
        };
        out.push(reply(&request, response));
    }

    /// The program does not wait for an answer any more: that must be because the call does not happen.
    pub(super) fn taken_back(&mut self, request: &str, out: &mut Vec<Act>) {
        let is_it =
            |call: &&mut Call| matches!(&call.step, Step::Asked { request: asked, .. } if asked == request);
        let Some(call) = self.calls.values_mut().find(is_it) else { return };
        if let Step::Asked { key, bytes, .. } = std::mem::replace(&mut call.step, Step::Refused) {
            self.asked_bytes -= bytes;
            out.push(call_ended(key, CallEnd::Cancelled));
        }
    }

    /// What a call came to. `frame` is all that was told with it.
    pub(super) fn result(&mut self, part: &Value, frame: &Value, interrupted: bool, out: &mut Vec<Act>) {
        let id = name(&part["tool_use_id"]);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let failed = part["is_error"] == true;
        let mut images = Images::default();
        let said = content(&part["content"], short_name(&call.tool), &mut images);
        let metas = frame["tool_result_meta"].as_array().into_iter().flatten();
        let is_kept =
            metas.into_iter().any(|meta| name(&meta["id"]) == id && meta["non_execution_kind"].is_string());
        // A command that failed has run as well.
        let has_run = !failed || said.starts_with(FAILED) && !is_kept;
        let tool = &call.tool;
        match std::mem::replace(&mut call.step, Step::Over) {
            Step::Running { key, item } => {
                self.keys.free(&key);
                out.extend(shows(Some(&key), images));
                out.push(ended(key, item, tool, &said, failed, interrupted, &frame["tool_use_result"]));
            }
            Step::Wanted if has_run => out.push(refuse(&format!("it used {tool} without asking"))),
            Step::Asked { .. } if has_run => {
                out.push(refuse(&format!("it used {tool} before it had an answer")))
            }
            Step::Refused if has_run => {
                out.push(refuse(&format!("it used {tool} although that was not allowed")))
            }
            // It was refused before anybody was asked.
            Step::Wanted => {
                let said = said.replace("<tool_use_error>", "").replace("</tool_use_error>", "");
                let said = faults::shown(cut(&said, RAW_BYTES));
                let text = format!("Claude Code did not let its agent use {tool}: {said}");
                out.push(note("refused_by_program", text));
            }
            step @ (Step::Asked { .. } | Step::Refused) => call.step = step,
            Step::Over => {}
        }
    }

    /// The turn is over: nobody will tell any more what became of a call that was allowed and has no result.
    pub(super) fn turn_ends(&mut self, out: &mut Vec<Act>) {
        self.asked_bytes = 0;
        let mut ends: Vec<_> = self
            .calls
            .drain()
            .filter_map(|(_, call)| match call.step {
                Step::Running { key, .. } => Some((key, CallEnd::Unknown)),
                Step::Asked { key, .. } => Some((key, CallEnd::Cancelled)),
                Step::Wanted | Step::Refused | Step::Over => None,
            })
            .collect();
        ends.sort_by(|one, other| one.0.cmp(&other.0));
        out.extend(ends.into_iter().map(|(key, end)| call_ended(key, end)));
    }
}

/// The program's name for a call, with a bound.
fn name(id: &Value) -> String {
    cut(id.as_str().unwrap_or_default(), MAX_NAME_BYTES).to_owned()
}

/// A tool without the service that it is of: what its images are to people.
fn short_name(tool: &str) -> &str {
    tool.rsplit("__").next().unwrap_or(tool)
}

fn ended(
    key: String,
    item: ItemId,
    tool: &str,
    said: &str,
    failed: bool,
    interrupted: bool,
    whole: &Value,
) -> Act {
    let (exit_code, said) = match said.strip_prefix(FAILED).filter(|_| failed && tool == "Bash") {
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
    Act::CallEnds { key, item, out: text, err, end }
}

/// An answer to a request of the program.
pub(super) fn reply(request: &str, response: Value) -> Act {
    Act::Send(json!({ "type": "control_response",
        "response": { "subtype": "success", "request_id": request, "response": response } }))
}

/// The end of a program that does not keep to what was agreed.
pub(super) fn refuse(said: &str) -> Act {
    Act::Refuse(faults::problem(AgentFault::Protocol, said, None))
}

/// What a tool gave back, as text, with its images.
fn content(value: &Value, name: &str, images: &mut Images) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let parts = parts.iter().map(|part| images.words_of(part, name));
            parts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}
