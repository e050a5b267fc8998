//! A program that prints lines at a steady rate, as a busy build does, and remembers when.

use crate::error::Error;
use std::{
    fs,
    io::{self, Write},
    path::Path,
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Lines are written in portions of this length of time, each with one call of the system.
const PORTION: Duration = Duration::from_millis(5);

/// Prints `rate` lines a second; then writes to `record`, line by line, when each was written: UTC in milliseconds with
/// three decimals.
pub(crate) fn print(rate: u64, seconds: u64, record: &Path) -> Result<(), Error> {
    let mut written_at = String::new();
    let mut out = io::stdout().lock();
    let begun = Instant::now();
    let all = rate * seconds;
    let mut printed = 0;
    while printed < all {
        let due = (begun.elapsed().as_micros() as u64 * rate / 1_000_000).min(all);
        let mut portion = String::new();
        for number in printed..due {
            portion.push_str(&format!(
                "line {number} compiling module {} of the sample project\n",
                number % 997
            ));
        }
        let at_ms =
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as f64 / 1000.0;
        out.write_all(portion.as_bytes())?;
        out.flush()?;
        for _ in printed..due {
            written_at.push_str(&format!("{at_ms:.3}\n"));
        }
        printed = due;
        sleep(PORTION);
    }
    fs::write(record, written_at)?;
    Ok(())
}
