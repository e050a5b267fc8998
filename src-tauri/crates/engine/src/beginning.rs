//! What an engine does before it works: opens the database, finds what is not over, ends what an earlier one left running.

use crate::{Error, home::Home, ledger::Ledger, sessions::Stored};
use nox_domain::{At, event::ProcessRef, ids::SessionId, rows::kind};
use nox_process::{ProcessIdentity, TreeIdentity};
use nox_store::{RowPage, Store};
use std::path::PathBuf;

/// A damaged database is set aside, never overwritten; the files of the registry fill a new one.
pub(crate) fn open_store(home: &Home, at: At) -> Result<(Store, Option<PathBuf>), Error> {
    let path = home.database();
    match Store::open(&path, nox_store::Options::default()) {
        Ok(store) => Ok((store, None)),
        Err(nox_store::Error::Damaged { detail, .. }) => {
            let aside = nox_store::set_aside(&path, &format!("damaged-{}", at.0))?;
            tracing::error!(%detail, aside = %aside.display(), "the database is damaged and was set aside");
            Ok((Store::open(&path, nox_store::Options::default())?, Some(aside)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Sessions that are not over, how many of them have a run without an end, and the trees that may still live. One that
/// cannot be read is left out: it does not keep the others from going on.
pub(crate) async fn open_sessions(ledger: &Ledger) -> Result<(Vec<SessionId>, u32, Vec<ProcessRef>), Error> {
    let mut open = Vec::new();
    let mut lost = 0;
    let mut processes = Vec::new();
    let mut page = RowPage::first(500);
    loop {
        let rows = ledger.store().rows(kind::SESSION_STATE, Some("open"), page.clone()).await?;
        let Some(last) = rows.last() else { return Ok((open, lost, processes)) };
        page = page.following(last);
        for row in &rows {
            let Ok(id) = SessionId::parse(&row.id) else { continue };
            match Stored::read(ledger, &id).await {
                Ok(Some(Stored { session, .. })) => {
                    lost += u32::from(session.has_live_run());
                    processes.extend(session.processes());
                    open.push(session.id().clone());
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, session = row.id, "a session is left out"),
            }
        }
    }
}

/// Ends what an earlier engine left running; answers how many trees that were.
pub(crate) async fn sweep(processes: Vec<ProcessRef>) -> u32 {
    let trees: Vec<TreeIdentity> = processes
        .into_iter()
        .map(|process| TreeIdentity {
            boot_id: process.boot_id,
            shim: ProcessIdentity { pid: process.shim_pid, started_at_ticks: process.shim_started_ticks.0 },
            program: ProcessIdentity { pid: process.pid, started_at_ticks: process.started_ticks.0 },
        })
        .collect();
    if trees.is_empty() {
        return 0;
    }
    let report = tokio::task::spawn_blocking(move || nox_process::sweep(&trees)).await;
    match report {
        Ok(report) => {
            tracing::info!(?report, "swept what an earlier engine left");
            report.ended as u32
        }
        Err(error) => {
            tracing::error!(%error, "the sweep did not end");
            0
        }
    }
}
