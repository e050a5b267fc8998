//! What was done: results by portion. The long form keeps them in a file below `target/`, so that it can be gone on with.

use crate::{args::Wanted, background::Background, plan::Portion};
use nox_test_support::{Promise, Tally, seed_of_the_clock};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) seed: u64,
    pub(crate) rows: Vec<Row>,
    /// What works on a portion between two calls.
    pub(crate) background: Option<Background>,
    done: BTreeMap<String, Vec<Row>>,
    /// None for the quick form, which is run at once.
    file: Option<PathBuf>,
    asked: Asked,
}

/// What the tries were asked for with; another question begins anew.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    seed: Option<u64>,
    tries: Option<u32>,
    #[serde(default)]
    skip: u32,
}

/// What came of one promise of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) part: String,
    pub(crate) promise: String,
    pub(crate) tries: u64,
    pub(crate) failures: u64,
    /// The seed of the first failure.
    pub(crate) seed: Option<u64>,
    pub(crate) wrong: String,
    /// How long the portion took that tried it, with everything else that this portion tried.
    #[serde(default)]
    pub(crate) took_ms: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    seed: u64,
    asked: Asked,
    done: BTreeMap<String, Vec<Row>>,
    background: Option<Background>,
}

impl State {
    /// Begins, or goes on with what an earlier call of the long form has done.
    pub(crate) fn open(wanted: &Wanted) -> Self {
        let asked = Asked { seed: wanted.seed, tries: wanted.tries, skip: wanted.skip };
        let file = wanted.form.is_long().then(|| folder().join("state.json"));
        let stored = file.as_ref().filter(|_| !wanted.fresh).and_then(|path| fs::read(path).ok());
        let stored = stored.and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok());
        let seed = wanted.seed.unwrap_or_else(seed_of_the_clock);
        match stored.filter(|stored| stored.asked == asked) {
            Some(Stored { seed, done, background, .. }) => {
                Self { seed, done, background, file, asked, ..Self::default() }
            }
            None => Self { seed, file, asked, ..Self::default() },
        }
    }

    /// Whether a portion was done by an earlier call; its rows count.
    pub(crate) fn has(&mut self, portion: &Portion) -> bool {
        let Some(rows) = self.done.get(&portion.name) else { return false };
        for row in rows.clone() {
            self.add(row);
        }
        true
    }

    /// Notes what came of a portion.
    pub(crate) fn note(&mut self, portion: &Portion, tally: &Tally, took: Duration) {
        self.note_rows(portion, rows(portion, tally, took));
    }

    /// Notes the rows of a portion.
    pub(crate) fn note_rows(&mut self, portion: &Portion, rows: Vec<Row>) {
        for row in &rows {
            self.add(row.clone());
        }
        // A portion with failures is tried again by the next call: it may have been repaired meanwhile.
        if rows.iter().all(|row| row.failures == 0) {
            self.done.insert(portion.name.clone(), rows);
        }
        self.write();
    }

    fn add(&mut self, new: Row) {
        match self.rows.iter_mut().find(|row| row.part == new.part && row.promise == new.promise) {
            None => self.rows.push(new),
            Some(row) => {
                row.tries += new.tries;
                row.failures += new.failures;
                row.took_ms += new.took_ms;
                if row.seed.is_none() {
                    row.seed = new.seed;
                    row.wrong = new.wrong;
                }
            }
        }
    }

    /// Keeps it for the next call.
    pub(crate) fn write(&self) {
        let Some(path) = &self.file else { return };
        let stored = Stored {
            seed: self.seed,
            asked: self.asked.clone(),
            done: self.done.clone(),
            background: self.background.clone(),
        };
        let written = path
            .parent()
            .map(fs::create_dir_all)
            .transpose()
            .and_then(|_| fs::write(path, serde_json::to_vec_pretty(&stored).unwrap_or_default()));
        if let Err(error) = written {
            eprintln!("{} cannot be written, so the next call begins anew: {error}", path.display());
        }
    }
}

/// The rows of a portion.
pub(crate) fn rows(portion: &Portion, tally: &Tally, took: Duration) -> Vec<Row> {
    tally.promises().map(|(name, promise)| row(portion, name, promise, took)).collect()
}

fn row(portion: &Portion, name: &str, promise: &Promise, took: Duration) -> Row {
    Row {
        part: portion.part.name.to_owned(),
        promise: name.to_owned(),
        tries: promise.tries,
        failures: promise.failures,
        seed: promise.seed,
        wrong: promise.wrong.clone(),
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }
}

/// Where the long form keeps what it has done: `chaos` in the `target` folder that this program was built into.
pub(crate) fn folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.ancestors().nth(2).map_or_else(PathBuf::new, PathBuf::from).join("chaos")
}
