//! The real `nox` with real homes, shells and terminals. Needs the shim: `cargo build -p nox-shim` first.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agents;
mod asking;
mod lists;
mod nesting;
mod running;
mod sharing;
mod support;
