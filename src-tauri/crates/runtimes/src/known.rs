//! Every program that Nox knows to carry an agent: one table of what a look for them needs. How each is driven is its
//! driver's; facts that a driver has too are taken from there.

use crate::{acp::quirks as acp, claude::quirks as claude, codex::quirks as codex};
use nox_domain::agent::Runtime;

/// One program.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The word that Nox has for it.
    pub id: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// One line for the agent that it carries.
    pub description: &'static str,
    /// What is looked for.
    pub command: &'static str,
    /// What carries it.
    pub runtime: Runtime,
    /// Its preset, for [`Runtime::Acp`].
    pub preset: Option<&'static str>,
    /// Its package at npm.
    pub package: &'static str,
    /// What versions begin with that Nox was tested with; empty when none has passed all of the contract.
    pub tested: &'static str,
    /// Variables that keep it quiet while it is asked.
    pub quiet: &'static [(&'static str, &'static str)],
    /// Its own files of credentials, below the user's home.
    pub credentials: &'static [&'static str],
    /// Variables of the environment that it reads a key from.
    pub key_variables: &'static [&'static str],
    /// Whether it may keep credentials in the keychain of this system, where nobody else looks.
    pub uses_keychain: bool,
    /// What is typed to sign in.
    pub sign_in: &'static str,
}

impl Known {
    /// What is typed to install it.
    pub fn install(&self) -> String {
        format!("npm install -g {}", self.package)
    }

    /// Whether Nox was tested with this version.
    pub fn is_tested(&self, version: &str) -> bool {
        !self.tested.is_empty() && version.starts_with(self.tested)
    }

    /// The versions that Nox was tested with, as people write them.
    pub fn tested_in_words(&self) -> &'static str {
        self.tested.trim_end_matches('.')
    }
}

/// All of them, in the order in which they are recommended: what Nox drives itself before what speaks through another
/// program.
pub fn known() -> &'static [Known] {
    KNOWN
}

/// The program that an agent of this kind starts, when it is one of the table.
pub fn known_for(runtime: Runtime, preset: Option<&str>) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.runtime == runtime && known.preset == preset)
}

const KNOWN: &[Known] = &[
    Known {
        id: "claude",
        title: claude::TITLE,
        description: "Works in your project with Claude Code.",
        command: claude::COMMAND,
        runtime: Runtime::Claude,
        preset: None,
        package: "@anthropic-ai/claude-code",
        tested: claude::TESTED,
        quiet: claude::ENVIRONMENT,
        credentials: &[".claude/.credentials.json"],
        key_variables: &[claude::KEY_VARIABLE, "CLAUDE_CODE_OAUTH_TOKEN"],
        uses_keychain: cfg!(target_os = "macos"),
        sign_in: "claude",
    },
    Known {
        id: "codex",
        title: codex::TITLE,
        description: "Works in your project with Codex.",
        command: codex::COMMAND,
        runtime: Runtime::Codex,
        preset: None,
        package: "@openai/codex",
        tested: codex::TESTED,
        quiet: &[],
        credentials: &[".codex/auth.json"],
        key_variables: &["OPENAI_API_KEY", "CODEX_API_KEY"],
        uses_keychain: false,
        sign_in: "codex login",
    },
    Known {
        id: "opencode",
        title: acp::OPENCODE.named.title,
        description: "Works in your project with OpenCode.",
        command: acp::OPENCODE.command,
        runtime: Runtime::Acp,
        preset: Some(acp::OPENCODE.name),
        package: "opencode-ai",
        tested: acp::OPENCODE.tested,
        quiet: &[("OPENCODE_DISABLE_AUTOUPDATE", "1")],
        credentials: &[".local/share/opencode/auth.json"],
        key_variables: acp::OPENCODE.key_variables,
        uses_keychain: false,
        sign_in: "opencode auth login",
    },
    Known {
        id: "goose",
        title: acp::GOOSE.named.title,
        description: "Works in your project with goose.",
        command: acp::GOOSE.command,
        runtime: Runtime::Acp,
        preset: Some(acp::GOOSE.name),
        package: "@aaif/goose",
        tested: acp::GOOSE.tested,
        quiet: &[("GOOSE_TELEMETRY_ENABLED", "false")],
        credentials: &[".config/goose/secrets.yaml"],
        key_variables: acp::GOOSE.key_variables,
        uses_keychain: true,
        sign_in: "goose configure",
    },
    Known {
        id: "gemini",
        title: acp::GEMINI.named.title,
        description: "Works in your project with Gemini CLI.",
        command: acp::GEMINI.command,
        runtime: Runtime::Acp,
        preset: Some(acp::GEMINI.name),
        package: "@google/gemini-cli",
        tested: acp::GEMINI.tested,
        // One process instead of two, which takes half the time.
        quiet: &[("GEMINI_CLI_NO_RELAUNCH", "true")],
        credentials: &[".gemini/oauth_creds.json"],
        key_variables: acp::GEMINI.key_variables,
        uses_keychain: cfg!(target_os = "macos"),
        sign_in: "gemini",
    },
    Known {
        id: "qwen",
        title: acp::QWEN.named.title,
        description: "Works in your project with Qwen Code.",
        command: acp::QWEN.command,
        runtime: Runtime::Acp,
        preset: Some(acp::QWEN.name),
        package: "@qwen-code/qwen-code",
        tested: acp::QWEN.tested,
        quiet: &[],
        credentials: &[".qwen/oauth_creds.json"],
        key_variables: acp::QWEN.key_variables,
        uses_keychain: false,
        sign_in: "qwen",
    },
    Known {
        id: "claude-agent-acp",
        title: acp::CLAUDE.named.title,
        description: "Works in your project with Claude, over the Agent Client Protocol.",
        command: acp::CLAUDE.command,
        runtime: Runtime::Acp,
        preset: Some(acp::CLAUDE.name),
        package: "@agentclientprotocol/claude-agent-acp",
        tested: acp::CLAUDE.tested,
        quiet: &[],
        credentials: &[".claude/.credentials.json"],
        key_variables: acp::CLAUDE.key_variables,
        uses_keychain: cfg!(target_os = "macos"),
        sign_in: "claude",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Named;
    use std::collections::HashSet;

    #[test]
    fn each_program_is_there_once_and_has_a_driver_of_its_own() {
        let ids: HashSet<_> = KNOWN.iter().map(|known| known.id).collect();
        let drivers: HashSet<_> = KNOWN.iter().map(|known| (known.runtime, known.preset)).collect();
        assert_eq!((ids.len(), drivers.len()), (KNOWN.len(), KNOWN.len()));
        for known in KNOWN {
            assert_eq!(known.preset.is_some(), known.runtime == Runtime::Acp, "{}", known.id);
            assert!(known.runtime.has_program(), "{}", known.id);
        }
    }

    #[test]
    fn every_preset_is_there_and_is_told_to_be_installed_in_the_same_way() {
        let presets: HashSet<_> = KNOWN.iter().filter_map(|known| known.preset).collect();
        assert_eq!(presets, acp::PRESETS.iter().map(|preset| preset.name).collect());
        for known in KNOWN {
            let Some(preset) = known.preset.and_then(acp::Preset::of) else { continue };
            let Named { install, sign_in, .. } = preset.named;
            assert!(install.contains(&known.install()), "{install}");
            assert!(sign_in.contains(known.sign_in), "{sign_in}");
        }
    }

    #[test]
    fn a_version_is_in_the_tested_range_when_it_begins_as_the_tested_ones_do() {
        let claude = known_for(Runtime::Claude, None);
        assert!(claude.is_some_and(|claude| claude.is_tested("2.1.400") && !claude.is_tested("2.10.1")));
        assert_eq!(claude.map(Known::tested_in_words), Some("2.1"));
    }
}
