//! The control socket: how a second start of the app and the command line reach the engine that runs already.
//!
//! The holder of the home's lock calls [`serve`]; everybody else calls [`Client::connect`]. The wire is one JSON object
//! per line over a Unix socket:
//!
//! ```text
//! → {"hello":{"version":"0.1.0","protocol":1}}       ← {"hello":{"version":…,"protocol":1,"home":…,"pid":…,"windows":…}}
//! → {"id":1,"focus":{"place":{"place":"board"}}}      ← {"id":1,"ok":null}
//! → {"id":1,"quit":{}}                                ← {"id":1,"ok":null}, and the program leaves
//! → {"id":2,"execute":{"operation":"create_task","command":"cmd_…","face":"cli","input":{…}}}
//!                                                     ← {"id":2,"ok":…}  or  {"id":2,"error":{"code":…,"message":…}}
//! → {"id":3,"subscribe":{}}                           ← {"id":3,"ok":null}, then {"push":…} and {"windows":n} as they come
//! → {"id":4,"watch":{"session":"ses_…","on":true}}    ← {"id":4,"ok":null}
//! ```
//!
//! Answers may come in another order than their questions. Invariants:
//!
//! - Only the home's user gets in: the socket has mode 0600 in a folder of mode 0700, and both sides look at the other's
//!   user id.
//! - Lines are bounded ([`MAX_ASKED_BYTES`], [`MAX_TOLD_BYTES`]). A longer question is answered with an error and the
//!   end of the connection.
//! - A client that does not read slows nobody: it loses pushes and hears a gap.
//! - A command that was begun is carried through, also when its client is gone.
//!
//! Windows' named pipes are not there yet: on such systems both calls answer [`Error::Unsupported`].

mod error;
mod wire;

#[cfg(unix)]
mod client;
#[cfg(unix)]
mod line;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod server;

#[cfg(not(unix))]
mod elsewhere;

#[cfg(unix)]
pub use client::Client;
#[cfg(not(unix))]
pub use elsewhere::{Client, Control, serve, serve_without_window};
pub use error::Error;
#[cfg(unix)]
pub use server::{Control, serve, serve_without_window};
pub use wire::{EngineHello, PROTOCOL, Wish};

/// The longest line that a client may send: an image in base64 fits.
pub const MAX_ASKED_BYTES: usize = 5 * 1024 * 1024;
/// The longest line that an engine may send: all tasks of a large home fit.
pub const MAX_TOLD_BYTES: usize = 64 * 1024 * 1024;

#[cfg(all(test, unix))]
mod tests;
