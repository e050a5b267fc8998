//! What is written in a measurement of appends: commands as a session makes them.
//!
//! A command is one batch: some facts, one new item row for each, the session's own row, and a receipt. Sizes are
//! those of a session that talks: facts of some 250 bytes, items of 400, a session row of 700.

use nox_store::{Batch, CausedBy, NewEvent, NewReceipt, RowWrite};
use serde_json::json;
use uuid::Uuid;

/// How much is written, by how many at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Callers that each wait for the answer to a batch before the next.
    pub(crate) writers: usize,
    /// Facts in a batch.
    pub(crate) events_per_batch: usize,
    /// Batches of each caller.
    pub(crate) batches: usize,
}

impl Load {
    /// The load in words.
    pub(crate) fn name(self) -> String {
        let many = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        format!("{} × {}", many(self.writers, "writer"), many(self.events_per_batch, "event"))
    }

    /// Facts in all.
    pub(crate) fn events(self) -> usize {
        self.writers * self.batches * self.events_per_batch
    }

    /// The batches of each writer, made anew: ids differ from those of any other call.
    pub(crate) fn make(self) -> Vec<Vec<Batch>> {
        (0..self.writers).map(|writer| self.writer(writer)).collect()
    }

    fn writer(self, writer: usize) -> Vec<Batch> {
        let session = format!("ses_{}", Uuid::now_v7().simple());
        (0..self.batches).map(|number| self.batch(&session, writer, number)).collect()
    }

    /// The batch of a session that follows on so many of the same size.
    pub(crate) fn batch(self, session: &str, writer: usize, number: usize) -> Batch {
        let at = 1_790_000_000_000 + number as i64;
        let command = format!("cmd_{}", Uuid::now_v7().simple());
        let mut events = Vec::with_capacity(self.events_per_batch);
        let mut rows = Vec::with_capacity(self.events_per_batch + 1);
        for ord in number * self.events_per_batch..(number + 1) * self.events_per_batch {
            let item = format!("itm_{}", Uuid::now_v7().simple());
            let text = format!(
                "Step {ord} of session {writer}: the tests of the parser pass again, the one about line ends was \
                 wrong, not the code; next comes the reader of front matter, which still accepts a tab."
            );
            events.push(NewEvent {
                command: CausedBy::Batch,
                stream: session.to_owned(),
                kind: "said".to_owned(),
                version: 1,
                at,
                actor: "agent".to_owned(),
                cause: None,
                audit: false,
                body: json!({ "type": "said", "item": item, "text": text }).to_string(),
            });
            let body = json!({
                "id": item, "session": session, "turn": session.replace("ses", "trn"), "ord": ord, "at": at,
                "body": { "kind": "message", "text": text },
            });
            rows.push(RowWrite::Put {
                kind: "item".to_owned(),
                id: item,
                parent: Some(session.to_owned()),
                ord: format!("{ord:010}"),
                body: body.to_string(),
            });
        }
        let row = json!({
            "id": session, "task": session.replace("ses", "tsk"), "agent": "runbook", "agent_name": "Runbook",
            "agent_version": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "runtime": "runbook", "project": "parser", "folder": "/home/somebody/projects/parser",
            "title": "Make the reader of front matter strict", "state": { "state": "running", "doing": "cargo test" },
            "review": false, "progress": { "done": number, "of": self.batches }, "attempt": 1, "opened_at": at,
            "last_event_at": at, "closed_at": null, "items": number, "cost_micro_usd": null, "deleted": false,
        });
        rows.push(RowWrite::Put {
            kind: "session".to_owned(),
            id: session.to_owned(),
            parent: Some(session.replace("ses", "tsk")),
            ord: format!("{:016}", 1_790_000_000_000_i64),
            body: row.to_string(),
        });
        let receipt = NewReceipt {
            command: command.clone(),
            at,
            result: json!({ "session": session }).to_string(),
            inverse: None,
        };
        Batch { command: Some(command), events, rows, receipt: Some(receipt), ..Batch::default() }
    }
}
