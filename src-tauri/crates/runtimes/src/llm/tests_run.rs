//! Whole runs against a model server and services of the tests' own: keys, and services that behave badly.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    Answer, ItemOutput, OutputStore, Pipe, Start,
    llm::connect,
    testing::{prompt, start},
};
use async_trait::async_trait;
use nox_domain::{
    agent::{Program, Service},
    ids::{ItemId, SessionId},
    session::Signal,
    tool::OutputDigest,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

const KEY: &str = "sk-canary-of-the-model-server-41c0";
const SERVICE_KEY: &str = "sk-canary-of-a-service-9b27";

/// What came to a server, request by request, heads included.
type Asked = Arc<Mutex<Vec<String>>>;

/// A server that answers each request with what is made of it: a whole answer of HTTP.
async fn serve(mut answer: impl FnMut(&str) -> String + Send + 'static) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let book = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = request(&mut stream).await;
            let said = answer(&request);
            book.lock().unwrap().push(request);
            let _ = stream.write_all(said.as_bytes()).await;
        }
    });
    (address, asked)
}

async fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let mut more = [0; 16_384];
        match stream.read(&mut more).await {
            Ok(count @ 1..) => bytes.extend_from_slice(&more[..count]),
            _ => return text,
        }
    }
}

fn http(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn piece(delta: Value, why: &str) -> String {
    let choice = json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": why }] });
    http("200 OK", "text/event-stream", &format!("data: {choice}\n\ndata: [DONE]\n\n"))
}

fn words(text: &str) -> String {
    piece(json!({ "content": text }), "stop")
}

fn wants(name: &str, input: Value) -> String {
    let function = json!({ "name": name, "arguments": input.to_string() });
    piece(json!({ "tool_calls": [{ "index": 0, "id": "one", "function": function }] }), "tool_calls")
}

/// A model server that says these things, one after the other.
async fn model(replies: impl IntoIterator<Item = String>) -> (String, Asked) {
    let mut replies = replies.into_iter().collect::<Vec<_>>().into_iter();
    serve(move |request| match request.starts_with("GET ") {
        true => http("404 Not Found", "text/plain", ""),
        false => replies.next().unwrap_or_else(|| words("It is over.")),
    })
    .await
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Spool(Arc<Mutex<Vec<u8>>>);

impl OutputStore for Spool {
    fn begin(&self, _: &SessionId, _: &ItemId) -> Box<dyn ItemOutput> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl ItemOutput for Spool {
    async fn write(&mut self, _: Pipe, bytes: Vec<u8>) {
        self.0.lock().unwrap().extend(bytes);
    }

    async fn finish(self: Box<Self>) -> OutputDigest {
        OutputDigest::default()
    }
}

/// What a run left behind.
struct Ran {
    folder: TempDir,
    signals: Vec<Signal>,
    output: String,
}

impl Ran {
    /// Everything that is kept of it or told, in one text.
    fn all(&self) -> String {
        let mut all = format!("{:?}\n{}", self.signals, self.output);
        for file in std::fs::read_dir(self.folder.path().join("kept")).unwrap() {
            all.push_str(&std::fs::read_to_string(file.unwrap().path()).unwrap());
        }
        all
    }
}

/// One turn of an agent that is allowed everything, and the end of its run.
async fn run(address: &str, change: impl FnOnce(&mut Start)) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::default();
    let (plain, mut inbox) = start();
    let mut start = Start {
        folder: folder.path().to_owned(),
        keep: folder.path().join("kept"),
        program: Program {
            provider: Some("compatible".into()),
            address: Some(address.to_owned()),
            model: Some("m".into()),
            ..Program::default()
        },
        prompt: Some(prompt("go")),
        output: Arc::new(spool.clone()),
        ..plain
    };
    change(&mut start);
    let mut connection = connect(start).unwrap();
    let mut signals = Vec::new();
    let limit = Duration::from_secs(120);
    while let Some((_, signal)) = tokio::time::timeout(limit, inbox.recv()).await.expect("it should end") {
        match &signal {
            Signal::Proposed(call) => {
                let item = ItemId::from_uuid(Uuid::now_v7());
                let (key, answers) = (call.key.clone(), Default::default());
                connection
                    .answer(Answer { key, item, allowed: true, reason: None, by_person: true, answers })
                    .await;
            }
            Signal::TurnEnded { .. } => connection.stop().await,
            _ => {}
        }
        let is_over = matches!(signal, Signal::RunEnded { .. });
        signals.push(signal);
        if is_over {
            break;
        }
    }
    let output = String::from_utf8_lossy(&spool.0.lock().unwrap()).into_owned();
    Ran { folder, signals, output }
}

/// An MCP server of a few lines: `$1` is what it does when its tool is used, with `$id` as the name of the request.
const SERVER: &str = r#"
env > service.env
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  result() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
  case "$line" in
    *'"method":"initialize"'*)
      result '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"}}' ;;
    *'"method":"tools/list"'*)
      result '{"tools":[{"name":"use","inputSchema":{"type":"object"}}]}' ;;
    *'"method":"tools/call"'*) eval "$1" ;;
  esac
done"#;

fn service(does: &str) -> Service {
    let arguments = ["-c", SERVER, "service", does].map(str::to_owned);
    Service { command: Some("sh".into()), arguments: arguments.into(), ..Service::default() }
}

const USED: &str = r#"result '{"content":[{"type":"text","text":"it was used"}]}'"#;

/// One use of a service that does this; answers with what the model was told of it.
async fn use_of(does: &str, seconds: u32) -> String {
    let (address, asked) = model([wants("files__use", json!({})), words("Well.")]).await;
    let ran = run(&address, |start| {
        start.services.insert("files".into(), service(does));
        start.max_call_seconds = Some(seconds);
    })
    .await;
    let ends = ran.signals.iter().filter(|signal| matches!(signal, Signal::CallEnded { .. })).count();
    assert_eq!(ends, 1, "{:?}", ran.signals);
    let asked = asked.lock().unwrap();
    asked.last().unwrap().clone()
}

#[tokio::test]
async fn a_service_is_used_and_one_that_dies_hangs_or_floods_holds_nobody_up() {
    assert!(use_of(USED, 60).await.contains("it was used"));
    assert!(use_of("exit 3", 60).await.contains("the service does not answer"));
    assert!(use_of("sleep 1000", 1).await.contains("This was ended after 1 s"));
    // A line without end, and lines that are none of the protocol.
    assert!(use_of("yes | tr -d '\\n'", 60).await.contains("the service does not answer"));
    assert!(use_of("yes | head -n 100000; eval \"$USED\"", 1).await.contains("This was ended after 1 s"));
}

#[tokio::test]
async fn a_service_over_http_gets_its_own_key_and_no_other() {
    let (service, told) = serve(|request| {
        let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let result = match body["method"].as_str() {
            Some("initialize") => json!({
                "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
                "serverInfo": { "name": "x", "version": "1" },
            }),
            Some("tools/list") => {
                json!({ "tools": [{ "name": "use", "inputSchema": { "type": "object" } }] })
            }
            // It tells its key to the model, as a careless server does.
            Some("tools/call") => {
                json!({ "content": [{ "type": "text", "text": format!("used with {SERVICE_KEY}") }] })
            }
            Some(_) => return http("202 Accepted", "text/plain", ""),
            None => return http("405 Method Not Allowed", "text/plain", ""),
        };
        let answer = json!({ "jsonrpc": "2.0", "id": body["id"], "result": result });
        http("200 OK", "application/json", &answer.to_string())
    })
    .await;
    let (address, asked) = model([wants("far__use", json!({})), words("Well.")]).await;
    let ran = run(&address, |start| {
        start.key = Some(SecretString::from(KEY.to_owned()));
        start.services.insert("far".into(), Service { address: Some(service), ..Service::default() });
        start.service_keys.insert("far".into(), SecretString::from(SERVICE_KEY.to_owned()));
    })
    .await;
    let (told, asked) = (told.lock().unwrap().join("\n"), asked.lock().unwrap().join("\n"));
    assert!(told.contains("tools/call") && told.contains(SERVICE_KEY) && !told.contains(KEY), "{told}");
    assert!(asked.contains("used with") && asked.contains(KEY) && !asked.contains(SERVICE_KEY), "{asked}");
    let all = ran.all();
    assert!(all.contains("used with") && !all.contains(KEY) && !all.contains(SERVICE_KEY), "{all}");
}

#[tokio::test]
async fn a_key_reaches_the_model_server_and_nothing_that_is_kept_told_or_started() {
    let fault = json!({ "error": { "message": format!("your key {KEY} may not do this") } });
    let refused = http("403 Forbidden", "application/json", &fault.to_string());
    let (address, asked) =
        model([wants("shell", json!({ "command": "env; cat /proc/$PPID/environ" })), refused]).await;
    let ran = run(&address, |start| {
        start.key = Some(SecretString::from(KEY.to_owned()));
        start.services.insert("files".into(), service(USED));
    })
    .await;
    assert!(
        asked.lock().unwrap().iter().all(|request| request.contains(KEY)),
        "also the list is asked for with it"
    );
    let all = ran.all();
    assert!(all.contains("PATH=") && all.contains("may not do this"), "{all}");
    assert!(!all.contains(KEY), "{all}");
    let service = std::fs::read_to_string(Path::new(ran.folder.path()).join("service.env")).unwrap();
    assert!(service.contains("PATH=") && !service.contains(KEY), "{service}");
}
