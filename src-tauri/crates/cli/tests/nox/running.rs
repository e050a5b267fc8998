//! Exit statuses, output and the JSON form of `nox run`.

use super::support::{World, caller, closed, open_request};
use nix::{sys::signal, unistd::Pid};
use nox_api::dto::AnswerRequest;
use nox_domain::{tool::Decision, words::Words};
use nox_test_support::model::{ModelServer, Reply, Script};
use std::{os::unix::fs::PermissionsExt, path::Path, process::Stdio};

const TWO: &str = "# Two blocks\n\n```sh name=\"First\"\necho one\nprintf 'a '\n```\n\nand\n\n```bash\necho two; pwd\n```\n";

#[test]
fn a_file_runs_in_this_folder_and_standard_output_is_the_programs_alone() {
    let world = World::new();
    world.file("two.md", TWO);
    let ended = world.nox(&["run", "two.md", "--allow", "all"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let folder = world.work().canonicalize().unwrap();
    assert_eq!(ended.out, format!("one\na two\n{}\n", folder.display()));
    let places: Vec<_> = ["▸ 1/2 First", "✓ done", "▸ 2/2 echo two; pwd", "✓ finished"]
        .map(|text| ended.err.find(text).unwrap_or_else(|| panic!("no {text} in {}", ended.err)))
        .to_vec();
    assert!(places.is_sorted(), "{}", ended.err);

    let tasks = world.nox(&["list-tasks", "--json"]).lines();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["task"]["title"], "Two blocks");
    assert_eq!(tasks[0]["task"]["status"], "done");
    assert!(std::fs::metadata(world.home()).unwrap().permissions().mode().trailing_zeros() >= 6);
}

#[test]
fn the_folder_can_be_named_and_is_no_project_after_it() {
    let world = World::new();
    world.file("two.md", TWO);
    let other = world.folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let ended = world.nox(&["run", "two.md", "--allow", "all", "--project", "../other"]);
    assert!(ended.out.ends_with(&format!("{}\n", other.canonicalize().unwrap().display())), "{ended:?}");
    let local = std::fs::read_to_string(world.home().join("local.toml")).unwrap_or_default();
    assert!(!local.contains("other"), "{local}");
}

#[test]
fn the_json_form_has_one_object_a_line_and_the_result_last() {
    let world = World::new();
    let ended = world.nox(&["run", "```sh\necho to out; echo to err >&2\n```", "--allow", "all", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines = ended.lines();
    let result = ended.result();
    assert_eq!(result["status"], "finished");
    assert_eq!(result["exit_code"], 0);
    assert!(result["session_id"].as_str().unwrap().starts_with("ses_"));
    assert!(result["task_id"].as_str().unwrap().starts_with("tsk_"));
    let mut texts = [String::new(), String::new()];
    for line in lines.iter().filter(|line| line["type"] == "output") {
        assert_eq!(line["session"], result["session_id"]);
        for piece in line["pieces"].as_array().unwrap() {
            texts[usize::from(piece["stream"] == "stderr")].push_str(piece["text"].as_str().unwrap());
        }
    }
    assert_eq!(texts, ["to out\n", "to err\n"]);
    let kinds = ["changed", "output", "told", "result"];
    assert!(lines.iter().all(|line| kinds.contains(&line["type"].as_str().unwrap())));
    assert!(ended.out.lines().all(|line| line.starts_with("{\"type\":")));
    assert_eq!(ended.err, "");
}

#[test]
fn a_failure_stops_the_run_with_1() {
    let world = World::new();
    world.file("bad.md", "```sh\nexit 7\n```\n```sh\necho never\n```\n");
    let ended = world.nox(&["run", "bad.md", "--allow", "all"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.err.contains("✗ exit 7") && ended.err.contains("✗ failed"), "{}", ended.err);
    let ended = world.nox(&["run", "bad.md", "--allow", "all", "--json"]);
    assert_eq!(ended.result()["status"], "failed");
}

#[test]
fn a_text_without_blocks_is_a_task_that_says_there_is_nothing_to_run() {
    let world = World::new();
    let ended = world.nox(&["run", "Water the plants"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("there is nothing to run"), "{}", ended.err);
    assert!(world.nox(&["list-tasks"]).out.contains("Water the plants"));
}

#[test]
fn what_cannot_be_used_is_refused_with_2_and_makes_nothing() {
    let world = World::new();
    world.file("good.md", TWO);
    world.file("fence.md", "# A slip\n\n```sh tiemout=3s\necho no\n```\n");
    world.file("notes.txt", "x");
    std::fs::write(world.work().join("latin.md"), b"caf\xe9").unwrap();
    let cases: [(&[&str], &str); 9] = [
        (&["run", "nowhere.md"], "nowhere.md cannot be read"),
        (&["run", "fence.md", "--allow", "all"], "fence.md, line 3: there is no option tiemout"),
        (&["run", "notes.txt"], "no Markdown file"),
        (&["run", "latin.md"], "not UTF-8"),
        (&["run", ""], "empty"),
        (&["run", "good.md", "--agent", "nobody"], "there is no agent nobody"),
        (&["run", "good.md", "--project", "nowhere"], "nowhere cannot be used"),
        (&["run", "good.md", "--allow", "some"], "--allow"),
        (&["dance"], "dance"),
    ];
    for (args, message) in cases {
        let ended = world.nox(args);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{args:?}: {ended:?}");
        assert!(ended.err.contains(message), "{args:?}: {}", ended.err);
    }
    let ended = world.nox(&["run", "fence.md", "--json"]);
    assert_eq!((ended.code, ended.result()["status"].as_str()), (Some(2), Some("error")));
    assert_eq!(world.nox(&["list-tasks", "--json"]).out, "");
}

#[tokio::test]
async fn without_anybody_to_answer_the_request_stays_open_for_a_later_engine() {
    let world = World::new();
    world.file("two.md", TWO);
    let ended = world.nox(&["run", "two.md", "--json"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let result = ended.result();
    assert_eq!(result["status"], "needs_approval");
    assert!(ended.err.contains("stays open"), "{}", ended.err);
    assert!(world.nox(&["list-tasks"]).out.contains("needs approval"));

    let api = world.open().await;
    for _ in 0..2 {
        let row = open_request(&api).await;
        assert_eq!(row.session.as_str(), result["session_id"].as_str().unwrap());
        let answer = AnswerRequest {
            request: row.request.id,
            decision: Decision::AllowSession,
            reason: None,
            answers: Default::default(),
            rule: None,
        };
        api.answer_request(&caller(), answer).await.unwrap();
    }
    let session = nox_domain::ids::SessionId::parse(result["session_id"].as_str().unwrap()).unwrap();
    assert_eq!(closed(&api, &session).await, Words::Done);
    api.close().await;
}

#[test]
fn allow_once_answers_the_first_request_only() {
    let world = World::new();
    world.file("two.md", TWO);
    let ended = world.nox(&["run", "two.md", "--allow", "once"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(3), "one\na "), "{ended:?}");
}

#[test]
fn a_rule_that_denies_denies_also_with_allow_all() {
    let world = World::new();
    assert_eq!(world.nox(&["run", "```sh\ntrue\n```", "--allow", "all"]).code, Some(0));
    let path = world.home().join("registry/policy.toml");
    let mut policy = std::fs::read_to_string(&path).unwrap_or_default();
    policy.push_str(
        "\n[[rule]]\nid = \"no-echo\"\neffect = \"deny\"\nkind = \"execute\"\nprefix = [\"echo\"]\n",
    );
    std::fs::write(&path, policy).unwrap();
    let ended = world.nox(&["run", "```sh\necho no\n```", "--allow", "all"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.err.contains("denied"), "{}", ended.err);

    let broken = std::fs::read_to_string(&path).unwrap().replace("\"deny\"", "\"denny\"");
    std::fs::write(&path, broken).unwrap();
    let ended = world.nox(&["run", "```sh\necho no\n```", "--allow", "all"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{ended:?}");
    assert!(
        ended.err.contains("policy.toml, line ") && ended.err.contains("--allow cannot"),
        "{}",
        ended.err
    );
}

#[test]
fn large_output_comes_whole_and_in_order() {
    let world = World::new();
    let ended = world.nox(&["run", "```sh\nseq 1 300000\n```", "--allow", "all"]);
    assert_eq!(ended.code, Some(0));
    let expected: String = (1..=300_000).map(|number| format!("{number}\n")).collect();
    assert!(ended.out == expected, "{} bytes of {}", ended.out.len(), expected.len());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = World::new();
    let mut command = world.command(&["run", "```sh\nseq 1 20000\n```", "--allow", "all"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = command.stdout(Stdio::from(writer)).stderr(Stdio::piped()).spawn().unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{said}");
    assert!(!said.contains("panic") && !said.to_lowercase().contains("broken pipe"), "{said}");
}

#[test]
fn ctrl_c_stops_the_session() {
    let world = World::new();
    let mut running = world.start(&["run", "```sh\necho begun >&2\nsleep 600\n```", "--allow", "all"]);
    running.says("begun\n");
    signal::kill(Pid::from_raw(running.child.id() as i32), signal::Signal::SIGINT).unwrap();
    let ended = running.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("✗ stopped"), "{}", ended.err);
    assert!(world.nox(&["list-tasks"]).out.contains("stopped"));
}

#[test]
fn what_acts_on_a_terminal_is_not_passed_on() {
    let world = World::new();
    let ended = world.nox(&[
        "run",
        "```sh name=\"a\u{1b}]0;title\u{7}b\"\nprintf '\\033]52;c;eA==\\007\\033[31mred\\033[0m\\n'\n```",
        "--allow",
        "all",
    ]);
    assert_eq!(ended.out, "\u{1b}[31mred\u{1b}[0m\n", "{ended:?}");
    assert!(!ended.err.contains("\u{1b}]"), "{:?}", ended.err);
}

#[test]
fn an_image_that_is_none_or_that_nobody_is_shown_makes_no_task() {
    let world = World::new();
    world.file("notes.txt", "only words");
    let shown = world.nox(&["run", "echo", "--image", "notes.txt"]);
    assert_eq!(shown.code, Some(2), "{shown:?}");
    assert!(shown.err.contains("the agent runbook is shown no images"), "{shown:?}");
    let made = world.nox(&["agent", "add", "Painter", "--runtime", "claude"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    for (file, why) in [("notes.txt", "no image of a kind that can be shown"), ("gone.png", "cannot be read")]
    {
        let ended = world.nox(&["run", "Look at it.", "--agent", "painter", "--image", file]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains(file) && ended.err.contains(why), "{ended:?}");
    }
    assert!(world.nox(&["list-tasks", "--json"]).lines().is_empty(), "a task was made all the same");
}

/// A picture of one point.
const POINT: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
\0\0\0\rIDATx\x9cc\xf8\xff\xff?\0\x05\xfe\x02\xfe\xa75\x81\x84\0\0\0\0IEND\xaeB`\x82";

#[test]
fn a_file_and_its_images_become_one_task_in_one_step() {
    let world = World::new();
    world.file("look.md", "# Look\n\nWhat is it?\n");
    std::fs::write(world.work().join("a.png"), POINT).unwrap();
    let made =
        world.nox(&["agent", "add", "Painter", "--runtime", "claude", "--command", "/nowhere/to/be/found"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    // Its program is not there, so the turn fails, and with it the command: nobody has to end it.
    let ended = world.nox(&["run", "look.md", "--agent", "painter", "--image", "a.png"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("✗ failed: Claude Code is not there"), "{ended:?}");
    let months = world.home().join("registry").join("tasks");
    let below = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|at| at.path());
    let files: Vec<_> = below(&months).flat_map(|month| below(&month).collect::<Vec<_>>()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("a.png") && text.contains("What is it?"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_over_when_its_agent_has_answered() {
    let world = World::new();
    let server = ModelServer::start(Script::of([Reply::text("Four.")])).await.unwrap();
    let address = server.address();
    let program = ["--runtime", "llm", "--provider", "ollama", "--model", "scripted", "--address", &address];
    let made = world.nox(&[&["agent", "add", "Local"][..], &program].concat());
    assert_eq!(made.code, Some(0), "{made:?}");
    let ended = world.nox(&["run", "What is 2 + 2?", "--agent", "local"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!((ended.out + &ended.err).contains("Four."), "the answer is not shown");
    let ended = world.nox(&["run", "And now?", "--agent", "local", "--json"]);
    assert_eq!((ended.code, &ended.result()["status"]), (Some(0), &"finished".into()));
    let listed = world.nox(&["list-tasks", "--json"]).lines();
    assert_eq!(listed.len(), 2, "{listed:?}");
}
