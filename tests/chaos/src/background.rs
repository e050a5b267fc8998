//! A portion that takes longer than a call may: a process of its own works on it, and the next call collects the result.
#![allow(clippy::disallowed_methods, reason = "this program starts itself once more, and no agent")]

use crate::{
    perform_in,
    plan::{Form, Portion},
    state::{self, Row, State},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

/// The process that works on a portion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Background {
    portion: String,
    pid: u32,
}

/// Begins the portion in the background, or finds it there, and waits until it is done or time is over. Answers whether
/// its result was noted.
pub(crate) fn go_on(portion: &Portion, state: &mut State, until: Instant) -> bool {
    let out = result_of(portion);
    if state.background.as_ref().is_none_or(|running| running.portion != portion.name) {
        let _ = fs::remove_file(&out);
        match begin(portion, state.seed, &out) {
            Ok(pid) => state.background = Some(Background { portion: portion.name.clone(), pid }),
            Err(error) => return fail(portion, state, &format!("it cannot be started: {error}")),
        }
        state.write();
        println!("  begins: {}, in the background", portion.name);
    }
    let pid = state.background.as_ref().map_or(0, |running| running.pid);
    loop {
        // Asked before the result is looked for, so that an end in between is not taken for a failure.
        let works = works(pid, &out);
        if let Some(rows) =
            fs::read(&out).ok().and_then(|bytes| serde_json::from_slice::<Vec<Row>>(&bytes).ok())
        {
            state.background = None;
            state.note_rows(portion, rows);
            println!("  ends:   {}", portion.name);
            return true;
        }
        if !works {
            return fail(portion, state, "the process in the background ended without a result");
        }
        if Instant::now() >= until {
            return false;
        }
        // It says nothing until its end; this only spaces the looks.
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn fail(portion: &Portion, state: &mut State, wrong: &str) -> bool {
    let mut tally = nox_test_support::Tally::default();
    tally.check(state.seed, "the part runs to its end", false, || wrong.to_owned());
    state.background = None;
    state.note(portion, &tally, Duration::ZERO);
    true
}

fn result_of(portion: &Portion) -> PathBuf {
    state::folder().join(format!("{}.json", portion.name.replace(' ', "-")))
}

fn begin(portion: &Portion, seed: u64, out: &Path) -> std::io::Result<u32> {
    fs::create_dir_all(state::folder())?;
    let log = File::create(out.with_extension("log"))?;
    let child = Command::new(std::env::current_exe()?)
        .args(["background", portion.part.name, &seed.to_string()])
        .arg(out)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Not the terminal's group: what ends this call does not end it.
        .process_group(0)
        .spawn()?;
    Ok(child.id())
}

/// Whether the process still works on this result; another one may have got its number.
fn works(pid: u32, out: &Path) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let out = out.as_os_str().as_encoded_bytes();
    words.windows(out.len().max(1)).any(|part| part == out)
}

/// The side in the background: runs all of a part and leaves the rows in a file.
pub(crate) fn work(part: &str, seed: &str, out: &Path) -> ExitCode {
    let (Ok(seed), Some(portion)) = (seed.parse(), Portion::whole(part, Form::Long)) else {
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let tally = perform_in(&portion, seed);
    let rows = state::rows(&portion, &tally, begun.elapsed());
    let part = out.with_extension("part");
    let written =
        fs::write(&part, serde_json::to_vec(&rows).unwrap_or_default()).and_then(|()| fs::rename(&part, out));
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
