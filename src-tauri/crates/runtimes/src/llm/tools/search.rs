//! Searches in files with a regular expression, or for files by name.

use super::{
    Desk, Look, Outcome, Tool, Work, call, object,
    place::{self, Place},
    string, text,
    walk::{Kind, Walk},
};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, sinks::Lossy};
use ignore::overrides::OverrideBuilder;
use nox_domain::tool::ToolKind;
use serde_json::Value;
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

pub(super) const TOOL: Tool = Tool {
    name: "search",
    description: "Finds lines in files by a regular expression. Say glob for some files only, such as *.rs. With an \
                  empty pattern it finds the files themselves. What .gitignore names is left out.",
    schema: || {
        let fields = [
            ("pattern", string("A regular expression")),
            ("path", string("A folder or file; the session's folder when it is left out")),
            ("glob", string("Which files")),
        ];
        object(&fields, 1)
    },
    look,
};

/// Lines that come at most, and how long each is.
const LINES: usize = 500;
const LINE_CHARS: usize = 300;
/// Files above this size are left out.
const FILE_BYTES: u64 = 16 * 1024 * 1024;
/// The longest line that is looked through.
const HEAP_BYTES: usize = 4 * 1024 * 1024;

fn look(input: &Value, desk: &Desk) -> Result<Look, String> {
    let place = place::of(input["path"].as_str().unwrap_or("."), desk)?;
    let pattern = text(input, "pattern")?.to_owned();
    let glob = input["glob"].as_str().filter(|glob| !glob.is_empty()).map(str::to_owned);
    let what = if pattern.is_empty() { glob.clone().unwrap_or_default() } else { pattern.clone() };
    let mut call = call(ToolKind::Search, format!("Search {what}"), input, desk);
    let shown = call.text.clone();
    place.put_into(&mut call, None);
    // The input says more than the place.
    call.text = shown;
    // Paths are told as the model would name them.
    let prefix =
        if place.path == desk.folder.join(".") { PathBuf::new() } else { PathBuf::from(&place.short) };
    let work = move |halt: &AtomicBool| Outcome::of(search(&place, &prefix, &pattern, glob.as_deref(), halt));
    Ok(Look { call, work: Work::Files(Box::new(work)) })
}

fn search(
    place: &Place,
    prefix: &Path,
    pattern: &str,
    glob: Option<&str>,
    halt: &AtomicBool,
) -> Result<String, String> {
    let matcher = RegexMatcherBuilder::new().size_limit(10 << 20).build(pattern);
    let matcher = matcher.map_err(|error| format!("the pattern cannot be read: {error}"))?;
    let only = match glob {
        Some(glob) => {
            let mut only = OverrideBuilder::new("");
            let only = only.add(glob).and_then(|only| only.build());
            Some(only.map_err(|error| format!("the glob cannot be read: {error}"))?)
        }
        None => None,
    };
    let mut seeker = Seeker {
        searcher: SearcherBuilder::new()
            .binary_detection(BinaryDetection::quit(0))
            .line_number(true)
            .heap_limit(Some(HEAP_BYTES))
            .build(),
        matcher,
        names: pattern.is_empty(),
        halt,
        lines: Vec::new(),
    };
    if let Ok(folder) = place.folder() {
        let walk = Walk { deep: true, only: only.as_ref(), halt };
        walk.through(&folder, &mut |found| {
            found.kind != Kind::File || seeker.look(&prefix.join(found.path), || found.open())
        })?;
    } else {
        let file = place.open()?;
        if file.metadata().is_ok_and(|found| found.len() > FILE_BYTES) {
            return Err("it is too large to be searched; use a program".into());
        }
        seeker.look(Path::new(&place.short), || Ok(file));
    }
    if halt.load(Ordering::Relaxed) {
        return Err("it was ended".into());
    }
    Ok(if seeker.lines.is_empty() { "[nothing is found]".into() } else { seeker.lines.join("\n") })
}

/// Whoever looks through one file after the other.
struct Seeker<'a> {
    searcher: Searcher,
    matcher: RegexMatcher,
    /// Files are found by their names.
    names: bool,
    halt: &'a AtomicBool,
    lines: Vec<String>,
}

impl Seeker<'_> {
    /// Looks through a file; whether there is room for more.
    fn look(&mut self, path: &Path, open: impl FnOnce() -> io::Result<File>) -> bool {
        let Self { searcher, matcher, names, halt, lines } = self;
        if lines.len() >= LINES {
            lines.push(format!("[there are more than {LINES}; search for less]"));
            return false;
        }
        let name = path.display();
        if *names {
            lines.push(name.to_string());
            return true;
        }
        let sink = Lossy(|number, line| {
            let line: String = line.trim_end().chars().take(LINE_CHARS).collect();
            lines.push(format!("{name}:{number}: {line}"));
            Ok(lines.len() < LINES && !halt.load(Ordering::Relaxed))
        });
        let searched = open().and_then(|file| match file.metadata()?.len() {
            0..=FILE_BYTES => searcher.search_reader(&*matcher, Halting { file, halt }, sink),
            _ => Ok(()),
        });
        // One file that cannot be read is no reason to find nothing in the others.
        if let Err(error) = searched {
            lines.push(format!("[{name}: {error}]"));
        }
        true
    }
}

/// A file of which reading ends when the call is to end.
struct Halting<'a> {
    file: File,
    halt: &'a AtomicBool,
}

impl io::Read for Halting<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.halt.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was ended"));
        }
        self.file.read(bytes)
    }
}
