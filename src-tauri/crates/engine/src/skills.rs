//! Skills of an agent: folders with a `SKILL.md` in `skills/` of the registry.
//!
//! The model is told their names, what each is for and where it lies, and reads one when it needs it, with the tools that it
//! has: so every program that reads files can use them, and reading one is asked as reading any other file is.

use crate::{Engine, Error};
use nox_domain::{agent::Agent, terminal::harmless};
use std::{fmt::Write, fs::File, io::Read, path::Path};

/// Of a skill's file so much is looked at for what it is for.
const MOST_BYTES: u64 = 16 * 1024;
/// The longest description, in letters.
const MOST_LETTERS: usize = 1_024;

impl Engine {
    /// What the agent is told about itself: its prompt, and what skills there are.
    ///
    /// # Errors
    /// A skill is not there, or does not say what it is for.
    pub(crate) async fn instructions_of(&self, agent: &Agent) -> Result<String, Error> {
        let (prompt, names) = (agent.prompt.clone(), agent.skills.clone());
        let folder = self.home().registry().join("skills");
        let told = move || with_skills(prompt, &folder, &names);
        tokio::task::spawn_blocking(told).await.map_err(|_| Error::Closing)?
    }
}

fn with_skills(mut told: String, folder: &Path, names: &[String]) -> Result<String, Error> {
    if names.is_empty() {
        return Ok(told);
    }
    told.push_str(
        "\n\n# Skills\n\nEach of these is a folder with instructions for one kind of work. When one fits what you are asked, \
         read its SKILL.md first and follow it; paths in it count from its folder.\n",
    );
    for name in names {
        let file = folder.join(name).join("SKILL.md");
        let purpose = purpose(&file, name).map_err(|why| Error::Conflict {
            message: format!("the skill {name} cannot be used: {} {why}", file.display()),
            hint: "Write a SKILL.md that begins with ---, name: and description:, each in a line; or take the skill out of the \
                   agent."
                .into(),
        })?;
        let _ = write!(told, "\n- {name} ({}): {purpose}", file.display());
    }
    Ok(told.trim_start().to_owned())
}

/// What a skill is for, as its front matter says.
fn purpose(file: &Path, name: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::new();
    let opened =
        std::fs::metadata(file).ok().filter(|found| found.is_file()).and_then(|_| File::open(file).ok());
    let read = opened.ok_or("is not there")?.take(MOST_BYTES).read_to_end(&mut bytes);
    read.map_err(|_| "cannot be read")?;
    let text = String::from_utf8_lossy(&bytes).replace('\r', "");
    let front = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---"));
    let (front, _) = front.ok_or("has no front matter")?;
    let value = |key: &str| {
        let found = front.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix(':'));
        found.map(|value| value.trim().trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
    };
    if value("name").as_deref() != Some(name) {
        return Err("has not the name of its folder");
    }
    let words = value("description").filter(|words| words != ">" && words != "|");
    let words = words.ok_or("does not say in one line what it is for")?;
    Ok(harmless(words.as_bytes()).chars().take(MOST_LETTERS).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn skills_are_told_with_what_they_are_for_and_where_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("release-notes/SKILL.md");
        let names = ["release-notes".to_owned()];
        let told = || with_skills("Be kind.".into(), folder.path(), &names);
        assert_eq!(with_skills("Be kind.".into(), folder.path(), &[]).unwrap(), "Be kind.");
        let refused = told().unwrap_err().to_string();
        assert!(refused.contains("release-notes") && refused.contains("is not there"), "{refused}");

        std::fs::create_dir(folder.path().join("release-notes")).unwrap();
        for (text, why) in [
            ("# Notes", "no front matter"),
            ("---\nname: other\ndescription: x\n---\n", "name of its folder"),
            ("---\nname: release-notes\ndescription: >\n  x\n---\n", "in one line"),
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(told().unwrap_err().to_string().contains(why), "{text}");
        }
        std::fs::write(
            &path,
            "---\nname: release-notes\ndescription: \"Writes\u{1b}[2J notes\"\n---\n\nAsk first.\n",
        )
        .unwrap();
        let text = told().unwrap();
        assert!(text.starts_with("Be kind.\n\n# Skills\n"), "{text}");
        let line = format!("\n- release-notes ({}): Writes", path.display());
        assert!(text.contains(&line) && !text.contains('\u{1b}') && !text.contains("Ask first"), "{text}");
    }
}
