//! Starting and stopping again and again: no descriptor, thread, zombie or process stays.

use crate::{engine::Engine, hand::Hand, measure::Counts, plan::Context};
use futures::future::BoxFuture;
use nox_api::domain::rows::SessionState;
use nox_test_support::{Tally, processes};
use std::{fs, time::Duration};

/// Cycles before the first count: pools of threads and caches are filled by then.
const WARM: u32 = 10;
/// Threads of a pool come and go; one more for each cycle does not.
const THREADS: u64 = 8;
/// A session starts and stops within this time, or it hangs.
const LIMIT: Duration = Duration::from_secs(20);

const STOPS: &str = "a session starts and stops";
const GROWTH: &str = "no growth of descriptors, threads or zombies over start/stop cycles";
const LEFT: &str = "no process is left after its session was stopped";

pub(crate) fn run(context: Context) -> BoxFuture<'static, Tally> {
    Box::pin(async move {
        let mut tally = Tally::default();
        let mark = processes::new_mark();
        let root = context.homes.join(&mark);
        fs::create_dir_all(&root).unwrap();
        let mut engine = Engine::start(&root);
        let hand = Hand::on(&mut engine).await;
        hand.allow_runs(8).await;
        let mut before = Counts::default();
        for cycle in 0..WARM + context.tries {
            if cycle == WARM {
                before = Counts::of(engine.pid());
            }
            let session = hand.run("Waits", "```sh\nsetsid sleep 300 & sleep 300\n```\n").await;
            let one = [session];
            let started = hand
                .until_all(&one, LIMIT, |state| matches!(state, SessionState::Running { doing: Some(_) }))
                .await;
            let stopped = hand.stop(&one[0]).await.is_ok()
                && hand.until_all(&one, LIMIT, SessionState::is_closed).await;
            tally.check(context.seed, STOPS, started && stopped, || {
                format!("cycle {cycle}: started {started}, stopped {stopped}")
            });
            if !started || !stopped {
                break;
            }
            let left: Vec<u32> =
                processes::marked(&mark).into_iter().filter(|pid| *pid != engine.pid()).collect();
            tally.check(context.seed, LEFT, left.is_empty(), || format!("cycle {cycle}: {left:?}"));
        }
        let after = Counts::of(engine.pid());
        let steady = after.descriptors <= before.descriptors + 2
            && after.threads <= before.threads + THREADS
            && after.zombies <= before.zombies;
        tally.check(context.seed, GROWTH, steady, || format!("{before:?} before, {after:?} after"));
        println!("    {} cycles: {before:?} before, {after:?} after", context.tries);
        drop(hand);
        engine.close().await;
        tally
    })
}
