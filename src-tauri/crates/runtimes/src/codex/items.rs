//! What Codex does, from its beginning over the question for it to its end. Nothing may end that was not asked.

use super::{call, quirks};
use crate::{
    Answer,
    calls::{plain, text},
    child::{Act, DENIED_BY_RULE, Images, Keys, call_ended, call_failed, shows, weight},
};
use nox_domain::{ids::ItemId, session::Signal, tool::CallEnd};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Things that are open at once; with more the program is ended.
const MAX_OPEN: usize = 4_096;
/// Of the output of a command so much is compared with what is told at its end.
const MAX_COMPARED_BYTES: usize = 64 * 1024;
/// Between what came while a command ran and all of it, when the beginning had not come.
const LATE: &str = "\n[The beginning of this output came late. All of it:]\n";

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Command,
    Edit,
    Service,
    Question,
}

impl What {
    fn of(item: &Value) -> Option<Self> {
        match item["type"].as_str()? {
            "commandExecution" => Some(Self::Command),
            "fileChange" => Some(Self::Edit),
            "mcpToolCall" => Some(Self::Service),
            _ => None,
        }
    }
}

/// Something that began.
#[derive(Debug)]
struct Seen {
    what: What,
    item: Value,
    /// What it weighs.
    bytes: usize,
    thread: String,
    asked: bool,
    allowed: bool,
}

/// A question to Nox.
#[derive(Debug)]
struct Asked {
    what: What,
    request: Value,
    /// The program's name for what it is about; empty when it did not say.
    item: String,
    thread: String,
}

/// A call that runs.
#[derive(Debug)]
struct Running {
    what: What,
    key: String,
    item: ItemId,
    thread: String,
    /// The beginning of what was told of its output.
    streamed: String,
    streamed_bytes: usize,
}

/// Everything that is open.
#[derive(Debug)]
pub(super) struct Items {
    folder: PathBuf,
    seen: HashMap<String, Seen>,
    asked: HashMap<String, Asked>,
    running: HashMap<String, Running>,
    keys: Keys,
}

/// What an answer makes of a call.
pub(super) struct Answered {
    /// The thread that had asked.
    pub(super) thread: String,
    /// What its agent has to be told besides the refusal.
    pub(super) told: Option<String>,
}

impl Items {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            seen: HashMap::new(),
            asked: HashMap::new(),
            running: HashMap::new(),
            keys: Keys::default(),
        }
    }

    /// How much is kept of what was said.
    pub(super) fn held_bytes(&self) -> usize {
        let seen = self.seen.iter().map(|(id, seen)| id.len() + seen.bytes);
        let asked = self.asked.values().map(|asked| asked.item.len() + weight(&asked.request));
        seen.chain(asked).chain(self.running.values().map(|one| one.streamed.len())).sum()
    }

    /// Whether more is open than any turn needs.
    pub(super) fn is_too_much(&self) -> bool {
        [self.seen.len(), self.asked.len(), self.running.len()].iter().any(|open| *open > MAX_OPEN)
    }

    /// Something begins. Answers with what is wrong when it is something that is never asked.
    pub(super) fn started(&mut self, item: &Value, thread: &str) -> Result<(), String> {
        let (Some(what), Some(id)) = (What::of(item), item["id"].as_str()) else { return Ok(()) };
        if reads(item) {
            return Err(unasked(item));
        }
        self.seen.entry(id.to_owned()).or_insert_with(|| Seen {
            what,
            item: item.clone(),
            bytes: weight(item) + thread.len(),
            thread: thread.to_owned(),
            asked: false,
            allowed: false,
        });
        Ok(())
    }

    /// A question for a command.
    pub(super) fn ask_command(&mut self, request: &Value, params: &Value, out: &mut Vec<Act>) {
        let wanted = call::command(params, &self.folder);
        self.ask(What::Command, request, params, text(&params["itemId"]), wanted, out);
    }

    /// A question for an edit.
    pub(super) fn ask_edit(&mut self, request: &Value, params: &Value, out: &mut Vec<Act>) {
        let item = text(&params["itemId"]);
        let begun = self.seen.get(&item).map_or(&Value::Null, |seen| &seen.item);
        let wanted = call::edit(begun, params, &self.folder);
        self.ask(What::Edit, request, params, item, wanted, out);
    }

    /// A question for a tool of a service; it does not say which of the calls that began it is about.
    pub(super) fn ask_service(&mut self, request: &Value, params: &Value, out: &mut Vec<Act>) {
        let (server, meta) = (text(&params["serverName"]), &params["_meta"]);
        let (tool, arguments) = (text(&meta["tool_name"]), &meta["tool_params"]);
        let is_it = |seen: &Seen| {
            seen.what == What::Service
                && !seen.asked
                && seen.thread == text(&params["threadId"])
                && seen.item["server"] == *server
                && seen.item["tool"] == *tool
                && (seen.item["arguments"] == *arguments || arguments.is_null())
        };
        let item = self.seen.iter().find(|(_, seen)| is_it(seen)).map(|(id, _)| id.clone());
        let wanted = call::service(&server, &tool, arguments, &self.folder);
        self.ask(What::Service, request, params, item.unwrap_or_default(), wanted, out);
    }

    /// Questions to a person.
    pub(super) fn ask_person(&mut self, request: &Value, params: &Value, out: &mut Vec<Act>) {
        let wanted = call::questions(&params["questions"], &self.folder);
        self.ask(What::Question, request, params, String::new(), wanted, out);
    }

    fn ask(
        &mut self,
        what: What,
        request: &Value,
        params: &Value,
        item: String,
        wanted: call::Wanted,
        out: &mut Vec<Act>,
    ) {
        if let Some(seen) = self.seen.get_mut(&item) {
            seen.asked = true;
        }
        let call::Wanted { name, mut call } = wanted;
        let key = self.keys.take(&name);
        call.key.clone_from(&key);
        let asked = Asked { what, request: request.clone(), item, thread: text(&params["threadId"]) };
        self.asked.insert(key, asked);
        out.push(Act::Tell(Signal::Proposed(Box::new(call))));
    }

    /// Tells what became of a call.
    pub(super) fn answer(&mut self, answer: &Answer, out: &mut Vec<Act>) -> Option<Answered> {
        let Asked { what, request, item, thread } = self.asked.remove(&answer.key)?;
        let key = answer.key.clone();
        let response = response(what, answer);
        if !answer.allowed {
            self.keys.free(&key);
            out.push(call_ended(key, CallEnd::Denied { reason: answer.reason.clone() }));
            out.push(reply(&request, response));
            // It tells its agent only that the call was rejected.
            let rule = (!answer.by_person).then(|| DENIED_BY_RULE.to_owned());
            return Some(Answered { thread, told: answer.reason.clone().or(rule) });
        }
        out.push(Act::Tell(Signal::CallStarted { key: key.clone(), process: None }));
        out.push(reply(&request, response));
        if what == What::Question {
            self.keys.free(&key);
            out.push(call_ended(key, CallEnd::Succeeded));
        } else {
            if let Some(seen) = self.seen.get_mut(&item) {
                seen.allowed = true;
            }
            // What has no name of the program's own ends with its turn.
            let name = if item.is_empty() { key.clone() } else { item };
            let running = Running {
                what,
                key,
                item: answer.item.clone(),
                thread: thread.clone(),
                streamed: String::new(),
                streamed_bytes: 0,
            };
            if let Some(other) = self.running.insert(name, running) {
                out.push(call_ended(other.key, CallEnd::Unknown));
            }
        }
        Some(Answered { thread, told: None })
    }

    /// The program does not wait for an answer any more.
    pub(super) fn resolved(&mut self, request: &Value, out: &mut Vec<Act>) {
        let key = self.asked.iter().find(|(_, asked)| asked.request == *request).map(|(key, _)| key.clone());
        if let Some(key) = key {
            self.asked.remove(&key);
            out.push(call_ended(key, CallEnd::Cancelled));
        }
    }

    /// Output of a command. Answers with what is wrong when nobody had allowed it.
    pub(super) fn output(&mut self, item: &str, more: &str, out: &mut Vec<Act>) -> Result<(), String> {
        let Some(running) = self.running.get_mut(item) else {
            return match self.seen.get(item) {
                Some(seen) if seen.what == What::Command && !seen.asked => Err(unasked(&seen.item)),
                _ => Ok(()),
            };
        };
        if running.streamed_bytes < MAX_COMPARED_BYTES {
            running.streamed.push_str(more);
        }
        running.streamed_bytes = running.streamed_bytes.saturating_add(more.len());
        out.push(Act::Append(running.item.clone(), more.to_owned()));
        Ok(())
    }

    /// Something is over. `cut` when its turn was: then it was ended. Answers with what is wrong when it was done and nobody
    /// had allowed it.
    pub(super) fn completed(&mut self, item: &Value, cut: bool, out: &mut Vec<Act>) -> Result<(), String> {
        let (Some(what), Some(id)) = (What::of(item), item["id"].as_str()) else { return Ok(()) };
        let seen = self.seen.remove(id);
        let status = item["status"].as_str().unwrap_or_default();
        let Some(running) = self.running.remove(id) else {
            // Told late: its turn was over.
            let is_allowed = seen.as_ref().is_some_and(|seen| seen.allowed);
            let has_run = match what {
                // A command that could not be begun has no code.
                What::Command => status == "completed" || item["exitCode"].is_number(),
                What::Service => status == "completed" && !lists(item),
                What::Edit | What::Question => status == "completed",
            };
            return if has_run && !is_allowed { Err(unasked(item)) } else { Ok(()) };
        };
        let end = match status {
            "completed" => CallEnd::Succeeded,
            _ if cut => CallEnd::Cancelled,
            _ => call_failed(
                item["exitCode"].as_i64().and_then(|code| i32::try_from(code).ok()).filter(|code| *code >= 0),
            ),
        };
        let mut images = Images::default();
        let said = match what {
            What::Command => running.rest(item["aggregatedOutput"].as_str().unwrap_or_default()),
            What::Service => result_of(item, &mut images),
            What::Edit | What::Question => String::new(),
        };
        let Running { key, item, .. } = running;
        self.keys.free(&key);
        out.extend(shows(Some(&key), images));
        out.push(Act::CallEnds { key, item, out: said, err: String::new(), end });
        Ok(())
    }

    /// The threads that have commands which run.
    pub(super) fn threads(&self) -> Vec<String> {
        let commands = self.running.values().filter(|running| running.what == What::Command);
        let mut threads: Vec<_> = commands.map(|running| running.thread.clone()).collect();
        threads.sort();
        threads.dedup();
        threads
    }

    /// The commands of a thread are over, but for those that run.
    pub(super) fn gone(&mut self, thread: &str, running: &[&str], cut: bool, out: &mut Vec<Act>) {
        let is_gone = |id: &String, one: &mut Running| {
            one.what == What::Command && one.thread == thread && !running.contains(&id.as_str())
        };
        let gone: Vec<_> = self.running.extract_if(is_gone).map(|(_, one)| one).collect();
        let end = if cut { CallEnd::Cancelled } else { CallEnd::Unknown };
        out.extend(gone.into_iter().map(|one| ended(one, end.clone())));
    }

    /// The turn is over: nobody will tell any more what becomes of what is open, but of commands, which are ended.
    pub(super) fn turn_over(&mut self, cut: bool, out: &mut Vec<Act>) {
        let others: Vec<_> =
            self.running.extract_if(|_, one| one.what != What::Command).map(|(_, one)| one).collect();
        let end = if cut { CallEnd::Cancelled } else { CallEnd::Unknown };
        out.extend(others.into_iter().map(|one| ended(one, end.clone())));
        let mut keys: Vec<_> = self.asked.drain().map(|(key, _)| key).collect();
        keys.sort();
        out.extend(keys.into_iter().map(|key| call_ended(key, CallEnd::Cancelled)));
    }

    /// A new turn begins: nothing of the one before is told any more, and all answers to its questions are here.
    pub(super) fn clear(&mut self) {
        self.seen.clear();
        self.keys.clear();
    }
}

/// A call that is over without a word about it keeps what it wrote.
fn ended(running: Running, end: CallEnd) -> Act {
    let Running { key, item, .. } = running;
    Act::CallEnds { key, item, out: String::new(), err: String::new(), end }
}

/// Whether this is a tool of Codex itself, and no tool of this name that a service has: those are given what they want, not
/// the name of their service.
fn is_own(item: &Value, given: &[&str]) -> bool {
    let arguments = item["arguments"].as_object();
    let (server, named) = (&item["server"], arguments.and_then(|all| all.get("server")));
    let named = named.filter(|named| !named.is_null());
    named.map_or(*server == quirks::ITSELF, |named| named == server)
        && arguments.is_none_or(|all| all.keys().all(|key| given.contains(&key.as_str())))
}

/// It looks at what services offer.
fn lists(item: &Value) -> bool {
    item["tool"].as_str().is_some_and(|tool| quirks::LISTS.contains(&tool))
        && is_own(item, &["server", "cursor"])
}

/// It reads from a service.
fn reads(item: &Value) -> bool {
    item["tool"] == quirks::READS && is_own(item, &["server", "uri"])
}

fn unasked(item: &Value) -> String {
    let what = item["command"].as_str().or(item["tool"].as_str()).unwrap_or("an edit");
    format!("it did something without asking: {}", crate::calls::first_line(what))
}

/// The words for an answer, as each question wants them.
fn response(what: What, answer: &Answer) -> Value {
    match what {
        What::Command | What::Edit => {
            json!({ "decision": if answer.allowed { "accept" } else { "decline" } })
        }
        What::Service => {
            let action = if answer.allowed { "accept" } else { "decline" };
            let content = if answer.allowed { json!({}) } else { Value::Null };
            json!({ "action": action, "content": content, "_meta": null })
        }
        What::Question => {
            let answers = answer.answers.iter().filter(|_| answer.allowed);
            let answers = answers.map(|(id, answers)| (id.clone(), json!({ "answers": answers })));
            json!({ "answers": answers.collect::<serde_json::Map<_, _>>() })
        }
    }
}

/// The refusal of a question of this method; none for one that is no question to Nox about something to do.
pub(super) fn refusal(method: &str) -> Option<Value> {
    match method {
        "item/commandExecution/requestApproval" | "item/fileChange/requestApproval" => {
            Some(json!({ "decision": "decline" }))
        }
        "mcpServer/elicitation/request" => {
            Some(json!({ "action": "decline", "content": null, "_meta": null }))
        }
        "item/tool/requestUserInput" => Some(json!({ "answers": {} })),
        _ => None,
    }
}

/// An answer to a request of the program.
pub(super) fn reply(request: &Value, result: Value) -> Act {
    Act::Send(json!({ "id": request, "result": result }))
}

impl Running {
    /// What has to be written behind what came while it ran, so that all of it is there.
    fn rest(&self, all: &str) -> String {
        match all.strip_prefix(self.streamed.as_str()) {
            Some(rest) if self.streamed_bytes == self.streamed.len() => rest.to_owned(),
            // Its end was cut out of the middle, or it is as long as what came: nothing is missing that is known.
            _ if self.streamed_bytes >= all.len() => String::new(),
            _ => format!("{LATE}{all}"),
        }
    }
}

/// What a tool of a service gave back, as text, with its images.
fn result_of(item: &Value, images: &mut Images) -> String {
    if let Some(error) = item["error"]["message"].as_str() {
        return error.to_owned();
    }
    let name = item["tool"].as_str().unwrap_or("image");
    let parts = item["result"]["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parts = parts.iter().map(|part| match part["type"].is_string() {
        true => images.words_of(part, name),
        false => plain(part),
    });
    parts.collect::<Vec<_>>().join("\n")
}
