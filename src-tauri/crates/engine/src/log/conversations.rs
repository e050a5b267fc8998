//! Files of conversations go with their sessions: what models were told and said of a session whose events are dropped is
//! removed.
//!
//! An archived session keeps its file, since it can be gone on with. What somebody has written into since stays as well, and so
//! does what nobody names: its session may stand in a database that was set aside.

use crate::{Engine, Error, sessions::Stored};
use nox_domain::{At, agent::Runtime, ids::SessionId, rows::kind, session::Session};
use nox_store::{Fate, RowPage};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use uuid::Uuid;

/// States in one read.
const PAGE: u32 = 100;

impl Engine {
    /// Removes the files of conversations into which nobody has written since a time, whose sessions were dropped, and that no
    /// other session goes on with.
    pub(super) async fn sweep_conversations(&self, over_before: At, fate: Fate) -> Result<(), Error> {
        let folder = self.home().conversations();
        let old = tokio::task::spawn_blocking(move || old_files(&folder, over_before)).await;
        let old = old.map_err(|_| Error::Closing)?;
        if old.is_empty() {
            return Ok(());
        }
        let Named { dropped, kept } = self.named_conversations(over_before, fate).await?;
        let gone = old.into_iter().filter(|(name, _)| dropped.contains(name) && !kept.contains(name));
        let gone: Vec<PathBuf> = gone.map(|(_, path)| path).collect();
        let removing = tokio::task::spawn_blocking(move || {
            for path in gone {
                if let Err(error) = fs::remove_file(&path) {
                    tracing::warn!(%error, path = %path.display(), "an old conversation is not removed");
                }
            }
        });
        removing.await.map_err(|_| Error::Closing)
    }

    async fn named_conversations(&self, over_before: At, fate: Fate) -> Result<Named, Error> {
        let mut named = Named::default();
        let mut page = RowPage::first(PAGE);
        loop {
            let rows = self.ledger().store().rows(kind::SESSION_STATE, None, page.clone()).await?;
            let Some(last) = rows.last() else { return Ok(named) };
            page = page.following(last);
            for row in &rows {
                let Ok(id) = SessionId::parse(&row.id) else { continue };
                // The row may be older than the name.
                let Some(Stored { session, .. }) = Stored::read(self.ledger(), &id).await? else { continue };
                if session.opened.runtime != Runtime::Llm {
                    continue;
                }
                let is_dropped = is_dropped(&session, over_before, fate);
                let names = if is_dropped { &mut named.dropped } else { &mut named.kept };
                // One that has none of its own yet begins with a copy.
                let copied = session.opened.fork.map(|of| of.foreign);
                names.extend(session.foreign.or(copied.filter(|_| !is_dropped)));
            }
        }
    }
}

/// Conversations by what became of the sessions that name them.
#[derive(Debug, Default)]
struct Named {
    dropped: HashSet<String>,
    /// They can be gone on with.
    kept: HashSet<String>,
}

/// Whether what was said in a session was dropped from the log.
fn is_dropped(session: &Session, over_before: At, fate: Fate) -> bool {
    fate == Fate::Prune && session.closed_at.is_some_and(|closed_at| closed_at <= over_before)
}

/// Files into which nobody has written since a time, by the names of their conversations. What Nox has not made is not told.
fn old_files(folder: &Path, over_before: At) -> Vec<(String, PathBuf)> {
    let before = UNIX_EPOCH + Duration::from_millis(u64::try_from(over_before.0).unwrap_or_default());
    let is_old = |changed: SystemTime| changed <= before;
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let old = files.filter(|file| {
        let found = file.metadata().ok().filter(fs::Metadata::is_file);
        found.and_then(|found| found.modified().ok()).is_some_and(is_old)
    });
    let named = old.filter_map(|file| {
        let path = file.path();
        let (name, end) = path.file_name()?.to_str()?.split_once('.')?;
        let is_ours = Uuid::parse_str(name).is_ok() && (end == "jsonl" || end.ends_with(".damaged"));
        is_ours.then(|| (name.to_owned(), path.clone()))
    });
    named.collect()
}
