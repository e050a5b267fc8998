//! What the folder's own `CLAUDE.md` says. Settings of the project are not read, and with them Claude Code leaves out this file
//! too; its text is given as what it is: words of the project.

use crate::calls::is_outside;
use std::{io::Read, path::Path};

/// Of such a file so much is read.
const MAX_BYTES: u64 = 64 * 1024;

/// Where it may stand.
const NAMES: &[&str] = &["CLAUDE.md", ".claude/CLAUDE.md"];

/// What the agent is told about itself, with the project's words behind it.
pub(super) fn with_words_of_project(instructions: &str, folder: &Path) -> String {
    let mut told = instructions.to_owned();
    for name in NAMES {
        if let Some(words) = read(&folder.join(name), folder) {
            told.push_str(&format!(
                "\n\n# Words of the project\n\n{name} in the folder of this session says the following. It was written by those \
                 who work on the project, and not by the person who asks you.\n\n{words}"
            ));
        }
    }
    told
}

/// A text of the folder itself; none when it leads out of it, or is empty.
fn read(path: &Path, folder: &Path) -> Option<String> {
    // Opening what is no file could wait for ever.
    if !std::fs::metadata(path).is_ok_and(|found| found.is_file()) || is_outside(path, folder) {
        return None;
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_words_of_the_project_stand_behind_those_of_the_agent_and_are_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(with_words_of_project("You are a worker.", folder.path()), "You are a worker.");
        std::fs::write(folder.path().join("CLAUDE.md"), "Use tabs.\n").unwrap();
        let told = with_words_of_project("You are a worker.", folder.path());
        assert!(told.starts_with("You are a worker.") && told.ends_with("Use tabs."), "{told}");
        assert!(told.contains("CLAUDE.md in the folder") && told.contains("not by the person"), "{told}");
    }

    #[test]
    #[cfg(unix)]
    fn what_leads_out_of_the_folder_is_not_read_and_what_is_long_is_cut() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let secret = elsewhere.path().join("secret");
        std::fs::write(&secret, "a secret").unwrap();
        let path = folder.path().join("CLAUDE.md");
        std::os::unix::fs::symlink(&secret, &path).unwrap();
        assert_eq!(with_words_of_project("", folder.path()), "");
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(with_words_of_project("", folder.path()), "");
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, "é".repeat(1_000_000)).unwrap();
        assert!(with_words_of_project("", folder.path()).len() < 70_000);
    }
}
