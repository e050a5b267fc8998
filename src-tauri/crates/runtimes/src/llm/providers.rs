//! The kinds of model servers: how each is asked, where it is when nothing else is said, and whose key it takes.

use crate::models::ListForm;
use genai::adapter::AdapterKind;
use nox_domain::agent::Program;
use secrecy::SecretString;

/// A kind of model server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Provider {
    /// The word in `agent.toml`.
    pub(super) word: &'static str,
    pub(super) kind: AdapterKind,
    /// What stands between a bare address and the paths of the wire.
    pub(super) base: &'static str,
    /// Whether the usual address wants a key; none when there is no usual address.
    pub(super) usual: Option<bool>,
    /// The path that is asked.
    pub(super) path: &'static str,
    /// The path of its list of models, and its form.
    pub(super) models: (&'static str, ListForm),
    /// Where other programs read its key from; ours does when the agent passes that variable on.
    pub(super) key: Option<&'static str>,
}

const PROVIDERS: &[Provider] = &[
    Provider {
        word: "anthropic",
        kind: AdapterKind::Anthropic,
        base: "v1/",
        usual: Some(true),
        path: "messages",
        models: ("models?limit=1000", ListForm::OPENAI),
        key: Some("ANTHROPIC_API_KEY"),
    },
    Provider {
        word: "openai",
        kind: AdapterKind::OpenAI,
        base: "v1/",
        usual: Some(true),
        path: "chat/completions",
        models: ("models", ListForm::OPENAI),
        key: Some("OPENAI_API_KEY"),
    },
    Provider {
        word: "openai_responses",
        kind: AdapterKind::OpenAIResp,
        base: "v1/",
        usual: Some(true),
        path: "responses",
        models: ("models", ListForm::OPENAI),
        key: Some("OPENAI_API_KEY"),
    },
    Provider {
        word: "openrouter",
        kind: AdapterKind::OpenRouter,
        base: "api/v1/",
        usual: Some(true),
        path: "chat/completions",
        models: ("models", ListForm::OPENAI),
        key: Some("OPENROUTER_API_KEY"),
    },
    Provider {
        word: "ollama",
        kind: AdapterKind::Ollama,
        base: "",
        usual: Some(false),
        path: "api/chat",
        models: ("api/tags", ListForm::OLLAMA),
        key: None,
    },
    Provider {
        word: "compatible",
        kind: AdapterKind::OpenAI,
        base: "v1/",
        usual: None,
        path: "chat/completions",
        models: ("models", ListForm::OPENAI),
        key: None,
    },
];

impl Provider {
    /// The one that an agent names.
    pub(super) fn named(word: &str) -> Option<Self> {
        PROVIDERS.iter().find(|provider| provider.word == word).copied()
    }

    /// All that can be named.
    pub(super) fn words() -> Vec<&'static str> {
        PROVIDERS.iter().map(|provider| provider.word).collect()
    }

    /// The key of the environment, when the agent passes its variable on.
    pub(super) fn key_passed_on(self, program: &Program) -> Option<SecretString> {
        let variable =
            self.key.filter(|name| program.pass_environment.iter().any(|passed| passed == name))?;
        std::env::var(variable).ok().filter(|key| !key.trim().is_empty()).map(SecretString::from)
    }

    /// What the paths of its wire are put behind; none when the address cannot be one.
    pub(super) fn base_of(self, address: &str) -> Option<String> {
        let url = reqwest::Url::parse(address).ok()?;
        // What stands behind a question mark would stand before the path of the wire.
        let is_whole = url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !is_whole {
            return None;
        }
        let mut base = url.to_string();
        if !base.ends_with('/') {
            base.push('/');
        }
        if url.path() == "/" {
            base.push_str(self.base);
        }
        Some(base)
    }
}

/// Variables that hold keys of model servers: nothing that is started gets them.
pub(super) fn key_variables() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().filter_map(|provider| provider.key)
}
