//! Agents over a model server: the loop of our own against scripted models, on every wire that it speaks.

use crate::crash::child::{Engine as Killed, Role, say};
use base64::{Engine, prelude::BASE64_STANDARD};
use nox_api::{
    domain::{
        agent::{Program, Runtime},
        event::{PreAllowed, Problem, UnknownChoice},
        ids::SessionId,
        rows::{Item, ItemBody, SessionState},
        tool::{CallStatus, Decision},
    },
    dto::{
        AnswerRequest, ChangeSettings, CreateAgent, CreateTask, ForkSession, OneSession, PromptSession,
        ResolveUnknown, SetSessionModel, StartTask, SteerSession,
    },
};
use nox_domain::{
    At,
    life::{Life, LogPolicy, OnDisconnect, Restart},
    transcript::AgentFault,
};
use nox_test_support::{
    World, caller,
    model::{Asked, Fault, ModelServer, Part, Reply, Script},
    poll,
};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

/// Every kind of model server, and the path where it is asked.
const WIRES: &[(&str, &str)] = &[
    ("anthropic", "/v1/messages"),
    ("openai", "/v1/chat/completions"),
    ("openai_responses", "/v1/responses"),
    ("ollama", "/api/chat"),
    ("compatible", "/v1/chat/completions"),
];

struct Scene {
    world: World,
    server: ModelServer,
    session: SessionId,
    folder: PathBuf,
}

async fn begin(provider: &str, replies: impl IntoIterator<Item = Reply>) -> Scene {
    begin_with(provider, replies, |_| {}).await
}

async fn begin_with(
    provider: &str,
    replies: impl IntoIterator<Item = Reply>,
    prepare: impl FnOnce(&mut CreateAgent),
) -> Scene {
    let world = World::open().await;
    let server = ModelServer::start(Script::of(replies)).await.unwrap();
    let (session, folder) = begin_at(&world, provider, &server.address(), prepare).await;
    Scene { world, server, session, folder }
}

/// A session of an agent whose model server is at this address.
pub(crate) async fn begin_at(
    world: &World,
    provider: &str,
    address: &str,
    prepare: impl FnOnce(&mut CreateAgent),
) -> (SessionId, PathBuf) {
    let folder = world.root().join("work");
    std::fs::create_dir_all(&folder).unwrap();
    let mut agent = CreateAgent {
        name: "Loop".into(),
        runtime: Runtime::Llm,
        prompt: "You are the worker.".into(),
        review: Some(false),
        program: Program {
            provider: Some(provider.into()),
            model: Some("scripted".into()),
            address: Some(address.to_owned()),
            ..Program::default()
        },
        life: Life {
            restart: Some(Restart::OnFailure),
            on_disconnect: Some(OnDisconnect::Continue),
            ..Life::default()
        },
        ..CreateAgent::default()
    };
    prepare(&mut agent);
    let agent = world.api().create_agent(&caller(), agent).await.unwrap().agent;
    let task = CreateTask { title: "Work".into(), body: "Begin.".into(), agent, ..CreateTask::default() };
    let task = world.create(task).await.unwrap().task.unwrap();
    let start = StartTask {
        task,
        agent: None,
        folder: Some(folder.display().to_string()),
        pre_allowed: PreAllowed::Nothing,
    };
    (world.api().start_task(&caller(), start).await.unwrap().session.unwrap(), folder)
}

impl Scene {
    async fn prompt(&self, text: &str) {
        let input = PromptSession { session: self.session.clone(), text: text.into(), images: vec![] };
        self.world.api().prompt_session(&caller(), input).await.unwrap();
    }

    async fn idle(&mut self) -> Option<Problem> {
        let session = self.session.clone();
        let state =
            self.world.until_state("the end of the turn", &session, SessionState::awaits_prompt).await;
        match state {
            SessionState::Idle { problem } | SessionState::Hibernated { problem } => problem,
            other => panic!("it should stand by: {other:?}"),
        }
    }

    async fn answer(&mut self, decision: Decision) {
        let session = self.session.clone();
        let request = self.world.until_asked(&session).await.request;
        self.world.answer(&request.id, decision).await.unwrap();
    }

    async fn items(&self) -> Vec<Item> {
        self.world.items(&self.session).await
    }

    async fn until_item(&self, what: &str, like: impl Fn(&ItemBody) -> bool) {
        poll(what, async || self.items().await.into_iter().find(|item| like(&item.body))).await;
    }

    async fn said(&self) -> Vec<String> {
        let said = self.items().await.into_iter().filter_map(|item| match item.body {
            ItemBody::Message { text, .. } => Some(text),
            _ => None,
        });
        said.collect()
    }

    async fn notes(&self) -> Vec<String> {
        let notes = self.items().await.into_iter().filter_map(|item| match item.body {
            ItemBody::Note { code, .. } => Some(code),
            _ => None,
        });
        notes.collect()
    }

    async fn statuses(&self) -> Vec<CallStatus> {
        let calls = self.items().await.into_iter().filter_map(|item| match item.body {
            ItemBody::ToolCall { status, .. } => Some(status),
            _ => None,
        });
        calls.collect()
    }

    fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    fn last_asked(&self) -> String {
        self.asked().last().unwrap().body.to_string()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wire_carries_words_a_call_and_its_result() {
    for (provider, path) in WIRES {
        let write = json!({ "path": "made.txt", "content": "made\n" });
        let wants = Reply {
            parts: vec![
                Part::Text("First I write.".into()),
                Part::Call { name: "write".into(), input: write },
            ],
            ..Reply::default()
        };
        let mut scene = begin(provider, [wants, Reply::text("It is done.")]).await;
        scene.answer(Decision::AllowOnce).await;
        assert_eq!(scene.idle().await, None, "{provider}");
        assert_eq!(scene.said().await, ["First I write.", "It is done."], "{provider}");
        assert_eq!(scene.statuses().await, [CallStatus::Succeeded]);
        assert_eq!(std::fs::read_to_string(scene.folder.join("made.txt")).unwrap(), "made\n");
        let asked = scene.asked();
        assert_eq!(asked.len(), 2, "{provider}: nothing is asked that nobody wanted");
        assert!(asked.iter().all(|asked| asked.path == *path && asked.model == "scripted"), "{provider}");
        let body = scene.last_asked();
        for part in ["You are the worker.", "Begin.", "First I write.", "made.txt is written"] {
            assert!(body.contains(part), "{provider} leaves out {part:?}: {body}");
        }
        scene.world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wire_offers_the_models_of_its_server_and_asks_the_chosen_one_in_the_same_turn() {
    for (provider, _) in WIRES {
        let write = Reply::call("write", json!({ "path": "made.txt", "content": "x" }));
        let mut scene = begin(provider, [write, Reply::text("Done."), Reply::text("Still.")]).await;
        let session = scene.session.clone();
        let request = scene.world.until_asked(&session).await.request;
        let other = if *provider == "ollama" { "scripted-other:latest" } else { "scripted-other" };
        let one = || OneSession { session: session.clone() };
        poll("the list of models", async || {
            let offers = scene.world.api().read_controls(one()).await.unwrap().offers;
            (offers.has_model("scripted") && offers.has_model(other)).then_some(())
        })
        .await;
        let choice = SetSessionModel { session: session.clone(), model: other.into() };
        scene.world.api().set_session_model(&caller(), choice).await.unwrap();
        scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
        assert_eq!(scene.idle().await, None, "{provider}");
        // It holds for later runs as well.
        scene.world.reopen().await;
        scene.prompt("And now?").await;
        let still = |body: &ItemBody| matches!(body, ItemBody::Message { text, .. } if text == "Still.");
        scene.until_item("an answer", still).await;
        let models: Vec<String> = scene.asked().into_iter().map(|asked| asked.model).collect();
        assert_eq!(models, ["scripted", other, other], "{provider}");
        scene.world.close().await;
    }
}

/// Whether a part of a request has at least this.
pub(crate) fn has_part(body: &Value, part: &Value) -> bool {
    let has = |object: &serde_json::Map<String, Value>| {
        part.as_object().is_some_and(|part| part.iter().all(|(key, value)| object.get(key) == Some(value)))
    };
    match body {
        Value::Object(object) => has(object) || object.values().any(|inner| has_part(inner, part)),
        Value::Array(list) => list.iter().any(|inner| has_part(inner, part)),
        _ => false,
    }
}

/// A picture of one dot.
const DOT: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[tokio::test(flavor = "multi_thread")]
async fn every_wire_shows_an_image_that_was_read_and_people_see_what_it_was() {
    let url = format!("data:image/png;base64,{DOT}");
    let form = |provider: &str| match provider {
        "anthropic" => json!({ "type": "base64", "media_type": "image/png", "data": DOT }),
        "openai_responses" => json!({ "type": "input_image", "image_url": url }),
        "ollama" => json!({ "images": [DOT] }),
        _ => json!({ "image_url": { "url": url } }),
    };
    for (provider, _) in WIRES {
        let world = World::open().await;
        // A server on this computer tells what a model is able to; of others the table knows.
        let model = if *provider == "ollama" { "scripted-vision" } else { "seeing" };
        let folder = world.root().join("work");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("dot.png"), BASE64_STANDARD.decode(DOT).unwrap()).unwrap();
        let prices = "[[model]]\nname = \"seeing\"\ninput = 1\noutput = 2\nimages = true\n";
        std::fs::write(world.home().join("prices.toml"), prices).unwrap();
        let read = Reply::call("read", json!({ "path": "dot.png" }));
        let server =
            ModelServer::start(Script::of([read, Reply::text("A dot."), Reply::text("Yes.")])).await.unwrap();
        let (session, folder) =
            begin_at(&world, provider, &server.address(), |agent| agent.program.model = Some(model.into()))
                .await;
        let mut scene = Scene { world, server, session, folder };
        assert_eq!(scene.idle().await, None, "{provider}");
        let body = scene.asked().pop().unwrap().body;
        assert!(has_part(&body, &form(provider)), "{provider}: {body}");
        let seen = scene.items().await.into_iter().find_map(|item| match item.body {
            ItemBody::ToolCall { output, .. } => output.map(|output| output.head),
            _ => None,
        });
        assert_eq!(seen.as_deref(), Some("[image: dot.png, PNG, 70 bytes]"), "{provider}");
        // It is still there after a restart; a model that takes none is told so.
        scene.world.close().await;
        let blind = prices.replace("true", "false");
        std::fs::write(scene.world.home().join("prices.toml"), blind).unwrap();
        scene.world.reopen().await;
        scene.prompt("Is it one?").await;
        let yes = |body: &ItemBody| matches!(body, ItemBody::Message { text, .. } if text == "Yes.");
        scene.until_item("an answer", yes).await;
        if *provider != "ollama" {
            let body = scene.last_asked();
            assert!(!body.contains(DOT) && body.contains("you take no images"), "{provider}: {body}");
        }
        scene.world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wire_tells_its_faults_and_breaks_are_tried_again() {
    for (provider, _) in WIRES {
        let refused = Reply::status(401, "bad key: nox-secret-key");
        let cut = Reply::text("half of an answer that is cut").with(Fault::Cut);
        let mut scene = begin(provider, [refused, cut, Reply::text("Whole.")]).await;
        let Some(Problem::Agent { fault: AgentFault::BadKey, .. }) = scene.idle().await else {
            panic!("{provider}: a key that is not taken")
        };
        scene.prompt("Again.").await;
        scene
            .until_item(
                "the whole answer",
                |body| matches!(body, ItemBody::Message { text, .. } if text == "Whole."),
            )
            .await;
        assert_eq!(scene.idle().await, None, "{provider}");
        assert!(scene.notes().await.contains(&"unreachable".to_owned()), "{provider}");
        scene.world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_call_has_no_effect_and_the_model_hears_why() {
    let write = Reply::call("shell", json!({ "command": "echo x > made.txt" }));
    let mut scene = begin("anthropic", [write, Reply::text("I see.")]).await;
    scene.answer(Decision::Deny).await;
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.statuses().await, [CallStatus::Denied]);
    assert!(!scene.folder.join("made.txt").exists());
    assert!(scene.last_asked().contains("A person denied this in Nox"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_a_text_and_a_command_with_all_that_it_started() {
    let slow = Reply::text(&"word ".repeat(2_000)).slow(20);
    let sleeps = Reply::call("shell", json!({ "command": "sleep 1000 & echo begun; wait" }));
    let mut scene = begin("openai", [slow, sleeps, Reply::text("Still here.")]).await;
    scene.until_item("the first words", |body| matches!(body, ItemBody::Writing { .. })).await;
    let one = OneSession { session: scene.session.clone() };
    scene.world.api().interrupt_session(&caller(), one.clone()).await.unwrap();
    assert_eq!(scene.idle().await, None);
    scene.prompt("Wait.").await;
    scene.answer(Decision::AllowOnce).await;
    scene
        .until_item("the command", |body| {
            matches!(body, ItemBody::ToolCall { status: CallStatus::Running, .. })
        })
        .await;
    scene.world.api().interrupt_session(&caller(), one).await.unwrap();
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.statuses().await, [CallStatus::Cancelled]);
    scene.prompt("And now?").await;
    scene
        .until_item(
            "an answer",
            |body| matches!(body, ItemBody::Message { text, .. } if text == "Still here."),
        )
        .await;
    scene.world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_open_question_is_answered_once_in_the_same_conversation() {
    let write = Reply::call("write", json!({ "path": "made.txt", "content": "x" }));
    let mut scene = begin("ollama", [Reply::text("The first answer."), write, Reply::text("Done.")]).await;
    assert_eq!(scene.idle().await, None);
    scene.prompt("Make it.").await;
    let session = scene.session.clone();
    scene.world.until_asked(&session).await;
    scene.world.reopen().await;
    scene.answer(Decision::AllowOnce).await;
    scene
        .until_item("the end", |body| matches!(body, ItemBody::Message { text, .. } if text == "Done."))
        .await;
    assert_eq!(scene.statuses().await, [CallStatus::Succeeded]);
    assert_eq!(scene.asked().len(), 3, "the model was not asked for the same call again");
    assert!(scene.last_asked().contains("The first answer."));
    assert!(!scene.notes().await.contains(&"not_restored".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_whose_file_is_gone_is_said_to_be_lost() {
    let mut scene = begin("openai", [Reply::text("One."), Reply::text("Two.")]).await;
    assert_eq!(scene.idle().await, None);
    scene.world.close().await;
    let kept: Vec<_> = std::fs::read_dir(scene.world.home().join("conversations")).unwrap().collect();
    assert_eq!(kept.len(), 1);
    std::fs::remove_file(kept[0].as_ref().unwrap().path()).unwrap();
    scene.world.reopen().await;
    scene.prompt("More.").await;
    scene
        .until_item("an answer", |body| matches!(body, ItemBody::Message { text, .. } if text == "Two."))
        .await;
    assert!(scene.notes().await.contains(&"not_restored".to_owned()));
    assert!(scene.last_asked().contains("The conversation so far is lost"), "{}", scene.last_asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_go_with_the_sessions_that_are_dropped_and_with_no_others() {
    let mut scene = begin("openai", [Reply::text("One."), Reply::text("Two.")]).await;
    assert_eq!(scene.idle().await, None);
    let over = scene.session.clone();
    let fork = ForkSession { session: over.clone(), text: "Again.".into() };
    scene.session = scene.world.api().fork_session(&caller(), fork).await.unwrap().session.unwrap();
    scene
        .until_item("an answer", |body| matches!(body, ItemBody::Message { text, .. } if text == "Two."))
        .await;
    assert_eq!(scene.idle().await, None);
    let folder = scene.world.home().join("conversations");
    let nobodys = folder.join("0191d3a5-0000-7000-8000-000000000000.jsonl");
    let (damaged, other) = (nobodys.with_extension("1.damaged"), folder.join("notes.jsonl"));
    for file in [&nobodys, &damaged, &other] {
        std::fs::write(file, "").unwrap();
    }
    let count = || std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(count(), 5);
    scene.world.api().stop_session(&caller(), OneSession { session: over.clone() }).await.unwrap();
    scene.world.until_over(&over).await;
    let engine = scene.world.api().engine();
    let now = nox_engine::clock::now().0;
    // Young ones stay; what an archived session said can be gone on with.
    engine.compact(At(now - 60_000)).await.unwrap();
    assert_eq!(count(), 5);
    engine.compact(At(now + 60_000)).await.unwrap();
    assert_eq!(count(), 5);
    let prune = ChangeSettings { log_policy: Some(LogPolicy::Prune), ..ChangeSettings::default() };
    scene.world.api().change_settings(&caller(), prune).await.unwrap();
    engine.compact(At(now + 60_000)).await.unwrap();
    assert_eq!(count(), 4, "that of the session which stands by, and what nobody names");
    assert!(other.exists() && nobodys.exists() && damaged.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_outside_is_asked_and_a_plan_is_shown() {
    let plan = json!({ "todos": [{ "content": "Look", "status": "in_progress" }] });
    let read = Reply {
        parts: vec![
            Part::Call { name: "todo".into(), input: plan },
            Part::Call { name: "read".into(), input: json!({ "path": "/etc/hostname" }) },
        ],
        ..Reply::default()
    };
    let mut scene = begin("anthropic", [read, Reply::text("Seen.")]).await;
    let session = scene.session.clone();
    loop {
        let request = scene.world.until_asked(&session).await.request;
        let is_read = request.call.text == "/etc/hostname";
        assert_eq!(request.call.outside, is_read);
        scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
        if is_read {
            break;
        }
    }
    assert_eq!(scene.idle().await, None);
    scene.until_item("the plan", |body| matches!(body, ItemBody::Plan { .. })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted_and_cost_what_the_users_table_says() {
    let mut scene = begin_with("anthropic", [Reply::text("One."), Reply::text("Two.")], |_| {}).await;
    assert_eq!(scene.idle().await, None);
    assert!(scene.notes().await.contains(&"no_price".to_owned()), "nobody knows what it costs");
    scene.world.close().await;
    let prices = "[[model]]\nname = \"scripted\"\ninput = 10\noutput = 100\n";
    std::fs::write(scene.world.home().join("prices.toml"), prices).unwrap();
    scene.world.reopen().await;
    scene.prompt("More.").await;
    scene
        .until_item("an answer", |body| matches!(body, ItemBody::Message { text, .. } if text == "Two."))
        .await;
    assert_eq!(scene.idle().await, None);
    let sessions = scene.world.snapshot().await.sessions;
    let row = &sessions.iter().find(|view| view.row.id == scene.session).unwrap().row;
    assert_eq!(row.cost_micro_usd.unwrap_or_default().0, 100 * 10 + 20 * 100);
}

/// Where the engine that is killed finds the model server.
pub(crate) fn address_file(world: &World) -> PathBuf {
    world.root().join("model-server")
}

/// The side of the engine that is killed: one call runs, another one waits for its answer.
pub(crate) async fn works_until_it_is_killed(world: &mut World) {
    let address = std::fs::read_to_string(address_file(world)).unwrap();
    world.reopen().await;
    let (session, folder) = begin_at(world, "anthropic", &address, |_| {}).await;
    let shell = world
        .until("the question about the command", |all| {
            let mut asked = all.requests.iter().map(|row| &row.request);
            asked.find(|request| request.call.shell == "bash").map(|request| request.id.clone())
        })
        .await;
    world.answer(&shell, Decision::AllowOnce).await.unwrap();
    poll("the command", async || folder.join("ran.txt").exists().then_some(())).await;
    poll("that it is told", async || {
        let items = world.items(&session).await;
        let runs = |item: &Item| matches!(item.body, ItemBody::ToolCall { status: CallStatus::Running, .. });
        items.iter().any(runs).then_some(())
    })
    .await;
    world
        .until("the question about the file", |all| {
            all.requests.iter().any(|row| row.request.call.text.ends_with("made.txt")).then_some(())
        })
        .await;
    say("one runs and one waits");
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_a_call_that_ran_is_unknown_and_one_that_waited_happens_once() {
    let both = Reply {
        parts: vec![
            Part::Call {
                name: "shell".into(),
                input: json!({ "command": "echo x >> ran.txt; exec sleep 1000" }),
            },
            Part::Call { name: "write".into(), input: json!({ "path": "made.txt", "content": "x" }) },
        ],
        ..Reply::default()
    };
    let server = ModelServer::start(Script::of([both, Reply::text("Through.")])).await.unwrap();
    let mut world = World::closed();
    std::fs::write(address_file(&world), server.address()).unwrap();
    let mut engine = Killed::start(Role::Loop, &world);
    engine.wait_for("one runs and one waits");
    engine.kill(Duration::ZERO);

    world.reopen().await;
    let session = world.snapshot().await.sessions[0].row.id.clone();
    let folder = world.root().join("work");
    let mut scene = Scene { world, server, session, folder };
    let unknown = |body: &ItemBody| matches!(body, ItemBody::ToolCall { status: CallStatus::Unknown, .. });
    scene.until_item("the unknown outcome", unknown).await;
    let item = scene.items().await.into_iter().find(|item| unknown(&item.body)).unwrap();
    assert!(!scene.folder.join("made.txt").exists());
    let skip = ResolveUnknown { session: scene.session.clone(), item: item.id, choice: UnknownChoice::Skip };
    scene.world.api().resolve_unknown(&caller(), skip).await.unwrap();
    scene.answer(Decision::AllowOnce).await;
    scene
        .until_item("the end", |body| matches!(body, ItemBody::Message { text, .. } if text == "Through."))
        .await;
    assert_eq!(scene.idle().await, None);
    assert_eq!(std::fs::read_to_string(scene.folder.join("ran.txt")).unwrap(), "x\n", "it is not run again");
    assert_eq!(std::fs::read_to_string(scene.folder.join("made.txt")).unwrap(), "x");
    let told = scene.last_asked();
    assert!(told.contains("Nobody saw how this ended") && told.contains("made.txt is written"), "{told}");
    assert_eq!(scene.asked().len(), 2, "the model was not asked for its calls again");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_get_their_answers_and_what_is_said_into_the_turn_is_heard() {
    let input = json!({ "questions": [{ "question": "Which colour?", "options": [{ "label": "red" }] }] });
    let mut scene = begin("openai", [Reply::call("ask", input), Reply::text("Thank you.")]).await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    assert_eq!(request.call.questions[0].text, "Which colour?");
    let steer = SteerSession { session, text: "And hurry up.".into() };
    scene.world.api().steer_session(&caller(), steer).await.unwrap();
    let answer = AnswerRequest {
        request: request.id,
        decision: Decision::AllowOnce,
        reason: None,
        answers: [("q1".to_owned(), vec!["blue".to_owned()])].into(),
        rule: None,
    };
    scene.world.api().answer_request(&caller(), answer).await.unwrap();
    assert_eq!(scene.idle().await, None);
    let told = scene.last_asked();
    assert!(told.contains("Answer: blue") && told.contains("And hurry up."), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_knows_what_was_said_and_the_old_session_does_not_know_the_fork() {
    let replies = ["The first answer.", "In the fork.", "In the old one."].map(Reply::text);
    let mut scene = begin("openai", replies).await;
    assert_eq!(scene.idle().await, None);
    let old = scene.session.clone();
    let fork = ForkSession { session: old.clone(), text: "Another way.".into() };
    scene.world.api().fork_session(&caller(), fork).await.unwrap();
    let new = scene
        .world
        .until("the fork", |all| {
            all.sessions.iter().map(|view| view.row.id.clone()).find(|session| *session != old)
        })
        .await;
    scene.session = new;
    scene
        .until_item(
            "its answer",
            |body| matches!(body, ItemBody::Message { text, .. } if text == "In the fork."),
        )
        .await;
    let told = scene.last_asked();
    assert!(told.contains("The first answer.") && told.contains("Another way."), "{told}");
    scene.session = old;
    scene.prompt("And here?").await;
    scene
        .until_item(
            "its answer",
            |body| matches!(body, ItemBody::Message { text, .. } if text == "In the old one."),
        )
        .await;
    assert!(!scene.last_asked().contains("Another way."), "{}", scene.last_asked());
}
