//! What agents print in these tests: much, long lines, bytes that are no text, and numbered lines at a steady rate.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::{Duration, Instant, SystemTime},
};

const BLOCK: usize = 64 * 1024;

/// Prints; `kind` and `amount` are those of [`write`].
pub(crate) fn run(kind: &str, amount: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    if kind == "memory" {
        return hold(amount);
    }
    match write(&mut out, kind, amount).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// `lines N`, `line N`, `noise N`: N bytes. `rate RxS`, `stamped RxS`: R lines a second for S seconds.
fn write(out: &mut impl Write, kind: &str, amount: &str) -> io::Result<()> {
    let bad = || io::Error::other("no such kind or amount");
    if let Some((rate, seconds)) = amount.split_once('x') {
        let rate: u64 = rate.parse().map_err(|_| bad())?;
        let seconds: u64 = seconds.parse().map_err(|_| bad())?;
        return steadily(out, rate, seconds, kind == "stamped");
    }
    let bytes: usize = amount.parse().map_err(|_| bad())?;
    let block = match kind {
        "lines" => b"A line of output as a build writes it, with a path/of/some/file.rs:12:34\n".repeat(900),
        "line" => vec![b'x'; BLOCK],
        "noise" => noise(),
        _ => return Err(bad()),
    };
    let mut left = bytes;
    while left > 0 {
        let part = left.min(block.len());
        out.write_all(&block[..part])?;
        left -= part;
    }
    Ok(())
}

/// NULs, broken UTF-8, escape sequences that are never ended, and every other byte.
fn noise() -> Vec<u8> {
    let mut block = Vec::with_capacity(BLOCK);
    let parts: [&[u8]; 6] = [
        &[0; 7],
        &[0xff, 0xfe, 0xc3, 0x28],
        b"\x1b]52;c;",
        b"\x1b[38;5;",
        &[0xf0, 0x9f, 0x92],
        b"\r\n\x08\x7f",
    ];
    for number in 0_usize.. {
        block.extend_from_slice(parts[number % parts.len()]);
        block.extend((0..=u8::MAX).skip(number % 200).take(11));
        if block.len() >= BLOCK {
            return block;
        }
    }
    block
}

fn steadily(out: &mut impl Write, rate: u64, seconds: u64, stamped: bool) -> io::Result<()> {
    let begun = Instant::now();
    for number in 0..rate * seconds {
        // Slow ones are flushed line by line, as a program that talks does; quick ones in small heaps.
        let due = begun + Duration::from_secs_f64(number as f64 / rate as f64);
        if number % (rate / 200).max(1) == 0 {
            out.flush()?;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        if stamped {
            let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_micros();
            writeln!(out, "{number} {now}")?;
        } else {
            writeln!(out, "{number}")?;
        }
    }
    out.flush()
}

/// Takes so many megabytes and touches them, some each moment; it leaves two gigabytes to the machine.
fn hold(amount: &str) -> ExitCode {
    const STEP_MB: usize = 64;
    const LEFT_MB: usize = 2048;
    let Ok(wanted) = amount.parse::<usize>() else { return ExitCode::FAILURE };
    let mut held = Vec::new();
    for _ in 0..wanted / STEP_MB {
        let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
        let available =
            line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0);
        if available / 1024 < LEFT_MB + STEP_MB {
            break;
        }
        held.push(vec![1u8; STEP_MB * 1024 * 1024]);
        std::thread::sleep(Duration::from_millis(20));
    }
    std::hint::black_box(&held);
    // It stays until it is ended, as a program that leaks does.
    std::thread::sleep(Duration::from_secs(60));
    ExitCode::SUCCESS
}

/// The line of a runbook block that prints.
pub(crate) fn block(kind: &str, amount: &str) -> String {
    let program = std::env::current_exe().unwrap_or_default();
    format!("```sh\nexec '{}' emit {kind} {amount}\n```\n", program.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: &str, amount: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, kind, amount).unwrap();
        out
    }

    #[test]
    fn as_much_is_written_as_was_asked_for() {
        for kind in ["lines", "line", "noise"] {
            assert_eq!(written(kind, "200001").len(), 200_001, "{kind}");
        }
        assert!(!written("line", "100000").contains(&b'\n'));
        assert!(
            written("noise", "1000").contains(&0) && String::from_utf8(written("noise", "1000")).is_err()
        );
        let lines: String = (0..300).map(|number| format!("{number}\n")).collect();
        assert_eq!(String::from_utf8(written("rate", "300x1")).unwrap(), lines);
    }
}
