//! Process trees with real processes. Needs the shim: `cargo build -p nox-shim` first.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

mod closed_world;
mod engine_death;
mod escape;
mod output;
mod running;
