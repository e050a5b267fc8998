//! The home of goose: conversations and keys are the user's; permissions are not, since what stands in `permission.yaml` as
//! allowed is done without asking; nor are extensions, whose programs would start unasked.

use super::{Dress, link, read};
use std::io;

/// Extensions of goose that it does not get: sub-agents, which do not ask, what could bring those back, and what is made for a
/// window of its own.
const NOT_FOR_GOOSE: &[&str] = &["summon", "extensionmanager", "apps"];

/// Makes its home.
pub(in super::super) fn goose(dress: &mut Dress<'_>) -> io::Result<()> {
    let own = dress.folder("XDG_CONFIG_HOME", &[".config"]).join("goose");
    let data = dress.folder("XDG_DATA_HOME", &[".local", "share"]).join("goose");
    let config = dress.root.join("config");
    std::fs::create_dir_all(&config)?;
    std::fs::create_dir_all(&data)?;
    link(&data, &dress.root.join("data"))?;
    for name in ["secrets.yaml", "custom_providers"] {
        if own.join(name).exists() {
            link(&own.join(name), &config.join(name))?;
        }
    }
    let mut settings = without_block(&read(&own.join("config.yaml")), "extensions");
    settings.push_str("extensions:\n");
    for name in NOT_FOR_GOOSE {
        settings.push_str(&format!(
            "  {name}:\n    enabled: false\n    type: platform\n    name: {name}\n    description: not in Nox\n    \
             bundled: true\n    available_tools: []\n"
        ));
    }
    std::fs::write(config.join("config.yaml"), settings)?;
    let hints = [read(&own.join(".goosehints")), dress.start.instructions.clone()];
    std::fs::write(config.join(".goosehints"), hints.join("\n").trim())?;
    let root = dress.root.to_owned();
    dress.set("GOOSE_PATH_ROOT", root);
    Ok(())
}

/// A text of settings without one block at its top level, as the program itself writes them.
fn without_block(text: &str, name: &str) -> String {
    let mut kept = String::new();
    let mut inside = false;
    for line in text.lines() {
        let is_top = !line.is_empty() && !line.starts_with([' ', '\t', '-', '#']);
        if is_top {
            inside = line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(':'));
        }
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_block_of_settings_is_left_out() {
        let text = "GOOSE_MODEL: a\nextensions:\n  developer:\n    enabled: true\n\n- odd\n# a word\nextensions_more: 1\nGOOSE_PROVIDER: b\n";
        assert_eq!(
            without_block(text, "extensions"),
            "GOOSE_MODEL: a\nextensions_more: 1\nGOOSE_PROVIDER: b\n"
        );
        assert_eq!(without_block("extensions: { a: 1 }\nb: 2\n", "extensions"), "b: 2\n");
        assert_eq!(without_block("", "extensions"), "");
    }
}
