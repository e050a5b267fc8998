//! Searches in files with a regular expression, or for files by name.

use super::{Desk, Look, Outcome, Tool, Work, call, list::walk, object, place, string, text};
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt, ambient_authority};
use cap_std::fs::{Dir, OpenOptions};
use grep_regex::RegexMatcherBuilder;
use grep_searcher::{BinaryDetection, SearcherBuilder, sinks::Lossy};
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
    let folder = desk.folder.clone();
    let work = move |halt: &AtomicBool| {
        let found = place.again();
        Outcome::of(found.and_then(|path| search(&path, &pattern, glob.as_deref(), &folder, halt)))
    };
    Ok(Look { call, work: Work::Files(Box::new(work)) })
}

fn search(
    path: &Path,
    pattern: &str,
    glob: Option<&str>,
    folder: &Path,
    halt: &AtomicBool,
) -> Result<String, String> {
    let matcher = RegexMatcherBuilder::new().size_limit(10 << 20).build(pattern);
    let matcher = matcher.map_err(|error| format!("the pattern cannot be read: {error}"))?;
    let mut walk = walk(path);
    walk.max_filesize(Some(FILE_BYTES));
    if let Some(glob) = glob {
        let mut overrides = OverrideBuilder::new(path);
        let overrides = overrides.add(glob).and_then(|overrides| overrides.build());
        walk.overrides(overrides.map_err(|error| format!("the glob cannot be read: {error}"))?);
    }
    let mut searcher = SearcherBuilder::new()
        .binary_detection(BinaryDetection::quit(0))
        .line_number(true)
        .heap_limit(Some(HEAP_BYTES))
        .build();
    let mut lines: Vec<String> = Vec::new();
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let short = |path: &Path| -> PathBuf { path.strip_prefix(&real).unwrap_or(path).to_owned() };
    for entry in walk.build().flatten() {
        if halt.load(Ordering::Relaxed) {
            return Err("it was ended".into());
        }
        if lines.len() >= LINES {
            lines.push(format!("[there are more than {LINES}; search for less]"));
            break;
        }
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        // The walk keeps this bound for what is in a folder, not for a file that is named itself.
        if entry.depth() == 0 && entry.metadata().is_ok_and(|found| found.len() > FILE_BYTES) {
            return Err("it is too large to be searched; use a program".into());
        }
        let name = short(entry.path());
        if pattern.is_empty() {
            lines.push(name.display().to_string());
            continue;
        }
        let sink = Lossy(|number, line| {
            let line: String = line.trim_end().chars().take(LINE_CHARS).collect();
            lines.push(format!("{}:{number}: {line}", name.display()));
            Ok(lines.len() < LINES && !halt.load(Ordering::Relaxed))
        });
        // One file that cannot be read is no reason to find nothing in the others.
        let searched = open(entry.path())
            .and_then(|file| searcher.search_reader(&matcher, Halting { file, halt }, sink));
        if let Err(error) = searched {
            lines.push(format!("[{}: {error}]", name.display()));
        }
    }
    Ok(if lines.is_empty() { "[nothing is found]".into() } else { lines.join("\n") })
}

/// Opens what the walk found to be a file; what has taken its place meanwhile is not waited for.
fn open(path: &Path) -> io::Result<File> {
    let mut how = OpenOptions::new();
    how.read(true).nonblock(true).follow(FollowSymlinks::No);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let file = Dir::open_ambient_dir(parent, ambient_authority())?.open_with(name, &how)?.into_std();
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
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
