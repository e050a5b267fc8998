//! The engine's end of a run that a task carries.

use crate::{AgentConnection, Answer};
use async_trait::async_trait;
use nox_domain::session::Prompt;
use tokio::sync::{mpsc, watch};

/// Wide enough that the engine never waits for the program: one command each, and answers to calls that it asked for.
const INBOX: usize = 256;

/// What the engine wishes.
#[derive(Debug)]
pub(crate) enum Told {
    Prompt(Prompt),
    Steer(String),
    Answer(Answer),
    Interrupt,
    Mode(String),
    Model(String),
}

/// Where wishes come out.
#[derive(Debug)]
pub(crate) struct Wishes {
    pub(super) inbox: mpsc::Receiver<Told>,
    /// A way of its own: a stop waits behind nothing.
    pub(super) stopped: watch::Receiver<bool>,
}

impl Wishes {
    /// The next wish; none when it is told to stop.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        let Self { inbox, stopped } = self;
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => None,
            told = inbox.recv() => told,
        }
    }

    /// Waits until it is told to stop. Whoever could say so being gone is the same.
    pub(crate) async fn stop(&mut self) {
        let _ = self.stopped.wait_for(|stopped| *stopped).await;
    }
}

/// Passes wishes on to the task that carries the run.
#[derive(Debug)]
pub(crate) struct Connection {
    told: mpsc::Sender<Told>,
    stop: watch::Sender<bool>,
}

impl Connection {
    /// A connection, and where its wishes come out.
    pub(crate) fn new() -> (Self, Wishes) {
        let (told, inbox) = mpsc::channel(INBOX);
        let (stop, stopped) = watch::channel(false);
        (Self { told, stop }, Wishes { inbox, stopped })
    }

    /// A task that is gone needs nothing any more.
    async fn tell(&self, told: Told) {
        let _ = self.told.send(told).await;
    }
}

#[async_trait]
impl AgentConnection for Connection {
    async fn prompt(&mut self, prompt: Prompt) {
        self.tell(Told::Prompt(prompt)).await;
    }

    async fn steer(&mut self, text: String) {
        self.tell(Told::Steer(text)).await;
    }

    async fn interrupt(&mut self) {
        self.tell(Told::Interrupt).await;
    }

    async fn set_mode(&mut self, mode: String) {
        self.tell(Told::Mode(mode)).await;
    }

    async fn set_model(&mut self, model: String) {
        self.tell(Told::Model(model)).await;
    }

    async fn answer(&mut self, answer: Answer) {
        self.tell(Told::Answer(answer)).await;
    }

    async fn stop(&mut self) {
        self.stop.send_replace(true);
    }
}
