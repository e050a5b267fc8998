//! The contract of Nox: one catalogue of operations, their inputs and outputs, errors, and what is pushed to clients.
//!
//! [`Api`] is a running engine behind that contract. Faces call its methods directly, or by name with JSON
//! ([`Api::call`]), and hear changes through [`Api::subscribe`]. It knows no face: windows, wires and texts for people
//! are theirs.

mod api;
pub mod catalogue;
pub mod control;
mod convert;
pub mod dto;
pub mod error;
mod feed;
mod markdown;
mod mirror;
mod ops;
mod output;

pub use api::{Api, WindowGuard};
pub use error::{ApiError, ErrorCode};
pub use feed::Subscriber;
pub use mirror::{limit_in_words, problem_in_words};
pub use nox_domain as domain;
pub use nox_engine::{home::Home, home::HomeLock, logs};
pub use ops::{NamedFiles, OPERATIONS, Operation, OperationKind, rebuild};
