//! The table and its actors on a real store, where the whole engine cannot be brought to: old states, a full disk, the end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::ledger::Change;
use crate::scheduler::Caps;
use nox_domain::{
    agent::Runtime,
    event::{Closed, PreAllowed},
    ids::AgentId,
    rows::{Row, SessionRow, kind},
    session::{Now, Prompt, Rejection, Session, Signal},
};
use nox_runtimes::{AgentConnection, Answer};
use nox_store::{Options, RowWrite, Store};
use tempfile::TempDir;
use tokio::sync::Barrier;
use uuid::Uuid;

pub(super) const LONG: Duration = Duration::from_secs(20);

pub(super) struct Bench {
    pub(super) folder: TempDir,
    pub(super) sessions: Sessions,
}

fn bench(cap: u32, max_bytes: Option<u64>) -> Bench {
    bench_on(Scheduler::new(Caps { live: cap, per_minute: 0, memory_mb: 0 }), Rhythm::default(), max_bytes)
}

pub(super) fn bench_on(scheduler: Scheduler, rhythm: Rhythm, max_bytes: Option<u64>) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { max_bytes, ..Options::default() };
    let store = Store::open(&folder.path().join("nox.db"), options).unwrap();
    let shared = Shared {
        home: crate::home::Home::at(folder.path()).unwrap(),
        spool: Spool::at(folder.path().join("spool")),
        documents: crate::documents::Documents::at(folder.path().join("documents")),
        scheduler,
        policy: ArcSwap::from_pointee(Policy::default()),
        vitals: Vitals::default(),
        pace: ArcSwap::from_pointee(Pace { hibernate_after: None, rhythm }),
        shim: ShimPath::locate().expect("nox-shim must have been built"),
        keys: crate::keys::Keys::start(&crate::home::Home::at(folder.path()).unwrap()).unwrap(),
        outbox: Arc::new(Notify::new()),
        ledger: Ledger::new(store),
    };
    Bench { folder, sessions: Sessions::new(Arc::new(shared)) }
}

pub(super) fn opened() -> SessionOpened {
    SessionOpened {
        session: SessionId::from_uuid(Uuid::now_v7()),
        task: None,
        agent: AgentId::parse("runbook").unwrap(),
        agent_name: "Runbook".into(),
        agent_version: "v".into(),
        runtime: Runtime::Runbook,
        project: None,
        folder: "/nowhere".into(),
        title: "t".into(),
        text: "text".into(),
        images: vec![],
        review: false,
        pre_allowed: PreAllowed::Nothing,
        environment: Default::default(),
        max_call_seconds: None,
        max_concurrent: None,
        limits: Default::default(),
        life: Default::default(),
        parent: None,
        fork: None,
        depth: 0,
        worktree: None,
        schedule: None,
        instructions: String::new(),
        program: Default::default(),
        services: Default::default(),
    }
}

/// A state that no store has seen, with a run that is live.
fn running() -> Session {
    let at = crate::clock::now();
    let mut ids = crate::clock::SystemIds;
    let step = Session::open(opened(), &mut Now { at, ids: &mut ids });
    let mut session = Session::begin(&step.events[0], at).unwrap();
    session.apply(&step.events[1], at);
    for event in session.place_granted(&mut Now { at, ids: &mut ids }).events {
        session.apply(&event, at);
    }
    for event in session.hear(1, Signal::Live, &Policy::default(), &mut Now { at, ids: &mut ids }).events {
        session.apply(&event, at);
    }
    assert!(session.has_live_run());
    session
}

impl Bench {
    async fn open(&self) -> SessionId {
        let opened = opened();
        let session = opened.session.clone();
        self.sessions.open(opened, &Cause::nox(), serde_json::Value::Null, None).await.unwrap();
        session
    }

    async fn stored(&self, session: &SessionId) -> Stored {
        self.sessions.stored(session).await.unwrap().unwrap()
    }

    async fn stop(&self, session: &SessionId) -> Result<Done, Error> {
        self.sessions.command(session, SessionCommand::Stop, Cause::nox()).await
    }

    /// Starts an actor on a state, with a connection that only notes what is done to it. Its stop waits for the others.
    fn start(
        &self,
        session: Session,
        together: &Arc<Barrier>,
    ) -> (mpsc::Sender<Mail>, mpsc::Sender<(u32, Signal)>, Arc<Seen>) {
        let (mail, mut actor) = Actor::new(self.sessions.clone(), session);
        let seen = Arc::<Seen>::default();
        let signals = actor.signal_sender.clone();
        let fake = Fake { seen: seen.clone(), signals: signals.clone(), together: together.clone() };
        actor.connection = Some(Box::new(fake));
        tokio::spawn(actor.run(vec![]));
        (mail, signals, seen)
    }
}

#[derive(Default)]
struct Seen {
    stopped: Notify,
    dropped: Notify,
}

struct Fake {
    together: Arc<Barrier>,
    seen: Arc<Seen>,
    signals: mpsc::Sender<(u32, Signal)>,
}

#[async_trait::async_trait]
impl AgentConnection for Fake {
    async fn prompt(&mut self, _: Prompt) {}

    async fn interrupt(&mut self) {}

    async fn answer(&mut self, _: Answer) {}

    async fn stop(&mut self) {
        self.together.wait().await;
        self.seen.stopped.notify_one();
        let how = nox_domain::event::RunEnd::Killed;
        let _ = self.signals.send((1, Signal::RunEnded { how, detail: None })).await;
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.seen.dropped.notify_one();
    }
}

async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, work).await.unwrap_or_else(|_| panic!("never came: {what}"))
}

async fn send(mail: &mpsc::Sender<Mail>, command: SessionCommand) -> Result<Done, Error> {
    let (reply, answer) = oneshot::channel();
    mail.send(Mail::Command { command, cause: Cause::nox(), reply, hold: None }).await.unwrap();
    soon("an answer", answer).await.unwrap()
}

#[tokio::test]
async fn an_actor_with_an_old_state_writes_nothing_on_top_of_newer_facts() {
    let bench = bench(0, None);
    let session = bench.open().await;
    let old = bench.stored(&session).await;
    bench.stop(&session).await.unwrap();
    let newer = bench.stored(&session).await;
    assert_eq!(newer.session.closed, Some(Closed::Stopped));
    let mail = Actor::wake(bench.sessions.clone(), old, None);
    let refused = send(&mail, SessionCommand::Stop).await;
    assert!(matches!(refused, Err(Error::Rejected(Rejection::Over))), "{refused:?}");
    assert_eq!(bench.stored(&session).await, newer, "a second end was written");
}

#[tokio::test]
async fn a_place_that_was_taken_back_starts_nothing() {
    let bench = bench(0, None);
    let session = bench.open().await;
    bench.sessions.deliver(&session, Mail::Place).await.unwrap();
    bench.stop(&session).await.unwrap();
    assert_eq!(bench.stored(&session).await.session.run, None);
}

#[tokio::test]
async fn nothing_is_woken_once_the_engine_ends() {
    let bench = bench(0, None);
    let session = bench.open().await;
    soon("the end", bench.sessions.park_all()).await;
    let before = bench.stored(&session).await;
    assert!(matches!(bench.stop(&session).await, Err(Error::Closing)));
    let granted = bench.sessions.shared.scheduler.set_caps(Caps { live: 5, per_minute: 0, memory_mb: 0 });
    bench.sessions.tell(granted).await;
    let another = bench.sessions.open(opened(), &Cause::nox(), serde_json::Value::Null, None).await;
    assert!(matches!(another, Err(Error::Closing)));
    assert!(bench.sessions.table().awake.is_empty());
    assert_eq!(bench.stored(&session).await, before);
}

#[tokio::test]
async fn all_sessions_end_at_once_when_the_engine_ends() {
    let bench = bench(0, None);
    let together = Arc::new(Barrier::new(3));
    let mut ears = Vec::new();
    for _ in 0..3 {
        let session = running();
        let id = session.id().clone();
        let (mail, _, seen) = bench.start(session, &together);
        bench.sessions.table().awake.insert(id, mail);
        ears.push(seen);
    }
    soon("the end", bench.sessions.park_all()).await;
    for seen in ears {
        // Noted already: had they ended one after the other, the first would still wait for the second.
        let noted = tokio::time::timeout(Duration::ZERO, seen.stopped.notified()).await;
        assert!(noted.is_ok());
    }
    assert!(bench.sessions.table().awake.is_empty());
}

/// Fills the disk until nothing fits any more.
async fn fill(store: &Store) {
    let mut bytes = 256 * 1024;
    for n in 0.. {
        let row = RowWrite::Put {
            kind: "filler".into(),
            id: n.to_string(),
            parent: None,
            ord: String::new(),
            body: format!("\"{}\"", "x".repeat(bytes)),
        };
        match store.commit(nox_store::Batch { rows: vec![row], ..Default::default() }).await {
            Ok(_) => {}
            Err(nox_store::Error::Disk { .. }) if bytes < 32 => return,
            Err(nox_store::Error::Disk { .. }) => bytes /= 2,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_stop_and_the_end_of_the_engine_count_while_the_disk_is_full() {
    let bench = bench(0, Some(2 * 1024 * 1024));
    let (mail, signals, seen) = bench.start(running(), &Arc::new(Barrier::new(1)));
    fill(bench.sessions.shared.ledger.store()).await;
    signals.send((1, Signal::Said("x".repeat(100 * 1024)))).await.unwrap();
    let refused = send(&mail, SessionCommand::Stop).await;
    assert!(matches!(refused, Err(Error::Store(nox_store::Error::Disk { .. }))), "{refused:?}");
    soon("the stop of the connection", seen.stopped.notified()).await;
    let (reply, parked) = oneshot::channel();
    mail.send(Mail::Park { reply }).await.unwrap();
    soon("the end of the actor", parked).await.unwrap();
    soon("the end of the connection", seen.dropped.notified()).await;
}

#[tokio::test]
async fn facts_that_can_never_be_written_end_the_run() {
    let bench = bench(0, None);
    let session = running();
    let together = Arc::new(Barrier::new(1));
    let id = session.id().clone();
    let (_mail, signals, seen) = bench.start(session, &together);
    signals.send((1, Signal::Said("x".repeat(nox_store::MAX_BATCH_BYTES)))).await.unwrap();
    soon("the end of the connection", seen.dropped.notified()).await;
    let ended = async {
        loop {
            let row = bench.sessions.shared.ledger.store().row(kind::SESSION, id.as_str()).await.unwrap();
            if let Some(row) = row {
                return serde_json::from_str::<SessionRow>(&row.body).unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    assert!(soon("the end of the session", ended).await.state.is_closed());
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_made_anew_from_the_events() {
    let bench = bench(0, None);
    let session = bench.open().await;
    let before = bench.stored(&session).await;
    let broken = RowWrite::Put {
        kind: kind::SESSION_STATE.into(),
        id: session.to_string(),
        parent: Some("open".into()),
        ord: String::new(),
        body: "{}".into(),
    };
    let change = Change { rows: vec![broken], ..Change::default() };
    bench.sessions.shared.ledger.commit(&Cause::nox(), crate::clock::now(), change).await.unwrap();
    let again = bench.stored(&session).await;
    assert_eq!((again.session, again.stream_seq), (before.session, before.stream_seq));
    bench.stop(&session).await.unwrap();
}

/// An earlier version gave a prompt its place when it began to wait, and so stands further than its events lead to now.
#[tokio::test]
async fn nothing_gets_a_place_that_an_earlier_version_gave_away() {
    let bench = bench(0, None);
    let session = bench.open().await;
    let mut row = bench.stored(&session).await.session.row();
    row.items += 3;
    let items = row.items;
    let change = Change { rows: vec![crate::ledger::put(&Row::Session(row))], ..Change::default() };
    bench.sessions.shared.ledger.commit(&Cause::nox(), crate::clock::now(), change).await.unwrap();
    assert_eq!(bench.stored(&session).await.session.next_ord, items);
    bench.stop(&session).await.unwrap();
}

#[tokio::test]
async fn the_place_of_a_run_whose_actor_died_comes_back() {
    let bench = bench(1, None);
    let session = running();
    let scheduler = &bench.sessions.shared.scheduler;
    let agent = session.opened.agent.clone();
    let wish = Wish { session: session.id().clone(), agent, agent_cap: None, usual_mb: 0 };
    assert_eq!(scheduler.want(wish).granted, [session.id().clone()]);
    Actor::wake(bench.sessions.clone(), Stored { session, stream_seq: 0, snapshot_seq: 0 }, None);
    let back = async {
        while scheduler.live() > 0 {
            tokio::task::yield_now().await;
        }
    };
    soon("the place", back).await;
}
