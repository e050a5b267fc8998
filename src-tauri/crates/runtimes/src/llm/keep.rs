//! The file of a conversation: JSON lines, each on the disk before anything follows from it.
//!
//! `<folder>/<name>.jsonl`, where the name is the one that the engine is told. A last line that was cut off by a crash
//! is taken away; any other line that cannot be read ends what is read, and that is told. A file is read line by line and
//! has a greatest length: what is longer is not gone on with. One of an older version is gone on with in this one, and says so
//! in a line of its own. The engine removes it with its session.

use super::history::{History, Line, SCHEMA};
use crate::child::Before;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// The longest line: a result with as many images as one call may give.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;
/// The largest file. Images are kept in its first half only, and named behind it: the rest is for what is said, and a year of
/// hard work of one agent stays below it.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// A conversation that is open for more.
#[derive(Debug)]
pub(super) struct Keeper {
    name: String,
    file: File,
    bytes: u64,
    most_bytes: u64,
}

/// What was found of a conversation.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) history: History,
    /// The newest version that it says it is written in.
    schema: u32,
    /// Lines that a fault of the disk or of a hand made unreadable, with all behind them.
    pub(super) lost_lines: usize,
}

/// Why a conversation cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// There is none with this name.
    #[error("it is not there any more")]
    NotThere,
    /// A newer version of Nox wrote it.
    #[error("a newer version of Nox wrote it; start that version")]
    Newer,
    /// It is as long as one may be.
    #[error("it is longer than {} MB; begin a new session", MAX_FILE_BYTES >> 20)]
    TooLong,
    /// The disk.
    #[error("its file cannot be read or written: {0}")]
    Disk(#[from] io::Error),
}

impl Keeper {
    /// The conversation of this name, or a copy of it; a new one when there is no name, or nothing of that name any more.
    ///
    /// # Errors
    /// As of [`Keeper::begin`] and [`Keeper::open`].
    pub(super) fn of(folder: &Path, name: Option<&str>, fork: bool) -> Result<(Self, Found, Before), Error> {
        let begun = |before| Self::begin(folder).map(|keeper| (keeper, Found::default(), before));
        let opened = match name {
            Some(name) if fork => Self::fork(folder, name),
            Some(name) => Self::open(folder, name),
            None => return begun(Before::Known),
        };
        match opened {
            Ok((keeper, found)) => Ok((keeper, found, Before::Known)),
            Err(Error::NotThere) if !fork => begun(Before::Lost),
            Err(error) => Err(error),
        }
    }

    /// A new conversation.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(super) fn begin(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder)?;
        let name = Uuid::now_v7().to_string();
        let file = private(OpenOptions::new().append(true).create_new(true)).open(path(folder, &name))?;
        let mut keeper = Self { name, file, bytes: 0, most_bytes: MAX_FILE_BYTES };
        keeper.keep(&Line::Begun { schema: SCHEMA })?;
        File::open(folder)?.sync_all()?;
        Ok(keeper)
    }

    /// A conversation that is there, with what was said in it.
    ///
    /// # Errors
    /// It is not there, is newer than this version, or the disk fails.
    pub(super) fn open(folder: &Path, name: &str) -> Result<(Self, Found), Error> {
        let path = known(folder, name)?;
        let (found, good_bytes) = read(&path)?;
        let file = OpenOptions::new().append(true).open(&path)?;
        if file.metadata()?.len() > good_bytes {
            if found.lost_lines > 0 {
                // What cannot be read may be of use to a person. An older damage has a copy of its own.
                let aside = path.with_extension(format!("{}.damaged", Uuid::now_v7().simple()));
                fs::copy(&path, &aside)?;
                File::open(&aside)?.sync_all()?;
                File::open(folder)?.sync_all()?;
            }
            file.set_len(good_bytes)?;
            file.sync_all()?;
        }
        let mut keeper = Self { name: name.to_owned(), file, bytes: good_bytes, most_bytes: MAX_FILE_BYTES };
        if found.schema < SCHEMA {
            keeper.keep(&Line::Begun { schema: SCHEMA })?;
        }
        Ok((keeper, found))
    }

    /// A copy of a conversation under a new name; the old one stays as it is.
    ///
    /// # Errors
    /// As of [`Keeper::open`].
    pub(super) fn fork(folder: &Path, name: &str) -> Result<(Self, Found), Error> {
        let path = known(folder, name)?;
        let (_, good_bytes) = read(&path)?;
        let copy = Uuid::now_v7().to_string();
        let to = self::path(folder, &copy);
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&to)?;
        io::copy(&mut File::open(&path)?.take(good_bytes), &mut file)?;
        file.sync_all()?;
        File::open(folder)?.sync_all()?;
        Self::open(folder, &copy)
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Appends lines; they are on the disk when it comes back.
    ///
    /// # Errors
    /// The disk does not take them.
    pub(super) fn keep(&mut self, line: &Line) -> io::Result<()> {
        let mut text = match self.bytes < self.most_bytes / 2 {
            true => serde_json::to_vec(line)?,
            false => serde_json::to_vec(&line.without_images())?,
        };
        text.push(b'\n');
        let bytes = self.bytes + text.len() as u64;
        if bytes > self.most_bytes || text.len() as u64 > MAX_LINE_BYTES {
            return Err(io::Error::new(ErrorKind::FileTooLarge, "it is as long as a conversation may be"));
        }
        // One write: a crash cuts it off, and never mixes it.
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        self.bytes = bytes;
        Ok(())
    }
}

/// What a person can do when a line cannot be kept.
pub(super) fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::FileTooLarge => "Begin a new session.",
        _ => "Make room on the disk, then ask again.",
    }
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.jsonl"))
}

/// The path of a conversation, whose name has to be one that was made here: nothing else leads to a file.
fn known(folder: &Path, name: &str) -> Result<PathBuf, Error> {
    let made_here = Uuid::parse_str(name).is_ok_and(|id| id.to_string() == name);
    let path = path(folder, name);
    if made_here && path.is_file() { Ok(path) } else { Err(Error::NotThere) }
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// What can be read, and how many bytes of the file that is.
fn read(path: &Path) -> Result<(Found, u64), Error> {
    let file = File::open(path)?;
    if file.metadata()?.len() > MAX_FILE_BYTES {
        return Err(Error::TooLong);
    }
    let (mut file, mut line) = (BufReader::new(file), Vec::new());
    let (mut found, mut good) = (Found::default(), 0);
    loop {
        line.clear();
        let read = file.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok((found, good));
        }
        if found.lost_lines > 0 {
            found.lost_lines += 1;
            continue;
        }
        let whole = line.strip_suffix(b"\n");
        if whole.is_none() && read < MAX_LINE_BYTES {
            return Ok((found, good));
        }
        match whole.map(serde_json::from_slice::<Line>) {
            Some(Ok(Line::Begun { schema })) if schema > SCHEMA => return Err(Error::Newer),
            Some(Ok(line)) => {
                if let Line::Begun { schema } = &line {
                    found.schema = *schema;
                }
                found.history.apply(&line);
                good += read;
            }
            Some(Err(_)) | None => found.lost_lines = 1,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::llm::{
        history::{Entry, Fate, Part},
        image::{Image, MAX_IMAGES},
    };

    fn asked(text: &str) -> Line {
        Line::Asked { text: text.into(), turn: None, images: vec![] }
    }

    fn said(text: &str) -> Entry {
        Entry::Asked(text.into(), vec![])
    }

    #[test]
    fn what_was_kept_is_there_again_and_a_torn_line_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Keeper::begin(folder.path()).unwrap();
        kept.keep(&asked("hello\nthere")).unwrap();
        let name = kept.name().to_owned();
        kept.file.write_all(b"{\"line\":\"asked\",\"te").unwrap();
        drop(kept);
        let (mut kept, found) = Keeper::open(folder.path(), &name).unwrap();
        assert_eq!((found.history.entries(), found.lost_lines), (&[said("hello\nthere")][..], 0));
        kept.keep(&asked("more")).unwrap();
        let (_, found) = Keeper::open(folder.path(), &name).unwrap();
        assert_eq!(found.history.entries(), [said("hello\nthere"), said("more")]);
    }

    #[test]
    fn every_cut_of_the_file_reads_as_the_lines_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Keeper::begin(folder.path()).unwrap();
        for text in ["a", "b", "c"] {
            kept.keep(&asked(text)).unwrap();
        }
        let whole = fs::read(path(folder.path(), kept.name())).unwrap();
        for end in 0..whole.len() {
            let name = Uuid::now_v7().to_string();
            fs::write(path(folder.path(), &name), &whole[..end]).unwrap();
            let (_, found) = Keeper::open(folder.path(), &name).unwrap();
            let lines = whole[..end].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(found.history.entries().len(), lines.saturating_sub(1), "cut at {end}");
            assert_eq!(found.lost_lines, 0);
        }
    }

    #[test]
    fn damage_in_the_middle_is_told_and_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Keeper::begin(folder.path()).unwrap();
        for text in ["a", "b", "c"] {
            kept.keep(&asked(text)).unwrap();
        }
        let path = path(folder.path(), kept.name());
        let text = fs::read_to_string(&path).unwrap().replacen("\"b\"", "\"b", 1);
        fs::write(&path, text).unwrap();
        let damaged = |path: &Path| {
            let (_, found) = Keeper::open(folder.path(), kept.name()).unwrap();
            assert_eq!((found.history.entries().len(), found.lost_lines), (1, 2), "{}", path.display());
            let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
            let texts = files.filter(|file| file.extension().is_some_and(|end| end == "damaged"));
            texts.map(|file| fs::read_to_string(file).unwrap()).collect::<Vec<_>>()
        };
        assert!(damaged(&path).concat().contains("\"b,"));
        // Damage that comes later is put aside as well, and the first stays.
        let (mut again, _) = Keeper::open(folder.path(), kept.name()).unwrap();
        again.file.write_all(b"no line\n{}\n").unwrap();
        let both = damaged(&path);
        assert!(
            both.len() == 2 && both.concat().contains("\"b,") && both.concat().contains("no line"),
            "{both:?}"
        );
    }

    #[test]
    fn a_conversation_has_a_greatest_length() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Keeper::begin(folder.path()).unwrap();
        kept.most_bytes = 200;
        kept.keep(&asked("a")).unwrap();
        let error = kept.keep(&asked(&"b".repeat(200))).unwrap_err();
        assert!(error.to_string().contains("as long as") && remedy(&error).contains("new session"));
        let path = path(folder.path(), kept.name());
        assert_eq!(Keeper::open(folder.path(), kept.name()).unwrap().1.history.entries(), [said("a")]);
        // One that was made longer by somebody else is not read.
        File::options().write(true).open(&path).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(matches!(Keeper::open(folder.path(), kept.name()), Err(Error::TooLong)));
        assert!(matches!(Keeper::fork(folder.path(), kept.name()), Err(Error::TooLong)));
    }

    /// A conversation of the first version: a turn that ended well, and one that met a limit.
    const OLD: &str = include_str!("conversation-1.jsonl");

    #[test]
    fn one_of_the_first_version_is_read_whole_and_gone_on_with_in_this_one() {
        let folder = tempfile::tempdir().unwrap();
        let name = Uuid::now_v7().to_string();
        let path = path(folder.path(), &name);
        fs::write(&path, OLD).unwrap();
        for _ in 0..2 {
            let (_, found) = Keeper::open(folder.path(), &name).unwrap();
            assert_eq!((found.lost_lines, found.history.entries().len()), (0, 5));
            assert_eq!(found.history.entries()[4], said("And what is in b?"));
            assert_eq!(found.history.last_words(), "It says hello.");
        }
        // An older version does not take what follows for damage.
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{OLD}{{\"line\":\"begun\",\"schema\":2}}\n"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn images_take_neither_the_memory_nor_the_room_of_what_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Keeper::begin(folder.path()).unwrap();
        kept.most_bytes = 1_000_000;
        let image = Image::of("a.png", &[crate::testing::picture(1), vec![0; 30_000]].concat()).unwrap();
        let mut history = History::default();
        for number in 1..=100 {
            let call = Part::Call { id: "c".into(), name: "read".into(), input: serde_json::json!({}) };
            let answered = Line::Answered { parts: vec![call], input_tokens: 0, cut: false };
            let (key, text, images) = (format!("call:{number}"), image.line(), vec![image.clone()]);
            for line in [answered, Line::Result { key, fate: Fate::Succeeded, text, images }] {
                kept.keep(&line).unwrap();
                history.apply(&line);
            }
        }
        let images = |history: &History| {
            let results = history.entries().iter().filter_map(|entry| match entry {
                Entry::Results(results) => Some(results[0].images[0].clone()),
                _ => None,
            });
            let (whole, named): (Vec<_>, Vec<_>) = results.partition(|image| image.base64().is_some());
            assert!(named.iter().all(|named| named.line() == image.line()));
            (whole.len(), named.len())
        };
        assert_eq!(images(&history), (MAX_IMAGES, 100 - MAX_IMAGES));
        let (_, found) = Keeper::open(folder.path(), kept.name()).unwrap();
        assert_eq!((images(&found.history), found.lost_lines), ((0, 100), 0));
    }

    #[test]
    fn a_copy_goes_its_own_way() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Keeper::begin(folder.path()).unwrap();
        kept.keep(&asked("a")).unwrap();
        let (mut copy, found) = Keeper::fork(folder.path(), kept.name()).unwrap();
        assert!(found.history.entries() == [said("a")] && copy.name() != kept.name());
        copy.keep(&asked("b")).unwrap();
        let (_, found) = Keeper::open(folder.path(), kept.name()).unwrap();
        assert_eq!(found.history.entries(), [said("a")]);
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("other.jsonl"), "").unwrap();
        for name in ["other", "../other", "", "/etc/passwd", "0191d3a5-0000-7000-8000-000000000000"] {
            assert!(matches!(Keeper::open(folder.path(), name), Err(Error::NotThere)), "{name}");
        }
        let newer = Uuid::now_v7().to_string();
        fs::write(path(folder.path(), &newer), "{\"line\":\"begun\",\"schema\":99}\n").unwrap();
        assert!(matches!(Keeper::open(folder.path(), &newer), Err(Error::Newer)));
    }
}
