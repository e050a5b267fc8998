//! The table at the end: promise, tries, failures, the seed that repeats a failure, and how long its part took.

use crate::state::State;

/// Prints the table and what was wrong; answers whether nothing was.
pub(crate) fn print(state: &State) -> bool {
    let name = |row: &crate::state::Row| format!("{}: {}", row.part, row.promise);
    let width = state.rows.iter().map(|row| name(row).chars().count()).max().unwrap_or(0).max(7);
    println!("\n{:<width$}  {:>9}  {:>8}  {:>16}  time", "promise", "tries", "failures", "seed");
    for row in &state.rows {
        let seed = row.seed.unwrap_or(state.seed);
        let time = format!("{} s", row.took_ms.div_ceil(1_000));
        println!("{:<width$}  {:>9}  {:>8}  {seed:>16}  {time}", name(row), row.tries, row.failures);
    }
    println!();
    for row in state.rows.iter().filter(|row| row.failures > 0) {
        let seed = row.seed.unwrap_or(state.seed);
        println!("FAILED {}\n  {}", name(row), row.wrong.replace('\n', "\n  "));
        println!("  repeat it: npm run chaos -- --part {} --seed {seed} --tries 20\n", row.part);
    }
    state.rows.iter().all(|row| row.failures == 0)
}

/// The closing line: promises kept, promises broken.
pub(crate) fn close(state: &State) {
    let failed = state.rows.iter().filter(|row| row.failures > 0).count();
    println!("{} passed, {failed} failed", state.rows.len() - failed);
}
