//! Between a conversation and a model server, over `genai`: what is asked, and what is heard of the answer.
//!
//! The key goes into the header of the request and nowhere else. No redirect is followed: it would carry the key to
//! another address. An answer that does not say why it ended was cut off, whatever else it says.

use super::{
    faults::{self, Failure},
    fragments::Fragments,
    history::{Entry, History, Part},
    models::Learned,
    providers::Provider,
};
use crate::{
    http::{http, is_here},
    models::{answer, models, takes_images},
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
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a model server may take until it begins to answer: one that has to load a large model takes minutes.
const FIRST_LIMIT: Duration = Duration::from_secs(600);
/// How long it may be silent inside of an answer.
const SILENCE_LIMIT: Duration = Duration::from_secs(300);
/// How long it may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How long it may take to tell its models: nobody waits for that.
const LIST_LIMIT: Duration = Duration::from_secs(20);
/// The version of its wire that Anthropic is asked in.
const ANTHROPIC_VERSION: &str = "2023-06-01";
/// How long a whole answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(3600);
/// The longest answer that is taken.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Tokens that a model is taken to read where people set servers up themselves.
const OWN_CONTEXT: u32 = 32_768;
/// The same of a model that somebody sells.
const USUAL_CONTEXT: u32 = 128_000;

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

/// A model server that can be asked.
#[derive(Clone)]
pub(super) struct Wire {
    http: reqwest::Client,
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
        let refused = |said: &str| Failure::of(AgentFault::Settings, said);
        let word = program.provider.as_deref().unwrap_or_default();
        let provider = Provider::named(word)
            .ok_or_else(|| refused(&format!("provider has to be one of {}", Provider::words().join(", "))))?;
        let address = program.address.as_deref().map(str::trim).filter(|address| !address.is_empty());
        let base = match address {
            Some(address) => Some(provider.base_of(address).ok_or_else(|| {
                refused(&format!("the address {address} cannot be used: it begins with http:// or https:// and has no ? or #"))
            })?),
            None => None,
        };
        let key = key.or_else(|| provider.key_passed_on(program));
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
        let client = Client::builder().with_reqwest(http.clone()).build();
        let client = client.map_err(|_| refused("the client of model servers cannot be made"))?;
        Ok(Self { http, client, provider, base, key, effort })
    }

    /// Whether what it is asked costs nothing, since nobody sells it. A compatible one may be anybody's, unless it is here.
    pub(super) fn is_local(&self) -> bool {
        match self.provider.usual {
            Some(is_sold) => !is_sold,
            None => self.base.as_deref().is_some_and(is_here),
        }
    }

    /// Tokens that a model is taken to read at once, when nobody says.
    pub(super) fn usual_context(&self) -> u32 {
        if self.provider.usual == Some(true) { USUAL_CONTEXT } else { OWN_CONTEXT }
    }

    /// The word of its kind.
    pub(super) fn provider(&self) -> &'static str {
        self.provider.word
    }

    /// What the server has, as far as it tells, and what the model with this name is able to.
    pub(super) async fn learn(&self, model: &str) -> Learned {
        let Ok(target) = self.target(model).await else { return Learned::default() };
        let base = target.endpoint.base_url();
        let (path, form) = self.provider.models;
        let list = models(self.signed(self.http.get(format!("{base}{path}"))), form, LIST_LIMIT);
        if self.provider.kind != AdapterKind::Ollama {
            return Learned { listed: list.await, images: None };
        }
        // Its list does not say what a model is able to.
        let show = self.http.post(format!("{base}api/show"));
        let show =
            show.header("content-type", "application/json").body(json!({ "model": model }).to_string());
        let (list, shown) = tokio::join!(list, answer(self.signed(show), LIST_LIMIT));
        let images = shown.as_ref().and_then(takes_images);
        Learned { listed: list, images: images.map(|takes| (model.to_owned(), takes)) }
    }

    /// A request with the key, where there is one.
    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        let key = self.key.as_ref().map(SecretString::expose_secret);
        match (self.provider.kind, key) {
            (AdapterKind::Anthropic, key) => {
                let request = request.header("anthropic-version", ANTHROPIC_VERSION);
                key.into_iter().fold(request, |request, key| request.header("x-api-key", key))
            }
            (_, Some(key)) => request.bearer_auth(key),
            (_, None) => request,
        }
    }

    /// Asks, and tells what is heard, until the answer is through or nobody listens any more.
    pub(super) async fn ask(&self, request: Request<'_>, heard: &mpsc::Sender<Heard>) {
        let endless = || Failure::of(AgentFault::Protocol, ENDLESS);
        let last = match tokio::time::timeout(ANSWER_LIMIT, self.try_ask(request, heard)).await {
            Ok(Ok(reply)) => Heard::Reply(Box::new(reply)),
            Ok(Err(failure)) => {
                let showed_images = request.images && request.history.has_images();
                Heard::Failed(Failure { showed_images, ..failure })
            }
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
        let (mut bytes, mut calls) = (0, Fragments::default());
        while let Some(event) = stream.next().await {
            let more = match event.map_err(|error| failed(&error))? {
                ChatStreamEvent::Chunk(chunk) => Heard::Text(chunk.content),
                ChatStreamEvent::ReasoningChunk(chunk) => Heard::Thought(chunk.content),
                ChatStreamEvent::ToolCallChunk(chunk) => {
                    let has_room = match self.has_fragments() {
                        true => calls.take(chunk.tool_call),
                        false => calls.replace(chunk.tool_call),
                    };
                    if !has_room || bytes + calls.bytes() > MAX_ANSWER_BYTES {
                        return Err(Failure::of(AgentFault::Protocol, ENDLESS));
                    }
                    continue;
                }
                ChatStreamEvent::End(end) => {
                    let mut reply = reply_of(end)?;
                    if self.has_fragments() {
                        reply.parts.extend(calls.whole());
                    }
                    return Ok(reply);
                }
                ChatStreamEvent::Start
                | ChatStreamEvent::ThoughtSignatureChunk(_)
                | ChatStreamEvent::Heartbeat => continue,
            };
            if let Heard::Text(text) | Heard::Thought(text) = &more {
                bytes += text.len();
            }
            if bytes + calls.bytes() > MAX_ANSWER_BYTES {
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
                headers: Headers::from(("anthropic-version", ANTHROPIC_VERSION)),
            },
            (None, _) => AuthData::None,
        };
        Ok(target)
    }

    /// Whether calls come in pieces that are put together here.
    fn has_fragments(&self) -> bool {
        matches!(self.provider.kind, AdapterKind::OpenAI | AdapterKind::OpenRouter)
    }

    fn options(&self, model: &str) -> ChatOptions {
        // Models of that wire that do not think refuse to be asked for their thoughts.
        let thinks = self.provider.kind != AdapterKind::OpenAIResp
            || self.effort.is_some()
            || model.starts_with("gpt-5")
            || model.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let mut options = ChatOptions::default()
            .with_capture_content(true)
            .with_capture_tool_calls(!self.has_fragments())
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
        let entries = request.history.entries();
        let mut messages = Vec::new();
        for entry in entries {
            messages.extend(self.messages(entry, request.images));
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

    fn messages(&self, entry: &Entry, takes_images: bool) -> Vec<ChatMessage> {
        // No wire has a place for images within results: they are said after them.
        let mut shown = parts(entry, takes_images);
        match entry {
            Entry::Asked(text, images) if images.is_empty() => vec![ChatMessage::user(text.as_str())],
            Entry::Asked(text, _) => {
                shown.extend((!text.trim().is_empty()).then(|| ContentPart::Text(text.clone())));
                vec![ChatMessage::user(MessageContent::from_parts(shown))]
            }
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
                let mut messages: Vec<_> = match self.provider.kind {
                    AdapterKind::Ollama => results.map(ChatMessage::from).collect(),
                    _ => vec![ChatMessage::tool(MessageContent::from_tool_responses(results.collect()))],
                };
                messages.extend(
                    (!shown.is_empty()).then(|| ChatMessage::user(MessageContent::from_parts(shown))),
                );
                messages
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

/// The images of an entry, each behind its name. Of those that are too old to be shown the history holds only the names.
fn parts(entry: &Entry, takes_images: bool) -> Vec<ContentPart> {
    let mut parts = Vec::new();
    for image in entry.images() {
        if let Some(data) = image.base64().filter(|_| takes_images) {
            parts.push(ContentPart::Text(image.line()));
            parts.push(ContentPart::from_binary_base64(image.kind.media_type(), data, None));
            continue;
        }
        let why = match (takes_images, entry) {
            (true, Entry::Asked(..)) => "not shown any more",
            (true, _) => "not shown any more; read it again if you need it",
            (false, _) => "cannot be shown: you take no images, as far as Nox knows",
        };
        parts.push(ContentPart::Text(format!("{} {why}", image.line())));
    }
    parts
}

/// What is asked.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) system: &'a str,
    pub(super) history: &'a History,
    pub(super) tools: &'a [Offered],
    /// The model takes images.
    pub(super) images: bool,
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

fn effort_of(word: &str) -> Option<ReasoningEffort> {
    ReasoningEffort::from_keyword(word).or_else(|| word.parse().ok().map(ReasoningEffort::Budget))
}

#[cfg(test)]
mod tests;
