//! The server by itself: each wire with a text, parallel calls and statuses, then what goes wrong, over real sockets.

use super::*;
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// What a client got.
struct Got {
    status: u16,
    head: String,
    body: String,
    /// Whether the answer came to its end in order.
    whole: bool,
}

/// A client that sees how an answer ends: one request over a socket of its own.
async fn send(server: &ModelServer, verb: &str, path: &str, body: &Value) -> Got {
    let host = server.address().trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(&host).await.unwrap();
    let body = body.to_string();
    let request = format!(
        "{verb} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nx-api-key: test-key\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let ended = timeout(Duration::from_millis(1500), socket.read_to_end(&mut bytes)).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, rest) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    let (body, closed) = if chunked { unchunk(rest) } else { (rest.to_owned(), true) };
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    Got { status, head: head.to_lowercase(), body, whole: matches!(ended, Ok(Ok(_))) && closed }
}

fn unchunk(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            return (body, true);
        }
        if after.len() < size {
            break;
        }
        body.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    (body, false)
}

fn asks(streams: bool) -> Value {
    json!({ "model": "m", "stream": streams, "tools": [{ "name": "Bash" }],
        "messages": [{ "role": "user", "content": "please" }] })
}

fn events(body: &str) -> Vec<Value> {
    let lines = body.lines().map(|line| line.trim_start_matches("data: "));
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Each wire: its path, whether the body says that it streams, where a text's pieces and the calls' names are.
const WIRES: &[(&str, &str, &str)] = &[
    ("/v1/messages", "/delta/text", "/content_block/name"),
    ("/v1/chat/completions", "/choices/0/delta/content", "/choices/0/delta/tool_calls/0/function/name"),
    ("/v1/responses", "/delta", "/item/name"),
    ("/api/chat", "/message/content", "/message/tool_calls/0/function/name"),
    (
        "/v1beta/models/m:streamGenerateContent",
        "/candidates/0/content/parts/0/text",
        "/candidates/0/content/parts/0/functionCall/name",
    ),
];

fn found(events: &[Value], pointer: &str) -> Vec<String> {
    events.iter().filter_map(|event| event.pointer(pointer)?.as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_wire_streams_a_text_in_pieces_and_ends_in_order() {
    let words = "one two three four five six";
    for (path, text, _) in WIRES {
        let server = ModelServer::start(Script::of([Reply::text(words)])).await.unwrap();
        let got = send(&server, "POST", path, &asks(true)).await;
        assert_eq!((got.status, got.whole), (200, true), "{path}");
        let pieces = found(&events(&got.body), text);
        assert_eq!(pieces.concat(), words, "{path}: {}", got.body);
        assert!(pieces.iter().filter(|piece| !piece.is_empty()).count() >= 3, "{path}: {pieces:?}");
        let asked = server.asked();
        assert_eq!((asked.len(), asked[0].key.as_str(), asked[0].reply), (1, "test-key", Some(0)));
    }
}

#[tokio::test]
async fn every_wire_asks_for_parallel_calls() {
    for (path, _, name) in WIRES {
        let call = |name: &str| Part::Call { name: name.into(), input: json!({ "command": "ls -l /" }) };
        let reply = Reply { parts: vec![call("Bash"), call("Read")], ..Reply::default() };
        let server = ModelServer::start(Script::of([reply])).await.unwrap();
        let got = send(&server, "POST", path, &asks(true)).await;
        let mut names = found(&events(&got.body), name);
        // Ollama has all calls in one line, and Responses tells an item when it begins and when it is done.
        names.extend(found(&events(&got.body), "/message/tool_calls/1/function/name"));
        names.dedup();
        assert!(names.starts_with(&["Bash".into()]) && names.contains(&"Read".into()), "{path}: {names:?}");
        assert!(got.body.contains("ls"), "{path}");
    }
}

#[tokio::test]
async fn responses_have_calls_that_take_a_text_and_calls_of_a_group() {
    let call = |name: &str, input: Value| Part::Call { name: name.into(), input };
    let parts =
        vec![call("apply_patch", "*** Begin Patch".into()), call("files/make", json!({ "name": "a" }))];
    let server = ModelServer::start(Script::of([Reply { parts, ..Reply::default() }])).await.unwrap();
    // Tools can stand in an item of the input.
    let body = json!({ "model": "m", "stream": true, "input": [{ "tools": [{ "name": "exec" }] }] });
    let got = send(&server, "POST", "/v1/responses", &body).await;
    let events = events(&got.body);
    let items: Vec<_> = events.iter().filter(|event| event["type"] == "response.output_item.done").collect();
    let (text, grouped) = (&items[0]["item"], &items[1]["item"]);
    assert_eq!((&text["type"], &text["input"]), (&json!("custom_tool_call"), &json!("*** Begin Patch")));
    assert_eq!((&grouped["namespace"], &grouped["name"]), (&json!("files"), &json!("make")));
    assert_eq!(grouped["arguments"], json!({ "name": "a" }).to_string());
    assert!(server.asked()[0].tools);
}

#[tokio::test]
async fn every_wire_answers_whole_when_it_is_not_to_stream() {
    for (path, ..) in WIRES {
        let path = path.replace("streamGenerateContent", "generateContent");
        let server = ModelServer::start(Script::of([Reply::text("all at once")])).await.unwrap();
        let got = send(&server, "POST", &path, &asks(false)).await;
        let body: Value = serde_json::from_str(&got.body).unwrap();
        assert!(body.to_string().contains("all at once"), "{path}: {body}");
    }
}

#[tokio::test]
async fn every_wire_refuses_with_the_status_that_the_script_says() {
    for (path, ..) in WIRES {
        for code in [400, 401, 429, 529] {
            let fault = Fault::Status { code, message: "no such luck".into(), retry_after_seconds: Some(7) };
            let server = ModelServer::start(Script::of([Reply::default().with(fault)])).await.unwrap();
            let got = send(&server, "POST", path, &asks(true)).await;
            assert_eq!(got.status, code, "{path}");
            assert!(got.head.contains("retry-after: 7"), "{path}: {}", got.head);
            let body: Value = serde_json::from_str(&got.body).unwrap();
            assert!(body["error"].to_string().contains("no such luck"), "{path}: {body}");
        }
    }
}

#[tokio::test]
async fn a_cut_a_hang_and_garbage_are_what_they_say() {
    for (path, ..) in WIRES {
        let server = ModelServer::start(Script::of([
            Reply::text("half of it").with(Fault::Cut),
            Reply::text("half of it").with(Fault::Hang),
            Reply::text("half of it").with(Fault::Malformed),
        ]))
        .await
        .unwrap();
        let cut = send(&server, "POST", path, &asks(true)).await;
        assert!(!cut.whole && cut.body.contains("half"), "{path}: {}", cut.body);
        let hung = send(&server, "POST", path, &asks(true)).await;
        assert!(!hung.whole && hung.body.contains("half"), "{path}: {}", hung.body);
        let garbage = send(&server, "POST", path, &asks(true)).await;
        assert!(garbage.whole && garbage.body.contains("not json"), "{path}: {}", garbage.body);
    }
}

#[tokio::test]
async fn a_slow_reply_takes_its_time() {
    let server = ModelServer::start(Script::of([Reply::text("a b c d e f").slow(60)])).await.unwrap();
    let begun = tokio::time::Instant::now();
    send(&server, "POST", "/v1/messages", &asks(true)).await;
    assert!(begun.elapsed() >= Duration::from_millis(180), "three pieces, each with its wait");
}

#[tokio::test]
async fn replies_are_chosen_by_what_is_asked_and_by_whether_tools_are_offered() {
    let meant = Reply { contains: Some("special".into()), ..Reply::text("for it") };
    let last = Reply { again: true, ..Reply::text("for ever") };
    let server = ModelServer::start(Script::of([meant, Reply::text("next"), last])).await.unwrap();
    let without = json!({ "model": "m", "messages": [] });
    let said = async |body: &Value| send(&server, "POST", "/v1/messages", body).await.body;
    assert!(said(&without).await.contains("\"ok\""), "a request without tools uses up nothing");
    assert!(said(&asks(true)).await.contains("next"));
    assert!(said(&asks(true)).await.contains("for ever"));
    let special = json!({ "model": "special", "stream": true, "tools": [{ "name": "Bash" }] });
    assert!(said(&special).await.contains("for it"));
    assert!(said(&special).await.contains("for ever"));
    let asked: Vec<_> = server.asked().iter().map(|asked| asked.reply).collect();
    assert_eq!(asked, [None, Some(1), Some(2), Some(0), Some(2)]);
}

#[tokio::test]
async fn a_script_can_be_changed_over_the_wire_and_what_was_asked_can_be_read() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let script = json!({ "replies": [{ "parts": [{ "text": "new" }] }] });
    assert_eq!(send(&server, "PUT", "/_script", &script).await.status, 204);
    assert!(send(&server, "POST", "/v1/messages", &asks(false)).await.body.contains("new"));
    let asked: Vec<Asked> =
        serde_json::from_str(&send(&server, "GET", "/_requests", &Value::Null).await.body).unwrap();
    assert_eq!((asked.len(), asked[0].model.as_str(), asked[0].tools), (1, "m", true));
    let refused = send(&server, "PUT", "/_script", &json!({ "lines": [] })).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("lines"), "{}", refused.body);
}
