//! Scenarios within one run: replies, calls, edits, interrupts, usage.

use crate::{
    bench::Bench,
    programs::{Lack, Places, UNASKED},
};
use nox_api::domain::{
    agent::Runtime,
    event::Problem,
    rows::{Item, ItemBody, RequestState, SessionState},
    tool::{CallStatus, Decision, ToolKind},
};
use nox_api::dto::AnswerRequest;
use nox_test_support::{
    caller,
    model::{Part, Reply, Script, Tokens},
};

/// Words and a thought come as they are written, and stay as they were.
pub(crate) async fn reply(bench: Bench) {
    let parts = vec![Part::Thought("First I think.".into()), Part::Text("Hello **there**, friend.".into())];
    let mut scene = bench.begin([Reply { parts, every_ms: 150, ..Reply::default() }]).await;
    let writing = scene.until_item("a text that is being written", |body| {
        matches!(body, ItemBody::Writing { thought: false })
    });
    let writing = writing.await;
    let so_far = scene.world.until_output(&scene.session, &writing.id, "Hello").await;
    assert!(
        !scene.has(Lack::Pieces) || !so_far.contains("friend"),
        "it came before it was written: {so_far}"
    );
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.said().await, ["Hello **there**, friend."]);
    let items = scene.items().await;
    let thinks =
        |item: &Item| matches!(&item.body, ItemBody::Thought { text } if text.ends_with("First I think."));
    assert!(items.iter().any(thinks));
    assert!(items.iter().any(|item| item.id == writing.id), "it keeps its item");
    assert_eq!(scene.notes().await, Vec::<String>::new());
    let asked = scene.asked();
    let key = if scene.has(Lack::Key) { "test-key" } else { "" };
    assert_eq!((asked.len(), asked[0].key.as_str()), (1, key));
    let body = asked[0].body.to_string();
    assert!(body.contains("Begin.") && body.contains("You are the contract's worker."), "{body}");
    scene.close().await;
}

/// What is allowed happens once, with its output.
pub(crate) async fn tool_allowed(bench: Bench) {
    let mut scene = bench.begin_wanting("echo one >> made.txt; cat made.txt", "Done.").await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    assert_eq!(request.call.text, "echo one >> made.txt; cat made.txt");
    assert_eq!((request.call.kind, request.call.shell.as_str()), (ToolKind::Execute, "bash"));
    assert!(!scene.folder.join("made.txt").exists(), "it ran before it was allowed");
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    assert_eq!(scene.idle().await, None);
    assert_eq!(std::fs::read_to_string(scene.folder.join("made.txt")).unwrap(), "one\n");
    assert_eq!(scene.statuses().await, [CallStatus::Succeeded]);
    if scene.has(Lack::Output) {
        assert_eq!(scene.world.output(&session, &request.item).await.trim(), "one");
    }
    assert_eq!(scene.said().await, ["Done."]);
    scene.close().await;
}

/// What is denied does not happen, and the agent is told why.
pub(crate) async fn tool_denied(bench: Bench) {
    let mut scene = bench.begin_wanting("touch made.txt", "Then not.").await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    let reason = "not in this folder, says a person";
    let answer = AnswerRequest {
        request: request.id,
        decision: Decision::Deny,
        reason: Some(reason.to_owned()),
        answers: Default::default(),
        rule: None,
    };
    scene.world.api().answer_request(&caller(), answer).await.unwrap();
    assert_eq!(scene.idle().await, None);
    assert!(!scene.folder.join("made.txt").exists(), "it ran although it was denied");
    assert_eq!(scene.statuses().await, [CallStatus::Denied]);
    let told = scene.asked().last().unwrap().body.to_string();
    assert!(!scene.has(Lack::Reason) || told.contains(reason), "the agent does not know why: {told}");
    if scene.has(Lack::GoesOn) {
        assert_eq!(scene.said().await, ["Then not."]);
    }
    scene.close().await;
}

/// Settings of the user that allow everything, and calls that only look, come to Nox all the same.
pub(crate) async fn own_rules_ask_too(bench: Bench) {
    let program = bench.program;
    let replies = [program.wants_shell("touch made.txt"), program.wants_shell("ls"), Reply::text("Done.")];
    let mut scene = bench.begin_with(replies, |_, places| (program.allow_everything)(places)).await;
    let session = scene.session.clone();
    let first = scene.world.until_asked(&session).await.request;
    assert_eq!(first.call.text, "touch made.txt");
    assert!(!scene.folder.join("made.txt").exists(), "its own rule allowed it");
    scene.world.answer(&first.id, Decision::AllowOnce).await.unwrap();
    let second = scene
        .world
        .until("the second request", |all| {
            all.requests.iter().find(|row| row.request.call.text == "ls").map(|row| row.request.clone())
        })
        .await;
    scene.world.answer(&second.id, Decision::AllowOnce).await.unwrap();
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.statuses().await, [CallStatus::Succeeded, CallStatus::Succeeded]);
    scene.close().await;
}

/// What the folder's own settings and the user's hooks say is not done: nothing starts unasked, nothing answers in place of
/// Nox, and the model server is the one that Nox named.
pub(crate) async fn hooks_decide_nothing(bench: Bench) {
    let program = bench.program;
    let replies = [program.wants_shell("touch made.txt"), Reply::text("Done.")];
    let mut scene = bench.begin_with(replies, |_, places| (program.strangers)(places)).await;
    let session = scene.session.clone();
    let places = Places { own: scene.own.clone(), folder: scene.folder.clone() };
    // One after the other is named; beside what is left, nothing has started. Trials come behind the first, since an agent whose
    // runs fail is kept back.
    for (number, obstacle) in program.never_beside.iter().enumerate() {
        let problem = match number {
            0 => scene.idle().await,
            _ => scene.tried().await,
        };
        let said = match problem {
            Some(Problem::Agent { message, .. } | Problem::NotStarted { message }) => message,
            other => panic!("it does not start: {other:?}"),
        };
        let named = (obstacle.named)(&places);
        assert!(said.contains(&named), "{named} is not named: {said}");
        assert!(scene.asked().is_empty(), "the model was asked");
        (obstacle.remove)(&places);
    }
    if !program.never_beside.is_empty() {
        scene.prompt("Again.").await;
    }
    let asked = scene.world.until_asked(&session).await.request;
    let folder = scene.folder.clone();
    let nothing_came = || {
        let all = UNASKED.iter().chain(&["made.txt"]);
        let came: Vec<&&str> = all.filter(|name| folder.join(name).exists()).collect();
        assert!(came.is_empty(), "{came:?} came without an answer");
    };
    nothing_came();
    scene.world.answer(&asked.id, Decision::Deny).await.unwrap();
    assert_eq!(scene.idle().await, None);
    // Some begin late what they find in the folder.
    nothing_came();
    scene.close().await;
}

/// What a script of the model calls is asked like any other call, and the script goes on with what came of it.
pub(crate) async fn calls_within_a_script(bench: Bench) {
    let (model, script) = bench.program.script.expect("a tool that runs scripts");
    let (name, input) = script("echo one >> made.txt; cat made.txt");
    let replies = [Reply::call(name, input), Reply::text("Done.")];
    let mut scene = bench.begin_with(replies, |agent, _| agent.program.model = Some(model.into())).await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    assert_eq!(request.call.text, "echo one >> made.txt; cat made.txt");
    assert!(!scene.folder.join("made.txt").exists(), "it ran before it was allowed");
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    assert_eq!(scene.idle().await, None);
    assert_eq!(std::fs::read_to_string(scene.folder.join("made.txt")).unwrap(), "one\n");
    assert_eq!(scene.statuses().await, [CallStatus::Succeeded]);
    assert_eq!(scene.said().await, ["Done."]);
    scene.close().await;
}

/// An edit is asked with what it would change; reading within the folder is not asked.
pub(crate) async fn edit_with_diff(bench: Bench) {
    let file = std::cell::OnceCell::new();
    let mut scene = bench
        .begin_with([], |_, places| {
            let path = places.folder.join("a.txt");
            std::fs::write(&path, "alpha\nbeta\n").unwrap();
            file.set(path).unwrap();
        })
        .await;
    let file = file.get().unwrap();
    let path = file.display().to_string();
    // The script needs the path: until then the model's answer has waited for nothing.
    let session = scene.session.clone();
    assert_eq!(scene.idle().await, None);
    let read = scene.program.wants_read(file);
    let reads = read.is_some();
    let edit = [scene.program.wants_edit(file, "beta", "gamma"), Reply::text("Edited.")];
    scene.server.set(Script::of(read.into_iter().chain(edit)));
    scene.prompt("Edit it.").await;
    let request = scene.world.until_asked(&session).await.request;
    let call = &request.call;
    assert_eq!(
        (call.kind, call.outside, call.locations[0].path.as_str()),
        (ToolKind::Edit, false, path.as_str())
    );
    let diff = &call.diff[0];
    assert_eq!((diff.added, diff.removed, diff.cut), (1, 1, false));
    assert!(diff.text.contains(" alpha\n-beta\n+gamma\n"), "{}", diff.text);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "alpha\nbeta\n",
        "it was changed before it was allowed"
    );
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    assert_eq!(scene.idle().await, None);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "alpha\ngamma\n");
    let calls = scene.calls().await;
    let kinds: Vec<_> = calls.iter().map(|(call, status)| (call.kind, *status)).collect();
    let (read, edit) = ((ToolKind::Read, CallStatus::Succeeded), (ToolKind::Edit, CallStatus::Succeeded));
    assert_eq!(kinds, if reads { vec![read, edit] } else { vec![edit] });
    scene.close().await;
}

/// Calls that are wanted at once are asked one by one, and each gets its own answer.
pub(crate) async fn parallel_calls(bench: Bench) {
    let parts = ["touch one", "touch two", "touch three"].map(|command| bench.program.shell_part(command));
    let parts = parts.to_vec();
    let replies = [Reply { parts, ..Reply::default() }, Reply::text("Done.")];
    let mut scene = bench.begin(replies).await;
    for name in ["one", "two", "three"] {
        // Of what stood behind a denial some programs do not ask any more.
        if name == "three" && !scene.has(Lack::Beside) {
            break;
        }
        let text = format!("touch {name}");
        let request = scene
            .world
            .until("each request", |all| {
                all.requests.iter().find(|row| row.request.call.text == text).map(|row| row.request.clone())
            })
            .await;
        let decision = if name == "two" { Decision::Deny } else { Decision::AllowOnce };
        scene.world.answer(&request.id, decision).await.unwrap();
    }
    assert_eq!(scene.idle().await, None);
    let made = ["one", "two", "three"].map(|name| scene.folder.join(name).exists());
    assert_eq!(made, [true, false, scene.has(Lack::Beside)]);
    scene.close().await;
}

/// A text that is interrupted stays as far as it came, and the next prompt is answered.
pub(crate) async fn interrupt_in_a_text(bench: Bench) {
    let long = "word ".repeat(400);
    let mut scene = bench.begin([Reply::text(&long).slow(50), Reply::text("Second.")]).await;
    let writing = scene
        .until_item("a text that is being written", |body| matches!(body, ItemBody::Writing { .. }))
        .await;
    scene.world.until_output(&scene.session, &writing.id, "word word").await;
    scene.interrupt().await;
    assert_eq!(scene.idle().await, None);
    let said = scene.said().await;
    assert!(said.len() == 1 && said[0].starts_with("word") && said[0].len() < long.len() / 2, "{said:?}");
    scene.prompt("Again.").await;
    scene.until_said("Second.").await;
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.notes().await, Vec::<String>::new());
    scene.close().await;
}

/// A tool that is interrupted is ended, and the next prompt is answered.
pub(crate) async fn interrupt_in_a_tool(bench: Bench) {
    let mut scene = bench.begin_wanting("tail -f /dev/null", "Second.").await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    scene.world.until_running(&session).await;
    let mark = scene.mark.clone();
    let tails = move || {
        let pids = nox_test_support::processes::marked(&mark);
        let is_tail = |pid: &u32| {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "tail\n")
        };
        pids.iter().filter(|pid| is_tail(pid)).count()
    };
    nox_test_support::poll("the tool's process", async || (tails() > 0).then_some(())).await;
    scene.interrupt().await;
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.statuses().await, [CallStatus::Cancelled]);
    nox_test_support::poll("the end of the tool's process", async || (tails() == 0).then_some(())).await;
    scene.prompt("Again.").await;
    scene.until_said("Second.").await;
    scene.close().await;
}

/// A prompt that waits behind a tool is asked when the tool was interrupted, and is not what was cut off.
pub(crate) async fn prompt_behind_interrupt(bench: Bench) {
    let mut scene = bench.begin_wanting("tail -f /dev/null", "Second.").await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    scene.world.until_running(&session).await;
    scene.prompt("Do this instead.").await;
    scene.interrupt().await;
    scene.until_said("Second.").await;
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.statuses().await, [CallStatus::Cancelled]);
    let told = scene.asked().last().unwrap().body.to_string();
    assert!(told.contains("Do this instead.") && !told.contains("cut off"), "{told}");
    scene.close().await;
}

/// A prompt that comes while it works waits for its turn.
pub(crate) async fn prompt_while_it_works(bench: Bench) {
    let replies = [Reply::text("one two three four five six").slow(200), Reply::text("And the second.")];
    let mut scene = bench.begin(replies).await;
    scene.until_item("a text that is being written", |body| matches!(body, ItemBody::Writing { .. })).await;
    scene.prompt("More.").await;
    let session = scene.session.clone();
    let is_through = |state: &SessionState| matches!(state, SessionState::Idle { problem: None });
    scene.until_said("And the second.").await;
    scene.world.until_state("the end of both", &session, is_through).await;
    assert_eq!(scene.said().await, ["one two three four five six", "And the second."]);
    scene.close().await;
}

/// Tokens and cost are those of the model server, turn by turn.
pub(crate) async fn usage(bench: Bench) {
    let tokens = |input, output| Tokens { input, output };
    let replies = [
        Reply { tokens: tokens(1_000, 50), ..Reply::text("One.") },
        Reply { tokens: tokens(2_000, 70), ..Reply::text("Two.") },
    ];
    let mut scene = bench.begin(replies).await;
    assert_eq!(scene.idle().await, None);
    let first = scene.row().await.usage.expect("usage after the first turn");
    assert_eq!((first.input_tokens.0, first.output_tokens.0), (1_000, 50));
    assert!(!first.model.is_empty(), "{first:?}");
    match scene.has(Lack::Cost) {
        true => assert!(first.cost_micro_usd.is_some_and(|cost| cost.0 > 0), "{first:?}"),
        // One that says nothing is not taken for one that costs nothing.
        false => {
            let free = (scene.program.runtime == Runtime::Llm).then_some(nox_domain::Size(0));
            assert_eq!(first.cost_micro_usd, free, "{first:?}");
        }
    }
    scene.prompt("More.").await;
    scene.until_said("Two.").await;
    assert_eq!(scene.idle().await, None);
    let row = scene.row().await;
    let both = row.usage.expect("usage after both");
    assert_eq!((both.input_tokens.0, both.output_tokens.0), (3_000, 120));
    if scene.has(Lack::Cost) {
        assert!(both.cost_micro_usd > first.cost_micro_usd);
        assert_eq!(row.cost_micro_usd, both.cost_micro_usd);
    }
    scene.close().await;
}

/// A turn of three requests used what all three used.
pub(crate) async fn usage_of_several_requests(bench: Bench) {
    let program = bench.program;
    let asks = |name: &str, input, output| Reply {
        tokens: Tokens { input, output },
        ..program.wants_shell(&format!("touch {name}"))
    };
    let last = Reply { tokens: Tokens { input: 3_000, output: 70 }, ..Reply::text("Done.") };
    let mut scene = bench.begin([asks("one", 1_000, 50), asks("two", 2_000, 60), last]).await;
    let session = scene.session.clone();
    for name in ["one", "two"] {
        let wanted = format!("touch {name}");
        let request = scene.world.until("the request", |all| {
            let mut open = all.requests.iter().filter(|row| row.state == RequestState::Open);
            open.find(|row| row.session == session && row.request.call.text == wanted)
                .map(|row| row.request.id.clone())
        });
        let request = request.await;
        scene.world.answer(&request, Decision::AllowOnce).await.unwrap();
    }
    assert_eq!(scene.idle().await, None);
    let used = scene.row().await.usage.expect("usage after the turn");
    let wanted = if scene.has(Lack::Sums) { (6_000, 180) } else { (3_000, 70) };
    assert_eq!((used.input_tokens.0, used.output_tokens.0), wanted);
    scene.close().await;
}
