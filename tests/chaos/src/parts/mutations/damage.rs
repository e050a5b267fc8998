//! One damage, one start of the engine, and what it must say and keep.

use super::Kept;
use crate::engine::{LONG, open, say};
use nox_api::{Api, domain::rows::FileProblem, dto::Nothing};
use nox_store::{Options, Store};
use nox_test_support::{
    Tally,
    mutate::{Lots, mutate_database},
    mutate_text::mutate_text,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
    time::Duration,
};
use tokio::time::{Instant, timeout};

const PANIC: &str = super::ABORT;
const KEPT: &str = "the damaged original is kept";
const NAMED: &str = "a damaged file is named, with the line in texts";
const ANSWERS: &str = "an engine on a damaged file opens, or says why not";

/// What was said by panics, which a test would not hear in a task of its own.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What is damaged: weights of a hundred.
const TARGETS: [(u64, Target); 5] = [
    (35, Target::Database),
    (15, Target::Text("registry/agents/chaos/agent.toml")),
    (15, Target::Text("registry/policy.toml")),
    (10, Target::Text("local.toml")),
    (25, Target::Task),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Database,
    /// Below the home.
    Text(&'static str),
    /// Any file of a task.
    Task,
}

/// The process that tries: `tries` seeds from `seed` on, each on a fresh copy of the template's home.
pub(crate) fn run_child(template: &Path, seed: &str, tries: &str, root: &Path) -> ExitCode {
    let (Ok(seed), Ok(tries)) = (seed.parse::<u64>(), tries.parse::<u64>()) else { return ExitCode::from(2) };
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        PANICS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(text);
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut tally = Tally::default();
    for seed in seed..seed + tries {
        say(&format!("try {seed}"));
        runtime.block_on(one(template, root, seed, &mut tally));
        let heard = std::mem::take(&mut *PANICS.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        tally.check(seed, PANIC, heard.is_empty(), || heard.join("\n"));
    }
    for (name, promise) in tally.promises() {
        say(&format!("promise {}", serde_json::json!((name, Kept::from(promise)))));
    }
    say("over");
    ExitCode::SUCCESS
}

/// Waits until every promised write is done: what is damaged afterwards is not merged with one that was pending.
pub(super) async fn until_written(root: &Path) {
    let deadline = Instant::now() + LONG;
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(root.join("home/nox.db"), flags).unwrap();
    loop {
        let pending: i64 = db.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap_or(1);
        if pending == 0 && task_files(&root.join("home")).len() >= 6 {
            return;
        }
        assert!(Instant::now() < deadline, "the files are never written");
        // Writing has no push of its own; this only spaces the looks.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn task_files(home: &Path) -> Vec<PathBuf> {
    let inside =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = inside(home.join("registry/tasks"))
        .flat_map(inside)
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    files.sort();
    files
}

async fn one(template: &Path, root: &Path, seed: u64, tally: &mut Tally) {
    let mut lots = Lots::new(seed);
    let home = root.join("home");
    let _ = fs::remove_dir_all(&home);
    super::super::copy_all(&template.join("home"), &home).unwrap();
    let mut draw = lots.below(100) as u64;
    let target = TARGETS.iter().find(|(weight, _)| match draw.checked_sub(*weight) {
        Some(rest) => {
            draw = rest;
            false
        }
        None => true,
    });
    match target.map(|(_, target)| *target) {
        Some(Target::Database) | None => database(root, seed, &mut lots, tally).await,
        Some(Target::Text(path)) => text(root, &home.join(path), seed, &mut lots, tally).await,
        Some(Target::Task) => {
            let files = task_files(&home);
            text(root, &files[lots.below(files.len())], seed, &mut lots, tally).await;
        }
    }
}

async fn begin(root: &Path, seed: u64, how: &str, tally: &mut Tally) -> Option<Result<Api, String>> {
    let opened = timeout(LONG, open(root)).await;
    tally.check(seed, ANSWERS, opened.is_ok(), || format!("{how}: opening takes too long"));
    opened.ok()
}

async fn end(api: Api, seed: u64, how: &str, tally: &mut Tally) {
    let closed = timeout(LONG, api.close()).await;
    tally.check(seed, ANSWERS, closed.is_ok(), || format!("{how}: closing takes too long"));
}

/// The bytes of a file or of all files of its place; none where there is none. A folder has no bytes.
fn bytes_at(path: &Path) -> [Option<Vec<u8>>; 2] {
    ["", "-wal"].map(|tail| {
        let mut name = path.as_os_str().to_owned();
        name.push(tail);
        fs::read(name).ok()
    })
}

async fn database(root: &Path, seed: u64, lots: &mut Lots, tally: &mut Tally) {
    let path = root.join("home/nox.db");
    let how = mutate_database(&path, lots).unwrap();
    let before = bytes_at(&path);
    // Whether the store finds it at once, found out on a copy.
    let copy = root.join("copy");
    let _ = fs::remove_dir_all(&copy);
    fs::create_dir_all(&copy).unwrap();
    for name in ["nox.db", "nox.db-wal"] {
        let _ = fs::copy(root.join("home").join(name), copy.join(name));
    }
    let is_refused = path.is_dir() || {
        let copy = copy.join("nox.db");
        let store = tokio::task::spawn_blocking(move || Store::open(&copy, Options::default()));
        match store.await {
            Ok(Ok(store)) => {
                let _ = tokio::task::spawn_blocking(move || store.close()).await;
                false
            }
            _ => true,
        }
    };
    match begin(root, seed, &how, tally).await {
        None => {}
        Some(Err(message)) => {
            tally.check(seed, NAMED, message.contains("nox.db"), || format!("{how}: {message}"));
            tally.check(seed, KEPT, bytes_at(&path) == before, || format!("{how}: refused, and changed"));
        }
        Some(Ok(api)) => {
            let aside = api.engine().beginning().set_aside.clone();
            if let Some(aside) = &aside {
                tally.check(seed, KEPT, bytes_at(aside) == before, || {
                    format!("{how}: {} is not as it was", aside.display())
                });
                tally.check(seed, NAMED, aside.display().to_string().contains("nox.db"), || how.clone());
            } else if path.is_file() && before[0].is_some() {
                tally.check(seed, NAMED, !is_refused, || {
                    format!("{how}: the engine opened it and said nothing")
                });
            }
            end(api, seed, &how, tally).await;
        }
    }
}

async fn text(root: &Path, path: &Path, seed: u64, lots: &mut Lots, tally: &mut Tally) {
    let mut bytes = fs::read(path).unwrap_or_default();
    let how = mutate_text(&mut bytes, lots);
    fs::write(path, &bytes).unwrap();
    let home = root.join("home");
    let name = path.strip_prefix(home.join("registry")).or(path.strip_prefix(&home)).unwrap();
    let name = name.to_string_lossy().into_owned();
    let how = format!("{name} {how}");
    let api = match begin(root, seed, &how, tally).await {
        None => return,
        Some(Err(message)) => {
            tally.check(seed, NAMED, message.contains(&name), || format!("{how}: {message}"));
            tally.check(seed, KEPT, fs::read(path).is_ok_and(|now| now == bytes), || how.clone());
            return;
        }
        Some(Ok(api)) => api,
    };
    let looked = timeout(LONG, api.looked()).await.is_ok_and(|looked| looked.is_ok());
    tally.check(seed, ANSWERS, looked, || format!("{how}: the files are never looked at"));
    let all = api.snapshot(Nothing {}).await;
    tally.check(seed, ANSWERS, all.is_ok(), || format!("{how}: {all:?}"));
    if let Ok(all) = all {
        let problem = all.problems.iter().find(|problem| problem.path == name);
        let shown = match name.as_str() {
            "policy.toml" | "local.toml" => !is_broken_toml(&bytes),
            "agents/chaos/agent.toml" => {
                !is_broken_toml(&bytes) && all.agents.iter().any(|row| row.agent.id.as_str() == "chaos")
            }
            _ => all.cards.iter().any(|card| card.task.path == name) && std::str::from_utf8(&bytes).is_ok(),
        };
        tally.check(seed, NAMED, shown || problem.is_some(), || format!("{how}: neither shown nor named"));
        if let Some(problem) = problem {
            tally.check(seed, NAMED, is_placed(problem, &bytes), || format!("{how}: {problem:?}"));
        }
    }
    end(api, seed, &how, tally).await;
    let now = fs::read(path).unwrap_or_default();
    tally.check(seed, KEPT, now == bytes || is_in_git(&home, &bytes), || {
        format!("{how}: it is {:?} now", String::from_utf8_lossy(&now))
    });
}

fn is_broken_toml(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or(true, |text| toml::from_str::<toml::Table>(text).is_err())
}

/// Whether the problem says where: a line that the file has, or the one behind its last.
fn is_placed(problem: &FileProblem, bytes: &[u8]) -> bool {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u32 + 2;
    (1..=lines).contains(&problem.line) && !problem.message.is_empty() && !problem.hint.is_empty()
}

/// Whether the registry's git has these very bytes: then a file that Nox wrote meanwhile can be had back.
fn is_in_git(home: &Path, bytes: &[u8]) -> bool {
    let Ok(repository) = git2::Repository::open(home.join("registry")) else { return false };
    let Ok(id) = git2::Oid::hash_object(git2::ObjectType::Blob, bytes) else { return false };
    repository.find_blob(id).is_ok()
}
