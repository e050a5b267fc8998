//! Lists of models, as model servers tell them: asked for once, within bounds of bytes, count and time.
//!
//! Whoever asks says where, with which client and with which key; nothing of that is known here. A list that does not come
//! whole is none, and nobody is told why: a model can be used without it.

use crate::http;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use std::{net::SocketAddr, time::Duration};

/// Bytes of a list, and models of it, that are taken.
const MOST_BYTES: usize = 4 * 1024 * 1024;
const MOST_MODELS: usize = 600;
/// The longest name of a model.
const LONGEST_NAME: usize = 200;
/// Words in the names of models that carry no agent: they make vectors, pictures or sounds, or judge.
const MUTE: &[&str] = &[
    "audio",
    "babbage",
    "dall",
    "davinci",
    "image",
    "moderation",
    "realtime",
    "rerank",
    "sora",
    "transcribe",
    "tts",
    "whisper",
];

/// Where a list has its models, and where a model has its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListForm {
    list: &'static str,
    id: &'static str,
}

impl ListForm {
    /// As OpenAI tells it, and Anthropic, and whoever speaks as they do.
    pub const OPENAI: Self = Self { list: "data", id: "id" };
    /// As Ollama tells it.
    pub const OLLAMA: Self = Self { list: "models", id: "name" };
}

/// A model of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The server's name for it.
    pub id: String,
    /// For people, where the server tells one.
    pub name: Option<String>,
    /// Who made it or serves it, in the server's words.
    pub owner: Option<String>,
    /// Whether it takes images, where the server tells.
    pub takes_images: Option<bool>,
}

/// Asks a server on this computer for its list, through no proxy and with no key; none when there is no whole one within
/// the time, or the address is not of this computer.
pub async fn models_on_loopback(
    address: SocketAddr,
    path: &str,
    form: ListForm,
    limit: Duration,
) -> Option<Vec<Model>> {
    if !address.ip().is_loopback() {
        return None;
    }
    let client = http().no_proxy().build().ok()?;
    models(client.get(format!("http://{address}{path}")), form, limit).await
}

/// Asks for a list; none when there is no whole one within the time.
pub(crate) async fn models(request: RequestBuilder, form: ListForm, limit: Duration) -> Option<Vec<Model>> {
    read(&answer(request, limit).await?, form)
}

/// A whole answer in JSON, within the bounds.
pub(crate) async fn answer(request: RequestBuilder, limit: Duration) -> Option<Value> {
    let asking = async {
        let mut answer = request.send().await.ok()?;
        if answer.status() != StatusCode::OK {
            return None;
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.ok()? {
            if body.len() + piece.len() > MOST_BYTES {
                return None;
            }
            body.extend_from_slice(&piece);
        }
        serde_json::from_slice(&body).ok()
    };
    tokio::time::timeout(limit, asking).await.ok().flatten()
}

fn read(answer: &Value, form: ListForm) -> Option<Vec<Model>> {
    let list = answer.get(form.list)?.as_array()?;
    let text = |value: &Value| value.as_str().filter(|text| text.len() <= LONGEST_NAME).map(str::to_owned);
    let models = list.iter().filter_map(|model| {
        Some(Model {
            id: model[form.id].as_str().filter(|id| is_name(id) && !is_mute(id))?.to_owned(),
            name: text(&model["display_name"]).or_else(|| text(&model["name"])),
            owner: text(&model["owned_by"]),
            takes_images: takes_images(model),
        })
    });
    Some(models.take(MOST_MODELS).collect())
}

/// A router tells the kinds of input, and a server on this computer what a model is able to.
pub(crate) fn takes_images(model: &Value) -> Option<bool> {
    let has = |list: &Value, words: &[&str]| {
        let list = list.as_array()?;
        Some(list.iter().any(|word| word.as_str().is_some_and(|word| words.contains(&word))))
    };
    has(&model["architecture"]["input_modalities"], &["image"])
        .or_else(|| has(&model["capabilities"], &["vision", "multimodal"]))
}

/// A name that can be shown and sent back as it is.
fn is_name(id: &str) -> bool {
    (1..=LONGEST_NAME).contains(&id.len())
        && !id.contains(|letter: char| letter.is_control() || letter.is_whitespace())
}

fn is_mute(id: &str) -> bool {
    let id = id.to_lowercase();
    id.contains("embed")
        || id.split(|letter: char| !letter.is_alphanumeric()).any(|word| MUTE.contains(&word))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    #[test]
    fn every_server_is_read_in_its_own_form() {
        let ids = |answer: Value, form| -> Vec<String> {
            read(&answer, form).unwrap().into_iter().map(|model| model.id).collect()
        };
        let openai = json!({ "data": [{ "id": "gpt-5" }, { "id": "text-embedding-3-large" }, { "id": "tts-1" },
            { "id": "gpt-image-1" }, { "id": "bad name" }, { "id": "\u{1b}[2J" }, { "id": 7 }, 9] });
        assert_eq!(ids(openai, ListForm::OPENAI), ["gpt-5"]);
        let ollama = json!({ "models": [{ "name": "qwen3:8b", "model": "qwen3:8b" }] });
        assert_eq!(ids(ollama.clone(), ListForm::OLLAMA), ["qwen3:8b"]);
        assert_eq!(read(&ollama, ListForm::OPENAI), None, "it is another server");
        let many: Vec<_> = (0..2_000).map(|number| json!({ "id": format!("m{number}") })).collect();
        assert_eq!(ids(json!({ "data": many }), ListForm::OPENAI).len(), MOST_MODELS);
    }

    #[test]
    fn what_a_server_tells_of_a_model_is_kept() {
        let answer = json!({ "data": [
            { "id": "a", "display_name": "Model A", "owned_by": "x" },
            { "id": "b", "name": "Maker: B", "architecture": { "input_modalities": ["text", "image"] } },
            { "id": "c", "architecture": { "input_modalities": ["text"] } },
            { "id": "d", "capabilities": ["completion", "vision"] },
        ] });
        let models = read(&answer, ListForm::OPENAI).unwrap();
        assert_eq!((models[0].name.as_deref(), models[0].owner.as_deref()), (Some("Model A"), Some("x")));
        assert_eq!(models[1].name.as_deref(), Some("Maker: B"));
        let images: Vec<_> = models.iter().map(|model| model.takes_images).collect();
        assert_eq!(images, [None, Some(true), Some(false), Some(true)]);
    }

    /// Asks a server that says this and then, as long as somebody listens, `more`.
    async fn ask(head: &'static str, more: &'static [u8], limit: Duration) -> Option<Vec<Model>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // One that answers before it is asked is not believed.
            let _ = stream.read(&mut [0; 4_096]).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            while !more.is_empty() && stream.write_all(more).await.is_ok() {}
            std::future::pending::<()>().await;
        });
        let found = models_on_loopback(address, "/v1/models", ListForm::OPENAI, limit).await;
        server.abort();
        found
    }

    #[tokio::test]
    async fn an_address_that_is_not_of_this_computer_is_not_asked() {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // It would lead here, and says that it may lead elsewhere.
        let address = SocketAddr::from(([0, 0, 0, 0], port));
        let limit = Duration::from_secs(60);
        let asking = models_on_loopback(address, "/v1/models", ListForm::OPENAI, limit);
        tokio::select! {
            found = asking => assert_eq!(found, None),
            _ = listener.accept() => unreachable!("it was asked"),
        }
    }

    #[tokio::test]
    async fn a_list_without_end_is_none_and_so_is_one_that_does_not_come() {
        let long = Duration::from_secs(60);
        let good = "HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"data\":[{\"id\":\"one\"}]}";
        assert_eq!(ask(good, &[], long).await.map(|models| models.len()), None, "a byte is missing");
        let good = "HTTP/1.1 200 OK\r\ncontent-length: 23\r\n\r\n{\"data\":[{\"id\":\"one\"}]}";
        assert_eq!(ask(good, &[], long).await.map(|models| models.len()), Some(1));
        assert_eq!(ask("HTTP/1.1 200 OK\r\n\r\n[", &[b'0'; 65_536], long).await, None);
        assert_eq!(ask("HTTP/1.1 200 OK\r\n\r\n{", &[], Duration::from_millis(100)).await, None);
        let elsewhere = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(ask(elsewhere, &[], long).await, None);
    }
}
