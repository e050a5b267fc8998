//! Between a conversation and a model server, over `genai`: what is asked, and what is heard of the answer.
//!
//! The key goes into the header of the request and nowhere else. No redirect is followed: it would carry the key to
//! another address. An answer that does not say why it ended was cut off, whatever else it says.

use super::{
    faults::{self, Failure},
    history::{Entry, History, Part},
    prices::Tokens,
};
use futures::StreamExt;
use genai::{
    Client, Headers, ModelIden, ServiceTarget,
    adapter::AdapterKind,
    chat::{
        CacheControl, ChatMessage, ChatOptions, ChatRequest, ChatStreamEvent, ContentPart, CustomPart,
        MessageContent, ReasoningEffort, StopReason, StreamEnd, Tool, ToolCall, ToolResponse,
    },
    resolver::{AuthData, Endpoint},
};
use nox_domain::{agent::Program, transcript::AgentFault};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::mpsc;

/// How long a model server may take until it begins to answer: one that has to load a large model takes minutes.
const FIRST_LIMIT: Duration = Duration::from_secs(600);
/// How long it may be silent inside of an answer.
const SILENCE_LIMIT: Duration = Duration::from_secs(300);
/// How long it may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How long a whole answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(3600);
/// The longest answer that is taken.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Calls that one answer may have.
const MAX_ANSWER_CALLS: usize = 1_000;

/// What a model server said.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    /// More words.
    Text(String),
    /// More of a thought.
    Thought(String),
    /// The answer is through.
    Reply(Box<Reply>),
    /// There is no answer, or none that is whole.
    Failed(Failure),
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Reply {
    /// All of it, in order.
    pub(super) parts: Vec<Part>,
    /// It was cut off at the length that the model may write.
    pub(super) cut: bool,
    pub(super) tokens: Tokens,
}

/// A tool as a model is told about it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Offered {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) schema: Value,
}

impl Offered {
    /// Bytes that it costs in each request, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.name.len() + self.description.len() + self.schema.to_string().len()
    }
}

/// A kind of model server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Provider {
    /// The word in `agent.toml`.
    word: &'static str,
    kind: AdapterKind,
    /// What stands between a bare address and the paths of the wire.
    base: &'static str,
    /// Whether the usual address wants a key; none when there is no usual address.
    usual: Option<bool>,
    /// The path that is asked.
    path: &'static str,
    /// Where other programs read its key from; ours does when the agent passes that variable on.
    key: Option<&'static str>,
}

const PROVIDERS: &[Provider] = &[
    Provider {
        word: "anthropic",
        kind: AdapterKind::Anthropic,
        base: "v1/",
        usual: Some(true),
        path: "messages",
        key: Some("ANTHROPIC_API_KEY"),
    },
    Provider {
        word: "openai",
        kind: AdapterKind::OpenAI,
        base: "v1/",
        usual: Some(true),
        path: "chat/completions",
        key: Some("OPENAI_API_KEY"),
    },
    Provider {
        word: "openai_responses",
        kind: AdapterKind::OpenAIResp,
        base: "v1/",
        usual: Some(true),
        path: "responses",
        key: Some("OPENAI_API_KEY"),
    },
    Provider {
        word: "openrouter",
        kind: AdapterKind::OpenRouter,
        base: "api/v1/",
        usual: Some(true),
        path: "chat/completions",
        key: Some("OPENROUTER_API_KEY"),
    },
    Provider {
        word: "ollama",
        kind: AdapterKind::Ollama,
        base: "",
        usual: Some(false),
        path: "api/chat",
        key: None,
    },
    Provider {
        word: "compatible",
        kind: AdapterKind::OpenAI,
        base: "v1/",
        usual: None,
        path: "chat/completions",
        key: None,
    },
];

/// A model server that can be asked.
#[derive(Clone)]
pub(super) struct Wire {
    client: Client,
    provider: Provider,
    /// None for the usual address.
    base: Option<String>,
    key: Option<SecretString>,
    effort: Option<ReasoningEffort>,
}

impl Wire {
    /// The model server of an agent.
    ///
    /// # Errors
    /// The settings do not say enough, or cannot be.
    pub(super) fn of(program: &Program, key: Option<SecretString>) -> Result<Self, Failure> {
        let refused = |said: &str| Failure::of(AgentFault::Refused, said);
        let word = program.provider.as_deref().unwrap_or_default();
        let provider = *PROVIDERS.iter().find(|provider| provider.word == word).ok_or_else(|| {
            let words: Vec<&str> = PROVIDERS.iter().map(|provider| provider.word).collect();
            refused(&format!("provider has to be one of {}", words.join(", ")))
        })?;
        let address = program.address.as_deref().map(str::trim).filter(|address| !address.is_empty());
        let base = match address {
            Some(address) => Some(base_of(address, provider).ok_or_else(|| {
                refused(&format!("the address {address} cannot be used: it begins with http:// or https:// and has no ? or #"))
            })?),
            None => None,
        };
        let key = key.or_else(|| key_passed_on(program, provider));
        match (provider.usual, &base) {
            (None, None) => {
                return Err(refused("address is missing: there is no usual one for this provider"));
            }
            (Some(true), None) if key.is_none() => return Err(Failure::of(AgentFault::NotSignedIn, "")),
            _ => {}
        }
        let effort = match program.effort.as_deref() {
            None => None,
            Some(word) => Some(effort_of(word).ok_or_else(|| {
                refused("effort has to be none, minimal, low, medium, high, xhigh, max or a number of tokens")
            })?),
        };
        let http = http().connect_timeout(CONNECT_LIMIT).build();
        let http = http.map_err(|_| refused("the system's certificates cannot be read"))?;
        let client = Client::builder().with_reqwest(http).build();
        let client = client.map_err(|_| refused("the client of model servers cannot be made"))?;
        Ok(Self { client, provider, base, key, effort })
    }

    /// Whether what it is asked costs nothing, since nobody sells it.
    pub(super) fn is_local(&self) -> bool {
        self.provider.usual != Some(true)
    }

    /// Asks, and tells what is heard, until the answer is through or nobody listens any more.
    pub(super) async fn ask(&self, request: Request<'_>, heard: &mpsc::Sender<Heard>) {
        let endless = || Failure::of(AgentFault::Protocol, ENDLESS);
        let last = match tokio::time::timeout(ANSWER_LIMIT, self.try_ask(request, heard)).await {
            Ok(Ok(reply)) => Heard::Reply(Box::new(reply)),
            Ok(Err(failure)) => Heard::Failed(failure),
            Err(_) => Heard::Failed(endless()),
        };
        let _ = heard.send(last).await;
    }

    async fn try_ask(&self, request: Request<'_>, heard: &mpsc::Sender<Heard>) -> Result<Reply, Failure> {
        let failed = |error: &genai::Error| faults::of_error(error, self.key.as_ref());
        let broken = || Failure::of(AgentFault::Unreachable, BROKEN);
        let target = self.target(request.model).await.map_err(|error| failed(&error))?;
        let options = self.options(request.model);
        let chat = self.chat(&request);
        let answer = self.client.exec_chat_stream(target, chat, Some(&options)).await;
        let mut stream = answer.map_err(|error| failed(&error))?.stream;
        let (mut bytes, mut inputs) = (0, BTreeMap::new());
        while let Some(event) = stream.next().await {
            let more = match event.map_err(|error| failed(&error))? {
                ChatStreamEvent::Chunk(chunk) => Heard::Text(chunk.content),
                ChatStreamEvent::ReasoningChunk(chunk) => Heard::Thought(chunk.content),
                ChatStreamEvent::ToolCallChunk(chunk) => {
                    // Each tells all of the input so far.
                    let input = chunk.tool_call.fn_arguments.as_str().map_or(0, str::len);
                    inputs.insert(chunk.tool_call.call_id, input);
                    let all = bytes + inputs.values().sum::<usize>();
                    if all > MAX_ANSWER_BYTES || inputs.len() > MAX_ANSWER_CALLS {
                        return Err(Failure::of(AgentFault::Protocol, ENDLESS));
                    }
                    continue;
                }
                ChatStreamEvent::End(end) => {
                    return reply_of(end);
                }
                ChatStreamEvent::Start
                | ChatStreamEvent::ThoughtSignatureChunk(_)
                | ChatStreamEvent::Heartbeat => continue,
            };
            if let Heard::Text(text) | Heard::Thought(text) = &more {
                bytes += text.len();
            }
            if bytes > MAX_ANSWER_BYTES {
                return Err(Failure::of(AgentFault::Protocol, ENDLESS));
            }
            if heard.send(more).await.is_err() {
                return Err(broken());
            }
        }
        Err(broken())
    }

    async fn target(&self, model: &str) -> Result<ServiceTarget, genai::Error> {
        let model = ModelIden::new(self.provider.kind, model.to_owned());
        // This knows the usual address; the key comes from us alone, and never from the environment.
        let mut target = self.client.resolve_service_target(model).await?;
        if let Some(base) = &self.base {
            target.endpoint = Endpoint::from_owned(base.as_str());
        }
        target.auth = match (&self.key, &self.base) {
            (Some(key), _) => AuthData::Key(key.expose_secret().to_owned()),
            (None, Some(base)) if self.provider.kind != AdapterKind::Ollama => AuthData::RequestOverride {
                url: format!("{base}{}", self.provider.path),
                headers: Headers::from(("anthropic-version", "2023-06-01")),
            },
            (None, _) => AuthData::None,
        };
        Ok(target)
    }

    fn options(&self, model: &str) -> ChatOptions {
        // Models of that wire that do not think refuse to be asked for their thoughts.
        let thinks = self.provider.kind != AdapterKind::OpenAIResp
            || self.effort.is_some()
            || model.starts_with("gpt-5")
            || model.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let mut options = ChatOptions::default()
            .with_capture_content(true)
            .with_capture_tool_calls(true)
            .with_capture_usage(true)
            .with_capture_reasoning_content(thinks)
            .with_stream_header_timeout(FIRST_LIMIT)
            .with_stream_read_timeout(SILENCE_LIMIT);
        if let Some(effort) = &self.effort {
            options = options.with_reasoning_effort(effort.clone());
        }
        options
    }

    fn chat(&self, request: &Request<'_>) -> ChatRequest {
        let mut messages = Vec::new();
        for entry in request.history.entries() {
            messages.extend(self.messages(entry));
        }
        // What is the same in the next request is read from a cache then.
        if let Some(last) = messages.pop() {
            messages.push(match self.provider.kind {
                AdapterKind::Anthropic => last.with_options(CacheControl::Ephemeral),
                _ => last,
            });
        }
        let tools = request.tools.iter().map(|tool| {
            Tool::new(tool.name.clone())
                .with_description(tool.description.clone())
                .with_schema(tool.schema.clone())
        });
        let mut chat = ChatRequest::new(messages);
        if !request.system.trim().is_empty() {
            chat = chat.with_system(request.system);
        }
        if !request.tools.is_empty() {
            chat = chat.with_tools(tools.collect::<Vec<_>>());
        }
        chat
    }

    fn messages(&self, entry: &Entry) -> Vec<ChatMessage> {
        match entry {
            Entry::Asked(text) => vec![ChatMessage::user(text.as_str())],
            Entry::Answered(parts) => {
                let parts: Vec<ContentPart> = parts.iter().filter_map(|part| self.part(part)).collect();
                // No wire takes a message without anything in it.
                if parts.is_empty() {
                    return vec![ChatMessage::assistant("(nothing)")];
                }
                vec![ChatMessage::assistant(MessageContent::from_parts(parts))]
            }
            Entry::Results(results) => {
                let results = results.iter().map(|result| {
                    let text = if result.text.is_empty() { "(no output)" } else { &result.text };
                    ToolResponse::new(result.id.as_str(), text).with_fn_name(result.name.as_str())
                });
                // Each of its messages holds one result.
                if self.provider.kind == AdapterKind::Ollama {
                    return results.map(ChatMessage::from).collect();
                }
                vec![ChatMessage::tool(MessageContent::from_tool_responses(results.collect()))]
            }
        }
    }

    fn part(&self, part: &Part) -> Option<ContentPart> {
        Some(match part {
            Part::Text { text } if text.trim().is_empty() => return None,
            Part::Text { text } => ContentPart::Text(text.clone()),
            Part::Thought { text } => ContentPart::ReasoningContent(text.clone()),
            Part::Signature { text } => ContentPart::ThoughtSignature(text.clone()),
            Part::Raw { data } => ContentPart::Custom(CustomPart { model_iden: None, data: data.clone() }),
            Part::Call { id, name, input } => ContentPart::ToolCall(ToolCall {
                call_id: id.clone(),
                fn_name: name.clone(),
                // What is no object was no JSON, and a wire would take it for one.
                fn_arguments: if input.is_object() { input.clone() } else { json!({}) },
                thought_signatures: None,
            }),
        })
    }
}

/// The key of the environment, when the agent passes its variable on.
fn key_passed_on(program: &Program, provider: Provider) -> Option<SecretString> {
    let variable =
        provider.key.filter(|name| program.pass_environment.iter().any(|passed| passed == name))?;
    std::env::var(variable).ok().filter(|key| !key.trim().is_empty()).map(SecretString::from)
}

/// Variables that hold keys of model servers: nothing that is started gets them.
pub(super) fn key_variables() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().filter_map(|provider| provider.key)
}

/// A client of HTTP that uses the system's certificates and follows nobody.
pub(super) fn http() -> reqwest::ClientBuilder {
    // The second one in a process changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none())
}

/// What is asked.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) system: &'a str,
    pub(super) history: &'a History,
    pub(super) tools: &'a [Offered],
}

const ENDLESS: &str = "its answer has no end";
const BROKEN: &str = "its answer broke off";

/// The answer, if it says why it ended and was not held back.
fn reply_of(end: StreamEnd) -> Result<Reply, Failure> {
    let Some(reason) = end.captured_stop_reason else {
        return Err(Failure::of(AgentFault::Unreachable, BROKEN));
    };
    let cut = match reason {
        StopReason::MaxTokens(_) => true,
        StopReason::ContentFilter(_) => return Err(held_back()),
        StopReason::Other(word) if word.to_lowercase().contains("refus") => return Err(held_back()),
        StopReason::Completed(_)
        | StopReason::ToolCall(_)
        | StopReason::StopSequence(_)
        | StopReason::Other(_) => false,
    };
    let mut parts = Vec::new();
    for part in end.captured_content.into_iter().flat_map(MessageContent::into_parts) {
        parts.push(match part {
            ContentPart::Text(text) => Part::Text { text },
            ContentPart::ReasoningContent(text) => Part::Thought { text },
            ContentPart::ThoughtSignature(text) => Part::Signature { text },
            ContentPart::Custom(part) => Part::Raw { data: part.data },
            ContentPart::ToolCall(call) => {
                Part::Call { id: call.call_id, name: call.fn_name, input: call.fn_arguments }
            }
            ContentPart::Binary(_) | ContentPart::ToolResponse(_) => continue,
        });
    }
    let usage = end.captured_usage.unwrap_or_default();
    let count = |count: Option<i32>| u64::try_from(count.unwrap_or(0)).unwrap_or(0);
    let details = usage.prompt_tokens_details.unwrap_or_default();
    let (cache_read, cache_write) = (count(details.cached_tokens), count(details.cache_creation_tokens));
    let tokens = Tokens {
        input: count(usage.prompt_tokens).saturating_sub(cache_read).saturating_sub(cache_write),
        cache_read,
        cache_write,
        output: count(usage.completion_tokens),
    };
    Ok(Reply { parts, cut, tokens })
}

fn held_back() -> Failure {
    Failure::of(AgentFault::Refused, "the model or its filter refused to answer this; ask in other words")
}

/// What the paths of a wire are put behind.
fn base_of(address: &str, provider: Provider) -> Option<String> {
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
        base.push_str(provider.base);
    }
    Some(base)
}

fn effort_of(word: &str) -> Option<ReasoningEffort> {
    ReasoningEffort::from_keyword(word).or_else(|| word.parse().ok().map(ReasoningEffort::Budget))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn program(provider: &str, address: Option<&str>) -> Program {
        Program { provider: Some(provider.into()), address: address.map(str::to_owned), ..Program::default() }
    }

    #[test]
    fn an_address_gets_what_its_wire_wants_and_keeps_what_it_has() {
        let cases = [
            ("openai", "http://127.0.0.1:1", "http://127.0.0.1:1/v1/"),
            ("compatible", "http://localhost:1234/v1", "http://localhost:1234/v1/"),
            ("anthropic", "https://proxy.example/claude/v1/", "https://proxy.example/claude/v1/"),
            ("ollama", "http://127.0.0.1:11434", "http://127.0.0.1:11434/"),
            ("openrouter", "http://127.0.0.1:1", "http://127.0.0.1:1/api/v1/"),
        ];
        for (word, address, base) in cases {
            let wire = Wire::of(&program(word, Some(address)), None).ok().unwrap();
            assert_eq!(wire.base.as_deref(), Some(base), "{word}");
        }
    }

    #[test]
    fn settings_that_cannot_be_are_told() {
        let said = |program: &Program| Wire::of(program, None).err().unwrap();
        assert!(said(&program("else", None)).said.contains("ollama"));
        assert!(said(&program("compatible", None)).said.contains("address"));
        assert!(said(&program("openai", Some("ftp://x"))).said.contains("http"));
        assert!(said(&program("openai", Some("http://x/v1?key=1"))).said.contains("no ?"));
        assert_eq!(said(&program("anthropic", None)).fault, AgentFault::NotSignedIn);
        let effort = Program { effort: Some("much".into()), ..program("ollama", None) };
        assert!(said(&effort).said.contains("effort"));
        let known = Program { effort: Some("4000".into()), ..program("ollama", None) };
        assert!(Wire::of(&known, None).is_ok());
    }

    #[test]
    fn an_end_without_a_reason_is_no_answer() {
        assert_eq!(reply_of(StreamEnd::default()).err().unwrap().fault, AgentFault::Unreachable);
        for word in ["content_filter", "refusal"] {
            let held = StreamEnd {
                captured_stop_reason: Some(StopReason::from(word.to_owned())),
                ..StreamEnd::default()
            };
            let failure = reply_of(held).err().unwrap();
            assert!(failure.fault == AgentFault::Refused && failure.said.contains("refused"), "{word}");
        }
        let end = StreamEnd {
            captured_stop_reason: Some(StopReason::from("length".to_owned())),
            ..StreamEnd::default()
        };
        assert!(reply_of(end).unwrap().cut);
    }
}
