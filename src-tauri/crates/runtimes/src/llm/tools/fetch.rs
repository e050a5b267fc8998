//! Fetches a page: http and https only, within bounds of size and time, HTML as text.
//!
//! A redirect is followed on the same host only: an answer of another one was not what somebody has allowed.

use super::{Desk, Look, Outcome, Tool, Work, call, object, string, text};
use crate::llm::wire::http;
use futures::StreamExt;
use nox_domain::tool::ToolKind;
use reqwest::{Url, header};
use serde_json::Value;
use std::time::Duration;

pub(super) const TOOL: Tool = Tool {
    name: "fetch",
    description: "Fetches an address that begins with http:// or https://. A page comes as text. A redirect to another \
                  host is named and not followed.",
    schema: || object(&[("url", string("The address"))], 1),
    look,
};

/// Bytes that are taken, and the time that it may take.
const BYTES: usize = 4 * 1024 * 1024;
const LIMIT: Duration = Duration::from_secs(60);
/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Columns of a page's text.
const COLUMNS: usize = 110;

fn look(input: &Value, desk: &Desk) -> Result<Look, String> {
    let named = text(input, "url")?;
    let url = Url::parse(named).map_err(|error| format!("the address cannot be read: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("an address has to begin with http:// or https://".into());
    }
    let mut call = call(ToolKind::Fetch, format!("Fetch {url}"), input, desk);
    call.text = url.to_string();
    Ok(Look { call, work: Work::Fetch(url) })
}

/// Fetches an address.
pub(crate) async fn fetch(url: Url) -> Outcome {
    let fetched = tokio::time::timeout(LIMIT, follow(url)).await;
    Outcome::of(fetched.unwrap_or_else(|_| Err(format!("it took longer than {} s", LIMIT.as_secs()))))
}

async fn follow(mut url: Url) -> Result<String, String> {
    let client = http().connect_timeout(Duration::from_secs(15)).build();
    let client = client.map_err(|error| format!("it cannot be fetched: {error}"))?;
    for _ in 0..=REDIRECTS {
        let answer = client.get(url.clone()).header(header::USER_AGENT, "Nox").send().await;
        let answer = answer.map_err(|error| said(&error))?;
        if !answer.status().is_redirection() {
            return body(answer).await;
        }
        let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        let to = to.and_then(|to| url.join(to).ok()).ok_or("it leads to an address that cannot be read")?;
        let is_same =
            to.host_str() == url.host_str() && to.port_or_known_default() == url.port_or_known_default();
        if !is_same || to.scheme() != url.scheme() {
            return Err(format!(
                "it leads to {to}, which was not followed. Fetch that address if you want it."
            ));
        }
        url = to;
    }
    Err("it leads from one address to the next without an end".into())
}

async fn body(answer: reqwest::Response) -> Result<String, String> {
    let status = answer.status();
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or("text/plain").to_lowercase();
    let is_html = kind.contains("html");
    let is_text =
        is_html || ["text/", "json", "xml", "javascript", "yaml"].iter().any(|part| kind.contains(part));
    if !is_text {
        return Err(format!("it is no text, but {kind}"));
    }
    let (mut bytes, mut is_cut) = (Vec::new(), false);
    let mut stream = answer.bytes_stream();
    while let Some(more) = stream.next().await {
        let more = more.map_err(|error| said(&error))?;
        let room = BYTES - bytes.len();
        bytes.extend_from_slice(&more[..more.len().min(room)]);
        if more.len() > room {
            is_cut = true;
            break;
        }
    }
    let mut text = match is_html {
        // A page can be made so that it takes long; it holds up nobody else.
        true => tokio::task::spawn_blocking(move || html2text::from_read(bytes.as_slice(), COLUMNS))
            .await
            .map_err(|_| "the page cannot be read".to_owned())?
            .map_err(|error| format!("the page cannot be read: {error}"))?,
        false => String::from_utf8_lossy(&bytes).into_owned(),
    };
    if is_cut {
        text.push_str("\n[it is longer than what is taken]");
    }
    if status.is_success() { Ok(text) } else { Err(format!("status {status}\n{text}")) }
}

fn said(error: &reqwest::Error) -> String {
    let why = match () {
        () if error.is_timeout() => "it took too long",
        () if error.is_connect() => "nobody answers there",
        () => "the answer broke off",
    };
    format!("it cannot be fetched: {why}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// A server that gives each of these answers once, in order, to whoever connects.
    async fn serve(answers: Vec<String>) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Url::parse(&format!("http://{address}/")).unwrap()
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
    }

    #[tokio::test]
    async fn a_page_comes_as_text_and_a_redirect_on_its_host_is_followed() {
        let there = answer("302 Found", "location: /there\r\n", "");
        let page = answer("200 OK", "content-type: text/html\r\n", "<h1>Hello</h1><script>no()</script>");
        let outcome = fetch(serve(vec![there, page]).await).await;
        assert!(!outcome.failed && outcome.text.contains("Hello"), "{outcome:?}");
        assert!(!outcome.text.contains("no()") && !outcome.text.contains('<'), "{outcome:?}");
    }

    #[tokio::test]
    async fn another_host_is_named_and_not_asked() {
        let away = answer("302 Found", "location: http://127.0.0.2:9/secret\r\n", "");
        let outcome = fetch(serve(vec![away]).await).await;
        assert!(outcome.failed && outcome.text.contains("127.0.0.2:9/secret"), "{outcome:?}");
        assert!(outcome.text.contains("not followed"), "{outcome:?}");
    }

    #[tokio::test]
    async fn what_is_no_text_or_too_long_is_not_taken() {
        let picture = answer("200 OK", "content-type: image/png\r\n", "x");
        assert!(fetch(serve(vec![picture]).await).await.failed);
        let long = answer("200 OK", "content-type: text/plain\r\n", &"x".repeat(BYTES + 10));
        let outcome = fetch(serve(vec![long]).await).await;
        assert!(outcome.text.len() < BYTES + 100 && outcome.text.contains("longer than what is taken"));
        let gone = fetch(serve(vec![answer("404 Not Found", "", "no")]).await).await;
        assert!(gone.failed && gone.text.contains("404"), "{gone:?}");
    }
}
