//! Carries allowed calls out, each in a task of its own, and tells what came of it: for people all of it in the spool, for
//! the model the beginning and the end.

use super::{
    acts::Done,
    budget::RESULT_BYTES,
    image::Image,
    providers::key_variables,
    services::{Caller, use_tool},
    tools::{self, Desk, Outcome, Work},
};
use crate::{
    ImageStore, OutputStore, Pipe, Signals, Start,
    child::{Kept, environment, reference},
    limits,
    throttle::Throttle,
};
use nox_domain::{
    agent::Limits,
    ids::{ItemId, SessionId},
    session::Signal,
    terminal::harmless,
    tool::{CallEnd, OutputDigest, ToolCall},
};
use nox_process::{Exit, ProcessTree, ShimPath, SpawnSpec, Stdin, StreamName};
use std::{
    collections::{BTreeMap, VecDeque},
    ffi::{OsStr, OsString},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, task::spawn_blocking, time::sleep};

/// How long a stopped program may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// Seconds of a call without a program, when the agent does not say.
const SECONDS: u32 = 600;

/// Whether a call shall end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    No,
    Now,
}

/// What all calls of a run work with.
pub(super) struct Bench {
    pub(super) desk: Desk,
    session: SessionId,
    limits: Limits,
    shim: ShimPath,
    signals: Signals,
    store: Arc<dyn OutputStore>,
    images: Arc<dyn ImageStore>,
    /// What was kept of them.
    shown: tokio::sync::Mutex<Kept>,
    /// Whether it was said that programs have to wait for the processor.
    throttled: Arc<AtomicBool>,
}

impl Bench {
    pub(super) fn of(start: &Start) -> Self {
        let mut environment: BTreeMap<OsString, OsString> = environment(start, &[], []).into_iter().collect();
        environment.retain(|name, _| !key_variables().any(|variable| name == variable));
        Self {
            desk: Desk {
                folder: start.folder.clone(),
                shell: shell_on(&environment),
                environment,
                max_call_seconds: start.max_call_seconds,
            },
            session: start.session.clone(),
            limits: start.limits,
            shim: start.shim.clone(),
            signals: start.signals.clone(),
            store: start.output.clone(),
            images: start.images.clone(),
            shown: tokio::sync::Mutex::new(Kept::behind(start.shown)),
            throttled: Arc::default(),
        }
    }

    /// Carries one call out. Whatever happens, it comes back, and nothing of the call is alive then.
    pub(super) async fn carry_out(
        &self,
        call: ToolCall,
        work: Work,
        item: ItemId,
        answers: BTreeMap<String, Vec<String>>,
        caller: Option<Caller>,
        mut ending: watch::Receiver<Ending>,
    ) -> Done {
        let seconds = call.timeout_seconds.or(self.desk.max_call_seconds).unwrap_or(SECONDS);
        let limit = Duration::from_secs(seconds.into());
        if let Work::Program { program, args, environment } = work {
            return self.program(call, (program, args, environment), item, limit, ending).await;
        }
        let started = Signal::CallStarted { key: call.key.clone(), process: None };
        tokio::select! {
            biased;
            _ = self.signals.send(started) => {}
            () = ended(&mut ending) => {
                let text = "This was not done: the turn was interrupted.".to_owned();
                return Done { text, images: vec![], end: CallEnd::Cancelled, output: None, plan: None };
            }
        }
        let plan = match &work {
            Work::Plan(steps) => Some(steps.clone()),
            _ => None,
        };
        let halt = Arc::new(AtomicBool::new(false));
        let is_files = matches!(work, Work::Files(_));
        let working = async {
            match work {
                Work::Files(work) => {
                    let halt = halt.clone();
                    let done = spawn_blocking(move || work(&halt)).await;
                    done.unwrap_or_else(|_| Outcome::failed("a fault of Nox"))
                }
                Work::Fetch(url) => tools::fetch(url).await,
                Work::Ask(asked) => Outcome::of(Ok(tools::answered(&asked, &answers))),
                Work::Plan(_) => Outcome::of(Ok("The plan is noted.".into())),
                Work::Service { tool, input, .. } => match caller {
                    Some(caller) => use_tool(&caller, tool, input).await,
                    None => Outcome::failed("the service does not run any more"),
                },
                Work::Program { .. } => Outcome::failed(""),
            }
        };
        tokio::pin!(working);
        let mut cut = None;
        let outcome = tokio::select! {
            outcome = &mut working => Some(outcome),
            () = ended(&mut ending) => { cut = Some(CallEnd::Cancelled); None }
            () = sleep(limit) => { cut = Some(failed(None, true, None)); None }
        };
        let outcome = match outcome {
            Some(outcome) => outcome,
            // Work with files cannot be dropped in the middle: it is told, and ends at its next step.
            None if is_files => {
                halt.store(true, Ordering::Relaxed);
                working.await
            }
            None => Outcome::failed(""),
        };
        let images = if cut.is_none() { outcome.images } else { vec![] };
        let (end, text) = match cut {
            None if outcome.failed => (failed(None, false, None), format!("This failed: {}", outcome.text)),
            None => (CallEnd::Succeeded, outcome.text.clone()),
            Some(CallEnd::Cancelled) if is_files && !outcome.failed => {
                (CallEnd::Succeeded, outcome.text.clone())
            }
            Some(CallEnd::Cancelled) => (CallEnd::Cancelled, CUT.to_owned()),
            Some(end) => (end, format!("This was ended after {seconds} s. It may have been done in part.")),
        };
        let output = tokio::select! {
            biased;
            output = self.keep(&item, outcome.text) => Some(Box::new(output)),
            () = given_up(&mut ending) => None,
        };
        for image in &images {
            self.show(&call.key, image, &mut ending).await;
        }
        let plan = plan.filter(|_| end == CallEnd::Succeeded);
        Done { text, images, end, output, plan }
    }

    /// Keeps an image and tells it, unless the call is given up meanwhile.
    async fn show(&self, key: &str, image: &Image, ending: &mut watch::Receiver<Ending>) {
        let Some(shown) = image.shown() else { return };
        let showing = async {
            let signal =
                self.shown.lock().await.keep(self.images.as_ref(), Some(key.to_owned()), shown).await;
            if let Some(signal) = signal {
                self.signals.send(signal).await;
            }
        };
        tokio::select! {
            biased;
            () = showing => {}
            () = given_up(ending) => {}
        }
    }

    async fn keep(&self, item: &ItemId, text: String) -> OutputDigest {
        let mut output = self.store.begin(&self.session, item);
        if !text.is_empty() {
            output.write(Pipe::Out, text.into_bytes()).await;
        }
        output.finish().await
    }

    async fn program(
        &self,
        call: ToolCall,
        (program, args, env): (OsString, Vec<OsString>, Vec<(OsString, OsString)>),
        item: ItemId,
        limit: Duration,
        mut ending: watch::Receiver<Ending>,
    ) -> Done {
        let spec = SpawnSpec {
            program,
            args,
            cwd: PathBuf::from(&call.folder),
            env,
            stdin: Stdin::Closed,
            grace: GRACE,
            limits: limits::of_tree(&self.limits),
        };
        let mut tree = match ProcessTree::spawn(&spec, &self.shim).await {
            Ok(tree) => tree,
            Err(error) => {
                let said = error.to_string();
                let text = format!("This could not be started: {said}");
                let end = failed(None, false, Some(said));
                return Done { text, images: vec![], end, output: None, plan: None };
            }
        };
        let _throttle = Throttle::over(&tree, self.limits.max_cpu_percent, &self.signals, &self.throttled);
        let process = Some(reference(&tree));
        let mut fate = Fate::Ran;
        let started = self.signals.send(Signal::CallStarted { key: call.key.clone(), process });
        tokio::pin!(started);
        tokio::select! {
            biased;
            _ = &mut started => {}
            () = ended(&mut ending) => {
                fate = Fate::Stopped;
                tree.stop(GRACE);
                started.await;
            }
        }
        let mut output = self.store.begin(&self.session, &item);
        let mut shown = Shown::default();
        let late = sleep(limit);
        tokio::pin!(late);
        let mut stream = tree.take_output();
        while let Some(source) = &mut stream {
            tokio::select! {
                biased;
                () = ended(&mut ending), if fate == Fate::Ran => {
                    fate = Fate::Stopped;
                    tree.stop(GRACE);
                }
                () = &mut late, if fate == Fate::Ran => {
                    fate = Fate::TimedOut;
                    tree.stop(GRACE);
                }
                chunk = source.next() => match chunk {
                    Some(chunk) => {
                        shown.add(&chunk.bytes);
                        let pipe = match chunk.stream {
                            StreamName::Stdout => Pipe::Out,
                            StreamName::Stderr => Pipe::Err,
                        };
                        // A full disk makes this wait, and a stop waits for it no longer than for the program.
                        tokio::select! {
                            () = output.write(pipe, chunk.bytes) => {}
                            () = given_up(&mut ending) => {
                                fate = Fate::Stopped;
                                tree.stop(GRACE);
                                stream = None;
                            }
                        }
                    }
                    None => stream = None,
                },
            }
        }
        // A program may close its output and live on.
        let exit = loop {
            tokio::select! {
                exit = tree.wait() => break exit,
                () = ended(&mut ending), if fate == Fate::Ran => {
                    fate = Fate::Stopped;
                    tree.stop(GRACE);
                }
                () = &mut late, if fate == Fate::Ran => {
                    fate = Fate::TimedOut;
                    tree.stop(GRACE);
                }
            }
        };
        let digest = tokio::select! {
            biased;
            digest = output.finish() => Some(Box::new(digest)),
            () = given_up(&mut ending) => None,
        };
        if let Some(met) = exit.limit {
            let hit = limits::hit(met, &self.limits, exit.is_success());
            self.signals.send(Signal::Limit(hit)).await;
        }
        let (end, how) = verdict(exit, fate, limit);
        let mut text = shown.text();
        if let Some(how) = how {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&format!("[{how}]"));
        }
        Done { text, images: vec![], end, output: digest, plan: None }
    }
}

/// What models write is mostly for bash.
fn shell_on(environment: &BTreeMap<OsString, OsString>) -> &'static str {
    let path = environment.get(OsStr::new("PATH"));
    let mut folders = path.into_iter().flat_map(std::env::split_paths);
    if folders.any(|folder| folder.join("bash").is_file()) { "bash" } else { "sh" }
}

const CUT: &str =
    "This was ended in the middle, since the turn was interrupted. It may have been done in part.";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ran,
    TimedOut,
    Stopped,
}

/// Waits until a call shall end; for ever while nobody says so.
async fn ended(ending: &mut watch::Receiver<Ending>) {
    // Whoever would say so is gone only with the run itself, which drops this task.
    if ending.wait_for(|ending| *ending == Ending::Now).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until a disk that keeps a call from ending is not waited for any more.
async fn given_up(ending: &mut watch::Receiver<Ending>) {
    ended(ending).await;
    sleep(GRACE).await;
}

fn failed(exit: Option<Exit>, timed_out: bool, problem: Option<String>) -> CallEnd {
    let (exit_code, signal) = exit.map_or((None, None), |exit| (exit.code, exit.signal));
    CallEnd::Failed { exit_code, signal, timed_out, problem }
}

fn verdict(exit: Exit, fate: Fate, limit: Duration) -> (CallEnd, Option<String>) {
    match (fate, exit.code, exit.signal) {
        (Fate::Stopped, ..) => (CallEnd::Cancelled, Some(CUT.to_owned())),
        (Fate::TimedOut, ..) => {
            (failed(Some(exit), true, None), Some(format!("it was ended after {} s", limit.as_secs())))
        }
        (Fate::Ran, Some(0), _) => (CallEnd::Succeeded, None),
        (Fate::Ran, Some(code), _) => (failed(Some(exit), false, None), Some(format!("exit code {code}"))),
        (Fate::Ran, None, Some(signal)) => {
            (failed(Some(exit), false, None), Some(format!("it was ended by signal {signal}")))
        }
        // Somebody ended the shim: what the program did last, nobody saw.
        (Fate::Ran, None, None) => {
            (CallEnd::Unknown, Some("nobody saw how it ended; it may have been done in part".to_owned()))
        }
    }
}

/// What a model is shown of an output, while it streams: its beginning and its end.
#[derive(Debug, Default)]
struct Shown {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Shown {
    const HEAD: usize = RESULT_BYTES * 5 / 8;
    const TAIL: usize = RESULT_BYTES * 5 / 16;

    fn add(&mut self, bytes: &[u8]) {
        let room = Self::HEAD - self.head.len();
        let (head, rest) = bytes.split_at(bytes.len().min(room));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(Self::TAIL);
        self.tail.drain(..over);
        self.left_out += over as u64;
    }

    fn text(mut self) -> String {
        let tail = self.tail.make_contiguous();
        if self.left_out == 0 {
            return harmless(&[self.head.as_slice(), tail].concat());
        }
        format!(
            "{}\n[… {} bytes are left out here; a person sees all of it …]\n{}",
            harmless(&self.head),
            self.left_out,
            harmless(tail)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_output_is_shown_by_its_ends() {
        let mut shown = Shown::default();
        shown.add(b"begin\n");
        for _ in 0..1_000 {
            shown.add(&[b'x'; 1_000]);
        }
        shown.add(b"\nend\n");
        let text = shown.text();
        assert!(text.starts_with("begin") && text.ends_with("end\n") && text.contains("left out"));
        assert!(text.len() <= RESULT_BYTES);
        let mut short = Shown::default();
        short.add(b"a\x1b[2Jb");
        assert_eq!(short.text(), "ab");
    }
}
