//! Whether a file is a whole and possible session, before anything of it is written.
//!
//! Every line is read once, with bounds; the facts are taken in by the same state machine that made them, and each has to
//! be about something that is there. What is refused is named by its line. The lines are copied meanwhile, so that what
//! is written later is what was looked at.

use super::{
    fold::Fold,
    lines::{EventLine, FORMAT, Header, PrunedLine, VERSION},
};
use crate::Error;
use nox_domain::{At, event::Event, ids::TaskId, image::fit_one_prompt, session::moves::Checker};
use std::{
    collections::HashSet,
    fs::File,
    io::{BufRead, BufReader, BufWriter, Read, Write},
    path::Path,
};

/// The largest file.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// The longest line: an event has to fit into a transaction together with its rows.
const MAX_LINE_BYTES: u64 = 12 * 1024 * 1024;

/// What a file holds.
#[derive(Debug)]
pub(super) struct Valid {
    pub(super) header: Header,
    pub(super) task: Option<TaskId>,
    pub(super) items: Vec<String>,
    pub(super) requests: Vec<String>,
}

/// A fact with its envelope.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) line: EventLine,
    pub(super) event: Event,
}

/// Reads the lines of a file with bounds.
pub(super) struct Lines {
    file: BufReader<File>,
    number: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        // Looked at before it is opened: opening a pipe waits for somebody who writes.
        let about = std::fs::metadata(path).map_err(|source| Error::home(path, source))?;
        if !about.is_file() {
            return Err(refused("it is no file", "Name a file that an export has written."));
        }
        let file = File::open(path).map_err(|source| Error::home(path, source))?;
        if about.len() > MAX_FILE_BYTES {
            return Err(refused("it is larger than 4 GiB", "Files of this size cannot be imported."));
        }
        Ok(Self { file: BufReader::new(file), number: 0 })
    }

    /// The next line without its end; none at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<String>, Error> {
        let mut bytes = Vec::new();
        self.number += 1;
        let mut bounded = (&mut self.file).take(MAX_LINE_BYTES + 1);
        let read = bounded.read_until(b'\n', &mut bytes);
        read.map_err(|error| self.wrong(&format!("it cannot be read: {error}")))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.len() as u64 > MAX_LINE_BYTES {
            return Err(self.wrong("it is longer than 12 MiB"));
        }
        if bytes.pop_if(|last| *last == b'\n').is_none() {
            return Err(self.wrong("it has no end: the file was cut off"));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| self.wrong("it is not UTF-8"))
    }

    pub(super) fn header(&mut self) -> Result<(Header, String), Error> {
        let text =
            self.next()?.ok_or_else(|| refused("it is empty", "Name a file that an export has written."))?;
        let header: Header = serde_json::from_str(&text)
            .map_err(|error| self.wrong(&format!("it is no header of a session: {error}")))?;
        if header.format != FORMAT {
            return Err(self.wrong(&format!("its format is “{}”, not “{FORMAT}”", shown(&header.format))));
        }
        if header.version > VERSION {
            let version = header.version;
            return Err(
                self.wrong(&format!("it has version {version}; this Nox reads up to {VERSION}: update it"))
            );
        }
        Ok((header, text))
    }

    /// The next fact, which has to have this place.
    pub(super) fn fact(&mut self, stream_seq: i64) -> Result<Option<(Fact, String)>, Error> {
        let Some(text) = self.next()? else { return Ok(None) };
        let line: EventLine =
            serde_json::from_str(&text).map_err(|error| match serde_json::from_str::<PrunedLine>(&text) {
                Ok(PrunedLine { pruned }) => self.wrong(&format!(
                    "events {} to {} were pruned before the export, so the session cannot be made anew",
                    pruned.first_stream_seq, pruned.last_stream_seq
                )),
                Err(_) => self.wrong(&format!("it is no event: {error}")),
            })?;
        if line.stream_seq != stream_seq {
            let found = line.stream_seq;
            return Err(self.wrong(&format!("it is event {found}, where {stream_seq} is expected")));
        }
        if line.version > Event::VERSION {
            return Err(self.wrong("a newer Nox wrote this event: update this one"));
        }
        let event: Event = serde_json::from_str(line.body.get())
            .map_err(|error| self.wrong(&format!("its body is not understood: {error}")))?;
        if event.kind() != line.kind {
            return Err(self.wrong(&format!(
                "its kind is {}, its body's {}",
                shown(&line.kind),
                event.kind()
            )));
        }
        Ok(Some((Fact { line, event }, text)))
    }

    fn wrong(&self, what: &str) -> Error {
        refused(
            &format!("line {}: {what}", self.number),
            "Nothing was imported. Export the session again, or mend this line.",
        )
    }
}

fn refused(what: &str, hint: &str) -> Error {
    Error::bad_input("path", format!("this file cannot be imported: {what}"), hint)
}

/// Foreign text in a message, at a length that can be read.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// Checks a file and copies it.
pub(super) fn check(path: &Path, copy: &Path) -> Result<Valid, Error> {
    let mut lines = Lines::open(path)?;
    let failed = |source| Error::home(copy, source);
    let mut copied = BufWriter::new(File::create_new(copy).map_err(failed)?);
    let (header, text) = lines.header()?;
    copied.write_all(text.as_bytes()).and_then(|()| copied.write_all(b"\n")).map_err(failed)?;
    let mut fold = Fold::default();
    let mut rules = Rules::default();
    while let Some((fact, text)) = lines.fact(fold.stream_seq + 1)? {
        if fold.stream_seq == header.last_stream_seq {
            return Err(lines.wrong("the header says that the event before is the last one"));
        }
        rules.take(&fact.event, &fold).map_err(|why| lines.wrong(&why))?;
        let at = fact.line.at;
        if !(At(0)..=LATEST).contains(&at) || fold.take(&fact.event, at).is_none() {
            return Err(lines.wrong("its time is not possible"));
        }
        rules.moves.take(&fact.event, at).map_err(|why| lines.wrong(&why.to_string()))?;
        if let Event::SessionOpened(opened) = &fact.event
            && opened.session != header.session
        {
            return Err(lines.wrong("it opens another session than the header names"));
        }
        copied.write_all(text.as_bytes()).and_then(|()| copied.write_all(b"\n")).map_err(failed)?;
    }
    let Some(session) = &fold.session else {
        return Err(refused("it has no event", "Name a file that an export has written."));
    };
    if fold.stream_seq != header.last_stream_seq {
        return Err(lines.wrong(&format!(
            "the file ends at event {}, but the header says {}: it was cut off",
            fold.stream_seq, header.last_stream_seq
        )));
    }
    copied.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    Ok(Valid {
        task: session.opened.task.clone(),
        items: rules.items.into_iter().collect(),
        requests: rules.requests.into_iter().collect(),
        header,
    })
}

/// Year 9999: later times have no place in the order of rows.
const LATEST: At = At(253_402_300_799_999);

/// What a fact may be about: things that are there, and none twice.
#[derive(Debug, Default)]
struct Rules {
    items: HashSet<String>,
    calls: HashSet<String>,
    requests: HashSet<String>,
    texts: HashSet<String>,
    plans: HashSet<String>,
    turns: HashSet<String>,
    moves: Checker,
}

impl Rules {
    fn take(&mut self, event: &Event, fold: &Fold) -> Result<(), String> {
        let asked = match event {
            Event::SessionOpened(opened) => opened.images.as_slice(),
            Event::TurnQueued { images, .. } => images,
            _ => &[],
        };
        if !fit_one_prompt(asked) {
            return Err("more images go with a message than one may carry".into());
        }
        let Some(session) = &fold.session else {
            return match event {
                Event::SessionOpened(_) => Ok(()),
                _ => Err("a session begins with session_opened".into()),
            };
        };
        let known = |set: &HashSet<String>, id: &str, what: &str| match set.contains(id) {
            true => Ok(()),
            false => Err(format!("there is no {what} {id} before it")),
        };
        let fresh = |set: &mut HashSet<String>, id: &str| match set.insert(id.to_owned()) {
            true => Ok(()),
            false => Err(format!("{id} is there twice")),
        };
        match event {
            Event::SessionOpened(_) => Err("the session is open already".into()),
            Event::TurnQueued { turn, item, .. } => {
                fresh(&mut self.turns, turn.as_str())?;
                fresh(&mut self.items, item.as_str())
            }
            // A text that had begun is told again with all of it, a plan as often as it changes.
            Event::Said { item, .. } | Event::Thought { item, .. } if self.texts.remove(item.as_str()) => {
                Ok(())
            }
            Event::Planned { item, .. } if self.plans.contains(item.as_str()) => Ok(()),
            Event::TextBegun { item, .. } => {
                self.texts.insert(item.as_str().to_owned());
                fresh(&mut self.items, item.as_str())
            }
            Event::Planned { item, .. } => {
                self.plans.insert(item.as_str().to_owned());
                fresh(&mut self.items, item.as_str())
            }
            Event::ImageTold { item, .. } if session.shows_in(item) => Ok(()),
            Event::Said { item, .. }
            | Event::Thought { item, .. }
            | Event::ImageTold { item, .. }
            | Event::Steered { item, .. }
            | Event::Switched { item, .. }
            | Event::Noted { item, .. }
            | Event::RestartPlanned { item, .. }
            | Event::LimitReached { item, .. } => fresh(&mut self.items, item.as_str()),
            Event::ToolCallProposed { item, .. } => {
                fresh(&mut self.items, item.as_str())?;
                fresh(&mut self.calls, item.as_str())
            }
            Event::PermissionRequested { request } => {
                known(&self.calls, request.item.as_str(), "tool call")?;
                fresh(&mut self.requests, request.id.as_str())
            }
            Event::PermissionDecided { item, request, .. } => {
                known(&self.calls, item.as_str(), "tool call")?;
                request.iter().try_for_each(|id| known(&self.requests, id.as_str(), "request"))
            }
            Event::PermissionWithdrawn { request, item, .. } => {
                known(&self.calls, item.as_str(), "tool call")?;
                known(&self.requests, request.as_str(), "request")
            }
            Event::AskedAgain { item }
            | Event::ToolCallStarted { item, .. }
            | Event::ToolCallEnded { item, .. }
            | Event::UnknownResolved { item, .. } => known(&self.calls, item.as_str(), "tool call"),
            Event::TurnLimited { turn, item, .. } => {
                known(&self.turns, turn.as_str(), "turn")?;
                fresh(&mut self.items, item.as_str())
            }
            Event::TurnStarted { turn }
            | Event::TurnEnded { turn, .. }
            | Event::PromptChanged { turn, .. } => known(&self.turns, turn.as_str(), "turn"),
            Event::RunStarting { .. } if session.has_live_run() => Err("the run before it has no end".into()),
            Event::RunLive { run } | Event::RunCarried { run, .. } | Event::RunEnded { run, .. } => {
                match &session.run {
                    Some(newest) if newest.id == *run => Ok(()),
                    _ => Err(format!("{run} is not the newest run")),
                }
            }
            Event::RunStarting { .. }
            | Event::OffersTold { .. }
            | Event::LimitOver
            | Event::Progressed { .. }
            | Event::UsageReported { .. }
            | Event::SteerSettled { .. }
            | Event::SwitchSettled { .. }
            | Event::StopAsked
            | Event::InterruptAsked
            | Event::PauseAsked { .. }
            | Event::SessionResumed
            | Event::HibernateAsked
            | Event::HeldBack { .. }
            | Event::GaveUp { .. }
            | Event::StallNoticed { .. }
            | Event::WaitedOn
            | Event::HeardAgain
            | Event::RestartAsked
            | Event::ForeignNamed { .. }
            | Event::SessionImported
            | Event::SessionClosed { .. }
            | Event::SessionReopened
            | Event::SessionDeleted
            | Event::SessionRestored => Ok(()),
            other @ (Event::StartRefused { .. }
            | Event::FileChanged { .. }
            | Event::FileWritten { .. }
            | Event::FileSeen { .. }
            | Event::FileBroken { .. }
            | Event::Committed { .. }
            | Event::ProjectGranted { .. }
            | Event::KeyChanged { .. }
            | Event::SettingChanged { .. }
            | Event::BreakerOpened { .. }
            | Event::BreakerClosed { .. }
            | Event::LogCompacted { .. }
            | Event::EngineStarted { .. }) => Err(format!("{} is no fact of a session", other.kind())),
        }
    }
}
