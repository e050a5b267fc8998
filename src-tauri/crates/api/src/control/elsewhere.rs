//! Systems without a control socket: everything says so.

use super::{EngineHello, Error, Wish};
use crate::{
    Api,
    dto::{Face, Place},
    feed::Subscriber,
};
use nox_domain::ids::{CommandId, SessionId};
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;
use tokio::sync::watch;

/// Never there.
#[derive(Debug)]
pub struct Control {
    never: std::convert::Infallible,
}

impl Control {
    /// Clients that are connected now.
    pub fn clients(&self) -> watch::Receiver<u32> {
        match self.never {}
    }

    /// Stops listening.
    pub async fn close(self) {
        match self.never {}
    }
}

/// Says that there is none.
pub fn serve(_: Api, _: impl Fn(Wish) + Send + Sync + 'static) -> Result<Control, Error> {
    Err(Error::Unsupported)
}

/// Says that there is none.
pub fn serve_without_window(_: Api) -> Result<Control, Error> {
    Err(Error::Unsupported)
}

/// Never there.
#[derive(Debug, Clone)]
pub struct Client {
    never: std::convert::Infallible,
}

impl Client {
    /// Says that there is none.
    pub async fn connect(_: &Path) -> Result<Self, Error> {
        Err(Error::Unsupported)
    }
    /// What the engine said about itself.
    pub fn hello(&self) -> &EngineHello {
        match self.never {}
    }
    /// Shows the window.
    pub async fn focus(&self, _: Option<Place>) -> Result<(), Error> {
        match self.never {}
    }
    /// Asks the app to end.
    pub async fn quit(&self) -> Result<(), Error> {
        match self.never {}
    }
    /// Does an operation.
    pub async fn call<O: DeserializeOwned>(
        &self,
        _: &str,
        _: Option<CommandId>,
        _: Face,
        _: &impl Serialize,
    ) -> Result<O, Error> {
        match self.never {}
    }
    /// Hears changes.
    pub async fn subscribe(&self) -> Result<Subscriber, Error> {
        match self.never {}
    }
    /// Hears a session's items and output.
    pub async fn watch(&self, _: &SessionId, _: bool) -> Result<(), Error> {
        match self.never {}
    }
    /// Windows that can answer.
    pub fn windows(&self) -> watch::Receiver<u32> {
        match self.never {}
    }
}
