//! One agent that takes everything, beside others that work: a bounded fork bomb, ten gigabytes of memory, a full disk.
//! Where the kernel holds processors and processes, the others hardly notice; elsewhere the culprit is ended in time.
//! Nobody else's run ends.

use crate::{
    emit,
    engine::{Engine, call},
    hand::Hand,
    plan::Context,
};
use futures::future::BoxFuture;
use nox_api::{
    domain::{
        event::PreAllowed,
        ids::{AgentId, ItemId, SessionId},
        rows::SessionState,
    },
    dto::*,
};
use nox_process::Branch;
use nox_test_support::{Promise, Tally, processes};
use serde_json::json;
use std::{
    collections::HashMap,
    fs,
    time::{Duration, SystemTime},
};
use tokio::time::{Instant, timeout_at};

/// Sessions that work beside the culprit.
const OTHERS: usize = 6;
/// Lines a second of each: together so many that a handful of late ones do not make the 99th of a hundred.
const RATE: u64 = 100;
/// A culprit that is not held is ended within this time.
const ENDED: Duration = Duration::from_secs(10);
/// Twice of a tiny time says nothing: so much is always allowed.
const FLOOR: Duration = Duration::from_millis(50);
/// How long the others print, in seconds: longer than anybody watches them.
const LASTS: u64 = 90;

const BESIDE: &str = "with control of processors and processes, others stay within twice their p99 or 50 ms";
const CULPRIT: &str = "a culprit that is not held is ended within 10 s";
const UNHARMED: &str = "no other run ends because of a culprit";

/// What one agent does, and its name.
fn culprits() -> [(&'static str, String); 3] {
    // Each is bounded by itself too: 512 processes, what the machine can spare, one gigabyte.
    let bomb = "```sh\ni=0\nwhile test $i -lt 512; do sh -c 'while :; do :; done' & i=$((i + 1)); done\nsleep 60\n```\n";
    let disk = "```sh\ni=0\nwhile test $i -lt 100; do head -c 10485760 /dev/zero > fill-$i; i=$((i + 1)); sleep 0.05; done\nsleep 60\n```\n";
    [
        ("Fork bomb", bomb.to_owned()),
        ("10 GB", emit::block("memory", "10240")),
        ("Full disk", disk.to_owned()),
    ]
}

pub(crate) fn run(context: Context) -> BoxFuture<'static, Tally> {
    Box::pin(async move {
        let mut tally = Tally::default();
        let holding = nox_process::holding();
        println!("    what holds limits here: {holding}");
        let root = context.homes.join(processes::new_mark());
        fs::create_dir_all(&root).unwrap();
        let mut engine = Engine::start(&root);
        let hand = Hand::on(&mut engine).await;
        hand.allow_runs(20).await;
        if !limited_agent(&hand).await {
            println!("    agents have no limits in this version");
            tally.add(&format!("NOT TRIED, agents have no limits: {CULPRIT}"), &Promise::default());
            return tally;
        }
        let kernel = |branch: Branch| matches!(branch, Branch::CgroupV1 | Branch::CgroupV2);
        let is_held = kernel(holding.cpu) && kernel(holding.processes);
        for (name, body) in culprits() {
            beside(&context, &hand, name, &body, is_held, &mut tally).await;
        }
        drop(hand);
        engine.close().await;
        tally
    })
}

/// Makes the culprit's agent; false when this version knows no limits.
async fn limited_agent(hand: &Hand) -> bool {
    let limits =
        json!({ "max_memory_mb": 512, "max_processes": 64, "max_cpu_percent": 50, "max_disk_mb": 64 });
    let input = json!({ "name": "Culprit", "limits": limits });
    let made: Result<Recorded, _> = call(&hand.wire, "create_agent", &input).await;
    made.expect("an agent is made");
    let agents: serde_json::Value =
        call(&hand.wire, "list_agents", &Nothing {}).await.expect("agents are listed");
    agents.to_string().contains("\"max_disk_mb\":64")
}

async fn beside(context: &Context, hand: &Hand, name: &str, body: &str, is_held: bool, tally: &mut Tally) {
    let mut others = Vec::new();
    for number in 0..OTHERS {
        let body = emit::block("stamped", &format!("{RATE}x{LASTS}"));
        others.push(hand.run(&format!("Other {number}"), &body).await);
    }
    let mut ear = Ear::on(hand, &others).await;
    let watched = Duration::from_secs(if context.form.is_long() { 8 } else { 2 });
    let alone = ear.p99(Instant::now() + watched, None).await;

    let task = hand.task(name, body).await;
    let agent = Some(AgentId::from_name("culprit"));
    let start = StartTask { task, agent, folder: None, pre_allowed: PreAllowed::All };
    let started: Recorded = call(&hand.wire, "start_task", &start).await.expect("the culprit starts");
    let culprit = started.session.expect("a session that was opened has an id");
    let begun = Instant::now();
    let span = if is_held { watched } else { ENDED };
    let disturbed = ear.p99(begun + span, (!is_held).then_some((hand, &culprit))).await;
    let ended = is_over(hand, &culprit).await;
    println!(
        "    {name}: others' p99 {:?} of {} lines alone, {:?} of {} beside it; after {:.1} s it {}",
        alone.p99,
        alone.lines,
        disturbed.p99,
        disturbed.lines,
        begun.elapsed().as_secs_f64(),
        if ended { "is ended" } else { "is held" }
    );
    if is_held {
        let is_heard = alone.lines.min(disturbed.lines) as u64 >= watched.as_secs() * RATE;
        let allowed = (alone.p99 * 2).max(FLOOR);
        tally.check(context.seed, BESIDE, is_heard && disturbed.p99 <= allowed, || {
            format!("{name}: {alone:?}, then {disturbed:?}")
        });
    } else {
        tally
            .check(context.seed, CULPRIT, ended, || format!("{name} still runs after {:?}", begun.elapsed()));
    }
    let all = hand.snapshot().await.sessions;
    let works = |id: &SessionId| {
        all.iter().any(|view| view.row.id == *id && matches!(view.row.state, SessionState::Running { .. }))
    };
    tally.check(context.seed, UNHARMED, others.iter().all(works), || {
        let states: Vec<_> = all.iter().map(|view| (&view.row.title, &view.row.state)).collect();
        format!("{name}: {states:?}")
    });
    others.push(culprit);
    for session in &others {
        let _ = hand.stop(session).await;
    }
    hand.until_all(&others, Duration::from_secs(20), SessionState::is_closed).await;
}

async fn is_over(hand: &Hand, session: &SessionId) -> bool {
    let all = hand.snapshot().await.sessions;
    let state = all.into_iter().find(|view| view.row.id == *session).map(|view| view.row.state);
    !matches!(
        state,
        Some(
            SessionState::Queued { .. }
                | SessionState::Starting
                | SessionState::Running { .. }
                | SessionState::Stopping
        )
    )
}

/// Lines that were heard, and the 99th of a hundred times from writing to hearing.
#[derive(Debug, Clone, Copy)]
struct Heard {
    lines: usize,
    p99: Duration,
}

/// Hears the lines of the others, which say when they were written.
struct Ear {
    ear: nox_api::Subscriber,
    rests: HashMap<ItemId, String>,
}

impl Ear {
    async fn on(hand: &Hand, sessions: &[SessionId]) -> Self {
        let ear = hand.wire.subscribe().await.expect("the engine is heard");
        for session in sessions {
            hand.wire.watch(session, true).await.expect("a session is watched");
        }
        Self { ear, rests: HashMap::new() }
    }

    /// The 99th of a hundred times from a line's writing to its hearing, until a moment, or until a session is over.
    async fn p99(&mut self, until: Instant, ends: Option<(&Hand, &SessionId)>) -> Heard {
        let mut times = Vec::new();
        let mut look_at = Instant::now();
        while let Ok(Some(push)) = timeout_at(until, self.ear.next()).await {
            let Push::Output { item, pieces, .. } = push else { continue };
            let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
            let rest = self.rests.entry(item).or_default();
            pieces.iter().for_each(|piece| rest.push_str(&piece.text));
            let whole = rest.rfind('\n').map_or(0, |end| end + 1);
            for line in rest.drain(..whole).collect::<String>().lines() {
                let written = line.split(' ').nth(1).and_then(|stamp| stamp.parse().ok());
                times.extend(written.map(|micros| now.saturating_sub(Duration::from_micros(micros))));
            }
            if let Some((hand, session)) = ends.filter(|_| Instant::now() >= look_at) {
                look_at = Instant::now() + Duration::from_millis(200);
                if is_over(hand, session).await {
                    break;
                }
            }
        }
        times.sort_unstable();
        let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or(Duration::ZERO);
        Heard { lines: times.len(), p99 }
    }
}
