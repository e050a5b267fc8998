//! Damaged files: whatever happened to the database, its WAL, an agent, the policy, the settings or a task, the engine
//! does not panic, keeps the original, and says which file it is and where.
//!
//! The tries are made by two processes of this program, one after the other in each, so that a panic or an abort belongs
//! to the try that was said last.

mod damage;

use crate::{
    engine::{Engine, myself},
    hand::Hand,
    plan::Context,
};
use futures::future::BoxFuture;
use nox_api::{
    domain::{
        event::PreAllowed,
        rows::{RequestState, SessionState},
        tool::Decision,
    },
    dto::*,
};
use nox_test_support::{Promise, Tally};
use std::{fs, path::Path, time::Duration};

pub(crate) use damage::run_child;

/// Processes that try at the same time.
const BESIDE: u32 = 2;

const ABORT: &str = "no panic with a damaged file";

pub(crate) fn run(context: Context) -> BoxFuture<'static, Tally> {
    Box::pin(async move {
        let mut tally = Tally::default();
        let template = context.homes.join("template");
        prepare(&template).await;
        let step = context.tries.div_ceil(BESIDE).max(1);
        let workers = (0..context.tries).step_by(step as usize).map(|first| {
            let context = context.clone();
            let tries = step.min(context.tries - first);
            tokio::spawn(async move { work(&context, first, tries).await })
        });
        for worker in workers.collect::<Vec<_>>() {
            tally.merge(&worker.await.unwrap());
        }
        tally
    })
}

/// A home with everything in it, and its newest commits still in the WAL, since its engine is killed.
async fn prepare(root: &Path) {
    fs::create_dir_all(root).unwrap();
    let mut engine = Engine::start(root);
    let hand = Hand::on(&mut engine).await;
    let agent = CreateAgent {
        name: "Chaos".into(),
        description: "Is changed by lots".into(),
        prompt: "Do it well.\n".into(),
        capabilities: vec!["one".into(), "two".into()],
        ..CreateAgent::default()
    };
    let _: Recorded = crate::engine::call(&hand.wire, "create_agent", &agent).await.unwrap();
    let desk = root.join("desk");
    fs::create_dir_all(&desk).unwrap();
    let grant = GrantProject { path: desk.display().to_string() };
    let _: Recorded = crate::engine::call(&hand.wire, "grant_project", &grant).await.unwrap();
    hand.allow_runs(5).await;
    let done = [hand.run("Done", "```sh\necho done\n```\n").await];
    let task = hand.task("Asks", "```sh\necho asked\n```\n").await;
    let start = StartTask { task, agent: None, folder: None, pre_allowed: PreAllowed::Nothing };
    let started: Recorded = crate::engine::call(&hand.wire, "start_task", &start).await.unwrap();
    let asking = [started.session.unwrap()];
    let limit = Duration::from_secs(20);
    hand.until_all(&asking, limit, |state| matches!(state, SessionState::NeedsApproval { .. })).await;
    let open = hand.snapshot().await.requests.into_iter().find(|row| row.state == RequestState::Open);
    let request = open.expect("the session asks").request.id;
    let answer = AnswerRequest {
        request,
        decision: Decision::AllowAlways,
        reason: None,
        answers: Default::default(),
        rule: None,
    };
    let _: Recorded = crate::engine::call(&hand.wire, "answer_request", &answer).await.unwrap();
    hand.until_all(&asking, limit, SessionState::is_closed).await;
    hand.until_all(&done, limit, SessionState::is_closed).await;
    for number in 0..4 {
        let task = hand.task(&format!("Number {number}"), "Some words.\n\n- [ ] one\n- [x] two\n").await;
        hand.title(&task, &format!("Title {number}")).await.unwrap();
    }
    damage::until_written(root).await;
    engine.kill().await;
}

/// Tries from `first` on, in a process of their own; after one that killed it, another goes on.
async fn work(context: &Context, first: u32, tries: u32) -> Tally {
    let mut tally = Tally::default();
    let root = context.homes.join(format!("tries-{first}"));
    fs::create_dir_all(&root).unwrap();
    let template = context.homes.join("template");
    let mut seed = context.seed + u64::from(first);
    let end = seed + u64::from(tries);
    while seed < end {
        let words = ["damage", &template.display().to_string(), &seed.to_string(), &(end - seed).to_string()];
        let mut engine = Engine::launch(myself(&words, &root), &root, &root.join("tmp"));
        let mut last = None;
        let mut over = false;
        while let Some(line) = engine.line().await {
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "try" => last = rest.parse::<u64>().ok(),
                "promise" => {
                    let (name, promise): (String, Kept) = serde_json::from_str(rest).unwrap();
                    tally.add(&name, &promise.into());
                }
                "over" => over = true,
                _ => {}
            }
        }
        engine.ended().await;
        if over {
            break;
        }
        let died = last.unwrap_or(seed);
        tally.check(died, ABORT, false, || {
            crate::engine::panics(&root)
                .unwrap_or_else(|| "the process ended in the middle of the try".to_owned())
        });
        seed = died + 1;
    }
    tally
}

/// A promise on its way between two processes.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    tries: u64,
    failures: u64,
    seed: Option<u64>,
    wrong: String,
}

impl From<Kept> for Promise {
    fn from(kept: Kept) -> Self {
        let Kept { tries, failures, seed, wrong } = kept;
        Self { tries, failures, seed, wrong }
    }
}

impl From<&Promise> for Kept {
    fn from(promise: &Promise) -> Self {
        let Promise { tries, failures, seed, wrong } = promise.clone();
        Self { tries, failures, seed, wrong }
    }
}
