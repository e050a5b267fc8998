//! Every program that Nox knows to carry an agent: one table of what a look for them needs. How each is driven is its
//! driver's; facts that a driver has too are taken from there.

use crate::{claude::quirks as claude, codex::quirks as codex};
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
    /// What versions begin with that Nox was tested with.
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
        version.starts_with(self.tested)
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
        title: "OpenCode",
        description: "Works in your project with OpenCode.",
        command: "opencode",
        runtime: Runtime::Acp,
        preset: Some("opencode"),
        package: "opencode-ai",
        tested: "1.18.",
        quiet: &[("OPENCODE_DISABLE_AUTOUPDATE", "1")],
        credentials: &[".local/share/opencode/auth.json"],
        key_variables: &["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "GEMINI_API_KEY"],
        uses_keychain: false,
        sign_in: "opencode auth login",
    },
    Known {
        id: "goose",
        title: "goose",
        description: "Works in your project with goose.",
        command: "goose",
        runtime: Runtime::Acp,
        preset: Some("goose"),
        package: "@aaif/goose",
        tested: "1.34.",
        quiet: &[("GOOSE_TELEMETRY_ENABLED", "false")],
        credentials: &[".config/goose/secrets.yaml"],
        key_variables: &["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "GOOGLE_API_KEY"],
        uses_keychain: true,
        sign_in: "goose configure",
    },
    Known {
        id: "gemini",
        title: "Gemini CLI",
        description: "Works in your project with Gemini CLI.",
        command: "gemini",
        runtime: Runtime::Acp,
        preset: Some("gemini"),
        package: "@google/gemini-cli",
        tested: "0.61.",
        quiet: &[],
        credentials: &[".gemini/oauth_creds.json"],
        key_variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        uses_keychain: cfg!(target_os = "macos"),
        sign_in: "gemini",
    },
    Known {
        id: "qwen",
        title: "Qwen Code",
        description: "Works in your project with Qwen Code.",
        command: "qwen",
        runtime: Runtime::Acp,
        preset: Some("qwen"),
        package: "@qwen-code/qwen-code",
        tested: "0.24.",
        quiet: &[],
        credentials: &[".qwen/oauth_creds.json"],
        key_variables: &["OPENAI_API_KEY", "DASHSCOPE_API_KEY"],
        uses_keychain: false,
        sign_in: "qwen",
    },
    Known {
        id: "claude-agent-acp",
        title: "Claude over ACP",
        description: "Works in your project with Claude, over the Agent Client Protocol.",
        command: "claude-agent-acp",
        runtime: Runtime::Acp,
        preset: Some("claude"),
        package: "@agentclientprotocol/claude-agent-acp",
        tested: "0.100.",
        quiet: &[],
        credentials: &[".claude/.credentials.json"],
        key_variables: &[claude::KEY_VARIABLE],
        uses_keychain: cfg!(target_os = "macos"),
        sign_in: "claude",
    },
    Known {
        id: "codex-acp",
        title: "Codex over ACP",
        description: "Works in your project with Codex, over the Agent Client Protocol.",
        command: "codex-acp",
        runtime: Runtime::Acp,
        preset: Some("codex"),
        package: "@agentclientprotocol/codex-acp",
        tested: "2.6.",
        quiet: &[],
        credentials: &[".codex/auth.json"],
        key_variables: &["OPENAI_API_KEY", "CODEX_API_KEY"],
        uses_keychain: false,
        sign_in: "codex login",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{acp::quirks::Preset, faults::Named};
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
    fn what_the_driver_of_presets_knows_is_the_same() {
        for known in KNOWN.iter().filter(|known| known.runtime == Runtime::Acp) {
            let Some(preset) = known.preset.and_then(Preset::of) else { continue };
            assert_eq!((known.command, known.title), (preset.command, preset.named.title), "{}", known.id);
            // Some tell no version in the conversation, and so their driver looks for none.
            assert!(["", known.tested].contains(&preset.tested), "{}", known.id);
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
