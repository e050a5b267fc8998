//! The embedded runtime: runs the `sh` and `bash` blocks of a Markdown text in order, each as a tool call.
//!
//! Every block is a fresh shell (`sh -e`, `bash -e`) with standard input closed, an allow-listed environment and a
//! process tree of its own; nothing carries over from one block to the next. The first failure ends the run unless the
//! block says `continue`. A block is proposed, waits for the answer, runs, and is reported.

mod parse;

pub use parse::{Block, parse};

use crate::{AgentConnection, Answer, Error, Pipe, Signals, Start, throttle::Throttle};
use async_trait::async_trait;
use nox_domain::{
    Size,
    event::{Problem, ProcessRef, RunEnd, TurnEnd},
    rows::Progress,
    session::{Prompt, Signal},
    tool::{CallEnd, ToolCall, ToolKind, environment_hash},
};
use nox_process::{Exit, ProcessTree, SpawnSpec, Stdin, StreamName};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::sync::mpsc;

/// How long a stopped program may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

enum Told {
    Answer(Answer),
    Stop,
}

/// The engine's end of a running runbook.
struct Connection {
    told: mpsc::Sender<Told>,
}

#[async_trait]
impl AgentConnection for Connection {
    async fn prompt(&mut self, _: Prompt) {
        tracing::error!("a runbook was asked something further");
    }

    async fn interrupt(&mut self) {
        tracing::error!("a runbook was interrupted");
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
/// A fence that is not understood, a text without blocks, or a folder that is not there; nothing was run.
pub fn connect(start: Start) -> Result<impl AgentConnection, Error> {
    let blocks = parse(start.prompt.as_ref().map_or("", |prompt| &prompt.text))?;
    if blocks.is_empty() {
        return Err(Error::BadText {
            line: 1,
            message:
                "there is nothing to run. Put commands into a fenced block that begins with ```sh or ```bash."
                    .into(),
        });
    }
    if !start.folder.is_dir() {
        return Err(Error::NoFolder { folder: start.folder.display().to_string() });
    }
    // Later blocks may name folders that earlier ones make; nothing comes ahead of the first.
    if let Some(first) = blocks.first().filter(|first| !start.done.contains(&key_of(first)))
        && let Some(message) = missing_folder(first, &start.folder)
    {
        return Err(Error::BadText { line: first.line, message });
    }
    let (told, inbox) = mpsc::channel(16);
    let signals = start.signals.clone();
    signals.carry("runbook", Runner { start, blocks, inbox, throttled: Arc::default() }.run());
    Ok(Connection { told })
}

struct Runner {
    start: Start,
    blocks: Vec<Block>,
    inbox: mpsc::Receiver<Told>,
    /// Whether it was said that it has to wait for the processor.
    throttled: Arc<AtomicBool>,
}

/// How the work on one block ended.
enum Step {
    Next,
    Failed(Problem),
    Refused(Problem),
    /// How the block ended, nobody saw; a person decides what happens.
    Unseen,
    Stopped,
}

impl Runner {
    async fn run(mut self) {
        let signals = self.start.signals.clone();
        signals.send(Signal::Live).await;
        let blocks = std::mem::take(&mut self.blocks);
        let of = blocks.len() as u32;
        let mut how = RunEnd::Exit;
        let mut end = (TurnEnd::End, None);
        for (done, block) in blocks.iter().enumerate() {
            signals.send(Signal::Progress(Progress { done: done as u32, of })).await;
            if self.start.done.iter().any(|key| *key == key_of(block)) {
                continue;
            }
            match self.block(block, &signals).await {
                Step::Next => {}
                Step::Failed(problem) => {
                    end = (TurnEnd::Failed, Some(problem));
                    break;
                }
                Step::Refused(problem) => {
                    end = (TurnEnd::Cancelled, Some(problem));
                    break;
                }
                Step::Unseen => {
                    signals.send(Signal::RunEnded { how: RunEnd::Lost, detail: None }).await;
                    return;
                }
                Step::Stopped => {
                    end = (TurnEnd::Cancelled, None);
                    how = RunEnd::Killed;
                    break;
                }
            }
        }
        if end.0 == TurnEnd::End {
            signals.send(Signal::Progress(Progress { done: of, of })).await;
        }
        signals.send(Signal::TurnEnded { end: end.0, problem: end.1 }).await;
        signals.send(Signal::RunEnded { how, detail: None }).await;
    }

    async fn block(&mut self, block: &Block, signals: &Signals) -> Step {
        if block.is_lone_cd() {
            let text = format!(
                "Block {} only changes the folder, and the next block begins in the first folder again. Use cwd= in the fence.",
                block.index
            );
            signals.send(Signal::Noted("lone_cd".into(), text)).await;
        }
        let (call, environment) = self.call_of(block);
        signals.send(Signal::Proposed(Box::new(call.clone()))).await;
        let answer = loop {
            match self.inbox.recv().await {
                Some(Told::Answer(answer)) if answer.key == call.key => break answer,
                Some(Told::Answer(_)) => {}
                Some(Told::Stop) | None => return Step::Stopped,
            }
        };
        if !answer.allowed {
            let end = CallEnd::Denied { reason: answer.reason.clone() };
            signals.send(Signal::CallEnded { key: call.key, end, output: None }).await;
            let problem = Problem::Denied { title: call.title, reason: answer.reason };
            return match (block.continue_on_failure, answer.by_person) {
                (true, _) => Step::Next,
                (false, true) => Step::Refused(problem),
                (false, false) => Step::Failed(problem),
            };
        }
        if let Some(problem) = missing_folder(block, &self.start.folder) {
            return not_started(call, format!("line {}: {problem}", block.line), signals).await;
        }
        self.execute(call, environment, &answer, signals).await
    }

    fn call_of(&self, block: &Block) -> (ToolCall, Vec<(OsString, OsString)>) {
        let mut environment = nox_process::allowed_environment(&[]);
        environment.retain(|(name, _)| !self.start.environment.contains_key(&*name.to_string_lossy()));
        environment.extend(self.start.environment.iter().map(|(name, value)| (name.into(), value.into())));
        environment.sort();
        let shown: Vec<(String, String)> = environment
            .iter()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        let (folder, outside) = folder_of(block, &self.start.folder);
        let call = ToolCall {
            key: key_of(block),
            kind: ToolKind::Execute,
            title: block.title.clone(),
            text: block.text.clone(),
            shell: block.shell.to_owned(),
            folder: folder.display().to_string(),
            outside,
            environment: shown.iter().map(|(name, _)| name.clone()).collect(),
            environment_hash: environment_hash(shown.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
            sandbox: "none".into(),
            timeout_seconds: block.timeout_seconds.or(self.start.max_call_seconds),
            continue_on_failure: block.continue_on_failure,
            ..ToolCall::default()
        };
        (call, environment)
    }

    async fn execute(
        &mut self,
        call: ToolCall,
        environment: Vec<(OsString, OsString)>,
        answer: &Answer,
        signals: &Signals,
    ) -> Step {
        let spec = SpawnSpec {
            program: call.shell.clone().into(),
            args: vec!["-e".into(), "-c".into(), call.text.clone().into()],
            cwd: PathBuf::from(&call.folder),
            env: environment,
            stdin: Stdin::Closed,
            grace: GRACE,
            limits: crate::limits::of_tree(&self.start.limits),
        };
        let mut tree = match ProcessTree::spawn(&spec, &self.start.shim).await {
            Ok(tree) => tree,
            Err(error) => return not_started(call, error.to_string(), signals).await,
        };
        let percent = self.start.limits.max_cpu_percent;
        let _throttle = Throttle::over(&tree, percent, signals, &self.throttled);
        let process = Some(reference(&tree));
        signals.send(Signal::CallStarted { key: call.key.clone(), process }).await;
        let mut output = self.start.output.begin(&self.start.session, &answer.item);
        let mut stream = tree.take_output();
        let mut fate = Fate::Ran;
        let mut is_stuck = false;
        let limit = call.timeout_seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let deadline = tokio::time::sleep(limit.unwrap_or(Duration::MAX / 4));
        tokio::pin!(deadline);
        while let Some(source) = &mut stream {
            tokio::select! {
                biased;
                told = self.inbox.recv(), if fate != Fate::Stopped => {
                    // Nobody holds the other end any more: the same as a stop.
                    if matches!(told, Some(Told::Stop) | None) {
                        fate = Fate::Stopped;
                        tree.stop(GRACE);
                    }
                }
                () = &mut deadline, if fate == Fate::Ran && limit.is_some() => {
                    fate = Fate::TimedOut;
                    tree.stop(GRACE);
                }
                chunk = source.next() => match chunk {
                    Some(chunk) => {
                        let pipe = match chunk.stream {
                            StreamName::Stdout => Pipe::Out,
                            StreamName::Stderr => Pipe::Err,
                        };
                        if is_stuck {
                            continue;
                        }
                        // A full disk makes the writing wait; a stop waits for it no longer than for the program.
                        let mut writing = output.write(pipe, chunk.bytes);
                        loop {
                            tokio::select! {
                                biased;
                                () = &mut writing => break,
                                told = self.inbox.recv(), if fate != Fate::Stopped => {
                                    if matches!(told, Some(Told::Stop) | None) {
                                        fate = Fate::Stopped;
                                        tree.stop(GRACE);
                                    }
                                }
                                () = &mut deadline, if fate == Fate::Ran && limit.is_some() => {
                                    fate = Fate::TimedOut;
                                    tree.stop(GRACE);
                                }
                                () = tokio::time::sleep(GRACE), if fate == Fate::Stopped => {
                                    is_stuck = true;
                                    break;
                                }
                            }
                        }
                    }
                    None => stream = None,
                },
            }
        }
        let exit = self.wait(&mut tree, &mut fate, deadline, limit.is_some()).await;
        let mut digest = Box::new(output.finish().await);
        digest.cut_off |= is_stuck;
        let hit = exit.limit.map(|limit| crate::limits::hit(limit, &self.start.limits, exit.is_success()));
        if let Some(hit) = hit {
            signals.send(Signal::Limit(hit)).await;
        }
        let (end, mut problem) = verdict(&call, exit, fate);
        if let (Some(hit), Some(_)) = (hit, &problem) {
            problem = Some(Problem::Limit { hit });
        }
        let unseen = end == CallEnd::Unknown;
        signals.send(Signal::CallEnded { key: call.key, end, output: Some(digest) }).await;
        match (fate, problem) {
            (Fate::Stopped, _) => Step::Stopped,
            _ if unseen => Step::Unseen,
            (_, Some(problem)) if !call.continue_on_failure => Step::Failed(problem),
            _ => Step::Next,
        }
    }

    /// A program may close its output and live on; stopping and the time limit hold until it is gone.
    async fn wait(
        &mut self,
        tree: &mut ProcessTree,
        fate: &mut Fate,
        mut deadline: std::pin::Pin<&mut tokio::time::Sleep>,
        limited: bool,
    ) -> Exit {
        enum Woken {
            Exit(Exit),
            Told(Option<Told>),
            Late,
        }
        loop {
            let woken = tokio::select! {
                exit = tree.wait() => Woken::Exit(exit),
                told = self.inbox.recv(), if *fate != Fate::Stopped => Woken::Told(told),
                () = &mut deadline, if *fate == Fate::Ran && limited => Woken::Late,
            };
            match woken {
                Woken::Exit(exit) => return exit,
                Woken::Told(Some(Told::Answer(_))) => {}
                Woken::Told(_) => {
                    *fate = Fate::Stopped;
                    tree.stop(GRACE);
                }
                Woken::Late => {
                    *fate = Fate::TimedOut;
                    tree.stop(GRACE);
                }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ran,
    TimedOut,
    Stopped,
}

fn verdict(call: &ToolCall, exit: Exit, fate: Fate) -> (CallEnd, Option<Problem>) {
    let failed =
        |timed_out| CallEnd::Failed { exit_code: exit.code, signal: exit.signal, timed_out, problem: None };
    let title = call.title.clone();
    match fate {
        Fate::Stopped => (CallEnd::Cancelled, None),
        Fate::TimedOut => (
            failed(true),
            Some(Problem::TimedOut { seconds: call.timeout_seconds.unwrap_or_default(), title }),
        ),
        Fate::Ran if exit.is_success() => (CallEnd::Succeeded, None),
        Fate::Ran => match (exit.code, exit.signal) {
            (Some(exit_code), _) => (failed(false), Some(Problem::ExitCode { exit_code, title })),
            (None, Some(signal)) => (failed(false), Some(Problem::Signal { signal, title })),
            // Somebody ended the shim: what the program did last, nobody saw.
            (None, None) => (CallEnd::Unknown, None),
        },
    }
}

/// The folder of a block, with all links followed where it is there, and whether it is outside of the session's.
fn folder_of(block: &Block, start: &Path) -> (PathBuf, bool) {
    let Some(cwd) = &block.cwd else { return (start.to_owned(), false) };
    let named = start.join(cwd);
    match (named.canonicalize(), start.canonicalize()) {
        (Ok(folder), Ok(start)) => {
            let outside = !folder.starts_with(start);
            (folder, outside)
        }
        // Where it leads is not known, so no rule holds for it.
        _ => (named, true),
    }
}

fn missing_folder(block: &Block, start: &Path) -> Option<String> {
    let cwd = block.cwd.as_ref()?;
    let folder = start.join(cwd);
    (!folder.is_dir()).then(|| {
        format!(
            "the option cwd={cwd} names a folder that is not there: {}. Make it, or name another one.",
            folder.display()
        )
    })
}

async fn not_started(call: ToolCall, message: String, signals: &Signals) -> Step {
    let problem = Some(message.clone());
    let end = CallEnd::Failed { exit_code: None, signal: None, timed_out: false, problem };
    signals.send(Signal::CallEnded { key: call.key, end, output: None }).await;
    match call.continue_on_failure {
        true => Step::Next,
        false => Step::Failed(Problem::NotStarted { message }),
    }
}

fn key_of(block: &Block) -> String {
    format!("block:{}", block.index)
}

fn reference(tree: &ProcessTree) -> ProcessRef {
    let id = tree.id();
    ProcessRef {
        boot_id: id.boot_id.clone(),
        shim_pid: id.shim.pid,
        shim_started_ticks: Size(id.shim.started_at_ticks),
        pid: id.program.pid,
        started_ticks: Size(id.program.started_at_ticks),
    }
}

#[cfg(test)]
mod tests;
