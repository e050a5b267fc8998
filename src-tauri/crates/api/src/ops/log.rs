//! Operations on the log: export, import, compaction; and mending a home whose engine is closed.

use crate::{Api, ApiError, ErrorCode, Home, HomeLock, dto::*, markdown};
use nox_domain::Size;
use nox_engine::{
    clock,
    log::{CompactionStep as Step, ItemsOf, Whole},
};
use std::path::Path;

impl Api {
    /// Writes a session into a file, which appears when it is complete.
    pub async fn export_session(&self, input: ExportSession) -> Result<Exported, ApiError> {
        let (engine, path) = (self.engine(), Path::new(&input.path));
        self.check_outside(path).await?;
        let done = match input.format {
            ExportFormat::Jsonl => engine.export_lines(&input.session, path, input.overwrite).await?,
            ExportFormat::Markdown => self.export_markdown(&input, path).await?,
        };
        Ok(Exported {
            path: done.path.display().to_string(),
            bytes: Size(done.bytes),
            events: Size(done.events),
            pruned: Size(done.pruned),
        })
    }

    /// What Nox keeps is not replaced by an export.
    async fn check_outside(&self, path: &Path) -> Result<(), ApiError> {
        let (home, folder) = (self.engine().home().root().to_owned(), path.parent().map(Path::to_owned));
        let look = move || {
            let (home, folder) = (home.canonicalize().ok()?, folder?.canonicalize().ok()?);
            Some(folder.starts_with(home))
        };
        if tokio::task::spawn_blocking(look).await.ok().flatten() == Some(true) {
            let error = ApiError::new(ErrorCode::BadInput, "this folder belongs to Nox itself");
            return Err(error.field("path").hint("Choose a folder outside of Nox’s home."));
        }
        Ok(())
    }

    async fn export_markdown(
        &self,
        input: &ExportSession,
        path: &Path,
    ) -> Result<nox_engine::log::Exported, ApiError> {
        let engine = self.engine();
        let row = engine.session(&input.session).await?;
        let mut file = Whole::begin(path, input.overwrite).await?;
        let (pruned, all) = engine.pruned_of(&input.session).await?;
        file = file.write(markdown::head(&row, pruned, clock::now())).await?;
        let mut items = ItemsOf::new(&input.session);
        loop {
            let page = items.next(engine).await?;
            if page.is_empty() {
                break;
            }
            let text = page.iter().map(|(item, request)| markdown::item(item, request.as_ref())).collect();
            file = file.write(text).await?;
        }
        file = file.write(markdown::foot(&row)).await?;
        let (path, bytes) = file.keep().await?;
        Ok(nox_engine::log::Exported { path, bytes, events: all - pruned, pruned })
    }

    /// Reads a session from an export; it can be read, and not gone on with. Undo hides it.
    pub async fn import_session(&self, caller: &Caller, input: ImportSession) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            self.engine().import_session(Path::new(&input.path), cause).await?;
            Ok(())
        })
        .await
    }

    /// Compacts old sessions now, in the background, as the settings say.
    pub async fn compact_log(&self, caller: &Caller, _: Nothing) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| self.engine().compact_soon(cause).await).await
    }
}

impl Api {
    /// How large the log is, and what compaction does.
    pub async fn log(&self, _: Nothing) -> Result<LogView, ApiError> {
        let engine = self.engine();
        let size = engine.log_size().await?;
        Ok(LogView {
            bytes: Size(size.bytes),
            free_bytes: Size(size.free_bytes),
            archived_events: Size(size.archived.0),
            archived_bytes: Size(size.archived.1),
            pruned_events: Size(size.pruned_events),
            compaction: engine.compaction().map(|compaction| CompactionView {
                step: match compaction.step {
                    Step::Waiting => CompactionStep::Waiting,
                    Step::Packing => CompactionStep::Packing,
                    Step::Shrinking => CompactionStep::Shrinking,
                    Step::Done => CompactionStep::Done,
                },
                begun_at: compaction.begun_at,
                sessions: Size(compaction.done.sessions),
                events: Size(compaction.done.events),
                freed_bytes: compaction.freed_bytes.map(Size),
                problem: compaction.problem,
            }),
        })
    }
}

/// Mends a home whose engine is closed: a damaged database is set aside, what can be read of it is saved, and what lists
/// and conversations show of sessions is made anew from their events.
pub async fn rebuild(home: &Home, lock: &HomeLock) -> Result<RebuildReport, ApiError> {
    let done = nox_engine::log::rebuild(home, lock).await?;
    let saved = done.saved.iter().map(|saved| match &saved.failed {
        Some(why) => format!("{} cannot be read: {why}", saved.file.display()),
        None => format!(
            "{}: {} sessions came back whole, {} in part or not at all",
            saved.file.display(),
            saved.sessions_saved,
            saved.sessions_damaged
        ),
    });
    Ok(RebuildReport {
        sessions: Size(done.sessions),
        rows_mended: Size(done.rows_mended),
        pruned: Size(done.pruned),
        unreadable: done.unreadable.clone(),
        saved: saved.collect(),
    })
}
