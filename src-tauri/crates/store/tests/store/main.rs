//! What the store promises, on real files: see the invariants in the crate's header.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::print_stdout, reason = "children talk to the test over it, and figures are worth seeing")]

mod archive;
mod audit;
mod commits;
mod cost;
mod crash;
mod disk;
mod hub;
mod migrations;
mod mutations;
mod opening;
mod rows;
mod salvage;
mod support;
mod tail;
