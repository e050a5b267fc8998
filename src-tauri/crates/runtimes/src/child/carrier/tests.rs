//! The task that carries a child, with real children: small scripts of the shell.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::{
    AgentConnection, Answer, Signals,
    child::{Connection, call_ended, pictures},
    testing,
};
use nox_domain::{
    session::Prompt,
    tool::{CallEnd, ToolCall},
};
use nox_process::Stdin;
use serde_json::json;

const NAMED: Named = Named { title: "Some program", install: "", sign_in: "", shorten: "" };

/// Proposes a call for each line, keeps each line until its call is answered, and ends with the last.
#[derive(Default)]
struct Proposes {
    stands: bool,
    open: HashMap<String, usize>,
    wanted: usize,
}

impl Talk for Proposes {
    fn hear(&mut self, line: &str, out: &mut Vec<Act>) {
        if !std::mem::replace(&mut self.stands, true) {
            out.push(Act::Ready);
        }
        self.open.insert(line.to_owned(), line.len());
        let call = ToolCall { key: line.to_owned(), ..ToolCall::default() };
        out.push(Act::Tell(Signal::Proposed(Box::new(call))));
    }

    fn prompt(&mut self, _: &Asked, _: &mut Vec<Act>) {}

    fn answer(&mut self, answer: &Answer, out: &mut Vec<Act>) {
        self.open.remove(&answer.key);
        self.wanted -= 1;
        out.push(call_ended(answer.key.clone(), CallEnd::Succeeded));
        if self.wanted == 0 {
            out.push(Act::Anew);
        }
    }

    fn interrupt(&mut self, _: &mut Vec<Act>) {}

    fn is_interrupted(&self) -> bool {
        false
    }

    fn over(&mut self, _: &mut Vec<Act>) {}

    fn held_bytes(&self) -> usize {
        self.open.values().sum()
    }
}

fn shell(script: &str) -> SpawnSpec {
    SpawnSpec {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        cwd: "/".into(),
        env: nox_process::allowed_environment(&[]),
        stdin: Stdin::Piped,
        grace: GRACE,
        limits: Default::default(),
    }
}

fn carrier(signals: usize) -> (Carrier, Connection, mpsc::Receiver<(u32, Signal)>) {
    let (sender, told) = mpsc::channel(signals);
    let start = Start { signals: Signals::new(1, sender), ..testing::start().0 };
    let (connection, wishes) = Connection::new();
    (Carrier::new(start, &NAMED, wishes, ""), connection, told)
}

/// An engine that answers each call before it hears the next signal, as a session's actor does.
#[tokio::test]
async fn more_questions_at_once_than_any_queue_holds_are_all_answered() {
    const CALLS: usize = 3_000;
    let (mut carrier, mut connection, mut told) = carrier(16);
    let run = tokio::spawn(async move {
        let mut talk = Proposes { wanted: CALLS, ..Proposes::default() };
        let spec = shell(&format!("seq {CALLS}; exec tail -f /dev/null"));
        let over = carrier.process(&spec, &mut talk, json!({}), None).await;
        carrier.end(over).await;
    });
    let mut ended = 0;
    let all = async {
        while let Some((_, signal)) = told.recv().await {
            match signal {
                Signal::Proposed(call) => {
                    let answer = Answer {
                        key: call.key,
                        item: ItemId::from_uuid(uuid::Uuid::now_v7()),
                        allowed: true,
                        reason: None,
                        by_person: false,
                        answers: Default::default(),
                    };
                    connection.answer(answer).await;
                }
                Signal::CallEnded { .. } => ended += 1,
                Signal::RunEnded { .. } => break,
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("engine and driver wait for each other");
    assert_eq!(ended, CALLS);
    run.await.unwrap();
}

/// Stands at its first line; an interrupt ends its turn and its process. Keeps what it is asked, if it stands.
#[derive(Default)]
struct Leaves(bool, Vec<String>);

impl Talk for Leaves {
    fn hear(&mut self, _: &str, out: &mut Vec<Act>) {
        self.0 = true;
        out.push(Act::Ready);
    }

    fn prompt(&mut self, asked: &Asked, out: &mut Vec<Act>) {
        assert!(self.0, "it does not stand yet");
        self.1.push(asked.text.clone());
        out.push(Act::Anew);
    }

    fn answer(&mut self, _: &Answer, _: &mut Vec<Act>) {}

    fn interrupt(&mut self, out: &mut Vec<Act>) {
        out.push(Act::Tell(Signal::TurnEnded { end: TurnEnd::Cancelled, problem: None }));
        out.push(Act::Anew);
    }

    fn is_interrupted(&self) -> bool {
        false
    }

    fn over(&mut self, _: &mut Vec<Act>) {}
}

#[tokio::test]
async fn what_is_asked_while_a_process_ends_is_asked_in_the_next_one_of_the_same_run() {
    let (mut carrier, mut connection, mut told) = carrier(64);
    // The second one takes its time.
    let second = "[ -e first ] && sleep 0.3; touch first; echo up; exec tail -f /dev/null";
    let folder = tempfile::tempdir().unwrap();
    let spec = shell(&format!("cd '{}'; {second}", folder.path().display()));
    connection.interrupt().await;
    connection.prompt(testing::prompt("next")).await;
    let both = async {
        let mut asked = Vec::new();
        for _ in 0..2 {
            let mut talk = Leaves::default();
            let over = carrier.process(&spec, &mut talk, json!({}), None).await;
            assert!(matches!(over, Over::Anew), "another one is to follow");
            asked.push(talk.1);
        }
        asked
    };
    let asked = tokio::time::timeout(Duration::from_secs(30), both).await.expect("both end");
    assert_eq!(asked, [vec![], vec!["next".to_owned()]]);
    let mut live = 0;
    while let Ok((_, signal)) = told.try_recv() {
        live += usize::from(signal == Signal::Live);
        assert!(!matches!(signal, Signal::RunEnded { .. }), "the run goes on");
    }
    assert_eq!(live, 1, "it stands once");
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_heard_while_a_disk_does_not_answer() {
    let (mut carrier, mut connection, _told) = carrier(64);
    carrier.start.images = Arc::new(pictures::tests::Store);
    let images = vec![pictures::tests::image("slow.png")];
    carrier.start.prompt = Some(Prompt { images, ..testing::prompt("look") });
    let began = Instant::now();
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        connection.stop().await;
    };
    let (first, ()) = tokio::join!(carrier.first(), stopping);
    assert_eq!((first, began.elapsed().as_millis()), (None, 50));
}

#[tokio::test]
async fn a_program_that_never_stands_is_ended_and_says_so() {
    let (mut carrier, _connection, _told) = carrier(16);
    carrier.bounds.start = Duration::from_millis(100);
    let (spec, mut talk) = (shell("exec tail -f /dev/null"), Proposes::default());
    let over = carrier.process(&spec, &mut talk, json!({}), None);
    let over = tokio::time::timeout(Duration::from_secs(30), over).await.expect("it is ended");
    let Over::Refused(Problem::NotStarted { message }) = over else { panic!("it is said") };
    assert!(message.starts_with("Some program did not answer"), "{message}");
    assert!(!message.contains("MCP"), "{message}");
}

/// Says what it hears beside its frames, and stands then.
struct Mutters;

impl Talk for Mutters {
    fn hear(&mut self, _: &str, _: &mut Vec<Act>) {}

    fn aside(&mut self, line: &str, out: &mut Vec<Act>) {
        out.push(Act::Tell(Signal::Noted("aside".into(), line.to_owned())));
    }

    fn prompt(&mut self, _: &Asked, _: &mut Vec<Act>) {}

    fn answer(&mut self, _: &Answer, _: &mut Vec<Act>) {}

    fn interrupt(&mut self, _: &mut Vec<Act>) {}

    fn is_interrupted(&self) -> bool {
        false
    }

    fn over(&mut self, _: &mut Vec<Act>) {}
}

#[tokio::test]
async fn what_a_program_says_beside_its_frames_is_heard_and_services_are_named_when_it_never_stands() {
    let (mut carrier, _connection, mut told) = carrier(16);
    carrier.bounds.start = Duration::from_millis(500);
    for name in ["files", "mail"] {
        carrier.start.services.insert(name.into(), Default::default());
    }
    let (spec, mut talk) = (shell("echo 'mail is late' >&2; exec tail -f /dev/null"), Mutters);
    let over = carrier.process(&spec, &mut talk, json!({}), None);
    let over = tokio::time::timeout(Duration::from_secs(30), over).await.expect("it is ended");
    let Over::Refused(Problem::NotStarted { message }) = over else { panic!("it is said") };
    assert!(message.contains("MCP servers: files, mail."), "{message}");
    let heard = Signal::Noted("aside".into(), "mail is late".into());
    assert_eq!(told.try_recv().ok().map(|(_, signal)| signal), Some(heard));
}

#[tokio::test]
async fn a_program_that_asks_more_than_can_be_kept_is_ended() {
    let (mut carrier, _connection, mut told) = carrier(16);
    tokio::spawn(async move { while told.recv().await.is_some() {} });
    carrier.bounds.held_bytes = 5_000;
    let (spec, mut talk) = (shell("seq 2000; exec tail -f /dev/null"), Proposes::default());
    let over = carrier.process(&spec, &mut talk, json!({}), None);
    let over = tokio::time::timeout(Duration::from_secs(30), over).await.expect("it is ended");
    let Over::Refused(Problem::Agent { message, .. }) = over else { panic!("it is said") };
    assert!(message.contains("more than can be kept"), "{message}");
}
