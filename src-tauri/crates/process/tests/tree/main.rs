//! Process trees with real processes. Needs the shim: `cargo build -p nox-shim` first.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::print_stderr, reason = "what holds a limit here, and figures, belong to the result")]

mod support;

mod closed_world;
mod engine_death;
mod escape;
mod limits;
mod output;
mod runaways;
mod running;
mod usage;
