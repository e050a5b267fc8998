//! Claude Code as a child, over its stream of JSON lines.
//!
//! One process for each run, which lives between turns. [`conversation`] knows what is said, [`quirks`] what is
//! particular to the program, [`launch`] how it is started; here is the task that carries both: it reads and writes the
//! pipes, keeps output, and ends everything. Every call of a tool comes as a question, whatever the program's own
//! settings allow, and nothing runs before it is answered.

mod call;
mod conversation;
mod faults;
mod launch;
mod quirks;
#[cfg(test)]
mod tests;

use crate::{
    AgentConnection, Answer, Error, ItemOutput, Pipe, Start,
    child::{Carried, LastLines, last_words, reference, write_lines},
    throttle::Throttle,
};
use async_trait::async_trait;
use conversation::{Act, Conversation};
use launch::{GRACE, Which};
use nox_domain::{
    event::{Problem, ProcessRef, RunEnd, TurnEnd},
    ids::ItemId,
    session::Signal,
    transcript::AgentFault,
};
use nox_process::{Exit, OutputChunk, ProcessTree, StreamName, framing::LineFramer};
use quirks::Before;
use serde_json::Value;
use std::{collections::HashMap, collections::VecDeque, io::ErrorKind, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};
use uuid::Uuid;

/// The longest line that is read as a frame: an image in the result of a tool is one line.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;
/// How long an interrupted turn may take to end; then the program is ended.
const INTERRUPT_LIMIT: Duration = Duration::from_secs(10);

enum Told {
    Prompt(String),
    Answer(Answer),
    Interrupt,
    Stop,
}

struct Connection {
    told: mpsc::Sender<Told>,
}

#[async_trait]
impl AgentConnection for Connection {
    async fn prompt(&mut self, text: String) {
        let _ = self.told.send(Told::Prompt(text)).await;
    }

    async fn interrupt(&mut self) {
        let _ = self.told.send(Told::Interrupt).await;
    }

    async fn answer(&mut self, answer: Answer) {
        let _ = self.told.send(Told::Answer(answer)).await;
    }

    async fn stop(&mut self) {
        let _ = self.told.send(Told::Stop).await;
    }
}

/// Starts a run.
///
/// # Errors
/// The folder is not there, or another run carries the same conversation. A program that is not there is told by signals.
pub fn connect(start: Start) -> Result<impl AgentConnection, Error> {
    if !start.folder.is_dir() {
        return Err(Error::NoFolder { folder: start.folder.display().to_string() });
    }
    let which = match &start.resume {
        Some(name) => Which::Resumed(name.clone()),
        None => Which::New(Uuid::now_v7().to_string()),
    };
    let Some(carried) = Carried::take(which.name()) else {
        let Problem::Agent { fault, message, .. } = faults::problem(AgentFault::Elsewhere, "", None) else {
            return Err(Error::Agent { fault: AgentFault::Elsewhere, message: String::new() });
        };
        return Err(Error::Agent { fault, message });
    };
    // Wide enough that the engine never waits for the program: one command each, and answers to calls that it asked for.
    let (told, inbox) = mpsc::channel(256);
    let signals = start.signals.clone();
    signals.carry("claude", Run { start, inbox, outputs: HashMap::new(), carried }.run(which));
    Ok(Connection { told })
}

struct Run {
    start: Start,
    inbox: mpsc::Receiver<Told>,
    /// Texts that are being written.
    outputs: HashMap<ItemId, Box<dyn ItemOutput>>,
    carried: Carried,
}

/// How one process ended, and what follows.
enum Over {
    /// It was told to stop.
    Stopped,
    /// The conversation is not there: it begins anew.
    NotThere,
    /// By itself.
    Ended(Exit),
    /// It could not be started, or is not let go on.
    NotStarted(Problem),
}

/// One process that lives.
struct Live {
    tree: ProcessTree,
    to: mpsc::UnboundedSender<Value>,
    talk: Conversation,
    last_lines: LastLines,
    /// An interrupted turn that does not end by then is ended with its process.
    deadline: Option<Instant>,
    not_there: bool,
    /// Why it is ended by us.
    refused: Option<Problem>,
}

impl Run {
    async fn run(mut self, which: Which) {
        let prompt = self.start.prompt.take();
        let (task, again) = (self.start.text.clone(), self.start.again);
        let ask = |before| prompt.as_ref().map(|text| quirks::asked(text, &task, before, again));
        // Asked before, and no conversation was ever named: it was cut off before it had one.
        let is_lost = again && matches!(which, Which::New(_));
        let first = ask(if is_lost { Before::Lost } else { Before::Known });
        let (mut over, mut lines) = self.process(&which, first).await;
        if matches!(over, Over::NotThere) {
            let text = "Claude Code does not have this conversation any more, so its agent does not know what was said before.";
            self.tell(Signal::Noted("not_restored".into(), text.into())).await;
            let which = Which::New(Uuid::now_v7().to_string());
            if let Some(carried) = Carried::take(which.name()) {
                self.carried = carried;
            }
            (over, lines) = self.process(&which, ask(Before::Lost)).await;
        }
        let (how, detail) = match over {
            Over::Stopped => (RunEnd::Killed, None),
            Over::NotStarted(problem) => {
                self.tell(Signal::TurnEnded { end: TurnEnd::Failed, problem: Some(problem) }).await;
                (RunEnd::Exit, None)
            }
            Over::NotThere => (RunEnd::Exit, Some("Claude Code cannot go on with this conversation".into())),
            Over::Ended(exit) => (RunEnd::Exit, Some(last_words(quirks::TITLE, exit, &lines))),
        };
        self.tell(Signal::RunEnded { how, detail }).await;
    }

    async fn tell(&mut self, signal: Signal) {
        self.start.signals.send(signal).await;
    }

    /// Runs one process to its end; answers with what it said last on standard error.
    async fn process(&mut self, which: &Which, prompt: Option<String>) -> (Over, LastLines) {
        let launch = match launch::launch(&self.start, which) {
            Ok(launch) => launch,
            Err(error) => return (not_started(&error.to_string(), false), LastLines::default()),
        };
        let mut tree = match ProcessTree::spawn(&launch.spec, &self.start.shim).await {
            Ok(tree) => tree,
            Err(nox_process::Error::Program { source, program }) => {
                let missing = source.kind() == ErrorKind::NotFound;
                return (
                    not_started(&format!("{}: {source}", program.display()), missing),
                    LastLines::default(),
                );
            }
            Err(error) => return (not_started(&error.to_string(), false), LastLines::default()),
        };
        let percent = self.start.limits.max_cpu_percent;
        let _throttle = Throttle::over(&tree, percent, &self.start.signals, &Arc::default());
        let process = reference(&tree);
        let (to, lines) = mpsc::unbounded_channel();
        if let Some(stdin) = tree.take_stdin() {
            tokio::spawn(write_lines(stdin, lines));
        }
        let talk = Conversation::new(
            &self.start.folder,
            matches!(which, Which::Resumed(_)),
            if matches!(which, Which::Resumed(_)) { self.start.spent_micro_usd } else { 0 },
            || ItemId::from_uuid(Uuid::now_v7()),
        );
        let mut live = Live {
            tree,
            to,
            talk,
            last_lines: LastLines::default(),
            deadline: None,
            not_there: false,
            refused: None,
        };
        let _ = live.to.send(Conversation::opening(&self.start.instructions));
        let over = self.carry(&mut live, process, prompt).await;
        let mut acts = Vec::new();
        live.talk.over(&mut acts);
        self.perform(acts, &mut live, &mut None, &mut None).await;
        (over, live.last_lines)
    }

    async fn carry(&mut self, live: &mut Live, process: ProcessRef, prompt: Option<String>) -> Over {
        let Some(mut output) = live.tree.take_output() else { return Over::Stopped };
        let mut framer = LineFramer::new(MAX_LINE_BYTES);
        let mut errors = LineFramer::new(500);
        let (mut process, mut prompt) = (Some(process), prompt);
        let mut stopped = false;
        loop {
            let late = live.deadline;
            let is_late = async {
                match late {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            let mut acts = Vec::new();
            tokio::select! {
                biased;
                told = self.inbox.recv(), if !stopped => match told {
                    Some(Told::Prompt(text)) => live.talk.prompt(&text, &mut acts),
                    Some(Told::Answer(answer)) => live.talk.answer(&answer, &mut acts),
                    Some(Told::Interrupt) => live.talk.interrupt(&mut acts),
                    // Nobody holds the other end any more: the same as a stop.
                    Some(Told::Stop) | None => {
                        stopped = true;
                        live.tree.stop(GRACE);
                    }
                },
                () = is_late, if !stopped => {
                    stopped = true;
                    live.tree.kill();
                }
                chunk = output.next() => match chunk {
                    Some(OutputChunk { stream: StreamName::Stdout, bytes, .. }) => {
                        for line in framer.push(&bytes) {
                            match line.is_cut() {
                                _ if live.refused.is_some() => {}
                                true => acts.push(Act::Refuse(faults::problem(AgentFault::Protocol, "a line without end", None))),
                                false => live.talk.hear(&line.text(), &mut acts),
                            }
                        }
                    }
                    Some(OutputChunk { stream: StreamName::Stderr, bytes, .. }) => {
                        for line in errors.push(&bytes) {
                            live.last_lines.push(&line.text());
                        }
                    }
                    None => break,
                },
            }
            self.perform(acts, live, &mut process, &mut prompt).await;
            live.deadline = match live.talk.is_interrupted() {
                true => live.deadline.or_else(|| Some(Instant::now() + INTERRUPT_LIMIT)),
                false => None,
            };
        }
        let exit = live.tree.wait().await;
        if let Some(line) = errors.finish() {
            live.last_lines.push(&line.text());
        }
        if let Some(met) = exit.limit {
            let hit = crate::limits::hit(met, &self.start.limits, exit.is_success());
            self.tell(Signal::Limit(hit)).await;
        }
        if let Some(problem) = live.refused.take() {
            return Over::NotStarted(problem);
        }
        match (stopped, live.not_there) {
            (true, _) => Over::Stopped,
            (false, true) => Over::NotThere,
            (false, false) => Over::Ended(exit),
        }
    }

    async fn perform(
        &mut self,
        acts: Vec<Act>,
        live: &mut Live,
        process: &mut Option<ProcessRef>,
        prompt: &mut Option<String>,
    ) {
        let mut acts = VecDeque::from(acts);
        while let Some(act) = acts.pop_front() {
            match act {
                Act::Tell(signal) => {
                    self.tell(signal).await;
                }
                // A program that is gone hears nothing; its end is on the way.
                Act::Send(frame) => drop(live.to.send(frame)),
                Act::Append(item, text) => {
                    let (session, store) = (&self.start.session, &self.start.output);
                    let output =
                        self.outputs.entry(item).or_insert_with_key(|item| store.begin(session, item));
                    output.write(Pipe::Out, text.into_bytes()).await;
                }
                Act::TextEnds(item) => {
                    if let Some(output) = self.outputs.remove(&item) {
                        output.finish().await;
                    }
                }
                Act::CallEnds { key, item, out, err, end } => {
                    let mut output = self.start.output.begin(&self.start.session, &item);
                    for (pipe, text) in [(Pipe::Out, out), (Pipe::Err, err)] {
                        if !text.is_empty() {
                            output.write(pipe, text.into_bytes()).await;
                        }
                    }
                    let output = Some(Box::new(output.finish().await));
                    self.tell(Signal::CallEnded { key, end, output }).await;
                }
                Act::Ready => {
                    self.tell(Signal::Live).await;
                    if let Some(process) = process.take() {
                        self.tell(Signal::Carried(process)).await;
                    }
                    if let Some(text) = prompt.take() {
                        let mut more = Vec::new();
                        live.talk.prompt(&text, &mut more);
                        acts.extend(more);
                    }
                }
                Act::NotThere => live.not_there = true,
                Act::Refuse(problem) => {
                    live.refused.get_or_insert(problem);
                    live.tree.kill();
                    // Nothing that it says from here on counts.
                    acts.clear();
                }
            }
        }
    }
}

fn not_started(said: &str, missing: bool) -> Over {
    Over::NotStarted(match missing {
        true => faults::problem(AgentFault::NotInstalled, said, None),
        false => Problem::NotStarted { message: said.to_owned() },
    })
}
