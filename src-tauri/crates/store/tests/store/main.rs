//! What the store promises, on real files: see the invariants in the crate's header.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod audit;
mod commits;
mod crash;
mod disk;
mod hub;
mod opening;
mod rows;
mod support;
