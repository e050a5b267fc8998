//! The way to an engine: the one that runs already, or one in this process.
//!
//! The home's lock decides. An engine of our own that works listens on the control socket too, so that another command
//! line finds it, and stays until its clients are gone and no session works: ending it would cut their work.

use crate::{failure::Failure, out};
use nox_api::{
    Api, ApiError, ErrorCode, Home, Subscriber, control,
    control::{Client, Control},
    dto::{Caller, Face},
    logs::{self, LogGuard, LogOptions},
};
use nox_domain::ids::{CommandId, SessionId};
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;
use tokio::sync::watch;

/// An engine that can be asked.
pub(crate) enum Door {
    /// In this process.
    Inline(Box<Inline>),
    /// In another one.
    Client(Client),
}

/// What an engine of our own is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Running tasks: it goes on with what waits, and others can reach it.
    Work,
    /// A short look: it starts nothing and nobody else works through it.
    Look,
}

pub(crate) struct Inline {
    api: Api,
    control: Option<Control>,
    _logs: LogGuard,
}

impl Door {
    /// Opens the engine of this home, or connects to the one that has it.
    pub(crate) async fn open(root: &Path, purpose: Purpose) -> Result<Self, Failure> {
        // The engine that had the lock may end while we knock: then the lock is free.
        let mut last = None;
        for _ in 0..2 {
            let home = Home::at(root).map_err(ApiError::from)?;
            if let Some(lock) = home.lock().map_err(ApiError::from)? {
                let logs = logs::init(root, LogOptions::default())
                    .map_err(|error| Failure::usage(error.to_string(), ""))?;
                let (api, control) = match purpose {
                    Purpose::Look => (Api::open_to_look(home, lock).await?, None),
                    Purpose::Work => {
                        let api = Api::open(home, lock).await?;
                        let control = control::serve_without_window(api.clone());
                        if let Err(error) = &control {
                            tracing::warn!(%error, "no other program can reach this engine");
                        }
                        (api, control.ok())
                    }
                };
                // Files may have been edited since the last engine: lists and checks must see them.
                api.looked().await?;
                return Ok(Self::Inline(Box::new(Inline { api, control, _logs: logs })));
            }
            match Client::connect(root).await {
                Ok(client) => return Ok(Self::Client(client)),
                Err(error @ control::Error::NoAnswer { .. }) => last = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Err(last.unwrap_or(control::Error::Ended).into())
    }

    /// Does an operation of the catalogue.
    pub(crate) async fn call<O: DeserializeOwned>(
        &self,
        operation: &str,
        input: &impl Serialize,
    ) -> Result<O, Failure> {
        self.call_as(CommandId::from_uuid(uuid::Uuid::now_v7()), operation, input).await
    }

    /// The same as a command with this id, by which it can be taken back.
    pub(crate) async fn call_as<O: DeserializeOwned>(
        &self,
        command: CommandId,
        operation: &str,
        input: &impl Serialize,
    ) -> Result<O, Failure> {
        match self {
            Self::Inline(inline) => {
                let caller = Caller { command, face: Face::Cli, processes: vec![] };
                let input = serde_json::to_value(input).map_err(not_understood)?;
                let answer = inline.api.call(operation, &caller, input).await?;
                Ok(serde_json::from_str(answer.get()).map_err(not_understood)?)
            }
            Self::Client(client) => Ok(client.call(operation, Some(command), Face::Cli, input).await?),
        }
    }

    /// Hears changes from now on.
    pub(crate) async fn subscribe(&self) -> Result<Subscriber, Failure> {
        match self {
            Self::Inline(inline) => Ok(inline.api.subscribe()),
            Self::Client(client) => Ok(client.subscribe().await?),
        }
    }

    /// Hears a session's items and output too.
    pub(crate) async fn watch(&self, subscriber: &Subscriber, session: &SessionId) -> Result<(), Failure> {
        match self {
            Self::Inline(_) => {
                subscriber.watch(session, true);
                Ok(())
            }
            Self::Client(client) => Ok(client.watch(session, true).await?),
        }
    }

    /// Windows that can answer permission requests.
    pub(crate) fn windows(&self) -> watch::Receiver<u32> {
        match self {
            Self::Inline(inline) => inline.api.windows_seen(),
            Self::Client(client) => client.windows(),
        }
    }

    /// Ends an engine of our own in order, once nobody else works in it.
    pub(crate) async fn close(self) {
        let Self::Inline(mut inline) = self else { return };
        if let Some(control) = inline.control.take() {
            tokio::select! {
                () = others_are_done(&inline.api, &control) => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            control.close().await;
        }
        inline.api.close().await;
    }
}

/// Waits while clients are connected or sessions work that this engine found when it began.
async fn others_are_done(api: &Api, control: &Control) {
    let changes = api.subscribe();
    let mut clients = control.clients();
    let mut said = false;
    while *clients.borrow_and_update() > 0 || api.working_sessions() > 0 {
        if !std::mem::replace(&mut said, true) {
            out::say("nox: others work through this engine; it ends when they are done (Ctrl+C ends it now)");
        }
        tokio::select! {
            Ok(()) = clients.changed() => {}
            Some(_) = changes.next() => {}
            else => return,
        }
    }
}

fn not_understood(error: serde_json::Error) -> ApiError {
    ApiError::new(ErrorCode::Internal, format!("the engine's answer is not understood: {error}"))
}
