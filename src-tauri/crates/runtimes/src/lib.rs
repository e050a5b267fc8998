//! What carries an agent. The engine knows only [`AgentConnection`]; which driver is behind it, it never asks.
//!
//! A connection is started with [`connect`], reports through [`Signals`], and is told about its proposed calls with
//! [`AgentConnection::answer`]. Its rules:
//! - nothing with an effect happens before an answer that allows it;
//! - every proposed call gets exactly one `CallEnded`, unless the connection ends first;
//! - `RunEnded` is its last signal, and when it is sent nothing that the connection started is alive;
//! - dropping it ends everything that it started.

pub mod acp;
mod calls;
mod child;
pub mod claude;
pub mod codex;
mod error;
mod faults;
mod http;
mod known;
mod limits;
pub mod llm;
mod models;
mod prices;
pub mod recorded;
pub mod runbook;
#[cfg(test)]
mod testing;
mod throttle;

pub use error::Error;
use http::http;
pub use known::{Known, known, known_for};
pub use models::{ListForm, Model, models_on_loopback};

use async_trait::async_trait;
use nox_domain::{
    agent::{Limits, Program, Runtime, Service},
    event::RunEnd,
    ids::{ItemId, SessionId},
    image::Image,
    session::{Prompt, Signal, Words},
    tool::OutputDigest,
};
use nox_process::ShimPath;
use secrecy::SecretString;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use tokio::sync::mpsc;

/// A standing connection to whatever carries an agent.
#[async_trait]
pub trait AgentConnection: Send {
    /// Asks something further, on a connection whose turn is over. A driver of a runtime that takes no prompts is never
    /// asked.
    async fn prompt(&mut self, prompt: Prompt);

    /// Ends the turn that runs, as cancelled; the connection stays. A driver of a runtime that takes no prompts is never
    /// asked.
    async fn interrupt(&mut self);

    /// Says something into the turn that runs. Only asked of a driver that tells [`Offers::steers`].
    ///
    /// [`Offers::steers`]: nox_domain::transcript::Offers::steers
    async fn steer(&mut self, _text: String) {}

    /// Changes how freely it works from here on, by a name that it told; the driver tells its offers
    /// anew, then [`Signal::Switched`], also when it stays as it is.
    async fn set_mode(&mut self, _mode: String) {}

    /// Changes the model that is asked from here on, by a name that it told; the driver tells its offers
    /// anew, then [`Signal::Switched`], also when it stays as it is.
    async fn set_model(&mut self, _model: String) {}

    /// Tells about a call that it proposed. An answer that is told twice counts once.
    async fn answer(&mut self, answer: Answer);

    /// Ends it and everything that it started; `RunEnded` follows when that is done.
    async fn stop(&mut self);
}

/// What became of a proposed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The call.
    pub key: String,
    /// Where its output is kept.
    pub item: ItemId,
    /// Whether it may run.
    pub allowed: bool,
    /// What the agent is told with a refusal.
    pub reason: Option<String>,
    /// Whether a person refused, rather than a rule.
    pub by_person: bool,
    /// What a person answered to the questions of the call, by their ids.
    pub answers: BTreeMap<String, Vec<String>>,
}

/// Everything that a driver needs to start.
pub struct Start {
    /// The session that it carries.
    pub session: SessionId,
    /// Where it works. It exists.
    pub folder: PathBuf,
    /// The text of the session's task.
    pub text: String,
    /// What the agent is told about itself, before any prompt.
    pub instructions: String,
    /// The program that carries it.
    pub program: Program,
    /// Its key, for the child that needs it and for nobody else.
    pub key: Option<SecretString>,
    /// MCP servers that it may use, by their names.
    pub services: BTreeMap<String, Service>,
    /// Keys of services, by the services' names.
    pub service_keys: BTreeMap<String, SecretString>,
    /// What is asked first. None: the connection only has to stand by.
    pub prompt: Option<Prompt>,
    /// An earlier run was asked the same and did not come to its end.
    pub again: bool,
    /// What was said into the turn since it began, oldest first.
    pub words: Vec<Words>,
    /// Older words than those are not told any more: they were too many.
    pub left_out: bool,
    /// What earlier runs of the session cost, in millionths of a US dollar: some programs count on from there.
    pub spent_micro_usd: u64,
    /// Images that the session has shown, and their bytes: a run keeps only what there is room for behind them.
    pub shown: (u32, u64),
    /// The program's own name for the session, told by an earlier run with [`Signal::Named`]: it goes on there, and notes
    /// with the code `not_restored` what it could not bring back.
    pub resume: Option<String>,
    /// The agent was asked something before, in this session or in the one that it is a copy of, and has heard it. Else it was told
    /// nothing yet, even where there is a conversation to go on with.
    pub heard: bool,
    /// The folder where a driver without a program keeps its conversations, by the names that it tells.
    pub keep: PathBuf,
    /// The folder for files that go with the run. Only this user can look into it, and what a killed Nox left there is gone at
    /// its next start.
    pub temporary: PathBuf,
    /// The user's own prices of models; it need not be there.
    pub prices: Option<PathBuf>,
    /// It goes on from a copy of `resume`, which itself stays as it is. Only asked of a driver that tells `Offers::forks`.
    pub fork: bool,
    /// What its processes may use.
    pub limits: Limits,
    /// What runs get besides the allow-listed environment.
    pub environment: BTreeMap<String, String>,
    /// Seconds for a call that says nothing itself.
    pub max_call_seconds: Option<u32>,
    /// Keys of calls that are done: they are not proposed again.
    pub done: Vec<String>,
    /// The program that holds process trees.
    pub shim: ShimPath,
    /// Where it reports.
    pub signals: Signals,
    /// Where output goes.
    pub output: Arc<dyn OutputStore>,
    /// Where images are kept.
    pub images: Arc<dyn ImageStore>,
}

/// The way of a driver's signals into the engine. Bounded: when the engine is behind, the driver waits, and with it
/// whatever it reads from.
#[derive(Clone)]
pub struct Signals {
    generation: u32,
    sender: mpsc::Sender<(u32, Signal)>,
}

impl Signals {
    /// Signals of one generation of a run.
    pub fn new(generation: u32, sender: mpsc::Sender<(u32, Signal)>) -> Self {
        Self { generation, sender }
    }

    /// Reports; answers whether anybody still listens.
    pub async fn send(&self, signal: Signal) -> bool {
        self.sender.send((self.generation, signal)).await.is_ok()
    }

    /// Lets a driver's work run on its own. When it breaks down, the run is told to be lost: a fault of ours must not leave
    /// a session that looks as if it worked. `driver` is its name in the log.
    fn carry(&self, driver: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let signals = self.clone();
        let work = tokio::spawn(work);
        tokio::spawn(async move {
            if let Err(fault) = work.await {
                tracing::error!(%fault, driver, "a driver broke down");
                let detail = Some("a fault of Nox".into());
                signals.send(Signal::RunEnded { how: RunEnd::Lost, detail }).await;
            }
        });
    }
}

/// Which of a program's two pipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pipe {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Where the output of items is kept and from where it is streamed.
pub trait OutputStore: Send + Sync {
    /// Begins the output of an item.
    fn begin(&self, session: &SessionId, item: &ItemId) -> Box<dyn ItemOutput>;
}

/// The output of one item while it runs.
#[async_trait]
pub trait ItemOutput: Send {
    /// Takes the next bytes. Waits when the disk is behind.
    async fn write(&mut self, pipe: Pipe, bytes: Vec<u8>);

    /// The program is over: what is kept of its output.
    async fn finish(self: Box<Self>) -> OutputDigest;
}

/// Where images are kept.
#[async_trait]
pub trait ImageStore: Send + Sync {
    /// Keeps an image under a name for people. The same content is kept once.
    ///
    /// # Errors
    /// It is none, too large, or cannot be kept; in words for people and models.
    async fn keep(&self, name: &str, bytes: Vec<u8>) -> Result<Image, String>;

    /// The bytes of an image; none when they are not there any more, or are others.
    async fn read(&self, image: &Image) -> Option<Vec<u8>>;

    /// The file that they are in.
    fn path(&self, image: &Image) -> PathBuf;
}

/// Starts a connection.
pub async fn connect(runtime: Runtime, start: Start) -> Result<Box<dyn AgentConnection>, Error> {
    match runtime {
        Runtime::Runbook => Ok(Box::new(runbook::connect(start)?)),
        Runtime::Recorded => Ok(Box::new(recorded::connect(start)?)),
        Runtime::Claude => Ok(Box::new(claude::connect(start)?)),
        Runtime::Acp => Ok(Box::new(acp::connect(start)?)),
        Runtime::Codex => codex::connect(start),
        Runtime::Llm => llm::connect(start),
    }
}

/// Megabytes that the processes of a run usually hold when they work; for a run that was never measured.
pub fn usual_memory_mb(runtime: Runtime) -> u32 {
    match runtime {
        Runtime::Runbook | Runtime::Recorded | Runtime::Llm => 0,
        Runtime::Claude | Runtime::Acp => 250,
        Runtime::Codex => 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_driver_that_breaks_down_ends_its_run_as_lost() {
        let (sender, mut told) = mpsc::channel(1);
        let signals = Signals::new(7, sender);
        signals.carry("broken", async { assert!(std::hint::black_box(false), "it breaks down") });
        drop(signals);
        let signal = told.recv().await;
        assert!(matches!(signal, Some((7, Signal::RunEnded { how: RunEnd::Lost, .. }))), "{signal:?}");
    }

    #[tokio::test]
    async fn a_driver_that_ends_tells_its_end_itself() {
        let (sender, mut told) = mpsc::channel(1);
        Signals::new(7, sender).carry("well", async {});
        assert!(told.recv().await.is_none());
    }
}
