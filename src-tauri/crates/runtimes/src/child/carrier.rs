//! The task between one child and its conversation: it reads and writes the pipes, keeps output, and ends everything.

#[cfg(test)]
mod tests;

use super::{
    Asked, Carried, Kept, LastLines, Shown,
    asked::First,
    connection::{Told, Wishes},
    last_words, not_restored, reference,
    talk::{Act, Talk},
    with_first_words, write_lines,
};
use crate::{
    ItemOutput, Pipe, Start,
    faults::{self, Named},
    throttle::Throttle,
};
use nox_domain::{
    event::{Problem, ProcessRef, RunEnd, TurnEnd},
    ids::ItemId,
    image::MAX_PROMPT_BYTES,
    session::Signal,
    transcript::AgentFault,
};
use nox_process::{Exit, OutputChunk, ProcessTree, SpawnSpec, StreamName, framing::LineFramer};
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    io::ErrorKind,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

/// The longest line that is read as a frame: an image in the result of a tool is one line.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;
// Codex tells a prompt back with its images in base64; a longer line would end each run that asks it.
const _: () = assert!(MAX_PROMPT_BYTES.div_ceil(3) * 4 + 1024 * 1024 <= MAX_LINE_BYTES as u64);
/// Frames that a program has not read yet; with more it is ended.
const UNREAD_FRAMES: usize = 1_024;
/// Wishes that wait while the engine is told something: as many answers as a program may have questions open, and then some.
const MAX_WAITING: usize = 8_192;
/// How long an interrupted turn may take to end; then the program is ended.
const INTERRUPT_LIMIT: Duration = Duration::from_secs(10);
/// How long a stopped program may take to end by itself: it ends its own tools first.
pub(crate) const GRACE: Duration = Duration::from_secs(3);

/// What a program may take.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Until its conversation stands: old and long ones are read back first.
    start: Duration,
    /// Of what it said and nobody has answered yet.
    held_bytes: usize,
}

const BOUNDS: Bounds = Bounds { start: Duration::from_secs(120), held_bytes: 64 * 1024 * 1024 };

/// Carries one run: one process after the other, as a rule one.
pub(crate) struct Carrier {
    pub(crate) start: Start,
    named: &'static Named,
    inbox: mpsc::Receiver<Told>,
    /// Wishes that were taken in while the engine was told something.
    waiting: VecDeque<Told>,
    bounds: Bounds,
    stopped: watch::Receiver<bool>,
    /// Of texts that are being written, and of calls that run.
    outputs: HashMap<ItemId, Box<dyn ItemOutput>>,
    /// What was kept of images.
    images: Kept,
    /// A process was started.
    has_begun: bool,
    /// The engine knows that it stands.
    is_live: bool,
    /// Conversations that this run holds, and what stands before their names.
    held: Vec<(String, Carried)>,
    scope: String,
    /// What the next process is told in front of its first prompt.
    pub(crate) first_words: Option<String>,
}

/// How one process ended, and what follows.
pub(crate) enum Over {
    /// It was told to stop.
    Stopped,
    /// It was ended so that another one goes on with the conversation.
    Anew,
    /// The conversation is not there.
    NotThere,
    /// By itself, with its last words.
    Ended(String),
    /// It could not be started, or is not let go on.
    Refused(Problem),
}

/// One process that lives.
struct Live<'a> {
    tree: ProcessTree,
    to: mpsc::Sender<Value>,
    talk: &'a mut dyn Talk,
    last_lines: LastLines,
    /// Its conversation stands by then, or it is ended.
    ready_by: Option<Instant>,
    /// An interrupted turn that does not end by then is ended with its process.
    deadline: Option<Instant>,
    /// It was told to stop, or is ended because it was late.
    stopping: bool,
    /// Another one goes on with the conversation.
    anew: bool,
    not_there: bool,
    /// Why it is ended by us.
    refused: Option<Problem>,
    /// Told when the conversation stands.
    process: Option<ProcessRef>,
    /// Asked when the conversation stands.
    prompt: Option<Asked>,
    /// Another process of the run was there before.
    is_later: bool,
    /// Said in front of the first prompt.
    first_words: Option<String>,
}

impl Carrier {
    /// Before the first process. The same name is another conversation in another `scope`.
    pub(crate) fn new(start: Start, named: &'static Named, wishes: Wishes, scope: impl Into<String>) -> Self {
        let Wishes { inbox, stopped } = wishes;
        let (outputs, held, scope) = (HashMap::new(), Vec::new(), scope.into());
        let (waiting, bounds) = (VecDeque::new(), BOUNDS);
        let images = Kept::behind(start.shown);
        let (has_begun, is_live, first_words) = (false, false, None);
        Self {
            start,
            named,
            inbox,
            waiting,
            bounds,
            stopped,
            outputs,
            images,
            has_begun,
            is_live,
            held,
            scope,
            first_words,
        }
    }

    /// What is asked first, with its images read; none when it is told to stop meanwhile.
    pub(crate) async fn first(&mut self) -> Option<First> {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            biased;
            () = stop(&mut stopped) => None,
            first = First::of(&mut self.start) => Some(first),
        }
    }

    /// Holds a conversation; none when another run does.
    pub(crate) fn hold(&mut self, name: &str) -> Option<()> {
        if self.held.iter().all(|(known, _)| known != name) {
            let carried = Carried::take(&format!("{}{name}", self.scope))?;
            self.held.push((name.to_owned(), carried));
        }
        Some(())
    }

    /// That another run holds a conversation.
    pub(crate) fn elsewhere(&self) -> crate::Error {
        let fault = AgentFault::Elsewhere;
        let message = match faults::problem(self.named, fault, "", None) {
            Problem::Agent { message, .. } => message,
            other => format!("{other:?}"),
        };
        crate::Error::Agent { fault, message }
    }

    /// Reports. The engine may be behind, and wait to be heard itself: its wishes are taken in meanwhile.
    pub(crate) async fn tell(&mut self, signal: Signal) {
        let signals = self.start.signals.clone();
        let sending = signals.send(signal);
        tokio::pin!(sending);
        while !self.waits(&mut sending).await {}
    }

    /// Waits until something is sent, or a wish is taken in; answers whether it is sent.
    async fn waits(&mut self, sending: &mut (impl Future<Output = bool> + Unpin)) -> bool {
        let has_place = self.waiting.len() < MAX_WAITING && !self.inbox.is_closed();
        tokio::select! {
            biased;
            _ = sending => return true,
            told = self.inbox.recv(), if has_place => self.waiting.extend(told),
        }
        false
    }

    /// Notes that the program has lost the conversation.
    pub(crate) async fn not_restored(&mut self) {
        let text = not_restored(self.named.title, None);
        self.tell(Signal::Noted("not_restored".to_owned(), text)).await;
    }

    /// The end of the run.
    pub(crate) async fn end(mut self, over: Over) {
        let (how, detail) = match over {
            Over::Stopped | Over::Anew => (RunEnd::Killed, None),
            Over::Refused(problem) => {
                self.tell(Signal::TurnEnded { end: TurnEnd::Failed, problem: Some(problem) }).await;
                (RunEnd::Exit, None)
            }
            Over::NotThere => {
                let detail = format!("{} cannot go on with this conversation", self.named.title);
                (RunEnd::Exit, Some(detail))
            }
            Over::Ended(words) => (RunEnd::Exit, Some(words)),
        };
        self.tell(Signal::RunEnded { how, detail }).await;
    }

    /// Runs one process to its end. `opening` is what is said to it first, `prompt` what is asked when it stands.
    pub(crate) async fn process(
        &mut self,
        spec: &SpawnSpec,
        talk: &mut dyn Talk,
        opening: Value,
        prompt: Option<Asked>,
    ) -> Over {
        let mut tree = match ProcessTree::spawn(spec, &self.start.shim).await {
            Ok(tree) => tree,
            Err(nox_process::Error::Program { source, program }) => {
                let missing = source.kind() == ErrorKind::NotFound;
                return self.not_started(&format!("{}: {source}", program.display()), missing);
            }
            Err(error) => return self.not_started(&error.to_string(), false),
        };
        let percent = self.start.limits.max_cpu_percent;
        let _throttle = Throttle::over(&tree, percent, &self.start.signals, &Arc::default());
        let (to, lines) = mpsc::channel(UNREAD_FRAMES);
        if let Some(stdin) = tree.take_stdin() {
            tokio::spawn(write_lines(stdin, lines));
        }
        let mut live = Live {
            process: Some(reference(&tree)),
            tree,
            to,
            talk,
            last_lines: LastLines::default(),
            ready_by: Some(Instant::now() + self.bounds.start),
            deadline: None,
            stopping: false,
            anew: false,
            not_there: false,
            refused: None,
            prompt,
            is_later: std::mem::replace(&mut self.has_begun, true),
            first_words: self.first_words.take(),
        };
        self.perform(vec![Act::Send(opening)], &mut live).await;
        let over = self.carry(&mut live).await;
        let mut acts = Vec::new();
        live.talk.over(&mut acts);
        if matches!(over, Over::Refused(_)) {
            live.talk.gives_back(&mut acts);
        }
        self.perform(acts, &mut live).await;
        // Calls that ran when it ended keep what they wrote.
        for (_, output) in self.outputs.drain() {
            output.finish().await;
        }
        over
    }

    fn not_started(&self, said: &str, missing: bool) -> Over {
        Over::Refused(match missing {
            true => faults::problem(self.named, AgentFault::NotInstalled, said, None),
            false => Problem::NotStarted { message: said.to_owned() },
        })
    }

    async fn carry(&mut self, live: &mut Live<'_>) -> Over {
        let Some(mut output) = live.tree.take_output() else { return Over::Stopped };
        let mut framer = LineFramer::new(MAX_LINE_BYTES);
        let mut errors = LineFramer::new(500);
        loop {
            let late = live.ready_by.or(live.deadline);
            let is_late = async {
                match late {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            let mut acts = Vec::new();
            // What is asked while another process goes on with the run waits until that one stands.
            let hears = !(live.stopping || live.is_later && live.ready_by.is_some());
            tokio::select! {
                biased;
                () = stop(&mut self.stopped), if !live.stopping => live.stop(),
                told = next(&mut self.waiting, &mut self.inbox), if hears => match told {
                    Some(told) => self.wish(told, live, &mut acts).await,
                    // Nobody holds the other end any more: the same as a stop.
                    None => live.stop(),
                },
                () = is_late, if !live.stopping && live.refused.is_none() => match live.ready_by {
                    Some(_) => acts.push(Act::Refuse(self.never_stood())),
                    None => {
                        live.stopping = true;
                        live.tree.kill();
                    }
                },
                chunk = output.next() => match chunk {
                    Some(OutputChunk { stream: StreamName::Stdout, bytes, .. }) => {
                        for line in framer.push(&bytes) {
                            match line.is_cut() {
                                _ if live.refused.is_some() => {}
                                true => acts.push(self.refuse("a line without end")),
                                false => live.talk.hear(&line.text(), &mut acts),
                            }
                            if live.talk.held_bytes() > self.bounds.held_bytes {
                                acts.push(self.refuse("it asks more than can be kept"));
                            }
                        }
                    }
                    Some(OutputChunk { stream: StreamName::Stderr, bytes, .. }) => {
                        for line in errors.push(&bytes) {
                            live.last_lines.push(&line.text());
                            if live.refused.is_none() {
                                live.talk.aside(&line.text(), &mut acts);
                            }
                        }
                    }
                    None => break,
                },
            }
            self.perform(acts, live).await;
            live.deadline = match live.talk.is_interrupted() {
                true => live.deadline.or_else(|| Some(Instant::now() + INTERRUPT_LIMIT)),
                false => None,
            };
        }
        let exit = live.tree.wait().await;
        if let Some(line) = errors.finish() {
            live.last_lines.push(&line.text());
        }
        self.limit_met(exit).await;
        if let Some(problem) = live.refused.take() {
            return Over::Refused(problem);
        }
        match (live.stopping, live.not_there) {
            (true, _) if live.anew && !*self.stopped.borrow() => Over::Anew,
            (true, _) => Over::Stopped,
            (false, true) => Over::NotThere,
            (false, false) => Over::Ended(last_words(self.named.title, exit, &live.last_lines)),
        }
    }

    async fn wish(&mut self, told: Told, live: &mut Live<'_>, acts: &mut Vec<Act>) {
        match told {
            Told::Prompt(prompt) => {
                let images = self.start.images.clone();
                tokio::select! {
                    biased;
                    () = stop(&mut self.stopped) => live.stop(),
                    asked = Asked::of(prompt, images.as_ref()) => {
                        acts.extend(asked.note().map(Act::Tell));
                        live.ask(asked, acts);
                    }
                }
            }
            Told::Steer(text) => live.talk.steer(&text, acts),
            Told::Answer(answer) => live.talk.answer(&answer, acts),
            Told::Interrupt => live.talk.interrupt(acts),
            Told::Mode(mode) => live.talk.set_mode(&mode, acts),
            Told::Model(model) => live.talk.set_model(&model, acts),
        }
    }

    async fn limit_met(&mut self, exit: Exit) {
        if let Some(met) = exit.limit {
            let hit = crate::limits::hit(met, &self.start.limits, exit.is_success());
            self.tell(Signal::Limit(hit)).await;
        }
    }

    fn output(&mut self, item: ItemId) -> &mut Box<dyn ItemOutput> {
        let (session, store) = (&self.start.session, &self.start.output);
        self.outputs.entry(item).or_insert_with_key(|item| store.begin(session, item))
    }

    fn never_stood(&self) -> Problem {
        let (title, seconds) = (self.named.title, self.bounds.start.as_secs());
        let mut message = format!("{title} did not answer within {seconds} s of its start");
        let services: Vec<&str> = self.start.services.keys().map(String::as_str).collect();
        if !services.is_empty() {
            let names = services.join(", ");
            message.push_str(&format!(". It may wait for one of its MCP servers: {names}. Try them in a terminal, or take the one that does not start away from the agent."));
        }
        Problem::NotStarted { message }
    }

    fn refuse(&self, said: &str) -> Act {
        Act::Refuse(faults::problem(self.named, AgentFault::Protocol, said, None))
    }

    /// Reports while a process lives. The engine may be behind; a stop is heard all the same.
    async fn report(&mut self, signal: Signal, live: &mut Live<'_>) {
        let (signals, mut stopped) = (self.start.signals.clone(), self.stopped.clone());
        let sending = signals.send(signal);
        tokio::pin!(sending);
        loop {
            tokio::select! {
                biased;
                is_sent = self.waits(&mut sending) => {
                    if is_sent {
                        return;
                    }
                }
                () = stop(&mut stopped), if !live.stopping => live.stop(),
            }
        }
    }

    /// Keeps an image. The disk may be slow; a stop is heard all the same.
    async fn keep(&mut self, key: Option<String>, shown: Shown, live: &mut Live<'_>) -> Option<Signal> {
        let (store, mut stopped) = (self.start.images.clone(), self.stopped.clone());
        let keeping = self.images.keep(store.as_ref(), key, shown);
        tokio::pin!(keeping);
        loop {
            tokio::select! {
                biased;
                signal = &mut keeping => return signal,
                () = stop(&mut stopped), if !live.stopping => live.stop(),
            }
        }
    }

    async fn perform(&mut self, acts: Vec<Act>, live: &mut Live<'_>) {
        let mut acts = VecDeque::from(acts);
        while let Some(act) = acts.pop_front() {
            match act {
                Act::Tell(signal) => self.report(signal, live).await,
                Act::Named(name) => match self.hold(&name) {
                    Some(()) => self.report(Signal::Named(name), live).await,
                    None => {
                        let problem = faults::problem(self.named, AgentFault::Elsewhere, "", None);
                        acts.push_front(Act::Refuse(problem));
                    }
                },
                Act::Send(frame) => match live.to.try_send(frame) {
                    Ok(()) => {}
                    // A program that is gone hears nothing; its end is on the way.
                    Err(mpsc::error::TrySendError::Closed(_)) => {}
                    Err(mpsc::error::TrySendError::Full(_)) => {
                        acts.push_front(self.refuse("it does not read what it is told"));
                    }
                },
                Act::Append(item, text) => self.output(item).write(Pipe::Out, text.into_bytes()).await,
                Act::TextEnds(item) => {
                    if let Some(output) = self.outputs.remove(&item) {
                        output.finish().await;
                    }
                }
                Act::CallEnds { key, item, out, err, end } => {
                    let output = self.output(item.clone());
                    for (pipe, text) in [(Pipe::Out, out), (Pipe::Err, err)] {
                        if !text.is_empty() {
                            output.write(pipe, text.into_bytes()).await;
                        }
                    }
                    let output = match self.outputs.remove(&item) {
                        Some(output) => Some(Box::new(output.finish().await)),
                        None => None,
                    };
                    self.report(Signal::CallEnded { key, end, output }, live).await;
                }
                Act::Shows(key, shown) => {
                    if let Some(signal) = self.keep(key, shown, live).await {
                        self.report(signal, live).await;
                    }
                }
                Act::Ready => {
                    live.ready_by = None;
                    if !std::mem::replace(&mut self.is_live, true) {
                        self.report(Signal::Live, live).await;
                    }
                    if let Some(process) = live.process.take() {
                        self.report(Signal::Carried(process), live).await;
                    }
                    if let Some(asked) = live.prompt.take() {
                        let mut more = Vec::new();
                        live.ask(asked, &mut more);
                        acts.extend(more);
                    }
                }
                Act::NotThere => {
                    live.not_there = true;
                    live.tree.stop(GRACE);
                }
                Act::Anew => {
                    live.anew = !live.stopping;
                    live.stop();
                }
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

impl Live<'_> {
    fn stop(&mut self) {
        self.stopping = true;
        self.tree.stop(GRACE);
    }

    fn ask(&mut self, mut asked: Asked, acts: &mut Vec<Act>) {
        with_first_words(&mut self.first_words, &mut asked);
        let brings = std::mem::take(&mut asked.brings);
        self.talk.prompt(&asked, acts);
        acts.extend(brings.into_iter().map(|text| Act::Tell(Signal::Steered(text))));
    }
}

/// The next wish; none when nobody can wish any more.
async fn next(waiting: &mut VecDeque<Told>, inbox: &mut mpsc::Receiver<Told>) -> Option<Told> {
    match waiting.pop_front() {
        Some(told) => Some(told),
        None => inbox.recv().await,
    }
}

/// Comes back when the run is told to stop, or nobody holds its other end any more.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
