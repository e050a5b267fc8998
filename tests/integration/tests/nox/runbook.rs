//! What a fence may say, and the world that a block runs in.

use crate::sh;
use nox_api::{
    domain::{
        event::{Closed, PreAllowed, Problem},
        tool::{CallEnd, CallStatus},
    },
    dto::{ChangeAgent, CheckRunbook, CreateAgent, CreateTask},
};
use nox_test_support::{World, caller, processes};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn blocks_have_names_and_folders_and_share_nothing() {
    let mut world = World::open().await;
    let body = "\
```sh name=\"Make a folder\"
mkdir sub
cd sub
export LEFT=over
```

```bash cwd=sub
# where
pwd
echo \"left: ${LEFT:-nothing}\"
[[ -n $BASH_VERSION ]] && echo bash
```
";
    let ran = world.run(body).await;
    assert_eq!(ran.how, Closed::Finished, "{ran:?}");
    assert_eq!(ran.calls[0].title, "Make a folder");
    assert_eq!(ran.calls[1].title, "pwd");
    let folder = world.home().join("scratch").join(ran.task.as_str()).join("sub");
    assert_eq!(ran.calls[1].output, format!("{}\nleft: nothing\nbash\n", folder.display()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_failure_ends_it_unless_the_block_says_continue() {
    let mut world = World::open().await;
    let ran = world
        .run("```sh continue\nfalse\n```\n```sh\necho on; (exit 7); echo not\n```\n```sh\necho never\n```\n")
        .await;
    assert_eq!((ran.how, ran.calls.len()), (Closed::Failed, 2));
    assert_eq!(ran.calls[0].status, CallStatus::Failed);
    assert_eq!(ran.calls[1].output, "on\n");
    assert!(matches!(ran.problem, Some(Problem::ExitCode { exit_code: 7, .. })), "{:?}", ran.problem);
    let progress = world.card(&ran.task).await.progress.unwrap();
    assert_eq!((progress.done, progress.of), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_the_whole_tree() {
    let mut world = World::open().await;
    let mark = processes::new_mark();
    let body = format!("```sh timeout=1\n(setsid sleep 300.{mark} &)\necho begun\nsleep 300 {mark}\n```\n");
    // `sleep` refuses the second word, so the mark rides on the shell.
    let body = body.replace(&format!("sleep 300 {mark}"), &format!("MARK={mark} sh -c 'sleep 300'"));
    let body = body.replace(&format!("sleep 300.{mark}"), &format!("env MARK={mark} sleep 300"));
    let ran = world.run(&body).await;
    assert_eq!(ran.how, Closed::Failed);
    assert!(matches!(ran.calls[0].end, Some(CallEnd::Failed { timed_out: true, .. })), "{:?}", ran.calls);
    assert!(matches!(ran.problem, Some(Problem::TimedOut { seconds: 1, .. })), "{:?}", ran.problem);
    assert_eq!(ran.output(), "begun\n");
    processes::wait_gone(&mark, Duration::from_secs(2)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_option_names_line_and_option_and_nothing_runs() {
    let mut world = World::open().await;
    let body = "First.\n\n```sh\ntouch ran\n```\n\n```sh timout=3\necho\n```\n";
    let ran = world.run(body).await;
    assert_eq!((ran.how, ran.calls.len()), (Closed::Failed, 0));
    let Some(Problem::BadText { line, message }) = &ran.problem else { panic!("{:?}", ran.problem) };
    assert_eq!(*line, 7);
    assert!(message.contains("timout"), "{message}");
    assert!(!world.home().join("scratch").join(ran.task.as_str()).join("ran").exists());
    let check = world.api().check_runbook(CheckRunbook { body: body.into() }).await.unwrap();
    assert_eq!(check.problem.map(|problem| problem.line), Some(7));
    let nothing = world.run("Only words.\n").await;
    assert!(matches!(nothing.problem, Some(Problem::BadText { .. })), "{:?}", nothing.problem);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_the_allowed_one_and_the_agents_own() {
    let mut world = World::open().await;
    let agent = world
        .api()
        .create_agent(
            &caller(),
            CreateAgent {
                name: "With words".into(),
                environment: [("GREETING".to_owned(), "hello".to_owned())].into(),
                ..CreateAgent::default()
            },
        )
        .await
        .unwrap()
        .agent
        .unwrap();
    let input =
        CreateTask { title: "Env".into(), body: sh("env"), agent: Some(agent), ..CreateTask::default() };
    let task = world.create(input).await.unwrap().task.unwrap();
    let session = world.start_with(&task, PreAllowed::All).await.unwrap().session.unwrap();
    let output = world.until_over(&session).await.output();
    let has = |name: &str| output.lines().any(|line| line.starts_with(&format!("{name}=")));
    assert!(output.contains("GREETING=hello\n") && has("PATH") && has("HOME"), "{output}");
    // Set by the test runner for this program; nothing of the kind reaches a block.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(!has("CARGO_MANIFEST_DIR") && !has("NOX_SHIM") && !output.contains("NEXTEST"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_is_closed_and_pipes_keep_their_order() {
    let mut world = World::open().await;
    let ran = world.run(&sh("read line || echo nothing to read\ncat\necho err >&2\nprintf end")).await;
    assert_eq!(ran.how, Closed::Finished, "{ran:?}");
    // The two pipes may meet in the middle of a line; each keeps its own order.
    let without = ran.calls[0].output.replacen("err\n", "", 1);
    assert_eq!(without, "nothing to read\nend");
    assert!(ran.calls[0].output.contains("err\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_stay_and_escapes_that_act_are_gone() {
    let mut world = World::open().await;
    let ran = world
        .run(&sh("printf '\\033[31mred\\033[0m \\033]0;owned\\007 \\033[2J \\033]52;c;aGk=\\033\\\\ \\033P+q\\033\\\\ \\302\\233Kend\\n'"))
        .await;
    let output = ran.output();
    assert!(output.contains("\u{1b}[31mred\u{1b}[0m"), "{output:?}");
    assert!(output.ends_with("end\n"), "{output:?}");
    for bad in ["\u{1b}]", "\u{1b}[2J", "\u{7}", "\u{1b}P", "\u{9b}", "owned"] {
        assert!(!output.contains(bad), "{bad:?} in {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_cd_is_noted_and_a_missing_folder_is_said() {
    let mut world = World::open().await;
    let ran = world.run(&format!("{}{}", sh("cd /"), "```sh cwd=nowhere\necho\n```\n")).await;
    assert_eq!(ran.notes, ["lone_cd"]);
    assert_eq!((ran.how, ran.calls.len()), (Closed::Failed, 2));
    let Some(CallEnd::Failed { problem: Some(problem), .. }) = &ran.calls[1].end else { panic!("{ran:?}") };
    assert!(problem.contains("line 4") && problem.contains("cwd=nowhere"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_folder_of_the_first_block_is_said_before_anything_runs() {
    let mut world = World::open().await;
    let ran = world.run(&format!("Look:\n\n```sh cwd=nowhere\necho\n```\n{}", sh("echo"))).await;
    assert_eq!((ran.how, ran.calls.len()), (Closed::Failed, 0), "{ran:?}");
    let Some(Problem::BadText { line, message }) = &ran.problem else { panic!("{ran:?}") };
    assert!(*line == 3 && message.contains("cwd=nowhere"), "{line}: {message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_agent_starts_nothing() {
    let mut world = World::open().await;
    let ran = world.run(&sh("true")).await;
    let agent = world.card(&ran.task).await.task.agent.unwrap();
    let patch = nox_api::domain::agent::AgentPatch { enabled: Some(false), ..Default::default() };
    world.api().change_agent(&caller(), ChangeAgent { agent, patch, base: None }).await.unwrap();
    let error = world.start_with(&ran.task, PreAllowed::All).await.unwrap_err();
    assert!(error.message.contains("disabled"), "{error:?}");
}
