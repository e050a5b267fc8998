//! The contract of Nox: one catalogue of operations, their inputs and outputs, and the errors.

pub mod catalogue;
pub mod dto;
pub mod error;

pub use error::{ApiError, ErrorCode};
