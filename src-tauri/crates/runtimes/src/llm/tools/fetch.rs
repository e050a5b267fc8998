//! Fetches a page: http and https only, within bounds of size and time, HTML as text.
//!
//! A redirect is followed on the same host only: an answer of another one was not what somebody has allowed. What is on
//! this computer or in its network is asked for as something outside; a name that leads there without saying so is not
//! fetched, whatever it led to before.

use super::{Desk, Look, Outcome, Tool, Work, call, object, string, text};
use crate::http;
use futures::StreamExt;
use nox_domain::tool::ToolKind;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
};
use serde_json::Value;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::net::lookup_host;

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
    // Nothing there counts on being asked by somebody else's words.
    call.outside = is_near(&url);
    Ok(Look { call, work: Work::Fetch(url) })
}

/// Fetches an address.
pub(crate) async fn fetch(url: Url) -> Outcome {
    fetch_by(url, |name| async move { Ok(lookup_host((name, 0)).await?.collect()) }).await
}

async fn fetch_by<F>(url: Url, find: fn(String) -> F) -> Outcome
where
    F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    let fetched = tokio::time::timeout(LIMIT, follow(url, find)).await;
    Outcome::of(fetched.unwrap_or_else(|_| Err(format!("it took longer than {} s", LIMIT.as_secs()))))
}

/// Whether an address says itself that it is on this computer or in its network.
fn is_near(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_lowercase();
    match host.trim_matches(['[', ']']).parse() {
        Ok(ip) => is_near_ip(ip),
        // A name of one word is one of this network.
        Err(_) => {
            !host.contains('.')
                || [".localhost", ".local", ".internal", ".lan", ".home.arpa"]
                    .iter()
                    .any(|end| host.ends_with(end))
        }
    }
}

/// Whether an address is one of this computer or of a network that is not the Internet.
fn is_near_ip(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_multicast()
                || a == 0
                || a == 100 && (64..128).contains(&b)
        }
        IpAddr::V6(ip) => {
            let parts = ip.segments();
            let v4 = |high: u16, low: u16| IpAddr::V4((u32::from(high) << 16 | u32::from(low)).into());
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                // An address of version 4 in another dress: mapped, compatible, translated, tunnelled.
                || parts[..5] == [0; 5] && is_near_ip(v4(parts[6], parts[7]))
                || parts[..2] == [0x64, 0xff9b] && is_near_ip(v4(parts[6], parts[7]))
                || parts[0] == 0x2002 && is_near_ip(v4(parts[1], parts[2]))
        }
    }
}

/// Finds the addresses of names, and connects to what it has looked at.
struct Guarded<F> {
    find: fn(String) -> F,
    /// Somebody has allowed an address near by.
    near: bool,
}

impl<F> Resolve for Guarded<F>
where
    F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    fn resolve(&self, name: Name) -> Resolving {
        let (finding, near) = ((self.find)(name.as_str().to_owned()), self.near);
        Box::pin(async move {
            let found = finding.await?;
            if !near && found.iter().any(|found| is_near_ip(found.ip())) {
                return Err(Box::from(NEAR));
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

const NEAR: &str = "its name leads to this computer or its network";

async fn follow<F>(mut url: Url, find: fn(String) -> F) -> Result<String, String>
where
    F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    let guarded = Guarded { find, near: is_near(&url) };
    // A proxy would look names up again.
    let client = http().connect_timeout(Duration::from_secs(15)).no_proxy().dns_resolver(guarded).build();
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
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let why = match () {
        () if causes.into_iter().any(|cause| cause.to_string() == NEAR) => NEAR,
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

    #[tokio::test]
    async fn a_name_that_leads_here_when_it_is_connected_to_is_not_fetched() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let here = |_| async { Ok(vec![([192, 0, 2, 1], 0).into(), ([127, 0, 0, 1], 0).into()]) };
        let url = Url::parse(&format!("http://rebinds.example:{port}/")).unwrap();
        assert!(!is_near(&url));
        let outcome = fetch_by(url, here).await;
        assert!(outcome.failed && outcome.text.contains(NEAR), "{outcome:?}");
        let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(nobody.is_err(), "nobody connected");
    }

    #[tokio::test]
    async fn a_name_that_says_that_it_is_near_is_fetched_once_it_is_allowed() {
        let mut url = serve(vec![answer("200 OK", "", "hello")]).await;
        url.set_host(Some("printer.local")).unwrap();
        assert!(is_near(&url));
        let outcome = fetch_by(url, |_| async { Ok(vec![([127, 0, 0, 1], 0).into()]) }).await;
        assert_eq!(outcome, Outcome::of(Ok("hello".into())));
    }

    #[test]
    fn what_is_near_is_known_in_every_dress() {
        for near in [
            "localhost",
            "a.localhost",
            "x.local",
            "router",
            "127.1",
            "0x7f000001",
            "2130706433",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[fd00::1]",
            "[fe80::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "localhost.",
        ] {
            assert!(is_near(&Url::parse(&format!("http://{near}/")).unwrap()), "{near}");
        }
        for far in ["example.com", "8.8.8.8", "172.32.0.1", "[2606:4700::1111]", "local.example"] {
            assert!(!is_near(&Url::parse(&format!("http://{far}/")).unwrap()), "{far}");
        }
    }
}
