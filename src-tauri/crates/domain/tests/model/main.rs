//! The core of a session against a reference model, over random histories with a clock of their own.
//!
//! `NOX_TEST_HISTORIES` says how many (2,400 by default), `NOX_TEST_SEED` plays one again. A failure prints its seed and
//! the shortest beginning of its history that fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checks;
mod dials;
mod driver;
mod hears;
mod play;
mod queue;
mod reference;
mod steering;

use nox_domain::session::moves::{Move, legal_moves};
use play::Play;
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Steps of the longest history.
const STEPS: u32 = 160;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Plays a history; answers the moves that it reached, or how it failed.
fn history(seed: u64, steps: u32) -> Result<Play, String> {
    let mut play = Play::new(seed);
    match catch_unwind(AssertUnwindSafe(|| play.play(steps))) {
        Ok(()) => Ok(play),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("{}\n{}", play.trace.join("\n"), text.unwrap_or_default()))
        }
    }
}

#[test]
fn the_core_does_what_the_reference_does() {
    let count = number("NOX_TEST_HISTORIES").unwrap_or(2_400);
    let seeds = match number("NOX_TEST_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..count + 1,
    };
    let single = seeds.end - seeds.start == 1;
    let mut reached: BTreeSet<Move> = BTreeSet::new();
    let mut illegal: BTreeMap<String, u64> = BTreeMap::new();
    // A failed history is told below, with its seed.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut failed = None;
    for seed in seeds {
        match history(seed, STEPS) {
            Ok(play) => {
                reached.extend(play.seen);
                illegal.extend(play.illegal.into_iter().map(|moved| (moved.to_string(), seed)));
            }
            Err(_) => {
                let shortest = (1..=STEPS).find_map(|steps| Some((steps, history(seed, steps).err()?)));
                failed = Some((seed, shortest.unwrap_or_default()));
                break;
            }
        }
    }
    std::panic::set_hook(hook);
    if let Some((seed, (steps, story))) = failed {
        panic!("NOX_TEST_SEED={seed} fails at step {steps}:\n{story}");
    }
    assert!(illegal.is_empty(), "moves that are not in the table, each with a NOX_TEST_SEED: {illegal:#?}");
    let dead: Vec<String> =
        legal_moves().filter(|moved| !reached.contains(moved)).map(|moved| moved.to_string()).collect();
    if !single && count >= 2_400 {
        assert!(dead.is_empty(), "no history makes these moves of the table:\n{}", dead.join("\n"));
    }
}
