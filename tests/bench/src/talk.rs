//! Sessions as they are held: the domain decides every fact, the ledger stores it.

use crate::error::Error;
use nox_domain::{
    At, Size,
    agent::Runtime,
    event::{Actor, Event, PreAllowed, RunEnd, SessionOpened, TurnEnd},
    ids::{AgentId, SessionId},
    policy::Policy,
    rows::{Progress, Row, kind},
    session::{Now, Session, SessionCommand, Signal, Step},
    task::{Task, TaskStatus},
    tool::{CallEnd, OutputDigest, ToolCall, ToolKind, sha256_hex},
};
use nox_engine::{
    SESSION_FORM,
    clock::SystemIds,
    ledger::{Cause, Change, Ledger, put},
};
use nox_store::RowWrite;
use serde_json::json;

/// Facts in one transaction, at least.
const PORTION: usize = 250;
/// Messages between two tool calls.
const MESSAGES: usize = 12;
/// Facts that end a session: of the turn, the run and the session.
const LAST_EVENTS: usize = 3;

struct Held {
    session: Session,
    change: Change,
    policy: Policy,
    at: At,
    /// Facts that are on disk.
    stored: usize,
}

/// Holds a session of about `length` facts about a task and closes it; it begins at `at`, a second for each fact.
pub(crate) async fn hold(
    ledger: &Ledger,
    task: &Task,
    runtime: Runtime,
    at: At,
    length: usize,
) -> Result<SessionId, Error> {
    let mut held =
        Held::open(task, runtime, at).ok_or(Error::Late("a session does not begin with its first fact"))?;
    let mut round = 0;
    let is_failure = task.status == TaskStatus::Failed;
    while held.stored + held.change.events.len() + LAST_EVENTS < length {
        held.round(round);
        round += 1;
        if held.change.events.len() >= PORTION {
            held.store(ledger).await?;
        }
    }
    let end = if is_failure { TurnEnd::Failed } else { TurnEnd::End };
    held.hear(Signal::TurnEnded { end, problem: None });
    held.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None });
    held.close();
    held.store(ledger).await?;
    Ok(held.session.id().clone())
}

impl Held {
    fn open(task: &Task, runtime: Runtime, at: At) -> Option<Self> {
        let opened = SessionOpened {
            session: SessionId::fresh(&mut SystemIds),
            task: Some(task.id.clone()),
            agent: AgentId::from_name("runbook"),
            agent_name: "Runbook".to_owned(),
            agent_version: sha256_hex(b"runbook"),
            runtime,
            project: None,
            folder: "/home/somebody/projects/sample".to_owned(),
            title: task.title.clone(),
            text: task.body.clone(),
            images: vec![],
            review: task.status == TaskStatus::Review,
            pre_allowed: PreAllowed::All,
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
        };
        let mut ids = SystemIds;
        let mut step = Session::open(opened, &mut Now { at, ids: &mut ids });
        let session = Session::begin(step.events.first()?, at)?;
        let first = step.events.remove(0);
        let mut held = Self { session, change: Change::default(), policy: Policy::default(), at, stored: 0 };
        held.note(&first);
        held.take(step);
        let step = held.session.place_granted(&mut Now { at: held.at, ids: &mut ids });
        held.take(step);
        held.hear(Signal::Live);
        Some(held)
    }

    /// Some messages, then a tool call with its end.
    fn round(&mut self, round: usize) {
        for number in 0..MESSAGES {
            self.hear(Signal::Said(format!(
                "Part {round}.{number}: the files of this part were read and compared with the list; two lines differ \
                 in their order, which the reader does not mind, so nothing has to be changed here."
            )));
        }
        let key = format!("block:{round}");
        let call = ToolCall {
            key: key.clone(),
            kind: ToolKind::Execute,
            title: format!("Compare part {round}"),
            text: format!("diff -u before/{round}.txt after/{round}.txt\n"),
            shell: "sh".to_owned(),
            folder: self.session.opened.folder.clone(),
            outside: false,
            environment: ["HOME", "LANG", "PATH", "USER"].map(str::to_owned).to_vec(),
            environment_hash: sha256_hex(b"environment"),
            sandbox: "none".to_owned(),
            timeout_seconds: None,
            continue_on_failure: true,
            ..ToolCall::default()
        };
        self.hear(Signal::Proposed(Box::new(call)));
        self.hear(Signal::CallStarted { key: key.clone(), process: None });
        let head = "--- before\n+++ after\n@@ -1,3 +1,3 @@\n-first\n second\n+first\n third\n".to_owned();
        let size_bytes = Size(head.len() as u64);
        let output = OutputDigest {
            size_bytes,
            kept_bytes: size_bytes,
            sha256: sha256_hex(head.as_bytes()),
            head,
            ..OutputDigest::default()
        };
        self.hear(Signal::CallEnded { key, end: CallEnd::Succeeded, output: Some(Box::new(output)) });
        let done = round as u32 + 1;
        self.hear(Signal::Progress(Progress { done, of: done }));
    }

    /// Ends a session that would take a further prompt.
    fn close(&mut self) {
        let mut ids = SystemIds;
        let mut now = Now { at: self.at, ids: &mut ids };
        // One that is over already refuses, and nothing is to be done.
        if let Ok(step) = self.session.decide(&SessionCommand::Stop, &mut now) {
            self.take(step);
        }
    }

    fn hear(&mut self, signal: Signal) {
        let mut ids = SystemIds;
        let mut now = Now { at: self.at, ids: &mut ids };
        let step = self.session.hear(self.session.generation(), signal, &self.policy, &mut now);
        self.take(step);
    }

    fn take(&mut self, step: Step) {
        let before = self.session.next_ord;
        for event in &step.events {
            self.session.apply(event, self.at);
            self.note(event);
        }
        let rows = self.session.rows(before, &step.events, self.at);
        // Of the session's own row only the last is worth writing.
        self.change.rows.extend(rows.iter().filter(|row| !matches!(row, Row::Session(_))).map(put));
    }

    fn note(&mut self, event: &Event) {
        self.change.events.push((format!("session/{}", self.session.id()), event.clone()));
        self.at = At(self.at.0 + 1000);
    }

    /// Writes what has gathered, with the session's row and the state that its actor would start from: without what is
    /// over, and with its place in the stream, as the engine stores it.
    async fn store(&mut self, ledger: &Ledger) -> Result<(), Error> {
        let mut change = std::mem::take(&mut self.change);
        let count = change.events.len();
        self.stored += count;
        self.session.settle();
        change.rows.push(put(&Row::Session(self.session.row())));
        change.rows.push(RowWrite::Put {
            kind: kind::SESSION_STATE.to_owned(),
            id: self.session.id().to_string(),
            parent: Some(if self.session.closed.is_some() { "closed" } else { "open" }.to_owned()),
            ord: String::new(),
            body: json!({ "stream_seq": self.stored, "form": SESSION_FORM, "session": self.session })
                .to_string(),
        });
        let cause = Cause { actor: Actor::Agent, command: None };
        ledger.commit(&cause, self.at, change).await?;
        Ok(())
    }
}
