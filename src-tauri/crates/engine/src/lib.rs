//! The engine of Nox: everything that happens without a face.
//!
//! - [`Engine`] opens a home and offers what faces can ask for; [`sessions`] holds an actor per session; [`files`] is the
//!   one owner of the registry's folder; [`scheduler`] says who runs next, `limits` how much a run may take; [`spool`]
//!   keeps output, [`documents`] files by their content; [`ledger`] is the pen that writes facts; [`log`] exports, imports,
//!   packs and mends what was written;
//!   `programs` finds what can carry an agent here, and tries it; [`steering`] goes on with what stands still, `forking`
//!   from a copy; `working` says in which folder, `skills` what it can read up, `images` what it is shown;
//!   [`logs`] is the log for finding faults.
//! - It knows no window, no wire and no texts for people beyond its errors.

mod asking;
mod beginning;
mod claims;
pub mod clock;
pub mod documents;
pub mod drops;
mod engine;
mod error;
pub mod files;
mod forking;
pub mod home;
mod images;
pub mod keys;
pub mod ledger;
mod limits;
pub mod log;
pub mod logs;
mod programs;
pub mod reading;
pub mod scheduler;
pub mod sessions;
pub mod settings;
mod skills;
pub mod spool;
pub mod steering;
pub mod vitals;
mod working;

pub use asking::DEFAULT_DEPTH;
pub use beginning::{Beginning, Found, Purpose};
pub use engine::{Engine, SETTINGS, StartTask};
pub use error::{Error, ErrorKind};
pub use forking::Fork;
pub use images::Added;
pub use nox_runtimes::runbook;
pub use programs::{Trial, check_agent};
pub use sessions::stored::FORM as SESSION_FORM;
