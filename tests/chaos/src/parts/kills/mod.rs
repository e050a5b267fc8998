//! Random SIGKILLs of the engine under load: nothing that was acknowledged is lost or doubled, nothing is torn, and
//! nothing that it started lives two seconds later.
//!
//! A home has many lives. In each an engine starts, is asked whether everything is there that its predecessors
//! acknowledged, works for a moment under load, and is killed. Two homes at a time share the processors.

mod check;
mod load;

use crate::{
    book::Book,
    engine::{Engine, panics},
    examine,
    plan::Context,
};
use futures::future::BoxFuture;
use load::Client;
use nox_test_support::{Dice, Tally, processes};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Lives of one home, at most: after them it is closed in order, and a fresh one begins.
const LIVES: u32 = 20;
/// Homes at the same time.
const HOMES: usize = 2;
/// How long what an engine started may outlive it.
const GONE: Duration = Duration::from_secs(2);

pub(crate) const ALIVE: &str = "no live process two seconds after a kill";
pub(crate) const CLOSES: &str = "an engine starts after a kill, and closes in order";
pub(crate) const PANIC: &str = "no panic";

pub(crate) fn run(context: Context) -> BoxFuture<'static, Tally> {
    Box::pin(async move {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let rounds = context.tries.div_ceil(LIVES);
        let next = Arc::new(Mutex::new(0..rounds));
        let workers = (0..HOMES).map(|_| {
            let (context, tally, next) = (context.clone(), tally.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let Some(round) = next.lock().unwrap().next() else { break };
                    let lives = LIVES.min(context.tries - round * LIVES);
                    // The seed of a home is that of its first life, so that it can be played again alone.
                    let seed = context.seed + u64::from(round * LIVES);
                    let seen = home(&context.homes, seed, lives).await;
                    tally.lock().unwrap().merge(&seen);
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
        tally.lock().unwrap().clone()
    })
}

/// One home from its first life to its last.
struct Life {
    root: PathBuf,
    seed: u64,
    dice: Dice,
    book: Arc<Mutex<Book>>,
    tally: Tally,
    /// How long the last process took to be gone, at most.
    slowest: Duration,
}

async fn home(homes: &Path, seed: u64, lives: u32) -> Tally {
    // The name is the mark by which everything that was started here is found.
    let root = homes.join(processes::new_mark());
    fs::create_dir_all(&root).unwrap();
    let mut life = Life {
        root,
        seed,
        dice: Dice::new(seed),
        book: Arc::default(),
        tally: Tally::default(),
        slowest: Duration::ZERO,
    };
    for number in 0..lives {
        if let Err(message) = life.live_and_die(number).await {
            life.tally.check(seed, CLOSES, false, || format!("life {number}: {message}"));
            break;
        }
    }
    match life.last().await {
        Ok(()) => life.tally.check(seed, CLOSES, true, String::new),
        Err(message) => life.tally.check(seed, CLOSES, false, || message),
    }
    let summary = life.book.lock().unwrap().summary();
    println!(
        "    {lives} kills from seed {seed}: {summary}; the slowest end of a tree took {:?}",
        life.slowest
    );
    let panicked = panics(&life.root);
    life.tally.check(seed, PANIC, panicked.is_none(), || panicked.unwrap_or_default());
    let _ = fs::remove_dir_all(&life.root);
    life.tally
}

impl Life {
    fn mark(&self) -> String {
        self.root.file_name().unwrap().to_string_lossy().into_owned()
    }

    async fn live_and_die(&mut self, number: u32) -> Result<(), String> {
        let mut engine = Engine::start(&self.root);
        // Some are killed while they begin, and never say that they are open.
        if number > 0 && self.dice.percent(15) {
            tokio::time::sleep(Duration::from_millis(self.dice.below(250))).await;
        } else {
            engine.opened().await?;
            let client = engine.client().await.map_err(|error| error.to_string())?;
            let client = Client::new(client, self.book.clone(), &self.root);
            self.kept(&client).await;
            self.settle(&client).await;
            let seed = self.dice.draw();
            let working = tokio::spawn(load::work(client, seed));
            // The moment of the kill is what this is about.
            tokio::time::sleep(Duration::from_millis(10 + self.dice.below(290))).await;
            engine.kill().await;
            self.dead(number).await;
            return working.await.map_err(|error| error.to_string());
        }
        engine.kill().await;
        self.dead(number).await;
        Ok(())
    }

    /// After a kill, with nobody there.
    async fn dead(&mut self, number: u32) {
        let mark = self.mark();
        let gone = tokio::task::spawn_blocking(move || processes::wait_gone(&mark, GONE)).await.unwrap();
        self.slowest = self.slowest.max(gone.as_ref().copied().unwrap_or(GONE));
        self.tally.check(self.seed, ALIVE, gone.is_ok(), || format!("life {number}: {gone:?}"));
        let said: Vec<examine::Acknowledged> = {
            let book = self.book.lock().unwrap();
            book.done().map(|(asked, answer)| (asked.id.to_string(), answer.seq.0 as i64)).collect()
        };
        examine::dead_home(&self.root, &said, self.seed, &mut self.tally).await;
    }

    /// The last life ends in order: everything that was begun is brought to its end.
    async fn last(&mut self) -> Result<(), String> {
        let began = Instant::now();
        let mut engine = Engine::start(&self.root);
        engine.opened().await?;
        let client = engine.client().await.map_err(|error| error.to_string())?;
        let client = Client::new(client, self.book.clone(), &self.root);
        self.kept(&client).await;
        fs::write(self.root.join("gate"), "").map_err(|error| error.to_string())?;
        self.finish(&client).await?;
        drop(client);
        if !engine.close().await {
            return Err(format!("the engine did not close well after {:?}", began.elapsed()));
        }
        self.files();
        self.dead(u32::MAX).await;
        Ok(())
    }
}
