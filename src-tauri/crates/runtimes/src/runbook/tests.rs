//! Runbooks run for real: shells, folders, time limits, stops and refused calls.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{ItemOutput, OutputStore};
use nox_domain::{
    ids::{ItemId, SessionId},
    tool::OutputDigest,
};
use std::{path::Path, sync::Arc};
use uuid::Uuid;

/// A disk that is full for ever; it rings when something is written.
#[derive(Clone, Default)]
struct Full(Arc<tokio::sync::Notify>);

#[async_trait]
impl ItemOutput for Full {
    async fn write(&mut self, _: Pipe, _: Vec<u8>) {
        self.0.notify_one();
        std::future::pending().await
    }

    async fn finish(self: Box<Self>) -> OutputDigest {
        OutputDigest::default()
    }
}

impl OutputStore for Full {
    fn begin(&self, _: &SessionId, _: &ItemId) -> Box<dyn ItemOutput> {
        Box::new(self.clone())
    }
}

type Inbox = mpsc::Receiver<(u32, Signal)>;

fn begin(text: &str, folder: &Path) -> Result<(impl AgentConnection + use<>, Inbox), Error> {
    begin_on(Full::default(), text, folder)
}

fn begin_on(disk: Full, text: &str, folder: &Path) -> Result<(impl AgentConnection + use<>, Inbox), Error> {
    let (start, inbox) = crate::testing::start();
    let start = Start {
        folder: folder.to_owned(),
        text: text.to_owned(),
        prompt: Some(crate::testing::prompt(text)),
        output: Arc::new(disk),
        ..start
    };
    Ok((connect(start)?, inbox))
}

async fn next(inbox: &mut Inbox) -> Signal {
    tokio::time::timeout(Duration::from_secs(30), inbox.recv()).await.unwrap().unwrap().1
}

async fn until_proposed(inbox: &mut Inbox) -> ToolCall {
    loop {
        if let Signal::Proposed(call) = next(inbox).await {
            return *call;
        }
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Full::default();
    let (mut connection, mut inbox) =
        begin_on(disk.clone(), "```sh\necho full; sleep 600\n```\n", folder.path()).unwrap();
    let call = until_proposed(&mut inbox).await;
    let item = ItemId::from_uuid(Uuid::from_u128(2));
    connection
        .answer(Answer {
            key: call.key,
            item,
            allowed: true,
            reason: None,
            by_person: true,
            answers: Default::default(),
        })
        .await;
    disk.0.notified().await;
    connection.stop().await;
    loop {
        match next(&mut inbox).await {
            Signal::CallEnded { end, output, .. } => {
                assert_eq!((end, output.unwrap().cut_off), (CallEnd::Cancelled, true));
            }
            Signal::RunEnded { how, .. } => return assert_eq!(how, RunEnd::Killed),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_call_says_whether_it_runs_outside_of_the_folder() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().canonicalize().unwrap().join("work");
    std::fs::create_dir_all(folder.join("sub")).unwrap();
    std::fs::create_dir(root.path().join("work-too")).unwrap();
    let link = |name: &str, to: &str| {
        #[cfg(unix)]
        std::os::unix::fs::symlink(to, folder.join(name)).unwrap();
    };
    link("out", "../work-too");
    link("in", "sub");
    for (cwd, outside, shown) in [
        ("sub", false, "work/sub"),
        ("sub/..", false, "work"),
        ("in", false, "work/sub"),
        ("..", true, ""),
        ("../work-too", true, "work-too"),
        ("out", true, "work-too"),
        ("/", true, "/"),
    ] {
        let (_connection, mut inbox) = begin(&format!("```sh cwd={cwd}\ntrue\n```\n"), &folder).unwrap();
        let call = until_proposed(&mut inbox).await;
        assert_eq!(call.outside, outside, "{cwd}");
        assert!(call.folder.ends_with(shown) && !call.folder.contains(".."), "{cwd}: {}", call.folder);
    }
    let (_connection, mut inbox) = begin("```sh\ntrue\n```\n", &folder).unwrap();
    assert!(!until_proposed(&mut inbox).await.outside);
}

#[tokio::test]
async fn a_folder_that_is_missing_for_the_first_block_is_said_with_line_and_option() {
    let folder = tempfile::tempdir().unwrap();
    let bad = begin("# Title\n\n```sh cwd=nowhere\ntrue\n```\n", folder.path()).map(|_| ());
    let Err(Error::BadText { line: 3, message }) = bad else { panic!("{bad:?}") };
    assert!(message.contains("cwd=nowhere"), "{message}");
    // A later block may name what an earlier one makes.
    let text = "```sh\nmkdir sub\n```\n```sh cwd=sub\ntrue\n```\n";
    assert!(begin(text, folder.path()).is_ok());
}
