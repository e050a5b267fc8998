//! The file of the log: a new one each day and after 16 MiB, the oldest removed.
//!
//! A day's files are `nox.<date>.jsonl`, `nox.<date>.1.jsonl`, `nox.<date>.2.jsonl` … Several processes may append to one
//! file: a line is written in one piece. Only files with exactly such names are ever removed.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file this long is followed by a new one.
pub(super) const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// How many files are kept, the current one among them.
pub(super) const MAX_FILES: usize = 14;

type Today = Box<dyn FnMut() -> String + Send>;

/// An appender that keeps its file young, short and private.
pub(super) struct RollingFile {
    folder: PathBuf,
    today: Today,
    max_file_bytes: u64,
    name: FileName,
    file: File,
    len_bytes: u64,
}

/// A day and a number within it; their order is the order of the files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FileName {
    date: String,
    number: u32,
}

impl FileName {
    fn text(&self) -> String {
        match self.number {
            0 => format!("nox.{}.jsonl", self.date),
            number => format!("nox.{}.{number}.jsonl", self.date),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let middle = text.strip_prefix("nox.")?.strip_suffix(".jsonl")?;
        let (date, number) = match middle.split_once('.') {
            Some((date, number)) => (date, number.parse().ok().filter(|number| *number > 0)?),
            None => (middle, 0),
        };
        date.parse::<jiff::civil::Date>().ok()?;
        let name = Self { date: date.to_owned(), number };
        // What does not come out as it went in (such as `+1` or `01`) was not named by us.
        (name.text() == text).then_some(name)
    }
}

impl RollingFile {
    /// Opens today's file in `folder`, which is made if it is not there.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let today = || jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
        Self::open_with(folder, Box::new(today), MAX_FILE_BYTES)
    }

    /// The same, with a clock and a size of the caller's.
    pub(super) fn open_with(folder: &Path, mut today: Today, max_file_bytes: u64) -> io::Result<Self> {
        make_private_folder(folder)?;
        let date = today();
        let newest = files(folder)?.into_iter().rev().find(|name| name.date == date);
        let name = newest.unwrap_or(FileName { date, number: 0 });
        let (file, len_bytes) = append_to(&folder.join(name.text()))?;
        let mut this = Self { folder: folder.to_owned(), today, max_file_bytes, name, file, len_bytes };
        this.remove_old();
        Ok(this)
    }

    fn roll_if_due(&mut self, coming_bytes: u64) -> io::Result<()> {
        let date = (self.today)();
        let name = if date != self.name.date {
            FileName { date, number: 0 }
        } else if self.len_bytes > 0 && self.len_bytes + coming_bytes > self.max_file_bytes {
            FileName { date, number: self.name.number + 1 }
        } else {
            return Ok(());
        };
        (self.file, self.len_bytes) = append_to(&self.folder.join(name.text()))?;
        self.name = name;
        self.remove_old();
        Ok(())
    }

    fn remove_old(&mut self) {
        let Ok(names) = files(&self.folder) else { return };
        let surplus = names.len().saturating_sub(MAX_FILES);
        for name in names.into_iter().take(surplus).filter(|name| *name != self.name) {
            // A file that cannot be removed now is tried again with the next new one.
            let _ = std::fs::remove_file(self.folder.join(name.text()));
        }
    }
}

impl Write for RollingFile {
    /// Takes a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // When no new file can be made, the old one is better than nothing.
        let _ = self.roll_if_due(line.len() as u64);
        self.file.write_all(line)?;
        self.len_bytes += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The log files in `folder`, oldest first.
fn files(folder: &Path) -> io::Result<Vec<FileName>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.extend(entry?.file_name().to_str().and_then(FileName::parse));
    }
    names.sort();
    Ok(names)
}

/// Opens a file to append to, and ends a line that a crash left unfinished.
fn append_to(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(nix::libc::O_NOFOLLOW);
    }
    let mut file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    let mut len_bytes = file.metadata()?.len();
    if len_bytes > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            len_bytes += 1;
        }
    }
    Ok((file, len_bytes))
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        builder.mode(0o700).create(folder)?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    #[cfg(not(unix))]
    builder.create(folder)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::sync::{Arc, Mutex};

    fn names(folder: &Path) -> Vec<String> {
        files(folder).unwrap().iter().map(FileName::text).collect()
    }

    #[test]
    fn only_names_of_ours_are_log_files() {
        for good in ["nox.2026-03-01.jsonl", "nox.2026-03-01.12.jsonl"] {
            assert_eq!(FileName::parse(good).unwrap().text(), good);
        }
        for bad in [
            "nox.jsonl",
            "nox.2026-03-01.0.jsonl",
            "nox.2026-03-01.01.jsonl",
            "nox.2026-13-01.jsonl",
            "nox.notes.jsonl",
            "nox.2026-03-01.jsonl.bak",
            "other.2026-03-01.jsonl",
        ] {
            assert_eq!(FileName::parse(bad), None, "{bad}");
        }
        let name = |text| FileName::parse(text).unwrap();
        assert!(name("nox.2026-03-01.10.jsonl") > name("nox.2026-03-01.9.jsonl"));
        assert!(name("nox.2026-03-02.jsonl") > name("nox.2026-03-01.10.jsonl"));
    }

    #[test]
    fn a_full_file_and_a_new_day_begin_a_new_file_and_the_oldest_go() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("logs");
        let day = Arc::new(Mutex::new("2026-03-01".to_owned()));
        let clock = day.clone();
        let open = || {
            let clock = clock.clone();
            RollingFile::open_with(&folder, Box::new(move || clock.lock().unwrap().clone()), 100).unwrap()
        };
        let mut log = open();
        std::fs::write(folder.join("notes.txt"), "mine").unwrap();
        for _ in 0..5 {
            log.write_all(&[b"x".repeat(39), vec![b'\n']].concat()).unwrap();
        }
        assert_eq!(
            names(&folder),
            ["nox.2026-03-01.jsonl", "nox.2026-03-01.1.jsonl", "nox.2026-03-01.2.jsonl"]
        );
        for name in names(&folder) {
            assert!(std::fs::metadata(folder.join(name)).unwrap().len() <= 100);
        }
        drop(log);
        // Opening again goes on with the newest file of the day.
        let mut log = open();
        log.write_all(b"again\n").unwrap();
        assert!(std::fs::read_to_string(folder.join("nox.2026-03-01.2.jsonl")).unwrap().ends_with("again\n"));

        for number in 2..=20 {
            *day.lock().unwrap() = format!("2026-03-{number:02}");
            log.write_all(b"line\n").unwrap();
        }
        let names = names(&folder);
        assert_eq!(names.len(), MAX_FILES);
        assert_eq!(names.first().unwrap(), "nox.2026-03-07.jsonl");
        assert_eq!(names.last().unwrap(), "nox.2026-03-20.jsonl");
        assert_eq!(std::fs::read_to_string(folder.join("notes.txt")).unwrap(), "mine");
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_ended() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("nox.2026-03-01.jsonl"), "{\"at\":1}\n{\"at\"").unwrap();
        let mut log =
            RollingFile::open_with(home.path(), Box::new(|| "2026-03-01".to_owned()), 1000).unwrap();
        log.write_all(b"{\"at\":2}\n").unwrap();
        let text = std::fs::read_to_string(home.path().join("nox.2026-03-01.jsonl")).unwrap();
        assert_eq!(text, "{\"at\":1}\n{\"at\"\n{\"at\":2}\n");
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_files_belong_to_the_owner_alone_and_no_link_is_followed() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("logs");
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = folder.join("nox.2026-03-01.jsonl");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let open = || RollingFile::open_with(&folder, Box::new(|| "2026-03-01".to_owned()), 1000);
        drop(open().unwrap());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));

        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(home.path().join("elsewhere"), &path).unwrap();
        assert!(open().is_err());
        assert!(!home.path().join("elsewhere").exists());
    }
}
