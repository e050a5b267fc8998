//! The engine's end of a run that a task carries.

use crate::{AgentConnection, Answer};
use async_trait::async_trait;
use tokio::sync::mpsc;

/// Wide enough that the engine never waits for the program: one command each, and answers to calls that it asked for.
const INBOX: usize = 256;

/// What the engine wishes.
#[derive(Debug)]
pub(crate) enum Told {
    Prompt(String),
    Steer(String),
    Answer(Answer),
    Interrupt,
    Mode(String),
    Model(String),
    Stop,
}

/// Passes wishes on to the task that carries the run.
#[derive(Debug)]
pub(crate) struct Connection {
    told: mpsc::Sender<Told>,
}

impl Connection {
    /// A connection, and where its wishes come out.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Told>) {
        let (told, inbox) = mpsc::channel(INBOX);
        (Self { told }, inbox)
    }

    /// A task that is gone needs nothing any more.
    async fn tell(&self, told: Told) {
        let _ = self.told.send(told).await;
    }
}

#[async_trait]
impl AgentConnection for Connection {
    async fn prompt(&mut self, text: String) {
        self.tell(Told::Prompt(text)).await;
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
        self.tell(Told::Stop).await;
    }
}
