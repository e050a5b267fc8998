//! `nox export`, `nox import`, `nox doctor --rebuild`: sessions as files, and mending what Nox keeps.

use crate::{
    args::{Export, Form, Import},
    door::{Door, Purpose},
    failure::Failure,
    out,
};
use nox_api::{
    ApiError, Home,
    dto::{ExportFormat, ExportSession, Exported, ImportSession, RebuildReport, Recorded},
};
use nox_domain::ids::SessionId;
use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Bytes of one piece on the way to standard output.
const PIECE: usize = 64 * 1024;

pub(crate) async fn export(root: &Path, wanted: Export) -> Result<(), Failure> {
    let session = SessionId::parse(&wanted.session)
        .map_err(|error| Failure::usage(error.to_string(), "Name a session by its id: ses_…"))?;
    let (format, ending) = match wanted.format {
        Form::Jsonl => (ExportFormat::Jsonl, "jsonl"),
        Form::Markdown => (ExportFormat::Markdown, "md"),
    };
    let to_screen = wanted.out.as_deref() == Some(Path::new("-"));
    // The engine writes files, wherever it runs; what is meant for the screen takes the way over a folder of ours.
    let between = tempfile::Builder::new().prefix("nox-export-").tempdir();
    let between = between.map_err(|error| Failure::system("no folder for what is exported", &error))?;
    let path = match wanted.out.filter(|_| !to_screen) {
        Some(path) => absolute(&path)?,
        None if to_screen => between.path().join("session"),
        None => absolute(Path::new(&format!("{session}.{ending}")))?,
    };
    let input =
        ExportSession { session, format, path: path.display().to_string(), overwrite: wanted.overwrite };
    let door = Door::open(root, Purpose::Look).await?;
    let done: Result<Exported, Failure> = door.call("export_session", &input).await;
    door.close().await;
    let done = done?;
    if to_screen {
        show(&path).map_err(|error| Failure::system("the export cannot be shown", &error))?;
    } else {
        out::say(&format!("{}: {} events, {} bytes", done.path, done.events.0, done.bytes.0));
    }
    if done.pruned.0 > 0 {
        out::say(&format!("{} events of this session were pruned and are not in it", done.pruned.0));
    }
    Ok(())
}

/// Copies a file to standard output. A reader that goes away is no error.
fn show(path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut screen = io::stdout().lock();
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 || screen.write_all(&piece[..read]).and_then(|()| screen.flush()).is_err() {
            return Ok(());
        }
    }
}

pub(crate) async fn import(root: &Path, wanted: Import) -> Result<(), Failure> {
    let input = ImportSession { path: absolute(&wanted.file)?.display().to_string() };
    let door = Door::open(root, Purpose::Look).await?;
    let done: Result<Recorded, Failure> = door.call("import_session", &input).await;
    door.close().await;
    if let Some(session) = done?.session {
        out::print(&format!("{session}\n"));
    }
    Ok(())
}

pub(crate) async fn rebuild(root: &Path, json: bool) -> Result<(), Failure> {
    let home = Home::at(root).map_err(ApiError::from)?;
    let Some(lock) = home.lock().map_err(ApiError::from)? else {
        return Err(Failure::usage(
            "Nox is open, and its data cannot be mended now",
            "Quit it, then try again.",
        ));
    };
    let report = nox_api::rebuild(&home, &lock).await?;
    if json {
        let text = serde_json::to_string(&report).map_err(|error| Failure::system("no report", &error))?;
        out::print(&format!("{text}\n"));
    } else {
        out::print(&in_words(&report));
    }
    if report.unreadable.is_empty() {
        return Ok(());
    }
    Err(Failure {
        code: None,
        exit_code: crate::failure::FAILED,
        message: format!("{} sessions cannot be read", report.unreadable.len()),
        hint: Some("Their events are kept as they are. The others were made anew.".to_owned()),
    })
}

fn in_words(report: &RebuildReport) -> String {
    let mut text = String::new();
    for saved in &report.saved {
        text.push_str(&format!("Set aside: {}\n", out::one_line(saved)));
    }
    text.push_str(&format!("{} sessions looked at, {} rows mended", report.sessions.0, report.rows_mended.0));
    if report.pruned.0 > 0 {
        text.push_str(&format!(", {} pruned sessions left as they are", report.pruned.0));
    }
    text.push('\n');
    for session in &report.unreadable {
        text.push_str(&format!("Cannot be read: {}\n", out::one_line(session)));
    }
    text
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::system("the file cannot be named", &error))
}
