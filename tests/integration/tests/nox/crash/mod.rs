//! `kill -9` of the engine at any moment: nothing that was acknowledged is lost, nothing keeps running, and the sessions
//! say what happened. The engine is this test program, started once more; see [`child`].

pub(crate) mod child;
mod streaming;
mod tally;
mod writing;

/// A small generator, so that a failure can be played again from its seed.
struct Dice(u64);

impl Dice {
    /// From `NOX_TEST_SEED`, else from the clock. Answers the seed as well, to be printed.
    fn new() -> (Self, u64) {
        let named = std::env::var("NOX_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let clock = || std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_nanos() as u64);
        let seed = named.unwrap_or_else(clock);
        (Self(seed), seed)
    }

    /// A number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
