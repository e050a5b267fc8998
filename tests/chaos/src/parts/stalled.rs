//! A window that hangs: it subscribes over the control socket and reads nothing, until it is told to catch up. Then it
//! does what a window does: applies pushes, and asks for the snapshot after a gap.

use crate::hand::Hand;
use nox_api::{
    domain::ids::SessionId,
    dto::{Changed, Push, Snapshot},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

/// How long the next line may take while it catches up.
const LIMIT: Duration = Duration::from_secs(20);

/// Rows by kind and id.
type Rows = BTreeMap<(String, String), Value>;

pub(super) struct Stalled {
    stream: BufReader<UnixStream>,
}

impl Stalled {
    pub(super) async fn connect(home: &Path) -> Self {
        let stream =
            UnixStream::connect(home.join("run").join("control.sock")).await.expect("a control socket");
        let mut stalled = Self { stream: BufReader::new(stream) };
        stalled.say(&json!({ "hello": { "version": env!("CARGO_PKG_VERSION"), "protocol": nox_api::control::PROTOCOL } })).await;
        stalled.say(&json!({ "id": 1, "subscribe": {} })).await;
        stalled
    }

    pub(super) async fn watch(&mut self, session: &SessionId) {
        self.say(&json!({ "id": 2, "watch": { "session": session, "on": true } })).await;
    }

    async fn say(&mut self, line: &Value) {
        self.stream.get_mut().write_all(format!("{line}\n").as_bytes()).await.expect("the engine listens");
    }

    async fn line(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        match timeout(LIMIT, self.stream.read_line(&mut line)).await {
            Ok(Ok(read)) if read > 0 => serde_json::from_str(&line).map_err(|error| error.to_string()),
            Ok(_) => Err("the engine hung up".to_owned()),
            Err(_) => Err("nothing more came".to_owned()),
        }
    }

    /// Reads on until its rows are those of a fresh snapshot.
    pub(super) async fn catch_up(&mut self, hand: &Hand) -> Result<(), String> {
        let mut rows = Rows::new();
        let mut seen = 0;
        let mut gaps = 0;
        self.ask_snapshot().await;
        loop {
            let fresh = hand.snapshot().await;
            let told = self.line().await.map_err(|error| format!("{error}; {gaps} gaps, at {seen}"))?;
            if told["id"] == 3 {
                let snapshot: Snapshot =
                    serde_json::from_value(told["ok"].clone()).map_err(|error| error.to_string())?;
                if snapshot.cursor.seq.0 >= seen {
                    seen = snapshot.cursor.seq.0;
                    rows = rows_of(&snapshot);
                }
            }
            match serde_json::from_value(told["push"].clone()) {
                Ok(Push::Gap) => {
                    gaps += 1;
                    self.ask_snapshot().await;
                }
                Ok(Push::Changed { seq, rows: changed, .. }) if seq.0 > seen => {
                    seen = seq.0;
                    changed.iter().for_each(|row| apply(&mut rows, row));
                }
                _ => {}
            }
            if seen >= fresh.cursor.seq.0 && !rows.is_empty() {
                let expected = rows_of(&hand.snapshot().await);
                if rows == expected {
                    return match gaps {
                        0 => Err("it never heard a gap, so it was not stalled".to_owned()),
                        _ => Ok(()),
                    };
                }
                if seen >= hand.snapshot().await.cursor.seq.0 {
                    let differ = expected.iter().find(|(key, row)| rows.get(*key) != Some(*row));
                    return Err(format!("at {seen} after {gaps} gaps it differs: {differ:?}"));
                }
            }
        }
    }

    async fn ask_snapshot(&mut self) {
        self.say(&json!({ "id": 3, "execute": { "operation": "snapshot", "face": "window", "input": {} } }))
            .await;
    }
}

fn put(rows: &mut Rows, kind: &str, id: &str, row: &impl serde::Serialize) {
    rows.insert((kind.to_owned(), id.to_owned()), serde_json::to_value(row).unwrap_or_default());
}

fn rows_of(all: &Snapshot) -> Rows {
    let mut rows = Rows::new();
    all.cards.iter().for_each(|card| put(&mut rows, "card", card.task.id.as_str(), card));
    all.sessions.iter().for_each(|view| put(&mut rows, "session", view.row.id.as_str(), view));
    all.requests.iter().for_each(|row| put(&mut rows, "request", row.request.id.as_str(), row));
    all.agents.iter().for_each(|row| put(&mut rows, "agent", row.agent.id.as_str(), row));
    rows
}

fn apply(rows: &mut Rows, row: &Changed) {
    match row {
        Changed::Card(card) => put(rows, "card", card.task.id.as_str(), card),
        Changed::Session(view) => put(rows, "session", view.row.id.as_str(), view),
        Changed::Request(row) => put(rows, "request", row.request.id.as_str(), row),
        Changed::Agent(row) => put(rows, "agent", row.agent.id.as_str(), row),
        Changed::Gone(gone) => {
            rows.remove(&(gone.kind.clone(), gone.id.clone()));
        }
        _ => {}
    }
}
