//! Looks for damage in the open database, and the banner that tells of it.

use super::DATABASE;
use crate::{
    Engine, clock,
    ledger::{Cause, Change, Ledger, json, put},
};
use nox_domain::{
    At,
    rows::{FileProblem, Row},
};
use nox_store::{Batch, RowWrite};

/// The row that says when the database was last found undamaged.
const KIND: &str = "log";
const CHECKED: &str = "checked";

/// A banner about the database.
pub(super) fn problem(code: &str, message: String, hint: &str) -> RowWrite {
    put(&Row::Problem(FileProblem {
        path: DATABASE.to_owned(),
        line: 1,
        column: None,
        field: None,
        code: code.to_owned(),
        message,
        hint: hint.to_owned(),
        excerpt: Vec::new(),
    }))
}

/// Writes rows; what cannot be written is in the log.
async fn note(ledger: &Ledger, rows: Vec<RowWrite>) {
    let change = Change { rows, ..Change::default() };
    if let Err(error) = ledger.commit(&Cause::nox(), clock::now(), change).await {
        tracing::warn!(%error, "a banner about the database cannot be written");
    }
}

/// Whether the database was not looked at for some time.
pub(super) async fn is_due(ledger: &Ledger, every_ms: i64) -> bool {
    let row = ledger.store().row(KIND, CHECKED).await.ok().flatten();
    let last = row.and_then(|row| serde_json::from_str::<At>(&row.body).ok()).unwrap_or_default();
    !(0..every_ms).contains(&(clock::now().0 - last.0))
}

impl Engine {
    /// Looks for damage in the whole database, and tells of it with a banner; answers whether all is well. Takes as long
    /// as the database is to be read.
    pub async fn check_log(&self) -> bool {
        let ledger = self.ledger();
        match ledger.store().check().await {
            Ok(()) => {
                let body = json(&clock::now());
                let row = RowWrite::Put {
                    kind: KIND.to_owned(),
                    id: CHECKED.to_owned(),
                    parent: None,
                    ord: String::new(),
                    body,
                };
                let batch = Batch { rows: vec![row], ..Batch::default() };
                if let Err(error) = ledger.store().commit(batch).await {
                    tracing::warn!(%error, "a look at the database cannot be noted");
                }
                true
            }
            Err(error @ nox_store::Error::Damaged { .. }) => {
                tracing::error!(%error, "the database is damaged");
                let hint = "Export what matters, quit Nox, then run “nox doctor --rebuild”: it sets this file aside \
                            and saves what can be read of it.";
                note(ledger, vec![problem("database_damaged", error.to_string(), hint)]).await;
                false
            }
            Err(nox_store::Error::Closed) => true,
            Err(error) => {
                tracing::warn!(%error, "the database could not be looked at");
                true
            }
        }
    }
}
