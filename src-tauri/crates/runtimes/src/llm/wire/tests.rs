//! The wire against servers that say what they like, and settings that cannot be.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::llm::{
    history::{Fate, Line},
    image::{Image, MAX_IMAGES},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

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
fn a_compatible_server_is_local_only_on_this_computer() {
    let is_local = |word, address| Wire::of(&program(word, address), None).ok().unwrap().is_local();
    for here in ["http://127.0.0.1:1", "http://localhost:1234/v1", "http://[::1]:8080", "http://127.8.0.1/v1"]
    {
        assert!(is_local("compatible", Some(here)), "{here}");
    }
    for sold in [
        "https://api.together.xyz/v1",
        "http://192.168.0.7:8000",
        "https://localhost.example",
        "http://[::2]",
    ] {
        assert!(!is_local("compatible", Some(sold)), "{sold}");
    }
    assert!(is_local("ollama", None) && is_local("ollama", Some("http://192.168.0.7:11434")));
    assert!(!is_local("openai", Some("http://127.0.0.1:1")));
}

/// What is heard of a server that streams this.
async fn hear(said: String) -> Heard {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 16_384]).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        let _ = stream.write_all(format!("{head}{said}").as_bytes()).await;
    });
    let wire = Wire::of(&program("compatible", Some(&address)), None).ok().unwrap();
    let mut history = History::default();
    history.apply(&Line::Asked { text: "go".into(), turn: None, images: vec![] });
    let (to, mut heard) = mpsc::channel(64);
    let request = Request { model: "m", system: "", history: &history, tools: &[], images: false };
    wire.ask(request, &to).await;
    drop(to);
    server.abort();
    let mut last = None;
    while let Some(more) = heard.recv().await {
        last = Some(more);
    }
    last.unwrap()
}

fn piece(index: u32, name: Option<&str>, input: &str) -> String {
    let id = name.map(|_| format!("id-{index}"));
    let call = json!({ "index": index, "id": id, "function": { "name": name, "arguments": input } });
    format!("data: {}\n\n", json!({ "choices": [{ "index": 0, "delta": { "tool_calls": [call] } }] }))
}

const THROUGH: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n";

#[tokio::test]
async fn the_index_of_a_call_makes_no_room_whatever_it_is() {
    for index in [0, 1, 7, u32::MAX] {
        let said = piece(index, Some("read"), "")
            + &piece(index, None, "{\"path\":")
            + &piece(index, None, "\"a\"}");
        let Heard::Reply(reply) = hear(said + THROUGH).await else { unreachable!("an answer") };
        let call =
            Part::Call { id: format!("id-{index}"), name: "read".into(), input: json!({ "path": "a" }) };
        assert_eq!(reply.parts, [call], "{index}");
    }
}

#[tokio::test]
async fn an_answer_of_calls_without_end_is_none() {
    let many: String = (0..2_000).map(|index| piece(index, Some("read"), "{}")).collect();
    let long: String = (0..100).map(|_| piece(0, Some("read"), &"1".repeat(60_000))).collect();
    for said in [many, long] {
        let Heard::Failed(failure) = hear(said + THROUGH).await else { unreachable!("no answer") };
        assert_eq!((failure.fault, failure.said.as_str()), (AgentFault::Protocol, ENDLESS));
    }
}

#[test]
fn the_newest_images_are_shown_and_the_others_named() {
    let image = |number: usize| Image::of(&format!("{number}.png"), &crate::testing::picture(1)).unwrap();
    let mut history = History::default();
    for number in 1..=MAX_IMAGES + 2 {
        let call = Part::Call { id: "c".into(), name: "read".into(), input: json!({}) };
        history.apply(&Line::Answered { parts: vec![call], input_tokens: 0, cut: false });
        let (key, text) = (format!("call:{number}"), image(number).line());
        history.apply(&Line::Result { key, fate: Fate::Succeeded, text, images: vec![image(number)] });
    }
    let wire = Wire::of(&program("ollama", None), None).ok().unwrap();
    let told = |images| {
        let request = Request { model: "m", system: "", history: &history, tools: &[], images };
        let chat = wire.chat(&request);
        let parts: Vec<ContentPart> =
            chat.messages.into_iter().flat_map(|message| message.content.into_parts()).collect();
        let shown = parts.iter().filter(|part| matches!(part, ContentPart::Binary(_))).count();
        let says = |words: &str| {
            let texts = parts.iter().filter_map(ContentPart::as_text);
            texts.filter(|text| text.contains(words)).count()
        };
        (shown, says("not shown any more"), says("you take no images"))
    };
    assert_eq!(told(true), (MAX_IMAGES, 2, 0));
    assert_eq!(told(false), (0, 0, MAX_IMAGES + 2));
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

#[test]
fn images_of_a_prompt_stand_in_front_of_its_words_and_need_none() {
    let image = Image::of("a.png", &crate::testing::picture(1)).unwrap();
    let wire = Wire::of(&program("ollama", None), None).ok().unwrap();
    let told = |text: &str, images| {
        let mut history = History::default();
        history.apply(&Line::Asked { text: text.into(), turn: None, images: vec![image.clone()] });
        let request = Request { model: "m", system: "", history: &history, tools: &[], images };
        let messages = wire.chat(&request).messages;
        assert_eq!(messages.len(), 1);
        let parts = messages.into_iter().flat_map(|message| message.content.into_parts());
        let said = parts.map(|part| match part {
            ContentPart::Binary(_) => "(shown)".to_owned(),
            part => part.as_text().unwrap_or_default().to_owned(),
        });
        said.collect::<Vec<_>>()
    };
    assert_eq!(told("look", true), [image.line(), "(shown)".into(), "look".into()]);
    assert_eq!(told("", true), [image.line(), "(shown)".into()]);
    let unseen = told("look", false);
    assert!(
        unseen.len() == 2 && unseen[0].contains("you take no images") && unseen[1] == "look",
        "{unseen:?}"
    );
}
