//! Floods: much output, one line without an end, bytes that are no text, and many lines a second while a window hangs.
//! The engine's memory may not grow with them, and the window ends in the state that a fresh one has.

use super::stalled::Stalled;
use crate::{
    emit,
    engine::{Engine, panics},
    hand::Hand,
    measure::{MemoryWatch, memory_bytes},
    plan::Context,
};
use futures::future::BoxFuture;
use nox_api::domain::rows::SessionState;
use nox_test_support::{Tally, processes};
use std::{fs, time::Duration};

/// How much the engine's memory may grow over what it is when it has run one small session.
const GROWTH_BYTES: u64 = 32 * MIB;
const MIB: u64 = 1024 * 1024;
/// A flood ends within this time, or it hangs.
const LIMIT: Duration = Duration::from_secs(400);

const MEMORY: &str = "a flood grows the engine by 32 MB at most";
const COUNTED: &str = "every byte of a flood is counted";
const SAME: &str = "a window that hung ends in the state of a fresh one";
const PANIC: &str = "no panic in a flood";

pub(crate) fn run(context: Context) -> BoxFuture<'static, Tally> {
    Box::pin(floods(context))
}

async fn floods(context: Context) -> Tally {
    let (much, line, noise, seconds) = match context.form.is_long() {
        true => (1024 * MIB, 100 * MIB, 64 * MIB, 60),
        false => (64 * MIB, 8 * MIB, 4 * MIB, 5),
    };
    let mut tally = Tally::default();
    let root = context.homes.join(processes::new_mark());
    fs::create_dir_all(&root).unwrap();
    let mut engine = Engine::start(&root);
    let hand = Hand::on(&mut engine).await;
    let warm = [hand.run("Warm", &emit::block("lines", &MIB.to_string())).await];
    hand.until_all(&warm, LIMIT, SessionState::is_closed).await;
    let ear = hand.wire.subscribe().await.expect("the engine is heard");
    tokio::spawn(async move { while ear.next().await.is_some() {} });
    let before = memory_bytes(engine.pid());

    let mut flood = async |name: &str, kind: &str, amount: String, bytes: u64| {
        let watch = MemoryWatch::on(engine.pid());
        let session = hand.run(name, &emit::block(kind, &amount)).await;
        // A window reads along, as one does.
        hand.wire.watch(&session, true).await.expect("a session is watched");
        let ended = hand.until_all(std::slice::from_ref(&session), LIMIT, SessionState::is_closed).await;
        let digest = hand.last_call(&session).await.map(|(_, digest)| digest);
        let counted = digest.as_ref().map(|digest| digest.size_bytes.0);
        tally.check(context.seed, COUNTED, ended && counted == Some(bytes), || {
            format!("{name}: ended {ended}, {counted:?} bytes of {bytes}")
        });
        remembered(&mut tally, &context, name, before, watch.highest_bytes());
    };
    flood("Much", "lines", much.to_string(), much).await;
    flood("One line", "line", line.to_string(), line).await;
    flood("Noise", "noise", noise.to_string(), noise).await;

    // 10,000 lines a second while a window hangs, and changes enough to overflow every queue on its way.
    let mut stalled = Stalled::connect(&root.join("home")).await;
    let session = hand.run("Quick", &emit::block("rate", &format!("10000x{seconds}"))).await;
    stalled.watch(&session).await;
    let watch = MemoryWatch::on(engine.pid());
    let task = hand.task("Changes", "").await;
    for number in 0..2_000 {
        hand.title(&task, &format!("Title {number}")).await.expect("a task is changed");
    }
    let ended = hand.until_all(std::slice::from_ref(&session), LIMIT, SessionState::is_closed).await;
    let lines: u64 = (0..10_000 * seconds).map(|number: u64| number.to_string().len() as u64 + 1).sum();
    let counted = hand.last_call(&session).await.map(|(_, digest)| digest.size_bytes.0);
    tally.check(context.seed, COUNTED, ended && counted == Some(lines), || {
        format!("quick lines: ended {ended}, {counted:?} bytes of {lines}")
    });
    remembered(&mut tally, &context, "Quick", before, watch.highest_bytes());
    drop(watch);
    hand.title(&task, "The last title").await.expect("a task is changed");
    let caught = stalled.catch_up(&hand).await;
    tally.check(context.seed, SAME, caught.is_ok(), || caught.unwrap_err());

    drop((hand, stalled));
    engine.close().await;
    let panicked = panics(&root);
    tally.check(context.seed, PANIC, panicked.is_none(), || panicked.unwrap_or_default());
    tally
}

fn remembered(tally: &mut Tally, context: &Context, name: &str, before: u64, highest: u64) {
    let growth = highest.saturating_sub(before);
    println!("    {name}: {} MB before, {} MB at most", before / MIB, highest / MIB);
    tally.check(context.seed, MEMORY, growth <= GROWTH_BYTES, || {
        format!("{name}: {} MB grew by {} MB", before / MIB, growth / MIB)
    });
}
