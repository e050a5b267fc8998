//! What the outbox holds: files that are not written yet, tasks whose session wants another status for them.

use super::{
    Want,
    owner::{Owner, RETRY},
    write::{Edit, FILE_WRITE},
};
use crate::{
    Error,
    ledger::{Cause, Change, read_json},
    sessions::{TASK_STATUS, TaskStatusWish},
};
use nox_domain::{
    ids::TaskId,
    rows::{SessionRow, kind},
    task::{TaskPatch, TaskStatus},
};
use nox_store::{Order, PendingEffect, RowPage};
use nox_tasks::TaskFile;
use tokio::time::Instant;

/// What is to be done about a wish.
enum Wish {
    Apply(Vec<Edit>),
    Drop,
    /// The task's file is broken; the wish waits until it is mended.
    Wait(String),
}

impl Owner {
    /// Does what the outbox still holds: files that were not written, tasks whose session is over.
    pub(super) async fn settle_outbox(&mut self) {
        let pending = match self.shared.ledger.store().outbox_pending().await {
            Ok(pending) => pending,
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be read; trying again");
                self.retry_at = Some(Instant::now() + RETRY);
                return;
            }
        };
        self.stuck.clear();
        let edits = edits_of(&pending);
        if !edits.is_empty() {
            self.write_out(edits, "Write what was pending".into()).await;
        }
        for (at, effect) in pending.iter().enumerate() {
            match effect.kind.as_str() {
                FILE_WRITE | crate::log::IMPORT | crate::forking::FORK => {}
                TASK_STATUS => self.settle_status(effect, &pending[at + 1..]).await,
                other => tracing::error!(kind = other, "an entry of the outbox is not known"),
            }
        }
    }

    /// What an earlier engine recorded and did not write.
    pub(super) async fn load_unwritten(&mut self) -> Result<(), Error> {
        let pending = self.shared.ledger.store().outbox_pending().await?;
        self.unwritten.extend(edits_of(&pending).into_iter().map(|(_, edit)| (edit.path, edit.content)));
        Ok(())
    }

    /// Settles one wish; those that `follow` it are of later sessions, or of the end of the same one.
    async fn settle_status(&mut self, effect: &PendingEffect, follow: &[PendingEffect]) {
        let wanted: TaskStatusWish = match read_json("outbox entry", &effect.body) {
            Ok(wanted) => wanted,
            Err(error) => return tracing::error!(%error, "an entry of the outbox is skipped"),
        };
        let wish = match self.plan_status(&wanted, follow).await {
            Ok(wish) => wish,
            Err(error) => {
                tracing::warn!(%error, task = %wanted.task, "a task's status cannot be settled; trying again");
                self.retry_at = Some(Instant::now() + RETRY);
                return;
            }
        };
        let edits = match wish {
            Wish::Apply(edits) => edits,
            Wish::Drop => Vec::new(),
            Wish::Wait(path) => {
                self.waiting.insert(path);
                return;
            }
        };
        // One commit with the change: a wish that is done is never applied again, over what a person wants later.
        let settled = if edits.is_empty() {
            let done = Change { outbox_done: vec![effect.id], ..Change::default() };
            let at = crate::clock::now();
            self.shared.ledger.commit(&Cause::nox(), at, done).await.map(|_| Vec::new())
        } else {
            self.record_settling(edits, &Cause::nox(), None, vec![effect.id]).await.map(|(_, edits)| edits)
        };
        match settled {
            Ok(edits) => self.write_out(edits, format!("Status: {}", wanted.status.as_str())).await,
            Err(error) => {
                tracing::warn!(%error, "a task's status cannot be recorded; trying again");
                self.retry_at = Some(Instant::now() + RETRY);
            }
        }
    }

    async fn plan_status(&self, wanted: &TaskStatusWish, follow: &[PendingEffect]) -> Result<Wish, Error> {
        let Some(row) = self.tasks.get(&wanted.task) else { return Ok(Wish::Drop) };
        // What a person decided while the session ran counts more than its end.
        let applies = match wanted.status {
            TaskStatus::InProgress => {
                wishes_again(&wanted.task, follow) || self.has_open_session(&wanted.task).await?
            }
            _ => row.status == TaskStatus::InProgress,
        };
        if !applies || row.status == wanted.status {
            return Ok(Wish::Drop);
        }
        let Some(text) = self.newest_text(&row.path)? else { return Ok(Wish::Drop) };
        if TaskFile::parse(&row.path, &text).is_err() {
            return Ok(Wish::Wait(row.path.clone()));
        }
        let patch = TaskPatch { status: Some(wanted.status), ..TaskPatch::default() };
        match self.plan(&Want::PatchTask { task: wanted.task.clone(), patch, base: None }) {
            Ok(plan) => Ok(Wish::Apply(plan.edits)),
            // A file of a newer version is not written to; the card is right without it.
            Err(Error::Conflict { message, .. }) => {
                tracing::info!(message, task = %wanted.task, "a task's file keeps its status");
                Ok(Wish::Drop)
            }
            Err(error) => Err(error),
        }
    }

    async fn has_open_session(&self, task: &TaskId) -> Result<bool, Error> {
        let page = RowPage { after: None, limit: 200, order: Order::Descending };
        let rows = self.shared.ledger.store().rows(kind::SESSION, Some(task.as_str()), page).await?;
        // A session of another version that cannot be read is not at work here.
        let mut sessions = rows.iter().filter_map(|row| read_json::<SessionRow>("session", &row.body).ok());
        Ok(sessions.any(|row| !row.state.is_closed()))
    }
}

/// Whether a later entry is about the same task: the end of a session that was over before its start was settled.
fn wishes_again(task: &TaskId, follow: &[PendingEffect]) -> bool {
    let wishes = follow.iter().filter(|effect| effect.kind == TASK_STATUS);
    wishes
        .filter_map(|effect| read_json::<TaskStatusWish>("outbox entry", &effect.body).ok())
        .any(|wish| wish.task == *task)
}

/// The file changes among the entries of the outbox, in order.
fn edits_of(pending: &[PendingEffect]) -> Vec<(i64, Edit)> {
    let files = pending.iter().filter(|effect| effect.kind == FILE_WRITE);
    files
        .filter_map(|effect| match read_json::<Edit>("outbox entry", &effect.body) {
            Ok(edit) => Some((effect.id, edit)),
            Err(error) => {
                tracing::error!(%error, "an entry of the outbox is skipped");
                None
            }
        })
        .collect()
}
