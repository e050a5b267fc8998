//! Sessions as an earlier version stored them, brought to the form of now, once, in the background.
//!
//! Rows and states follow from events by rules. When a rule changes, [`FORM`](crate::sessions::stored::FORM) grows, and what
//! an older Nox stored is made anew from its events. A session of which events were pruned cannot be: what it stored is
//! corrected as far as that goes by itself.

use super::{
    jobs::Stop,
    rebuild,
    stage::{Stage, commit},
};
use crate::{
    Error,
    ledger::{Ledger, json, put, read_json},
    sessions::{
        Stored,
        stored::{FORM, costs_of_now, form_of, state_row},
    },
};
use nox_domain::{
    ids::SessionId,
    rows::{Row, SessionRow, kind},
};
use nox_store::{Batch, Reader, RowWrite};

/// The row that says of which form all sessions are.
const KIND: &str = "log";
const ID: &str = "form";

/// Makes anew what an earlier version stored; answers of how many sessions.
pub(super) async fn bring_up(ledger: &Ledger, stop: &Stop) -> Result<u64, Error> {
    let noted = ledger.store().row(KIND, ID).await?;
    if noted.is_some_and(|row| row.body == json(&FORM)) {
        return Ok(0);
    }
    let (mut done, mut left) = (0, 0);
    for id in rebuild::sessions(ledger).await? {
        if *stop.borrow() {
            return Ok(done);
        }
        match one(ledger, &id).await {
            Ok(changed) => done += u64::from(changed),
            // Somebody works on it: its actor has read it in the form of now, and writes its rows so.
            Err(Error::Store(nox_store::Error::Conflict { .. })) => {}
            Err(Error::Store(error @ (nox_store::Error::Disk { .. } | nox_store::Error::Closed))) => {
                return Err(error.into());
            }
            Err(error) => {
                left += 1;
                tracing::warn!(%error, session = %id, "what an earlier version stored of it stays as it is");
            }
        }
    }
    // What could not be read now is looked at again at the next start.
    if left == 0 {
        let (kind, id, ord) = (KIND.to_owned(), ID.to_owned(), String::new());
        let row = RowWrite::Put { kind, id, parent: None, ord, body: json(&FORM) };
        commit(ledger, Batch { rows: vec![row], ..Batch::default() }).await?;
    }
    Ok(done)
}

async fn one(ledger: &Ledger, id: &SessionId) -> Result<bool, Error> {
    let name = id.to_string();
    let state = ledger.store().row(kind::SESSION_STATE, &name).await?;
    // A stream without a state is an import or a salvage that is under way.
    let state = state.filter(|row| !row.deleted);
    let Some(form) = state.map(|row| form_of(&row.body)).filter(|form| *form < FORM) else {
        return Ok(false);
    };
    if rebuild::rebuild_session(ledger, id).await?.is_some() {
        return Ok(true);
    }
    let read = move |reader: &Reader<'_>| reader.row(kind::SESSION, &name);
    let row = ledger.store().read(read).await?.filter(|row| !row.deleted);
    let (Some(row), Some(stored)) = (row, Stored::read(ledger, id).await?) else { return Ok(false) };
    let mut row: SessionRow = read_json("row", &row.body)?;
    (row.cost_micro_usd, row.usage) = costs_of_now(form, row.cost_micro_usd, row.usage);
    let mut stage = Stage::new(id, stored.stream_seq);
    stage.row(put(&Row::Session(row)));
    stage.row(state_row(&stored.session, stored.stream_seq));
    stage.write(ledger).await?;
    Ok(true)
}
