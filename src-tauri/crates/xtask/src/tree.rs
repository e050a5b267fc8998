//! The repository as text files in memory, so that every rule is a function from a tree to findings and a test can
//! hand it a tree of three lines.

use std::fs;
use std::io;
use std::path::Path;

/// One text file.
pub(crate) struct SourceFile {
    /// Path from the top of the repository, with `/`.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
}

/// The text files that the rules look at, sorted by path.
pub(crate) struct FileTree {
    files: Vec<SourceFile>,
}

/// One broken rule at one place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Path from the top of the repository.
    pub(crate) path: String,
    /// Line, from 1.
    pub(crate) line: usize,
    /// What is wrong and what to do instead.
    pub(crate) message: String,
}

impl Finding {
    /// A finding at `path:line`.
    pub(crate) fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

/// Folders that hold nothing a person wrote, by name.
const SKIPPED_FOLDERS: &[&str] =
    &["target", "node_modules", "dist", "gen", "output", "coverage", ".git", ".nox-setup", ".cache"];
/// What the rules can read, by the end of the name.
const READ_ENDINGS: &[&str] =
    &[".rs", ".ts", ".tsx", ".css", ".mjs", ".js", ".toml", ".md", "package-lock.json", "package.json"];

impl FileTree {
    /// Reads the repository below `root`.
    ///
    /// # Errors
    /// The first folder or file that cannot be read. Files that are not UTF-8 are no text and are skipped.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        collect(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// A tree for a test.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        Self { files }
    }

    /// All files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter()
    }

    /// Files whose name ends with one of `endings` and that lie below `folder` (empty: everywhere).
    pub(crate) fn below<'a>(
        &'a self,
        folder: &'a str,
        endings: &'a [&'a str],
    ) -> impl Iterator<Item = &'a SourceFile> {
        self.files().filter(move |file| {
            file.path.starts_with(folder) && endings.iter().any(|ending| file.path.ends_with(ending))
        })
    }

    /// The file at `path`.
    pub(crate) fn get(&self, path: &str) -> Option<&SourceFile> {
        self.files().find(|file| file.path == path)
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }
}

impl SourceFile {
    /// Lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<SourceFile>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED_FOLDERS.contains(&name.as_str()) {
            collect(&entry.path(), &path, files)?;
        } else if kind.is_file() && READ_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            match fs::read_to_string(entry.path()) {
                Ok(text) => files.push(SourceFile { path, text }),
                // Not text, or gone since the folder was listed: neither is a source file of ours.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_text_and_skips_what_nobody_wrote() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, bytes: &[u8]| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        write("b/src/lib.rs", b"//! b\n");
        write("a.toml", b"x = 1\n");
        write("target/debug/made.rs", b"x");
        write("ui/node_modules/p/index.ts", b"x");
        write("broken.md", &[0xff, 0xfe]);
        write("picture.png", b"x");

        let tree = FileTree::read(root.path()).unwrap();
        let paths: Vec<_> = tree.files().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a.toml", "b/src/lib.rs"]);
    }
}
