//! A trial of an agent: its program is started as a run would start it, until it stands, measured, and ended.
//!
//! The real driver carries it, in a folder of its own that is gone afterwards. Nothing is recorded, no session is opened,
//! and whatever it wants to do is refused. It is asked something only when somebody says so.

use super::{places::Surroundings, version};
use crate::{Engine, Error, vitals};
use async_trait::async_trait;
use nox_domain::{
    Size,
    agent::{Agent, Runtime},
    discovery::Tried,
    event::{Problem, ProcessRef, TurnEnd},
    ids::{ItemId, SessionId, TurnId},
    image::Image,
    session::{Prompt, Signal},
    tool::OutputDigest,
};
use nox_process::ShimPath;
use nox_runtimes::{
    AgentConnection, Answer, ImageStore, ItemOutput, OutputStore, Pipe, Signals, Start, known_for,
};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Instant, timeout, timeout_at},
};

/// How long a program may take to stand.
const STAND_LIMIT: Duration = Duration::from_secs(30);
/// How long it is waited for what a standing program offers: it may offer nothing.
const OFFERS_LIMIT: Duration = Duration::from_secs(3);
/// How long a program has to go on standing.
const SETTLES: Duration = Duration::from_millis(500);
/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// How long it may take to end; then it is ended.
const END_LIMIT: Duration = Duration::from_secs(8);
/// Trials at the same time.
const MOST: usize = 4;
const MOST_NOTES: usize = 8;
const LONGEST_TEXT: usize = 2_000;
/// A runbook stands with a block that it may not run.
const RUNBOOK: &str = "```sh\ntrue\n```\n";
const NOTHING_HERE: &str = "This is a trial of the agent. Do nothing but answer.";

/// What is tried.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The caller's name for it, by which it can be stopped.
    pub id: String,
    /// The agent, which need not be stored.
    pub agent: Agent,
    /// What it is asked when it stands; none asks nothing, and so costs nothing.
    pub ask: Option<String>,
}

/// Trials that run, by their names.
#[derive(Debug, Default, Clone)]
pub(super) struct Trials {
    running: Arc<Mutex<Known>>,
    /// Told whenever one has ended.
    ended: Arc<Notify>,
    swept: Arc<OnceLock<()>>,
}

#[derive(Debug, Default)]
struct Known {
    /// Each with what tells it to stop.
    trials: HashMap<String, watch::Sender<bool>>,
    /// The engine is being closed: no further one begins.
    closed: bool,
}

/// A trial that runs, until it is dropped.
struct Running {
    trials: Trials,
    id: String,
    stop: watch::Receiver<bool>,
}

impl Trials {
    fn begin(&self, id: &str) -> Result<Running, Error> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.closed {
            return Err(Error::Closing);
        }
        if running.trials.contains_key(id) || running.trials.len() >= MOST {
            return Err(Error::Conflict {
                message: "other trials are running".into(),
                hint: "Wait until they have ended, or stop them.".into(),
            });
        }
        let (sender, stop) = watch::channel(false);
        running.trials.insert(id.to_owned(), sender);
        Ok(Running { trials: self.clone(), id: id.to_owned(), stop })
    }

    fn stop(&self, id: &str) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let stop = running.trials.get(id);
        stop.is_some_and(|stop| {
            stop.send_replace(true);
            true
        })
    }

    /// Ends all of them, and lets none begin; resolves when nothing of them is alive.
    async fn close(&self) {
        loop {
            let ended = self.ended.notified();
            {
                let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
                running.closed = true;
                if running.trials.is_empty() {
                    return;
                }
                for stop in running.trials.values() {
                    stop.send_replace(true);
                }
            }
            ended.await;
        }
    }
}

impl Running {
    async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // Its sender stays as long as this does.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.trials.running.lock().unwrap_or_else(PoisonError::into_inner).trials.remove(&self.id);
        self.trials.ended.notify_waiters();
    }
}

impl Engine {
    /// Tries an agent. Resolves when nothing of it is alive; what does not work is in the answer.
    ///
    /// # Errors
    /// Too many trials run, or there is no room for its folder.
    pub async fn try_agent(&self, trial: Trial) -> Result<Tried, Error> {
        let running = self.inner.programs.trials.begin(&trial.id)?;
        let folders = self.home().run().join("trials");
        let swept = self.inner.programs.trials.swept.clone();
        let folder = tokio::task::spawn_blocking(move || {
            // What an engine left that was killed in the middle of one.
            swept.get_or_init(|| drop(std::fs::remove_dir_all(&folders)));
            let make = || {
                std::fs::create_dir_all(&folders)?;
                tempfile::tempdir_in(&folders)
            };
            make().map_err(|source| Error::home(&folders, source))
        });
        let folder = folder.await.map_err(|_| Error::Closing)??;
        let version = async {
            tokio::select! {
                version = version_of(&trial.agent, self.shim()) => version,
                () = running.stopped() => None,
            }
        };
        let (version, mut tried) = tokio::join!(version, self.carry(&trial, folder.path(), &running));
        tried.version = version;
        let _ = tokio::task::spawn_blocking(move || drop(folder)).await;
        Ok(tried)
    }

    /// Ends a trial; answers whether it ran.
    pub fn stop_trial(&self, id: &str) -> bool {
        self.inner.programs.trials.stop(id)
    }

    /// Ends all of them; resolves when nothing of them is alive.
    pub(crate) async fn close_trials(&self) {
        self.inner.programs.trials.close().await;
    }

    async fn carry(&self, trial: &Trial, folder: &Path, running: &Running) -> Tried {
        let agent = &trial.agent;
        let (key, service_keys) = match self.keys().of_run(&agent.program, &agent.services).await {
            Ok(keys) => keys,
            Err(message) => return failed(Problem::NotStarted { message }),
        };
        let instructions = match self.instructions_of(agent).await {
            Ok(instructions) => instructions,
            Err(error) => return failed(Problem::NotStarted { message: error.to_string() }),
        };
        let (sender, signals) = mpsc::channel(64);
        let begun = Instant::now();
        let start = Start {
            session: SessionId::fresh(&mut crate::clock::SystemIds),
            folder: folder.to_owned(),
            text: String::new(),
            instructions,
            program: agent.program.clone(),
            key,
            services: agent.services.clone(),
            service_keys,
            prompt: (agent.runtime == Runtime::Runbook).then(|| prompt(RUNBOOK)),
            again: false,
            words: vec![],
            left_out: false,
            spent_micro_usd: 0,
            shown: (0, 0),
            resume: None,
            heard: false,
            keep: folder.join(".conversations"),
            temporary: self.home().runs(),
            prices: Some(self.home().prices()),
            fork: false,
            limits: agent.limits,
            environment: agent.environment.clone(),
            max_call_seconds: agent.limits.max_call_seconds,
            done: vec![],
            shim: self.shim().clone(),
            signals: Signals::new(1, sender),
            output: Arc::new(Unkept),
            images: Arc::new(Unkept),
        };
        let connection = match nox_runtimes::connect(agent.runtime, start).await {
            Ok(connection) => connection,
            Err(error) => return failed(crate::sessions::problem_of(error)),
        };
        let mut carried = Carried::new(connection, signals, begun);
        let wanted = async {
            carried.until_it_stands(agent.runtime).await;
            if carried.tried.problem.is_none() {
                carried.measure().await;
                if let Some(question) = &trial.ask {
                    carried.ask(question).await;
                }
            }
        };
        tokio::select! {
            () = wanted => {}
            () = running.stopped() => carried.tried.problem = Some(Problem::Stopped),
        }
        // Each of them stands without its model server: only an answer shows that address, key and model are good.
        carried.tried.model_unasked = agent.runtime.has_program() && carried.tried.answer.is_none();
        carried.end().await
    }
}

/// In a turn that nobody records.
fn prompt(text: &str) -> Prompt {
    Prompt { turn: TurnId::fresh(&mut crate::clock::SystemIds), text: text.to_owned(), images: vec![] }
}

fn failed(problem: Problem) -> Tried {
    Tried { problem: Some(problem), ..Tried::default() }
}

/// The version of the program that an agent starts, when Nox knows how to ask for it.
async fn version_of(agent: &Agent, shim: &ShimPath) -> Option<String> {
    let known = known_for(agent.runtime, agent.program.preset.as_deref())?;
    let around = Surroundings::here().await;
    let command = agent.program.command.as_deref().unwrap_or(known.command);
    let path = match command.contains('/') {
        true => PathBuf::from(command),
        false => {
            let (around, name) = (around.clone(), command.to_owned());
            tokio::task::spawn_blocking(move || around.find(&name)).await.ok()??.path
        }
    };
    version::ask(&path, known.quiet, &around, shim).await.version().map(str::to_owned)
}

/// A connection that is tried.
struct Carried {
    connection: Box<dyn AgentConnection>,
    signals: mpsc::Receiver<(u32, Signal)>,
    begun: Instant,
    trees: Vec<ProcessRef>,
    /// What it thinks is no answer.
    thoughts: HashSet<ItemId>,
    turn_is_over: bool,
    is_over: bool,
    tried: Tried,
}

impl Carried {
    fn new(
        connection: Box<dyn AgentConnection>,
        signals: mpsc::Receiver<(u32, Signal)>,
        begun: Instant,
    ) -> Self {
        Self {
            connection,
            signals,
            begun,
            trees: vec![],
            thoughts: HashSet::new(),
            turn_is_over: false,
            is_over: false,
            tried: Tried::default(),
        }
    }

    /// Hears one signal; answers whether there will be more.
    async fn hear(&mut self) -> bool {
        let Some((_, signal)) = self.signals.recv().await else {
            self.is_over = true;
            return false;
        };
        match signal {
            Signal::Live => {
                let ms = u32::try_from(self.begun.elapsed().as_millis()).unwrap_or(u32::MAX);
                self.tried.ready_ms.get_or_insert(ms);
            }
            Signal::Carried(tree) => self.trees.push(tree),
            Signal::Offers(offers) => self.tried.offers = Some(*offers),
            Signal::Noted(_, text) if self.tried.notes.len() < MOST_NOTES => {
                self.tried.notes.push(cut(&text))
            }
            Signal::Writing { item, thought: true } => {
                self.thoughts.insert(item);
            }
            Signal::Wrote { item, text } if !self.thoughts.contains(&item) => {
                self.tried.answer = Some(cut(&text))
            }
            Signal::Said(text) => self.tried.answer = Some(cut(&text)),
            Signal::Used(used) => {
                let sum = self.tried.usage.as_ref().map_or_else(|| used.clone(), |before| before.plus(&used));
                self.tried.usage = Some(sum);
            }
            Signal::Proposed(call) => {
                let answer = Answer {
                    key: call.key.clone(),
                    item: ItemId::fresh(&mut crate::clock::SystemIds),
                    allowed: false,
                    reason: Some(NOTHING_HERE.to_owned()),
                    by_person: false,
                    answers: Default::default(),
                };
                self.connection.answer(answer).await;
            }
            Signal::TurnEnded { end, problem } => {
                self.turn_is_over = true;
                let failed = (end == TurnEnd::Failed)
                    .then(|| Problem::ConnectionEnded { message: "its turn failed without a reason".into() });
                self.tried.problem = self.tried.problem.take().or(problem).or(failed);
            }
            Signal::RunEnded { detail, .. } => {
                self.is_over = true;
                // The trial has not asked for its end: what is heard behind that is left out.
                if self.tried.problem.is_none() {
                    let message = detail.unwrap_or_else(|| "it ended by itself".into());
                    self.tried.problem = Some(Problem::ConnectionEnded { message });
                }
            }
            _ => {}
        }
        !self.is_over
    }

    async fn until_it_stands(&mut self, runtime: Runtime) {
        let deadline = self.begun + STAND_LIMIT;
        while self.tried.ready_ms.is_none() && self.tried.problem.is_none() {
            match timeout_at(deadline, self.hear()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => {
                    let seconds = STAND_LIMIT.as_secs();
                    let message = format!(
                        "it did not stand after {seconds} s. Start it in a terminal to see what it waits for."
                    );
                    self.tried.problem = Some(Problem::NotStarted { message });
                }
            }
        }
        if !runtime.has_program() {
            return;
        }
        // What it offers and who carries it are told in either order, around the word that it stands.
        let is_told =
            |it: &Self| it.tried.offers.is_some() && (runtime == Runtime::Llm || !it.trees.is_empty());
        let told = async { while !is_told(self) && self.hear().await {} };
        let _ = timeout(OFFERS_LIMIT, told).await;
        // One that ends right after it stood does not stand.
        let _ = timeout(SETTLES, async { while self.hear().await {} }).await;
    }

    async fn measure(&mut self) {
        let trees = self.trees.clone();
        let measure = move || vitals::measure(&trees);
        let usages = tokio::task::spawn_blocking(measure).await.unwrap_or_default();
        if !usages.is_empty() {
            self.tried.memory_bytes = Some(Size(usages.iter().map(|usage| usage.memory_bytes).sum()));
            self.tried.processes = usages.iter().map(|usage| usage.processes).sum();
        }
    }

    async fn ask(&mut self, question: &str) {
        self.turn_is_over = false;
        self.connection.prompt(prompt(question)).await;
        let deadline = Instant::now() + ANSWER_LIMIT;
        while !self.turn_is_over && !self.is_over {
            if timeout_at(deadline, self.hear()).await.is_err() {
                let seconds = ANSWER_LIMIT.as_secs();
                let message =
                    format!("it had not answered after {seconds} s. Look at its model and network.");
                self.tried.problem = Some(Problem::NotStarted { message });
                return;
            }
        }
    }

    /// Ends it, in any case.
    async fn end(mut self) -> Tried {
        // What it says of its end is no finding.
        let tried = std::mem::take(&mut self.tried);
        if !self.is_over {
            self.connection.stop().await;
            let _ = timeout(END_LIMIT, async { while self.hear().await {} }).await;
        }
        tried
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

/// Output and images of a trial are for nobody.
struct Unkept;

impl OutputStore for Unkept {
    fn begin(&self, _: &SessionId, _: &ItemId) -> Box<dyn ItemOutput> {
        Box::new(Self)
    }
}

#[async_trait]
impl ImageStore for Unkept {
    async fn keep(&self, name: &str, bytes: Vec<u8>) -> Result<Image, String> {
        Image::of(name, &bytes)
    }

    async fn read(&self, _: &Image) -> Option<Vec<u8>> {
        None
    }

    fn path(&self, _: &Image) -> PathBuf {
        PathBuf::new()
    }
}

#[async_trait]
impl ItemOutput for Unkept {
    async fn write(&mut self, _: Pipe, _: Vec<u8>) {}

    async fn finish(self: Box<Self>) -> OutputDigest {
        OutputDigest::default()
    }
}
