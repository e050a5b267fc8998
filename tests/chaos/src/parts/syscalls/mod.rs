//! SIGKILL, ENOSPC and EIO at every call of the system that makes something durable: nothing is acknowledged that is not
//! there, originals stay whole, and the same process works again when there is room.
//!
//! Each scenario is run once without faults, which counts its calls and gives the picture of the home that every other
//! run must end in. Then one run for each fault, kind of call and number, and some beyond, which meet none. The quick form
//! does one scenario; where it has more points than tries, lots are drawn, and so in scenarios that say how many at most.

mod child;
mod scenarios;
mod strace;

use super::copy_all;
use crate::{
    engine::{Engine, LONG, myself, panics},
    examine,
    plan::Context,
};
use futures::{StreamExt, future::BoxFuture};
use nox_api::domain::ids::CommandId;
use nox_test_support::{Dice, Promise, Tally};
use scenarios::Scenario;
use std::{
    fs,
    path::{Path, PathBuf},
};
use strace::{Fault, KINDS, Point};
use tokio::time::timeout;

/// Runs at the same time.
const BESIDE: usize = 2;
/// Calls of one kind and thread that are tried beyond those that were counted: the number differs a little from run to run.
const BEYOND: u32 = 2;

const TRACED: &str = "strace can make calls of the system fail here";
const HONEST: &str = "what was acknowledged at a failing call is there";
const SAME: &str = "a home ends as without the fault, originals whole";
const RECOVERS: &str = "the same process works again when there is room";
const AGAIN: &str = "the next start works after a fault";
const PANIC: &str = "no panic at a failing call";
const MET: &str = "faults that were met";

pub(crate) use child::run as run_child;

/// Scenarios of the long form.
pub(crate) const SCENARIOS: u32 = scenarios::ALL.len() as u32;

pub(crate) fn run(context: Context) -> BoxFuture<'static, Tally> {
    Box::pin(async move {
        let mut tally = Tally::default();
        if let Some(why) = strace::unusable().await {
            println!("    strace cannot be used here, so nothing was tried: {why}");
            match std::env::var_os("CI") {
                Some(_) => tally.check(context.seed, TRACED, false, || why),
                None => tally.add(&format!("NOT TRIED, no strace: {HONEST}"), &Promise::default()),
            }
            return tally;
        }
        if context.form.is_long() {
            let first = context.first as usize;
            for scenario in scenarios::ALL.iter().skip(first).take(context.tries as usize) {
                tally.merge(&every_point(&context, scenario, scenario.most).await);
            }
        } else {
            tally.merge(&every_point(&context, &scenarios::ALL[0], Some(context.tries)).await);
        }
        tally
    })
}

/// A prepared home, and how it must look afterwards.
struct Ground<'a> {
    seed: u64,
    scenario: &'a Scenario,
    folder: PathBuf,
    template: PathBuf,
    reference: Vec<String>,
}

async fn every_point(context: &Context, scenario: &Scenario, sample: Option<u32>) -> Tally {
    let folder = context.homes.join(scenario.name.replace(' ', "-"));
    let mut tally = Tally::default();
    let (ground, counts) = match Ground::prepare(context.seed, scenario, &folder).await {
        Ok(ready) => ready,
        Err(message) => {
            tally
                .check(context.seed, SAME, false, || format!("{} without a fault: {message}", scenario.name));
            return tally;
        }
    };
    let mut points = points(&counts, context.form.is_long());
    if let Some(tries) = sample {
        let mut dice = Dice::new(context.seed);
        while points.len() > tries as usize {
            points.swap_remove(dice.place(points.len()));
        }
    }
    let all = points.len();
    let runs = futures::stream::iter(
        points.into_iter().enumerate().map(|(index, point)| ground.point(index, point)),
    );
    let results: Vec<(bool, Tally)> = runs.buffer_unordered(BESIDE).collect().await;
    let met = results.iter().filter(|(met, _)| *met).count();
    results.iter().for_each(|(_, seen)| tally.merge(seen));
    let by_kind: Vec<String> = counts.iter().zip(KINDS).map(|(n, (kind, _))| format!("{n} {kind}")).collect();
    println!(
        "    {}: {met} of {all} points met; calls: {}",
        scenario.name,
        by_kind.join(", ").replace('?', "")
    );
    tally.check(context.seed, MET, met * 2 > all, || format!("{}: only {met} of {all}", scenario.name));
    tally
}

fn points(counts: &[u32], is_long: bool) -> Vec<Point> {
    let mut points = Vec::new();
    for (kind, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        for fault in Fault::ALL {
            if KINDS[kind].1.has(fault, is_long) {
                points.extend((1..=count + BEYOND).map(|number| Point { fault, kind, number }));
            }
        }
    }
    points
}

/// What a run said.
#[derive(Default)]
struct Said {
    asked: Vec<child::Asked>,
    done: Vec<examine::Acknowledged>,
    portrait: Option<Vec<String>>,
    over: bool,
    /// Whether the process ended by itself and well.
    ended_well: bool,
    failed: Option<String>,
}

impl<'a> Ground<'a> {
    async fn prepare(seed: u64, scenario: &'a Scenario, folder: &Path) -> Result<(Self, Vec<u32>), String> {
        let template = folder.join("template");
        fs::create_dir_all(&template).map_err(|error| error.to_string())?;
        let mut ground = Self { seed, scenario, folder: folder.to_owned(), template, reference: Vec::new() };
        let root = ground.template.clone();
        let said = ground.hear(ground.launch(&["prepare", scenario.name], &root)).await;
        if !said.over {
            return Err(format!("it was not prepared: {:?}", said.failed));
        }
        if scenario.old {
            make_old(&root.join("home/nox.db")).map_err(|error| error.to_string())?;
        }
        // Without a fault: the calls are counted, and the picture of the end is taken.
        let root = ground.copy("reference")?;
        let said = ground.traced(&root, None).await;
        if !said.over {
            return Err(format!("it does not end: {:?}", said.failed));
        }
        let counts = strace::counts(&root);
        ground.reference = said.portrait.unwrap_or_default();
        Ok((ground, counts))
    }

    fn copy(&self, name: &str) -> Result<PathBuf, String> {
        let root = self.folder.join(name);
        copy_all(&self.template, &root).map_err(|error| format!("{}: {error}", root.display()))?;
        Ok(root)
    }

    async fn traced(&self, root: &Path, point: Option<&Point>) -> Said {
        let command = strace::command(point, &["scenario", self.scenario.name], root);
        self.hear(Engine::launch(command, root, &self.temporary())).await
    }

    /// Listens to a process until it is over or dead, and lets it close.
    async fn hear(&self, mut engine: Engine) -> Said {
        let mut said = Said::default();
        while let Some(line) = engine.line().await {
            let mut words = line.splitn(4, ' ');
            let mut word = || words.next().unwrap_or_default().to_owned();
            match word().as_str() {
                "asked" => {
                    let command = CommandId::parse(&word()).unwrap();
                    said.asked.push((command, word(), serde_json::from_str(&word()).unwrap_or_default()));
                }
                "done" => said.done.push((word(), word().parse().unwrap_or_default())),
                "portrait" => {
                    let text = line.split_once(' ').map_or("", |(_, text)| text);
                    said.portrait = serde_json::from_str(text).ok();
                }
                "over" => {
                    said.over = true;
                    engine.release();
                }
                "failed" => said.failed = Some(line),
                _ => {}
            }
        }
        said.ended_well = engine.ended().await;
        said
    }

    /// One run with one fault. Answers whether the fault was met.
    async fn point(&self, index: usize, point: Point) -> (bool, Tally) {
        let mut tally = Tally::default();
        let wrong = |what: &str| {
            let name = self.scenario.name;
            format!("{name}, {}: {what}", point.words())
        };
        let root = match self.copy(&format!("point-{index}")) {
            Ok(root) => root,
            Err(message) => {
                tally.check(self.seed, SAME, false, || wrong(&message));
                return (false, tally);
            }
        };
        let said = self.traced(&root, Some(&point)).await;
        let met = match point.fault {
            Fault::Kill => !said.ended_well && said.failed.is_none(),
            _ => strace::was_met(&root),
        };
        if met {
            examine::dead_home(&root, &said.done, self.seed, &mut tally).await;
            if point.fault != Fault::Kill {
                // An engine may refuse to start on a disk that fails; once it is open, it has to come through.
                let came_through = said.over || said.asked.is_empty();
                tally.check(self.seed, RECOVERS, came_through, || wrong(&format!("{:?}", said.failed)));
            }
            let mut resent = Tally::default();
            let found = timeout(LONG, self.look(&root, &said, &mut resent)).await;
            let found = found.unwrap_or_else(|_| Err("it takes too long".to_owned()));
            for (promise, seen) in resent.promises() {
                let seen = Promise { wrong: wrong(&seen.wrong), ..seen.clone() };
                tally.add(promise, &seen);
            }
            tally.check(self.seed, AGAIN, found.is_ok(), || wrong(&format!("{found:?}")));
            if let Ok(found) = found {
                tally.check(self.seed, SAME, found == self.reference, || {
                    wrong(&format!("{found:#?}\ninstead of {:#?}", self.reference))
                });
            }
            let panicked = panics(&root);
            tally.check(self.seed, PANIC, panicked.is_none(), || wrong(&panicked.unwrap_or_default()));
        }
        let _ = fs::remove_dir_all(&root);
        (met, tally)
    }

    /// Starts an engine without faults, sends everything again, and takes the picture of the home.
    async fn look(&self, root: &Path, said: &Said, tally: &mut Tally) -> Result<Vec<String>, String> {
        child::send_again(root, &said.asked);
        let again = self.hear(self.launch(&["scenario", self.scenario.name], root)).await;
        for (command, seq) in &said.done {
            let found = again.done.iter().find(|(id, _)| id == command).map(|(_, seq)| *seq);
            tally.check(self.seed, HONEST, found == Some(*seq), || format!("{command} {seq}: {found:?}"));
        }
        match again.portrait {
            Some(portrait) if again.over => Ok(portrait),
            _ => Err(format!("{:?}", again.failed)),
        }
    }

    fn launch(&self, words: &[&str], root: &Path) -> Engine {
        Engine::launch(myself(words, root), root, &self.temporary())
    }

    /// One for all runs: permissions are bound to it.
    fn temporary(&self) -> PathBuf {
        self.folder.join("tmp")
    }
}

/// Takes a database back to the first schema, with all that is in it.
fn make_old(path: &Path) -> rusqlite::Result<()> {
    let db = rusqlite::Connection::open(path)?;
    db.execute_batch("DROP TABLE archive; PRAGMA user_version = 1;")
}
