//! The loop, without any model, file or process: what is heard and wished for goes in, acts come out.
//!
//! A turn asks the model, proposes the calls that it wants, waits for all of their results and asks again, until the
//! model wants nothing more. Total: nothing that a model says breaks it. What an answer or a result was is kept before
//! anything follows from it, so a conversation that is gone on with after a crash stands where it stood.

use super::{
    acts::{Act, Done, Settings},
    budget,
    faults::Failure,
    history::{Fate, History, Line, OpenCall, Part},
    image::Image,
    retries,
    wire::{Heard, Reply},
};
use crate::{
    Answer,
    child::{DENIED_BY_PERSON, DENIED_BY_RULE, Texts},
    prices::{self, Prices, Tokens},
};
use nox_domain::{
    event::{Problem, TurnEnd},
    ids::ItemId,
    session::{Prompt, Signal, Words},
    tool::{CallEnd, ToolCall},
    transcript::AgentFault,
};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};

/// Requests to the model in one turn, when the agent does not say.
pub(super) const MAX_ITERATIONS: u32 = 50;
/// Calls of one answer that are carried out.
const MAX_CALLS: usize = 64;
/// Texts that wait to be said into the turn.
const MAX_STEERS: usize = 32;

/// How far a call of the newest answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// What it would do is being found out.
    Looked,
    /// Nox was asked.
    Proposed,
    /// It runs.
    Running,
}

/// Whether the model is shown images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Sees,
    /// A request that showed images was refused, and is asked again without them.
    Tries,
    /// They were why it was refused.
    Blind,
}

#[derive(Debug, Default)]
struct Turn {
    interrupted: bool,
    /// It ends because of this when nothing runs any more.
    fault: Option<Problem>,
    requests: u32,
    /// Requests in a row that came to nothing.
    tries: u32,
    /// The server said that it is too long, and something was left out.
    shortened: bool,
    waits: bool,
}

/// The state of one conversation.
pub(super) struct Conversation {
    settings: Settings,
    history: History,
    turn: Option<Turn>,
    request: u64,
    is_asking: bool,
    /// The text that is being written, by whether it is a thought.
    texts: Texts<bool>,
    calls: HashMap<String, Step>,
    steers: VecDeque<String>,
    is_price_missing: bool,
    sight: Sight,
    stopped: bool,
}

impl Conversation {
    /// A conversation that stands where its history does.
    pub(super) fn new(
        settings: Settings,
        history: History,
        fresh: impl FnMut() -> ItemId + Send + 'static,
    ) -> Self {
        Self {
            settings,
            history,
            turn: None,
            request: 0,
            is_asking: false,
            texts: Texts::new(fresh),
            calls: HashMap::new(),
            steers: VecDeque::new(),
            is_price_missing: false,
            sight: Sight::Sees,
            stopped: false,
        }
    }

    /// What the model is shown.
    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// The model that is asked.
    pub(super) fn model(&self) -> &str {
        &self.settings.model
    }

    /// Asks another model from the next request on.
    pub(super) fn set_model(&mut self, model: String) {
        self.settings.model = model;
        self.is_price_missing = false;
        self.sight = Sight::Sees;
    }

    /// Whether the server refused what it was shown: it is shown no images.
    pub(super) fn is_blind(&self) -> bool {
        self.sight != Sight::Sees
    }

    /// What is known of models without asking anybody.
    pub(super) fn prices(&self) -> &Prices {
        &self.settings.prices
    }

    /// Asks something. The same turn again after the model server's limit goes on where that was met.
    pub(super) fn prompt(&mut self, prompt: &Prompt, images: Vec<Image>, out: &mut Vec<Act>) {
        let goes_on = self.history.is_limited(prompt);
        self.close_calls(out);
        self.turn = Some(Turn::default());
        if goes_on {
            return self.ask(out);
        }
        let (text, turn) = (prompt.text.clone(), Some(prompt.turn.clone()));
        self.keep(Line::Asked { text, turn, images }, out);
        self.ask(out);
    }

    /// Takes in what was said into the turn that is asked next. What was kept of it is heard; the model hears the rest with
    /// the next request.
    pub(super) fn hold(&mut self, words: Vec<Words>, prompt: &Prompt, out: &mut Vec<Act>) {
        let mut kept = self.history.steers(prompt).to_vec();
        for Words { text, heard } in words {
            match kept.iter().position(|kept| *kept == text) {
                Some(place) => {
                    kept.remove(place);
                    out.extend((!heard).then(|| Act::Tell(Signal::Steered(text))));
                }
                None => self.steers.push_back(text),
            }
        }
    }

    /// Goes on with a turn that an earlier run was asked and whose end was not heard.
    pub(super) fn go_on(&mut self, prompt: &Prompt, images: Vec<Image>, out: &mut Vec<Act>) {
        let over = self.history.end_of(prompt).filter(|_| !self.history.is_limited(prompt));
        if let Some((end, problem)) = over.cloned() {
            if end == TurnEnd::End {
                self.say_again(out);
            }
            // First what is asked next: with its end the turn counts as told all that was said into it.
            let late = self.steers.drain(..);
            out.extend(late.map(|text| Act::Tell(Signal::NotSteered(text))));
            out.push(Act::Tell(Signal::TurnEnded { end, problem }));
            return;
        }
        if !self.history.is_open(prompt) {
            return self.prompt(prompt, images, out);
        }
        self.turn = Some(Turn::default());
        let open: Vec<_> = self.history.open_calls().cloned().collect();
        if open.is_empty() && !self.history.wants_an_answer() {
            self.say_again(out);
            return self.settle(out);
        }
        let unseen: Vec<_> = open.iter().filter(|call| call.allowed).collect();
        for call in &unseen {
            let text = UNSEEN.to_owned();
            self.keep(Line::Result { key: call.key.clone(), fate: Fate::Unknown, text, images: vec![] }, out);
        }
        if unseen.len() < open.len() {
            for call in open.into_iter().filter(|call| !call.allowed) {
                self.take_up(call, out);
            }
            self.settle(out);
        } else {
            self.ask(out);
        }
    }

    /// Tells the newest answer, which was not heard any more.
    fn say_again(&mut self, out: &mut Vec<Act>) {
        let words = self.history.last_words();
        if !words.is_empty() {
            self.write(words, false, out);
            self.end_text(out);
        }
    }

    /// Says something into the turn that runs; the model hears it with its next request.
    pub(super) fn steer(&mut self, text: String, out: &mut Vec<Act>) {
        if self.turn.is_none() || self.steers.len() == MAX_STEERS {
            return out.push(Act::Tell(Signal::NotSteered(text)));
        }
        self.steers.push_back(text);
    }

    /// Ends the turn that runs, if there is one.
    pub(super) fn interrupt(&mut self, out: &mut Vec<Act>) {
        let Some(turn) = &mut self.turn else { return };
        turn.interrupted = true;
        turn.waits = false;
        if std::mem::take(&mut self.is_asking) {
            out.push(Act::Hush);
            let said = self.texts.text(&false).map(str::to_owned);
            self.end_text(out);
            if let Some(text) = said.filter(|text| !text.trim().is_empty()) {
                self.keep(
                    Line::Answered { parts: vec![Part::Text { text }], input_tokens: 0, cut: false },
                    out,
                );
            }
        }
        self.end_calls(out);
        self.settle(out);
    }

    /// Takes in what the model server said to a request.
    pub(super) fn hear(&mut self, request: u64, heard: Heard, out: &mut Vec<Act>) {
        if request != self.request || !self.is_asking {
            return;
        }
        match heard {
            Heard::Text(text) => self.write(text, false, out),
            Heard::Thought(text) => self.write(text, true, out),
            Heard::Reply(reply) => self.reply(*reply, out),
            Heard::Failed(failure) => self.failed(failure, out),
        }
    }

    /// The wait for the model server is over.
    pub(super) fn wake(&mut self, out: &mut Vec<Act>) {
        if self.turn.as_mut().is_some_and(|turn| std::mem::take(&mut turn.waits)) {
            self.ask(out);
        }
    }

    /// What a call would do, or why it cannot be.
    pub(super) fn looked(&mut self, key: &str, found: Result<ToolCall, String>, out: &mut Vec<Act>) {
        if self.calls.get(key) != Some(&Step::Looked) {
            return;
        }
        match found {
            Ok(call) => {
                self.calls.insert(key.to_owned(), Step::Proposed);
                out.push(Act::Tell(Signal::Proposed(Box::new(call))));
            }
            Err(text) => {
                self.calls.remove(key);
                let name = self.history.open_call(key).map(|call| call.name.clone()).unwrap_or_default();
                let shown = nox_domain::terminal::harmless(
                    format!("The agent wanted to use {name}, and that cannot be: {text}").as_bytes(),
                );
                out.push(note("not_a_call", &budget::cut_middle(&shown, 1_000)));
                self.result(key, Fate::Failed, text, out);
                self.settle(out);
            }
        }
    }

    /// Tells what became of a call.
    pub(super) fn answer(&mut self, answer: &Answer, out: &mut Vec<Act>) {
        let key = &answer.key;
        if self.calls.get(key) != Some(&Step::Proposed) {
            return;
        }
        if answer.allowed {
            self.calls.insert(key.clone(), Step::Running);
            self.keep(Line::Allowed { key: key.clone() }, out);
            out.push(Act::Run { key: key.clone(), item: answer.item.clone() });
            return;
        }
        self.calls.remove(key);
        let default = if answer.by_person { DENIED_BY_PERSON } else { DENIED_BY_RULE };
        let text = match answer.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) {
            Some(reason) => format!("{default} The reason: {reason}"),
            None => default.to_owned(),
        };
        self.result(key, Fate::Denied, text, out);
        let end = CallEnd::Denied { reason: answer.reason.clone() };
        out.push(Act::Tell(Signal::CallEnded { key: key.clone(), end, output: None }));
        self.settle(out);
    }

    /// A call that ran is over.
    pub(super) fn done(&mut self, key: &str, done: Done, out: &mut Vec<Act>) {
        if self.calls.get(key) != Some(&Step::Running) {
            return;
        }
        self.calls.remove(key);
        let fate = match done.end {
            CallEnd::Succeeded => Fate::Succeeded,
            CallEnd::Cancelled | CallEnd::Skipped => Fate::Cancelled,
            CallEnd::Unknown => Fate::Unknown,
            CallEnd::Denied { .. } => Fate::Denied,
            CallEnd::Failed { .. } => Fate::Failed,
        };
        self.result_with(key, fate, done.text, done.images, out);
        out.extend(done.plan.map(|plan| Act::Tell(Signal::Planned(plan))));
        out.push(Act::Tell(Signal::CallEnded { key: key.to_owned(), end: done.end, output: done.output }));
        self.settle(out);
    }

    /// The disk does not take what has to be kept: of what would follow only what is being written ends, and the turn.
    pub(super) fn cannot_keep(&mut self, said: &str, remedy: &str, acts: &mut VecDeque<Act>) {
        acts.retain(|act| matches!(act, Act::TextEnds(_) | Act::Tell(Signal::Wrote { .. })));
        let mut last = Vec::new();
        let out = &mut last;
        self.is_asking = false;
        out.push(Act::Hush);
        self.end_text(out);
        self.calls.clear();
        self.turn = None;
        let message = format!("the conversation cannot be kept: {said}. {remedy}");
        let problem = Some(Problem::NotStarted { message });
        out.push(Act::Tell(Signal::TurnEnded { end: TurnEnd::Failed, problem }));
        acts.extend(last);
    }

    /// The run ends: what is being written is through as it is.
    pub(super) fn over(&mut self, out: &mut Vec<Act>) {
        self.is_asking = false;
        self.end_text(out);
    }

    /// The run is about to end: what runs is told to, nothing begins, and the turn stays open for the next run.
    pub(super) fn stop(&mut self, out: &mut Vec<Act>) {
        self.stopped = true;
        self.is_asking = false;
        let mut running: Vec<_> = self.calls.iter().filter(|(_, step)| **step == Step::Running).collect();
        running.sort_by_key(|(key, _)| *key);
        out.extend(running.into_iter().map(|(key, _)| Act::End { key: key.clone() }));
    }

    fn keep(&mut self, line: Line, out: &mut Vec<Act>) {
        self.history.apply(&line);
        out.push(Act::Keep(line));
    }

    fn result(&mut self, key: &str, fate: Fate, text: String, out: &mut Vec<Act>) {
        self.result_with(key, fate, text, vec![], out);
    }

    fn result_with(&mut self, key: &str, fate: Fate, text: String, images: Vec<Image>, out: &mut Vec<Act>) {
        let text = budget::cut_middle(&text, budget::RESULT_BYTES);
        self.keep(Line::Result { key: key.to_owned(), fate, text, images }, out);
    }

    fn take_steers(&mut self, out: &mut Vec<Act>) {
        for text in std::mem::take(&mut self.steers) {
            self.keep(Line::Asked { text: text.clone(), turn: None, images: vec![] }, out);
            out.push(Act::Tell(Signal::Steered(text)));
        }
    }

    fn ask(&mut self, out: &mut Vec<Act>) {
        self.take_steers(out);
        let Some(turn) = &mut self.turn else { return };
        if turn.tries == 0 {
            turn.requests += 1;
        }
        if turn.requests > self.settings.max_iterations {
            let message = format!(
                "The agent asked its model {} times in this turn, as often as it may. Say something for it to go on, or \
                 raise max_iterations in [program] of agent.toml.",
                self.settings.max_iterations
            );
            turn.fault = Some(Problem::Agent { fault: AgentFault::Refused, message, until: None });
            return self.settle(out);
        }
        self.compact(false, out);
        self.request += 1;
        self.is_asking = true;
        out.push(Act::Ask { request: self.request });
    }

    /// Leaves out what does not fit; answers whether it did.
    fn compact(&mut self, always: bool, out: &mut Vec<Act>) -> bool {
        let Settings { own_context, usual_context, fixed_bytes, prices, model, .. } = &self.settings;
        let context = own_context.or_else(|| prices.context(model).map(u64::from)).unwrap_or(*usual_context);
        let Some(found) = budget::compaction(&self.history, *fixed_bytes, context, always) else {
            return false;
        };
        self.keep(found.line, out);
        out.push(note("compacted", &found.note));
        true
    }

    fn write(&mut self, more: String, thought: bool, out: &mut Vec<Act>) {
        if more.is_empty() {
            return;
        }
        let mut acts = Vec::new();
        if !self.texts.has(&thought) {
            self.texts.end_all(&mut acts);
            self.texts.begin(thought, thought, &mut acts);
        }
        self.texts.append(&thought, &more, &mut acts);
        out.extend(acts.into_iter().filter_map(Act::of_text));
    }

    fn end_text(&mut self, out: &mut Vec<Act>) {
        let mut acts = Vec::new();
        self.texts.end_all(&mut acts);
        out.extend(acts.into_iter().filter_map(Act::of_text));
    }

    fn reply(&mut self, reply: Reply, out: &mut Vec<Act>) {
        self.is_asking = false;
        if self.sight == Sight::Tries {
            self.sight = Sight::Blind;
        }
        if let Some(turn) = &mut self.turn {
            turn.tries = 0;
        }
        let input_tokens = reply.tokens.read();
        self.keep(Line::Answered { parts: reply.parts, input_tokens, cut: reply.cut }, out);
        self.end_text(out);
        self.used(&reply.tokens, out);
        let wanted: Vec<_> = self.history.open_calls().cloned().collect();
        if reply.cut {
            out.push(note(
                "answer_cut",
                "The answer came to the length that the model may write, and was cut off there.",
            ));
        }
        for call in wanted {
            self.take_up(call, out);
        }
        self.settle(out);
    }

    /// Finds out what a call would do, if it is one that can be made.
    fn take_up(&mut self, call: OpenCall, out: &mut Vec<Act>) {
        let text = if self.history.is_cut() {
            // What it would be given may be cut off as well.
            "This was not done: your answer was cut off at its greatest length. Want less at once.".to_owned()
        } else if call.place >= MAX_CALLS {
            format!("This was not done: at most {MAX_CALLS} calls at once.")
        } else {
            return self.look(call.key, call.name, call.input, out);
        };
        self.result(&call.key, Fate::Failed, text, out);
    }

    fn look(&mut self, key: String, name: String, input: Value, out: &mut Vec<Act>) {
        self.calls.insert(key.clone(), Step::Looked);
        out.push(Act::Look { key, name, input });
    }

    fn used(&mut self, tokens: &Tokens, out: &mut Vec<Act>) {
        let Settings { model, prices, is_local, .. } = &self.settings;
        let used = prices.usage(model, tokens, *is_local);
        if used.cost_micro_usd.is_none() && !std::mem::replace(&mut self.is_price_missing, true) {
            out.push(note(prices::MISSING, &prices::missing(model)));
        }
        if *tokens != Tokens::default() {
            out.push(Act::Tell(Signal::Used(used)));
        }
    }

    fn failed(&mut self, failure: Failure, out: &mut Vec<Act>) {
        self.is_asking = false;
        self.end_text(out);
        let Some(turn) = &mut self.turn else { return };
        if failure.fault == AgentFault::ContextFull && !std::mem::replace(&mut turn.shortened, true) {
            if self.compact(true, out) {
                return self.ask_again(out);
            }
        } else if failure.fault == AgentFault::Refused && failure.showed_images && self.sight == Sight::Sees {
            // An image that is refused would be refused in every request that follows.
            self.sight = Sight::Tries;
            let said = budget::cut_middle(failure.problem_text().trim(), 300);
            out.push(note("images_refused", &format!("{said} Nox asks again without the images.")));
            return self.ask_again(out);
        } else if !failure.fault.is_permanent()
            && let Some((wait, of)) = retries::wait_for(&failure, turn.tries)
        {
            turn.tries += 1;
            turn.waits = true;
            let (code, text) = retries::note(&failure, wait, turn.tries, of);
            out.push(note(code, &text));
            out.push(Act::Wake { after: wait });
            return;
        }
        if failure.fault == AgentFault::Refused && self.sight == Sight::Tries {
            // It was not for the images.
            self.sight = Sight::Sees;
        }
        if let Some(turn) = &mut self.turn {
            turn.fault = Some(failure.problem());
        }
        self.settle(out);
    }

    /// The same request once more: it does not count twice.
    fn ask_again(&mut self, out: &mut Vec<Act>) {
        if let Some(turn) = &mut self.turn {
            turn.tries += 1;
        }
        self.ask(out);
    }

    /// Calls that wait are over; those that run are told to end.
    fn end_calls(&mut self, out: &mut Vec<Act>) {
        let mut keys: Vec<(String, Step)> = self.calls.clone().into_iter().collect();
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, step) in keys {
            match step {
                Step::Running => out.push(Act::End { key }),
                Step::Looked | Step::Proposed => {
                    self.calls.remove(&key);
                    self.result(&key, Fate::Cancelled, CANCELLED.to_owned(), out);
                    if step == Step::Proposed {
                        let end = CallEnd::Cancelled;
                        out.push(Act::Tell(Signal::CallEnded { key, end, output: None }));
                    }
                }
            }
        }
    }

    /// Calls that an earlier run left behind get a result, so that something else can be asked.
    fn close_calls(&mut self, out: &mut Vec<Act>) {
        for call in self.history.open_calls().cloned().collect::<Vec<_>>() {
            let (fate, text) =
                if call.allowed { (Fate::Unknown, UNSEEN) } else { (Fate::Cancelled, CANCELLED) };
            self.keep(Line::Result { key: call.key, fate, text: text.to_owned(), images: vec![] }, out);
        }
        self.calls.clear();
    }

    /// When nothing is open any more: the turn ends, or the model is asked again.
    fn settle(&mut self, out: &mut Vec<Act>) {
        if self.is_asking || self.stopped || !self.calls.is_empty() {
            return;
        }
        let Some(turn) = &mut self.turn else { return };
        if turn.waits {
            return;
        }
        let problem = turn.fault.take();
        let end = match (&problem, turn.interrupted) {
            (_, true) => TurnEnd::Cancelled,
            (Some(_), false) => TurnEnd::Failed,
            (None, false) => TurnEnd::End,
        };
        let wants_more = self.history.wants_an_answer() || !self.steers.is_empty();
        if end == TurnEnd::End && wants_more {
            return self.ask(out);
        }
        self.turn = None;
        // What was said into the turn is heard with the next one.
        self.take_steers(out);
        let problem = problem.filter(|_| end == TurnEnd::Failed);
        self.keep(Line::TurnOver { end, problem: problem.clone() }, out);
        out.push(Act::Tell(Signal::TurnEnded { end, problem }));
    }
}

fn note(code: &str, text: &str) -> Act {
    Act::Tell(Signal::Noted(code.to_owned(), text.to_owned()))
}

const CANCELLED: &str = "This was not done: the turn was interrupted.";
const UNSEEN: &str = "Nobody saw how this ended: Nox itself was ended while it ran. It may have been done, in part or \
                      not at all. Look what is there before you do anything again.";
