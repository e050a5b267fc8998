//! The nouns of Nox, its stored facts, and the pure rules between them.
//!
//! Everything here is a value or a function of values: no files, no clock, no randomness, no tokio. Callers hand in
//! the time and fresh ids ([`Fresh`]), so that a history can be replayed and gives the same result every time.
//!
//! - [`session`]: `decide(state, command) → events` and `apply(state, event)` for one session.
//! - [`event`]: what is stored, for ever; [`ends`]: how things end. [`rows`]: what people and faces read, derived from it.
//! - [`policy`]: which tool calls may run unasked; [`risk`]: how dangerous they look. [`words`]: the one place where states become words;
//!   [`dialect`]: the same for programs.
//! - [`life`]: what happens when nobody watches, after a crash, in silence, at a limit.
//! - [`task`], [`agent`], [`tool`]: the nouns. [`ids`]: newtypes for every id. [`rank`]: the order of cards.
//! - [`transcript`]: plans, usage, diffs, and what is wrong with the program that carries an agent.
//! - [`discovery`]: what on this computer can carry an agent, and what a trial of one showed.
//! - [`image`]: what people and agents show each other. [`terminal`]: makes the output of programs harmless to show.

mod actor;
pub mod agent;
pub mod answers;
mod controls;
pub mod dialect;
pub mod discovery;
pub mod ends;
pub mod event;
pub mod ids;
pub mod image;
pub mod life;
mod opened;
pub mod policy;
pub mod rank;
pub mod risk;
mod row_key;
pub mod rows;
pub mod session;
pub mod task;
pub mod terminal;
pub mod time;
pub mod tool;
pub mod transcript;
pub mod words;

pub use ids::Fresh;
pub use time::{At, Size};
