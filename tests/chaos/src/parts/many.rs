//! A crowd: many sessions print at the same time for minutes. Every line is counted end to end, and nothing that the
//! engine holds grows meanwhile.

use crate::{
    emit,
    engine::{Engine, panics},
    hand::Hand,
    measure::Counts,
    plan::Context,
};
use futures::future::BoxFuture;
use nox_api::domain::rows::SessionState;
use nox_test_support::{Tally, processes};
use std::{fs, time::Duration};
use tokio::time::Instant;

const LOSS: &str = "no line of any session is lost";
const ENDS: &str = "every session of a crowd ends well";
const GROWTH: &str = "no growth of descriptors, threads or zombies in a crowd";
const PANIC: &str = "no panic in a crowd";

/// How far the last quarter may be above the first: pools of threads breathe, a leak grows with the lines.
const THREADS: f64 = 8.0;
const DESCRIPTORS: f64 = 4.0;

struct Size {
    sessions: usize,
    seconds: u64,
    /// Lines a second of each session.
    rate: u64,
}

pub(crate) fn run(context: Context) -> BoxFuture<'static, Tally> {
    let size = match context.form.is_long() {
        true => Size { sessions: 200, seconds: 600, rate: 5 },
        false => Size { sessions: 40, seconds: 15, rate: 20 },
    };
    Box::pin(crowd(context, size))
}

async fn crowd(context: Context, size: Size) -> Tally {
    let mut tally = Tally::default();
    let root = context.homes.join(processes::new_mark());
    fs::create_dir_all(&root).unwrap();
    let mut engine = Engine::start(&root);
    let hand = Hand::on(&mut engine).await;
    hand.allow_runs(200).await;
    let body = emit::block("rate", &format!("{}x{}", size.rate, size.seconds));
    let mut sessions = Vec::new();
    for number in 0..size.sessions {
        sessions.push(hand.run(&format!("Number {number}"), &body).await);
    }
    let is_running =
        |state: &SessionState| !matches!(state, SessionState::Queued { .. } | SessionState::Starting);
    let all_run = hand.until_all(&sessions, Duration::from_secs(60), is_running).await;
    tally.check(context.seed, ENDS, all_run, || "not all are running after a minute".to_owned());

    // From here until the first may end.
    let span = Duration::from_secs(size.seconds * 3 / 4);
    let every = (span / 120).max(Duration::from_millis(100));
    let begun = Instant::now();
    let mut counts = Vec::new();
    while begun.elapsed() < span {
        counts.push(Counts::of(engine.pid()));
        tokio::time::sleep(every).await;
    }
    let quarter = counts.len() / 4;
    let (first, last) = (mean(&counts[..quarter]), mean(&counts[counts.len() - quarter..]));
    let steady =
        last[0] <= first[0] + DESCRIPTORS && last[1] <= first[1] + THREADS && last[2] <= first[2] + 0.5;
    tally.check(context.seed, GROWTH, steady, || {
        format!("descriptors, threads, zombies: {first:?}, then {last:?}")
    });
    println!("    {} sessions: descriptors, threads, zombies: {first:.1?}, then {last:.1?}", size.sessions);

    let limit = Duration::from_secs(size.seconds) + Duration::from_secs(60);
    let ended = hand.until_all(&sessions, limit, SessionState::is_closed).await;
    tally.check(context.seed, ENDS, ended, || "not all have ended in time".to_owned());
    let expected: String = (0..size.rate * size.seconds).map(|number| format!("{number}\n")).collect();
    for session in &sessions {
        let Some((item, digest)) = hand.last_call(session).await else {
            tally.check(context.seed, LOSS, false, || format!("{session} has no output"));
            continue;
        };
        let text = hand.output(session, &item).await;
        let whole = text == expected && digest.size_bytes.0 == expected.len() as u64 && !digest.cut_off;
        tally.check(context.seed, LOSS, whole, || {
            let lines = text.lines().count();
            format!("{session}: {lines} lines of {}, digest {digest:?}", size.rate * size.seconds)
        });
    }
    drop(hand);
    tally.check(context.seed, ENDS, engine.close().await, || "the engine did not close well".to_owned());
    let panicked = panics(&root);
    tally.check(context.seed, PANIC, panicked.is_none(), || panicked.unwrap_or_default());
    tally
}

fn mean(counts: &[Counts]) -> [f64; 3] {
    let of =
        |what: fn(&Counts) -> u64| counts.iter().map(what).sum::<u64>() as f64 / counts.len().max(1) as f64;
    [of(|counts| counts.descriptors), of(|counts| counts.threads), of(|counts| counts.zombies)]
}
