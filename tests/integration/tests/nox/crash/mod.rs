//! `kill -9` of the engine while it writes files. Kills at any moment and under any load are a part of `tests/chaos`; what
//! needs a look at the store beside it stays here. The engine is this test program, started once more; see [`child`].

pub(crate) mod child;
mod writing;
