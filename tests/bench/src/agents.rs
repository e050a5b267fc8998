//! What Nox adds to a real agent program: the same program, below Nox and driven directly, in turns, with the same script of
//! the model server. Then many sessions of it at once, within a memory budget.
//!
//! Called in a network that has only loopback, with a key for the model server in the environment.

use crate::{
    direct::{Direct, Launch, is_program},
    error::Error,
    nox::{Hand, LONG, Nox, prepare, states},
    watched::{Pace, below, memory_bytes},
};
use nox_api::{
    Subscriber,
    domain::{
        agent::{Program, Runtime},
        event::PreAllowed,
        ids::{AgentId, ItemId, SessionId},
        rows::SessionState,
    },
    dto::{ChangeSettings, Changed, CreateAgent, CreateTask, PromptSession, Push, StartTask},
};
use nox_test_support::model::{ModelServer, Part, Reply, Script};
use serde::Serialize;
use serde_json::json;
use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// The agent that the program carries.
const AGENT: &str = "Coder";
/// Commands of a recorded session, allowed by this rule.
const RULE: &str =
    "schema = 1\n\n[[rule]]\nid = \"echo\"\neffect = \"allow\"\nkind = \"execute\"\nprefix = [\"echo\"]\n";
/// Tool calls of a recorded session.
const CALLS: u64 = 4;
/// Words in a piece of a text, see the model server.
const WORDS: usize = 2;
/// Pieces of the text whose processor time is counted.
const DELTAS: usize = 4_000;
/// Between two pieces of a recorded session.
const EVERY_MS: u64 = 50;
/// Until all of many sessions have answered.
const CROWD_LIMIT: Duration = Duration::from_secs(900);

/// Figures of pairs, in milliseconds.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Pairs {
    nox_ms: Vec<f64>,
    direct_ms: Vec<f64>,
}

/// Processor time of the engine for a long text.
#[derive(Debug, Serialize)]
pub(crate) struct Deltas {
    count: u64,
    /// Of the engine, in hundredths of a second.
    ticks: u64,
}

/// Many sessions at once.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Crowd {
    sessions: usize,
    replied: usize,
    seconds: f64,
    /// The most that all runs held, looked at each second.
    most_bytes: u64,
    /// Programs that ran then, at most.
    most_programs: usize,
    looks: usize,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Agents {
    first: Pairs,
    deltas: Deltas,
    session: Pairs,
    wake: Pairs,
    crowd: Crowd,
}

/// What is asked of the measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) rounds: usize,
    /// Length of a recorded session.
    pub(crate) seconds: u64,
    pub(crate) sessions: usize,
    pub(crate) budget_mb: u32,
}

/// Measures below `folder`.
pub(crate) async fn measure(
    nox: &Path,
    program: &Path,
    folder: &Path,
    asked: Asked,
) -> Result<Agents, Error> {
    std::fs::create_dir_all(folder)?;
    let place = tempfile::tempdir_in(folder)?;
    let server = ModelServer::start(Script::default()).await?;
    let bench = Bench::open(nox, program, place.path(), &server).await?;
    let (session, ear) = bench.first_session().await?;
    let launch = Launch::of(bench.nox.pid(), program, place.path())?;
    let mut ours = Ours { hand: &bench.hand, session, ear, heard: HashSet::new() };
    let mut theirs = launch.start(&name(), false).await?;

    server.set(Script::of([Reply { again: true, ..Reply::text("One two three four.") }]));
    let mut first = Pairs::default();
    // The first pair warms both and is not counted.
    for round in 0..=asked.rounds {
        let (nox_ms, direct_ms) = if round % 2 == 0 {
            let nox_ms = ours.first_ms().await?;
            (nox_ms, first_ms(&mut theirs).await?)
        } else {
            let direct_ms = first_ms(&mut theirs).await?;
            (ours.first_ms().await?, direct_ms)
        };
        if round > 0 {
            first.add(nox_ms, direct_ms);
        }
    }

    let long = Reply { again: true, every_ms: 1, ..Reply::text(&"word ".repeat(DELTAS * WORDS)) };
    server.set(Script::of([long]));
    let before = Pace::of(bench.nox.pid())?;
    ours.turn_ms().await?;
    let ticks = Pace::of(bench.nox.pid())?.since(before).ticks();
    let heard = theirs.deltas;
    turn_ms(&mut theirs).await?;
    let deltas = Deltas { count: theirs.deltas - heard, ticks };

    let mut session = Pairs::default();
    // Once each way, so that each is the first once.
    for ours_first in [true, false] {
        for is_ours in [ours_first, !ours_first] {
            server.set(recorded(asked.seconds));
            if is_ours {
                session.nox_ms.push(ours.turn_ms().await?);
            } else {
                session.direct_ms.push(turn_ms(&mut theirs).await?);
            }
        }
    }
    theirs.end().await?;

    server.set(Script::of([Reply { again: true, ..Reply::text("Awake again.") }]));
    let wake = wake(&bench, &mut ours, &launch, asked.rounds).await?;
    let crowd = crowd(&bench, asked).await?;
    bench.nox.kill().await?;
    Ok(Agents { first, deltas, session, wake, crowd })
}

/// Some seconds of slow words with calls between them.
fn recorded(seconds: u64) -> Script {
    let pieces = seconds * 1_000 / EVERY_MS / (CALLS + 1);
    let words = "word ".repeat(usize::try_from(pieces).unwrap_or_default() * WORDS);
    let parts = |call: Option<u64>| {
        let input = |n| json!({ "command": format!("echo {n}"), "description": "A step" });
        let call = call.map(|n| Part::Call { name: "Bash".into(), input: input(n) });
        [Some(Part::Text(words.clone())), call].into_iter().flatten().collect()
    };
    let calls = (1..=CALLS).map(Some).chain([None]);
    Script::of(calls.map(|call| Reply { parts: parts(call), every_ms: EVERY_MS, ..Reply::default() }))
}

/// Sleeps and wakes in turns with starts of the program by itself that go on with a conversation.
async fn wake(bench: &Bench, ours: &mut Ours<'_>, launch: &Launch, rounds: usize) -> Result<Pairs, Error> {
    let (mut pairs, own) = (Pairs::default(), name());
    let mut direct = launch.start(&own, false).await?;
    turn_ms(&mut direct).await?;
    direct.end().await?;
    bench.change(ChangeSettings { hibernate_after_seconds: Some(1), ..ChangeSettings::default() }).await?;
    // What it was told before its last turn ended counts from there.
    ours.turn_ms().await?;
    for _ in 0..rounds {
        bench
            .hand
            .until("the session to sleep", |all| {
                ours.is(all, |state| matches!(state, SessionState::Hibernated { .. }))
            })
            .await?;
        let nox_ms = ours.first_ms().await?;
        let begun = Instant::now();
        let mut direct = launch.start(&own, true).await?;
        direct.prompt("Go on.").await?;
        direct.first().await?;
        let direct_ms = ms(begun);
        direct.over().await?;
        direct.end().await?;
        pairs.add(nox_ms, direct_ms);
    }
    Ok(pairs)
}

/// Many sessions, each with a process of its own, within the budget.
async fn crowd(bench: &Bench, asked: Asked) -> Result<Crowd, Error> {
    let change = ChangeSettings {
        hibernate_after_seconds: Some(0),
        memory_budget_mb: Some(asked.budget_mb),
        ..ChangeSettings::default()
    };
    bench.change(change).await?;
    let watch = Watch::begin(bench.nox.pid());
    let begun = Instant::now();
    let mut sessions = Vec::new();
    for number in 1..=asked.sessions {
        sessions.push(bench.task(&format!("Number {number}")).await?);
    }
    let mut replied = 0;
    while replied < asked.sessions && begun.elapsed() < CROWD_LIMIT {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let all = bench.hand.snapshot().await?;
        replied = states(&all, &sessions).filter(|(state, _)| has_replied(state)).count();
    }
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Crowd { sessions: asked.sessions, replied, seconds, ..watch.end()? })
}

/// Looks each second at what a process has below it, on a thread of its own: what is measured must not hold it up.
struct Watch {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Crowd>,
}

impl Watch {
    fn begin(pid: u32) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = is_over.clone();
        let thread = std::thread::spawn(move || {
            let mut crowd = Crowd::default();
            while !ends.load(Ordering::Relaxed) {
                let next = Instant::now() + Duration::from_secs(1);
                let runs = below(pid);
                let bytes = runs.iter().filter_map(|pid| memory_bytes(*pid).ok()).sum();
                crowd.most_bytes = crowd.most_bytes.max(bytes);
                let programs = runs.iter().filter(|pid| is_program(**pid)).count();
                crowd.most_programs = crowd.most_programs.max(programs);
                crowd.looks += 1;
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            crowd
        });
        Self { is_over, thread }
    }

    fn end(self) -> Result<Crowd, Error> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| Error::Late("what looked at the memory broke down"))
    }
}

fn has_replied(state: &SessionState) -> bool {
    matches!(state, SessionState::Idle { problem: None } | SessionState::Hibernated { problem: None })
}

/// An engine with an agent that the program carries.
struct Bench {
    nox: Nox,
    hand: Hand,
    folder: String,
}

impl Bench {
    async fn open(nox: &Path, program: &Path, place: &Path, server: &ModelServer) -> Result<Self, Error> {
        let (home, own, folder) = (place.join("home"), place.join("own"), place.join("work"));
        [&home, &own, &folder].into_iter().try_for_each(std::fs::create_dir_all)?;
        prepare(&home).await?;
        std::fs::write(home.join("registry/policy.toml"), RULE)?;
        let nox = Nox::start(nox, &home)?;
        let hand = nox.hand().await?;
        nox.settled(&hand).await?;
        let agent = CreateAgent {
            name: AGENT.into(),
            runtime: Runtime::Claude,
            review: Some(false),
            environment: BTreeMap::from([("HOME".to_owned(), own.display().to_string())]),
            program: Program {
                command: Some(program.display().to_string()),
                address: Some(server.address()),
                pass_environment: vec!["ANTHROPIC_API_KEY".into()],
                ..Program::default()
            },
            ..CreateAgent::default()
        };
        hand.command("create_agent", &agent).await?;
        server.set(Script::of([Reply { again: true, ..Reply::text("Here I am.") }]));
        Ok(Self { nox, hand, folder: folder.display().to_string() })
    }

    /// The session that is measured, when it has answered for the first time.
    async fn first_session(&self) -> Result<(SessionId, Subscriber), Error> {
        let session = self.task("Begin.").await?;
        let one = std::slice::from_ref(&session);
        self.hand
            .until("the first answer", |all| states(all, one).any(|(state, _)| has_replied(state)))
            .await?;
        let ear = self.hand.wire().subscribe().await?;
        self.hand.wire().watch(&session, true).await?;
        Ok((session, ear))
    }

    async fn task(&self, body: &str) -> Result<SessionId, Error> {
        let agent = Some(AgentId::from_name(AGENT));
        let make = CreateTask { title: body.into(), body: body.into(), agent, ..CreateTask::default() };
        let task = self.hand.command("create_task", &make).await?.task;
        let task = task.ok_or(Error::Late("a task that was made has no id"))?;
        let folder = Some(self.folder.clone());
        let start = StartTask { task, agent: None, folder, pre_allowed: PreAllowed::Nothing };
        let session = self.hand.command("start_task", &start).await?.session;
        session.ok_or(Error::Late("a session that was opened has no id"))
    }

    async fn change(&self, change: ChangeSettings) -> Result<(), Error> {
        self.hand.command("change_settings", &change).await.map(drop)
    }
}

/// The session that is measured, as a window sees it.
struct Ours<'a> {
    hand: &'a Hand,
    session: SessionId,
    ear: Subscriber,
    /// Items of which something was heard.
    heard: HashSet<ItemId>,
}

impl Ours<'_> {
    /// Milliseconds from a prompt to the first words; resolves when the turn is over.
    async fn first_ms(&mut self) -> Result<f64, Error> {
        self.turn().await.map(|(first_ms, _)| first_ms)
    }

    /// Milliseconds of a whole turn.
    async fn turn_ms(&mut self) -> Result<f64, Error> {
        self.turn().await.map(|(_, turn_ms)| turn_ms)
    }

    /// Milliseconds from a prompt to the first words, and to the end of the turn; either may be told first.
    async fn turn(&mut self) -> Result<(f64, f64), Error> {
        let begun = self.prompt().await?;
        let (mut first_ms, mut turn_ms) = (None, None);
        while first_ms.is_none() || turn_ms.is_none() {
            let push = timeout(LONG, self.ear.next()).await;
            let push = push.map_err(|_| Error::Late("the session says nothing"))?;
            match push.ok_or(Error::Late("the engine ended"))? {
                Push::Gap => return Err(Error::Late("the subscriber was too slow")),
                // The last words of an earlier turn may come late.
                Push::Output { session, item, .. }
                    if session == self.session && self.heard.insert(item.clone()) =>
                {
                    first_ms.get_or_insert_with(|| ms(begun));
                }
                Push::Changed { rows, .. } if rows.iter().any(|row| self.has_replied(row)) => {
                    turn_ms.get_or_insert_with(|| ms(begun));
                }
                _ => {}
            }
        }
        Ok((first_ms.unwrap_or_default(), turn_ms.unwrap_or_default()))
    }

    fn has_replied(&self, row: &Changed) -> bool {
        matches!(row, Changed::Session(view) if view.row.id == self.session && has_replied(&view.row.state))
    }

    async fn prompt(&mut self) -> Result<Instant, Error> {
        while self.ear.try_next().is_some() {}
        let begun = Instant::now();
        let prompt = PromptSession { session: self.session.clone(), text: "Go on.".into(), images: vec![] };
        self.hand.command("prompt_session", &prompt).await?;
        Ok(begun)
    }

    fn is(&self, all: &nox_api::dto::Snapshot, like: impl Fn(&SessionState) -> bool) -> bool {
        states(all, std::slice::from_ref(&self.session)).any(|(state, _)| like(state))
    }
}

async fn first_ms(direct: &mut Direct) -> Result<f64, Error> {
    let begun = Instant::now();
    direct.prompt("Go on.").await?;
    direct.first().await?;
    let first_ms = ms(begun);
    direct.over().await?;
    Ok(first_ms)
}

async fn turn_ms(direct: &mut Direct) -> Result<f64, Error> {
    let begun = Instant::now();
    direct.prompt("Go on.").await?;
    direct.over().await?;
    Ok(ms(begun))
}

impl Pairs {
    fn add(&mut self, nox_ms: f64, direct_ms: f64) {
        self.nox_ms.push(nox_ms);
        self.direct_ms.push(direct_ms);
    }
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}

fn name() -> String {
    uuid::Uuid::now_v7().to_string()
}
