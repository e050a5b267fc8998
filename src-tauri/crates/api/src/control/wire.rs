//! The lines of the control socket.

use crate::{
    ApiError,
    dto::{Face, Place, Push},
};
use nox_domain::ids::{CommandId, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

/// The version of the wire; both sides must have the same.
pub const PROTOCOL: u32 = 1;

/// What a client wants of the program around the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// The window, at a place if one is named.
    Focus(Option<Place>),
    /// The program's end, in good order.
    Quit,
}

/// What an engine says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineHello {
    /// Its version.
    pub version: String,
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Its home folder.
    pub home: String,
    /// Its process.
    pub pid: u32,
    /// Windows that can answer a permission request now.
    pub windows: u32,
}

/// What a client says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClientHello {
    pub(super) version: String,
    pub(super) protocol: u32,
}

/// A client's line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u64>,
    #[serde(flatten)]
    pub(super) ask: Ask,
}

/// What a client wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    Hello(ClientHello),
    Focus(Focus),
    Quit(Quit),
    Execute(Execute),
    Subscribe(Subscribe),
    Watch(Watch),
}

/// Shows the window, at a place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Focus {
    #[serde(default)]
    pub(super) place: Option<Place>,
}

/// Ends the app in good order, without a question.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Quit {}

/// Does an operation; a query needs no command id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Execute {
    pub(super) operation: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<CommandId>,
    pub(super) face: Face,
    #[serde(default)]
    pub(super) input: Value,
}

/// Hears changes from now on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Subscribe {}

/// Begins or ends hearing a session's items and output.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) session: SessionId,
    pub(super) on: bool,
}

/// An engine's line. A line with an id and no error is a good answer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Told {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hello: Option<EngineHello>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ok: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) push: Option<Push>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) windows: Option<u32>,
}
