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
