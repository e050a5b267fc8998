//! A scripted model server on loopback: it speaks the wires of five kinds of model servers and answers from a script.
//!
//! Used by tests of the drivers and, as `nox-model-server`, by the contract suite. A request takes the next reply whose
//! `contains` is in its body. A request that offers no tools is a program's own business (a title, a test of the key);
//! it gets a short text and uses up nothing, unless a reply is meant for it with `any = true`. The server knows no
//! agent program.
//!
//! | path | wire |
//! |---|---|
//! | `/v1/messages`, `/v1/messages/count_tokens` | Anthropic Messages |
//! | `/v1/chat/completions` | OpenAI chat |
//! | `/v1/responses` | OpenAI Responses |
//! | `/v1/models` | lists of Anthropic and OpenAI |
//! | `/api/chat`, `/api/tags`, `/api/show` | Ollama |
//! | `/v1beta/models/NAME:generateContent`, `:streamGenerateContent` | Gemini |
//! | `/_script` (PUT), `/_requests` (GET) | of the tests: a new script; what was asked since |

mod anthropic;
mod chat;
mod gemini;
mod ollama;
mod responses;
mod script;
mod send;
#[cfg(test)]
mod tests;

pub use script::{Fault, Part, Reply, Script, Tokens};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The path.
    pub path: String,
    /// The key that came with it, whichever header it came in; empty when there was none.
    pub key: String,
    /// The model's name.
    pub model: String,
    /// Whether tools were offered.
    pub tools: bool,
    /// The reply of the script that was given, from 0; none when it was answered without the script.
    pub reply: Option<usize>,
    /// The body.
    pub body: Value,
}

#[derive(Default)]
struct Book {
    script: Script,
    used: Vec<bool>,
    asked: Vec<Asked>,
    calls: u64,
}

/// What all requests share.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Book>>);

/// A server that runs until it is dropped.
pub struct ModelServer {
    address: SocketAddr,
    shared: Shared,
    task: JoinHandle<()>,
}

impl ModelServer {
    /// Starts on a free port of loopback.
    ///
    /// # Errors
    /// The system has no port.
    pub async fn start(script: Script) -> io::Result<Self> {
        Self::start_at(0, script).await
    }

    /// Starts on this port of loopback; 0 for a free one.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start_at(port: u16, script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let shared = Shared::default();
        shared.set(script);
        let app = routes(shared.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { address, shared, task })
    }

    /// `http://127.0.0.1:PORT`, to be given to a program.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A new script; the old one and what was asked are forgotten.
    pub fn set(&self, script: Script) {
        self.shared.set(script);
    }

    /// What was asked, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.book().asked.clone()
    }

    /// Waits until the server ends, which it does only by a fault.
    pub async fn ended(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, script: Script) {
        *self.book() = Book { used: vec![false; script.replies.len()], script, ..Book::default() };
    }

    /// The reply to a request, which is written down.
    fn take(&self, path: &str, headers: &HeaderMap, model: &str, body: &Value) -> Reply {
        let mut book = self.book();
        let tools = offers_tools(body);
        let text = body.to_string();
        let fits = |reply: &Reply| {
            (tools || reply.any) && reply.contains.as_ref().is_none_or(|part| text.contains(part.as_str()))
        };
        let next =
            (0..book.used.len()).find(|place| !book.used[*place] && fits(&book.script.replies[*place]));
        let reply = match next {
            Some(place) => {
                // The last reply of some scripts is given for ever.
                book.used[place] = !book.script.replies[place].again;
                book.script.replies[place].clone()
            }
            None if tools => Reply::text("The script is through."),
            None => Reply::text("ok"),
        };
        let asked = Asked {
            path: path.to_owned(),
            key: key_of(headers),
            model: model.to_owned(),
            tools,
            reply: next,
            body: body.clone(),
        };
        book.asked.push(asked);
        reply
    }

    /// A name for a call, fresh on this server.
    fn call_id(&self, prefix: &str) -> String {
        let mut book = self.book();
        book.calls += 1;
        format!("{prefix}{:012}", book.calls)
    }
}

/// Tools are named at the top; OpenAI's Responses also has them in an item of the input.
fn offers_tools(body: &Value) -> bool {
    let some = |tools: &Value| tools.as_array().is_some_and(|tools| !tools.is_empty());
    some(&body["tools"])
        || body["input"].as_array().is_some_and(|items| items.iter().any(|item| some(&item["tools"])))
}

fn key_of(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text("authorization").map(|value| value.trim_start_matches("Bearer "));
    text("x-api-key").or(text("x-goog-api-key")).or(bearer).unwrap_or_default().to_owned()
}

fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/_script", put(set_script))
        .route("/_requests", get(requests))
        .route("/v1/messages", post(messages))
        .route("/v1/messages/count_tokens", post(count_tokens))
        .route("/v1/chat/completions", post(chat_completions))
        .route("/v1/responses", post(openai_responses))
        .route("/v1/models", get(models))
        .route("/api/chat", post(ollama_chat))
        .route("/api/tags", get(ollama::tags))
        .route("/api/show", post(ollama::show))
        .route("/v1beta/models/{call}", post(gemini_call))
        // A request may carry all the pictures of a conversation.
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(shared)
}

async fn set_script(State(shared): State<Shared>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(script) => {
            shared.set(script);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("this is no script: {error}\n")).into_response(),
    }
}

async fn requests(State(shared): State<Shared>) -> Json<Vec<Asked>> {
    Json(shared.book().asked.clone())
}

/// The largest request that is read.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// The models that it has: it answers as any.
const MODELS: [&str; 2] = ["scripted", "scripted-other"];

async fn models() -> Json<Value> {
    let models = MODELS.map(|id| serde_json::json!({ "id": id, "object": "model" }));
    Json(serde_json::json!({ "object": "list", "data": models }))
}

async fn count_tokens() -> Json<Value> {
    Json(serde_json::json!({ "input_tokens": 100 }))
}

macro_rules! wire {
    ($name:ident, $path:literal, $answer:path) => {
        async fn $name(
            State(shared): State<Shared>,
            headers: HeaderMap,
            Json(body): Json<Value>,
        ) -> Response {
            let model = body["model"].as_str().unwrap_or_default().to_owned();
            let reply = shared.take($path, &headers, &model, &body);
            $answer(&shared, reply, &model, &body)
        }
    };
}

wire!(messages, "/v1/messages", anthropic::answer);
wire!(chat_completions, "/v1/chat/completions", chat::answer);
wire!(openai_responses, "/v1/responses", responses::answer);
wire!(ollama_chat, "/api/chat", ollama::answer);

async fn gemini_call(
    State(shared): State<Shared>,
    Path(call): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let (model, verb) = call.split_once(':').unwrap_or((&call, ""));
    if verb == "countTokens" {
        return Json(serde_json::json!({ "totalTokens": 100 })).into_response();
    }
    let reply = shared.take("/v1beta/models", &headers, model, &body);
    gemini::answer(&shared, reply, model, verb == "streamGenerateContent")
}
